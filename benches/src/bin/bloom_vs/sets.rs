//! Unions of filters, and how many bits are then set: in the first cache, in the second, beyond them.

use std::cell::RefCell;
use std::io;

use overlay_benches::{Bench, Unit};
use overlay_bloom::{Params, Standard};

/// The bytes of a filter, and what its cases are called.
const SIZES: [(usize, &str, &str); 3] = [
    (12_000, "union_12kb", "union_count_12kb"),
    (64_000, "union_64kb", "union_count_64kb"),
    (25_000_000, "union_25mb", "union_count_25mb"),
];

pub fn run(bench: &mut Bench) -> io::Result<()> {
    for (bytes, union, count) in SIZES {
        run_union(bench, bytes, union)?;
        run_count(bench, bytes, count)?;
    }
    Ok(())
}

/// A hundredth as many keys as bits; what they are does not matter here.
fn filter(m: u64, start: u64) -> Standard {
    let params = Params::new(m, 7).expect("valid parameters");
    let mut filter = Standard::new(params, 1).expect("memory");
    filter.insert_many(&(start..start + m / 100).collect::<Vec<u64>>());
    filter
}

fn run_union(bench: &mut Bench, bytes: usize, name: &'static str) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::MegabytesPerSecond { bytes }) else {
        return Ok(());
    };
    let m = 8 * bytes as u64;
    let (mut ours, theirs) = (filter(m, 0), filter(m, m));
    case.ours(move || ours.union(&theirs));
    #[cfg(feature = "peers")]
    let (mut peer, other) = (crate::peers::some_keys(m, 0), crate::peers::some_keys(m, m));
    #[cfg(feature = "peers")]
    case.peer("fastbloom", move || peer.union(&other));
    let (from, mut to) = (vec![1u64; bytes / 8], vec![0u64; bytes / 8]);
    case.other("memcpy", move || to.copy_from_slice(&from));
    bench.run(case)
}

fn run_count(bench: &mut Bench, bytes: usize, name: &'static str) -> io::Result<()> {
    let m = 8 * bytes as u64;
    let (ours, theirs) = (RefCell::new(filter(m, 0)), filter(m, m));
    let Some(mut case) = bench.case(name, Unit::MegabytesPerSecond { bytes }) else {
        return Ok(());
    };
    let mut both = ours.borrow().clone();
    both.union(&theirs).expect("the same parameters");
    assert_eq!(ours.borrow_mut().clone().union_count(&theirs), Ok(both.count_ones()));
    case.ours(|| ours.borrow_mut().union_count(&theirs));
    #[cfg(feature = "peers")]
    let (mut peer, other) = (crate::peers::some_keys(m, 0), crate::peers::some_keys(m, m));
    #[cfg(feature = "peers")]
    case.peer("fastbloom", move || {
        peer.union(&other);
        peer.as_slice().iter().map(|word| u64::from(word.count_ones())).sum::<u64>()
    });
    case.other("ours_two_passes", || {
        ours.borrow_mut().union(&theirs).expect("the same parameters");
        ours.borrow().count_ones()
    });
    case.other("ours_union_alone", || ours.borrow_mut().union(&theirs));
    bench.run(case)
}
