//! What a servent counts.

use core::net::SocketAddrV4;
use core::ops::{Deref, DerefMut};

use crate::hosts::Hosts;
use crate::lazy::Empty;

/// What a servent counted since it was made. The numbers stop at `u32::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Queries and Pings that had come before and were dropped.
    pub duplicates: u32,
    /// Answers and Pushes whose GUID is not known here (any more).
    pub unrouted: u32,
    /// Answers and Pushes whose way back is gone, because the link closed.
    pub dead_routes: u32,
    /// Descriptors dropped because of their TTL or hops.
    pub ttl_dropped: u32,
    /// Answers and Pushes whose TTL ended here.
    pub expired: u32,
    /// Descriptors with a payload that makes no sense, and queries that are too long.
    pub malformed: u32,
    /// Descriptors of types this servent does not know.
    pub unknown: u32,
    /// Queries that were answered with a hit.
    pub answered: u32,
    /// Hits for a search that is forgotten.
    pub late_hits: u32,
    /// Links and requests refused because there was no room.
    pub refused: u32,
    /// Pushes to this servent that were not followed.
    pub pushes_ignored: u32,
    /// Queries that a leaf of 0.6 received although its table says that it has no answer.
    pub unasked: u32,
    /// How often a table kept a query from a leaf.
    pub leaf_suppressed: u32,
    /// How often a table kept a query from an ultrapeer on the last hop.
    pub last_hop_suppressed: u32,
}

/// What few servents have: counts of what happened, and what they were told about themselves.
#[derive(Clone, Debug)]
pub(crate) struct Aside {
    counters: Counters,
    pub firewalled: bool,
    /// What it was told to advertise, if that is an IPv4 address.
    pub advertise: Option<SocketAddrV4>,
    /// The hosts it knows to connect to.
    pub hosts: Hosts,
}

impl Empty for Aside {
    const EMPTY: &'static Self =
        &Self { counters: Counters::NONE, firewalled: false, advertise: None, hosts: Hosts::NONE };
}

impl Deref for Aside {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        &self.counters
    }
}

impl DerefMut for Aside {
    fn deref_mut(&mut self) -> &mut Counters {
        &mut self.counters
    }
}

impl Counters {
    const NONE: Self = Self {
        duplicates: 0,
        unrouted: 0,
        dead_routes: 0,
        ttl_dropped: 0,
        expired: 0,
        malformed: 0,
        unknown: 0,
        answered: 0,
        late_hits: 0,
        refused: 0,
        pushes_ignored: 0,
        unasked: 0,
        leaf_suppressed: 0,
        last_hop_suppressed: 0,
    };
}

pub(crate) fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
