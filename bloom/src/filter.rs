//! The filter: words, and what keys do to them.

use core::marker::PhantomData;

use crate::layout::{self, Layout};
use crate::words::Aligned;
use crate::{BuildError, KeyHash, KeyHasher, Params, SipHash, Xxh3, algebra};

/// A Bloom filter: a set of keys that may claim to hold a key it does not, and never denies one it
/// does.
///
/// `L` is the [layout](crate::layout): which bits of all a key sets. `H` is how keys are hashed. Two
/// filters are equal if their parameters, hashers and bits are. The usual ones have names of their
/// own: [`Standard`], [`Blocked`], [`SplitBlock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter<L, H = Xxh3> {
    pub(crate) params: Params,
    pub(crate) hasher: H,
    /// Bit b is bit b mod 64 of word ⌊b/64⌋; what lies beyond m in the last word stays zero.
    pub(crate) words: Aligned<u64>,
    layout: PhantomData<L>,
}

/// A filter of exactly m bits, whose keys set k bits anywhere: [`layout::Standard`].
pub type Standard<H = Xxh3> = Filter<layout::Standard, H>;

/// A filter whose keys set k bits in one cache line: [`layout::Blocked`]. Faster out of the cache, and
/// more often wrong at the same size.
pub type Blocked<H = Xxh3> = Filter<layout::Blocked, H>;

/// A filter whose keys set one bit in each word of a cache line, so k = 8: [`layout::Split`]. The
/// fastest, and at the usual sizes a little more often wrong than [`Blocked`].
pub type SplitBlock<H = Xxh3> = Filter<layout::Split, H>;

impl<L: Layout> Filter<L, Xxh3> {
    /// An empty filter whose keys are hashed by [`Xxh3`] with this seed.
    ///
    /// Only filters with equal seeds can be combined. Costs the clearing of m/8 bytes.
    ///
    /// # Errors
    /// The layout can not have these parameters, or there is no memory for m bits.
    pub fn new(params: Params, seed: u64) -> Result<Self, BuildError> {
        Self::with_hasher(params, Xxh3::new(seed))
    }

    /// The seed that keys are hashed with.
    pub fn seed(&self) -> u64 {
        self.hasher.seed()
    }
}

impl<L: Layout> Filter<L, SipHash> {
    /// An empty filter whose keys are hashed by [`SipHash`] with this secret key.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn keyed(params: Params, key: [u8; 16]) -> Result<Self, BuildError> {
        Self::with_hasher(params, SipHash::new(key))
    }
}

impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// An empty filter whose keys are hashed by this hasher. Costs the clearing of m/8 bytes.
    ///
    /// # Errors
    /// The layout can not have these parameters, or there is no memory for m bits.
    pub fn with_hasher(params: Params, hasher: H) -> Result<Self, BuildError> {
        L::check(params)?;
        let words = Aligned::zeroed(params.m())?;
        Ok(Self { params, hasher, words, layout: PhantomData })
    }

    /// A filter with given bits, ⌈m/64⌉ [words](Self::words) of them.
    ///
    /// # Errors
    /// The layout can not have these parameters, the number of words is not that of m, or a bit beyond
    /// m is set, or there is no memory for m bits.
    pub fn from_words(
        params: Params,
        hasher: H,
        words: impl ExactSizeIterator<Item = u64>,
    ) -> Result<Self, BuildError> {
        let (found, expected) = (words.len(), params.m().div_ceil(64));
        if u64::try_from(found) != Ok(expected) {
            return Err(BuildError::WordCount { found, expected });
        }
        let mut filter = Self::with_hasher(params, hasher)?;
        filter.words.iter_mut().zip(words).for_each(|(ours, word)| *ours = word);
        let stray = params.m() % 64;
        match filter.words.last() {
            Some(last) if stray != 0 && last >> stray != 0 => {
                Err(BuildError::StrayBits { m: params.m() })
            }
            _ => Ok(filter),
        }
    }

    /// Inserts a key; whether that changed anything. If not, the key, or enough others, was there.
    #[inline]
    pub fn insert(&mut self, key: &[u8]) -> bool {
        self.insert_hash(self.hasher.hash(key))
    }

    /// [`insert`](Self::insert) for a number: its eight bytes, least significant first.
    #[inline]
    pub fn insert_u64(&mut self, key: u64) -> bool {
        self.insert_hash(self.hasher.hash_u64(key))
    }

    /// [`insert`](Self::insert) for a key that was hashed, with this filter's hasher, before.
    #[inline]
    pub fn insert_hash(&mut self, key: KeyHash) -> bool {
        L::insert(&mut self.words, self.params, key)
    }

    /// Whether the key may be in the filter: always `true` if it was inserted.
    #[inline(always)]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.contains_hash(self.hasher.hash(key))
    }

    /// [`contains`](Self::contains) for a number: its eight bytes, least significant first.
    #[inline(always)]
    pub fn contains_u64(&self, key: u64) -> bool {
        self.contains_hash(self.hasher.hash_u64(key))
    }

    /// [`contains`](Self::contains) for a key that was hashed, with this filter's hasher, before.
    #[inline(always)]
    pub fn contains_hash(&self, key: KeyHash) -> bool {
        L::contains(&*self.words, self.params, key)
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Whether no key was inserted.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The number of set bits, counted: m/64 words are read.
    pub fn count_ones(&self) -> u64 {
        algebra::ones(&self.words)
    }

    /// The set bits as a share of m, from 0 to 1. Best used is a standard filter at one half.
    pub fn fill(&self) -> f64 {
        self.count_ones() as f64 / self.params.m() as f64
    }

    /// The rate of false positives of this very filter, from the bits it has; for a standard one
    /// fill^k. [`expected_rate`](Self::expected_rate) is its mean over all filters of so many keys.
    pub fn rate(&self) -> f64 {
        L::rate(&self.words, self.params)
    }

    /// The rate of false positives to expect once n keys are in, exactly, for this layout: that of its
    /// [`Geometry`](crate::Geometry::rate).
    pub fn expected_rate(&self, n: u64) -> f64 {
        L::GEOMETRY.rate(self.params, n)
    }

    /// The bits and probes of this filter.
    pub fn params(&self) -> Params {
        self.params
    }

    /// What keys are hashed with.
    pub fn hasher(&self) -> &H {
        &self.hasher
    }

    /// The bits: bit b of the filter is bit b mod 64 of word ⌊b/64⌋, and bits beyond m are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}
