//! Laws of the bulk ring: what is fast agrees with what is simple.

use overlay_chord::{FingerTable, Found, Histogram, Id, Id64, Id160, Ring, RingError, Routing};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

const ROUTINGS: [Routing; 3] = [Routing::Successor, Routing::Finger, Routing::Full];

/// Identifiers as hashes are; in one heap; and each twice as far from zero as the one before, or next to
/// such a point: the longest tables there can be.
fn ids64() -> impl Strategy<Value = Vec<Id64<64>>> {
    let anywhere = vec(any::<u64>(), 1..150);
    let heap = (any::<u64>(), vec(0..1_000_u64, 1..100))
        .prop_map(|(at, ids)| ids.iter().map(|id| at.wrapping_add(*id)).collect());
    let doubling = vec((0..64_u32, 0..3_u64), 1..100).prop_map(|powers| {
        powers.iter().map(|(power, more)| (1 << power) + more).collect::<Vec<u64>>()
    });
    prop_oneof![anywhere, heap, doubling]
        .prop_map(|ids| ids.into_iter().map(Id64::wrapping).collect())
}

fn ids160() -> impl Strategy<Value = Vec<Id160>> {
    let anywhere = vec(any::<[u8; 20]>().prop_map(Id160::from_bytes), 1..150);
    // Some with the same first 64 bits, some whose distances to others are powers of two.
    let near =
        (any::<[u8; 20]>(), vec((0..160_u32, 0..160_u32), 1..100)).prop_map(|(at, powers)| {
            let at = Id160::from_bytes(at);
            powers.iter().map(|(a, b)| at.add_power(*a).add_power(*b)).collect()
        });
    let doubling = Just((0..160).map(|power| Id160::ZERO.add_power(power)).collect());
    prop_oneof![3 => anywhere, 3 => near, 1 => doubling]
}

/// Keys next to nodes, and elsewhere.
fn keys<I: Id>(ids: &[I]) -> Vec<I> {
    let near =
        ids.iter().flat_map(|id| [*id, id.next(), id.distance(I::ZERO), id.add_power(I::BITS / 2)]);
    near.chain([I::ZERO, I::MAX]).collect()
}

fn owners_are_found<I: Id>(ids: &[I]) -> Result<(), TestCaseError> {
    let ring = Ring::new(ids.iter().copied()).expect("a ring");
    for key in keys(ids) {
        let owner = ring.ids().iter().copied().min_by_key(|id| key.distance(*id));
        prop_assert_eq!(Some(ring.owner(key)), owner, "key {}", key);
        prop_assert_eq!(ring.index_of(key).is_some(), ids.contains(&key));
    }
    Ok(())
}

fn fingers_are_by_definition<I: Id>(ids: &[I]) -> Result<(), TestCaseError> {
    let ring = Ring::new(ids.iter().copied()).expect("a ring");
    let mut count = 0;
    for (at, &me) in ring.ids().iter().enumerate() {
        let mut table = FingerTable::new(me);
        for i in 1..=I::BITS {
            table.set(i, ring.owner(table.start(i)));
        }
        prop_assert!(ring.fingers(at).eq(table.as_slice().iter().copied()), "fingers of {}", me);
        prop_assert!(ring.fingers(at).rev().eq(table.as_slice().iter().rev().copied()));
        count += table.as_slice().len();
    }
    prop_assert_eq!(ring.finger_count(), count);
    Ok(())
}

fn fast_lookups_end_where_the_simple_one_does<I: Id>(
    ids: &[I],
    seed: usize,
) -> Result<(), TestCaseError> {
    let ring = Ring::new(ids.iter().copied()).expect("a ring");
    let nodes = ring.ids().len();
    let keys = keys(ids);
    let lookups: Vec<_> =
        keys.iter().enumerate().map(|(i, key)| ((i * 7 + seed) % nodes, *key)).collect();
    let mut found = vec![Found { owner: 9, hops: 9 }; 3];
    for routing in ROUTINGS {
        ring.find_many(&lookups, routing, &mut found);
        prop_assert_eq!(found.len(), lookups.len());
        for ((from, key), found) in lookups.iter().zip(&found) {
            let path = ring.lookup(*from, *key, routing);
            prop_assert_eq!(*found, ring.find(*from, *key, routing));
            prop_assert_eq!(found.hops as usize, path.hops(), "{:?}: {}", routing, path);
            prop_assert_eq!(ring.ids()[found.owner as usize], path.owner);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_owner_is_the_next_node(ids64 in ids64(), ids160 in ids160()) {
        owners_are_found(&ids64)?;
        owners_are_found(&ids160)?;
    }

    #[test]
    fn fingers_found_in_sweeps_are_those_of_the_definition(ids64 in ids64(), ids160 in ids160()) {
        fingers_are_by_definition(&ids64)?;
        fingers_are_by_definition(&ids160)?;
    }

    #[test]
    fn counting_nodes_goes_the_way_that_identifiers_go(
        ids64 in ids64(), ids160 in ids160(), seed in 0..1_000_usize,
    ) {
        fast_lookups_end_where_the_simple_one_does(&ids64, seed)?;
        fast_lookups_end_where_the_simple_one_does(&ids160, seed)?;
    }

    #[test]
    fn virtual_nodes_are_nodes_that_know_their_host(
        hosts in 1..20_u32, each in 1..6_u32, spread in 1..2_000_u64,
    ) {
        // Narrow spreads make identifiers come twice.
        let id_of = |host, number| {
            Id64::<16>::wrapping(u64::from(host * 31 + number * 7_919) % spread)
        };
        let ring = Ring::with_virtual_nodes(hosts, each, id_of).expect("a ring");
        let all: Vec<_> =
            (0..hosts).flat_map(|host| (0..each).map(move |i| (id_of(host, i), host))).collect();
        let plain = Ring::new(all.iter().map(|(id, _)| *id)).expect("a ring");
        prop_assert_eq!(ring.ids(), plain.ids());
        for (node, id) in ring.ids().iter().enumerate() {
            let lowest = all.iter().filter(|(other, _)| other == id).map(|(_, host)| *host).min();
            prop_assert_eq!(Some(ring.host(node)), lowest);
            prop_assert_eq!(plain.host(node), node as u32);
            prop_assert!(ring.fingers(node).eq(plain.fingers(node)));
        }
    }

    #[test]
    fn a_histogram_answers_as_the_sorted_numbers_do(mut numbers in vec(0..50_u32, 1..150)) {
        let histogram: Histogram = numbers.iter().copied().collect();
        numbers.sort_unstable();
        prop_assert_eq!(histogram.len(), numbers.len() as u64);
        prop_assert_eq!(histogram.max(), numbers.last().copied());
        let sum: u32 = numbers.iter().sum();
        prop_assert_eq!(histogram.mean(), f64::from(sum) / numbers.len() as f64);
        for percent in 0..=100 {
            let rank = (numbers.len() * percent).div_ceil(100).max(1);
            prop_assert_eq!(histogram.percentile(percent as u32), Some(numbers[rank - 1]));
        }
        let times = |number| numbers.iter().filter(|other| **other == number).count() as u64;
        for (number, count) in histogram.counts() {
            prop_assert_eq!((count, count), (times(number), histogram.count(number)));
        }
        let mode = histogram.mode().expect("a number");
        for other in 0..50 {
            prop_assert!(times(other) < times(mode) || times(other) == times(mode) && mode <= other);
        }
    }

    #[test]
    fn a_ring_does_not_depend_on_the_order_of_its_nodes(ids in btree_set(any::<u64>(), 1..40)) {
        let rising = Ring::new(ids.iter().map(|id| Id64::<64>::wrapping(*id))).expect("a ring");
        let twice = ids.iter().rev().chain(&ids).map(|id| Id64::<64>::wrapping(*id));
        let falling = Ring::new(twice).expect("a ring");
        prop_assert_eq!(rising.ids(), falling.ids());
        prop_assert!((0..ids.len()).all(|node| rising.fingers(node).eq(falling.fingers(node))));
    }
}

#[test]
fn every_ring_of_four_bits_is_looked_up_the_same_way_by_all() {
    for set in 1_u64..1 << 16 {
        if set.count_ones() > 4 && set % 53 != 0 {
            continue;
        }
        let ids: Vec<_> =
            (0..16).filter(|id| set & 1 << id != 0).map(Id64::<4>::wrapping).collect();
        let ring = Ring::new(ids.iter().copied()).expect("a ring");
        let lookups: Vec<_> = (0..ids.len())
            .flat_map(|from| (0..16).map(move |key| (from, Id64::wrapping(key))))
            .collect();
        let mut found = Vec::new();
        for routing in ROUTINGS {
            ring.find_many(&lookups, routing, &mut found);
            for ((from, key), found) in lookups.iter().zip(&found) {
                let path = ring.lookup(*from, *key, routing);
                assert_eq!(found.hops as usize, path.hops(), "{ids:?} {routing:?} {path}");
                assert_eq!(ids[found.owner as usize], path.owner, "{ids:?} {key}");
                assert_eq!(*found, ring.find(*from, *key, routing), "{ids:?} {routing:?} {path}");
            }
        }
    }
}

#[test]
fn the_longest_tables_have_a_finger_a_level() {
    // Zero has a node at every power of two, so every one of its fingers is another node.
    let ring =
        Ring::new((0..160).map(|i| Id160::ZERO.add_power(i)).chain([Id160::ZERO])).expect("a ring");
    assert_eq!(ring.fingers(0).count(), 160);
    let wide = Ring::new((0..64).map(|i| Id64::<64>::wrapping(1 << i)).chain([Id64::ZERO]))
        .expect("a ring");
    assert_eq!(wide.fingers(0).count(), 64);
}

#[test]
fn no_lookups_find_nothing() {
    let ring = Ring::new([Id64::<8>::wrapping(7)]).expect("a ring");
    let mut found = vec![Found { owner: 1, hops: 1 }];
    ring.find_many(&[], Routing::Finger, &mut found);
    assert_eq!(found, []);
    ring.find_many(&[(0, Id64::wrapping(9))], Routing::Finger, &mut found);
    assert_eq!(found, [Found { owner: 0, hops: 0 }]);
}

#[test]
#[should_panic(expected = "node 1 of 1")]
fn a_lookup_by_nobody_panics() {
    let ring = Ring::new([Id64::<8>::wrapping(7)]).expect("a ring");
    ring.find_many(&[(1, Id64::wrapping(9))], Routing::Finger, &mut Vec::new());
}

#[test]
fn virtual_nodes_are_bounded_as_nodes_are() {
    let id = |_, _| Id64::<8>::wrapping(0);
    assert_eq!(
        Ring::with_virtual_nodes(1 << 16, 1 << 16, id).unwrap_err(),
        RingError::TooManyNodes { max: u32::MAX }
    );
    assert_eq!(Ring::with_virtual_nodes(3, 0, id).unwrap_err(), RingError::Empty);
}

#[test]
fn a_histogram_of_nothing_has_no_middle() {
    let nothing = Histogram::new();
    assert!(nothing.is_empty() && nothing.mean().is_nan());
    assert_eq!((nothing.percentile(50), nothing.max(), nothing.mode()), (None, None, None));
    assert_eq!(nothing.count(0), 0);
}
