//! One slice of the bits for each probe.

use crate::Params;

/// The exact rate of false positives of a partitioned filter: m bits in k slices, and a key sets one
/// bit in each of them (Kirsch and Mitzenmacher, *Less hashing, same performance*, Random Structures
/// & Algorithms 33(2), 2008, section 3; Almeida et al., *Scalable Bloom filters*, 2007).
///
/// The slices fill independently of each other, so the rate is the product of 1 − (1 − 1/s)^n over
/// the slices of s bits: (1 − (1 − k/m)^n)^k if k divides m. Otherwise the first m mod k slices are
/// one bit longer than the others.
///
/// The relative error is below 1e-13. NaN if k is not in 1 to 64 or a slice would have no bit. 0 for
/// n = 0. Costs 0.1 µs.
pub fn partitioned_rate(m: u64, n: u64, k: u32) -> f64 {
    if k == 0 || k > Params::MAX_K || m < u64::from(k) {
        return f64::NAN;
    }
    let (short, longer) = (m / u64::from(k), m % u64::from(k));
    let power = |bits: u64, slices: u64| match slices {
        0 => 1.0,
        _ => libm::pow(fill(bits, n), slices as f64),
    };
    power(short, u64::from(k) - longer) * power(short + 1, longer)
}

/// The probability that n keys with one probe each among `bits` set a given one,
/// 1 − (1 − 1/bits)^n.
pub(super) fn fill(bits: u64, n: u64) -> f64 {
    match (bits, n) {
        (_, 0) => 0.0,
        (1, _) => 1.0,
        _ => -libm::expm1(n as f64 * libm::log1p(-1.0 / bits as f64)),
    }
}
