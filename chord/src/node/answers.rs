//! Datagrams: questions are answered from the state as it is, answers go to whoever asked.

use overlay_peer::Address;

use super::rpc::{Purpose, Request};
use super::{Cx, Misbehaviour, Node};
use crate::{Contact, Message, Refusal};

impl Node {
    /// A datagram came.
    pub(super) fn heard(&mut self, from: Address, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Ping { request }
            | Message::Pointers { request, .. }
            | Message::Find { request, .. }
            | Message::Put { request, .. }
            | Message::Get { request, .. }
            | Message::Offer { request, .. }
            | Message::Forward { request, .. } => {
                // Who is leaving still knows its way around, but keeps nothing new.
                let keeps = matches!(message, Message::Put { .. } | Message::Offer { .. });
                let answer = if self.member.is_some() && !(keeps && self.is_leaving()) {
                    self.answer(from, message, cx)
                } else if matches!(message, Message::Pointers { .. }) && self.awaits_place() {
                    // The answer that makes it a member may be on its way. To be taken for dead now
                    // would be wrong then.
                    Message::Busy { request }
                } else {
                    Message::Refused { request, reason: Refusal::NotMember }
                };
                cx.send_to(from, answer);
            }
            // Of a lookup passed on, that the next node is no member any more is as good as dead.
            Message::Refused { request, .. } if self.requests.is_relay(request, from) => {
                if let Some(request) = self.answered(request, from) {
                    self.gave_up(request, cx);
                }
            }
            Message::Notify { id } => self.notified(Contact { id, address: from }, cx),
            Message::Nudge => self.nudged(cx),
            Message::Pong { request }
            | Message::Neighbours { request, .. }
            | Message::Busy { request }
            | Message::Owner { request, .. }
            | Message::Closer { request, .. }
            | Message::Routed { request, .. }
            | Message::Stored { request, .. }
            | Message::Values { request, .. }
            | Message::Elsewhere { request, .. }
            | Message::Refused { request, .. }
            | Message::Agreed { request }
            | Message::Differ { request } => {
                // What nobody asked for, or has been answered already, says nothing.
                if let Some(request) = self.answered(request, from) {
                    let purpose = request.purpose;
                    if let Purpose::Probe(node) = purpose {
                        let age = request.age(cx.now(), self.config.request_timeout);
                        return self.probed(node, Some(age));
                    }
                    self.outcome(purpose, from, Some(message), cx);
                }
            }
            Message::Reconcile { .. }
            | Message::Fingerprints { .. }
            | Message::Wanted { .. }
            | Message::Entries { .. }
            | Message::End
            | Message::Want { .. }
            | Message::Data { .. }
            | Message::Missing { .. } => self.out_of_place(from, &message, cx),
        }
    }

    /// A request got no answer, however often it was repeated.
    pub(super) fn gave_up(&mut self, request: Request, cx: &mut Cx<'_>) {
        if let Purpose::Relay(node) = request.purpose {
            return self.relay_failed(node, request.message, cx);
        }
        self.outcome(request.purpose, request.to, None, cx);
    }

    /// What became of a request: its answer, or `None`.
    fn outcome(
        &mut self,
        purpose: Purpose,
        from: Address,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        match purpose {
            Purpose::Upkeep => self.query_outcome(from, answer, cx),
            Purpose::Join(asked) => self.join_outcome(asked, answer, cx),
            Purpose::Step(operation, node) => self.step_outcome(operation, node, from, answer, cx),
            Purpose::Relay(_) => {}
            Purpose::Probe(node) => self.probed(node, None),
            Purpose::Routed(operation) => self.routed_outcome(operation, from, answer, cx),
            Purpose::Owner(operation, owner) => self.owner_outcome(operation, owner, answer, cx),
            Purpose::Copy(operation, replica) => self.copy_outcome(operation, replica, answer, cx),
            Purpose::Offer(run, to) => self.offer_outcome(run, to, answer, cx),
        }
    }

    /// Answers a question, as a member.
    fn answer(&mut self, from: Address, question: Message, cx: &mut Cx<'_>) -> Message {
        match question {
            Message::Pointers { request, joining } => self.show_pointers(request, joining, cx),
            Message::Find { request, traffic, key } => self.answer_find(request, traffic, key),
            Message::Put { request, key, copy, publication } => {
                let answer = self.keep(request, key, copy, publication);
                if let Message::Refused { reason, .. } = &answer {
                    self.refused(from, *reason, cx);
                }
                answer
            }
            Message::Get { request, key, copy, after } => self.show(request, key, copy, after),
            Message::Offer { request, after, upto, count, digest } => {
                self.answer_offer(from, request, (after, upto), (count, digest), cx)
            }
            Message::Ping { request } => Message::Pong { request },
            forward @ Message::Forward { .. } => self.take_over(from, forward, cx),
            // `heard` sends only questions here; all others have no number to answer to.
            _ => Message::Nudge,
        }
    }

    /// A message came where it does not belong.
    pub(super) fn out_of_place(&mut self, from: Address, message: &Message, cx: &mut Cx<'_>) {
        self.misbehaved(from, Misbehaviour::OutOfPlace { kind: message.kind() }, cx);
    }
}
