//! Asking for memory ahead of its use: the only `unsafe` code of this crate. Without it, on other
//! processors, everything works the same, only slower.

#![allow(unsafe_code)]

/// Asks for the cache line where a value starts. Nothing happens if there is no such value.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn prefetch<T>(values: &[T], index: usize) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    if let Some(value) = values.get(index) {
        // SAFETY: every x86-64 processor has the instruction, and it changes nothing but caches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) }
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn prefetch<T>(_: &[T], _: usize) {}
