//! The next nodes clockwise, nearest first: what keeps the ring together when nodes fail.

use alloc::vec;
use alloc::vec::Vec;

use crate::{Id, Place, interval};

/// A node's successor list: the next r nodes clockwise, as far as the node knows.
///
/// On a ring of r nodes or fewer the list comes round: then the node itself is its last entry, and
/// nothing follows. A list that lost entries to failures is shorter until the next stabilization.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SuccessorList<P> {
    me: P,
    capacity: usize,
    entries: Vec<P>,
}

impl<P: Place> SuccessorList<P> {
    /// The list of a node that is alone: it is its own successor. `capacity` is r, taken as at
    /// least 1.
    pub fn alone(me: P, capacity: usize) -> Self {
        Self { me, capacity: capacity.max(1), entries: vec![me] }
    }

    /// The list with these entries, cut where they do not go clockwise from `me`.
    pub fn with_entries(me: P, capacity: usize, entries: &[P]) -> Self {
        let mut list = Self { me, capacity: capacity.max(1), entries: Vec::new() };
        if let Some((head, rest)) = entries.split_first() {
            list.adopt(*head, rest);
        }
        list
    }

    /// Whose list this is.
    pub fn me(&self) -> P {
        self.me
    }

    /// r: the most entries it keeps.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The entries, nearest first.
    pub fn as_slice(&self) -> &[P] {
        &self.entries
    }

    /// The successor, if any entry is left.
    pub fn first(&self) -> Option<P> {
        self.entries.first().copied()
    }

    /// Takes over `[head]` followed by `list`, the head's own list: at most r entries, none after
    /// the node itself. Returns whether that changed anything.
    ///
    /// The list must be in ring order from `head`, which [`is_ordered`] tells; entries from the
    /// first one that is not in order are left out.
    pub fn adopt(&mut self, head: P, list: &[P]) -> bool {
        let mut entries = Vec::with_capacity(self.capacity.min(list.len() + 1));
        let mut reached = None;
        for &entry in core::iter::once(&head).chain(list) {
            let distance = around(self.me.id(), entry.id());
            if entries.len() == self.capacity || reached.is_some_and(|last| distance <= last) {
                break;
            }
            reached = Some(distance);
            entries.push(entry);
        }
        let changed = entries != self.entries;
        self.entries = entries;
        changed
    }

    /// Drops the first entry, which is dead. The list stays one shorter until the next
    /// stabilization fills it up; Zave's models pad it with a guess instead, which is the same: a
    /// pointer that nobody may follow.
    pub fn shift(&mut self) -> Option<P> {
        if self.entries.is_empty() { None } else { Some(self.entries.remove(0)) }
    }

    /// If the list covers `key`, that is if the key lies between the node and the list's last entry:
    /// the key's owner and the entries that follow it.
    pub fn owner_of(&self, key: P::Id) -> Option<&[P]> {
        let (me, last) = (self.me.id(), self.entries.last()?.id());
        if !interval::in_open_closed(me, key, last) {
            return None;
        }
        let far = around(me, key);
        self.entries.get(self.entries.partition_point(|entry| around(me, entry.id()) < far)..)
    }
}

/// Whether `list` goes clockwise from `start` without passing it or any point twice. Its last entry
/// may be at `start` again.
pub fn is_ordered<P: Place>(start: P::Id, list: &[P]) -> bool {
    list.iter().map(|entry| around(start, entry.id())).is_sorted_by(|a, b| a < b)
}

/// The distance clockwise from `from` to `to`, counted so that `from` itself is all the way around,
/// the furthest.
fn around<I: Id>(from: I, to: I) -> I {
    from.next().distance(to)
}
