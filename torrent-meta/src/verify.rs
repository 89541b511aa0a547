//! Content against its piece hashes.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bitvec::order::Msb0;
use bitvec::slice::BitSlice;
use bitvec::vec::BitVec;
use sha1::{Digest, Sha1};
use thiserror::Error;

use crate::info::Info;
use crate::piece::{PieceHash, PieceLength};

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
/// ```
/// use torrent_meta::{Creator, PieceLength, PieceState, Verdict, Verifier};
///
/// let mut creation =
///     Creator::single_file("greeting", 5).piece_length(PieceLength::new(4)?).start()?;
/// creation.update(b"hello")?;
/// let metainfo = creation.finish()?;
///
/// let mut verifier = Verifier::new(metainfo.info());
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
    hashes: Vec<PieceHash>,
    piece_length: PieceLength,
    total: u64,
    good: BitVec<u8, Msb0>,
    bad: BitVec<u8, Msb0>,
    /// Pieces of which something came, but not everything.
    partial: BTreeMap<u32, Partial>,
    buffer_limit: usize,
    buffered: usize,
}

#[derive(Clone, Debug, Default)]
struct Partial {
    hasher: Sha1,
    /// How many bytes were hashed.
    hashed: u32,
    /// Chunks that came too early, by offset.
    waiting: BTreeMap<u32, Vec<u8>>,
}

/// What a finished piece turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Its hash is right.
    Good,
    /// Its hash is wrong. Further chunks of it are passed over until [`Verifier::retry`].
    Bad,
}

/// What is known of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceState {
    /// Nothing came yet.
    Missing,
    /// Something came, but not everything.
    Partial {
        /// How many bytes from its start were hashed: what comes next belongs there.
        hashed: u32,
    },
    /// All of it came and is right.
    Good,
    /// All of it came and is wrong.
    Bad,
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
    /// The chunk goes on behind the end of its piece, or of the content.
    #[error("the chunk ends at {end}, behind the end at {limit}")]
    BehindEnd {
        /// Where the chunk would end.
        end: u64,
        /// Where the piece, or the content, ends.
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
    /// A verifier that has seen nothing. It keeps a copy of the piece hashes.
    pub fn new(info: &Info<'_>) -> Self {
        let hashes = info.pieces().to_vec();
        Self {
            good: BitVec::repeat(false, hashes.len()),
            bad: BitVec::repeat(false, hashes.len()),
            hashes,
            piece_length: info.piece_length(),
            total: info.total_length(),
            partial: BTreeMap::new(),
            buffer_limit: DEFAULT_BUFFER_LIMIT,
            buffered: 0,
        }
    }

    /// Sets how many bytes may wait for what comes before them, in all pieces together; each waiting
    /// chunk counts 64 bytes more than it has. With 0 every piece has to come in order.
    #[must_use]
    pub fn buffer_limit(self, bytes: usize) -> Self {
        Self { buffer_limit: bytes, ..self }
    }

    /// Takes a chunk of one piece, `offset` bytes from the piece's start. Gives the verdict when this
    /// was the last that was missing.
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
            return Err(VerifyError::NoSuchPiece { piece, pieces: self.hashes.len() });
        };
        let end = u64::from(offset).saturating_add(bytes.len() as u64);
        if end > u64::from(size) {
            return Err(VerifyError::BehindEnd { end, limit: size.into() });
        }
        if bytes.is_empty() || self.good[piece as usize] || self.bad[piece as usize] {
            return Ok(None);
        }
        // Its end is not behind the piece's, so it fits.
        let end = end as u32;
        let hashed = self.partial.get(&piece).map_or(0, |partial| partial.hashed);
        if end <= hashed {
            return Ok(None);
        }
        if offset > hashed {
            self.keep(piece, offset, bytes)?;
            return Ok(None);
        }
        let partial = self.partial.entry(piece).or_default();
        partial.hash(offset, bytes);
        while let Some(chunk) = partial.waiting.first_entry()
            && *chunk.key() <= partial.hashed
        {
            let (offset, bytes) = chunk.remove_entry();
            self.buffered -= bytes.len() + CHUNK_COST;
            partial.hash(offset, &bytes);
        }
        if partial.hashed < size {
            return Ok(None);
        }
        let hash: PieceHash = partial.hasher.finalize_reset().into();
        self.partial.remove(&piece);
        let index = piece as usize;
        let good = self.hashes.get(index) == Some(&hash);
        if good {
            self.good.set(index, true);
            Ok(Some(Verdict::Good))
        } else {
            self.bad.set(index, true);
            Ok(Some(Verdict::Bad))
        }
    }

    /// Takes a chunk of the content, `offset` bytes from the content's start; it may go over several
    /// pieces. Gives the verdict on each piece of which this was the last that was missing.
    ///
    /// # Errors
    /// The chunk goes on behind the content's end, or its start came too early and there is no room;
    /// nothing of it was taken.
    pub fn write_at(
        &mut self,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Vec<(u32, Verdict)>, VerifyError> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.total {
            return Err(VerifyError::BehindEnd { end, limit: self.total });
        }
        let length = u64::from(self.piece_length.get());
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

    /// Forgets a bad or partial piece, so that it can come again. Does nothing to a good one.
    pub fn retry(&mut self, piece: u32) {
        if let Some(mut bad) = self.bad.get_mut(piece as usize) {
            *bad = false;
        }
        if let Some(partial) = self.partial.remove(&piece) {
            let freed: usize = partial.waiting.values().map(|chunk| chunk.len() + CHUNK_COST).sum();
            self.buffered -= freed;
        }
    }

    /// What is known of a piece; `None` if there is no such piece.
    pub fn state(&self, piece: u32) -> Option<PieceState> {
        let index = piece as usize;
        Some(match (*self.good.get(index)?, *self.bad.get(index)?) {
            (true, _) => PieceState::Good,
            (_, true) => PieceState::Bad,
            _ => match self.partial.get(&piece) {
                Some(partial) => PieceState::Partial { hashed: partial.hashed },
                None => PieceState::Missing,
            },
        })
    }

    /// The good pieces, in the order of the wire protocol's bitfield (BEP 3): the first piece is the
    /// highest bit of the first byte. As bytes, with zeros behind the last piece:
    /// [`bitfield_bytes`](Self::bitfield_bytes).
    pub fn bitfield(&self) -> &BitSlice<u8, Msb0> {
        &self.good
    }

    /// The payload of a `bitfield` message.
    pub fn bitfield_bytes(&self) -> &[u8] {
        self.good.as_raw_slice()
    }

    /// The bad pieces, in order.
    pub fn bad_pieces(&self) -> impl Iterator<Item = u32> + '_ {
        self.bad.iter_ones().map(|index| index as u32)
    }

    /// Whether every piece is good.
    pub fn is_complete(&self) -> bool {
        self.good.all()
    }

    /// How many bytes wait for what comes before them, as [`buffer_limit`](Self::buffer_limit)
    /// counts.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    fn piece_size(&self, piece: u32) -> Option<u32> {
        self.hashes.get(piece as usize)?;
        let length = self.piece_length.get();
        let left = self.total - u64::from(piece) * u64::from(length);
        Some(u32::try_from(left).map_or(length, |left| left.min(length)))
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
        self.partial.entry(piece).or_default().waiting.insert(offset, bytes.to_vec());
        Ok(())
    }
}

impl Partial {
    /// Hashes what is new of a chunk that starts at or before what was hashed.
    fn hash(&mut self, offset: u32, bytes: &[u8]) {
        let known = (self.hashed - offset) as usize;
        if let Some(new) = bytes.get(known..) {
            self.hasher.update(new);
            // A chunk is within its piece, whose length fits.
            self.hashed += new.len() as u32;
        }
    }
}
