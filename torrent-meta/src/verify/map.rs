//! What is known of all pieces, and of the files they are of.

use alloc::collections::BTreeMap;
use core::iter::FusedIterator;
use core::ops::Range;

use bitvec::order::Msb0;
use bitvec::slice::BitSlice;
use bitvec::vec::BitVec;
use thiserror::Error;

use super::checker::Verdict;
use crate::span::ContentLayout;

/// Which pieces are good, bad, missing, or there in part. It takes three bits for each piece.
///
/// ```
/// use torrent_meta::{ContentLayout, PieceLength, PieceMap, PieceState};
///
/// let mut layout = ContentLayout::new(PieceLength::new(4)?);
/// layout.push_file(6);
/// layout.push_file(5);
///
/// let mut map = PieceMap::new(3);
/// map.set(0, PieceState::Good);
/// map.set(1, PieceState::Good);
/// map.set(2, PieceState::Bad);
/// assert_eq!(map.bitfield_bytes(), [0b1100_0000]);
/// assert_eq!((map.good_bytes(&layout, 0), map.good_bytes(&layout, 1)), (6, 2));
/// let bad = map.file_parts(&layout, 1).find(|range| range.state == PieceState::Bad);
/// assert_eq!(bad.map(|range| range.bytes), Some(2..5));
///
/// // What a peer or a resume file says, is trusted.
/// let resumed = PieceMap::from_bitfield(&[0b1100_0000], 3)?;
/// assert_eq!(resumed.state(2), Some(PieceState::Missing));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PieceMap {
    good: BitVec<u8, Msb0>,
    bad: BitVec<u8, Msb0>,
    partial: BitVec<u8, Msb0>,
    /// Of those bad pieces whose hashes contradict each other: whether v1 is right.
    conflicts: BTreeMap<u32, bool>,
}

/// What is known of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceState {
    /// Nothing of it is there.
    Missing,
    /// Some of it is there, but not all.
    Partial,
    /// All of it is there and right.
    Good,
    /// All of it is there and wrong.
    Bad,
    /// All of it is there, and the two hashes of a hybrid torrent contradict each other: see
    /// [`Verdict::Conflict`].
    Conflict {
        /// Whether v1 is right.
        v1: bool,
    },
}

impl From<Verdict> for PieceState {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::Good,
            Verdict::Bad => Self::Bad,
            Verdict::Conflict { v1 } => Self::Conflict { v1 },
        }
    }
}

/// Why bytes are no bitfield of a torrent (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BitfieldError {
    /// Too few or too many bytes.
    #[error("a bitfield of {pieces} pieces has {expected} bytes, this one has {found}")]
    Length {
        /// How many pieces there are.
        pieces: usize,
        /// How many bytes that takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A bit behind the last piece's is set.
    #[error("bit {bit} of the bitfield is set, but there are only {pieces} pieces")]
    SpareBit {
        /// The first such bit, counted from zero.
        bit: usize,
        /// How many pieces there are.
        pieces: usize,
    },
}

impl PieceMap {
    /// A map of so many pieces, all of them missing.
    pub fn new(pieces: usize) -> Self {
        let none = BitVec::repeat(false, pieces);
        Self { good: none.clone(), bad: none.clone(), partial: none, conflicts: BTreeMap::new() }
    }

    /// A map of so many pieces by what a `bitfield` message or a resume file says: pieces are good or
    /// missing. Nothing is checked but the bitfield itself.
    ///
    /// # Errors
    /// The length is not that of a bitfield of so many pieces, or a spare bit at the end is set.
    pub fn from_bitfield(bytes: &[u8], pieces: usize) -> Result<Self, BitfieldError> {
        let (expected, found) = (pieces.div_ceil(8), bytes.len());
        if expected != found {
            return Err(BitfieldError::Length { pieces, expected, found });
        }
        let bits = BitSlice::<u8, Msb0>::from_slice(bytes);
        if let Some(spare) = bits[pieces..].first_one() {
            return Err(BitfieldError::SpareBit { bit: pieces + spare, pieces });
        }
        let mut map = Self::new(pieces);
        map.good.copy_from_bitslice(&bits[..pieces]);
        Ok(map)
    }

    /// How many pieces there are.
    pub fn pieces(&self) -> usize {
        self.good.len()
    }

    /// What is known of a piece; `None` if there is no such piece.
    pub fn state(&self, piece: u32) -> Option<PieceState> {
        let index = piece as usize;
        if *self.good.get(index)? {
            return Some(PieceState::Good);
        }
        let conflict = || self.conflicts.get(&piece).map(|&v1| PieceState::Conflict { v1 });
        Some(match (self.bad[index], self.partial[index]) {
            (true, _) => conflict().unwrap_or(PieceState::Bad),
            (_, true) => PieceState::Partial,
            _ => PieceState::Missing,
        })
    }

    /// Sets what is known of a piece. Does nothing if there is no such piece.
    pub fn set(&mut self, piece: u32, state: PieceState) {
        let index = piece as usize;
        if index >= self.pieces() {
            return;
        }
        let is_bad = matches!(state, PieceState::Bad | PieceState::Conflict { .. });
        self.good.set(index, state == PieceState::Good);
        self.bad.set(index, is_bad);
        self.partial.set(index, state == PieceState::Partial);
        match state {
            PieceState::Conflict { v1 } => _ = self.conflicts.insert(piece, v1),
            _ => _ = self.conflicts.remove(&piece),
        }
    }

    /// The good pieces, in the order of the wire protocol's bitfield (BEP 3): the first piece is the
    /// highest bit of the first byte. As bytes, with zeros behind the last piece:
    /// [`bitfield_bytes`](Self::bitfield_bytes).
    pub fn bitfield(&self) -> &BitSlice<u8, Msb0> {
        &self.good
    }

    /// The payload of a `bitfield` message, or what to write to a resume file.
    pub fn bitfield_bytes(&self) -> &[u8] {
        self.good.as_raw_slice()
    }

    /// The bad pieces, in order, those with conflicts among them.
    pub fn bad_pieces(&self) -> impl Iterator<Item = u32> + '_ {
        self.bad.iter_ones().map(|index| index as u32)
    }

    /// Whether every piece is good.
    pub fn is_complete(&self) -> bool {
        self.good.all()
    }

    /// A file from its start to its end, in ranges as long as possible of one state each; none for an
    /// empty file. A piece's state is that of all its bytes, whichever file they are of.
    ///
    /// `layout` is that of the torrent. Each piece of the file is looked at.
    pub fn file_parts<'m>(&'m self, layout: &'m ContentLayout, file: usize) -> FileParts<'m> {
        let mut pieces = layout.pieces_of(file);
        pieces.end = pieces.end.min(self.pieces() as u64);
        FileParts { map: self, layout, file, pieces }
    }

    /// How many bytes of a file are good: its progress. Costs as much as
    /// [`file_parts`](Self::file_parts).
    pub fn good_bytes(&self, layout: &ContentLayout, file: usize) -> u64 {
        let ranges = self.file_parts(layout, file);
        let good = ranges.filter(|range| range.state == PieceState::Good);
        good.map(|range| range.bytes.end - range.bytes.start).sum()
    }
}

/// Bytes of a file that share a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilePart {
    /// The bytes, counted from the file's start.
    pub bytes: Range<u64>,
    /// What is known of them.
    pub state: PieceState,
}

/// The [`PieceMap::file_parts`] of a file.
#[derive(Clone, Debug)]
pub struct FileParts<'m> {
    map: &'m PieceMap,
    layout: &'m ContentLayout,
    file: usize,
    /// Those that are left.
    pieces: Range<u64>,
}

impl FileParts<'_> {
    /// `None` behind the last piece.
    fn state(&self, piece: u64) -> Option<PieceState> {
        self.map.state(u32::try_from(piece).ok()?)
    }
}

impl Iterator for FileParts<'_> {
    type Item = FilePart;

    fn next(&mut self) -> Option<FilePart> {
        let first = self.pieces.next()?;
        let state = self.state(first)?;
        let mut last = first;
        while self.pieces.start < self.pieces.end && self.state(self.pieces.start) == Some(state) {
            last = self.pieces.start;
            self.pieces.start += 1;
        }
        let start = self.layout.part_of(self.file, first).start;
        let end = self.layout.part_of(self.file, last).end;
        Some(FilePart { bytes: start..end, state })
    }
}

impl FusedIterator for FileParts<'_> {}
