//! The frame around every message between client and server.

use bytes::BufMut;

use crate::{DecodeError, DecodeErrorKind, Decoded, Limits};

/// The bytes in front of a frame's data: u16 length of the data alone, u16 message type, both
/// little-endian.
pub const HEADER: usize = 4;

/// One frame: a message type and its data, not looked into (napster.txt, section 2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    type_number: u16,
    data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A frame of these data, or `None` for more than 65,535 bytes.
    pub fn new(type_number: u16, data: &'a [u8]) -> Option<Self> {
        (data.len() <= usize::from(u16::MAX)).then_some(Self { type_number, data })
    }

    /// The message type.
    pub fn type_number(&self) -> u16 {
        self.type_number
    }

    /// The data, without the header.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Reads one frame from the start of `bytes`.
    ///
    /// # Errors
    /// [`FrameTooLong`](DecodeErrorKind::FrameTooLong), known from the first two bytes.
    pub fn decode_prefix(bytes: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
            return Ok(Decoded::Partial { needed: HEADER - bytes.len() });
        };
        let len = usize::from(u16::from_le_bytes(*length));
        let max = usize::from(limits.max_data);
        if len > max {
            return Err(DecodeErrorKind::FrameTooLong { len, max }.at(0));
        }
        let Some((type_number, rest)) = rest.split_first_chunk::<2>() else {
            return Ok(Decoded::Partial { needed: HEADER + len - bytes.len() });
        };
        match rest.get(..len) {
            Some(data) => Ok(Decoded::Complete {
                value: Self { type_number: u16::from_le_bytes(*type_number), data },
                consumed: HEADER + len,
            }),
            None => Ok(Decoded::Partial { needed: len - rest.len() }),
        }
    }

    /// Bytes of header and data.
    pub fn encoded_len(&self) -> usize {
        HEADER + self.data.len()
    }

    /// Appends header and data.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        // The constructor and the decoder both hold the length to 16 bits.
        out.put_u16_le(self.data.len() as u16);
        out.put_u16_le(self.type_number);
        out.put_slice(self.data);
    }
}

/// The data as text, whatever is not printable ASCII escaped.
impl core::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Frame({} \"{}\")", self.type_number, self.data.escape_ascii())
    }
}
