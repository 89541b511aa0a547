//! Globally unique identifiers of descriptors and servents.

use core::fmt;
use core::str::FromStr;

use crate::{DecodeError, DecodeErrorKind};

/// The 16-byte identifier of a descriptor, or of a servent.
///
/// Bytes 8 = `ff` and 15 = `00` mark a GUID that a modern servent made ([`Guid::marked`]); they are
/// written, never required (RFC-Gnutella 0.6, section 2.2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid([u8; Guid::LEN]);

impl Guid {
    /// Its length in bytes.
    pub const LEN: usize = 16;
    /// All bytes zero, as vendor messages carry it.
    pub const ZERO: Self = Self([0; Self::LEN]);

    /// The GUID of these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The GUID of a slice of exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The same GUID with the two bytes that mark a modern servent's.
    pub const fn marked(mut self) -> Self {
        self.0[8] = 0xff;
        self.0[15] = 0x00;
        self
    }

    /// Whether the two marking bytes are as a modern servent writes them.
    pub const fn is_marked(&self) -> bool {
        self.0[8] == 0xff && self.0[15] == 0x00
    }
}

/// 32 lower-case hexadecimal digits; with `{:X}`, upper-case ones as `GIV` lines often have them.
impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::UpperHex for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

/// Exactly 32 hexadecimal digits of either case.
impl FromStr for Guid {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        Self::parse_hex(text.as_bytes()).ok_or(DecodeError {
            offset: 0,
            kind: DecodeErrorKind::Expected { expected: "32 hexadecimal digits" },
        })
    }
}

impl Guid {
    pub(crate) fn parse_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::LEN];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}
