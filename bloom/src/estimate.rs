//! How many keys are in a filter, judged by its bits (Swamidass and Baldi, *Mathematical
//! Correction for Fingerprint Similarity Measures to Improve Chemical Retrieval*, Journal of
//! Chemical Information and Modeling 47(3), 2007).
//!
//! Each function costs a logarithm a filter, some 10 ns, beside counting the bits.
//! [`Standard`](crate::Standard) has methods that count and call them.

/// The number of different keys in a filter of m bits and k probes of which `ones` are set,
/// −(m/k) ln(1 − ones/m).
///
/// Infinite for a full filter, which says nothing about how many keys filled it.
pub fn cardinality(m: u64, k: u32, ones: u64) -> f64 {
    if ones == 0 {
        return 0.0;
    }
    let m = m as f64;
    -m / f64::from(k) * libm::log1p(-(ones as f64) / m)
}

/// The number of keys that two filters of m bits and k probes share, |A| + |B| − |A ∪ B|, from the
/// set bits of each and of their bitwise or.
///
/// It is as noisy as the larger of the two sets, and so may come out below zero for sets that share
/// nothing. NaN or negative infinity if the union is full.
pub fn intersection(m: u64, k: u32, ones_a: u64, ones_b: u64, ones_union: u64) -> f64 {
    cardinality(m, k, ones_a) + cardinality(m, k, ones_b) - cardinality(m, k, ones_union)
}
