//! How much a torrent may ask for.

use overlay_bencode as bencode;

/// Bounds on what is parsed. Memory stays in proportion to the input whatever they are: at most 96
/// bytes for each byte of it and 4 KiB, and usually two to eight. The same holds for
/// [`Info::path_collisions`](crate::Info::path_collisions).
///
/// ```
/// use torrent_meta::{Limits, Parser};
///
/// // What the client libtorrent reads, reads here.
/// let parser = Parser::lenient().limits(Limits::LIBTORRENT);
/// // No torrent of more than a thousand pieces.
/// let small = Parser::strict().limits(Limits { pieces: 1000, ..Limits::DEFAULT });
/// # let _ = (parser, small);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of bencode: bytes, tokens, depth, digits.
    pub bencode: bencode::Limits,
    /// How many pieces the content may have.
    pub pieces: u32,
    /// How many bytes a piece may have.
    pub piece_length: u32,
    /// How many bytes one file may have.
    pub file_length: u64,
}

impl Limits {
    /// The limits of [`bencode::Limits::DEFAULT`], and otherwise what the numbers can hold: 2³² − 1
    /// pieces, pieces of 2³² − 1 bytes, files of 2⁶³ − 1 bytes.
    pub const DEFAULT: Self = Self {
        bencode: bencode::Limits::DEFAULT,
        pieces: u32::MAX,
        piece_length: u32::MAX,
        file_length: i64::MAX as u64,
    };

    /// What libtorrent 2.1 takes unless it is told otherwise: 3,000,000 tokens, 2²¹ pieces; 99 levels
    /// (its limit is 100, and it counts one more), pieces below 512 MiB − 16 KiB, files below
    /// 16 TiB − 16 KiB. Its limit of 80 MB is for files that it opens itself.
    pub const LIBTORRENT: Self = Self {
        bencode: bencode::Limits {
            bytes: 80_000_000,
            tokens: 3_000_000,
            depth: 99,
            ..bencode::Limits::DEFAULT
        },
        pieces: 1 << 21,
        piece_length: 0x7fff << 14,
        file_length: (1 << 44) - (1 << 14) - 1,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
