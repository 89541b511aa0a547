#![doc = include_str!("../README.md")]

mod bench;
mod case;
mod clock;
pub mod gnutella;
mod inputs;
#[cfg(feature = "system-peers")]
pub mod libtorrent;
mod median;
mod process;
mod report;
mod tally;

pub use bench::{Bench, Options};
pub use case::{Case, Unit};
pub use clock::child_cpu_seconds;
pub use inputs::{Inputs, noise};
pub use process::{Served, Usage};
pub use report::{Measured, Report};
pub use tally::Tally;
