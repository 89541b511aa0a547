//! What can not be put into a message.

/// A value that has no place on the wire, so that no message can be built from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Strings end with a NUL byte in descriptors, so they can not contain one.
    #[error("a NUL byte at {position} would end the string")]
    ContainsNul {
        /// Index of the first NUL byte.
        position: usize,
    },
    /// A query asks for something.
    #[error("a query without text")]
    EmptyQuery,
    /// The number of results in a query hit is a single byte.
    #[error("a query hit holds at most {max} results")]
    TooManyResults {
        /// The most results that fit.
        max: usize,
    },
    /// The id of a GGEP extension has 1 to 15 characters of printable ASCII.
    #[error("a GGEP id must be 1 to 15 characters of printable ASCII")]
    GgepId,
    /// The data of a GGEP extension is too long.
    #[error("GGEP data of {size} bytes, expected at most {max}")]
    GgepData {
        /// How long it is.
        size: usize,
        /// The most that fits.
        max: usize,
    },
    /// The size of a trailer's open data is a single byte, and must not be 0.
    #[error("open data of {size} bytes, expected 1 to 255")]
    OpenDataSize {
        /// The size asked for.
        size: usize,
    },
}
