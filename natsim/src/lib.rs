#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod behaviour;
pub mod classify;
mod device;
mod error;
mod ports;
mod protocol;
mod reach;
pub mod stun;
mod table;
mod timeouts;

pub use behaviour::{Allocation, Behaviour, Filtering, Mapping, Rfc3489};
pub use device::{Device, Entry, Limits};
pub use error::{DropReason, OutboundError, ParseBehaviourError};
pub use protocol::Protocol;
pub use reach::{Reach, reach};
pub use timeouts::Timeouts;
