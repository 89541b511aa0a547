#![doc = include_str!("../README.md")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod capture;
pub mod churn;
mod config;
mod core;
mod deliver;
pub mod distribution;
mod downlink;
mod effects;
mod event;
mod export;
mod failure;
mod half_edge;
mod histogram;
mod host;
mod hosts;
mod link;
mod metrics;
mod names;
mod partition;
pub mod pcap;
mod population;
mod queue;
mod revive;
mod series;
mod store;
pub mod topology;
mod trace;
pub mod underlay;
mod world;

pub use churn::{Change, Churn, ChurnEvent, ChurnModel, Start};
pub use config::Config;
pub use distribution::Distribution;
pub use failure::{busiest, random_share};
pub use histogram::Histogram;
pub use host::{Host, Nat, PeerIndex};
pub use metrics::{Cause, Count, Metrics};
pub use population::{Access, Population, Profile};
pub use series::{Interval, Series};
pub use store::{NoStore, Store};
pub use underlay::{LinkLoad, Place, Position, Underlay};
pub use world::World;
