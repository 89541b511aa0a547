//! One peer on a bench: whoever holds the rig plays all others, byte by byte.

#![allow(dead_code, reason = "each program that uses it uses a part")]

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use overlay_napster::{Command, Event, Message, NapsterPeer, Phase};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, StoreError, Ticket,
    Time, Timer, Wire, input_seed,
};

/// One peer, and everything it asked for.
#[derive(Clone)]
pub struct Rig {
    pub peer: NapsterPeer,
    pub io: Io,
    inputs: u64,
}

/// What the peer asked for.
#[derive(Clone)]
pub struct Io {
    pub here: Address,
    pub now: Time,
    pub links: BTreeMap<Link, Wiring>,
    /// Connects that are neither open nor failed yet.
    pub connecting: VecDeque<(Link, Address)>,
    /// Reads and writes not answered yet: the length of a read, `None` for a write.
    pub tickets: VecDeque<(Ticket, Option<u32>)>,
    pub timers: Vec<(Time, Timer)>,
    pub events: Vec<Event>,
    next: u32,
}

/// The rig's end of a link.
#[derive(Clone, Default)]
pub struct Wiring {
    phase: Phase,
    paused: bool,
    open: bool,
    wants_writable: bool,
    /// Bytes for the peer that are no whole message yet.
    input: Vec<u8>,
    /// What the peer sent.
    pub sent: Vec<Message>,
}

impl Rig {
    pub fn new(peer: impl Into<NapsterPeer>) -> Self {
        let io = Io {
            here: Address::from(([192, 0, 2, 1], 6699)),
            now: Time::ZERO,
            links: BTreeMap::new(),
            connecting: VecDeque::new(),
            tickets: VecDeque::new(),
            timers: Vec::new(),
            events: Vec::new(),
            next: 0,
        };
        Self { peer: peer.into(), io, inputs: 0 }
    }

    /// Someone opens a link to the peer.
    pub fn open(&mut self, remote: Address) -> Link {
        let link = self.io.new_link();
        self.opened(link, remote, true);
        link
    }

    /// The peer's oldest connect succeeds or fails.
    pub fn connected(&mut self, outcome: Result<(), Reason>) -> Option<Link> {
        let (link, to) = self.io.connecting.pop_front()?;
        match outcome {
            Ok(()) => self.opened(link, to, false),
            Err(reason) => {
                self.io.links.remove(&link);
                self.input(|peer, cx| peer.link_changed(link, LinkState::Closed(reason), cx));
            }
        }
        Some(link)
    }

    /// Bytes from the other end. As with any driver: one message is decoded and handled, then the
    /// next, in the phase the peer is in by then.
    pub fn bytes(&mut self, link: Link, bytes: &[u8]) {
        if let Some(wiring) = self.io.links.get_mut(&link).filter(|wiring| wiring.open) {
            wiring.input.extend_from_slice(bytes);
        }
        self.pump(link);
    }

    /// A message from the other end, whatever the phase.
    pub fn message(&mut self, link: Link, message: Message) {
        if self.is_open(link) {
            self.input(|peer, cx| peer.receive(link, message, cx));
        }
    }

    /// The other end closes.
    pub fn close(&mut self, link: Link, reason: Reason) {
        if self.io.links.get(&link).is_some_and(|wiring| wiring.open) {
            self.io.links.remove(&link);
            self.input(|peer, cx| peer.link_changed(link, LinkState::Closed(reason), cx));
        }
    }

    /// All links that asked for it are writable.
    pub fn writable(&mut self) {
        let links: Vec<Link> = self.io.links.keys().copied().collect();
        for link in links {
            if self
                .io
                .links
                .get_mut(&link)
                .is_some_and(|wiring| wiring.open && core::mem::take(&mut wiring.wants_writable))
            {
                self.input(|peer, cx| peer.link_changed(link, LinkState::Writable, cx));
            }
        }
    }

    /// The oldest read or write ends.
    pub fn stored(&mut self, outcome: Result<(), StoreError>) {
        if let Some((ticket, read)) = self.io.tickets.pop_front() {
            let outcome = outcome.map(|()| Bytes::from(vec![7; read.unwrap_or(0) as usize]));
            self.input(|peer, cx| peer.stored(ticket, outcome, cx));
            let links: Vec<Link> = self.io.links.keys().copied().collect();
            for link in links {
                self.pump(link);
            }
        }
    }

    pub fn command(&mut self, command: Command) {
        self.input(|peer, cx| peer.command(command, cx));
    }

    /// Time passes, and timers ring.
    pub fn pass(&mut self, time: Duration) {
        let end = self.io.now + time;
        while let Some(place) = (0..self.io.timers.len())
            .filter(|place| self.io.timers[*place].0 <= end)
            .min_by_key(|place| self.io.timers[*place])
        {
            let (at, timer) = self.io.timers.remove(place);
            self.io.now = self.io.now.max(at);
            self.input(|peer, cx| peer.wake(timer, cx));
        }
        self.io.now = end;
    }

    /// Whether the peer holds the link open.
    pub fn is_open(&self, link: Link) -> bool {
        self.io.links.get(&link).is_some_and(|wiring| wiring.open)
    }

    /// What the peer has sent on a link since the last call.
    pub fn sent(&mut self, link: Link) -> Vec<Message> {
        self.io
            .links
            .get_mut(&link)
            .map(|wiring| core::mem::take(&mut wiring.sent))
            .unwrap_or_default()
    }

    fn opened(&mut self, link: Link, remote: Address, inbound: bool) {
        // A connect whose link the peer closed in the meantime opens to nobody.
        let Some(wiring) = self.io.links.get_mut(&link) else {
            return;
        };
        wiring.open = true;
        self.input(|peer, cx| peer.link_changed(link, LinkState::Open { remote, inbound }, cx));
    }

    fn pump(&mut self, link: Link) {
        while let Some(wiring) = self.io.links.get_mut(&link) {
            if wiring.paused || wiring.input.is_empty() {
                return;
            }
            match Message::decode(wiring.phase, &wiring.input) {
                Ok(Decoded::Complete { value, consumed }) => {
                    assert!((1..=wiring.input.len()).contains(&consumed));
                    let mut bytes = Vec::new();
                    value.encode(&mut bytes);
                    assert_eq!(bytes, &wiring.input[..consumed]);
                    wiring.input.drain(..consumed);
                    self.input(|peer, cx| peer.receive(link, value, cx));
                }
                Ok(Decoded::Partial { needed }) => {
                    assert!(needed >= 1);
                    return;
                }
                Err(_) => {
                    self.close(link, Reason::Malformed);
                    return;
                }
            }
        }
    }

    fn input(&mut self, act: impl FnOnce(&mut NapsterPeer, &mut Context<'_, NapsterPeer>)) {
        let seed = input_seed(1, 0, self.inputs);
        self.inputs += 1;
        let now = self.io.now;
        act(&mut self.peer, &mut Context::new(&mut self.io, now, seed));
    }
}

impl Io {
    fn new_link(&mut self) -> Link {
        let link = Link::from_raw(self.next);
        self.next += 1;
        self.links.insert(link, Wiring::default());
        link
    }
}

impl Driver<NapsterPeer> for Io {
    fn here(&self) -> Address {
        self.here
    }

    fn send(&mut self, link: Link, message: Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes.len(), message.encoded_len());
        if let Some(wiring) = self.links.get_mut(&link).filter(|wiring| wiring.open) {
            wiring.sent.push(message);
        }
    }

    fn connect(&mut self, to: Address) -> Link {
        let link = self.new_link();
        self.connecting.push_back((link, to));
        link
    }

    fn close(&mut self, link: Link) {
        self.links.remove(&link);
        self.connecting.retain(|(connecting, _)| *connecting != link);
    }

    fn phase(&mut self, link: Link, phase: Phase) {
        if let Some(wiring) = self.links.get_mut(&link) {
            wiring.phase = phase;
        }
    }

    fn when_writable(&mut self, link: Link) {
        if let Some(wiring) = self.links.get_mut(&link) {
            wiring.wants_writable = true;
        }
    }

    fn pause(&mut self, link: Link, paused: bool) {
        if let Some(wiring) = self.links.get_mut(&link) {
            wiring.paused = paused;
        }
    }

    fn queued(&self, _: Link) -> usize {
        0
    }

    fn send_to(&mut self, _: Address, _: Message) {
        panic!("Napster has no datagrams");
    }

    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        // At least one tick, of a millisecond here.
        self.timers.push((self.now + delay.max(Duration::from_millis(1)), timer));
    }

    fn read(&mut self, _: Object, _: u64, len: u32) -> Ticket {
        self.ticket(Some(len))
    }

    fn write(&mut self, _: Object, _: u64, _: Bytes) -> Ticket {
        self.ticket(None)
    }

    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl Io {
    fn ticket(&mut self, read: Option<u32>) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.tickets.push_back((ticket, read));
        ticket
    }
}
