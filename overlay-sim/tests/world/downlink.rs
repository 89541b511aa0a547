//! Hosts that receive no faster than they can.

use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address, pair, seen};
use overlay_peer::{LinkState, Reason};
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, Underlay, World};
use proptest::prelude::*;

const UNDERLAY: Underlay = Underlay::Uniform(Duration::from_millis(20));

fn config() -> Config {
    Config { underlay: UNDERLAY, checked: true, ..Config::default() }
}

/// 100 messages of 1,000 bytes at 10,000 bytes a second take 10 seconds.
#[test]
fn messages_arrive_at_the_speed_of_the_downlink() {
    let (mut world, a, b) = pair(config());
    world.set_download(b, 10_000);
    let start = world.now();
    for _ in 0..100 {
        world.command(a, Do::Send(vec![7; 998]), Cause(1));
    }
    world.run_for(Duration::from_secs(20));
    let times: Vec<_> = world.drain_events().map(|(at, ..)| (at - start).as_millis()).collect();
    assert_eq!(times.len(), 100);
    // 1 ms to leave at 1 MB/s and 20 ms on the way, then 100 ms each.
    assert!(times.iter().zip(1..).all(|(&at, nth)| at.abs_diff(21 + 100 * nth) <= 1), "{times:?}");
}

/// Two senders share one downlink.
#[test]
fn senders_share_a_downlink() {
    let mut world = World::new(config(), NoStore);
    let peers: Vec<_> =
        (1..=3).map(|n| world.add(Puppet::default(), Host::open(address(n)))).collect();
    world.set_download(peers[2], 10_000);
    for &sender in &peers[..2] {
        world.command(sender, Do::Connect(address(3)), Cause::UPKEEP);
    }
    world.run_for(Duration::from_secs(1));
    world.drain_events();
    let start = world.now();
    for _ in 0..50 {
        for &sender in &peers[..2] {
            world.command(sender, Do::Send(vec![7; 998]), Cause(1));
        }
    }
    world.run_for(Duration::from_secs(20));
    let last = world.drain_events().map(|(at, ..)| at - start).max().unwrap();
    assert!(last.as_millis().abs_diff(10_021) <= 2, "{last:?}");
}

/// What waits at the receiver counts as queued at the sender, which is told to slow down, and told
/// when it may go on; without, the link is closed as slow.
#[test]
fn a_slow_receiver_holds_its_sender_back() {
    let limits =
        Config { congested_above: 20_000, writable_below: 5_000, queue_limit: 60_000, ..config() };
    let (mut world, a, b) = pair(limits.clone());
    world.set_download(b, 10_000);
    let send = |world: &mut World<_, _>, times: u32| {
        for _ in 0..times {
            world.command(a, Do::Send(vec![7; 998]), Cause(1));
            world.run_for(Duration::from_millis(10));
        }
    };
    send(&mut world, 40);
    world.command(a, Do::WhenWritable, Cause(1));
    world.run_for(Duration::from_secs(10));
    let states: Vec<_> =
        seen(&mut world, a).into_iter().filter(|saw| matches!(saw, Saw::Link(_))).collect();
    assert_eq!(states, [Saw::Link(LinkState::Congested), Saw::Link(LinkState::Writable)]);

    let (mut world, a, b) = pair(limits);
    world.set_download(b, 10_000);
    for _ in 0..100 {
        world.command(a, Do::Send(vec![7; 998]), Cause(1));
        world.run_for(Duration::from_millis(10));
    }
    world.run_for(Duration::from_secs(20));
    let saw = seen(&mut world, a);
    assert!(saw.contains(&Saw::Link(LinkState::Closed(Reason::Slow))), "{saw:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    /// A downlink delays, it does not lose, reorder or double: the receiver sees the same on each link
    /// as without, to the link's end; and datagrams arrive, too.
    #[test]
    fn a_downlink_only_delays(
        blobs in proptest::collection::vec((0usize..3_000, 0u64..30, any::<bool>()), 1..60),
        speed in 5_000u64..3_000_000,
    ) {
        let play = |speed: u64| {
            let (mut world, a, b) = pair(config());
            world.set_download(b, speed);
            for (number, &(length, wait, datagram)) in blobs.iter().enumerate() {
                let blob = [vec![number as u8], vec![0; length]].concat();
                let command = match datagram {
                    true => Do::Datagram(address(2), blob),
                    false => Do::Send(blob),
                };
                world.command(a, command, Cause(1));
                world.run_for(Duration::from_millis(wait));
            }
            world.command(a, Do::Close, Cause(1));
            world.run_for(Duration::from_secs(100));
            (seen(&mut world, b), world.metrics().total())
        };
        let ((free, count), (limited, limited_count)) = (play(0), play(speed));
        let stream = |saw: &Vec<Saw>| {
            saw.iter().filter(|saw| !matches!(saw, Saw::Datagram(..))).cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(stream(&free), stream(&limited));
        prop_assert_eq!(free.len(), limited.len());
        prop_assert_eq!(count, limited_count);
    }
}

/// What waits on the downlink of a host without power is lost.
#[test]
fn a_dead_host_takes_nothing_in() {
    let (mut world, a, b) = pair(config());
    world.set_download(b, 1_000);
    world.command(a, Do::Send(vec![7; 998]), Cause(1));
    world.run_for(Duration::from_millis(500));
    world.fail(b);
    world.run_for(Duration::from_secs(10));
    assert_eq!(seen(&mut world, b), []);
    assert_eq!(world.metrics().dropped(), 1);
    assert_eq!(
        world.peers().map(|(peer, _)| peer).collect::<Vec<_>>(),
        [PeerIndex(0), PeerIndex(1)]
    );
}
