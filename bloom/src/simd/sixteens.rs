//! XXH3-64 of keys of sixteen bytes, eight at once: what the specification has for inputs of 9 to 16.

use core::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512, _mm512_mul_epu32,
    _mm512_mullo_epi64, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_set4_epi32,
    _mm512_setr_epi64, _mm512_shuffle_epi8, _mm512_slli_epi64, _mm512_srli_epi64,
    _mm512_storeu_si512, _mm512_sub_epi64, _mm512_xor_si512,
};

use crate::KeyHash;

/// Bytes 24 to 31 of XXH3's secret xored with bytes 32 to 39, and 40 to 47 with 48 to 55.
const FLIPS: [u64; 2] =
    [0x1F67_B3B7_A4A4_4072 ^ 0x78E5_C0CC_4EE6_79CB, 0x2172_FFCC_7DD0_5A82 ^ 0x8E24_43F7_7446_08B8];
const PRIME_MX1: u64 = 0x1656_6791_9E37_79F9;

/// Hashes the keys before the last up to seven; how many.
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
pub(super) fn hash_avx512(keys: &[[u8; 16]], hashes: &mut [KeyHash], seed: u64) -> usize {
    let all = |number: u64| _mm512_set1_epi64(number as i64);
    let flips = [all(FLIPS[0].wrapping_add(seed)), all(FLIPS[1].wrapping_sub(seed))];
    let (even, odd) = (
        _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14),
        _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15),
    );
    let (keys, hashes) = (keys.as_chunks::<8>().0, hashes.as_chunks_mut::<8>().0);
    for (hashes, keys) in hashes.iter_mut().zip(keys) {
        let keys = keys.as_flattened().as_chunks::<64>().0;
        // SAFETY: each half of the keys is 64 bytes; they may be anywhere.
        let (first, last) = unsafe {
            (
                _mm512_loadu_si512(keys[0].as_ptr().cast()),
                _mm512_loadu_si512(keys[1].as_ptr().cast()),
            )
        };
        let a = _mm512_xor_si512(_mm512_permutex2var_epi64(first, even, last), flips[0]);
        let b = _mm512_xor_si512(_mm512_permutex2var_epi64(first, odd, last), flips[1]);
        let length_and_a = _mm512_add_epi64(swap_bytes(a), all(16));
        let mut h = _mm512_add_epi64(_mm512_add_epi64(length_and_a, b), folded_product(a, b));
        h = _mm512_xor_si512(h, _mm512_srli_epi64::<37>(h));
        h = _mm512_mullo_epi64(h, all(PRIME_MX1));
        h = _mm512_xor_si512(h, _mm512_srli_epi64::<32>(h));
        let mut bits = [0u64; 8];
        // SAFETY: the bits are as many.
        unsafe { _mm512_storeu_si512(bits.as_mut_ptr().cast(), h) }
        for (hash, &bits) in hashes.iter_mut().zip(&bits) {
            *hash = KeyHash::from_bits(bits);
        }
    }
    8 * hashes.len().min(keys.len())
}

/// The bytes of each number in the other order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn swap_bytes(x: __m512i) -> __m512i {
    // In each 128 bits, these are the numbers of the bytes.
    let order = _mm512_set4_epi32(0x0809_0A0B, 0x0C0D_0E0F, 0x0001_0203, 0x0405_0607);
    _mm512_shuffle_epi8(x, order)
}

/// The upper half of each product of 128 bits xored with the lower half. The product of the lower
/// halves is taken from the whole one, because a compiler that sees all four knows them for one product
/// of 128 bits, and makes that for one key after the other.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn folded_product(a: __m512i, b: __m512i) -> __m512i {
    let low = _mm512_set1_epi64(0xFFFF_FFFF);
    let (a1, b1) = (_mm512_srli_epi64::<32>(a), _mm512_srli_epi64::<32>(b));
    let lower = _mm512_mullo_epi64(a, b);
    let (up, down) = (_mm512_mul_epu32(a1, b), _mm512_mul_epu32(a, b1));
    let lowest = _mm512_sub_epi64(lower, _mm512_slli_epi64::<32>(_mm512_add_epi64(up, down)));
    let cross = _mm512_add_epi64(up, _mm512_srli_epi64::<32>(lowest));
    let other = _mm512_add_epi64(down, _mm512_and_si512(cross, low));
    let carried = _mm512_add_epi64(_mm512_srli_epi64::<32>(cross), _mm512_srli_epi64::<32>(other));
    let upper = _mm512_add_epi64(_mm512_mul_epu32(a1, b1), carried);
    _mm512_xor_si512(upper, lower)
}
