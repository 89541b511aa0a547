//! What surrounds a Gnutella servent in the targets that drive one by a script: links that are asked
//! for, open or lost, the bytes that arrive on them, reads and writes, and the bounds of what the
//! servent may keep and send.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use gnutella_wire::{Guid, OwnedPayload};
use overlay_gnutella::{Event, Hit, Message, Phase, Servent};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, Ticket, Time, Timer,
    Wire, input_seed,
};

/// The bytes of an input that are not read yet.
pub(crate) struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    pub(crate) fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// The next byte, 0 after the end.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// So many bytes, or those that are left.
    pub(crate) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// What a servent of the target's settings may have at the most.
pub(crate) struct Bounds {
    /// Things it remembers.
    pub(crate) entries: usize,
    /// Bytes that these take.
    pub(crate) bytes: usize,
    /// Links, of all kinds.
    pub(crate) links: usize,
    pub(crate) neighbours: usize,
    pub(crate) leaves: usize,
    /// Datagrams that one input makes it send.
    pub(crate) datagrams: usize,
    /// TTL and hops of a query that it sends, together.
    pub(crate) hops: u8,
    /// How far ahead it sets a timer.
    pub(crate) delay: Duration,
}

/// A servent and what is around it.
pub(crate) struct World {
    pub(crate) servent: Servent,
    pub(crate) driver: Outside,
    /// How many inputs it has had.
    pub(crate) inputs: u64,
}

/// What the servent asked for.
pub(crate) struct Outside {
    bounds: Bounds,
    /// In milliseconds.
    pub(crate) now: u64,
    next: u32,
    /// Links that were asked for and are not open yet.
    connecting: Vec<Link>,
    open: BTreeMap<Link, Stream>,
    /// What storage has to do: a read of so many bytes, or a write.
    pub(crate) tickets: Vec<(Ticket, Option<u32>)>,
    /// The first few that were found and not taken.
    pub(crate) hits: Vec<Hit>,
    /// Of the first few queries of its own: what a neighbour can answer with.
    pub(crate) guids: Vec<Guid>,
    /// Of this input.
    datagrams: usize,
}

#[derive(Default)]
struct Stream {
    phase: Phase,
    input: Vec<u8>,
}

impl World {
    pub(crate) fn new(servent: Servent, bounds: Bounds) -> Self {
        let driver = Outside {
            bounds,
            now: 0,
            next: 0,
            connecting: Vec::new(),
            open: BTreeMap::new(),
            tickets: Vec::new(),
            hits: Vec::new(),
            guids: Vec::new(),
            datagrams: 0,
        };
        Self { servent, driver, inputs: 0 }
    }

    pub(crate) fn input(&mut self, input: impl FnOnce(&mut Servent, &mut Context<'_, Servent>)) {
        let (now, seed) = (Time::from_millis(self.driver.now), input_seed(1, 0, self.inputs));
        self.inputs += 1;
        self.driver.datagrams = 0;
        input(&mut self.servent, &mut Context::new(&mut self.driver, now, seed));
    }

    /// A stranger opens a link.
    pub(crate) fn accept(&mut self) {
        let link = self.driver.link();
        self.opened(link, Address::from(([192, 0, 2, 1], 40_000)), true);
    }

    /// A link that was asked for is open.
    pub(crate) fn open(&mut self, which: u8) {
        let connecting = &mut self.driver.connecting;
        if !connecting.is_empty() {
            let link = connecting.remove(usize::from(which) % connecting.len());
            self.opened(link, Address::from(([192, 0, 2, 2], 6346)), false);
        }
    }

    fn opened(&mut self, link: Link, remote: Address, inbound: bool) {
        self.driver.open.insert(link, Stream::default());
        self.input(|servent, cx| {
            servent.link_changed(link, LinkState::Open { remote, inbound }, cx);
        });
    }

    /// One of the open links.
    pub(crate) fn pick(&self, which: u8) -> Option<Link> {
        let links = self.driver.open.len().max(1);
        self.driver.open.keys().nth(usize::from(which) % links).copied()
    }

    /// Bytes arrive: one message, its effects, then the next.
    pub(crate) fn arrive(&mut self, which: u8, bytes: &[u8]) {
        let Some(link) = self.pick(which) else { return };
        if let Some(stream) = self.driver.open.get_mut(&link) {
            stream.input.extend_from_slice(bytes);
        }
        while let Some(stream) = self.driver.open.get_mut(&link) {
            match Message::decode(stream.phase, &stream.input) {
                Ok(Decoded::Complete { value, consumed }) => {
                    assert_eq!(encoded(&value), stream.input[..consumed]);
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

    /// A link is lost; above 0x7f, one that was not open yet, if there is one.
    pub(crate) fn lose(&mut self, which: u8) {
        let reason = [Reason::Remote, Reason::TimedOut, Reason::Slow][usize::from(which) % 3];
        if which & 0x80 != 0 && !self.driver.connecting.is_empty() {
            let link = self.driver.connecting.remove(0);
            self.close(link, Reason::Unreachable);
        } else if let Some(link) = self.pick(which) {
            self.close(link, reason);
        }
    }

    fn close(&mut self, link: Link, reason: Reason) {
        self.driver.open.remove(&link);
        self.input(|servent, cx| servent.link_changed(link, LinkState::Closed(reason), cx));
    }

    /// What the servent keeps is bounded.
    pub(crate) fn check(&self) {
        let bounds = &self.driver.bounds;
        let (entries, bytes) = self.servent.footprint();
        assert!(entries <= bounds.entries, "{entries} entries");
        assert!(bytes <= bounds.bytes, "{bytes} bytes");
        let links = self.driver.open.len() + self.driver.connecting.len();
        assert!(links <= bounds.links, "{links} links");
        assert!(self.servent.neighbours().count() <= bounds.neighbours);
        assert!(self.servent.leaves() <= bounds.leaves);
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

    fn sent(&mut self, message: &Message) {
        encoded(message);
        let Message::Descriptor { ttl, hops, descriptor } = message else { return };
        if let OwnedPayload::Query(_) = descriptor.payload() {
            let most = self.bounds.hops;
            assert!(*ttl >= 1 && ttl + hops <= most, "a query with TTL {ttl} and hops {hops}");
            if *hops == 0 && self.guids.len() < 4 {
                self.guids.push(descriptor.guid());
            }
        }
    }
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(bytes.len(), message.encoded_len());
    bytes
}

impl Driver<Servent> for Outside {
    fn here(&self) -> Address {
        Address::from(([192, 0, 2, 200], 6346))
    }
    fn send(&mut self, link: Link, message: Message) {
        assert!(self.open.contains_key(&link), "{message:?} on {link:?}, which is not open");
        self.sent(&message);
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
        (self.now / 1_000 % 100) as usize
    }
    fn send_to(&mut self, to: Address, message: Message) {
        assert!(!to.ip().is_unspecified() && to.port() != 0, "a datagram to {to}");
        self.datagrams += 1;
        assert!(self.datagrams <= self.bounds.datagrams, "{} datagrams", self.datagrams);
        self.sent(&message);
    }
    fn wake_after(&mut self, delay: Duration, _: Timer) {
        assert!(delay < self.bounds.delay, "a timer in {delay:?}");
    }
    fn read(&mut self, _: Object, _: u64, len: u32) -> Ticket {
        assert!((1..=16).contains(&len), "{len} bytes in a read");
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
