//! Put, get, and what becomes of the values when nodes join, leave and fail.
#![cfg(feature = "peer")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use natsim::Behaviour;
use overlay_chord::{
    Bounds, Command, Config, Contact, Event, Failure, Id, Id160, Limits, Node, Refusal,
};
use overlay_sim::{Host, PeerIndex};
use support::{
    JOIN, Net, USER, address, checked, get, ideal, members, outcome, put, quick, ring, settle,
};

fn key(number: u32) -> Id160 {
    Id160::hash(&number.to_be_bytes())
}

fn value(number: u32) -> Vec<u8> {
    format!("value {number}").into_bytes()
}

/// A settled ring with keys 0..`keys` in it.
fn filled(nodes: usize, keys: u32, config: &Config, seed: u64) -> Net {
    let mut net = ring(nodes, Duration::from_millis(500), config, checked(seed));
    settle(&mut net, Duration::from_secs(60));
    for number in 0..keys {
        let peer = PeerIndex(number % nodes as u32);
        assert_eq!(put(&mut net, peer, key(number), &value(number)), 3, "all replicas answer");
    }
    net
}

/// The living members that hold each key, which must be its owner and the next ones.
fn holders(net: &Net, keys: u32) -> BTreeMap<u32, BTreeSet<Id160>> {
    let holds = |number| {
        net.peers()
            .filter(|(peer, node)| {
                net.is_alive(*peer) && node.store().publications(key(number)).next().is_some()
            })
            .filter_map(|(_, node)| Some(node.member()?.me().id))
            .collect()
    };
    (0..keys).map(|number| (number, holds(number))).collect()
}

fn should_hold(net: &Net, keys: u32, replicas: usize) -> BTreeMap<u32, BTreeSet<Id160>> {
    let ring = ideal(net);
    let count = ring.ids().len();
    (0..keys)
        .map(|number| {
            let owner = ring.owner_index(key(number));
            (number, (0..replicas).map(|i| ring.ids()[(owner + i) % count]).collect())
        })
        .collect()
}

/// Panics with what differs, and no more.
fn assert_held(net: &Net, keys: u32, replicas: usize) {
    let (has, should) = (holders(net, keys), should_hold(net, keys, replicas));
    for number in 0..keys {
        assert_eq!(has[&number], should[&number], "key {number}: {}", key(number));
    }
}

fn all_found(net: &mut Net, keys: u32) {
    let askers: Vec<_> = members(net).into_iter().map(|(peer, _)| peer).collect();
    for number in 0..keys {
        let asker = askers[number as usize * 7 % askers.len()];
        assert_eq!(get(net, asker, key(number)), [value(number)], "key {number}");
    }
}

#[test]
fn every_key_is_found_in_log_n_hops() {
    let mut net = filled(48, 60, &quick(), 1);
    net.run_for(Duration::from_secs(60));
    let ring = ideal(&net);
    let mut hops = Vec::new();
    for number in 0..300 {
        let peer = PeerIndex(number * 11 % 48);
        let found = outcome(
            &mut net,
            peer,
            Command::Lookup { request: number, key: key(number) },
            |event| match event {
                Event::Found { request, hops, timeouts, owner } if request == number => {
                    Some((hops, timeouts, owner))
                }
                Event::Failed { reason, .. } => panic!("{reason}"),
                _ => None,
            },
        );
        assert_eq!(found.2.id, ring.owner(key(number)));
        assert_eq!(found.1, 0, "nobody is dead");
        hops.push(found.0);
    }
    let most = *hops.iter().max().expect("lookups");
    let mean = f64::from(hops.iter().sum::<u32>()) / hops.len() as f64;
    println!("48 nodes: mean {mean:.2} hops, most {most}");
    assert!(f64::from(most) <= 48_f64.log2(), "at most log2 N hops, {most}");
    // ½ log2 N − ½ log2 r + 1 is the law when a successor list of r answers for what it covers; at
    // this size it covers a sixth of the ring, and the true value is lower.
    assert!(mean < 0.5 * 48_f64.log2() - 0.5 * 8_f64.log2() + 1.0, "{mean}");
    all_found(&mut net, 60);
}

#[test]
fn nothing_is_published_under_a_key_nobody_used() {
    let mut net = filled(10, 0, &quick(), 2);
    assert!(get(&mut net, PeerIndex(4), key(99)).is_empty());
}

#[test]
fn two_publishers_of_one_key_are_both_returned() {
    let mut net = filled(12, 0, &quick(), 3);
    put(&mut net, PeerIndex(3), key(1), b"here");
    put(&mut net, PeerIndex(5), key(1), b"here");
    put(&mut net, PeerIndex(5), key(1), b"and there");
    // The same again is the same.
    put(&mut net, PeerIndex(5), key(1), b"here");
    let values =
        outcome(&mut net, PeerIndex(9), Command::Get { request: 1, key: key(1) }, |event| {
            match event {
                Event::Got { values, .. } => Some(values),
                _ => None,
            }
        });
    let got: Vec<_> = values.iter().map(|p| (p.publisher, &p.value[..])).collect();
    let expected: [(SocketAddr, &[u8]); 3] =
        [(address(3), b"here"), (address(5), b"and there"), (address(5), b"here")];
    assert_eq!(got, expected);
}

#[test]
fn a_set_larger_than_a_datagram_comes_in_pages() {
    let mut net = filled(8, 0, &quick(), 4);
    let mut expected = Vec::new();
    for number in 0..150 {
        let value = vec![number; 100];
        put(&mut net, PeerIndex(2), key(7), &value);
        expected.push(value);
    }
    assert_eq!(get(&mut net, PeerIndex(6), key(7)), expected);
}

#[test]
fn keys_move_to_a_node_that_joins() {
    const KEYS: u32 = 80;
    let mut net = filled(12, KEYS, &quick(), 5);
    for number in 12..24 {
        let peer = net.add(Node::new(quick()), Host::open(address(number)));
        net.command(peer, Command::Join { via: vec![address(number - 12)] }, JOIN);
        net.run_for(Duration::from_millis(700));
        // Also while it settles, what the new node owns is found: the next node still has it.
        all_found(&mut net, KEYS / 8);
    }
    settle(&mut net, Duration::from_secs(60));
    // After a while those have the keys that should, and no one else.
    net.run_for(Duration::from_secs(120));
    assert_held(&net, KEYS, 3);
    all_found(&mut net, KEYS);
}

#[test]
fn keys_survive_leaving() {
    const KEYS: u32 = 60;
    let mut net = filled(20, KEYS, &quick(), 6);
    for leaver in 0..14 {
        let handed_over =
            outcome(&mut net, PeerIndex(leaver), Command::Leave, |event| match event {
                Event::Left { handed_over } => Some(handed_over),
                _ => None,
            });
        assert!(handed_over);
        assert!(net.peer(PeerIndex(leaver)).store().is_empty());
    }
    settle(&mut net, Duration::from_secs(60));
    all_found(&mut net, KEYS);
}

#[test]
fn without_replicas_keys_survive_leaving_and_joining_too() {
    const KEYS: u32 = 40;
    let config = Config { replicas: 1, ..quick() };
    let mut net = ring(8, Duration::from_millis(500), &config, checked(7));
    // All go, one after the other: there are no r + 1 that stay.
    net.unwatched();
    settle(&mut net, Duration::from_secs(60));
    for number in 0..KEYS {
        assert_eq!(put(&mut net, PeerIndex(number % 8), key(number), &value(number)), 1);
    }
    for number in 8..14 {
        let peer = net.add(Node::new(config.clone()), Host::open(address(number)));
        net.command(peer, Command::Join { via: vec![address(0)] }, JOIN);
        net.run_for(Duration::from_secs(3));
    }
    for leaver in 0..6 {
        net.command(PeerIndex(leaver), Command::Leave, JOIN);
        net.run_for(Duration::from_secs(3));
    }
    settle(&mut net, Duration::from_secs(60));
    net.run_for(Duration::from_secs(180));
    all_found(&mut net, KEYS);
    assert_held(&net, KEYS, 1);
}

#[test]
fn keys_survive_crashes_of_fewer_than_all_replicas() {
    const KEYS: u32 = 60;
    let mut net = filled(30, KEYS, &quick(), 8);
    // Two neighbours at a time, of three that hold each key; then time for repair.
    for _ in 0..5 {
        let mut all = members(&net);
        all.sort_by_key(|(_, me)| me.id);
        net.fail(all[3].0);
        net.fail(all[4].0);
        // At once, before anything is repaired, the third replica answers.
        all_found(&mut net, KEYS / 6);
        settle(&mut net, Duration::from_secs(120));
        net.run_for(Duration::from_secs(40));
    }
    assert_eq!(members(&net).len(), 20);
    all_found(&mut net, KEYS);
    net.run_for(Duration::from_secs(120));
    assert_held(&net, KEYS, 3);
}

#[test]
fn lookups_go_round_the_dead_and_wait_for_each_only_once() {
    let mut net = filled(40, 0, &quick(), 9);
    net.run_for(Duration::from_secs(60));
    for peer in (0..40).step_by(4) {
        net.fail(PeerIndex(peer));
    }
    // All at once, so that nothing is repaired meanwhile.
    let ring = ideal(&net);
    let _ = net.drain_events();
    for number in 0..60 {
        let peer = PeerIndex(number % 10 * 4 + 1);
        net.command(peer, Command::Lookup { request: number, key: key(number) }, USER);
    }
    net.run_for(Duration::from_secs(10));
    let mut found = 0;
    for (_, _, event) in net.drain_events() {
        match event {
            Event::Found { request, timeouts, owner, .. } => {
                assert_eq!(owner.id, ring.owner(key(request)), "the first living node");
                assert!(timeouts <= 10, "there are only ten dead nodes to find");
                found += 1;
            }
            Event::Failed { request, reason } => panic!("lookup {request}: {reason}"),
            _ => {}
        }
    }
    assert_eq!(found, 60);
}

#[test]
fn a_client_behind_a_nat_puts_and_gets() {
    let mut net = filled(12, 0, &quick(), 10);
    let before = members(&net).len();
    for (i, behaviour) in
        [Behaviour::FULL_CONE, Behaviour::PORT_RESTRICTED, Behaviour::SYMMETRIC].iter().enumerate()
    {
        let config = Config { member: false, ..quick() };
        let public = format!("198.51.100.{}", i + 1).parse().expect("an address");
        let private = "192.168.1.2:4000".parse().expect("an address");
        let client = net.add(Node::new(config), Host::behind(private, public, *behaviour));
        let join = Command::Join { via: vec![address(0), address(1)] };
        outcome(&mut net, client, join, |event| matches!(event, Event::Joined).then_some(()));
        let number = i as u32;
        assert_eq!(put(&mut net, client, key(number), &value(number)), 3);
        assert_eq!(get(&mut net, PeerIndex(7), key(number)), [value(number)]);
        assert_eq!(get(&mut net, client, key(number)), [value(number)]);
    }
    assert_eq!(members(&net).len(), before, "no client is a member");
    assert!(members(&net).iter().all(|(peer, _)| peer.0 < 12));
}

#[test]
fn a_client_learns_the_ring_and_spares_its_entry() {
    let mut net = filled(40, 40, &quick(), 11);
    let config = Config { member: false, ..quick() };
    let client = net.add(Node::new(config), Host::open(address(100)));
    let join = Command::Join { via: vec![address(0)] };
    outcome(&mut net, client, join, |event| matches!(event, Event::Joined).then_some(()));
    for number in 0..40 {
        assert_eq!(get(&mut net, client, key(number)), [value(number)]);
    }
    let known = net.peer(client).fingers().as_slice().len();
    assert!((3..=12).contains(&known), "{known} contacts, about log2 N");
}

#[test]
fn the_store_is_bounded_and_refuses_with_a_reason() {
    let store = Bounds { publications_per_key: 3, bytes: 1_500, value_len: 100 };
    let config = Config { limits: Limits { store, ..Limits::default() }, ..quick() };
    let mut net = ring(1, Duration::ZERO, &config, checked(12));
    let refused = |net: &mut Net, number: u32, len: usize| {
        let value = Bytes::from(vec![number as u8; len]);
        let command = Command::Put { request: number, key: key(number / 4), value };
        outcome(net, PeerIndex(0), command, |event| match event {
            Event::Stored { .. } => Some(None),
            Event::Failed { reason, .. } => Some(Some(reason)),
            _ => None,
        })
    };
    for number in 0..3 {
        assert_eq!(refused(&mut net, number, 100), None);
    }
    assert_eq!(refused(&mut net, 3, 100), Some(Failure::Refused(Refusal::KeyFull)));
    assert_eq!(refused(&mut net, 2, 101), Some(Failure::ValueTooLong { len: 101, max: 100 }));
    let full = (4..40).find_map(|number| refused(&mut net, number, 100).filter(|_| number % 4 < 3));
    assert_eq!(full, Some(Failure::Refused(Refusal::StoreFull)));
    let (_, bytes) = net.peer(PeerIndex(0)).footprint();
    assert!(net.peer(PeerIndex(0)).store().bytes() <= 1_500 && bytes < 8_000, "{bytes}");
}

#[test]
fn who_has_not_joined_can_do_nothing() {
    let mut net = ring(0, Duration::ZERO, &quick(), checked(13));
    let peer = net.add(Node::new(quick()), Host::open(address(0)));
    let failure = |event| match event {
        Event::Failed { reason, .. } | Event::JoinFailed { reason } => Some(reason),
        _ => None,
    };
    let put = Command::Put { request: 1, key: Id160::ZERO, value: Bytes::new() };
    assert_eq!(outcome(&mut net, peer, put, failure), Failure::NotJoined);
    let join = Command::Join { via: vec![address(5)] };
    assert_eq!(outcome(&mut net, peer, join, failure), Failure::NoAnswer);
    let client = Node::new(Config { member: false, ..quick() });
    let client = net.add(client, Host::open(address(1)));
    assert_eq!(outcome(&mut net, client, Command::Create, failure), Failure::Client);
    // And after failing it may start its own.
    net.command(peer, Command::Create, JOIN);
    assert!(net.peer(peer).is_joined());
    let me = net.peer(peer).contact();
    let id = Id160::of_address(address(0));
    assert_eq!(me, Some(Contact { id, address: address(0) }));
}
