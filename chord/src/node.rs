//! The protocol node: a [`Peer`] that is a member of the ring, or a client of it.
//!
//! Requests and answers are datagrams, numbered and repeated until answered or given up
//! (`rpc.rs`). Everything a user asks for, and most upkeep, is an [`operation`](operation::Operation):
//! a lookup and then a word with the owner (`routing.rs`, `values.rs`). The ring itself is kept by
//! the corrected operations of [`Member`](crate::Member), one state-changing query at a time
//! (`joining.rs`, `membership.rs`). Keys move, and replicas are repaired, over links (`sync.rs`),
//! with nodes that may (`admission.rs`), and so do blobs (`blobs.rs`).

mod admission;
mod answers;
mod blobs;
mod command;
mod config;
mod joining;
mod membership;
mod operation;
mod proximity;
mod relay;
mod routing;
mod rpc;
mod serving;
mod session;
mod sync;
mod tasks;
mod values;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;
use overlay_peer::{
    Address, Context, Expect, Link, LinkState, Peer, StoreError, Ticket, Timer, prefetch,
};

use crate::{Contact, FingerTable, Id160, Maintenance, Member, Message, Store};

pub use command::{Command, Event, Failure, FetchFailure, Misbehaviour, Part, SharedBlob};
pub use config::{Config, Limits, LookupStyle};

use admission::Admission;
use blobs::Blobs;
use joining::Standing;
use membership::Upkeep;
use operation::Operations;
use rpc::Requests;
use session::Session;
use sync::Sync;
use tasks::Tasks;

/// The longest value that fits into one datagram with everything around it, and so the most that
/// [`Bounds::value_len`](crate::Bounds::value_len) counts for.
pub(crate) const MAX_VALUE: usize = 1_100;

/// The context a node's methods get.
type Cx<'a> = Context<'a, Node>;

/// A Chord node as a sans-I/O state machine: a member of the ring of 160-bit identifiers, or, if
/// [`Config::member`] is false, a client that uses the ring through members.
///
/// It speaks [`Message`], obeys the contract of [`overlay_peer::Peer`], and keeps to the corrected
/// protocol. Everything that others can make it keep is bounded by [`Limits`].
///
/// # What it trusts
/// Other members to be who they say: an identifier is not proved, and a datagram's source is taken
/// for its sender. Successor lists are checked for ring order and answers for progress, pointers
/// are only taken over from nodes that answered, publications are hints, and blobs are checked
/// against their hash.
#[derive(Clone, Debug)]
pub struct Node {
    config: Arc<Config>,
    /// This node, once it was told to create or join.
    me: Option<Contact>,
    standing: Standing,
    member: Option<Maintenance<Contact>>,
    /// Whoever the user said is a member.
    via: Vec<Address>,
    /// A member's fingers; a client's cache of members that answered.
    fingers: FingerTable<Contact>,
    store: Store,
    upkeep: Upkeep,
    sync: Sync,
    admission: Admission,
    requests: Requests,
    operations: Operations,
    sessions: BTreeMap<Link, Session>,
    blobs: Blobs,
    tasks: Tasks,
    counters: Counters,
}

/// What a node did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Lookups done for the user, also as the first half of puts and gets.
    pub lookups: u64,
    /// The hops of those lookups together.
    pub lookup_hops: u64,
    /// Requests that were given up for dead, in lookups and elsewhere.
    pub timeouts: u64,
    /// Requests that were sent a second time or more.
    pub repeats: u64,
    /// Times that this node answered `Busy`.
    pub busy_answers: u64,
    /// Stabilizations begun.
    pub stabilizations: u64,
    /// Stabilizations that changed the successor list.
    pub changes: u64,
    /// Fingers that a refresh found wrong.
    pub finger_changes: u64,
    /// Publications that came from or went to another node to repair replicas or to move keys.
    pub publications_moved: u64,
    /// Things that this node refused.
    pub refusals: u64,
    /// Times that another node broke the protocol.
    pub misbehaviours: u64,
}

impl Node {
    /// A node outside any ring. Numbers in `config` that make no sense are moved to the nearest ones
    /// that do. Many nodes may share one.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        let mut config = config.into();
        if !config.is_clamped() {
            config = Arc::new(Config::clone(&config).clamped());
        }
        Self {
            me: None,
            standing: Standing::Outside,
            member: None,
            via: Vec::new(),
            fingers: FingerTable::new(config.id.unwrap_or(Id160::from_bytes([0; 20]))),
            store: Store::new(config.limits.store),
            upkeep: Upkeep::default(),
            sync: Sync::default(),
            admission: Admission::default(),
            requests: Requests::default(),
            operations: Operations::default(),
            sessions: BTreeMap::new(),
            blobs: Blobs::default(),
            tasks: Tasks::default(),
            counters: Counters::default(),
            config,
        }
    }

    /// The configuration, with its numbers in range.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The node's own contact, once it was told to create or join a ring.
    pub fn contact(&self) -> Option<Contact> {
        self.me
    }

    /// The ring's pointers, while the node is a member.
    pub fn member(&self) -> Option<&Member<Contact>> {
        self.member.as_ref().map(Maintenance::member)
    }

    /// The finger table; a client's holds members that answered it, where a finger would be.
    pub fn fingers(&self) -> &FingerTable<Contact> {
        &self.fingers
    }

    /// What the node keeps for others.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the node did so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether the node has joined: as a member, or as a client that found one.
    pub fn is_joined(&self) -> bool {
        matches!(self.standing, Standing::Member | Standing::Leaving | Standing::Client)
    }

    /// The node's state: how many contacts and publications it keeps, and how many bytes the whole
    /// node takes with them. What it shares itself is the user's and does not count.
    pub fn footprint(&self) -> (usize, usize) {
        let pointers = self.member().map_or(0, |member| {
            member.successors().as_slice().len() + usize::from(member.predecessor().is_some())
        }) + self.fingers.as_slice().len();
        let bytes = size_of::<Self>()
            + pointers * size_of::<Contact>()
            + self.store.bytes()
            + self.requests.bytes()
            + self.operations.bytes();
        (pointers + self.store.len(), bytes)
    }

    fn is_leaving(&self) -> bool {
        self.standing == Standing::Leaving
    }

    fn misbehaved(&mut self, from: Address, what: Misbehaviour, cx: &mut Cx<'_>) {
        self.counters.misbehaviours += 1;
        cx.emit(Event::Misbehaved { from, what });
    }

    fn refused(&mut self, from: Address, reason: crate::Refusal, cx: &mut Cx<'_>) {
        self.counters.refusals += 1;
        cx.emit(Event::Refused { from, reason });
    }
}

/// Pushes without making room for more, as long as there are few: most nodes never have more than one or
/// two of anything, and there may be millions of nodes.
fn push_exact<T>(items: &mut Vec<T>, item: T) {
    if items.len() == items.capacity() && items.len() < 4 {
        items.reserve_exact(1);
    }
    items.push(item);
}

impl Peer for Node {
    type Message = Message;
    type Command = Command;
    type Event = Event;

    fn expect(&self, message: &Message, step: Expect) {
        match step {
            Expect::First => {
                prefetch(&self.member);
                prefetch(&self.fingers);
                prefetch(&self.requests);
                prefetch(&self.operations);
                prefetch(&self.tasks);
            }
            Expect::Second => match message {
                Message::Find { key, .. } => {
                    self.fingers.prefetch(*key);
                    if let Some(last) = self.member().and_then(|m| m.successors().as_slice().last())
                    {
                        prefetch(last);
                    }
                }
                _ => self.requests.prefetch(),
            },
            Expect::Third => {}
        }
    }

    fn command(&mut self, command: Command, cx: &mut Cx<'_>) {
        match command {
            Command::Create => self.create(cx),
            Command::Resume { predecessor, successors, fingers } => {
                self.resume(predecessor, &successors, &fingers, cx);
            }
            Command::Join { via } => self.join(via, cx),
            Command::Leave => self.leave(cx),
            Command::Lookup { request, key } => self.user_lookup(request, key, cx),
            Command::Put { request, key, value } => self.user_put(request, key, value, cx),
            Command::Get { request, key } => self.user_get(request, key, cx),
            Command::Share { blobs } => self.blobs.share(blobs),
            Command::Unshare { blobs } => self.blobs.unshare(&blobs),
            Command::Fetch { fetch, from, parts } => self.fetch(fetch, from, parts, cx),
        }
    }

    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Cx<'_>) {
        match state {
            LinkState::Open { remote, inbound: true } => self.link_accepted(link, remote, cx),
            LinkState::Open { inbound: false, .. } => self.link_opened(link, cx),
            LinkState::Writable => self.link_writable(link, cx),
            LinkState::Closed(reason) => self.link_closed(link, reason, cx),
            // Everything that sends much waits for `Writable` between the pieces anyway.
            LinkState::Congested => {}
        }
    }

    fn receive(&mut self, from: Link, message: Message, cx: &mut Cx<'_>) {
        self.link_received(from, message, cx);
    }

    fn datagram(&mut self, from: Address, message: Message, cx: &mut Cx<'_>) {
        self.heard(from, message, cx);
    }

    fn wake(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        self.run_task(timer, cx);
    }

    fn stored(&mut self, ticket: Ticket, outcome: Result<Bytes, StoreError>, cx: &mut Cx<'_>) {
        self.ticket_done(ticket, outcome, cx);
    }
}
