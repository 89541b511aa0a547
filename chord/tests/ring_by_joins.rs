//! A ring that grows, shrinks and loses nodes, under the corrected protocol.
#![cfg(feature = "peer")]

mod support;

use std::time::Duration;

use overlay_chord::{Command, Event, Id160, Node};
use overlay_peer::Time;
use overlay_sim::{Host, PeerIndex};
use support::{JOIN, address, checked, flaws, ideal, members, outcome, quick, ring, settle};

const ROUND: Duration = Duration::from_secs(4);

#[test]
fn joined_one_after_the_other_the_ring_is_ideal_within_two_rounds() {
    let mut net = ring(40, Duration::from_secs(2), &quick(), checked(1));
    assert_eq!(members(&net).len(), 40);
    let took = settle(&mut net, ROUND * 8);
    println!("40 joins, 2 s apart: ideal {took:?} after the last");
}

#[test]
fn joined_all_at_once_the_ring_is_ideal_within_ten_rounds() {
    let mut net = ring(40, Duration::ZERO, &quick(), checked(2));
    net.run_for(ROUND);
    let took = settle(&mut net, ROUND * 10);
    println!("40 joins at once: ideal {took:?} after the first round");
    assert_eq!(members(&net).len(), 40);
}
