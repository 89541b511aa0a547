//! Two hosts behind NATs, a STUN server, and packets that take time or get lost.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use natsim::classify::{Classifier, Discovery, Fresh, Report, Settings, SocketId, Transmit};
use natsim::stun::{Addresses, Server, Socket};
use natsim::{Behaviour, Device, Protocol, Timeouts};
use overlay_peer::{Pcg32, Time};
use rand_core::Rng;

use crate::servers::Kind;

pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub fn addresses() -> Addresses {
    Addresses { primary: address("203.0.113.1:3478"), alternate: address("203.0.113.2:3479") }
}

/// Which packets get lost.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    None,
    /// So many per cent, each way.
    Random(u32),
    /// Every n-th, both ways counted together, as a counter in a firewall does.
    Every(u32),
}

#[derive(Debug)]
pub struct World {
    /// From the inside to the outside; the first one's public address is inside the second.
    nats: Vec<Device>,
    pub kind: Kind,
    loss: Loss,
    rng: Pcg32,
    passed: u32,
    latency: Duration,
    /// By time and number.
    flying: BTreeMap<(Time, u64), Flying>,
    number: u64,
    pub now: Time,
    /// The inside sockets.
    locals: BTreeMap<SocketAddr, SocketId>,
}

#[derive(Debug)]
struct Flying {
    from: SocketAddr,
    to: SocketAddr,
    datagram: Vec<u8>,
}

impl World {
    pub fn new(behaviours: &[Behaviour], kind: Kind, loss: Loss, seed: u64) -> Self {
        let publics = ["100.64.0.1", "198.51.100.1"];
        let start = 2 - behaviours.len();
        let nats = behaviours.iter().zip(&publics[start..]).map(|(behaviour, public)| {
            let public = public.parse().expect("an address");
            Device::new(public, *behaviour, Timeouts::DEFAULT)
        });
        Self {
            nats: nats.collect(),
            kind,
            loss,
            rng: Pcg32::new(seed, 7),
            passed: 0,
            latency: Duration::from_millis(12),
            flying: BTreeMap::new(),
            number: 0,
            now: Time::from_secs(1_000),
            locals: BTreeMap::new(),
        }
    }

    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        for nat in &mut self.nats {
            *nat = Device::new(nat.public(), *nat.behaviour(), timeouts);
        }
        self
    }

    /// A socket at a random port of a host.
    pub fn bind(&mut self, host: &str, port: Option<u16>) -> Fresh {
        // Without a NAT hosts have public addresses.
        let host =
            if self.nats.is_empty() { host.replace("10.0.0", "192.0.2") } else { host.into() };
        let mut at = |port: Option<u16>| {
            let mut random = || 32_768 + (self.rng.next_u32() % 28_000) as u16;
            address(&format!("{host}:{}", port.unwrap_or_else(&mut random)))
        };
        let mut local = at(port);
        while self.locals.contains_key(&local) {
            local = at(None);
        }
        let id = SocketId(self.locals.len() as u16);
        self.locals.insert(local, id);
        Fresh::new(id, local)
    }

    pub fn settings(&mut self) -> Settings {
        let mut seed = [0; 16];
        self.rng.fill_bytes(&mut seed);
        Settings { server: addresses().primary, alternate: None, classic: false, seed }
    }

    /// A whole classification, with a second local address.
    pub fn classify(&mut self) -> Report {
        let settings = self.settings();
        self.classify_with(settings)
    }

    pub fn classify_with(&mut self, settings: Settings) -> Report {
        let sockets: Vec<Fresh> =
            (0..Classifier::SOCKETS).map(|_| self.bind("10.0.0.2", None)).collect();
        let port = 30_000;
        let pair = [self.bind("10.0.0.2", Some(port)), self.bind("10.0.0.3", Some(port))];
        let start = self.now;
        let mut classifier = Classifier::new(settings, sockets, Some(pair), self.now);
        self.run(&mut classifier);
        let took = self.now - start;
        assert!(took < Duration::from_secs(15), "it took {took:?}");
        *classifier.report()
    }

    /// Until it is done.
    pub fn run(&mut self, discovery: &mut impl Discovery) {
        while !discovery.is_done() {
            while let Some(transmit) = discovery.transmit(self.now) {
                self.leave(transmit);
            }
            if discovery.is_done() {
                break;
            }
            let wake = discovery.wake();
            match self.flying.first_key_value().map(|((at, _), _)| *at) {
                Some(at) if at <= wake => {
                    self.now = at;
                    let (_, flying) = self.flying.pop_first().expect("it was there");
                    if let Some((socket, from, datagram)) = self.arrive(flying) {
                        discovery.receive(self.now, socket, from, &datagram);
                    }
                }
                _ => {
                    assert!(wake < Time::MAX, "it sleeps for ever");
                    self.now = self.now.max(wake);
                }
            }
        }
    }

    fn leave(&mut self, transmit: Transmit) {
        let Transmit { socket, to, datagram } = transmit;
        let from = self.locals.iter().find(|(_, id)| **id == socket).map(|(local, _)| *local);
        self.fly(from.expect("a bound socket"), to, datagram);
    }

    /// From an inside socket towards the outside, unless it gets lost.
    fn fly(&mut self, mut from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        if self.lost() {
            return;
        }
        let now = self.now;
        for nat in &mut self.nats {
            if to.ip() == nat.public() {
                break;
            }
            match nat.outbound(Protocol::Udp, from, to, now) {
                Ok(mapped) => from = mapped,
                Err(_) => return,
            }
        }
        if let Some(nat) = self.nats.iter().position(|nat| nat.public() == to.ip()) {
            // A hairpin turn at this one.
            let Ok(mapped) = self.nats[nat].outbound(Protocol::Udp, from, to, self.now) else {
                return;
            };
            from = mapped;
        }
        self.put(from, to, datagram);
    }

    fn put(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        self.number += 1;
        let jitter = Duration::from_micros(u64::from(self.rng.next_u32() % 500));
        let at = self.now + self.latency + jitter;
        self.flying.insert((at, self.number), Flying { from, to, datagram });
    }

    /// At the server, which may answer, or at an inside socket.
    fn arrive(&mut self, flying: Flying) -> Option<(SocketId, SocketAddr, Vec<u8>)> {
        let Flying { from, mut to, datagram } = flying;
        let at = Socket::ALL.into_iter().find(|socket| addresses().of(*socket) == to);
        if let Some(at) = at {
            for (source, target, answer) in self.kind.answer(&datagram, from, at) {
                if !self.lost() {
                    self.put(source, target, answer);
                }
            }
            return None;
        }
        let now = self.now;
        let first = self.nats.iter().rposition(|nat| nat.public() == to.ip());
        for nat in self.nats.iter_mut().take(first.map_or(0, |first| first + 1)).rev() {
            to = nat.inbound(Protocol::Udp, from, to, now).ok()?;
        }
        let id = *self.locals.get(&to)?;
        Some((id, from, datagram))
    }

    fn lost(&mut self) -> bool {
        self.passed += 1;
        match self.loss {
            Loss::None => false,
            Loss::Random(percent) => self.rng.next_u32() % 100 < percent,
            Loss::Every(nth) => self.passed.is_multiple_of(nth),
        }
    }
}

/// The server that does everything right.
pub fn good_server() -> Server {
    Server::rfc5780(addresses()).expect("they differ")
}
