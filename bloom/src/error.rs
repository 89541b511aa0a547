//! What can be wrong with parameters, with a filter to be made, with two to be combined, and with bytes.

use thiserror::Error;

use crate::Params;

/// Why no filter has the parameters that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A filter of no bits.
    #[error("m is 0 bits, expected at least 1")]
    NoBits,
    /// More bits than [`Params::MAX_M`].
    #[error("m is {m} bits, expected at most {max}", max = Params::MAX_M)]
    TooManyBits {
        /// The bits asked for, or needed for the keys and rate asked for.
        m: f64,
    },
    /// A filter that looks at no bit accepts everything.
    #[error("k is 0 probes, expected at least 1")]
    NoProbes,
    /// More probes than [`Params::MAX_K`].
    #[error("k is {k} probes, expected at most {max}", max = Params::MAX_K)]
    TooManyProbes {
        /// The probes asked for.
        k: u32,
    },
    /// A blocked filter of less than one block.
    #[error("m is {m} bits, expected at least one block of {block}")]
    LessThanOneBlock {
        /// The bits asked for.
        m: u64,
        /// The bits of a block.
        block: u64,
    },
    /// Empty blocks or words, words that do not fill a block, or more than [`Params::MAX_K`] words
    /// a block.
    #[error(
        "blocks of {block} bits in words of {word}, expected 1 to {max} whole words a block",
        max = Params::MAX_K
    )]
    NoSuchBlock {
        /// The bits of a block.
        block: u32,
        /// The bits of a word; those of a block where there are no words.
        word: u32,
    },
    /// Less memory than the smallest filter of a rate needs.
    #[error("m is {max} bits, expected at least the {m} that the rate takes")]
    MemoryTooSmall {
        /// The bits of the smallest filter.
        m: u64,
        /// The bits allowed.
        max: u64,
    },
    /// Parameters for no keys: every size is best for an empty set.
    #[error("n is 0 keys, expected at least 1")]
    NoKeys,
    /// A rate that is not below 1, or below [`Params::MIN_P`], or no number.
    #[error("p is {p:e}, expected at least {min:e} and below 1", min = Params::MIN_P)]
    RateOutOfRange {
        /// The rate asked for.
        p: f64,
    },
}

/// Why two filters can not be combined: a bit does not mean the same in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MismatchError {
    /// Different sizes or numbers of probes.
    #[error(
        "the other filter has m = {} and k = {}, expected m = {} and k = {}",
        theirs.m(), theirs.k(), ours.m(), ours.k()
    )]
    Params {
        /// The parameters of the filter the method was called on.
        ours: Params,
        /// The parameters of the other filter.
        theirs: Params,
    },
    /// Different hash seeds.
    #[error("the other filter hashes with seed {theirs:#x}, expected {ours:#x}")]
    Seed {
        /// The seed of the filter the method was called on.
        ours: u64,
        /// The seed of the other filter.
        theirs: u64,
    },
    /// Different secret keys, which are not told.
    #[error("the other filter hashes with another secret key")]
    SecretKey,
}

/// Why a filter could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no memory for so many bits.
    #[error("no memory for a filter of {m} bits")]
    OutOfMemory {
        /// The bits of the filter.
        m: u64,
    },
    /// A size that a layout of blocks can not have.
    #[error("m is {m} bits, expected a multiple of 512")]
    NotWholeBlocks {
        /// The bits of the filter.
        m: u64,
    },
    /// A number of probes that the split layout can not have.
    #[error("k is {k} probes, expected 8, one for each word of a block")]
    NotEightProbes {
        /// The probes of the filter.
        k: u32,
    },
    /// Too few words for m bits, or too many.
    #[error("{found} words for the bits, expected {expected}")]
    WordCount {
        /// The words that were given.
        found: usize,
        /// The words that m bits need.
        expected: u64,
    },
    /// The last word has a bit that is none of the filter's.
    #[error("a bit beyond m = {m} is set")]
    StrayBits {
        /// The bits of the filter.
        m: u64,
    },
}

/// Why a [`Scalable`](crate::Scalable) filter could not be made, or could not grow.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum GrowError {
    /// No filter has the parameters that a stage needs.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A stage could not be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A growth that does not grow, or whose rates have no sum.
    #[error(
        "the factor is {factor} and the tightening {tightening}, expected at least 1, and a number \
         above 0 and below 1"
    )]
    Growth {
        /// [`Growth::factor`](crate::Growth::factor).
        factor: u32,
        /// [`Growth::tightening`](crate::Growth::tightening).
        tightening: f64,
    },
}

/// Bytes that are no serialized filter: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct DecodeError {
    /// Where it went wrong, in bytes from the start of what was handed in.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with bytes that are no serialized filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A whole filter was expected, and the bytes end before it does.
    #[error("input ends early, expected at least {needed} more bytes")]
    Truncated {
        /// At least so many bytes are missing.
        needed: usize,
    },
    /// A whole filter was expected, and bytes follow it.
    #[error("{extra} bytes follow the filter, expected the end")]
    TrailingBytes {
        /// How many follow.
        extra: usize,
    },
    /// The first bytes are not those of a filter.
    #[error("found bytes {found:02x?}, expected a filter, which starts with [6f, 62, 66]")]
    Magic {
        /// The first three bytes.
        found: [u8; 3],
    },
    /// A version of the format that this one does not know.
    #[error("version {found}, expected 1")]
    Version {
        /// The version.
        found: u8,
    },
    /// A layout that this version does not know.
    #[error("layout {found}, expected 1 to 4")]
    UnknownLayout {
        /// The number of the layout.
        found: u8,
    },
    /// A filter of another layout than the type it was decoded as.
    #[error("layout {found}, expected {expected}")]
    OtherLayout {
        /// The number of the layout.
        found: u8,
        /// The number of the type's layout.
        expected: u8,
    },
    /// A hasher that this version does not know.
    #[error("hasher {found}, expected 1 or 2")]
    UnknownHasher {
        /// The number of the hasher.
        found: u8,
    },
    /// A filter with another hasher than the type it was decoded as.
    #[error("hasher {found}, expected {expected}")]
    OtherHasher {
        /// The number of the hasher.
        found: u8,
        /// The number of the type's hasher.
        expected: u8,
    },
    /// The filter was made with another secret key than the one handed in.
    #[error("the filter was made with another secret key")]
    OtherKey,
    /// A byte of the header that has no meaning yet is not 0.
    #[error("reserved byte 0x{found:02x}, expected 0")]
    Reserved {
        /// The byte.
        found: u8,
    },
    /// A filter that looks at no bit accepts everything.
    #[error("k is 0 probes, expected at least 1")]
    NoProbes,
    /// More probes than [`Params::MAX_K`].
    #[error("k is {k} probes, expected at most {max}", max = Params::MAX_K)]
    TooManyProbes {
        /// The probes.
        k: u8,
    },
    /// A filter of no bits.
    #[error("m is 0 bits, expected at least 1")]
    NoBits,
    /// More bits, or counters, than [`Params::MAX_M`] or the [`Limits`](crate::Limits).
    #[error("m is {m} bits, expected at most {max}")]
    TooManyBits {
        /// The bits or counters.
        m: u64,
        /// The most there may be.
        max: u64,
    },
    /// Bits beyond m are set.
    #[error("last word 0x{word:016x}, expected zeros above its lowest {used} bits")]
    StrayBits {
        /// The last word.
        word: u64,
        /// How many of its bits are the filter's.
        used: u64,
    },
    /// The layout can not have these parameters, or there is no memory.
    #[error(transparent)]
    Build(BuildError),
}

impl DecodeErrorKind {
    pub(crate) fn at(self, offset: usize) -> DecodeError {
        DecodeError { offset, kind: self }
    }
}
