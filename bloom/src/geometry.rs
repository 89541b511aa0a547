//! Layouts as values with numbers: their rates, and the best m and k for each.

use crate::{Params, ParamsError, classic, estimate, exact};

/// How a filter of m bits places the k probes of a key, for any size of blocks and words: what a
/// rate depends on. Filters exist for three of these, the [layouts](crate::layout), each of which
/// names its [`GEOMETRY`](crate::layout::Layout::GEOMETRY).
///
/// Sizes follow from the [exact] rate of the geometry, not from the textbook's: a blocked filter
/// that is sized as if it were a standard one breaks its promise.
///
/// ```
/// use overlay_bloom::{Blocked, Geometry};
///
/// // Ten million keys at one in a thousand: the bits a key that each needs.
/// let bits = |geometry: Geometry| -> Result<f64, overlay_bloom::ParamsError> {
///     Ok(geometry.for_rate(10_000_000, 1e-3)?.bits_per_key(10_000_000))
/// };
/// assert_eq!(format!("{:.2}", bits(Geometry::Standard)?), "14.38");
/// assert_eq!(format!("{:.2}", bits(Geometry::BLOCKED_512)?), "15.55");
/// assert_eq!(format!("{:.2}", bits(Geometry::SPLIT_512)?), "15.72");
/// assert_eq!(format!("{:.2}", bits(Geometry::SPLIT_256)?), "16.89");
///
/// let filter = Blocked::new(Geometry::BLOCKED_512.for_rate(1000, 1e-3)?, 0)?;
/// assert!(filter.expected_rate(1000) <= 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Geometry {
    /// k probes anywhere: [`exact::rate`]. A counting filter has this geometry too.
    Standard,
    /// One bit in each of k slices: [`exact::partitioned_rate`].
    Partitioned,
    /// k probes in one block: [`exact::blocked_rate`].
    Blocked {
        /// The bits of a block, at least 1.
        block: u32,
    },
    /// One bit in each word of one block: [`exact::split_rate`]. k is `block`/`word`.
    Split {
        /// The bits of a block, a multiple of `word`.
        block: u32,
        /// The bits of a word, at least 1.
        word: u32,
    },
}

impl Geometry {
    /// Blocks of one cache line.
    pub const BLOCKED_512: Self = Self::Blocked { block: 512 };

    /// Cache lines of eight words of 64 bits, k = 8.
    pub const SPLIT_512: Self = Self::Split { block: 512, word: 64 };

    /// Blocks of eight words of 32 bits, k = 8, as Apache Parquet has them.
    pub const SPLIT_256: Self = Self::Split { block: 256, word: 32 };

    /// The exact rate of false positives once n keys are in. NaN where there is no filter of
    /// such parameters: m must be a multiple of the block, at least k for
    /// [`Partitioned`](Self::Partitioned), and k must be the words of a block for
    /// [`Split`](Self::Split).
    pub fn rate(self, params: Params, n: u64) -> f64 {
        let (m, k) = (params.m(), params.k());
        match self {
            Self::Standard => exact::rate(m, n, k),
            Self::Partitioned => exact::partitioned_rate(m, n, k),
            Self::Blocked { block } => exact::blocked_rate(m, n, k, block),
            Self::Split { block, word } if self.only_k() == Some(k) => {
                exact::split_rate(m, n, block, word)
            }
            Self::Split { .. } => f64::NAN,
        }
    }

    /// The number of different keys in a filter of which `ones` bits are set: the number that lets so
    /// many be expected, infinite for a full filter.
    ///
    /// For the standard geometry it is [`estimate::cardinality`]. In the others a key sets a given bit
    /// with the probability c, which is k/m for slices and words, and (1 − (1 − 1/s)^k) · s/m for k
    /// probes in blocks of s bits; n keys leave it clear with (1 − c)^n, whence
    /// ln(1 − ones/m) / ln(1 − c). Blocks cost some certainty: they fill unevenly.
    pub fn cardinality(self, params: Params, ones: u64) -> f64 {
        let m = params.m() as f64;
        if self == Self::Standard {
            return estimate::cardinality(params.m(), params.k(), ones);
        }
        match ones {
            0 => 0.0,
            _ if ones >= params.m() => f64::INFINITY,
            _ => libm::log1p(-(ones as f64) / m) / libm::log1p(-self.chance(params)),
        }
    }

    /// How far off [`cardinality`](Self::cardinality) is to be expected for a filter of n keys: its
    /// standard deviation, for large m. NaN for a k that [`Split`](Self::Split) does not have; parameters
    /// are otherwise to be as in [`rate`](Self::rate).
    ///
    /// For the standard geometry it is [`estimate::standard_error`]. In the others it is likewise the
    /// standard deviation of the number of clear bits over the slope of their mean. The variance is
    /// summed over pairs of bits: with q and r the probabilities that n keys leave one bit and both bits
    /// clear, a pair adds r − q².
    pub fn standard_error(self, params: Params, n: f64) -> f64 {
        let (m, k) = (params.m() as f64, f64::from(params.k()));
        let (block, word) = match self {
            Self::Standard => return estimate::standard_error(params.m(), params.k(), n),
            Self::Partitioned => (m, m / k),
            Self::Blocked { block } => (block.into(), block.into()),
            Self::Split { block, word } if self.only_k() == Some(params.k()) => {
                (block.into(), word.into())
            }
            Self::Split { .. } => return f64::NAN,
        };
        let chance = self.chance(params);
        // The probabilities that a key sets one bit at least of two in a word, or in a block's words.
        let in_word = match self {
            Self::Blocked { .. } => block / m * classic::rate((block / 2.0).max(1.0), k, 1.0),
            _ => 2.0 * chance,
        };
        let in_block = block / m * (2.0 - 1.0 / word) / word;
        // r/q² − 1 for so many pairs, from the logarithm of r/q² for one key.
        let one = libm::log1p(-chance);
        let excess =
            |pairs: f64, log: f64| if pairs > 0.0 { pairs * libm::expm1(n * log) } else { 0.0 };
        let variance = excess(1.0, -one)
            + excess(word - 1.0, libm::log1p(-in_word) - 2.0 * one)
            + excess(block - word, libm::log1p(-in_block) - 2.0 * one)
            + excess(m - block, libm::log1p(-libm::pow(chance / (1.0 - chance), 2.0)));
        // Rounding may leave less than nothing of next to nothing.
        let variance = if variance < 0.0 { 0.0 } else { variance };
        libm::sqrt(variance / m) / -one
    }

    /// The probability that a key sets a given bit, for geometries of blocks and slices.
    fn chance(self, params: Params) -> f64 {
        let (m, k) = (params.m() as f64, f64::from(params.k()));
        match self {
            Self::Blocked { block } => classic::rate(block.into(), k, 1.0) * f64::from(block) / m,
            _ => k / m,
        }
    }

    /// The number of keys that two filters share, |A| + |B| − |A ∪ B|, from the set bits of each and
    /// of their bitwise or. As noisy as [`estimate::intersection`], and NaN or negative infinity if the
    /// union is full.
    pub fn intersection(self, params: Params, ones_a: u64, ones_b: u64, ones_union: u64) -> f64 {
        let keys = |ones| self.cardinality(params, ones);
        keys(ones_a) + keys(ones_b) - keys(ones_union)
    }

    /// The filter of at most m bits with the k, up to [`Params::MAX_K`], that makes the exact rate
    /// for n keys least; the smaller k if two are equal. m is rounded down to whole blocks.
    ///
    /// Starts from the floor of (m/n) ln 2 and looks at its neighbours by their exact rates, because
    /// the best k is smaller for few keys and for blocks. Costs three to ten exact rates:
    /// 7 µs for a standard filter of 10 bits a key, 20 µs for one of blocks of 512 bits; 32 µs and 2.4 ms
    /// at 92, where k reaches 64.
    ///
    /// # Errors
    /// m is below one block or above [`Params::MAX_M`], n is 0, or there are no such blocks.
    pub fn for_keys(self, m: u64, n: u64) -> Result<Params, ParamsError> {
        self.check()?;
        Params::check_m(m)?;
        Params::check_n(n)?;
        match m - m % self.unit() {
            0 => Err(ParamsError::LessThanOneBlock { m, block: self.unit() }),
            m => Ok(self.best(m, n).0),
        }
    }

    /// The smallest filter whose exact rate for n keys is at most p: the least m, a whole number of
    /// blocks, and its best k.
    ///
    /// Costs about twenty times [`for_keys`](Self::for_keys): 0.15 ms for a standard filter at
    /// p = 1e-2, 0.26 ms at 1e-6 and 0.5 ms where k reaches 64; for one of blocks of 512 bits 0.36 ms,
    /// 5.7 ms and 54 ms.
    ///
    /// # Errors
    /// n is 0, p is not in [`Params::MIN_P`]..1, more than [`Params::MAX_M`] bits would be needed,
    /// or there are no such blocks.
    pub fn for_rate(self, n: u64, p: f64) -> Result<Params, ParamsError> {
        self.check()?;
        Params::check_n(n)?;
        if !(Params::MIN_P..1.0).contains(&p) {
            return Err(ParamsError::RateOutOfRange { p });
        }
        let classic = classic::optimal_m(n as f64, p);
        if classic > Params::MAX_M as f64 {
            return Err(ParamsError::TooManyBits { m: classic });
        }
        self.smallest(n, p, (classic as u64 / self.unit()).max(1))
    }

    /// m is a multiple of this.
    fn unit(self) -> u64 {
        match self {
            Self::Standard | Self::Partitioned => 1,
            Self::Blocked { block } | Self::Split { block, .. } => block.into(),
        }
    }

    /// The k of a geometry that leaves no choice; words of no bits have none.
    fn only_k(self) -> Option<u32> {
        match self {
            Self::Split { block, word } => block.checked_div(word),
            _ => None,
        }
    }

    fn check(self) -> Result<(), ParamsError> {
        let (block, word) = match self {
            Self::Standard | Self::Partitioned => return Ok(()),
            Self::Blocked { block } => (block, block),
            Self::Split { block, word } => (block, word),
        };
        let splits = word > 0 && block > 0 && block.is_multiple_of(word);
        if splits && block / word <= Params::MAX_K {
            Ok(())
        } else {
            Err(ParamsError::NoSuchBlock { block, word })
        }
    }

    /// The best k for m bits, of whole blocks, and n keys; and its exact rate.
    fn best(self, m: u64, n: u64) -> (Params, f64) {
        let at = |k: u32| {
            let params = Params::unchecked(m, k);
            (params, self.rate(params, n))
        };
        if let Some(k) = self.only_k() {
            return at(k);
        }
        let most = match self {
            Self::Partitioned => m.min(Params::MAX_K.into()) as u32,
            _ => Params::MAX_K,
        };
        let real = classic::optimal_k(m as f64, n as f64).clamp(1.0, f64::from(most));
        let mut best = at(real as u32);
        // Upwards first, so that the ceiling is always looked at; then downwards.
        while best.0.k() < most {
            let more = at(best.0.k() + 1);
            if more.1 >= best.1 {
                break;
            }
            best = more;
        }
        while best.0.k() > 1 {
            let fewer = at(best.0.k() - 1);
            if fewer.1 > best.1 {
                break;
            }
            best = fewer;
        }
        best
    }

    /// The fewest blocks whose best rate is at most p, searched around `start`: a bracket, then
    /// bisection.
    fn smallest(self, n: u64, p: f64, start: u64) -> Result<Params, ParamsError> {
        let unit = self.unit();
        let most = Params::MAX_M / unit;
        let enough = |blocks: u64| {
            let (params, rate) = self.best(blocks * unit, n);
            (rate <= p).then_some(params)
        };
        let mut step = start / 256 + 1;
        // `low` blocks are too few, as 0 are, and `high` are enough.
        let (mut low, mut high);
        if let Some(params) = enough(start) {
            high = params;
            low = start.saturating_sub(step);
            while let Some(params) = (low > 0).then(|| enough(low)).flatten() {
                high = params;
                step *= 2;
                low = low.saturating_sub(step);
            }
        } else {
            low = start;
            high = loop {
                if low == most {
                    return Err(ParamsError::TooManyBits { m: (low * unit) as f64 + 1.0 });
                }
                let blocks = (low + step).min(most);
                match enough(blocks) {
                    Some(params) => break params,
                    None => low = blocks,
                }
                step *= 2;
            };
        }
        while high.m() / unit - low > 1 {
            let middle = low + (high.m() / unit - low) / 2;
            match enough(middle) {
                Some(params) => high = params,
                None => low = middle,
            }
        }
        Ok(high)
    }
}
