//! Datagrams get lost, doubled, late and out of order, in the shares asked for.

use std::time::Duration;

use crate::puppet::{Do, Saw, address, pair, seen};
use overlay_sim::{Cause, Config, Underlay};

const SENT: u16 = 4_000;

/// The numbers of the datagrams that arrived, in the order they did, of so many sent 5 ms apart.
fn arrivals(config: Config) -> Vec<u16> {
    let underlay = Underlay::Uniform(Duration::from_millis(20));
    let (mut world, a, b) = pair(Config { underlay, seed: 3, ..config });
    for number in 0..SENT {
        let datagram = Do::Datagram(address(2), number.to_be_bytes().to_vec());
        world.command(a, datagram, Cause(1));
        world.run_for(Duration::from_millis(5));
    }
    world.run_for(Duration::from_secs(2));
    let number = |saw| match saw {
        Saw::Datagram(from, bytes) if from == address(1) => {
            Some(u16::from_be_bytes([bytes[0], bytes[1]]))
        }
        _ => None,
    };
    seen(&mut world, b).into_iter().filter_map(number).collect()
}

/// Five standard deviations around the share of what was sent.
fn is_share(count: usize, share: f64) -> bool {
    let expected = share * f64::from(SENT);
    (count as f64 - expected).abs() < 5.0 * (expected * (1.0 - share)).sqrt()
}

#[test]
fn nothing_happens_unless_asked_for() {
    assert!(arrivals(Config::default()).into_iter().eq(0..SENT));
}

#[test]
fn the_share_asked_for_is_lost() {
    let arrived = arrivals(Config { datagram_loss: 0.3, ..Config::default() });
    assert!(is_share(arrived.len(), 0.7), "{} arrived", arrived.len());
    assert!(arrived.is_sorted());
}

#[test]
fn the_share_asked_for_comes_twice() {
    let mut arrived = arrivals(Config { datagram_duplicates: 0.2, ..Config::default() });
    let twice = arrived.len() - usize::from(SENT);
    assert!(is_share(twice, 0.2), "{twice} came twice");
    arrived.dedup();
    assert!(arrived.into_iter().eq(0..SENT));
}

#[test]
fn the_share_asked_for_is_overtaken() {
    let hold = Duration::from_millis(7);
    let config = Config { datagram_reorder: 0.1, datagram_hold: hold, ..Config::default() };
    let arrived = arrivals(config);
    // 7 ms late lets exactly the next one, 5 ms later, pass, unless that is late itself.
    let overtaken = arrived.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(is_share(overtaken, 0.1 * 0.9), "{overtaken} were overtaken");
    assert_eq!(arrived.len(), usize::from(SENT));
}

#[test]
fn jitter_beyond_the_gap_changes_the_order() {
    let jitter = |ms| Config { datagram_jitter: Duration::from_millis(ms), ..Config::default() };
    // Late by less than the gap of 5 ms, they stay in order.
    assert!(arrivals(jitter(4)).into_iter().eq(0..SENT));
    let arrived = arrivals(jitter(40));
    assert!(!arrived.is_sorted());
    let off = |(place, &number): (usize, &u16)| place.abs_diff(usize::from(number));
    assert!(arrived.iter().enumerate().map(off).max() <= Some(8));
}

/// What comes on a link comes in order, and once, whatever datagrams suffer.
#[test]
fn streams_stay_in_order() {
    let config = Config {
        datagram_loss: 0.3,
        datagram_duplicates: 0.3,
        datagram_reorder: 0.3,
        datagram_jitter: Duration::from_millis(50),
        ..Config::default()
    };
    let (mut world, a, b) = pair(config);
    for number in 0..200 {
        world.command(a, Do::Send(vec![number]), Cause(1));
        world.run_for(Duration::from_millis(3));
    }
    world.run_for(Duration::from_secs(1));
    let blobs: Vec<_> = (0..200).map(|number| Saw::Blob(vec![number])).collect();
    assert_eq!(seen(&mut world, b), blobs);
}
