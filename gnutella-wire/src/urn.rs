//! HUGE: names of files by what is in them.

use core::fmt;

use data_encoding::BASE32_NOPAD;

use crate::{DecodeError, DecodeErrorKind};

/// The hash a file is known by (HUGE 0.94, section 2), in base32 without padding where it is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urn {
    /// `urn:sha1:` and 32 characters.
    Sha1([u8; 20]),
    /// `urn:bitprint:`, the SHA-1 in 32 characters, a point, the root of the Tiger tree in 39.
    Bitprint {
        /// The SHA-1.
        sha1: [u8; 20],
        /// The root of the Tiger tree (THEX).
        tiger_root: [u8; 24],
    },
    /// `urn:ttroot:` and the root of the Tiger tree in 39 characters.
    TigerRoot([u8; 24]),
}

impl Urn {
    /// Reads a urn. Its scheme and its letters may be of either case; nothing may stand around it.
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(text: &[u8]) -> Result<Self, DecodeError> {
        match strip_prefix(text, b"urn:") {
            Some(rest) => Self::parse_suffix(rest)
                .map_err(|error| DecodeError { offset: error.offset + 4, ..error }),
            None => Err(expected(0, "`urn:sha1:`, `urn:bitprint:` or `urn:ttroot:`")),
        }
    }

    /// Reads a urn without `urn:`, as the GGEP extension `u` has it.
    ///
    /// # Errors
    /// It is none of these; offsets count from the scheme.
    pub fn parse_suffix(text: &[u8]) -> Result<Self, DecodeError> {
        let sha1 = "32 characters of base32";
        let tiger = "39 characters of base32";
        if let Some(digest) = strip_prefix(text, b"sha1:") {
            return base32(digest).map(Self::Sha1).ok_or(expected(5, sha1));
        }
        if let Some(digest) = strip_prefix(text, b"ttroot:") {
            return base32(digest).map(Self::TigerRoot).ok_or(expected(7, tiger));
        }
        let Some(both) = strip_prefix(text, b"bitprint:") else {
            return Err(expected(0, "`sha1:`, `bitprint:` or `ttroot:`"));
        };
        let point = both.iter().position(|&byte| byte == b'.').unwrap_or(both.len());
        let digest = base32(&both[..point]).ok_or(expected(9, sha1))?;
        let root = both.get(point + 1..).and_then(base32);
        let tiger_root = root.ok_or(expected(9 + (point + 1).min(both.len()), tiger))?;
        Ok(Self::Bitprint { sha1: digest, tiger_root })
    }

    /// The SHA-1, if it has one.
    pub fn sha1(&self) -> Option<[u8; 20]> {
        match self {
            Self::Sha1(sha1) | Self::Bitprint { sha1, .. } => Some(*sha1),
            Self::TigerRoot(_) => None,
        }
    }

    /// The root of the Tiger tree, if it has one.
    pub fn tiger_root(&self) -> Option<[u8; 24]> {
        match self {
            Self::TigerRoot(tiger_root) | Self::Bitprint { tiger_root, .. } => Some(*tiger_root),
            Self::Sha1(_) => None,
        }
    }
}

/// As servents write it: the scheme in lower case, base32 in upper case.
impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(sha1) => write!(f, "urn:sha1:{}", BASE32_NOPAD.encode_display(sha1)),
            Self::TigerRoot(root) => {
                write!(f, "urn:ttroot:{}", BASE32_NOPAD.encode_display(root))
            }
            Self::Bitprint { sha1, tiger_root } => {
                let base32 = BASE32_NOPAD;
                let (sha1, root) = (base32.encode_display(sha1), base32.encode_display(tiger_root));
                write!(f, "urn:bitprint:{sha1}.{root}")
            }
        }
    }
}

impl core::str::FromStr for Urn {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        Self::parse(text.as_bytes())
    }
}

fn expected(offset: usize, expected: &'static str) -> DecodeError {
    DecodeError { offset, kind: DecodeErrorKind::Expected { expected } }
}

fn strip_prefix<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Exactly `N` bytes of base32, of either case.
fn base32<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    // The longest, a Tiger root, has 39 characters.
    let mut upper = [0; 40];
    let upper = upper.get_mut(..text.len())?;
    upper.copy_from_slice(text);
    upper.make_ascii_uppercase();
    let mut bytes = [0; N];
    let length = BASE32_NOPAD.decode_len(upper.len()).ok()?;
    if length != N {
        return None;
    }
    BASE32_NOPAD.decode_mut(upper, &mut bytes).ok()?;
    Some(bytes)
}
