//! Pieces: the parts of the content that are hashed one by one.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use thiserror::Error;

use crate::hash::{Backend, Cut, LEAF_LENGTH, Sha1};

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
/// Chunks of several pieces are hashed side by side. So are pieces of up to 256 KiB, whatever the
/// chunks: up to half a MiB of them waits for that. Longer ones are hashed as they come, one after the
/// other; where they can be read in any order, [`Lanes`](crate::Lanes) are faster.
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
    pieces: Cut<Sha1>,
    position: u64,
}

impl PieceHasher {
    /// A hasher that has seen nothing.
    pub fn new(piece_length: PieceLength) -> Self {
        let pieces = Cut::new(Backend::best(), piece_length.get() as usize);
        Self { piece_length, pieces, position: 0 }
    }

    /// The piece length it was made with.
    pub fn piece_length(&self) -> PieceLength {
        self.piece_length
    }

    /// The next bytes of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.pieces.update(bytes);
        self.position += bytes.len() as u64;
    }

    /// So many zeros.
    pub(crate) fn update_zeros(&mut self, mut count: u64) {
        const ZEROS: [u8; 4 << 10] = [0; 4 << 10];
        while count > 0 {
            let now = &ZEROS[..count.min(ZEROS.len() as u64) as usize];
            self.update(now);
            count -= now.len() as u64;
        }
    }

    /// How many bytes it has seen.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The hashes of the first pieces. Others may be whole as well, and wait until there are enough to
    /// hash them side by side.
    pub fn done(&self) -> &[PieceHash] {
        self.pieces.done()
    }

    /// The hashes of all pieces, the last of which may be shorter. None for no bytes at all.
    pub fn finish(self) -> Vec<PieceHash> {
        self.pieces.finish()
    }
}
