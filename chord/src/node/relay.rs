//! Recursive lookup: each node passes a lookup on to the next one, which says that it has it; whoever
//! knows the owner tells the origin.
//!
//! A node keeps a lookup of another's only until the next node took it, and not more than
//! [`Limits::relays`](crate::Limits::relays) of them. The origin waits for an answer from anyone that has
//! its number, and if none comes goes on by itself.

use overlay_peer::Address;

use super::routing::{CLOSER, Route, names_owner};
use super::rpc::Purpose;
use super::{Cx, Misbehaviour, Node};
use crate::{Contact, Id, Id160, Message, Refusal, Traffic};

impl Node {
    /// Has an operation of this node passed on.
    pub(super) fn pass_on(
        &mut self,
        operation: u32,
        traffic: Traffic,
        key: Id160,
        closer: &[Contact],
        cx: &mut Cx<'_>,
    ) {
        let (Some(me), Some(next)) = (self.me, closer.first()) else {
            return self.next_step(operation, cx);
        };
        let number = self.await_routed(operation, me.address, cx);
        let origin = me.address;
        self.hand_to(
            *next,
            Message::Forward { request: 0, traffic, key, origin, number, hops: 1 },
            cx,
        );
    }

    fn hand_to(&mut self, next: Contact, forward: Message, cx: &mut Cx<'_>) {
        let numbered = |request| match forward {
            Message::Forward { traffic, key, origin, number, hops, .. } => {
                Message::Forward { request, traffic, key, origin, number, hops }
            }
            other => other,
        };
        self.ask(next.address, Purpose::Relay(next), numbered, cx);
    }

    /// Another node hands a lookup over: answers it, or passes it on.
    pub(super) fn take_over(
        &mut self,
        from: Address,
        forward: Message,
        cx: &mut Cx<'_>,
    ) -> Message {
        let Message::Forward { request, traffic, key, origin, number, hops } = forward else {
            return Message::Nudge;
        };
        let too_far = u32::from(hops) >= self.config.limits.hops.min(u8::MAX.into());
        if too_far || self.relays() >= self.config.limits.relays {
            self.refused(from, Refusal::TooMuch, cx);
            return Message::Refused { request, reason: Refusal::TooMuch };
        }
        match self.route(key, traffic, 1) {
            Route::Owner(mut contacts, _) => {
                contacts.truncate(CLOSER);
                let id = self.fingers.start(0);
                cx.send_to(
                    origin,
                    Message::Routed { request: number, traffic, id, hops, contacts },
                );
            }
            Route::Closer(closer) => {
                if let Some(next) = closer.first() {
                    let hops = hops + 1;
                    let forward =
                        Message::Forward { request: 0, traffic, key, origin, number, hops };
                    self.hand_to(*next, forward, cx);
                }
            }
        }
        Message::Pong { request }
    }

    /// The next node is dead, or does not take a lookup: the one before it may.
    pub(super) fn relay_failed(&mut self, node: Contact, forward: Message, cx: &mut Cx<'_>) {
        self.fingers.remove(node);
        let Message::Forward { traffic, key, .. } = forward else { return };
        // Each try goes to a node further from the key than the last, so they come to an end.
        let further = |other: &Contact| node.id.distance(key) < other.id.distance(key);
        let next = match self.route(key, traffic, usize::MAX) {
            Route::Closer(closer) => closer.into_iter().find(further),
            Route::Owner(_, before) => before.into_iter().find(further),
        };
        if let Some(next) = next {
            self.hand_to(next, forward, cx);
        }
    }

    /// Whoever knows the owner says so, or nobody did in time.
    pub(super) fn routed_outcome(
        &mut self,
        number: u32,
        from: Address,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(operation) = self.operations.get(number) else { return };
        let key = operation.lookup.key();
        match answer {
            Some(Message::Routed { id, hops, contacts, .. }) if names_owner(id, key, &contacts) => {
                operation.lookup.passed_on(hops);
                operation.owners = contacts;
                operation.at = 0;
                operation.copy = false;
                return self.next_owner(number, cx);
            }
            Some(Message::Routed { .. }) => self.misbehaved(from, Misbehaviour::OutOfOrder, cx),
            Some(other) => self.out_of_place(from, &other, cx),
            None => {}
        }
        self.next_step(number, cx);
    }
}
