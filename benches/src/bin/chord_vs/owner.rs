//! From a key to its owner: what a ring for consistent hashing does, with the same identifiers.

use std::collections::BTreeMap;
use std::io;

use overlay_benches::{Bench, Unit};
use overlay_chord::{Id64, Ring, Routing};

#[cfg(feature = "peers")]
use crate::peers::HashRing;
use crate::workload::{Lookups, NODES, RUN, ids};

const NAMES: [[&str; 2]; 2] =
    [["owner_small", "owner_million"], ["owner_many_small", "owner_many_million"]];

pub fn run(bench: &mut Bench) -> io::Result<()> {
    for (names, many) in NAMES.iter().zip([false, true]) {
        for (nodes, name) in NODES.into_iter().zip(names) {
            run_case(bench, name, nodes, many)?;
        }
    }
    Ok(())
}

fn run_case(bench: &mut Bench, name: &'static str, nodes: usize, many: bool) -> io::Result<()> {
    let unit = Unit::NanosecondsEach { items: RUN };
    let Some(case) = bench.case(name, unit) else { return Ok(()) };
    let ring = Ring::new(ids::<Id64<64>>(nodes, 0)).expect("a ring");
    let ids: Vec<u64> = ring.ids().iter().map(|id| id.get()).collect();
    let tree: BTreeMap<u64, u32> = ids.iter().copied().zip(0..).collect();
    let of_tree = |key: u64| tree.range(key..).next().map_or(0, |(_, node)| *node);
    let of_sorted = |key: u64| {
        let at = ids.partition_point(|id| *id < key);
        if at == ids.len() { 0 } else { at as u32 }
    };
    #[cfg(feature = "peers")]
    let hashring = HashRing::new(&ids);

    let lookups: Lookups<Id64<64>> = Lookups::new(nodes);
    let mut found = Vec::new();
    ring.find_many(lookups.all(), Routing::Full, &mut found);
    for ((_, key), found) in lookups.all().iter().zip(&found) {
        let owner = ring.owner_index(*key) as u32;
        assert_eq!([found.owner, of_tree(key.get()), of_sorted(key.get())], [owner; 3]);
        #[cfg(feature = "peers")]
        assert_eq!(hashring.owner(key.get()), owner);
    }

    let sum = |lookups: &mut Lookups<Id64<64>>, owner: &dyn Fn(u64) -> u32| {
        lookups.run().iter().fold(0u32, |sum, (_, key)| sum.wrapping_add(owner(key.get())))
    };
    let [mut for_ours, mut for_tree, mut for_sorted] = [(); 3].map(|()| lookups.clone());
    #[cfg(feature = "peers")]
    let mut for_hashring = lookups.clone();
    let mut case = case;
    if many {
        case.ours(|| {
            ring.find_many(for_ours.run(), Routing::Full, &mut found);
            found.iter().fold(0u32, |sum, found| sum.wrapping_add(found.owner))
        });
    } else {
        case.ours(|| sum(&mut for_ours, &|key| ring.owner_index(Id64::wrapping(key)) as u32));
    }
    #[cfg(feature = "peers")]
    case.peer("hashring", || sum(&mut for_hashring, &|key| hashring.owner(key)));
    case.other("std_btreemap", || sum(&mut for_tree, &of_tree));
    case.other("std_binary_search", || sum(&mut for_sorted, &of_sorted));
    bench.run(case)
}
