#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod classic;
pub mod compressed;
pub mod estimate;
pub mod exact;
pub mod layout;

mod ageing;
mod algebra;
mod batch;
mod blocked;
#[cfg(any(test, target_arch = "x86_64"))]
mod columns;
mod concurrent;
mod counting;
mod error;
mod filter;
mod geometry;
mod hash;
mod local;
mod params;
mod scalable;
#[cfg(feature = "serde")]
mod serde;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(not(target_arch = "x86_64"))]
#[path = "simd_none.rs"]
mod simd;
mod split;
mod standard;
mod view;
mod wire;
mod words;

pub use ageing::Ageing;
pub use concurrent::Concurrent;
pub use counting::Counting;
pub use error::{BuildError, DecodeError, DecodeErrorKind, GrowError, MismatchError, ParamsError};
pub use filter::{Blocked, Filter, SplitBlock, Standard};
pub use geometry::Geometry;
pub use hash::{Key, KeyHash, KeyHasher, SipHash, Xxh3};
pub use local::Local;
pub use params::Params;
pub use scalable::{Growth, Scalable};
pub use standard::Probes;
pub use view::{BlockedView, SplitBlockView, StandardView, View};
pub use wire::{Decoded, Header, Limits};
