//! The SHA instructions for `N` messages side by side: while one waits for a result another goes on.

#![allow(clippy::needless_range_loop)] // `n` goes over several arrays of messages.

use core::arch::x86_64::*;

use super::constants::SHA256_K;
use super::least;
use crate::hash::algorithm::{Block, Sha1State, Sha256State};

/// The words of a block. The rest of the message schedule takes their place, four words at a time.
type Words = [__m128i; 4];

/// FIPS 180-4, section 6.1, four rounds an instruction.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn sha1<const N: usize>(states: &mut [Sha1State; N], blocks: &[&[Block]; N]) {
    let zero = _mm_setzero_si128();
    // The instructions want the first word highest, of the state and of the message.
    let reverse = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let (mut abcd, mut e) = ([zero; N], [zero; N]);
    for n in 0..N {
        let [a, b, c, d, last] = states[n].map(u32::cast_signed);
        abcd[n] = _mm_set_epi32(a, b, c, d);
        e[n] = _mm_set_epi32(last, 0, 0, 0);
    }

    for at in 0..least(blocks) {
        let mut w = [[zero; 4]; N];
        for n in 0..N {
            w[n] = load(&blocks[n][at], reverse);
        }
        let (first_abcd, first_e) = (abcd, e);
        // The state four rounds ago: its `a` has become `e`.
        let mut before = abcd;
        macro_rules! four {
            ($i:expr) => {
                for n in 0..N {
                    let ew = if $i == 0 {
                        _mm_add_epi32(e[n], w[n][0])
                    } else {
                        _mm_sha1nexte_epu32(before[n], w[n][$i % 4])
                    };
                    before[n] = abcd[n];
                    abcd[n] = _mm_sha1rnds4_epu32::<{ $i / 5 }>(abcd[n], ew);
                    if $i < 16 {
                        let (w0, w1) = (w[n][$i % 4], w[n][($i + 1) % 4]);
                        let (w2, w3) = (w[n][($i + 2) % 4], w[n][($i + 3) % 4]);
                        let three = _mm_xor_si128(_mm_sha1msg1_epu32(w0, w1), w2);
                        w[n][$i % 4] = _mm_sha1msg2_epu32(three, w3);
                    }
                }
            };
        }
        macro_rules! twenty {
            ($i:expr) => {
                four!($i);
                four!($i + 1);
                four!($i + 2);
                four!($i + 3);
                four!($i + 4);
            };
        }
        twenty!(0);
        twenty!(5);
        twenty!(10);
        twenty!(15);
        for n in 0..N {
            e[n] = _mm_sha1nexte_epu32(before[n], first_e[n]);
            abcd[n] = _mm_add_epi32(abcd[n], first_abcd[n]);
        }
    }
    for n in 0..N {
        states[n] = [
            _mm_extract_epi32::<3>(abcd[n]).cast_unsigned(),
            _mm_extract_epi32::<2>(abcd[n]).cast_unsigned(),
            _mm_extract_epi32::<1>(abcd[n]).cast_unsigned(),
            _mm_extract_epi32::<0>(abcd[n]).cast_unsigned(),
            _mm_extract_epi32::<3>(e[n]).cast_unsigned(),
        ];
    }
}

/// FIPS 180-4, section 6.2, two rounds an instruction.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn sha256<const N: usize>(states: &mut [Sha256State; N], blocks: &[&[Block]; N]) {
    let zero = _mm_setzero_si128();
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // The instructions want the state in two vectors of these words, the first highest.
    let (mut abef, mut cdgh) = ([zero; N], [zero; N]);
    for n in 0..N {
        let [a, b, c, d, e, f, g, h] = states[n].map(u32::cast_signed);
        abef[n] = _mm_set_epi32(a, b, e, f);
        cdgh[n] = _mm_set_epi32(c, d, g, h);
    }

    for at in 0..least(blocks) {
        let mut w = [[zero; 4]; N];
        for n in 0..N {
            w[n] = load(&blocks[n][at], swap);
        }
        let (first_abef, first_cdgh) = (abef, cdgh);
        macro_rules! four {
            ($i:expr) => {
                let k = _mm_set_epi32(
                    SHA256_K[$i * 4 + 3].cast_signed(),
                    SHA256_K[$i * 4 + 2].cast_signed(),
                    SHA256_K[$i * 4 + 1].cast_signed(),
                    SHA256_K[$i * 4].cast_signed(),
                );
                for n in 0..N {
                    let kw = _mm_add_epi32(w[n][$i % 4], k);
                    cdgh[n] = _mm_sha256rnds2_epu32(cdgh[n], abef[n], kw);
                    abef[n] =
                        _mm_sha256rnds2_epu32(abef[n], cdgh[n], _mm_shuffle_epi32::<0b1110>(kw));
                    if $i < 12 {
                        let (w0, w1) = (w[n][$i % 4], w[n][($i + 1) % 4]);
                        let (w2, w3) = (w[n][($i + 2) % 4], w[n][($i + 3) % 4]);
                        let seventh = _mm_alignr_epi8::<4>(w3, w2);
                        let three = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), seventh);
                        w[n][$i % 4] = _mm_sha256msg2_epu32(three, w3);
                    }
                }
            };
        }
        macro_rules! sixteen {
            ($i:expr) => {
                four!($i);
                four!($i + 1);
                four!($i + 2);
                four!($i + 3);
            };
        }
        sixteen!(0);
        sixteen!(4);
        sixteen!(8);
        sixteen!(12);
        for n in 0..N {
            abef[n] = _mm_add_epi32(abef[n], first_abef[n]);
            cdgh[n] = _mm_add_epi32(cdgh[n], first_cdgh[n]);
        }
    }
    for n in 0..N {
        states[n] = [
            _mm_extract_epi32::<3>(abef[n]).cast_unsigned(),
            _mm_extract_epi32::<2>(abef[n]).cast_unsigned(),
            _mm_extract_epi32::<3>(cdgh[n]).cast_unsigned(),
            _mm_extract_epi32::<2>(cdgh[n]).cast_unsigned(),
            _mm_extract_epi32::<1>(abef[n]).cast_unsigned(),
            _mm_extract_epi32::<0>(abef[n]).cast_unsigned(),
            _mm_extract_epi32::<1>(cdgh[n]).cast_unsigned(),
            _mm_extract_epi32::<0>(cdgh[n]).cast_unsigned(),
        ];
    }
}

/// The words of a block, the bytes of each four ordered by `order`.
#[inline]
#[target_feature(enable = "ssse3")]
fn load(block: &Block, order: __m128i) -> Words {
    let mut words = [_mm_setzero_si128(); 4];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        // SAFETY: sixteen bytes may be read there, and need not be aligned.
        let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        *word = _mm_shuffle_epi8(bytes, order);
    }
    words
}
