//! Sixteen messages a step: lane `l` of a vector is a word of message `l`.
//!
//! Loops and closures are avoided where it counts: what is not inlined passes vectors through memory.

use core::arch::asm;
use core::arch::x86_64::*;
use core::{array, mem};

use super::constants::{SHA1_K, SHA256_K};
use super::{LANES, least};
use crate::hash::algorithm::{Block, Sha1State, Sha256State};

/// One word of all sixteen messages.
type Words = __m512i;

/// Functions of three bits as `vpternlogd` takes them: bit `4x + 2y + z` is the result.
const CHOOSE: i32 = 0b1100_1010;
const PARITY: i32 = 0b1001_0110;
const MAJORITY: i32 = 0b1110_1000;

/// The big-endian words of one block of each message.
macro_rules! message_words {
    ($blocks:expr, $at:expr) => {{
        let (blocks, at): (&[&[Block]; LANES], usize) = ($blocks, $at);
        let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let swap = _mm512_broadcast_i32x4(swap);
        // Four words of the messages m, m + 4, m + 8 and m + 12 in a vector: then nothing need be
        // moved between its quarters any more. A message's 64 bytes are read one right after the
        // other, since messages that lie a power of two apart share a set of the cache, which does
        // not hold a line of each.
        macro_rules! gather {
            ($m:literal) => {
                [gather!($m, 0), gather!($m, 1), gather!($m, 2), gather!($m, 3)]
            };
            ($m:literal, $quarter:literal) => {{
                let vector = _mm512_castsi128_si512(load(&blocks[$m][at], $quarter));
                let vector = _mm512_inserti32x4::<1>(vector, load(&blocks[$m + 4][at], $quarter));
                let vector = _mm512_inserti32x4::<2>(vector, load(&blocks[$m + 8][at], $quarter));
                let vector = _mm512_inserti32x4::<3>(vector, load(&blocks[$m + 12][at], $quarter));
                _mm512_shuffle_epi8(vector, swap)
            }};
        }
        let (m0, m1, m2, m3) = (gather!(0), gather!(1), gather!(2), gather!(3));
        // A transposition of four by four words within each quarter.
        macro_rules! transpose {
            ($quarter:literal) => {{
                let low01 = _mm512_unpacklo_epi32(m0[$quarter], m1[$quarter]);
                let high01 = _mm512_unpackhi_epi32(m0[$quarter], m1[$quarter]);
                let low23 = _mm512_unpacklo_epi32(m2[$quarter], m3[$quarter]);
                let high23 = _mm512_unpackhi_epi32(m2[$quarter], m3[$quarter]);
                [
                    _mm512_unpacklo_epi64(low01, low23),
                    _mm512_unpackhi_epi64(low01, low23),
                    _mm512_unpacklo_epi64(high01, high23),
                    _mm512_unpackhi_epi64(high01, high23),
                ]
            }};
        }
        let [w0, w1, w2, w3] = transpose!(0);
        let [w4, w5, w6, w7] = transpose!(1);
        let [w8, w9, w10, w11] = transpose!(2);
        let [w12, w13, w14, w15] = transpose!(3);
        [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15]
    }};
}

/// FIPS 180-4, section 6.1.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn sha1(states: &mut [Sha1State; LANES], blocks: &[&[Block]; LANES]) {
    let mut state = [_mm512_setzero_si512(); 5];
    for (index, word) in state.iter_mut().enumerate() {
        *word = column(states, index);
    }
    let k0 = _mm512_set1_epi32(SHA1_K[0].cast_signed());
    let k1 = _mm512_set1_epi32(SHA1_K[1].cast_signed());
    let k2 = _mm512_set1_epi32(SHA1_K[2].cast_signed());
    let k3 = _mm512_set1_epi32(SHA1_K[3].cast_signed());

    for at in 0..least(blocks) {
        let mut w = message_words!(blocks, at);
        let [mut a, mut b, mut c, mut d, mut e] = state;

        // The message schedule is made as it is used, in place of the words that are used up. And it
        // is the names of the variables that turn from round to round, not the values.
        macro_rules! round {
            ($f:ident, $k:ident, $t:expr, $a:ident $b:ident $c:ident $d:ident $e:ident) => {
                if $t >= 16 {
                    let (w3, w8, w14) = (w[($t + 13) % 16], w[($t + 8) % 16], w[($t + 2) % 16]);
                    let three = _mm512_ternarylogic_epi32::<PARITY>(w3, w8, w14);
                    let four = _mm512_xor_si512(three, w[$t % 16]);
                    w[$t % 16] = _mm512_rol_epi32::<1>(four);
                }
                let f = _mm512_ternarylogic_epi32::<$f>($b, $c, $d);
                let kw = _mm512_add_epi32(w[$t % 16], $k);
                let ekw = pin(_mm512_add_epi32($e, kw));
                let efkw = pin(_mm512_add_epi32(ekw, f));
                $e = _mm512_add_epi32(efkw, _mm512_rol_epi32::<5>($a));
                $b = _mm512_rol_epi32::<30>($b);
            };
        }
        macro_rules! five {
            ($f:ident, $k:ident, $t:expr) => {
                round!($f, $k, $t, a b c d e);
                round!($f, $k, $t + 1, e a b c d);
                round!($f, $k, $t + 2, d e a b c);
                round!($f, $k, $t + 3, c d e a b);
                round!($f, $k, $t + 4, b c d e a);
            };
        }
        macro_rules! twenty {
            ($f:ident, $k:ident, $t:expr) => {
                five!($f, $k, $t);
                five!($f, $k, $t + 5);
                five!($f, $k, $t + 10);
                five!($f, $k, $t + 15);
            };
        }
        twenty!(CHOOSE, k0, 0);
        twenty!(PARITY, k1, 20);
        twenty!(MAJORITY, k2, 40);
        twenty!(PARITY, k3, 60);

        state = [
            _mm512_add_epi32(state[0], a),
            _mm512_add_epi32(state[1], b),
            _mm512_add_epi32(state[2], c),
            _mm512_add_epi32(state[3], d),
            _mm512_add_epi32(state[4], e),
        ];
    }
    for (index, word) in state.into_iter().enumerate() {
        set_column(states, index, word);
    }
}

/// FIPS 180-4, section 6.2.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn sha256(states: &mut [Sha256State; LANES], blocks: &[&[Block]; LANES]) {
    let mut state = [_mm512_setzero_si512(); 8];
    for (index, word) in state.iter_mut().enumerate() {
        *word = column(states, index);
    }

    for at in 0..least(blocks) {
        let mut w = message_words!(blocks, at);
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;

        macro_rules! round {
            ($t:expr, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
                if $t >= 16 {
                    let (w2, w15) = (w[($t + 14) % 16], w[($t + 1) % 16]);
                    let s0 = _mm512_ternarylogic_epi32::<PARITY>(
                        _mm512_ror_epi32::<7>(w15),
                        _mm512_ror_epi32::<18>(w15),
                        _mm512_srli_epi32::<3>(w15),
                    );
                    let s1 = _mm512_ternarylogic_epi32::<PARITY>(
                        _mm512_ror_epi32::<17>(w2),
                        _mm512_ror_epi32::<19>(w2),
                        _mm512_srli_epi32::<10>(w2),
                    );
                    let two = _mm512_add_epi32(w[$t % 16], w[($t + 9) % 16]);
                    w[$t % 16] = _mm512_add_epi32(two, _mm512_add_epi32(s0, s1));
                }
                let choose = _mm512_ternarylogic_epi32::<CHOOSE>($e, $f, $g);
                let s1 = _mm512_ternarylogic_epi32::<PARITY>(
                    _mm512_ror_epi32::<6>($e),
                    _mm512_ror_epi32::<11>($e),
                    _mm512_ror_epi32::<25>($e),
                );
                let majority = _mm512_ternarylogic_epi32::<MAJORITY>($a, $b, $c);
                let s0 = _mm512_ternarylogic_epi32::<PARITY>(
                    _mm512_ror_epi32::<2>($a),
                    _mm512_ror_epi32::<13>($a),
                    _mm512_ror_epi32::<22>($a),
                );
                let kw =
                    _mm512_add_epi32(w[$t % 16], _mm512_set1_epi32(SHA256_K[$t].cast_signed()));
                let hkw = pin(_mm512_add_epi32($h, kw));
                // One addition more than necessary, so that only one waits for `s1`.
                let dhkw = pin(_mm512_add_epi32($d, hkw));
                let partial = pin(_mm512_add_epi32(dhkw, choose));
                $d = _mm512_add_epi32(partial, s1);
                let partial = pin(_mm512_add_epi32(hkw, choose));
                let t1 = pin(_mm512_add_epi32(partial, s1));
                let partial = pin(_mm512_add_epi32(t1, majority));
                $h = _mm512_add_epi32(partial, s0);
            };
        }
        macro_rules! eight {
            ($t:expr) => {
                round!($t, a b c d e f g h);
                round!($t + 1, h a b c d e f g);
                round!($t + 2, g h a b c d e f);
                round!($t + 3, f g h a b c d e);
                round!($t + 4, e f g h a b c d);
                round!($t + 5, d e f g h a b c);
                round!($t + 6, c d e f g h a b);
                round!($t + 7, b c d e f g h a);
            };
        }
        eight!(0);
        eight!(8);
        eight!(16);
        eight!(24);
        eight!(32);
        eight!(40);
        eight!(48);
        eight!(56);

        state = [
            _mm512_add_epi32(state[0], a),
            _mm512_add_epi32(state[1], b),
            _mm512_add_epi32(state[2], c),
            _mm512_add_epi32(state[3], d),
            _mm512_add_epi32(state[4], e),
            _mm512_add_epi32(state[5], f),
            _mm512_add_epi32(state[6], g),
            _mm512_add_epi32(state[7], h),
        ];
    }
    for (index, word) in state.into_iter().enumerate() {
        set_column(states, index, word);
    }
}

/// Keeps a sum as it is written, with what is known last added last. The compiler would add in
/// another order, so that more additions wait for one another: a third of the speed of SHA-256.
#[inline]
#[target_feature(enable = "avx512f")]
fn pin(mut sum: Words) -> Words {
    // SAFETY: there is no instruction in it.
    unsafe {
        asm!("/* {0} */", inout(zmm_reg) sum, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// One word of all states.
#[inline]
#[target_feature(enable = "avx512f")]
fn column<const WORDS: usize>(states: &[[u32; WORDS]; LANES], index: usize) -> Words {
    let column: [u32; LANES] = array::from_fn(|lane| states[lane][index]);
    // SAFETY: both are 64 bytes, and any bits are a value of either.
    unsafe { mem::transmute::<[u32; LANES], Words>(column) }
}

/// Puts one word of all states back.
#[inline]
#[target_feature(enable = "avx512f")]
fn set_column<const WORDS: usize>(states: &mut [[u32; WORDS]; LANES], index: usize, column: Words) {
    // SAFETY: both are 64 bytes, and any bits are a value of either.
    let column = unsafe { mem::transmute::<Words, [u32; LANES]>(column) };
    for (state, word) in states.iter_mut().zip(column) {
        state[index] = word;
    }
}

/// Sixteen bytes of a block.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block, quarter: usize) -> __m128i {
    let bytes: &[u8; 16] = &block.as_chunks().0[quarter];
    // SAFETY: sixteen bytes may be read there, and need not be aligned.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
