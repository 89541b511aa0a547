//! What must hold of a ring's members at every instant, as functions of a snapshot of them.
//!
//! The two inductive invariants are Zave's ("Reasoning about identifier spaces: how to make Chord
//! correct", IEEE TSE 43(12), 2017): every member has a live entry in its successor list, and at least
//! r + 1 members are *principal*, that is skipped by no member's list. The others follow from these, and
//! most of them are what the papers claimed of the published protocol.
//!
//! A member's extended list is the member itself and then its successor list; its *best* successor is
//! the first entry that lives; the *ring* is who comes back to itself by best successors, and everyone
//! else is an *appendage*.

use alloc::vec;
use alloc::vec::Vec;

use crate::{Member, Place, interval};

/// One thing that is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation<I> {
    /// Inductive: no entry of the node's list lives.
    #[error("{node} has no live successor")]
    NoLiveSuccessor {
        /// The member.
        node: I,
    },
    /// Inductive: fewer than r + 1 members are skipped by no list.
    #[error("{found} members are principal, {needed} are needed")]
    TooFewPrincipals {
        /// How many there are.
        found: usize,
        /// r + 1.
        needed: usize,
    },
    /// NoDuplicates: a place is twice in a node's extended list.
    #[error("{node} lists {entry} twice")]
    Duplicate {
        /// Whose list it is.
        node: I,
        /// What is in it twice.
        entry: I,
    },
    /// OrderedSuccessorLists: an entry is not clockwise between those before and after it.
    #[error("{node} lists {entry} out of order")]
    ListOutOfOrder {
        /// Whose list it is.
        node: I,
        /// The first entry that goes back.
        entry: I,
    },
    /// A principal member is only an appendage.
    #[error("{node} is principal, but not on the ring")]
    PrincipalOffRing {
        /// The member.
        node: I,
    },
    /// AtLeastOneRing: nobody comes back to itself.
    #[error("there is no ring")]
    NoRing,
    /// AtMostOneRing: there are two rings.
    #[error("{one} and {other} are on different rings")]
    TwoRings {
        /// A member of the one.
        one: I,
        /// A member of the other.
        other: I,
    },
    /// OrderedRing: a member of the ring lies between another and that one's best successor.
    #[error("the ring goes from {node} to {next} and skips {skipped}")]
    RingOutOfOrder {
        /// A member of the ring.
        node: I,
        /// Its best successor.
        next: I,
        /// The member of the ring that lies between them.
        skipped: I,
    },
    /// ConnectedAppendages: best successors do not lead from the node to a ring.
    #[error("nothing leads from {node} to the ring")]
    CutOff {
        /// The appendage.
        node: I,
    },
}

/// The members of a ring at one instant: all that live, and nobody else.
#[derive(Clone, Debug)]
pub struct Snapshot<'a, P: Place> {
    /// By identifier.
    members: Vec<&'a Member<P>>,
    ids: Vec<P::Id>,
}

/// Everything that is wrong with a ring. `members` are all that live; `r` is the length of their
/// successor lists. Empty for a ring that was started with r + 1 members of which no minority of
/// failures left somebody without a live successor, whatever else happened.
///
/// With r members or fewer the lists come round to their owner; that is not counted as a duplicate, but
/// there are too few principals. Cost: N·r·log N.
pub fn check<'a, P: Place + 'a>(
    members: impl IntoIterator<Item = &'a Member<P>>,
    r: usize,
) -> Vec<Violation<P::Id>> {
    Snapshot::new(members).violations(r)
}

impl<'a, P: Place> Snapshot<'a, P> {
    /// The snapshot of these members, in any order, each once.
    pub fn new(members: impl IntoIterator<Item = &'a Member<P>>) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable_by_key(|member| member.me().id());
        let ids = members.iter().map(|member| member.me().id()).collect();
        Self { members, ids }
    }

    /// See [`check`].
    pub fn violations(&self, r: usize) -> Vec<Violation<P::Id>> {
        let mut found = Vec::new();
        for member in &self.members {
            self.check_list(member, r, &mut found);
        }
        let (principals, ring) = (self.principals(), self.ring());
        let (count, needed) = (principals.iter().filter(|is| **is).count(), r + 1);
        if count < needed {
            found.push(Violation::TooFewPrincipals { found: count, needed });
        }
        self.check_ring(&ring, &mut found);
        for (at, place) in ring.iter().enumerate() {
            let node = self.ids[at];
            match place {
                Where::CutOff => found.push(Violation::CutOff { node }),
                Where::Appendage if principals[at] => {
                    found.push(Violation::PrincipalOffRing { node });
                }
                _ => {}
            }
        }
        found
    }

    /// Whether every member's list is the next r living members (all others and itself, if there are
    /// fewer), and every predecessor the one before. Then, and only then, no operation changes anything.
    pub fn is_ideal(&self) -> bool {
        let count = self.ids.len();
        self.members.iter().enumerate().all(|(at, member)| {
            let list = member.successors();
            let predecessor = self.ids[(at + count - 1) % count];
            list.as_slice().len() == list.capacity().min(count)
                && (1..).zip(list.as_slice()).all(|(i, e)| e.id() == self.ids[(at + i) % count])
                && member.predecessor().is_some_and(|p| p.id() == predecessor)
        })
    }

    /// Which members, in order of their identifiers, no member's extended list skips.
    pub fn principals(&self) -> Vec<bool> {
        // How many pairs skip a member, as differences between one member and the next.
        let mut skips = vec![0_i64; self.ids.len() + 1];
        let mut skip = |from: usize, to: usize| {
            skips[from] += 1;
            skips[to] -= 1;
        };
        for member in &self.members {
            let mut x = member.me().id();
            for entry in member.successors().as_slice() {
                let y = entry.id();
                let after_x = self.ids.partition_point(|id| *id <= x);
                let from_y = self.ids.partition_point(|id| *id < y);
                if x < y {
                    skip(after_x, from_y);
                } else {
                    skip(after_x, self.ids.len());
                    skip(0, from_y);
                }
                x = y;
            }
        }
        let mut sum = 0;
        let counts = skips.iter().take(self.ids.len()).map(|change| {
            sum += change;
            sum
        });
        counts.map(|count| count == 0).collect()
    }

    fn check_list(&self, member: &Member<P>, r: usize, found: &mut Vec<Violation<P::Id>>) {
        let node = member.me().id();
        let list: Vec<P::Id> = member.successors().as_slice().iter().map(Place::id).collect();
        if self.best(member).is_none() {
            found.push(Violation::NoLiveSuccessor { node });
        }
        let comes_round = self.ids.len() <= r && list.last() == Some(&node);
        let once = &list[..list.len() - usize::from(comes_round)];
        for (at, entry) in once.iter().enumerate() {
            if *entry == node || once[..at].contains(entry) {
                found.push(Violation::Duplicate { node, entry: *entry });
            } else if at > 0 && !interval::between(node, once[at - 1], *entry) {
                found.push(Violation::ListOutOfOrder { node, entry: *entry });
            }
        }
    }

    fn check_ring(&self, ring: &[Where], found: &mut Vec<Violation<P::Id>>) {
        let on_ring = |at: &usize| matches!(ring[*at], Where::Ring(_));
        let around: Vec<usize> = (0..ring.len()).filter(on_ring).collect();
        let Some(&first) = around.first() else {
            return found.push(Violation::NoRing);
        };
        if let Some(&other) = around.iter().find(|at| ring[**at] != ring[first]) {
            let (one, other) = (self.ids[first], self.ids[other]);
            found.push(Violation::TwoRings { one, other });
        }
        for (i, &at) in around.iter().enumerate() {
            let (node, skipped) = (self.ids[at], self.ids[around[(i + 1) % around.len()]]);
            if let Some(next) = self.best(self.members[at]).map(|next| self.ids[next])
                && interval::between(node, skipped, next)
            {
                found.push(Violation::RingOutOfOrder { node, next, skipped });
            }
        }
    }

    /// The first entry of a member's list that lives, as its number.
    fn best(&self, member: &Member<P>) -> Option<usize> {
        let list = member.successors().as_slice();
        list.iter().find_map(|entry| self.ids.binary_search(&entry.id()).ok())
    }

    /// Where each member is.
    fn ring(&self) -> Vec<Where> {
        let best: Vec<_> = self.members.iter().map(|member| self.best(member)).collect();
        let mut place: Vec<Option<Where>> = vec![None; best.len()];
        // Who was met on the present walk, and on which walk that was.
        let mut met = vec![usize::MAX; best.len()];
        for start in 0..best.len() {
            let (mut path, mut at) = (Vec::new(), Some(start));
            while let Some(here) = at
                && place[here].is_none()
                && met[here] != start
            {
                met[here] = start;
                path.push(here);
                at = best[here];
            }
            let outcome = match at {
                None => Where::CutOff,
                Some(here) if place[here].is_none() => {
                    // The walk met itself: a ring, and what led to it.
                    let from = path.iter().position(|node| *node == here).unwrap_or(0);
                    for node in path.drain(from..) {
                        place[node] = Some(Where::Ring(here));
                    }
                    Where::Appendage
                }
                Some(here) if place[here] == Some(Where::CutOff) => Where::CutOff,
                Some(_) => Where::Appendage,
            };
            for node in path {
                place[node] = Some(outcome);
            }
        }
        place.into_iter().map(|place| place.unwrap_or(Where::CutOff)).collect()
    }
}

/// Where a member is, as seen from its best successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// On the ring that this member is on too.
    Ring(usize),
    Appendage,
    CutOff,
}
