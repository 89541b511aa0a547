//! The keys: numbers, strings of sixteen characters, and hashes that were made before. They look random
//! and are all different.

use std::hash::Hash;

use overlay_bloom::KeyHash;

/// A kind of key.
pub trait BenchKey: overlay_bloom::Key + Hash + Copy + 'static {
    /// In the names of cases.
    const NAME: &'static str;

    /// The key of this number.
    fn new(number: u64) -> Self;

    /// For a library that only knows bytes.
    #[cfg_attr(not(feature = "peers"), allow(dead_code, reason = "ours knows numbers"))]
    fn bytes<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T;

    /// Eight of the key's bytes.
    fn low(self) -> u64;
}

impl BenchKey for u64 {
    const NAME: &'static str = "u64";

    fn new(number: u64) -> Self {
        mix(number)
    }

    #[inline(always)]
    fn bytes<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        with(&self.to_le_bytes())
    }

    #[inline(always)]
    fn low(self) -> u64 {
        self
    }
}

impl BenchKey for [u8; 16] {
    const NAME: &'static str = "str";

    fn new(number: u64) -> Self {
        let mixed = mix(number);
        std::array::from_fn(|digit| b"0123456789abcdef"[(mixed >> (4 * digit) & 15) as usize])
    }

    #[inline(always)]
    fn bytes<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        with(self)
    }

    #[inline(always)]
    fn low(self) -> u64 {
        self.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// The same 64 bits for every contender, which none hashes again.
impl BenchKey for KeyHash {
    const NAME: &'static str = "ready_hash";

    fn new(number: u64) -> Self {
        Self::from_bits(mix(number))
    }

    #[inline(always)]
    fn bytes<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        with(&self.to_bits().to_le_bytes())
    }

    #[inline(always)]
    fn low(self) -> u64 {
        self.to_bits()
    }
}

/// SplitMix64's output function (Steele, Lea, Flood 2014): no two numbers become the same.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
