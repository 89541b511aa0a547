//! Laws of the world, over random scripts of commands.

use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address};
use overlay_peer::Time;
use overlay_sim::{
    Cause, Config, Host, NoStore, PeerIndex, Position, World, busiest, random_share,
};
use proptest::prelude::*;

const PEERS: u8 = 5;

#[derive(Clone, Debug)]
struct Step {
    peer: u8,
    command: Do,
    wait: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let blob = proptest::collection::vec(any::<u8>(), 0..300);
    let command = prop_oneof![
        (1..=PEERS).prop_map(|to| Do::Connect(address(to))),
        blob.clone().prop_map(Do::Send),
        (1..=PEERS, blob).prop_map(|(to, blob)| Do::Datagram(address(to), blob)),
        Just(Do::Close),
        any::<bool>().prop_map(Do::Pause),
        Just(Do::WhenWritable),
        (0u64..3_000, any::<u32>())
            .prop_map(|(delay, timer)| Do::Wake(Duration::from_millis(delay), timer)),
        Just(Do::Draw),
    ];
    (1..=PEERS, command, 0u64..400).prop_map(|(peer, command, wait)| Step { peer, command, wait })
}

fn build(config: Config) -> World<Puppet, NoStore> {
    let mut world = World::new(config, NoStore);
    for number in 1..=PEERS {
        let place = Position { x: u16::from(number) * 9_000, y: u16::from(number % 3) * 20_000 };
        let puppet = Puppet { bounces: number % 2 == 0, ..Puppet::default() };
        world.add(puppet, Host::open(address(number)).with_upload(20_000).at(place));
    }
    world
}

type Seen = Vec<(Time, PeerIndex, Saw)>;

fn play(world: &mut World<Puppet, NoStore>, script: &[Step]) -> Seen {
    for (number, step) in script.iter().enumerate() {
        let peer = PeerIndex(u32::from(step.peer - 1));
        world.command(peer, step.command.clone(), Cause(number as u8 % 3));
        world.run_for(Duration::from_millis(step.wait));
    }
    world.run_for(Duration::from_secs(30));
    world.drain_events().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn same_seed_same_trace(seed: u64, script in proptest::collection::vec(step(), 1..40)) {
        let config = Config { seed, datagram_loss: 0.2, ..Config::default() };
        let (mut first, mut second) = (build(config.clone()), build(config));
        prop_assert_eq!(play(&mut first, &script), play(&mut second, &script));
        prop_assert_eq!(first.trace_hash(), second.trace_hash());
    }

    #[test]
    fn making_room_and_shrinking_change_nothing(
        script in proptest::collection::vec(step(), 1..40),
        cut in 0usize..40,
        links in 0usize..6,
        checked: bool,
    ) {
        let config = Config { checked, ..Config::default() };
        let (mut plain, mut tight) = (build(config.clone()), build(config));
        tight.reserve(3, 7);
        for peer in (0..u32::from(PEERS)).map(PeerIndex) {
            tight.reserve_links(peer, links);
        }
        let (before, after) = script.split_at(cut.min(script.len()));
        prop_assert_eq!(play(&mut plain, before), play(&mut tight, before));
        tight.shrink_to_fit();
        tight.reserve_links(PeerIndex(1), links + 2);
        prop_assert_eq!(play(&mut plain, after), play(&mut tight, after));
        prop_assert_eq!(plain.trace_hash(), tight.trace_hash());
    }

    #[test]
    fn checked_mode_changes_nothing(script in proptest::collection::vec(step(), 1..40)) {
        let config = |checked| Config { checked, ..Config::default() };
        let (mut plain, mut checked) = (build(config(false)), build(config(true)));
        prop_assert_eq!(play(&mut plain, &script), play(&mut checked, &script));
        prop_assert_eq!(plain.trace_hash(), checked.trace_hash());
        prop_assert_eq!(plain.metrics().total(), checked.metrics().total());
    }

    #[test]
    fn a_clone_has_the_same_future(
        before in proptest::collection::vec(step(), 1..20),
        after in proptest::collection::vec(step(), 1..20),
    ) {
        let mut world = build(Config { datagram_loss: 0.1, ..Config::default() });
        for step in &before {
            world.command(PeerIndex(u32::from(step.peer - 1)), step.command.clone(), Cause(1));
        }
        world.run_for(Duration::from_millis(100));
        world.drain_events();
        let mut clone = world.clone();
        prop_assert_eq!(play(&mut world, &after), play(&mut clone, &after));
        prop_assert_eq!(world.trace_hash(), clone.trace_hash());
    }

    #[test]
    fn a_link_keeps_the_order(blobs in proptest::collection::vec(0usize..3_000, 1..60)) {
        let mut world = build(Config::default());
        let (a, b) = (PeerIndex(0), PeerIndex(2));
        world.command(a, Do::Connect(address(3)), Cause(1));
        world.run_for(Duration::from_secs(1));
        world.drain_events();
        for (number, length) in blobs.iter().enumerate() {
            let mut blob = vec![number as u8; 1];
            blob.resize(1 + length, 0);
            world.command(a, Do::Send(blob), Cause(1));
        }
        world.run_for(Duration::from_secs(60));
        let order: Vec<u8> = world
            .drain_events()
            .filter_map(|(_, who, saw)| match saw {
                Saw::Blob(blob) if who == b => Some(blob[0]),
                _ => None,
            })
            .collect();
        prop_assert_eq!(order, (0..blobs.len() as u8).collect::<Vec<_>>());
    }

    #[test]
    fn a_random_share_is_a_sorted_set_of_the_right_size(
        peers in 1u32..500,
        share in 0.0f64..=1.0,
        seed: u64,
    ) {
        let chosen = random_share(peers, share, &mut overlay_peer::Pcg32::new(seed, 1));
        prop_assert_eq!(chosen.len(), (f64::from(peers) * share).round() as usize);
        prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(chosen.iter().all(|peer| peer.0 < peers));
    }

    #[test]
    fn nobody_spared_is_busier_than_the_busiest(
        load in proptest::collection::vec(0u64..50, 1..200),
        share in 0.0f64..=1.0,
    ) {
        let chosen = busiest(&load, share);
        let least = chosen.iter().map(|peer| load[peer.as_usize()]).min().unwrap_or(0);
        for (peer, &load) in load.iter().enumerate() {
            prop_assert!(chosen.contains(&PeerIndex(peer as u32)) || load <= least);
        }
    }
}

#[test]
fn different_seeds_draw_different_numbers() {
    let draw = |seed| {
        let mut world = build(Config { seed, ..Config::default() });
        play(&mut world, &[Step { peer: 1, command: Do::Draw, wait: 0 }])
    };
    assert_ne!(draw(1), draw(2));
}

#[test]
fn everything_is_counted_under_the_cause_it_follows_from() {
    let mut world = build(Config { checked: true, ..Config::default() });
    world.command(PeerIndex(0), Do::Connect(address(2)), Cause(1));
    world.run_for(Duration::from_secs(1));
    world.command(PeerIndex(0), Do::Send(vec![0; 10]), Cause(2));
    // Peer 1 bounces it back, which follows from the same command.
    world.command(PeerIndex(0), Do::Send(vec![3; 20]), Cause(3));
    world.run_for(Duration::from_secs(1));
    let metrics = world.metrics();
    assert_eq!(metrics.by_cause(Cause(2)).messages, 1);
    assert_eq!(metrics.by_cause(Cause(2)).bytes, 12);
    assert_eq!(metrics.by_cause(Cause(3)).messages, 2);
    assert_eq!(metrics.by_cause(Cause(3)).bytes, 44);
    assert_eq!(metrics.count(Cause(3), 2).bytes, 22);
    assert_eq!(metrics.total().messages, 3);
    assert_eq!(world.received(), [1, 2, 0, 0, 0]);
}
