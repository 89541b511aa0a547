//! Being a member: join, stabilize, rectify, leave.
//!
//! These are the operations of [`Member`], spread over messages. While this node waits for an answer
//! that may change its pointers it shows them to nobody and answers `Busy`; then each operation
//! takes effect as if at one instant, which is what the proof of the corrected protocol rests on.

use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::{Address, Time};

use super::operation::{Kind, Operation};
use super::rpc::Purpose;
use super::tasks::{Task, about};
use super::{Cx, Event, Failure, Misbehaviour, Node};
use crate::successors::is_ordered;
use crate::{Contact, Id160, Member, Message, Next, Rectified, Refusal, interval};

/// How often a node tries to find its place before it gives up joining, and how often it finds that
/// nobody answers.
const JOIN_TRIES: u32 = 50;
const JOIN_SILENCES: u32 = 5;
/// How many nodes one try walks along, looking for the one to precede.
const JOIN_STEPS: u32 = 32;
/// How long it waits between tries, give or take half, and after `Busy`.
const RETRY: Duration = Duration::from_millis(300);
/// For so long, or until the joining node shows up, no other may join at the same place.
const JOIN_GAP: Duration = Duration::from_secs(1);
/// Nudges that come closer together than this count as one.
const NUDGE_GAP: Duration = Duration::from_millis(100);
/// After a change the next upkeep comes sooner by this factor.
pub(super) const SOONER: u32 = 8;

/// Where the node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Outside,
    Joining(Joining),
    Member,
    /// Handing over its keys.
    Leaving,
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

/// The upkeep of the pointers.
#[derive(Clone, Debug, Default)]
pub(super) struct Upkeep {
    /// The state-changing query under way.
    query: Option<Query>,
    /// Who notified last while a query was under way.
    notified: Option<Contact>,
    /// Whether somebody wants another stabilization right after this.
    again: bool,
    /// Who was last shown the place to join at, and when.
    admitted: Option<(Id160, Time)>,
    /// When a nudge last had an effect at once.
    nudged: Option<Time>,
    /// The finger to refresh next; 0 at the beginning of a pass.
    pub next_finger: u32,
    /// Whether the first pass through the fingers is still under way.
    pub first_pass: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Query {
    /// StabilizeFromSuccessor asks the successor.
    Successor(Contact),
    /// StabilizeFromPredecessor asks the successor's predecessor.
    Candidate(Contact),
    /// Rectify asks the predecessor whether it lives, because `new` would take its place.
    Predecessor { old: Contact, new: Contact },
}

impl Query {
    fn asked(self) -> Contact {
        match self {
            Self::Successor(node) | Self::Candidate(node) | Self::Predecessor { old: node, .. } => {
                node
            }
        }
    }
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

    /// Joins a ring.
    pub(super) fn join(&mut self, via: Vec<Address>, cx: &mut Cx<'_>) {
        if self.standing != Standing::Outside {
            return cx.emit(Event::JoinFailed { reason: Failure::AlreadyJoined });
        }
        self.be_someone(cx);
        self.via = via;
        self.standing = Standing::Joining(Joining::default());
        self.try_join(cx);
    }

    fn be_someone(&mut self, cx: &mut Cx<'_>) -> Contact {
        let address = self.config.advertise.unwrap_or(cx.here());
        let id = self.config.id.unwrap_or_else(|| Id160::of_address(address));
        let me = Contact { id, address };
        self.me = Some(me);
        self.fingers = crate::FingerTable::new(id);
        me
    }

    /// Looks for the place to join at.
    pub(super) fn try_join(&mut self, cx: &mut Cx<'_>) {
        if let (Some(me), Standing::Joining(joining)) = (self.me, &mut self.standing) {
            let Joining { tries, silences, .. } = *joining;
            *joining = Joining { tries, silences, ..Joining::default() };
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

    /// The list and predecessor in an answer to `Pointers`, if it is one and is in order.
    fn pointers_in(
        &mut self,
        asked: Contact,
        answer: Message,
        cx: &mut Cx<'_>,
    ) -> Option<(Vec<Contact>, Option<Contact>)> {
        let from = asked.address;
        match answer {
            Message::Neighbours { id, .. } if id != asked.id => {
                let what = Misbehaviour::OtherId { claimed: id, known: asked.id };
                self.misbehaved(from, what, cx);
                None
            }
            Message::Neighbours { id, predecessor, successors, .. } => {
                if is_ordered(id, &successors) {
                    Some((successors, predecessor))
                } else {
                    self.misbehaved(from, Misbehaviour::OutOfOrder, cx);
                    None
                }
            }
            Message::Busy { .. } | Message::Refused { .. } => None,
            other => {
                self.out_of_place(from, &other, cx);
                None
            }
        }
    }

    fn become_member(&mut self, member: Member<Contact>, cx: &mut Cx<'_>) {
        let list = member.successors().as_slice().to_vec();
        let alone = list == [member.me()];
        self.fingers = crate::FingerTable::new(member.me().id);
        for node in list {
            // The list has every node up to its end, so the nearest of each level is a finger.
            self.fingers.learn(node);
        }
        self.member = Some(member);
        self.standing = Standing::Member;
        self.upkeep = Upkeep { first_pass: true, ..Upkeep::default() };
        self.sync.begin(alone);
        cx.emit(Event::Joined);
        self.tasks.cancel(Task::Stabilize);
        let delay = about(self.config.stabilize_every, cx);
        self.tasks.within(Task::Stabilize, delay, cx);
        self.tasks.within(Task::Fingers, Duration::ZERO, cx);
        self.tasks.within(Task::Sync, Duration::ZERO, cx);
        let delay = about(self.config.refresh_every, cx);
        self.tasks.within(Task::Refresh, delay, cx);
        self.stabilize(cx);
    }

    /// Shows the pointers, unless they may be about to change. They are about to change, too, if
    /// another node was just shown them that wants to join here: of many that come at once, only one
    /// at a time finds the place, and the next one sees it there.
    pub(super) fn show_pointers(
        &mut self,
        request: u32,
        joining: Option<Id160>,
        cx: &mut Cx<'_>,
    ) -> Message {
        let now = cx.now();
        match &self.member {
            Some(member) if self.upkeep.query.is_none() => {
                let (me, list) = (member.me().id, member.successors());
                let fits = |id: &Id160| {
                    list.first().is_some_and(|first| interval::between(me, *id, first.id))
                };
                if let Some(id) = joining.filter(fits) {
                    let taken = |(other, when)| other != id && now.since(when) < JOIN_GAP;
                    if self.upkeep.admitted.is_some_and(taken) {
                        self.counters.busy_answers += 1;
                        return Message::Busy { request };
                    }
                    self.upkeep.admitted = Some((id, now));
                }
                Message::Neighbours {
                    request,
                    id: me,
                    predecessor: member.predecessor(),
                    successors: list.as_slice().to_vec(),
                }
            }
            _ => {
                self.counters.busy_answers += 1;
                Message::Busy { request }
            }
        }
    }

    /// StabilizeFromSuccessor begins.
    pub(super) fn stabilize(&mut self, cx: &mut Cx<'_>) {
        if self.upkeep.query.is_some() {
            self.upkeep.again = true;
            return;
        }
        let Some(member) = &mut self.member else { return };
        self.counters.stabilizations += 1;
        let me = member.me();
        match member.successors().first() {
            None => self.isolated(cx),
            Some(successor) if successor == me => {
                // Its own successor: it knows what that would answer.
                let (list, predecessor) =
                    (member.successors().as_slice().to_vec(), member.predecessor());
                let (_, next) = member.stabilize_from_successor(me, &list, predecessor);
                self.go_on(next, false, cx);
            }
            Some(successor) => self.query(Query::Successor(successor), cx),
        }
    }

    fn query(&mut self, query: Query, cx: &mut Cx<'_>) {
        self.upkeep.query = Some(query);
        let message = |request| match query {
            Query::Successor(_) | Query::Candidate(_) => {
                Message::Pointers { request, joining: None }
            }
            Query::Predecessor { .. } => Message::Ping { request },
        };
        self.ask(query.asked().address, Purpose::Upkeep, message, cx);
    }

    /// The state-changing query has its answer, or the node asked is dead.
    pub(super) fn query_outcome(
        &mut self,
        from: Address,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(query) = self.upkeep.query else { return };
        let asked = query.asked();
        if self.member.is_none() || asked.address != from {
            return;
        }
        if let Query::Predecessor { old, new } = query {
            // Whatever it answers as a member, it lives.
            if matches!(answer, None | Some(Message::Refused { reason: Refusal::NotMember, .. })) {
                self.fingers.remove(old);
                if let Some(member) = &mut self.member {
                    member.predecessor_failed();
                }
                self.rectify(new, cx);
            }
            return self.query_over(cx);
        }
        if matches!(answer, Some(Message::Busy { .. })) {
            let delay = about(RETRY, cx);
            self.tasks.within(Task::Stabilize, delay, cx);
            return self.query_over(cx);
        }
        let pointers = answer.and_then(|answer| self.pointers_in(asked, answer, cx));
        let before = self.replica_holders();
        let Some(member) = &mut self.member else { return };
        let (changed, next) = match (query, &pointers) {
            (Query::Successor(node), Some((list, predecessor))) => {
                member.stabilize_from_successor(node, list, *predecessor)
            }
            (Query::Successor(_), None) => (true, member.successor_failed()),
            (_, Some((list, _))) => member.stabilize_from_predecessor(asked, list),
            (_, None) => (false, member.notify()),
        };
        if pointers.is_none() {
            self.fingers.remove(asked);
        }
        if before != self.replica_holders() {
            self.tasks.within(Task::Sync, Duration::from_secs(1), cx);
        }
        // A new successor may have a predecessor that is closer still; and the entry after one that
        // died has not answered yet. Both are worth a look at once.
        self.upkeep.again |= match query {
            Query::Successor(_) => pointers.is_none(),
            Query::Candidate(_) => changed,
            Query::Predecessor { .. } => false,
        };
        self.go_on(next, changed, cx);
    }

    /// Does what an operation asks for next.
    fn go_on(&mut self, next: Next<Contact>, changed: bool, cx: &mut Cx<'_>) {
        self.note_change(changed, cx);
        match next {
            Next::Query(candidate) => self.query(Query::Candidate(candidate), cx),
            Next::Notify(node) => {
                if let Some(me) = self.me {
                    cx.send_to(node.address, Message::Notify { id: me.id });
                }
                self.query_over(cx);
            }
            Next::Nothing => self.query_over(cx),
        }
    }

    fn note_change(&mut self, changed: bool, cx: &mut Cx<'_>) {
        if !changed {
            return;
        }
        self.counters.changes += 1;
        if let Some(first) = self.member.as_ref().and_then(|m| m.successors().first()) {
            if self.fingers.set(1, first) {
                self.upkeep.admitted = None;
            }
        }
        let delay = about(self.config.stabilize_every / SOONER, cx);
        self.tasks.within(Task::Stabilize, delay, cx);
    }

    /// No query is under way any more: what waited for that comes now.
    fn query_over(&mut self, cx: &mut Cx<'_>) {
        self.upkeep.query = None;
        if let Some(new) = self.upkeep.notified.take() {
            self.rectify(new, cx);
        }
        let again = core::mem::take(&mut self.upkeep.again);
        let lost_all = self.member.as_ref().is_some_and(|m| m.successors().first().is_none());
        if self.upkeep.query.is_some() {
            self.upkeep.again = again;
        } else if again || lost_all {
            self.stabilize(cx);
        }
    }

    /// Somebody may be our predecessor.
    pub(super) fn notified(&mut self, new: Contact, cx: &mut Cx<'_>) {
        if self.member.is_none() {
            return;
        }
        if self.upkeep.query.is_some() {
            self.upkeep.notified = Some(new);
        } else {
            self.rectify(new, cx);
        }
    }

    /// Rectify.
    fn rectify(&mut self, new: Contact, cx: &mut Cx<'_>) {
        let Some(member) = &mut self.member else { return };
        let old = member.predecessor();
        match member.rectify(new) {
            Rectified::Same => {}
            Rectified::Check(old) if self.upkeep.query.is_none() => {
                self.query(Query::Predecessor { old, new }, cx);
            }
            Rectified::Check(_) => {}
            Rectified::Adopted => {
                // The old predecessor has a new successor. It would find out when it stabilizes
                // next; telling it to do so now only moves that time.
                match old {
                    Some(old) if Some(old) == self.me => self.stabilize(cx),
                    Some(old) => cx.send_to(old.address, Message::Nudge),
                    None => {}
                }
                self.tasks.within(Task::Sync, Duration::from_secs(1), cx);
            }
        }
    }

    /// Something changed beside this node. However many nudges come, it stabilizes once a gap.
    pub(super) fn nudged(&mut self, cx: &mut Cx<'_>) {
        if self.member.is_none() {
            return;
        }
        let now = cx.now();
        let since = self.upkeep.nudged.map_or(NUDGE_GAP, |last| now.since(last));
        if since < NUDGE_GAP {
            return self.tasks.within(Task::Stabilize, NUDGE_GAP - since, cx);
        }
        self.upkeep.nudged = Some(now);
        self.stabilize(cx);
    }

    /// A neighbour says that it leaves: the same as if it were found dead, only at once.
    pub(super) fn neighbour_left(&mut self, node: Contact, cx: &mut Cx<'_>) {
        self.fingers.remove(node);
        if self.upkeep.query.is_some_and(|query| query.asked() == node) {
            self.requests.forget(|purpose| purpose == Purpose::Upkeep);
            return self.query_outcome(node.address, None, cx);
        }
        let Some(member) = &mut self.member else { return };
        if member.predecessor() == Some(node) {
            member.predecessor_failed();
        }
        if member.successors().first() == Some(node) {
            let next = member.successor_failed();
            self.upkeep.again = true;
            if self.upkeep.query.is_none() {
                self.go_on(next, true, cx);
            } else {
                self.note_change(true, cx);
            }
        }
    }

    /// No successor is left: join again through anyone known.
    fn isolated(&mut self, cx: &mut Cx<'_>) {
        cx.emit(Event::Isolated);
        let known = self.member.take().and_then(|member| member.predecessor());
        let mut via = core::mem::take(&mut self.via);
        via.extend(self.fingers.as_slice().iter().copied().chain(known).map(|node| node.address));
        via.sort_unstable();
        via.dedup();
        let me = self.me.map(|me| me.address);
        via.retain(|address| Some(*address) != me);
        self.via = via;
        self.stop();
        self.standing = Standing::Joining(Joining::default());
        self.try_join(cx);
    }

    /// Leaves the ring: hands over the keys first.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>) {
        match self.standing {
            Standing::Member => {
                self.standing = Standing::Leaving;
                self.hand_over(cx);
            }
            Standing::Leaving => {}
            Standing::Outside | Standing::Joining(_) | Standing::Client => {
                self.fail_operations(Failure::NotJoined, cx);
                self.stop();
                cx.emit(Event::Left { handed_over: true });
            }
        }
    }

    /// The keys are handed over, or nobody would take them.
    pub(super) fn leave_now(&mut self, handed_over: bool, cx: &mut Cx<'_>) {
        if let Some(member) = self.member.take() {
            let me = member.me();
            let first = member.successors().first();
            let neighbours =
                first.into_iter().chain(member.predecessor().filter(|p| first != Some(*p)));
            for neighbour in neighbours.filter(|neighbour| *neighbour != me) {
                cx.send_to(neighbour.address, Message::Leaving { id: me.id });
            }
        }
        self.fail_operations(Failure::NotJoined, cx);
        self.stop();
        self.store = crate::Store::new(self.config.limits.store);
        cx.emit(Event::Left { handed_over });
    }

    /// Stands outside, with no upkeep under way.
    fn stop(&mut self) {
        self.member = None;
        self.standing = Standing::Outside;
        self.upkeep = Upkeep::default();
        self.sync.begin(false);
        for task in [Task::Stabilize, Task::Fingers, Task::Sync, Task::Refresh] {
            self.tasks.cancel(task);
        }
        self.requests.forget(|purpose| {
            matches!(purpose, Purpose::Upkeep | Purpose::Join(_) | Purpose::Offer(..))
        });
        self.operations.drop_upkeep();
    }
}
