//! Deflated links (RFC 1950, 1951): inflated no further than there is room, deflated in little memory.

use bytes::{Buf, BytesMut};
use miniz_oxide::deflate::core::CompressorOxide;
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};
use miniz_oxide::{DataFormat, MZFlush};

/// What comes in on one link.
///
/// An idle link takes little: its window is as long as what was inflated, up to the 32 kB that deflate
/// may refer back to, and the tables of a block, 11 kB, are there within a block only. Who flushes what
/// is sent ends a block with it.
pub(crate) struct Inflater {
    /// The stream's header, as far as it has come.
    header: Header,
    /// The block under way.
    block: Option<Box<DecompressorOxide>>,
    /// Between blocks: bits of the next.
    between: BlockBoundaryState,
    /// The last of what was inflated; it goes on at `at`.
    window: Vec<u8>,
    at: usize,
    /// The window is used again from its start.
    wrapped: bool,
    /// There was no room for all.
    full: bool,
}

#[derive(Clone, Copy)]
enum Header {
    Awaited,
    First(u8),
    Whole,
}

/// Deflate refers no further back (RFC 1951, section 2).
const WINDOW: usize = 32 << 10;
/// The window's length at first.
const FIRST: usize = 512;
/// So many blocks are inflated at a time. One without content is ten bits long, and each has its price.
const BLOCKS: usize = 16;

/// The stream is no zlib stream, or has ended.
#[derive(Debug)]
pub(crate) struct BadStream;

impl Inflater {
    pub fn new() -> Self {
        Self {
            header: Header::Awaited,
            block: None,
            between: BlockBoundaryState::default(),
            window: Vec::new(),
            at: 0,
            wrapped: false,
            full: false,
        }
    }

    /// Whether there is more to come out even if nothing more comes in.
    pub fn has_more(&self) -> bool {
        self.full
    }

    /// Inflates from `packed` to the end of `plain`, at most as much as the window has, and at most so many
    /// blocks. Returns how many bytes; with 0, there was nothing in these blocks, or, if all of `packed` is
    /// used up, more is needed.
    pub fn inflate(
        &mut self,
        packed: &mut BytesMut,
        plain: &mut BytesMut,
    ) -> Result<usize, BadStream> {
        self.read_header(packed)?;
        for _ in 0..BLOCKS {
            // A block may have more to tell when all of `packed` is used up.
            if packed.is_empty() && self.block.is_none() {
                break;
            }
            if self.at == self.window.len() {
                self.make_room();
            }
            let between = &self.between;
            let block = self.block.get_or_insert_with(|| {
                Box::new(DecompressorOxide::from_block_boundary_state(between))
            });
            let mut flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
            if !self.wrapped {
                // What lies before the start is an error.
                flags |= TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
            }
            let (status, consumed, written) =
                decompress(block, packed, &mut self.window, self.at, flags);
            packed.advance(consumed);
            plain.extend_from_slice(&self.window[self.at..self.at + written]);
            self.at += written;
            self.full = status == TINFLStatus::HasMoreOutput;
            let waits = match status {
                TINFLStatus::BlockBoundary => {
                    self.between = block.block_boundary_state().ok_or(BadStream)?;
                    self.block = None;
                    false
                }
                TINFLStatus::NeedsMoreInput => true,
                TINFLStatus::HasMoreOutput => false,
                // The end of the stream is the end of the link, once what came before is handed over.
                TINFLStatus::Done if written > 0 => true,
                _ => return Err(BadStream),
            };
            if written > 0 || waits {
                return Ok(written);
            }
        }
        Ok(0)
    }

    /// The two bytes before the blocks (RFC 1950, section 2.2).
    fn read_header(&mut self, packed: &mut BytesMut) -> Result<(), BadStream> {
        while let (false, Some(&byte)) = (matches!(self.header, Header::Whole), packed.first()) {
            packed.advance(1);
            self.header = match self.header {
                Header::First(method) => {
                    let check = u16::from_be_bytes([method, byte]) % 31;
                    // Deflate, a window of 32 kB at most, no dictionary agreed on before.
                    let good = method & 0xf == 8 && method >> 4 <= 7 && byte & 0x20 == 0;
                    if !good || check != 0 {
                        return Err(BadStream);
                    }
                    Header::Whole
                }
                Header::Awaited | Header::Whole => Header::First(byte),
            };
        }
        Ok(())
    }

    fn make_room(&mut self) {
        if self.window.len() < WINDOW {
            self.window.resize((2 * self.window.len()).clamp(FIRST, WINDOW), 0);
        } else {
            (self.at, self.wrapped) = (0, true);
        }
    }
}

/// What goes out on all links. Each batch is deflated by itself, with no reference to an earlier one:
/// so the 300 kB that a compressor takes are there once and not for each link, whatever it costs in
/// compression. The batches of a link are blocks of one stream, which is never ended.
pub(crate) struct Deflater {
    /// Made when first needed.
    compressor: Option<Box<CompressorOxide>>,
}

/// The start of a zlib stream: a window of 32 kB, the default level (RFC 1950, section 2.2).
const HEADER: [u8; 2] = [0x78, 0x9c];

impl Deflater {
    pub const fn new() -> Self {
        Self { compressor: None }
    }

    /// Appends `plain`, deflated and flushed, to `out`; `first` if it is the first on its link.
    pub fn deflate(&mut self, mut plain: &[u8], first: bool, out: &mut BytesMut) {
        if first {
            out.extend_from_slice(&HEADER);
        }
        let compressor = self.compressor.get_or_insert_with(|| {
            let mut compressor = Box::<CompressorOxide>::default();
            compressor.set_format_and_level(DataFormat::Raw, 4);
            compressor
        });
        compressor.reset();
        loop {
            let before = out.len();
            let room = plain.len() + 64;
            out.resize(before + room, 0);
            let result = deflate(compressor, plain, &mut out[before..], MZFlush::Sync);
            out.truncate(before + result.bytes_written);
            plain = &plain[result.bytes_consumed..];
            // Room is left over when there is nothing more to say.
            if result.status.is_err() || (plain.is_empty() && result.bytes_written < room) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Inflates all, `cut` bytes at a time.
    fn inflate_all(packed: &[u8], cut: usize) -> Result<Vec<u8>, BadStream> {
        let (mut inflater, mut rest, mut plain) =
            (Inflater::new(), BytesMut::new(), BytesMut::new());
        for piece in packed.chunks(cut) {
            rest.extend_from_slice(piece);
            while inflater.inflate(&mut rest, &mut plain)? > 0 || !rest.is_empty() {}
        }
        Ok(plain.to_vec())
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates(
            batches in proptest::collection::vec(proptest::collection::vec(0u8..4, 0..3_000), 1..6),
            cut in 1usize..5_000,
        ) {
            let (mut deflater, mut packed) = (Deflater::new(), BytesMut::new());
            for (at, batch) in batches.iter().enumerate() {
                deflater.deflate(batch, at == 0, &mut packed);
                // Each batch comes out without the next.
                prop_assert_eq!(inflate_all(&packed, cut).expect("a stream"), batches[..=at].concat());
            }
        }

        /// Another library's stream, of blocks of all kinds that refer far back.
        #[test]
        fn inflates_as_the_library_does_at_once(
            seed in proptest::collection::vec(any::<u8>(), 1..20_000),
            order in proptest::collection::vec((any::<u16>(), 1usize..9_000), 0..20),
            level in 0u8..10, cut in 1usize..70_000,
        ) {
            let mut plain = seed.clone();
            for (from, length) in order {
                let from = usize::from(from) % seed.len();
                plain.extend_from_slice(&seed[from..(from + length).min(seed.len())]);
            }
            let packed = miniz_oxide::deflate::compress_to_vec_zlib(&plain, level);
            let (mut inflater, mut rest, mut inflated) =
                (Inflater::new(), BytesMut::new(), BytesMut::new());
            for piece in packed.chunks(cut) {
                rest.extend_from_slice(piece);
                // Its end is an error, of which nothing is lost before.
                while inflater.inflate(&mut rest, &mut inflated).is_ok_and(|count| count > 0) {}
            }
            prop_assert!(inflated == plain);
        }

        #[test]
        fn garbage_is_an_error_or_output(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = inflate_all(&bytes, 7);
        }
    }

    #[test]
    fn an_idle_link_keeps_what_it_inflated_and_no_tables() {
        let (mut deflater, mut packed, mut plain) =
            (Deflater::new(), BytesMut::new(), BytesMut::new());
        let mut inflater = Inflater::new();
        for round in 0..200 {
            deflater.deflate(&[7; 23], round == 0, &mut packed);
            while inflater.inflate(&mut packed, &mut plain).expect("a stream") > 0 {}
            assert!(inflater.block.is_none());
            assert!(inflater.window.len() <= (2 * plain.len()).max(FIRST));
        }
        for _ in 0..20 {
            deflater.deflate(&[7; 5_000], false, &mut packed);
            while inflater.inflate(&mut packed, &mut plain).expect("a stream") > 0 {}
        }
        assert_eq!((inflater.window.len(), plain.len()), (WINDOW, 200 * 23 + 20 * 5_000));
    }

    #[test]
    fn what_lies_before_the_start_is_an_error() {
        // A fixed block: a literal, then a copy of 3 bytes from 2 back.
        let packed = [0x78, 0x9c, 0x4b, 0x04, 0x23, 0x00];
        assert!(inflate_all(&packed, 1).is_err());
    }

    #[test]
    fn a_stream_that_has_ended_gives_what_it_had_and_then_an_error() {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"all", 6);
        let (mut inflater, mut rest, mut plain) =
            (Inflater::new(), BytesMut::from(&packed[..]), BytesMut::new());
        assert_eq!(inflater.inflate(&mut rest, &mut plain).expect("good"), 3);
        assert!(inflater.inflate(&mut rest, &mut plain).is_err());
        assert_eq!(&plain[..], b"all");
    }
}
