//! Laws of the distributions, at fixed seeds.

use overlay_peer::Pcg32;
use overlay_sim::Distribution::{self, *};
use overlay_sim::distribution::DistributionErrorKind;
use proptest::prelude::*;

/// One of each, and corner cases of their shapes.
fn all() -> Vec<Distribution> {
    vec![
        Constant(3.5),
        Uniform { low: 2.0, high: 6.0 },
        Exponential { mean: 20.0 },
        Pareto { shape: 3.5, scale: 5.0 },
        BoundedPareto { shape: 1.2, low: 1.0, high: 500.0 },
        BoundedPareto { shape: 1.0, low: 1.0, high: 500.0 },
        Weibull { shape: 0.6, scale: 30.0 },
        Weibull { shape: 2.0, scale: 30.0 },
        LogNormal { mu: 1.0, sigma: 0.8 },
        Zipf { items: 100, exponent: 0.8 },
        Zipf { items: 1_000, exponent: 1.0 },
        Zipf { items: 50, exponent: 2.2 },
        Zipf { items: 10, exponent: 0.0 },
        Zipf { items: 1, exponent: 1.0 },
        Steps([(1.0, 2.0), (10.0, 1.0), (50.0, 1.0)].into()),
        Curve([(0.0, 1.0), (0.5, 3.0), (0.9, 10.0), (1.0, 40.0)].into()),
    ]
}

const DRAWS: usize = 40_000;

fn draws(sample: impl Fn(&mut Pcg32) -> f64) -> Vec<f64> {
    let mut rng = Pcg32::new(11, 17);
    let mut draws: Vec<f64> = (0..DRAWS).map(|_| sample(&mut rng)).collect();
    draws.sort_by(f64::total_cmp);
    draws
}

/// The share of sorted draws that exceed x.
fn above(draws: &[f64], x: f64) -> f64 {
    1.0 - draws.partition_point(|&draw| draw <= x) as f64 / draws.len() as f64
}

fn std_error(share: f64) -> f64 {
    (share * (1.0 - share) / DRAWS as f64).sqrt()
}

#[test]
fn the_mean_of_many_draws_is_the_mean() {
    for distribution in all() {
        let draws = draws(|rng| distribution.sample(rng));
        let mean = draws.iter().sum::<f64>() / DRAWS as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / DRAWS as f64;
        let expected = distribution.mean();
        let off = (mean - expected).abs();
        assert!(
            off <= 5.0 * (variance / DRAWS as f64).sqrt(),
            "{distribution}: {mean}, {expected}"
        );
    }
}

/// Kolmogorov and Smirnov's test, far into the tail, too.
#[test]
fn the_share_of_draws_above_is_the_survival() {
    for distribution in all() {
        let draws = draws(|rng| distribution.sample(rng));
        for quantile in [0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999] {
            for nudge in [0.0, 1e-9] {
                let x = draws[(quantile * DRAWS as f64) as usize] * (1.0 + nudge);
                let (share, expected) = (above(&draws, x), distribution.survival(x));
                let off = (share - expected).abs();
                assert!(
                    off <= 5.0 * std_error(expected) + 1e-4,
                    "{distribution} above {x}: {share}, {expected}"
                );
            }
        }
        assert!(distribution.survival(-1.0) == 1.0 && distribution.survival(1e12) < 1e-6);
    }
}

/// P(rest ≤ x) is the integral of the survival up to x, over the mean.
#[test]
fn the_rest_of_a_session_has_the_equilibrium_distribution() {
    for distribution in all() {
        let rest = draws(|rng| distribution.sample_rest(rng));
        for quantile in [0.1, 0.3, 0.5, 0.8, 0.95] {
            let x = rest[(quantile * DRAWS as f64) as usize];
            let steps = 4_000;
            let width = x / f64::from(steps);
            let at = |step| distribution.survival((f64::from(step) + 0.5) * width);
            let integral = (0..steps).map(at).sum::<f64>() * width;
            let expected = 1.0 - integral / distribution.mean();
            let share = above(&rest, x);
            let off = (share - expected).abs();
            assert!(
                off < 5.0 * std_error(expected) + 2e-3,
                "{distribution} above {x}: {share}, {expected}"
            );
        }
    }
}

#[test]
fn without_a_mean_a_session_never_ends() {
    let endless = Pareto { shape: 1.0, scale: 60.0 };
    assert_eq!(endless.mean(), f64::INFINITY);
    let mut rng = Pcg32::new(1, 1);
    assert_eq!(endless.sample_rest(&mut rng), f64::INFINITY);
    let years = endless.sample_rest_secs(&mut rng).as_secs() / (365 * 86_400);
    assert!(years > 500_000);
}

#[test]
fn durations_are_whole_microseconds() {
    let mut rng = Pcg32::new(1, 1);
    assert_eq!(Constant(1.25).sample_secs(&mut rng).as_nanos(), 1_250_000_000);
    assert_eq!(Constant(-1.0).sample_secs(&mut rng).as_nanos(), 0);
    assert_eq!(Constant(f64::NAN).sample_secs(&mut rng).as_nanos(), 0);
}

/// Draws must not drift: a run is named by its seed alone.
#[test]
fn first_draws_are_frozen() {
    let bits: Vec<[u64; 3]> = all()
        .iter()
        .map(|distribution| {
            let mut rng = Pcg32::new(42, 54);
            [(); 3].map(|()| distribution.sample(&mut rng).to_bits())
        })
        .collect();
    let rest: Vec<u64> = all()
        .iter()
        .map(|distribution| distribution.sample_rest(&mut Pcg32::new(42, 54)).to_bits())
        .collect();
    assert_eq!(bits, FROZEN);
    assert_eq!(rest, FROZEN_REST);
}

#[rustfmt::skip]
const FROZEN: [[u64; 3]; 16] = [
    [4615063718147915776, 4615063718147915776, 4615063718147915776],
    [4616023585376709505, 4616256890819289556, 4617525344410008136],
    [4624416687958766739, 4623662324264427060, 4616806929127908348],
    [4618622502311038656, 4618490979196051994, 4617693442248983365],
    [4610461365786503146, 4610904529601757240, 4615656072082304986],
    [4611349651462629238, 4611814871768017291, 4617178150114300022],
    [4625698978028478094, 4624718417799498299, 4612906161110934735],
    [4627911498084456236, 4627572610507260440, 4624243397906944909],
    [4607352838670129593, 4609817860451111647, 4614209908431536613],
    [4624633867356078080, 4623507967449235456, 4613937818241073152],
    [4628293042053316608, 4626604192193052672, 4613937818241073152],
    [4607182418800017408, 4607182418800017408, 4607182418800017408],
    [4617315517961601024, 4618441417868443648, 4620693217682128896],
    [4607182418800017408, 4607182418800017408, 4607182418800017408],
    [4607182418800017408, 4621819117588971520, 4632233691727265792],
    [4611753291191919060, 4619040926315116986, 4623781800175987572]];
const FROZEN_REST: [u64; 16] = [
    4610269561333959714,
    4612089576189788850,
    4626477895676402270,
    4614252988009181384,
    4616994064075258419,
    4622841234860582874,
    4635623467980598102,
    4625778567928269834,
    4614476054096166115,
    4627741763974776498,
    4642929981325570949,
    4609185169596629314,
    4614773160961330210,
    4602346753816549122,
    4627470666040443898,
    4616580511728029263,
];

proptest! {
    /// What is printed is read as the same distribution.
    #[test]
    fn round_trip(a in 0.01f64..1e6, b in 0.01f64..1e6, items in 1u64..1_000_000) {
        let made = [
            Constant(a),
            Uniform { low: a, high: a + b },
            Exponential { mean: a },
            Pareto { shape: a, scale: b },
            BoundedPareto { shape: a, low: b, high: b + a },
            Weibull { shape: a, scale: b },
            LogNormal { mu: -a, sigma: b },
            Zipf { items, exponent: a },
            Steps([(a, b), (b, 0.0)].into()),
            Curve([(0.0, a), (0.25, a), (1.0, a + b)].into()),
        ];
        for distribution in made {
            prop_assert_eq!(distribution.check(), Ok(()));
            let text = distribution.to_string();
            prop_assert_eq!(text.parse(), Ok(distribution), "{}", text);
        }
    }

    #[test]
    fn parsing_never_panics(text in "(pareto|zipf|steps|curve|uniform)?\\(?[0-9:,.inafe-]{0,20}\\)?") {
        if let Ok(distribution) = text.parse::<Distribution>() {
            prop_assert!(!distribution.sample(&mut Pcg32::new(1, 1)).is_nan());
        }
    }
}

#[test]
fn faults_are_named() {
    let fault = |text: &str| text.parse::<Distribution>().unwrap_err();
    assert!(matches!(fault("gauss(1)").kind, DistributionErrorKind::Unknown));
    let parameters = DistributionErrorKind::Parameters { found: 1, expected: 2 };
    assert_eq!(fault("pareto(1)").kind, parameters);
    assert_eq!(
        fault("pareto(0,60)").to_string(),
        "shape is 0, expected a finite number above 0 in `pareto(0,60)`"
    );
    assert_eq!(fault("weibull(0.5,x)").to_string(), "parameter 2 is no number in `weibull(0.5,x)`");
    for text in ["-1", "inf", "NaN", "uniform(2,1)", "steps(1:0)", "curve(0.1:1,1:2)", "zipf(0,1)"]
    {
        assert!(matches!(fault(text).kind, DistributionErrorKind::OutOfRange { .. }), "{text}");
    }
    assert_eq!("7".parse::<Distribution>(), Ok(Constant(7.0)));
}
