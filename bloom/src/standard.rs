//! The filter as Bloom described it: m bits, k probes anywhere among them.

use alloc::vec::Vec;

use crate::{KeyHash, MismatchError, OutOfMemory, Params, estimate};

/// A standard Bloom filter: a set of keys that may claim to hold a key it does not
/// ([how often](Params::rate)), and never denies one it does.
///
/// The filter has exactly the m bits of its [`Params`], and a key sets exactly the k of them that
/// [`KeyHash::probes`] names. Two filters are equal if their parameters, seeds and bits are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standard {
    params: Params,
    seed: u64,
    /// Bit b is bit b mod 64 of word ⌊b/64⌋; what lies beyond m in the last word stays zero.
    words: Vec<u64>,
}

impl Standard {
    /// An empty filter whose keys are hashed with `seed`.
    ///
    /// Only filters with equal seeds can be combined. Costs the clearing of m/8 bytes.
    ///
    /// # Errors
    /// There is no memory for m bits.
    pub fn new(params: Params, seed: u64) -> Result<Self, OutOfMemory> {
        let out_of_memory = OutOfMemory { m: params.m() };
        let len = usize::try_from(params.m().div_ceil(64)).map_err(|_| out_of_memory)?;
        let mut words = Vec::new();
        words.try_reserve_exact(len).map_err(|_| out_of_memory)?;
        words.resize(len, 0);
        Ok(Self { params, seed, words })
    }

    /// Inserts a key; whether that changed anything. If not, the key, or enough others, was there.
    pub fn insert(&mut self, key: &[u8]) -> bool {
        self.insert_hash(KeyHash::of(key, self.seed))
    }

    /// [`insert`](Self::insert) for a number: its eight bytes, least significant first.
    pub fn insert_u64(&mut self, key: u64) -> bool {
        self.insert_hash(KeyHash::of_u64(key, self.seed))
    }

    /// [`insert`](Self::insert) for a key that was hashed, with this filter's seed, before.
    #[inline]
    pub fn insert_hash(&mut self, key: KeyHash) -> bool {
        let mut missing = 0;
        for position in key.probes(self.params) {
            let (word, bit) = place(position);
            missing |= !self.words[word] & bit;
            self.words[word] |= bit;
        }
        missing != 0
    }

    /// Whether the key may be in the filter: always `true` if it was inserted.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.contains_hash(KeyHash::of(key, self.seed))
    }

    /// [`contains`](Self::contains) for a number: its eight bytes, least significant first.
    pub fn contains_u64(&self, key: u64) -> bool {
        self.contains_hash(KeyHash::of_u64(key, self.seed))
    }

    /// [`contains`](Self::contains) for a key that was hashed, with this filter's seed, before.
    #[inline]
    pub fn contains_hash(&self, key: KeyHash) -> bool {
        key.probes(self.params).all(|position| {
            let (word, bit) = place(position);
            self.words[word] & bit != 0
        })
    }

    /// Adds every key of `other`: this filter then equals one that all keys were inserted into.
    ///
    /// # Errors
    /// The parameters or seeds differ; this filter is then unchanged.
    pub fn union(&mut self, other: &Self) -> Result<(), MismatchError> {
        self.check(other)?;
        self.combine(other, |ours, theirs| ours | theirs);
        Ok(())
    }

    /// Keeps the bits that `other` has too.
    ///
    /// The result holds every key that was in both, but may have more bits, and so a higher rate of
    /// false positives, than a filter that only those were inserted into.
    ///
    /// # Errors
    /// The parameters or seeds differ; this filter is then unchanged.
    pub fn intersect(&mut self, other: &Self) -> Result<(), MismatchError> {
        self.check(other)?;
        self.combine(other, |ours, theirs| ours & theirs);
        Ok(())
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
        ones(self.words.iter().copied())
    }

    /// The set bits as a share of m, from 0 to 1. Best used is a filter at one half.
    pub fn fill(&self) -> f64 {
        self.count_ones() as f64 / self.params.m() as f64
    }

    /// The rate of false positives of this very filter, from the bits it has: fill^k.
    ///
    /// [`Params::rate`] is the expectation of this over all filters of so many keys.
    pub fn rate(&self) -> f64 {
        libm::pow(self.fill(), f64::from(self.params.k()))
    }

    /// The number of different keys that were inserted, judged by the bits:
    /// [`estimate::cardinality`]. Infinite if all bits are set.
    pub fn estimate(&self) -> f64 {
        self.estimate_of(self.count_ones())
    }

    /// The number of different keys in either filter, judged by the bits, without building the
    /// union.
    ///
    /// # Errors
    /// The parameters or seeds differ.
    pub fn estimate_union(&self, other: &Self) -> Result<f64, MismatchError> {
        self.check(other)?;
        Ok(self.estimate_of(self.ones_of_union(other)))
    }

    /// The number of keys in both filters, judged by the bits: [`estimate::intersection`], which
    /// may be below zero, and is no number if all bits are set.
    ///
    /// # Errors
    /// The parameters or seeds differ.
    pub fn estimate_intersection(&self, other: &Self) -> Result<f64, MismatchError> {
        self.check(other)?;
        Ok(estimate::intersection(
            self.params.m(),
            self.params.k(),
            self.count_ones(),
            other.count_ones(),
            self.ones_of_union(other),
        ))
    }

    /// The bits and probes of this filter.
    pub fn params(&self) -> Params {
        self.params
    }

    /// The seed that keys are hashed with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The bits: bit b of the filter is bit b mod 64 of word ⌊b/64⌋, and bits beyond m are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    fn check(&self, other: &Self) -> Result<(), MismatchError> {
        if self.params != other.params {
            return Err(MismatchError::Params { ours: self.params, theirs: other.params });
        }
        if self.seed != other.seed {
            return Err(MismatchError::Seed { ours: self.seed, theirs: other.seed });
        }
        Ok(())
    }

    fn combine(&mut self, other: &Self, combined: impl Fn(u64, u64) -> u64) {
        for (ours, theirs) in self.words.iter_mut().zip(&other.words) {
            *ours = combined(*ours, *theirs);
        }
    }

    fn ones_of_union(&self, other: &Self) -> u64 {
        ones(self.words.iter().zip(&other.words).map(|(ours, theirs)| ours | theirs))
    }

    fn estimate_of(&self, ones: u64) -> f64 {
        estimate::cardinality(self.params.m(), self.params.k(), ones)
    }
}

/// The word of a position, and its bit there. A position is below m, so its word exists.
#[inline]
fn place(position: u64) -> (usize, u64) {
    ((position / 64) as usize, 1 << (position % 64))
}

fn ones(words: impl Iterator<Item = u64>) -> u64 {
    words.map(|word| u64::from(word.count_ones())).sum()
}
