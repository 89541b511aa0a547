//! What hashing is done with.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use super::LANES;
use super::simd::{Avx512, ShaNi};

/// How many messages are hashed at once, and with which instructions.
///
/// There are only values for what the processor at hand has, so none of them can fail later. All give
/// the same hashes. By name, as in `Display` and `FromStr`:
///
/// - `portable`: one message at a time with the `sha1` and `sha2` crates, which themselves use SHA
///   instructions where there are some. On every processor.
/// - `sha-ni`: four messages, their SHA instructions interleaved. (x86-64)
/// - `avx512`: sixteen messages, one in each 32-bit lane of the vectors; where few messages are left,
///   as `sha-ni` if the processor has that too. (x86-64 with AVX-512 F and BW)
///
/// ```
/// use torrent_meta::Backend;
///
/// assert!(Backend::available().any(|backend| backend == Backend::best()));
/// assert_eq!("portable".parse(), Ok(Backend::PORTABLE));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Backend(pub(super) Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Portable,
    ShaNi(ShaNi),
    /// With what to use for few messages.
    Avx512(Avx512, Option<ShaNi>),
}

/// All there are, the fastest last.
const NAMES: [&str; 3] = ["portable", "sha-ni", "avx512"];

impl Backend {
    /// The one that is available on every processor.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// Those this processor has the instructions for, the fastest last. It is asked at run time, also
    /// without `std`; on targets without an operating system what the crate was compiled for counts.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> + Clone {
        NAMES.into_iter().filter_map(Self::detect)
    }

    /// The fastest of those [`available`](Self::available), given that there are enough messages.
    pub fn best() -> Self {
        Self::available().next_back().unwrap_or(Self::PORTABLE)
    }

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            Kind::ShaNi(_) => "sha-ni",
            Kind::Avx512(..) => "avx512",
        }
    }

    /// How many messages it hashes at once. With fewer of them it may do no better than another.
    pub const fn lanes(self) -> usize {
        match self.0 {
            Kind::Portable => 1,
            Kind::ShaNi(_) => 4,
            Kind::Avx512(..) => LANES,
        }
    }

    /// The one of a name, if the processor has it.
    fn detect(name: &str) -> Option<Self> {
        match name {
            "portable" => Some(Kind::Portable),
            "sha-ni" => ShaNi::detect().map(Kind::ShaNi),
            "avx512" => Avx512::detect().map(|cpu| Kind::Avx512(cpu, ShaNi::detect())),
            _ => None,
        }
        .map(Self)
    }
}

impl Default for Backend {
    /// The [`best`](Self::best).
    fn default() -> Self {
        Self::best()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({self})")
    }
}

impl FromStr for Backend {
    type Err = ParseBackendError;

    fn from_str(name: &str) -> Result<Self, ParseBackendError> {
        match Self::detect(name) {
            Some(backend) => Ok(backend),
            None if NAMES.contains(&name) => Err(ParseBackendError::Unavailable(name.into())),
            None => Err(ParseBackendError::Unknown(name.into())),
        }
    }
}

/// A name that gives no backend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseBackendError {
    /// No backend has this name.
    #[error("no hashing backend is named {0:?}, only portable, sha-ni and avx512")]
    Unknown(String),
    /// This processor, or this kind of processor, has not got what the backend needs.
    #[error("this processor lacks the instructions for {0}")]
    Unavailable(String),
}
