//! The world: peers, and a clock that jumps from one event to the next.

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::BytesMut;
use natsim::{Device, Timeouts};
use overlay_peer::{Expect, Pcg32, Peer, Reason, Time, Timer, prefetch};

use crate::core::{Core, NatDevice};
use crate::event::{Body, Control, Event, Order};
use crate::half_edge::{Flag, HalfEdge};
use crate::host::Host;
use crate::hosts::Hosts;
use crate::link::{Links, NO_LINK};
use crate::names::Names;
use crate::queue::Queue;
use crate::trace::Trace;
use crate::{Cause, Config, LinkLoad, Metrics, PeerIndex, Store};

/// A deterministic world of peers: the same configuration, peers and commands give the same trace.
///
/// A clone is a second world with the same future, for trying something out; it starts without
/// undrained events.
pub struct World<P: Peer, S> {
    pub(crate) peers: Vec<P>,
    pub(crate) core: Core<P, S>,
    /// The events of the tick under way; kept to reuse its memory.
    due: Vec<Event<P::Message>>,
    pub(crate) due_timers: Vec<(u32, u32)>,
    pub(crate) due_later: Vec<(u32, u32, u32)>,
    order: Order,
}

impl<P: Peer, S: Store> World<P, S> {
    /// An empty world.
    ///
    /// # Panics
    /// If the configured tick is shorter than a microsecond.
    pub fn new(config: Config, store: S) -> Self {
        let tick_micros = config.tick.as_micros() as u64;
        assert!(tick_micros > 0, "a tick of less than a microsecond");
        let rng = Pcg32::new(config.seed, 0x6c6f_7373);
        let links = Links::new(config.checked);
        let core = Core {
            config,
            tick: 0,
            tick_micros,
            hosts: Hosts::default(),
            links,
            devices: Vec::new(),
            names: Names::default(),
            queue: Queue::new(),
            timers: Queue::new(),
            emitted: Vec::new(),
            metrics: Metrics::default(),
            trace: Trace::default(),
            capture: None,
            loads: Vec::new(),
            lives: BTreeMap::new(),
            later_timers: Queue::new(),
            groups: None,
            downlinks: Vec::new(),
            rng,
            scratch: BytesMut::new(),
            store,
        };
        Self {
            peers: Vec::new(),
            core,
            due: Vec::new(),
            due_timers: Vec::new(),
            due_later: Vec::new(),
            order: Order::default(),
        }
    }

    /// Adds a peer on a host of its own.
    ///
    /// # Panics
    /// If another host has the same address (behind the same NAT), the underlay has no such place, or
    /// there are 2^26 peers already.
    pub fn add(&mut self, peer: P, host: Host) -> PeerIndex {
        assert!(self.core.config.underlay.has(host.place), "no {:?} in the underlay", host.place);
        let host = host.with_upload(host.upload);
        let index = self.peers.len() as u32;
        let device = host.nat.map(|nat| {
            let device = self.core.names.device_at(nat.public).unwrap_or_else(|| {
                let number = self.core.devices.len() as u32;
                let device = Device::new(nat.public, nat.behaviour, Timeouts::default());
                self.core.devices.push(NatDevice { device, home: index });
                self.core.names.add_device(nat.public, number);
                number
            });
            self.core.names.add_inside(device, host.address, index);
            device
        });
        if device.is_none() {
            self.core.names.add_open(host.address, index, &self.core.hosts);
        }
        self.core.hosts.push(host, device);
        self.peers.push(peer);
        PeerIndex(index)
    }

    /// Makes room for so many more peers with so many links between them, and not more than that, which
    /// saves memory in large worlds.
    pub fn reserve(&mut self, peers: usize, links: usize) {
        self.peers.reserve_exact(peers);
        self.core.hosts.reserve(peers);
        self.core.names.reserve(peers, &self.core.hosts);
        self.core.links.reserve(2 * links);
    }

    /// Makes room for so many links of a peer at once. Otherwise its table grows with its links, and
    /// leaves smaller ones behind for others.
    ///
    /// # Panics
    /// If these are 2^22 or more.
    pub fn reserve_links(&mut self, peer: PeerIndex, links: usize) {
        self.core.links.reserve_for(&mut self.core.hosts[peer.0].links, links);
    }

    /// Gives memory back that building the network took and that is not needed any more: to be called
    /// when all links are up. Changes nothing else.
    pub fn shrink_to_fit(&mut self) {
        self.core.links.shrink_to_fit(self.core.hosts.tables());
        self.core.emitted.shrink_to_fit();
        self.due = Vec::new();
        self.due_timers = Vec::new();
        self.order = Order::default();
    }

    /// Hands a peer a command, now. What follows from it is counted under `cause`.
    pub fn command(&mut self, peer: PeerIndex, command: P::Command, cause: Cause) {
        if self.core.hosts.is_alive(peer.0) {
            self.core.trace.add(self.core.tick, peer.0, NO_LINK, 1);
            self.other_input(peer.0, cause, |peer, cx| peer.command(command, cx));
        }
    }

    /// Handles everything until `end` (included), which becomes the present.
    pub fn run_until(&mut self, end: Time) {
        let last = end.as_micros() / self.core.tick_micros;
        while let Some(tick) = self.next_tick()
            && tick <= last
        {
            self.step(tick);
        }
        if last > self.core.tick {
            self.advance(last);
        }
    }

    /// Handles everything of the next `span`.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now() + span);
    }

    /// Runs until nothing is under way (timers may still be waiting), for `longest` at most. Says
    /// whether it came to that.
    pub fn run_until_idle(&mut self, longest: Duration) -> bool {
        let last = (self.now() + longest).as_micros() / self.core.tick_micros;
        while self.core.queue.len() > 0 {
            match self.next_tick() {
                Some(tick) if tick <= last => self.step(tick),
                _ => break,
            }
        }
        self.core.queue.len() == 0
    }

    /// Runs until a peer tells its user something, until `end` at the latest. Says whether there is
    /// something to [drain](Self::drain_events).
    pub fn run_until_event(&mut self, end: Time) -> bool {
        let last = end.as_micros() / self.core.tick_micros;
        while self.core.emitted.is_empty() {
            match self.next_tick() {
                Some(tick) if tick <= last => self.step(tick),
                _ => {
                    if last > self.core.tick {
                        self.advance(last);
                    }
                    break;
                }
            }
        }
        !self.core.emitted.is_empty()
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.core.now()
    }

    /// How many peers there are, dead ones included.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are no peers.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// A peer's state.
    pub fn peer(&self, peer: PeerIndex) -> &P {
        &self.peers[peer.as_usize()]
    }

    /// All peers in the order of their numbers.
    pub fn peers(&self) -> impl Iterator<Item = (PeerIndex, &P)> {
        (0..).map(PeerIndex).zip(&self.peers)
    }

    /// Where a peer runs.
    pub fn host(&self, peer: PeerIndex) -> Host {
        self.core.hosts.host(peer.0)
    }

    /// Whether a peer has neither crashed nor been shut down.
    pub fn is_alive(&self, peer: PeerIndex) -> bool {
        self.core.hosts[peer.0].alive
    }

    /// How many peers are up.
    pub fn peers_up(&self) -> u32 {
        self.core.hosts.states().iter().filter(|host| host.alive).count() as u32
    }

    /// The open links of a peer, as the peers at their other ends.
    pub fn neighbours(&self, peer: PeerIndex) -> impl Iterator<Item = PeerIndex> {
        let links = self.core.links.of(self.core.hosts[peer.0].links);
        links.filter(|(_, edge)| edge.is(Flag::OPEN)).map(|(_, edge)| PeerIndex(edge.other()))
    }

    /// The host of a peer loses power: nothing is sent or received any more, connects to it time
    /// out, and the other ends of its links notice after [`Config::detect_crash`].
    pub fn fail(&mut self, peer: PeerIndex) {
        let notice = self.core.tick + self.core.ticks(self.core.config.detect_crash);
        self.end(peer, |_, _, _| notice, Reason::TimedOut);
    }

    /// A peer's process ends: its host sends what is queued, and closes the links.
    pub fn shut_down(&mut self, peer: PeerIndex) {
        let last = |core: &Core<P, S>, link, edge: &HalfEdge| {
            core.tick_at(core.sent_at(peer.0, link) + edge.delay())
        };
        self.end(peer, last, Reason::Remote);
    }

    /// What the peers told their users since the last call, in the order it happened.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, (Time, PeerIndex, P::Event)> {
        self.core.emitted.drain(..)
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.core.metrics
    }

    /// How many messages each peer has received, by its number, modulo 2^32.
    pub fn received(&self) -> Vec<u64> {
        self.core.hosts.received().map(u64::from).collect()
    }

    /// How long a packet takes from one peer's host to another's, apart from their bandwidth.
    pub fn direct_delay(&self, from: PeerIndex, to: PeerIndex) -> Duration {
        self.core.config.underlay.delay(self.host(from).place, self.host(to).place)
    }

    /// What each physical link has carried because of one cause, if [`Config::link_load`] asks for
    /// it and anything was sent. Counts messages when they are sent.
    pub fn link_load(&self, cause: Cause) -> Option<&LinkLoad> {
        self.core.loads.get(usize::from(cause.0))
    }

    /// A number that stands for everything that has happened: when, where, and which kind and length
    /// of message. Equal for equal runs, checked or not, on every machine.
    pub fn trace_hash(&self) -> u64 {
        self.core.trace.hash()
    }

    /// The storage behind the peers.
    pub fn store(&self) -> &S {
        &self.core.store
    }

    /// The storage behind the peers.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.core.store
    }

    fn end(
        &mut self,
        peer: PeerIndex,
        notice: impl Fn(&Core<P, S>, u32, &HalfEdge) -> u64,
        reason: Reason,
    ) {
        let host = &mut self.core.hosts[peer.0];
        if !core::mem::replace(&mut host.alive, false) {
            return;
        }
        let ends: Vec<(u32, HalfEdge)> =
            self.core.links.of(host.links).map(|(link, edge)| (link, *edge)).collect();
        for (link, edge) in ends {
            if edge.is(Flag::OPEN) {
                let (tick, closed) = (notice(&self.core, link, &edge), Control::Closed(reason));
                let cause = Cause::UPKEEP;
                self.core.control(tick, edge.other(), edge.other_link(), cause, closed);
            }
            // Their numbers do not come back at once, also if the peer does.
            self.core.links.remove(&mut self.core.hosts[peer.0].links, peer.0, link);
        }
    }

    fn next_tick(&self) -> Option<u64> {
        let queues =
            [self.core.queue.next(), self.core.timers.next(), self.core.later_timers.next()];
        queues.into_iter().flatten().min()
    }

    fn advance(&mut self, tick: u64) {
        self.core.tick = tick;
        self.core.queue.advance(tick, &mut self.due);
        self.core.timers.advance(tick, &mut self.due_timers);
        if !self.core.lives.is_empty() {
            self.core.later_timers.advance(tick, &mut self.due_later);
            self.drop_stale_timers();
        }
    }

    /// One tick: links and messages, then timers, each in an order of its own that does not depend on
    /// the order in which senders were handled.
    fn step(&mut self, tick: u64) {
        self.advance(tick);
        let mut due = core::mem::take(&mut self.due);
        let mut order = core::mem::take(&mut self.order);
        order.arrange(&due);
        self.fetch_first(&due, &order);
        for at in 0..order.len() {
            self.fetch(&due, &order, at);
            let (index, _) = order.nth(at);
            let event = &mut due[index];
            let (key, body) = (event.key, core::mem::take(&mut event.body));
            self.handle(Event { key, body });
        }
        due.clear();
        (self.due, self.order) = (due, order);
        let mut timers = core::mem::take(&mut self.due_timers);
        timers.sort_by_key(|&(peer, _)| peer);
        for (peer, timer) in timers.drain(..) {
            if self.core.hosts[peer].alive {
                self.core.trace.add(tick, peer, NO_LINK, 2 | u64::from(timer) << 8);
                self.other_input(peer, Cause::UPKEEP, |peer, cx| {
                    peer.wake(Timer(timer), cx);
                });
            }
        }
        self.due_timers = timers;
    }

    /// Asks for the memory that a tick's first events need: while the first is handled, the next ones
    /// are on their way already.
    fn fetch_first(&self, due: &[Event<P::Message>], order: &Order) {
        (0..FAR).for_each(|at| self.fetch_receiver(due, order, at));
        (0..MIDDLE).for_each(|at| self.fetch_links(due, order, at));
        (0..NEAR).for_each(|at| self.fetch_more(due, order, at));
    }

    /// Asks for the memory that events soon to come will need: first what is found by the receiver's
    /// number, and, when that is there, what it points to.
    fn fetch(&self, due: &[Event<P::Message>], order: &Order, at: usize) {
        self.fetch_receiver(due, order, at + FAR);
        self.fetch_links(due, order, at + MIDDLE);
        self.fetch_more(due, order, at + NEAR);
    }

    fn fetch_receiver(&self, due: &[Event<P::Message>], order: &Order, at: usize) {
        if at < order.len() {
            let (index, receiver) = order.nth(at);
            prefetch(&self.core.hosts.states()[receiver]);
            match &due[index].body {
                Body::Message(message) => self.peers[receiver].expect(message, Expect::First),
                Body::Control(control) => {
                    prefetch(&**control);
                    prefetch(&self.peers[receiver]);
                }
                Body::Done => {}
            }
        }
    }

    fn fetch_links(&self, due: &[Event<P::Message>], order: &Order, at: usize) {
        if at < order.len() {
            let (index, receiver) = order.nth(at);
            match &due[index].body {
                Body::Message(message) => {
                    let links = self.core.hosts.states()[receiver].links;
                    if let Some(block) = self.core.links.block(links) {
                        prefetch(block);
                    }
                    self.peers[receiver].expect(message, Expect::Second);
                }
                // What is boxed is there now. Behind a NAT the receiver is another one; no harm.
                Body::Control(control) => {
                    if let Control::Datagram { message, .. } = &**control {
                        self.peers[receiver].expect(message, Expect::First);
                    }
                }
                Body::Done => {}
            }
        }
    }

    fn fetch_more(&self, due: &[Event<P::Message>], order: &Order, at: usize) {
        if at < order.len() {
            let (index, receiver) = order.nth(at);
            match &due[index].body {
                Body::Message(message) => self.peers[receiver].expect(message, Expect::Third),
                Body::Control(control) => {
                    if let Control::Datagram { message, .. } = &**control {
                        self.peers[receiver].expect(message, Expect::Second);
                    }
                }
                Body::Done => {}
            }
        }
    }
}

/// How many events ahead memory is asked for. It takes about as long as so many events.
const FAR: usize = 24;
const MIDDLE: usize = 16;
const NEAR: usize = 8;

impl<P: Peer, S> core::fmt::Debug for World<P, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("World")
            .field("now", &self.core.now())
            .field("peers", &self.peers.len())
            .field("queued", &self.core.queue.len())
            .finish_non_exhaustive()
    }
}

impl<P: Peer + Clone, S: Clone> Clone for World<P, S> {
    fn clone(&self) -> Self {
        let core = &self.core;
        Self {
            peers: self.peers.clone(),
            core: Core {
                config: core.config.clone(),
                tick: core.tick,
                tick_micros: core.tick_micros,
                hosts: core.hosts.clone(),
                links: core.links.clone(),
                devices: core.devices.clone(),
                names: core.names.clone(),
                queue: core.queue.clone(),
                timers: core.timers.clone(),
                emitted: Vec::new(),
                metrics: core.metrics.clone(),
                trace: core.trace,
                capture: None,
                loads: core.loads.clone(),
                lives: core.lives.clone(),
                later_timers: core.later_timers.clone(),
                groups: core.groups.clone(),
                downlinks: core.downlinks.clone(),
                rng: core.rng.clone(),
                scratch: BytesMut::new(),
                store: core.store.clone(),
            },
            due: Vec::new(),
            due_timers: Vec::new(),
            due_later: Vec::new(),
            order: Order::default(),
        }
    }
}
