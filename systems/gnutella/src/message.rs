//! What servents send each other: descriptors between neighbours, heads and data elsewhere.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::{BufMut, Bytes};
use gnutella_wire::{
    DecodeError, DecodeErrorKind, Frame, Guid, Head, Header, Limits, Opening, OwnedHead,
    OwnedPayload, Payload, PayloadType,
};
use overlay_peer::{Coding, Decoded, Wire};

use crate::Settings;
use crate::words::Words;

/// A message on any link of a servent. It takes 16 bytes, because millions of them are queued in a
/// simulation; passing a descriptor on shares its payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A descriptor, between neighbours.
    Descriptor {
        /// How many more times it may be passed on, this one included.
        ttl: u8,
        /// How many times it has been passed on.
        hops: u8,
        /// What does not change on the way.
        descriptor: Arc<Descriptor>,
    },
    /// A text head: handshake, HTTP, GIV.
    Head {
        /// Which one.
        kind: HeadKind,
        /// Its text, as it came.
        head: Box<OwnedHead>,
    },
    /// A piece of a file.
    Data(Box<Bytes>),
}

/// Which text head a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// `GNUTELLA CONNECT/…`
    Connect,
    /// `GNUTELLA OK`, or a refusal.
    Reply,
    /// `GET …`
    Request,
    /// `HTTP/1.1 …`
    Response,
    /// `GIV …`
    Giv,
}

impl Message {
    /// The heap that a descriptor takes, in bytes.
    pub(crate) fn descriptor_bytes(descriptor: &Descriptor) -> usize {
        size_of::<Descriptor>() + descriptor.encoded_len
    }

    pub(crate) fn head(kind: HeadKind, head: OwnedHead) -> Self {
        Self::Head { kind, head: Box::new(head) }
    }
}

/// What of a descriptor does not change on its way: GUID and payload.
#[derive(Clone, Debug)]
pub struct Descriptor {
    guid: Guid,
    payload: OwnedPayload,
    /// Of a query: its keywords, hashed once for all who compare them.
    words: Words,
    encoded_len: usize,
}

impl Descriptor {
    /// A descriptor of this GUID and payload.
    pub fn new(guid: Guid, payload: OwnedPayload) -> Self {
        let words = match &payload {
            OwnedPayload::Query(query) => Words::of(query.borrow().text()),
            _ => Words::default(),
        };
        let encoded_len = Header::LEN + payload.borrow().encoded_len();
        Self { guid, payload, words, encoded_len }
    }

    /// The GUID in its header.
    pub fn guid(&self) -> Guid {
        self.guid
    }

    /// What it says. A payload that is not what its type says is kept as
    /// [`OwnedPayload::Unknown`], with that type: it costs the descriptor, not the link.
    pub fn payload(&self) -> &OwnedPayload {
        &self.payload
    }

    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    fn of_frame(frame: &Frame<'_>) -> Self {
        let Header { guid, payload_type, .. } = frame.header;
        let payload = Payload::decode(payload_type, frame.payload)
            .unwrap_or(Payload::Unknown { payload_type, bytes: frame.payload });
        Self::new(guid, payload.to_owned())
    }
}

impl PartialEq for Descriptor {
    fn eq(&self, other: &Self) -> bool {
        self.guid == other.guid && self.payload == other.payload
    }
}

/// What the next bytes on a link are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// On a link that someone opened to us: a handshake, a request or a `GIV`. In a datagram: a
    /// descriptor.
    #[default]
    Opening,
    /// On a link we opened for a handshake: the answer.
    Reply,
    /// Descriptors.
    Descriptors,
    /// Descriptors, deflated in one direction or both, as the handshake agreed.
    Deflated(Coding),
    /// HTTP requests.
    Request,
    /// The head of an HTTP response.
    Response,
    /// The body of an HTTP response.
    Body {
        /// How many bytes of it are still to come.
        left: u64,
    },
}

impl Wire for Message {
    type Phase = Phase;
    type Error = DecodeError;

    #[inline]
    fn kind(&self) -> u8 {
        match self {
            Self::Descriptor { descriptor, .. } => match descriptor.payload {
                OwnedPayload::Ping(_) => 0,
                OwnedPayload::Pong(_) => 1,
                OwnedPayload::Query(_) => 2,
                OwnedPayload::QueryHit(_) => 3,
                OwnedPayload::Push(_) => 4,
                OwnedPayload::Qrp(_) => 12,
                OwnedPayload::Vendor(_) => 13,
                OwnedPayload::Bye(_) => 14,
                _ => 5,
            },
            Self::Head { kind, .. } => match kind {
                HeadKind::Connect => 6,
                HeadKind::Reply => 7,
                HeadKind::Request => 8,
                HeadKind::Response => 9,
                HeadKind::Giv => 10,
            },
            Self::Data(_) => 11,
        }
    }

    fn kind_name(kind: u8) -> &'static str {
        const NAMES: [&str; 15] = [
            "ping",
            "pong",
            "query",
            "query_hit",
            "push",
            "unknown",
            "connect",
            "connect_reply",
            "http_request",
            "http_response",
            "giv",
            "data",
            "qrp",
            "vendor",
            "bye",
        ];
        NAMES.get(usize::from(kind)).copied().unwrap_or("invalid")
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        match self {
            Self::Descriptor { descriptor, .. } => descriptor.encoded_len,
            Self::Head { head, .. } => head.borrow().encoded_len(),
            Self::Data(bytes) => bytes.len(),
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Descriptor { ttl, hops, descriptor } => {
                let (guid, ttl, hops) = (descriptor.guid, *ttl, *hops);
                let payload = descriptor.payload.borrow();
                gnutella_wire::Message { guid, ttl, hops, payload }.encode(out);
            }
            Self::Head { head, .. } => head.borrow().encode(out),
            Self::Data(bytes) => out.put_slice(bytes),
        }
    }

    fn decode(phase: Phase, bytes: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        match phase {
            // Datagrams are in this phase too.
            Phase::Opening if is_descriptor(bytes) => descriptor(bytes),
            Phase::Opening => match Opening::detect(bytes)? {
                gnutella_wire::Decoded::Complete { value, .. } => head(
                    match value {
                        Opening::Connect => HeadKind::Connect,
                        Opening::Get => HeadKind::Request,
                        Opening::Giv => HeadKind::Giv,
                    },
                    bytes,
                ),
                gnutella_wire::Decoded::Partial { needed } => Ok(Decoded::Partial { needed }),
            },
            Phase::Reply => head(HeadKind::Reply, bytes),
            Phase::Request => head(HeadKind::Request, bytes),
            Phase::Response => head(HeadKind::Response, bytes),
            Phase::Descriptors | Phase::Deflated(_) => descriptor(bytes),
            Phase::Body { left } => body(left, bytes),
        }
    }

    fn coding(phase: Phase) -> Coding {
        if let Phase::Deflated(coding) = phase { coding } else { Coding::PLAIN }
    }
}

fn head(kind: HeadKind, bytes: &[u8]) -> Result<Decoded<Message>, DecodeError> {
    Ok(match Head::decode_prefix(bytes, &Limits::DEFAULT)? {
        gnutella_wire::Decoded::Complete { value, consumed } => {
            Decoded::Complete { value: Message::head(kind, value.to_owned()), consumed }
        }
        gnutella_wire::Decoded::Partial { needed } => Decoded::Partial { needed },
    })
}

fn descriptor(bytes: &[u8]) -> Result<Decoded<Message>, DecodeError> {
    Ok(match Frame::decode_prefix(bytes, &Limits::DEFAULT)? {
        gnutella_wire::Decoded::Complete { value: frame, consumed } => {
            let Header { ttl, hops, .. } = frame.header;
            let descriptor = Arc::new(Descriptor::of_frame(&frame));
            Decoded::Complete { value: Message::Descriptor { ttl, hops, descriptor }, consumed }
        }
        gnutella_wire::Decoded::Partial { needed } => Decoded::Partial { needed },
    })
}

/// Whether these bytes begin a descriptor rather than a text head. The upper bytes of a payload's length
/// are 0 or 1, and no text has such bytes there.
fn is_descriptor(bytes: &[u8]) -> bool {
    matches!(bytes.get(19..Header::LEN), Some([_, _, 0 | 1, 0]))
}

fn body(left: u64, bytes: &[u8]) -> Result<Decoded<Message>, DecodeError> {
    if left == 0 {
        let kind = DecodeErrorKind::TrailingBytes { extra: bytes.len() };
        return Err(DecodeError { offset: 0, kind });
    }
    let most = usize::try_from(left.min(Settings::CHUNK.into())).unwrap_or(usize::MAX);
    Ok(match bytes.len().min(most) {
        0 => Decoded::Partial { needed: 1 },
        consumed => {
            let data = Bytes::copy_from_slice(&bytes[..consumed]);
            Decoded::Complete { value: Message::Data(Box::new(data)), consumed }
        }
    })
}

/// Whether the type is one whose payload this servent understands: an
/// [`OwnedPayload::Unknown`] of such a type is malformed.
pub(crate) fn is_known(payload_type: PayloadType) -> bool {
    matches!(
        payload_type,
        PayloadType::PONG | PayloadType::QUERY | PayloadType::QUERY_HIT | PayloadType::PUSH
    )
}
