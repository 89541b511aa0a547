//! The split block layout: one bit in each of the eight words of a block.

use crate::blocked::{BLOCK, whole_blocks};
use crate::layout::{Layout, kernel::Kernel};
use crate::standard::Mix;
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
        let mix = Mix::new(key);
        let block = mix.below(params.m() / BLOCK) * BLOCK;
        let fields = mix.next().x;
        (0..8).map(move |word| block + 64 * word + (fields >> (16 + 6 * word)) % 64)
    }

    /// The mean over the blocks of the product of the fills of their words.
    fn rate(words: &[u64], _: Params) -> f64 {
        let (blocks, _) = words.as_chunks::<8>();
        estimate::split_rate(64, blocks.iter().map(|block| block.map(u64::count_ones)))
    }
}

impl Kernel for Split {}
