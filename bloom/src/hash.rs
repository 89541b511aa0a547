//! From a key's bytes to 64 bits. This is a format: frozen by tests, never to change under the same
//! name.

use core::fmt::{self, Debug};

use siphasher::sip::SipHasher13;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::layout::Layout;
use crate::standard::Probes;
use crate::{MismatchError, Params, layout, simd};

/// The hash of a key, from which all its probes follow.
///
/// [`of`](Self::of) and [`of_u64`](Self::of_u64) make it as filters with [`Xxh3`] do, the usual ones;
/// a [`KeyHasher`] makes it for any filter. Two keys with equal hashes are one key to every filter
/// with the same hasher, which adds about n/2^64 to the rate of false positives.
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
    /// Hashes a key of bytes as [`Xxh3`] with this seed.
    #[inline]
    pub fn of(key: &[u8], seed: u64) -> Self {
        Xxh3::new(seed).hash(key)
    }

    /// Hashes a number as [`Xxh3`] with this seed: its eight bytes, least significant first.
    #[inline]
    pub fn of_u64(key: u64, seed: u64) -> Self {
        Xxh3::new(seed).hash_u64(key)
    }

    /// A hash that was made elsewhere. Its bits must be as good as random, all 64 of them.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits of the hash.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The k positions of this key's bits in a [`Standard`](crate::Standard) filter:
    /// [`layout::Standard`] says which.
    #[inline]
    pub fn probes(self, params: Params) -> Probes {
        layout::Standard::probes(self, params)
    }
}

/// How the keys of a filter are hashed: [`Xxh3`] unless there is reason not to, or [`SipHash`].
///
/// Filters combine only if their hashers are equal. The trait is sealed, because a hash that others
/// do not know can not go on a wire.
pub trait KeyHasher: Clone + Debug + PartialEq + Eq + sealed::Sealed {
    /// The number of this kind of hasher in [serialized](crate::Header) filters.
    const ID: u8;

    /// What stands for this very hasher in [serialized](crate::Header) filters: a seed, or what a
    /// secret key makes of a fixed text, by which its holder can tell that it is the right one.
    fn tag(&self) -> u64;

    /// Hashes a key of bytes.
    fn hash(&self, key: &[u8]) -> KeyHash;

    /// Hashes a number: its eight bytes, least significant first.
    #[inline]
    fn hash_u64(&self, key: u64) -> KeyHash {
        self.hash(&key.to_le_bytes())
    }

    /// Hashes as many numbers as there is room for.
    #[doc(hidden)]
    #[inline]
    fn hash_numbers(&self, keys: &[u64], hashes: &mut [KeyHash]) {
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = self.hash_u64(*key);
        }
    }

    /// Hashes as many keys of one length as there is room for.
    #[doc(hidden)]
    #[inline]
    fn hash_arrays<const N: usize>(&self, keys: &[[u8; N]], hashes: &mut [KeyHash]) {
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = self.hash(key);
        }
    }

    /// Fails if the other hasher makes other hashes.
    ///
    /// # Errors
    /// The seeds or secret keys differ.
    fn check(&self, other: &Self) -> Result<(), MismatchError>;
}

/// XXH3-64 with a seed, of the [specification] of xxHash: fast, and the same everywhere.
///
/// It is no cryptographic hash: whoever knows the seed can make keys that collide, and who can see
/// answers may find the seed out. Where keys come from people who would do that, use [`SipHash`].
///
/// [specification]: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xxh3 {
    seed: u64,
}

impl Xxh3 {
    /// The hasher of a seed.
    #[inline]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed.
    #[inline]
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

impl KeyHasher for Xxh3 {
    const ID: u8 = 1;

    fn tag(&self) -> u64 {
        self.seed
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(xxh3_64_with_seed(key, self.seed))
    }

    #[inline]
    fn hash_u64(&self, key: u64) -> KeyHash {
        KeyHash(xxh3_64_of_u64(key, self.seed))
    }

    #[inline]
    fn hash_numbers(&self, keys: &[u64], hashes: &mut [KeyHash]) {
        simd::hash_numbers(keys, hashes, self.seed);
    }

    #[inline]
    fn hash_arrays<const N: usize>(&self, keys: &[[u8; N]], hashes: &mut [KeyHash]) {
        let mut done = 0;
        if N == 16 {
            done = simd::hash_sixteens(keys.as_flattened().as_chunks().0, hashes, self.seed);
        }
        for (hash, key) in hashes.iter_mut().zip(keys).skip(done) {
            *hash = self.hash(key);
        }
    }

    fn check(&self, other: &Self) -> Result<(), MismatchError> {
        let (ours, theirs) = (self.seed, other.seed);
        if ours == theirs { Ok(()) } else { Err(MismatchError::Seed { ours, theirs }) }
    }
}

/// Hashes as many numbers as there is room for.
#[inline(always)]
pub(crate) fn simple_hash_numbers(keys: &[u64], hashes: &mut [KeyHash], seed: u64) {
    for (hash, key) in hashes.iter_mut().zip(keys) {
        *hash = KeyHash(xxh3_64_of_u64(*key, seed));
    }
}

/// XXH3-64 of a number's eight bytes, least significant first: what the specification has for inputs
/// of 4 to 8 bytes, without any test of the length.
#[inline(always)]
fn xxh3_64_of_u64(key: u64, seed: u64) -> u64 {
    /// Bytes 8 to 15 of XXH3's secret xored with bytes 16 to 23.
    const FLIP: u64 = 0x1CAD_21F7_2C81_017C ^ 0xDB97_9083_E96D_D4DE;
    const PRIME_MX2: u64 = 0x9FB2_1C65_1E98_DF25;
    let seed = seed ^ (u64::from((seed as u32).swap_bytes()) << 32);
    let mut h = key.rotate_left(32) ^ FLIP.wrapping_sub(seed);
    h ^= h.rotate_left(49) ^ h.rotate_left(24);
    h = h.wrapping_mul(PRIME_MX2);
    h ^= (h >> 35).wrapping_add(8);
    h = h.wrapping_mul(PRIME_MX2);
    h ^ (h >> 28)
}

/// SipHash-1-3 with a secret key of 128 bits (Aumasson and Bernstein, *SipHash: a fast short-input
/// PRF*, 2012), for keys from people who would fill a filter or make it lie if they could.
///
/// Who does not know the secret can not tell which keys share bits. Peers that exchange filters must
/// share it. Costs two to four times [`Xxh3`] for short keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SipHash {
    key: [u8; 16],
}

impl SipHash {
    /// The hasher of a secret key, which should be random.
    #[inline]
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The secret key.
    #[inline]
    pub const fn key(&self) -> [u8; 16] {
        self.key
    }
}

impl KeyHasher for SipHash {
    const ID: u8 = 2;

    /// The hash of `overlay-bloom key check`.
    fn tag(&self) -> u64 {
        self.hash(b"overlay-bloom key check").to_bits()
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(SipHasher13::new_with_key(&self.key).hash(key))
    }

    fn check(&self, other: &Self) -> Result<(), MismatchError> {
        if self == other { Ok(()) } else { Err(MismatchError::SecretKey) }
    }
}

impl Debug for SipHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SipHash(secret)")
    }
}

/// What a batch of keys may be made of: byte strings of all kinds, `u64`, and [`KeyHash`].
///
/// As in `insert` and `insert_u64`: a string is its bytes, a number its eight bytes with the least
/// significant first, a hash stays as it is.
pub trait Key: sealed::Sealed {
    /// Hashes the key.
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash;

    /// Hashes as many keys as there is room for.
    #[doc(hidden)]
    #[inline]
    fn hash_many<H: KeyHasher>(keys: &[Self], hasher: &H, hashes: &mut [KeyHash])
    where
        Self: Sized,
    {
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = key.hash_with(hasher);
        }
    }
}

impl Key for u64 {
    #[inline]
    fn hash_many<H: KeyHasher>(keys: &[Self], hasher: &H, hashes: &mut [KeyHash]) {
        hasher.hash_numbers(keys, hashes);
    }

    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        hasher.hash_u64(*self)
    }
}

impl Key for KeyHash {
    #[inline]
    fn hash_with<H: KeyHasher>(&self, _: &H) -> KeyHash {
        *self
    }
}

impl<const N: usize> Key for [u8; N] {
    #[inline]
    fn hash_many<H: KeyHasher>(keys: &[Self], hasher: &H, hashes: &mut [KeyHash]) {
        hasher.hash_arrays(keys, hashes);
    }

    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        hasher.hash(self)
    }
}

impl Key for [u8] {
    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        hasher.hash(self)
    }
}

impl Key for str {
    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        hasher.hash(self.as_bytes())
    }
}

impl Key for alloc::vec::Vec<u8> {
    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        hasher.hash(self)
    }
}

impl Key for alloc::string::String {
    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        hasher.hash(self.as_bytes())
    }
}

impl<K: Key + ?Sized> Key for &K {
    #[inline]
    fn hash_with<H: KeyHasher>(&self, hasher: &H) -> KeyHash {
        (**self).hash_with(hasher)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Xxh3 {}
    impl Sealed for super::SipHash {}
    impl Sealed for u64 {}
    impl Sealed for super::KeyHash {}
    impl<const N: usize> Sealed for [u8; N] {}
    impl Sealed for [u8] {}
    impl Sealed for str {}
    impl Sealed for alloc::vec::Vec<u8> {}
    impl Sealed for alloc::string::String {}
    impl<K: Sealed + ?Sized> Sealed for &K {}
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is made for many keys, however it is compiled, is the specification's hash.
        #[test]
        fn many_are_one_by_one(keys: Vec<[u8; 16]>, seed: u64) {
            let one: Vec<KeyHash> = keys.iter().map(|key| KeyHash(xxh3_64_with_seed(key, seed))).collect();
            let mut many = vec![KeyHash(0); keys.len()];
            Key::hash_many(&keys, &Xxh3::new(seed), &mut many);
            prop_assert_eq!(&many, &one);

            let numbers: Vec<u64> = one.iter().map(|hash| hash.to_bits()).collect();
            let of_bytes = |number: &u64| KeyHash(xxh3_64_with_seed(&number.to_le_bytes(), seed));
            let one: Vec<KeyHash> = numbers.iter().map(of_bytes).collect();
            Key::hash_many(&numbers, &Xxh3::new(seed), &mut many);
            prop_assert_eq!(many, one);
        }
    }
}
