//! Why bytes are not a message.

use crate::{GgepFault, PayloadType};

/// Bytes that can not become what was asked for, however many more follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at offset {offset}")]
pub struct DecodeError {
    /// Where it went wrong, in bytes from the start of what was handed in.
    pub offset: usize,
    /// What went wrong.
    pub kind: DecodeErrorKind,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A whole value was expected, and the bytes end before it does.
    #[error("input ends early, expected at least {needed} more bytes")]
    Truncated {
        /// At least so many bytes are missing.
        needed: usize,
    },
    /// A whole value was expected, and bytes follow it.
    #[error("{extra} bytes follow the value, expected the end")]
    TrailingBytes {
        /// How many follow.
        extra: usize,
    },
    /// The header announces a longer payload than the limits allow.
    #[error("payload of {length} bytes announced, expected at most {max}")]
    PayloadTooLong {
        /// The announced length.
        length: u32,
        /// The limit.
        max: usize,
    },
    /// The payload is shorter than its type can be.
    #[error("{payload_type} payload of {length} bytes, expected at least {min}")]
    PayloadTooShort {
        /// The type of the descriptor.
        payload_type: PayloadType,
        /// The payload's length.
        length: usize,
        /// The shortest possible length.
        min: usize,
    },
    /// A query that asks for nothing: no text and no extension.
    #[error("query without text or extension")]
    EmptyQuery,
    /// The results of a query hit end before as many were read as it announces.
    #[error("query hit announces {announced} results, input ends in result {ended_in}")]
    MissingResults {
        /// The announced number.
        announced: u8,
        /// The result (from 1) that is cut off.
        ended_in: u8,
    },
    /// The open data of a query hit's trailer is empty or longer than the trailer.
    #[error("open data of {size} bytes, expected 1 to {left}")]
    OpenDataSize {
        /// The announced size.
        size: u8,
        /// How many bytes are left in the trailer.
        left: usize,
    },
    /// A GGEP block that is none.
    #[error("{fault}")]
    Ggep {
        /// What is wrong with it.
        fault: GgepFault,
    },
    /// Data that is said to be deflated and is no zlib stream.
    #[error("not a zlib stream")]
    BadZlib,
    /// Deflated data that becomes longer than the limit allows.
    #[error("deflated data of more than {max} bytes")]
    InflatedTooLong {
        /// The limit.
        max: usize,
    },
    /// The value of an extension has an impossible length.
    #[error("value of {length} bytes, expected {expected}")]
    ValueLength {
        /// The length.
        length: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// A list in a vendor message does not have the length that its count says.
    #[error("list of {count} entries has {length} bytes, expected {expected}")]
    ListLength {
        /// The count.
        count: u16,
        /// The length that goes with it.
        expected: usize,
        /// The length it has.
        length: usize,
    },
    /// A query routing message that neither resets nor patches a table.
    #[error("query routing message {variant}, expected 0 or 1")]
    QrpVariant {
        /// Its first byte.
        variant: u8,
    },
    /// A text head does not end within the limit.
    #[error("head longer than {max} bytes")]
    HeadTooLong {
        /// The limit.
        max: usize,
    },
    /// A text head has more lines than the limit.
    #[error("head of more than {max} lines")]
    TooManyLines {
        /// The limit.
        max: usize,
    },
    /// The text is not what should stand here.
    #[error("expected {expected}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
    },
    /// A decimal number that is missing or does not fit.
    #[error("no number that fits {bits} bits")]
    BadNumber {
        /// The width of the number.
        bits: u8,
    },
    /// A byte range whose end lies before its start, or past the size.
    #[error("byte range ends before it starts or past the size")]
    BadRange,
}
