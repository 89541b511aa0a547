//! All ends of all links.
//!
//! ```text
//! host 0: Table ──► ┌ pool ─────────────────────────┐
//!                   │ HalfEdge HalfEdge HalfEdge    │ a block a host, 12 bytes an end
//! host 1: Table ──► │ HalfEdge HalfEdge             │
//!                   └───────────────────────────────┘
//!                     rare: (host, link) ──► Rare     what few ends have, while they have it
//!                     phases: beside the pool         only in checked mode
//! ```

use std::collections::{BTreeMap, VecDeque};

use overlay_peer::{Address, Reason, Wire};

use crate::Cause;
use crate::event::MAX_PEERS;
use crate::half_edge::{Flag, HalfEdge};

/// A link number is a slot of its host's table and a generation: it comes back only after the slot
/// was used 255 more times.
pub(crate) const SLOT_BITS: u32 = 22;
pub(crate) const GENERATION_BITS: u32 = 8;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

/// What stands for the link in events that belong to none.
pub(crate) const NO_LINK: u32 = (1 << (SLOT_BITS + GENERATION_BITS)) - 1;

/// The slot of a link number: links of one slot follow each other in time.
#[inline]
pub(crate) fn slot(link: u32) -> u32 {
    link & SLOT_MASK
}

/// What few ends have.
#[derive(Clone, Debug)]
pub(crate) struct Rare<M> {
    /// Through this end's NAT, if there is one on the way: what to tell it about the link.
    pub(crate) nat: Option<NatPath>,
    /// When the last byte sent will have left, in microseconds, since the link first had a long
    /// backlog.
    pub(crate) sent_at: u64,
    /// Bytes that the other end has paused and not taken yet.
    pub(crate) unread: usize,
    /// What arrived while this end was paused.
    pub(crate) held: VecDeque<(Cause, Held<M>)>,
}

impl<M> Default for Rare<M> {
    fn default() -> Self {
        Self { nat: None, sent_at: 0, unread: 0, held: VecDeque::new() }
    }
}

/// A link as this end's NAT sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NatPath {
    /// This end's address outside.
    pub(crate) outside: Address,
    /// The other end's.
    pub(crate) remote: Address,
}

#[derive(Clone, Debug)]
pub(crate) enum Held<M> {
    Message(M),
    Closed(Reason),
}

/// A host's block of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    at: u32,
    len: u32,
    /// The free slot that is used next; free slots are a list.
    free: u32,
}

/// The end of the list of free slots.
const NONE: u32 = MAX_PEERS as u32 - 1;

impl Table {
    pub(crate) const EMPTY: Self = Self { at: 0, len: 0, free: NONE };

    #[inline]
    fn range(self) -> core::ops::Range<usize> {
        self.at as usize..self.at as usize + self.len as usize
    }
}

/// The half-edges of all hosts.
#[derive(Clone, Debug)]
pub(crate) struct Links<M: Wire> {
    pool: Vec<HalfEdge>,
    /// Blocks that were outgrown, by their length.
    outgrown: BTreeMap<u32, Vec<u32>>,
    /// By host and link number.
    rare: BTreeMap<(u32, u32), Rare<M>>,
    /// As long as the pool in checked mode, else empty.
    phases: Vec<M::Phase>,
    checked: bool,
}

impl<M: Wire> Links<M> {
    pub(crate) fn new(checked: bool) -> Self {
        Self {
            pool: Vec::new(),
            outgrown: BTreeMap::new(),
            rare: BTreeMap::new(),
            phases: Vec::new(),
            checked,
        }
    }

    /// Where the half-edge is in the pool.
    fn find(&self, table: Table, link: u32) -> Option<usize> {
        let slot = slot(link);
        if slot >= table.len {
            return None;
        }
        let at = table.at as usize + slot as usize;
        let edge = &self.pool[at];
        let same = u32::from(edge.generation()) == link >> SLOT_BITS;
        (same && edge.is_used()).then_some(at)
    }

    pub(crate) fn get(&self, table: Table, link: u32) -> Option<&HalfEdge> {
        self.find(table, link).map(|at| &self.pool[at])
    }

    pub(crate) fn get_mut(&mut self, table: Table, link: u32) -> Option<&mut HalfEdge> {
        self.find(table, link).map(|at| &mut self.pool[at])
    }

    /// The block, for fetching it into the cache.
    pub(crate) fn block(&self, table: Table) -> Option<&[HalfEdge]> {
        self.pool.get(table.range())
    }

    /// All there are of a host, in the order of their slots, as their numbers.
    pub(crate) fn of(&self, table: Table) -> impl Iterator<Item = (u32, &HalfEdge)> {
        let slots = (0..).zip(&self.pool[table.range()]);
        slots.filter(|(_, edge)| edge.is_used()).map(|(slot, edge)| (edge.link(slot), edge))
    }

    /// # Panics
    /// If the host has 2^22 - 1 links already.
    pub(crate) fn insert(&mut self, table: &mut Table, edge: HalfEdge) -> u32 {
        if table.free == NONE {
            self.grow(table);
        }
        let (slot, at) = (table.free, table.at as usize + table.free as usize);
        let before = core::mem::replace(&mut self.pool[at], edge);
        self.pool[at].set_generation(before.generation());
        table.free = before.other();
        if self.checked {
            self.phases[at] = M::Phase::default();
        }
        self.pool[at].link(slot)
    }

    /// Takes a half-edge out, with what it has of rare things.
    pub(crate) fn remove(
        &mut self,
        table: &mut Table,
        host: u32,
        link: u32,
    ) -> Option<(HalfEdge, Rare<M>)> {
        let at = self.find(*table, link)?;
        let edge = core::mem::replace(&mut self.pool[at], HalfEdge::free(table.free));
        self.pool[at].set_generation(edge.generation().wrapping_add(1));
        table.free = slot(link);
        let rare = if edge.is(Flag::RARE) { self.rare.remove(&(host, link)) } else { None };
        Some((edge, rare.unwrap_or_default()))
    }

    pub(crate) fn rare(&self, host: u32, table: Table, link: u32) -> Option<&Rare<M>> {
        let edge = self.get(table, link)?;
        if edge.is(Flag::RARE) { self.rare.get(&(host, link)) } else { None }
    }

    /// The rare things of a half-edge, changed, if it has any.
    pub(crate) fn change_rare(
        &mut self,
        host: u32,
        table: Table,
        link: u32,
        change: impl FnOnce(&mut Rare<M>),
    ) {
        if self.get(table, link).is_some_and(|edge| edge.is(Flag::RARE))
            && let Some(rare) = self.rare.get_mut(&(host, link))
        {
            change(rare);
        }
    }

    /// The rare things of a half-edge; from now on it has some.
    pub(crate) fn make_rare(&mut self, host: u32, table: Table, link: u32) -> Option<&mut Rare<M>> {
        self.get_mut(table, link)?.set(Flag::RARE, true);
        Some(self.rare.entry((host, link)).or_default())
    }

    /// What the next bytes on a link are; only checked mode asks.
    pub(crate) fn phase(&self, table: Table, link: u32) -> Option<M::Phase> {
        self.find(table, link).and_then(|at| self.phases.get(at).copied())
    }

    pub(crate) fn set_phase(&mut self, table: Table, link: u32, phase: M::Phase) {
        if let Some(at) = self.find(table, link)
            && let Some(old) = self.phases.get_mut(at)
        {
            *old = phase;
        }
    }

    /// Gives the blocks of all hosts one after the other, in this order, as much memory as they need.
    pub(crate) fn shrink_to_fit<'a>(&mut self, tables: impl Iterator<Item = &'a mut Table>) {
        let len = self.pool.len() - self.outgrown_slots();
        if len == self.pool.capacity() {
            return;
        }
        let mut pool = Vec::with_capacity(len);
        let mut phases = Vec::with_capacity(self.phases.len().min(len));
        for table in tables {
            let block = table.range();
            table.at = pool.len() as u32;
            if self.checked {
                phases.extend_from_slice(&self.phases[block.clone()]);
            }
            pool.extend_from_slice(&self.pool[block]);
        }
        self.outgrown.clear();
        (self.pool, self.phases) = (pool, phases);
    }

    fn outgrown_slots(&self) -> usize {
        self.outgrown.iter().map(|(&len, blocks)| len as usize * blocks.len()).sum()
    }

    /// Makes room for so many more ends, and not more than that.
    pub(crate) fn reserve(&mut self, ends: usize) {
        self.pool.reserve_exact(ends);
        if self.checked {
            self.phases.reserve_exact(ends);
        }
    }

    /// Makes room for so many ends in all in a host's table.
    pub(crate) fn reserve_for(&mut self, table: &mut Table, ends: usize) {
        assert!(ends < SLOT_MASK as usize, "2^22 links of one peer");
        let free = table.free;
        if ends > table.len as usize {
            self.grow_to(table, ends as u32);
            // The slots that were free are used before the new ones.
            let mut last = free;
            while last != NONE {
                let at = table.at as usize + last as usize;
                let next = self.pool[at].other();
                if next == NONE {
                    self.pool[at].set_other(table.free, NO_LINK);
                    table.free = free;
                }
                last = next;
            }
        }
    }

    /// Moves a full table to a larger block: by one slot while it is small, then by half. Most hosts
    /// have few links, and the blocks they leave are what others grow into.
    fn grow(&mut self, table: &mut Table) {
        let old = table.len;
        let len = if old < 8 { old + 1 } else { old + old / 2 }.min(SLOT_MASK);
        assert!(len > old, "2^22 links of one peer");
        self.grow_to(table, len);
    }

    /// Moves a table to a larger block, of which the new slots are the free ones.
    fn grow_to(&mut self, table: &mut Table, len: u32) {
        let old = *table;
        table.at = match self.outgrown.get_mut(&len).and_then(Vec::pop) {
            Some(at) => at,
            None => self.extend(len),
        };
        table.len = len;
        let at = table.at as usize;
        self.pool.copy_within(old.range(), at);
        if self.checked {
            self.phases.copy_within(old.range(), at);
        }
        let first = old.len;
        for slot in first..len {
            let next = if slot + 1 < len { slot + 1 } else { NONE };
            self.pool[at + slot as usize] = HalfEdge::free(next);
        }
        table.free = first;
        if old.len > 0 {
            self.outgrown.entry(old.len).or_default().push(old.at);
        }
    }

    fn extend(&mut self, len: u32) -> u32 {
        let at = self.pool.len();
        let end = at + len as usize;
        assert!(u32::try_from(end).is_ok(), "2^32 ends of links");
        // By an eighth at a time: doubling would leave up to half of it unused.
        if end > self.pool.capacity() {
            self.pool.reserve_exact((at / 8).max(1_024).max(len as usize));
        }
        self.pool.resize(end, HalfEdge::free(NONE));
        if self.checked {
            self.phases.resize(end, M::Phase::default());
        }
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::BufMut;
    use overlay_peer::Decoded;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Nothing;

    impl Wire for Nothing {
        type Phase = u8;
        type Error = core::convert::Infallible;
        fn kind(&self) -> u8 {
            0
        }
        fn kind_name(_: u8) -> &'static str {
            "nothing"
        }
        fn encoded_len(&self) -> usize {
            0
        }
        fn encode(&self, _: &mut impl BufMut) {}
        fn decode(_: u8, _: &[u8]) -> Result<Decoded<Self>, Self::Error> {
            Ok(Decoded::Partial { needed: 1 })
        }
    }

    proptest! {
        /// The simple path: a map from number to what was put there. A number that was removed stays
        /// unknown while its slot is used by others.
        #[test]
        fn same_as_a_map(script in proptest::collection::vec((0usize..3, any::<bool>(), any::<u8>()), 1..300)) {
            let mut links = Links::<Nothing>::new(true);
            let mut tables = [Table::EMPTY; 3];
            let mut model: BTreeMap<(usize, u32), u32> = BTreeMap::new();
            let mut gone: Vec<(usize, u32)> = Vec::new();
            for (number, (host, adds, which)) in (0u32..).zip(script) {
                let mine: Vec<u32> = model.range((host, 0)..(host + 1, 0)).map(|(&(_, link), _)| link).collect();
                if adds || mine.is_empty() {
                    let link = links.insert(&mut tables[host], HalfEdge::connecting(number, 7));
                    links.set_phase(tables[host], link, number as u8);
                    prop_assert!(model.insert((host, link), number).is_none());
                    if which % 4 == 0 {
                        links.make_rare(host as u32, tables[host], link).expect("there").unread = number as usize;
                    }
                } else {
                    let link = mine[usize::from(which) % mine.len()];
                    let (edge, _) = links.remove(&mut tables[host], host as u32, link).expect("there");
                    prop_assert_eq!(Some(edge.other()), model.remove(&(host, link)));
                    gone.push((host, link));
                }
                for (&(host, link), &other) in &model {
                    prop_assert_eq!(links.get(tables[host], link).map(|edge| edge.other()), Some(other));
                    prop_assert_eq!(links.phase(tables[host], link), Some(other as u8));
                    if let Some(rare) = links.rare(host as u32, tables[host], link) {
                        prop_assert_eq!(rare.unread, other as usize);
                    }
                }
                if which % 32 == 30 {
                    let more = tables[host].len as usize + usize::from(which) % 5;
                    links.reserve_for(&mut tables[host], more);
                    prop_assert!(tables[host].len as usize >= more);
                }
                if which % 32 == 31 {
                    links.shrink_to_fit(tables.iter_mut());
                    prop_assert_eq!(links.pool.len(), tables.iter().map(|table| table.len as usize).sum::<usize>());
                }
                for &(host, link) in &gone {
                    prop_assert!(links.get(tables[host], link).is_none());
                }
                for (host, &table) in tables.iter().enumerate() {
                    let count = model.range((host, 0)..(host + 1, 0)).count();
                    prop_assert_eq!(links.of(table).count(), count);
                }
            }
        }
    }
}
