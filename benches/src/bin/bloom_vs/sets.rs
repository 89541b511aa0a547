//! Unions of filters of 25 MB, and how many bits are then set.

use std::cell::RefCell;
use std::io;

use overlay_benches::{Bench, Unit};
use overlay_bloom::{Params, Standard};

const KEYS: u64 = 20_000_000;
const M: u64 = 10 * KEYS;
const BYTES: usize = (M / 8) as usize;

/// What its keys are does not matter here, so a tenth of them will do.
fn filter(start: u64) -> Standard {
    let params = Params::new(M, 7).expect("valid parameters");
    let mut filter = Standard::new(params, 1).expect("memory");
    let keys: Vec<u64> = (start..start + KEYS / 10).collect();
    filter.insert_many(&keys);
    filter
}

pub fn run(bench: &mut Bench) -> io::Result<()> {
    let (ours, theirs) = (RefCell::new(filter(0)), filter(KEYS));
    let unit = Unit::MegabytesPerSecond { bytes: BYTES };
    if let Some(mut case) = bench.case("union_25mb", unit) {
        case.ours(|| ours.borrow_mut().union(&theirs));
        #[cfg(feature = "peers")]
        let (mut peer, other) = (crate::peers::some_keys(M, 0), crate::peers::some_keys(M, KEYS));
        #[cfg(feature = "peers")]
        case.peer("fastbloom", move || peer.union(&other));
        let (from, mut to) = (vec![1u64; BYTES / 8], vec![0u64; BYTES / 8]);
        case.other("memcpy", move || to.copy_from_slice(&from));
        bench.run(case)?;
    }
    if let Some(mut case) = bench.case("union_count_25mb", unit) {
        let mut both = ours.borrow().clone();
        both.union(&theirs).expect("the same parameters");
        assert_eq!(ours.borrow_mut().clone().union_count(&theirs), Ok(both.count_ones()));
        case.ours(|| ours.borrow_mut().union_count(&theirs));
        #[cfg(feature = "peers")]
        let (mut peer, other) = (crate::peers::some_keys(M, 0), crate::peers::some_keys(M, KEYS));
        #[cfg(feature = "peers")]
        case.peer("fastbloom", move || {
            peer.union(&other);
            peer.as_slice().iter().map(|word| u64::from(word.count_ones())).sum::<u64>()
        });
        case.other("ours_two_passes", || {
            ours.borrow_mut().union(&theirs).expect("the same parameters");
            ours.borrow().count_ones()
        });
        bench.run(case)?;
    }
    Ok(())
}
