//! Worlds whose peers come and go.

use std::cell::Cell;
use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address};
use overlay_peer::{LinkState, Reason, Time};
use overlay_sim::{
    Cause, Churn, ChurnModel, Config, Distribution, Host, NoStore, PeerIndex, Start, World,
};

type Net = World<Puppet, NoStore>;

fn world(peers: u8, seed: u64) -> Net {
    let mut world = World::new(Config { seed, checked: true, ..Config::default() }, NoStore);
    for number in 0..peers {
        world.add(Puppet::default(), Host::open(address(number)));
    }
    world
}

#[test]
fn a_trace_is_carried_out() {
    let trace = b"# seconds peer change\n2.5 1 down\n4,2,leave\n\n7 1 up\n7 3 up\n";
    let mut churn = Churn::parse_trace(trace).unwrap();
    let up: Vec<bool> = (0..4).map(|peer| churn.starts_up(PeerIndex(peer))).collect();
    assert_eq!(up, [true, true, true, false]);
    let mut world = world(4, 1);
    world.fail(PeerIndex(3));
    for from in 1..=2 {
        world.command(PeerIndex(from), Do::Connect(address(0)), Cause::UPKEEP);
    }
    let join = |world: &mut Net, peer| {
        world.revive(peer, Some(Puppet::default()));
        world.command(peer, Do::Connect(address(0)), Cause::UPKEEP);
    };
    let left = Cell::new(None);
    let leave = |world: &mut Net, peer: PeerIndex| {
        left.set(Some((world.now(), peer)));
        world.command(peer, Do::Send(b"bye".to_vec()), Cause::UPKEEP);
    };
    churn.run(&mut world, Time::from_secs(6), join, leave);
    assert_eq!(left.get(), Some((Time::from_secs(4), PeerIndex(2))));
    assert_eq!(world.now(), Time::from_secs(6));
    assert!(!world.is_alive(PeerIndex(1)) && !world.is_alive(PeerIndex(2)));
    churn.run(&mut world, Time::from_secs(80), join, leave);
    assert!(world.is_alive(PeerIndex(1)) && world.is_alive(PeerIndex(3)));
    let ends: Vec<_> = world
        .drain_events()
        .filter(|(_, peer, saw)| {
            *peer == PeerIndex(0) && !matches!(saw, Saw::Link(LinkState::Open { .. }))
        })
        .map(|(at, _, saw)| (at.as_micros() / 1_000_000, saw))
        .collect();
    let closed = |reason| Saw::Link(LinkState::Closed(reason));
    // The crash was at 2.5 s, and is noticed a minute later.
    assert_eq!(
        ends,
        [
            (4, Saw::Blob(b"bye".to_vec())),
            (4, closed(Reason::Remote)),
            (62, closed(Reason::TimedOut)),
        ]
    );
    assert_eq!(churn.next(), None);
}

/// The share of peers that are up is the sessions' part of sessions and pauses, from the start on.
#[test]
fn a_steady_start_is_steady() {
    let model = ChurnModel {
        sessions: Distribution::Pareto { shape: 1.5, scale: 20.0 },
        pauses: Distribution::Exponential { mean: 40.0 },
        graceful: 0.5,
        start: Start::Steady,
    };
    let (peers, runs) = (200u8, 10);
    let mut up_at = [0usize; 4];
    for seed in 0..runs {
        let mut churn = Churn::drawn(model.clone(), peers.into(), seed).starting_at(Time::ZERO);
        let mut world = world(peers, seed);
        for peer in (0..peers.into()).map(PeerIndex) {
            if !churn.starts_up(peer) {
                world.fail(peer);
            }
        }
        for (index, up) in up_at.iter_mut().enumerate() {
            let end = Time::from_secs(100 * index as u64);
            let revive = |world: &mut Net, peer| assert!(world.revive(peer, None));
            churn.run(&mut world, end, revive, |_, _| {});
            *up += (0..peers.into()).filter(|&peer| world.is_alive(PeerIndex(peer))).count();
        }
    }
    // Sessions of 60 s, pauses of 40 s; five standard deviations of 2,000 peers.
    for up in up_at {
        let share = up as f64 / (f64::from(peers) * runs as f64);
        assert!((share - 0.6).abs() < 5.0 * (0.6 * 0.4 / 2_000.0f64).sqrt(), "{up_at:?}");
    }
}

#[test]
fn same_seed_same_churn_of_the_world() {
    let play = |seed| {
        let model = ChurnModel {
            sessions: Distribution::Weibull { shape: 0.6, scale: 30.0 },
            pauses: Distribution::LogNormal { mu: 2.0, sigma: 1.0 },
            graceful: 0.3,
            start: Start::AllUp,
        };
        let mut churn = Churn::drawn(model, 20, seed);
        let mut world = world(20, 7);
        let join = |world: &mut Net, peer: PeerIndex| {
            world.revive(peer, Some(Puppet::default()));
            world.command(peer, Do::Connect(address((peer.0 as u8 + 1) % 20)), Cause::UPKEEP);
        };
        let leave = |world: &mut Net, peer| world.command(peer, Do::Send(vec![0]), Cause(1));
        churn.run(&mut world, Time::ZERO + Duration::from_secs(600), join, leave);
        (world.trace_hash(), world.metrics().total())
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1).0, play(2).0);
}
