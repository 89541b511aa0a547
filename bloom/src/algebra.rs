//! Filters as sets: union, intersection, difference, and how many keys are in them.

use crate::layout::Layout;
use crate::{Filter, KeyHasher, MismatchError, simd};

impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// Adds every key of `other`: this filter then equals one that all keys were inserted into.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ; this filter is then unchanged.
    pub fn union(&mut self, other: &Self) -> Result<(), MismatchError> {
        self.check(other)?;
        simd::combine(&mut self.words, &other.words, |ours, theirs| ours | theirs);
        Ok(())
    }

    /// [`union`](Self::union), and the number of bits that are then set, in one pass.
    ///
    /// # Errors
    /// As [`union`](Self::union).
    pub fn union_count(&mut self, other: &Self) -> Result<u64, MismatchError> {
        self.check(other)?;
        Ok(simd::combine_count(&mut self.words, &other.words, |ours, theirs| ours | theirs))
    }

    /// Keeps the bits that `other` has too.
    ///
    /// The result holds every key that was in both, but may have more bits, and so a higher rate of
    /// false positives, than a filter that only those were inserted into.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ; this filter is then unchanged.
    pub fn intersect(&mut self, other: &Self) -> Result<(), MismatchError> {
        self.check(other)?;
        simd::combine(&mut self.words, &other.words, |ours, theirs| ours & theirs);
        Ok(())
    }

    /// [`intersect`](Self::intersect), and the number of bits that are then set, in one pass.
    ///
    /// # Errors
    /// As [`intersect`](Self::intersect).
    pub fn intersect_count(&mut self, other: &Self) -> Result<u64, MismatchError> {
        self.check(other)?;
        Ok(simd::combine_count(&mut self.words, &other.words, |ours, theirs| ours & theirs))
    }

    /// The number of bits set in this filter or the other.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ.
    pub fn ones_of_union(&self, other: &Self) -> Result<u64, MismatchError> {
        self.check(other)?;
        Ok(simd::count(&self.words, &other.words, |ours, theirs| ours | theirs))
    }

    /// The number of bits set in this filter and the other.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ.
    pub fn ones_of_intersection(&self, other: &Self) -> Result<u64, MismatchError> {
        self.check(other)?;
        Ok(simd::count(&self.words, &other.words, |ours, theirs| ours & theirs))
    }

    /// The number of bits set in this filter but not in the other: zero if the other holds every key
    /// that this one does.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ.
    pub fn ones_of_difference(&self, other: &Self) -> Result<u64, MismatchError> {
        self.check(other)?;
        Ok(simd::count(&self.words, &other.words, |ours, theirs| ours & !theirs))
    }

    fn check(&self, other: &Self) -> Result<(), MismatchError> {
        if self.params != other.params {
            return Err(MismatchError::Params { ours: self.params, theirs: other.params });
        }
        self.hasher.check(&other.hasher)
    }
}

/// How many keys are in filters, judged by their bits.
///
/// The number that is told is the one that would set so many bits on average in this layout,
/// [`Geometry::cardinality`]: for a standard filter after Swamidass and Baldi (2007), as in
/// [`estimate`](crate::estimate). [`Geometry::standard_error`] is how far off to expect it. Costs the
/// reading of the words, and some 10 ns.
///
/// [`Geometry::cardinality`]: crate::Geometry::cardinality
/// [`Geometry::standard_error`]: crate::Geometry::standard_error
impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// The number of different keys that were inserted. Infinite if all bits are set.
    pub fn estimate(&self) -> f64 {
        L::GEOMETRY.cardinality(self.params, self.count_ones())
    }

    /// The number of different keys in either filter, without building the union.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ.
    pub fn estimate_union(&self, other: &Self) -> Result<f64, MismatchError> {
        Ok(L::GEOMETRY.cardinality(self.params, self.ones_of_union(other)?))
    }

    /// The number of keys in both filters, [`Geometry::intersection`](crate::Geometry::intersection),
    /// which may be below zero, and is no number if all bits are set.
    ///
    /// # Errors
    /// The parameters, seeds or secret keys differ.
    pub fn estimate_intersection(&self, other: &Self) -> Result<f64, MismatchError> {
        let union = self.ones_of_union(other)?;
        let (ours, theirs) = (self.count_ones(), other.count_ones());
        Ok(L::GEOMETRY.intersection(self.params, ours, theirs, union))
    }
}

/// The set bits of words.
pub(crate) fn ones(words: &[u64]) -> u64 {
    simd::count(words, words, |word, _| word)
}

/// Combines words.
#[inline(always)]
pub(crate) fn simple_combine(ours: &mut [u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) {
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        *ours = op(*ours, *theirs);
    }
}

/// Combines words, and counts the bits that are then set.
#[inline(always)]
pub(crate) fn simple_combine_count(
    ours: &mut [u64],
    theirs: &[u64],
    op: impl Fn(u64, u64) -> u64,
) -> u64 {
    let mut ones = 0;
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        *ours = op(*ours, *theirs);
        ones += u64::from(ours.count_ones());
    }
    ones
}

/// Counts the bits that combined words would have.
#[inline(always)]
pub(crate) fn simple_count(ours: &[u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
    let mut ones = 0;
    for (ours, theirs) in ours.iter().zip(theirs) {
        ones += u64::from(op(*ours, *theirs).count_ones());
    }
    ones
}
