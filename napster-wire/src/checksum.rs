//! The checksum field of a shared file.

use alloc::string::String;
use alloc::vec;
use core::fmt;

use crate::{FieldError, Word};

/// What a client says a file's checksum is: mostly an MD5 in 32 hex digits, but `WMA-FILE`, all
/// zeros, or a digest with `-` and the size behind it were sent as well. Kept as written.
///
/// The original clients did not hash the whole file but about its first 300,000 bytes, and not all
/// the same (napster.txt, section "MD5"). So equal digests do not prove equal files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum<'a>(Word<'a>);

impl<'a> Checksum<'a> {
    /// What clients sent for Windows Media files in place of a digest.
    pub const WMA: &'static [u8] = b"WMA-FILE";

    /// Any checksum text.
    ///
    /// # Errors
    /// See [`Word`].
    pub fn new(text: impl Into<alloc::borrow::Cow<'a, [u8]>>) -> Result<Self, FieldError> {
        Word::new(text).map(Self)
    }

    pub(crate) fn from_word(word: Word<'a>) -> Self {
        Self(word)
    }

    pub(crate) fn word(&self) -> &Word<'a> {
        &self.0
    }

    /// The digest in lower-case hex.
    pub fn from_md5(md5: [u8; 16]) -> Checksum<'static> {
        let mut text = vec![0; 32];
        // Twice as many hex digits as bytes: it fits.
        let _ = hex::encode_to_slice(md5, &mut text);
        Checksum(Word::new(text).expect("32 hex digits are a word"))
    }

    /// The digest, if there is one: the 32 hex digits in front of the end or of a `-`.
    pub fn md5(&self) -> Option<[u8; 16]> {
        let digits = self.0.as_bytes().split(|byte| *byte == b'-').next()?;
        let mut md5 = [0; 16];
        hex::decode_to_slice(digits, &mut md5).ok()?;
        Some(md5)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The same checksum with its own bytes.
    pub fn into_owned(self) -> Checksum<'static> {
        Checksum(self.0.into_owned())
    }
}

impl fmt::Display for Checksum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(self.as_bytes()))
    }
}
