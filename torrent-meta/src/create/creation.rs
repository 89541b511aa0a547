//! Content hashed in order.

use alloc::vec::Vec;

use super::CreateError;
use super::content::{Entry, joined};
use super::encode::Hashes;
use super::plan::Plan;
use crate::hash::{Backend, Cut, LEAF_LENGTH, Sha256};
use crate::merkle::MerkleHash;
use crate::metainfo::Metainfo;
use crate::piece::PieceHasher;

/// A torrent whose content is being hashed, one byte after the other.
///
/// Slices of several pieces, or of many leaves in v2, are hashed side by side; so are pieces of up to
/// 256 KiB, whatever the slices, which wait in a buffer of half a MiB for that. Where bytes can be read
/// in any order, a [`Plan`] is faster.
#[derive(Clone, Debug)]
pub struct Creation {
    plan: Plan,
    pieces: Option<PieceHasher>,
    trees: Option<TreeHasher>,
    /// Whether there is padding between files.
    padded: bool,
    /// How many bytes of files came.
    position: u64,
    /// The file whose bytes come next, among the content's entries, and how many bytes it still has.
    entry: usize,
    left: u64,
}

/// Hashes the leaves of files, and keeps a node for each piece.
#[derive(Clone, Debug)]
struct TreeHasher {
    leaves: Cut<Sha256>,
    nodes: Vec<MerkleHash>,
}

impl Creation {
    pub(super) fn new(plan: Plan) -> Result<Self, CreateError> {
        let (creator, content) = (&plan.creator, &plan.content);
        let files = content.entries.iter().filter_map(|entry| match entry {
            Entry::File(index) => Some(*index),
            Entry::Padding(_) => None,
        });
        // Where bytes come by position, another order than that of the description is a mistake.
        if let Some((index, sorted)) = files.enumerate().find(|(index, sorted)| index != sorted) {
            let path = |index: usize| joined(&creator.files[index].path);
            return Err(CreateError::Unsorted { path: path(sorted), before: path(index) });
        }
        let mut creation = Self {
            pieces: creator.version.has_v1().then(|| PieceHasher::new(content.piece_length)),
            trees: creator.version.has_v2().then(TreeHasher::new),
            padded: content.entries.iter().any(|entry| matches!(entry, Entry::Padding(_))),
            position: 0,
            entry: 0,
            left: content.layout.file(0).map_or(0, |(length, _)| length),
            plan,
        };
        creation.end_files();
        Ok(creation)
    }

    /// The next bytes of the content: the files in order, one after the other, without padding.
    ///
    /// # Errors
    /// There are more than the files' lengths said; none of these is taken.
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), CreateError> {
        let expected = self.total_length();
        if bytes.len() as u64 > expected - self.position {
            return Err(CreateError::TooMuchContent { expected });
        }
        self.position += bytes.len() as u64;
        // Only padding and trees have to know where files end.
        if let (Some(pieces), None, false) = (&mut self.pieces, &self.trees, self.padded) {
            pieces.update(bytes);
            return Ok(());
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(self.left.min(bytes.len() as u64) as usize);
            if let Some(pieces) = &mut self.pieces {
                pieces.update(now);
            }
            if let Some(trees) = &mut self.trees {
                trees.leaves.update(now);
                trees.reduce(&self.plan);
            }
            bytes = later;
            self.left -= now.len() as u64;
            self.end_files();
        }
        Ok(())
    }

    /// Goes on to the next file that has bytes, if this one has no more.
    fn end_files(&mut self) {
        while self.left == 0 && self.entry < self.plan.content.entries.len() {
            self.entry += 1;
            if let Some(trees) = &mut self.trees {
                trees.leaves.end();
            }
            match self.plan.content.entries.get(self.entry) {
                Some(Entry::Padding(length)) => {
                    if let Some(pieces) = &mut self.pieces {
                        pieces.update_zeros(*length);
                    }
                }
                Some(Entry::File(_)) => {
                    let file = self.plan.content.layout.file(self.entry);
                    self.left = file.map_or(0, |(length, _)| length);
                }
                None => {}
            }
        }
    }

    /// How many bytes of files came.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes of files there will be.
    pub fn total_length(&self) -> u64 {
        self.plan.total_length()
    }

    /// The torrent.
    ///
    /// # Errors
    /// Content is missing, or the torrent would be beyond the default
    /// [`Limits`](overlay_bencode::Limits) of the parser.
    pub fn finish(self) -> Result<Metainfo<'static>, CreateError> {
        let (expected, found) = (self.total_length(), self.position);
        if found < expected {
            return Err(CreateError::ContentMissing { expected, found });
        }
        let pieces = self.pieces.map(PieceHasher::finish).unwrap_or_default();
        let nodes = self.trees.map(|trees| trees.finish(&self.plan)).unwrap_or_default();
        self.plan.write(&Hashes { pieces, nodes })
    }
}

impl TreeHasher {
    fn new() -> Self {
        Self { leaves: Cut::new(Backend::best(), LEAF_LENGTH), nodes: Vec::new() }
    }

    /// Leaves of whole pieces become one node.
    fn reduce(&mut self, plan: &Plan) {
        loop {
            let piece = self.nodes.len() as u64;
            // Zero behind the last piece.
            let count = plan.content.leaves(piece);
            if count == 0 || count > self.leaves.done().len() as u64 {
                return;
            }
            let leaves: Vec<_> = self.leaves.take(count as usize).collect();
            self.nodes.push(plan.content.node(piece, &leaves));
        }
    }

    fn finish(mut self, plan: &Plan) -> Vec<MerkleHash> {
        self.leaves.flush();
        self.reduce(plan);
        self.nodes
    }
}
