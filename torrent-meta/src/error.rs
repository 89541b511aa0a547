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
    /// The file, its `info`, an item of `files`, or something in the `file tree` is not a dictionary.
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
    /// `piece length` is not between 1 and [`Limits::piece_length`](crate::Limits::piece_length).
    #[error("the piece length is not between 1 and {max}")]
    PieceLength {
        /// The limit.
        max: u32,
    },
    /// The `piece length` of a v2 torrent is not a power of two from 16 KiB on (BEP 52).
    #[error("the piece length {length} is not a power of two from 16384 on, as v2 needs")]
    PieceLengthV2 {
        /// What it is.
        length: u32,
    },
    /// A length is negative or beyond [`Limits::file_length`](crate::Limits::file_length).
    #[error("a file's length is negative or beyond {max}")]
    Length {
        /// The limit.
        max: u64,
    },
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
    /// The content has more pieces than [`Limits::pieces`](crate::Limits::pieces).
    #[error("{pieces} pieces are more than {max}")]
    TooManyPieces {
        /// How many it has.
        pieces: u64,
        /// The limit.
        max: u32,
    },
    /// `meta version` is greater than 2.
    #[error("meta version {version} is not known")]
    UnknownVersion {
        /// What it is.
        version: i64,
    },
    /// There is a `file tree`, as in v2, but no `meta version` of 2.
    #[error("there is a file tree, but the meta version is not 2")]
    MissingVersion,
    /// The info dictionary of a v2 torrent is not canonical bencode, which v1 torrents may be.
    #[error("the info dictionary of a v2 torrent has to be canonical: {0}")]
    NotCanonical(bencode::DeviationKind),
    /// Something in the `file tree` has no name, or is a file and a directory at once.
    #[error("a file or directory in the file tree has no name")]
    NoName,
    /// A file in the `file tree` has the attribute of a pad file, which v2 does not need.
    #[error("a file in the file tree is a pad file")]
    PadFile,
    /// A file in the `file tree` that is not empty has no `pieces root` of 32 bytes, or zeros for one.
    #[error("a file in the file tree has no pieces root")]
    PiecesRoot,
    /// A hybrid torrent has other files, or other lengths or places of them, for v1 than for v2.
    #[error("the v1 files and the v2 files of a hybrid torrent are not the same")]
    Inconsistent,
    /// A piece layer's key is no root of a file with more than one piece, or two layers have the same.
    #[error("a piece layer belongs to no file")]
    PieceLayerRoot,
    /// A piece layer has more or fewer bytes than 32 for each piece of its file.
    #[error("a piece layer has {found} bytes, not 32 for each of {pieces} pieces")]
    PieceLayerLength {
        /// How many pieces its file has.
        pieces: u64,
        /// How many bytes it has.
        found: usize,
    },
    /// A piece layer's hashes do not lead to its root.
    #[error("the hashes of a piece layer do not lead to its root")]
    PieceLayerHash,
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

/// Something that real files contain although the BEPs forbid it. Strict parsing refuses it, lenient
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

/// How the input deviates from the BEPs.
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
    /// A name is there only under the key for UTF-8, such as `path.utf-8`.
    #[error("there is '{key}.utf-8', but no '{key}'")]
    OnlyUtf8 {
        /// The key that is not there.
        key: &'static str,
    },
    /// A pad file has no `path`.
    #[error("a pad file has no path")]
    PadFileWithoutPath,
    /// A symbolic link has no `symlink path`, or an empty one.
    #[error("a symbolic link has no target")]
    LinkWithoutTarget,
    /// A symbolic link has a length, which is taken for zero.
    #[error("a symbolic link has a length")]
    LinkWithLength,
    /// A v2 torrent has more or fewer v1 keys than a hybrid needs; they are ignored.
    #[error("a v2 torrent has '{key}', but not all that v1 needs")]
    HalfV1 {
        /// One that it has.
        key: &'static str,
    },
    /// A file of more than one piece has no piece layer (BEP 52): its pieces can not be checked one
    /// by one before peers send their hashes.
    #[error("a file has no piece layer")]
    NoPieceLayer,
}
