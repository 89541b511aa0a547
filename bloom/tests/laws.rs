//! Laws that hold for every filter and every set of parameters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{KeyHash, MismatchError, Params, ParamsError, Standard, classic, exact};
use proptest::collection::vec;
use proptest::prelude::*;

type Key = Vec<u8>;

fn params() -> impl Strategy<Value = Params> {
    (1u64..3000, 1u32..=64).prop_map(|(m, k)| Params::new(m, k).unwrap())
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    vec(vec(any::<u8>(), 0..40), 0..60)
}

fn filter(params: Params, seed: u64, keys: &[Key]) -> Standard {
    let mut filter = Standard::new(params, seed).unwrap();
    for key in keys {
        filter.insert(key);
    }
    filter
}

proptest! {
    #[test]
    fn no_false_negatives(params in params(), seed: u64, keys in keys()) {
        let filter = filter(params, seed, &keys);
        for key in &keys {
            prop_assert!(filter.contains(key));
            prop_assert!(filter.contains_hash(KeyHash::of(key, seed)));
        }
    }

    #[test]
    fn insert_says_whether_anything_changed(params in params(), seed: u64, keys in keys()) {
        let mut filter = Standard::new(params, seed).unwrap();
        for key in &keys {
            let before = filter.clone();
            let was_there = before.contains(key);
            prop_assert_eq!(filter.insert(key), !was_there);
            prop_assert_eq!(filter == before, was_there);
        }
    }

    #[test]
    fn a_key_sets_exactly_its_probes(params in params(), seed: u64, key: u64) {
        let mut filter = Standard::new(params, seed).unwrap();
        filter.insert_u64(key);
        let mut positions: Vec<u64> = KeyHash::of_u64(key, seed).probes(params).collect();
        prop_assert_eq!(positions.len(), params.k() as usize);
        prop_assert!(positions.iter().all(|&position| position < params.m()));
        positions.sort_unstable();
        positions.dedup();
        let set: Vec<u64> = (0..params.m())
            .filter(|bit| filter.words()[(bit / 64) as usize] >> (bit % 64) & 1 == 1)
            .collect();
        prop_assert_eq!(&set, &positions);
        prop_assert_eq!(filter.count_ones(), set.len() as u64);
    }

    #[test]
    fn a_number_is_its_bytes_from_the_least_significant(params in params(), seed: u64, key: u64) {
        let mut filter = Standard::new(params, seed).unwrap();
        filter.insert_u64(key);
        prop_assert!(filter.contains(&key.to_le_bytes()));
        prop_assert!(filter.contains_u64(key));
    }

    #[test]
    fn union_is_or(params in params(), seed: u64, a in keys(), b in keys()) {
        let (fa, fb) = (filter(params, seed, &a), filter(params, seed, &b));
        let mut union = fa.clone();
        union.union(&fb).unwrap();
        for ((u, x), y) in union.words().iter().zip(fa.words()).zip(fb.words()) {
            prop_assert_eq!(*u, x | y);
        }
        let both: Vec<Key> = a.iter().chain(&b).cloned().collect();
        prop_assert_eq!(&union, &filter(params, seed, &both));
        prop_assert_eq!(fa.estimate_union(&fb).unwrap().to_bits(), union.estimate().to_bits());
    }

    #[test]
    fn intersect_superset(params in params(), seed: u64, a in keys(), b in keys(), c in keys()) {
        let with = |keys: &[Key]| keys.iter().chain(&c).cloned().collect::<Vec<Key>>();
        let (fa, fb) = (filter(params, seed, &with(&a)), filter(params, seed, &with(&b)));
        let mut both = fa.clone();
        both.intersect(&fb).unwrap();
        for key in &c {
            prop_assert!(both.contains(key));
        }
        for ((i, x), y) in both.words().iter().zip(fa.words()).zip(fb.words()) {
            prop_assert_eq!(*i, x & y);
        }
        let direct = filter(params, seed, &c);
        for (i, d) in both.words().iter().zip(direct.words()) {
            prop_assert_eq!(i & d, *d);
        }
    }

    #[test]
    fn monotone_fill(params in params(), seed: u64, keys in keys()) {
        let mut filter = Standard::new(params, seed).unwrap();
        let mut fill = filter.fill();
        prop_assert_eq!(fill, 0.0);
        for key in &keys {
            let changed = filter.insert(key);
            prop_assert_eq!(filter.fill() > fill, changed);
            fill = filter.fill();
            prop_assert!(fill <= 1.0);
            prop_assert!(filter.words().last().unwrap().checked_shr((params.m() - 1) as u32 % 64 + 1)
                .unwrap_or(0) == 0, "a bit beyond m");
        }
        filter.clear();
        prop_assert!(filter.is_empty());
        prop_assert_eq!(filter.count_ones(), 0);
    }

    #[test]
    fn only_filters_alike_combine(a in params(), b in params(), seeds: (u64, u64), keys in keys()) {
        let mut ours = filter(a, seeds.0, &keys);
        let before = ours.clone();
        let theirs = filter(b, seeds.1, &keys);
        let expected = if a != b {
            Err(MismatchError::Params { ours: a, theirs: b })
        } else if seeds.0 != seeds.1 {
            Err(MismatchError::Seed { ours: seeds.0, theirs: seeds.1 })
        } else {
            Ok(())
        };
        prop_assert_eq!(ours.union(&theirs), expected);
        prop_assert_eq!(ours.intersect(&theirs), expected);
        prop_assert_eq!(ours.estimate_union(&theirs).map(drop), expected);
        prop_assert_eq!(ours.estimate_intersection(&theirs).map(drop), expected);
        if expected.is_err() {
            prop_assert_eq!(ours, before);
        }
    }

    /// Figure B2.
    #[test]
    fn classic_is_a_lower_bound(m in 1u64..5000, n in 1u64..2000, k in 1u32..=64) {
        let exact = exact::rate(m, n, k);
        let (m, n, k) = (m as f64, n as f64, f64::from(k));
        prop_assert!(classic::rate_exponential(m, n, k) <= classic::rate(m, n, k) * (1.0 + 1e-12));
        prop_assert!(classic::rate(m, n, k) <= exact * (1.0 + 1e-12));
        prop_assert!(exact <= 1.0 + 1e-12);
    }

    /// Figure B4, the survey's Table I: more keys raise the rate, more bits lower it.
    #[test]
    fn rate_rises_with_n_and_falls_with_m(m in 2u64..100_000, n in 1u64..5000, k in 1u32..=64) {
        let rate = exact::rate(m, n, k);
        prop_assume!(rate > 1e-290 && rate < 1.0 - 1e-9);
        prop_assert!(exact::rate(m, n + 1 + n / 50, k) > rate);
        prop_assert!(exact::rate(m + 1 + m / 50, n, k) < rate);
    }

    /// Figure B4, the survey's Table I: more probes lower the rate up to the optimum, and raise it
    /// beyond. So the k that looking at neighbours finds is the best of all.
    #[test]
    fn rate_has_one_valley_in_k(m in 2u64..5000, n in 1u64..1000) {
        let rates: Vec<f64> = (1..=Params::MAX_K).map(|k| exact::rate(m, n, k)).collect();
        let best = Params::for_keys(m, n).unwrap();
        prop_assert_eq!(best.m(), m);
        let (before, after) = rates.split_at(best.k() as usize - 1);
        prop_assert!(before.is_sorted_by(|a, b| a >= b));
        prop_assert!(after.is_sorted_by(|a, b| *a <= b * (1.0 + 1e-12)));
    }

    #[test]
    fn for_rate_is_the_smallest_filter(n in 1u64..3000, p in (-20.0f64..-0.01).prop_map(f64::exp2)) {
        let params = Params::for_rate(n, p).unwrap();
        prop_assert!(params.rate(n) <= p);
        prop_assert_eq!(Params::for_keys(params.m(), n).unwrap(), params);
        if params.m() > 1 {
            prop_assert!(Params::for_keys(params.m() - 1, n).unwrap().rate(n) > p);
        }
    }

    #[test]
    fn parameters_are_checked(m: u64, n: u64, k: u32, p: f64) {
        match Params::new(m, k) {
            Ok(params) => prop_assert_eq!((params.m(), params.k()), (m, k)),
            Err(ParamsError::NoBits) => prop_assert_eq!(m, 0),
            Err(ParamsError::TooManyBits { .. }) => prop_assert!(m > Params::MAX_M),
            Err(ParamsError::NoProbes) => prop_assert_eq!(k, 0),
            Err(ParamsError::TooManyProbes { k: told }) => prop_assert!(told == k && k > 64),
            Err(other) => prop_assert!(false, "{}", other),
        }
        prop_assert_eq!(Params::for_keys(m, n).is_ok(), (1..=Params::MAX_M).contains(&m) && n > 0);
        if let Ok(params) = Params::for_rate(n, p) {
            prop_assert!(params.rate(n) <= p);
        }
    }
}

#[test]
fn for_rate_says_what_is_wrong() {
    assert_eq!(Params::for_rate(0, 0.1), Err(ParamsError::NoKeys));
    for p in [0.0, -0.5, 1.0, 2.0, Params::MIN_P / 2.0, f64::INFINITY] {
        assert_eq!(Params::for_rate(10, p), Err(ParamsError::RateOutOfRange { p }));
    }
    assert!(matches!(Params::for_rate(1, f64::NAN), Err(ParamsError::RateOutOfRange { .. })));
    let too_many = Params::for_rate(u64::MAX, 0.5);
    assert!(matches!(too_many, Err(ParamsError::TooManyBits { m }) if m > 2e19), "{too_many:?}");
    // The textbook's size, for a k that is no whole number, just fits; the honest one does not.
    let n = (Params::MAX_M as f64 / classic::bits_per_key(0.3)) as u64;
    assert!(matches!(Params::for_rate(n, 0.3), Err(ParamsError::TooManyBits { .. })));
    assert_eq!(Params::for_rate(1_000_000, Params::MIN_P).map(|params| params.k()), Ok(64));
}

#[test]
fn one_key_needs_no_textbook() {
    // For one key the rate with k probes is that of hitting only one's own bits: fewer probes than
    // (m/n) ln 2 are better, because these overlap less.
    for m in 2..200 {
        let best = Params::for_keys(m, 1).unwrap();
        let brute = (1..=64).map(|k| exact::rate(m, 1, k)).fold(1.0, f64::min);
        assert_eq!(best.rate(1), brute, "m = {m}");
        assert!(f64::from(best.k()) <= classic::optimal_k(m as f64, 1.0).max(1.0), "m = {m}");
    }
}

#[test]
fn errors_say_what_was_expected() {
    let params = |m, k| Params::new(m, k).unwrap();
    let mut filter = Standard::new(params(100, 3), 7).unwrap();
    let error = filter.union(&Standard::new(params(101, 4), 7).unwrap()).unwrap_err();
    let text = "the other filter has m = 101 and k = 4, expected m = 100 and k = 3";
    assert_eq!(error.to_string(), text);
    let error = filter.union(&Standard::new(params(100, 3), 8).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the other filter hashes with seed 0x8, expected 0x7");
    let text = "k is 65 probes, expected at most 64";
    assert_eq!(Params::new(1, 65).unwrap_err().to_string(), text);
}
