//! Many keys at once.

use crate::layout::Layout;
use crate::{Filter, Key, KeyHasher};

impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// Inserts many keys, as [`insert`](Self::insert) does each.
    pub fn insert_many<K: Key>(&mut self, keys: &[K]) {
        for key in keys {
            self.insert_hash(key.hash_with(&self.hasher));
        }
    }

    /// Asks for many keys, as [`contains`](Self::contains) does for each: `answer` gets every key, in
    /// order, and whether it may be in the filter.
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
        for key in keys {
            answer(key, self.contains_hash(key.hash_with(&self.hasher)));
        }
    }
}
