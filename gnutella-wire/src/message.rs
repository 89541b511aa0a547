//! A whole descriptor: header and payload.

use bytes::BufMut;

use crate::{
    DecodeError, DecodeErrorKind, Decoded, Frame, Guid, Header, Limits, OwnedPayload, Payload,
};

/// A descriptor whose payload borrows from the bytes it was decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Names the descriptor; an answer carries the GUID of what it answers.
    pub guid: Guid,
    /// How many more times it may be passed on, this one included.
    pub ttl: u8,
    /// How many times it has been passed on.
    pub hops: u8,
    /// What it says.
    pub payload: Payload<'a>,
}

impl<'a> Message<'a> {
    /// Reads one whole descriptor within the default [`Limits`].
    ///
    /// # Errors
    /// Bytes that are too few, too many, or not a descriptor. Trailing bytes *inside* the payload
    /// are no error: they are kept as its extension.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match Frame::decode_prefix(bytes, &Limits::DEFAULT)? {
            Decoded::Complete { value, consumed } if consumed == bytes.len() => value.parse(),
            Decoded::Complete { consumed, .. } => Err(DecodeError {
                offset: consumed,
                kind: DecodeErrorKind::TrailingBytes { extra: bytes.len() - consumed },
            }),
            Decoded::Partial { needed } => Err(DecodeError {
                offset: bytes.len(),
                kind: DecodeErrorKind::Truncated { needed },
            }),
        }
    }

    /// Reads one descriptor from the start of `bytes`.
    ///
    /// # Errors
    /// A payload that is longer than the limit, or not what its type says. To go on after the
    /// latter, cut with [`Frame::decode_prefix`] and look into each payload with [`Frame::parse`].
    pub fn decode_prefix(bytes: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        Ok(match Frame::decode_prefix(bytes, limits)? {
            Decoded::Complete { value, consumed } => {
                Decoded::Complete { value: value.parse()?, consumed }
            }
            Decoded::Partial { needed } => Decoded::Partial { needed },
        })
    }

    #[inline]
    pub(crate) fn from_frame(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let Header { guid, payload_type, ttl, hops, .. } = frame.header;
        let payload = Payload::decode(payload_type, frame.payload)
            .map_err(|error| DecodeError { offset: error.offset + Header::LEN, ..error })?;
        Ok(Self { guid, ttl, hops, payload })
    }

    /// The header this descriptor is written with. A payload of 4 GiB or more, which no reader
    /// takes, is announced as `u32::MAX` bytes.
    pub fn header(&self) -> Header {
        Header {
            guid: self.guid,
            payload_type: self.payload.payload_type(),
            ttl: self.ttl,
            hops: self.hops,
            length: u32::try_from(self.payload.encoded_len()).unwrap_or(u32::MAX),
        }
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        Header::LEN + self.payload.encoded_len()
    }

    /// Appends the descriptor's bytes: for a decoded one, the same it was decoded from.
    pub fn encode(&self, out: &mut impl BufMut) {
        self.header().encode(out);
        self.payload.encode(out);
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedMessage {
        OwnedMessage {
            guid: self.guid,
            ttl: self.ttl,
            hops: self.hops,
            payload: self.payload.to_owned(),
        }
    }
}

/// The owned twin of [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedMessage {
    /// As [`Message::guid`].
    pub guid: Guid,
    /// As [`Message::ttl`].
    pub ttl: u8,
    /// As [`Message::hops`].
    pub hops: u8,
    /// What it says.
    pub payload: OwnedPayload,
}

impl OwnedMessage {
    /// The borrowed twin, which encodes.
    pub fn borrow(&self) -> Message<'_> {
        Message { guid: self.guid, ttl: self.ttl, hops: self.hops, payload: self.payload.borrow() }
    }
}
