//! How much a decoder takes from the other side.

/// How much a decoder takes from the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of data in one frame. The protocol's own limit is 65,535, the largest length
    /// its header can hold.
    pub max_data: u16,
}

impl Limits {
    /// Whatever the header can announce: 65,535 bytes.
    pub const WIDEST: Self = Self { max_data: u16::MAX };
}

/// 2,048 bytes: most servers did not accept longer commands (napster.txt, message 870).
impl Default for Limits {
    fn default() -> Self {
        Self { max_data: 2048 }
    }
}
