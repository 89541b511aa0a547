//! The contract holds on two drivers: the same servents, the same commands and the same seed put the
//! same bytes on every link, in the simulator and on TCP sockets.
//!
//! The driver here is the smallest that does for a test: one thread, non-blocking sockets, loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{FETCH, JOIN, Memory, SEARCH, content, guid};
use overlay_gnutella::{
    Catalogue, Command, Config, Event, Hit, Message, Phase, Servent, Settings, SharedFile,
};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, StoreError, Ticket,
    Time, Timer, Wire, input_seed,
};
use overlay_sim::{Cause, Host, PeerIndex, World};

const SEED: u64 = 42;
const SIZE: usize = 400_000;
const SEEKER: usize = 0;
const HOLDER: usize = 1;
const FILE: Object = Object(3);
const INTO: Object = Object(4);

/// What a scenario needs of a driver.
trait Stage {
    fn command(&mut self, peer: usize, command: Command, cause: Cause);
    /// Lets a little happen.
    fn step(&mut self);
    /// How many inputs a peer has had.
    fn inputs(&self, peer: usize) -> u64;
    fn events(&self, peer: usize) -> Vec<Event>;
    /// What a peer sent on each of its links, in the order the links came up.
    fn sent(&self, peer: usize) -> Vec<Vec<u8>>;
    fn stored(&self, peer: usize, object: Object) -> Vec<u8>;

    fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool)
    where
        Self: Sized,
    {
        for _ in 0..20_000_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("{what} did not happen; {:?} {:?}", self.events(SEEKER), self.events(HOLDER));
    }
}

/// Join, explore, search, fetch; what each side sent on each link.
fn play(stage: &mut impl Stage, holder: Address, pushed: bool) -> [Vec<Vec<u8>>; 2] {
    stage.command(SEEKER, Command::Join { hosts: vec![holder] }, JOIN);
    // The command, the link, the reply, their Ping, and the Pong to ours, unless they are firewalled.
    // There: the link, the handshake, our Ping, the Pong to theirs.
    let joined = [if pushed { 4 } else { 5 }, 4];
    stage.run_until("the join", |stage| [SEEKER, HOLDER].map(|peer| stage.inputs(peer)) == joined);
    let search = Command::Search { search: 1, text: "song two".into() };
    stage.command(SEEKER, search, SEARCH);
    let hit = |stage: &dyn Fn() -> Vec<Event>| -> Option<Hit> {
        stage().into_iter().find_map(|event| match event {
            Event::Hit { hit, .. } => Some(hit),
            _ => None,
        })
    };
    stage.run_until("the hit", |stage| hit(&|| stage.events(SEEKER)).is_some());
    let hit = hit(&|| stage.events(SEEKER)).unwrap();
    assert_eq!(hit.push, pushed);
    stage.command(SEEKER, Command::Fetch { fetch: 9, hit, into: INTO, from: 0 }, FETCH);
    let fetched = Event::Fetched { fetch: 9, bytes: SIZE as u64, pushed };
    let served = Event::Served { index: 1, bytes: SIZE as u64 };
    stage.run_until("the fetch", |stage| {
        stage.events(SEEKER).last() == Some(&fetched)
            && stage.events(HOLDER).last() == Some(&served)
    });
    assert_eq!(stage.stored(SEEKER, INTO), content(8, SIZE));
    [stage.sent(SEEKER), stage.sent(HOLDER)]
}

fn servent(peer: usize, firewalled: bool) -> Servent {
    let file = |name: &str, size, object| SharedFile { name: name.into(), size, object };
    let catalogue = Arc::new(Catalogue::new([
        file("song one.ogg", 1, Object(1)),
        file("Song Two.ogg", SIZE as u64, FILE),
    ]));
    // Pings when the link comes up, none later: those would depend on how long everything takes.
    let settings = Settings { ping_interval: None, target_links: 0, ..Settings::default() };
    let config =
        Config { firewalled, settings: Arc::new(settings), ..Config::new(guid(peer as u32)) };
    Servent::new(config, catalogue, if peer == HOLDER { vec![0, 1] } else { vec![] })
}

fn memory() -> Memory {
    let mut memory = Memory::default();
    memory.objects.insert((HOLDER as u32, FILE.0), content(8, SIZE));
    memory
}

#[test]
fn the_same_bytes_on_sockets_and_in_the_simulator() {
    compare(false, 65_536);
}

#[test]
fn the_same_bytes_when_the_file_is_pushed() {
    compare(true, 65_536);
}

#[test]
fn the_same_bytes_when_sockets_give_seven_at_a_time() {
    compare(false, 7);
    compare(true, 7);
}

fn compare(holder_firewalled: bool, read_size: usize) {
    let peers = || [servent(SEEKER, false), servent(HOLDER, holder_firewalled)];
    let mut sockets = Sockets::new(peers(), read_size);
    let addresses = [sockets.nodes[SEEKER].here, sockets.nodes[HOLDER].here];
    let on_sockets = play(&mut sockets, addresses[HOLDER], holder_firewalled);
    let simulated =
        play(&mut Simulated::new(peers(), addresses), addresses[HOLDER], holder_firewalled);
    for peer in [SEEKER, HOLDER] {
        // The link between the neighbours, and that of the transfer.
        assert_eq!(simulated[peer].len(), 2);
        assert_eq!(on_sockets[peer].len(), 2);
        for (ours, theirs) in on_sockets[peer].iter().zip(&simulated[peer]) {
            assert!(ours == theirs, "{} and {}", ours.escape_ascii(), theirs.escape_ascii());
        }
    }
    assert!(on_sockets[HOLDER].iter().any(|sent| sent.len() > SIZE));
}

// ---- The simulator, with a tap on what the servents send.

struct Simulated {
    world: World<Tapped, Memory>,
}

impl Simulated {
    fn new(peers: [Servent; 2], addresses: [Address; 2]) -> Self {
        let config = overlay_sim::Config { seed: SEED, checked: true, ..Default::default() };
        let mut world = World::new(config, memory());
        for (number, (servent, address)) in (0..).zip(peers.into_iter().zip(addresses)) {
            let tap = Tap { number, ..Tap::default() };
            world.add(Tapped { servent, tap }, Host::open(address));
        }
        Self { world }
    }

    fn tap(&self, peer: usize) -> &Tap {
        &self.world.peer(PeerIndex(peer as u32)).tap
    }
}

impl Stage for Simulated {
    fn command(&mut self, peer: usize, command: Command, cause: Cause) {
        self.world.command(PeerIndex(peer as u32), command, cause);
    }
    fn step(&mut self) {
        self.world.run_for(Duration::from_millis(1));
    }
    fn inputs(&self, peer: usize) -> u64 {
        self.tap(peer).inputs
    }
    fn events(&self, peer: usize) -> Vec<Event> {
        self.tap(peer).events.clone()
    }
    fn sent(&self, peer: usize) -> Vec<Vec<u8>> {
        self.tap(peer).sent.iter().map(|(_, bytes)| bytes.clone()).collect()
    }
    fn stored(&self, peer: usize, object: Object) -> Vec<u8> {
        self.world.store().objects[&(peer as u32, object.0)].clone()
    }
}

/// A servent that writes down what it sends and tells.
#[derive(Clone, Debug)]
struct Tapped {
    servent: Servent,
    tap: Tap,
}

#[derive(Clone, Debug, Default)]
struct Tap {
    number: u32,
    inputs: u64,
    events: Vec<Event>,
    sent: Vec<(Link, Vec<u8>)>,
}

impl Tapped {
    fn input(
        &mut self,
        cx: &mut Context<'_, Self>,
        input: impl FnOnce(&mut Servent, &mut Context<'_, Servent>),
    ) {
        // As the world derives it: the inner servent draws the numbers it would draw without a tap.
        let seed = input_seed(SEED, self.tap.number, self.tap.inputs);
        self.tap.inputs += 1;
        let now = cx.now();
        let mut through = Through { tap: &mut self.tap, cx };
        input(&mut self.servent, &mut Context::new(&mut through, now, seed));
    }
}

impl Peer for Tapped {
    type Message = Message;
    type Command = Command;
    type Event = Event;

    fn command(&mut self, command: Command, cx: &mut Context<'_, Self>) {
        self.input(cx, |servent, cx| servent.command(command, cx));
    }
    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>) {
        if let LinkState::Open { .. } = state {
            self.tap.sent.push((link, Vec::new()));
        }
        self.input(cx, |servent, cx| servent.link_changed(link, state, cx));
    }
    fn receive(&mut self, from: Link, message: Message, cx: &mut Context<'_, Self>) {
        self.input(cx, |servent, cx| servent.receive(from, message, cx));
    }
    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        self.input(cx, |servent, cx| servent.wake(timer, cx));
    }
    fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        self.input(cx, |servent, cx| servent.stored(ticket, outcome, cx));
    }
}

struct Through<'a, 'b> {
    tap: &'a mut Tap,
    cx: &'a mut Context<'b, Tapped>,
}

impl Driver<Servent> for Through<'_, '_> {
    fn here(&self) -> Address {
        self.cx.here()
    }
    fn send(&mut self, link: Link, message: Message) {
        let (_, sent) = self.tap.sent.iter_mut().rfind(|(other, _)| *other == link).unwrap();
        message.encode(sent);
        self.cx.send(link, message);
    }
    fn connect(&mut self, to: Address) -> Link {
        self.cx.connect(to)
    }
    fn close(&mut self, link: Link) {
        self.cx.close(link);
    }
    fn phase(&mut self, link: Link, phase: Phase) {
        self.cx.phase(link, phase);
    }
    fn when_writable(&mut self, link: Link) {
        self.cx.when_writable(link);
    }
    fn pause(&mut self, link: Link, paused: bool) {
        self.cx.pause(link, paused);
    }
    fn queued(&self, link: Link) -> usize {
        self.cx.queued(link)
    }
    fn send_to(&mut self, to: Address, message: Message) {
        self.cx.send_to(to, message);
    }
    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.cx.wake_after(delay, timer);
    }
    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        self.cx.read(object, offset, len)
    }
    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        self.cx.write(object, offset, bytes)
    }
    fn emit(&mut self, event: Event) {
        self.tap.events.push(event.clone());
        self.cx.emit(event);
    }
}

// ---- Sockets.

struct Sockets {
    nodes: [Node; 2],
    servents: [Servent; 2],
    memory: Memory,
    read_size: usize,
    start: Instant,
}

struct Node {
    number: usize,
    here: Address,
    listener: TcpListener,
    inputs: u64,
    now: Time,
    events: Vec<Event>,
    /// By number of link; links are numbered as they come up.
    connections: BTreeMap<u32, Connection>,
    next_link: u32,
    next_ticket: u32,
    /// Links that were asked for and are open.
    opened: VecDeque<(Link, LinkState)>,
    timers: Vec<(Time, Timer)>,
    jobs: VecDeque<(Ticket, Job)>,
}

enum Job {
    Read(Object, u64, u32),
    Write(Object, u64, Bytes),
}

struct Connection {
    /// `None` once closed; the record of what was sent stays.
    stream: Option<TcpStream>,
    phase: Phase,
    input: Vec<u8>,
    output: VecDeque<u8>,
    sent: Vec<u8>,
    closing: bool,
    paused: bool,
    wants_writable: bool,
}

impl Sockets {
    #[allow(clippy::disallowed_methods, reason = "a driver reads the clock")]
    fn new(servents: [Servent; 2], read_size: usize) -> Self {
        let nodes = [0, 1].map(|number| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            Node {
                number,
                here: listener.local_addr().unwrap(),
                listener,
                inputs: 0,
                now: Time::ZERO,
                events: Vec::new(),
                connections: BTreeMap::new(),
                next_link: 0,
                next_ticket: 0,
                opened: VecDeque::new(),
                timers: Vec::new(),
                jobs: VecDeque::new(),
            }
        });
        Self { nodes, servents, memory: memory(), read_size, start: Instant::now() }
    }

    fn input(&mut self, peer: usize, input: impl FnOnce(&mut Servent, &mut Context<'_, Servent>)) {
        let node = &mut self.nodes[peer];
        node.now = Time::from_micros(self.start.elapsed().as_micros() as u64);
        let seed = input_seed(SEED, peer as u32, node.inputs);
        node.inputs += 1;
        let now = node.now;
        input(&mut self.servents[peer], &mut Context::new(node, now, seed));
    }

    fn step_node(&mut self, peer: usize) {
        match self.nodes[peer].listener.accept() {
            Ok((stream, remote)) => {
                let link = self.nodes[peer].add(stream);
                self.input(peer, |servent, cx| {
                    servent.link_changed(link, LinkState::Open { remote, inbound: true }, cx);
                });
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        while let Some((link, state)) = self.nodes[peer].opened.pop_front() {
            self.input(peer, |servent, cx| servent.link_changed(link, state, cx));
        }
        while let Some((ticket, job)) = self.nodes[peer].jobs.pop_front() {
            let outcome = match job {
                Job::Read(object, offset, len) => {
                    self.memory.read_at(peer as u32, object, offset, len)
                }
                Job::Write(object, offset, bytes) => {
                    self.memory.write_at(peer as u32, object, offset, &bytes);
                    Ok(Bytes::new())
                }
            };
            self.input(peer, |servent, cx| servent.stored(ticket, outcome, cx));
        }
        let links: Vec<u32> = self.nodes[peer].connections.keys().copied().collect();
        for link in links {
            self.write(peer, link);
            self.read(peer, link);
        }
        let now = Time::from_micros(self.start.elapsed().as_micros() as u64);
        while let Some(at) = self.nodes[peer].timers.iter().position(|(due, _)| *due <= now) {
            let (_, timer) = self.nodes[peer].timers.remove(at);
            self.input(peer, |servent, cx| servent.wake(timer, cx));
        }
    }

    fn write(&mut self, peer: usize, link: u32) {
        let Some(connection) = self.nodes[peer].connections.get_mut(&link) else { return };
        let Some(stream) = &mut connection.stream else { return };
        while !connection.output.is_empty() {
            let (bytes, _) = connection.output.as_slices();
            match stream.write(bytes) {
                Ok(written) => {
                    connection.sent.extend_from_slice(&bytes[..written]);
                    connection.output.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The other side is gone; reading tells.
                Err(_) => break,
            }
        }
        if connection.output.is_empty() {
            if connection.closing {
                connection.stream = None;
            } else if std::mem::take(&mut connection.wants_writable) {
                let link = Link::from_raw(link);
                self.input(peer, |servent, cx| {
                    servent.link_changed(link, LinkState::Writable, cx);
                });
            }
        }
    }

    fn read(&mut self, peer: usize, link: u32) {
        // So many pieces before others get their turn.
        for _ in 0..256 {
            let read_size = self.read_size;
            let Some(connection) = self.nodes[peer].connections.get_mut(&link) else { return };
            if connection.paused || connection.closing {
                return;
            }
            let Some(stream) = &mut connection.stream else { return };
            let mut bytes = vec![0; read_size];
            match stream.read(&mut bytes) {
                Ok(0) => {
                    connection.stream = None;
                    let (link, closed) = (Link::from_raw(link), LinkState::Closed(Reason::Remote));
                    return self.input(peer, |servent, cx| servent.link_changed(link, closed, cx));
                }
                Ok(read) => {
                    connection.input.extend_from_slice(&bytes[..read]);
                    self.decode(peer, link);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                    // What was left when the link was paused.
                    return self.decode(peer, link);
                }
            }
        }
    }

    fn decode(&mut self, peer: usize, link: u32) {
        // One message, its effects, then the next.
        loop {
            let Some(connection) = self.nodes[peer].connections.get_mut(&link) else { return };
            if connection.closing || connection.paused {
                return;
            }
            match Message::decode(connection.phase, &connection.input) {
                Ok(Decoded::Complete { value, consumed }) => {
                    connection.input.drain(..consumed);
                    let link = Link::from_raw(link);
                    self.input(peer, |servent, cx| servent.receive(link, value, cx));
                }
                Ok(Decoded::Partial { needed }) => {
                    assert!(needed > 0);
                    return;
                }
                Err(error) => panic!("{error} in {:?}", connection.phase),
            }
        }
    }
}

impl Stage for Sockets {
    fn command(&mut self, peer: usize, command: Command, _: Cause) {
        self.input(peer, |servent, cx| servent.command(command, cx));
    }
    fn step(&mut self) {
        self.step_node(SEEKER);
        self.step_node(HOLDER);
        std::thread::yield_now();
        assert!(self.start.elapsed() < Duration::from_secs(120), "it takes too long");
    }
    fn inputs(&self, peer: usize) -> u64 {
        self.nodes[peer].inputs
    }
    fn events(&self, peer: usize) -> Vec<Event> {
        self.nodes[peer].events.clone()
    }
    fn sent(&self, peer: usize) -> Vec<Vec<u8>> {
        self.nodes[peer].connections.values().map(|connection| connection.sent.clone()).collect()
    }
    fn stored(&self, peer: usize, object: Object) -> Vec<u8> {
        self.memory.objects[&(peer as u32, object.0)].clone()
    }
}

impl Node {
    fn add(&mut self, stream: TcpStream) -> Link {
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        let link = self.next_link;
        self.next_link += 1;
        let connection = Connection {
            stream: Some(stream),
            phase: Phase::default(),
            input: Vec::new(),
            output: VecDeque::new(),
            sent: Vec::new(),
            closing: false,
            paused: false,
            wants_writable: false,
        };
        self.connections.insert(link, connection);
        Link::from_raw(link)
    }

    fn connection(&mut self, link: Link) -> &mut Connection {
        self.connections.get_mut(&link.as_raw()).unwrap()
    }

    fn job(&mut self, job: Job) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.jobs.push_back((ticket, job));
        ticket
    }
}

impl Driver<Servent> for Node {
    fn here(&self) -> Address {
        self.here
    }
    fn send(&mut self, link: Link, message: Message) {
        let mut bytes = Vec::with_capacity(message.encoded_len());
        message.encode(&mut bytes);
        let connection = self.connection(link);
        if !connection.closing && connection.stream.is_some() {
            connection.output.extend(bytes);
        }
    }
    fn connect(&mut self, to: Address) -> Link {
        // On loopback, to a socket that listens: it does not block.
        let link = self.add(TcpStream::connect(to).unwrap());
        self.opened.push_back((link, LinkState::Open { remote: to, inbound: false }));
        link
    }
    fn close(&mut self, link: Link) {
        self.connection(link).closing = true;
    }
    fn phase(&mut self, link: Link, phase: Phase) {
        self.connection(link).phase = phase;
    }
    fn when_writable(&mut self, link: Link) {
        self.connection(link).wants_writable = true;
    }
    fn pause(&mut self, link: Link, paused: bool) {
        self.connection(link).paused = paused;
    }
    fn queued(&self, link: Link) -> usize {
        self.connections.get(&link.as_raw()).map_or(0, |connection| connection.output.len())
    }
    fn send_to(&mut self, to: Address, _: Message) {
        panic!("servent {} sends no datagrams, but did to {to}", self.number);
    }
    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.timers.push((self.now + delay, timer));
    }
    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        self.job(Job::Read(object, offset, len))
    }
    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        self.job(Job::Write(object, offset, bytes))
    }
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}
