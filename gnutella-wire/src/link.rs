//! The bytes of a link after its handshake: descriptors, deflated or not.

mod inflater;
mod reader;
mod writer;

pub use reader::LinkReader;
pub use writer::LinkWriter;
