//! Tells duplicates in a stream without end, in fixed memory: a node of a flooded network gets each
//! query from several neighbours, and passes it on once.
//!
//! ```text
//! cargo run --release -p overlay-bloom --example bloom_dedup
//! ```

use std::collections::HashSet;
use std::error::Error;

use overlay_bloom::{Ageing, Params};

/// Between a query and its last copy come fewer different ones than this, new and old together.
const LATEST: u64 = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    // Half the rate we can bear, since there are two generations. The identifiers are chosen by
    // strangers, so they are hashed with a secret: nobody can make ones that look like others.
    let params = Params::for_rate(LATEST, 0.5e-4)?;
    let secret = *b"random, in truth";
    let mut seen = Ageing::keyed(params, secret)?;

    let (mut passed_on, mut dropped) = (0, 0);
    let mut truth = HashSet::new();
    let (mut missed, mut mistaken) = (0, 0);
    for id in stream(200_000) {
        // The caller says when to forget. By count, as here, or when a timer fires.
        if seen.count() >= LATEST {
            seen.age();
        }
        let new = seen.insert(&id);
        if new {
            passed_on += 1;
        } else {
            dropped += 1;
        }
        match (new, truth.insert(id)) {
            (true, false) => missed += 1,
            (false, true) => mistaken += 1,
            _ => {}
        }
    }
    println!("{passed_on} queries passed on, {dropped} copies dropped");
    println!("{missed} copies taken for new, {mistaken} new ones taken for copies");
    println!(
        "{} KB of bits; the exact set has {} KB of identifiers alone, and grows",
        2 * params.m() / 8 / 1000,
        truth.len() * 16 / 1000
    );
    Ok(())
}

/// New identifiers, every third followed by copies of earlier ones.
fn stream(len: u64) -> impl Iterator<Item = [u8; 16]> {
    let identifier = |n: u64| {
        let mut bytes = [7; 16];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        bytes
    };
    (0..len).flat_map(move |n| {
        let copies = if n % 3 == 0 { [1, 40, LATEST / 2].as_slice() } else { &[] };
        let earlier = copies.iter().filter_map(move |back| n.checked_sub(*back));
        [n].into_iter().chain(earlier).map(identifier)
    })
}
