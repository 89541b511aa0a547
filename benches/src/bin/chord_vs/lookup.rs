//! Lookups by fingers: many at once, one at a time, and by identifiers.

use std::io;

use overlay_benches::{Bench, Unit};
use overlay_chord::{Id, Ring, Routing};

use crate::limit::Limit;
use crate::workload::{Lookups, NODES, RUN, ids};

pub const NAMES: [&str; 2] = ["find_many_small", "find_many_million"];
pub const NAMES_160: [&str; 2] = ["find_many_160_small", "find_many_160_million"];

pub fn run<I: Id>(bench: &mut Bench, names: &[&'static str; 2]) -> io::Result<()> {
    for (nodes, name) in NODES.into_iter().zip(names) {
        let Some(case) = bench.case(name, Unit::NanosecondsEach { items: RUN }) else {
            continue;
        };
        let ring = Ring::new(ids::<I>(nodes, 0)).expect("a ring");
        let lookups = Lookups::new(nodes);
        let hops = agreed_hops(&ring, lookups.all());
        let mean = hops.iter().sum::<u64>() as f64 / hops.len() as f64;
        eprintln!("{name}: {mean:.2} hops to the key's predecessor");

        let limit = Limit::new(nodes);
        let (mut reads, mut at) = (hops.chunks(RUN).cycle(), 0);
        let mut found = Vec::new();
        let [mut many, mut single, mut plain] = [(); 3].map(|()| lookups.clone());
        let mut case = case;
        case.ours(|| {
            ring.find_many(many.run(), Routing::Finger, &mut found);
            found.last().copied()
        });
        case.other("ours_one_at_a_time", || {
            let find = |(from, key): &(usize, I)| ring.find(*from, *key, Routing::Finger).hops;
            single.run().iter().map(find).sum::<u32>()
        });
        case.other("ours_by_identifiers", || {
            let lookup =
                |(from, key): &(usize, I)| ring.lookup(*from, *key, Routing::Finger).hops();
            plain.run().iter().map(lookup).sum::<usize>()
        });
        case.other("limit", || {
            for hops in reads.next().unwrap_or_default() {
                at = limit.read(at, hops + 1);
            }
            at
        });
        bench.run(case)?;
    }
    Ok(())
}

/// How many hops each lookup takes, if all three ways agree.
fn agreed_hops<I: Id>(ring: &Ring<I>, lookups: &[(usize, I)]) -> Vec<u64> {
    let mut found = Vec::new();
    ring.find_many(lookups, Routing::Finger, &mut found);
    for ((from, key), found) in lookups.iter().zip(&found).take(100_000) {
        assert_eq!(ring.find(*from, *key, Routing::Finger), *found);
        let path = ring.lookup(*from, *key, Routing::Finger);
        assert_eq!(
            (path.hops(), path.owner),
            (found.hops as usize, ring.ids()[found.owner as usize])
        );
    }
    found.iter().map(|found| found.hops.into()).collect()
}
