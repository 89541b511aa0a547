//! From descriptors to what is sent.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use miniz_oxide::deflate::core::CompressorOxide;
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::{DataFormat, MZFlush};

use crate::Message;

/// Writes a link's descriptors, deflated if that was agreed on.
///
/// A deflater keeps what it was given until it is told to [`flush`](Self::flush): do that when nothing
/// more is to be sent for a while, or every 4 kB, as gtk-gnutella does; each costs a few bytes.
pub struct LinkWriter {
    deflater: Option<Box<CompressorOxide>>,
    /// Of one descriptor, before it is deflated.
    plain: Vec<u8>,
}

impl LinkWriter {
    /// `deflate` is what the handshake said ([`Link::deflate`](crate::Link::deflate)). A deflater takes
    /// about 300 kB.
    pub fn new(deflate: bool) -> Self {
        let deflater = deflate.then(|| {
            let mut deflater = Box::<CompressorOxide>::default();
            deflater.set_format_and_level(DataFormat::Zlib, 6);
            deflater
        });
        Self { deflater, plain: Vec::new() }
    }

    /// Appends a descriptor to `out`, or to what the deflater keeps.
    pub fn write(&mut self, message: &Message<'_>, out: &mut Vec<u8>) {
        if self.deflater.is_none() {
            return message.encode(out);
        }
        self.plain.clear();
        message.encode(&mut self.plain);
        self.deflate(MZFlush::None, out);
    }

    /// Appends what the deflater still keeps.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.plain.clear();
        self.deflate(MZFlush::Sync, out);
    }

    fn deflate(&mut self, flush: MZFlush, out: &mut Vec<u8>) {
        let Some(deflater) = &mut self.deflater else { return };
        let mut rest = self.plain.as_slice();
        loop {
            let before = out.len();
            let room = rest.len() + 64;
            out.resize(before + room, 0);
            let result = deflate(deflater, rest, &mut out[before..], flush);
            out.truncate(before + result.bytes_written);
            rest = &rest[result.bytes_consumed..];
            // Room is left over when there is nothing more to say.
            if result.status.is_err() || (rest.is_empty() && result.bytes_written < room) {
                return;
            }
        }
    }
}

impl fmt::Debug for LinkWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkWriter")
            .field("deflate", &self.deflater.is_some())
            .finish_non_exhaustive()
    }
}
