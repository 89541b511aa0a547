//! The measured rate of false positives against the exact prediction (figure B3, standard layout):
//! within five standard deviations, over many filters of different seeds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{KeyHash, Params, Standard, exact};

struct Sample {
    mean: f64,
    /// The standard deviation of the mean.
    sigma: f64,
}

fn sample(values: &[f64]) -> Sample {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Sample { mean, sigma: (variance / n).sqrt() }
}

#[track_caller]
fn assert_within_five_sigma(values: &[f64], expected: f64, what: &str) {
    let Sample { mean, sigma } = sample(values);
    let off = (mean - expected) / sigma;
    assert!(off.abs() <= 5.0, "{what}: {mean:e}, expected {expected:e}, off by {off:.1} sigma");
}

/// `filters` filters of n keys, each asked for `queries` absent ones.
fn measure(m: u64, n: u64, k: u32, filters: u64, queries: u64) {
    let params = Params::new(m, k).unwrap();
    let mut measured = Vec::new();
    let mut by_fill = Vec::new();
    for seed in 0..filters {
        let mut filter = Standard::new(params, seed).unwrap();
        for key in 0..n {
            filter.insert_u64(key);
        }
        by_fill.push(filter.rate());
        let wrong = (n..n + queries).filter(|&key| filter.contains_u64(key)).count();
        measured.push(wrong as f64 / queries as f64);
    }
    let expected = exact::rate(m, n, k);
    let what = format!("({m}, {n}, {k})");
    assert_within_five_sigma(&measured, expected, &format!("{what} measured"));
    assert_within_five_sigma(&by_fill, expected, &format!("{what} by fill"));
}

#[test]
fn one_in_a_hundred() {
    measure(64, 6, 7, 20_000, 100);
    measure(1024, 102, 7, 2000, 1000);
    measure(9601, 1000, 7, 100, 20_000);
}

#[test]
fn one_in_a_thousand() {
    measure(1437, 100, 10, 1000, 5000);
}

#[test]
fn one_in_ten_thousand() {
    measure(1917, 100, 13, 500, 20_000);
}

/// What double hashing without remixing fails at: six times the due rate at these parameters.
#[test]
fn one_in_a_million() {
    measure(28_756, 1000, 20, 50, 1_000_000);
}

/// The number of different bits that one key sets has the mean and the variance of independent
/// throws, for few and for many probes and for sizes of all kinds.
#[test]
fn probes_are_as_good_as_independent() {
    const KEYS: u64 = 100_000;
    for (m, k) in [(4, 3), (10, 7), (64, 7), (30, 16), (64, 20), (100, 32), (128, 64), (1000, 64)] {
        let params = Params::new(m, k).unwrap();
        let different: Vec<f64> = (0..KEYS)
            .map(|key| {
                let mut set = vec![false; m as usize];
                KeyHash::of_u64(key, 9).probes(params).for_each(|p| set[p as usize] = true);
                set.iter().filter(|&&bit| bit).count() as f64
            })
            .collect();
        let bins = m as f64;
        let one_missed = (1.0 - 1.0 / bins).powi(k as i32);
        let both_missed = (1.0 - 2.0 / bins).powi(k as i32);
        let mean = bins * (1.0 - one_missed);
        let variance = bins * (bins - 1.0) * both_missed + bins * one_missed
            - bins * bins * one_missed * one_missed;
        let what = format!("m = {m}, k = {k}");
        assert_within_five_sigma(&different, mean, &format!("{what}: mean"));
        let squares: Vec<f64> = different.iter().map(|d| (d - mean).powi(2)).collect();
        assert_within_five_sigma(&squares, variance, &format!("{what}: variance"));
    }
}

/// Each position is as likely as any other, also at sizes that divide no power of two.
#[test]
fn positions_are_uniform() {
    for m in [3u64, 7, 96, 1000] {
        let params = Params::new(m, 5).unwrap();
        let mut hits = vec![0.0; m as usize];
        const KEYS: u64 = 200_000;
        for key in 0..KEYS {
            KeyHash::of_u64(key, 3).probes(params).for_each(|p| hits[p as usize] += 1.0);
        }
        let due = (KEYS * 5) as f64 / m as f64;
        let chi_square: f64 = hits.iter().map(|h: &f64| (h - due).powi(2) / due).sum();
        let freedom = (m - 1) as f64;
        let off = (chi_square - freedom) / (2.0 * freedom).sqrt();
        assert!(off < 6.0, "m = {m}: chi-square {chi_square}, off by {off:.1} sigma");
    }
}

#[test]
fn estimates_find_the_cardinality() {
    let params = Params::for_rate(1000, 0.01).unwrap();
    let mut relative = [Vec::new(), Vec::new(), Vec::new()];
    for seed in 0..200 {
        let filter = |keys: std::ops::Range<u64>| {
            let mut filter = Standard::new(params, seed).unwrap();
            keys.for_each(|key| {
                filter.insert_u64(key);
            });
            filter
        };
        // 700 and 600 keys, 300 of them in both.
        let (a, b) = (filter(0..700), filter(400..1000));
        relative[0].push(a.estimate() / 700.0);
        relative[1].push(a.estimate_union(&b).unwrap() / 1000.0);
        relative[2].push(a.estimate_intersection(&b).unwrap() / 300.0);
    }
    for (values, what) in relative.iter().zip(["cardinality", "union", "intersection"]) {
        let Sample { mean, sigma } = sample(values);
        assert!((mean - 1.0).abs() < 5.0 * sigma + 1e-3, "{what}: {mean}, sigma {sigma}");
        assert!(sigma < 2e-3, "{what}: sigma {sigma}");
    }
}
