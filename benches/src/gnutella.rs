//! Gnutella streams to read, and a walk through everything in them.

mod mix;
mod walk;

pub use mix::{Holds, Mix};
pub use walk::{Seen, walk};
