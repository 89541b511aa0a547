//! Being a member: stabilize and rectify.
//!
//! These are the operations of [`Member`](crate::Member), spread over messages. While this node waits for an answer
//! that may change its pointers it shows them to nobody and answers `Busy`; then each operation
//! takes effect as if at one instant, which is what the proof of the corrected protocol rests on.

use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::{Address, Time};

use super::joining::{Joining, Standing};
use super::rpc::Purpose;
use super::tasks::{Task, about};
use super::{Cx, Event, Misbehaviour, Node};
use crate::successors::is_ordered;
use crate::{Contact, Id160, Message, Next, Rectified, Refusal, interval};

/// How long a node waits after `Busy`, and between tries to join, give or take half.
pub(super) const RETRY: Duration = Duration::from_millis(300);
/// For so long, or until the joining node shows up, no other may join at the same place.
const JOIN_GAP: Duration = Duration::from_secs(1);
/// Nudges that come closer together than this count as one.
const NUDGE_GAP: Duration = Duration::from_millis(100);
/// After a change the next upkeep comes sooner by this factor.
pub(super) const SOONER: u32 = 8;

/// The upkeep of the pointers.
#[derive(Clone, Debug, Default)]
pub(super) struct Upkeep {
    /// The state-changing query under way.
    query: Option<Query>,
    /// Who notified last while a query was under way.
    notified: Option<Contact>,
    /// Whether somebody wants another stabilization right after this.
    again: bool,
    /// Whether the user was told that every successor failed.
    isolated: bool,
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
    /// The list and predecessor in an answer to `Pointers`, if it is one and is in order.
    pub(super) fn pointers_in(
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
            (_, None) => {
                // Only a node that is its own successor asks its own predecessor.
                if member.predecessor() == Some(asked) {
                    member.predecessor_failed();
                }
                (false, member.notify())
            }
        };
        if pointers.is_none() {
            self.fingers.remove(asked);
        }
        let lost = member.successors().first().is_none();
        if before != self.replica_holders() {
            self.tasks.within(Task::Sync, Duration::from_secs(1), cx);
        }
        // A new successor may have a predecessor that is closer still; and the entry after one that
        // died has not answered yet. Both are worth a look at once.
        self.upkeep.again |= match query {
            Query::Successor(_) => pointers.is_none(),
            Query::Candidate(_) => changed || lost,
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
            self.upkeep.isolated = false;
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
        if self.upkeep.query.is_none() && core::mem::take(&mut self.upkeep.again) {
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

    /// No successor is left: the ring is broken here. The nearest finger becomes the successor if it
    /// lives, and stabilizing finds its way back from there. The node stays a member meanwhile: if it
    /// resigned, its predecessor would be the next to lose its successors.
    fn isolated(&mut self, cx: &mut Cx<'_>) {
        let Some(member) = &self.member else { return };
        let predecessor = member.predecessor().filter(|p| Some(*p) != self.me);
        if !self.upkeep.isolated {
            self.upkeep.isolated = true;
            cx.emit(Event::Isolated);
        }
        if let Some(next) = self.fingers.as_slice().first().copied().or(predecessor) {
            return self.query(Query::Candidate(next), cx);
        }
        // It knows nobody any more, and nobody who lives is likely to know it.
        self.stop();
        self.standing = Standing::Joining(Joining::default());
        self.try_join(cx);
    }
}
