#![doc = include_str!("../README.md")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod adapters;
mod library;
mod objects;
mod primitives;
mod systems;

pub use library::{FileId, Intake, IntakeError, Library, SharedFile};
pub use objects::Stored;
pub use primitives::{Command, Failure, Footprint, Member, Outcome, Reaction, Route, System};
pub use systems::{SystemName, UnknownSystem, Visitor};
