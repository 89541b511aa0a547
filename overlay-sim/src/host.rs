//! Where a peer runs.

use std::net::IpAddr;

use natsim::Behaviour;
use overlay_peer::Address;

use crate::Place;

/// A peer's number in its world, in the order of [`World::add`](crate::World::add). Not an address:
/// peers never see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerIndex(pub u32);

impl PeerIndex {
    /// As an index into per-peer tables.
    pub fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// The host of one peer.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// What the peer is bound to; behind a NAT, a private address.
    pub address: Address,
    /// The NAT between the host and the world.
    pub nat: Option<Nat>,
    /// How fast the host sends, in bytes a second; 0 counts as 1.
    pub upload: u64,
    /// Where the host is.
    pub place: Place,
}

/// A host's NAT. Hosts that name the same public address share one device.
#[derive(Clone, Copy, Debug)]
pub struct Nat {
    /// The device's address outside.
    pub public: IpAddr,
    /// What the device does; of hosts that share one, the first one's counts.
    pub behaviour: Behaviour,
}

impl Host {
    /// A host that everyone can reach, with an upload of 1 MB a second.
    pub fn open(address: Address) -> Self {
        Self { address, nat: None, upload: 1_000_000, place: Place::default() }
    }

    /// A host behind a NAT.
    pub fn behind(address: Address, public: IpAddr, behaviour: Behaviour) -> Self {
        Self { nat: Some(Nat { public, behaviour }), ..Self::open(address) }
    }

    /// The same host at another upload speed, in bytes a second, at least 1.
    pub fn with_upload(self, upload: u64) -> Self {
        Self { upload: upload.max(1), ..self }
    }

    /// The same host at another place: a [`Position`](crate::Position) on the plane, or
    /// [`Place::number`] of a router.
    pub fn at(self, place: impl Into<Place>) -> Self {
        Self { place: place.into(), ..self }
    }
}
