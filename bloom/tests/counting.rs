//! Laws of counting filters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{Counting, KeyHash, Params, Standard};
use proptest::collection::vec;
use proptest::prelude::*;

fn params() -> impl Strategy<Value = Params> {
    (1u64..1500, 1u32..=64).prop_map(|(m, k)| Params::new(m, k).unwrap())
}

/// Large enough for its keys that no counter saturates.
fn roomy() -> impl Strategy<Value = Params> {
    (2000u64..4000, 1u32..=8).prop_map(|(m, k)| Params::new(m, k).unwrap())
}

fn keys() -> impl Strategy<Value = Vec<u64>> {
    vec(any::<u64>(), 0..40)
}

fn filled(params: Params, keys: &[u64]) -> Counting {
    let mut filter = Counting::new(params, 7).unwrap();
    for &key in keys {
        filter.insert_u64(key);
    }
    filter
}

/// Counter by counter, the slow way.
fn counters(filter: &Counting) -> Vec<u64> {
    let counter = |c: u64| filter.words()[(c / 16) as usize] >> (c % 16 * 4) & 15;
    (0..filter.params().m()).map(counter).collect()
}

proptest! {
    /// Each counter is how often it was hit, or 15.
    #[test]
    fn counters_count_probes(params in params(), keys in keys()) {
        let filter = filled(params, &keys);
        let mut hits = vec![0u64; params.m() as usize];
        for &key in &keys {
            KeyHash::of_u64(key, 7).probes(params).for_each(|p| hits[p as usize] += 1);
        }
        let expected: Vec<u64> = hits.iter().map(|&hits| hits.min(15)).collect();
        prop_assert_eq!(counters(&filter), expected);
        prop_assert_eq!(filter.saturated(), hits.iter().filter(|&&hits| hits >= 15).count() as u64);
        prop_assert_eq!(filter.count_ones(), hits.iter().filter(|&&hits| hits > 0).count() as u64);
    }

    /// At any time a counting filter is the standard filter of the same keys.
    #[test]
    fn to_standard_is_the_standard_filter(params in params(), keys in keys(), others in keys()) {
        let counting = filled(params, &keys);
        let mut standard = Standard::new(params, 7).unwrap();
        keys.iter().for_each(|&key| {
standard.insert_u64(key);
});
        prop_assert_eq!(&counting.to_standard().unwrap(), &standard);
        prop_assert_eq!(counting.count_ones(), standard.count_ones());
        prop_assert_eq!(counting.fill().to_bits(), standard.fill().to_bits());
        prop_assert_eq!(counting.rate().to_bits(), standard.rate().to_bits());
        prop_assert_eq!(counting.estimate().to_bits(), standard.estimate().to_bits());
        for &key in keys.iter().chain(&others) {
            prop_assert_eq!(counting.contains_u64(key), standard.contains_u64(key));
        }
    }

    #[test]
    fn remove_undoes_insert(params in roomy(), keys in keys(), extra in keys()) {
        let before = filled(params, &keys);
        prop_assume!(filled(params, &[&keys[..], &extra].concat()).saturated() == 0);
        let mut filter = before.clone();
        extra.iter().for_each(|&key| {
filter.insert_u64(key);
});
        for &key in &extra {
            prop_assert!(filter.remove_u64(key));
        }
        prop_assert_eq!(&filter, &before);
        for &key in &keys {
            prop_assert!(filter.remove_u64(key));
        }
        prop_assert!(filter.is_empty());
    }

    /// However full, and however many counters are saturated: what is there is never denied.
    #[test]
    fn no_false_negatives(params in params(), kept in keys(), gone in keys(), times in 1usize..20) {
        let mut filter = filled(params, &kept);
        for _ in 0..times {
            gone.iter().for_each(|&key| {
filter.insert_u64(key);
});
        }
        for _ in 0..times {
            for &key in &gone {
                prop_assert!(filter.remove_u64(key), "it was there");
                for &key in &kept {
                    prop_assert!(filter.contains_u64(key));
                }
            }
        }
    }

    /// Refused if and only if it can be told; and then nothing changes.
    #[test]
    fn removal_of_what_is_not_there(params in params(), keys in keys(), absent in keys()) {
        let mut filter = filled(params, &keys);
        for &key in &absent {
            let before = filter.clone();
            let seemed_there = filter.contains_u64(key);
            if filter.remove_u64(key) {
                prop_assert!(seemed_there);
            } else {
                prop_assert_eq!(&filter, &before);
            }
            if !seemed_there {
                prop_assert_eq!(&filter, &before);
            }
        }
    }

    #[test]
    fn a_saturated_counter_stays(params in params(), key: u64) {
        let mut filter = Counting::new(params, 7).unwrap();
        for _ in 0..15 {
            filter.insert_u64(key);
        }
        let different = counters(&filter).iter().filter(|&&counter| counter > 0).count() as u64;
        prop_assert_eq!(filter.saturated(), different);
        let before = filter.clone();
        for _ in 0..40 {
            prop_assert!(filter.remove_u64(key));
            filter.insert_u64(key);
        }
        prop_assert!(filter.remove_u64(key));
        prop_assert_eq!(&filter, &before);
        prop_assert!(filter.contains_u64(key));
        filter.clear();
        prop_assert!(filter.is_empty());
    }

    #[test]
    fn insert_says_whether_the_key_was_missing(params in params(), keys in keys()) {
        let mut filter = Counting::new(params, 7).unwrap();
        for &key in &keys {
            let was_there = filter.contains_u64(key);
            prop_assert_eq!(filter.insert_u64(key), !was_there);
        }
    }

    #[test]
    fn keys_are_bytes_numbers_or_hashes(params in roomy(), key: u64, secret: [u8; 16]) {
        let mut filter = Counting::keyed(params, secret).unwrap();
        filter.insert(&key.to_le_bytes());
        prop_assert!(filter.contains_u64(key));
        let mut plain = Counting::new(params, 7).unwrap();
        plain.insert_u64(key);
        prop_assert!(plain.contains_hash(KeyHash::of_u64(key, 7)));
        prop_assert!(plain.remove_hash(KeyHash::of_u64(key, 7)));
        prop_assert!(plain.is_empty());
    }
}

/// A key that hits a counter twice but finds it at one: the removal stops half way, and what it took
/// is given back.
#[test]
fn half_a_removal_is_undone() {
    let params = Params::new(40, 6).unwrap();
    let twice = |key: u64| {
        let mut positions: Vec<u64> = KeyHash::of_u64(key, 7).probes(params).collect();
        positions.sort_unstable();
        positions.windows(2).any(|pair| pair[0] == pair[1])
    };
    let mut undone = 0;
    for key in (0..20_000).filter(|&key| twice(key)) {
        let mut filter = Counting::new(params, 7).unwrap();
        for other in 0..8 {
            filter.insert_u64(1_000_000 + key * 8 + other);
        }
        let before = filter.clone();
        if filter.contains_u64(key) && !filter.remove_u64(key) {
            assert_eq!(filter, before);
            undone += 1;
        }
    }
    assert!(undone > 100, "only {undone} removals stopped half way");
}

/// Fan et al.: at the optimal k 4 bits are enough, and next to never saturate.
#[test]
fn four_bits_are_enough() {
    let params = Params::for_rate(20_000, 0.01).unwrap();
    let keys: Vec<u64> = (0..20_000).collect();
    let filter = filled(params, &keys);
    assert_eq!(filter.saturated(), 0);
    let most = counters(&filter).into_iter().max().unwrap();
    assert!((6..=10).contains(&most), "the highest counter is {most}");
}
