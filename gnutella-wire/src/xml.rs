//! XML metadata, as queries and hits carry it.

use alloc::borrow::Cow;

use crate::inflate::inflate_zlib;
use crate::{DecodeError, Limits};

/// XML as it was sent. Its text is not looked into.
///
/// In the trailer of a hit LimeWire writes a word in braces before it, which says how it is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xml<'a> {
    raw: &'a [u8],
}

impl<'a> Xml<'a> {
    const DEFLATE: &'static [u8] = b"{deflate}";
    const PLAIN: [&'static [u8]; 2] = [b"{plaintext}", b"{}"];

    pub(crate) const fn of(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The bytes as they were sent, without the NUL that may end them.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// The text: inflated after `{deflate}`, without the word in braces otherwise. Another word is
    /// left where it is.
    ///
    /// # Errors
    /// What follows `{deflate}` is no zlib stream, or longer than
    /// [`limits.inflated`](Limits::inflated).
    pub fn text(&self, limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
        if let Some(packed) = self.raw.strip_prefix(Self::DEFLATE) {
            return inflate_zlib(packed, limits.inflated)
                .map(Cow::Owned)
                .map_err(|kind| DecodeError { offset: Self::DEFLATE.len(), kind });
        }
        let plain = Self::PLAIN.iter().find_map(|word| self.raw.strip_prefix(*word));
        Ok(Cow::Borrowed(plain.unwrap_or(self.raw)))
    }
}
