//! What the start of a byte stream holds.

/// The start of a byte stream: one whole value, or not yet. Too little input is a status, not an
/// error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// One whole value.
    Complete {
        /// The value.
        value: T,
        /// How many bytes it took, at least one.
        consumed: usize,
    },
    /// Not yet a whole value.
    Partial {
        /// At least so many more bytes are needed, at least one.
        needed: usize,
    },
}

impl<T> Decoded<T> {
    /// The same status with the value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Decoded<U> {
        match self {
            Self::Complete { value, consumed } => {
                Decoded::Complete { value: change(value), consumed }
            }
            Self::Partial { needed } => Decoded::Partial { needed },
        }
    }
}
