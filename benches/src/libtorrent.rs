//! libtorrent's bencode, torrents and hashing, through `shim/libtorrent.cc`.
//!
//! The shim is compiled with `-O2`, as Debian compiles the library, and for the default target, as
//! everything here.
#![allow(unsafe_code)]

use std::ffi::c_char;
use std::fmt;
use std::ptr::NonNull;
use std::slice;

use crate::tally::Tally;

/// Version of the library that this was built with.
pub const VERSION: &str = env!("LIBTORRENT_VERSION");

mod ffi {
    use super::{Loaded, Tally, c_char};

    #[repr(C)]
    pub(super) struct RawTree {
        _opaque: [u8; 0],
    }

    // The same declarations as in shim/libtorrent.cc.
    unsafe extern "C" {
        pub(super) fn overlay_lt_bdecode(data: *const c_char, len: usize) -> usize;
        pub(super) fn overlay_lt_tally(data: *const c_char, len: usize, sums: *mut Tally) -> bool;
        pub(super) fn overlay_lt_tree_new(data: *const c_char, len: usize) -> *mut RawTree;
        pub(super) fn overlay_lt_tree_free(tree: *mut RawTree);
        pub(super) fn overlay_lt_encode(tree: *mut RawTree, len: *mut usize) -> *const c_char;
        pub(super) fn overlay_lt_encode_unchecked(
            tree: *mut RawTree,
            len: *mut usize,
        ) -> *const c_char;
        pub(super) fn overlay_lt_load(
            data: *const c_char,
            len: usize,
            paths: bool,
            out: *mut Loaded,
        ) -> bool;
        pub(super) fn overlay_lt_sha1(
            data: *const c_char,
            len: usize,
            chunk: usize,
            out: *mut c_char,
        ) -> bool;
        pub(super) fn overlay_lt_sha256(
            data: *const c_char,
            len: usize,
            chunk: usize,
            out: *mut c_char,
        ) -> bool;
    }
}

/// `bdecode` into tokens, which are dropped again. How many bytes the message takes; `None` if it is
/// none.
#[inline]
pub fn bdecode(input: &[u8]) -> Option<usize> {
    // SAFETY: the pointer and the length are those of a slice that lives until the call returns; the
    // function only reads it, keeps nothing of it, and lets no exception out.
    let len = unsafe { ffi::overlay_lt_bdecode(input.as_ptr().cast(), input.len()) };
    (len > 0).then_some(len)
}

/// `bdecode`, then a walk through every value.
#[inline]
pub fn tally(input: &[u8]) -> Option<Tally> {
    let mut sums = Tally::default();
    // SAFETY: as in `bdecode`; and `Tally` has the layout of the shim's struct (`repr(C)`, the same
    // seven 64-bit fields in the same order), is initialised and not aliased.
    let decoded =
        unsafe { ffi::overlay_lt_tally(input.as_ptr().cast(), input.len(), &raw mut sums) };
    decoded.then_some(sums)
}

/// What [`load`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Loaded {
    /// How many files there are.
    pub files: u64,
    /// How many bytes their paths have together, if they were wanted.
    pub path_bytes: u64,
    /// The v1 info-hash.
    pub info_hash: [u8; 20],
}

/// A `torrent_info`, and the paths of all its files as text if they are wanted; all of it is dropped
/// again. `None` if it is no torrent.
#[inline]
pub fn load(torrent: &[u8], paths: bool) -> Option<Loaded> {
    let mut loaded = Loaded::default();
    // SAFETY: as in `bdecode`; and `Loaded` has the layout of the shim's struct (`repr(C)`, the same
    // fields in the same order), is initialised and not aliased.
    let valid = unsafe {
        ffi::overlay_lt_load(torrent.as_ptr().cast(), torrent.len(), paths, &raw mut loaded)
    };
    valid.then_some(loaded)
}

/// The SHA-1 of each chunk of so many bytes.
///
/// # Panics
/// If a chunk has no bytes, or there is no memory.
#[inline]
pub fn sha1(data: &[u8], chunk: usize) -> Vec<[u8; 20]> {
    let mut hashes = vec![[0; 20]; data.len().div_ceil(chunk)];
    // SAFETY: the data is only read; the shim writes 20 bytes for each chunk begun, and so many does
    // the vector have.
    let done = unsafe {
        ffi::overlay_lt_sha1(data.as_ptr().cast(), data.len(), chunk, hashes.as_mut_ptr().cast())
    };
    assert!(done, "hashing needs no memory");
    hashes
}

/// The SHA-256 of each chunk of so many bytes.
///
/// # Panics
/// If a chunk has no bytes, or there is no memory.
#[inline]
pub fn sha256(data: &[u8], chunk: usize) -> Vec<[u8; 32]> {
    let mut hashes = vec![[0; 32]; data.len().div_ceil(chunk)];
    // SAFETY: as in `sha1`, with 32 bytes.
    let done = unsafe {
        ffi::overlay_lt_sha256(data.as_ptr().cast(), data.len(), chunk, hashes.as_mut_ptr().cast())
    };
    assert!(done, "hashing needs no memory");
    hashes
}

/// An owned tree (`lt::entry`) for encoding, and the buffer it is encoded into again and again.
pub struct Tree(NonNull<ffi::RawTree>);

impl Tree {
    /// The tree of a message; `None` if it is none.
    #[inline]
    pub fn decode(input: &[u8]) -> Option<Self> {
        // SAFETY: as in `bdecode`; the tree copies what it needs of the input.
        let tree = unsafe { ffi::overlay_lt_tree_new(input.as_ptr().cast(), input.len()) };
        NonNull::new(tree).map(Self)
    }

    /// Encodes through `std::back_inserter` into a `std::vector<char>`, as libtorrent's documentation
    /// says. `None` if there is no memory.
    #[inline]
    pub fn encode(&mut self) -> Option<&[u8]> {
        let mut len = 0;
        // SAFETY: the tree is valid until `drop`; the exclusive borrow of `self` rules out another
        // call meanwhile.
        let data = unsafe { ffi::overlay_lt_encode(self.0.as_ptr(), &raw mut len) };
        // SAFETY: if not null, the bytes belong to the tree's buffer, which is not touched before the
        // next call, and that needs the exclusive borrow that the result extends.
        (!data.is_null()).then(|| unsafe { slice::from_raw_parts(data.cast(), len) })
    }

    /// For encoding through a bare `char*`, where libtorrent does not check the buffer's end: encodes
    /// once as [`Tree::encode`] does, so that the buffer is long enough. `None` if there is no memory.
    #[inline]
    pub fn encoder_unchecked(mut self) -> Option<UncheckedEncoder> {
        self.encode()?;
        Some(UncheckedEncoder(self))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `overlay_lt_tree_new`, and nothing uses it after this.
        unsafe { ffi::overlay_lt_tree_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").finish_non_exhaustive()
    }
}

/// A [`Tree`] whose buffer is known to be long enough.
#[derive(Debug)]
pub struct UncheckedEncoder(Tree);

impl UncheckedEncoder {
    /// Encodes over the last encoding. `None` if libtorrent threw.
    #[inline]
    pub fn encode(&mut self) -> Option<&[u8]> {
        let mut len = 0;
        let tree = self.0.0.as_ptr();
        // SAFETY: as in `Tree::encode`; and the buffer holds an encoding of this very tree, which
        // nothing can have changed since `Tree::encoder_unchecked` made it, so this one fits.
        let data = unsafe { ffi::overlay_lt_encode_unchecked(tree, &raw mut len) };
        // SAFETY: as in `Tree::encode`.
        (!data.is_null()).then(|| unsafe { slice::from_raw_parts(data.cast(), len) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"d4:infod6:lengthi-5e4:name5:helloe4:spaml1:a0:ee";

    #[test]
    fn counts_and_encodes() {
        assert_eq!(bdecode(MESSAGE), Some(MESSAGE.len()));
        let tally = tally(MESSAGE).unwrap();
        assert_eq!((tally.dicts, tally.lists, tally.integers), (2, 1, 1));
        assert_eq!((tally.strings, tally.string_bytes), (7, 4 + 6 + 4 + 5 + 4 + 1));
        assert_eq!(tally.integer_sum, 5u64.wrapping_neg());
        let mut tree = Tree::decode(MESSAGE).unwrap();
        assert_eq!(tree.encode(), Some(MESSAGE));
        let mut unchecked = tree.encoder_unchecked().unwrap();
        assert_eq!(unchecked.encode(), Some(MESSAGE));
    }

    #[test]
    fn no_message() {
        assert_eq!(bdecode(b"d4:info"), None);
        assert_eq!(tally(b""), None);
        assert!(Tree::decode(b"i5").is_none());
    }
}
