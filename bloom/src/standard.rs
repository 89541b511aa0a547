//! The layout as Bloom described it: k probes anywhere among the m bits.

use crate::batch::{Group, is_far};
use crate::layout::Layout;
use crate::layout::kernel::{
    Kernel, is_set, simple_contains, simple_contains_group, simple_insert_group,
};
use crate::simd::{StandardSimd, prefetch};
use crate::words::{Words, place};
use crate::{BuildError, Geometry, KeyHash, Params, algebra, estimate};

/// k positions anywhere among m bits. They may repeat, as independent ones would.
///
/// With h the hash, the j-th position is ⌊x_j · m / 2^64⌋ for x_0 = h and
/// x_(j+1) = x_j · 0xF1357AEA2E62A9C5 modulo 2^64.
///
/// So every probe is remixed by a multiplication, and scaled by one instead of a remainder, which
/// makes every m equally fair. Plain or "enhanced" double hashing adds small increments which the
/// scaling drops: six times the due rate at p = 1e-6. Remixing by addition and rotation keeps the
/// rate, but the number of different bits a key hits then varies more than it should (by 10 % at
/// k = 20, by 70 % at k = 64); with the multiplication it can not be told from independent probes.
/// The multiplier is from Steele and Vigna, *Computationally easy, spectrally good multipliers for
/// congruential pseudorandom number generators* (2021).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {}

impl Layout for Standard {
    const ID: u8 = 1;
    const GEOMETRY: Geometry = Geometry::Standard;

    fn check(_: Params) -> Result<(), BuildError> {
        Ok(())
    }

    #[inline]
    #[allow(refining_impl_trait, reason = "`KeyHash::probes` names it")]
    fn probes(key: KeyHash, params: Params) -> Probes {
        Probes { mix: Mix::new(key), m: params.m(), left: params.k() }
    }

    /// fill^k.
    fn rate(words: &[u64], params: Params) -> f64 {
        estimate::rate(params.m(), params.k(), algebra::ones(words))
    }
}

impl Kernel for Standard {
    /// Always inlined, with all that call it: as a call of its own it was measured to take up to 1.8
    /// times as long.
    #[inline(always)]
    fn contains<W: Words + ?Sized>(words: &W, params: Params, key: KeyHash) -> bool {
        if params.k() <= FIRST || size_of_val(words) > CACHED {
            simple_contains::<Self, W>(words, params, key)
        } else {
            contains_cached(words, params, key)
        }
    }

    #[inline]
    fn insert_group(words: &mut [u64], params: Params, group: &Group) {
        match StandardSimd::detect(params) {
            Some(simd) => simd.insert(words, params.k(), group),
            None => simple_insert_group::<Self>(words, params, group),
        }
    }

    #[inline]
    fn contains_group(words: &[u64], params: Params, group: &Group) -> u64 {
        match StandardSimd::detect(params) {
            Some(simd) => simd.contains(words, params.k(), group),
            None if is_far(words) => contains_far(words, params, group),
            None => simple_contains_group::<Self>(words, params, group),
        }
    }

    #[inline]
    fn prefetch_insert(words: &[u64], params: Params, group: &Group) {
        prefetch_probes(words, params, params.k(), group);
    }

    #[inline]
    fn prefetch_contains(words: &[u64], params: Params, group: &Group) {
        prefetch_probes(words, params, params.k().min(FIRST), group);
    }
}

/// In filters above so many bytes one probe of a key is looked at after the other, and no word fetched
/// in vain.
const CACHED: usize = 1 << 22;

/// The first probes without a branch between them: for an absent key nobody can guess which of them
/// fails, and in the cache a wrong guess costs more than the probes.
#[inline(always)]
fn contains_cached<W: Words + ?Sized>(words: &W, params: Params, key: KeyHash) -> bool {
    let mut mix = Mix::new(key);
    let mut all = 1;
    for _ in 0..FIRST {
        all &= shifted_bit(words, mix.below(params.m()));
        mix = mix.next();
    }
    if all & 1 == 0 {
        return false;
    }
    for _ in FIRST..params.k() {
        all &= shifted_bit(words, mix.below(params.m()));
        mix = mix.next();
    }
    all & 1 == 1
}

/// Asks for the words of the first probes.
#[inline]
fn prefetch_probes(words: &[u64], params: Params, probes: u32, group: &Group) {
    match StandardSimd::detect(params) {
        Some(simd) => simd.prefetch(words, probes, group),
        None => group.keys().iter().for_each(|&key| {
            let probes = Standard::probes(key, params).take(probes as usize);
            probes.for_each(|position| prefetch(words, place(position).0));
        }),
    }
}

/// One key after the other, and the first probes of every key before the others of any: few absent keys
/// need those.
#[inline(always)]
fn contains_far(words: &[u64], params: Params, group: &Group) -> u64 {
    let first = params.k().min(FIRST);
    let mut left = 0;
    for (i, &key) in group.keys().iter().enumerate() {
        let mut mix = Mix::new(key);
        let mut all = 1;
        for _ in 0..first {
            all &= shifted_bit(words, mix.below(params.m()));
            mix = mix.next();
        }
        left |= (all & 1) << i;
    }
    for_each_bit(left, |i| {
        for position in Standard::probes(group.keys()[i], params).skip(first as usize) {
            prefetch(words, place(position).0);
        }
    });
    let mut found = left;
    for_each_bit(left, |i| {
        let mut rest = Standard::probes(group.keys()[i], params).skip(first as usize);
        let all = rest.all(|position| is_set(words, position));
        found &= !(u64::from(!all) << i);
    });
    found
}

/// So many probes of a key are looked at together.
pub(crate) const FIRST: u32 = 3;

/// A word whose lowest bit is that of the position.
#[inline(always)]
pub(crate) fn shifted_bit<W: Words + ?Sized>(words: &W, position: u64) -> u64 {
    words.word((position / 64) as usize) >> (position % 64)
}

/// Calls with the number of each bit that is set.
#[inline(always)]
pub(crate) fn for_each_bit(mut bits: u64, mut each: impl FnMut(usize)) {
    while bits != 0 {
        each(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// The numbers x_0, x_1, … that all layouts take a key's positions from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) x: u64,
}

impl Mix {
    const MULTIPLIER: u64 = 0xF135_7AEA_2E62_A9C5;

    #[inline(always)]
    pub(crate) fn new(key: KeyHash) -> Self {
        Self { x: key.to_bits() }
    }

    #[inline(always)]
    pub(crate) fn next(self) -> Self {
        Self { x: self.x.wrapping_mul(Self::MULTIPLIER) }
    }

    /// ⌊x · bound / 2^64⌋: below the bound, and as evenly spread as x.
    #[inline(always)]
    pub(crate) fn below(self, bound: u64) -> u64 {
        ((u128::from(self.x) * u128::from(bound)) >> 64) as u64
    }
}

/// The positions of a key's bits: what [`KeyHash::probes`] gives.
#[derive(Clone, Debug)]
pub struct Probes {
    mix: Mix,
    m: u64,
    left: u32,
}

impl Iterator for Probes {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let position = self.mix.below(self.m);
        self.mix = self.mix.next();
        Some(position)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Probes {}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::batch::GROUP;
    use crate::columns;
    use crate::layout::kernel::simple_insert;

    proptest! {
        /// A key, and a group at once, is asked for as simply as can be; in the cache and beyond it.
        #[test]
        fn groups_are_simple(
            m in prop_oneof![1u32..2000, (1u32 << 22)..(1 << 23)],
            k in 1..=Params::MAX_K,
            hashes in prop::collection::vec(any::<u64>(), 0..=GROUP),
            others in prop::collection::vec(any::<u64>(), 0..=GROUP),
        ) {
            let params = Params::new(m.into(), k).unwrap();
            let keys: Vec<KeyHash> = hashes.into_iter().map(KeyHash::from_bits).collect();
            let mut others: Vec<KeyHash> = others.into_iter().map(KeyHash::from_bits).collect();
            let mut words = vec![0; m.div_ceil(64) as usize];
            for &key in &keys {
                simple_insert::<Standard>(&mut words, params, key);
            }
            for (other, &key) in others.iter_mut().zip(&keys).step_by(3) {
                *other = key;
            }
            let one = |(i, &key)| u64::from(simple_contains::<Standard, _>(&words[..], params, key)) << i;
            let found: u64 = others.iter().enumerate().map(one).sum();
            for (i, &key) in others.iter().enumerate() {
                let is_in = found >> i & 1 == 1;
                prop_assert_eq!(Standard::contains(&words[..], params, key), is_in);
                prop_assert!(k <= FIRST || contains_cached(&words[..], params, key) == is_in);
            }

            let (keys, others) = (Group::of(&keys), Group::of(&others));
            let mut same = vec![0; words.len()];
            columns::insert(&mut same, m, k, &keys);
            prop_assert_eq!(&same, &words);
            prop_assert_eq!(columns::contains(&words, m, k, &others), found);
            prop_assert_eq!(contains_far(&words, params, &others), found);

            let mut same = vec![0; words.len()];
            Standard::insert_group(&mut same, params, &keys);
            prop_assert_eq!(&same, &words);
            prop_assert_eq!(Standard::contains_group(&words, params, &others), found);
        }

        /// For every m below 2^32.
        #[test]
        fn columns_are_the_probes(m in 1u32.., hash: u64) {
            let params = Params::new(m.into(), Params::MAX_K).unwrap();
            let key = KeyHash::from_bits(hash);
            let mut positions = vec![];
            columns::for_each_position(m, Params::MAX_K, &Group::of(&[key]), |position| {
                positions.push(position);
            });
            prop_assert_eq!(positions, Standard::probes(key, params).collect::<Vec<u64>>());
        }
    }
}
