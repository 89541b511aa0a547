//! What can go wrong between bytes and types.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;

use thiserror::Error;

use crate::error::{DecodeError, ErrorKind, Expected};

/// Bytes that can not be read as the type that was asked for: what is wrong, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct DeserializeError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    offset: Option<usize>,
    kind: DeserializeErrorKind,
}

/// What is wrong with the input, or between it and the type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeserializeErrorKind {
    /// It is no bencoded message; the same error as [`Decoder::decode`](crate::Decoder::decode) gives.
    #[error("{0}")]
    Malformed(ErrorKind),
    /// An integer does not fit 128 bits, the most that serde has.
    #[error("an integer does not fit 128 bits")]
    IntegerOutOfRange,
    /// The type asks for a number with a fraction, which bencode does not have.
    #[error("bencode has no floating-point numbers")]
    Float,
    /// A list has more items, or a dictionary more entries, than the type takes.
    #[error("a list or dictionary has more in it than its type takes")]
    TooMuch,
    /// The type went on after an error in the middle of a list or dictionary, which it did not read
    /// to its end.
    #[error("a value was not read to its end")]
    HalfRead,
    /// Something else than the type expects, in words of serde or of the type.
    #[error("{0}")]
    Unexpected(Box<str>),
}

impl DeserializeError {
    /// Counted from the start of the input. Where the bytes are no message, as
    /// [`DecodeError::offset`]; where they are not what the type wants, the start of the value or
    /// key that it refuses (of the dictionary for a field that is missing).
    pub fn offset(&self) -> usize {
        self.0.offset.unwrap_or_default()
    }

    /// What is wrong.
    pub fn kind(&self) -> &DeserializeErrorKind {
        &self.0.kind
    }

    #[cold]
    pub(super) fn new(offset: usize, kind: DeserializeErrorKind) -> Self {
        Self(Box::new(Inner { offset: Some(offset), kind }))
    }

    /// Where a list's item should start, the list's end would do too. Items do not know that they are
    /// in a list.
    #[cold]
    pub(super) fn of_item(mut self, start: usize) -> Self {
        if let Inner { offset: Some(offset), kind: DeserializeErrorKind::Malformed(kind) } =
            &mut *self.0
            && *offset == start
            && let ErrorKind::UnexpectedByte { expected: expected @ Expected::Value, .. } = kind
        {
            *expected = Expected::ItemOrEnd;
        }
        self
    }

    /// The innermost value knows best: an offset that is there already stays.
    #[cold]
    pub(super) fn at(mut self, offset: usize) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }
}

impl From<DecodeError> for DeserializeError {
    #[cold]
    fn from(error: DecodeError) -> Self {
        Self::new(error.offset, DeserializeErrorKind::Malformed(error.kind))
    }
}

impl fmt::Display for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind(), self.offset())
    }
}

impl fmt::Debug for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeserializeError")
            .field("offset", &self.offset())
            .field("kind", self.kind())
            .finish()
    }
}

impl core::error::Error for DeserializeError {}

impl ::serde::de::Error for DeserializeError {
    /// The reader that called the type adds the offset.
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        let kind = DeserializeErrorKind::Unexpected(message.to_string().into());
        Self(Box::new(Inner { offset: None, kind }))
    }
}

/// A value that has no bencoded form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct SerializeError {
    /// Why it has none.
    pub kind: SerializeErrorKind,
}

/// Why a value has no bencoded form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SerializeErrorKind {
    /// A number with a fraction.
    #[error("bencode has no floating-point numbers")]
    Float,
    /// `None` as a list's item, a variant's content or the whole message: there is no entry to leave
    /// out.
    #[error("there is no bencode for nothing, other than leaving out a dictionary's entry")]
    Nothing,
    /// A map's key is no string.
    #[error("a dictionary's key must be a string")]
    KeyNotString,
    /// Two entries of one dictionary have the same key.
    #[error("two entries have the key \"{}\"", .key.escape_ascii())]
    DuplicateKey {
        /// The key.
        key: Box<[u8]>,
    },
    /// What the type itself says.
    #[error("{0}")]
    Custom(String),
}

impl From<SerializeErrorKind> for SerializeError {
    #[cold]
    fn from(kind: SerializeErrorKind) -> Self {
        Self { kind }
    }
}

impl ::serde::ser::Error for SerializeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        SerializeErrorKind::Custom(message.to_string()).into()
    }
}
