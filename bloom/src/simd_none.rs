//! In place of `simd` on processors for which there is nothing in it.

use crate::batch::Group;
use crate::{KeyHash, Params};

#[inline(always)]
pub(crate) fn prefetch(_: &[u64], _: usize) {}

/// No processor of this kind has any.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SplitSimd {}

impl SplitSimd {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        None
    }

    #[cfg(test)]
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        core::iter::empty()
    }

    pub(crate) fn insert(self, _: &mut [[u64; 8]], _: &[KeyHash]) {
        match self {}
    }

    pub(crate) fn contains(self, _: &[[u64; 8]], _: &[KeyHash]) -> u64 {
        match self {}
    }
}

/// No processor of this kind has any.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StandardSimd {}

impl StandardSimd {
    #[inline]
    pub(crate) fn detect(_: Params) -> Option<Self> {
        None
    }

    pub(crate) fn insert(self, _: &mut [u64], _: u32, _: &Group) {
        match self {}
    }

    pub(crate) fn contains(self, _: &[u64], _: u32, _: &Group) -> u64 {
        match self {}
    }

    pub(crate) fn prefetch(self, _: &[u64], _: u32, _: &Group) {
        match self {}
    }
}

#[inline(always)]
pub(crate) fn hash_sixteens(_: &[[u8; 16]], _: &mut [KeyHash], _: u64) -> usize {
    0
}

pub(crate) use crate::algebra::{
    simple_combine as combine, simple_combine_count as combine_count, simple_count as count,
};
pub(crate) use crate::hash::simple_hash_numbers as hash_numbers;
