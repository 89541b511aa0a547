//! What nodes say to each other, and how it is spelled in bytes.
//!
//! A message is `version` (1 byte, [`VERSION`]), `kind` (1 byte), the body's length (an unsigned
//! LEB128 number in as few bytes as possible) and the body. Requests and answers carry a number that
//! the asking node chose. Numbers are big-endian; an identifier is its 20 bytes; an address is a
//! byte 4 or 6, the IP address and the port; a contact is an identifier and an address. The last
//! field of a body, if it is a list or bytes, goes on to the body's end.

mod decode;
mod encode;

use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use crate::{Contact, Id160};

#[cfg(feature = "peer")]
pub(crate) use encode::publication_len;
pub(crate) use encode::put_address;

/// The first byte of every message: version 1.
pub const VERSION: u8 = 0xc1;

/// The most bytes a node sends in one datagram: what passes every link of the Internet unbroken.
/// Longer answers are cut, with a cursor to go on from.
pub const DATAGRAM_LEN: usize = 1_200;

/// The longest body that is accepted: 64 KiB of data and what surrounds it.
pub const MAX_BODY: usize = (64 << 10) + 64;

/// Something published under a key: a value, and who stands for it.
///
/// A key holds a *set* of these. The value is the publisher's business: the thing itself, or a note
/// that says "I have it".
///
/// The publisher is the address that the publishing node *states*. Nobody checks it, and behind a
/// NAT it may be an address that no one else can reach. Whoever fetches from there checks what comes
/// by its hash, and takes the rest as a hint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Publication {
    /// Where the publisher says it can be reached.
    pub publisher: SocketAddr,
    /// The value, at most about 1 kB: it has to fit into a datagram.
    pub value: Bytes,
}

/// On whose behalf a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    /// A user's lookup, put, get or fetch.
    User,
    /// Keeping the ring, the fingers and the replicas in order.
    Upkeep,
}

/// Why a node does not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not a member of the ring (any more).
    #[error("not a member of the ring")]
    NotMember,
    /// The key has as many publications as the node keeps.
    #[error("the key is full")]
    KeyFull,
    /// The node's store is full.
    #[error("the store is full")]
    StoreFull,
    /// The value is longer than the node takes.
    #[error("the value is too long")]
    ValueTooLong,
    /// Too many things are under way.
    #[error("too much under way")]
    TooMuch,
    /// No such blob is shared.
    #[error("no such blob is shared")]
    NoSuchBlob,
}

/// A message. Those with a `request` travel as datagrams, like `Notify` and `Nudge`; the others travel
/// on links.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// Are you there?
    Ping {
        /// The asking node's number for the request; so in every message that has one.
        request: u32,
    },
    /// I am.
    Pong {
        /// As asked.
        request: u32,
    },
    /// What are your pointers? The answer is `Neighbours`, or `Busy` while the node waits for such
    /// an answer itself.
    Pointers {
        /// As above.
        request: u32,
        /// The asking node's identifier, if it is not a member yet and wants to join.
        joining: Option<Id160>,
    },
    /// My pointers.
    Neighbours {
        /// As asked.
        request: u32,
        /// Who answers.
        id: Id160,
        /// Its predecessor, if it knows one.
        predecessor: Option<Contact>,
        /// Its successor list, nearest first.
        successors: Vec<Contact>,
    },
    /// My pointers may be about to change: ask again a little later.
    Busy {
        /// As asked.
        request: u32,
    },
    /// I may be your predecessor. My address is where this datagram comes from.
    Notify {
        /// Who says so.
        id: Id160,
    },
    /// Something changed beside you: stabilize soon. This carries no pointer; it only sets a time.
    Nudge,
    /// Who owns this key? The answer is `Owner` or `Closer`.
    Find {
        /// As above.
        request: u32,
        /// On whose behalf.
        traffic: Traffic,
        /// The key.
        key: Id160,
    },
    /// The key's owner is the first of these; the others follow it on the ring.
    Owner {
        /// As asked.
        request: u32,
        /// As asked.
        traffic: Traffic,
        /// Who answers.
        id: Id160,
        /// The owner and its successors, nearest first; at most 255.
        contacts: Vec<Contact>,
        /// If these are few: nodes closer before the key, the closest first, which know more in case
        /// that none of them lives.
        before: Vec<Contact>,
    },
    /// I do not know the owner, but these are closer before the key than I am.
    Closer {
        /// As asked.
        request: u32,
        /// As asked.
        traffic: Traffic,
        /// Who answers.
        id: Id160,
        /// The closest first.
        contacts: Vec<Contact>,
    },
    /// Pass this lookup on towards the key. The answer, `Pong`, says that the node has it; whoever
    /// knows the owner sends `Routed` to the origin.
    Forward {
        /// As above; each node on the way uses its own.
        request: u32,
        /// On whose behalf.
        traffic: Traffic,
        /// The key.
        key: Id160,
        /// Where the lookup began.
        origin: SocketAddr,
        /// The origin's number for it.
        number: u32,
        /// Which node on the way the receiver is, from 1.
        hops: u8,
    },
    /// To the origin of a lookup that was passed on: the owner, as `Owner` says it.
    Routed {
        /// The origin's number.
        request: u32,
        /// On whose behalf.
        traffic: Traffic,
        /// Who answers.
        id: Id160,
        /// Which node on the way it is.
        hops: u8,
        /// The owner and its successors, nearest first.
        contacts: Vec<Contact>,
    },
    /// Keep this. The answer is `Stored`, `Elsewhere` or `Refused`.
    Put {
        /// As above.
        request: u32,
        /// The key.
        key: Id160,
        /// Whether to keep a copy for the owner, or to keep it as the owner.
        copy: bool,
        /// What to keep.
        publication: Publication,
    },
    /// I keep it.
    Stored {
        /// As asked.
        request: u32,
        /// From an owner: who else should keep a copy.
        copies: Vec<Contact>,
    },
    /// What is published under this key? The answer is `Values`, `Elsewhere` or `Refused`.
    Get {
        /// As above.
        request: u32,
        /// The key.
        key: Id160,
        /// Whether a replica's copy is good enough, or the owner itself is asked.
        copy: bool,
        /// Where the last answer said that the rest begins; only the node that said so knows what
        /// it means.
        after: Option<u64>,
    },
    /// What is published under the key, or part of it.
    Values {
        /// As asked.
        request: u32,
        /// Whether the node has all it should have, or was still taking over keys.
        complete: bool,
        /// Where the rest begins, if this is not all.
        next: Option<u64>,
        /// The publications.
        publications: Vec<Publication>,
    },
    /// I do not own this key: ask my predecessor.
    Elsewhere {
        /// As asked.
        request: u32,
        /// The predecessor.
        contact: Contact,
    },
    /// No.
    Refused {
        /// As asked.
        request: u32,
        /// Why not.
        reason: Refusal,
    },
    /// I own these keys, and you should have copies. The answer is `Agreed` or `Differ`.
    Offer {
        /// As above.
        request: u32,
        /// The keys lie in (after, upto].
        after: Id160,
        /// The keys lie in (after, upto].
        upto: Id160,
        /// How many publications there are.
        count: u32,
        /// The sum of their fingerprints modulo 2^128.
        digest: u128,
    },
    /// I have the same.
    Agreed {
        /// As asked.
        request: u32,
    },
    /// I have something else: open a link and `Reconcile`.
    Differ {
        /// As asked.
        request: u32,
    },
    /// On a link: let us both have the union of what we have in (after, upto]. `Fingerprints` of
    /// what the sender has follow, then `End`.
    Reconcile {
        /// The keys lie in (after, upto].
        after: Id160,
        /// The keys lie in (after, upto].
        upto: Id160,
    },
    /// On a link: fingerprints of publications the sender has.
    Fingerprints {
        /// The fingerprints.
        fingerprints: Vec<u128>,
    },
    /// On a link: those of the fingerprints that the sender lacks.
    Wanted {
        /// The fingerprints.
        fingerprints: Vec<u128>,
    },
    /// On a link: publications that the other side lacks.
    Entries {
        /// The key they are published under.
        key: Id160,
        /// The publications.
        publications: Vec<Publication>,
    },
    /// On a link: that was all.
    End,
    /// On a link: send me the blob with this name.
    Want {
        /// The asking node's number for it.
        part: u32,
        /// SHA-1 of the blob's bytes.
        blob: Id160,
    },
    /// On a link: a piece of a blob, in order.
    Data {
        /// As asked.
        part: u32,
        /// How many bytes of the blob follow this piece.
        left: u32,
        /// The piece.
        bytes: Bytes,
    },
    /// On a link: that blob will not come.
    Missing {
        /// As asked.
        part: u32,
        /// Why not.
        reason: Refusal,
    },
}

/// What the start of a byte stream holds. Too little input is a status, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// One whole message.
    Complete {
        /// The message.
        value: T,
        /// How many bytes it took, at least one.
        consumed: usize,
    },
    /// Not yet a whole message.
    Partial {
        /// At least so many more bytes are needed, at least one.
        needed: usize,
    },
}

/// The kinds as they stand on the wire.
pub(crate) mod kind {
    pub const PING: u8 = 0x01;
    pub const PONG: u8 = 0x02;
    pub const POINTERS: u8 = 0x03;
    pub const NEIGHBOURS: u8 = 0x04;
    pub const BUSY: u8 = 0x05;
    pub const NOTIFY: u8 = 0x06;
    pub const NUDGE: u8 = 0x07;
    pub const FIND: u8 = 0x10;
    pub const OWNER: u8 = 0x11;
    pub const CLOSER: u8 = 0x12;
    pub const FORWARD: u8 = 0x13;
    pub const ROUTED: u8 = 0x14;
    pub const UPKEEP_FIND: u8 = 0x18;
    pub const UPKEEP_OWNER: u8 = 0x19;
    pub const UPKEEP_CLOSER: u8 = 0x1a;
    pub const UPKEEP_FORWARD: u8 = 0x1b;
    pub const UPKEEP_ROUTED: u8 = 0x1c;
    pub const PUT: u8 = 0x20;
    pub const STORED: u8 = 0x21;
    pub const GET: u8 = 0x22;
    pub const VALUES: u8 = 0x23;
    pub const ELSEWHERE: u8 = 0x24;
    pub const REFUSED: u8 = 0x25;
    pub const OFFER: u8 = 0x30;
    pub const AGREED: u8 = 0x31;
    pub const DIFFER: u8 = 0x32;
    pub const RECONCILE: u8 = 0x33;
    pub const FINGERPRINTS: u8 = 0x34;
    pub const WANTED: u8 = 0x35;
    pub const ENTRIES: u8 = 0x36;
    pub const END: u8 = 0x37;
    pub const WANT: u8 = 0x40;
    pub const DATA: u8 = 0x41;
    pub const MISSING: u8 = 0x42;
}

impl Message {
    /// The kind, as it stands on the wire.
    pub fn kind(&self) -> u8 {
        let upkeep = |traffic: &Traffic, user, upkeep| match traffic {
            Traffic::User => user,
            Traffic::Upkeep => upkeep,
        };
        match self {
            Self::Ping { .. } => kind::PING,
            Self::Pong { .. } => kind::PONG,
            Self::Pointers { .. } => kind::POINTERS,
            Self::Neighbours { .. } => kind::NEIGHBOURS,
            Self::Busy { .. } => kind::BUSY,
            Self::Notify { .. } => kind::NOTIFY,
            Self::Nudge => kind::NUDGE,
            Self::Find { traffic, .. } => upkeep(traffic, kind::FIND, kind::UPKEEP_FIND),
            Self::Owner { traffic, .. } => upkeep(traffic, kind::OWNER, kind::UPKEEP_OWNER),
            Self::Closer { traffic, .. } => upkeep(traffic, kind::CLOSER, kind::UPKEEP_CLOSER),
            Self::Forward { traffic, .. } => upkeep(traffic, kind::FORWARD, kind::UPKEEP_FORWARD),
            Self::Routed { traffic, .. } => upkeep(traffic, kind::ROUTED, kind::UPKEEP_ROUTED),
            Self::Put { .. } => kind::PUT,
            Self::Stored { .. } => kind::STORED,
            Self::Get { .. } => kind::GET,
            Self::Values { .. } => kind::VALUES,
            Self::Elsewhere { .. } => kind::ELSEWHERE,
            Self::Refused { .. } => kind::REFUSED,
            Self::Offer { .. } => kind::OFFER,
            Self::Agreed { .. } => kind::AGREED,
            Self::Differ { .. } => kind::DIFFER,
            Self::Reconcile { .. } => kind::RECONCILE,
            Self::Fingerprints { .. } => kind::FINGERPRINTS,
            Self::Wanted { .. } => kind::WANTED,
            Self::Entries { .. } => kind::ENTRIES,
            Self::End => kind::END,
            Self::Want { .. } => kind::WANT,
            Self::Data { .. } => kind::DATA,
            Self::Missing { .. } => kind::MISSING,
        }
    }

    /// The name of a kind; `"unknown"` if there is none.
    pub fn kind_name(kind: u8) -> &'static str {
        match kind {
            kind::PING => "ping",
            kind::PONG => "pong",
            kind::POINTERS => "pointers",
            kind::NEIGHBOURS => "neighbours",
            kind::BUSY => "busy",
            kind::NOTIFY => "notify",
            kind::NUDGE => "nudge",
            kind::FIND => "find",
            kind::OWNER => "owner",
            kind::CLOSER => "closer",
            kind::UPKEEP_FIND => "upkeep_find",
            kind::UPKEEP_OWNER => "upkeep_owner",
            kind::UPKEEP_CLOSER => "upkeep_closer",
            kind::FORWARD => "forward",
            kind::ROUTED => "routed",
            kind::UPKEEP_FORWARD => "upkeep_forward",
            kind::UPKEEP_ROUTED => "upkeep_routed",
            kind::PUT => "put",
            kind::STORED => "stored",
            kind::GET => "get",
            kind::VALUES => "values",
            kind::ELSEWHERE => "elsewhere",
            kind::REFUSED => "refused",
            kind::OFFER => "offer",
            kind::AGREED => "agreed",
            kind::DIFFER => "differ",
            kind::RECONCILE => "reconcile",
            kind::FINGERPRINTS => "fingerprints",
            kind::WANTED => "wanted",
            kind::ENTRIES => "entries",
            kind::END => "end",
            kind::WANT => "want",
            kind::DATA => "data",
            kind::MISSING => "missing",
            _ => "unknown",
        }
    }

    /// On whose behalf a kind of message travels. `Ping`, `Pong` and `Refused` serve both; they are
    /// counted as upkeep, as `Ping` always is and `Refused` is rare.
    pub fn traffic(kind: u8) -> Traffic {
        match kind {
            kind::FIND..=kind::ROUTED
            | kind::PUT..=kind::ELSEWHERE
            | kind::WANT..=kind::MISSING => Traffic::User,
            _ => Traffic::Upkeep,
        }
    }
}

#[cfg(feature = "peer")]
impl overlay_peer::Wire for Message {
    /// Every message says itself what it is.
    type Phase = ();
    type Error = crate::DecodeError;

    fn kind(&self) -> u8 {
        self.kind()
    }

    fn kind_name(kind: u8) -> &'static str {
        Self::kind_name(kind)
    }

    fn encoded_len(&self) -> usize {
        self.encoded_len()
    }

    fn encode(&self, out: &mut impl bytes::BufMut) {
        self.encode(out);
    }

    fn decode((): (), bytes: &[u8]) -> Result<overlay_peer::Decoded<Self>, crate::DecodeError> {
        Ok(match Self::decode_prefix(bytes)? {
            Decoded::Complete { value, consumed } => {
                overlay_peer::Decoded::Complete { value, consumed }
            }
            Decoded::Partial { needed } => overlay_peer::Decoded::Partial { needed },
        })
    }
}
