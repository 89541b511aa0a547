//! A filter that forgets: two generations, for telling duplicates in a stream without end (Yoon,
//! *Aging Bloom Filter with Two Active Buffers for Dynamic Sets*, IEEE Transactions on Knowledge and
//! Data Engineering 22(1), 2010).

use crate::layout::{self, Layout};
use crate::{BuildError, Filter, KeyHash, KeyHasher, Params, SipHash, Xxh3};

/// Whether a key was seen lately: two [filters](Filter), the current generation and the previous
/// one. New keys go into the current one; a key is *seen* if either has it.
///
/// What "lately" means is the caller's to say, by calling [`age`](Self::age), which begins a new
/// generation and forgets the one before the last: after so many keys ([`count`](Self::count) tells
/// how many), after so many minutes, or both. There is no clock in here. Aged whenever
/// [`count`](Self::count) has reached n before an insertion:
///
/// - a key is remembered at least until n different ones have come after it, and 2n at most are;
/// - a key that was never inserted is taken for seen with a probability of about 2p at most, where p
///   is the filters' rate for n keys. So ask for half the rate you can bear.
///
/// As in the paper, and unlike where two filters take turns ("double buffering"), a key that only
/// the previous generation has is inserted again when it is met again: what keeps coming is never
/// forgotten, and no part of the memory lies empty for the next generation.
///
/// ```
/// use overlay_bloom::{Ageing, Params};
///
/// // A servent drops descriptors that it has flooded before, told by their 16-byte GUIDs.
/// const KEYS: u64 = 10_000;
/// let mut seen = Ageing::new(Params::for_rate(KEYS, 0.5e-6)?, 2026)?;
/// let mut is_new = |guid: &[u8; 16]| {
///     if seen.count() >= KEYS {
///         seen.age();
///     }
///     seen.insert(guid)
/// };
/// assert!(is_new(&[7; 16]));
/// assert!(!is_new(&[7; 16]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ageing<L = layout::Standard, H = Xxh3> {
    current: Filter<L, H>,
    previous: Filter<L, H>,
    /// Insertions that changed the current generation.
    count: u64,
}

impl Ageing {
    /// Two empty generations of the standard layout with these parameters each, whose keys are
    /// hashed by [`Xxh3`] with this seed.
    ///
    /// # Errors
    /// Those of [`with_hasher`](Self::with_hasher).
    pub fn new(params: Params, seed: u64) -> Result<Self, BuildError> {
        Self::with_hasher(params, Xxh3::new(seed))
    }
}

impl Ageing<layout::Standard, SipHash> {
    /// Two empty generations of the standard layout with these parameters each, whose keys are
    /// hashed by [`SipHash`] with this secret key.
    ///
    /// # Errors
    /// Those of [`with_hasher`](Self::with_hasher).
    pub fn keyed(params: Params, key: [u8; 16]) -> Result<Self, BuildError> {
        Self::with_hasher(params, SipHash::new(key))
    }
}

impl<L: Layout, H: KeyHasher> Ageing<L, H> {
    /// Two empty generations of these parameters each, whose keys are hashed by this hasher. Costs
    /// the clearing of m/4 bytes.
    ///
    /// Who chooses the keys, as strangers do GUIDs, and knows the hasher's seed can make keys that
    /// look as if they were seen. [`SipHash`] with a random key prevents that.
    ///
    /// # Errors
    /// The layout can not have these parameters, or there is no memory for two filters of m bits.
    pub fn with_hasher(params: Params, hasher: H) -> Result<Self, BuildError> {
        let current = Filter::with_hasher(params, hasher.clone())?;
        let previous = Filter::with_hasher(params, hasher)?;
        Ok(Self { current, previous, count: 0 })
    }

    /// Remembers a key; whether it was not seen before, as far as [`contains`](Self::contains) can
    /// tell. It is in the current generation then, in either case.
    pub fn insert(&mut self, key: &[u8]) -> bool {
        self.insert_hash(self.hasher().hash(key))
    }

    /// [`insert`](Self::insert) for a number: its eight bytes, least significant first.
    pub fn insert_u64(&mut self, key: u64) -> bool {
        self.insert_hash(self.hasher().hash_u64(key))
    }

    /// [`insert`](Self::insert) for a key that was hashed, with this filter's hasher, before.
    pub fn insert_hash(&mut self, key: KeyHash) -> bool {
        let new = self.current.insert_hash(key);
        self.count += u64::from(new);
        new && !self.previous.contains_hash(key)
    }

    /// Whether the key may have been inserted into the current or the previous generation: always
    /// `true` if it was.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.contains_hash(self.hasher().hash(key))
    }

    /// [`contains`](Self::contains) for a number: its eight bytes, least significant first.
    pub fn contains_u64(&self, key: u64) -> bool {
        self.contains_hash(self.hasher().hash_u64(key))
    }

    /// [`contains`](Self::contains) for a key that was hashed, with this filter's hasher, before.
    pub fn contains_hash(&self, key: KeyHash) -> bool {
        self.current.contains_hash(key) || self.previous.contains_hash(key)
    }

    /// Begins a new generation: what only the previous one had is forgotten, the current one becomes
    /// the previous one. Costs the clearing of m/8 bytes.
    pub fn age(&mut self) {
        core::mem::swap(&mut self.current, &mut self.previous);
        self.current.clear();
        self.count = 0;
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.current.clear();
        self.previous.clear();
        self.count = 0;
    }

    /// The different keys inserted since the current generation began, but for those that looked as
    /// if they were in it already.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// An upper bound of the rate of false positives of this very filter, from the bits it has: the
    /// sum of the two generations' [rates](Filter::rate).
    pub fn rate(&self) -> f64 {
        self.current.rate() + self.previous.rate()
    }

    /// The generation that keys go into.
    pub fn current(&self) -> &Filter<L, H> {
        &self.current
    }

    /// The generation before.
    pub fn previous(&self) -> &Filter<L, H> {
        &self.previous
    }

    /// The bits and probes of each of the two filters.
    pub fn params(&self) -> Params {
        self.current.params()
    }

    /// What keys are hashed with.
    pub fn hasher(&self) -> &H {
        self.current.hasher()
    }
}
