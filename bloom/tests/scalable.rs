//! Laws of scalable filters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{GrowError, Growth, KeyHash, Params, ParamsError, Scalable, Xxh3};
use proptest::prelude::*;

fn growth() -> impl Strategy<Value = Growth> {
    (2u32..5, 0.3f64..0.95).prop_map(|(factor, tightening)| Growth { factor, tightening })
}

fn rate() -> impl Strategy<Value = f64> {
    (-20.0f64..-0.01).prop_map(f64::exp2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn no_false_negatives(n in 1u64..300, p in rate(), growth in growth(), keys in 1u64..3000) {
        let mut filter = Scalable::with_hasher(n, p, growth, Xxh3::new(1)).unwrap();
        for key in 0..keys {
            let was_there = filter.contains_u64(key);
            prop_assert_eq!(filter.insert_u64(key).unwrap(), !was_there);
            prop_assert!(filter.contains_u64(key));
        }
        for key in 0..keys {
            prop_assert!(filter.contains_u64(key));
            prop_assert!(filter.contains(&key.to_le_bytes()));
            prop_assert!(filter.contains_hash(KeyHash::of_u64(key, 1)));
        }
    }

    /// Not on average but always: each stage stays within its share p(1 − r)r^i, and so the whole
    /// below p, after every single key.
    #[test]
    fn the_rate_stays_below_p(n in 1u64..300, p in rate(), growth in growth(), keys in 1u64..2000) {
        let mut filter = Scalable::with_hasher(n, p, growth, Xxh3::new(2)).unwrap();
        for key in 0..keys {
            filter.insert_u64(key).unwrap();
            // The last stage is the one that changed.
            let i = filter.stages().len() - 1;
            let share = p * (1.0 - growth.tightening) * growth.tightening.powi(i as i32);
            let rate = filter.stages().last().unwrap().rate();
            prop_assert!(rate <= share * (1.0 + 1e-12), "stage {} at {}, share {}", i, rate, share);
        }
        prop_assert!(filter.rate() < p);
        prop_assert_eq!(filter.p(), p);
    }

    /// Stage i has the size that the paper gives it, and is full when the next one begins.
    #[test]
    fn stages_grow(n in 64u64..300, p in rate(), growth in growth(), keys in 1u64..3000) {
        let mut filter = Scalable::with_hasher(n, p, growth, Xxh3::new(3)).unwrap();
        (0..keys).for_each(|key| {
filter.insert_u64(key).unwrap();
});
        prop_assert_eq!(filter.m(), filter.stages().map(|stage| stage.params().m()).sum::<u64>());
        let last = filter.stages().len() - 1;
        for (i, stage) in filter.stages().enumerate() {
            let due = n * u64::from(growth.factor).pow(i as u32);
            let share = p * (1.0 - growth.tightening) * growth.tightening.powi(i as i32);
            // The library's own power may be off by a rounding, and a bit with it.
            let expected = Params::for_rate(due, share).unwrap();
            prop_assert!(stage.params().m().abs_diff(expected.m()) <= 1);
            prop_assert_eq!(stage.params().k(), expected.k());
            if i < last {
                // So full that one more key might have been too much.
                let one_more = (stage.count_ones() + u64::from(expected.k())) as f64;
                let rate = (one_more / expected.m() as f64).powi(expected.k() as i32);
                prop_assert!(rate > share * (1.0 - 1e-9), "{} of {}", rate, share);
            }
        }
    }

    /// Even at rates near one and for a single key a new stage has room.
    #[test]
    fn every_key_finds_room(n in 1u64..3, p in 0.5f64..0.999_999, tightening in 0.01f64..0.99) {
        let growth = Growth { factor: 1, tightening };
        let mut filter = Scalable::with_hasher(n, p, growth, Xxh3::new(4)).unwrap();
        for key in 0..300 {
            let stages = filter.stages().len();
            match filter.insert_u64(key) {
                Ok(_) => prop_assert!(filter.stages().len() <= stages + 1),
                // A tightening of nearly 0 soon asks for a rate of nearly 0.
                Err(error) => {
                    let expected = matches!(error, GrowError::Params(ParamsError::RateOutOfRange { .. }));
                    prop_assert!(expected, "{}", error);
                    break;
                }
            }
            prop_assert!(filter.stages().all(|stage| !stage.is_empty() || key == 0));
        }
        prop_assert!(filter.rate() < p);
    }
}

/// The first stage takes about as many keys as it is sized for.
#[test]
fn the_first_stage_takes_its_keys() {
    for (n, p) in [(64, 0.01), (1000, 0.01), (1000, 1e-6), (10_000, 0.2)] {
        let mut filter = Scalable::new(n, p, 5).unwrap();
        let taken = (0..).take_while(|&key| {
            filter.insert_u64(key).unwrap();
            filter.stages().len() == 1
        });
        let taken = taken.count() as f64;
        assert!((0.85..1.15).contains(&(taken / n as f64)), "{taken} of {n} at {p}");
    }
}

/// What is measured is what the stages say, 1 − Π(1 − f_i), which is at most the sum and below p.
#[test]
fn measured_rate() {
    let (filters, queries, p) = (40, 25_000u64, 0.02);
    let (mut wrong, mut due) = (0, 0.0);
    for seed in 0..filters {
        let mut filter = Scalable::new(100, p, seed).unwrap();
        (0..5_000).for_each(|key| {
            filter.insert_u64(key).unwrap();
        });
        assert_eq!(filter.stages().len(), 6);
        due += 1.0 - filter.stages().map(|stage| 1.0 - stage.rate()).product::<f64>();
        wrong += (1 << 40..(1 << 40) + queries).filter(|&key| filter.contains_u64(key)).count();
        assert!((filter.estimate() / 5_000.0 - 1.0).abs() < 0.05, "{}", filter.estimate());
    }
    let (due, total) = (due / filters as f64, (filters * queries) as f64);
    let measured = wrong as f64 / total;
    let sigma = (due * (1.0 - due) / total).sqrt();
    assert!((measured - due).abs() < 5.0 * sigma, "{measured} measured, {due} due");
    assert!(measured < p);
}

/// What the documentation says of memory.
#[test]
fn memory_beside_one_filter_of_the_right_size() {
    let mut ratios = Vec::new();
    let mut filter = Scalable::new(1000, 0.01, 6).unwrap();
    let mut keys = 0;
    for tenth in 31..=55 {
        let n = 10f64.powf(f64::from(tenth) / 10.0) as u64;
        (keys..n).for_each(|key| {
            filter.insert_u64(key).unwrap();
        });
        keys = n;
        ratios.push(filter.m() as f64 / Params::for_rate(n, 0.01).unwrap().m() as f64);
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!(ratios.iter().all(|ratio| (1.4..3.5).contains(ratio)), "{ratios:?}");
    assert!((1.9..2.5).contains(&mean), "{mean}");
}

#[test]
fn senseless_arguments_are_refused() {
    assert_eq!(Scalable::new(0, 0.1, 0), Err(ParamsError::NoKeys.into()));
    for p in [0.0, 1.0, -1.0, f64::INFINITY, 1e-30] {
        assert_eq!(Scalable::new(1, p, 0), Err(ParamsError::RateOutOfRange { p }.into()));
    }
    assert!(Scalable::new(1, f64::NAN, 0).is_err());
    assert!(matches!(
        Scalable::new(u64::MAX, 0.1, 0),
        Err(GrowError::Params(ParamsError::TooManyBits { .. }))
    ));
    for (factor, tightening) in [(0, 0.5), (2, 0.0), (2, 1.0), (2, -0.5), (2, f64::INFINITY)] {
        let growth = Growth { factor, tightening };
        let error = Scalable::with_hasher(1, 0.1, growth, Xxh3::new(0)).unwrap_err();
        assert_eq!(error, GrowError::Growth { factor, tightening });
    }
    let growth = Growth { factor: 2, tightening: f64::NAN };
    assert!(Scalable::with_hasher(1, 0.1, growth, Xxh3::new(0)).is_err());
}
