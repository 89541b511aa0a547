//! Peers that come back.

use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address, pair, seen};
use overlay_peer::{LinkState, Reason};
use overlay_sim::{Cause, Config, Underlay};
use proptest::prelude::*;

fn config() -> Config {
    let underlay = Underlay::Uniform(Duration::from_millis(20));
    Config { underlay, checked: true, ..Config::default() }
}

#[test]
fn the_caller_chooses_between_the_old_state_and_a_fresh_one() {
    let (mut world, a, b) = pair(config());
    assert!(!world.revive(b, Some(Puppet::default())));
    assert_eq!(world.neighbours(a).count(), 1);
    world.fail(b);
    assert!(world.revive(b, None));
    assert_eq!(world.peer(b).links.len(), 1);
    world.fail(b);
    assert!(world.revive(b, Some(Puppet::default())));
    assert_eq!(world.peer(b).links, []);
    assert!(world.is_alive(b));
    assert_eq!(world.neighbours(b).count(), 0);
}

/// A new link has another number than the old one, so what was under way to that does not get
/// through, and its end does not close the new one.
#[test]
fn old_links_stay_dead() {
    let (mut world, a, b) = pair(config());
    world.command(a, Do::Send(vec![1]), Cause(1));
    world.fail(b);
    world.revive(b, Some(Puppet::default()));
    world.command(b, Do::Connect(address(1)), Cause(1));
    world.run_for(Duration::from_secs(1));
    world.command(a, Do::Send(vec![2]), Cause(1));
    world.run_for(Duration::from_secs(90));
    let blobs: Vec<_> =
        seen(&mut world, b).into_iter().filter(|saw| matches!(saw, Saw::Blob(_))).collect();
    // The second goes out on both of a's links.
    assert_eq!(blobs, [Saw::Blob(vec![2])]);
    assert_eq!(world.metrics().dropped(), 2);
    assert!(world.neighbours(a).eq([b]) && world.neighbours(b).eq([a]));
}

#[test]
fn the_other_end_notices_as_if_the_peer_had_stayed_away() {
    let (mut world, a, b) = pair(config());
    world.fail(b);
    world.revive(b, None);
    world.run_for(Duration::from_secs(59));
    assert_eq!(seen(&mut world, a), []);
    world.run_for(Duration::from_secs(2));
    assert_eq!(seen(&mut world, a), [Saw::Link(LinkState::Closed(Reason::TimedOut))]);
}

#[test]
fn what_was_sent_before_a_process_ends_still_leaves() {
    let (mut world, a, b) = pair(config());
    for number in 0..50 {
        world.command(a, Do::Send(vec![number; 1_000]), Cause(1));
    }
    world.shut_down(a);
    world.run_for(Duration::from_secs(5));
    let saw = seen(&mut world, b);
    assert_eq!(saw.len(), 51);
    assert_eq!(saw[50], Saw::Link(LinkState::Closed(Reason::Remote)));
}

proptest! {
    /// A peer is woken by the timers of the life it is in, at their time, in their order.
    #[test]
    fn old_timers_do_not_wake(
        script in proptest::collection::vec((0u64..20_000, 0u64..4_000, any::<bool>()), 1..40),
    ) {
        let (mut world, _, b) = pair(config());
        let (mut expected, mut set): (Vec<u32>, Vec<(u64, u32)>) = (Vec::new(), Vec::new());
        let mut now = world.now().as_micros() / 1_000;
        let due = |set: &mut Vec<(u64, u32)>, until: u64, expected: &mut Vec<u32>| {
            set.sort();
            let split = set.partition_point(|&(at, _)| at <= until);
            expected.extend(set.drain(..split).map(|(_, timer)| timer));
        };
        for (timer, &(delay, wait, ends)) in (0u32..).zip(&script) {
            world.command(b, Do::Wake(Duration::from_millis(delay), timer), Cause(1));
            set.push((now + delay.max(1), timer));
            world.run_for(Duration::from_millis(wait));
            now += wait;
            due(&mut set, now, &mut expected);
            if ends {
                world.fail(b);
                world.revive(b, None);
                set.clear();
            }
        }
        world.run_for(Duration::from_secs(30));
        due(&mut set, u64::MAX, &mut expected);
        let woken: Vec<u32> = seen(&mut world, b)
            .into_iter()
            .filter_map(|saw| match saw {
                Saw::Wake(timer) => Some(timer),
                _ => None,
            })
            .collect();
        prop_assert_eq!(woken, expected);
    }
}
