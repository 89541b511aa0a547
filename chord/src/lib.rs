#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod contact;
mod error;
mod finger;
mod id;
pub mod interval;
pub mod invariants;
mod lookup;
mod maintain;
mod member;
mod message;
#[cfg(feature = "peer")]
mod node;
#[cfg(feature = "published")]
pub mod published;
mod ring;
#[cfg(feature = "peer")]
mod store;
mod successors;

pub use contact::{Contact, Place};
pub use error::{DecodeError, DecodeErrorKind, RingError};
pub use finger::FingerTable;
pub use id::{Id, Id64, Id160};
pub use lookup::Lookup;
pub use maintain::{Answer, Effect, Maintenance};
pub use member::{Member, Next, Rectified};
pub use message::{
    DATAGRAM_LEN, Decoded, MAX_BODY, Message, Publication, Refusal, Traffic, VERSION,
};
#[cfg(feature = "peer")]
pub use node::{
    Command, Config, Counters, Event, Failure, FetchFailure, Limits, LookupStyle, Misbehaviour,
    Node, Part, SharedBlob,
};
pub use ring::{Found, Histogram, Path, Ring, Routing};
#[cfg(feature = "peer")]
pub use store::{Bounds, Full, Store};
pub use successors::{SuccessorList, is_ordered};
