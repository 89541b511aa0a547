//! How much a message may ask for.

use crate::token::Token;

/// Bounds on what is decoded. Memory stays in proportion to the input whatever the limits: at most
/// 16 bytes for each byte of it (a real torrent takes about one), or 64 for lenient decoding of input
/// that is nothing but deviations.
///
/// The default lets through a torrent of a million files and refuses what no real one needs:
///
/// ```
/// use overlay_bencode::{Decoder, Limits};
///
/// // A DHT node expects small, flat messages.
/// let krpc = Decoder::strict().limits(Limits { bytes: 1500, depth: 8, ..Limits::DEFAULT });
/// assert!(krpc.decode(b"d1:q4:ping1:t2:aa1:y1:qe").is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. More than `u32::MAX - 1` counts as that: a [`Tape`](crate::Tape) keeps
    /// offsets in 32 bits.
    pub bytes: usize,
    /// Tokens of one message: one for each integer and string (keys too), two for each list and
    /// dictionary. More than 2²⁹ − 2 counts as that.
    pub tokens: usize,
    /// How many lists and dictionaries may be open at once.
    pub depth: usize,
    /// Digits of an integer or of a string's length, without the sign.
    pub integer_digits: usize,
}

impl Limits {
    /// 1 GiB, 32 Mi tokens, 100 levels (libtorrent's limit too) and 20 digits (what `u64` needs).
    pub const DEFAULT: Self =
        Self { bytes: 1 << 30, tokens: 1 << 25, depth: 100, integer_digits: 20 };

    /// Cut to what a tape can hold.
    pub(crate) fn usable(self) -> Self {
        Self {
            bytes: self.bytes.min(u32::MAX as usize - 1),
            tokens: self.tokens.min(Token::MAX_PAYLOAD as usize - 1),
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
