//! All finger tables of a ring, from identifiers in no order.

use std::io;

use overlay_benches::{Bench, Unit};
use overlay_chord::{Id, Ring};

use crate::workload::{NODES, ids};

pub fn run<I: Id>(bench: &mut Bench, names: &[&'static str; 2]) -> io::Result<()> {
    for (nodes, name) in NODES.into_iter().zip(names) {
        let Some(case) = bench.case(name, Unit::Nanoseconds) else { continue };
        let ids: Vec<I> = ids(nodes, 0);
        let ring = Ring::new(ids.iter().copied()).expect("a ring");
        let mut case = case;
        case.ours(|| Ring::new(ids.iter().copied()));
        case.other("sort", || {
            let mut ids = ids.clone();
            ids.sort_unstable();
            ids
        });
        if nodes < 100_000 {
            assert_eq!(
                by_definition(&ids).iter().map(Vec::len).sum::<usize>(),
                ring.finger_count()
            );
            case.other("binary_searches", || by_definition(&ids));
        }
        bench.run(case)?;
    }
    Ok(())
}

/// As anybody would write it: each finger is searched among all nodes, and kept if it is another one.
fn by_definition<I: Id>(ids: &[I]) -> Vec<Vec<u32>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let fingers = |(node, me): (usize, &I)| {
        let mut row = Vec::new();
        for exponent in 0..I::BITS {
            let start = me.add_power(exponent);
            let at = ids.partition_point(|id| *id < start);
            let finger = if at == ids.len() { 0 } else { at };
            // One that came round to before the start is none.
            let far = me.distance(ids[finger]).log2().is_some_and(|level| level >= exponent);
            if finger != node && far && row.last() != Some(&(finger as u32)) {
                row.push(finger as u32);
            }
        }
        row
    };
    ids.iter().enumerate().map(fingers).collect()
}
