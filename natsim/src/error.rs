//! Why a packet did not get through, and what text is no behaviour.

use core::net::IpAddr;

use alloc::string::String;

/// Why a packet from inside could not leave. Nothing was created or refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The device lets no UDP through ([`Behaviour::blocks_udp`](crate::Behaviour::blocks_udp)).
    #[error("the device lets no udp through")]
    Blocked,
    /// Source, destination and the device's public address are not of one family.
    #[error("{address} is not of the device's address family")]
    Family {
        /// The address that does not fit.
        address: IpAddr,
    },
    /// All of [`Limits::mappings`](crate::Limits::mappings) are alive.
    #[error("the table holds {max} live mappings, none is left")]
    MappingsFull {
        /// The limit.
        max: u16,
    },
    /// No port of the class that the source's port belongs to is free (RFC 4787, REQ-3 and REQ-4).
    #[error("no free port in {first}..={last}")]
    PortsExhausted {
        /// The first port of the class.
        first: u16,
        /// The last port of the class.
        last: u16,
    },
    /// All of [`Limits::remotes`](crate::Limits::remotes) are alive.
    #[error("the table holds {max} live remotes, no room for another")]
    RemotesFull {
        /// The limit.
        max: u16,
    },
}

/// Why a packet from outside was dropped. Nothing was created or refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DropReason {
    /// It is not addressed to the device's public address.
    #[error("not addressed to this device")]
    NotOurs,
    /// The device lets no UDP through ([`Behaviour::blocks_udp`](crate::Behaviour::blocks_udp)).
    #[error("the device lets no udp through")]
    Blocked,
    /// Its source is not of the device's address family.
    #[error("{address} is not of the device's address family")]
    Family {
        /// The source.
        address: IpAddr,
    },
    /// No mapping is alive at that port.
    #[error("no mapping at that port")]
    NoMapping,
    /// There is a mapping, and its filter does not let this source in.
    #[error("filtered: the mapping has not sent there")]
    Filtered,
    /// It comes from the device's own public address, and the device does not hairpin.
    #[error("the device does not hairpin")]
    Hairpin,
}

/// A text that names no behaviour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {expected}")]
pub struct ParseBehaviourError {
    pub(crate) text: String,
    pub(crate) expected: &'static str,
}
