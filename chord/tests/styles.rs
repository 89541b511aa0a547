//! Ways to look up: by successors, fingers and full tables; one question at a time, several, or passed
//! on; and several nodes on one host.
#![cfg(feature = "peer")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use overlay_chord::{Command, Config, Event, Id160, LookupStyle, Node, Routing};
use overlay_sim::{Host, PeerIndex, Position};
use support::{JOIN, Net, address, checked, ideal, members, outcome, quick, ring, settle};

const ROUND: Duration = Duration::from_secs(4);
const NODES: usize = 32;

fn settled(config: &Config, seed: u64) -> Net {
    let mut net = ring(NODES, Duration::from_secs(1), config, checked(seed));
    settle(&mut net, ROUND * 8);
    net.run_for(ROUND * 40);
    net
}

/// Looks up `lookups` keys from all over the ring, each of which has to come to its owner; mean hops.
fn mean_hops(net: &mut Net, lookups: u32) -> f64 {
    let (ring, mut sum) = (ideal(net), 0);
    let from: Vec<_> = members(net);
    for request in 0..lookups {
        let key = Id160::hash(&request.to_be_bytes());
        let (peer, _) = from[request as usize % from.len()];
        let command = Command::Lookup { request, key };
        let (hops, owner) = outcome(net, peer, command, |event| match event {
            Event::Found { request: which, hops, owner, .. } if which == request => {
                Some((hops, owner))
            }
            Event::Failed { reason, .. } => panic!("lookup {request} failed: {reason}"),
            _ => None,
        });
        assert_eq!(owner.id, ring.owner(key));
        sum += hops;
    }
    f64::from(sum) / f64::from(lookups)
}

#[test]
fn the_more_a_node_knows_the_fewer_hops() {
    let by = |routing| {
        let mut net = settled(&Config { routing, ..quick() }, 21);
        let known = net.peers().map(|(_, node)| node.fingers().as_slice().len()).max();
        (mean_hops(&mut net, 200), known.unwrap_or(0))
    };
    let (successor, finger, full) =
        (by(Routing::Successor), by(Routing::Finger), by(Routing::Full));
    println!("successor {successor:?}, finger {finger:?}, full {full:?}");
    // N/2 by successors, at most one hop by a full table, and fingers in between.
    assert!((successor.0 - NODES as f64 / 2.0).abs() < 2.0, "{successor:?}");
    assert!(finger.0 < 3.0 && full.0 <= 1.0, "{finger:?} {full:?}");
    assert_eq!(full.1, NODES - 1, "everybody else");
    assert!(finger.1 <= 9);
}

#[test]
fn lookups_may_be_passed_on_or_ask_several_at_once() {
    for lookup in [LookupStyle::Recursive, LookupStyle::Iterative { parallel: 3 }] {
        let mut net = settled(&Config { lookup, ..quick() }, 22);
        let hops = mean_hops(&mut net, 200);
        println!("{lookup:?}: {hops}");
        assert!(hops < 5.0);
        // With every sixth node dead, and nobody told.
        for peer in (0..NODES as u32).step_by(6) {
            net.fail(PeerIndex(peer));
        }
        mean_hops(&mut net, 100);
    }
}

#[test]
fn passed_on_and_asked_for_lookups_visit_the_same_nodes() {
    let by = |lookup| mean_hops(&mut settled(&Config { lookup, ..quick() }, 23), 100);
    let (iterative, recursive) =
        (by(LookupStyle::Iterative { parallel: 1 }), by(LookupStyle::Recursive));
    assert!((iterative - recursive).abs() < 0.15, "{iterative} and {recursive}");
}

#[test]
fn near_fingers_make_lookups_faster() {
    let by = |proximity| {
        let config = Config { proximity, ..quick() };
        let mut net = Net::new(checked(25));
        for number in 0..NODES {
            // All over the plane, in no order.
            let [x, y] = [7_919, 104_729].map(|by| (number * by + 1_000) as u16);
            let host = Host::open(address(number)).at(Position { x, y });
            let peer = net.add(Node::new(config.clone()), host);
            let join = Command::Join { via: vec![address(0)] };
            net.command(peer, if number == 0 { Command::Create } else { join }, JOIN);
            net.run_for(Duration::from_secs(1));
        }
        settle(&mut net, ROUND * 12);
        net.run_for(ROUND * 40);
        let (mut delay, mut count) = (Duration::ZERO, 0);
        for (peer, _) in members(&net) {
            for finger in net.peer(peer).fingers().as_slice() {
                let other = members(&net).into_iter().find(|(_, me)| me == finger);
                delay += net.direct_delay(peer, other.expect("it lives").0);
                count += 1;
            }
        }
        (delay / count, mean_hops(&mut net, 200))
    };
    let (exact, near) = (by(false), by(true));
    println!("mean delay to a finger and mean hops: exact {exact:?}, near {near:?}");
    assert!(near.0 < exact.0, "{near:?} {exact:?}");
    assert!(near.1 < exact.1 * 1.5 + 0.5);
}

/// Virtual nodes: one host is several members, each with a port and so an identifier of its own.
#[test]
fn a_host_may_be_several_nodes() {
    let mut net = Net::new(checked(24));
    let at = |host: u8, port: u16| SocketAddr::from(([10, 0, 0, host], 4000 + port));
    for host in 1..=6 {
        for port in 0..4 {
            let peer = net.add(Node::new(quick()), Host::open(at(host, port)));
            let first = (host, port) == (1, 0);
            let join = Command::Join { via: vec![at(1, 0)] };
            net.command(peer, if first { Command::Create } else { join }, JOIN);
            net.run_for(Duration::from_secs(1));
        }
    }
    settle(&mut net, ROUND * 12);
    assert_eq!(members(&net).len(), 24);
    mean_hops(&mut net, 60);
    // A whole host fails at once; its nodes are not neighbours, so nobody loses many successors.
    for peer in 8..12 {
        net.fail(PeerIndex(peer));
    }
    settle(&mut net, ROUND * 15);
    assert_eq!(members(&net).len(), 20);
}
