//! A servent of 0.6 under hostile neighbours: handshakes of all kinds, tables, vendor messages and
//! datagrams that are nearly right, links that come and go, timers at any time. Nothing panics, nothing
//! is sent on a link that is not open, queries do not travel beyond their TTL, datagrams go only where
//! there is a reason to, and what the servent keeps stays bounded.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gnutella_wire::{Guid, OwnedPayload};
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Message, Mode, Phase, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, Ticket, Time, Timer,
    Wire, input_seed,
};

/// Checks one input: a script. Each step is a byte that says what happens, and what it needs.
pub fn check(data: &[u8]) {
    let mut script = Script { rest: data };
    let mut world = World::new(script.byte());
    // Long enough for anything; short enough for a fuzzer.
    for _ in 0..400 {
        let Some(step) = script.next() else { return };
        match step % 10 {
            0 => world.accept(),
            1 => {
                let (on, length) = (script.byte(), script.byte());
                world.arrive(on, script.take(length.into()));
            }
            2 => world.lose(script.byte()),
            3 => world.open(script.byte()),
            4 => world.wake(script.byte()),
            5 => world.command(script.byte()),
            6 => {
                let (on, which) = (script.byte(), script.byte());
                world.arrive(on, HEADS[usize::from(which) % HEADS.len()].as_bytes());
            }
            7 => {
                let (from, kind, length) = (script.byte(), script.byte(), script.byte());
                let bytes = world.descriptor(kind, script.take(length.into()));
                world.datagram(from, &bytes);
            }
            // Whole descriptors, so that a fuzzer need not find lengths.
            _ => {
                let (on, kind, length) = (script.byte(), script.byte(), script.byte());
                let bytes = world.descriptor(kind, script.take(length.into()));
                world.arrive(on, &bytes);
            }
        }
        world.check();
    }
}

/// Heads that get a link up, or nearly.
const HEADS: [&str; 8] = [
    "GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: True\r\nX-Query-Routing: 0.2\r\n\
     X-Ultrapeer-Query-Routing: 0.1\r\nX-Dynamic-Querying: 0.1\r\nX-Degree: 32\r\nX-Max-TTL: 4\r\n\
     Vendor-Message: 0.1\r\nBye-Packet: 0.1\r\nListen-IP: 192.0.2.1:6346\r\n\r\n",
    "GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: False\r\nX-Query-Routing: 0.2\r\nVendor-Message: 0.1\r\n\
     Bye-Packet: 0.1\r\n\r\n",
    "GNUTELLA CONNECT/0.6\r\nX-Degree: 65535\r\nX-Max-TTL: 255\r\n\r\n",
    "GNUTELLA CONNECT/0.4\n\n",
    "GNUTELLA/0.6 200 OK\r\nX-Ultrapeer: True\r\nX-Query-Routing: 0.1\r\nVendor-Message: 0.1\r\n\
     X-Ultrapeer-Query-Routing: 0.1\r\nX-Ultrapeer-Needed: True\r\n\
     X-Try-Ultrapeers: 192.0.2.7:1,192.0.2.8:2\r\n\r\n",
    "GNUTELLA/0.6 200 OK\r\nX-Ultrapeer: True\r\nX-Ultrapeer-Needed: False\r\nBye-Packet: 0.1\r\n\r\n",
    "GNUTELLA/0.6 503 Full\r\nX-Try-Ultrapeers: 192.0.2.9:3\r\n\r\n",
    "GNUTELLA OK\n\n",
];

struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

struct World {
    servent: Servent,
    driver: Outside,
    inputs: u64,
}

/// What the servent asked for.
#[derive(Default)]
struct Outside {
    now: u64,
    next: u32,
    /// Links that were asked for and are not open yet.
    connecting: Vec<Link>,
    open: BTreeMap<Link, Stream>,
    /// Of queries of its own: what a neighbour can answer with.
    guids: Vec<Guid>,
    datagrams: usize,
}

#[derive(Default)]
struct Stream {
    phase: Phase,
    input: Vec<u8>,
}

const LINKS: usize = 3;
const LEAVES: usize = 3;
const MAX_TTL: u8 = 3;
/// Where answers go that are asked for out of band.
const ASKER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 3), 6346);

fn settings() -> Settings {
    let v06 = Settings06 {
        leaf_links: LINKS,
        ultrapeer_target: 2,
        ultrapeer_links: LINKS,
        leaf_slots: LEAVES,
        max_ttl: MAX_TTL,
        table_bits: 6,
        max_table_bits: 10,
        dynamic_queries: 4,
        pongs: 6,
        wanted: 5,
        wanted_for_leaf: 3,
        ..Settings06::default()
    };
    Settings {
        v06: Some(v06),
        explore_below: 4,
        query_bytes: 64,
        results: 3,
        route_lifetime: Duration::from_secs(60),
        routes: 32,
        hosts: 8,
        searches: 4,
        greetings: 4,
        fetches: 3,
        uploads: 2,
        chunk: 16,
        ..Settings::default()
    }
}

impl World {
    fn new(choice: u8) -> Self {
        let file = |name: &str, object| SharedFile { name: name.into(), size: 100, object };
        let catalogue =
            Catalogue::new([file("a song.ogg", Object(1)), file("b song.ogg", Object(2))]);
        let mode = [Mode::Ultrapeer, Mode::Leaf, Mode::Elected][usize::from(choice) % 3];
        let config = Config {
            firewalled: choice & 0x80 != 0,
            capabilities: Capabilities { mode, ..Capabilities::GOOD },
            settings: Arc::new(settings()),
            ..Config::new(Guid::from_bytes([b'S'; 16]))
        };
        let servent = Servent::new(config, Arc::new(catalogue), [0, 1]);
        let mut world = Self { servent, driver: Outside::default(), inputs: 0 };
        world.command(0);
        world
    }

    fn input(&mut self, input: impl FnOnce(&mut Servent, &mut Context<'_, Servent>)) {
        let (now, seed) = (Time::from_millis(self.driver.now), input_seed(1, 0, self.inputs));
        self.inputs += 1;
        self.driver.datagrams = 0;
        input(&mut self.servent, &mut Context::new(&mut self.driver, now, seed));
        // No input makes it send to many strangers.
        assert!(self.driver.datagrams <= 4, "{} datagrams", self.driver.datagrams);
    }

    fn accept(&mut self) {
        let link = self.driver.link();
        self.driver.open.insert(link, Stream::default());
        let remote = Address::from(([192, 0, 2, 1], 40_000));
        self.input(|servent, cx| {
            servent.link_changed(link, LinkState::Open { remote, inbound: true }, cx);
        });
    }

    fn open(&mut self, which: u8) {
        if self.driver.connecting.is_empty() {
            return;
        }
        let link = self.driver.connecting.remove(usize::from(which) % self.driver.connecting.len());
        self.driver.open.insert(link, Stream::default());
        let remote = Address::from(([192, 0, 2, 2], 6346));
        self.input(|servent, cx| {
            servent.link_changed(link, LinkState::Open { remote, inbound: false }, cx);
        });
    }

    fn pick(&self, which: u8) -> Option<Link> {
        let links = self.driver.open.len().max(1);
        self.driver.open.keys().nth(usize::from(which) % links).copied()
    }

    /// Bytes arrive: one message, its effects, then the next.
    fn arrive(&mut self, which: u8, bytes: &[u8]) {
        let Some(link) = self.pick(which) else { return };
        if let Some(stream) = self.driver.open.get_mut(&link) {
            stream.input.extend_from_slice(bytes);
        }
        while let Some(stream) = self.driver.open.get_mut(&link) {
            match Message::decode(stream.phase, &stream.input) {
                Ok(Decoded::Complete { value, consumed }) => {
                    stream.input.drain(..consumed);
                    self.input(|servent, cx| servent.receive(link, value, cx));
                    self.check();
                }
                Ok(Decoded::Partial { .. }) => return,
                Err(_) => return self.close(link, Reason::Malformed),
            }
        }
    }

    fn datagram(&mut self, from: u8, bytes: &[u8]) {
        let from = Address::from(([192, 0, 2, from % 4], 6346));
        if let Ok(Decoded::Complete { value, consumed }) = Message::decode(Phase::default(), bytes)
            && consumed == bytes.len()
        {
            self.input(|servent, cx| servent.datagram(from, value, cx));
        }
    }

    /// A descriptor of any type; its GUID is one of few, one of an own query, or one that asks for
    /// answers out of band.
    fn descriptor(&self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let own = self.driver.guids.get(usize::from(kind % 4));
        let guid = match kind >> 6 {
            0 => Guid::from_bytes([kind; 16]),
            1 => Guid::from_bytes([kind; 16]).with_reply_address(ASKER),
            _ => own.copied().unwrap_or(Guid::from_bytes([b'S'; 16])),
        };
        let mut bytes = guid.as_bytes().to_vec();
        let types = [0x00, 0x01, 0x02, 0x30, 0x31, 0x40, 0x80, 0x81, 0x30, 0x31];
        bytes.push(types[usize::from(kind) % types.len()]);
        bytes.extend([1 + kind / 10 % 4, kind / 40 % 2]);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    fn lose(&mut self, which: u8) {
        let reason = [Reason::Remote, Reason::TimedOut, Reason::Slow][usize::from(which) % 3];
        if which & 0x80 != 0 && !self.driver.connecting.is_empty() {
            let link = self.driver.connecting.remove(0);
            let closed = LinkState::Closed(Reason::Unreachable);
            self.input(|servent, cx| servent.link_changed(link, closed, cx));
        } else if let Some(link) = self.pick(which) {
            self.close(link, reason);
        }
    }

    fn close(&mut self, link: Link, reason: Reason) {
        self.driver.open.remove(&link);
        self.input(|servent, cx| servent.link_changed(link, LinkState::Closed(reason), cx));
    }

    /// All timers there are, and some that are not.
    fn wake(&mut self, byte: u8) {
        self.driver.now += u64::from(byte >> 4) * u64::from(byte >> 4) * 1_000;
        self.input(|servent, cx| servent.wake(Timer(u32::from(byte & 15)), cx));
    }

    fn command(&mut self, choice: u8) {
        let command = match choice % 8 {
            0..3 => {
                Command::Join { hosts: vec![Address::from(([192, 0, 2, 9 + choice % 8], 6346))] }
            }
            3..7 => Command::Search { search: u32::from(choice), text: "a song".into() },
            _ => Command::Leave,
        };
        self.input(|servent, cx| servent.command(command, cx));
    }

    fn check(&self) {
        let (entries, bytes) = self.servent.footprint();
        // GUIDs, hosts, neighbours, shares; greetings and handshakes, with those it opens itself; uploads
        // and searches; Pongs, queries under way, hits over UDP.
        let neighbours = LINKS + LEAVES;
        let most = (2 * 32 + 8 + neighbours + 2) + 2 * (4 + LINKS + 1) + 6 + 3 * 4 + 6 + 4 + 128;
        assert!(entries <= most, "{entries} entries");
        // Most of it: a table under way for each neighbour.
        assert!(bytes <= 262_144, "{bytes} bytes");
        assert!(self.servent.neighbours().count() <= neighbours);
        assert!(self.servent.leaves() <= LEAVES);
        let links = self.driver.open.len() + self.driver.connecting.len();
        assert!(links <= neighbours + 2 * (4 + LINKS + 1) + 6, "{links} links");
        for link in self.servent.neighbours() {
            assert!(self.driver.open.contains_key(&link), "{link:?} is a neighbour and closed");
        }
    }
}

impl Outside {
    fn link(&mut self) -> Link {
        self.next += 1;
        Link::from_raw(self.next)
    }

    fn look(&mut self, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes.len(), message.encoded_len());
        let Message::Descriptor { ttl, hops, descriptor } = message else { return };
        if let OwnedPayload::Query(_) = descriptor.payload() {
            // One hop more to the leaves of the last ultrapeer.
            assert!(*ttl >= 1 && ttl + hops <= 8, "a query with TTL {ttl} and hops {hops}");
            if *hops == 0 && self.guids.len() < 4 {
                self.guids.push(descriptor.guid());
            }
        }
    }
}

impl Driver<Servent> for Outside {
    fn here(&self) -> Address {
        Address::from(([192, 0, 2, 200], 6346))
    }
    fn send(&mut self, link: Link, message: Message) {
        assert!(self.open.contains_key(&link), "{message:?} on {link:?}, which is not open");
        self.look(&message);
    }
    fn connect(&mut self, _: Address) -> Link {
        let link = self.link();
        self.connecting.push(link);
        link
    }
    fn close(&mut self, link: Link) {
        self.connecting.retain(|other| *other != link);
        self.open.remove(&link);
    }
    fn phase(&mut self, link: Link, phase: Phase) {
        if let Some(stream) = self.open.get_mut(&link) {
            stream.phase = phase;
        }
    }
    fn when_writable(&mut self, _: Link) {}
    fn pause(&mut self, _: Link, _: bool) {}
    fn queued(&self, _: Link) -> usize {
        0
    }
    fn send_to(&mut self, to: Address, message: Message) {
        assert!(!to.ip().is_unspecified() && to.port() != 0, "a datagram to {to}");
        self.datagrams += 1;
        self.look(&message);
    }
    fn wake_after(&mut self, delay: Duration, _: Timer) {
        assert!(delay < Duration::from_secs(36_000));
    }
    fn read(&mut self, _: Object, _: u64, _: u32) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }
    fn write(&mut self, _: Object, _: u64, _: Bytes) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }
    fn emit(&mut self, _: overlay_gnutella::Event) {}
}
