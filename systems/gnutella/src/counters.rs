//! What a servent counts.

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

pub(crate) fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
