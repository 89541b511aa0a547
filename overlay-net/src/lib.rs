#![doc = include_str!("../README.md")]
// A driver reads the clock; nothing else of the workspace's libraries does.
#![allow(clippy::disallowed_methods)]

mod addresses;
mod coding;
mod config;
mod connect;
mod core;
mod directory;
mod effects;
mod links;
mod node;
mod ranges;
mod rate;
mod ready;
mod socket;
mod stats;
mod store;
mod turn;

pub use addresses::is_public;
pub use config::Config;
pub use directory::{Directory, DirectoryError, file_name};
pub use node::{Drained, Node};
pub use stats::Stats;
pub use store::{NoStore, Store};
