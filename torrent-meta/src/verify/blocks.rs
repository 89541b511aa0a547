//! Which 16 KiB of a bad piece are bad (v2).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use thiserror::Error;

use super::checker::{PieceChecker, Verdict};
use crate::hash::{Backend, LEAF_LENGTH};
use crate::merkle::{HashRange, MerkleHash};

/// Leaves that were proven, by piece and by place in the piece.
pub type KnownLeaves = BTreeMap<(u32, u32), MerkleHash>;

/// Why hashes of a merkle tree were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LeafError {
    /// There is no such file, or it has no merkle tree: it is empty, padding, or the torrent is v1.
    #[error("file {file} has no merkle tree")]
    NoTree {
        /// The file, from zero.
        file: usize,
    },
    /// The range can not be, or has another number of hashes.
    #[error("{found} hashes are not what such a range has")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// They lead up to a node that is neither the file's root nor over one of its pieces, so nothing
    /// is known of it.
    #[error("the hashes lead to node {index} of layer {layer}, of which nothing is known")]
    UnknownNode {
        /// Its layer, counted from the leaves.
        layer: u32,
        /// Its place in the layer.
        index: u32,
    },
    /// They are wrong: what they lead up to is another hash than the one known.
    #[error("the hashes are not those of the file")]
    Wrong,
}

impl PieceChecker {
    /// Takes hashes of a file's tree from anyone, as in a `hashes` message (BEP 52), and keeps the
    /// leaves among them once they are proven: by the file's root, or by the node over a piece. Then
    /// [`check_blocks`](Self::check_blocks) knows these blocks.
    ///
    /// A whole piece's leaves need no other proof: `base_layer` 0, `length` that of the piece in
    /// blocks, `proof_layers` 0. About 100 bytes are kept for each leaf.
    ///
    /// # Errors
    /// See [`LeafError`]; nothing was taken.
    pub fn add_leaves(
        &mut self,
        backend: Backend,
        file: usize,
        range: HashRange,
        hashes: &[MerkleHash],
    ) -> Result<(), LeafError> {
        let wrong_count = LeafError::Count { found: hashes.len() };
        let pieces = self.layout().pieces_of(file);
        let leaves = match self.layout().file(file) {
            Some((length @ 1.., false)) => length.div_ceil(LEAF_LENGTH as u64),
            _ => return Err(LeafError::NoTree { file }),
        };
        let is_one_piece = self.is_one_piece(file);
        let trees = self.trees_mut().ok_or(LeafError::NoTree { file })?;
        let ancestor = range.ancestor_hash(backend, hashes).ok_or(wrong_count)?;
        let (layer, index) = range.ancestor().ok_or(wrong_count)?;

        let height = leaves.next_power_of_two().ilog2();
        let piece = pieces.start + u64::from(index);
        let expected = if (layer, index) == (height, 0) {
            trees.roots.get(file)
        } else if layer == trees.layer && !is_one_piece && piece < pieces.end {
            trees.pieces.get(piece as usize)
        } else {
            None
        };
        let expected = expected.ok_or(LeafError::UnknownNode { layer, index })?;
        if *expected != ancestor {
            return Err(LeafError::Wrong);
        }

        if range.base_layer == 0 {
            let places = u64::from(range.index)..leaves;
            for (leaf, hash) in places.zip(hashes).take(range.length as usize) {
                // A piece's number fits: there is a node in memory for each.
                let piece = (pieces.start + (leaf >> trees.layer)) as u32;
                let within = leaf & ((1 << trees.layer) - 1);
                trees.known.insert((piece, within as u32), *hash);
            }
        }
        Ok(())
    }

    /// What each 16 KiB of a piece is, by the leaves that were found in it: good or bad, or `None`
    /// where it is not known what the leaf has to be. `None` for all if there is no such piece, it has
    /// another number of leaves, or there are no v2 hashes.
    ///
    /// Known are all blocks of a good piece, those whose leaves [`add_leaves`](Self::add_leaves) took,
    /// and the only one left in a bad piece whose other blocks are good.
    pub fn check_blocks(
        &self,
        backend: Backend,
        piece: u32,
        leaves: &[MerkleHash],
    ) -> Option<Vec<Option<Verdict>>> {
        let trees = self.trees()?;
        let of = |good: bool| if good { Verdict::Good } else { Verdict::Bad };
        if self.is_good_tree(backend, piece, leaves)? {
            return Some(alloc::vec![Some(Verdict::Good); leaves.len()]);
        }
        let known = |block: usize| trees.known.get(&(piece, block as u32));
        let mut blocks: Vec<Option<Verdict>> = leaves
            .iter()
            .enumerate()
            .map(|(block, found)| known(block).map(|leaf| of(leaf == found)))
            .collect();
        let mut not_good = blocks.iter_mut().filter(|block| **block != Some(Verdict::Good));
        if let (Some(only), None) = (not_good.next(), not_good.next()) {
            *only = Some(Verdict::Bad);
        }
        Some(blocks)
    }
}
