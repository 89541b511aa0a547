//! Why a torrent can not be made.

use alloc::string::String;

use thiserror::Error;

use crate::error::DecodeError;
use crate::piece::PieceLength;

/// Why a torrent can not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// A name or a component of a path is empty, `.` or `..`, also with spaces behind it, has a `/` or
    /// NUL in it, or is longer than 255 bytes: [`safe_path`](crate::safe_path()) would leave it out or
    /// refuse it, or take it for several. An empty path, or an empty target of a symbolic link, counts
    /// as one empty component.
    #[error("{component:?} can not be a file's or directory's name")]
    BadComponent {
        /// It.
        component: String,
    },
    /// A path was added twice.
    #[error("path {path:?} is there twice")]
    DuplicatePath {
        /// Its components, with `/` between them.
        path: String,
    },
    /// A path goes through one that is a file.
    #[error("path {path:?} is below {file:?}, which is a file")]
    BelowFile {
        /// The path of the file, with `/` between its components.
        file: String,
        /// The path below it.
        path: String,
    },
    /// A directory without a file.
    #[error("a directory without a file can not be a torrent")]
    NoFiles,
    /// A directory with one file and nothing else. In v2 alone that is the same as the file without a
    /// directory (BEP 52), so it would come back as something else.
    #[error("in v2, a directory of nothing but {file:?} is the same as that file alone")]
    LooksLikeSingleFile {
        /// The file.
        file: String,
    },
    /// The lengths, with padding between files if there is any, add up to more than 63 bits.
    #[error("the files' lengths add up to more than 63 bits")]
    TooLong,
    /// v2 can not have this piece length (BEP 52).
    #[error("a v2 torrent's piece length is a power of two from 16384 on, {} is not", .0.get())]
    PieceLengthOfV2(PieceLength),
    /// Content that comes in order was announced in another order than that of the torrent: in v2,
    /// files are sorted.
    #[error("in v2, files come in the order of their paths, and {path:?} before {before:?}")]
    Unsorted {
        /// The path that was added too late, with `/` between its components.
        path: String,
        /// The path it was added behind.
        before: String,
    },
    /// Piece hashes of v1 alone were given for a torrent that also needs those of v2.
    #[error("a v2 torrent can not be made from v1 piece hashes")]
    NeedsV2Hashes,
    /// More bytes came than the files' lengths said.
    #[error("there is more content than the {expected} bytes announced")]
    TooMuchContent {
        /// How many bytes were expected.
        expected: u64,
    },
    /// Fewer bytes came than the files' lengths said.
    #[error("there are {found} bytes of content, {expected} were announced")]
    ContentMissing {
        /// How many bytes were expected.
        expected: u64,
        /// How many came.
        found: u64,
    },
    /// The hashes of a batch did not come.
    #[error("the hashes of batch {batch} are missing, out of {batches}")]
    BatchMissing {
        /// Which one, from zero.
        batch: usize,
        /// How many there are.
        batches: usize,
    },
    /// The hashes of a batch are those of another plan, which has other batches.
    #[error("the hashes of batch {batch} are not of this plan")]
    WrongBatch {
        /// Which one, from zero.
        batch: usize,
    },
    /// What was written is no valid metainfo: a wrong number of piece hashes, or a limit.
    #[error("the torrent would be invalid: {0}")]
    Invalid(#[from] DecodeError),
}
