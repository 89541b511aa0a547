//! Writing GGEP blocks.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::{BuildError, Ggep, cobs};

/// Puts a GGEP block together. Extensions stand in the order they were added.
///
/// ```
/// # use gnutella_wire::{Extensions, GgepBuilder, Limits};
/// let block = GgepBuilder::new().push(b"DU", &[0x0b, 0x02])?.push(b"TLS", &[])?.finish();
/// let uptime = Extensions::of(&block).ggep(b"DU").expect("it was just written");
/// assert_eq!(*uptime.data(&Limits::DEFAULT)?, [0x0b, 0x02]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GgepBuilder {
    bytes: Vec<u8>,
    /// Where the flags of the last extension are.
    flags_at: usize,
    without_nul: bool,
}

impl GgepBuilder {
    /// A block for a place where NUL bytes are allowed: Pings, Pongs, Pushes, Queries, the private
    /// data of a hit.
    pub fn new() -> Self {
        Self::default()
    }

    /// A block without NUL bytes, for the extension of a result: data that has some is stuffed.
    pub fn without_nul() -> Self {
        Self { without_nul: true, ..Self::default() }
    }

    /// Adds an extension.
    ///
    /// # Errors
    /// An id that is not of 1 to 15 printable ASCII characters, or data that does not fit.
    pub fn push(self, id: &[u8], data: &[u8]) -> Result<Self, BuildError> {
        self.put(id, data, 0)
    }

    /// Adds an extension whose data is deflated. Worth it for text; the connection is deflated too,
    /// usually.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_deflated(self, id: &[u8], data: &[u8]) -> Result<Self, BuildError> {
        self.put(id, &compress_to_vec_zlib(data, 6), 0x20)
    }

    /// The block, empty if nothing was added.
    pub fn finish(mut self) -> Vec<u8> {
        if let Some(flags) = self.bytes.get_mut(self.flags_at) {
            *flags |= 0x80;
        }
        self.bytes
    }

    fn put(mut self, id: &[u8], data: &[u8], mut flags: u8) -> Result<Self, BuildError> {
        let id_len = match u8::try_from(id.len()) {
            Ok(length @ 1..=15) if id.iter().all(|byte| (0x20..0x7f).contains(byte)) => length,
            _ => return Err(BuildError::GgepId),
        };
        let data = if self.without_nul && data.contains(&0) {
            flags |= 0x40;
            Cow::Owned(cobs::encode(data))
        } else {
            Cow::Borrowed(data)
        };
        if data.len() > Ggep::MAX_DATA {
            return Err(BuildError::GgepData { size: data.len(), max: Ggep::MAX_DATA });
        }
        if self.bytes.is_empty() {
            self.bytes.push(Ggep::MAGIC);
        }
        self.flags_at = self.bytes.len();
        self.bytes.push(flags | id_len);
        self.bytes.extend_from_slice(id);
        put_length(&mut self.bytes, data.len());
        self.bytes.extend_from_slice(&data);
        Ok(self)
    }
}

/// Appends a length of at most 18 bits in as few bytes as possible.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let chunk = |shift: u32| (length >> shift & 0x3f).to_le_bytes()[0];
    if length >= 1 << 12 {
        out.push(0x80 | chunk(12));
    }
    if length >= 1 << 6 {
        out.push(0x80 | chunk(6));
    }
    out.push(0x40 | chunk(0));
}
