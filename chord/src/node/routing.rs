//! Routing: who owns a key, asked of this node and asked by it.

use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::Address;

use super::joining::Standing;
use super::membership::SOONER;
use super::operation::{Kind, Operation};
use super::rpc::Purpose;
use super::tasks::{Task, about};
use super::{Cx, Event, Failure, Misbehaviour, Node};
use crate::successors::is_ordered;
use crate::{Contact, Id, Id160, LookupStyle, Message, Routing, SuccessorList, Traffic, interval};

/// How many nodes closer to the key an answer names: the best, and what to try if it is dead.
pub(super) const CLOSER: usize = 4;
/// How many nodes of its own tables a member falls back on, when all that a lookup heard of were asked.
const SPARE: usize = 24;
/// How often an operation follows an owner's "ask my predecessor".
const REDIRECTS: u32 = 32;

/// What a member knows of a key's owner.
pub(super) enum Route {
    /// The owner, and the nodes after it; and, if it comes from the successor list, nodes closer
    /// before the key, the closest first.
    Owner(Vec<Contact>, Vec<Contact>),
    /// Nodes closer before the key, the closest first.
    Closer(Vec<Contact>),
}

impl Node {
    /// Where a key goes from here. A user's lookup is answered from the whole successor list, as far
    /// as that goes. Upkeep wants to be exact: the end of a list may be old, so for a finger or a join
    /// only the successor itself counts, which stabilizing checks. `most` bounds the closer ones.
    pub(super) fn route(&self, key: Id160, traffic: Traffic, most: usize) -> Route {
        let Some(member) = self.member() else { return Route::Closer(Vec::new()) };
        let (me, list) = (member.me(), member.successors());
        if member.owns(key) {
            let after = list.as_slice().iter().filter(|node| **node != me);
            let owners = core::iter::once(&me).chain(after).copied().collect();
            return Route::Owner(owners, Vec::new());
        }
        let only_first = self.config.routing == Routing::Successor;
        if let Some(owners) = list.owner_of(key)
            && !(only_first && owners.len() < list.as_slice().len())
        {
            let before = &list.as_slice()[..list.as_slice().len() - owners.len()];
            if traffic == Traffic::User || before.is_empty() {
                let before = before.iter().rev().copied().collect();
                return Route::Owner(owners.to_vec(), before);
            }
        }
        Route::Closer(self.closer(key, list, most))
    }

    /// The fingers and successors that precede the key, the closest to it first, `most` at most.
    fn closer(&self, key: Id160, list: &SuccessorList<Contact>, most: usize) -> Vec<Contact> {
        if self.config.routing == Routing::Successor {
            // The rest of the list only takes its place when it is dead.
            return list.first().into_iter().collect();
        }
        let me = self.fingers.start(0);
        let before = |node: &Contact| interval::between(me, node.id, key);
        let mut fingers = self.fingers.preceding(key).peekable();
        let mut successors = list.as_slice().iter().rev().copied().filter(before).peekable();
        let mut closer: Vec<Contact> = Vec::with_capacity(most.min(8));
        // Both come from the furthest on, so the closest to the key is the first of one of them.
        while closer.len() < most {
            let next = match (fingers.peek(), successors.peek()) {
                (Some(finger), Some(successor)) => {
                    match me.distance(finger.id) < me.distance(successor.id) {
                        true => successors.next(),
                        false => fingers.next(),
                    }
                }
                (Some(_), None) => fingers.next(),
                (None, _) => successors.next(),
            };
            match next {
                Some(next) if closer.last() == Some(&next) => {}
                Some(next) => closer.push(next),
                None => break,
            }
        }
        closer
    }

    /// Another node asks for a key's owner.
    pub(super) fn answer_find(&self, request: u32, traffic: Traffic, key: Id160) -> Message {
        let id = self.fingers.start(0);
        match self.route(key, traffic, CLOSER) {
            Route::Owner(mut contacts, mut before) => {
                if traffic == Traffic::Upkeep {
                    contacts.truncate(CLOSER);
                }
                before.truncate(CLOSER.saturating_sub(contacts.len()));
                Message::Owner { request, traffic, id, contacts, before }
            }
            Route::Closer(contacts) => Message::Closer { request, traffic, id, contacts },
        }
    }

    /// The user asks for a key's owner.
    pub(super) fn user_lookup(&mut self, request: u32, key: Id160, cx: &mut Cx<'_>) {
        self.begin_for_user(request, Operation::new(Kind::Lookup { request }, key), cx);
    }

    /// Starts an operation with what this node knows itself.
    pub(super) fn begin(&mut self, mut operation: Operation, cx: &mut Cx<'_>) {
        let key = operation.lookup.key();
        if self.member.is_none() {
            // Not on the ring: anyone will do to start with, best the closest before the key.
            operation.lookup.offer(key, self.fingers.as_slice().iter().copied());
            operation.seeds = self.via.iter().rev().copied().collect();
            let number = self.operations.add(operation);
            return self.next_step(number, cx);
        }
        match self.route(key, operation.traffic(), CLOSER) {
            Route::Owner(owners, before) => {
                operation.lookup.offer(self.fingers.start(0), before);
                operation.owners = owners;
                let number = self.operations.add(operation);
                self.next_owner(number, cx);
            }
            Route::Closer(closer) => {
                let passed_on = (self.config.lookup == LookupStyle::Recursive)
                    .then(|| closer.clone())
                    .filter(|closer| !closer.is_empty());
                let traffic = operation.traffic();
                operation.lookup.offer(self.fingers.start(0), closer);
                let number = self.operations.add(operation);
                match passed_on {
                    Some(closer) => self.pass_on(number, traffic, key, &closer, cx),
                    None => self.next_step(number, cx),
                }
            }
        }
    }

    /// Asks the next node on the way to the key; as many as may be asked at once.
    pub(super) fn next_step(&mut self, number: u32, cx: &mut Cx<'_>) {
        let parallel = match self.config.lookup {
            LookupStyle::Iterative { parallel } => parallel,
            LookupStyle::Recursive => 1,
        };
        while self.operations.get(number).is_some_and(|operation| operation.steps < parallel) {
            if !self.one_step(number, cx) {
                return;
            }
        }
    }

    /// Asks one more node on the way; says whether there was one.
    fn one_step(&mut self, number: u32, cx: &mut Cx<'_>) -> bool {
        let Some(operation) = self.operations.get(number) else { return false };
        let max = self.config.limits.hops;
        if operation.lookup.hops() >= max {
            self.operation_failed(number, Failure::TooManyHops { max }, cx);
            return false;
        }
        let (traffic, key) = (operation.traffic(), operation.lookup.key());
        let here = self.me.map(|me| me.address);
        let mut fell_back = false;
        let (to, node) = loop {
            let Some(operation) = self.operations.get(number) else { return false };
            if let Some(node) = operation.lookup.next_to_ask() {
                if Some(node) != self.me {
                    break (node.address, Some(node));
                }
            } else if !fell_back {
                fell_back = true;
                self.fall_back(number);
            } else if let Some(address) = operation.seeds.pop() {
                if Some(address) != here {
                    break (address, None);
                }
            } else if operation.steps > 0 {
                // One of those may know more.
                return false;
            } else {
                self.operation_failed(number, Failure::NoAnswer, cx);
                return false;
            }
        };
        if let Some(operation) = self.operations.get(number) {
            operation.steps += 1;
        }
        let find = |request| Message::Find { request, traffic, key };
        self.ask(to, Purpose::Step(number, node), find, cx);
        true
    }

    /// A lookup starts with the few best nodes of this one's tables, which nearly always do. All that it
    /// heard of were asked: it goes on with more of its own, since it has nobody else to fall back on.
    fn fall_back(&mut self, number: u32) {
        let Some(operation) = self.operations.get(number) else { return };
        let (traffic, key) = (operation.traffic(), operation.lookup.key());
        let own = match self.route(key, traffic, SPARE) {
            Route::Closer(closer) => closer,
            Route::Owner(_, before) => before,
        };
        let me = self.fingers.start(0);
        if let Some(operation) = self.operations.get(number) {
            operation.lookup.offer(me, own);
        }
    }

    /// A node on the way answered, or did not.
    pub(super) fn step_outcome(
        &mut self,
        number: u32,
        node: Option<Contact>,
        from: Address,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(operation) = self.operations.get(number) else { return };
        operation.steps = operation.steps.saturating_sub(1);
        // Of several questions at once another may have found the owner already.
        let found = operation.at < operation.owners.len();
        let key = operation.lookup.key();
        let wrong = match answer {
            None => {
                if let Some(node) = node {
                    operation.lookup.failed(node);
                    self.fingers.remove(node);
                }
                None
            }
            Some(Message::Owner { id, .. } | Message::Closer { id, .. })
                if node.is_some_and(|node| node.id != id) =>
            {
                node.map(|node| Misbehaviour::OtherId { claimed: id, known: node.id })
            }
            Some(Message::Owner { id, contacts, before, .. })
                if names_owner(id, key, &contacts) =>
            {
                operation.lookup.answered();
                operation.lookup.offer(id, before.into_iter().take(CLOSER));
                if found {
                    return;
                }
                operation.owners = contacts;
                operation.at = 0;
                operation.copy = false;
                self.learn(Contact { id, address: from });
                return self.next_owner(number, cx);
            }
            Some(Message::Closer { id, contacts, .. }) => {
                operation.lookup.answered();
                // Nobody names more than these; who does can not make the lookup ask them all.
                let named = contacts.len().min(CLOSER);
                let closer = operation.lookup.offer(id, contacts.into_iter().take(CLOSER));
                self.learn(Contact { id, address: from });
                (closer < named).then_some(Misbehaviour::OutOfOrder)
            }
            Some(Message::Owner { .. }) => Some(Misbehaviour::OutOfOrder),
            Some(Message::Refused { .. }) => {
                if let Some(node) = node {
                    operation.lookup.rule_out(node);
                    self.fingers.remove(node);
                }
                None
            }
            Some(other) => Some(Misbehaviour::OutOfPlace { kind: other.kind() }),
        };
        if let Some(what) = wrong {
            if let (Some(operation), Some(node)) = (self.operations.get(number), node) {
                operation.lookup.rule_out(node);
                self.fingers.remove(node);
            }
            self.misbehaved(from, what, cx);
        }
        if !found {
            self.next_step(number, cx);
        }
    }

    /// A client keeps members that answered, for the next lookup to start nearer.
    fn learn(&mut self, node: Contact) {
        if !self.config.member && matches!(self.standing, Standing::Client | Standing::Joining(_)) {
            self.fingers.learn(node);
        }
    }

    /// Turns to the owner, or to the next node that stands in for it.
    pub(super) fn next_owner(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.get(number) else { return };
        let owner = loop {
            match operation.owners.get(operation.at) {
                Some(owner) if operation.lookup.is_dead(*owner) => operation.pass(),
                Some(owner) => break *owner,
                None => return self.out_of_owners(number, cx),
            }
        };
        operation.asked += 1;
        let max = self.config.limits.owners;
        if operation.asked > max {
            return match operation.kind {
                Kind::Get { holders: 1.., .. } => self.got_all(number, cx),
                _ => self.operation_failed(number, Failure::TooManyOwners { max }, cx),
            };
        }
        let me = self.me;
        let copy = operation.copy;
        let key = operation.lookup.key();
        let question = match &operation.kind {
            Kind::Join => {
                self.operations.remove(number);
                return self.join_found(owner, cx);
            }
            Kind::Return => {
                self.operations.remove(number);
                return self.return_to(owner, key, cx);
            }
            Kind::Lookup { .. } | Kind::Finger(_) if Some(owner) == me => {
                let upkeep = operation.traffic() == Traffic::Upkeep;
                return match self.elsewhere(0, key, copy || upkeep) {
                    Some(answer) => self.owner_outcome(number, owner, Some(answer), cx),
                    None => self.owner_lives(number, owner, cx),
                };
            }
            Kind::Put { publication, .. } if Some(owner) == me => {
                let publication = publication.clone();
                let answer = self.keep(0, key, copy, publication);
                return self.owner_outcome(number, owner, Some(answer), cx);
            }
            Kind::Get { .. } if Some(owner) == me => {
                return self.get_here(number, owner, copy, cx);
            }
            Kind::Finger(_) => Message::Ping { request: 0 },
            // The node that named it may not have heard yet of one that joined just before it. A page
            // after the last is empty, and who does not own the key says where it is.
            Kind::Lookup { .. } => Message::Get { request: 0, key, copy, after: Some(u64::MAX) },
            Kind::Put { publication, .. } => {
                Message::Put { request: 0, key, copy, publication: publication.clone() }
            }
            Kind::Get { .. } => Message::Get { request: 0, key, copy, after: None },
        };
        let numbered = |number| match question {
            Message::Put { key, copy, publication, .. } => {
                Message::Put { request: number, key, copy, publication }
            }
            Message::Get { key, copy, after, .. } => {
                Message::Get { request: number, key, copy, after }
            }
            _ => Message::Ping { request: number },
        };
        self.ask(owner.address, Purpose::Owner(number, owner), numbered, cx);
    }

    /// Nobody among those who could own the key is left: perhaps another node on the way knows more.
    fn out_of_owners(&mut self, number: u32, cx: &mut Cx<'_>) {
        match self.operations.get(number).map(|operation| &operation.kind) {
            Some(Kind::Get { holders: 1.., .. }) => self.got_all(number, cx),
            Some(_) => self.next_step(number, cx),
            None => {}
        }
    }

    /// The owner, or who was taken for it, answered or did not.
    pub(super) fn owner_outcome(
        &mut self,
        number: u32,
        owner: Contact,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(operation) = self.operations.get(number) else { return };
        match (answer, &operation.kind) {
            (None, _) => {
                operation.lookup.failed(owner);
                operation.pass();
                self.fingers.remove(owner);
                self.next_owner(number, cx);
            }
            (Some(Message::Pong { .. }), Kind::Finger(_))
            | (Some(Message::Values { .. }), Kind::Lookup { .. }) => {
                self.owner_lives(number, owner, cx);
            }
            (Some(Message::Stored { copies, .. }), Kind::Put { .. }) => {
                self.spread(number, copies, cx);
            }
            (Some(Message::Values { complete, next, publications, .. }), Kind::Get { .. }) => {
                self.got_some(number, owner, complete, next, publications, cx);
            }
            (
                Some(Message::Elsewhere { contact, .. }),
                Kind::Lookup { .. } | Kind::Put { .. } | Kind::Get { .. },
            ) if !operation.copy => {
                self.redirected(number, owner, contact, cx);
            }
            (Some(Message::Refused { reason, .. }), Kind::Put { .. } | Kind::Get { .. })
                if reason != crate::Refusal::NotMember =>
            {
                self.operation_failed(number, Failure::Refused(reason), cx);
            }
            (Some(other), _) => {
                operation.lookup.rule_out(owner);
                operation.pass();
                self.fingers.remove(owner);
                if !matches!(other, Message::Refused { .. }) {
                    self.out_of_place(owner.address, &other, cx);
                }
                self.next_owner(number, cx);
            }
        }
    }

    /// The owner says that its predecessor is nearer to the key.
    fn redirected(&mut self, number: u32, owner: Contact, to: Contact, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.get(number) else { return };
        let key = operation.lookup.key();
        operation.redirects += 1;
        if operation.redirects > REDIRECTS {
            return self.operation_failed(number, Failure::Unsettled, cx);
        }
        if operation.lookup.is_dead(to) {
            // It does not know yet that its predecessor is dead. As the next node it has copies.
            operation.copy = true;
        } else if key.distance(to.id) < key.distance(owner.id) {
            operation.owners.insert(operation.at, to);
        } else {
            operation.lookup.rule_out(owner);
            operation.pass();
            self.misbehaved(owner.address, Misbehaviour::OutOfOrder, cx);
        }
        self.next_owner(number, cx);
    }

    /// A lookup is done: the owner answers.
    fn owner_lives(&mut self, number: u32, owner: Contact, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.remove(number) else { return };
        let (hops, timeouts) = (operation.lookup.hops(), operation.lookup.timeouts());
        match operation.kind {
            Kind::Finger(0) => self.members_found(owner, &operation.owners, cx),
            Kind::Finger(finger) => self.finger_found(finger, owner, &operation.owners, cx),
            Kind::Lookup { request } => {
                self.count_lookup(hops);
                cx.emit(Event::Found { request, hops, timeouts, owner });
            }
            Kind::Put { .. } | Kind::Get { .. } | Kind::Join | Kind::Return => {}
        }
    }

    /// Refreshes the next finger.
    pub(super) fn fix_finger(&mut self, cx: &mut Cx<'_>) {
        let Some(first) = self.member().and_then(|m| m.successors().first()) else { return };
        if Some(first) == self.me || self.operations.any(|kind| matches!(kind, Kind::Finger(_))) {
            return;
        }
        match self.config.routing {
            Routing::Successor => return,
            Routing::Finger => {}
            Routing::Full => {
                let from = self.upkeep.cursor.unwrap_or(self.fingers.start(0));
                return self.begin(Operation::new(Kind::Finger(0), from.next()), cx);
            }
        }
        // Up to the successor's own level all fingers are the successor, which stabilizing keeps.
        let me = self.fingers.start(0);
        let beyond = me.distance(first.id).log2().map_or(1, |level| level + 2);
        let finger = self.upkeep.next_finger.max(beyond);
        if finger > Id160::BITS {
            self.upkeep.next_finger = 0;
            self.upkeep.first_pass = false;
            return;
        }
        let operation = Operation::new(Kind::Finger(finger), self.fingers.start(finger));
        self.begin(operation, cx);
    }

    fn finger_found(&mut self, finger: u32, owner: Contact, follow: &[Contact], cx: &mut Cx<'_>) {
        let me = self.fingers.start(0);
        let level = me.distance(owner.id).log2().filter(|level| *level + 1 >= finger);
        // A lookup that came round ends the pass: no node is further away.
        self.upkeep.next_finger = level.map_or(0, |level| level + 2);
        if self.config.proximity && level.is_some() {
            self.choose_finger(finger, owner, follow, cx);
        } else if self.fingers.set(finger, owner) {
            self.counters.finger_changes += 1;
            let delay = about(self.config.fix_fingers_every / SOONER, cx);
            self.tasks.within(Task::Fingers, delay, cx);
        }
        if level.is_none() {
            self.upkeep.first_pass = false;
        } else if self.upkeep.first_pass {
            self.tasks.within(Task::Fingers, Duration::ZERO, cx);
        }
    }

    /// The next members of a pass through a full table: the owner, which lives, and who follows it.
    fn members_found(&mut self, owner: Contact, follow: &[Contact], cx: &mut Cx<'_>) {
        let me = self.fingers.start(0);
        let from = self.upkeep.cursor.unwrap_or(me);
        let known = self.fingers.as_slice().len();
        let follow = follow.iter().skip_while(|node| **node != owner).copied();
        self.upkeep.cursor = Some(from);
        for node in follow {
            let Some(last) = self.upkeep.cursor else { break };
            if interval::between(last, node.id, me) {
                self.fingers.learn(node);
                self.upkeep.cursor = Some(node.id);
            } else {
                // Once around.
                self.upkeep.cursor = None;
            }
        }
        self.counters.finger_changes += (self.fingers.as_slice().len() - known) as u64;
        if self.upkeep.cursor.is_none() {
            self.upkeep.first_pass = false;
        } else if self.upkeep.first_pass {
            self.tasks.within(Task::Fingers, Duration::ZERO, cx);
        }
    }

    /// A finger's lookup did not work. The pass goes on with the next one, in its own time: whoever
    /// made this one fail shall not stand in the way of the others.
    pub(super) fn finger_failed(&mut self, finger: u32) {
        self.upkeep.next_finger = finger + 1;
        self.upkeep.first_pass = false;
    }
}

/// Whether `id` may say that the first of `contacts` owns the key and the others follow it.
pub(super) fn names_owner(id: Id160, key: Id160, contacts: &[Contact]) -> bool {
    contacts.split_first().is_some_and(|(owner, rest)| {
        interval::in_open_closed(id, key, owner.id) && is_ordered(owner.id, rest)
    })
}
