#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod build_error;
mod decoded;
mod error;
mod frame;
mod guid;
mod handshake;
mod head;
mod header;
mod keyword;
mod limits;
mod message;
mod opening;
mod payload;
mod ping;
mod pong;
mod push;
mod query;
mod query_hit;
mod read;
mod trailer;
mod transfer;
mod ttl;

pub use build_error::BuildError;
pub use decoded::Decoded;
pub use error::{DecodeError, DecodeErrorKind};
pub use frame::Frame;
pub use guid::Guid;
pub use handshake::{Connect, Reply, Version};
pub use head::{Fields, Head, HeadBuilder, OwnedHead};
pub use header::{Header, PayloadType};
pub use keyword::{Keyword, Keywords, keywords};
pub use limits::Limits;
pub use message::{Message, OwnedMessage};
pub use opening::Opening;
pub use payload::{OwnedPayload, Payload};
pub use ping::{OwnedPing, Ping};
pub use pong::{OwnedPong, Pong};
pub use push::{OwnedPush, Push};
pub use query::{OwnedQuery, Query, QueryFlags};
pub use query_hit::{HitResult, OwnedQueryHit, QueryHit, Results};
pub use trailer::Trailer;
pub use transfer::{ByteRange, ContentRange, Giv, Request, Response, Target};
pub use ttl::{Dropped, TtlRules, forward};
