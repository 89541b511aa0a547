//! What follows the fixed part of a payload: GGEP blocks, HUGE urns, XML, and whatever else.

use memchr::{memchr2, memchr3};

use crate::{Ggep, GgepItem, Xml};

/// The separator of HUGE, between extensions.
const SEPARATOR: u8 = 0x1c;

/// How often a byte c3 may turn out not to begin a GGEP block. It also begins letters in UTF-8; the
/// bound keeps a walk linear in its input.
const MISSES: u8 = 8;

/// One extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extension<'a> {
    /// A GGEP block.
    Ggep(Ggep<'a>),
    /// A HUGE urn, from `urn:` on; see [`Urn::parse`](crate::Urn::parse). In a query, `urn:` alone
    /// or `urn:sha1:` asks for urns in the answers.
    Urn(&'a [u8]),
    /// XML metadata.
    Xml(Xml<'a>),
    /// Anything else: the `128 kbps 44 kHz 3:10` of old servents, say.
    Other(&'a [u8]),
}

/// An iterator over the extensions of a payload, without allocation.
///
/// They are separated by 1c or NUL bytes (HUGE 0.94, section 3), and a GGEP block ends by itself: it may
/// contain separators. Servents disagree about what is a block of its own, so this goes on wherever a
/// block, a urn or XML can begin, as gtk-gnutella does. Separators are passed over; the raw bytes
/// are still with the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    misses: u8,
}

impl<'a> Extensions<'a> {
    /// The extensions in these bytes.
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, misses: 0 }
    }

    /// The first GGEP extension of this id, in whatever block it is.
    pub fn ggep(mut self, id: &[u8]) -> Option<GgepItem<'a>> {
        self.find_map(|extension| match extension {
            Extension::Ggep(block) => block.find(id),
            _ => None,
        })
    }

    /// All GGEP extensions of all blocks.
    pub fn ggep_items(self) -> impl Iterator<Item = GgepItem<'a>> {
        self.filter_map(|extension| match extension {
            Extension::Ggep(block) => Some(block),
            _ => None,
        })
        .flatten()
    }

    /// The urns, from `urn:` on.
    pub fn urns(self) -> impl Iterator<Item = &'a [u8]> {
        self.filter_map(|extension| match extension {
            Extension::Urn(text) => Some(text),
            _ => None,
        })
    }

    /// The first XML.
    pub fn xml(mut self) -> Option<Xml<'a>> {
        self.find_map(|extension| match extension {
            Extension::Xml(xml) => Some(xml),
            _ => None,
        })
    }

    /// A GGEP block that begins here.
    fn block(&mut self, bytes: &'a [u8]) -> Option<(Ggep<'a>, &'a [u8])> {
        if self.misses == MISSES {
            return None;
        }
        let block = Ggep::split(bytes).ok();
        self.misses += u8::from(block.is_none());
        block
    }

    /// The length of the extension at the start of `bytes` that is nothing special.
    fn other(&mut self, bytes: &'a [u8]) -> usize {
        let begins = |end: &usize| match bytes[*end] {
            SEPARATOR | 0 => true,
            Ggep::MAGIC => self.block(&bytes[*end..]).is_some(),
            b'u' | b'U' => is_urn(&bytes[*end..]),
            b'<' => bytes.get(end + 1).is_some_and(u8::is_ascii_alphabetic),
            _ => false,
        };
        (1..bytes.len()).find(begins).unwrap_or(bytes.len())
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    #[inline]
    fn next(&mut self) -> Option<Extension<'a>> {
        let start = self.rest.iter().position(|&byte| byte != SEPARATOR && byte != 0);
        let bytes = &self.rest[start.unwrap_or(self.rest.len())..];
        let first = *bytes.first()?;
        if first == Ggep::MAGIC
            && let Some((block, rest)) = self.block(bytes)
        {
            self.rest = rest;
            return Some(Extension::Ggep(block));
        }
        let cut = |end: Option<usize>| bytes.split_at(end.unwrap_or(bytes.len()));
        let (extension, rest) = if is_urn(bytes) {
            let (text, rest) = cut(memchr3(SEPARATOR, 0, Ggep::MAGIC, bytes));
            (Extension::Urn(text), rest)
        } else if first == b'<' {
            let (xml, rest) = cut(memchr2(SEPARATOR, 0, bytes));
            (Extension::Xml(Xml::of(xml)), rest)
        } else {
            let (raw, rest) = cut(Some(self.other(bytes)));
            (Extension::Other(raw), rest)
        };
        self.rest = rest;
        Some(extension)
    }
}

fn is_urn(bytes: &[u8]) -> bool {
    matches!(bytes, [b'u' | b'U', b'r' | b'R', b'n' | b'N', b':', ..])
}
