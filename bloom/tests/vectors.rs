//! The exact rate against values computed in exact rationals or with 400 digits.

use overlay_bloom::{classic, estimate, exact};

/// m, n, k and the exact rate: the closed form of Christensen et al. evaluated with 400 digits,
/// which for small arguments agrees with exact rationals (13/64, 5825/32768).
const EXACT: &[(u64, u64, u32, f64)] = &[
    (2, 1, 1, 5.0e-1),
    (4, 1, 2, 2.03125e-1),
    (8, 2, 2, 1.77764892578125e-1),
    (10, 1, 7, 1.74705766201e-2),
    (32, 4, 5, 2.5221852307293577e-2),
    (64, 6, 7, 6.859411805631711e-3),
    (64, 1, 64, 1.0971049484501665e-10),
    (64, 6, 64, 9.07922827370047e-1),
    (1_000, 1_400, 5, 9.95473768164527e-1),
    (1_024, 102, 7, 8.109679207614503e-3),
    (1_024, 512, 1, 3.9361749743971735e-1),
    (1_024, 513, 1, 3.942096678523739e-1),
    (1_024, 20, 16, 7.642995239710232e-10),
    (1_024, 10, 30, 1.6655495065545754e-18),
    (1_024, 11, 64, 6.969430295722192e-20),
    (1_024, 1, 64, 2.4462332039188496e-78),
    (65_536, 8, 64, 1.088037534094024e-135),
    (65_536, 9, 64, 1.9809687986872583e-132),
    (19_171, 1_000, 13, 1.0024285745692934e-4),
    (28_756, 1_000, 20, 1.001918696046022e-06),
    (95_851, 10_000, 7, 1.0039915908834283e-2),
    (239_627, 10_000, 17, 1.0020921973427156e-05),
    (1_437_759, 100_000, 10, 1.0000357498193402e-3),
    (28_755_176, 1_000_000, 20, 1.0000517013116749e-06),
    (1_048_576, 1_000, 10, 5.933621885873083e-21),
    (1_048_576, 72_682, 10, 9.766018901031739e-4),
    (1_048_576, 22_000, 33, 1.1347492754403042e-10),
    (1_048_576, 11_357, 64, 5.434432115068998e-20),
    (4_294_967_296, 1_000_000, 12, 2.225245277613808e-31),
    (1_099_511_627_776, 10_000_000_000, 64, 1.822418968057954e-23),
    (1_099_511_627_776, 76_000_000_000, 10, 9.57848202073834e-4),
    (1_099_511_627_776, 100_000_000_000, 2, 2.76604835961754e-2),
    (281_474_976_710_656, 20_000_000_000_000, 9, 1.1724695037330655e-3),
    (100_000, 1, 40, 1.2029358863295959e-136),
];

/// What figure B2 and the documentation promise.
const TOLERANCE: f64 = 1e-12;

#[track_caller]
fn assert_close(ours: f64, published: f64, tolerance: f64, what: &str) {
    let error = (ours / published - 1.0).abs();
    assert!(error <= tolerance, "{what}: {ours:e}, expected {published:e}, off by {error:e}");
}

#[test]
fn exact_rate_matches_the_vectors() {
    for &(m, n, k, rate) in EXACT {
        assert_close(exact::rate(m, n, k), rate, TOLERANCE, &format!("({m}, {n}, {k})"));
    }
}

#[test]
fn exact_rationals() {
    assert_close(exact::rate(4, 1, 2), 13.0 / 64.0, 1e-15, "(4, 1, 2)");
    assert_close(exact::rate(8, 2, 2), 5825.0 / 32768.0, 1e-15, "(8, 2, 2)");
}

/// The chain over the number of set bits (Bose et al. 2008), O(m·kn): written on other lines than
/// the library's, and with no common code.
fn rate_over_set_bits(m: u64, n: u64, k: u32) -> f64 {
    let size = m as usize;
    let m = m as f64;
    let mut set = vec![0.0; size + 1];
    set[0] = 1.0;
    for _ in 0..n * u64::from(k) {
        for i in (1..=size).rev() {
            set[i] = set[i] * (i as f64 / m) + set[i - 1] * ((m - i as f64 + 1.0) / m);
        }
        set[0] = 0.0;
    }
    set.iter().enumerate().map(|(i, p)| (i as f64 / m).powi(k as i32) * p).sum()
}

#[test]
fn exact_rate_matches_the_chain_over_set_bits() {
    // Both sides of the 512 throws at which the method changes.
    for (m, n, k) in [
        (1, 3, 2),
        (7, 3, 64),
        (100, 8, 64),
        (100, 9, 64),
        (256, 511, 1),
        (256, 512, 1),
        (256, 513, 1),
        (300, 73, 7),
        (300, 74, 7),
        (600, 60, 11),
    ] {
        let what = format!("({m}, {n}, {k})");
        assert_close(exact::rate(m, n, k), rate_over_set_bits(m, n, k), 2e-12, &what);
    }
}

#[test]
fn there_is_no_rate_without_bits_or_probes() {
    assert!(exact::rate(0, 1, 1).is_nan());
    assert!(exact::rate(1, 1, 0).is_nan());
    assert!(exact::rate(1, 1, 65).is_nan());
    assert_eq!(exact::rate(1, 0, 1), 0.0);
    assert_eq!(exact::rate(1, 1, 1), 1.0);
    assert_eq!(exact::rate(1, u64::MAX, 64), 1.0);
    assert_close(exact::rate(1000, u64::MAX, 64), 1.0, TOLERANCE, "saturated");
}

#[test]
fn classic_rate_matches_its_vectors() {
    assert_close(classic::rate(4.0, 1.0, 2.0), 0.19140625, 1e-15, "(4, 1, 2)");
    // 9.44 % below the exact rate: figure B2.
    let low = 1.0 - classic::rate(64.0, 6.0, 7.0) / exact::rate(64, 6, 7);
    assert!((low - 0.0944).abs() < 5e-5, "{low}");
    assert_eq!(classic::rate(64.0, 0.0, 7.0), 0.0);
    assert_eq!(classic::rate(64.0, 6.0, 0.0), 1.0);
    assert_eq!(classic::rate(1.0, 6.0, 2.0), 1.0);
}

/// Figure B4: the constants beside the survey's Table I.
#[test]
fn constants_of_table_i() {
    assert!((classic::optimal_rate(1.0, 1.0) - 0.6185).abs() < 5e-5);
    for bits_per_key in [1.0, 4.0, 9.6, 14.4, 28.8] {
        let (m, n) = (1e6 * bits_per_key, 1e6);
        assert_close(classic::optimal_rate(m, n), 0.6185f64.powf(m / n), 1e-3, "0.6185^(m/n)");
        assert_close(classic::optimal_k(m, n), 9.0 * m / (13.0 * n), 2e-3, "9m/13n");
        let k = classic::optimal_k(m, n);
        assert_close(classic::rate_exponential(m, n, k), classic::optimal_rate(m, n), 1e-12, "p");
        assert_close(classic::optimal_m(n, classic::optimal_rate(m, n)), m, 1e-12, "m");
    }
    // The standard filter's bits a key for 1 %, 0.1 % and 0.01 %, and 1.4427 times the bound.
    for (p, bits) in [(1e-2, 9.585), (1e-3, 14.378), (1e-4, 19.17)] {
        assert_close(classic::bits_per_key(p), bits, 2e-4, "bits a key");
        let ratio = classic::bits_per_key(p) / classic::lower_bound_bits_per_key(p);
        assert_close(ratio, core::f64::consts::LOG2_E, 1e-12, "1.4427");
    }
}

/// Figure B1: the curves of the survey's plot, each point of which is 2^(-k) for real-valued k.
#[test]
fn curves_of_the_survey() {
    for m in [64.0, 512.0, 1024.0, 2048.0, 4096.0] {
        let mut last = 0.0;
        for n in 1..=100_000 {
            let n = f64::from(n);
            let k = classic::optimal_k(m, n);
            let p = classic::rate_exponential(m, n, k);
            let two_to_minus_k = (-k).exp2();
            if two_to_minus_k > 1e-290 {
                assert_close(p, two_to_minus_k, 1e-12, "2^-k");
            }
            assert!(p >= last && p < 1.0, "m = {m}, n = {n}");
            last = p;
        }
    }
}

#[test]
fn estimates_match_their_formulae() {
    assert_eq!(estimate::cardinality(100, 3, 0), 0.0);
    assert_eq!(estimate::cardinality(100, 3, 100), f64::INFINITY);
    // −(1000/7) ln(1/2).
    assert_close(estimate::cardinality(1000, 7, 500), 99.021_025_794_277_89, 1e-15, "half");
    // Two halves that share half of their bits: 2·99.02… + (1000/7) ln(1/4) = 0.
    assert!(estimate::intersection(1000, 7, 500, 500, 750).abs() < 1e-12);
    assert_close(
        estimate::intersection(1000, 7, 500, 500, 500),
        99.021_025_794_277_89,
        1e-15,
        "equal sets",
    );
}

#[test]
fn rates_from_bits_match_their_formulae() {
    assert_close(estimate::rate(1000, 3, 500), 0.125, 1e-15, "half full");
    // A block half full and one clear: half of (1/2)^3, where the mean fill would say (1/4)^3.
    assert_close(estimate::blocked_rate(512, 3, [256, 0]), 0.0625, 1e-15, "blocked");
    assert!(estimate::blocked_rate(512, 3, [256, 0]) > estimate::rate(1024, 3, 256));
    let ones = [[32, 64, 16], [64, 64, 0]];
    assert_close(estimate::split_rate(64, ones), 0.0625, 1e-15, "split");
    // One key: √(m (e^λ − λ − 1))/k is then √(m λ²/2)/k = 1/√(2m).
    let error = estimate::standard_error(1 << 30, 7, 1.0);
    assert_close(error, (2.0 * f64::powi(2.0, 30)).sqrt().recip(), 1e-7, "standard error");
}
