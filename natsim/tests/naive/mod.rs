//! A NAT device as plainly as it can be written down: lists, searched from end to end, and nothing
//! kept past its time. Scripts made of any bytes must get the same answers from it and from the
//! real one. The fuzz target `nat_device` runs the same scripts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use natsim::{
    Allocation, Behaviour, Device, DropReason, Entry, Filtering, Limits, Mapping, OutboundError,
    Protocol, Timeouts,
};
use overlay_peer::{Address, Time};

/// Runs one script. Its bytes are the device's behaviour, limits and timeouts, then actions; any
/// bytes are a script.
///
/// # Panics
/// If device and model differ, or the device breaks a law.
pub fn check(data: &[u8]) {
    let mut script = Script(data);
    let behaviour = script.behaviour();
    let limits = script.limits();
    let timeouts = script.timeouts();
    let public = if script.chance() { IpAddr::V6(Ipv6Addr::LOCALHOST) } else { PUBLIC };
    let mut device = Device::new(public, behaviour, timeouts).with_limits(limits);
    let mut naive = Naive {
        behaviour,
        limits,
        timeouts,
        public,
        mappings: Vec::new(),
        facts: Vec::new(),
        now: Time::ZERO,
    };
    // What left: inside, remote, and the source it had outside.
    let mut sent: Vec<(Address, Address, Address)> = Vec::new();

    for _ in 0..MAX_ACTIONS {
        let Some(action) = script.byte() else { break };
        naive.forget();
        let protocol = if action & 0x80 == 0 { Protocol::Udp } else { Protocol::Tcp };
        match action % 8 {
            0..3 => {
                let (from, to) = (script.inside(public), script.remote(public));
                let answer = device.outbound(protocol, from, to, naive.now);
                naive.check_outbound(protocol, from, to, answer);
                sent.extend(answer.map(|outside| (from, to, outside)));
            }
            3..6 => {
                let from = match action >> 3 & 3 {
                    0 => script.earlier(&sent).map(|(_, to, _)| to),
                    // Hairpin: from one of our own outside addresses.
                    1 => script.earlier(&sent).map(|(.., outside)| outside),
                    _ => None,
                };
                let from = from.unwrap_or_else(|| script.remote(public));
                let to = match action >> 5 & 3 {
                    0 => Some(Address::new(public, script.number() * 257)),
                    1 if action & 8 == 0 => Some(script.remote(public)),
                    _ => script.earlier(&sent).map(|(.., outside)| outside),
                };
                let to = to.unwrap_or_else(|| Address::new(public, 4000));
                let answer = device.inbound(protocol, from, to, naive.now);
                naive.check_inbound(protocol, from, to, answer);
            }
            6 => {
                let pair = script.earlier(&sent).map(|(inside, remote, _)| (inside, remote));
                let (inside, remote) =
                    pair.unwrap_or_else(|| (script.inside(public), script.remote(public)));
                device.closed(inside, remote, naive.now);
                naive.closed(inside, remote);
            }
            _ => naive.now += Duration::from_secs(u64::from(script.number() % 64)),
        }
        naive.forget();
        naive.check_mappings(&device);
    }
}

/// Longer scripts find nothing that shorter ones do not.
const MAX_ACTIONS: usize = 400;
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

/// Small choices out of bytes, so that scripts meet the same few hosts and ports again.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> u16 {
        self.byte().unwrap_or(0).into()
    }

    fn chance(&mut self) -> bool {
        self.byte().is_some_and(|byte| byte % 4 == 3)
    }

    fn behaviour(&mut self) -> Behaviour {
        let pair = usize::from(self.number());
        let mut behaviour = Behaviour::new(Mapping::ALL[pair % 3], Filtering::ALL[pair / 3 % 3]);
        let flags = self.number();
        behaviour.port_preservation = flags & 1 != 0;
        behaviour.port_parity = flags & 2 != 0;
        behaviour.hairpin = flags & 4 != 0;
        behaviour.inbound_refresh = flags & 8 != 0;
        behaviour.blocks_udp = flags & 0xf0 == 0xf0;
        let allocation = self.number();
        behaviour.allocation = match NonZeroU16::new(allocation % 8) {
            Some(stride) => Allocation::Sequential { stride },
            None => Allocation::Random { seed: allocation.into() },
        };
        behaviour
    }

    fn limits(&mut self) -> Limits {
        let mut limit = || match self.number() {
            common @ 0..128 => 100 + common,
            small => small % 16,
        };
        Limits { mappings: limit(), remotes: limit(), unanswered: limit() }
    }

    fn timeouts(&mut self) -> Timeouts {
        let mut timeout = |usual| match self.number() {
            0..192 => Duration::from_secs(usual),
            255 => Duration::MAX,
            odd => Duration::from_secs(u64::from(odd % 64)),
        };
        Timeouts { udp: timeout(120), tcp_transitory: timeout(60), tcp_established: timeout(180) }
    }

    /// One of the last things of a list.
    fn earlier<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let back = usize::from(self.number() % 16);
        list.iter().rev().nth(back).or(list.first()).copied()
    }

    fn inside(&mut self, public: IpAddr) -> Address {
        let number = self.number();
        let host = 1 + (number & 1);
        let ip = match public {
            IpAddr::V4(_) => Ipv4Addr::new(10, 0, 0, host as u8).into(),
            IpAddr::V6(_) => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, host).into(),
        };
        let odd = [0, 1, 1023, 1024, 40_000, u16::MAX];
        let port = match usize::from(number >> 5) {
            rare @ 6.. => odd[(rare % 2 * 4 + usize::from(number >> 1)) % odd.len()],
            _ => 4000 + (number >> 1) % 2,
        };
        Address::new(ip, port)
    }

    fn remote(&mut self, public: IpAddr) -> Address {
        let number = self.number();
        let (host, port) = match number {
            0..192 => (1 + (number & 1), 5000 + (number >> 1) % 2),
            _ => (number % 8, 5000 + number % 16),
        };
        let ip = match (public, number) {
            (_, 250) => public,
            (IpAddr::V4(_), ..251) | (IpAddr::V6(_), 251..) => {
                Ipv4Addr::new(203, 0, 113, host as u8).into()
            }
            _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host).into(),
        };
        Address::new(ip, port)
    }
}

/// The model: what is alive, and all that ever happened.
struct Naive {
    behaviour: Behaviour,
    limits: Limits,
    timeouts: Timeouts,
    public: IpAddr,
    mappings: Vec<Mapped>,
    facts: Vec<Sent>,
    now: Time,
}

struct Mapped {
    protocol: Protocol,
    inside: Address,
    port: u16,
    /// Its own end, whatever its remotes.
    until: Time,
    remotes: Vec<Remote>,
    /// The destinations whose packets leave through it (nothing for an endpoint-independent one).
    flows: Vec<Address>,
}

struct Remote {
    address: Address,
    until: Time,
    sent: bool,
    heard: bool,
}

/// A packet that left.
struct Sent {
    protocol: Protocol,
    inside: Address,
    port: u16,
    to: Address,
    at: Time,
}

impl Naive {
    /// Forgets what is over.
    fn forget(&mut self) {
        let (now, mapping) = (self.now, self.behaviour.mapping);
        for mapped in &mut self.mappings {
            mapped.remotes.retain(|remote| remote.until > now);
            let remotes = &mapped.remotes;
            mapped.flows.retain(|flow| {
                remotes.iter().any(|remote| same_scope(mapping, remote.address, *flow))
            });
        }
        self.mappings
            .retain(|mapped| mapped.until > now || mapped.remotes.iter().any(|remote| remote.sent));
    }

    fn check_outbound(
        &mut self,
        protocol: Protocol,
        from: Address,
        to: Address,
        answer: Result<Address, OutboundError>,
    ) {
        let udp = protocol == Protocol::Udp;
        if udp && self.behaviour.blocks_udp {
            assert_eq!(answer, Err(OutboundError::Blocked));
            return;
        }
        if from.is_ipv4() != self.public.is_ipv4() || to.is_ipv4() != self.public.is_ipv4() {
            assert!(matches!(answer, Err(OutboundError::Family { .. })));
            return;
        }

        let mapping = self.behaviour.mapping;
        let independent = mapping == Mapping::EndpointIndependent;
        let tracked =
            !(udp && independent && self.behaviour.filtering == Filtering::EndpointIndependent);
        let current = self.mappings.iter().position(|mapped| {
            mapped.protocol == protocol
                && mapped.inside == from
                && (independent || mapped.flows.iter().any(|flow| same_scope(mapping, *flow, to)))
        });
        let remotes = || self.mappings.iter().flat_map(|mapped| &mapped.remotes);
        let known = current.is_some_and(|index| {
            self.mappings[index].remotes.iter().any(|remote| remote.address == to && remote.sent)
        });
        if tracked
            && !known
            && remotes().filter(|remote| remote.sent).count() >= usize::from(self.limits.remotes)
        {
            assert_eq!(answer, Err(OutboundError::RemotesFull { max: self.limits.remotes }));
            return;
        }
        if current.is_none() && self.mappings.len() >= usize::from(self.limits.mappings) {
            assert_eq!(answer, Err(OutboundError::MappingsFull { max: self.limits.mappings }));
            return;
        }
        let outside = answer.expect("nothing stands against it");
        assert_eq!(outside.ip(), self.public);
        let index = current.unwrap_or_else(|| {
            self.check_new_port(protocol, from.port(), outside.port());
            self.mappings.push(Mapped {
                protocol,
                inside: from,
                port: outside.port(),
                until: Time::ZERO,
                remotes: Vec::new(),
                flows: Vec::new(),
            });
            self.mappings.len() - 1
        });
        let mapped = &mut self.mappings[index];
        assert_eq!(outside.port(), mapped.port, "a live mapping keeps its port");

        self.facts.push(Sent { protocol, inside: from, port: mapped.port, to, at: self.now });
        if !independent && !mapped.flows.iter().any(|flow| same_scope(mapping, *flow, to)) {
            mapped.flows.push(to);
        }
        if !tracked {
            mapped.until = mapped.until.max(self.now + self.timeouts.udp);
            return;
        }
        if !mapped.remotes.iter().any(|remote| remote.address == to) {
            let remote = Remote { address: to, until: Time::ZERO, sent: false, heard: false };
            mapped.remotes.push(remote);
        }
        for remote in mapped.remotes.iter_mut().filter(|remote| remote.address == to) {
            remote.sent = true;
            let timeout = match (protocol, remote.heard) {
                (Protocol::Udp, _) => self.timeouts.udp,
                (Protocol::Tcp, false) => self.timeouts.tcp_transitory,
                (Protocol::Tcp, true) => self.timeouts.tcp_established,
            };
            remote.until = remote.until.max(self.now + timeout);
        }
    }

    fn check_new_port(&self, protocol: Protocol, inside: u16, outside: u16) {
        let taken = |port: u16| {
            self.mappings.iter().any(|mapped| (mapped.protocol, mapped.port) == (protocol, port))
        };
        assert!(!taken(outside), "no port overloading");
        assert_ne!(outside, 0);
        assert_eq!(inside < 1024, outside < 1024, "the port class is kept");
        if self.behaviour.port_preservation && inside != 0 && !taken(inside) {
            assert_eq!(outside, inside, "a free port is preserved");
        }
        if self.behaviour.port_parity {
            assert_eq!(outside % 2, inside % 2, "parity is kept");
        }
    }

    fn check_inbound(
        &mut self,
        protocol: Protocol,
        from: Address,
        to: Address,
        answer: Result<Address, DropReason>,
    ) {
        let udp = protocol == Protocol::Udp;
        if to.ip() != self.public {
            assert_eq!(answer, Err(DropReason::NotOurs));
            return;
        }
        if udp && self.behaviour.blocks_udp {
            assert_eq!(answer, Err(DropReason::Blocked));
            return;
        }
        if from.is_ipv4() != self.public.is_ipv4() {
            assert_eq!(answer, Err(DropReason::Family { address: from.ip() }));
            return;
        }
        if from.ip() == self.public && !self.behaviour.hairpin {
            assert_eq!(answer, Err(DropReason::Hairpin));
            return;
        }
        let mapping = self.behaviour.mapping;
        let independent = mapping == Mapping::EndpointIndependent;
        let owned_elsewhere: Vec<(Address, Address)> = self
            .mappings
            .iter()
            .filter(|mapped| mapped.protocol == protocol)
            .flat_map(|mapped| mapped.flows.iter().map(|flow| (mapped.inside, *flow)))
            .collect();
        let unanswered = self
            .mappings
            .iter()
            .flat_map(|mapped| &mapped.remotes)
            .filter(|remote| !remote.sent)
            .count();
        let found = self
            .mappings
            .iter_mut()
            .find(|mapped| (mapped.protocol, mapped.port) == (protocol, to.port()));
        let Some(mapped) = found else {
            assert_eq!(answer, Err(DropReason::NoMapping));
            return;
        };

        let address_rule = |remote: &Remote| remote.sent && remote.address.ip() == from.ip();
        let port_rule = |remote: &Remote| remote.sent && remote.address == from;
        let allowed = match self.behaviour.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => mapped.remotes.iter().any(address_rule),
            Filtering::AddressAndPortDependent => mapped.remotes.iter().any(port_rule),
        };
        if !allowed {
            assert_eq!(answer, Err(DropReason::Filtered));
            return;
        }
        assert_eq!(answer, Ok(mapped.inside));

        // The same from the record of all that ever left, if nothing but that kept the rule alive.
        if self.behaviour.filtering != Filtering::EndpointIndependent
            && udp
            && !self.behaviour.inbound_refresh
        {
            let opened = |sent: &Sent| {
                sent.protocol == protocol
                    && (sent.inside, sent.port) == (mapped.inside, mapped.port)
                    && sent.to.ip() == from.ip()
                    && (self.behaviour.filtering == Filtering::AddressDependent
                        || sent.to.port() == from.port())
                    && sent.at + self.timeouts.udp > self.now
            };
            assert!(self.facts.iter().any(opened), "let in what was never sent to");
        }

        if udp && self.behaviour.inbound_refresh {
            let until = self.now + self.timeouts.udp;
            mapped.until = mapped.until.max(until);
            let exact = mapped.remotes.iter().position(port_rule);
            // One rule that lets it in is refreshed; of several, that of the lowest port.
            let rule = match self.behaviour.filtering {
                Filtering::EndpointIndependent => None,
                _ => exact.or_else(|| {
                    let rules = mapped.remotes.iter().enumerate().filter(|(_, r)| address_rule(r));
                    rules.min_by_key(|(_, rule)| rule.address.port()).map(|(index, _)| index)
                }),
            };
            let itself = mapped.remotes.iter().position(|remote| remote.address == from);
            for index in [rule, itself].into_iter().flatten() {
                mapped.remotes[index].until = mapped.remotes[index].until.max(until);
            }
        }
        let timeout = if udp { self.timeouts.udp } else { self.timeouts.tcp_transitory };
        if let Some(remote) = mapped.remotes.iter_mut().find(|remote| remote.address == from) {
            remote.heard = true;
            if !udp {
                let established = self.timeouts.tcp_established;
                let timeout = if remote.sent { established } else { timeout };
                remote.until = remote.until.max(self.now + timeout);
            }
        } else if (!udp || !independent) && unanswered < usize::from(self.limits.unanswered) {
            let until = self.now + timeout;
            mapped.remotes.push(Remote { address: from, until, sent: false, heard: true });
        } else {
            return;
        }
        let inside = mapped.inside;
        let owned =
            |(of, flow): &(Address, Address)| *of == inside && same_scope(mapping, *flow, from);
        if !independent && !owned_elsewhere.iter().any(owned) {
            mapped.flows.push(from);
        }
    }

    fn closed(&mut self, inside: Address, remote: Address) {
        let mapping = self.behaviour.mapping;
        let independent = mapping == Mapping::EndpointIndependent;
        let until = self.now + self.timeouts.tcp_transitory;
        let found = self.mappings.iter_mut().find(|mapped| {
            mapped.protocol == Protocol::Tcp
                && mapped.inside == inside
                && (independent
                    || mapped.flows.iter().any(|flow| same_scope(mapping, *flow, remote)))
        });
        let remotes = found.into_iter().flat_map(|mapped| &mut mapped.remotes);
        for remote in remotes.filter(|known| known.address == remote) {
            remote.heard = false;
            remote.until = remote.until.min(until);
        }
    }

    fn check_mappings(&self, device: &Device) {
        let mut expected: Vec<Entry> = self
            .mappings
            .iter()
            .map(|mapped| {
                let sent = mapped.remotes.iter().filter(|remote| remote.sent);
                let expires = sent.map(|remote| remote.until).max();
                Entry {
                    protocol: mapped.protocol,
                    inside: mapped.inside,
                    outside: Address::new(self.public, mapped.port),
                    expires: expires.unwrap_or_default().max(mapped.until),
                }
            })
            .collect();
        expected.sort_by_key(|entry| (entry.protocol, entry.outside.port()));
        let actual: Vec<Entry> = device.mappings(self.now).collect();
        assert_eq!(actual, expected);
        assert!(actual.len() <= usize::from(self.limits.mappings));
    }
}

/// Whether packets to both leave from one port.
fn same_scope(mapping: Mapping, one: Address, other: Address) -> bool {
    match mapping {
        Mapping::EndpointIndependent => true,
        Mapping::AddressDependent => one.ip() == other.ip(),
        Mapping::AddressAndPortDependent => one == other,
    }
}
