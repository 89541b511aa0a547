//! zlib, with a bound on what comes out.

use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::DecodeErrorKind;

/// Inflates a whole zlib stream of at most `max` bytes. Besides the result it takes 11 kB, on the
/// stack, and never allocates more than `max` bytes at a time. What follows the stream is ignored.
pub(crate) fn inflate_zlib(packed: &[u8], max: usize) -> Result<Vec<u8>, DecodeErrorKind> {
    const FLAGS: u32 = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    // Most results are small multiples of the input. One that is not costs a second run, but no
    // copy beside the original: together they might exceed the bound.
    let guess = packed.len().saturating_mul(4).saturating_add(64).min(max);
    for size in [guess, max] {
        let mut out = vec![0; size];
        let mut state = DecompressorOxide::new();
        let (status, _, written) = decompress(&mut state, packed, &mut out, 0, FLAGS);
        match status {
            TINFLStatus::Done => {
                out.truncate(written);
                return Ok(out);
            }
            TINFLStatus::HasMoreOutput if size == max => break,
            TINFLStatus::HasMoreOutput => {}
            _ => return Err(DecodeErrorKind::BadZlib),
        }
    }
    Err(DecodeErrorKind::InflatedTooLong { max })
}

/// Whether a zlib stream can begin like this: deflate, a window of at most 32 kB, no dictionary, and a
/// check value (RFC 1950, section 2.2).
pub(crate) fn is_zlib_header(first: u8, second: u8) -> bool {
    first & 0x0f == 8
        && first >> 4 <= 7
        && second & 0x20 == 0
        && u16::from_be_bytes([first, second]).is_multiple_of(31)
}
