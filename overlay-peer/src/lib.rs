#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod address;
mod context;
mod peer;
mod prefetch;
mod time;
mod wire;

pub use address::Address;
pub use context::{Context, Driver, input_seed};
pub use peer::{Expect, Link, LinkState, Object, Peer, Reason, StoreError, Ticket, Timer};
pub use prefetch::prefetch;
pub use rand_pcg::Pcg32;
pub use time::Time;
pub use wire::{Coding, Decoded, Wire};
