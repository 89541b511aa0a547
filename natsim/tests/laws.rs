//! What holds for every device, named after the law.
#![allow(missing_docs)]

mod naive;

use std::num::NonZeroU16;
use std::time::Duration;

use natsim::{
    Allocation, Behaviour, Device, DropReason, Filtering, Limits, Mapping, OutboundError, Protocol,
    Rfc3489, Timeouts,
};
use overlay_peer::{Address, Time};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any sequence of packets in both directions, with time passing: no panic, every answer as the
    /// plain model's, nothing let in that was not sent to. (See `naive::check`.)
    #[test]
    fn agrees_with_the_naive_model(script in prop::collection::vec(any::<u8>(), 0..600)) {
        naive::check(&script);
    }

    #[test]
    fn mapping_is_stable_while_alive_and_gone_after_its_timeout(
        behaviour in behaviour(),
        protocol in protocol(),
        steps in prop::collection::vec(0_u64..240_000_000, 1..8),
    ) {
        let mut nat = device(behaviour);
        let mut now = Time::ZERO;
        let mapped = nat.outbound(protocol, inside(1), remote(1, 1), now).unwrap();
        for step in steps {
            // Each step is shorter than the shortest timeout.
            now += Duration::from_micros(step);
            prop_assert_eq!(nat.outbound(protocol, inside(1), remote(1, 1), now), Ok(mapped));
        }
        let timeout = match protocol {
            Protocol::Udp => Timeouts::DEFAULT.udp,
            Protocol::Tcp => Timeouts::DEFAULT.tcp_transitory,
        };
        let end = now + timeout;
        let last = Time::from_micros(end.as_micros() - 1);
        prop_assert_eq!(nat.mappings(last).map(|entry| entry.expires).collect::<Vec<_>>(), [end]);
        prop_assert_eq!(nat.mappings(end).count(), 0);
        prop_assert_eq!(
            nat.clone().inbound(protocol, remote(1, 1), mapped, last),
            Ok(inside(1))
        );
        prop_assert_eq!(
            nat.inbound(protocol, remote(1, 1), mapped, end),
            Err(DropReason::NoMapping)
        );
    }

    /// RFC 4787, section 4.1: the definitions of the three mappings.
    #[test]
    fn outside_ports_are_equal_exactly_where_the_mapping_says(
        behaviour in behaviour(),
        protocol in protocol(),
        (one, other) in (remotes(), remotes()),
    ) {
        let mut nat = device(behaviour);
        let first = nat.outbound(protocol, inside(1), one, Time::ZERO).unwrap();
        let second = nat.outbound(protocol, inside(1), other, Time::ZERO).unwrap();
        let same = match behaviour.mapping {
            Mapping::EndpointIndependent => true,
            Mapping::AddressDependent => one.ip() == other.ip(),
            Mapping::AddressAndPortDependent => one == other,
        };
        prop_assert_eq!(first == second, same);
        // Another inside host never shares a port (RFC 4787, REQ-3: no port overloading).
        let theirs = nat.outbound(protocol, inside(2), one, Time::ZERO).unwrap();
        prop_assert!(theirs != first && theirs != second);
    }

    /// RFC 4787, section 5: the definitions of the three filterings.
    #[test]
    fn inbound_passes_exactly_what_the_filtering_says(
        behaviour in behaviour(),
        protocol in protocol(),
        (to, from) in (remotes(), remotes()),
    ) {
        let mut nat = device(behaviour);
        let mapped = nat.outbound(protocol, inside(1), to, Time::ZERO).unwrap();
        let passes = match behaviour.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => from.ip() == to.ip(),
            Filtering::AddressAndPortDependent => from == to,
        };
        let expected = if passes { Ok(inside(1)) } else { Err(DropReason::Filtered) };
        prop_assert_eq!(nat.inbound(protocol, from, mapped, Time::ZERO), expected);
        // And the answer to what was let in leaves from where it came in.
        if passes {
            prop_assert_eq!(nat.outbound(protocol, inside(1), from, Time::ZERO), Ok(mapped));
        }
    }

    /// A packet that is dropped leaves no trace: the device goes on as if it had never come.
    #[test]
    fn dropped_packets_change_nothing(
        behaviour in behaviour(),
        protocol in protocol(),
        strangers in prop::collection::vec((remotes(), any::<u16>()), 0..20),
    ) {
        let mut nat = device(behaviour);
        nat.outbound(protocol, inside(1), remote(9, 9), Time::ZERO).unwrap();
        let before = format!("{nat:?}");
        for (from, port) in strangers {
            let to = Address::new(nat.public(), port);
            let mut tried = nat.clone();
            if tried.inbound(protocol, from, to, Time::ZERO).is_err() {
                prop_assert_eq!(format!("{tried:?}"), before.as_str());
            }
        }
    }

    /// RFC 4787, section 6, REQ-9: the other inside host sees the outside address.
    #[test]
    fn hairpin_packets_come_from_outside_if_at_all(mut behaviour in behaviour(), hairpin: bool) {
        behaviour.hairpin = hairpin;
        let mut nat = device(behaviour);
        let one = nat.outbound(Protocol::Udp, inside(1), remote(1, 1), Time::ZERO).unwrap();
        let from = nat.outbound(Protocol::Udp, inside(2), one, Time::ZERO).unwrap();
        prop_assert_eq!(from.ip(), nat.public());
        let answer = nat.inbound(Protocol::Udp, from, one, Time::ZERO);
        if !hairpin {
            prop_assert_eq!(answer, Err(DropReason::Hairpin));
        } else if behaviour.filtering == Filtering::EndpointIndependent {
            prop_assert_eq!(answer, Ok(inside(1)));
        } else {
            prop_assert_eq!(answer, Err(DropReason::Filtered));
        }
    }

    #[test]
    fn behaviours_are_read_as_they_are_written(behaviour in behaviour()) {
        let plain = Behaviour::new(behaviour.mapping, behaviour.filtering);
        prop_assert_eq!(behaviour.to_string().parse(), Ok(plain));
        prop_assert_eq!(behaviour.to_string().to_uppercase().parse(), Ok(plain));
    }

    #[test]
    fn no_panic_on_arbitrary_text(text: String) {
        if let Ok(behaviour) = text.parse::<Behaviour>() {
            prop_assert_eq!(behaviour.to_string().parse(), Ok(behaviour));
        }
    }
}

#[test]
fn names_of_both_vocabularies_are_read() {
    for name in Rfc3489::ALL {
        let behaviour = Behaviour::from(name);
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!(name.to_string().replace(' ', "-").parse(), Ok(behaviour));
        assert_eq!(behaviour.rfc3489(), Some(name));
    }
    assert_eq!("PORT_RESTRICTED".parse(), Ok(Behaviour::PORT_RESTRICTED));
    assert_eq!("eim/apdf".parse(), Ok(Behaviour::PORT_RESTRICTED));
    assert_eq!("full".parse(), Ok(Behaviour::FULL_CONE));
    let symmetric = "address-and-port-dependent/address-and-port-dependent";
    assert_eq!(symmetric.parse(), Ok(Behaviour::SYMMETRIC));
    // A mapping that changes with a filter that does not has no old name.
    let odd: Behaviour = "apdm/eif".parse().unwrap();
    assert_eq!(odd.rfc3489(), None);

    let error = "cone".parse::<Behaviour>().unwrap_err().to_string();
    assert!(error.starts_with("\"cone\" is no NAT behaviour: expected"), "{error}");
    let error = "eim/cone".parse::<Behaviour>().unwrap_err().to_string();
    assert!(error.starts_with("\"cone\" is no filtering: expected"), "{error}");
}

/// RFC 5382, section 5: a connection that both sides spoke on lives long, and not once it is over.
#[test]
fn tcp_lives_longer_once_established_and_shorter_once_closed() {
    let mut nat = device(Behaviour::PORT_RESTRICTED);
    let (tcp, peer) = (Protocol::Tcp, remote(1, 1));
    let mapped = nat.outbound(tcp, inside(1), peer, Time::ZERO).unwrap();
    assert_eq!(nat.inbound(tcp, peer, mapped, Time::ZERO), Ok(inside(1)));
    let hour = Time::from_secs(2 * 60 * 60);
    assert_eq!(nat.clone().inbound(tcp, peer, mapped, hour), Ok(inside(1)));

    nat.closed(inside(1), peer, Time::ZERO);
    let transitory = Time::ZERO + Timeouts::DEFAULT.tcp_transitory;
    assert_eq!(nat.mappings(Time::ZERO).map(|entry| entry.expires).max(), Some(transitory));
    assert_eq!(nat.inbound(tcp, peer, mapped, hour), Err(DropReason::NoMapping));
}

/// RFC 4787, REQ-6: what is sent out always refreshes, what comes in only where that is said.
#[test]
fn inbound_packets_refresh_only_where_said() {
    for refresh in [false, true] {
        for filtering in Filtering::ALL {
            let mut behaviour = Behaviour::new(Mapping::EndpointIndependent, filtering);
            behaviour.inbound_refresh = refresh;
            let mut nat = device(behaviour);
            let mapped = nat.outbound(Protocol::Udp, inside(1), remote(1, 1), Time::ZERO).unwrap();
            let alive = (1..=10)
                .map(|minute| Time::from_secs(60 * minute))
                .take_while(|now| nat.inbound(Protocol::Udp, remote(1, 1), mapped, *now).is_ok())
                .count();
            assert_eq!(alive, if refresh { 10 } else { 4 }, "{behaviour}");
        }
    }
}

#[test]
fn floods_from_outside_never_disturb_what_inside_opened() {
    for (mapping, filtering) in pairs() {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let mut nat = device(Behaviour::new(mapping, filtering));
            let friend = remote(1, 1);
            let mapped = nat.outbound(protocol, inside(1), friend, Time::ZERO).unwrap();
            for attacker in 0..20_000_u32 {
                let from = Address::from((attacker.to_be_bytes(), 7));
                let _ = nat.inbound(protocol, from, mapped, Time::ZERO);
                let port = Address::new(nat.public(), attacker as u16);
                let _ = nat.inbound(protocol, friend, port, Time::ZERO);
            }
            assert_eq!(nat.mappings(Time::ZERO).count(), 1);
            assert_eq!(nat.inbound(protocol, friend, mapped, Time::ZERO), Ok(inside(1)));
            assert_eq!(nat.outbound(protocol, inside(1), friend, Time::ZERO), Ok(mapped));
            assert!(nat.outbound(protocol, inside(1), remote(2, 2), Time::ZERO).is_ok());
        }
    }
}

#[test]
fn floods_from_inside_are_refused_at_the_limits_and_forgotten_in_time() {
    let limits = Limits { mappings: 100, remotes: 150, unanswered: 10 };
    for (mapping, filtering) in pairs() {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let mut nat = device(Behaviour::new(mapping, filtering)).with_limits(limits);
            let mut refused = 0;
            for number in 0..1_000_u16 {
                let from = Address::from(([10, 0, 0, 1], number % 200));
                let answer = nat.outbound(protocol, from, remote(7, number), Time::ZERO);
                match answer {
                    Ok(_) => {}
                    Err(OutboundError::MappingsFull { max: 100 })
                    | Err(OutboundError::RemotesFull { max: 150 }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(refused >= 1_000 - 500, "{refused}");
            assert!(nat.mappings(Time::ZERO).count() <= 100);
            let later = Time::from_secs(301);
            let source = inside(1);
            assert!(nat.outbound(protocol, source, remote(1, 1), later).is_ok());
            assert_eq!(nat.mappings(later).count(), 1);
        }
    }
}

#[test]
fn ports_follow_the_stride_and_step_over_taken_ones() {
    let mut behaviour = Behaviour::SYMMETRIC;
    behaviour.allocation = Allocation::Sequential { stride: NonZeroU16::new(30_000).unwrap() };
    let mut nat = device(behaviour);
    let mut ports = |count: u16| -> Vec<u16> {
        (0..count)
            .map(|_| {
                let number = nat.mappings(Time::ZERO).count() as u16;
                let to = remote(1, number);
                nat.outbound(Protocol::Udp, inside(1), to, Time::ZERO).unwrap().port()
            })
            .collect()
    };
    // Round the class 1024..=65535, which is 64,512 ports long.
    assert_eq!(ports(4), [1_024, 31_024, 61_024, 26_512]);

    let mut behaviour = Behaviour::PORT_RESTRICTED;
    behaviour.port_parity = true;
    let mut nat = device(behaviour);
    let mut map = |host: u8, port| {
        let from = Address::from(([10, 0, 0, host], port));
        nat.outbound(Protocol::Udp, from, remote(1, 1), Time::ZERO).unwrap().port()
    };
    assert_eq!(map(1, 1_025), 1_025, "preserved");
    assert_eq!(map(2, 1_025), 1_027, "1024 is even, 1025 taken, 1026 even");
    assert_eq!(map(3, 1_025), 1_029);
    assert_eq!(map(1, 80), 80);
    assert_eq!(map(2, 80), 2, "system ports stay system ports");
}

#[test]
fn every_port_is_used_before_none_is_left() {
    let limits = Limits { mappings: u16::MAX, remotes: u16::MAX, unanswered: 0 };
    for allocation in [Allocation::SEQUENTIAL, Allocation::Random { seed: 3 }] {
        let mut behaviour = Behaviour::SYMMETRIC;
        behaviour.allocation = allocation;
        let mut nat = device(behaviour).with_limits(limits);
        let from = Address::from(([10, 0, 0, 1], 1_000));
        let mut ports: Vec<u16> = (1..=1_023)
            .map(|number| nat.outbound(Protocol::Udp, from, remote(1, number), Time::ZERO))
            .map(|mapped| mapped.unwrap().port())
            .collect();
        let sequential = ports.is_sorted();
        assert_eq!(sequential, allocation == Allocation::SEQUENTIAL);
        ports.sort_unstable();
        assert_eq!(ports, (1..=1_023).collect::<Vec<u16>>());
        assert_eq!(
            nat.outbound(Protocol::Udp, from, remote(2, 1), Time::ZERO),
            Err(OutboundError::PortsExhausted { first: 1, last: 1_023 })
        );
        // The other protocol and the other class are not concerned.
        assert!(nat.outbound(Protocol::Tcp, from, remote(2, 1), Time::ZERO).is_ok());
        assert!(nat.outbound(Protocol::Udp, inside(1), remote(2, 1), Time::ZERO).is_ok());
    }
}

#[test]
fn blocked_udp_does_not_pass_and_tcp_does() {
    let mut behaviour = Behaviour::FULL_CONE;
    behaviour.blocks_udp = true;
    let mut nat = device(behaviour);
    let udp = nat.outbound(Protocol::Udp, inside(1), remote(1, 1), Time::ZERO);
    assert_eq!(udp, Err(OutboundError::Blocked));
    let mapped = nat.outbound(Protocol::Tcp, inside(1), remote(1, 1), Time::ZERO).unwrap();
    let inbound =
        |nat: &mut Device, protocol| nat.inbound(protocol, remote(2, 2), mapped, Time::ZERO);
    assert_eq!(inbound(&mut nat, Protocol::Udp), Err(DropReason::Blocked));
    assert_eq!(inbound(&mut nat, Protocol::Tcp), Ok(inside(1)));
}

/// A simulated world has a device for most of its hosts.
#[test]
fn idle_devices_are_small() {
    assert!(size_of::<Device>() <= 128, "{}", size_of::<Device>());
}

fn device(behaviour: Behaviour) -> Device {
    Device::new([198, 51, 100, 1].into(), behaviour, Timeouts::DEFAULT)
}

fn inside(host: u8) -> Address {
    Address::from(([10, 0, 0, host], 4_000))
}

fn remote(host: u8, port: u16) -> Address {
    Address::from(([203, 0, 113, host], port))
}

fn pairs() -> impl Iterator<Item = (Mapping, Filtering)> {
    Mapping::ALL
        .into_iter()
        .flat_map(|mapping| Filtering::ALL.map(|filtering| (mapping, filtering)))
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    (0..3_usize, 0..3_usize, any::<[bool; 4]>(), any::<u16>()).prop_map(
        |(mapping, filtering, [preservation, parity, hairpin, refresh], number)| {
            let mut behaviour = Behaviour::new(Mapping::ALL[mapping], Filtering::ALL[filtering]);
            behaviour.port_preservation = preservation;
            behaviour.port_parity = parity;
            behaviour.hairpin = hairpin;
            behaviour.inbound_refresh = refresh;
            behaviour.allocation = match NonZeroU16::new(number) {
                Some(stride) if number % 2 == 0 => Allocation::Sequential { stride },
                _ => Allocation::Random { seed: number.into() },
            };
            behaviour
        },
    )
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Udp), Just(Protocol::Tcp)]
}

fn remotes() -> impl Strategy<Value = Address> {
    (1..3_u8, 1..3_u16).prop_map(|(host, port)| remote(host, port))
}
