//! Lookups in numbers of nodes instead of identifiers, one at a time and many at once.

use alloc::vec::Vec;

use super::{Ring, Routing};
use crate::Id;

/// What a lookup finds, and how far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Found {
    /// The number of the key's owner.
    pub owner: u32,
    /// Hops from the first node to the key's predecessor, as [`Path::hops`](crate::Path::hops) counts
    /// them.
    pub hops: u32,
}

/// So many lookups are on their way at once: enough that a row has come when its lookup has its turn.
const LANES: usize = 32;

/// The owners of so many keys are found together.
const GROUP: usize = 64;

impl<I: Id> Ring<I> {
    /// The owner of `key`, and how many hops a lookup by the node with number `from` takes: what
    /// [`lookup`](Self::lookup) tells, without the way.
    ///
    /// With fingers that costs a read of one row of fingers a hop, each where the one before leads.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn find(&self, from: usize, key: I, routing: Routing) -> Found {
        assert!(from < self.ids.len(), "node {from} of {}", self.ids.len());
        if routing == Routing::Finger {
            // It comes while the key's owner is searched.
            self.rows.prefetch(from);
        }
        let mut walk = self.start(from, key);
        match routing {
            Routing::Successor => walk.hops = walk.left,
            Routing::Full => walk.hops = walk.left.min(1),
            Routing::Finger => {
                while walk.left > 0 {
                    self.hop(&mut walk);
                }
            }
        }
        Found { owner: walk.owner, hops: walk.hops }
    }

    /// [`find`](Self::find) for many lookups, each a node's number and a key: `found` holds what each
    /// found, in their order, and nothing of before.
    ///
    /// It waits for the memory of many lookups at once, so each takes a small part of the time that one
    /// alone takes if the ring is larger than the caches.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn find_many(&self, lookups: &[(usize, I)], routing: Routing, found: &mut Vec<Found>) {
        found.clear();
        found.resize(lookups.len(), Found::default());
        let mut starts = Starts::new(self, lookups, routing);
        let mut lanes = [Walk::default(); LANES];
        let mut used = 0;
        while used < LANES
            && let Some(walk) = starts.next(found)
        {
            lanes[used] = walk;
            used += 1;
        }
        while used > 0 {
            let mut lane = 0;
            while lane < used {
                let walk = &mut lanes[lane];
                self.hop(walk);
                if walk.left == 0 {
                    found[walk.index].hops = walk.hops;
                    match starts.next(found) {
                        Some(next) => *walk = next,
                        None => {
                            used -= 1;
                            lanes[lane] = lanes[used];
                            continue;
                        }
                    }
                }
                self.rows.prefetch(walk.at as usize);
                lane += 1;
            }
        }
    }

    #[inline(always)]
    fn start(&self, from: usize, key: I) -> Walk {
        let owner = self.owner_index(key);
        // The owner of the key need not ask anybody.
        let left = if owner == from { 0 } else { self.nodes_between(from, self.before(owner)) };
        Walk { at: from as u32, left, owner: owner as u32, ..Walk::default() }
    }

    #[inline(always)]
    fn hop(&self, walk: &mut Walk) {
        let distance = self.rows.furthest_within(walk.at as usize, walk.left);
        walk.at = self.further(walk.at as usize, distance) as u32;
        walk.left -= distance;
        walk.hops += 1;
    }
}

/// A lookup on its way.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    /// The node it has come to.
    at: u32,
    /// How many nodes further the key's predecessor is.
    left: u32,
    hops: u32,
    owner: u32,
    /// Which of the lookups it is.
    index: usize,
}

/// Lookups about to start: a group of them whose keys' owners were found together.
struct Starts<'a, I> {
    ring: &'a Ring<I>,
    lookups: &'a [(usize, I)],
    routing: Routing,
    /// How many lookups were made ready.
    ready: usize,
    group: [Walk; GROUP],
    /// What of the group has not started.
    waiting: usize,
}

impl<'a, I: Id> Starts<'a, I> {
    fn new(ring: &'a Ring<I>, lookups: &'a [(usize, I)], routing: Routing) -> Self {
        Self { ring, lookups, routing, ready: 0, group: [Walk::default(); GROUP], waiting: 0 }
    }

    /// The next that has any way to go by fingers. All others are done.
    #[inline(always)]
    fn next(&mut self, found: &mut [Found]) -> Option<Walk> {
        while self.waiting == 0 {
            if self.ready == self.lookups.len() {
                return None;
            }
            self.fill(found);
        }
        self.waiting -= 1;
        Some(self.group[self.waiting])
    }

    /// Each memory access of many keys, then the next one of them all.
    fn fill(&mut self, found: &mut [Found]) {
        let ring = self.ring;
        let lookups = &self.lookups[self.ready..];
        let lookups = &lookups[..lookups.len().min(GROUP)];
        for (_, key) in lookups {
            ring.directory.prefetch(*key);
        }
        for (_, key) in lookups {
            ring.directory.prefetch_ids(&ring.ids, *key);
        }
        for (index, (from, key)) in (self.ready..).zip(lookups) {
            assert!(*from < ring.ids.len(), "node {from} of {}", ring.ids.len());
            let walk = Walk { index, ..ring.start(*from, *key) };
            found[index].owner = walk.owner;
            match self.routing {
                Routing::Successor => found[index].hops = walk.left,
                Routing::Full => found[index].hops = walk.left.min(1),
                Routing::Finger if walk.left == 0 => {}
                Routing::Finger => {
                    ring.rows.prefetch(*from);
                    self.group[self.waiting] = walk;
                    self.waiting += 1;
                }
            }
        }
        self.ready += lookups.len();
    }
}
