//! What a user can ask of a node, and what it tells the user.

use alloc::vec::Vec;

use bytes::Bytes;
use overlay_peer::{Address, Object, Reason, StoreError};

use crate::{Contact, Id160, Publication, Refusal};

/// What the user asks a [`Node`](crate::Node) to do. The numbers `request` and `fetch` are the
/// user's own; they come back in the [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a ring, as its first member. → [`Event::Joined`]
    Create,
    /// Be a member with these pointers at once: one that goes on after a moment's pause, or one of a
    /// ring that a simulation builds in one go. Nothing asks whether they are right, so the protocol
    /// promises what it does only if they are. → [`Event::Joined`]
    Resume {
        /// The predecessor.
        predecessor: Option<Contact>,
        /// The successor list.
        successors: Vec<Contact>,
        /// Members to have as fingers.
        fingers: Vec<Contact>,
    },
    /// Join the ring that these nodes are members of; a client only remembers them and checks that
    /// one answers. → [`Event::Joined`] or [`Event::JoinFailed`]
    Join {
        /// Addresses of members.
        via: Vec<Address>,
    },
    /// Hand the keys to the successor, have the predecessor look, and say to who asks within a second that
    /// this is no member any more. Then → [`Event::Left`]
    Leave,
    /// Find a key's owner. → [`Event::Found`] or [`Event::Failed`]
    Lookup {
        /// Comes back in the event.
        request: u32,
        /// The key.
        key: Id160,
    },
    /// Publish a value under a key, in this node's name. → [`Event::Stored`] or [`Event::Failed`]
    Put {
        /// Comes back in the event.
        request: u32,
        /// The key.
        key: Id160,
        /// The value.
        value: Bytes,
    },
    /// Find what is published under a key. → [`Event::Got`] or [`Event::Failed`]
    Get {
        /// Comes back in the event.
        request: u32,
        /// The key.
        key: Id160,
    },
    /// From now on, send these blobs to whoever asks for them.
    Share {
        /// The blobs.
        blobs: Vec<SharedBlob>,
    },
    /// Stop sharing the blobs with these names.
    Unshare {
        /// SHA-1 of each blob's bytes.
        blobs: Vec<Id160>,
    },
    /// Get blobs straight from a node that shares them, in this order.
    /// → [`Event::Blob`]s, then [`Event::Fetched`] or [`Event::FetchFailed`]
    Fetch {
        /// Comes back in the events.
        fetch: u32,
        /// The node.
        from: Address,
        /// The blobs.
        parts: Vec<Part>,
    },
}

/// A blob to share: a range of a stored object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedBlob {
    /// SHA-1 of the bytes. The node does not check it; whoever fetches does.
    pub blob: Id160,
    /// Where the bytes are.
    pub object: Object,
    /// Offset in the object, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub len: u32,
}

/// A blob to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// SHA-1 of its bytes.
    pub blob: Id160,
    /// Where to write it; `None`: hand it over in [`Event::Blob`].
    pub into: Option<Object>,
    /// Offset in the object, in bytes.
    pub offset: u64,
    /// Its length in bytes, if known: then another length is refused at once.
    pub len: Option<u32>,
}

/// What a [`Node`](crate::Node) tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The node is a member of the ring; or, as a client, found one.
    Joined,
    /// Joining did not work; the node is outside.
    JoinFailed {
        /// Why.
        reason: Failure,
    },
    /// Every successor failed: more than a ring with lists of this length is made for. The node goes
    /// on with the nearest finger that lives; if it knows nobody, it joins again.
    Isolated,
    /// The node left the ring.
    Left {
        /// Whether a successor has all its keys. False if none answered.
        handed_over: bool,
    },
    /// The answer to a lookup.
    Found {
        /// As in the command.
        request: u32,
        /// Nodes that were asked on the way to the key's predecessor. The owner was asked too,
        /// whether the key is its own; that does not count.
        hops: u32,
        /// Nodes on the way that did not answer.
        timeouts: u32,
        /// The key's owner, which says so itself, or who stands in for one that is dead.
        owner: Contact,
    },
    /// A publication is stored.
    Stored {
        /// As in the command.
        request: u32,
        /// As in [`Event::Found`].
        hops: u32,
        /// How many nodes said that they keep it.
        replicas: u32,
    },
    /// The answer to a get.
    Got {
        /// As in the command.
        request: u32,
        /// As in [`Event::Found`].
        hops: u32,
        /// What is published under the key, in order of publisher and value; empty if nothing is.
        values: Vec<Publication>,
    },
    /// More is published under a key than a get returns ([`Limits`](crate::Limits)). The
    /// [`Event::Got`] that follows has a part of it.
    GetCut {
        /// As in the command.
        request: u32,
        /// How many publications it returns.
        values: usize,
        /// Bytes of their values.
        bytes: usize,
    },
    /// A lookup, put or get did not work.
    Failed {
        /// As in the command.
        request: u32,
        /// Why.
        reason: Failure,
    },
    /// All parts of a fetch are here, and each matches its name.
    Fetched {
        /// As in the command.
        fetch: u32,
        /// Bytes of all parts.
        bytes: u64,
        /// How many parts were checked: all of them.
        verified: u32,
    },
    /// A part that was not to be written anywhere; it matches its name.
    Blob {
        /// As in the command.
        fetch: u32,
        /// SHA-1 of the bytes.
        blob: Id160,
        /// The bytes.
        bytes: Bytes,
    },
    /// A fetch did not work. Parts that were written before are good.
    FetchFailed {
        /// As in the command.
        fetch: u32,
        /// Why.
        reason: FetchFailure,
    },
    /// This node refused what another asked of it.
    Refused {
        /// Who asked.
        from: Address,
        /// Why not.
        reason: Refusal,
    },
    /// Another node broke the protocol. What it sent was dropped, and its link closed.
    Misbehaved {
        /// Who.
        from: Address,
        /// How.
        what: Misbehaviour,
    },
}

/// Why a join, lookup, put or get did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The node has not joined a ring.
    #[error("not joined")]
    NotJoined,
    /// The node is a member already, or about to be one.
    #[error("a member already, or joining")]
    AlreadyJoined,
    /// A client can not start a ring.
    #[error("a client can not be a ring's first member")]
    Client,
    /// Nobody who could help answered.
    #[error("no answer from any node")]
    NoAnswer,
    /// The lookup asked as many nodes as it may.
    #[error("no owner found within {max} hops")]
    TooManyHops {
        /// The most it may ask.
        max: u32,
    },
    /// As many nodes as may be were asked as the owner, and none was of use.
    #[error("none of {max} nodes that were named as the owner is of use")]
    TooManyOwners {
        /// The most it may ask.
        max: u32,
    },
    /// The nodes are settling; none would be the owner.
    #[error("the ring is changing too fast")]
    Unsettled,
    /// The owner would not take it.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The value is longer than this node puts.
    #[error("a value of {len} bytes is longer than {max}")]
    ValueTooLong {
        /// Its length in bytes.
        len: usize,
        /// The most it may have.
        max: usize,
    },
    /// As much as may be is under way.
    #[error("{max} operations are under way")]
    TooMuch {
        /// The most there may be.
        max: usize,
    },
}

/// Why a fetch did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchFailure {
    /// The link did not open, or closed.
    #[error("the link is gone: {0:?}")]
    Link(Reason),
    /// The holder refused.
    #[error("blob {blob} refused: {reason}")]
    Refused {
        /// The blob.
        blob: Id160,
        /// Why.
        reason: Refusal,
    },
    /// The bytes that came are not what the blob's name says.
    #[error("the bytes of blob {blob} do not match its name")]
    Mismatch {
        /// The blob.
        blob: Id160,
    },
    /// The blob has another length than expected, or is longer than accepted.
    #[error("blob {blob} has {len} bytes, expected {expected:?}, at most {max}")]
    Length {
        /// The blob.
        blob: Id160,
        /// Its length as the holder says.
        len: u64,
        /// The length the user expected.
        expected: Option<u32>,
        /// The most that is accepted.
        max: u32,
    },
    /// The holder broke the protocol.
    #[error("the holder broke the protocol")]
    Misbehaved,
    /// Nothing came for too long.
    #[error("nothing came for too long")]
    Stalled,
    /// A part could not be written.
    #[error("a part could not be written: {0}")]
    Store(StoreError),
    /// As many fetches as may be are under way, or one with this number is.
    #[error("too many fetches are under way, or one with this number is")]
    TooMuch,
}

/// How another node broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Its bytes are no message.
    #[error("bytes that are no message")]
    Malformed,
    /// A message that makes no sense here: an answer of the wrong kind, or a message on a link that
    /// belongs into a datagram.
    #[error("message kind {kind:#04x} is out of place")]
    OutOfPlace {
        /// The message's kind.
        kind: u8,
    },
    /// It has another identifier than the one it is known by.
    #[error("answers as {claimed}, known as {known}")]
    OtherId {
        /// What it says it is.
        claimed: Id160,
        /// What it is known as.
        known: Id160,
    },
    /// Its list of nodes is not in ring order, or claims a key for a node that can not own it.
    #[error("names nodes that are out of order")]
    OutOfOrder,
    /// It sent more than it may at once.
    #[error("sent more than it may at once")]
    Flood,
    /// It gave out a value that is longer than any it may have taken in.
    #[error("gave out a value of {len} bytes, the most is {max}")]
    ValueTooLong {
        /// Its length in bytes.
        len: usize,
        /// The most it may have.
        max: usize,
    },
    /// Blob data that does not fit together: another part's, another length, or none at all.
    #[error("blob data that does not fit together")]
    BadData,
}
