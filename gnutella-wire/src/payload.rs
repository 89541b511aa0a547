//! What a descriptor says.

use alloc::boxed::Box;

use bytes::BufMut;

use crate::{
    DecodeError, OwnedPing, OwnedPong, OwnedPush, OwnedQuery, OwnedQueryHit, PayloadType, Ping,
    Pong, Push, Query, QueryHit,
};

/// A descriptor's payload, by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// Who is there?
    Ping(Ping<'a>),
    /// I am, or someone else is.
    Pong(Pong<'a>),
    /// Who has this?
    Query(Query<'a>),
    /// I do.
    QueryHit(QueryHit<'a>),
    /// Open the connection for a transfer to me.
    Push(Push<'a>),
    /// A type this crate does not look into; kept as it is.
    Unknown {
        /// The type byte.
        payload_type: PayloadType,
        /// The whole payload.
        bytes: &'a [u8],
    },
}

impl<'a> Payload<'a> {
    /// Looks into a whole payload.
    ///
    /// # Errors
    /// The payload is not what its type says; offsets count from its start.
    pub fn decode(payload_type: PayloadType, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(match payload_type {
            PayloadType::PING => Self::Ping(Ping { extension: bytes }),
            PayloadType::PONG => Self::Pong(Pong::decode(bytes)?),
            PayloadType::QUERY => Self::Query(Query::decode(bytes)?),
            PayloadType::QUERY_HIT => Self::QueryHit(QueryHit::decode(bytes)?),
            PayloadType::PUSH => Self::Push(Push::decode(bytes)?),
            _ => Self::Unknown { payload_type, bytes },
        })
    }

    /// The type byte that goes with it.
    pub fn payload_type(&self) -> PayloadType {
        match self {
            Self::Ping(_) => PayloadType::PING,
            Self::Pong(_) => PayloadType::PONG,
            Self::Query(_) => PayloadType::QUERY,
            Self::QueryHit(_) => PayloadType::QUERY_HIT,
            Self::Push(_) => PayloadType::PUSH,
            Self::Unknown { payload_type, .. } => *payload_type,
        }
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Ping(ping) => ping.extension.len(),
            Self::Pong(pong) => pong.encoded_len(),
            Self::Query(query) => query.encoded_len(),
            Self::QueryHit(hit) => hit.encoded_len(),
            Self::Push(push) => push.encoded_len(),
            Self::Unknown { bytes, .. } => bytes.len(),
        }
    }

    /// Appends the payload's bytes, without the header.
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Ping(ping) => out.put_slice(ping.extension),
            Self::Pong(pong) => pong.encode(out),
            Self::Query(query) => query.encode(out),
            Self::QueryHit(hit) => hit.encode(out),
            Self::Push(push) => push.encode(out),
            Self::Unknown { bytes, .. } => out.put_slice(bytes),
        }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedPayload {
        match self {
            Self::Ping(ping) => OwnedPayload::Ping(ping.to_owned()),
            Self::Pong(pong) => OwnedPayload::Pong(pong.to_owned()),
            Self::Query(query) => OwnedPayload::Query(query.to_owned()),
            Self::QueryHit(hit) => OwnedPayload::QueryHit(hit.to_owned()),
            Self::Push(push) => OwnedPayload::Push(push.to_owned()),
            Self::Unknown { payload_type, bytes } => {
                OwnedPayload::Unknown { payload_type: *payload_type, bytes: (*bytes).into() }
            }
        }
    }
}

/// The owned twin of [`Payload`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnedPayload {
    /// As [`Payload::Ping`].
    Ping(OwnedPing),
    /// As [`Payload::Pong`].
    Pong(OwnedPong),
    /// As [`Payload::Query`].
    Query(OwnedQuery),
    /// As [`Payload::QueryHit`].
    QueryHit(OwnedQueryHit),
    /// As [`Payload::Push`].
    Push(OwnedPush),
    /// As [`Payload::Unknown`].
    Unknown {
        /// The type byte.
        payload_type: PayloadType,
        /// The whole payload.
        bytes: Box<[u8]>,
    },
}

impl OwnedPayload {
    /// The borrowed twin, which encodes.
    pub fn borrow(&self) -> Payload<'_> {
        match self {
            Self::Ping(ping) => Payload::Ping(ping.borrow()),
            Self::Pong(pong) => Payload::Pong(pong.borrow()),
            Self::Query(query) => Payload::Query(query.borrow()),
            Self::QueryHit(hit) => Payload::QueryHit(hit.borrow()),
            Self::Push(push) => Payload::Push(push.borrow()),
            Self::Unknown { payload_type, bytes } => {
                Payload::Unknown { payload_type: *payload_type, bytes }
            }
        }
    }
}
