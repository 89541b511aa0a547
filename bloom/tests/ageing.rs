//! Laws of ageing filters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;

use overlay_bloom::{Ageing, KeyHash, Params, Standard, Xxh3, layout};
use proptest::collection::vec;
use proptest::prelude::*;

/// As a caller uses it: aged by count.
fn insert(seen: &mut Ageing, n: u64, key: u64) -> bool {
    if seen.count() >= n {
        seen.age();
    }
    seen.insert_u64(key)
}

proptest! {
    /// The last n different keys are remembered, however they repeat.
    #[test]
    fn remembers_the_last_keys(n in 1u64..20, keys in vec(0u64..60, 0..300), m in 1u64..5000) {
        let mut seen = Ageing::new(Params::new(m, 4).unwrap(), 1).unwrap();
        let mut last: VecDeque<u64> = VecDeque::new();
        for &key in &keys {
            let new = insert(&mut seen, n, key);
            prop_assert!(!(new && last.contains(&key)), "{} was met lately", key);
            last.retain(|&other| other != key);
            last.push_back(key);
            if last.len() as u64 > n {
                last.pop_front();
            }
            for &key in &last {
                prop_assert!(seen.contains_u64(key));
            }
        }
    }

    /// With room enough for no false positive, it is two exact sets that take turns.
    #[test]
    fn is_two_generations(n in 1usize..20, keys in vec(0u64..100, 0..300)) {
        let mut seen = Ageing::new(Params::new(100_000, 20).unwrap(), 1).unwrap();
        let (mut current, mut previous) = (Vec::new(), Vec::new());
        for &key in &keys {
            if current.len() >= n {
                previous = core::mem::take(&mut current);
            }
            let new = !current.contains(&key) && !previous.contains(&key);
            if !current.contains(&key) {
                current.push(key);
            }
            prop_assert_eq!(insert(&mut seen, n as u64, key), new);
            prop_assert_eq!(seen.count(), current.len() as u64);
        }
        for key in 0..100 {
            let expected = current.contains(&key) || previous.contains(&key);
            prop_assert_eq!(seen.contains_u64(key), expected);
        }
    }

    /// Each generation is the filter of its keys.
    #[test]
    fn generations_are_filters(old in vec(any::<u64>(), 0..50), new in vec(any::<u64>(), 0..50)) {
        let params = Params::new(500, 3).unwrap();
        let of = |keys: &[u64]| {
            let mut filter = Standard::new(params, 9).unwrap();
            keys.iter().for_each(|&key| {
filter.insert_u64(key);
});
            filter
        };
        let mut seen = Ageing::new(params, 9).unwrap();
        old.iter().for_each(|&key| {
seen.insert_u64(key);
});
        seen.age();
        new.iter().for_each(|&key| {
seen.insert(&key.to_le_bytes());
});
        prop_assert_eq!(seen.previous(), &of(&old));
        prop_assert_eq!(seen.current(), &of(&new));
        prop_assert_eq!(seen.rate().to_bits(), (of(&new).rate() + of(&old).rate()).to_bits());
        seen.age();
        prop_assert_eq!(seen.previous(), &of(&new));
        prop_assert!(seen.current().is_empty());
        seen.clear();
        prop_assert!(seen.previous().is_empty());
    }
}

/// What keeps coming is never forgotten.
#[test]
fn met_again_is_kept() {
    let params = Params::for_rate(100, 1e-9).unwrap();
    let mut seen = Ageing::new(params, 1).unwrap();
    assert!(insert(&mut seen, 100, u64::MAX));
    for key in 0..10_000 {
        assert!(insert(&mut seen, 100, key), "{key}");
        if key % 90 == 0 {
            assert!(!insert(&mut seen, 100, u64::MAX), "after {key}");
        }
    }
    assert!(!seen.contains_u64(5000));
}

/// At its fullest it takes about twice as many for seen as one filter.
#[test]
fn the_rate_is_at_most_doubled() {
    let (n, p) = (500, 0.01);
    let params = Params::for_rate(n, p).unwrap();
    let (filters, queries) = (200, 5_000);
    let (mut wrong, mut bound) = (0, 0.0);
    for seed in 0..filters {
        let mut seen = Ageing::new(params, seed).unwrap();
        for key in 0.. {
            if seen.count() == n && !seen.previous().is_empty() {
                break;
            }
            insert(&mut seen, n, key);
        }
        bound += seen.rate() / filters as f64;
        wrong += (1 << 40..(1 << 40) + queries).filter(|&key| seen.contains_u64(key)).count();
    }
    let measured = wrong as f64 / (filters * queries) as f64;
    // A million queries: the standard deviation is below 1.5e-4 even so.
    assert!((measured - bound).abs() < 1e-3, "{measured} measured, {bound} from the bits");
    assert!(measured < 2.05 * p && measured > 1.8 * p, "{measured}");
}

#[test]
fn a_secret_key_hashes() {
    let params = Params::new(1000, 4).unwrap();
    let mut seen = Ageing::keyed(params, [5; 16]).unwrap();
    assert!(seen.insert(b"guid"));
    let mut filter = Standard::keyed(params, [5; 16]).unwrap();
    filter.insert(b"guid");
    assert_eq!(seen.current(), &filter);
}

#[test]
fn any_layout_ages() {
    let params = Params::new(512 * 40, 8).unwrap();
    let mut seen = Ageing::<layout::Split, _>::with_hasher(params, Xxh3::new(3)).unwrap();
    assert!(seen.insert(b"guid"));
    seen.age();
    assert!(!seen.insert(b"guid"));
    assert!(seen.contains_hash(KeyHash::of(b"guid", 3)));
    assert_eq!(seen.count(), 1);
    assert!(
        Ageing::<layout::Split, _>::with_hasher(Params::new(100, 8).unwrap(), Xxh3::new(3))
            .is_err()
    );
}
