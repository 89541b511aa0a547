//! Put and get, on both sides.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use bytes::Bytes;

use super::operation::{Kind, Operation};
use super::rpc::Purpose;
use super::{Cx, Event, Failure, Misbehaviour, Node};
use crate::message::DATAGRAM_LEN;
use crate::{Contact, Full, Id160, Message, Publication, Refusal};

/// What of a datagram is left for publications in `Values`: all but the version, the kind, a body
/// length of two bytes, the request, the flag and a cursor.
const PAGE: usize = DATAGRAM_LEN - 18;

impl Node {
    /// The user publishes something.
    pub(super) fn user_put(&mut self, request: u32, key: Id160, value: Bytes, cx: &mut Cx<'_>) {
        let max = self.config.limits.store.value_len;
        if value.len() > max {
            let reason = Failure::ValueTooLong { len: value.len(), max };
            return cx.emit(Event::Failed { request, reason });
        }
        let publisher = self.config.advertise.unwrap_or(cx.here());
        let publication = Publication { publisher, value };
        let kind = Kind::Put { request, publication, replicas: 0, waiting: 0 };
        self.begin_for_user(request, Operation::new(kind, key), cx);
    }

    /// The user asks what is published.
    pub(super) fn user_get(&mut self, request: u32, key: Id160, cx: &mut Cx<'_>) {
        let kind = Kind::Get {
            request,
            values: BTreeSet::new(),
            bytes: 0,
            cut: false,
            holders: 0,
            cursor: None,
            pages: 0,
        };
        self.begin_for_user(request, Operation::new(kind, key), cx);
    }

    /// Whom to ask instead of this node, if it is asked as the owner and is not.
    pub(super) fn elsewhere(&self, request: u32, key: Id160, copy: bool) -> Option<Message> {
        let member = self.member()?;
        let contact = member.predecessor()?;
        (!copy && !member.owns(key)).then_some(Message::Elsewhere { request, contact })
    }

    /// Keeps a publication, or says why not.
    pub(super) fn keep(
        &mut self,
        request: u32,
        key: Id160,
        copy: bool,
        publication: Publication,
    ) -> Message {
        if let Some(elsewhere) = self.elsewhere(request, key, copy) {
            return elsewhere;
        }
        match self.store.insert(key, publication, self.sync.round) {
            Ok(_) => {
                let copies = if copy { Vec::new() } else { self.replica_holders() };
                Message::Stored { request, copies }
            }
            Err(full) => Message::Refused { request, reason: full.into() },
        }
    }

    /// Shows what is published under a key.
    pub(super) fn show(&self, request: u32, key: Id160, copy: bool, after: Option<u64>) -> Message {
        if let Some(elsewhere) = self.elsewhere(request, key, copy) {
            return elsewhere;
        }
        let page = self.store.page(key, after, PAGE);
        let complete = self.sync.settled;
        Message::Values { request, complete, next: page.next, publications: page.publications }
    }

    /// The successors that should have copies of this node's keys.
    pub(super) fn replica_holders(&self) -> Vec<Contact> {
        let Some(member) = self.member() else { return Vec::new() };
        let me = member.me();
        let others = member.successors().as_slice().iter().copied().filter(|node| *node != me);
        others.take(self.config.replicas - 1).collect()
    }

    /// The owner has the publication; now the copies.
    pub(super) fn spread(&mut self, number: u32, copies: Vec<Contact>, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.get(number) else { return };
        let key = operation.lookup.key();
        let most = self.config.successors;
        let holders: Vec<Contact> =
            copies.into_iter().filter(|c| !operation.lookup.is_dead(*c)).take(most).collect();
        let Kind::Put { publication, replicas, waiting, .. } = &mut operation.kind else { return };
        *replicas += 1;
        let publication = publication.clone();
        let (here, others): (Vec<_>, Vec<_>) =
            holders.into_iter().partition(|holder| Some(*holder) == self.me);
        *waiting = u32::try_from(others.len()).unwrap_or(u32::MAX);
        if !here.is_empty() {
            let kept = self.keep(0, key, true, publication.clone());
            if let (Message::Stored { .. }, Some(operation)) = (kept, self.operations.get(number))
                && let Kind::Put { replicas, .. } = &mut operation.kind
            {
                *replicas += 1;
            }
        }
        for holder in others {
            let publication = publication.clone();
            let put = |request| Message::Put { request, key, copy: true, publication };
            self.ask(holder.address, Purpose::Copy(number, holder), put, cx);
        }
        self.spread_done(number, cx);
    }

    /// A node that should keep a copy answered, or did not.
    pub(super) fn copy_outcome(
        &mut self,
        number: u32,
        holder: Contact,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(operation) = self.operations.get(number) else { return };
        let Kind::Put { replicas, waiting, .. } = &mut operation.kind else { return };
        *waiting = waiting.saturating_sub(1);
        match answer {
            Some(Message::Stored { .. }) => *replicas += 1,
            Some(Message::Refused { .. }) => {}
            None => {
                self.fingers.remove(holder);
            }
            Some(other) => self.out_of_place(holder.address, &other, cx),
        }
        self.spread_done(number, cx);
    }

    fn spread_done(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.get(number) else { return };
        let hops = operation.lookup.hops();
        if let Kind::Put { request, replicas, waiting: 0, .. } = operation.kind {
            self.operations.remove(number);
            self.count_lookup(hops);
            cx.emit(Event::Stored { request, hops, replicas });
        }
    }

    /// Gets from this node's own store.
    pub(super) fn get_here(&mut self, number: u32, me: Contact, copy: bool, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.get(number) else { return };
        let key = operation.lookup.key();
        if let Some(answer) = self.elsewhere(0, key, copy) {
            return self.owner_outcome(number, me, Some(answer), cx);
        }
        // One more than is returned, so that it shows whether there are more.
        let most = self.config.limits.values_per_get.saturating_add(1);
        let all = self.store.publications(key).take(most).cloned().collect();
        self.got_some(number, me, self.sync.settled, None, all, cx);
    }

    /// A part of what is published.
    pub(super) fn got_some(
        &mut self,
        number: u32,
        holder: Contact,
        complete: bool,
        next: Option<u64>,
        publications: Vec<Publication>,
        cx: &mut Cx<'_>,
    ) {
        let (most, room) = (self.config.limits.values_per_get, self.config.limits.bytes_per_get);
        let Some(operation) = self.operations.get(number) else { return };
        let max = super::MAX_VALUE;
        if let Some(len) = publications.iter().map(|p| p.value.len()).find(|len| *len > max) {
            // No node takes such a value in, so what else this one says is worth nothing either.
            operation.lookup.rule_out(holder);
            operation.pass();
            self.misbehaved(holder.address, Misbehaviour::ValueTooLong { len, max }, cx);
            return self.next_owner(number, cx);
        }
        let (key, copy) = (operation.lookup.key(), operation.copy);
        let Kind::Get { values, bytes, cut, holders, cursor, pages, .. } = &mut operation.kind
        else {
            return;
        };
        let moves_on = !publications.is_empty() && next > *cursor;
        for publication in publications {
            let len = publication.value.len();
            if values.contains(&publication) {
                continue;
            }
            if values.len() >= most || *bytes + len > room {
                *cut = true;
                break;
            }
            *bytes += len;
            values.insert(publication);
        }
        *pages += 1;
        *cut |= moves_on && values.len() >= most;
        // A holder whose cursor stands still, or that has more pages than it may have publications,
        // would keep us asking for ever.
        if moves_on && !*cut && *pages < most {
            *cursor = next;
            let get = |request| Message::Get { request, key, copy, after: next };
            return self.ask(holder.address, Purpose::Owner(number, holder), get, cx);
        }
        *holders += 1;
        *cursor = None;
        if complete || *holders >= self.config.replicas || *cut {
            return self.got_all(number, cx);
        }
        // It is still taking over keys: the next node may have what it has not.
        operation.copy = true;
        operation.pass();
        self.next_owner(number, cx);
    }

    /// That is all that is published, as far as anyone knows.
    pub(super) fn got_all(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.remove(number) else { return };
        let hops = operation.lookup.hops();
        if let Kind::Get { request, values, bytes, cut, .. } = operation.kind {
            self.count_lookup(hops);
            if cut {
                cx.emit(Event::GetCut { request, values: values.len(), bytes });
            }
            let values = values.into_iter().collect();
            cx.emit(Event::Got { request, hops, values });
        }
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        match full {
            Full::Key { .. } => Self::KeyFull,
            Full::Bytes { .. } => Self::StoreFull,
            Full::Value { .. } => Self::ValueTooLong,
        }
    }
}
