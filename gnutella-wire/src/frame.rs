//! Framing: where one descriptor ends and the next begins.

use crate::{DecodeError, DecodeErrorKind, Decoded, Header, Limits, Message};

/// A header and its payload, not looked into yet.
///
/// Framing and parsing are two steps, so that a reader can skip a descriptor whose payload makes no
/// sense and go on with the next: the stream is lost only when an announced length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header; its length is the payload's.
    pub header: Header,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Cuts one descriptor from the start of `bytes`.
    ///
    /// # Errors
    /// [`DecodeErrorKind::PayloadTooLong`] as soon as the header is there.
    #[inline]
    pub fn decode_prefix(bytes: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        let header = match Header::decode_prefix(bytes) {
            Decoded::Complete { value, .. } => value,
            Decoded::Partial { needed } => return Ok(Decoded::Partial { needed }),
        };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if length > limits.payload {
            return Err(DecodeError {
                offset: Header::LEN - 4,
                kind: DecodeErrorKind::PayloadTooLong {
                    length: header.length,
                    max: limits.payload,
                },
            });
        }
        let after = &bytes[Header::LEN..];
        Ok(match after.get(..length) {
            Some(payload) => Decoded::Complete {
                value: Self { header, payload },
                consumed: Header::LEN + length,
            },
            None => Decoded::Partial { needed: length - after.len() },
        })
    }

    /// Looks into the payload.
    ///
    /// # Errors
    /// The payload is not what its type says; offsets count from the start of the header.
    #[inline]
    pub fn parse(&self) -> Result<Message<'a>, DecodeError> {
        Message::from_frame(self)
    }
}
