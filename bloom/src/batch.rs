//! Many keys at once: hashed in groups, and what is beyond the cache asked for ahead of its use.

use crate::layout::Layout;
use crate::layout::kernel::GROUP;
use crate::{Filter, Key, KeyHash, KeyHasher};

impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// Inserts many keys, as [`insert`](Self::insert) does each; faster than one at a time, most of
    /// all if the filter is larger than the cache.
    pub fn insert_many<K: Key>(&mut self, keys: &[K]) {
        let Self { params, hasher, words, .. } = self;
        let far = is_far(words);
        let mut group = Group::new();
        let mut next = Group::new();
        for keys in keys.chunks(GROUP) {
            next.hash(keys, hasher);
            if far {
                next.keys().iter().for_each(|&key| L::prefetch_insert(words, *params, key));
            }
            L::insert_group(words, *params, group.keys());
            core::mem::swap(&mut group, &mut next);
        }
        L::insert_group(words, *params, group.keys());
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
        let mut answer = |keys: &[K], group: &Group| {
            let mut found = L::contains_group(words, *params, group.keys());
            for key in keys {
                answer(key, found & 1 == 1);
                found >>= 1;
            }
        };
        let mut group = Group::new();
        let mut next = Group::new();
        let mut hashed: &[K] = &[];
        for keys in keys.chunks(GROUP) {
            next.hash(keys, hasher);
            if far {
                next.keys().iter().for_each(|&key| L::prefetch_contains(words, *params, key));
            }
            answer(hashed, &group);
            core::mem::swap(&mut group, &mut next);
            hashed = keys;
        }
        answer(hashed, &group);
    }
}

/// Filters from this size on are prefetched: half a megabyte, which second-level caches hold.
pub(crate) fn is_far(words: &[u64]) -> bool {
    size_of_val(words) > 1 << 19
}

/// The hashes of some keys.
struct Group {
    hashes: [KeyHash; GROUP],
    len: usize,
}

impl Group {
    fn new() -> Self {
        Self { hashes: [KeyHash::from_bits(0); GROUP], len: 0 }
    }

    /// Holds the hashes of these keys then.
    #[inline(always)]
    fn hash<K: Key, H: KeyHasher>(&mut self, keys: &[K], hasher: &H) {
        K::hash_many(keys, hasher, &mut self.hashes);
        self.len = keys.len();
    }

    fn keys(&self) -> &[KeyHash] {
        &self.hashes[..self.len]
    }
}
