//! The engine behind the `compare` example: real files, one workload, every system under the
//! simulator, the same measurements. And what all programs do around their work. The programs
//! themselves are the files beside this crate's manifest; `README.md` says where to start.

mod disk;
pub mod escape;
mod fetch;
mod files;
mod lines;
mod measure;
mod nat_mix;
mod net;
mod program;
mod report;
mod ring_world;
mod room;
mod run;
mod running;
mod workload;

pub use disk::Disk;
pub use files::{FilesError, Source, read_library, sources};
pub use lines::Lines;
pub use nat_mix::{NatMix, NatMixError};
pub use program::{Failure, program};
pub use report::{Report, Summary, table};
pub use ring_world::{RingOutcome, RingPlan, RingWorld};
pub use room::room;
pub use run::{Compared, compare};
pub use running::{leave_signal, run_node};
pub use workload::{Plan, PlanError, Workload};
