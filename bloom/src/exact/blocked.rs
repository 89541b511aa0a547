//! Filters whose keys stay in one block of bits each, a cache line.

use super::partitioned::fill;
use super::{Chain, distinct_probes};
use crate::Params;

/// The exact rate of false positives of a blocked filter: m bits in blocks of `block` bits; a key
/// chooses one block and sets k independent, uniform probes in it.
///
/// The load of a block is binomial, so this is Σ Binom(n, block/m)(i) · [`rate`](super::rate)(block,
/// i, k). Putze, Sanders and Singler (*Cache-, hash- and space-efficient Bloom filters*, WEA 2007)
/// give it with the Poisson distribution, and with the classic rate in each block; that one is below
/// this: by 1 % for blocks of 512 bits at 10 bits a key, by 4 % at 22.
///
/// The relative error is below 1e-11 while the rate is a normal number. NaN if k is not in 1 to 64,
/// m is 0, or `block` does not divide it. 0 for n = 0. For blocks of 512 bits that are half full it costs
/// 8 µs for k = 7, 20 µs for k = 20, 0.11 ms for k = 64; in general, at most 23·k·`block` steps of
/// a chain.
pub fn blocked_rate(m: u64, n: u64, k: u32, block: u32) -> f64 {
    if k == 0 || k > Params::MAX_K {
        return f64::NAN;
    }
    let Some(blocks) = whole(m, block) else { return f64::NAN };
    if blocks == 1 {
        return super::rate(m, n, k);
    }
    let block = u64::from(block);
    let saturation = saturation(block, k, k);
    if block > CHAIN_BITS {
        return mixture(n, blocks, saturation, |keys| super::rate(block, keys, k));
    }
    let distinct = distinct_probes(block, k);
    let mut chain = Chain::new(block, distinct.len());
    let mut inserted = 0;
    mixture(n, blocks, saturation, |keys| {
        chain.throw((keys - inserted) * u64::from(k));
        inserted = keys;
        chain.all_set(&distinct)
    })
}

/// In larger blocks a rate for each load that matters is cheaper than a chain over all of their keys.
const CHAIN_BITS: u64 = 1 << 20;

/// The exact rate of false positives of a split-block filter: m bits in blocks of `block` bits, each
/// of `block`/`word` words; a key chooses one block and sets one bit in every word of it (Putze et
/// al. 2007; the filter of Apache Parquet has `block` = 256 and `word` = 32).
///
/// Σ Binom(n, block/m)(i) · (1 − (1 − 1/word)^i)^(block/word): the words of a block fill
/// independently once its load is known.
///
/// The relative error is below 1e-12 while the rate is a normal number. NaN if m is 0, `block` does
/// not divide it, or `word` does not divide `block`. 0 for n = 0. Costs 10 µs, 0.1 µs for
/// each load that matters.
pub fn split_rate(m: u64, n: u64, block: u32, word: u32) -> f64 {
    let Some(blocks) = whole(m, block) else { return f64::NAN };
    let Some(words) = whole(block.into(), word) else { return f64::NAN };
    let rate = |keys| libm::pow(fill(word.into(), keys), words as f64);
    match blocks {
        1 => rate(n),
        _ => mixture(n, blocks, saturation(word.into(), 1, words as u32), rate),
    }
}

/// How often `part` goes into `whole`; `None` if that is no whole number, or none.
fn whole(whole: u64, part: u32) -> Option<u64> {
    let part = u64::from(part);
    (part > 0 && whole > 0 && whole.is_multiple_of(part)).then(|| whole / part)
}

/// The load from which on a rate is 1 to the last bit: keys that throw `throws` times among `bits`
/// then leave one of `probed` clear with a probability below 1e-17.
fn saturation(bits: u64, throws: u32, probed: u32) -> f64 {
    if bits == 1 {
        return 1.0;
    }
    let missed = f64::from(throws) * libm::log1p(-1.0 / bits as f64);
    libm::ceil((libm::log(f64::from(probed)) + 17.0 * core::f64::consts::LN_10) / -missed)
}

/// Σ Binom(n, 1/blocks)(i) · rate(i), for a rate that rises with i and is 1 from `saturation` on.
/// `rate` is asked for loads in rising order.
///
/// The weights are made relative to the largest, each from its neighbour, and normed at the end:
/// no factorial and no logarithm is needed. Blocks of far less than the mean load are left out;
/// fuller ones are not before all of them could add but one part in 10^17.
fn mixture(n: u64, blocks: u64, saturation: f64, mut rate: impl FnMut(u64) -> f64) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let odds = 1.0 / (blocks - 1) as f64;
    // The weight of load i + 1 over that of load i.
    let step = |i: u64| (n - i) as f64 / (i + 1) as f64 * odds;
    let mode = ((u128::from(n) + 1) / u128::from(blocks)) as u64;
    // Chernoff: nine standard deviations below the mean there is but e^(−40).
    let mean = mode as f64;
    if mean - 9.0 * libm::sqrt(mean) - 2.0 > saturation {
        return 1.0;
    }
    let (mut load, mut weight) = (mode, 1.0);
    while load > 0 && weight > 1e-20 {
        load -= 1;
        weight /= step(load);
    }
    let (mut total, mut weights) = (0.0, 0.0);
    loop {
        weights += weight;
        total += weight * if load as f64 >= saturation { 1.0 } else { rate(load) };
        if load == n {
            break;
        }
        let ratio = step(load);
        weight *= ratio;
        load += 1;
        // All that follows is below this geometric series, even at a rate of 1.
        if ratio < 1.0 && weight / (1.0 - ratio) <= 1e-17 * total {
            break;
        }
    }
    total / weights
}
