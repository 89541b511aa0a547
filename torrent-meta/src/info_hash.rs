//! The name of a torrent.

use core::fmt;
use core::str::FromStr;

use sha1::{Digest, Sha1};
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

impl AsRef<[u8]> for InfoHash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; Self::LEN]> for InfoHash {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfoHash({self})")
    }
}

impl FromStr for InfoHash {
    type Err = ParseInfoHashError;

    fn from_str(text: &str) -> Result<Self, ParseInfoHashError> {
        let mut bytes = [0; Self::LEN];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseInfoHashError)?;
        Ok(Self(bytes))
    }
}

/// Text that is no info-hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an info-hash is 40 hexadecimal digits")]
pub struct ParseInfoHashError;
