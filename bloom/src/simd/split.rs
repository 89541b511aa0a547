//! Keys of split blocks: eight words at once.

use core::arch::x86_64::{
    __m256i, __m512i, _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_setr_epi64x, _mm256_sllv_epi64, _mm256_srlv_epi64, _mm256_storeu_si256,
    _mm256_testc_si256, _mm512_loadu_si512, _mm512_or_si512, _mm512_rolv_epi64, _mm512_set1_epi64,
    _mm512_setr_epi64, _mm512_srlv_epi64, _mm512_storeu_si512, _mm512_testn_epi64_mask,
};

use super::{cpu_avx2, cpu_avx512};
use crate::KeyHash;
use crate::split::place;

/// The processor has AVX2 instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        cpu_avx2::get().then_some(Self(()))
    }

    #[inline]
    pub(super) fn insert(self, blocks: &mut [[u64; 8]], keys: &[KeyHash]) {
        // SAFETY: `detect` found the instructions.
        unsafe { insert_avx2(blocks, keys) }
    }

    #[inline]
    pub(super) fn contains(self, blocks: &[[u64; 8]], keys: &[KeyHash]) -> u64 {
        // SAFETY: `detect` found the instructions.
        unsafe { contains_avx2(blocks, keys) }
    }
}

/// The processor has AVX-512 F instructions, and the operating system keeps their registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        cpu_avx512::get().then_some(Self(()))
    }

    #[inline]
    pub(super) fn insert(self, blocks: &mut [[u64; 8]], keys: &[KeyHash]) {
        // SAFETY: `detect` found the instructions.
        unsafe { insert_avx512(blocks, keys) }
    }

    #[inline]
    pub(super) fn contains(self, blocks: &[[u64; 8]], keys: &[KeyHash]) -> u64 {
        // SAFETY: `detect` found the instructions.
        unsafe { contains_avx512(blocks, keys) }
    }
}

/// A key's bits in the two halves of its block.
#[inline]
#[target_feature(enable = "avx2,bmi2")]
fn masks_avx2(fields: u64) -> [__m256i; 2] {
    let fields = _mm256_set1_epi64x(fields as i64);
    let (one, low) = (_mm256_set1_epi64x(1), _mm256_set1_epi64x(63));
    let bit =
        |shifts| _mm256_sllv_epi64(one, _mm256_and_si256(_mm256_srlv_epi64(fields, shifts), low));
    [bit(_mm256_setr_epi64x(16, 22, 28, 34)), bit(_mm256_setr_epi64x(40, 46, 52, 58))]
}

#[target_feature(enable = "avx2,bmi2")]
fn insert_avx2(blocks: &mut [[u64; 8]], keys: &[KeyHash]) {
    for &key in keys {
        let (block, fields) = place(key, blocks.len() as u64);
        let (halves, _) = blocks[block].as_chunks_mut::<4>();
        for (half, mask) in halves.iter_mut().zip(masks_avx2(fields)) {
            let half = half.as_mut_ptr().cast();
            // SAFETY: half a block is 256 bits; they may be anywhere.
            unsafe { _mm256_storeu_si256(half, _mm256_or_si256(_mm256_loadu_si256(half), mask)) }
        }
    }
}

#[target_feature(enable = "avx2,bmi2")]
fn contains_avx2(blocks: &[[u64; 8]], keys: &[KeyHash]) -> u64 {
    let mut found = 0;
    for (i, &key) in keys.iter().enumerate() {
        let (block, fields) = place(key, blocks.len() as u64);
        let (halves, _) = blocks[block].as_chunks::<4>();
        let mut all = 1;
        for (half, mask) in halves.iter().zip(masks_avx2(fields)) {
            // SAFETY: half a block is 256 bits; they may be anywhere.
            let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
            all &= _mm256_testc_si256(half, mask);
        }
        found |= u64::from(all as u32) << i;
    }
    found
}

/// A key's bits in its block.
#[inline]
#[target_feature(enable = "avx512f,bmi2")]
fn mask_avx512(fields: u64) -> __m512i {
    let shifts = _mm512_setr_epi64(16, 22, 28, 34, 40, 46, 52, 58);
    // To rotate takes its count modulo 64.
    let counts = _mm512_srlv_epi64(_mm512_set1_epi64(fields as i64), shifts);
    _mm512_rolv_epi64(_mm512_set1_epi64(1), counts)
}

#[target_feature(enable = "avx512f,bmi2")]
fn insert_avx512(blocks: &mut [[u64; 8]], keys: &[KeyHash]) {
    for &key in keys {
        let (block, fields) = place(key, blocks.len() as u64);
        let mask = mask_avx512(fields);
        let block = blocks[block].as_mut_ptr().cast();
        // SAFETY: a block is 512 bits; they may be anywhere.
        unsafe { _mm512_storeu_si512(block, _mm512_or_si512(_mm512_loadu_si512(block), mask)) }
    }
}

#[target_feature(enable = "avx512f,bmi2")]
fn contains_avx512(blocks: &[[u64; 8]], keys: &[KeyHash]) -> u64 {
    let mut found = 0;
    for (i, &key) in keys.iter().enumerate() {
        let (block, fields) = place(key, blocks.len() as u64);
        let mask = mask_avx512(fields);
        // SAFETY: a block is 512 bits; they may be anywhere.
        let block = unsafe { _mm512_loadu_si512(blocks[block].as_ptr().cast()) };
        // Of each word the mask has one bit: the words without it are those where both have none.
        let missing = _mm512_testn_epi64_mask(block, mask);
        found |= u64::from(missing == 0) << i;
    }
    found
}
