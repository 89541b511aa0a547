//! Filters that many threads fill: fresh keys into an empty filter, by one thread and by two.

use std::io;
use std::thread;

use overlay_benches::{Bench, Unit};
use overlay_bloom::{Concurrent, Params};

use crate::keys::BenchKey;

/// Keys, and what the cases are called for one thread and for two.
const SIZES: [(u64, &str, &str); 2] = [
    (10_000, "concurrent_insert_10k", "concurrent_insert_10k_2_threads"),
    (1_000_000, "concurrent_insert_1m", "concurrent_insert_1m_2_threads"),
];

/// A new filter for each run, so that all keys are fresh; all make one, and its bits all zero.
pub fn run(bench: &mut Bench) -> io::Result<()> {
    for (n, alone, together) in SIZES {
        let m = 10 * n;
        let params = Params::new(m, 7).expect("valid parameters");
        let filter = || Concurrent::new(params, 1).expect("memory");
        let keys: Vec<u64> = (0..n).map(u64::new).collect();
        let unit = Unit::MillionsPerSecond { items: keys.len() };
        if let Some(mut case) = bench.case(alone, unit) {
            case.ours(|| {
                let filter: Concurrent = filter();
                insert(&filter, &keys);
                filter
            });
            #[cfg(feature = "peers")]
            case.peer("fastbloom", || {
                let filter = crate::peers::fastbloom_atomic(m, 7);
                filter.insert_all(&keys);
                filter
            });
            bench.run(case)?;
        }

        // Of two threads that share a filter this one is measured, which inserts half of the keys.
        let (mine, others) = keys.split_at(keys.len() / 2);
        let unit = Unit::MillionsPerSecond { items: mine.len() };
        if let Some(mut case) = bench.case(together, unit) {
            case.ours(|| {
                let filter: Concurrent = filter();
                thread::scope(|scope| {
                    scope.spawn(|| insert(&filter, others));
                    insert(&filter, mine);
                });
                filter
            });
            #[cfg(feature = "peers")]
            case.peer("fastbloom", || {
                let filter = crate::peers::fastbloom_atomic(m, 7);
                thread::scope(|scope| {
                    scope.spawn(|| filter.insert_all(others));
                    filter.insert_all(mine);
                });
                filter
            });
            bench.run(case)?;
        }
    }
    Ok(())
}

fn insert(filter: &Concurrent, keys: &[u64]) {
    for &key in keys {
        filter.insert_u64(key);
    }
}
