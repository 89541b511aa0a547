//! Which of the two formats a torrent follows.

use core::fmt;

/// Which format of the info dictionary a torrent has: the old one (BEP 3), the new one (BEP 52), or
/// both at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// BEP 3: a list of files, and SHA-1 of each piece of all files in a row.
    V1,
    /// BEP 52: a tree of files, and for each file the root of a SHA-256 Merkle tree of its own.
    V2,
    /// Both, about the same files: clients of either kind can use it.
    Hybrid,
}

impl Version {
    /// Whether it has what BEP 3 needs, and so an info-hash of 20 bytes.
    pub const fn has_v1(self) -> bool {
        matches!(self, Self::V1 | Self::Hybrid)
    }

    /// Whether it has what BEP 52 needs, and so an info-hash of 32 bytes.
    pub const fn has_v2(self) -> bool {
        matches!(self, Self::V2 | Self::Hybrid)
    }
}

/// `v1`, `v2` or `hybrid`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hybrid => "hybrid",
        })
    }
}
