#![doc = include_str!("../README.md")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod churn;
mod config;
mod core;
mod deliver;
pub mod distribution;
mod downlink;
mod effects;
mod failure;
mod host;
mod link;
mod metrics;
mod partition;
mod population;
mod queue;
mod revive;
mod store;
pub mod topology;
mod trace;
pub mod underlay;
mod world;

pub use churn::{Change, Churn, ChurnEvent, ChurnModel, Start};
pub use config::Config;
pub use distribution::Distribution;
pub use failure::{busiest, random_share};
pub use host::{Host, Nat, PeerIndex};
pub use metrics::{Cause, Count, Metrics};
pub use population::{Access, Population, Profile};
pub use store::{NoStore, Store};
pub use underlay::{LinkLoad, Place, Position, Underlay};
pub use world::World;
