//! Which bits a key sets: the one thing in which the layouts differ.

use crate::words::{Words, place};
use crate::{BuildError, Geometry, KeyHash, Params};

pub use crate::blocked::Blocked;
pub use crate::split::Split;
pub use crate::standard::Standard;

/// Which of a filter's m bits the k probes of a key are. The layouts are values of no content, to
/// name them in types.
///
/// The trait is sealed: a layout is a format that both ends must know.
pub trait Layout: kernel::Kernel + Copy + Eq + core::fmt::Debug {
    /// The number of this layout in serialized filters.
    const ID: u8;

    /// What rates and sizes depend on: `L::GEOMETRY.for_rate(n, p)` are the parameters for n keys.
    const GEOMETRY: Geometry;

    /// Fails if a filter of this layout can not have these parameters.
    ///
    /// # Errors
    /// m is not a whole number of blocks, or k not the one that the layout has.
    fn check(params: Params) -> Result<(), BuildError>;

    /// The k positions of a key's bits, each below m.
    fn probes(key: KeyHash, params: Params) -> impl Iterator<Item = u64> + Clone;

    /// The rate of false positives that a filter with these bits has.
    fn rate(words: &[u64], params: Params) -> f64;
}

/// What filters do with words and a key's hash. What stands here are the simple ways, which follow
/// from the positions alone; a layout may know a faster one with the same result.
pub(crate) mod kernel {
    use super::{KeyHash, Layout, Params, Words, place};
    use crate::batch::Group;
    use crate::simd::prefetch;

    pub trait Kernel: Sized {
        /// Sets a key's bits; whether one of them was missing.
        #[inline]
        fn insert(words: &mut [u64], params: Params, key: KeyHash) -> bool
        where
            Self: Layout,
        {
            simple_insert::<Self>(words, params, key)
        }

        /// Whether all of a key's bits are set.
        #[inline]
        fn contains<W: Words + ?Sized>(words: &W, params: Params, key: KeyHash) -> bool
        where
            Self: Layout,
        {
            simple_contains::<Self, W>(words, params, key)
        }

        /// Sets the bits of a group of keys.
        #[inline]
        fn insert_group(words: &mut [u64], params: Params, group: &Group)
        where
            Self: Layout,
        {
            simple_insert_group::<Self>(words, params, group);
        }

        /// Bit i of the answer is whether all bits of key i of a group are set.
        #[inline]
        fn contains_group(words: &[u64], params: Params, group: &Group) -> u64
        where
            Self: Layout,
        {
            simple_contains_group::<Self>(words, params, group)
        }

        /// Asks for the cache lines that inserting the keys will need.
        #[inline]
        fn prefetch_insert(words: &[u64], params: Params, group: &Group)
        where
            Self: Layout,
        {
            for &key in group.keys() {
                for position in Self::probes(key, params) {
                    prefetch(words, place(position).0);
                }
            }
        }

        /// Asks for the cache lines that looking for the keys will need first.
        #[inline]
        fn prefetch_contains(words: &[u64], params: Params, group: &Group)
        where
            Self: Layout,
        {
            Self::prefetch_insert(words, params, group);
        }
    }

    #[inline]
    pub(crate) fn simple_insert<L: Layout>(
        words: &mut [u64],
        params: Params,
        key: KeyHash,
    ) -> bool {
        let mut missing = 0;
        for position in L::probes(key, params) {
            let (word, bit) = place(position);
            missing |= !words[word] & bit;
            words[word] |= bit;
        }
        missing != 0
    }

    #[inline]
    pub(crate) fn simple_insert_group<L: Layout>(words: &mut [u64], params: Params, group: &Group) {
        for &key in group.keys() {
            L::insert(words, params, key);
        }
    }

    #[inline(always)]
    pub(crate) fn simple_contains<L: Layout, W: Words + ?Sized>(
        words: &W,
        params: Params,
        key: KeyHash,
    ) -> bool {
        L::probes(key, params).all(|position| is_set(words, position))
    }

    #[inline(always)]
    pub(crate) fn is_set<W: Words + ?Sized>(words: &W, position: u64) -> bool {
        let (word, bit) = place(position);
        words.word(word) & bit != 0
    }

    #[inline]
    pub(crate) fn simple_contains_group<L: Layout>(
        words: &[u64],
        params: Params,
        group: &Group,
    ) -> u64 {
        let mut found = 0;
        for (i, &key) in group.keys().iter().enumerate() {
            found |= u64::from(L::contains(words, params, key)) << i;
        }
        found
    }
}
