//! A filter that many threads fill at once.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::layout::{self, Layout};
use crate::words::{Aligned, place};
use crate::{BuildError, Filter, KeyHash, KeyHasher, Params, SipHash, Xxh3};

/// A filter whose keys are inserted through a shared reference, by any number of threads at once.
///
/// Its bits are those that a [`Filter`] of the same layout has after the same keys, in whatever order
/// they came. Nothing is locked: bits are set one word at a time, so a key that one thread is
/// inserting may or may not be there for another. Operations are relaxed: that an inserted key is
/// seen by another thread needs what orders the two otherwise, such as joining the first.
#[derive(Debug)]
pub struct Concurrent<L = layout::Standard, H = Xxh3> {
    params: Params,
    hasher: H,
    words: Aligned<AtomicU64>,
    layout: PhantomData<L>,
}

impl<L: Layout> Concurrent<L, Xxh3> {
    /// An empty filter whose keys are hashed by [`Xxh3`] with this seed.
    ///
    /// # Errors
    /// The layout can not have these parameters, or there is no memory for m bits.
    pub fn new(params: Params, seed: u64) -> Result<Self, BuildError> {
        Self::with_hasher(params, Xxh3::new(seed))
    }
}

impl<L: Layout> Concurrent<L, SipHash> {
    /// An empty filter whose keys are hashed by [`SipHash`] with this secret key.
    ///
    /// # Errors
    /// As [`new`](Concurrent::new).
    pub fn keyed(params: Params, key: [u8; 16]) -> Result<Self, BuildError> {
        Self::with_hasher(params, SipHash::new(key))
    }
}

impl<L: Layout, H: KeyHasher> Concurrent<L, H> {
    /// An empty filter whose keys are hashed by this hasher.
    ///
    /// # Errors
    /// The layout can not have these parameters, or there is no memory for m bits.
    pub fn with_hasher(params: Params, hasher: H) -> Result<Self, BuildError> {
        L::check(params)?;
        let words = Aligned::zeroed(params.m())?;
        Ok(Self { params, hasher, words, layout: PhantomData })
    }

    /// Inserts a key; whether this call set a bit. If not, the key, or enough others, was there or is
    /// being inserted by other threads. Of several threads that insert one key at the same time, more
    /// than one may be told `true`, but always at least one if the key was not there.
    #[inline]
    pub fn insert(&self, key: &[u8]) -> bool {
        self.insert_hash(self.hasher.hash(key))
    }

    /// [`insert`](Self::insert) for a number: its eight bytes, least significant first.
    #[inline]
    pub fn insert_u64(&self, key: u64) -> bool {
        self.insert_hash(self.hasher.hash_u64(key))
    }

    /// [`insert`](Self::insert) for a key that was hashed, with this filter's hasher, before.
    #[inline]
    pub fn insert_hash(&self, key: KeyHash) -> bool {
        let mut missing = 0;
        for position in L::probes(key, self.params) {
            let (word, bit) = place(position);
            // To look first is much cheaper than to write what is there already.
            if self.words[word].load(Ordering::Relaxed) & bit == 0 {
                missing |= !self.words[word].fetch_or(bit, Ordering::Relaxed) & bit;
            }
        }
        missing != 0
    }

    /// Whether the key may be in the filter.
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

    /// The filter as it is now, copied. Call it when no thread inserts to have all keys.
    ///
    /// # Errors
    /// There is no memory for m bits.
    pub fn to_filter(&self) -> Result<Filter<L, H>, BuildError> {
        let words = self.words.iter().map(|word| word.load(Ordering::Relaxed));
        Filter::from_words(self.params, self.hasher.clone(), words)
    }

    /// The bits and probes of this filter.
    pub fn params(&self) -> Params {
        self.params
    }

    /// What keys are hashed with.
    pub fn hasher(&self) -> &H {
        &self.hasher
    }
}
