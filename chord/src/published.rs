//! The protocol as published, with successor lists of two: what *not* to use.
//!
//! The operations are those of Stoica et al. (SIGCOMM 2001; ToN 2003, section IV-E) as P. Zave made them
//! exact ("Using lightweight modeling to understand Chord", CCR 42(2), 2012). Each is a function on one
//! node's pointers and those of the nodes it asks. The tests replay the traces that break its ring.

use crate::{Id, interval};

/// One node's pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointers<I> {
    /// The node itself.
    pub me: I,
    /// Its successor.
    pub successor: I,
    /// Its successor's successor, once it asked.
    pub second: Option<I>,
    /// Who notified it last, of those that came closer.
    pub predecessor: Option<I>,
}

impl<I: Id> Pointers<I> {
    /// The first node: its own successor.
    pub fn alone(me: I) -> Self {
        Self { me, successor: me, second: None, predecessor: None }
    }

    /// Join: `before`'s successor is ours, and nothing else is known. `None` if `me` does not belong
    /// behind `before`.
    pub fn join(me: I, before: &Self) -> Option<Self> {
        let successor = before.successor;
        interval::between(before.me, me, successor).then_some(Self {
            me,
            successor,
            second: None,
            predecessor: None,
        })
    }

    /// Stabilize: `candidate`, the successor's predecessor, is the successor if it is closer. The paper
    /// adopts it unseen, dead or alive. Whoever is the successor then is to be [notified](Self::notified).
    pub fn stabilize(&mut self, candidate: Option<I>) {
        if let Some(candidate) = candidate
            && interval::between(self.me, candidate, self.successor)
        {
            self.successor = candidate;
        }
    }

    /// Notified: `new` is the predecessor if it is closer, or if there is none.
    pub fn notified(&mut self, new: I) {
        if self.predecessor.is_none_or(|old| interval::between(old, new, self.me)) {
            self.predecessor = Some(new);
        }
    }

    /// Reconcile: takes over the successor's successor.
    pub fn reconcile(&mut self, successors_successor: I) {
        self.second = Some(successors_successor);
    }

    /// Update: the successor is dead, the second one takes its place. Says whether there is one.
    pub fn update(&mut self) -> bool {
        match self.second.take() {
            Some(second) => {
                self.successor = second;
                true
            }
            None => false,
        }
    }

    /// Flush: the predecessor is dead.
    pub fn flush(&mut self) {
        self.predecessor = None;
    }
}
