//! Fingers: nodes at doubling distances, which halve the way left at every hop.

use alloc::vec::Vec;

use crate::{Id, Place, interval};

/// A node's finger table: finger i of a node n is successor(n + 2^(i−1)), for i = 1..m (Stoica et
/// al., ToN 2003, section IV-D).
///
/// Most of the m fingers are the same few nodes. The table keeps each once, at the *level* of its
/// distance from the node, level l holding distances in [2^l, 2^(l+1)): the first node at distance
/// 2^(i−1) or more is finger i and all fingers up to its own level too. So about log2 N entries
/// stand for all m fingers, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FingerTable<P: Place> {
    me: P::Id,
    /// By rising distance; at most one entry a level, unless `most` says that all are kept.
    entries: Vec<P>,
    /// How many entries a full table may have; `None` in a finger table.
    most: Option<usize>,
}

impl<P: Place> FingerTable<P> {
    /// The empty table of the node at `me`.
    pub fn new(me: P::Id) -> Self {
        Self { me, entries: Vec::new(), most: None }
    }

    /// The empty *full table* of the node at `me`: it keeps every node it [learns](Self::learn), `most` at
    /// most, so that the node before any key is one hop away, at the price of knowing everybody.
    pub fn full(me: P::Id, most: usize) -> Self {
        Self { me, entries: Vec::new(), most: Some(most) }
    }

    /// The point that finger `i` follows, `me + 2^(i−1)`; i counts from 1. Beyond m it is `me`
    /// itself, as is i = 0.
    pub fn start(&self, i: u32) -> P::Id {
        i.checked_sub(1).map_or(self.me, |exponent| self.me.add_power(exponent))
    }

    /// Finger `i`, if the table knows any node that far away.
    pub fn finger(&self, i: u32) -> Option<P> {
        let least = i.checked_sub(1)?;
        self.entries.iter().find(|entry| self.level(**entry).is_some_and(|l| l >= least)).copied()
    }

    /// Sets finger `i` to what a lookup of [`start(i)`](Self::start) found, and with it every finger
    /// up to that node's level: nothing lies between. Returns whether the table changed.
    ///
    /// If `found` lies before the start, as seen clockwise from here (a lookup that came round), then
    /// no node is that far away, and fingers `i` and up are cleared.
    pub fn set(&mut self, i: u32, found: P) -> bool {
        let Some(least) = i.checked_sub(1) else { return false };
        if self.most.is_some() {
            return self.learn(found);
        }
        let level = self.level(found).filter(|level| *level >= least);
        let (from, to) = (least, level.unwrap_or(P::Id::BITS));
        let start = self.entries.partition_point(|e| self.level(*e).is_none_or(|l| l < from));
        let end = self.entries.partition_point(|e| self.level(*e).is_none_or(|l| l <= to));
        let new = level.map(|_| found);
        if self.entries[start..end].iter().eq(new.iter()) {
            return false;
        }
        self.entries.splice(start..end, new);
        true
    }

    /// Puts a node that is known to live into its level, if that is empty or holds one further away.
    /// Returns whether the table changed. That is for tables nobody refreshes finger by finger.
    pub fn learn(&mut self, node: P) -> bool {
        let Some(level) = self.level(node) else { return false };
        if let Some(most) = self.most {
            let distance = self.me.distance(node.id());
            let place = self.entries.binary_search_by_key(&distance, |e| self.me.distance(e.id()));
            return match place {
                Err(at) if self.entries.len() < most => {
                    self.entries.insert(at, node);
                    true
                }
                _ => false,
            };
        }
        let at = self.entries.partition_point(|e| self.level(*e).is_none_or(|l| l < level));
        match self.entries.get_mut(at) {
            Some(entry) if self.me.distance(entry.id()).log2() == Some(level) => {
                let nearer = self.me.distance(node.id()) < self.me.distance(entry.id());
                if nearer {
                    *entry = node;
                }
                nearer
            }
            _ => {
                self.entries.insert(at, node);
                true
            }
        }
    }

    /// Gives back memory for entries that are not there.
    #[cfg(feature = "peer")]
    pub(crate) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
    }

    /// Drops a node that is dead. Returns whether it was there.
    pub fn remove(&mut self, node: P) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| *entry != node);
        before != self.entries.len()
    }

    /// The distinct fingers, nearest first.
    pub fn as_slice(&self) -> &[P] {
        &self.entries
    }

    /// The closest preceding finger of `key`: the furthest one in (me, key).
    pub fn closest_preceding(&self, key: P::Id) -> Option<P> {
        self.preceding(key).next()
    }

    /// Every finger in (me, key), the closest to the key first.
    pub fn preceding(&self, key: P::Id) -> impl Iterator<Item = P> {
        self.entries[..self.end_before(key)].iter().rev().copied()
    }

    /// How many entries are in (me, key). Nearer ones come first, so these are the front.
    fn end_before(&self, key: P::Id) -> usize {
        let precedes = |entry: &P| interval::between(self.me, entry.id(), key);
        if self.most.is_some() {
            return self.entries.partition_point(precedes);
        }
        let mut end = self.place_of(key);
        while end > 0 && !precedes(&self.entries[end - 1]) {
            end -= 1;
        }
        while self.entries.get(end).is_some_and(precedes) {
            end += 1;
        }
        end
    }

    /// About where the key's level has its entry, found without looking at any: the table of a settled
    /// ring has the highest levels without a gap.
    fn place_of(&self, key: P::Id) -> usize {
        let level = self.me.distance(key).log2().unwrap_or(P::Id::BITS);
        self.entries.len().saturating_sub((P::Id::BITS - level) as usize)
    }

    /// Asks for the memory that [`preceding`](Self::preceding) will look at.
    #[cfg(feature = "peer")]
    pub(crate) fn prefetch(&self, key: P::Id) {
        let place = self.place_of(key);
        if let Some(entries) = self.entries.get(place.saturating_sub(1)..) {
            overlay_peer::prefetch(&entries[..entries.len().min(3)]);
        }
    }

    fn level(&self, node: P) -> Option<u32> {
        self.me.distance(node.id()).log2()
    }
}
