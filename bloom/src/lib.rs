#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod classic;
pub mod estimate;
pub mod exact;

mod error;
mod hash;
mod params;
mod standard;

pub use error::{MismatchError, OutOfMemory, ParamsError};
pub use hash::{KeyHash, Probes};
pub use params::Params;
pub use standard::Standard;
