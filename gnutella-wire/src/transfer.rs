//! Transfers: the HTTP heads of a download, and the `GIV` line of a pushed one.

mod giv;
mod range;
mod request;
mod response;

pub use giv::Giv;
pub use range::{ByteRange, ContentRange};
pub use request::{Request, Target};
pub use response::Response;
