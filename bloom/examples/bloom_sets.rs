//! How much two peers have in common, judged by their filters alone: sizes of a union and of an
//! intersection, beside the truth.
//!
//! ```text
//! cargo run --release -p overlay-bloom --example bloom_sets
//! ```

use std::error::Error;

use overlay_bloom::{Params, Standard};

fn main() -> Result<(), Box<dyn Error>> {
    // For the larger of the two sets and their union: a full filter says nothing about sizes.
    let params = Params::for_rate(50_000, 0.01)?;
    println!("two filters of {} KB each", params.m() / 8 / 1000);
    println!(
        "{:>8} {:>8} {:>8} {:>10} {:>8} {:>10}",
        "A", "B", "union", "estimated", "common", "estimated"
    );
    for (a, b, common) in
        [(20_000, 20_000, 10_000), (20_000, 20_000, 1_000), (20_000, 20_000, 0), (30_000, 100, 50)]
    {
        let (mut ours, mut theirs) = (Standard::new(params, 7)?, Standard::new(params, 7)?);
        ours.insert_many(&(0..a).collect::<Vec<u64>>());
        theirs.insert_many(&(a - common..a - common + b).collect::<Vec<u64>>());
        println!(
            "{a:>8} {b:>8} {:>8} {:>10.0} {common:>8} {:>10.0}",
            a + b - common,
            ours.estimate_union(&theirs)?,
            // As noisy as the larger set: few common keys drown, and the sign with them.
            ours.estimate_intersection(&theirs)?,
        );
    }

    // Whether the other has anything new at all is certain in one direction.
    let (mut ours, mut theirs) = (Standard::new(params, 7)?, Standard::new(params, 7)?);
    ours.insert_many(&["madonna", "vivaldi", "bach"]);
    theirs.insert_many(&["madonna", "bach"]);
    println!("{} bits that we have not: nothing new", theirs.ones_of_difference(&ours)?);
    theirs.insert(b"satie");
    println!("{} bits that we have not: something new", theirs.ones_of_difference(&ours)?);

    // Filters of different seeds or sizes do not combine.
    match ours.union(&Standard::new(params, 8)?) {
        Ok(()) => println!("combined"),
        Err(error) => println!("refused: {error}"),
    }
    Ok(())
}
