//! Deflated links (RFC 1950, 1951): inflated no further than there is room, deflated in little memory.

use bytes::{Buf, BytesMut};
use miniz_oxide::deflate::core::CompressorOxide;
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// What comes in on one link. It takes 43 kB, of which the window is most.
pub(crate) struct Inflater {
    state: Box<InflateState>,
}

/// The stream is no zlib stream, or has ended.
#[derive(Debug)]
pub(crate) struct BadStream;

impl Inflater {
    pub fn new() -> Self {
        Self { state: InflateState::new_boxed(DataFormat::Zlib) }
    }

    /// Inflates from `packed` to the end of `plain`, at most `out.len()` bytes. Returns how many; with 0,
    /// all of `packed` is used up and more is needed.
    pub fn inflate(
        &mut self,
        packed: &mut BytesMut,
        plain: &mut BytesMut,
        out: &mut [u8],
    ) -> Result<usize, BadStream> {
        loop {
            let result = inflate(&mut self.state, packed, out, MZFlush::None);
            packed.advance(result.bytes_consumed);
            plain.extend_from_slice(&out[..result.bytes_written]);
            match result.status {
                Ok(MZStatus::Ok) | Err(MZError::Buf) if result.bytes_written > 0 => {
                    return Ok(result.bytes_written);
                }
                // The header, or a part of a block.
                Ok(MZStatus::Ok) if result.bytes_consumed > 0 && !packed.is_empty() => {}
                Ok(MZStatus::Ok) | Err(MZError::Buf) => return Ok(0),
                // The end of the stream is the end of the link, once what came before is handed over.
                Ok(MZStatus::StreamEnd) if result.bytes_written > 0 => {
                    return Ok(result.bytes_written);
                }
                Ok(_) | Err(_) => return Err(BadStream),
            }
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

    /// Inflates all, `cut` bytes at a time, into a buffer of `room` bytes.
    fn inflate_all(packed: &[u8], cut: usize, room: usize) -> Result<Vec<u8>, BadStream> {
        let (mut inflater, mut rest, mut plain) =
            (Inflater::new(), BytesMut::new(), BytesMut::new());
        for piece in packed.chunks(cut) {
            rest.extend_from_slice(piece);
            while inflater.inflate(&mut rest, &mut plain, &mut vec![0; room])? > 0 {}
            assert!(rest.is_empty());
        }
        Ok(plain.to_vec())
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates(
            batches in proptest::collection::vec(proptest::collection::vec(0u8..4, 0..3_000), 1..6),
            cut in 1usize..5_000, room in 1usize..4_000,
        ) {
            let (mut deflater, mut packed) = (Deflater::new(), BytesMut::new());
            for (at, batch) in batches.iter().enumerate() {
                deflater.deflate(batch, at == 0, &mut packed);
                // Each batch comes out without the next.
                prop_assert_eq!(inflate_all(&packed, cut, room).expect("a stream"), batches[..=at].concat());
            }
        }

        #[test]
        fn garbage_is_an_error_or_output(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = inflate_all(&bytes, 7, 64);
        }
    }

    #[test]
    fn a_stream_that_has_ended_gives_what_it_had_and_then_an_error() {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"all", 6);
        let (mut inflater, mut rest, mut plain) =
            (Inflater::new(), BytesMut::from(&packed[..]), BytesMut::new());
        assert_eq!(inflater.inflate(&mut rest, &mut plain, &mut [0; 64]).expect("good"), 3);
        assert!(inflater.inflate(&mut rest, &mut plain, &mut [0; 64]).is_err());
        assert_eq!(&plain[..], b"all");
    }
}
