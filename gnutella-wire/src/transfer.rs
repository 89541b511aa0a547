//! Transfers: the HTTP heads of a download, and the `GIV` line of a pushed one.

mod fields;
mod giv;
mod range;
mod request;
mod response;

pub use fields::{QueuePlace, TransferFields};
pub use giv::Giv;
pub use range::{ByteRange, ContentRange};
pub use request::{Method, Request, Target};
pub use response::Response;
