//! Being a member: stabilize and rectify.
//!
//! What is done is [`Maintenance`]'s to say; here is what it takes beside: time, repeated requests, and
//! a place in the ring for one joining node after the other.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::{Address, Time};

use super::joining::Standing;
use super::proximity::Choice;
use super::rpc::Purpose;
use super::tasks::{Task, about};
use super::{Cx, Event, Misbehaviour, Node};
use crate::successors::is_ordered;
use crate::{Answer, Contact, Effect, Id160, Maintenance, Message, interval};

/// How long a node waits after `Busy`, and between tries to join, give or take half.
pub(super) const RETRY: Duration = Duration::from_millis(300);
/// For so long, or until the joining node shows up, no other may join at the same place.
const JOIN_GAP: Duration = Duration::from_secs(1);
/// Nudges that come closer together than this count as one.
const NUDGE_GAP: Duration = Duration::from_millis(100);
/// After a change the next upkeep comes sooner by this factor.
pub(super) const SOONER: u32 = 8;

/// The upkeep of the pointers, beside what [`Maintenance`](crate::Maintenance) does.
#[derive(Clone, Debug, Default)]
pub(super) struct Upkeep {
    /// Whether the user was told that every successor failed.
    isolated: bool,
    /// Who was last shown the place to join at, and when.
    admitted: Option<(Id160, Time)>,
    /// When a nudge last had an effect at once.
    nudged: Option<Time>,
    /// The finger to refresh next; 0 at the beginning of a pass.
    pub next_finger: u32,
    /// Which nodes are to be fingers.
    pub choices: Vec<Choice>,
    /// How far the present pass through a full table came.
    pub cursor: Option<Id160>,
    /// Whether the first pass through the fingers is still under way.
    pub first_pass: bool,
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
        match self.member.as_ref().and_then(Maintenance::shown) {
            Some(member) => {
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

    /// Stabilizes, now or after the question under way.
    pub(super) fn stabilize(&mut self, cx: &mut Cx<'_>) {
        self.counters.stabilizations += 1;
        self.maintain(|member, out| member.stabilize(out), cx);
    }

    /// A question that may change pointers has its answer, or the node asked is dead.
    pub(super) fn query_outcome(
        &mut self,
        from: Address,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(asked) = self.member.as_ref().and_then(Maintenance::asked) else { return };
        if asked.address != from {
            return;
        }
        let holders = self.replica_holders();
        match answer {
            Some(Message::Busy { .. }) => {
                self.maintain(|member, out| member.answered(asked, Answer::Busy, out), cx);
            }
            Some(Message::Pong { .. }) => {
                self.maintain(|member, out| member.answered(asked, Answer::Alive, out), cx);
            }
            // Whoever answers nonsense is no better than dead.
            answer => match answer.and_then(|answer| self.pointers_in(asked, answer, cx)) {
                Some((successors, predecessor)) => {
                    let answer = Answer::Pointers { predecessor, successors: &successors };
                    self.maintain(|member, out| member.answered(asked, answer, out), cx);
                }
                None => self.maintain(|member, out| member.answered(asked, Answer::Dead, out), cx),
            },
        }
        if holders != self.replica_holders() {
            self.tasks.within(Task::Sync, Duration::from_secs(1), cx);
        }
    }

    /// One step of maintenance, and what it asks for.
    fn maintain(
        &mut self,
        step: impl FnOnce(&mut Maintenance<Contact>, &mut Vec<Effect<Contact>>),
        cx: &mut Cx<'_>,
    ) {
        let Some(member) = &mut self.member else { return };
        let mut effects = Vec::new();
        step(member, &mut effects);
        for effect in effects {
            self.carry_out(effect, cx);
        }
    }

    fn carry_out(&mut self, effect: Effect<Contact>, cx: &mut Cx<'_>) {
        let Some(me) = self.me else { return };
        match effect {
            Effect::Ask(node) => {
                let pointers = |request| Message::Pointers { request, joining: None };
                self.ask(node.address, Purpose::Upkeep, pointers, cx);
            }
            Effect::Ping(node) => {
                self.ask(node.address, Purpose::Upkeep, |request| Message::Ping { request }, cx);
            }
            Effect::Notify(node) => cx.send_to(node.address, Message::Notify { id: me.id }),
            Effect::Nudge(node) => cx.send_to(node.address, Message::Nudge),
            Effect::ListChanged => self.list_changed(cx),
            Effect::PredecessorChanged => {
                self.tasks.within(Task::Sync, Duration::from_secs(1), cx);
            }
            Effect::Retry => {
                let delay = about(RETRY, cx);
                self.tasks.within(Task::Stabilize, delay, cx);
            }
            Effect::Dead(node) => _ = self.fingers.remove(node),
            Effect::Isolated => self.isolated(cx),
        }
    }

    fn list_changed(&mut self, cx: &mut Cx<'_>) {
        self.counters.changes += 1;
        if let Some(first) = self.member().and_then(|member| member.successors().first()) {
            self.upkeep.isolated = false;
            if self.fingers.set(1, first) {
                self.upkeep.admitted = None;
            }
        }
        let delay = about(self.config.stabilize_every / SOONER, cx);
        self.tasks.within(Task::Stabilize, delay, cx);
    }

    /// Somebody may be our predecessor.
    pub(super) fn notified(&mut self, new: Contact, cx: &mut Cx<'_>) {
        self.maintain(|member, out| member.notified(new, out), cx);
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

    /// No successor is left: the ring is broken here. The nearest finger becomes the successor if it
    /// lives, and stabilizing finds its way back from there. The node stays a member meanwhile: if it
    /// resigned, its predecessor would be the next to lose its successors.
    fn isolated(&mut self, cx: &mut Cx<'_>) {
        let Some(member) = self.member() else { return };
        let predecessor = member.predecessor().filter(|p| Some(*p) != self.me);
        if !self.upkeep.isolated {
            self.upkeep.isolated = true;
            cx.emit(Event::Isolated);
        }
        if let Some(next) = self.fingers.as_slice().first().copied().or(predecessor) {
            return self.maintain(|member, out| member.mend(next, out), cx);
        }
        // It knows nobody any more, and nobody who lives is likely to know it.
        self.stop();
        self.standing = Standing::Joining(Box::default());
        self.try_join(cx);
    }
}
