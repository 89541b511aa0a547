//! Chunks in any order, one at a time: the simple way, and the one for what peers send.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bitvec::order::Msb0;
use bitvec::slice::BitSlice;
use thiserror::Error;

use super::blocks::LeafError;
use super::checker::{PieceChecker, Verdict};
use super::map::{BitfieldError, PieceMap, PieceState};
use super::partial::Partial;
use crate::hash::Backend;
use crate::merkle::{HashRange, MerkleHash};

/// What is buffered at most for chunks that came too early, unless set otherwise: 16 MiB.
pub const DEFAULT_BUFFER_LIMIT: usize = 16 << 20;

/// What a waiting chunk counts for beside its bytes, so that many tiny ones are bounded too.
const CHUNK_COST: usize = 64;

/// Checks content against a torrent's piece hashes, as its chunks arrive.
///
/// Pieces may come in any order and at the same time. Within a piece, a chunk that continues what
/// was hashed is hashed at once and costs no memory; one that comes too early waits in a buffer of
/// bounded size. What was hashed already is passed over, so a chunk that comes twice does no harm.
///
/// Padding (BEP 47) need not come: it is zeros, and bytes that come for it are passed over. A piece is
/// up to its whole length of zeros to hash then, however little came for it.
///
/// What is on a disk is checked faster with a [`PieceBatch`](crate::PieceBatch).
///
/// ```
/// use torrent_meta::{Creator, PieceChecker, PieceLength, PieceState, Verdict, Verifier};
///
/// let mut creation =
///     Creator::single_file("greeting", 5).piece_length(PieceLength::new(4)?).start()?;
/// creation.update(b"hello")?;
/// let metainfo = creation.finish()?;
///
/// let mut verifier = Verifier::new(PieceChecker::of(&metainfo)?);
/// assert_eq!(verifier.write(1, 0, b"x")?, Some(Verdict::Bad));
/// assert_eq!(verifier.write(0, 2, b"ll")?, None); // too early: waits
/// assert_eq!(verifier.write(0, 0, b"he")?, Some(Verdict::Good));
/// verifier.retry(1);
/// assert_eq!(verifier.write_at(4, b"o")?, [(1, Verdict::Good)]);
/// assert_eq!(verifier.bitfield().count_ones(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    checker: PieceChecker,
    map: PieceMap,
    /// Pieces of which something came, but not everything.
    partial: BTreeMap<u32, Partial>,
    /// The leaves that were found in bad pieces of v2.
    bad_leaves: BTreeMap<u32, Vec<MerkleHash>>,
    buffer_limit: usize,
    buffered: usize,
}

/// Why a chunk was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no such piece.
    #[error("there is no piece {piece}, only {pieces}")]
    NoSuchPiece {
        /// The one asked for.
        piece: u32,
        /// How many there are.
        pieces: usize,
    },
    /// There is no such file.
    #[error("there is no file {file}, only {files}")]
    NoSuchFile {
        /// The one asked for.
        file: usize,
        /// How many there are.
        files: usize,
    },
    /// The chunk goes on behind the end of its piece, of its file, or of the content.
    #[error("the chunk ends at {end}, behind the end at {limit}")]
    BehindEnd {
        /// Where the chunk would end.
        end: u64,
        /// Where the piece, the file or the content ends.
        limit: u64,
    },
    /// The chunk came too early and the buffer is full. Hand it over again once what is before it
    /// has come.
    #[error("more than {limit} bytes wait for what comes before them")]
    BufferFull {
        /// The limit.
        limit: usize,
    },
}

impl Verifier {
    /// A verifier that has seen nothing.
    pub fn new(checker: PieceChecker) -> Self {
        Self {
            map: PieceMap::new(checker.pieces()),
            checker,
            partial: BTreeMap::new(),
            bad_leaves: BTreeMap::new(),
            buffer_limit: DEFAULT_BUFFER_LIMIT,
            buffered: 0,
        }
    }

    /// One that goes on where another stopped, by the other's [`bitfield`](Self::bitfield_bytes): what
    /// it says is good, is trusted.
    ///
    /// # Errors
    /// It is no bitfield of this torrent: see [`PieceMap::from_bitfield`].
    pub fn resume(checker: PieceChecker, bitfield: &[u8]) -> Result<Self, BitfieldError> {
        let map = PieceMap::from_bitfield(bitfield, checker.pieces())?;
        Ok(Self { map, ..Self::new(checker) })
    }

    /// Sets how many bytes may wait for what comes before them, in all pieces together; each waiting
    /// chunk counts 64 bytes more than it has. With 0 every piece has to come in order.
    #[must_use]
    pub fn buffer_limit(self, bytes: usize) -> Self {
        Self { buffer_limit: bytes, ..self }
    }

    /// Takes a chunk of one piece, `offset` bytes from the piece's start. Gives the verdict when this
    /// was the last that was missing. (An empty chunk does nothing, unless the piece is nothing but
    /// padding.)
    ///
    /// # Errors
    /// The chunk is not within a piece, or came too early and there is no room; it was not taken.
    pub fn write(
        &mut self,
        piece: u32,
        offset: u32,
        bytes: &[u8],
    ) -> Result<Option<Verdict>, VerifyError> {
        let Some(size) = self.piece_size(piece) else {
            return Err(VerifyError::NoSuchPiece { piece, pieces: self.map.pieces() });
        };
        let end = u64::from(offset).saturating_add(bytes.len() as u64);
        if end > u64::from(size) {
            return Err(VerifyError::BehindEnd { end, limit: size.into() });
        }
        if !matches!(self.map.state(piece), Some(PieceState::Missing | PieceState::Partial)) {
            return Ok(None);
        }
        // Its end is not behind the piece's, so it fits.
        let end = end as u32;
        let hashed = match self.partial.get(&piece) {
            Some(partial) => partial.hashed,
            None => self.leading_padding(piece),
        };
        if hashed < size && (bytes.is_empty() || end <= hashed) {
            return Ok(None);
        }
        if offset > hashed {
            self.keep(piece, offset, bytes)?;
            return Ok(None);
        }
        self.hash(piece, offset, bytes);
        let partial = self.partial.get(&piece).filter(|partial| partial.hashed == size);
        if partial.is_none() {
            return Ok(None);
        }
        Ok(self.finish(piece))
    }

    /// Takes a chunk of the content, `offset` bytes from the content's start; it may go over several
    /// pieces. Gives the verdict on each piece of which this was the last that was missing.
    ///
    /// In v2, where files do not follow each other without gaps, this is for chunks within a file;
    /// [`write_file`](Self::write_file) finds where that is.
    ///
    /// # Errors
    /// The chunk goes on behind the content's end or into a gap, or its start came too early and there
    /// is no room; nothing of it was taken.
    pub fn write_at(
        &mut self,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Vec<(u32, Verdict)>, VerifyError> {
        let end = offset.saturating_add(bytes.len() as u64);
        let layout = self.checker.layout();
        if end > layout.end() {
            return Err(VerifyError::BehindEnd { end, limit: layout.end() });
        }
        let length = u64::from(layout.piece_length().get());
        let mut at = offset;
        while at < end {
            let start = at - at % length;
            let limit = start + layout.piece_size(at / length).unwrap_or(0);
            if limit < end.min(start.saturating_add(length)) {
                return Err(VerifyError::BehindEnd { end, limit });
            }
            at = limit;
        }
        let (mut offset, mut bytes) = (offset, bytes);
        let mut verdicts = Vec::new();
        while !bytes.is_empty() {
            let within = offset % length;
            let (now, later) = bytes.split_at(bytes.len().min((length - within) as usize));
            // A piece's number fits: there is a hash in memory for each. Only the first one can be
            // refused, for all others the chunk has the start.
            let piece = (offset / length) as u32;
            let verdict = self.write(piece, within as u32, now)?;
            verdicts.extend(verdict.map(|verdict| (piece, verdict)));
            offset += now.len() as u64;
            bytes = later;
        }
        Ok(verdicts)
    }

    /// Takes a chunk of one file, `offset` bytes from the file's start; it may go over several pieces.
    /// Gives the verdict on each piece of which this was the last that was missing.
    ///
    /// # Errors
    /// There is no such file, the chunk goes on behind its end, or the start came too early and there
    /// is no room; nothing of it was taken.
    pub fn write_file(
        &mut self,
        file: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Vec<(u32, Verdict)>, VerifyError> {
        let layout = self.checker.layout();
        let (Some(start), Some((limit, _))) = (layout.start_of(file), layout.file(file)) else {
            return Err(VerifyError::NoSuchFile { file, files: layout.file_count() });
        };
        let end = offset.saturating_add(bytes.len() as u64);
        if end > limit {
            return Err(VerifyError::BehindEnd { end, limit });
        }
        self.write_at(start + offset, bytes)
    }

    /// Forgets a bad or partial piece, so that it can come again. Does nothing to a good one.
    pub fn retry(&mut self, piece: u32) {
        if self.map.state(piece) != Some(PieceState::Good) {
            self.map.set(piece, PieceState::Missing);
        }
        self.bad_leaves.remove(&piece);
        if let Some(partial) = self.partial.remove(&piece) {
            let freed: usize = partial.waiting.values().map(|chunk| chunk.len() + CHUNK_COST).sum();
            self.buffered -= freed;
        }
    }

    /// Takes hashes of a file's merkle tree that say which leaves it has to have:
    /// [`PieceChecker::add_leaves`]. They can come before or after the content.
    ///
    /// # Errors
    /// They are not those of the file, or prove nothing; none was taken.
    pub fn add_leaves(
        &mut self,
        file: usize,
        range: HashRange,
        hashes: &[MerkleHash],
    ) -> Result<(), LeafError> {
        self.checker.add_leaves(Backend::PORTABLE, file, range, hashes)
    }

    /// What each 16 KiB of a bad piece is, where that is known: [`PieceChecker::check_blocks`]. `None`
    /// if the piece is not bad, or there are no v2 hashes.
    pub fn bad_piece_blocks(&self, piece: u32) -> Option<Vec<Option<Verdict>>> {
        self.checker.check_blocks(Backend::PORTABLE, piece, self.bad_leaves.get(&piece)?)
    }

    /// What is known of a piece; `None` if there is no such piece.
    pub fn state(&self, piece: u32) -> Option<PieceState> {
        self.map.state(piece)
    }

    /// How many bytes from the start of a partial piece were hashed, padding behind them included:
    /// what comes next belongs there. `None` if the piece is not partial.
    pub fn hashed(&self, piece: u32) -> Option<u32> {
        self.partial.get(&piece).map(|partial| partial.hashed)
    }

    /// What is known of all pieces.
    pub fn map(&self) -> &PieceMap {
        &self.map
    }

    /// What pieces are checked with.
    pub fn checker(&self) -> &PieceChecker {
        &self.checker
    }

    /// The good pieces: [`PieceMap::bitfield`].
    pub fn bitfield(&self) -> &BitSlice<u8, Msb0> {
        self.map.bitfield()
    }

    /// The payload of a `bitfield` message: [`PieceMap::bitfield_bytes`].
    pub fn bitfield_bytes(&self) -> &[u8] {
        self.map.bitfield_bytes()
    }

    /// The bad pieces, in order.
    pub fn bad_pieces(&self) -> impl Iterator<Item = u32> + '_ {
        self.map.bad_pieces()
    }

    /// Whether every piece is good.
    pub fn is_complete(&self) -> bool {
        self.map.is_complete()
    }

    /// How many bytes of a file are in good pieces: [`PieceMap::good_bytes`].
    pub fn good_bytes(&self, file: usize) -> u64 {
        self.map.good_bytes(self.checker.layout(), file)
    }

    /// How many bytes wait for what comes before them, as [`buffer_limit`](Self::buffer_limit)
    /// counts.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// `None` if there is no such piece.
    fn piece_size(&self, piece: u32) -> Option<u32> {
        // No more than the piece length, which fits.
        self.checker.layout().piece_size(piece.into()).map(|size| size as u32)
    }

    /// How many bytes of padding a piece starts with.
    fn leading_padding(&self, piece: u32) -> u32 {
        let spans = self.checker.layout().spans(piece.into());
        // Within the piece, whose length fits.
        spans.take_while(|span| span.padding).map(|span| span.length as u32).sum()
    }

    /// The piece that is being hashed. When it is new, the padding at its start is hashed.
    fn begin(&mut self, piece: u32) -> &mut Partial {
        self.partial.entry(piece).or_insert_with(|| {
            let mut partial = Partial::new(self.checker.has_v1(), self.checker.has_v2());
            partial.hash(self.checker.layout().spans(piece.into()), &[]);
            self.map.set(piece, PieceState::Partial);
            partial
        })
    }

    /// Hashes what is new of a chunk that starts at or before what was hashed, and then what waits.
    fn hash(&mut self, piece: u32, offset: u32, bytes: &[u8]) {
        self.begin(piece);
        let layout = self.checker.layout();
        let Some(partial) = self.partial.get_mut(&piece) else { return };
        let hash = |partial: &mut Partial, offset: u32, bytes: &[u8]| {
            let known = (partial.hashed - offset) as usize;
            if let Some(new) = bytes.get(known..) {
                partial.hash(layout.spans_from(piece.into(), partial.hashed.into()), new);
            }
        };
        hash(partial, offset, bytes);
        while let Some(chunk) = partial.waiting.first_entry()
            && *chunk.key() <= partial.hashed
        {
            let (offset, bytes) = chunk.remove_entry();
            self.buffered -= bytes.len() + CHUNK_COST;
            hash(partial, offset, &bytes);
        }
    }

    /// The verdict on a piece of which everything is hashed.
    fn finish(&mut self, piece: u32) -> Option<Verdict> {
        let hashes = self.partial.remove(&piece)?.finish();
        let verdict = self.checker.check(Backend::PORTABLE, piece, &hashes)?;
        self.map.set(piece, verdict.into());
        if verdict != Verdict::Good && self.checker.has_v2() {
            self.bad_leaves.insert(piece, hashes.leaves);
        }
        Some(verdict)
    }

    /// Keeps a chunk for later.
    fn keep(&mut self, piece: u32, offset: u32, bytes: &[u8]) -> Result<(), VerifyError> {
        let waiting = self.partial.get(&piece).and_then(|partial| partial.waiting.get(&offset));
        let replaced = match waiting {
            Some(chunk) if chunk.len() >= bytes.len() => return Ok(()),
            Some(chunk) => chunk.len() + CHUNK_COST,
            None => 0,
        };
        let buffered = self.buffered - replaced + bytes.len() + CHUNK_COST;
        if buffered > self.buffer_limit {
            return Err(VerifyError::BufferFull { limit: self.buffer_limit });
        }
        self.buffered = buffered;
        self.begin(piece).waiting.insert(offset, bytes.to_vec());
        Ok(())
    }
}
