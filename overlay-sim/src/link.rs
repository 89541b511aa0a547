//! One peer's ends of its links.

use std::collections::VecDeque;

use overlay_peer::{Address, Link, Reason, Wire};

use crate::Cause;

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

/// The slot of a link number: links of one slot follow each other in time.
pub(crate) fn slot(link: u32) -> u32 {
    link & SLOT_MASK
}

/// One end of a link, owned by one peer.
#[derive(Clone, Debug)]
pub(crate) struct HalfEdge<M: Wire> {
    pub(crate) state: State,
    /// The peer at the other end, and its number for the link.
    pub(crate) other: u32,
    pub(crate) other_link: u32,
    /// Through this end's NAT, if there is one on the way: what to tell it about the link.
    pub(crate) nat: Option<Box<NatPath>>,
    /// One-way delay in microseconds.
    pub(crate) delay: u64,
    /// When the last byte sent will have left, in microseconds.
    pub(crate) sent_at: u64,
    /// Bytes that the other end has paused and not taken yet.
    pub(crate) unread: usize,
    pub(crate) congested: bool,
    pub(crate) wants_writable: bool,
    pub(crate) paused: bool,
    pub(crate) phase: M::Phase,
    /// What arrived while this end was paused.
    pub(crate) held: VecDeque<(Cause, Held<M>)>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Open,
    /// Cut by a partition: nothing gets through, and the end will be told so.
    Cut,
}

impl<M: Wire> HalfEdge<M> {
    pub(crate) fn new(state: State, other: u32, other_link: u32, delay: u64) -> Self {
        Self {
            state,
            other,
            other_link,
            nat: None,
            delay,
            sent_at: 0,
            unread: 0,
            congested: false,
            wants_writable: false,
            paused: false,
            phase: M::Phase::default(),
            held: VecDeque::new(),
        }
    }
}

/// The table of a peer's half-edges. A number is a slot and a generation, so that it comes back only
/// after the slot was used 255 more times.
#[derive(Clone, Debug)]
pub(crate) struct Links<M: Wire> {
    slots: Vec<Slot<M>>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Slot<M: Wire> {
    generation: u8,
    edge: Option<HalfEdge<M>>,
}

impl<M: Wire> Links<M> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn insert(&mut self, edge: HalfEdge<M>) -> Link {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                assert!(self.slots.len() < SLOT_MASK as usize, "2^24 links of one peer");
                self.slots.push(Slot { generation: 0, edge: None });
                (self.slots.len() - 1) as u32
            }
        };
        let entry = &mut self.slots[slot as usize];
        entry.edge = Some(edge);
        Link::from_raw(u32::from(entry.generation) << SLOT_BITS | slot)
    }

    pub(crate) fn get(&self, link: u32) -> Option<&HalfEdge<M>> {
        let entry = self.slots.get(slot(link) as usize)?;
        if u32::from(entry.generation) != link >> SLOT_BITS {
            return None;
        }
        entry.edge.as_ref()
    }

    pub(crate) fn get_mut(&mut self, link: u32) -> Option<&mut HalfEdge<M>> {
        let entry = self.slots.get_mut(slot(link) as usize)?;
        if u32::from(entry.generation) != link >> SLOT_BITS {
            return None;
        }
        entry.edge.as_mut()
    }

    pub(crate) fn remove(&mut self, link: u32) -> Option<HalfEdge<M>> {
        self.get(link)?;
        let entry = &mut self.slots[slot(link) as usize];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(slot(link));
        entry.edge.take()
    }

    /// Takes all links out. Their numbers do not come back at once, also if the peer does.
    pub(crate) fn take_all(&mut self) -> Vec<HalfEdge<M>> {
        let all: Vec<u32> = self.iter().map(|(link, _)| link).collect();
        all.into_iter().filter_map(|link| self.remove(link)).collect()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut HalfEdge<M>)> {
        self.slots.iter_mut().enumerate().filter_map(|(slot, entry)| {
            let raw = u32::from(entry.generation) << SLOT_BITS | slot as u32;
            entry.edge.as_mut().map(|edge| (raw, edge))
        })
    }

    /// All links there are, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &HalfEdge<M>)> {
        self.slots.iter().enumerate().filter_map(|(slot, entry)| {
            let raw = u32::from(entry.generation) << SLOT_BITS | slot as u32;
            entry.edge.as_ref().map(|edge| (raw, edge))
        })
    }
}
