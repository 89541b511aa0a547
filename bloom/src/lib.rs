#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod classic;
pub mod estimate;
pub mod exact;
pub mod layout;

mod algebra;
mod batch;
mod blocked;
mod concurrent;
mod error;
mod filter;
mod hash;
mod params;
mod split;
mod standard;
mod words;

pub use concurrent::Concurrent;
pub use error::{BuildError, MismatchError, ParamsError};
pub use filter::{Blocked, Filter, SplitBlock, Standard};
pub use hash::{Key, KeyHash, KeyHasher, SipHash, Xxh3};
pub use params::Params;
pub use standard::Probes;
