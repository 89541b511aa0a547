//! Filters that are compressed before they are sent (Mitzenmacher, *Compressed Bloom filters*,
//! IEEE/ACM Transactions on Networking 10(5), 2002).
//!
//! The best filter of a given m is half full, and half-full random bits do not compress. If it is
//! not memory but the message that costs, fewer probes in more bits are better: such a filter is
//! mostly clear, an entropy coder takes it to m·H(fill) bits, and at equal size on the wire its rate is
//! lower. With enough memory for a single probe, m = n/p, a key costs log2(1/p) + 1.44 sent bits
//! instead of 1.44 log2(1/p): next to the [bound](crate::classic::lower_bound_bits_per_key) of any
//! structure.
//!
//! All of this is for the standard layout and the [exact] rate. What a real coder adds comes on top.

use crate::{Geometry, Params, ParamsError, classic, exact};

/// A filter to be sent compressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compressed {
    /// The filter in memory.
    pub params: Params,
    /// The bits to expect on the wire, [`sent_bits`].
    pub sent: f64,
    /// The exact rate for the n keys asked for.
    pub rate: f64,
}

/// The entropy of one bit that is set with probability `fill`, in bits: H(fill), from 0 to 1.
pub fn entropy(fill: f64) -> f64 {
    let part = |p: f64| if p <= 0.0 { 0.0 } else { -p * libm::log2(p) };
    // log2(1 − fill) by log1p: a filter that is worth compressing is nearly clear.
    let clear = if fill >= 1.0 {
        0.0
    } else {
        -(1.0 - fill) * libm::log1p(-fill) / core::f64::consts::LN_2
    };
    part(fill) + clear
}

/// The bits that an ideal coder needs for a standard filter of n keys, m·H(1 − (1 − 1/m)^kn).
///
/// That is the entropy at the expected fill. The fill varies from filter to filter by about 1/√m, so
/// this is what to expect, not a bound.
pub fn sent_bits(params: Params, n: u64) -> f64 {
    let (m, k) = (params.m() as f64, f64::from(params.k()));
    m * entropy(classic::rate(m, k * n as f64, 1.0))
}

/// The filter of at most `max_m` bits in memory and `sent` bits on the wire that has the least exact
/// rate for n keys.
///
/// Every k is tried that is not above the best one for a filter sent as it is, each with the largest m
/// that can be sent. (More probes fill a filter until it is nearly full, which compresses as well as
/// nearly clear. But then it is the probes that cost.) Costs 31 µs to send 10 bits a
/// key, 0.41 ms for 92.
///
/// # Errors
/// n or `max_m` is 0, `max_m` is above [`Params::MAX_M`], or `sent` is not above 0.
pub fn for_sent_bits(n: u64, sent: f64, max_m: u64) -> Result<Compressed, ParamsError> {
    Params::check_n(n)?;
    Params::check_m(max_m)?;
    if sent.is_nan() || sent <= 0.0 {
        return Err(ParamsError::NoBits);
    }
    // As many bits as may be sent and be in memory, not compressed: never less than one.
    let plain = Params::for_keys((sent as u64).clamp(1, max_m), n)?;
    let best_of = |k: u32| {
        // With equal probes, more bits take more bits to send. A single bit, always set, takes none.
        let fits = |m: u64| sent_bits(Params::unchecked(m, k), n) <= sent;
        let m = last(1, max_m, fits);
        compressed(Params::unchecked(m, k), n)
    };
    Ok(best((1..=plain.k()).map(best_of), |filter| filter.rate))
}

/// The filter of at most `max_m` bits in memory with an exact rate of at most p for n keys that takes
/// the fewest bits on the wire.
///
/// Every k is tried that is not above that of [`Params::for_rate`], each with the smallest m that has
/// the rate. Costs 0.5 ms at p = 1e-2, 1.4 ms at 1e-6, 7 ms where k reaches
/// 64.
///
/// # Errors
/// As [`Params::for_rate`]; or `max_m` bits are too few for this rate.
pub fn for_rate(n: u64, p: f64, max_m: u64) -> Result<Compressed, ParamsError> {
    let smallest = Geometry::Standard.for_rate(n, p)?;
    if smallest.m() > max_m {
        return Err(ParamsError::MemoryTooSmall { m: smallest.m(), max: max_m });
    }
    let max_m = max_m.min(Params::MAX_M);
    let best_of = |k: u32| {
        let too_few = |m: u64| exact::rate(m, n, k) > p;
        if too_few(max_m) {
            return None;
        }
        // One bit is always too few: its rate is 1.
        let m = last(1, max_m, too_few) + 1;
        Some(compressed(Params::unchecked(m, k), n))
    };
    let uncompressed = compressed(smallest, n);
    let others = (1..=smallest.k()).filter_map(best_of);
    Ok(best(core::iter::once(uncompressed).chain(others), |filter| filter.sent))
}

fn compressed(params: Params, n: u64) -> Compressed {
    Compressed { params, sent: sent_bits(params, n), rate: params.rate(n) }
}

/// The largest number of `low..=high` for which a condition holds that holds up to some number and
/// not beyond; `low` if it never does.
fn last(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    if holds(high) {
        return high;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The first of those with the least cost.
fn best(
    filters: impl Iterator<Item = Compressed>,
    cost: impl Fn(&Compressed) -> f64,
) -> Compressed {
    filters
        .reduce(|best, next| if cost(&next) < cost(&best) { next } else { best })
        .expect("there is at least one probe to try")
}
