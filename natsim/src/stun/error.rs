//! What can be wrong with bytes, with their protection, and with what is to be written.

use super::AttributeType;

/// Bytes that are no STUN message, or an attribute that has no meaning: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {kind}")]
pub struct DecodeError {
    /// Where in the message the trouble is.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with bytes that are no message, or no value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end within the message.
    #[error("the message is cut off: {needed} more bytes expected")]
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
    /// The two upper bits are not zero: some other protocol (RFC 7983 tells which).
    #[error("the first byte is {found:#04x}, a stun message begins with a byte below 0x40")]
    NotStun {
        /// The first byte.
        found: u8,
    },
    /// The length in the header is no multiple of four.
    #[error("the header announces {len} bytes, which is no multiple of four")]
    Unaligned {
        /// The announced length.
        len: u16,
    },
    /// An attribute goes on beyond the end of the message.
    #[error("the attribute {attribute} announces {len} bytes, the message has {left} left")]
    AttributeTruncated {
        /// Its type.
        attribute: AttributeType,
        /// Its announced length, without padding.
        len: u16,
        /// Bytes left, for value and padding.
        left: usize,
    },
    /// A value has a length that its type does not allow.
    #[error("the attribute {attribute} has {len} bytes, expected {expected}")]
    ValueLength {
        /// Its type.
        attribute: AttributeType,
        /// The value's length.
        len: usize,
        /// What is allowed, in words.
        expected: &'static str,
    },
    /// An address of a family that is neither IPv4 (1) nor IPv6 (2).
    #[error("the address family is {found}, expected 1 or 2")]
    Family {
        /// The family.
        found: u8,
    },
    /// An error code outside of 300 to 699.
    #[error("the error code is class {class} number {number}, expected 3 to 6 and 0 to 99")]
    ErrorCode {
        /// Its hundreds.
        class: u8,
        /// The rest.
        number: u8,
    },
    /// Text that is not UTF-8.
    #[error("the attribute {attribute} is not utf-8")]
    NotUtf8 {
        /// Its type.
        attribute: AttributeType,
    },
}

/// Why a message is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The attribute is not there, or stands where it does not count.
    #[error("the message has no {attribute}")]
    Missing {
        /// The attribute.
        attribute: AttributeType,
    },
    /// Another attribute follows the fingerprint.
    #[error("the fingerprint is not the last attribute")]
    NotLast,
    /// The value has a length that its type does not allow.
    #[error("the attribute {attribute} has {len} bytes")]
    ValueLength {
        /// The attribute.
        attribute: AttributeType,
        /// Its length.
        len: usize,
    },
    /// The value is another than that of this message, or of this key.
    #[error("the {attribute} is wrong")]
    Mismatch {
        /// The attribute.
        attribute: AttributeType,
    },
}

/// Why a message could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The slice is too short.
    #[error("no room: {needed} bytes needed, {left} left")]
    Full {
        /// What the next part needs.
        needed: usize,
        /// What was left.
        left: usize,
    },
    /// A value, or all attributes together, are longer than a message can say.
    #[error("the attribute {attribute} makes the message longer than 65,532 bytes and the header")]
    TooLong {
        /// The attribute.
        attribute: AttributeType,
    },
    /// Nobody would look at an attribute there (RFC 8489, section 14.5).
    #[error("the attribute {attribute} can not follow the integrity or the fingerprint")]
    AfterIntegrity {
        /// The attribute.
        attribute: AttributeType,
    },
    /// An error code outside of 300 to 699.
    #[error("the error code is {code}, expected 300 to 699")]
    ErrorCode {
        /// The code.
        code: u16,
    },
}
