//! A link as a codec of `tokio_util`.

use std::io;

use bytes::{Buf, BytesMut};
use std::vec::Vec;
use tokio_util::codec::{Decoder, Encoder};

use crate::{
    DecodeError, Frame, Header, Limits, Link, LinkReader, LinkWriter, Message, OwnedMessage,
    Payload,
};

/// Descriptors from and to a connection after its handshake: `Framed::new(stream, LinkCodec::new(…))`.
///
/// A payload that is not what its type says costs that descriptor, not the link: it comes as
/// [`Payload::Unknown`] of its type. What is sent is flushed with every descriptor; where that
/// matters, use [`LinkWriter`] itself.
#[derive(Debug)]
pub struct LinkCodec {
    reader: LinkReader,
    writer: LinkWriter,
    /// What one descriptor became.
    sent: Vec<u8>,
}

impl LinkCodec {
    /// For a link as the handshake agreed on it.
    pub fn new(limits: Limits, link: &Link) -> Self {
        let reader = LinkReader::new(limits, link.inflate);
        Self { reader, writer: LinkWriter::new(link.deflate), sent: Vec::new() }
    }
}

/// Why a codec gives up.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The other side sends what can not be right.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Decoder for LinkCodec {
    type Item = OwnedMessage;
    type Error = CodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<OwnedMessage>, CodecError> {
        loop {
            if let Some(frame) = self.reader.next()? {
                return Ok(Some(message(&frame)));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let taken = self.reader.feed(bytes);
            bytes.advance(taken);
        }
    }

    /// A connection that ends within a descriptor ends with an error.
    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<OwnedMessage>, CodecError> {
        match self.decode(bytes)? {
            None if self.reader.buffered() > 0 => {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            }
            message => Ok(message),
        }
    }
}

fn message(frame: &Frame<'_>) -> OwnedMessage {
    let Header { guid, payload_type, ttl, hops, .. } = frame.header;
    let payload = Payload::decode(payload_type, frame.payload)
        .unwrap_or(Payload::Unknown { payload_type, bytes: frame.payload });
    OwnedMessage { guid, ttl, hops, payload: payload.to_owned() }
}

impl Encoder<Message<'_>> for LinkCodec {
    type Error = CodecError;

    fn encode(&mut self, message: Message<'_>, out: &mut BytesMut) -> Result<(), CodecError> {
        self.sent.clear();
        self.writer.write(&message, &mut self.sent);
        self.writer.flush(&mut self.sent);
        out.extend_from_slice(&self.sent);
        Ok(())
    }
}

impl Encoder<OwnedMessage> for LinkCodec {
    type Error = CodecError;

    fn encode(&mut self, message: OwnedMessage, out: &mut BytesMut) -> Result<(), CodecError> {
        Encoder::<Message<'_>>::encode(self, message.borrow(), out)
    }
}
