//! What a node is told when it is made.

use core::time::Duration;

use overlay_peer::Address;

use crate::{Bounds, Id160, Routing};

/// How a [`Node`](crate::Node) behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether the node becomes a member of the ring (the default) or stays a client, which looks
    /// up, puts and gets through members. A host that others can not reach, behind a NAT say, must be
    /// a client: a member that does not answer is dead to the others.
    pub member: bool,
    /// The node's identifier. `None`, the default: SHA-1 of its address.
    pub id: Option<Id160>,
    /// The address others reach the node at, which goes into its publications. `None`, the default:
    /// the local address, which is wrong behind a NAT.
    pub advertise: Option<Address>,
    /// r, the length of the successor list; 1 to 20, the default 8. The ring breaks at a node only if
    /// all r fail before the next stabilization: at 8, with every fifth node failing at once, that is
    /// 0.2^8, 3 in a million. 20 entries, the paper's number, still fit into a datagram.
    pub successors: usize,
    /// How many nodes keep each publication, the owner among them; 1 to r + 1, the default 3.
    pub replicas: usize,
    /// Time between stabilizations when nothing changes, give or take half; 15 s. After a change the
    /// next one comes eight times sooner.
    pub stabilize_every: Duration,
    /// Time between refreshes of one finger, give or take half; 15 s. After a change the next one
    /// comes eight times sooner.
    pub fix_fingers_every: Duration,
    /// Time between comparisons of what the replicas hold, give or take half; 60 s.
    pub refresh_every: Duration,
    /// How long to wait for an answer before asking again; 500 ms.
    pub request_timeout: Duration,
    /// How often the ring's upkeep asks before a node counts as dead; 3.
    pub attempts: u8,
    /// How often a lookup, put or get asks before it goes round a node; 2.
    pub lookup_attempts: u8,
    /// What a member keeps to route by. With [`Routing::Finger`], the default, fingers: log N entries, and
    /// lookups that take ½ log N hops. With [`Routing::Successor`] only its successor, so that there is
    /// nothing more to keep up, and N/2 hops, for which [`Limits::hops`] has to have room. With [`Routing::Full`] every node it hears of, up to
    /// [`Limits::table`]: one hop, and O(N) messages to fill the table, when it joins and again and again.
    pub routing: Routing,
    /// Whether a finger is, of the nodes that would do, the one that answers first. The default is no:
    /// the exact finger, which takes fewer hops.
    pub proximity: bool,
    /// How a member looks keys up; [`LookupStyle::Iterative`] with one question at a time is the
    /// default. A client is always iterative.
    pub lookup: LookupStyle,
    /// What others may cost.
    pub limits: Limits,
}

/// How a lookup gets to the node before the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupStyle {
    /// The node that looks up asks each node on the way itself. It goes round the dead, and no other
    /// node keeps anything for it.
    Iterative {
        /// How many questions may be under way at once, at least 1: more hide the dead and the slow,
        /// and cost as many messages more.
        parallel: u8,
    },
    /// Each node on the way passes the lookup on, and the last one answers: half the delay. If no answer
    /// comes the node that looks up goes on by itself, iteratively.
    Recursive,
}

/// Bounds on what others, and the user, can make a [`Node`](crate::Node) keep or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nodes one lookup asks; 128.
    pub hops: u32,
    /// Questions that one lookup, put or get puts to the key's owner and to those who could stand in
    /// for it, the pages of a get aside; 128.
    pub owners: u32,
    /// Lookups, puts and gets under way at once; 1,024.
    pub operations: usize,
    /// Entries of a full table; 65,536.
    pub table: usize,
    /// Lookups of others that were passed on and not yet taken by the next node; 1,024.
    pub relays: usize,
    /// Publications one get returns; 4,096.
    pub values_per_get: usize,
    /// Bytes of the values that one get returns; 4 MiB.
    pub bytes_per_get: usize,
    /// What the node keeps for others: 4,096 publications a key, 16 MiB, 1,000 bytes a value.
    pub store: Bounds,
    /// Links that others may have open to here at once; 64.
    pub inbound_links: usize,
    /// Fetches under way at once; 64.
    pub fetches: usize,
    /// The longest blob that is fetched; 16 MiB. One such blob a fetch is held in memory.
    pub blob_len: u32,
    /// A link on which nothing moves for so long is closed; 30 s.
    pub idle: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            member: true,
            id: None,
            advertise: None,
            successors: 8,
            replicas: 3,
            stabilize_every: Duration::from_secs(15),
            fix_fingers_every: Duration::from_secs(15),
            refresh_every: Duration::from_secs(60),
            request_timeout: Duration::from_millis(500),
            attempts: 3,
            lookup_attempts: 2,
            routing: Routing::Finger,
            proximity: false,
            lookup: LookupStyle::Iterative { parallel: 1 },
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hops: 128,
            owners: 128,
            operations: 1_024,
            table: 65_536,
            relays: 1_024,
            values_per_get: 4_096,
            bytes_per_get: 4 << 20,
            store: Bounds { publications_per_key: 4_096, bytes: 16 << 20, value_len: 1_000 },
            inbound_links: 64,
            fetches: 64,
            blob_len: 16 << 20,
            idle: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Whether every number is within its range.
    pub(super) fn is_clamped(&self) -> bool {
        self.clone().clamped() == *self
    }

    /// The same with every number within its range, so that the code can rely on it.
    pub(super) fn clamped(mut self) -> Self {
        self.successors = self.successors.clamp(1, 20);
        self.replicas = self.replicas.clamp(1, self.successors + 1);
        self.attempts = self.attempts.max(1);
        self.lookup_attempts = self.lookup_attempts.max(1);
        if let LookupStyle::Iterative { parallel } = &mut self.lookup {
            *parallel = (*parallel).max(1);
        }
        let least = Duration::from_millis(1);
        self.stabilize_every = self.stabilize_every.max(least);
        self.fix_fingers_every = self.fix_fingers_every.max(least);
        self.refresh_every = self.refresh_every.max(least);
        self.request_timeout = self.request_timeout.max(least);
        self.limits.idle = self.limits.idle.max(least);
        let value_len = &mut self.limits.store.value_len;
        *value_len = (*value_len).min(super::MAX_VALUE);
        self
    }
}
