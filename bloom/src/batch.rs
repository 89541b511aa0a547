//! Many keys at once: hashed in groups, and what is beyond the cache asked for ahead of its use.

use crate::layout::Layout;
use crate::{Filter, Key, KeyHash, KeyHasher};

impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// Inserts many keys, as [`insert`](Self::insert) does each; faster than one at a time, most of
    /// all if the filter is larger than the cache.
    pub fn insert_many<K: Key>(&mut self, keys: &[K]) {
        let Self { params, hasher, words, .. } = self;
        let far = is_far(words);
        let (mut group, mut next) = (&mut Group::new(), &mut Group::new());
        let mut keys = keys.chunks(GROUP);
        loop {
            let hashed = keys.next().unwrap_or_default();
            next.hash(hashed, hasher);
            if far {
                L::prefetch_insert(words, *params, next);
            }
            L::insert_group(words, *params, group);
            if hashed.is_empty() {
                return;
            }
            core::mem::swap(&mut group, &mut next);
        }
    }

    /// Asks for many keys, as [`contains`](Self::contains) does for each; faster than one at a time,
    /// most of all if the filter is larger than the cache. `answer` gets every key, in order, and
    /// whether it may be in the filter.
    ///
    /// ```
    /// use overlay_bloom::{Params, Standard};
    ///
    /// let mut filter = Standard::new(Params::for_rate(3, 1e-9)?, 0)?;
    /// filter.insert_many(&["red", "green", "blue"]);
    /// let mut found = Vec::new();
    /// filter.contains_many(&["blue", "grey", "red"], |&key, is_in| {
    ///     if is_in {
    ///         found.push(key);
    ///     }
    /// });
    /// assert_eq!(found, ["blue", "red"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contains_many<K: Key>(&self, keys: &[K], mut answer: impl FnMut(&K, bool)) {
        let Self { params, hasher, words, .. } = self;
        let far = is_far(words);
        let (mut group, mut next) = (&mut Group::new(), &mut Group::new());
        let mut asked: &[K] = &[];
        let mut keys = keys.chunks(GROUP);
        // One place that answers, so that it becomes one with this loop.
        loop {
            let hashed = keys.next().unwrap_or_default();
            next.hash(hashed, hasher);
            if far {
                L::prefetch_contains(words, *params, next);
            }
            let mut found = L::contains_group(words, *params, group);
            for key in asked {
                answer(key, found & 1 == 1);
                found >>= 1;
            }
            if hashed.is_empty() {
                return;
            }
            core::mem::swap(&mut group, &mut next);
            asked = hashed;
        }
    }
}

/// Filters from this size on are prefetched: half a megabyte, which second-level caches hold.
pub(crate) fn is_far(words: &[u64]) -> bool {
    size_of_val(words) > 1 << 19
}

/// Keys come in groups of so many at most, so that a bit of a number answers for each.
pub const GROUP: usize = 32;

/// The hashes of some keys.
#[derive(Clone, Debug)]
pub struct Group {
    hashes: [KeyHash; GROUP],
    len: usize,
}

impl Group {
    fn new() -> Self {
        Self { hashes: [KeyHash::from_bits(0); GROUP], len: 0 }
    }

    /// With these hashes, [`GROUP`] at most.
    #[cfg(test)]
    pub(crate) fn of(keys: &[KeyHash]) -> Self {
        let mut group = Self::new();
        group.hash(keys, &crate::Xxh3::new(0));
        group
    }

    /// Holds the hashes of these keys then.
    #[inline(always)]
    fn hash<K: Key, H: KeyHasher>(&mut self, keys: &[K], hasher: &H) {
        K::hash_many(keys, hasher, &mut self.hashes);
        self.len = keys.len();
    }

    #[inline(always)]
    pub(crate) fn keys(&self) -> &[KeyHash] {
        &self.hashes[..self.len]
    }

    /// The hashes, and others behind them that mean nothing: always as many, which copies at once.
    #[cfg(any(test, target_arch = "x86_64"))]
    #[inline(always)]
    pub(crate) fn all(&self) -> &[KeyHash; GROUP] {
        &self.hashes
    }
}
