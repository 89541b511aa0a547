//! Canonical writing.

use alloc::format;
use alloc::vec::Vec;

use bytes::BufMut;

use crate::integer::{decimal_len, put_decimal};
use crate::value::Value;

impl Value {
    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Integer(number) => number.digits_len() + 2,
            Self::Bytes(bytes) => string_len(bytes),
            Self::List(items) => items.iter().map(Self::encoded_len).sum::<usize>() + 2,
            Self::Dict(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| string_len(key) + value.encoded_len());
                entries.sum::<usize>() + 2
            }
            Self::Raw(raw) => raw.as_bytes().len(),
        }
    }

    /// Appends the value's canonical form (BEP 3).
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        let mut stage = Stage { out, bytes: [0; STAGE] };
        let at = self.stage(&mut stage, 0);
        stage.flush(at);
    }

    fn stage(&self, out: &mut Stage<'_, impl BufMut>, at: usize) -> usize {
        match self {
            Self::Integer(number) => match number.small() {
                Some((negative, magnitude)) => out.integer(negative, magnitude, at),
                None => out.long(format!("i{number}e").as_bytes(), at),
            },
            Self::Bytes(bytes) => out.string(bytes, at),
            Self::List(items) => {
                let mut at = out.byte(b'l', at);
                for item in items {
                    at = match item {
                        Self::Bytes(bytes) => out.string(bytes, at),
                        other => other.stage(out, at),
                    };
                }
                out.byte(b'e', at)
            }
            Self::Dict(entries) => {
                let mut at = out.byte(b'd', at);
                for (key, value) in entries {
                    at = out.string(key, at);
                    // Most are; the others need a frame of their own.
                    at = match value {
                        Self::Bytes(bytes) => out.string(bytes, at),
                        other => other.stage(out, at),
                    };
                }
                out.byte(b'e', at)
            }
            Self::Raw(raw) => out.long(raw.as_bytes(), at),
        }
    }

    /// The value's canonical form.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode(&mut out);
        out
    }
}

/// How long a string's canonical form is.
pub(crate) fn string_len(bytes: &[u8]) -> usize {
    decimal_len(bytes.len() as u64) + 1 + bytes.len()
}

/// Strings shorter than this go on the stage, with a length of at most two digits.
const SHORT: usize = 100;

/// Room that an integer needs: `i`, minus sign, twenty digits, `e`.
const INTEGER: usize = 23;

/// A stage's size.
const STAGE: usize = 128;

/// Most values are small, and a call for each of them would cost more than the copying: they are
/// gathered here and go out together.
///
/// How much is gathered is handed from call to call, so that it stays in a register: kept here, each
/// step would wait for the one before to reach memory.
struct Stage<'o, B> {
    out: &'o mut B,
    bytes: [u8; STAGE],
}

impl<B: BufMut> Stage<'_, B> {
    /// Makes room for so many bytes, at most [`STAGE`].
    #[inline(always)]
    fn room(&mut self, len: usize, at: usize) -> usize {
        if at > STAGE - len { self.flush(at) } else { at }
    }

    #[inline(never)]
    fn flush(&mut self, at: usize) -> usize {
        self.out.put_slice(&self.bytes[..at]);
        0
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8, at: usize) -> usize {
        let at = self.room(1, at);
        self.bytes[at] = byte;
        at + 1
    }

    /// What does not pay to be copied twice.
    #[inline(never)]
    fn long(&mut self, bytes: &[u8], at: usize) -> usize {
        let at = self.flush(at);
        self.out.put_slice(bytes);
        at
    }

    #[inline]
    fn string(&mut self, content: &[u8], at: usize) -> usize {
        let len = content.len();
        if len >= SHORT {
            return self.long_string(content, at);
        }
        let at = self.room(len + 4, at);
        at + fill_string(content, &mut self.bytes[at..])
    }

    #[inline(never)]
    fn long_string(&mut self, content: &[u8], at: usize) -> usize {
        let at = self.room(INTEGER, at);
        let colon = at + put_decimal(content.len() as u64, &mut self.bytes[at..]);
        self.bytes[colon] = b':';
        self.long(content, colon + 1)
    }

    #[inline(never)]
    fn integer(&mut self, negative: bool, magnitude: u64, at: usize) -> usize {
        let at = self.room(INTEGER, at);
        at + fill_integer(negative, magnitude, &mut self.bytes[at..])
    }
}

/// What stands before a string of so many bytes: digits and a colon, and zeros for content to write
/// over.
const HEADERS: [[u8; 4]; SHORT] = {
    let mut headers = [[0; 4]; SHORT];
    let mut len = 0;
    while len < SHORT {
        let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
        headers[len] = if len < 10 { [ones, b':', 0, 0] } else { [tens, ones, b':', 0] };
        len += 1;
    }
    headers
};

/// Writes a short string at the start of `to`, which has room for four bytes more than the content.
/// Tells how long it is.
#[inline(always)]
fn fill_string(content: &[u8], to: &mut [u8]) -> usize {
    let len = content.len();
    let start = if len < 10 { 2 } else { 3 };
    to[..4].copy_from_slice(&HEADERS[len]);
    copy_short(content, &mut to[start..start + len]);
    start + len
}

/// Writes a whole integer, and tells how long that is.
#[inline(always)]
fn fill_integer(negative: bool, magnitude: u64, to: &mut [u8]) -> usize {
    // A minus sign that is not wanted is written over.
    to[..2].copy_from_slice(b"i-");
    let start = 1 + usize::from(negative);
    let end = start + put_decimal(magnitude, &mut to[start..]);
    to[end] = b'e';
    end + 1
}

/// Copies strings of up to [`SHORT`] bytes between slices of equal length. Two moves of a fixed size
/// that overlap in the middle are quicker than a call that has to look at the length.
#[inline(always)]
fn copy_short(from: &[u8], to: &mut [u8]) {
    #[inline(always)]
    fn halves<const N: usize>(from: &[u8], to: &mut [u8]) {
        if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut()) {
            *to = *from;
        }
        if let (Some(from), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut()) {
            *to = *from;
        }
    }
    match from.len() {
        0 => {}
        1..4 => {
            // The same with one byte, and the one in the middle.
            let middle = from.len() / 2;
            to[0] = from[0];
            to[middle] = from[middle];
            to[from.len() - 1] = from[from.len() - 1];
        }
        4..8 => halves::<4>(from, to),
        8..16 => halves::<8>(from, to),
        16..=32 => halves::<16>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// A string's canonical form.
#[cfg(feature = "serde")]
#[inline]
pub(crate) fn put_string(content: &[u8], out: &mut Vec<u8>) {
    // The few bytes too many cost less than a copy whose length is not known.
    const SMALL: usize = 40;
    let len = content.len();
    let start = out.len();
    if len <= SMALL - 4 {
        let mut bytes = [0; SMALL];
        let end = fill_string(content, &mut bytes);
        out.extend_from_slice(&bytes);
        out.truncate(start + end);
    } else {
        let mut header = [0; INTEGER];
        let end = put_decimal(len as u64, &mut header);
        header[end] = b':';
        out.extend_from_slice(&header[..=end]);
        out.extend_from_slice(content);
    }
}

/// An integer's canonical form.
#[cfg(feature = "serde")]
#[inline]
pub(crate) fn put_integer(negative: bool, magnitude: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let mut bytes = [0; 24];
    let len = fill_integer(negative, magnitude, &mut bytes);
    out.extend_from_slice(&bytes);
    out.truncate(start + len);
}
