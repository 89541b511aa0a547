//! Asking for memory before it is needed.
//!
//! The messages of a large world go to peers all over memory: without this, most of the time is spent
//! waiting for the next receiver.
#![allow(unsafe_code)] // One intrinsic, which can not fault.

/// Asks for the first cache lines of a value, up to four of them. Changes nothing but time, and does
/// nothing on processors for which it is not written.
#[inline]
pub fn prefetch<T: ?Sized>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        const MOST: usize = 4 * LINE;
        let start = core::ptr::from_ref(value).cast::<i8>();
        let size = size_of_val(value).min(MOST);
        // The last byte may lie on a line that no step of 64 bytes from the first meets.
        for offset in (0..size).step_by(LINE).chain(size.checked_sub(1)) {
            // SAFETY: a prefetch reads nothing into the program and does not fault, whatever the
            // address; this one lies within `value`.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
