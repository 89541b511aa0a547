//! The textbook formulae (Bloom 1970; as in Tarkoma, Rothenberg and Lagerspetz, *Theory and
//! Practice of Bloom Filters for Distributed Systems*, IEEE Communications Surveys & Tutorials
//! 14(1), 2012, section II).
//!
//! They take the bits of a filter for independent, which they are not, so [`rate`] is always an
//! underestimate: by 9.4 % for m = 64, n = 6, k = 7, by a hundredth of that for large filters.
//! [`exact::rate`](crate::exact::rate) is the truth. What is here is for real-valued arguments: to
//! plan, to plot, and as bounds. Each function costs one or two calls of `libm`, some 20 ns. A
//! negative or otherwise senseless argument gives NaN or infinity, as floating point does.

use core::f64::consts::LN_2;

/// The classic rate of false positives, (1 − (1 − 1/m)^kn)^k, for m bits, n keys and k probes.
///
/// A lower bound of [`exact::rate`](crate::exact::rate) for every m, n ≥ 1 and k ≥ 1, by Jensen's
/// inequality: it is the k-th power of the expected fill, where the exact rate is the expectation
/// of the k-th power (Bose et al. 2008).
pub fn rate(m: f64, n: f64, k: f64) -> f64 {
    if k * n == 0.0 {
        return if k == 0.0 { 1.0 } else { 0.0 };
    }
    libm::pow(-libm::expm1(k * n * libm::log1p(-1.0 / m)), k)
}

/// The classic rate in its exponential form, (1 − e^(−kn/m))^k: a little below [`rate`], because
/// (1 − 1/m)^kn < e^(−kn/m) makes the other fill larger. The difference vanishes for large m.
pub fn rate_exponential(m: f64, n: f64, k: f64) -> f64 {
    libm::pow(-libm::expm1(-k * n / m), k)
}

/// The real-valued number of probes that makes [`rate_exponential`] least, (m/n) ln 2 ≈ 9m/13n.
///
/// A filter needs a whole number: see [`Params::for_keys`](crate::Params::for_keys).
pub fn optimal_k(m: f64, n: f64) -> f64 {
    m / n * LN_2
}

/// [`rate_exponential`] at [`optimal_k`]: e^(−(ln 2)² m/n) ≈ 0.6185^(m/n).
pub fn optimal_rate(m: f64, n: f64) -> f64 {
    libm::exp(-LN_2 * LN_2 * m / n)
}

/// The bits at which [`optimal_rate`] is p, −n ln p / (ln 2)²: [`bits_per_key`] times n.
///
/// A filter needs a little more: see [`Params::for_rate`](crate::Params::for_rate).
pub fn optimal_m(n: f64, p: f64) -> f64 {
    n * bits_per_key(p)
}

/// The bits a Bloom filter spends on each key for a rate of p, log2(1/p) / ln 2:
/// 1.4427 times the [lower bound](lower_bound_bits_per_key).
pub fn bits_per_key(p: f64) -> f64 {
    lower_bound_bits_per_key(p) / LN_2
}

/// The bits that any structure needs for each key to answer with a rate of p, log2(1/p)
/// (Carter, Floyd, Gill, Markowsky and Wegman, *Exact and approximate membership testers*, 1978).
pub fn lower_bound_bits_per_key(p: f64) -> f64 {
    -libm::log2(p)
}
