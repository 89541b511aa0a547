//! Keeping keys where they belong: replicas, and keys that move when nodes join, leave or fail.
//!
//! One exchange does all of it. A node offers the keys it owns, as a count and a digest, to the
//! successors that should have copies. Who has something else says so, a link is opened, and both
//! end up with the union: first all fingerprints one way, then what either side lacks. A node that
//! has just joined gets its keys that way (it offers nothing, and the successor has it all), a node
//! that leaves gives them away that way, and replicas are repaired that way.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::{Address, Link};

use super::admission::Terms;
use super::joining::Standing;
use super::operation::{Kind, Operation};
use super::rpc::Purpose;
use super::session::Talk;
use super::tasks::Task;
use super::{Cx, Event, Misbehaviour, Node};
use crate::{Contact, Id, Id160, Message, Publication, Refusal};

/// Fingerprints in one message.
const FINGERPRINTS: usize = 2_000;
/// Bytes of publications in one message, at least one.
const ENTRIES: usize = 32 << 10;
/// While more is queued on a link, nothing is added.
const QUEUED: usize = 128 << 10;
/// Keys that nobody with a claim to them has asked about for so many rounds are given back.
const ROUNDS: u32 = 4;
/// How long before what did not work is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// The state of the exchange, and of the run that is under way: one range, offered to some nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sync {
    /// Whether this node has taken over all keys that it owns.
    pub settled: bool,
    /// Counts refreshes.
    pub round: u32,
    run: u32,
    active: Option<Run>,
}

#[derive(Clone, Debug)]
struct Run {
    goal: Goal,
    after: Id160,
    upto: Id160,
    /// Whom to offer the range to, the next one last.
    queue: Vec<Contact>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// All of them are to have copies.
    Replicate,
    /// One of them is to have the keys, as we leave.
    HandOver,
    /// The owner is to have the keys, as they are not our business.
    Return,
}

/// Our side of an exchange that we began.
#[derive(Clone, Debug)]
pub(super) struct Giving {
    run: u32,
    to: Contact,
    after: Id160,
    upto: Id160,
    flow: Flow,
    /// How many fingerprints we sent, and which of them the other side lacks.
    sent: usize,
    wanted: BTreeSet<u128>,
    /// Whether the other side has said all it wants and has.
    heard: bool,
}

/// Our side of an exchange that another node began.
#[derive(Clone, Debug)]
pub(super) struct Taking {
    pub terms: Terms,
    after: Id160,
    upto: Id160,
    flow: Flow,
    /// What the other side has.
    theirs: BTreeSet<u128>,
    /// Whether it has told us all of that.
    heard: bool,
}

/// What is being sent on a link, the next last.
#[derive(Clone, Debug, Default)]
struct Flow {
    fingerprints: Vec<u128>,
    entries: Vec<(Id160, u128)>,
    /// Whether `End` is due after that.
    end: bool,
}

impl Sync {
    /// A new life as a member; alone, there is nothing to take over.
    pub fn begin(&mut self, alone: bool) {
        self.settled = alone;
        self.run = self.run.wrapping_add(1);
        self.active = None;
    }
}

impl Taking {
    pub fn new((after, upto): (Id160, Id160), terms: Terms) -> Self {
        let (flow, theirs) = (Flow::default(), BTreeSet::new());
        Self { terms, after, upto, flow, theirs, heard: false }
    }
}

impl Node {
    /// The keys this node owns, as far as it knows.
    fn owned(&self) -> Option<(Id160, Id160)> {
        let member = self.member()?;
        Some((member.predecessor()?.id, member.me().id))
    }

    /// Offers the keys this node owns to those who should have copies.
    pub(super) fn sync_now(&mut self, cx: &mut Cx<'_>) {
        let Some((after, upto)) = self.owned().filter(|_| self.sync.active.is_none()) else {
            return self.tasks.within(Task::Sync, AGAIN, cx);
        };
        let mut queue = self.replica_holders();
        if queue.is_empty() {
            // Without replicas, the keys still have to come from the successor once.
            let first = self.member().and_then(|m| m.successors().first());
            queue.extend(first.filter(|first| !self.sync.settled && Some(*first) != self.me));
        }
        if queue.is_empty() {
            self.sync.settled = true;
            return self.return_stale(cx);
        }
        queue.reverse();
        self.run(Run { goal: Goal::Replicate, after, upto, queue }, cx);
    }

    /// A new round: replicas are compared, and then keys that are not our business are given back.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.sync.round = self.sync.round.wrapping_add(1);
        self.tasks.within(Task::Sync, Duration::ZERO, cx);
        let Some((after, upto)) = self.owned() else { return };
        self.store.touch(after, upto, self.sync.round);
    }

    /// Looks for the owner of the next keys that no owner has offered here for a while.
    fn return_stale(&mut self, cx: &mut Cx<'_>) {
        let Some((after, upto)) = self.owned() else { return };
        if after == upto || self.operations.any(|kind| matches!(kind, Kind::Return)) {
            return;
        }
        if let Some(key) = self.store.stale(upto, after, self.oldest_round()) {
            self.begin(Operation::new(Kind::Return, key), cx);
        }
    }

    /// Keys last wanted before this round are stale.
    fn oldest_round(&self) -> u32 {
        self.sync.round.saturating_sub(ROUNDS)
    }

    /// The owner of a key that is not our business was found. It gets everything of ours that it
    /// owns.
    pub(super) fn return_to(&mut self, owner: Contact, key: Id160, cx: &mut Cx<'_>) {
        let free = self.sync.active.is_none() && self.standing == Standing::Member;
        if Some(owner) == self.me || !free {
            return;
        }
        // From just before the key: intervals are open at their start.
        let after = before(key);
        self.run(Run { goal: Goal::Return, after, upto: owner.id, queue: [owner].to_vec() }, cx);
    }

    /// Gives what it has to a successor, because this node leaves: its own keys, and the copies it
    /// keeps for those before it, which the successor is to keep now.
    pub(super) fn hand_over(&mut self, cx: &mut Cx<'_>) {
        let Some(member) = self.member() else { return };
        let me = member.me();
        let list = member.successors().as_slice();
        let queue: Vec<Contact> = list.iter().rev().copied().filter(|node| *node != me).collect();
        if queue.is_empty() {
            // The last one out has nobody to give them to.
            return self.leave_now(self.store.is_empty(), cx);
        }
        self.run(Run { goal: Goal::HandOver, after: me.id, upto: me.id, queue }, cx);
    }

    fn run(&mut self, run: Run, cx: &mut Cx<'_>) {
        self.sync.run = self.sync.run.wrapping_add(1);
        self.sync.active = Some(run);
        self.offer_next(cx);
    }

    fn offer_next(&mut self, cx: &mut Cx<'_>) {
        let Some(run) = &mut self.sync.active else { return };
        match run.queue.pop() {
            Some(to) => {
                if run.goal == Goal::HandOver {
                    // All but what that node owns itself, of which we have nothing.
                    run.after = to.id;
                }
                let (after, upto) = (run.after, run.upto);
                let (count, digest) = self.digest(after, upto);
                let offer = |request| Message::Offer { request, after, upto, count, digest };
                self.ask(to.address, Purpose::Offer(self.sync.run, to), offer, cx);
            }
            None => {
                let goal = run.goal;
                self.sync.active = None;
                match goal {
                    Goal::HandOver => self.leave_now(false, cx),
                    Goal::Replicate if !self.sync.settled => {
                        self.tasks.within(Task::Sync, AGAIN, cx);
                    }
                    Goal::Replicate => self.return_stale(cx),
                    Goal::Return => {}
                }
            }
        }
    }

    /// Another node offers keys: do we have the same?
    pub(super) fn answer_offer(
        &mut self,
        from: Address,
        request: u32,
        (after, upto): (Id160, Id160),
        theirs: (u32, u128),
        cx: &mut Cx<'_>,
    ) -> Message {
        let Some(terms) = self.admit_offer(from, (after, upto), cx) else {
            let reason = Refusal::TooMuch;
            self.refused(from, reason, cx);
            return Message::Refused { request, reason };
        };
        if self.digest(after, upto) == theirs {
            self.store.touch(after, upto, self.sync.round);
            Message::Agreed { request }
        } else {
            self.admission.invite(from, (after, upto), terms, cx.now());
            Message::Differ { request }
        }
    }

    /// A node that was offered keys answered, or did not.
    pub(super) fn offer_outcome(
        &mut self,
        run: u32,
        to: Contact,
        answer: Option<Message>,
        cx: &mut Cx<'_>,
    ) {
        let Some(Run { after, upto, .. }) = self.sync.active else { return };
        if run != self.sync.run {
            return;
        }
        match answer {
            Some(Message::Agreed { .. }) => self.offered(to, true, cx),
            Some(Message::Differ { .. }) => {
                let link = cx.connect(to.address);
                let (flow, wanted) = (Flow::default(), BTreeSet::new());
                let giving = Giving { run, to, after, upto, flow, sent: 0, wanted, heard: false };
                self.add_session(link, to.address, false, Talk::Giving(giving), cx);
            }
            None | Some(Message::Refused { .. }) => self.offered(to, false, cx),
            Some(other) => {
                self.out_of_place(to.address, &other, cx);
                self.offered(to, false, cx);
            }
        }
    }

    /// A node has the keys now, or could not take them.
    fn offered(&mut self, to: Contact, has_them: bool, cx: &mut Cx<'_>) {
        let Some(Run { goal, after, upto, .. }) = self.sync.active else { return };
        match goal {
            Goal::Replicate if has_them => {
                let first = self.member().and_then(|m| m.successors().first());
                self.sync.settled |= first == Some(to);
            }
            Goal::HandOver if has_them => {
                self.sync.active = None;
                return self.leave_now(true, cx);
            }
            Goal::Return if has_them => {
                // What became our business meanwhile was touched and stays.
                self.store.drop_stale(after, upto, self.oldest_round());
                self.sync.active = None;
                return self.return_stale(cx);
            }
            Goal::Replicate | Goal::HandOver | Goal::Return => {}
        }
        self.offer_next(cx);
    }

    /// An exchange that we began is over.
    pub(super) fn give_over(&mut self, giving: &Giving, closed: bool, cx: &mut Cx<'_>) {
        if self.sync.active.is_some() && giving.run == self.sync.run {
            // The other side closes when it has everything.
            let complete = closed && giving.heard && giving.flow.is_done();
            self.offered(giving.to, complete, cx);
        }
    }

    /// The link is open: says what we have.
    pub(super) fn give_first(&mut self, link: Link, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        let Talk::Giving(giving) = &mut session.talk else { return };
        let (after, upto) = (giving.after, giving.upto);
        cx.send(link, Message::Reconcile { after, upto });
        let have = self.store.fingerprints(after, upto).map(|(_, fingerprint)| fingerprint);
        giving.flow.fingerprints = have.collect();
        giving.flow.end = true;
        giving.sent = giving.flow.fingerprints.len();
        self.pump(link, cx);
    }

    /// A message of an exchange came.
    pub(super) fn reconcile(&mut self, link: Link, message: Message, cx: &mut Cx<'_>) {
        let bound = self.config.limits.store.bytes / size_of::<Publication>();
        let Some(session) = self.sessions.get_mut(&link) else { return };
        match (&mut session.talk, message) {
            (Talk::Taking(taking), Message::Fingerprints { fingerprints }) if !taking.heard => {
                taking.theirs.extend(fingerprints);
                if taking.theirs.len() > bound {
                    self.break_off(link, Misbehaviour::Flood, cx);
                }
            }
            (Talk::Taking(taking), Message::End) if !taking.heard => {
                taking.heard = true;
                let mut ours = BTreeSet::new();
                for (key, fingerprint) in self.store.fingerprints(taking.after, taking.upto) {
                    ours.insert(fingerprint);
                    if taking.terms.both_ways && !taking.theirs.contains(&fingerprint) {
                        taking.flow.entries.push((key, fingerprint));
                    }
                }
                taking.flow.entries.reverse();
                taking.theirs.retain(|fingerprint| !ours.contains(fingerprint));
                taking.flow.fingerprints = taking.theirs.iter().copied().collect();
                taking.flow.end = true;
                self.pump(link, cx);
            }
            (Talk::Taking(taking), Message::Entries { key, publications }) if taking.heard => {
                let (after, upto) = (taking.after, taking.upto);
                self.merge(link, (after, upto), key, publications, cx);
            }
            (Talk::Taking(taking), Message::End) if taking.flow.is_done() => {
                let (after, upto) = (taking.after, taking.upto);
                self.store.touch(after, upto, self.sync.round);
                self.drop_link(link, cx);
            }
            (Talk::Giving(giving), Message::Wanted { fingerprints }) if !giving.heard => {
                giving.wanted.extend(fingerprints);
                if giving.wanted.len() > giving.sent {
                    self.break_off(link, Misbehaviour::Flood, cx);
                }
            }
            (Talk::Giving(giving), Message::Entries { key, publications }) if !giving.heard => {
                let (after, upto) = (giving.after, giving.upto);
                self.merge(link, (after, upto), key, publications, cx);
            }
            (Talk::Giving(giving), Message::End) if !giving.heard && giving.flow.is_done() => {
                giving.heard = true;
                let have = self.store.fingerprints(giving.after, giving.upto);
                giving.flow.entries = have.filter(|(_, f)| giving.wanted.contains(f)).collect();
                giving.flow.entries.reverse();
                giving.flow.end = true;
                self.pump(link, cx);
            }
            (_, other) => {
                let what = Misbehaviour::OutOfPlace { kind: other.kind() };
                self.break_off(link, what, cx);
            }
        }
    }

    /// Takes in publications from another node.
    fn merge(
        &mut self,
        link: Link,
        (after, upto): (Id160, Id160),
        key: Id160,
        publications: Vec<Publication>,
        cx: &mut Cx<'_>,
    ) {
        if !crate::interval::in_open_closed(after, key, upto) || publications.is_empty() {
            return self.break_off(link, Misbehaviour::OutOfOrder, cx);
        }
        let mut refused = None;
        for publication in publications {
            match self.store.insert(key, publication, self.sync.round) {
                Ok(new) => self.counters.publications_moved += u64::from(new),
                Err(full) => refused = Some(Refusal::from(full)),
            }
        }
        if let (Some(reason), Some(session)) = (refused, self.sessions.get(&link)) {
            let remote = session.remote;
            self.counters.refusals += 1;
            cx.emit(Event::Refused { from: remote, reason });
        }
    }

    /// Sends what is to be sent, as the link takes it.
    pub(super) fn pump(&mut self, link: Link, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        let (flow, taking) = match &mut session.talk {
            Talk::Taking(taking) => (&mut taking.flow, true),
            Talk::Giving(giving) => (&mut giving.flow, false),
            Talk::Silent | Talk::Serving(_) | Talk::Fetching(_) => return,
        };
        while !flow.is_done() {
            if cx.queued(link) > QUEUED {
                return cx.when_writable(link);
            }
            let message = if !flow.fingerprints.is_empty() {
                let rest = flow.fingerprints.len().saturating_sub(FINGERPRINTS);
                let fingerprints = flow.fingerprints.split_off(rest);
                // What a taker lists is what it lacks.
                if taking {
                    Message::Wanted { fingerprints }
                } else {
                    Message::Fingerprints { fingerprints }
                }
            } else if let Some((key, fingerprint)) = flow.entries.pop() {
                let mut publications = Vec::new();
                let mut bytes = 0;
                let mut next = Some(fingerprint);
                while let Some(fingerprint) = next {
                    if let Some(publication) = self.store.by_fingerprint(key, fingerprint) {
                        bytes += crate::message::publication_len(publication);
                        publications.push(publication.clone());
                    }
                    let more = bytes < ENTRIES;
                    next = flow.entries.pop_if(|(other, _)| more && *other == key).map(|e| e.1);
                }
                // All of them may have been dropped since.
                if publications.is_empty() {
                    continue;
                }
                self.counters.publications_moved += publications.len() as u64;
                Message::Entries { key, publications }
            } else {
                flow.end = false;
                Message::End
            };
            cx.send(link, message);
        }
    }
}

impl Flow {
    fn is_done(&self) -> bool {
        self.fingerprints.is_empty() && self.entries.is_empty() && !self.end
    }
}

/// The point before `id`.
fn before(id: Id160) -> Id160 {
    Id160::ZERO.next().distance(id)
}
