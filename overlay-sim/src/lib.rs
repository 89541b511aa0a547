#![doc = include_str!("../README.md")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod config;
mod core;
mod deliver;
mod effects;
mod failure;
mod host;
mod link;
mod metrics;
mod queue;
mod store;
pub mod topology;
mod trace;
pub mod underlay;
mod world;

pub use config::Config;
pub use failure::{busiest, random_share};
pub use host::{Host, Nat, PeerIndex};
pub use metrics::{Cause, Count, Metrics};
pub use store::{NoStore, Store};
pub use underlay::{LinkLoad, Place, Position, Underlay};
pub use world::World;
