//! `reach` against packets: for every pair of behaviours the scripts are played through devices, in
//! every order of the packets, and what works is what `reach` says. On each side
//! the nine pairs of mapping and filtering, "UDP blocked" and "no NAT".
#![allow(missing_docs)]

use std::num::NonZeroU16;

use natsim::{Allocation, Behaviour, Device, Filtering, Mapping, Protocol, Reach, Timeouts, reach};
use overlay_peer::{Address, Time};

const NOW: Time = Time::from_secs(1);
const PROTOCOLS: [Protocol; 2] = [Protocol::Udp, Protocol::Tcp];

/// Every mapping with every filtering, UDP blocked, and no NAT at all.
fn every_host() -> Vec<Option<Behaviour>> {
    let mut blocked = Behaviour::FULL_CONE;
    blocked.blocks_udp = true;
    every_pair().into_iter().map(Some).chain([Some(blocked), None]).collect()
}

fn every_pair() -> Vec<Behaviour> {
    let pairs = Mapping::ALL.into_iter().flat_map(|m| Filtering::ALL.map(|f| (m, f)));
    pairs.map(|(mapping, filtering)| Behaviour::new(mapping, filtering)).collect()
}

#[test]
fn reach_agrees_with_packets_through_two_devices() {
    for (a, b) in every_two() {
        for protocol in PROTOCOLS {
            let told = reach(a.as_ref(), b.as_ref(), protocol);
            assert_eq!(
                told,
                play(&chain(a), &chain(b), protocol),
                "{a:?} to {b:?} over {protocol}"
            );
        }
    }
}

/// What else a behaviour says (how ports are chosen, hairpin, refresh) does not change who reaches
/// whom.
#[test]
fn only_mapping_and_filtering_matter() {
    let change: [fn(&mut Behaviour); 5] = [
        |nat| nat.port_preservation = !nat.port_preservation,
        |nat| nat.port_parity = true,
        |nat| nat.allocation = Allocation::Random { seed: 7 },
        |nat| nat.allocation = Allocation::Sequential { stride: NonZeroU16::MAX },
        |nat| (nat.hairpin, nat.inbound_refresh) = (true, true),
    ];
    for change in change {
        let changed = |mut nat: Behaviour| {
            change(&mut nat);
            nat
        };
        for (a, b) in every_two() {
            let (c, d) = (a.map(changed), b.map(changed));
            for protocol in PROTOCOLS {
                let told = reach(a.as_ref(), b.as_ref(), protocol);
                assert_eq!(told, reach(c.as_ref(), d.as_ref(), protocol));
                assert_eq!(told, play(&chain(c), &chain(d), protocol), "{c:?} to {d:?}");
            }
        }
    }
}

/// Who reaches directly the one way is reached by reversal the other way, and punching and relaying
/// are mutual.
#[test]
fn reach_is_symmetric_up_to_reversal() {
    for (a, b) in every_two() {
        for protocol in PROTOCOLS {
            let there = reach(a.as_ref(), b.as_ref(), protocol);
            let back = reach(b.as_ref(), a.as_ref(), protocol);
            match there {
                Reach::Direct => assert!(back <= Reach::Reversal),
                Reach::Reversal => assert_eq!(back, Reach::Direct),
                mutual => assert_eq!(back, mutual),
            }
        }
    }
}

/// The table everybody knows, in RFC 3489's names, as a check on the scripts themselves.
#[test]
fn classic_names_give_the_classic_table() {
    use Reach::{Direct, Punch, Relay, Reversal};
    let nats = [
        Behaviour::FULL_CONE,
        Behaviour::RESTRICTED,
        Behaviour::PORT_RESTRICTED,
        Behaviour::SYMMETRIC,
    ];
    let table = [
        [Direct, Reversal, Reversal, Reversal],
        [Direct, Punch, Punch, Punch],
        [Direct, Punch, Punch, Relay],
        [Direct, Punch, Relay, Relay],
    ];
    for (a, row) in nats.iter().zip(table) {
        for (b, expected) in nats.iter().zip(row) {
            assert_eq!(reach(Some(a), Some(b), Protocol::Udp), expected, "{a} to {b}");
        }
    }
}

/// RFC 5780's tests (sections 4.3 and 4.4), played through two NATs in a row, see the stricter
/// mapping and the stricter filtering of the two.
#[test]
fn two_nats_in_a_row_are_seen_as_the_element_wise_maximum() {
    for inner in every_pair() {
        assert_eq!(classify(&chain(Some(inner))), (inner.mapping, inner.filtering));
        for outer in every_pair() {
            let seen = inner.behind(outer);
            let both = vec![device(inner, 0), device(outer, 1)];
            assert_eq!(classify(&both), (seen.mapping, seen.filtering), "{inner} behind {outer}");
            assert_eq!(seen.mapping, inner.mapping.max(outer.mapping));
            assert_eq!(seen.filtering, inner.filtering.max(outer.filtering));
        }
    }
}

/// Behind two ordinary NATs in a row a host is reached as behind their maximum.
#[test]
fn two_ordinary_nats_in_a_row_reach_as_their_maximum() {
    let ordinary = every_pair().into_iter().filter(|nat| nat.filtering as u8 >= nat.mapping as u8);
    for (inner, outer) in ordinary.clone().flat_map(|i| ordinary.clone().map(move |o| (i, o))) {
        let seen = inner.behind(outer);
        for (b, protocol) in every_host().into_iter().flat_map(|b| PROTOCOLS.map(|p| (b, p))) {
            let both = vec![device(inner, 0), device(outer, 1)];
            let told = reach(Some(&seen), b.as_ref(), protocol);
            assert_eq!(told, play(&both, &chain(b), protocol), "{inner} behind {outer} to {b:?}");
        }
    }
}

fn every_two() -> Vec<(Option<Behaviour>, Option<Behaviour>)> {
    let hosts = every_host();
    hosts.iter().flat_map(|a| hosts.iter().map(|b| (*a, *b))).collect()
}

/// A host's NATs, the innermost first.
type Chain = Vec<Device>;

fn chain(nat: Option<Behaviour>) -> Chain {
    nat.map(|nat| device(nat, 1)).into_iter().collect()
}

fn device(nat: Behaviour, level: u8) -> Device {
    Device::new([100, 64, 0, level].into(), nat, Timeouts::DEFAULT)
}

/// The least that works, found by trying.
fn play(a: &Chain, b: &Chain, protocol: Protocol) -> Reach {
    let direct = Hosts::new(a, b).connect(A, B, protocol);
    let reversal = Hosts::new(a, b).connect(B, A, protocol);
    if direct {
        return Reach::Direct;
    }
    if reversal {
        return Reach::Reversal;
    }
    let orders = [[vec![A], vec![B]], [vec![B], vec![A]], [vec![A, B], vec![]]];
    let punched = orders.map(|order| Hosts::new(a, b).punch(&order));
    assert!(punched.iter().all(|one| *one == punched[0]), "the order decides: {punched:?}");
    match protocol {
        Protocol::Udp if punched[0] => Reach::Punch,
        _ => Reach::Relay,
    }
}

/// Numbers of the two hosts.
const A: usize = 0;
const B: usize = 1;

struct Hosts([Host; 2]);

struct Host {
    address: Address,
    devices: Chain,
    /// The address that packets from outside are sent to to get here.
    public: std::net::IpAddr,
}

/// The third party where both are registered.
fn third_party() -> Address {
    Address::from(([192, 0, 2, 1], 3478))
}

impl Hosts {
    /// Gives every device and host addresses of its own.
    fn new(a: &Chain, b: &Chain) -> Self {
        let mut number = 0;
        Self([a, b].map(|chain| {
            number += 1;
            let devices: Chain = chain
                .iter()
                .map(|nat| {
                    let level = match nat.public() {
                        std::net::IpAddr::V4(ip) => ip.octets()[3],
                        std::net::IpAddr::V6(_) => unreachable!("all are IPv4"),
                    };
                    let public = [198, 51, 100 + level, number].into();
                    Device::new(public, *nat.behaviour(), *nat.timeouts())
                })
                .collect();
            let address = Address::from((
                if devices.is_empty() { [203, 0, 113, number] } else { [10, 0, 0, number] },
                4000,
            ));
            let public = devices.last().map_or(address.ip(), Device::public);
            Host { address, devices, public }
        }))
    }

    /// Both register, each over the same protocol and from the same port, and learn the other's
    /// address as the third party sees it. `None`: the third party cannot be reached.
    fn register(&mut self, protocol: Protocol) -> Option<[Address; 2]> {
        let seen = self.0.each_mut().map(|host| {
            let seen = host.send(protocol, third_party())?;
            // The third party answers, which opens a TCP connection.
            assert_eq!(host.receive(protocol, third_party(), seen), Some(()));
            assert_eq!(host.send(protocol, third_party()), Some(seen));
            Some(seen)
        });
        Some([seen[0]?, seen[1]?])
    }

    /// One opens a conversation with the other at the address it was told: a request, an answer
    /// that comes back from where the request went, and again.
    fn connect(mut self, from: usize, to: usize, protocol: Protocol) -> bool {
        let Some(told) = self.register(protocol) else { return false };
        (0..3).all(|_| self.request(from, to, told[to], protocol))
    }

    /// Sends a request; whether the answer arrived, from where the request went.
    fn request(&mut self, from: usize, to: usize, target: Address, protocol: Protocol) -> bool {
        assert_eq!(target.ip(), self.0[to].public, "nobody else is there");
        let Some(source) = self.0[from].send(protocol, target) else { return false };
        if self.0[to].receive(protocol, source, target).is_none() {
            return false;
        }
        let Some(answered) = self.0[to].send(protocol, source) else { return false };
        answered == target && self.0[from].receive(protocol, answered, source).is_some()
    }

    /// Both send to the address they were told, then to wherever packets came from: connectivity
    /// checks as in ICE (RFC 8445, section 7), without a candidate that nobody saw. First each set
    /// of `order` sends at once.
    fn punch(mut self, order: &[Vec<usize>]) -> bool {
        let Some(mut target) = self.register(Protocol::Udp) else { return false };
        target.swap(A, B);
        let rounds = order.iter().cloned().chain([vec![A], vec![B], vec![A], vec![B]]);
        for senders in rounds {
            let sources: Vec<_> = senders
                .iter()
                .map(|from| {
                    (*from, self.0[*from].send(Protocol::Udp, target[*from]), target[*from])
                })
                .collect();
            for (from, source, destination) in sources {
                let (to, Some(source)) = (1 - from, source) else { continue };
                if self.0[to].receive(Protocol::Udp, source, destination).is_some() {
                    target[to] = source;
                }
            }
        }
        (0..3).all(|_| {
            self.request(A, B, target[A], Protocol::Udp)
                && self.request(B, A, target[B], Protocol::Udp)
        })
    }
}

impl Host {
    /// A packet from this host: its source as the other side sees it.
    fn send(&mut self, protocol: Protocol, to: Address) -> Option<Address> {
        let mut nats = self.devices.iter_mut();
        nats.try_fold(self.address, |source, nat| nat.outbound(protocol, source, to, NOW).ok())
    }

    /// A packet to an outside address of this host: whether it arrives.
    fn receive(&mut self, protocol: Protocol, from: Address, to: Address) -> Option<()> {
        let mut nats = self.devices.iter_mut().rev();
        let to = nats.try_fold(to, |to, nat| nat.inbound(protocol, from, to, NOW).ok())?;
        (to == self.address).then_some(())
    }
}

/// RFC 5780: mapping from one socket (I, II, III), filtering from a fresh one.
fn classify(nats: &Chain) -> (Mapping, Filtering) {
    let host = || {
        let Hosts([host, _]) = Hosts::new(nats, &Chain::new());
        host
    };
    let primary = third_party();
    let alternate_ip = Address::new([192, 0, 2, 2].into(), primary.port());
    let alternate = Address::new(alternate_ip.ip(), primary.port() + 1);
    let alternate_port = Address::new(primary.ip(), alternate.port());

    let mut socket = host();
    let [one, two, three] = [primary, alternate_ip, alternate]
        .map(|to| socket.send(Protocol::Udp, to).expect("udp is not blocked"));
    let mapping = if one == two {
        Mapping::EndpointIndependent
    } else if two == three {
        Mapping::AddressDependent
    } else {
        Mapping::AddressAndPortDependent
    };

    let mut socket = host();
    let mapped = socket.send(Protocol::Udp, primary).expect("udp is not blocked");
    let mut answered = |from| socket.receive(Protocol::Udp, from, mapped).is_some();
    let filtering = if answered(alternate) {
        Filtering::EndpointIndependent
    } else if answered(alternate_port) {
        Filtering::AddressDependent
    } else {
        Filtering::AddressAndPortDependent
    };
    (mapping, filtering)
}
