//! Pieces: the parts of the content that are hashed one by one.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use sha1::{Digest, Sha1};
use thiserror::Error;

use crate::hash::LEAF_LENGTH;

/// SHA-1 of one piece.
pub type PieceHash = [u8; 20];

/// How many bytes a piece has; the last piece of a torrent may have fewer.
///
/// BEP 3 asks for no more than that the number is there (and tells that powers of two are usual), so
/// anything from one byte on is accepted; [`PieceLength::for_size`] chooses as programs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceLength(NonZeroU32);

impl PieceLength {
    /// What [`PieceLength::for_size`] chooses at least: 16 KiB, the block in which peers ask for data.
    pub const SMALLEST_CHOICE: u32 = 16 << 10;
    /// What [`PieceLength::for_size`] chooses at most: 16 MiB.
    pub const GREATEST_CHOICE: u32 = 16 << 20;

    /// A piece length of so many bytes.
    ///
    /// # Errors
    /// It is zero.
    pub const fn new(bytes: u32) -> Result<Self, InvalidPieceLength> {
        match NonZeroU32::new(bytes) {
            Some(bytes) => Ok(Self(bytes)),
            None => Err(InvalidPieceLength),
        }
    }

    /// A good piece length for content of `total` bytes: 2^(⌈log₂ total⌉ / 2 + 4), rounded down,
    /// between 16 KiB and 16 MiB. Both the pieces and their number grow with the square root of the
    /// size: 1 GiB has 2,048 pieces of 512 KiB. (The rule of the `imdl` program.)
    pub const fn for_size(total: u64) -> Self {
        let log = match total.checked_next_power_of_two() {
            Some(power) => power.ilog2(),
            None => u64::BITS,
        };
        let exponent = log / 2 + 4;
        let bytes = 1u32 << if exponent < 24 { exponent } else { 24 };
        let bytes = if bytes < Self::SMALLEST_CHOICE { Self::SMALLEST_CHOICE } else { bytes };
        match NonZeroU32::new(bytes) {
            Some(bytes) => Self(bytes),
            None => Self(NonZeroU32::MIN),
        }
    }

    /// In bytes.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The layer of merkle trees that has a hash for each piece of this length (BEP 52): 0, the leaves,
    /// for 16 KiB, 1 for 32 KiB and so on. `None` if it is no power of two from 16 KiB on, which a v2
    /// torrent has to have.
    pub const fn merkle_layer(self) -> Option<u32> {
        let (bytes, leaf) = (self.get(), LEAF_LENGTH as u32);
        if bytes >= leaf && bytes.is_power_of_two() {
            Some(bytes.ilog2() - leaf.ilog2())
        } else {
            None
        }
    }

    /// How many pieces content of `total` bytes has.
    pub const fn pieces(self, total: u64) -> u64 {
        total.div_ceil(self.get() as u64)
    }
}

impl TryFrom<u32> for PieceLength {
    type Error = InvalidPieceLength;
    fn try_from(bytes: u32) -> Result<Self, InvalidPieceLength> {
        Self::new(bytes)
    }
}

/// A piece length of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a piece has at least one byte")]
pub struct InvalidPieceLength;

/// Hashes content piece by piece, from chunks of any size.
///
/// ```
/// use torrent_meta::{PieceHasher, PieceLength};
///
/// let mut hasher = PieceHasher::new(PieceLength::new(4)?);
/// hasher.update(b"he");
/// hasher.update(b"llo");
/// assert_eq!(hasher.finish().len(), 2); // "hell" and "o"
/// # Ok::<(), torrent_meta::InvalidPieceLength>(())
/// ```
#[derive(Clone, Debug)]
pub struct PieceHasher {
    piece_length: PieceLength,
    current: Sha1,
    /// Bytes in the current piece, fewer than a whole one.
    filled: u32,
    done: Vec<PieceHash>,
}

impl PieceHasher {
    /// A hasher that has seen nothing.
    pub fn new(piece_length: PieceLength) -> Self {
        Self { piece_length, current: Sha1::new(), filled: 0, done: Vec::new() }
    }

    /// The piece length it was made with.
    pub fn piece_length(&self) -> PieceLength {
        self.piece_length
    }

    /// The next bytes of the content.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.piece_length.get() - self.filled;
            let (now, later) = bytes.split_at(bytes.len().min(room as usize));
            self.current.update(now);
            // No more than `room`, so it fits.
            self.filled += now.len() as u32;
            if self.filled == self.piece_length.get() {
                self.done.push(self.current.finalize_reset().into());
                self.filled = 0;
            }
            bytes = later;
        }
    }

    /// How many bytes it has seen.
    pub fn position(&self) -> u64 {
        self.done.len() as u64 * u64::from(self.piece_length.get()) + u64::from(self.filled)
    }

    /// The hashes of the pieces that are whole already.
    pub fn done(&self) -> &[PieceHash] {
        &self.done
    }

    /// The hashes of all pieces, the last of which may be shorter. None for no bytes at all.
    pub fn finish(mut self) -> Vec<PieceHash> {
        if self.filled > 0 {
            self.done.push(self.current.finalize().into());
        }
        self.done
    }
}
