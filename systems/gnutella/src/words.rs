//! Keywords as hashes, and sets of keywords as 64-bit signatures.

use alloc::boxed::Box;
use alloc::vec::Vec;

use gnutella_wire::keywords;

/// The keywords of a text as hashes, sorted, and a signature of them.
///
/// Hash and signature only say no quickly; who finds that all hashes match compares the keywords
/// themselves ([`contains_all`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// One of 64 bits for each keyword.
    pub signature: u64,
    pub hashes: Box<[u64]>,
}

impl Words {
    pub fn of(text: &[u8]) -> Self {
        let mut hashes: Vec<u64> = keywords(text)
            .map(|word| word.chars().fold(SEED, |hash, c| step(hash, c.into())))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        let signature = hashes.iter().fold(0, |set, hash| set | 1 << (mix(*hash) >> 58));
        Self { signature, hashes: hashes.into() }
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether all of these hashes are among a file's.
    pub fn may_all_be_in(&self, file: &[u64]) -> bool {
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
