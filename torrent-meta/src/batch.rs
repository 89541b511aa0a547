//! Pieces hashed side by side, in any order, as their bytes are read.

use alloc::vec::Vec;
use core::{array, fmt, mem};

use crate::hash::{Backend, LEAF_LENGTH, Lanes, Sha1, Sha256, hash_many};
use crate::piece::PieceHash;
use crate::span::Spans;

/// Hashes up to `N` pieces side by side, each in a lane of its own, from slices of any size: what
/// creates or verifies a torrent of content on a disk.
///
/// Nothing is read here. [`start`](Self::start) gives a lane its piece, [`wanted`](Self::wanted) says
/// what it needs next, [`advance`](Self::advance) takes it for all lanes, and [`finish`](Self::finish)
/// gives the hashes. Pieces come in any order, so several threads can each have a batch and share out
/// the pieces. 16 lanes and 32 KiB for each at a time keep the widest [`Backend`] busy with what fits
/// into a second-level cache.
///
/// ```
/// use torrent_meta::{Backend, ContentLayout, PieceBatch, PieceLength};
///
/// let content = b"hello world";
/// let mut layout = ContentLayout::new(PieceLength::new(4)?);
/// layout.push_file(content.len() as u64);
///
/// let mut batch: PieceBatch<'_, 3> = PieceBatch::v1(Backend::best());
/// let mut hashes = Vec::new();
/// for lane in 0..3 {
///     batch.start(lane, layout.spans(lane as u64));
/// }
/// while (0..3).any(|lane| batch.left(lane) > 0) {
///     let chunks = std::array::from_fn(|lane| {
///         // Of one file; several files' bytes would have to be put behind each other.
///         let span = batch.wanted(lane, 2).next();
///         span.map_or(&[][..], |span| &content[span.offset as usize..][..span.length as usize])
///     });
///     batch.advance(chunks);
/// }
/// for lane in 0..3 {
///     hashes.extend(batch.finish(lane).v1);
/// }
/// assert_eq!(hashes, torrent_meta::hash_pieces(Backend::best(), &[b"hell", b"o wo", b"rld"]));
/// # Ok::<(), torrent_meta::InvalidPieceLength>(())
/// ```
pub struct PieceBatch<'l, const N: usize = 16> {
    spans: [Spans<'l>; N],
    /// How much of each lane's piece comes before any padding: what its leaves are of.
    before_padding: [u64; N],
    pieces: Option<Lanes<Sha1, N>>,
    leaves: Option<LeafLanes<N>>,
}

/// The hashes of a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PieceHashes {
    /// SHA-1 of all of it, padding included; none in a batch for v2.
    pub v1: Option<PieceHash>,
    /// SHA-256 of each 16 KiB of it, the last of which may be shorter, up to the padding that may be
    /// at its end; none in a batch for v1.
    pub leaves: Vec<[u8; 32]>,
}

impl<'l, const N: usize> PieceBatch<'l, N> {
    /// A batch that hashes pieces as v1 does.
    pub fn v1(backend: Backend) -> Self {
        Self::new(Some(Lanes::new(backend)), None)
    }

    /// A batch that hashes the leaves of pieces, as v2 does.
    pub fn v2(backend: Backend) -> Self {
        Self::new(None, Some(LeafLanes::new(backend)))
    }

    /// A batch that does both with the same bytes.
    pub fn hybrid(backend: Backend) -> Self {
        Self::new(Some(Lanes::new(backend)), Some(LeafLanes::new(backend)))
    }

    fn new(pieces: Option<Lanes<Sha1, N>>, leaves: Option<LeafLanes<N>>) -> Self {
        Self { spans: [const { Spans::NONE }; N], before_padding: [0; N], pieces, leaves }
    }

    /// Gives a lane a piece, by its [`ContentLayout::spans`](crate::ContentLayout::spans). What the lane had before is forgotten.
    ///
    /// # Panics
    /// If there is no such lane: `lane` is not less than `N`.
    pub fn start(&mut self, lane: usize, spans: Spans<'l>) {
        self.finish(lane);
        let stored = spans.clone().take_while(|span| !span.padding);
        self.before_padding[lane] = stored.map(|span| span.length).sum();
        self.spans[lane] = spans;
    }

    /// What a lane's piece needs next, `bytes` at most. Padding is among it: bytes that are zero and
    /// need not be read from anywhere. Nothing for a lane without a piece.
    ///
    /// # Panics
    /// If there is no such lane: `lane` is not less than `N`.
    pub fn wanted(&self, lane: usize, bytes: usize) -> Spans<'l> {
        self.spans[lane].peek(bytes as u64)
    }

    /// How many bytes a lane's piece still needs; zero for a lane without a piece.
    ///
    /// # Panics
    /// If there is no such lane: `lane` is not less than `N`.
    pub fn left(&self, lane: usize) -> u64 {
        self.spans[lane].bytes_left()
    }

    /// The next bytes of each lane's piece, from however many files and with the zeros of padding; an
    /// empty slice if there is nothing for it at the time. In steps of whole 16 KiB it is fastest.
    ///
    /// # Panics
    /// If a slice is longer than what the lane's piece still needs.
    pub fn advance(&mut self, chunks: [&[u8]; N]) {
        for (lane, chunk) in chunks.iter().enumerate() {
            let left = self.left(lane);
            assert!(chunk.len() as u64 <= left, "lane {lane} needs only {left} bytes");
        }
        if let Some(pieces) = &mut self.pieces {
            pieces.advance(chunks);
        }
        if let Some(leaves) = &mut self.leaves {
            leaves.advance(array::from_fn(|lane| {
                let left = &mut self.before_padding[lane];
                let chunk = &chunks[lane][..(chunks[lane].len() as u64).min(*left) as usize];
                *left -= chunk.len() as u64;
                chunk
            }));
        }
        for (spans, chunk) in self.spans.iter_mut().zip(chunks) {
            spans.skip_bytes(chunk.len() as u64);
        }
    }

    /// The hashes of what a lane's piece has so far, which is all of it when nothing is
    /// [`left`](Self::left). The lane is free for another one.
    ///
    /// # Panics
    /// If there is no such lane: `lane` is not less than `N`.
    pub fn finish(&mut self, lane: usize) -> PieceHashes {
        self.spans[lane] = Spans::NONE;
        PieceHashes {
            v1: self.pieces.as_mut().map(|pieces| pieces.finish(lane)),
            leaves: self.leaves.as_mut().map_or(Vec::new(), |leaves| leaves.finish(lane)),
        }
    }
}

impl<const N: usize> fmt::Debug for PieceBatch<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PieceBatch")
            .field("left", &array::from_fn::<_, N, _>(|lane| self.left(lane)))
            .finish_non_exhaustive()
    }
}

/// Hashes the leaves of a piece in each lane.
struct LeafLanes<const N: usize> {
    backend: Backend,
    /// The leaf that is begun in each lane, if any.
    begun: Lanes<Sha256, N>,
    done: [Vec<[u8; 32]>; N],
}

impl<const N: usize> LeafLanes<N> {
    fn new(backend: Backend) -> Self {
        Self { backend, begun: Lanes::new(backend), done: [const { Vec::new() }; N] }
    }

    fn advance(&mut self, chunks: [&[u8]; N]) {
        let mut rest = chunks;
        let ends = array::from_fn(|lane| {
            let missing = match self.begun.length(lane) as usize {
                0 => 0,
                begun => LEAF_LENGTH - begun,
            };
            let (end, later) = rest[lane].split_at(missing.min(rest[lane].len()));
            rest[lane] = later;
            end
        });
        self.begun.advance(ends);
        for lane in 0..N {
            if self.begun.length(lane) == LEAF_LENGTH as u64 {
                self.done[lane].push(self.begun.finish(lane));
            }
        }

        // Whole leaves do not wait for each other, also those of one lane.
        let (mut lanes, mut leaves) = (Vec::new(), Vec::new());
        let starts = array::from_fn(|lane| {
            let whole = rest[lane].chunks_exact(LEAF_LENGTH);
            let start = whole.remainder();
            lanes.extend(whole.clone().map(|_| lane));
            leaves.extend(whole);
            start
        });
        for (lane, hash) in lanes.into_iter().zip(hash_many::<Sha256>(self.backend, &leaves)) {
            self.done[lane].push(hash);
        }
        self.begun.advance(starts);
    }

    fn finish(&mut self, lane: usize) -> Vec<[u8; 32]> {
        if self.begun.length(lane) > 0 {
            self.done[lane].push(self.begun.finish(lane));
        }
        mem::take(&mut self.done[lane])
    }
}
