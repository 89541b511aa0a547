//! Who may compare keys with this node, and how often.
//!
//! An `Offer` is 60 bytes and makes a node look through a range of its store; the `Reconcile` that
//! follows can bring out all of it. So offers are answered at a bounded rate, by source and, of nodes
//! that are no neighbours, all together; and only a node that was told `Differ` may reconcile, once,
//! the range it offered.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use overlay_peer::{Address, Time};

use super::{Cx, Node, push_exact};
use crate::{Id160, interval};

/// Sources of each sort whose rate is remembered.
const SOURCES: usize = 64;
/// Invitations that are remembered, and for how long.
const INVITED: usize = 64;
const VALID: Duration = Duration::from_secs(30);
/// Digests that are remembered: of this node's own range and of those it keeps copies of.
const DIGESTS: usize = 8;

/// How often something may happen: `burst` times at once, and then once `every`.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: u32,
    every: Duration,
}

/// Offers from one neighbour: a few for each change around here.
const NEIGHBOUR: Rate = Rate { burst: 16, every: Duration::from_millis(250) };
/// Offers from one other node.
const STRANGER: Rate = Rate { burst: 4, every: Duration::from_secs(1) };
/// Offers from all other nodes together.
const STRANGERS: Rate = Rate { burst: 16, every: Duration::from_millis(125) };

#[derive(Clone, Debug, Default)]
pub(super) struct Admission {
    /// The last one heard last; nobody else can make us forget how often a neighbour came.
    neighbours: Vec<(Address, Used)>,
    others: Vec<(Address, Used)>,
    strangers: Used,
    /// The latest last.
    invited: Vec<Invited>,
    /// The latest last.
    digests: Vec<Known>,
}

/// How much of a [`Rate`] is used up.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    times: u32,
    since: Time,
}

impl Used {
    fn take(&mut self, rate: Rate, now: Time) -> bool {
        let back = now.since(self.since).as_micros() / rate.every.as_micros();
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        if back >= self.times {
            *self = Self { times: 0, since: now };
        } else {
            self.times -= back;
            self.since += rate.every * back;
        }
        let free = self.times < rate.burst;
        self.times += u32::from(free);
        free
    }
}

/// What a range comes to in one version of the store.
#[derive(Clone, Copy, Debug)]
struct Known {
    range: (Id160, Id160),
    version: u64,
    digest: (u32, u128),
}

#[derive(Clone, Copy, Debug)]
struct Invited {
    /// Its link comes from another port.
    from: IpAddr,
    range: (Id160, Id160),
    terms: Terms,
    until: Time,
}

/// What a node that offers keys may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Whether it is one of the nodes this one points to.
    pub neighbour: bool,
    /// Whether it gets what it lacks itself, or only gives.
    pub both_ways: bool,
}

impl Node {
    /// On which terms a node may compare the keys in a range with ours; `None` if it may not now.
    pub(super) fn admit_offer(
        &mut self,
        from: Address,
        (after, upto): (Id160, Id160),
        cx: &Cx<'_>,
    ) -> Option<Terms> {
        let member = self.member()?;
        let me = member.me();
        let mut pointers =
            member.successors().as_slice().iter().copied().chain(member.predecessor());
        let neighbour = pointers.any(|node| node.address == from && node != me);
        // Nodes we do not know are those two and more before us, and those that just joined: their
        // ranges end before our place. One that leaves hands over all that follows our place, and one
        // that has keys of ours gives back a range that ends there; neither needs anything of ours.
        let terms = Terms { neighbour, both_ways: neighbour || (after != me.id && upto != me.id) };
        if !neighbour && terms.both_ways && interval::in_open_closed(after, me.id, upto) {
            return None;
        }
        self.admission.take(from, neighbour, cx.now()).then_some(terms)
    }

    /// Number and sum of fingerprints in a range, looked up if nothing changed since last time.
    pub(super) fn digest(&mut self, after: Id160, upto: Id160) -> (u32, u128) {
        if self.store.is_empty() {
            return (0, 0);
        }
        let (range, version) = ((after, upto), self.store.version());
        let digests = &mut self.admission.digests;
        let known = digests.iter().find(|known| known.range == range && known.version == version);
        if let Some(known) = known {
            return known.digest;
        }
        let digest = self.store.digest(after, upto);
        digests.retain(|known| known.range != range);
        if digests.len() == DIGESTS {
            digests.remove(0);
        }
        push_exact(digests, Known { range, version, digest });
        digest
    }
}

impl Admission {
    fn take(&mut self, from: Address, neighbour: bool, now: Time) -> bool {
        let (sources, rate) = match neighbour {
            true => (&mut self.neighbours, NEIGHBOUR),
            false => (&mut self.others, STRANGER),
        };
        let at = sources.iter().position(|(address, _)| *address == from);
        let mut used = at.map_or(Used::default(), |at| sources.remove(at).1);
        let free = used.take(rate, now) && (neighbour || self.strangers.take(STRANGERS, now));
        if sources.len() == SOURCES {
            sources.remove(0);
        }
        push_exact(sources, (from, used));
        free
    }

    /// A node was told that we have something else than it offered: it may reconcile that.
    pub fn invite(&mut self, from: Address, range: (Id160, Id160), terms: Terms, now: Time) {
        let from = from.ip().to_canonical();
        self.invited.retain(|i| i.until > now && !(i.from == from && i.range == range));
        if self.invited.len() == INVITED {
            self.invited.remove(0);
        }
        push_exact(&mut self.invited, Invited { from, range, terms, until: now + VALID });
    }

    /// A node wants to reconcile a range: the terms, if it was invited to. That is used up then.
    pub fn accept(&mut self, from: Address, range: (Id160, Id160), now: Time) -> Option<Terms> {
        let from = from.ip().to_canonical();
        let invited = |i: &Invited| i.from == from && i.range == range && i.until > now;
        let at = self.invited.iter().position(invited)?;
        Some(self.invited.remove(at).terms)
    }
}
