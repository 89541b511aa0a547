//! The split block layout: one bit in each of the eight words of a block.

use crate::batch::Group;
use crate::blocked::{BLOCK, prefetch_blocks, whole_blocks};
use crate::layout::Layout;
use crate::layout::kernel::{Kernel, simple_contains_group, simple_insert_group};
use crate::simd::SplitSimd;
use crate::standard::Mix;
use crate::words::Words;
use crate::{BuildError, Geometry, KeyHash, Params, estimate};

/// One position in each of the eight 64-bit words of one block of 512 bits, so k = 8 (after Apple,
/// Lemire and others, *Split block Bloom filters*, 2021, which has blocks of 256 bits): what vector
/// instructions do at once. m must be a multiple of 512.
///
/// With x_0 and x_1 as in [`Standard`](crate::layout::Standard), the block is
/// ⌊x_0 · (m/512) / 2^64⌋, and the bit in word i of it is that of number ⌊x_1 / 2^(16 + 6i)⌋ mod 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {}

impl Split {
    /// The number of probes, one for each word of a block.
    pub const K: u32 = 8;
}

impl Layout for Split {
    const ID: u8 = 3;
    const GEOMETRY: Geometry = Geometry::SPLIT_512;

    fn check(params: Params) -> Result<(), BuildError> {
        match params.k() {
            Self::K => whole_blocks(params),
            k => Err(BuildError::NotEightProbes { k }),
        }
    }

    #[inline]
    fn probes(key: KeyHash, params: Params) -> impl Iterator<Item = u64> + Clone {
        let (block, fields) = place(key, params.m() / BLOCK);
        let start = block as u64 * BLOCK;
        (0..8).map(move |word| start + 64 * word + (fields >> (16 + 6 * word)) % 64)
    }

    /// The mean over the blocks of the product of the fills of their words.
    fn rate(words: &[u64], _: Params) -> f64 {
        let (blocks, _) = words.as_chunks::<8>();
        estimate::split_rate(64, blocks.iter().map(|block| block.map(u64::count_ones)))
    }
}

impl Kernel for Split {
    /// Without a branch: the whole block is there at once.
    #[inline]
    fn contains<W: Words + ?Sized>(words: &W, params: Params, key: KeyHash) -> bool {
        let (block, fields) = place(key, params.m() / BLOCK);
        let mut missing = 0;
        for i in 0..8 {
            missing |= !words.word(8 * block + i) & 1 << ((fields >> (16 + 6 * i)) % 64);
        }
        missing == 0
    }

    #[inline]
    fn insert_group(words: &mut [u64], params: Params, group: &Group) {
        match SplitSimd::detect() {
            Some(simd) => simd.insert(words.as_chunks_mut().0, group.keys()),
            None => simple_insert_group::<Self>(words, params, group),
        }
    }

    #[inline]
    fn contains_group(words: &[u64], params: Params, group: &Group) -> u64 {
        match SplitSimd::detect() {
            Some(simd) => simd.contains(words.as_chunks().0, group.keys()),
            None => simple_contains_group::<Self>(words, params, group),
        }
    }

    #[inline]
    fn prefetch_insert(words: &[u64], params: Params, group: &Group) {
        prefetch_blocks(words, params, group);
    }
}

/// The number of a key's block among so many, and x_1, which has the bits in it.
#[inline(always)]
pub(crate) fn place(key: KeyHash, blocks: u64) -> (usize, u64) {
    let mix = Mix::new(key);
    (mix.below(blocks) as usize, mix.next().x)
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::batch::GROUP;
    use crate::layout::kernel::{simple_contains, simple_insert};

    proptest! {
        /// With all instructions that this processor has.
        #[test]
        fn simd_is_simple(blocks in 1usize..9, hashes: Vec<u64>, others in prop::collection::vec(any::<u64>(), 0..=GROUP)) {
            let params = Params::new(blocks as u64 * BLOCK, Split::K).unwrap();
            let keys: Vec<KeyHash> = hashes.into_iter().map(KeyHash::from_bits).collect();
            let others: Vec<KeyHash> = others.into_iter().map(KeyHash::from_bits).collect();
            let mut words = vec![0; 8 * blocks];
            for &key in &keys {
                simple_insert::<Split>(&mut words, params, key);
            }
            let one = |(i, &key)| u64::from(simple_contains::<Split, _>(&words[..], params, key)) << i;
            let found: u64 = others.iter().enumerate().map(one).sum();
            prop_assert_eq!(simple_contains_group::<Split>(&words, params, &Group::of(&others)), found);
            for simd in SplitSimd::available() {
                let mut same = vec![[0; 8]; blocks];
                simd.insert(&mut same, &keys);
                prop_assert_eq!(same.as_flattened(), &words[..]);
                prop_assert_eq!(simd.contains(&same, &others), found);
                for keys in keys.chunks(GROUP) {
                    prop_assert_eq!(simd.contains(&same, keys), u64::MAX >> (64 - keys.len()));
                }
            }
        }
    }
}
