//! What becomes of a descriptor that was received.

use super::{TtlRules, forward};
use crate::{Header, PayloadType};

/// How a type travels (Gnutella 0.4, "Descriptor Routing").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routing {
    /// To all other neighbours, once: Ping, Query.
    Flooded,
    /// Back where what it answers came from, by its GUID: Pong, QueryHit.
    Back,
    /// Back where the hit came from, by the servent's GUID in its payload: Push.
    ToServent,
    /// Not at all: Bye, QRP, vendor messages, and whatever is unknown.
    Never,
}

impl Routing {
    /// How this type travels.
    pub const fn of(payload_type: PayloadType) -> Self {
        match payload_type {
            PayloadType::PING | PayloadType::QUERY => Self::Flooded,
            PayloadType::PONG | PayloadType::QUERY_HIT => Self::Back,
            PayloadType::PUSH => Self::ToServent,
            _ => Self::Never,
        }
    }
}

/// What to do with a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Look at it, and pass it on with this TTL and hops if both are given.
    Handle {
        /// How it travels.
        routing: Routing,
        /// TTL and hops to pass it on with; `None` if it ends here.
        onward: Option<(u8, u8)>,
    },
    /// Forget it.
    Drop(DropReason),
}

/// Why a descriptor is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropReason {
    /// TTL or hops are above the hard limit.
    #[error("travelled or wants to travel too far")]
    TooFar,
    /// It was seen before; for a flooded one, it came around.
    #[error("seen before")]
    Duplicate,
    /// Nothing is known that it answers, or it is for a servent nobody knows the way to.
    #[error("no way back")]
    NoRoute,
    /// It is not for passing on, and was.
    #[error("passed on, though it never is")]
    PassedOn,
}

/// Judges a descriptor by its header. `seen` says whether its GUID was seen before with its type;
/// `has_route`, for types that travel back, whether the way is known.
///
/// The TTL that goes on is cut by the rules, but not a Pong's or a hit's: they have a way to go that
/// is known already (LimeWire).
pub fn received(header: &Header, rules: &TtlRules, seen: bool, has_route: bool) -> Received {
    let Header { payload_type, ttl, hops, .. } = *header;
    let Ok(cut) = rules.received(ttl, hops) else { return Received::Drop(DropReason::TooFar) };
    let routing = Routing::of(payload_type);
    let onward = match routing {
        Routing::Flooded if seen => return Received::Drop(DropReason::Duplicate),
        Routing::Back | Routing::ToServent if !has_route => {
            return Received::Drop(DropReason::NoRoute);
        }
        Routing::Never if hops > 0 => return Received::Drop(DropReason::PassedOn),
        Routing::Never => None,
        Routing::Flooded | Routing::ToServent => forward(cut, hops),
        Routing::Back => forward(ttl, hops),
    };
    Received::Handle { routing, onward }
}
