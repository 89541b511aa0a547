//! Compressed filters: Mitzenmacher's tables, and laws.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::compressed::{self, Compressed};
use overlay_bloom::{Params, ParamsError, classic};
use proptest::prelude::*;

const N: u64 = 100_000;

/// Mitzenmacher 2002, tables 1 to 4: m/n, k, z/n (sent bits a key) and the rate, for many keys.
const TABLES: &[(f64, u32, f64, f64)] = &[
    (8.0, 6, 8.0, 0.0216),
    (14.0, 2, 7.923, 0.0177),
    (92.0, 1, 7.923, 0.0108),
    (16.0, 11, 16.0, 4.59e-4),
    (28.0, 4, 15.846, 3.14e-4),
    (48.0, 3, 15.829, 2.22e-4),
    (12.6, 2, 7.582, 0.0216),
    (46.0, 1, 6.891, 0.0215),
];

#[test]
fn mitzenmacher() {
    for &(bits, k, sent, rate) in TABLES {
        let params = Params::new((bits * N as f64) as u64, k).unwrap();
        let ours = compressed::sent_bits(params, N) / N as f64;
        // The tables give what is not compressed as it is, and four digits of the rest.
        assert!((ours - sent).abs() < 1e-3 || bits == sent && ours < bits, "{bits}: {ours} bits");
        assert!((params.rate(N) / rate - 1.0).abs() < 5e-3, "{bits}: {}", params.rate(N));
    }
}

/// The same tables the other way round: what they print is found as the best.
#[test]
fn the_best_filter_is_mitzenmachers() {
    let per_key = |bits: f64| (bits * N as f64) as u64;
    for (sent, max, k) in [(7.923, 14.0, 2), (7.923, 92.0, 1), (15.829, 48.0, 3)] {
        let found = compressed::for_sent_bits(N, sent * N as f64, per_key(max)).unwrap();
        assert_eq!(found.params.k(), k);
        assert!(found.params.bits_per_key(N) > 0.999 * max, "{found:?}");
    }
    for (max, k, sent) in [(12.6, 2, 7.58), (46.0, 1, 6.88)] {
        let found = compressed::for_rate(N, 0.0216, per_key(max)).unwrap();
        assert_eq!(found.params.k(), k);
        assert!((found.sent / (sent * N as f64) - 1.0).abs() < 5e-3, "{found:?}");
    }
}

#[test]
fn entropy_of_a_bit() {
    assert_eq!(compressed::entropy(0.5), 1.0);
    assert_eq!((compressed::entropy(0.0), compressed::entropy(1.0)), (0.0, 0.0));
    // H(0.11) = 0.499915958164528…
    assert!((compressed::entropy(0.11) - 0.499_915_958_164_528).abs() < 1e-15);
    // H(1e-20) = (20 ln 10 + 1)·1e-20 / ln 2: nothing is lost where the filter is nearly clear.
    assert!((compressed::entropy(1e-20) / 6.788_125_693_863_62e-19 - 1.0).abs() < 1e-13);
}

/// The more memory, the smaller the message. At the end there is one probe in n/p bits, and the message
/// is log2 e bits a key above the bound of any structure, log2(1/p).
#[test]
fn memory_buys_smaller_messages() {
    let p = 1e-3;
    let mut last = Params::for_rate(N, p).unwrap().m() as f64;
    let bound = classic::lower_bound_bits_per_key(p) * N as f64;
    for max in [20, 50, 200, 1000] {
        let found = compressed::for_rate(N, p, max * N).unwrap();
        assert!(found.rate <= p && found.params.m() <= max * N);
        assert!(found.sent < last && found.sent > bound, "{found:?}");
        last = found.sent;
    }
    let above = (last - bound) / N as f64;
    assert!((above - std::f64::consts::LOG2_E).abs() < 0.01, "{above}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// The smallest message for a rate, and the lowest rate for a message, are one filter's.
    #[test]
    fn size_and_rate_agree(n in 100u64..100_000, bits in 4u64..40, more in 1u64..10) {
        let max = n * bits * more;
        let sent = (n * bits) as f64;
        let Compressed { params, sent: ours, rate } = compressed::for_sent_bits(n, sent, max).unwrap();
        prop_assert!(ours <= sent && params.m() <= max);
        prop_assert_eq!(rate.to_bits(), params.rate(n).to_bits());
        prop_assert!(rate <= Params::for_keys(n * bits, n).unwrap().rate(n));
        if rate > Params::MIN_P {
            let back = compressed::for_rate(n, rate, max).unwrap();
            prop_assert!(back.rate <= rate && back.sent <= ours * (1.0 + 1e-12));
        }
    }
}

#[test]
fn errors_say_what_was_expected() {
    let smallest = Params::for_rate(1000, 0.01).unwrap().m();
    let error = compressed::for_rate(1000, 0.01, smallest - 1).unwrap_err();
    assert_eq!(error, ParamsError::MemoryTooSmall { m: 9595, max: 9594 });
    assert_eq!(error.to_string(), "m is 9594 bits, expected at least the 9595 that the rate takes");
    assert!(compressed::for_rate(1000, 0.01, smallest).is_ok());
    assert_eq!(compressed::for_sent_bits(0, 1.0, 1), Err(ParamsError::NoKeys));
    assert_eq!(compressed::for_sent_bits(1, 1.0, 0), Err(ParamsError::NoBits));
    assert_eq!(compressed::for_sent_bits(1, f64::NAN, 1), Err(ParamsError::NoBits));
    // What there is no room for to send says next to nothing.
    assert!(compressed::for_sent_bits(10, 1e-9, 1000).unwrap().rate > 0.999);
}
