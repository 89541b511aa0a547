//! From a key to its owner, without searching all nodes.

use alloc::vec::Vec;

use super::prefetch::prefetch;
use crate::Id;

/// Where in the sorted identifiers those with given first bits begin: about as many slices of the ring
/// as there are nodes. So if identifiers are spread evenly, as hashes are, a slice has one node on
/// average, and a key's owner is found in constant time; if not, by binary search in a slice.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// How far a prefix is shifted to get its slice.
    shift: u32,
    /// The first node of each slice, and at the end how many nodes there are.
    starts: Vec<u32>,
}

impl Directory {
    /// Of these identifiers, sorted and fewer than 2^32.
    pub(super) fn build<I: Id>(ids: &[I]) -> Self {
        let bits = ids.len().next_power_of_two().ilog2().max(1);
        let shift = u64::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (node, id) in ids.iter().enumerate() {
            let slice = (id.prefix() >> shift) as usize;
            while starts.len() <= slice {
                starts.push(node as u32);
            }
        }
        starts.resize((1 << bits) + 1, ids.len() as u32);
        Self { shift, starts }
    }

    /// The first node at `key` or after it, and 0 if that is past the last one.
    #[inline(always)]
    pub(super) fn owner<I: Id>(&self, ids: &[I], key: I) -> usize {
        let slice = self.slice(key);
        let (start, end) = (self.starts[slice] as usize, self.starts[slice + 1] as usize);
        let at = start + ids[start..end].partition_point(|id| *id < key);
        if at == ids.len() { 0 } else { at }
    }

    /// Asks for what [`first`](Self::prefetch_ids) will read.
    #[inline(always)]
    pub(super) fn prefetch<I: Id>(&self, key: I) {
        prefetch(&self.starts, self.slice(key));
    }

    /// Asks for the identifiers that [`owner`](Self::owner) will read.
    #[inline(always)]
    pub(super) fn prefetch_ids<I: Id>(&self, ids: &[I], key: I) {
        prefetch(ids, self.starts[self.slice(key)] as usize);
    }

    fn slice<I: Id>(&self, key: I) -> usize {
        (key.prefix() >> self.shift) as usize
    }
}
