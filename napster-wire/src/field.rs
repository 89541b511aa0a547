//! The kinds of text fields: what each can hold, so that it is read back as it was written.
//!
//! The protocol calls itself plain ASCII, but file names came in whatever encoding the user's
//! machine had. So fields are bytes; `Display` shows them as UTF-8 where they are.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::FieldError;

/// The most bytes of a [`Word`], a [`Quoted`] or an [`Extra`]: a message's fields together always
/// fit a frame.
pub const MAX_FIELD: usize = 4096;

macro_rules! text_field {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(Cow<'a, [u8]>);

        impl<'a> $name<'a> {
            /// The field with these bytes.
            ///
            /// # Errors
            /// The bytes can not be written as such a field.
            pub fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, FieldError> {
                let bytes = bytes.into();
                $check(&bytes)?;
                Ok(Self(bytes))
            }

            /// For the decoder, which found the bounds of the field itself.
            pub(crate) fn checked(bytes: &'a [u8]) -> Self {
                debug_assert!($check(bytes).is_ok());
                Self(Cow::Borrowed(bytes))
            }

            /// The bytes, without quotes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The same field with its own bytes.
            pub fn into_owned(self) -> $name<'static> {
                $name(Cow::Owned(self.0.into_owned()))
            }

            /// The same field without a copy, as long as this one lives.
            pub fn borrow(&self) -> $name<'_> {
                $name(Cow::Borrowed(&self.0))
            }
        }

        impl<'a> TryFrom<&'a str> for $name<'a> {
            type Error = FieldError;
            fn try_from(text: &'a str) -> Result<Self, FieldError> {
                Self::new(text.as_bytes())
            }
        }

        impl TryFrom<String> for $name<'static> {
            type Error = FieldError;
            fn try_from(text: String) -> Result<Self, FieldError> {
                Self::new(text.into_bytes())
            }
        }

        impl TryFrom<Vec<u8>> for $name<'static> {
            type Error = FieldError;
            fn try_from(bytes: Vec<u8>) -> Result<Self, FieldError> {
                Self::new(bytes)
            }
        }

        /// As UTF-8, each other byte as U+FFFD.
        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&String::from_utf8_lossy(&self.0))
            }
        }

        /// As text, whatever is not printable ASCII escaped.
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{}\"", self.0.escape_ascii())
            }
        }
    };
}

text_field!(
    /// An unquoted field: a nick, a password, a checksum. One to [`MAX_FIELD`] bytes, no space and
    /// no double quote among them.
    Word,
    check_word
);
text_field!(
    /// A field between double quotes: a file name, the client's name and version. Up to
    /// [`MAX_FIELD`] bytes, which may be none, without a double quote: the protocol has no escape
    /// for one.
    Quoted,
    check_quoted
);
text_field!(
    /// The whole data of a message that is free text: up to 65,535 bytes of any value.
    Text,
    check_text
);
text_field!(
    /// What follows the fields this crate knows: nothing, or a space and up to [`MAX_FIELD`] bytes
    /// in all. Later servers and clients added fields at the end; they are kept and written back.
    Extra,
    check_extra
);

impl Extra<'_> {
    /// Nothing.
    pub const NONE: Extra<'static> = Extra(Cow::Borrowed(&[]));

    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first further field: the bytes between the first space and the next one.
    pub fn first(&self) -> Option<&[u8]> {
        self.0.split(|byte| *byte == b' ').nth(1)
    }
}

/// Nothing.
impl Default for Extra<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

fn check_word(bytes: &[u8]) -> Result<(), FieldError> {
    if bytes.is_empty() {
        return Err(FieldError::Empty);
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == b' ') {
        return Err(FieldError::Space { offset });
    }
    check_quoted(bytes)
}

fn check_quoted(bytes: &[u8]) -> Result<(), FieldError> {
    if let Some(offset) = bytes.iter().position(|byte| *byte == b'"') {
        return Err(FieldError::Quote { offset });
    }
    check_len(bytes, MAX_FIELD)
}

fn check_text(bytes: &[u8]) -> Result<(), FieldError> {
    check_len(bytes, usize::from(u16::MAX))
}

fn check_extra(bytes: &[u8]) -> Result<(), FieldError> {
    match bytes.first() {
        None | Some(b' ') => check_len(bytes, MAX_FIELD),
        Some(_) => Err(FieldError::NoSpace),
    }
}

fn check_len(bytes: &[u8], max: usize) -> Result<(), FieldError> {
    if bytes.len() > max { Err(FieldError::TooLong { len: bytes.len(), max }) } else { Ok(()) }
}
