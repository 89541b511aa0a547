//! A Chord node under a script of inputs: commands, datagrams, links, time. It must not panic, must
//! stay within its bounds, must only send what others can read, and must do the same thing twice.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use overlay_chord::{
    Bounds, Command, Config, DATAGRAM_LEN, Decoded, Event, Id160, Limits, LookupStyle, Message,
    Node, Part, SharedBlob,
};
use overlay_peer::{
    Address, Context, Driver, Link, LinkState, Object, Peer, Reason, StoreError, Ticket, Time,
    Timer, input_seed,
};

const STORE: Bounds = Bounds { publications_per_key: 8, bytes: 4_000, value_len: 200 };

/// Checks one input: the first byte chooses the node, the rest is its script.
pub fn check(data: &[u8]) {
    let Some((&first, script)) = data.split_first() else { return };
    assert_eq!(run(first, script), run(first, script), "two runs differ");
}

/// Runs a script; the hash of all that the node did.
fn run(first: u8, script: &[u8]) -> u64 {
    let limits = Limits {
        operations: 8,
        store: STORE,
        inbound_links: 4,
        fetches: 4,
        blob_len: 100_000,
        ..Limits::default()
    };
    let config = Config {
        member: first & 1 == 0,
        successors: usize::from(first >> 1 & 7),
        replicas: usize::from(first >> 4 & 3),
        id: (first & 0x80 != 0).then(|| Id160::hash(b"chosen")),
        lookup: match first & 0x40 {
            0 => LookupStyle::Iterative { parallel: 1 + (first >> 1 & 1) },
            _ => LookupStyle::Recursive,
        },
        limits,
        ..Config::default()
    };
    let mut world =
        World { node: Node::new(config), driver: Recorder::default(), inputs: 0, script };
    while world.step().is_some() {
        world.check_bounds();
    }
    world.driver.hash.finish()
}

/// A driver that remembers what it needs to make up what comes next.
#[derive(Default)]
struct Recorder {
    now: Time,
    hash: DefaultHasher,
    next: u32,
    requests: VecDeque<(Address, Message)>,
    connecting: VecDeque<Link>,
    open: Vec<Link>,
    timers: Vec<(Time, Timer)>,
    reads: VecDeque<(Ticket, u32)>,
    writes: VecDeque<Ticket>,
}

struct World<'a> {
    node: Node,
    driver: Recorder,
    inputs: u64,
    script: &'a [u8],
}

impl World<'_> {
    /// One input from the script; `None` at its end.
    fn step(&mut self) -> Option<()> {
        match self.byte()? % 12 {
            0 => self.command(),
            1 => {
                // Any message, from one of a few hosts.
                let from = address(self.byte()? % 8);
                let message = self.message()?;
                self.input(|node, cx| node.datagram(from, message, cx));
                Some(())
            }
            2 | 3 => {
                // An answer to something it asked, from whom it asked.
                let at = usize::from(self.byte()?);
                let message = self.message()?;
                let (from, question) = self.driver.requests.get(at)?.clone();
                let answer = renumbered(message, number(&question)?);
                self.input(|node, cx| node.datagram(from, answer, cx));
                Some(())
            }
            4 => {
                let link = self.driver.link();
                self.driver.open.push(link);
                let remote = address(self.byte()? % 8);
                let open = LinkState::Open { remote, inbound: true };
                self.input(|node, cx| node.link_changed(link, open, cx));
                Some(())
            }
            5 => {
                let link = self.driver.connecting.pop_front()?;
                let state = if self.byte()? & 1 == 0 {
                    self.driver.open.push(link);
                    LinkState::Open { remote: address(1), inbound: false }
                } else {
                    LinkState::Closed(Reason::Unreachable)
                };
                self.input(|node, cx| node.link_changed(link, state, cx));
                Some(())
            }
            6 | 7 => {
                let link = self.some_link()?;
                let message = self.message()?;
                self.input(|node, cx| node.receive(link, message, cx));
                Some(())
            }
            8 => {
                let link = self.some_link()?;
                let state = match self.byte()? % 4 {
                    0 => LinkState::Closed(Reason::Remote),
                    1 => LinkState::Closed(Reason::Malformed),
                    2 => LinkState::Congested,
                    _ => LinkState::Writable,
                };
                if matches!(state, LinkState::Closed(_)) {
                    self.driver.open.retain(|open| *open != link);
                }
                self.input(|node, cx| node.link_changed(link, state, cx));
                Some(())
            }
            9 => {
                let span = Duration::from_millis(u64::from(self.byte()?) * 200);
                self.wait(span);
                Some(())
            }
            10 => {
                let (ticket, len) = self.driver.reads.pop_front()?;
                let outcome = match self.byte()? % 4 {
                    0 => Err(StoreError::NotFound),
                    1 => Ok(Bytes::from(vec![0; len as usize / 2])),
                    _ => Ok(Bytes::from(vec![0; len as usize])),
                };
                self.input(|node, cx| node.stored(ticket, outcome, cx));
                Some(())
            }
            _ => {
                let ticket = self.driver.writes.pop_front()?;
                let failed = self.byte()? & 1 == 0;
                let outcome = if failed { Err(StoreError::Full) } else { Ok(Bytes::new()) };
                self.input(|node, cx| node.stored(ticket, outcome, cx));
                Some(())
            }
        }
    }

    fn command(&mut self) -> Option<()> {
        let kind = self.byte()? % 9;
        let argument = self.byte()?;
        let (request, key) = (u32::from(argument), Id160::hash(&[argument & 7]));
        let blob = Id160::hash(&vec![0; usize::from(argument) * 500]);
        let len = u32::from(argument) * 500;
        let command = match kind {
            0 => Command::Create,
            1 => Command::Join { via: (0..argument & 3).map(address).collect() },
            2 => Command::Leave,
            3 => Command::Lookup { request, key },
            4 => Command::Put { request, key, value: Bytes::from(vec![argument; 100]) },
            5 => Command::Get { request, key },
            6 => Command::Share {
                blobs: vec![SharedBlob { blob, object: Object(1), offset: 0, len }],
            },
            7 => Command::Unshare { blobs: vec![blob] },
            _ => {
                let into = (argument & 1 == 0).then_some(Object(2));
                let part = Part { blob, into, offset: 0, len: (argument & 2 == 0).then_some(len) };
                Command::Fetch {
                    fetch: request & 7,
                    from: address(argument & 7),
                    parts: vec![part; usize::from(argument & 7)],
                }
            }
        };
        self.input(|node, cx| node.command(command, cx));
        Some(())
    }

    fn input(&mut self, input: impl FnOnce(&mut Node, &mut Context<'_, Node>)) {
        self.inputs += 1;
        let (now, seed) = (self.driver.now, input_seed(1, 0, self.inputs));
        input(&mut self.node, &mut Context::new(&mut self.driver, now, seed));
    }

    /// Lets time pass, waking the node when it asked for it.
    fn wait(&mut self, span: Duration) {
        let end = self.driver.now + span;
        // Upkeep comes every few seconds at most, so this ends long before the bound.
        for _ in 0..10_000 {
            let due = self.driver.timers.iter().enumerate().min_by_key(|(_, (when, _))| *when);
            let Some((at, &(when, timer))) = due.filter(|(_, (when, _))| *when <= end) else {
                self.driver.now = end;
                return;
            };
            self.driver.timers.swap_remove(at);
            self.driver.now = self.driver.now.max(when);
            self.input(|node, cx| node.wake(timer, cx));
        }
        panic!("the node never rests");
    }

    fn check_bounds(&self) {
        let node = &self.node;
        assert!(node.store().bytes() <= STORE.bytes);
        assert!(node.fingers().as_slice().len() <= 160);
        if let Some(member) = node.member() {
            assert!(member.successors().as_slice().len() <= node.config().successors);
            assert!(overlay_chord::is_ordered(member.me().id, member.successors().as_slice()));
        }
        let (_, bytes) = node.footprint();
        assert!(bytes <= 200_000, "{bytes} bytes");
        assert!(self.driver.timers.len() <= 2_000, "{} timers", self.driver.timers.len());
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.script.split_first()?;
        self.script = rest;
        Some(byte)
    }

    /// The message that the script goes on with. If there is none, the byte is skipped.
    fn message(&mut self) -> Option<Message> {
        match Message::decode_prefix(self.script) {
            Ok(Decoded::Complete { value, consumed }) => {
                self.script = &self.script[consumed..];
                Some(value)
            }
            _ => {
                self.byte()?;
                Some(Message::Nudge)
            }
        }
    }

    fn some_link(&mut self) -> Option<Link> {
        let at = usize::from(self.byte()?);
        let open = &self.driver.open;
        open.get(at % open.len().max(1)).copied()
    }
}

impl Recorder {
    fn link(&mut self) -> Link {
        self.next += 1;
        Link::from_raw(self.next)
    }

    fn note(&mut self, what: &str, detail: impl std::fmt::Debug) {
        (what, format!("{detail:?}")).hash(&mut self.hash);
    }
}

impl Driver<Node> for Recorder {
    fn here(&self) -> Address {
        address(0)
    }

    fn send(&mut self, link: Link, message: Message) {
        assert!(self.open.contains(&link), "sent on a link that is not open");
        readable(&message);
        self.note("send", (link, message));
    }

    fn connect(&mut self, to: Address) -> Link {
        let link = self.link();
        self.connecting.push_back(link);
        self.note("connect", (link, to));
        link
    }

    fn close(&mut self, link: Link) {
        self.open.retain(|open| *open != link);
        self.connecting.retain(|connecting| *connecting != link);
        self.note("close", link);
    }

    fn phase(&mut self, _: Link, (): ()) {}

    fn when_writable(&mut self, link: Link) {
        self.note("when_writable", link);
    }

    fn pause(&mut self, link: Link, paused: bool) {
        self.note("pause", (link, paused));
    }

    fn queued(&self, _: Link) -> usize {
        0
    }

    fn send_to(&mut self, to: Address, message: Message) {
        readable(&message);
        assert!(message.encoded_len() <= DATAGRAM_LEN, "{} bytes", message.encoded_len());
        self.note("send_to", (to, &message));
        if number(&message).is_some() {
            self.requests.push_front((to, message));
            self.requests.truncate(64);
        }
    }

    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.note("wake_after", (delay, timer));
        let tick = Duration::from_millis(1);
        self.timers.push((self.now + delay.max(tick), timer));
    }

    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        self.next += 1;
        self.note("read", (object, offset, len));
        self.reads.push_back((Ticket(self.next), len));
        Ticket(self.next)
    }

    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        self.next += 1;
        self.note("write", (object, offset, bytes.len()));
        self.writes.push_back(Ticket(self.next));
        Ticket(self.next)
    }

    fn emit(&mut self, event: Event) {
        self.note("emit", event);
    }
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, number + 1), 4000))
}

/// What is sent can be read, and is the same then.
fn readable(message: &Message) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(Message::decode(&bytes).as_ref(), Ok(message));
}

/// The number of a question.
fn number(message: &Message) -> Option<u32> {
    match message {
        Message::Ping { request }
        | Message::Pointers { request, .. }
        | Message::Find { request, .. }
        | Message::Put { request, .. }
        | Message::Get { request, .. }
        | Message::Offer { request, .. }
        | Message::Forward { request, .. } => Some(*request),
        _ => None,
    }
}

/// The same answer to another question.
fn renumbered(mut answer: Message, number: u32) -> Message {
    match &mut answer {
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
        | Message::Differ { request } => *request = number,
        _ => {}
    }
    answer
}
