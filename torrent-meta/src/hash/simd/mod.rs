//! The vector instructions, and the only `unsafe` code of this crate.
//!
//! A function compiled for instructions must not be called where the processor lacks them. So each
//! set of instructions is a value, which only its `detect` makes, after it looked: who has the value
//! may call. Beside these calls only loads and the like are `unsafe`. The safe twins of the functions
//! are `compress` of the `sha1` and `sha2` crates, with which the tests compare them.

#![allow(unsafe_code)]

mod avx512;
mod constants;
mod sha_ni;

use super::LANES;
use super::algorithm::{Block, Sha1State, Sha256State};

cpufeatures::new!(cpu_sha_ni, "sha", "sse2", "ssse3", "sse4.1");
cpufeatures::new!(cpu_avx512, "avx512f", "avx512bw");

/// The processor has SHA, SSSE3 and SSE4.1 instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShaNi(());

impl ShaNi {
    pub(super) fn detect() -> Option<Self> {
        cpu_sha_ni::get().then_some(Self(()))
    }

    /// Hashes the blocks of `N` messages side by side, as many of each as all of them have.
    pub(super) fn sha1<const N: usize>(self, states: &mut [Sha1State; N], blocks: &[&[Block]; N]) {
        // SAFETY: `detect` found the instructions.
        unsafe { sha_ni::sha1(states, blocks) }
    }

    /// As [`sha1`](Self::sha1).
    pub(super) fn sha256<const N: usize>(
        self,
        states: &mut [Sha256State; N],
        blocks: &[&[Block]; N],
    ) {
        // SAFETY: `detect` found the instructions.
        unsafe { sha_ni::sha256(states, blocks) }
    }
}

/// The processor has AVX-512 F and BW instructions, and the operating system keeps their registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        cpu_avx512::get().then_some(Self(()))
    }

    /// Hashes the blocks of sixteen messages side by side, as many of each as all of them have.
    pub(super) fn sha1(self, states: &mut [Sha1State; LANES], blocks: &[&[Block]; LANES]) {
        // SAFETY: `detect` found the instructions.
        unsafe { avx512::sha1(states, blocks) }
    }

    /// As [`sha1`](Self::sha1).
    pub(super) fn sha256(self, states: &mut [Sha256State; LANES], blocks: &[&[Block]; LANES]) {
        // SAFETY: `detect` found the instructions.
        unsafe { avx512::sha256(states, blocks) }
    }
}

/// How many blocks all messages have.
fn least<const N: usize>(blocks: &[&[Block]; N]) -> usize {
    blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0)
}
