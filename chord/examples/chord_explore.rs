//! Explores every state of a small ring under the corrected protocol, with the code that ships: checks
//! the invariants in each, and that the ring becomes ideal from each.
//!
//! `cargo run --release --example chord_explore -- [NODES [LIST [FLAG…]]]`: 4 nodes and lists of 2
//! without arguments. `padded` fills lists up like Zave's model; with `in-flight` messages take their
//! time, one node joins and one fails; with `twice` two of each, so that one may come back.

#[path = "../tests/model/mod.rs"]
mod model;

use std::time::Instant;

use model::in_flight;
use model::shared::{Rules, prove};

#[allow(clippy::disallowed_methods, reason = "a program may look at the clock")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| {
        arguments.get(at).map_or(default, |text| match text.parse() {
            Ok(number) => number,
            Err(_) => exit(&format!("expected a number, found {text:?}")),
        })
    };
    let (n, r) = (number(0, 4), number(1, 2));
    if !(1..=3).contains(&r) || !(r + 1..=8).contains(&n) {
        exit("lists have 1 to 3 entries, and rings one node more, to 8");
    }
    let has = |flag: &str| arguments.iter().skip(2).any(|argument| argument == flag);
    if has("in-flight") {
        return explore_in_flight(n, r, 1 + u8::from(has("twice")));
    }
    let rules = Rules { pad: has("padded"), ..Rules::shipped(n, r) };
    let start = Instant::now();
    let (explored, rounds) = prove(rules);
    println!(
        "{n} nodes, lists of {r}{}: {} states, {} transitions; every invariant holds in each; ideal \
         after {rounds} fair rounds at most ({:.1} s)",
        if rules.pad { ", padded" } else { "" },
        explored.states,
        explored.transitions,
        start.elapsed().as_secs_f64(),
    );
}

#[allow(clippy::disallowed_methods, reason = "a program may look at the clock")]
fn explore_in_flight(n: usize, r: usize, times: u8) {
    let start = Instant::now();
    let rules = in_flight::Rules { n, r, channel: 2 };
    let bounds = in_flight::Bounds { joins: times, fails: times };
    let explored = in_flight::explore(rules, bounds);
    println!(
        "{n} nodes, lists of {r}, at most 2 messages a channel, {bounds:?}: {} states, {} transitions; \
         every invariant holds in each; ideal after {} fair rounds at most ({:.1} s)",
        explored.states,
        explored.transitions,
        explored.rounds,
        start.elapsed().as_secs_f64(),
    );
}

fn exit(why: &str) -> ! {
    eprintln!("error: {why}");
    std::process::exit(2);
}
