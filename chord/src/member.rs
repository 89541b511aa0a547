//! The pointers that keep a ring a ring, and the operations on them: Chord as corrected by Zave.
//!
//! The protocol of the 2001 and 2003 papers can lose its ring: none of its seven claimed invariants
//! holds (P. Zave, "Using lightweight modeling to understand Chord", CCR 2012). The operations here
//! are those of her correct version ("Reasoning about identifier spaces: how to make Chord correct",
//! IEEE TSE 2017). What differs: a joining node takes over its predecessor's whole successor list,
//! after a check that it belongs there; a list is only ever taken over from a node that just
//! answered; and while a node waits for such an answer it does not show its own pointers.
//!
//! [`Member`] is one node's pointers and each operation's effect on them, without messages, so that
//! a model checker can run exactly what the protocol node runs.

use crate::{Place, SuccessorList, interval};

/// One member's pointers: a successor list and a predecessor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member<P> {
    successors: SuccessorList<P>,
    predecessor: Option<P>,
}

/// What an operation asks for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<P> {
    /// Ask this node for its pointers and, if it answers, take them over with
    /// [`Member::stabilize_from_predecessor`].
    Query(P),
    /// Tell this node that we may be its predecessor.
    Notify(P),
    /// There is nobody to tell: the node is alone, or has lost every successor.
    Nothing,
}

/// What became of a [`Member::rectify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectified<P> {
    /// The new node is the predecessor now.
    Adopted,
    /// It was already.
    Same,
    /// It would only be if this one, the present predecessor, is dead. Ask it; if it does not answer,
    /// call [`Member::predecessor_failed`] and rectify again.
    Check(P),
}

impl<P: Place> Member<P> {
    /// The first member of a ring: its own successor and predecessor. `list_len` is r.
    ///
    /// A ring is only safe once it has r + 1 members; none should fail before.
    pub fn alone(me: P, list_len: usize) -> Self {
        Self { successors: SuccessorList::alone(me, list_len), predecessor: Some(me) }
    }

    /// Join(me via `before`): `list` is the successor list that `before` just sent. `None` if `me` does
    /// not belong between `before` and its successor: then `before` is the wrong node to ask.
    pub fn join(me: P, list_len: usize, before: P, list: &[P]) -> Option<Self> {
        let successor = list.first()?;
        if !interval::between(before.id(), me.id(), successor.id()) {
            return None;
        }
        let mut successors = SuccessorList::alone(me, list_len);
        successors.adopt(*successor, &list[1..]);
        Some(Self { successors, predecessor: Some(before) })
    }

    /// A member with these pointers, as a ring that is taken up again has them, or a model of one.
    /// `list` is cut where it does not go clockwise from `me`. Nothing else is checked: what joins a
    /// ring that lives has to [`join`](Self::join).
    pub fn with_pointers(me: P, list_len: usize, predecessor: Option<P>, list: &[P]) -> Self {
        Self { successors: SuccessorList::with_entries(me, list_len, list), predecessor }
    }

    /// The member itself.
    pub fn me(&self) -> P {
        self.successors.me()
    }

    /// Its successor list.
    pub fn successors(&self) -> &SuccessorList<P> {
        &self.successors
    }

    /// Its predecessor, unless that is known to be gone.
    pub fn predecessor(&self) -> Option<P> {
        self.predecessor
    }

    /// Whether `key` is this member's: whether it lies in (predecessor, me]. While the predecessor is
    /// unknown, nothing is known to be.
    pub fn owns(&self, key: P::Id) -> bool {
        self.predecessor
            .is_some_and(|before| interval::in_open_closed(before.id(), key, self.me().id()))
    }

    /// StabilizeFromSuccessor, when the successor answered with its `list` and `predecessor`.
    /// Returns whether the list changed, and what to do next.
    pub fn stabilize_from_successor(
        &mut self,
        successor: P,
        list: &[P],
        predecessor: Option<P>,
    ) -> (bool, Next<P>) {
        let me = self.me();
        let changed = self.successors.adopt(successor, list);
        let next = match predecessor {
            Some(p) if interval::between(me.id(), p.id(), successor.id()) => Next::Query(p),
            _ => self.notify(),
        };
        (changed, next)
    }

    /// StabilizeFromSuccessor of a member that is its own successor, and knows what that answers.
    pub fn stabilize_alone(&mut self) -> Next<P> {
        let (me, predecessor) = (self.me(), self.predecessor);
        self.stabilize_from_successor(me, &[], predecessor).1
    }

    /// StabilizeFromSuccessor, when the successor is dead: the next entry moves up and is notified.
    pub fn successor_failed(&mut self) -> Next<P> {
        self.successors.shift();
        self.notify()
    }

    /// StabilizeFromPredecessor: our successor's predecessor `candidate` answered with its `list`, so
    /// it lives and is our successor now. Returns whether the list changed, and whom to notify.
    ///
    /// A candidate that is not between here and the successor any more changes nothing.
    pub fn stabilize_from_predecessor(&mut self, candidate: P, list: &[P]) -> (bool, Next<P>) {
        let me = self.me();
        let still = self
            .successors
            .first()
            .is_none_or(|first| interval::between(me.id(), candidate.id(), first.id()));
        let changed = still && self.successors.adopt(candidate, list);
        (changed, self.notify())
    }

    /// StabilizeFromPredecessor, when the candidate is dead: the successor stays and is notified.
    pub fn notify(&self) -> Next<P> {
        match self.successors.first() {
            Some(first) if first != self.me() => Next::Notify(first),
            _ => Next::Nothing,
        }
    }

    /// Rectify: `new` says that it may be our predecessor.
    pub fn rectify(&mut self, new: P) -> Rectified<P> {
        let me = self.me();
        match self.predecessor {
            Some(old) if old == new => Rectified::Same,
            Some(old) if !interval::between(old.id(), new.id(), me.id()) => Rectified::Check(old),
            _ if new.id() == me.id() => Rectified::Same,
            _ => {
                self.predecessor = Some(new);
                Rectified::Adopted
            }
        }
    }

    /// The predecessor is known to be dead. Whoever notifies next becomes it; for a member that is
    /// alone now, that is itself.
    pub fn predecessor_failed(&mut self) {
        let me = self.me();
        self.predecessor = (self.successors.first() == Some(me)).then_some(me);
    }
}
