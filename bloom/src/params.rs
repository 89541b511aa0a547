//! The two numbers that make a filter: its bits and its probes.

use crate::{Geometry, ParamsError, exact};

/// The size of a filter, m bits, and its probes a key, k. Always valid.
///
/// ```
/// use overlay_bloom::Params;
///
/// // 1,000 keys, one false positive in a hundred absent ones.
/// let params = Params::for_rate(1000, 0.01)?;
/// assert_eq!((params.m(), params.k()), (9595, 7));
/// assert!(params.rate(1000) <= 0.01);
/// # Ok::<(), overlay_bloom::ParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    m: u64,
    k: u32,
}

impl Params {
    /// The most bits a filter may have, 2^48 (32 TiB): all counts are exact in `f64`, and a
    /// position taken from 64 hashed bits is uniform to one part in 2^16.
    pub const MAX_M: u64 = 1 << 48;

    /// The most probes a key may have: 64 probes at the optimal fill of one half answer with a rate
    /// of 2^-64, below which two keys of equal 64-bit hashes spoil the rate.
    pub const MAX_K: u32 = 64;

    /// The least rate that can be asked for, 2^-64.
    pub const MIN_P: f64 = 1.0 / 18_446_744_073_709_551_616.0;

    /// A filter of exactly m bits and k probes.
    ///
    /// # Errors
    /// m is not in 1 to [`MAX_M`](Self::MAX_M), or k not in 1 to [`MAX_K`](Self::MAX_K).
    pub fn new(m: u64, k: u32) -> Result<Self, ParamsError> {
        Self::check_m(m)?;
        match k {
            0 => Err(ParamsError::NoProbes),
            1..=Self::MAX_K => Ok(Self { m, k }),
            _ => Err(ParamsError::TooManyProbes { k }),
        }
    }

    /// A filter of exactly m bits with the k, up to [`MAX_K`](Self::MAX_K), that makes the
    /// [exact rate](exact::rate) for n keys least; the smaller k if two are equal.
    ///
    /// The floor and the ceiling of (m/n) ln 2 are compared by their exact rates, and then their
    /// neighbours, because for few keys the best k may lie outside: m = 13 bits for one key take
    /// 7 probes, not 9 or 10. Costs three to five exact rates: 7 µs at
    /// 10 bits a key, 32 µs at 92, and more for few keys.
    ///
    /// This is for the standard layout. The others have [`Geometry::for_keys`].
    ///
    /// # Errors
    /// m is not in 1 to [`MAX_M`](Self::MAX_M), or n is 0.
    pub fn for_keys(m: u64, n: u64) -> Result<Self, ParamsError> {
        Geometry::Standard.for_keys(m, n)
    }

    /// The smallest filter whose [exact rate](exact::rate) for n keys is at most p.
    ///
    /// That takes a few bits more than the textbook's −n ln p / (ln 2)², which rests on a rate that
    /// is always too low and on a k that is no whole number: 9,595 instead of 9,586 for
    /// a thousand keys at one in a hundred, 11 instead of 10 for one key. Costs about twenty times
    /// [`for_keys`](Self::for_keys), below a millisecond.
    ///
    /// This is for the standard layout. The others have [`Geometry::for_rate`].
    ///
    /// # Errors
    /// n is 0, p is not in [`MIN_P`](Self::MIN_P)..1, or more than [`MAX_M`](Self::MAX_M) bits
    /// would be needed.
    pub fn for_rate(n: u64, p: f64) -> Result<Self, ParamsError> {
        Geometry::Standard.for_rate(n, p)
    }

    /// The bits of the filter, m.
    pub fn m(&self) -> u64 {
        self.m
    }

    /// The probes a key, k.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The rate of false positives to expect of a standard filter once n keys are in, exactly:
    /// [`exact::rate`]. For the other layouts see [`Geometry::rate`].
    pub fn rate(&self, n: u64) -> f64 {
        exact::rate(self.m, n, self.k)
    }

    /// The bits spent on each of n keys, m/n. Infinite for no keys.
    pub fn bits_per_key(&self, n: u64) -> f64 {
        self.m as f64 / n as f64
    }

    /// m and k are known to be in range.
    pub(crate) fn unchecked(m: u64, k: u32) -> Self {
        Self { m, k }
    }

    pub(crate) fn check_m(m: u64) -> Result<(), ParamsError> {
        match m {
            0 => Err(ParamsError::NoBits),
            1..=Self::MAX_M => Ok(()),
            _ => Err(ParamsError::TooManyBits { m: m as f64 }),
        }
    }

    pub(crate) fn check_n(n: u64) -> Result<(), ParamsError> {
        if n == 0 { Err(ParamsError::NoKeys) } else { Ok(()) }
    }
}
