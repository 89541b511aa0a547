#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(feature = "tokio")]
extern crate std;

mod addresses;
mod build_error;
mod bye;
mod cobs;
#[cfg(feature = "tokio")]
mod codec;
mod crawler_pong;
mod decide;
mod decoded;
mod error;
mod extension;
mod frame;
mod ggep;
mod ggep_build;
mod ggep_value;
mod guid;
mod handshake;
mod head;
mod header;
mod inflate;
mod keyword;
mod limits;
mod link;
mod message;
mod opening;
mod partial;
mod payload;
mod ping;
mod pong;
mod push;
mod qrp;
mod query;
mod query_hit;
mod read;
mod trailer;
mod transfer;
mod urn;
mod vendor;
mod vendor_message;
mod xml;

pub use addresses::{AddressList, is_tls};
pub use build_error::BuildError;
pub use bye::{Bye, OwnedBye};
#[cfg(feature = "tokio")]
pub use codec::{CodecError, LinkCodec};
pub use crawler_pong::{CrawledHost, CrawlerPong};
pub use decide::{
    CachedPong, DropReason, Dropped, DynamicQuery, DynamicStep, PingAnswer, PongRules, Profile,
    Received, Routing, Source, SourceQuality, TtlRules, Violation, answer_ping, forward, horizon,
    received,
};
pub use decoded::Decoded;
pub use error::{DecodeError, DecodeErrorKind};
pub use extension::{Extension, Extensions};
pub use frame::Frame;
pub use ggep::{Ggep, GgepFault, GgepItem};
pub use ggep_build::GgepBuilder;
pub use ggep_value::{GgepValue, ggep_number};
pub use guid::Guid;
pub use handshake::{
    Connect, Handshake, HandshakeError, HandshakeEvent, Link, Local, Offer, Refusal, Reply, Role,
    Version, roles_fit,
};
pub use head::{Fields, Head, HeadBuilder, OwnedHead, unfold};
pub use header::{Header, PayloadType};
pub use keyword::{Folded, Keyword, Keywords, keywords};
pub use limits::Limits;
pub use link::{LinkReader, LinkWriter};
pub use message::{Message, OwnedMessage};
pub use opening::Opening;
pub use partial::{partial_nodes, partial_range, partial_ranges, push_partial_ranges};
pub use payload::{OwnedPayload, Payload};
pub use ping::{OwnedPing, Ping};
pub use pong::{OwnedPong, Pong};
pub use push::{OwnedPush, Push};
pub use qrp::{
    OwnedQrp, PackedTable, Qrp, QrpError, QrpPatch, QrpProgress, QrpReceiver, QrpSending,
    QueryRouteTable, RoutedQuery, qrp_hash, scaled_slot, with_prefixes,
};
pub use query::{OwnedQuery, Query, QueryFlags};
pub use query_hit::{HitResult, OwnedQueryHit, QueryHit, Results};
pub use trailer::Trailer;
pub use transfer::{
    ByteRange, ContentRange, Giv, Method, QueuePlace, Request, Response, Target, TransferFields,
};
pub use urn::Urn;
pub use vendor::{OwnedVendor, Vendor, VendorId};
pub use vendor_message::{Capabilities, ReplyNumberRest, SupportedMessages, VendorMessage};
pub use xml::Xml;
