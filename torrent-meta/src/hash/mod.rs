//! Many independent messages hashed side by side.
//!
//! From the outside in: whole messages ([`many`]) or messages in chunks ([`lanes`]) become work of
//! whole blocks, which is dealt out to the lanes of a backend ([`schedule`], [`backend`]), where
//! the compression function of an [`algorithm`] runs, in vectors ([`simd`]) or one at a time.

mod algorithm;
mod backend;
mod cut;
mod lanes;
mod many;
mod schedule;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(not(target_arch = "x86_64"))]
#[path = "simd_none.rs"]
mod simd;

pub use algorithm::{Algorithm, Sha1, Sha256};
pub use backend::{Backend, ParseBackendError};
pub(crate) use cut::Cut;
pub use lanes::Lanes;
pub use many::{LEAF_LENGTH, hash_chunks, hash_leaves, hash_many, hash_pieces};

/// How many messages the widest backend hashes at once.
const LANES: usize = 16;
