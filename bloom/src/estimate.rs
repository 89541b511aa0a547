//! What the bits of a filter tell: how many keys are in it (Swamidass and Baldi, *Mathematical
//! Correction for Fingerprint Similarity Measures to Improve Chemical Retrieval*, Journal of
//! Chemical Information and Modeling 47(3), 2007), and how often it is wrong.
//!
//! Each function costs a logarithm or a power a filter or block, some 10 ns, beside counting the bits.
//! [`Filter`](crate::Filter) has methods that count and call them. For the cardinality of filters of
//! blocks see [`Geometry::cardinality`](crate::Geometry::cardinality).
//!
//! The picture by which Bloom filters are usually explained, in the survey by Tarkoma, Rothenberg and
//! Lagerspetz (2012) too: 18 bits, three probes, the set {x, y, z}; and w, of whose bits one is clear.
//!
//! ```
//! use overlay_bloom::{Params, Standard, Xxh3, estimate, exact};
//!
//! let (x, y, z) = ([1, 5, 13], [4, 11, 16], [3, 5, 11]);
//! let word = [x, y, z].concat().iter().fold(0u64, |word, bit| word | 1 << bit);
//! let set = |bits: [u32; 3]| bits.iter().all(|bit| word >> bit & 1 == 1);
//! assert!(set(x) && set(y) && set(z));
//! let w = [4, 13, 15];
//! assert!(!set(w));
//!
//! // Seven different bits look like three keys, and take one other key in 17 for one of them.
//! let ones = u64::from(word.count_ones());
//! assert_eq!(ones, 7);
//! assert_eq!(estimate::cardinality(18, 3, ones).round(), 3.0);
//! assert_eq!(format!("{:.4}", estimate::rate(18, 3, ones)), "0.0588"); // (7/18)^3
//! assert_eq!(format!("{:.4}", exact::rate(18, 3, 3)), "0.0686"); // over all such pictures
//!
//! // The same bits as a filter.
//! let params = Params::new(18, 3)?;
//! let picture = Standard::from_words(params, Xxh3::new(0), [word].into_iter())?;
//! assert_eq!(picture.rate(), estimate::rate(18, 3, 7));
//!
//! // The filters of the three names, one for each seed of this crate's hash: few of them say w.
//! let mut wrong = 0;
//! for seed in 0..1000 {
//!     let mut filter = Standard::new(params, seed)?;
//!     for name in ["x", "y", "z"] {
//!         filter.insert(name.as_bytes());
//!     }
//!     assert!(["x", "y", "z"].iter().all(|name| filter.contains(name.as_bytes())));
//!     wrong += i32::from(filter.contains(b"w"));
//! }
//! assert!((40..100).contains(&wrong)); // 68.6 are due
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

/// The standard deviation of [`cardinality`] for a filter of n keys, √(m (e^λ − λ − 1)) / k with
/// λ = kn/m (Whang, Vander-Zanden and Taylor, *A linear-time probabilistic counting algorithm for
/// database applications*, ACM Transactions on Database Systems 15(2), 1990, for kn throws). For large
/// m; the mean is then off by much less.
pub fn standard_error(m: u64, k: u32, n: f64) -> f64 {
    let (m, k) = (m as f64, f64::from(k));
    let load = k * n / m;
    libm::sqrt(m * (libm::expm1(load) - load)) / k
}

/// The rate of false positives of a standard filter of m bits of which `ones` are set, fill^k.
/// [`exact::rate`](crate::exact::rate) is the expectation of this over all filters of n keys.
pub fn rate(m: u64, k: u32, ones: u64) -> f64 {
    libm::pow(ones as f64 / m as f64, f64::from(k))
}

/// The rate of false positives of a blocked filter from the set bits of each block: the mean of
/// fill^k, not the mean fill to the k-th power, which is always lower. NaN for no blocks.
pub fn blocked_rate(block: u32, k: u32, ones: impl IntoIterator<Item = u64>) -> f64 {
    mean(ones.into_iter().map(|ones| rate(block.into(), k, ones)))
}

/// The rate of false positives of a split-block filter from the set bits of the words of each block:
/// the mean over the blocks of the product of the fills of their words. NaN for no blocks.
pub fn split_rate<B>(word: u32, ones: impl IntoIterator<Item = B>) -> f64
where
    B: IntoIterator<Item = u32>,
{
    let fill = |ones| f64::from(ones) / f64::from(word);
    mean(ones.into_iter().map(|block| block.into_iter().map(fill).product()))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}
