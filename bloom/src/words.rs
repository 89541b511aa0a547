//! The words that the bits of a filter are in.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU64, Ordering};

use crate::BuildError;

/// Words to read: a filter's own, those that threads share, or bytes as they came from a wire.
///
/// Bit b of a filter is bit b mod 64 of word ⌊b/64⌋, in every layout; the bytes of a word are in order
/// from the least significant.
pub trait Words {
    fn word(&self, index: usize) -> u64;
}

impl Words for [u64] {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self[index]
    }
}

impl Words for [AtomicU64] {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self[index].load(Ordering::Relaxed)
    }
}

impl Words for [[u8; 8]] {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        u64::from_le_bytes(self[index])
    }
}

/// The word of a position, and its bit there. A position is below m, so its word exists.
#[inline(always)]
pub(crate) fn place(position: u64) -> (usize, u64) {
    ((position / 64) as usize, 1 << (position % 64))
}

/// Words that start at the begin of a cache line, so that a block of eight is in one line.
pub(crate) struct Aligned<T> {
    /// The words in use are the last ones; up to seven stand before them.
    buffer: Vec<T>,
    start: usize,
}

const LINE: usize = 64;

impl<T: Default> Aligned<T> {
    /// The words that m bits need, all zero.
    pub(crate) fn zeroed(m: u64) -> Result<Self, BuildError> {
        let out_of_memory = BuildError::OutOfMemory { m };
        let len = usize::try_from(m.div_ceil(64)).map_err(|_| out_of_memory)?;
        let spare = LINE / size_of::<T>() - 1;
        let room = len.checked_add(spare).ok_or(out_of_memory)?;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(room).map_err(|_| out_of_memory)?;
        buffer.resize_with(room, T::default);
        // Alignment is for speed alone: if it can not be had, any start will do.
        let start = buffer.as_ptr().align_offset(LINE).min(spare);
        buffer.truncate(start + len);
        Ok(Self { buffer, start })
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.buffer[self.start..]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..]
    }
}

impl Clone for Aligned<u64> {
    /// # Panics
    /// As `Vec` does if there is no memory.
    fn clone(&self) -> Self {
        let spare = LINE / size_of::<u64>() - 1;
        let mut buffer: Vec<u64> = Vec::with_capacity(self.len() + spare);
        let start = buffer.as_ptr().align_offset(LINE).min(spare);
        buffer.resize(start, 0);
        buffer.extend_from_slice(self);
        Self { buffer, start }
    }
}

impl PartialEq for Aligned<u64> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Aligned<u64> {}

impl<T: fmt::Debug> fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
