//! The systems under the four primitives, one short adapter each.

mod chord;
mod gnutella;
mod gnutella06;
mod napster;

pub use chord::Chord;
pub use gnutella::Gnutella04;
pub use gnutella06::Gnutella06;
pub use napster::Napster;
