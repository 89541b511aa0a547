//! What can be wrong with bytes, text, or the nodes of a ring.

/// Bytes that are no message, or text that is no identifier: where, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {kind}")]
pub struct DecodeError {
    /// The offset of the first byte that is wrong, from the start of the message or text.
    pub offset: usize,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with bytes or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The first byte is not this version's.
    #[error("expected the version byte {expected:#04x}, found {found:#04x}")]
    Version {
        /// The version spoken here.
        expected: u8,
        /// What came.
        found: u8,
    },
    /// There is no such message.
    #[error("there is no message kind {found:#04x}")]
    Kind {
        /// What came.
        found: u8,
    },
    /// The message ended inside a field.
    #[error("{field} needs {needed} bytes, but the body has {left} left")]
    Short {
        /// The field's name.
        field: &'static str,
        /// Its length in bytes.
        needed: usize,
        /// What the body still has.
        left: usize,
    },
    /// Bytes follow the last field of a body, or a message that should be the only one.
    #[error("{left} bytes follow the end of the message")]
    Trailing {
        /// How many.
        left: usize,
    },
    /// The input ended before the message did, and no more is to come.
    #[error("the message is cut short: {needed} more bytes are needed")]
    Cut {
        /// At least so many are missing.
        needed: usize,
    },
    /// A byte that chooses between forms has a value with no meaning.
    #[error("{field} can not be {found:#04x}")]
    Tag {
        /// The field's name.
        field: &'static str,
        /// What came.
        found: u8,
    },
    /// A number that is spelled in more bytes than it needs, so it would not come back the same.
    #[error("a number is spelled in more bytes than it needs")]
    NotShortest,
    /// A number beyond what the field can hold.
    #[error("{field} is more than {max}")]
    TooLarge {
        /// The field's name.
        field: &'static str,
        /// The most it may be.
        max: u64,
    },
    /// A character that is no hexadecimal digit.
    #[error("expected a hexadecimal digit, found {found:?}")]
    NotHex {
        /// The character.
        found: char,
    },
    /// A character that is no decimal digit.
    #[error("expected a decimal digit, found {found:?}")]
    NotDecimal {
        /// The character.
        found: char,
    },
    /// A number's text is empty.
    #[error("expected decimal digits, found nothing")]
    NoDigits,
    /// An identifier's text is too short or too long.
    #[error("an identifier has 40 hexadecimal digits, found {digits}")]
    IdLength {
        /// How many digits the text has.
        digits: usize,
    },
}

/// Why identifiers make no [`Ring`](crate::Ring).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// A ring has at least one node.
    #[error("a ring needs at least one node")]
    Empty,
    /// A ring counts its nodes in 32 bits.
    #[error("a ring has at most {max} nodes")]
    TooManyNodes {
        /// The most it can have.
        max: u32,
    },
}
