//! What can be wrong with bytes, and with values that have no wire form.

/// Bytes that are no message: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {kind}")]
pub struct DecodeError {
    /// Where in the decoded bytes the trouble is. A frame's header counts: its data start at 4.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end within the message.
    #[error("the message is cut off: at least {needed} more bytes expected")]
    Truncated {
        /// At least so many bytes are missing.
        needed: usize,
    },
    /// More bytes follow the message.
    #[error("{extra} bytes follow the message where none are expected")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A frame announces more data than the limit.
    #[error("the frame announces {len} bytes of data, at most {max} are accepted")]
    FrameTooLong {
        /// The announced length of the data in bytes.
        len: usize,
        /// [`Limits::max_data`](crate::Limits::max_data).
        max: usize,
    },
    /// Nothing stands where a field is expected: the data end, or a second space follows the first.
    #[error("the {field} is missing")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// No single space before a field.
    #[error("expected one space before the {field}, found byte {found:#04x}")]
    ExpectedSpace {
        /// The field's name.
        field: &'static str,
        /// What stands there.
        found: u8,
    },
    /// A field that has to be quoted is not.
    #[error("expected a double quote that opens the {field}, found byte {found:#04x}")]
    ExpectedQuote {
        /// The field's name.
        field: &'static str,
        /// What stands there.
        found: u8,
    },
    /// A quoted field has no end.
    #[error("the {field} has no closing double quote")]
    UnclosedQuote {
        /// The field's name.
        field: &'static str,
    },
    /// A field that is never quoted holds a quote.
    #[error("a double quote within the {field}, which is not a quoted field")]
    UnexpectedQuote {
        /// The field's name.
        field: &'static str,
    },
    /// A field is longer than any this crate encodes.
    #[error("the {field} has {len} bytes, at most {max} are accepted")]
    FieldTooLong {
        /// The field's name.
        field: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The most that is accepted.
        max: usize,
    },
    /// A number field holds something else than digits.
    #[error("expected a decimal digit in the {field}, found byte {found:#04x}")]
    NotANumber {
        /// The field's name.
        field: &'static str,
        /// The first byte that is no digit.
        found: u8,
    },
    /// A number has a zero in front, so that it would not be written back as it was read.
    #[error("the {field} starts with a superfluous zero")]
    LeadingZero {
        /// The field's name.
        field: &'static str,
    },
    /// A number is out of range.
    #[error("the {field} is larger than {max}")]
    NumberTooLarge {
        /// The field's name.
        field: &'static str,
        /// The largest value of the field.
        max: u64,
    },
    /// A search compares with something else than the three known ways.
    #[error("expected \"AT LEAST\", \"AT BEST\" or \"EQUAL TO\"")]
    UnknownComparison,
    /// A search has too many criteria.
    #[error("more than {max} search criteria")]
    TooManyCriteria {
        /// [`MAX_CRITERIA`](crate::MAX_CRITERIA).
        max: usize,
    },
    /// A message that has no data has some.
    #[error("{len} bytes of data in a message that has none")]
    UnexpectedData {
        /// How many.
        len: usize,
    },
    /// The side that accepted a transfer link does not greet.
    #[error("expected the greeting '1', found byte {found:#04x}")]
    ExpectedGreeting {
        /// What stands there.
        found: u8,
    },
    /// The side that opened a transfer link asks for neither direction.
    #[error("expected GET or SEND")]
    ExpectedRequest,
    /// The answer to a transfer request is neither a number nor one of the two refusals.
    #[error("expected decimal digits, INVALID REQUEST or FILE NOT SHARED")]
    ExpectedAnswer,
}

impl DecodeErrorKind {
    pub(crate) const fn at(self, offset: usize) -> DecodeError {
        DecodeError { offset, kind: self }
    }
}

/// A value that has no form on the wire, so that no field can be made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The protocol has no way to write a double quote within a field.
    #[error("a double quote at byte {offset}: the protocol has no escape for it")]
    Quote {
        /// Where in the value.
        offset: usize,
    },
    /// An unquoted field ends at the first space.
    #[error("a space at byte {offset} of a field that is not quoted")]
    Space {
        /// Where in the value.
        offset: usize,
    },
    /// An unquoted field has at least one byte.
    #[error("an empty field that is not quoted")]
    Empty,
    /// What follows the known fields has to start with a space.
    #[error("further fields have to start with a space")]
    NoSpace,
    /// The value is too long.
    #[error("{len} bytes, at most {max} fit")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// A search holds its most criteria already.
    #[error("a search has at most {max} criteria")]
    TooManyCriteria {
        /// [`MAX_CRITERIA`](crate::MAX_CRITERIA).
        max: usize,
    },
    /// What follows an unknown criterion would be read as a part of it.
    #[error("nothing can follow an unknown criterion")]
    AfterUnknown,
}
