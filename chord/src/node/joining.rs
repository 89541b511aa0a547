//! Coming and going: create, join, leave.
//!
//! A node that joins looks up its own identifier, and walks from the owner to the node it belongs
//! behind. There it takes over the successor list, after the check that it belongs there: the Join of
//! the corrected protocol, [`Member::join`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::Address;

use super::admission::Admission;
use super::membership::{RETRY, Upkeep};
use super::operation::{Kind, Operation};
use super::rpc::Purpose;
use super::tasks::{Task, about};
use super::{Cx, Event, Failure, Node};
use crate::{Contact, FingerTable, Id160, Maintenance, Member, Message, Routing, Store, interval};

/// How often a node tries to find its place before it gives up joining, and how often it finds that
/// nobody answers.
const JOIN_TRIES: u32 = 50;
const JOIN_SILENCES: u32 = 5;
/// How many nodes one try walks along, looking for the one to precede.
const JOIN_STEPS: u32 = 32;
/// How long a node that left stays to tell who asks that it is no member: time for its predecessor and its
/// successor to ask and to find each other.
const FAREWELL: Duration = Duration::from_secs(1);
/// Within about so long a node that goes on after a pause asks for the keys it missed.
const RESUMED: Duration = Duration::from_secs(2);

/// Where the node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Outside,
    /// Boxed: it is rarely needed, and there may be millions of nodes.
    Joining(Box<Joining>),
    Member,
    /// Handing over its keys.
    Leaving,
    /// No member any more, and still there to say so to who asks.
    Farewell {
        handed_over: bool,
    },
    /// Knows a member, and never becomes one.
    Client,
}

/// How far joining came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joining {
    tries: u32,
    silences: u32,
    /// Nodes asked in this try.
    steps: u32,
    /// Of the nodes asked in this try, the closest after this node's place.
    after: Option<Contact>,
    /// Whether the nodes before that place are reached.
    before: bool,
}

impl Node {
    /// Starts a ring.
    pub(super) fn create(&mut self, cx: &mut Cx<'_>) {
        if !self.config.member {
            return cx.emit(Event::JoinFailed { reason: Failure::Client });
        }
        if self.standing != Standing::Outside {
            return cx.emit(Event::JoinFailed { reason: Failure::AlreadyJoined });
        }
        let me = self.be_someone(cx);
        self.become_member(Member::alone(me, self.config.successors), cx);
    }

    /// Takes a place in a ring that has it already.
    pub(super) fn resume(
        &mut self,
        predecessor: Option<Contact>,
        successors: &[Contact],
        fingers: &[Contact],
        cx: &mut Cx<'_>,
    ) {
        if !self.config.member {
            return cx.emit(Event::JoinFailed { reason: Failure::Client });
        }
        if self.standing != Standing::Outside {
            return cx.emit(Event::JoinFailed { reason: Failure::AlreadyJoined });
        }
        let me = self.be_someone(cx);
        let list_len = self.config.successors;
        self.begin_as(Member::with_pointers(me, list_len, predecessor, successors), fingers, cx);
        // A whole ring may begin again at the same moment.
        let delay = about(self.config.fix_fingers_every, cx);
        self.tasks.within(Task::Fingers, delay, cx);
        let delay = about(RESUMED, cx);
        self.tasks.within(Task::Sync, delay, cx);
    }

    /// Joins a ring.
    pub(super) fn join(&mut self, via: Vec<Address>, cx: &mut Cx<'_>) {
        if self.standing != Standing::Outside {
            return cx.emit(Event::JoinFailed { reason: Failure::AlreadyJoined });
        }
        self.be_someone(cx);
        self.via = via;
        self.standing = Standing::Joining(Box::default());
        self.try_join(cx);
    }

    fn be_someone(&mut self, cx: &mut Cx<'_>) -> Contact {
        let address = self.config.advertise.unwrap_or(cx.here());
        let id = self.config.id.unwrap_or_else(|| Id160::of_address(address));
        let me = Contact { id, address };
        self.me = Some(me);
        self.fingers = FingerTable::new(id);
        me
    }

    fn empty_table(&self, me: Id160) -> FingerTable<Contact> {
        match self.config.routing {
            Routing::Full => FingerTable::full(me, self.config.limits.table),
            Routing::Finger | Routing::Successor => FingerTable::new(me),
        }
    }

    /// Looks for the place to join at.
    pub(super) fn try_join(&mut self, cx: &mut Cx<'_>) {
        if let (Some(me), Standing::Joining(joining)) = (self.me, &mut self.standing) {
            let Joining { tries, silences, .. } = **joining;
            **joining = Joining { tries, silences, ..Joining::default() };
            self.begin(Operation::new(Kind::Join, me.id), cx);
        }
    }

    /// The lookup for this node's own identifier found who owns it now: our successor to be.
    pub(super) fn join_found(&mut self, owner: Contact, cx: &mut Cx<'_>) {
        if !self.config.member {
            self.standing = Standing::Client;
            return cx.emit(Event::Joined);
        }
        self.join_ask(owner, cx);
    }

    /// Joining did not get on: tries again later, or gives up.
    pub(super) fn join_stuck(&mut self, reason: Failure, cx: &mut Cx<'_>) {
        let Standing::Joining(joining) = &mut self.standing else { return };
        joining.tries += 1;
        joining.silences += u32::from(reason == Failure::NoAnswer);
        if joining.tries < JOIN_TRIES && joining.silences < JOIN_SILENCES {
            // Many may be waiting for the same place: the longer it takes, the longer the wait.
            let delay = about(RETRY * joining.tries.min(8), cx);
            self.tasks.within(Task::Stabilize, delay, cx);
        } else {
            self.standing = Standing::Outside;
            cx.emit(Event::JoinFailed { reason });
        }
    }

    fn join_ask(&mut self, node: Contact, cx: &mut Cx<'_>) {
        let Standing::Joining(joining) = &mut self.standing else { return };
        joining.steps += 1;
        // A node with our identifier is an earlier life of ours that the ring has not dropped yet.
        if joining.steps > JOIN_STEPS || self.me.is_some_and(|me| me.id == node.id) {
            return self.join_stuck(Failure::Unsettled, cx);
        }
        let joining = self.me.map(|me| me.id);
        let pointers = |request| Message::Pointers { request, joining };
        self.ask(node.address, Purpose::Join(node), pointers, cx);
    }

    /// Whether it has asked a node that may be the one to precede us.
    pub(super) fn awaits_place(&self) -> bool {
        self.requests.any(|purpose| matches!(purpose, Purpose::Join(_)))
    }

    /// A node that may be the one to precede us showed its pointers.
    pub(super) fn join_outcome(
        &mut self,
        asked: Contact,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(me) = self.me else { return };
        let Some(answer) = answer else { return self.join_stuck(Failure::NoAnswer, cx) };
        let pointers = self.pointers_in(asked, answer, cx);
        let Standing::Joining(joining) = &mut self.standing else { return };
        let Some((list, predecessor)) = pointers else {
            return self.join_stuck(Failure::Unsettled, cx);
        };
        if let Some(member) = Member::join(me, self.config.successors, asked, &list) {
            // A node after our place that this one has not heard of would be left out of our list.
            // The protocol would mend that later; to let it hear first is cheaper.
            let skips = |node: Contact| {
                list.first().is_some_and(|first| interval::between(me.id, node.id, first.id))
            };
            return if joining.after.is_some_and(skips) {
                cx.send_to(asked.address, Message::Nudge);
                self.join_stuck(Failure::Unsettled, cx)
            } else {
                self.become_member(member, cx)
            };
        }
        let next = if joining.before {
            list.iter().rfind(|s| interval::between(asked.id, s.id, me.id)).copied()
        } else {
            joining.after = Some(asked);
            joining.before = predecessor.is_some_and(|p| interval::between(p.id, me.id, asked.id));
            predecessor
        };
        match next {
            Some(next) => self.join_ask(next, cx),
            None => self.join_stuck(Failure::Unsettled, cx),
        }
    }

    fn become_member(&mut self, member: Member<Contact>, cx: &mut Cx<'_>) {
        self.begin_as(member, &[], cx);
        self.upkeep.first_pass = true;
        self.tasks.within(Task::Fingers, Duration::ZERO, cx);
        self.tasks.within(Task::Sync, Duration::ZERO, cx);
        self.stabilize(cx);
    }

    fn begin_as(&mut self, member: Member<Contact>, fingers: &[Contact], cx: &mut Cx<'_>) {
        let alone = member.successors().as_slice() == [member.me()];
        self.fingers = self.empty_table(member.me().id);
        for node in member.successors().as_slice().iter().chain(fingers) {
            // The list has every node up to its end, so the nearest of each level is a finger.
            self.fingers.learn(*node);
        }
        self.fingers.shrink();
        self.member = Some(Maintenance::new(member));
        self.standing = Standing::Member;
        self.upkeep = Upkeep::default();
        self.sync.begin(alone);
        cx.emit(Event::Joined);
        self.tasks.cancel(Task::Stabilize);
        let delay = about(self.config.stabilize_every, cx);
        self.tasks.within(Task::Stabilize, delay, cx);
        let delay = about(self.config.refresh_every, cx);
        self.tasks.within(Task::Refresh, delay, cx);
    }

    /// Leaves the ring: hands over the keys first.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>) {
        match self.standing {
            Standing::Member => {
                self.standing = Standing::Leaving;
                self.hand_over(cx);
            }
            Standing::Leaving | Standing::Farewell { .. } => {}
            Standing::Outside | Standing::Joining(_) | Standing::Client => {
                self.fail_operations(Failure::NotJoined, cx);
                self.stop();
                cx.emit(Event::Left { handed_over: true });
            }
        }
    }

    /// The keys are handed over, or nobody would take them. From here on this is a node that failed, as
    /// far as the protocol goes; its predecessor is told to look, so that it finds out now.
    pub(super) fn leave_now(&mut self, handed_over: bool, cx: &mut Cx<'_>) {
        let before = self.member().and_then(Member::predecessor);
        self.fail_operations(Failure::NotJoined, cx);
        self.stop();
        self.store = Store::new(self.config.limits.store);
        if let Some(before) = before.filter(|before| Some(*before) != self.me) {
            cx.send_to(before.address, Message::Nudge);
        }
        self.standing = Standing::Farewell { handed_over };
        self.tasks.within(Task::Stabilize, FAREWELL, cx);
    }

    /// Who had to know that this node left has had the time to ask.
    pub(super) fn farewell_over(&mut self, handed_over: bool, cx: &mut Cx<'_>) {
        self.standing = Standing::Outside;
        cx.emit(Event::Left { handed_over });
    }

    /// Stands outside, with no upkeep under way.
    pub(super) fn stop(&mut self) {
        self.member = None;
        self.standing = Standing::Outside;
        self.upkeep = Upkeep::default();
        self.sync.begin(false);
        self.admission = Admission::default();
        for task in [Task::Stabilize, Task::Fingers, Task::Sync, Task::Refresh] {
            self.tasks.cancel(task);
        }
        self.requests.forget(|purpose| {
            matches!(purpose, Purpose::Upkeep | Purpose::Join(_) | Purpose::Offer(..))
        });
        self.operations.drop_upkeep();
    }
}
