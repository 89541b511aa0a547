//! IPv4 addresses as the decimal numbers that servers send.

use core::fmt;
use core::net::Ipv4Addr;

/// An IPv4 address as messages 201, 204 and 501 carry it: an "unsigned long" in decimal.
///
/// The servers printed the four address bytes, in network order in memory, as a number of a
/// little-endian machine. So the *first* octet is the *least* significant byte:
///
/// ```
/// use napster_wire::IpNumber;
/// # use core::net::Ipv4Addr;
/// let number = IpNumber::from(Ipv4Addr::new(205, 254, 222, 204));
/// assert_eq!(number.value(), 3_437_166_285);
/// assert_eq!(number.to_ipv4(), Some(Ipv4Addr::new(205, 254, 222, 204)));
/// ```
///
/// The number is the sender's word: one in the protocol's own text does not even fit 32 bits. It is
/// kept as it came, and [`to_ipv4`](Self::to_ipv4) says whether it is an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpNumber(u64);

impl IpNumber {
    /// The number as it is written.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number as it is written.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The address, first octet in the least significant byte; `None` if the number has more than
    /// 32 bits.
    pub fn to_ipv4(self) -> Option<Ipv4Addr> {
        u32::try_from(self.0).ok().map(|value| Ipv4Addr::from(value.to_le_bytes()))
    }
}

impl From<Ipv4Addr> for IpNumber {
    fn from(address: Ipv4Addr) -> Self {
        Self(u64::from(u32::from_le_bytes(address.octets())))
    }
}

impl fmt::Display for IpNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
