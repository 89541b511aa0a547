//! A world cut in two, and healed.

use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address};
use overlay_peer::{LinkState, Reason};
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, Underlay, World};
use proptest::prelude::*;

type Net = World<Puppet, NoStore>;

/// Peers 0 and 1 on one side, 2 and 3 on the other, each connected to the next.
fn line() -> Net {
    let config = Config {
        underlay: Underlay::Uniform(Duration::from_millis(20)),
        detect_crash: Duration::from_secs(30),
        checked: true,
        ..Config::default()
    };
    let mut world = World::new(config, NoStore);
    for number in 0..4 {
        world.add(Puppet::default(), Host::open(address(number)));
    }
    for number in 0..3 {
        world.command(PeerIndex(number.into()), Do::Connect(address(number + 1)), Cause::UPKEEP);
    }
    assert!(world.run_until_idle(Duration::from_secs(1)));
    world.drain_events();
    world
}

fn halves(peer: PeerIndex) -> u32 {
    peer.0 / 2
}

fn saw(world: &mut Net) -> Vec<(u32, Saw)> {
    world.drain_events().map(|(_, peer, saw)| (peer.0, saw)).collect()
}

fn closed(reason: Reason) -> Saw {
    Saw::Link(LinkState::Closed(reason))
}

#[test]
fn links_across_time_out_at_both_ends_and_others_stay() {
    let mut world = line();
    world.partition(halves);
    for peer in [1, 2] {
        world.command(PeerIndex(peer), Do::Send(vec![peer as u8]), Cause(1));
    }
    world.run_for(Duration::from_secs(29));
    assert_eq!(saw(&mut world), [(0, Saw::Blob(vec![1])), (3, Saw::Blob(vec![2]))]);
    assert_eq!(world.metrics().dropped(), 2);
    assert!(world.neighbours(PeerIndex(1)).eq([PeerIndex(0)]));
    world.run_for(Duration::from_secs(2));
    let timed_out = closed(Reason::TimedOut);
    assert_eq!(saw(&mut world), [(1, timed_out.clone()), (2, timed_out)]);
}

#[test]
fn connects_across_time_out_until_the_world_heals() {
    let mut world = line();
    world.partition(halves);
    world.command(PeerIndex(0), Do::Connect(address(3)), Cause(1));
    world.command(PeerIndex(3), Do::Connect(address(2)), Cause(1));
    // A port that nobody listens at would be refused, if only it could be reached.
    world.command(PeerIndex(0), Do::Connect(([192, 0, 2, 3], 1).into()), Cause(1));
    world.run_for(Duration::from_secs(10));
    let mut seen = saw(&mut world);
    seen.retain(|(_, saw)| !matches!(saw, Saw::Link(LinkState::Open { .. })));
    let unreachable = closed(Reason::Unreachable);
    assert_eq!(seen, [(0, unreachable.clone()), (0, unreachable)]);
    world.heal();
    world.command(PeerIndex(0), Do::Connect(address(3)), Cause(1));
    world.run_for(Duration::from_secs(10));
    assert!(world.neighbours(PeerIndex(0)).eq([PeerIndex(1), PeerIndex(3)]));
}

#[test]
fn datagrams_across_are_lost() {
    let mut world = line();
    // One is under way when the world is cut.
    world.command(PeerIndex(1), Do::Datagram(address(2), vec![1]), Cause(1));
    world.partition(halves);
    world.command(PeerIndex(1), Do::Datagram(address(2), vec![2]), Cause(1));
    world.command(PeerIndex(1), Do::Datagram(address(0), vec![3]), Cause(1));
    world.run_for(Duration::from_secs(1));
    world.heal();
    world.command(PeerIndex(1), Do::Datagram(address(2), vec![4]), Cause(1));
    world.run_for(Duration::from_secs(1));
    let got: Vec<_> = saw(&mut world)
        .into_iter()
        .map(|(peer, saw)| match saw {
            Saw::Datagram(_, bytes) => (peer, bytes[0]),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(got, [(0, 3), (2, 1), (2, 4)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    /// Whenever a handshake is cut in two, in the end either both sides have the link or neither.
    #[test]
    fn both_ends_agree_in_the_end(
        connects in proptest::collection::vec((0u8..4, 0u8..4, 0u64..60), 1..20),
        cut in 0usize..20,
        heal in 0usize..20,
    ) {
        let mut world = line();
        for (number, (from, to, wait)) in connects.into_iter().enumerate() {
            if number == cut {
                world.partition(halves);
            }
            if number == cut + heal {
                world.heal();
            }
            world.command(PeerIndex(from.into()), Do::Connect(address(to)), Cause(1));
            world.run_for(Duration::from_millis(wait));
        }
        world.run_for(Duration::from_secs(100));
        let count = |a: u32, b: u32| {
            world.neighbours(PeerIndex(a)).filter(|&peer| peer == PeerIndex(b)).count()
        };
        for a in 0..4 {
            for b in 0..4 {
                prop_assert_eq!(count(a, b), count(b, a), "{} and {}", a, b);
            }
        }
        for (peer, puppet) in world.peers() {
            prop_assert_eq!(puppet.links.len(), world.neighbours(peer).count());
        }
    }
}
