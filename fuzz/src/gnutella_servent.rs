//! A servent under hostile neighbours, drivers and users: links come and go, any bytes arrive on
//! them, storage fails, timers fire late. Nothing panics, nothing is sent on a link that is not
//! open, and what the servent keeps stays bounded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gnutella_wire::Guid;
use overlay_gnutella::{
    Catalogue, Command, Config, Event, Hit, Message, Phase, SearchPlan, Servent, Settings,
    SharedFile, Strategy,
};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, StoreError, Ticket,
    Time, Timer, Wire, input_seed,
};

/// Checks one input: a script. Each step is a byte that says what happens, and what it needs.
pub fn check(data: &[u8]) {
    let mut script = Script { rest: data };
    let mut world = World::new(script.byte() & 1 == 1);
    // Long enough for anything; short enough for a fuzzer.
    for _ in 0..400 {
        let Some(step) = script.next() else { return };
        match step % 10 {
            0 => world.accept(),
            1 | 2 => {
                let on = script.byte();
                let length = usize::from(script.byte());
                world.arrive(on, script.take(length));
            }
            3 => world.lose(script.byte()),
            4 => world.open(script.byte()),
            5 => world.wake(script.byte()),
            6 => world.stored(script.byte()),
            7 => {
                let choice = script.byte();
                let length = usize::from(script.byte() % 32);
                let text = String::from_utf8_lossy(script.take(length)).into_owned();
                world.command(choice, text);
            }
            8 => world.fetch_newest(),
            // Whole descriptors, so that a fuzzer need not find lengths.
            _ => {
                let (on, kind) = (script.byte(), script.byte());
                let length = usize::from(script.byte());
                world.descriptor(on, kind, script.take(length));
            }
        }
        world.check();
    }
}

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
    tickets: Vec<(Ticket, Option<u32>)>,
    hits: Vec<Hit>,
}

#[derive(Default)]
struct Stream {
    phase: Phase,
    input: Vec<u8>,
}

const SETTINGS: Settings = Settings {
    v06: None,
    ttl: 7,
    ping_ttl: 7,
    explore_below: 4,
    ttl_rules: gnutella_wire::TtlRules::DEFAULT,
    target_links: 2,
    max_links: 4,
    ping_interval: Some(Duration::from_secs(30)),
    handshake_timeout: Duration::from_secs(10),
    reconnect_delay: Duration::from_secs(1),
    speed: 1_000,
    query_bytes: 64,
    walk_steps: 16,
    hide_hops: 0,
    monitor: true,
    results: 3,
    route_lifetime: Duration::from_secs(60),
    routes: 32,
    hosts: 8,
    web_cache_interval: Duration::from_secs(60),
    host_list: true,
    searches: 4,
    greetings: 4,
    courtesy_pongs: 3,
    fetches: 3,
    candidates: 4,
    swarm_sources: 3,
    segment: 16,
    slow_after: Duration::from_secs(2),
    retry_after: Duration::from_secs(5),
    uploads: 2,
    chunk: 16,
    upload_queue: 64,
    download_writes: 2,
    transfer_timeout: Duration::from_secs(60),
    push_timeout: Duration::from_secs(30),
};

impl World {
    fn new(firewalled: bool) -> Self {
        let file = |name: &str, size, object| SharedFile { name: name.into(), size, object };
        let catalogue = Catalogue::new([
            file("a song.ogg", 100, Object(1)),
            file("b song.ogg", 0, Object(2)),
            file("a film.ogv", u64::MAX, Object(3)),
        ]);
        let servent = Guid::from_bytes([b'S'; 16]);
        let config = Config { firewalled, settings: Arc::new(SETTINGS), ..Config::new(servent) };
        let servent = Servent::new(config, Arc::new(catalogue), [0, 1, 2]);
        Self { servent, driver: Outside::default(), inputs: 0 }
    }

    fn input(&mut self, input: impl FnOnce(&mut Servent, &mut Context<'_, Servent>)) {
        let (now, seed) = (Time::from_millis(self.driver.now), input_seed(1, 0, self.inputs));
        self.inputs += 1;
        input(&mut self.servent, &mut Context::new(&mut self.driver, now, seed));
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
                    let mut again = Vec::new();
                    value.encode(&mut again);
                    assert_eq!(again, stream.input[..consumed]);
                    assert_eq!(again.len(), value.encoded_len());
                    stream.input.drain(..consumed);
                    self.input(|servent, cx| servent.receive(link, value, cx));
                    self.check();
                }
                Ok(Decoded::Partial { needed }) => {
                    assert!(needed >= 1);
                    return;
                }
                Err(_) => return self.close(link, Reason::Malformed),
            }
        }
    }

    fn descriptor(&mut self, which: u8, kind: u8, payload: &[u8]) {
        let mut bytes = vec![kind; Guid::LEN];
        bytes.push([0x00, 0x01, 0x40, 0x80, 0x81, 0x30][usize::from(kind) % 6]);
        bytes.extend([kind / 6 % 9, kind / 54]);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
        self.arrive(which, &bytes);
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

    fn wake(&mut self, byte: u8) {
        self.driver.now += u64::from(byte >> 2) * 1_000;
        self.input(|servent, cx| servent.wake(Timer(u32::from(byte & 3)), cx));
        if let (Some(link), true) = (self.pick(byte), byte & 1 == 1) {
            self.input(|servent, cx| servent.link_changed(link, LinkState::Writable, cx));
        }
    }

    fn stored(&mut self, byte: u8) {
        if self.driver.tickets.is_empty() {
            return;
        }
        let (ticket, read) = self.driver.tickets.remove(0);
        let outcome = match (byte % 4, read) {
            (0, _) => Err(StoreError::Failed),
            // A read that gives less than was asked for.
            (1, Some(length)) => Ok(Bytes::from(vec![0; length as usize / 2])),
            (_, Some(length)) => Ok(Bytes::from(vec![0; length as usize])),
            (_, None) => Ok(Bytes::new()),
        };
        self.input(|servent, cx| servent.stored(ticket, outcome, cx));
    }

    fn command(&mut self, choice: u8, text: String) {
        let number = u32::from(choice);
        let plan = SearchPlan::new(match choice / 8 % 3 {
            0 => Strategy::Flood { ttl: 7 },
            1 => Strategy::RING,
            _ => Strategy::RandomWalks { walkers: 9, steps: choice },
        });
        let command = match choice % 8 {
            4 => Command::AskWebCache {
                server: Address::from(([192, 0, 2, choice], 80)),
                name: text,
                path: "/hosts".into(),
            },
            0 | 1 => Command::Join { hosts: vec![Address::from(([192, 0, 2, choice], 6346))] },
            2 | 6 => Command::Search { search: number, text },
            5 => Command::SearchBy { search: number, text, plan },
            7 => Command::Obtain { fetch: number, text, plan, into: Object(8) },
            _ => Command::Leave,
        };
        self.input(|servent, cx| servent.command(command, cx));
    }

    fn fetch_newest(&mut self) {
        let hit = self.driver.hits.pop().unwrap_or(Hit {
            address: Address::from(([192, 0, 2, 9], 6346)),
            push: self.inputs % 2 == 1,
            servent: Guid::from_bytes([b'T'; 16]),
            index: 1,
            size: 40,
            speed: 1,
            busy: false,
            uploaded: false,
            measured: false,
            sha1: None,
            name: b"x".as_slice().into(),
            proxies: [].into(),
        });
        let (fetch, from, into) = (self.inputs as u32, self.inputs % 3, Object(9));
        let command = if self.inputs % 4 < 2 {
            let other = Hit { servent: Guid::from_bytes([b'U'; 16]), ..hit.clone() };
            Command::Swarm { fetch, hits: vec![hit, other], into, from }
        } else {
            Command::Fetch { fetch, hit, into, from }
        };
        self.input(|servent, cx| servent.command(command, cx));
    }

    fn check(&self) {
        let (entries, bytes) = self.servent.footprint();
        // GUIDs, hosts, links and shares; greetings with the links it opens itself, transfers
        // (idle uploads are bounded like greetings; a fetch has a link a source, and what is searched
        // for it) and searches, each of which may go on.
        let most = (2 * 32 + 8 + 4 + 3) + (4 + 4) + 3 * (3 + 2) + (2 + 4) + (4 + 4) + 8;
        assert!(entries <= most, "{entries} entries");
        // Neighbours, greetings, downloads (one link a source), uploads and those that wait, web
        // servers.
        let links = self.driver.open.len() + self.driver.connecting.len();
        assert!(links <= 4 + 4 + 3 * 3 + (2 + 4) + 8, "{links} links");
        assert!(bytes <= 65_536, "{bytes} bytes");
        assert!(self.servent.neighbours().count() <= 4);
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

    fn ticket(&mut self, read: Option<u32>) -> Ticket {
        self.next += 1;
        self.tickets.push((Ticket(self.next), read));
        Ticket(self.next)
    }
}

impl Driver<Servent> for Outside {
    fn here(&self) -> Address {
        Address::from(([192, 0, 2, 200], 6346))
    }
    fn send(&mut self, link: Link, message: Message) {
        assert!(self.open.contains_key(&link), "{message:?} on {link:?}, which is not open");
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes.len(), message.encoded_len());
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
        (self.now % 100) as usize
    }
    fn send_to(&mut self, to: Address, _: Message) {
        panic!("a datagram to {to}");
    }
    fn wake_after(&mut self, delay: Duration, _: Timer) {
        assert!(delay < Duration::from_secs(3_600));
    }
    fn read(&mut self, _: Object, _: u64, len: u32) -> Ticket {
        assert!((1..=16).contains(&len));
        self.ticket(Some(len))
    }
    fn write(&mut self, _: Object, _: u64, _: Bytes) -> Ticket {
        self.ticket(None)
    }
    fn emit(&mut self, event: Event) {
        if let Event::Hit { hit, .. } = event
            && self.hits.len() < 4
        {
            self.hits.push(hit);
        }
    }
}
