//! What several test programs need: worlds of servents, a store in memory, a driver for one servent.

#![allow(dead_code)] // No test program needs everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gnutella_wire::{Guid, TtlRules};
use overlay_gnutella::{
    Catalogue, Command, Config, Event, Hit, Message, Phase, Servent, Settings, SharedFile,
};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, StoreError, Ticket,
    Time, Timer, Wire, input_seed,
};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Host, PeerIndex, Store, Underlay, World};

pub const UPKEEP: Cause = Cause::UPKEEP;
pub const JOIN: Cause = Cause(1);
pub const SEARCH: Cause = Cause(2);
pub const FETCH: Cause = Cause(3);

/// Objects of each peer, in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub objects: BTreeMap<(u32, u64), Vec<u8>>,
}

impl Memory {
    pub fn read_at(
        &self,
        peer: u32,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let bytes = self.objects.get(&(peer, object.0)).ok_or(StoreError::NotFound)?;
        let start = usize::try_from(offset).unwrap();
        let part = bytes.get(start..start + len as usize);
        part.map(Bytes::copy_from_slice).ok_or(StoreError::OutOfRange { size: bytes.len() as u64 })
    }

    pub fn write_at(&mut self, peer: u32, object: Object, offset: u64, bytes: &[u8]) {
        let target = self.objects.entry((peer, object.0)).or_default();
        let start = usize::try_from(offset).unwrap();
        target.resize(target.len().max(start + bytes.len()), 0);
        target[start..start + bytes.len()].copy_from_slice(bytes);
    }
}

impl Store for Memory {
    fn read(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        self.read_at(peer.0, object, offset, len)
    }

    fn write(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        self.write_at(peer.0, object, offset, bytes);
        Ok(())
    }
}

pub fn address(n: u32) -> Address {
    let [_, a, b, c] = n.to_be_bytes();
    Address::from(([20, a, b, c], 6346))
}

pub fn guid(n: u32) -> Guid {
    let mut bytes = [0x5e; Guid::LEN];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Guid::from_bytes(bytes).marked()
}

/// Some bytes that no two offsets or seeds share by accident.
pub fn content(seed: u32, len: usize) -> Vec<u8> {
    let seed = seed.wrapping_mul(0x9e37_79b1);
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) ^ seed).to_be_bytes()[1]).collect()
}

/// Only what the user commands: no Pings, no links but those named in a Join, no TTL in the way.
pub fn quiet() -> Settings {
    Settings {
        ping_ttl: 0,
        ping_interval: None,
        target_links: 0,
        max_links: Settings::LINKS,
        courtesy_pongs: 0,
        route_lifetime: Duration::from_secs(1_000_000),
        ..Settings::default()
    }
}

pub fn endless(ttl: u8) -> Settings {
    Settings { ttl, ttl_rules: TtlRules { max: 255, hard: 255 }, ..quiet() }
}

pub fn catalogue(names: &[&str]) -> Arc<Catalogue> {
    let file = |(n, name): (usize, &&str)| SharedFile {
        name: (*name).into(),
        size: 1_000 * (n as u64 + 1),
        object: Object(n as u64),
    };
    Arc::new(Catalogue::new(names.iter().enumerate().map(file)))
}

pub fn world(seed: u64) -> World<Servent, Memory> {
    let config = overlay_sim::Config {
        seed,
        checked: true,
        underlay: Underlay::Uniform(Duration::from_millis(50)),
        ..overlay_sim::Config::default()
    };
    World::new(config, Memory::default())
}

/// A servent for each node, linked as the graph says; `shares` tells what each node has.
pub fn wired(
    graph: &Graph,
    settings: &Settings,
    catalogue: &Arc<Catalogue>,
    mut shares: impl FnMut(u32) -> Vec<u32>,
) -> World<Servent, Memory> {
    let mut world = world(7);
    let settings = Arc::new(settings.clone());
    for n in 0..graph.nodes() {
        let config = Config { settings: settings.clone(), ..Config::new(guid(n)) };
        let servent = Servent::new(config, catalogue.clone(), shares(n));
        world.add(servent, Host::open(address(n)));
    }
    for n in 0..graph.nodes() {
        let hosts = graph.neighbours(n).iter().filter(|&&m| m < n).map(|&m| address(m)).collect();
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
    }
    world.run_for(Duration::from_secs(2));
    for n in 0..graph.nodes() {
        let links = world.peer(PeerIndex(n)).neighbours().count();
        assert_eq!(links, graph.neighbours(n).len(), "links of node {n}");
    }
    world.drain_events();
    world
}

/// A connected graph: a random tree, and more edges.
pub fn connected(parents: &[u32], more: &[(u32, u32)]) -> Graph {
    let nodes = parents.len() as u32 + 1;
    let tree =
        parents.iter().enumerate().map(|(n, parent)| (n as u32 + 1, parent % (n as u32 + 1)));
    Graph::new(nodes, tree.chain(more.iter().map(|&(a, b)| (a % nodes, b % nodes))))
}

/// The hits among the events, as (search, hops, hit).
pub fn hits(world: &mut World<Servent, Memory>, of: PeerIndex) -> Vec<(u32, u8, Hit)> {
    let events = world.drain_events();
    events
        .filter(|(_, peer, _)| *peer == of)
        .filter_map(|(_, _, event)| match event {
            Event::Hit { search, hops, hit } => Some((search, hops, hit)),
            _ => None,
        })
        .collect()
}

/// A driver that records what one servent asks for, and carries nothing out.
#[derive(Debug)]
pub struct Recorder {
    pub here: Address,
    pub sent: Vec<(Link, Message)>,
    pub datagrams: Vec<(Address, Message)>,
    pub closed: Vec<Link>,
    pub events: Vec<Event>,
    pub connects: Vec<(Link, Address)>,
    pub timers: Vec<(Duration, Timer)>,
    pub reads: Vec<Ticket>,
    pub writes: Vec<Ticket>,
    /// What the next bytes on each link are.
    pub phases: BTreeMap<u32, Phase>,
    next_link: u32,
    next_ticket: u32,
    inputs: u64,
    pub now: Time,
}

impl Recorder {
    pub fn new() -> Self {
        Self {
            here: address(0),
            sent: Vec::new(),
            datagrams: Vec::new(),
            closed: Vec::new(),
            events: Vec::new(),
            connects: Vec::new(),
            timers: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
            phases: BTreeMap::new(),
            next_link: 0,
            next_ticket: 0,
            inputs: 0,
            now: Time::ZERO,
        }
    }

    pub fn input(
        &mut self,
        servent: &mut Servent,
        input: impl FnOnce(&mut Servent, &mut Context<'_, Servent>),
    ) {
        let (now, seed) = (self.now, input_seed(1, 0, self.inputs));
        self.inputs += 1;
        input(servent, &mut Context::new(self, now, seed));
    }

    pub fn link(&mut self) -> Link {
        self.next_link += 1;
        Link::from_raw(self.next_link)
    }

    /// A neighbour connects and shakes hands; its link.
    pub fn neighbour(&mut self, servent: &mut Servent, n: u32) -> Link {
        let link = self.link();
        let open = LinkState::Open { remote: address(n), inbound: true };
        self.input(servent, |servent, cx| servent.link_changed(link, open, cx));
        let connect = Box::new(gnutella_wire::Connect::v04());
        let head = Message::Head { kind: overlay_gnutella::HeadKind::Connect, head: connect };
        self.input(servent, |servent, cx| servent.receive(link, head, cx));
        link
    }

    /// Someone connects to the servent.
    pub fn opened(&mut self, servent: &mut Servent, remote: Address) -> Link {
        let link = self.link();
        let open = LinkState::Open { remote, inbound: true };
        self.input(servent, |servent, cx| servent.link_changed(link, open, cx));
        link
    }

    /// The last link that the servent asked for is open.
    pub fn connected(&mut self, servent: &mut Servent) -> Link {
        let Some(&(link, remote)) = self.connects.last() else { panic!("no link is asked for") };
        let open = LinkState::Open { remote, inbound: false };
        self.input(servent, |servent, cx| servent.link_changed(link, open, cx));
        link
    }

    /// Bytes come over a link, not deflated: whole messages, each in the phase that the servent has set.
    pub fn bytes(&mut self, servent: &mut Servent, link: Link, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let phase = self.phases.get(&link.as_raw()).copied().unwrap_or_default();
            match Message::decode(phase, bytes) {
                Ok(Decoded::Complete { value, consumed }) => {
                    bytes = &bytes[consumed..];
                    self.input(servent, |servent, cx| servent.receive(link, value, cx));
                }
                other => panic!("in {phase:?}: {other:?}"),
            }
        }
    }

    /// What the servent has sent over a link since it was last asked, as bytes.
    pub fn said(&mut self, link: Link) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.sent.retain(|(to, message)| {
            if *to == link {
                message.encode(&mut bytes);
            }
            *to != link
        });
        bytes
    }

    pub fn lose(&mut self, servent: &mut Servent, link: Link) {
        let closed = LinkState::Closed(Reason::Remote);
        self.input(servent, |servent, cx| servent.link_changed(link, closed, cx));
    }
}

impl Driver<Servent> for Recorder {
    fn here(&self) -> Address {
        self.here
    }
    fn send(&mut self, link: Link, message: Message) {
        self.sent.push((link, message));
    }
    fn connect(&mut self, to: Address) -> Link {
        let link = self.link();
        self.connects.push((link, to));
        link
    }
    fn close(&mut self, link: Link) {
        self.closed.push(link);
    }
    fn phase(&mut self, link: Link, phase: Phase) {
        self.phases.insert(link.as_raw(), phase);
    }
    fn when_writable(&mut self, _: Link) {}
    fn pause(&mut self, _: Link, _: bool) {}
    fn queued(&self, _: Link) -> usize {
        0
    }
    fn send_to(&mut self, to: Address, message: Message) {
        self.datagrams.push((to, message));
    }
    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.timers.push((delay, timer));
    }
    fn read(&mut self, _: Object, _: u64, _: u32) -> Ticket {
        self.next_ticket += 1;
        self.reads.push(Ticket(self.next_ticket));
        Ticket(self.next_ticket)
    }
    fn write(&mut self, _: Object, _: u64, _: Bytes) -> Ticket {
        self.next_ticket += 1;
        self.writes.push(Ticket(self.next_ticket));
        Ticket(self.next_ticket)
    }
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// Whom a request is for, where that is of no matter.
pub const HOST: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(20, 0, 0, 0)), 6346);

/// What a servent of no particular kind offers.
pub fn offered(address: Address, size: u32, name: &[u8]) -> Hit {
    Hit {
        address,
        push: false,
        servent: guid(0),
        index: 0,
        size,
        speed: 1,
        busy: false,
        uploaded: false,
        measured: false,
        sha1: None,
        name: name.into(),
        proxies: [].into(),
    }
}
