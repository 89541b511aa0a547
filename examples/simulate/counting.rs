//! How many bytes the program has allocated.
#![allow(unsafe_code)] // An allocator can not be had without.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mimalloc::MiMalloc;

/// An allocator that suits millions of small tables that grow, and counts.
pub(crate) struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are allocated now, as they were asked for: without the allocator's own overhead.
pub(crate) fn allocated() -> usize {
    NOW.load(Relaxed)
}

// SAFETY: everything is handed on to `MiMalloc`, which keeps the contract; counting touches no memory
// but the counter.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NOW.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise about `layout` is handed on.
        let pointer = unsafe { MiMalloc.alloc(layout) };
        if layout.size() >= LARGE && !pointer.is_null() {
            advise(pointer, layout.size());
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller got `pointer` from here, so from `MiMalloc`, with this layout.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        NOW.fetch_add(layout.size(), Relaxed);
        // SAFETY: as for `alloc`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        NOW.fetch_sub(layout.size(), Relaxed);
        NOW.fetch_add(size, Relaxed);
        // SAFETY: as for `dealloc`, and the caller promises that `size` is valid.
        unsafe { MiMalloc.realloc(pointer, layout, size) }
    }
}

/// What is as large as this is asked to lie on huge pages.
const LARGE: usize = 8 << 20;

/// Peers and links are looked up all over these blocks: with pages of 4 KiB, finding the page takes as
/// long as the memory itself. Where this is not to be had, nothing is lost but time.
#[cfg(target_os = "linux")]
fn advise(pointer: *mut u8, size: usize) {
    use rustix::mm::{Advice, madvise};
    const PAGE: usize = 4096;
    let skip = pointer.addr().wrapping_neg() % PAGE;
    let (start, len) = (pointer.wrapping_add(skip), (size - skip) / PAGE * PAGE);
    // SAFETY: whole pages of one block that was just allocated; the advice does not change what is in
    // them.
    let _ = unsafe { madvise(start.cast(), len, Advice::LinuxHugepage) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut u8, _: usize) {}
