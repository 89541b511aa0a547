//! Links, their queues and their ends.

use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address, pair, seen};
use overlay_peer::{LinkState, Reason};
use overlay_sim::{Cause, Config, Host, NoStore, Underlay, World};

const SECOND: Duration = Duration::from_secs(1);

fn checked() -> Config {
    Config {
        checked: true,
        underlay: Underlay::Uniform(Duration::from_millis(20)),
        ..Config::default()
    }
}

#[test]
fn a_message_takes_its_length_over_the_upload_and_the_delay() {
    let mut world = World::new(checked(), NoStore);
    let a = world.add(Puppet::default(), Host::open(address(1)).with_upload(1_000));
    let b = world.add(Puppet::default(), Host::open(address(2)));
    world.command(a, Do::Connect(address(2)), Cause::UPKEEP);
    world.run_for(SECOND);
    world.drain_events();
    let start = world.now();
    world.command(a, Do::Send(vec![0; 98]), Cause(1));
    world.run_for(SECOND);
    let (at, who, saw) = world.drain_events().next().expect("it arrives");
    assert_eq!((who, saw), (b, Saw::Blob(vec![0; 98])));
    // 100 bytes at 1,000 a second, then 20 ms.
    assert_eq!(at - start, Duration::from_millis(120));
}

#[test]
fn a_refused_and_an_unreachable_connect_say_so() {
    let (mut world, a, _) = pair(checked());
    let closed_port = ([192, 0, 2, 2], 1).into();
    world.command(a, Do::Connect(closed_port), Cause::UPKEEP);
    world.command(a, Do::Connect(address(77)), Cause::UPKEEP);
    world.run_for(SECOND);
    assert_eq!(seen(&mut world, a), [Saw::Link(LinkState::Closed(Reason::Refused))]);
    world.run_for(3 * SECOND);
    assert_eq!(seen(&mut world, a), [Saw::Link(LinkState::Closed(Reason::Unreachable))]);
}

#[test]
fn close_sends_what_is_queued_and_tells_the_other_side_only() {
    let (mut world, a, b) = pair(checked());
    world.command(a, Do::Send(vec![7; 50_000]), Cause(1));
    world.command(a, Do::Close, Cause(1));
    world.run_for(SECOND);
    let events: Vec<_> = world.drain_events().collect();
    assert!(events.iter().all(|(_, who, _)| *who == b));
    let saw: Vec<_> = events.into_iter().map(|(_, _, saw)| saw).collect();
    assert_eq!(saw, [Saw::Blob(vec![7; 50_000]), Saw::Link(LinkState::Closed(Reason::Remote))]);
}

#[test]
fn a_crash_is_noticed_late_and_an_end_at_once() {
    let (world, a, b) = pair(checked());
    let mut crashed = world.clone();
    crashed.fail(b);
    crashed.command(a, Do::Send(vec![1]), Cause(1));
    crashed.run_for(59 * SECOND);
    assert_eq!(seen(&mut crashed, a), []);
    assert_eq!(crashed.metrics().dropped(), 1);
    crashed.run_for(2 * SECOND);
    assert_eq!(seen(&mut crashed, a), [Saw::Link(LinkState::Closed(Reason::TimedOut))]);
    crashed.command(a, Do::Connect(address(2)), Cause::UPKEEP);
    crashed.run_for(4 * SECOND);
    assert_eq!(seen(&mut crashed, a), [Saw::Link(LinkState::Closed(Reason::Unreachable))]);

    let mut ended = world;
    ended.shut_down(b);
    ended.run_for(SECOND);
    assert_eq!(seen(&mut ended, a), [Saw::Link(LinkState::Closed(Reason::Remote))]);
}

#[test]
fn a_full_queue_congests_and_then_drains() {
    let (mut world, a, b) = pair(checked());
    for _ in 0..10 {
        world.command(a, Do::Send(vec![1; 60_000]), Cause(1));
    }
    world.command(a, Do::WhenWritable, Cause(1));
    world.run_for(5 * SECOND);
    let mut events: Vec<_> = world.drain_events().collect();
    let blobs = events.iter().filter(|(_, who, _)| *who == b).count();
    events.retain(|(_, who, _)| *who == a);
    let saw: Vec<_> = events.into_iter().map(|(_, _, saw)| saw).collect();
    assert_eq!(blobs, 10);
    assert_eq!(saw, [Saw::Link(LinkState::Congested), Saw::Link(LinkState::Writable)]);
}

#[test]
fn who_does_not_read_is_cut_off_and_memory_is_bounded() {
    let config = Config { queue_limit: 1 << 20, ..checked() };
    let (mut world, a, b) = pair(config);
    world.command(b, Do::Pause(true), Cause(1));
    for _ in 0..100 {
        world.command(a, Do::Send(vec![1; 60_000]), Cause(1));
        world.run_for(SECOND);
    }
    let saw: Vec<_> = world.drain_events().collect();
    assert!(
        saw.iter().any(|(_, who, saw)| {
            *who == a && *saw == Saw::Link(LinkState::Closed(Reason::Slow))
        })
    );
    assert!(!saw.iter().any(|(_, who, saw)| *who == b && matches!(saw, Saw::Blob(_))));
}

#[test]
fn a_pause_holds_messages_back_in_order_and_the_close_behind_them() {
    let (mut world, a, b) = pair(checked());
    world.command(b, Do::Pause(true), Cause(1));
    for number in 1..=3 {
        world.command(a, Do::Send(vec![number]), Cause(1));
    }
    world.command(a, Do::Close, Cause(1));
    world.run_for(SECOND);
    assert_eq!(seen(&mut world, b), []);
    world.command(b, Do::Pause(false), Cause(1));
    world.run_for(SECOND);
    let closed = Saw::Link(LinkState::Closed(Reason::Remote));
    let blob = |number| Saw::Blob(vec![number]);
    assert_eq!(seen(&mut world, b), [blob(1), blob(2), blob(3), closed]);
}

#[test]
fn what_is_no_message_in_the_receivers_phase_closes_the_link() {
    let (mut world, a, b) = pair(checked());
    world.command(b, Do::Refuse, Cause(1));
    world.command(a, Do::Send(vec![1]), Cause(1));
    world.run_for(SECOND);
    let saw: Vec<_> = world.drain_events().map(|(_, who, saw)| (who, saw)).collect();
    let closed = |reason| Saw::Link(LinkState::Closed(reason));
    assert_eq!(saw, [(b, closed(Reason::Malformed)), (a, closed(Reason::Remote))]);
    assert_eq!(world.metrics().malformed(), 1);
}

#[test]
fn stored_outcomes_come_back() {
    let (mut world, a, _) = pair(checked());
    world.command(a, Do::Read(overlay_peer::Object(1), 0, 10), Cause(1));
    world.command(a, Do::Write(overlay_peer::Object(1), 0, bytes::Bytes::new()), Cause(1));
    world.run_for(SECOND);
    let stored = |error| Saw::Stored(Err(error));
    let expected =
        [stored(overlay_peer::StoreError::NotFound), stored(overlay_peer::StoreError::Full)];
    assert_eq!(seen(&mut world, a), expected);
}

#[test]
fn what_was_meant_for_a_closed_link_does_not_reach_the_next_one_in_its_slot() {
    let mut world = World::new(checked(), NoStore);
    let a = world.add(Puppet::default(), Host::open(address(1)));
    let b = world.add(Puppet { bounces: true, ..Puppet::default() }, Host::open(address(2)));
    world.command(a, Do::Connect(address(2)), Cause::UPKEEP);
    world.run_for(SECOND);
    world.drain_events();
    world.command(a, Do::Send(vec![1]), Cause(1));
    world.command(a, Do::Close, Cause(1));
    world.command(a, Do::Connect(address(2)), Cause(1));
    world.run_for(SECOND);
    let saw: Vec<_> = world.drain_events().map(|(_, who, saw)| (who, saw)).collect();
    assert!(saw.contains(&(b, Saw::Blob(vec![1]))), "it was sent before the close");
    assert!(!saw.iter().any(|(who, saw)| *who == a && matches!(saw, Saw::Blob(_))), "{saw:?}");
    assert_eq!(world.metrics().dropped(), 1, "the answer");
}

#[test]
fn within_a_tick_links_have_their_order_whoever_sends_first() {
    for sends_first in [1, 2] {
        let mut world = World::new(checked(), NoStore);
        let hub = world.add(Puppet::default(), Host::open(address(1)));
        let others = [2, 3].map(|last| world.add(Puppet::default(), Host::open(address(last))));
        for to in [2, 3] {
            world.command(hub, Do::Connect(address(to)), Cause::UPKEEP);
            world.run_for(SECOND);
        }
        world.drain_events();
        let order = if sends_first == 1 { [0, 1] } else { [1, 0] };
        for sender in order {
            world.command(others[sender], Do::Send(vec![sender as u8]), Cause(1));
            world.command(others[sender], Do::Datagram(address(1), vec![sender as u8]), Cause(1));
        }
        world.run_for(SECOND);
        let saw = seen(&mut world, hub);
        let datagram = |sender: u8| Saw::Datagram(address(2 + sender), vec![sender]);
        let expected = [Saw::Blob(vec![0]), Saw::Blob(vec![1]), datagram(0), datagram(1)];
        assert_eq!(saw, expected, "peer {sends_first} sends first");
    }
}

#[test]
fn who_reads_after_a_pause_is_not_cut_off_later() {
    let (mut world, a, b) = pair(Config { queue_limit: 200_000, ..checked() });
    for _ in 0..20 {
        world.command(b, Do::Pause(true), Cause(1));
        world.command(a, Do::Send(vec![1; 50_000]), Cause(1));
        world.run_for(SECOND);
        world.command(b, Do::Pause(false), Cause(1));
        world.run_for(SECOND);
    }
    let saw: Vec<_> = world.drain_events().collect();
    assert_eq!(
        saw.iter().filter(|(_, who, saw)| *who == b && matches!(saw, Saw::Blob(_))).count(),
        20
    );
    assert!(!saw.iter().any(|(_, _, saw)| matches!(saw, Saw::Link(LinkState::Closed(_)))));
}
