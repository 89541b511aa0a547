//! The 23 bytes in front of every payload.

use core::fmt;

use crate::{Decoded, Guid};
use bytes::BufMut;

/// A descriptor's header: GUID, payload type, TTL, hops, and the payload's length (Gnutella 0.4,
/// "Descriptor Header"). Any 23 bytes are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Names the descriptor; an answer carries the GUID of what it answers.
    pub guid: Guid,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// How many more times the descriptor may be passed on, this one included.
    pub ttl: u8,
    /// How many times it has been passed on.
    pub hops: u8,
    /// The length of the payload in bytes, as announced.
    pub length: u32,
}

impl Header {
    /// Its length in bytes.
    pub const LEN: usize = 23;

    /// Reads a header from the start of `bytes`. The announced length is not judged here, but by
    /// [`Frame::decode_prefix`](crate::Frame::decode_prefix).
    #[inline]
    pub fn decode_prefix(bytes: &[u8]) -> Decoded<Self> {
        // All at once, so that the length is looked at once.
        let Some(header) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Decoded::Partial { needed: Self::LEN - bytes.len() };
        };
        let [guid @ .., payload_type, ttl, hops, a, b, c, d] = header;
        let value = Self {
            guid: Guid::from_bytes(*guid),
            payload_type: PayloadType(*payload_type),
            ttl: *ttl,
            hops: *hops,
            length: u32::from_le_bytes([*a, *b, *c, *d]),
        };
        Decoded::Complete { value, consumed: Self::LEN }
    }

    /// Appends the 23 bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.guid.as_bytes());
        out.put_slice(&[self.payload_type.0, self.ttl, self.hops]);
        out.put_u32_le(self.length);
    }
}

/// The header's "payload descriptor" byte: what a payload is.
///
/// Every value is possible; the constants are the ones in use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadType(pub u8);

impl PayloadType {
    /// Asks who is there.
    pub const PING: Self = Self(0x00);
    /// Answers a Ping with an address and how much is shared there.
    pub const PONG: Self = Self(0x01);
    /// Says why a link is about to be closed (0.6).
    pub const BYE: Self = Self(0x02);
    /// A query routing table, or a change to it (0.6).
    pub const QRP: Self = Self(0x30);
    /// A vendor's own message (0.6).
    pub const VENDOR: Self = Self(0x31);
    /// A vendor message that became common (0.6).
    pub const STANDARD: Self = Self(0x32);
    /// Asks a firewalled servent to open the connection for a transfer.
    pub const PUSH: Self = Self(0x40);
    /// Reliable UDP.
    pub const RUDP: Self = Self(0x41);
    /// A message of a distributed hash table.
    pub const DHT: Self = Self(0x44);
    /// A search.
    pub const QUERY: Self = Self(0x80);
    /// Answers a Query with results.
    pub const QUERY_HIT: Self = Self(0x81);
    /// Horizon size estimation.
    pub const HSEP: Self = Self(0xcd);

    /// The name of a type in use, lower-case; `None` for the others.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::PING => "ping",
            Self::PONG => "pong",
            Self::BYE => "bye",
            Self::QRP => "qrp",
            Self::VENDOR => "vendor",
            Self::STANDARD => "standard",
            Self::PUSH => "push",
            Self::RUDP => "rudp",
            Self::DHT => "dht",
            Self::QUERY => "query",
            Self::QUERY_HIT => "query_hit",
            Self::HSEP => "hsep",
            _ => return None,
        })
    }
}

/// The name, or `type 7f`.
impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "type {:02x}", self.0),
        }
    }
}

impl fmt::Debug for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadType({self})")
    }
}
