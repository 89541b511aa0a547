#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod decode;
mod digits;
mod edit;
mod encode;
mod error;
mod integer;
mod limits;
mod map;
mod node;
mod scan;
#[cfg(feature = "serde")]
pub mod serde;
mod token;
mod value;
mod walk;

pub use decode::{Decoded, Decoder, Document, decode, decode_lenient, decode_prefix};
pub use edit::{Edit, EditError, EditErrorKind, Step};
pub use error::{DecodeError, Deviation, DeviationKind, ErrorKind, Expected};
pub use integer::Integer;
pub use limits::Limits;
pub use map::{Map, MapIter};
pub use node::{Dict, DictIter, Kind, List, ListIter, Node, NodeId};
pub use token::Tape;
pub use value::{Raw, Value};
pub use walk::{Event, Walk};
