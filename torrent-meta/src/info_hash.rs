//! The names of a torrent.

use core::fmt;
use core::str::FromStr;

use sha1::{Digest, Sha1};
use sha2::Sha256;
use thiserror::Error;

/// A v1 info-hash: SHA-1 over the bytes of the info dictionary, as they stand in the file (BEP 3).
///
/// As text it is 40 hexadecimal digits:
///
/// ```
/// use torrent_meta::InfoHash;
///
/// let hash = InfoHash::of(b"");
/// assert_eq!(hash.to_string(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
/// assert_eq!("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709".parse(), Ok(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash(pub [u8; Self::LEN]);

impl InfoHash {
    /// Its length in bytes.
    pub const LEN: usize = 20;

    /// The hash of an info dictionary's bytes.
    pub fn of(info: &[u8]) -> Self {
        Self(Sha1::digest(info).into())
    }
}

/// A v2 info-hash: SHA-256 over the same bytes (BEP 52). As text it is 64 hexadecimal digits.
///
/// Where there is room for 20 bytes only (trackers, the DHT, the handshake between peers), the first
/// 20 stand for it: [`truncated`](Self::truncated).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHashV2(pub [u8; Self::LEN]);

impl InfoHashV2 {
    /// Its length in bytes.
    pub const LEN: usize = 32;

    /// The hash of an info dictionary's bytes.
    pub fn of(info: &[u8]) -> Self {
        Self(Sha256::digest(info).into())
    }

    /// The first 20 bytes.
    pub fn truncated(&self) -> [u8; InfoHash::LEN] {
        let Self([start @ .., _, _, _, _, _, _, _, _, _, _, _, _]) = *self;
        start
    }
}

/// Text that is no info-hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("an info-hash of this version is {digits} hexadecimal digits")]
pub struct ParseInfoHashError {
    /// How many digits it should have.
    pub digits: usize,
}

/// What both have in common.
macro_rules! bytes_and_text {
    ($name:ident) => {
        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; $name::LEN]> for $name {
            fn from(bytes: [u8; $name::LEN]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseInfoHashError;

            fn from_str(text: &str) -> Result<Self, ParseInfoHashError> {
                let mut bytes = [0; Self::LEN];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| ParseInfoHashError { digits: 2 * Self::LEN })?;
                Ok(Self(bytes))
            }
        }
    };
}

bytes_and_text!(InfoHash);
bytes_and_text!(InfoHashV2);
