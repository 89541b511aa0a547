//! Bloom filters. "The survey" is Tarkoma, Rothenberg and Lagerspetz, *Theory and Practice of Bloom
//! Filters for Distributed Systems*, IEEE Communications Surveys & Tutorials 14(1), 2012.

use overlay_bloom::layout::{self, Layout};
use overlay_bloom::{Counting, Filter, Geometry, Params, classic, exact};

use super::row::{Row, Tolerance};

/// B1. The survey plots (1 − e^(−kn/m))^k at k = (m/n) ln 2, which is 2^(−k): our formula is checked
/// against that at every n, and what a filter of whole k has exactly is shown beside it.
///
/// `bloom_plan --plot` draws the curves.
pub fn survey_curves() -> Vec<Row> {
    let mut rows = Vec::new();
    for m in [64.0, 512.0, 1024.0, 2048.0, 4096.0] {
        let apart = |n: u32| {
            let n = f64::from(n);
            let k = classic::optimal_k(m, n);
            let curve = (-k).exp2();
            // With few keys the rate is below what floating point can hold precisely.
            if curve < 1e-290 {
                0.0
            } else {
                (classic::rate_exponential(m, n, k) / curve - 1.0).abs()
            }
        };
        let most = (1..=100_000).map(apart).fold(0.0, f64::max);
        let what =
            format!("m = {m}, n = 1..100,000: largest relative distance from the curve 2^−k");
        rows.push(Row::new(what, 0.0, most, Tolerance::Absolute(1e-12)));
    }
    for (m, n) in [(64, 10), (512, 50), (1024, 100), (2048, 100), (4096, 1000)] {
        let curve = classic::optimal_rate(m as f64, n as f64);
        let params = Params::for_keys(m, n).expect("some bits and keys");
        let what = format!("m = {m}, n = {n}: the curve; exact with whole k = {}", params.k());
        rows.push(Row::new(what, curve, params.rate(n), Tolerance::Report));
    }
    rows
}

/// B2.
pub fn lower_bound() -> Vec<Row> {
    let exact = exact::rate(64, 6, 7);
    let low = 1.0 - classic::rate(64.0, 6.0, 7.0) / exact;
    let mut violations = 0.0;
    let mut cases = 0;
    for m in (1..40).map(|i| i * i) {
        for n in (1..30).map(|i| i * i) {
            for k in 1..=Params::MAX_K {
                let classic = classic::rate(m as f64, n as f64, f64::from(k));
                // To rounding: with one probe, or in a full filter, the two are equal.
                violations += f64::from(classic > exact::rate(m, n, k) * (1.0 + 1e-12));
                cases += 1;
            }
        }
    }
    vec![
        Row::new(
            "exact rate, (m, n, k) = (64, 6, 7)",
            6.859411805631711e-3,
            exact,
            Tolerance::Relative(1e-12),
        ),
        Row::new(
            "the same: % by which the classic rate is low",
            9.44,
            100.0 * low,
            Tolerance::Absolute(5e-3),
        ),
        Row::new(
            format!("of {cases} sizes to 1,521 bits: classic rate above the exact"),
            0.0,
            violations,
            Tolerance::Exact,
        ),
    ]
}

/// B3. "Published" is the layout's own exact prediction; ours is measured over filters of different
/// seeds.
pub fn measured_rates() -> Vec<Row> {
    let mut rows = Vec::new();
    for (p, filters, queries) in [
        (1e-2, 60, 5000),
        (1e-3, 100, 10_000),
        (1e-4, 80, 30_000),
        (1e-5, 60, 200_000),
        (1e-6, 100, 1_000_000),
    ] {
        let sampling = Sampling { p, filters, queries };
        rows.push(sampling.filter::<layout::Standard>("standard"));
        rows.push(sampling.row("counting", Geometry::Standard, |params, seed| {
            let mut filter = Counting::new(params, seed).expect("a few kilobytes");
            (0..KEYS).for_each(|key| {
                filter.insert_u64(key);
            });
            move |key| filter.contains_u64(key)
        }));
        rows.push(sampling.filter::<layout::Blocked>("blocked 512"));
        rows.push(sampling.filter::<layout::Split>("split 512"));
    }
    rows
}

const KEYS: u64 = 300;

/// How much is measured at a rate.
struct Sampling {
    p: f64,
    filters: u64,
    queries: u64,
}

impl Sampling {
    fn filter<L: Layout>(&self, name: &str) -> Row {
        self.row(name, L::GEOMETRY, |params, seed| {
            let mut filter = Filter::<L>::new(params, seed).expect("a few kilobytes");
            (0..KEYS).for_each(|key| {
                filter.insert_u64(key);
            });
            move |key| filter.contains_u64(key)
        })
    }

    /// `build` makes a filter that holds the numbers below [`KEYS`], and gives its `contains`.
    fn row<C: Fn(u64) -> bool>(
        &self,
        name: &str,
        geometry: Geometry,
        build: impl Fn(Params, u64) -> C,
    ) -> Row {
        let params = geometry.for_rate(KEYS, self.p).expect("a rate in range");
        let rates: Vec<f64> = (0..self.filters)
            .map(|seed| {
                let contains = build(params, seed);
                let wrong = (KEYS..KEYS + self.queries).filter(|&key| contains(key)).count();
                wrong as f64 / self.queries as f64
            })
            .collect();
        let count = self.filters as f64;
        let mean = rates.iter().sum::<f64>() / count;
        let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let what = format!("{name}, n = {KEYS}, m = {}, k = {}", params.m(), params.k());
        let sigma = (variance / count).sqrt();
        Row::new(what, geometry.rate(params, KEYS), mean, Tolerance::FiveSigma(sigma))
    }
}

/// B4. Table I says what more of each parameter does to the rate, to the space and to the work. Rates
/// are compared in every case of a grid; space is m bits and work k probes by construction.
pub fn table_i() -> Vec<Row> {
    let sizes: Vec<(u64, u64)> =
        (4..30).flat_map(|i| (1..20).map(move |j| (i * i * i, j * j))).collect();
    let count = |fails: &dyn Fn(u64, u64) -> bool| {
        sizes.iter().filter(|&&(m, n)| fails(m, n)).count() as f64
    };
    let rate = |m, n, k| exact::rate(m, n, k);
    let more_keys = count(&|m, n| rate(m, n + 1, 5) <= rate(m, n, 5) && rate(m, n, 5) < 1.0 - 1e-9);
    let more_bits = count(&|m, n| rate(m + 1, n, 5) >= rate(m, n, 5) && rate(m, n, 5) < 1.0 - 1e-9);
    let more_probes = count(&|m, n| {
        let best = Params::for_keys(m, n).expect("some bits and keys").k();
        let rates: Vec<f64> = (1..=Params::MAX_K).map(|k| rate(m, n, k)).collect();
        let (falling, rising) = rates.split_at(best as usize - 1);
        !(falling.is_sorted_by(|a, b| a >= b)
            && rising.is_sorted_by(|a, b| *a <= b * (1.0 + 1e-12)))
    });
    let cases = sizes.len();
    let law = |what: &str, fails| {
        Row::new(format!("{what}: exceptions in {cases} cases"), 0.0, fails, Tolerance::Exact)
    };
    vec![
        law("more n, higher rate", more_keys),
        law("more m, lower rate", more_bits),
        law("more k, lower rate up to the best k and higher beyond", more_probes),
        Row::new(
            "base of the least rate, b^(m/n)",
            0.6185,
            classic::optimal_rate(1.0, 1.0),
            Tolerance::Absolute(5e-5),
        ),
        Row::new(
            "best k for m/n = 13",
            9.0,
            classic::optimal_k(13.0, 1.0),
            Tolerance::Relative(2e-3),
        ),
        Row::new(
            "the same, whole and by exact rates, n = 10,000",
            9.0,
            whole_k(130_000, 10_000),
            Tolerance::Exact,
        ),
    ]
}

fn whole_k(m: u64, n: u64) -> f64 {
    Params::for_keys(m, n).expect("some bits and keys").k().into()
}
