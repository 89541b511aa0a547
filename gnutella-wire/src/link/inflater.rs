//! A zlib stream that arrives in pieces, inflated no further than there is room.

use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::DecodeErrorKind;

/// The farthest that deflate refers back (RFC 1951, section 2). A power of two.
const WINDOW: usize = 32_768;

/// Inflates into its window, and copies from there as far as there is room. So whatever precedes bytes
/// that are no zlib stream comes out, however the stream was cut.
pub(super) struct Inflater {
    state: DecompressorOxide,
    window: Vec<u8>,
    /// Where in the window what is not copied yet begins, or the next output.
    at: usize,
    /// How much is not copied yet.
    waiting: usize,
    end: Option<End>,
}

/// Why nothing more is inflated.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The stream says so.
    Whole,
    /// What follows is not deflated.
    Bad,
}

impl Inflater {
    const FLAGS: u32 =
        TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32 | TINFL_FLAG_HAS_MORE_INPUT;

    pub(super) fn new() -> Self {
        let window = vec![0; WINDOW];
        Self { state: DecompressorOxide::new(), window, at: 0, waiting: 0, end: None }
    }

    /// Inflates to the end of `out` until it is `most` bytes long. Returns how many bytes it took from
    /// `packed`, and an error only when everything before it is in `out`.
    pub(super) fn inflate(
        &mut self,
        packed: &[u8],
        out: &mut Vec<u8>,
        most: usize,
    ) -> (usize, Result<(), DecodeErrorKind>) {
        let mut taken = 0;
        loop {
            let room = most.saturating_sub(out.len());
            let copied = self.waiting.min(room);
            out.extend_from_slice(&self.window[self.at..self.at + copied]);
            self.at = (self.at + copied) % WINDOW;
            self.waiting -= copied;
            let extra = packed.len() - taken;
            let result = match self.end {
                _ if copied == room => Ok(()),
                None => {
                    let rest = &packed[taken..];
                    let (status, consumed, written) =
                        decompress(&mut self.state, rest, &mut self.window, self.at, Self::FLAGS);
                    taken += consumed;
                    self.waiting = written;
                    match status {
                        TINFLStatus::NeedsMoreInput if written == 0 => return (taken, Ok(())),
                        TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => {}
                        TINFLStatus::Done => self.end = Some(End::Whole),
                        _ => self.end = Some(End::Bad),
                    }
                    continue;
                }
                Some(End::Bad) => Err(DecodeErrorKind::BadZlib),
                Some(End::Whole) if extra > 0 => Err(DecodeErrorKind::TrailingBytes { extra }),
                Some(End::Whole) => Ok(()),
            };
            return (taken, result);
        }
    }
}
