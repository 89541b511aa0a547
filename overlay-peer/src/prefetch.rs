//! Asking for memory before it is needed.
//!
//! The messages of a large world go to peers all over memory: without this, most of the time is spent
//! waiting for the next receiver.
#![allow(unsafe_code)] // One intrinsic, which can not fault.

/// Asks for the first 256 bytes of a value, or all of a shorter one. Changes nothing but time, and does
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
        // It may begin in the middle of a line, and end in the middle of one more.
        let before = start.addr() % LINE;
        for offset in (0..before + size).step_by(LINE) {
            // SAFETY: a prefetch reads nothing into the program and does not fault, whatever the
            // address; this one lies on a line of `value`.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset).wrapping_sub(before)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
