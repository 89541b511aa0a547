//! Keywords as hashes, and sets of keywords as signatures.

use alloc::boxed::Box;
use alloc::vec::Vec;

use gnutella_wire::keywords;

/// The keywords of a text as hashes, sorted, and a signature of them.
///
/// Hash and signature only say no quickly; who finds that all hashes match compares the keywords
/// themselves ([`contains_all`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub signature: Signature,
    pub hashes: Box<[u32]>,
}

/// A set of keywords: one of 128 bits for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signature([u64; 2]);

impl Signature {
    fn of(hash: u64) -> Self {
        let bit = hash >> 57;
        if bit < 64 { Self([1 << bit, 0]) } else { Self([0, 1 << (bit - 64)]) }
    }

    /// Both sets together.
    pub fn with(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    /// Whether all of the set may be in the other one.
    pub fn may_be_in(self, other: Self) -> bool {
        (self.0[0] & !other.0[0]) | (self.0[1] & !other.0[1]) == 0
    }
}

impl Words {
    pub fn of(text: &[u8]) -> Self {
        let mut signature = Signature::default();
        let mut hashes: Vec<u32> = keywords(text)
            .map(|word| {
                let hash = mix(word.chars().fold(SEED, |hash, c| step(hash, c.into())));
                signature = signature.with(Signature::of(hash));
                hash as u32
            })
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self { signature, hashes: hashes.into() }
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether all of these hashes are among a file's.
    pub fn may_all_be_in(&self, file: &[u32]) -> bool {
        self.hashes.iter().all(|hash| file.binary_search(hash).is_ok())
    }
}

/// Whether every keyword of `query` is a keyword of `name`.
pub(crate) fn contains_all(name: &[u8], query: &[u8]) -> bool {
    keywords(query).all(|wanted| keywords(name).any(|word| word == wanted))
}

/// FNV-1a, over characters instead of bytes.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

const fn step(hash: u64, c: u32) -> u64 {
    (hash ^ c as u64).wrapping_mul(0x0100_0000_01b3)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
