//! What `Table` says about itself holds after every call.

use core::time::Duration;

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_dead_nothing_lost_nothing_beyond_the_limits(
        pair in (0..3_usize, 0..3_usize, any::<bool>()),
        actions in prop::collection::vec((0..10_u8, any::<bool>(), 0..2_u8, 0..6_u8, 0..40_u64), 0..300),
    ) {
        let mut behaviour = Behaviour::new(Mapping::ALL[pair.0], Filtering::ALL[pair.1]);
        behaviour.inbound_refresh = pair.2;
        let limits = Limits { mappings: 6, remotes: 8, unanswered: 5 };
        let timeouts = Timeouts {
            udp: Duration::from_secs(60),
            tcp_transitory: Duration::from_secs(40),
            tcp_established: Duration::from_secs(200),
        };
        let mut table = Table::default();
        let mut now = Time::ZERO;
        let mut ports = Vec::new();
        for (action, tcp, host, other, number) in actions {
            let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
            let inside = endpoint([10, 0, 0, host], 4000);
            let remote = endpoint([203, 0, 113, other / 2], 5000 + u16::from(other % 2));
            let rules = Rules { behaviour: &behaviour, timeouts: &timeouts, limits: &limits, now };
            table.expire(rules);
            match action {
                0..4 => ports.extend(table.send(protocol, inside, remote, rules)),
                4..8 if !ports.is_empty() => {
                    let port = ports[number as usize % ports.len()];
                    let _ = table.hear(Slot { protocol, port }, remote, rules);
                }
                8 => table.close(inside, remote, rules),
                _ => now += Duration::from_secs(number),
            }
            check(&table, &limits);
            let rules = Rules { now, ..rules };
            table.expire(rules);
            check(&table, &limits);
            for binding in table.mappings.values() {
                assert!(binding.sent > 0 || binding.until > Some(now));
            }
            assert!(table.remotes.values().all(|remote| remote.until > now));
        }
        let rules = Rules { behaviour: &behaviour, timeouts: &timeouts, limits: &limits, now: Time::MAX };
        table.expire(rules);
        assert_eq!((table.flows.len(), table.mappings.len(), table.remotes.len()), (0, 0, 0));
        assert_eq!((table.due.len(), table.unanswered), (0, 0));
    }
}

/// Where nothing depends on remotes, nobody can make the device remember any.
#[test]
fn full_cones_remember_no_remotes() {
    let (behaviour, timeouts, limits) = (Behaviour::FULL_CONE, Timeouts::DEFAULT, Limits::DEFAULT);
    let rules =
        Rules { behaviour: &behaviour, timeouts: &timeouts, limits: &limits, now: Time::ZERO };
    let mut table = Table::default();
    let inside = endpoint([10, 0, 0, 1], 4000);
    for number in 0..100 {
        let remote = endpoint([203, 0, 113, number], 5000);
        let port = table.send(Protocol::Udp, inside, remote, rules).expect("there is room");
        assert_eq!(port, 4000);
        let heard = table.hear(Slot { protocol: Protocol::Udp, port }, remote, rules);
        assert_eq!(heard, Ok(inside));
    }
    assert_eq!((table.mappings.len(), table.remotes.len(), table.due.len()), (1, 0, 1));
}

fn check(table: &Table, limits: &Limits) {
    let sent = table.remotes.values().filter(|remote| remote.sent).count();
    assert_eq!(table.remotes.len() - sent, table.unanswered);
    assert!(sent <= limits.remotes.into());
    assert!(table.unanswered <= limits.unanswered.into());
    assert!(table.mappings.len() <= limits.mappings.into());
    assert!(table.flows.len() <= table.mappings.len() + table.remotes.len());

    let own = table.mappings.values().filter(|binding| binding.due.is_some()).count();
    assert_eq!(table.due.len(), own + table.remotes.len());
    for (slot, binding) in &table.mappings {
        assert!(binding.due <= binding.until);
        assert_eq!(binding.due.is_some(), binding.until.is_some());
        let due = binding.due.map(|at| Due { at, slot: *slot, remote: None });
        assert!(due.is_none_or(|due| table.due.contains(&due)));
        let sent = table.remotes_of(*slot).filter(|(_, remote)| remote.sent).count();
        assert_eq!(usize::from(binding.sent), sent);
    }
    for ((slot, endpoint), remote) in &table.remotes {
        assert!(table.mappings.contains_key(slot));
        assert!(remote.due <= remote.until);
        let due = Due { at: remote.due, slot: *slot, remote: Some(*endpoint) };
        assert!(table.due.contains(&due));
    }
    for (flow, port) in &table.flows {
        let slot = Slot { protocol: flow.protocol, port: *port };
        assert_eq!(table.mappings[&slot].inside, flow.inside);
        let in_scope = |(remote, _): (Endpoint, &Remote)| match flow.scope {
            Scope::Any => true,
            Scope::Address(ip) => remote.ip == ip,
            Scope::Endpoint(endpoint) => remote == endpoint,
        };
        assert!(flow.scope == Scope::Any || table.remotes_of(slot).any(in_scope));
    }
}

fn endpoint(ip: [u8; 4], port: u16) -> Endpoint {
    Endpoint { ip: ip.into(), port }
}
