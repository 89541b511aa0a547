//! How many bytes the program has allocated.
#![allow(unsafe_code)] // An allocator can not be had without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, which also counts.
pub(crate) struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are allocated now, as they were asked for: without the allocator's own overhead.
pub(crate) fn allocated() -> usize {
    NOW.load(Relaxed)
}

// SAFETY: everything is handed on to `System`, which keeps the contract; counting touches no memory
// but the counter.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NOW.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise about `layout` is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller got `pointer` from here, so from `System`, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        NOW.fetch_add(layout.size(), Relaxed);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        NOW.fetch_sub(layout.size(), Relaxed);
        NOW.fetch_add(size, Relaxed);
        // SAFETY: as for `dealloc`, and the caller promises that `size` is valid.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
