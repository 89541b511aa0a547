//! What each piece has to be.

use alloc::vec::Vec;

use thiserror::Error;

use super::blocks::KnownLeaves;
use crate::batch::{PieceBatch, PieceHashes};
use crate::hash::{Backend, LEAF_LENGTH};
use crate::info::Info;
use crate::merkle::{MerkleHash, merkle_layer, merkle_root};
use crate::metainfo::Metainfo;
use crate::piece::PieceHash;
use crate::span::ContentLayout;

/// The hashes that the pieces of a torrent have to have, of v1, of v2, or of both, and where their
/// bytes are.
///
/// With a [`PieceBatch`] it verifies what is on a disk, many pieces at once; a
/// [`Verifier`](crate::Verifier) needs one too.
///
/// ```
/// use torrent_meta::{Backend, Creator, PieceChecker, PieceLength, PieceMap, PieceState};
///
/// let mut creation =
///     Creator::single_file("greeting", 11).piece_length(PieceLength::new(4)?).start()?;
/// creation.update(b"hello world")?;
/// let metainfo = creation.finish()?;
///
/// let found = b"hello_world";
/// let checker = PieceChecker::of(&metainfo)?;
/// let mut map = PieceMap::new(checker.pieces());
/// let mut batch = checker.batch::<16>(Backend::best());
/// for piece in 0..3 {
///     batch.start(piece, checker.layout().spans(piece as u64));
/// }
/// // All at once; what is longer is read and handed over in steps.
/// batch.advance(std::array::from_fn(|lane| {
///     let span = batch.wanted(lane, 4).next();
///     span.map_or(&[][..], |span| &found[span.offset as usize..][..span.length as usize])
/// }));
/// for piece in 0..3 {
///     let verdict = checker.check(Backend::best(), piece, &batch.finish(piece as usize));
///     map.set(piece, verdict.map_or(PieceState::Missing, PieceState::from));
/// }
/// assert_eq!(map.bad_pieces().collect::<Vec<_>>(), [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PieceChecker {
    layout: ContentLayout,
    v1: Option<Vec<PieceHash>>,
    v2: Option<Trees>,
}

/// The merkle trees of v2, as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Trees {
    /// The node over each piece.
    pub(super) pieces: Vec<MerkleHash>,
    /// The root of each file, zeros for one that has none.
    pub(super) roots: Vec<MerkleHash>,
    /// The layer that has a node for each piece, in files of more than one.
    pub(super) layer: u32,
    pub(super) known: KnownLeaves,
}

/// What a whole piece turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Its hash is right; in a hybrid torrent, both are.
    Good,
    /// Its hash is wrong; in a hybrid torrent, both are.
    Bad,
    /// One hash is right and the other is wrong: no content can be right, and the hybrid torrent is
    /// broken, or made to show different content to v1 and v2.
    Conflict {
        /// Whether v1 is right.
        v1: bool,
    },
}

/// Why a torrent can not be checked. Only v2 and hybrid torrents are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckerError {
    /// A file has more than one piece, and no piece layer says what they have to be.
    #[error("there is no piece layer for file {file}, which has more than one piece")]
    MissingLayer {
        /// The file, from zero.
        file: usize,
    },
    /// A piece layer does not have a hash for each piece, or its root is not the file's.
    #[error("the piece layer of file {file} does not lead to its root")]
    WrongLayer {
        /// The file, from zero.
        file: usize,
    },
}

impl PieceChecker {
    /// The hashes of a torrent: all that its version has.
    ///
    /// # Errors
    /// A piece layer is missing, which lenient parsing lets through.
    pub fn of(metainfo: &Metainfo<'_>) -> Result<Self, CheckerError> {
        Self::with_layers(metainfo.info(), |root| metainfo.piece_layer(root))
    }

    /// The hashes that an info dictionary has on its own: all for v1, and for v2 if no file has more
    /// than one piece.
    ///
    /// # Errors
    /// A file of v2 has more than one piece.
    pub fn of_info(info: &Info<'_>) -> Result<Self, CheckerError> {
        Self::with_layers(info, |_| None)
    }

    /// The hashes of an info dictionary, and piece layers that may come from anyone: they are checked.
    /// `layer` is asked for that of each file of v2 that has more than one piece, by the file's root.
    ///
    /// # Errors
    /// A layer is missing, or is not that of the file.
    pub fn with_layers<'h>(
        info: &Info<'_>,
        layer: impl Fn(MerkleHash) -> Option<&'h [MerkleHash]>,
    ) -> Result<Self, CheckerError> {
        let version = info.version();
        let v1 = version.has_v1().then(|| info.pieces().to_vec());
        let v2 = if version.has_v2() { Some(Trees::read(info, layer)?) } else { None };
        Ok(Self { layout: ContentLayout::of(info), v1, v2 })
    }

    /// Where the bytes of each piece are.
    pub fn layout(&self) -> &ContentLayout {
        &self.layout
    }

    /// How many pieces there are.
    pub fn pieces(&self) -> usize {
        let v1 = self.v1.as_ref().map(Vec::len);
        v1.or_else(|| self.v2.as_ref().map(|v2| v2.pieces.len())).unwrap_or(0)
    }

    /// Whether pieces have v1 hashes.
    pub fn has_v1(&self) -> bool {
        self.v1.is_some()
    }

    /// Whether pieces have v2 hashes.
    pub fn has_v2(&self) -> bool {
        self.v2.is_some()
    }

    /// A batch that computes the hashes this needs.
    pub fn batch<'l, const N: usize>(&self, backend: Backend) -> PieceBatch<'l, N> {
        match (self.has_v1(), self.has_v2()) {
            (true, true) => PieceBatch::hybrid(backend),
            (_, false) => PieceBatch::v1(backend),
            _ => PieceBatch::v2(backend),
        }
    }

    /// What a piece with these hashes is. `None` if there is no such piece, or a hash that is needed
    /// is not among them.
    ///
    /// For v2 this hashes 64 bytes for every 16 KiB of the piece.
    pub fn check(&self, backend: Backend, piece: u32, hashes: &PieceHashes) -> Option<Verdict> {
        let index = piece as usize;
        let v1 = match &self.v1 {
            Some(expected) => Some(*expected.get(index)? == hashes.v1?),
            None => None,
        };
        let v2 = match &self.v2 {
            Some(_) => Some(self.is_good_tree(backend, piece, &hashes.leaves)?),
            None => None,
        };
        match (v1, v2) {
            (Some(v1), Some(v2)) if v1 != v2 => Some(Verdict::Conflict { v1 }),
            _ => Some(if v1.or(v2)? { Verdict::Good } else { Verdict::Bad }),
        }
    }

    /// What is known of the merkle trees.
    pub(super) fn trees(&self) -> Option<&Trees> {
        self.v2.as_ref()
    }

    pub(super) fn trees_mut(&mut self) -> Option<&mut Trees> {
        self.v2.as_mut()
    }

    /// Whether a file has its root in the place of a piece's node, as it fits into one piece.
    pub(super) fn is_one_piece(&self, file: usize) -> bool {
        let length = self.layout.file(file).map_or(0, |(length, _)| length);
        length <= u64::from(self.layout.piece_length().get())
    }

    /// Whether these are the leaves of a piece. `None` if there is no such piece, or it has another
    /// number of leaves.
    pub(super) fn is_good_tree(
        &self,
        backend: Backend,
        piece: u32,
        leaves: &[MerkleHash],
    ) -> Option<bool> {
        let trees = self.v2.as_ref()?;
        let stored = self.layout.spans(piece.into()).next()?;
        if stored.length.div_ceil(LEAF_LENGTH as u64) != leaves.len() as u64 {
            return None;
        }
        let found = if self.is_one_piece(stored.file) {
            merkle_root(backend, leaves, 0)
        } else {
            *merkle_layer(backend, leaves, trees.layer).first()?
        };
        Some(*trees.pieces.get(piece as usize)? == found)
    }
}

impl Trees {
    fn read<'h>(
        info: &Info<'_>,
        layer_of: impl Fn(MerkleHash) -> Option<&'h [MerkleHash]>,
    ) -> Result<Self, CheckerError> {
        let piece_length = info.piece_length();
        // The piece length of a v2 torrent was checked.
        let layer = piece_length.merkle_layer().unwrap_or(0);
        let (mut pieces, mut roots) = (Vec::new(), Vec::with_capacity(info.file_count()));
        for file in info.files() {
            let root = file.pieces_root();
            roots.push(root.unwrap_or_default());
            let (Some(root), index) = (root, file.index()) else { continue };
            if file.length() <= piece_length.get().into() {
                pieces.push(root);
                continue;
            }
            let nodes = layer_of(root).ok_or(CheckerError::MissingLayer { file: index })?;
            if nodes.len() as u64 != piece_length.pieces(file.length())
                || merkle_root(Backend::best(), nodes, layer) != root
            {
                return Err(CheckerError::WrongLayer { file: index });
            }
            pieces.extend(nodes);
        }
        Ok(Self { pieces, roots, layer, known: KnownLeaves::new() })
    }
}
