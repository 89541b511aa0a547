//! A ring that does not change: all nodes, their fingers, and what a lookup's path is.

use alloc::vec::Vec;
use core::fmt;

use crate::{Id, RingError, interval};

/// An immutable ring of nodes with perfect routing tables, for figures and for checking others.
///
/// Nodes are numbered clockwise from the lowest identifier. The ring keeps the identifiers sorted and
/// each node's distinct fingers as numbers of nodes, nearest first.
#[derive(Clone, Debug)]
pub struct Ring<I> {
    ids: Vec<I>,
    /// All nodes' fingers, one row after the other.
    fingers: Vec<u32>,
    /// Where each node's row ends.
    ends: Vec<usize>,
}

/// Which table the nodes route by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routing {
    /// Each node knows its successor only: O(N) hops, O(1) state.
    Successor,
    /// Each node has its finger table: O(log N) hops, O(log N) state.
    Finger,
    /// Each node knows all others: one hop, O(N) state.
    Full,
}

/// The way of one lookup.
///
/// `Display` shows the nodes it visits and the owner: `1 → 6 → 0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<I> {
    /// The node that looks up, the nodes visited, and last the key's predecessor. If the first node
    /// owns the key itself, only that.
    pub nodes: Vec<I>,
    /// The key's owner, successor(key).
    pub owner: I,
}

impl<I> Path<I> {
    /// Hops from the first node to the key's predecessor. The owner itself is one further, unless
    /// the first node owns the key.
    pub fn hops(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }
}

impl<I: Id> fmt::Display for Path<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, node) in self.nodes.iter().enumerate() {
            write!(f, "{}{node}", if i == 0 { "" } else { " → " })?;
        }
        if self.nodes == [self.owner] { Ok(()) } else { write!(f, " → {}", self.owner) }
    }
}

impl<I: Id> Ring<I> {
    /// The ring of these nodes; an identifier that comes twice is one node.
    ///
    /// # Errors
    /// There is no node, or there are 2^32 or more.
    pub fn new(ids: impl IntoIterator<Item = I>) -> Result<Self, RingError> {
        let mut ids: Vec<I> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Err(RingError::Empty);
        }
        if u32::try_from(ids.len()).is_err() {
            return Err(RingError::TooManyNodes { max: u32::MAX });
        }
        let mut ring = Self { ids, fingers: Vec::new(), ends: Vec::new() };
        for node in 0..ring.ids.len() {
            ring.append_fingers(node);
        }
        Ok(ring)
    }

    /// Successor after successor of `n + 2^i`, skipping the i whose finger is the one before.
    fn append_fingers(&mut self, node: usize) {
        let me = self.ids[node];
        let mut exponent = 0;
        while exponent < I::BITS {
            let finger = self.owner_index(me.add_power(exponent));
            match me.distance(self.ids[finger]).log2() {
                // A node at least 2^exponent away is the finger up to its own distance.
                Some(level) if level >= exponent => {
                    self.fingers.push(finger as u32);
                    exponent = level + 1;
                }
                // The search came round: nobody is that far away.
                _ => break,
            }
        }
        self.ends.push(self.fingers.len());
    }

    /// The ring with one node more.
    ///
    /// # Errors
    /// There are too many nodes.
    pub fn with(&self, id: I) -> Result<Self, RingError> {
        Self::new(self.ids.iter().copied().chain([id]))
    }

    /// The ring with one node less.
    ///
    /// # Errors
    /// That was the last node.
    pub fn without(&self, id: I) -> Result<Self, RingError> {
        Self::new(self.ids.iter().copied().filter(|other| *other != id))
    }

    /// The nodes, clockwise from the lowest.
    pub fn ids(&self) -> &[I] {
        &self.ids
    }

    /// The number of a node.
    pub fn index_of(&self, id: I) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// The owner of a key: successor(key), the first node at the key or clockwise after it.
    pub fn owner(&self, key: I) -> I {
        self.ids[self.owner_index(key)]
    }

    /// The number of a key's owner.
    pub fn owner_index(&self, key: I) -> usize {
        let at = self.ids.partition_point(|id| *id < key);
        if at == self.ids.len() { 0 } else { at }
    }

    /// The next node clockwise after the node with number `node`, itself if it is alone.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn successor(&self, node: usize) -> I {
        self.ids[self.after(node)]
    }

    /// The distinct fingers of the node with number `node`, nearest first: its successor is the
    /// first. Empty if the node is alone.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn fingers(&self, node: usize) -> impl DoubleEndedIterator<Item = I> {
        self.row(node).iter().map(|finger| self.ids[*finger as usize])
    }

    /// How many fingers all nodes have together, each node's counted once.
    pub fn finger_count(&self) -> usize {
        self.fingers.len()
    }

    /// The way of a lookup of `key` by the node with number `from`.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn lookup(&self, from: usize, key: I, routing: Routing) -> Path<I> {
        let nodes = self.walk(from, key, routing).map(|node| self.ids[node]).collect();
        Path { nodes, owner: self.owner(key) }
    }

    /// The hops of that lookup, as [`Path::hops`] counts them.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn hops(&self, from: usize, key: I, routing: Routing) -> usize {
        self.walk(from, key, routing).count() - 1
    }

    /// The numbers of the nodes on the way, `from` first, the key's predecessor last.
    fn walk(&self, from: usize, key: I, routing: Routing) -> impl Iterator<Item = usize> {
        let owner = self.owner_index(key);
        core::iter::successors(Some(from), move |&node| {
            let (me, after) = (self.ids[node], self.after(node));
            // Only the first node can be the owner: the walk never steps over the key.
            if node == owner || interval::in_open_closed(me, key, self.ids[after]) {
                return None;
            }
            Some(match routing {
                Routing::Successor => after,
                Routing::Finger => self.closest_preceding(node, key),
                Routing::Full => self.before(owner),
            })
        })
    }

    /// The furthest finger before the key. The successor is one, as the key lies beyond it.
    fn closest_preceding(&self, node: usize, key: I) -> usize {
        let me = self.ids[node];
        self.row(node)
            .iter()
            .rev()
            .map(|finger| *finger as usize)
            .find(|finger| interval::between(me, self.ids[*finger], key))
            .unwrap_or_else(|| self.after(node))
    }

    fn row(&self, node: usize) -> &[u32] {
        let start = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.fingers[start..self.ends[node]]
    }

    fn after(&self, node: usize) -> usize {
        if node + 1 == self.ids.len() { 0 } else { node + 1 }
    }

    fn before(&self, node: usize) -> usize {
        node.checked_sub(1).unwrap_or(self.ids.len() - 1)
    }
}
