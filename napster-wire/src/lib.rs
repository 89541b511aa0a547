#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod checksum;
mod cursor;
mod decoded;
mod download;
mod error;
mod field;
mod frame;
mod ip;
mod limits;
mod link_speed;
mod login;
mod message;
mod nick;
mod number;
mod search;
mod search_result;
mod share;
mod sink;
mod stats;
mod transfer;

pub use checksum::Checksum;
pub use decoded::Decoded;
pub use download::{FileReference, FileSource};
pub use error::{DecodeError, DecodeErrorKind, FieldError};
pub use field::{Extra, MAX_FIELD, Quoted, Text, Word};
pub use frame::{Frame, HEADER};
pub use ip::IpNumber;
pub use limits::Limits;
pub use link_speed::LinkSpeed;
pub use login::{Login, Registration};
pub use message::{Message, OwnedMessage, Raw, type_name};
pub use nick::is_official_nick;
pub use search::{Comparison, Criterion, MAX_CRITERIA, Search, UnknownCriterion};
pub use search_result::SearchResult;
pub use share::{Share, Unshare};
pub use stats::Stats;
pub use transfer::answer::{OffsetAnswer, Refusal, SizeAnswer};
pub use transfer::greeting::{GREETING, decode_greeting};
pub use transfer::request::{Direction, MAX_REQUEST, TransferRequest};
