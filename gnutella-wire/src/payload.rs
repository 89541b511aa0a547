//! What a descriptor says.

use alloc::boxed::Box;

use bytes::BufMut;

use crate::{
    Bye, DecodeError, OwnedBye, OwnedPing, OwnedPong, OwnedPush, OwnedQrp, OwnedQuery,
    OwnedQueryHit, OwnedVendor, PayloadType, Ping, Pong, Push, Qrp, Query, QueryHit, Vendor,
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
    /// I am about to close the link.
    Bye(Bye<'a>),
    /// Which queries to send me.
    Qrp(Qrp<'a>),
    /// A message between neighbours, of one vendor or common by now.
    Vendor(Vendor<'a>),
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
            PayloadType::BYE => Self::Bye(Bye::decode(bytes)?),
            PayloadType::QRP => Self::Qrp(Qrp::decode(bytes)?),
            PayloadType::VENDOR => Self::Vendor(Vendor::decode(false, bytes)?),
            PayloadType::STANDARD => Self::Vendor(Vendor::decode(true, bytes)?),
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
            Self::Bye(_) => PayloadType::BYE,
            Self::Qrp(_) => PayloadType::QRP,
            Self::Vendor(vendor) => vendor.payload_type(),
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
            Self::Bye(bye) => bye.encoded_len(),
            Self::Qrp(qrp) => qrp.encoded_len(),
            Self::Vendor(vendor) => vendor.encoded_len(),
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
            Self::Bye(bye) => bye.encode(out),
            Self::Qrp(qrp) => qrp.encode(out),
            Self::Vendor(vendor) => vendor.encode(out),
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
            Self::Bye(bye) => OwnedPayload::Bye(bye.to_owned()),
            Self::Qrp(qrp) => OwnedPayload::Qrp(qrp.to_owned()),
            Self::Vendor(vendor) => OwnedPayload::Vendor(vendor.to_owned()),
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
    /// As [`Payload::Bye`].
    Bye(OwnedBye),
    /// As [`Payload::Qrp`].
    Qrp(OwnedQrp),
    /// As [`Payload::Vendor`].
    Vendor(OwnedVendor),
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
            Self::Bye(bye) => Payload::Bye(bye.borrow()),
            Self::Qrp(qrp) => Payload::Qrp(qrp.borrow()),
            Self::Vendor(vendor) => Payload::Vendor(vendor.borrow()),
            Self::Unknown { payload_type, bytes } => {
                Payload::Unknown { payload_type: *payload_type, bytes }
            }
        }
    }
}
