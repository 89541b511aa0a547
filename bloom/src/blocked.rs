//! The blocked layout: all probes of a key in one block of 512 bits, a cache line.

use crate::layout::{Layout, kernel::Kernel};
use crate::standard::Mix;
use crate::{BuildError, Geometry, KeyHash, Params, algebra, estimate};

/// The bits of a block.
pub(crate) const BLOCK: u64 = 512;

/// k positions anywhere in one block of 512 bits (Putze, Sanders and Singler, *Cache-, Hash- and
/// Space-Efficient Bloom Filters*, 2007), so that a key costs one cache miss. They may repeat. m must
/// be a multiple of 512.
///
/// With x_0, x_1, … as in [`Standard`](crate::layout::Standard), the block is ⌊x_0 · (m/512) / 2^64⌋.
/// Within it, positions 7i to 7i + 6 are seven times nine bits of y_(i+1) = x_(i+1) ⊕ ⌊x_(i+1) / 2^32⌋,
/// from the most significant; the lowest bit is not used. Without the second term the lower bits of
/// a product would only depend on the lower bits of its factor, and four products and more would
/// collide less than they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {}

impl Layout for Blocked {
    const ID: u8 = 2;
    const GEOMETRY: Geometry = Geometry::BLOCKED_512;

    fn check(params: Params) -> Result<(), BuildError> {
        whole_blocks(params)
    }

    #[inline]
    fn probes(key: KeyHash, params: Params) -> impl Iterator<Item = u64> + Clone {
        let mut mix = Mix::new(key);
        let block = mix.below(params.m() / BLOCK) * BLOCK;
        let mut fields = 0;
        (0..params.k()).map(move |probe| {
            if probe % 7 == 0 {
                mix = mix.next();
                fields = mix.x ^ (mix.x >> 32);
            }
            let position = block + (fields >> 55);
            fields <<= 9;
            position
        })
    }

    /// The mean over the blocks of their fill^k.
    fn rate(words: &[u64], params: Params) -> f64 {
        let (blocks, _) = words.as_chunks::<8>();
        let ones = blocks.iter().map(|block| algebra::ones(block));
        estimate::blocked_rate(BLOCK as u32, params.k(), ones)
    }
}

impl Kernel for Blocked {}

pub(crate) fn whole_blocks(params: Params) -> Result<(), BuildError> {
    if params.m().is_multiple_of(BLOCK) {
        Ok(())
    } else {
        Err(BuildError::NotWholeBlocks { m: params.m() })
    }
}
