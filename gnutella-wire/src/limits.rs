//! How much a reader accepts.

/// Bounds on what a decoder accepts, so that a hostile stream can not make a reader wait for, or
/// keep, an arbitrary amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload of a descriptor, in bytes.
    pub payload: usize,
    /// The longest text head (handshake, HTTP, GIV) with its blank line, in bytes.
    pub head_bytes: usize,
    /// The most lines of a text head, start line and blank line included.
    pub head_lines: usize,
    /// The most bytes that deflated data (of a GGEP extension, or XML) may become.
    pub inflated: usize,
}

impl Limits {
    /// The default limits: payloads of 65,536 bytes (LimeWire closes a connection beyond it), heads
    /// of 16,384 bytes and 128 lines (gtk-gnutella's limits for a handshake), inflated data of 65,535
    /// bytes (as gtk-gnutella's GGEP).
    pub const DEFAULT: Self =
        Self { payload: 65_536, head_bytes: 16_384, head_lines: 128, inflated: 65_535 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
