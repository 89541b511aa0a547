//! The blocked layout: all probes of a key in one block of 512 bits, a cache line.

use crate::batch::Group;
use crate::layout::{Layout, kernel::Kernel};
use crate::simd::prefetch;
use crate::standard::Mix;
use crate::words::Words;
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
        let start = block_of(key, params) as u64 * BLOCK;
        let mut mix = Mix::new(key);
        let mut fields = 0;
        (0..params.k()).map(move |probe| {
            if probe % 7 == 0 {
                mix = mix.next();
                fields = mix.x ^ (mix.x >> 32);
            }
            let bit = fields >> 55;
            fields <<= 9;
            start + bit
        })
    }

    /// The mean over the blocks of their fill^k.
    fn rate(words: &[u64], params: Params) -> f64 {
        let (blocks, _) = words.as_chunks::<8>();
        let ones = blocks.iter().map(|block| algebra::ones(block));
        estimate::blocked_rate(BLOCK as u32, params.k(), ones)
    }
}

impl Kernel for Blocked {
    #[inline]
    fn insert(words: &mut [u64], params: Params, key: KeyHash) -> bool {
        let block = &mut words.as_chunks_mut::<8>().0[block_of(key, params)];
        let mut missing = 0;
        for_each_bit(key, params.k(), |bit| {
            let word = &mut block[(bit / 64 % 8) as usize];
            missing |= !*word & 1 << (bit % 64);
            *word |= 1 << (bit % 64);
        });
        missing != 0
    }

    /// Without a branch: the whole block is there at once.
    #[inline]
    fn contains<W: Words + ?Sized>(words: &W, params: Params, key: KeyHash) -> bool {
        let start = 8 * block_of(key, params);
        let mut missing = 0;
        for_each_bit(key, params.k(), |bit| {
            missing |= !words.word(start + (bit / 64) as usize) & 1 << (bit % 64);
        });
        missing == 0
    }

    #[inline]
    fn prefetch_insert(words: &[u64], params: Params, group: &Group) {
        prefetch_blocks(words, params, group);
    }
}

/// The number of a key's block.
#[inline(always)]
fn block_of(key: KeyHash, params: Params) -> usize {
    Mix::new(key).below(params.m() / BLOCK) as usize
}

/// Calls with each of the k bits of a key in its block, in order.
#[inline(always)]
fn for_each_bit(key: KeyHash, k: u32, mut each: impl FnMut(u64)) {
    let mut mix = Mix::new(key);
    let mut left = k;
    while left > 0 {
        mix = mix.next();
        let mut fields = mix.x ^ (mix.x >> 32);
        for _ in 0..left.min(7) {
            each(fields >> 55);
            fields <<= 9;
        }
        left = left.saturating_sub(7);
    }
}

/// Asks for the cache lines of the keys' blocks, in the layouts that have blocks.
#[inline(always)]
pub(crate) fn prefetch_blocks(words: &[u64], params: Params, group: &Group) {
    for &key in group.keys() {
        prefetch(words, 8 * block_of(key, params));
    }
}

pub(crate) fn whole_blocks(params: Params) -> Result<(), BuildError> {
    if params.m().is_multiple_of(BLOCK) {
        Ok(())
    } else {
        Err(BuildError::NotWholeBlocks { m: params.m() })
    }
}
