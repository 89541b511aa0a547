//! Insert, hit and miss, for sets of keys in the cache and beyond it.

use std::io;

use overlay_benches::{Bench, Unit};
use overlay_bloom::KeyHash;
use overlay_bloom::layout::{Blocked, Split, Standard};

use crate::entry::{Entry, Inputs, Operation, Size};
use crate::keys::BenchKey;
use crate::limit::Limit;
use crate::ours::{Many, Single};

/// Bits a key, where nothing else is said.
const BITS: u64 = 10;

/// The cases of one size and kind of key.
pub fn run<K: BenchKey>(bench: &mut Bench, size: Size) -> io::Result<()> {
    let inputs = Inputs::<K>::new(size);
    let m = BITS * size.keys;
    let blocks = m.next_multiple_of(512);
    // For a rate of one in a hundred, exactly: 10.10 bits a key in our blocks, 10.53 in those of 256.
    let one_percent = |bits: f64| ((size.keys as f64 * bits) as u64).next_multiple_of(512);

    let standard = Entry::new("standard", &inputs, || Single::<Standard>::new(m, 7));
    let standard_many = Entry::new("standard_many", &inputs, || Many::<Standard>::new(m, 7));
    let blocked_many = Entry::new("blocked_many", &inputs, || Many::<Blocked>::new(blocks, 6));
    let split = Entry::new("split", &inputs, || Single::<Split>::new(blocks, 8));
    let split_many = Entry::new("split_many", &inputs, || Many::<Split>::new(blocks, 8));
    let split_equal =
        Entry::new("split_many_1%", &inputs, || Many::<Split>::new(one_percent(10.10), 8));
    let limit = Entry::new("limit", &inputs, || Limit::new(m));
    let others = [&limit];
    #[cfg(feature = "peers")]
    let (fastbloom, bloomfilter, sbbf_rs, sbbf_rs_equal, parquet) = {
        use crate::peers::{Bloomfilter, Fastbloom, Parquet, SbbfRs};
        (
            Entry::new("fastbloom", &inputs, || Fastbloom::new(m, 7)),
            Entry::new("bloomfilter", &inputs, || Bloomfilter::new(m, size.keys)),
            Entry::new("sbbf-rs", &inputs, || SbbfRs::new(m)),
            Entry::new("sbbf-rs_1%", &inputs, || SbbfRs::new(one_percent(10.53))),
            Entry::new("parquet", &inputs, || Parquet::new(m)),
        )
    };
    #[cfg(feature = "peers")]
    let (standards, best, blocks, equal) = (
        [&fastbloom, &bloomfilter],
        [&fastbloom],
        [&fastbloom, &sbbf_rs, &parquet],
        [&sbbf_rs_equal],
    );
    #[cfg(not(feature = "peers"))]
    let (standards, best, blocks, equal) = ([], [], [], []);

    for operation in Operation::ALL {
        measure(bench, operation, "standard", &standard, &standards, &[])?;
        measure(bench, operation, "standard_many", &standard_many, &best, &others)?;
        measure(bench, operation, "blocked_many", &blocked_many, &blocks, &others)?;
        measure(bench, operation, "split", &split, &blocks, &[])?;
        measure(bench, operation, "split_many", &split_many, &blocks, &others)?;
        measure(bench, operation, "split_many_1%", &split_equal, &equal, &[])?;
    }
    Ok(())
}

/// The cases of one size with hashes that were made before: what is left is the probing.
pub fn run_hashes(bench: &mut Bench, size: Size) -> io::Result<()> {
    let inputs = Inputs::<KeyHash>::new(size);
    let m = BITS * size.keys;
    let standard = Entry::new("standard", &inputs, || Single::<Standard>::new(m, 7));
    let standard_many = Entry::new("standard_many", &inputs, || Many::<Standard>::new(m, 7));
    #[cfg(feature = "peers")]
    let fastbloom = Entry::new("fastbloom", &inputs, || crate::peers::FastbloomHashes::new(m, 7));
    #[cfg(feature = "peers")]
    let peers = [&fastbloom];
    #[cfg(not(feature = "peers"))]
    let peers = [];
    for operation in Operation::ALL {
        measure(bench, operation, "standard", &standard, &peers, &[])?;
        measure(bench, operation, "standard_many", &standard_many, &peers, &[])?;
    }
    Ok(())
}

fn measure<K: BenchKey>(
    bench: &mut Bench,
    operation: Operation,
    what: &str,
    ours: &Entry<'_, K>,
    peers: &[&Entry<'_, K>],
    others: &[&Entry<'_, K>],
) -> io::Result<()> {
    let size = ours.size();
    let name = format!("{what}_{}_{}_{}", operation.name(), size.name, K::NAME);
    let unit = Unit::MillionsPerSecond { items: size.items() };
    let Some(mut case) = bench.case(name.leak(), unit) else {
        return Ok(());
    };
    case.ours(ours.work(operation));
    for peer in peers {
        case.peer(peer.name, peer.work(operation));
    }
    for other in others {
        case.other(other.name, other.work(operation));
    }
    bench.run(case)
}
