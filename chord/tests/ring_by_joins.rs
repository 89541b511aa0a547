//! A ring that grows, shrinks and loses nodes, under the corrected protocol. A round is the time
//! between two stabilizations of one node.
#![cfg(feature = "peer")]

mod support;

use std::time::Duration;

use overlay_chord::{Command, Config, Contact, Event, Failure, Id160, Node};
use overlay_sim::{Host, PeerIndex};
use support::{JOIN, Net, address, checked, flaws, ideal, members, outcome, quick, ring, settle};

const ROUND: Duration = Duration::from_secs(4);

/// Members whose successor is not the next living member.
fn wrong_successors(net: &Net) -> usize {
    let ring = ideal(net);
    let wrong = |peer: PeerIndex, id| {
        let at = ring.index_of(id).expect("on the ring");
        let first = net.peer(peer).member().and_then(|member| member.successors().first());
        first.map(|first| first.id) != Some(ring.successor(at))
    };
    members(net).into_iter().filter(|(peer, me)| wrong(*peer, me.id)).count()
}

#[test]
fn joined_one_after_the_other_the_ring_is_ideal_within_six_rounds() {
    let mut net = ring(40, Duration::from_secs(2), &quick(), checked(1));
    assert_eq!(members(&net).len(), 40);
    // Successors are right at once; that the ends of all lists are takes r nodes' rounds at worst.
    assert_eq!(wrong_successors(&net), 0);
    let took = settle(&mut net, ROUND * 6);
    println!("40 joins, 2 s apart: ideal {took:?} after the last");
}

#[test]
fn joined_all_at_once_the_ring_is_ideal_within_ten_rounds() {
    let mut net = ring(40, Duration::ZERO, &quick(), checked(2));
    net.run_for(Duration::from_secs(20));
    assert_eq!(members(&net).len(), 40, "all that wanted to join did");
    assert_eq!(wrong_successors(&net), 0);
    let took = settle(&mut net, ROUND * 10);
    println!("40 joins at once: ideal {took:?} after 20 s");
}

#[test]
fn a_thousand_joins_in_ten_seconds_are_all_in_place_twenty_seconds_later() {
    let world = overlay_sim::Config { seed: 14, ..overlay_sim::Config::default() };
    let mut net = ring(1_000, Duration::from_millis(10), &Config::default(), world);
    net.run_for(Duration::from_secs(20));
    assert_eq!(members(&net).len(), 1_000);
    assert_eq!(wrong_successors(&net), 0);
}

/// Successor lists further back learn of a node that joined only one stabilization after the other. A
/// lookup that ends with such a list has to find the new node all the same.
#[test]
fn who_has_just_joined_is_found_by_all() {
    let hour = Duration::from_secs(3_600);
    let config = Config { stabilize_every: hour, fix_fingers_every: hour, ..quick() };
    let mut net = ring(24, Duration::from_secs(2), &quick(), checked(5));
    settle(&mut net, ROUND * 8);
    let peer = net.add(Node::new(config), Host::open(address(24)));
    net.command(peer, Command::Join { via: vec![address(0)] }, JOIN);
    net.run_for(Duration::from_secs(1));
    let me = net.peer(peer).contact().expect("it joined");
    assert!(flaws(&net).len() > 2, "some lists are old");
    all_find(&mut net, me.id, me);
    // The keys of the node before it are its own too, when that one is dead.
    let ring = ideal(&net);
    let before = ring.ids()[(ring.index_of(me.id).expect("on the ring") + 24) % 25];
    let mut all = members(&net).into_iter();
    let (dead, _) = all.find(|(_, other)| other.id == before).expect("a member");
    net.fail(dead);
    all_find(&mut net, before, me);
}

fn all_find(net: &mut Net, key: Id160, owner: Contact) {
    for (asker, _) in members(net) {
        let found = outcome(net, asker, Command::Lookup { request: 1, key }, |event| match event {
            Event::Found { owner, .. } => Some(owner),
            _ => None,
        });
        assert_eq!(found, owner, "as {asker:?} sees it");
    }
}

#[test]
fn it_stays_ideal_when_nothing_happens() {
    let mut net = ring(20, Duration::from_secs(1), &quick(), checked(3));
    settle(&mut net, ROUND * 8);
    for _ in 0..20 {
        net.run_for(ROUND);
        assert_eq!(flaws(&net), Vec::<String>::new());
    }
    assert_eq!(net.drain_events().filter(|(_, _, e)| *e != Event::Joined).count(), 0);
}

#[test]
fn it_works_where_every_tenth_datagram_is_lost() {
    let world = overlay_sim::Config { datagram_loss: 0.1, ..checked(4) };
    let mut net = ring(24, Duration::from_secs(1), &quick(), world);
    settle(&mut net, ROUND * 30);
    assert_eq!(members(&net).len(), 24);
}

#[test]
fn after_failures_of_fewer_than_r_neighbours_it_is_ideal_again() {
    let mut net = ring(40, Duration::from_secs(1), &quick(), checked(5));
    settle(&mut net, ROUND * 8);
    let mut all = members(&net);
    all.sort_by_key(|(_, me)| me.id);
    // Seven in a row of eight that each list has, and some more here and there.
    for at in [2, 3, 4, 5, 6, 7, 8, 20, 21, 30, 39] {
        net.fail(all[at].0);
    }
    let took = settle(&mut net, ROUND * 15);
    println!("11 of 40 failed at once: ideal {took:?} later");
    assert_eq!(members(&net).len(), 29);
}

#[test]
fn who_leaves_is_gone_at_once() {
    let mut net = ring(20, Duration::from_secs(1), &quick(), checked(6));
    settle(&mut net, ROUND * 8);
    for peer in (0..20).step_by(2) {
        let handed_over = outcome(&mut net, PeerIndex(peer), Command::Leave, |event| match event {
            Event::Left { handed_over } => Some(handed_over),
            _ => None,
        });
        assert!(handed_over);
        net.run_for(Duration::from_secs(1));
        assert_eq!(wrong_successors(&net), 0, "its neighbours were told");
    }
    settle(&mut net, ROUND * 8);
    assert_eq!(members(&net).len(), 10);
    // And may come again, as the same node.
    net.command(PeerIndex(4), Command::Join { via: vec![address(1)] }, JOIN);
    net.run_for(ROUND);
    settle(&mut net, ROUND * 8);
    assert_eq!(members(&net).len(), 11);
}

#[test]
fn down_to_the_last_node_and_up_again() {
    let mut net = ring(6, Duration::from_secs(2), &quick(), checked(7));
    settle(&mut net, ROUND * 8);
    for peer in 0..5 {
        net.fail(PeerIndex(peer));
    }
    settle(&mut net, ROUND * 15);
    let last = net.peer(PeerIndex(5)).member().expect("still a member");
    assert_eq!(last.successors().first(), Some(last.me()), "alone, and a ring all the same");
    for number in 6..10 {
        let peer = net.add(Node::new(quick()), Host::open(address(number)));
        net.command(peer, Command::Join { via: vec![address(5)] }, JOIN);
    }
    net.run_for(ROUND);
    settle(&mut net, ROUND * 8);
    assert_eq!(members(&net).len(), 5);
    outcome(&mut net, PeerIndex(5), Command::Leave, |event| {
        matches!(event, Event::Left { handed_over: true }).then_some(())
    });
}

#[test]
fn a_node_that_loses_all_successors_mends_the_ring_with_its_fingers() {
    // A list of two, and both fail with the rest of the ring standing.
    let config = Config { successors: 2, ..quick() };
    let mut net = ring(20, Duration::from_secs(1), &config, checked(8));
    settle(&mut net, ROUND * 8);
    net.run_for(ROUND * 4);
    let mut all = members(&net);
    all.sort_by_key(|(_, me)| me.id);
    net.unwatched();
    net.fail(all[4].0);
    net.fail(all[5].0);
    let _ = net.drain_events();
    settle(&mut net, ROUND * 20);
    assert_eq!(members(&net).len(), 18);
    let isolated: Vec<_> = net
        .drain_events()
        .filter(|(_, _, event)| *event == Event::Isolated)
        .map(|(_, peer, _)| peer)
        .collect();
    assert_eq!(isolated, [all[3].0]);
}

#[test]
fn nobody_joins_a_ring_twice_or_through_nobody() {
    let mut net = ring(3, Duration::from_secs(2), &quick(), checked(9));
    let failure = |event| match event {
        Event::JoinFailed { reason } => Some(reason),
        _ => None,
    };
    let join = Command::Join { via: vec![address(0)] };
    assert_eq!(outcome(&mut net, PeerIndex(1), join, failure), Failure::AlreadyJoined);
    assert_eq!(outcome(&mut net, PeerIndex(1), Command::Create, failure), Failure::AlreadyJoined);
    let peer = net.add(Node::new(quick()), Host::open(address(50)));
    let join = Command::Join { via: vec![address(50), address(51)] };
    assert_eq!(outcome(&mut net, peer, join, failure), Failure::NoAnswer);
}

#[test]
fn identifiers_can_be_chosen() {
    let id = Id160::hash(b"chosen");
    let config = Config { id: Some(id), ..quick() };
    let mut net = ring(1, Duration::ZERO, &config, checked(10));
    let peer = net.add(Node::new(quick()), Host::open(address(1)));
    net.command(peer, Command::Join { via: vec![address(0)] }, JOIN);
    net.run_for(ROUND);
    let successor = net.peer(peer).member().and_then(|member| member.successors().first());
    assert_eq!(successor.map(|successor| successor.id), Some(id));
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| {
        let mut net = ring(15, Duration::from_millis(300), &quick(), checked(seed));
        net.run_for(ROUND * 5);
        (net.trace_hash(), net.metrics().total())
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11).0, run(12).0);
}

#[test]
fn no_answer_is_longer_than_a_datagram_and_state_is_small() {
    // IPv6 contacts and the longest list are the largest answers there are.
    let config = Config { successors: 20, ..quick() };
    let six = |number: usize| {
        let text = format!("[2001:db8::{number:x}]:4000");
        text.parse().expect("an address")
    };
    let mut net = Net::new(checked(13));
    for number in 0..30 {
        let peer = net.add(Node::new(config.clone()), Host::open(six(number)));
        let via = vec![six(0)];
        net.command(peer, if number == 0 { Command::Create } else { Command::Join { via } }, JOIN);
        net.run_for(Duration::from_secs(1));
    }
    settle(&mut net, ROUND * 30);
    let node = net.peer(PeerIndex(3));
    let member = node.member().expect("a member");
    let largest = overlay_chord::Message::Neighbours {
        request: 0,
        id: member.me().id,
        predecessor: member.predecessor(),
        successors: member.successors().as_slice().to_vec(),
    };
    assert_eq!(member.successors().as_slice().len(), 20);
    assert!(overlay_peer::Wire::encoded_len(&largest) <= overlay_chord::DATAGRAM_LEN);
    let (entries, bytes) = node.footprint();
    assert!(entries <= 20 + 1 + 10 && bytes < 8_000, "{entries} entries, {bytes} bytes");
}
