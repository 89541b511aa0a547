//! From a key's bytes to the positions of its bits. This is a format: frozen by tests, never to
//! change under the same name.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::Params;

/// The hash of a key under a seed, from which all its probes follow.
///
/// It is XXH3-64 with the seed over the key's bytes; a `u64` key is its eight bytes, least
/// significant first. XXH3 is no cryptographic hash: whoever knows the seed can make keys that
/// collide. Against hostile keys, keep the seed secret.
///
/// Two keys with equal hashes are one key to every filter of this seed, which adds about n/2^64 to
/// the rate of false positives.
///
/// A key that many filters with one seed are asked for is hashed once:
///
/// ```
/// use overlay_bloom::{KeyHash, Params, Standard};
///
/// let seed = 1;
/// let mut neighbour = Standard::new(Params::for_rate(100, 1e-3)?, seed)?;
/// neighbour.insert(b"madonna");
/// let key = KeyHash::of(b"madonna", seed);
/// assert!(neighbour.contains_hash(key));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(u64);

impl KeyHash {
    /// Hashes a key of bytes.
    pub fn of(key: &[u8], seed: u64) -> Self {
        Self(xxh3_64_with_seed(key, seed))
    }

    /// Hashes a number: its eight bytes, least significant first.
    pub fn of_u64(key: u64, seed: u64) -> Self {
        Self::of(&key.to_le_bytes(), seed)
    }

    /// The 64 bits of the hash.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The k positions of this key's bits, each below m. They may repeat, as independent ones would.
    ///
    /// With h the hash, the j-th position is ⌊x_j · m / 2^64⌋ for x_0 = h and
    /// x_(j+1) = x_j · 0xD1342543DE82EF95 + s modulo 2^64, where s is h rotated left by 32 bits with
    /// its lowest bit set.
    ///
    /// That is double hashing (an increment s from the same hash), remixed by a multiplication
    /// before each probe, and scaled by a multiplication instead of a remainder, so that every m is
    /// equally fair. Plain or "enhanced" double hashing adds small increments which the scaling
    /// drops: six times the due rate at p = 1e-6. Remixing by addition and rotation alone keeps the
    /// rate, but the number of different bits a key hits then varies more than it should (by 10 % at
    /// k = 20, by 70 % at k = 64); with the multiplication it can not be told from independent
    /// probes. The multiplier is from Steele and Vigna, *Computationally easy, spectrally good
    /// multipliers for congruential pseudorandom number generators* (2021).
    pub fn probes(self, params: Params) -> Probes {
        Probes { x: self.0, step: self.0.rotate_left(32) | 1, m: params.m(), left: params.k() }
    }
}

const MULTIPLIER: u64 = 0xD134_2543_DE82_EF95;

/// The positions of a key's bits: what [`KeyHash::probes`] gives.
#[derive(Clone, Debug)]
pub struct Probes {
    x: u64,
    step: u64,
    m: u64,
    left: u32,
}

impl Iterator for Probes {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let position = (u128::from(self.x) * u128::from(self.m)) >> 64;
        self.x = self.x.wrapping_mul(MULTIPLIER).wrapping_add(self.step);
        Some(position as u64)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Probes {}
