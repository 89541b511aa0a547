//! A filter that grows with its keys and keeps its rate (Almeida, Baquero, Preguiça and Hutchison,
//! *Scalable Bloom Filters*, Information Processing Letters 101(6), 2007).

use alloc::vec::Vec;

use crate::words::place;
use crate::{GrowError, KeyHash, KeyHasher, Params, ParamsError, Standard, Xxh3};

/// A filter for a number of keys that nobody knows: a row of [`Standard`] filters, its *stages*, each
/// larger than the one before and with a lower rate of its own. Keys go into the last stage; when
/// that has its fill, a new one is added.
///
/// # The rate
/// With r the [tightening](Growth::tightening), stage i = 0, 1, 2, … is entitled to a rate of
/// p(1 − r)r^i. An absent key is a false positive if any stage takes it for one, so the rate of the
/// whole is at most the sum, which is below p(1 − r)/(1 − r) = p for any number of stages (section 3
/// of the paper). It holds at every moment for the very bits there are, not just on average: a stage
/// takes a key only as long as its own fill^k can not exceed its share ([`rate`](Self::rate)).
///
/// # The cost
/// Stage i is sized for n·s^i keys, with s the [factor](Growth::factor). So N keys take about
/// log_s(N/n) stages, and a query for an absent key asks them all, beginning with the last; it is
/// hashed once. Lower rates take more bits, and the last stage has room to spare: at p = 1 %, the
/// default growth and up to 10,000 times n, 1.4 to 3.4 times the memory of one filter of the right
/// size, 2.3 on average. If you know how many keys will come, use [`Standard`].
///
/// ```
/// use overlay_bloom::Scalable;
///
/// let mut filter = Scalable::new(100, 0.01, 2026)?;
/// for key in 0..10_000 {
///     filter.insert_u64(key)?;
/// }
/// assert!(filter.contains_u64(77));
/// assert_eq!(filter.stages().len(), 7);
/// assert!(filter.rate() < 0.01);
/// # Ok::<(), overlay_bloom::GrowError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scalable<H = Xxh3> {
    /// The keys that the first stage is sized for.
    n: u64,
    p: f64,
    growth: Growth,
    hasher: H,
    /// Never empty.
    stages: Vec<Stage<H>>,
}

/// How the stages of a [`Scalable`] filter follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// How many times the keys of one stage the next is sized for, s. 2 wastes least memory, 4 has
    /// half as many stages to ask.
    pub factor: u32,
    /// What the rate of one stage is multiplied by for the next, r, above 0 and below 1. From 0.8
    /// to 0.9 takes least memory (section 4 of the paper).
    pub tightening: f64,
}

impl Default for Growth {
    /// A factor of 2 and a tightening of 0.85.
    fn default() -> Self {
        Self { factor: 2, tightening: 0.85 }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Stage<H> {
    filter: Standard<H>,
    /// The set bits of the filter.
    ones: u64,
    /// With more set bits the filter's rate would be above its share.
    most_ones: u64,
}

/// What the first stage is sized for at least: for less, whole keys make a difference to when a
/// stage is full. It is some 100 bytes at a rate of 1 %.
const LEAST_KEYS: u64 = 64;

impl Scalable<Xxh3> {
    /// An empty filter with a rate of at most p for however many keys, whose first stage is sized
    /// for n of them (64, if that is more), with the default [`Growth`]. Keys are hashed by [`Xxh3`]
    /// with this seed.
    ///
    /// # Errors
    /// Those of [`with_hasher`](Self::with_hasher).
    pub fn new(n: u64, p: f64, seed: u64) -> Result<Self, GrowError> {
        Self::with_hasher(n, p, Growth::default(), Xxh3::new(seed))
    }
}

impl<H: KeyHasher> Scalable<H> {
    /// [`new`](Self::new) with a growth and a hasher of one's own.
    ///
    /// # Errors
    /// n is 0, or p not in [`Params::MIN_P`]..1, or the growth's factor is 0, or its tightening not
    /// above 0 and below 1; or the first stage's share of p is below [`Params::MIN_P`], or there is
    /// no memory for it.
    pub fn with_hasher(n: u64, p: f64, growth: Growth, hasher: H) -> Result<Self, GrowError> {
        let Growth { factor, tightening } = growth;
        if factor == 0 || !(tightening > 0.0 && tightening < 1.0) {
            return Err(GrowError::Growth { factor, tightening });
        }
        if n == 0 {
            return Err(ParamsError::NoKeys.into());
        }
        if !(Params::MIN_P..1.0).contains(&p) {
            return Err(ParamsError::RateOutOfRange { p }.into());
        }
        let mut filter = Self { n: n.max(LEAST_KEYS), p, growth, hasher, stages: Vec::new() };
        filter.grow()?;
        Ok(filter)
    }

    /// Inserts a key; whether it was not there before, as far as [`contains`](Self::contains) can
    /// tell. If it was, nothing changes.
    ///
    /// Costs a query, k bits, and for a few keys a new stage.
    ///
    /// # Errors
    /// A new stage is needed, and there is no memory for it, or no [`Params`]: it would need more
    /// than 2^48 bits or a rate below 2^-64. Nothing changes then.
    pub fn insert(&mut self, key: &[u8]) -> Result<bool, GrowError> {
        self.insert_hash(self.hasher.hash(key))
    }

    /// [`insert`](Self::insert) for a number: its eight bytes, least significant first.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    pub fn insert_u64(&mut self, key: u64) -> Result<bool, GrowError> {
        self.insert_hash(self.hasher.hash_u64(key))
    }

    /// [`insert`](Self::insert) for a key that was hashed, with this filter's hasher, before.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    pub fn insert_hash(&mut self, key: KeyHash) -> Result<bool, GrowError> {
        if self.contains_hash(key) {
            return Ok(false);
        }
        if self.last().is_full() {
            self.grow()?;
        }
        self.last_mut().insert(key);
        Ok(true)
    }

    /// Whether the key may be in the filter: always `true` if it was inserted.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.contains_hash(self.hasher.hash(key))
    }

    /// [`contains`](Self::contains) for a number: its eight bytes, least significant first.
    pub fn contains_u64(&self, key: u64) -> bool {
        self.contains_hash(self.hasher.hash_u64(key))
    }

    /// [`contains`](Self::contains) for a key that was hashed, with this filter's hasher, before.
    pub fn contains_hash(&self, key: KeyHash) -> bool {
        // The last stage has most keys.
        self.stages.iter().rev().any(|stage| stage.filter.contains_hash(key))
    }

    /// An upper bound of the rate of false positives of this very filter, from the bits it has: the
    /// sum of its stages' [rates](crate::Filter::rate). Always below p.
    pub fn rate(&self) -> f64 {
        self.stages.iter().map(|stage| stage.filter.rate()).sum()
    }

    /// The number of different keys that were inserted, judged by the bits: the sum of its stages'
    /// [estimates](crate::Filter::estimate).
    pub fn estimate(&self) -> f64 {
        self.stages.iter().map(|stage| stage.filter.estimate()).sum()
    }

    /// The bits of all stages.
    pub fn m(&self) -> u64 {
        self.stages.iter().map(|stage| stage.filter.params().m()).sum()
    }

    /// The filters that make this one, in the order they were added.
    pub fn stages(&self) -> impl ExactSizeIterator<Item = &Standard<H>> {
        self.stages.iter().map(|stage| &stage.filter)
    }

    /// The rate that is kept, p.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// How the stages follow each other.
    pub fn growth(&self) -> Growth {
        self.growth
    }

    /// What keys are hashed with.
    pub fn hasher(&self) -> &H {
        &self.hasher
    }

    /// Adds a stage.
    fn grow(&mut self) -> Result<(), GrowError> {
        // Never more than a few dozen: each stage is as large as its predecessor or larger, and its
        // rate lower.
        let i = self.stages.len() as i32;
        let n = self.n as f64 * libm::pow(f64::from(self.growth.factor), f64::from(i));
        let r = self.growth.tightening;
        let share = self.p * (1.0 - r) * libm::pow(r, f64::from(i));
        let params = Params::for_rate(n as u64, share)?;
        let filter = Standard::with_hasher(params, self.hasher.clone())?;
        self.stages.push(Stage { filter, ones: 0, most_ones: most_ones(params, share) });
        Ok(())
    }

    fn last(&self) -> &Stage<H> {
        self.stages.last().expect("a first stage is made with the filter")
    }

    fn last_mut(&mut self) -> &mut Stage<H> {
        self.stages.last_mut().expect("a first stage is made with the filter")
    }
}

impl<H: KeyHasher> Stage<H> {
    /// Sets a key's bits, and counts those that were not set.
    fn insert(&mut self, key: KeyHash) {
        for position in key.probes(self.filter.params) {
            let (word, bit) = place(position);
            self.ones += u64::from(self.filter.words[word] & bit == 0);
            self.filter.words[word] |= bit;
        }
    }

    /// Whether one more key could bring the rate above the share. A new stage has room for one.
    fn is_full(&self) -> bool {
        self.ones + u64::from(self.filter.params().k()) > self.most_ones && self.ones > 0
    }
}

/// The most set bits with which fill^k is at most p.
fn most_ones(params: Params, p: f64) -> u64 {
    let (m, k) = (params.m() as f64, f64::from(params.k()));
    let above = |ones: u64| libm::pow(ones as f64 / m, k) > p;
    let mut most = (m * libm::pow(p, 1.0 / k)) as u64;
    // Rounding may be off by one.
    while above(most) {
        most -= 1;
    }
    while !above(most + 1) {
        most += 1;
    }
    most
}
