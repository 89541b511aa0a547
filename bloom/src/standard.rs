//! The layout as Bloom described it: k probes anywhere among the m bits.

use crate::batch::is_far;
use crate::layout::Layout;
use crate::layout::kernel::{Kernel, is_set, simple_contains};
use crate::simd::prefetch;
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
    /// The first probes without a branch between them: for an absent key nobody can guess which of them
    /// fails, and a wrong guess costs more than the probes.
    #[inline]
    fn contains<W: Words + ?Sized>(words: &W, params: Params, key: KeyHash) -> bool {
        if params.k() <= FIRST {
            return simple_contains::<Self, W>(words, params, key);
        }
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

    /// The first probes of every key before the others of any: few absent keys need those.
    #[inline]
    fn contains_group(words: &[u64], params: Params, keys: &[KeyHash]) -> u64 {
        let first = params.k().min(FIRST);
        let mut left = 0;
        for (i, &key) in keys.iter().enumerate() {
            let mut mix = Mix::new(key);
            let mut all = 1;
            for _ in 0..first {
                all &= shifted_bit(words, mix.below(params.m()));
                mix = mix.next();
            }
            left |= (all & 1) << i;
        }
        let far = is_far(words);
        if far {
            for_each_bit(left, |i| {
                for position in Self::probes(keys[i], params).skip(first as usize) {
                    prefetch(words, place(position).0);
                }
            });
        }
        let mut found = left;
        for_each_bit(left, |i| {
            let mut rest = Self::probes(keys[i], params).skip(first as usize);
            let all = rest.all(|position| is_set(words, position));
            found &= !(u64::from(!all) << i);
        });
        found
    }

    #[inline]
    fn prefetch_contains(words: &[u64], params: Params, key: KeyHash) {
        for position in Self::probes(key, params).take(FIRST as usize) {
            prefetch(words, place(position).0);
        }
    }
}

/// So many probes of a key are looked at together.
const FIRST: u32 = 3;

/// A word whose lowest bit is that of the position.
#[inline(always)]
fn shifted_bit<W: Words + ?Sized>(words: &W, position: u64) -> u64 {
    words.word((position / 64) as usize) >> (position % 64)
}

/// Calls with the number of each bit that is set.
#[inline(always)]
fn for_each_bit(mut bits: u64, mut each: impl FnMut(usize)) {
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
