//! Iterative lookup: which node to ask next, whatever dies on the way.

use alloc::vec::Vec;

use crate::{Id, Place, interval};

/// How many nodes on the way one lookup remembers. By fingers that is more than it asks; by successors
/// alone it forgets those that it passed.
const POOL: usize = 128;
/// How many nodes beside those it remembers as ruled out: owners, most of all.
const RULED_OUT: usize = 256;

/// The state of one iterative lookup: the nodes heard of that precede the key, and which of them
/// were asked or found dead.
///
/// The one who looks up asks the node closest before the key, hears of closer ones, and goes on until
/// a node answers that it knows the owner. Nodes heard of earlier stay in reserve, so a dead one
/// costs one timeout and no more; it is not asked twice.
#[derive(Clone, Debug)]
pub struct Lookup<P: Place> {
    key: P::Id,
    /// Nodes that precede the key.
    pool: Vec<(P, State)>,
    /// Other nodes that are ruled out, the latest last. These have room of their own, so that nobody
    /// can make a lookup forget who is dead by filling the pool.
    ruled_out: Vec<P>,
    hops: u32,
    timeouts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Asked,
    Dead,
}

impl<P: Place> Lookup<P> {
    /// A lookup of `key` that knows nobody yet.
    pub fn new(key: P::Id) -> Self {
        Self { key, pool: Vec::new(), ruled_out: Vec::new(), hops: 0, timeouts: 0 }
    }

    /// The key.
    pub fn key(&self) -> P::Id {
        self.key
    }

    /// Takes in nodes that `from` knows (or that are known here, if `from` is this node). Only those
    /// in (from, key) bring the lookup closer; returns how many these were, new or not.
    pub fn offer(&mut self, from: P::Id, nodes: impl IntoIterator<Item = P>) -> usize {
        let mut closer = 0;
        for node in nodes {
            if !interval::between(from, node.id(), self.key) {
                continue;
            }
            closer += 1;
            let known =
                self.ruled_out.contains(&node) || self.pool.iter().any(|(known, _)| *known == node);
            if known {
                continue;
            }
            if self.pool.len() < POOL {
                self.pool.push((node, State::New));
            } else if let Some(asked) = self.pool.iter().position(|(_, s)| *s == State::Asked) {
                // Who was asked first is furthest behind by now: nobody closer offers it again.
                self.pool.remove(asked);
                self.pool.push((node, State::New));
            }
        }
        closer
    }

    /// The node to ask next: of those not asked yet, the closest before the key. `None` if all were
    /// asked.
    pub fn next_to_ask(&mut self) -> Option<P> {
        let key = self.key;
        let (node, state) = self
            .pool
            .iter_mut()
            .filter(|(_, state)| *state == State::New)
            .min_by_key(|(node, _)| before(node.id(), key))?;
        *state = State::Asked;
        Some(*node)
    }

    /// A node answered: one hop more.
    pub fn answered(&mut self) {
        self.hops = self.hops.saturating_add(1);
    }

    /// Others passed the lookup on, and so many nodes had it.
    pub fn passed_on(&mut self, hops: u8) {
        self.hops = self.hops.saturating_add(hops.into());
    }

    /// A node did not answer: it is not asked again, nor taken for the owner.
    pub fn failed(&mut self, node: P) {
        self.timeouts = self.timeouts.saturating_add(1);
        self.rule_out(node);
    }

    /// The same for a node that answered, but is of no use. Of nodes that were never offered the
    /// last 256 that were ruled out are remembered.
    pub fn rule_out(&mut self, node: P) {
        if let Some((_, state)) = self.pool.iter_mut().find(|(known, _)| *known == node) {
            *state = State::Dead;
        } else if !self.ruled_out.contains(&node) {
            if self.ruled_out.len() == RULED_OUT {
                self.ruled_out.remove(0);
            }
            self.ruled_out.push(node);
        }
    }

    /// Whether a node was found dead, or ruled out, by this lookup.
    pub fn is_dead(&self, node: P) -> bool {
        self.ruled_out.contains(&node)
            || self.pool.iter().any(|(known, state)| *known == node && *state == State::Dead)
    }

    /// How many nodes answered so far: the hops on the way to the key's predecessor.
    pub fn hops(&self) -> u32 {
        self.hops
    }

    /// How many nodes did not answer.
    pub fn timeouts(&self) -> u32 {
        self.timeouts
    }
}

/// How far `node` is before `key`; the key's own place is the furthest.
fn before<I: Id>(node: I, key: I) -> I {
    node.next().distance(key)
}
