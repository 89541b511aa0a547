//! What is wrong with bytes that are no metainfo, and where.

use overlay_bencode as bencode;
use thiserror::Error;

/// Bytes that are no metainfo: what is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct DecodeError {
    /// Counted from the start of the input: where the value is that is wrong, or the dictionary that
    /// lacks a key.
    pub offset: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong with the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is not bencoded.
    #[error(transparent)]
    Bencode(bencode::ErrorKind),
    /// The file, its `info`, or an item of `files` is not a dictionary.
    #[error("{what} is not a dictionary")]
    NotADictionary {
        /// Which of them.
        what: &'static str,
    },
    /// A key that must be there is not.
    #[error("key '{key}' is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key's value is of the wrong kind.
    #[error("the value of '{key}' is not {expected}")]
    WrongKind {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// `piece length` is not between 1 and `u32::MAX`.
    #[error("the piece length is not between 1 and {}", u32::MAX)]
    PieceLength,
    /// A length is negative or beyond 63 bits.
    #[error("a file's length is negative or beyond 63 bits")]
    Length,
    /// The files' lengths add up to more than 63 bits.
    #[error("the files' lengths add up to more than 63 bits")]
    TotalOverflow,
    /// `pieces` is no series of SHA-1 hashes.
    #[error("{length} bytes of piece hashes are not a multiple of 20")]
    PiecesLength {
        /// Its length in bytes.
        length: usize,
    },
    /// `pieces` has more or fewer hashes than the content has pieces.
    #[error("{found} piece hashes for {expected} pieces")]
    PieceCount {
        /// How many pieces the content has.
        expected: u64,
        /// How many hashes there are.
        found: u64,
    },
    /// `files` is an empty list.
    #[error("the list of files is empty")]
    NoFiles,
    /// A file's `path` is an empty list.
    #[error("a file's path is empty")]
    EmptyPath,
    /// It has only what BitTorrent v2 (BEP 52) needs, no v1 `pieces`. Hybrids are read as v1.
    #[error("the torrent is v2 only, it has no v1 piece hashes")]
    OnlyV2,
    /// Strict parsing met what lenient parsing only reports.
    #[error(transparent)]
    Deviation(DeviationKind),
}

impl From<bencode::DecodeError> for DecodeError {
    fn from(error: bencode::DecodeError) -> Self {
        let kind = match error.kind {
            bencode::ErrorKind::Deviation(kind) => {
                ErrorKind::Deviation(DeviationKind::Bencode(kind))
            }
            kind => ErrorKind::Bencode(kind),
        };
        Self { offset: error.offset, kind }
    }
}

/// Something that real files contain although BEP 3 forbids it. Strict parsing refuses it, lenient
/// parsing reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Where, as for [`DecodeError::offset`].
    pub offset: usize,
    /// What.
    pub kind: DeviationKind,
}

impl core::fmt::Display for Deviation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

/// A strict parser's error for a deviation.
impl From<Deviation> for DecodeError {
    fn from(deviation: Deviation) -> Self {
        Self { offset: deviation.offset, kind: ErrorKind::Deviation(deviation.kind) }
    }
}

impl From<bencode::Deviation> for Deviation {
    fn from(deviation: bencode::Deviation) -> Self {
        Self { offset: deviation.offset, kind: DeviationKind::Bencode(deviation.kind) }
    }
}

/// How the input deviates from BEP 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DeviationKind {
    /// It is not canonical bencode.
    #[error(transparent)]
    Bencode(bencode::DeviationKind),
    /// An optional key's value is of the wrong kind; lenient parsing ignores it.
    #[error("the value of '{key}' is not {expected}")]
    Ignored {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The info dictionary has both `length` and `files`; lenient parsing takes `files`.
    #[error("the torrent has both 'length' and 'files'")]
    LengthAndFiles,
}
