//! Whole messages, many at once.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::algorithm::{Algorithm, Sha1, Sha256};
use super::backend::Backend;
use super::schedule::{Work, run};

/// What a leaf of a v2 torrent's merkle trees is the hash of, in bytes: 16 KiB, or what is left at
/// the end of a file (BEP 52).
pub const LEAF_LENGTH: usize = 16 << 10;

/// The SHA-1 of each piece, in the same order. They may have different lengths.
///
/// ```
/// use torrent_meta::{Backend, InfoHash, hash_pieces};
///
/// let hashes = hash_pieces(Backend::best(), &[b"first", b"second piece"]);
/// assert_eq!(hashes, [InfoHash::of(b"first").0, InfoHash::of(b"second piece").0]);
/// ```
pub fn hash_pieces(backend: Backend, pieces: &[&[u8]]) -> Vec<[u8; 20]> {
    hash_many::<Sha1>(backend, pieces)
}

/// The SHA-256 of each 16 KiB of a file, the last of which may be shorter: the leaves of its merkle
/// tree without those that fill it up (BEP 52). None for an empty file.
///
/// ```
/// use torrent_meta::{Backend, LEAF_LENGTH, hash_leaves};
///
/// assert_eq!(hash_leaves(Backend::best(), &[7; 2 * LEAF_LENGTH + 1]).len(), 3);
/// ```
pub fn hash_leaves(backend: Backend, file: &[u8]) -> Vec<[u8; 32]> {
    hash_chunks::<Sha256>(backend, file, LEAF_LENGTH)
}

/// The hash of each `length` bytes of the data, the last of which may be fewer. None for no data.
///
/// A layer of a merkle tree from the one below:
///
/// ```
/// use torrent_meta::{Backend, Sha256, hash_chunks};
///
/// let layer: [[u8; 32]; 4] = [[1; 32], [2; 32], [3; 32], [4; 32]];
/// assert_eq!(hash_chunks::<Sha256>(Backend::best(), layer.as_flattened(), 64).len(), 2);
/// ```
///
/// # Panics
/// If `length` is zero.
pub fn hash_chunks<A: Algorithm>(backend: Backend, data: &[u8], length: usize) -> Vec<A::Digest> {
    hash_in_order::<A>(backend, data.chunks(length).enumerate())
}

/// The hash of each message, in the same order.
pub fn hash_many<A: Algorithm>(backend: Backend, messages: &[&[u8]]) -> Vec<A::Digest> {
    let messages = messages.iter().copied().enumerate();
    if messages.clone().is_sorted_by_key(|(_, message)| Reverse(message.len())) {
        return hash_in_order::<A>(backend, messages);
    }
    // A long message at the end would run in a lane alone.
    let mut longest_first: Vec<_> = messages.collect();
    longest_first.sort_by_key(|(_, message)| Reverse(message.len()));
    hash_in_order::<A>(backend, longest_first.into_iter())
}

/// The hash of each message, at its index.
fn hash_in_order<'a, A: Algorithm>(
    backend: Backend,
    messages: impl ExactSizeIterator<Item = (usize, &'a [u8])>,
) -> Vec<A::Digest> {
    let mut digests = alloc::vec![A::Digest::default(); messages.len()];
    let work = messages.map(|(index, message)| (index, A::START, Work::whole(message)));
    run::<A, _>(backend, work, |index: usize, state| digests[index] = A::digest(state));
    digests
}
