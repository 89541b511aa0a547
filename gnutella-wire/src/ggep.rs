//! GGEP, the Gnutella generic extension protocol: named values in a block.

use alloc::borrow::Cow;
use core::fmt;

use crate::inflate::{inflate_zlib, is_zlib_header};
use crate::{DecodeError, DecodeErrorKind, Limits, cobs};

/// Bits of the byte before an extension's id.
const LAST: u8 = 0x80;
const COBS: u8 = 0x40;
const DEFLATE: u8 = 0x20;
const RESERVED: u8 = 0x10;
const ID_LEN: u8 = 0x0f;

/// Bits of a length byte.
const MORE: u8 = 0x80;
const FINAL: u8 = 0x40;

/// A block of GGEP extensions (RFC-Gnutella 0.6, section 2.3.1). It is an iterator over them.
///
/// All headers in it were checked when it was cut from its input, and what is stuffed (COBS) or
/// deflated was looked at as far as that takes no memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ggep<'a> {
    /// Without the magic byte.
    items: &'a [u8],
}

impl<'a> Ggep<'a> {
    /// The byte that begins a block.
    pub const MAGIC: u8 = 0xc3;
    /// The most bytes an extension holds, as encoded.
    pub const MAX_DATA: usize = (1 << 18) - 1;

    /// Cuts one block from the start of `bytes`; also returns what follows it. It ends after the
    /// extension that is marked as the last, or, as gtk-gnutella allows, with the input.
    ///
    /// # Errors
    /// There is no block, or one that is cut off or malformed.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let fault = |offset, fault| DecodeError { offset, kind: DecodeErrorKind::Ggep { fault } };
        let items = match bytes.split_first() {
            Some((&Self::MAGIC, items)) => items,
            _ => return Err(fault(0, GgepFault::NoMagic)),
        };
        let mut rest = items;
        loop {
            let offset = bytes.len() - rest.len();
            let (item, after) = GgepItem::split(rest, Id::Unknown)
                .map_err(|error| DecodeError { offset: error.offset + offset, ..error })?;
            item.check().map_err(|kind| DecodeError {
                offset: bytes.len() - after.len() - item.raw.len(),
                kind,
            })?;
            rest = after;
            if item.is_last() || rest.is_empty() {
                let length = items.len() - rest.len();
                return Ok((Self { items: &items[..length] }, rest));
            }
        }
    }

    /// The first extension of this id. Ids are compared with case.
    pub fn find(mut self, id: &[u8]) -> Option<GgepItem<'a>> {
        Iterator::find(&mut self, |item| item.id() == id)
    }

    /// Whether the block's last extension is marked as such, as it must be.
    pub fn is_terminated(self) -> bool {
        self.last().is_some_and(|item| item.is_last())
    }

    /// The extensions' bytes: the whole block without its magic byte.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.items
    }
}

impl fmt::Debug for Ggep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ggep")?;
        f.debug_list().entries(*self).finish()
    }
}

impl<'a> Iterator for Ggep<'a> {
    type Item = GgepItem<'a>;

    #[inline]
    fn next(&mut self) -> Option<GgepItem<'a>> {
        let (item, rest) = GgepItem::split(self.items, Id::Checked).ok()?;
        self.items = rest;
        Some(item)
    }
}

/// Whether an id was looked at when its block was cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Checked,
    Unknown,
}

/// One GGEP extension: an id and data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GgepItem<'a> {
    flags: u8,
    id: &'a [u8],
    raw: &'a [u8],
}

impl<'a> GgepItem<'a> {
    /// The id, 1 to 15 printable ASCII characters.
    pub fn id(&self) -> &'a [u8] {
        self.id
    }

    /// Whether it is marked as the last of its block.
    pub fn is_last(&self) -> bool {
        self.flags & LAST != 0
    }

    /// Whether the raw data is stuffed, so that it has no NUL bytes.
    pub fn is_cobs(&self) -> bool {
        self.flags & COBS != 0
    }

    /// Whether the data is deflated.
    pub fn is_deflated(&self) -> bool {
        self.flags & DEFLATE != 0
    }

    /// The data as it was sent.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The data itself: borrowed, unless it has to be unstuffed or inflated first.
    ///
    /// # Errors
    /// The data is no zlib stream, or one longer than [`limits.inflated`](Limits::inflated); offsets
    /// count from the start of the raw data.
    #[inline]
    pub fn data(&self, limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
        if self.flags & (COBS | DEFLATE) == 0 {
            return Ok(Cow::Borrowed(self.raw));
        }
        self.unpacked(limits)
    }

    /// The data, unstuffed and inflated.
    /// The data without allocating: borrowed, or unstuffed into `buffer`, which must be as long as the
    /// raw data is. `None` where that can not be: for deflated data, data that is not what it says, and
    /// a buffer that is too short; [`data`](Self::data) says which.
    pub fn data_in<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        match (self.is_deflated(), self.is_cobs()) {
            (true, _) => None,
            (false, true) => cobs::decode_into(self.raw, buffer),
            (false, false) => Some(self.raw),
        }
    }

    fn unpacked(&self, limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
        let at_start = |kind| DecodeError { offset: 0, kind };
        let unstuffed = if self.is_cobs() {
            let kind = DecodeErrorKind::Ggep { fault: GgepFault::BadCobs };
            Cow::Owned(cobs::decode(self.raw).ok_or(at_start(kind))?)
        } else {
            Cow::Borrowed(self.raw)
        };
        if !self.is_deflated() {
            return Ok(unstuffed);
        }
        inflate_zlib(&unstuffed, limits.inflated).map(Cow::Owned).map_err(at_start)
    }

    /// Cuts one extension, magic byte excluded, from the start of `bytes`.
    #[inline]
    fn split(bytes: &'a [u8], known: Id) -> Result<(Self, &'a [u8]), DecodeError> {
        let fault = |offset, fault| DecodeError { offset, kind: DecodeErrorKind::Ggep { fault } };
        let short = |needed| DecodeError {
            offset: bytes.len(),
            kind: DecodeErrorKind::Truncated { needed },
        };
        let (&flags, after) = bytes.split_first().ok_or(short(3))?;
        if flags & RESERVED != 0 {
            return Err(fault(0, GgepFault::ReservedBit { flags }));
        }
        let id_len = usize::from(flags & ID_LEN);
        if id_len == 0 {
            return Err(fault(0, GgepFault::EmptyId));
        }
        let (id, after) =
            after.split_at_checked(id_len).ok_or(short(id_len.saturating_sub(after.len())))?;
        if known == Id::Unknown
            && let Some(at) = id.iter().position(|byte| !(0x20..0x7f).contains(byte))
        {
            return Err(fault(1 + at, GgepFault::BadId { byte: id[at] }));
        }
        let (length, after) = data_length(after)
            .map_err(|error| DecodeError { offset: error.offset + 1 + id_len, ..error })?;
        let (raw, rest) =
            after.split_at_checked(length).ok_or(short(length.saturating_sub(after.len())))?;
        Ok((Self { flags, id, raw }, rest))
    }

    /// Refuses data that can not be what the flags say.
    fn check(&self) -> Result<(), DecodeErrorKind> {
        let start = if self.is_cobs() {
            if !cobs::is_valid(self.raw) {
                return Err(DecodeErrorKind::Ggep { fault: GgepFault::BadCobs });
            }
            // Neither of a zlib stream's first two bytes is NUL, so that they follow the first code.
            self.raw.get(1..)
        } else {
            Some(self.raw)
        };
        match start {
            _ if !self.is_deflated() => Ok(()),
            Some(&[first, second, ..]) if is_zlib_header(first, second) => Ok(()),
            _ => Err(DecodeErrorKind::BadZlib),
        }
    }
}

/// The id, what was done to the data, and its length.
impl fmt::Debug for GgepItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cobs = if self.is_cobs() { ", cobs" } else { "" };
        let deflated = if self.is_deflated() { ", deflated" } else { "" };
        write!(f, "{}: {} bytes{cobs}{deflated}", self.id.escape_ascii(), self.raw.len())
    }
}

/// One to three bytes of six bits each, the most significant first.
fn data_length(bytes: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    let fault = |offset, fault| DecodeError { offset, kind: DecodeErrorKind::Ggep { fault } };
    let mut length = 0;
    for (offset, &byte) in bytes.iter().enumerate().take(3) {
        length = length << 6 | usize::from(byte & 0x3f);
        match byte & (MORE | FINAL) {
            FINAL => return Ok((length, &bytes[offset + 1..])),
            MORE => {}
            _ => return Err(fault(offset, GgepFault::BadLength { byte })),
        }
    }
    if bytes.len() >= 3 {
        return Err(fault(2, GgepFault::LengthTooLong));
    }
    Err(DecodeError { offset: bytes.len(), kind: DecodeErrorKind::Truncated { needed: 1 } })
}

/// What is wrong with a GGEP block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GgepFault {
    /// It does not begin with c3.
    #[error("no GGEP block, expected c3")]
    NoMagic,
    /// A reserved bit is set.
    #[error("reserved bit 10 set in the flags {flags:02x} of a GGEP extension")]
    ReservedBit {
        /// The flags.
        flags: u8,
    },
    /// An id of no characters.
    #[error("GGEP extension without id")]
    EmptyId,
    /// A byte in an id that no servent writes.
    #[error("byte {byte:02x} in a GGEP id, expected printable ASCII")]
    BadId {
        /// The byte.
        byte: u8,
    },
    /// A length byte that is neither marked as the last nor as followed by another, or both.
    #[error("GGEP length byte {byte:02x}, expected 40 to 7f or 80 to bf")]
    BadLength {
        /// The byte.
        byte: u8,
    },
    /// A length of more than three bytes.
    #[error("GGEP length of more than 3 bytes")]
    LengthTooLong,
    /// Data that is marked as stuffed and is not.
    #[error("GGEP data is not valid COBS")]
    BadCobs,
}
