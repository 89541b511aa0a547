//! The systems under the four primitives, one short adapter each.

mod chord;
mod gnutella;
mod napster;

pub use chord::Chord;
pub use gnutella::Gnutella04;
pub use napster::Napster;
