//! In place of `simd` on processors for which there is nothing in it.

use super::LANES;
use super::algorithm::{Block, Sha1State, Sha256State};

/// No processor of this kind has SHA-NI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShaNi {}

impl ShaNi {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn sha1<const N: usize>(self, _: &mut [Sha1State; N], _: &[&[Block]; N]) {
        match self {}
    }

    pub(super) fn sha256<const N: usize>(self, _: &mut [Sha256State; N], _: &[&[Block]; N]) {
        match self {}
    }
}

/// No processor of this kind has AVX-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Avx512 {}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn sha1(self, _: &mut [Sha1State; LANES], _: &[&[Block]; LANES]) {
        match self {}
    }

    pub(super) fn sha256(self, _: &mut [Sha256State; LANES], _: &[&[Block]; LANES]) {
        match self {}
    }
}
