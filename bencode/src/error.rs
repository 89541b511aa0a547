//! What is wrong with bytes that are no bencoded message, and where.

use thiserror::Error;

/// Bytes that can not be decoded: what is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct DecodeError {
    /// Counted from the start of the input. For a key, string length or container it is where that
    /// starts, for a byte that should not be there its own place, and for input that ends too early
    /// the input's length.
    pub offset: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong with the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input stops in the middle of the message.
    #[error("input ends too early, at least {needed} more bytes are needed")]
    UnexpectedEnd {
        /// How many more bytes the message needs at least.
        needed: usize,
    },
    /// A byte that can not stand here.
    #[error("unexpected byte 0x{found:02x}, expected {expected}")]
    UnexpectedByte {
        /// The byte.
        found: u8,
        /// What could stand here.
        expected: Expected,
    },
    /// A dictionary's key starts like a value that is not a string.
    #[error("a dictionary's key is not a string, it starts with 0x{found:02x}")]
    KeyNotString {
        /// The key's first byte: `i`, `l` or `d`.
        found: u8,
    },
    /// A dictionary ends after a key.
    #[error("a dictionary ends after a key without a value")]
    MissingValue,
    /// A string's length does not fit 64 bits.
    #[error("a string's length does not fit 64 bits")]
    LengthOverflow,
    /// An integer or a string's length has more digits than [`Limits`](crate::Limits) allow.
    #[error("a number has more than {max} digits")]
    TooManyDigits {
        /// The limit.
        max: usize,
    },
    /// More lists and dictionaries are open at once than [`Limits`](crate::Limits) allow.
    #[error("lists and dictionaries are nested more than {max} deep")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// More tokens than [`Limits`](crate::Limits) allow.
    #[error("more than {max} tokens")]
    TooManyTokens {
        /// The limit.
        max: usize,
    },
    /// The message is, or says it will be, longer than [`Limits`](crate::Limits) allow. The offset is
    /// that of the string that says so, if one does, otherwise how far the input could be read.
    #[error("the message is longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// Strict decoding met what lenient decoding only reports.
    #[error("{0}")]
    Deviation(DeviationKind),
}

/// What could have stood in place of an unexpected byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Expected {
    /// The start of a value.
    #[error("a value (a digit, 'i', 'l' or 'd')")]
    Value,
    /// The start of a list's item, or its end.
    #[error("a list's item or its end 'e'")]
    ItemOrEnd,
    /// A dictionary's key, or its end.
    #[error("a dictionary's key (a digit) or its end 'e'")]
    KeyOrEnd,
    /// An integer's first digit or its minus sign.
    #[error("an integer's digit or '-'")]
    DigitOrMinus,
    /// An integer's first digit after its minus sign.
    #[error("an integer's digit")]
    Digit,
    /// An integer's next digit or its end.
    #[error("an integer's digit or its end 'e'")]
    DigitOrEnd,
    /// A string length's next digit, or the colon after it.
    #[error("a digit of a string's length or ':'")]
    DigitOrColon,
}

/// Something real files contain although the format forbids it (BEP 3: keys sorted as raw bytes, no
/// leading zeros, no `-0`). Strict decoding refuses it, lenient decoding reports it.
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

/// A strict decoder's error for a deviation.
impl From<Deviation> for DecodeError {
    fn from(deviation: Deviation) -> Self {
        Self { offset: deviation.offset, kind: ErrorKind::Deviation(deviation.kind) }
    }
}

/// How the input deviates from canonical bencode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DeviationKind {
    /// A key comes after one that is greater.
    #[error("a key is not in order")]
    UnsortedKey,
    /// A key is there already; [`Dict::find`](crate::Dict::find) finds the first one.
    #[error("a key is there twice")]
    DuplicateKey,
    /// An integer or a string's length has zeros in front.
    #[error("a number starts with a needless zero")]
    LeadingZero,
    /// `i-0e`.
    #[error("an integer is minus zero")]
    NegativeZero,
    /// The message ends before the input does.
    #[error("{count} bytes follow the message")]
    TrailingBytes {
        /// How many bytes are left.
        count: usize,
    },
}
