//! What the values of attributes mean.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use super::{DecodeErrorKind, TransactionId};

/// Why a request was refused (RFC 8489, section 14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// For people; should be UTF-8 of less than 128 characters.
    pub reason: &'a [u8],
}

impl ErrorCode<'_> {
    /// Asks for another server.
    pub const TRY_ALTERNATE: u16 = 300;
    /// The request makes no sense.
    pub const BAD_REQUEST: u16 = 400;
    /// Credentials are wanted, or wrong.
    pub const UNAUTHENTICATED: u16 = 401;
    /// The request has attributes that the server should understand and does not.
    pub const UNKNOWN_ATTRIBUTE: u16 = 420;
    /// The nonce is too old.
    pub const STALE_NONCE: u16 = 438;
    /// The server failed.
    pub const SERVER_ERROR: u16 = 500;
}

/// `420 Unknown Attribute`.
impl fmt::Display for ErrorCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, alloc::string::String::from_utf8_lossy(self.reason))
    }
}

/// Where the answer shall come from (RFC 5780, section 7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeRequest {
    /// From the server's other IP address.
    pub ip: bool,
    /// From the server's other port.
    pub port: bool,
}

impl ChangeRequest {
    const IP: u32 = 0x4;
    const PORT: u32 = 0x2;

    /// The flags as they are sent.
    pub const fn bits(self) -> u32 {
        (self.ip as u32 * Self::IP) | (self.port as u32 * Self::PORT)
    }

    /// What flags mean; others are ignored.
    pub const fn from_bits(bits: u32) -> Self {
        Self { ip: bits & Self::IP != 0, port: bits & Self::PORT != 0 }
    }
}

/// The wire form of a transport address: a zero, the family, port, address (RFC 8489, section 14.1).
#[derive(Clone, Copy)]
pub(super) struct WireAddress {
    bytes: [u8; 20],
    len: usize,
}

impl WireAddress {
    pub(super) fn new(address: SocketAddr) -> Self {
        let mut bytes = [0; 20];
        let [_, family, port_high, port_low, ip @ ..] = &mut bytes;
        [*port_high, *port_low] = address.port().to_be_bytes();
        let len = match address.ip() {
            IpAddr::V4(v4) => {
                *family = 1;
                ip[..4].copy_from_slice(&v4.octets());
                8
            }
            IpAddr::V6(v6) => {
                *family = 2;
                ip.copy_from_slice(&v6.octets());
                20
            }
        };
        Self { bytes, len }
    }

    /// Hidden by the transaction id, magic cookie included (RFC 8489, section 14.2).
    pub(super) fn xored(address: SocketAddr, id: &TransactionId) -> Self {
        Self::new(xor(address, id))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Reads a transport address. `Err(None)`: the length is wrong.
#[inline]
pub(super) fn address(value: &[u8]) -> Result<SocketAddr, Option<DecodeErrorKind>> {
    let (&[_, family, port_high, port_low], ip) = value.split_first_chunk().ok_or(None)?;
    let ip = match family {
        1 => IpAddr::from(*<&[u8; 4]>::try_from(ip).map_err(|_| None)?),
        2 => IpAddr::from(*<&[u8; 16]>::try_from(ip).map_err(|_| None)?),
        found => return Err(Some(DecodeErrorKind::Family { found })),
    };
    Ok(SocketAddr::new(ip, u16::from_be_bytes([port_high, port_low])))
}

/// Hides an address, or shows it again.
#[inline]
pub(super) fn xor(address: SocketAddr, id: &TransactionId) -> SocketAddr {
    let key = id.as_bytes();
    let port = address.port() ^ u16::from_be_bytes([key[0], key[1]]);
    let ip = match address.ip() {
        IpAddr::V4(v4) => {
            let [a, b, c, d, ..] = *key;
            IpAddr::from((u32::from(v4) ^ u32::from_be_bytes([a, b, c, d])).to_be_bytes())
        }
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) ^ u128::from_be_bytes(*key)).to_be_bytes()),
    };
    SocketAddr::new(ip, port)
}
