//! Our filters.

use overlay_bloom::layout::Layout;
use overlay_bloom::{Filter, Params};

use crate::entry::Set;
use crate::keys::BenchKey;

/// A filter of ours.
fn filter<L: Layout>(m: u64, k: u32) -> Filter<L> {
    Filter::new(Params::new(m, k).expect("valid parameters"), 1).expect("memory")
}

/// One key at a time.
pub struct Single<L>(Filter<L>);

impl<L: Layout> Single<L> {
    pub fn new(m: u64, k: u32) -> Self {
        Self(filter(m, k))
    }
}

impl<L: Layout, K: BenchKey> Set<K> for Single<L> {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn insert_all(&mut self, keys: &[K]) {
        for key in keys {
            self.0.insert_hash(key.hash_with(self.0.hasher()));
        }
    }

    fn count(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.0.contains_hash(key.hash_with(self.0.hasher()))).count()
    }
}

/// Many keys at once.
pub struct Many<L>(Filter<L>);

impl<L: Layout> Many<L> {
    pub fn new(m: u64, k: u32) -> Self {
        Self(filter(m, k))
    }
}

impl<L: Layout, K: BenchKey> Set<K> for Many<L> {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn insert_all(&mut self, keys: &[K]) {
        self.0.insert_many(keys);
    }

    fn count(&self, keys: &[K]) -> usize {
        let mut found = 0;
        self.0.contains_many(keys, |_, is_in| found += usize::from(is_in));
        found
    }
}
