//! Prefetching and vector instructions: the only `unsafe` code of this crate.
//!
//! A function compiled for instructions must not be called where the processor lacks them. So each
//! set of instructions is a value, which only its `detect` makes, after it looked: who has the value
//! may call. The safe twins are the `simple_` functions of [`layout`](crate::layout) and
//! [`algebra`](crate::algebra), with which the tests compare these.

#![allow(unsafe_code)]

mod sixteens;
mod split;

use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use crate::batch::Group;
use crate::{KeyHash, Params, algebra, columns, hash};

cpufeatures::new!(cpu_avx2, "avx2", "bmi2");
cpufeatures::new!(cpu_avx512, "avx512f", "bmi2");
cpufeatures::new!(cpu_multiply, "avx512f", "avx512bw", "avx512dq", "avx512vl", "bmi2");
cpufeatures::new!(cpu_popcnt_avx2, "avx2", "popcnt");
cpufeatures::new!(cpu_popcnt_avx512, "avx512f", "avx512vl", "avx512vpopcntdq", "popcnt");

/// Asks for the cache line of a word ahead of its use. Nothing happens if there is no such word.
#[inline(always)]
pub(crate) fn prefetch(words: &[u64], index: usize) {
    if let Some(word) = words.get(index) {
        // SAFETY: every x86-64 processor has the instruction, and it changes nothing but caches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(word).cast()) }
    }
}

/// The processor has what a split block takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SplitSimd {
    Avx2(split::Avx2),
    Avx512(split::Avx512),
}

impl SplitSimd {
    /// The widest that this processor has.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        split::Avx512::detect().map(Self::Avx512).or_else(|| split::Avx2::detect().map(Self::Avx2))
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let avx2 = split::Avx2::detect().map(Self::Avx2);
        avx2.into_iter().chain(split::Avx512::detect().map(Self::Avx512))
    }

    /// Sets the bits of all keys.
    #[inline]
    pub(crate) fn insert(self, blocks: &mut [[u64; 8]], keys: &[KeyHash]) {
        match self {
            Self::Avx2(cpu) => cpu.insert(blocks, keys),
            Self::Avx512(cpu) => cpu.insert(blocks, keys),
        }
    }

    /// Bit i of the answer is whether all bits of key i are set.
    #[inline]
    pub(crate) fn contains(self, blocks: &[[u64; 8]], keys: &[KeyHash]) -> u64 {
        match self {
            Self::Avx2(cpu) => cpu.contains(blocks, keys),
            Self::Avx512(cpu) => cpu.contains(blocks, keys),
        }
    }
}

/// The processor has what groups of keys in a standard filter take, whose m is below 2^32: the code of
/// [`columns`], compiled for its instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StandardSimd {
    m: u32,
}

impl StandardSimd {
    #[inline]
    pub(crate) fn detect(params: Params) -> Option<Self> {
        let m = u32::try_from(params.m()).ok()?;
        cpu_multiply::get().then_some(Self { m })
    }

    /// [`columns::insert`].
    #[inline]
    pub(crate) fn insert(self, words: &mut [u64], k: u32, group: &Group) {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,bmi2")]
        fn avx512(words: &mut [u64], m: u32, k: u32, group: &Group) {
            columns::insert(words, m, k, group);
        }
        // SAFETY: `detect` found the instructions.
        unsafe { avx512(words, self.m, k, group) }
    }

    /// [`columns::contains`].
    #[inline]
    pub(crate) fn contains(self, words: &[u64], k: u32, group: &Group) -> u64 {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,bmi2")]
        fn avx512(words: &[u64], m: u32, k: u32, group: &Group) -> u64 {
            columns::contains(words, m, k, group)
        }
        // SAFETY: `detect` found the instructions.
        unsafe { avx512(words, self.m, k, group) }
    }

    /// [`columns::prefetch_words`].
    #[inline]
    pub(crate) fn prefetch(self, words: &[u64], probes: u32, group: &Group) {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,bmi2")]
        fn avx512(words: &[u64], m: u32, probes: u32, group: &Group) {
            columns::prefetch_words(words, m, probes, group);
        }
        // SAFETY: `detect` found the instructions.
        unsafe { avx512(words, self.m, probes, group) }
    }
}

/// [`simple_hash_numbers`](hash::simple_hash_numbers), eight at once if the processor can.
#[inline]
pub(crate) fn hash_numbers(keys: &[u64], hashes: &mut [KeyHash], seed: u64) {
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn avx512(keys: &[u64], hashes: &mut [KeyHash], seed: u64) {
        hash::simple_hash_numbers(keys, hashes, seed);
    }
    if cpu_multiply::get() {
        // SAFETY: the processor has the instructions.
        unsafe { avx512(keys, hashes, seed) }
    } else {
        hash::simple_hash_numbers(keys, hashes, seed);
    }
}

/// Hashes the first of the keys of sixteen bytes, as [`Xxh3`](crate::Xxh3) does each; how many.
#[inline]
pub(crate) fn hash_sixteens(keys: &[[u8; 16]], hashes: &mut [KeyHash], seed: u64) -> usize {
    if cpu_multiply::get() {
        // SAFETY: the processor has the instructions.
        unsafe { sixteens::hash_avx512(keys, hashes, seed) }
    } else {
        0
    }
}

/// [`algebra::simple_combine`] in wide vectors if the processor has them.
pub(crate) fn combine(ours: &mut [u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) {
    #[target_feature(enable = "avx2,bmi2")]
    fn avx2(ours: &mut [u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) {
        algebra::simple_combine(ours, theirs, op);
    }
    if cpu_avx2::get() {
        // SAFETY: the processor has the instructions.
        unsafe { avx2(ours, theirs, op) }
    } else {
        algebra::simple_combine(ours, theirs, op);
    }
}

/// [`algebra::simple_combine_count`] with what the processor has to count bits.
pub(crate) fn combine_count(ours: &mut [u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
    #[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
    fn avx512(ours: &mut [u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
        algebra::simple_combine_count(ours, theirs, op)
    }
    #[target_feature(enable = "avx2,popcnt")]
    fn avx2(ours: &mut [u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
        algebra::simple_combine_count(ours, theirs, op)
    }
    if cpu_popcnt_avx512::get() {
        // SAFETY: the processor has the instructions.
        unsafe { avx512(ours, theirs, op) }
    } else if cpu_popcnt_avx2::get() {
        // SAFETY: the processor has the instructions.
        unsafe { avx2(ours, theirs, op) }
    } else {
        algebra::simple_combine_count(ours, theirs, op)
    }
}

/// [`algebra::simple_count`] with what the processor has to count bits.
pub(crate) fn count(ours: &[u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
    #[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
    fn avx512(ours: &[u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
        algebra::simple_count(ours, theirs, op)
    }
    #[target_feature(enable = "avx2,popcnt")]
    fn avx2(ours: &[u64], theirs: &[u64], op: impl Fn(u64, u64) -> u64) -> u64 {
        algebra::simple_count(ours, theirs, op)
    }
    if cpu_popcnt_avx512::get() {
        // SAFETY: the processor has the instructions.
        unsafe { avx512(ours, theirs, op) }
    } else if cpu_popcnt_avx2::get() {
        // SAFETY: the processor has the instructions.
        unsafe { avx2(ours, theirs, op) }
    } else {
        algebra::simple_count(ours, theirs, op)
    }
}
