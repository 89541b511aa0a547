//! The hash functions, by their compression functions.

use core::fmt;

use super::LANES;
use super::simd::{Avx512, ShaNi};

/// What a compression function takes at once.
pub type Block = [u8; 64];
pub type Sha1State = [u32; 5];
pub type Sha256State = [u32; 8];

/// A hash function for many messages at once: [`Sha1`] or [`Sha256`].
pub trait Algorithm: Compress {
    /// The hash of a message.
    type Digest: AsRef<[u8]> + Copy + Default + Eq + Ord + fmt::Debug + Send + Sync + 'static;

    /// From the state after the last block.
    #[doc(hidden)]
    fn digest(state: Self::State) -> Self::Digest;
}

/// What is not for callers to use or to implement.
pub trait Compress: Sized + 'static {
    type State: Copy + fmt::Debug + Send + Sync + 'static;

    /// The state before the first block.
    const START: Self::State;

    /// From how many messages on sixteen lanes, some of them idle, are faster than SHA-NI for four
    /// messages at a time.
    const WIDE_FROM: usize;

    fn portable(state: &mut Self::State, blocks: &[Block]);

    fn sha_ni<const N: usize>(cpu: ShaNi, states: &mut [Self::State; N], blocks: &[&[Block]; N]);

    fn avx512(cpu: Avx512, states: &mut [Self::State; LANES], blocks: &[&[Block]; LANES]);
}

/// SHA-1 (FIPS 180-4): the hash of v1 pieces.
#[derive(Clone, Copy, Debug)]
pub enum Sha1 {}

/// SHA-256 (FIPS 180-4): the hash of v2 leaves and of the merkle trees over them.
#[derive(Clone, Copy, Debug)]
pub enum Sha256 {}

impl Algorithm for Sha1 {
    type Digest = [u8; 20];

    fn digest(state: Sha1State) -> [u8; 20] {
        big_endian(state)
    }
}

impl Compress for Sha1 {
    type State = Sha1State;
    const START: Sha1State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    const WIDE_FROM: usize = 8;

    fn portable(state: &mut Sha1State, blocks: &[Block]) {
        sha1::block_api::compress(state, blocks);
    }

    fn sha_ni<const N: usize>(cpu: ShaNi, states: &mut [Sha1State; N], blocks: &[&[Block]; N]) {
        cpu.sha1(states, blocks);
    }

    fn avx512(cpu: Avx512, states: &mut [Sha1State; LANES], blocks: &[&[Block]; LANES]) {
        cpu.sha1(states, blocks);
    }
}

impl Algorithm for Sha256 {
    type Digest = [u8; 32];

    fn digest(state: Sha256State) -> [u8; 32] {
        big_endian(state)
    }
}

impl Compress for Sha256 {
    type State = Sha256State;
    const START: Sha256State = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    const WIDE_FROM: usize = 9;

    fn portable(state: &mut Sha256State, blocks: &[Block]) {
        sha2::block_api::compress256(state, blocks);
    }

    fn sha_ni<const N: usize>(cpu: ShaNi, states: &mut [Sha256State; N], blocks: &[&[Block]; N]) {
        cpu.sha256(states, blocks);
    }

    fn avx512(cpu: Avx512, states: &mut [Sha256State; LANES], blocks: &[&[Block]; LANES]) {
        cpu.sha256(states, blocks);
    }
}

/// The words of a state as the bytes of a digest.
fn big_endian<const WORDS: usize, const BYTES: usize>(state: [u32; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
