//! Content hashed in batches of pieces, in any order.

use alloc::vec;
use alloc::vec::Vec;
use core::array;
use core::ops::Range;

use super::content::{Content, Entry};
use super::encode::{self, Hashes};
use super::{CreateError, Creator};
use crate::batch::PieceBatch;
use crate::hash::{Backend, LEAF_LENGTH};
use crate::merkle::MerkleHash;
use crate::metainfo::Metainfo;
use crate::piece::{PieceHash, PieceLength};
use crate::span::Span;
use crate::version::Version;

/// How many pieces are in a batch at most: the lanes of the widest backend.
const LANES: usize = 16;
/// How much of them is read at a time, all together.
const BUFFER: usize = 512 << 10;
/// Leaves of one piece can fill all lanes, so a batch of v2 alone need not have more bytes than this.
const V2_BATCH: usize = 16 << 20;

/// A torrent whose content is hashed in batches: by many threads, in any order.
///
/// A [`Batch`] is up to 16 pieces, which are hashed side by side from one read. Nothing is read here:
/// a closure fills slices with bytes of a file.
///
/// ```
/// use std::thread;
/// use torrent_meta::{Creator, PieceLength, Version};
///
/// let files = [vec![1u8; 500_000], vec![2u8; 300_000]]; // or opened files
/// let plan = Creator::directory("files")
///     .version(Version::Hybrid)
///     .file(["a"], 500_000)
///     .file(["b"], 300_000)
///     .piece_length(PieceLength::new(16 << 10)?)
///     .plan()?;
///
/// let read = |file: usize, offset: u64, bytes: &mut [u8]| -> std::io::Result<()> {
///     // With files: `files[file].read_exact_at(bytes, offset)`.
///     bytes.copy_from_slice(&files[file][offset as usize..][..bytes.len()]);
///     Ok(())
/// };
/// let hash = |every: usize, first: usize| -> std::io::Result<Vec<_>> {
///     plan.batches().skip(first).step_by(every).map(|batch| batch.hash(&read)).collect()
/// };
/// let (even, odd) = thread::scope(|scope| {
///     let odd = scope.spawn(|| hash(2, 1));
///     (hash(2, 0), odd.join().expect("no panic"))
/// });
/// let metainfo = plan.finish(even?.into_iter().chain(odd?))?;
/// assert_eq!(metainfo.info().piece_length(), plan.piece_length());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) creator: Creator,
    pub(super) content: Content,
    batches: usize,
}

impl Plan {
    pub(super) fn new(creator: Creator, content: Content) -> Self {
        let pieces = content.layout.pieces();
        let in_batch = match creator.version {
            Version::V2 => {
                (V2_BATCH as u64 / u64::from(content.piece_length.get())).clamp(1, LANES as u64)
            }
            Version::V1 | Version::Hybrid => LANES as u64,
        };
        // Hashes of so many would not fit into memory anyway.
        let batches = usize::try_from(pieces.div_ceil(in_batch)).unwrap_or(usize::MAX);
        Self { creator, content, batches }
    }

    /// How many bytes will be read, all files together.
    pub fn total_length(&self) -> u64 {
        self.content.total
    }

    /// The piece length, given or chosen.
    pub fn piece_length(&self) -> PieceLength {
        self.content.piece_length
    }

    /// How many batches there are; none if all files are empty.
    pub fn batch_count(&self) -> usize {
        self.batches
    }

    /// A batch, so that threads can take turns by a counter; `None` if there is no such batch.
    pub fn batch(&self, index: usize) -> Option<Batch<'_>> {
        (index < self.batches).then_some(Batch { plan: self, index })
    }

    /// All batches.
    pub fn batches(
        &self,
    ) -> impl DoubleEndedIterator<Item = Batch<'_>> + ExactSizeIterator + Clone {
        (0..self.batches).map(|index| Batch { plan: self, index })
    }

    /// The torrent, from the hashes of all batches in any order.
    ///
    /// # Errors
    /// Hashes of a batch are missing, or of another plan; or the torrent would be beyond the default
    /// [`Limits`](overlay_bencode::Limits) of the parser.
    pub fn finish(
        &self,
        hashes: impl IntoIterator<Item = BatchHashes>,
    ) -> Result<Metainfo<'static>, CreateError> {
        let mut batches: Vec<BatchHashes> = hashes.into_iter().collect();
        batches.sort_by_key(|batch| batch.index);
        batches.dedup_by_key(|batch| batch.index);
        let missing = |batch| CreateError::BatchMissing { batch, batches: self.batches };
        let mut hashes = Hashes::default();
        let mut next = 0;
        for BatchHashes { index, pieces, nodes } in batches {
            let expected = self.batch(index).map(|batch| batch.hash_counts());
            if expected != Some((pieces.len(), nodes.len())) {
                return Err(CreateError::WrongBatch { batch: index });
            }
            if index != next {
                return Err(missing(next));
            }
            hashes.pieces.extend(pieces);
            hashes.nodes.extend(nodes);
            next += 1;
        }
        if next < self.batches { Err(missing(next)) } else { self.write(&hashes) }
    }

    pub(super) fn write(&self, hashes: &Hashes) -> Result<Metainfo<'static>, CreateError> {
        encode::torrent(&self.creator, &self.content, hashes)
    }
}

/// Some of the pieces of a [`Plan`]: what one thread hashes at a time.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'p> {
    plan: &'p Plan,
    index: usize,
}

/// The hashes of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHashes {
    index: usize,
    pieces: Vec<PieceHash>,
    nodes: Vec<MerkleHash>,
}

impl Batch<'_> {
    /// Its place among the plan's batches, from zero.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many bytes it will read.
    pub fn bytes(&self) -> u64 {
        self.pieces()
            .flat_map(|piece| self.plan.content.layout.spans(piece))
            .filter_map(|span| (!span.padding).then_some(span.length))
            .sum()
    }

    /// Reads and hashes it. `read` is asked for bytes of a file: by the place it was added at, counted
    /// from zero, and by their offset in it. It has to fill the slice. Each byte is asked for once, in
    /// parts of some 32 KiB from all pieces in turn; several small files can be parts of one piece.
    ///
    /// Half a MiB is allocated, and the leaves of the pieces in v2: 1/512 of their bytes.
    ///
    /// # Errors
    /// What `read` returns.
    pub fn hash<E>(
        &self,
        mut read: impl FnMut(usize, u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<BatchHashes, E> {
        let Content { entries, layout, .. } = &self.plan.content;
        let backend = Backend::best();
        let mut batch: PieceBatch<'_, LANES> = match self.plan.creator.version {
            Version::V1 => PieceBatch::v1(backend),
            Version::V2 => PieceBatch::v2(backend),
            Version::Hybrid => PieceBatch::hybrid(backend),
        };
        let pieces = self.pieces();
        pieces.clone().zip(0..).for_each(|(piece, lane)| batch.start(lane, layout.spans(piece)));

        // There are sixteen at most.
        let busy = pieces.clone().count();
        let step = (BUFFER / busy.max(1)) / LEAF_LENGTH * LEAF_LENGTH;
        let step = step.min(self.plan.piece_length().get() as usize);
        let mut buffer = vec![0; busy * step];
        while (0..busy).any(|lane| batch.left(lane) > 0) {
            let mut lengths = [0; LANES];
            for (lane, chunk) in buffer.chunks_mut(step).enumerate() {
                for Span { file, offset, length, .. } in batch.wanted(lane, step) {
                    let filled = lengths[lane];
                    // No more than a step.
                    lengths[lane] += length as usize;
                    let bytes = &mut chunk[filled..lengths[lane]];
                    match entries[file] {
                        Entry::File(index) => read(index, offset, bytes)?,
                        Entry::Padding(_) => bytes.fill(0),
                    }
                }
            }
            batch.advance(array::from_fn(|lane| {
                let start = (lane * step).min(buffer.len());
                &buffer[start..start + lengths[lane]]
            }));
        }

        let mut hashes = BatchHashes { index: self.index, pieces: Vec::new(), nodes: Vec::new() };
        for (piece, lane) in pieces.zip(0..) {
            let done = batch.finish(lane);
            hashes.pieces.extend(done.v1);
            if self.plan.creator.version.has_v2() {
                hashes.nodes.push(self.plan.content.node(piece, &done.leaves));
            }
        }
        Ok(hashes)
    }

    /// The batches are equally long, so that the last one does not have just a few pieces.
    fn pieces(&self) -> Range<u64> {
        let total = u128::from(self.plan.content.layout.pieces());
        let start = |batch: usize| (total * batch as u128 / self.plan.batches as u128) as u64;
        start(self.index)..start(self.index + 1)
    }

    /// How many of each kind there will be.
    fn hash_counts(&self) -> (usize, usize) {
        let pieces = self.pieces().count();
        match self.plan.creator.version {
            Version::V1 => (pieces, 0),
            Version::V2 => (0, pieces),
            Version::Hybrid => (pieces, pieces),
        }
    }
}
