//! What a servent decides, as functions of what it knows: no state, no clock, no dice.

mod dynamic_query;
mod ping;
mod profile;
mod route;
mod source;
mod ttl;

pub use dynamic_query::{DynamicQuery, DynamicStep, horizon};
pub use ping::{CachedPong, PingAnswer, PongRules, answer_ping};
pub use profile::{Profile, Violation};
pub use route::{DropReason, Received, Routing, received};
pub use source::{Source, SourceQuality};
pub use ttl::{Dropped, TtlRules, forward};
