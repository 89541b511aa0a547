//! What is known of a neighbour besides its link.

use alloc::boxed::Box;
use core::net::SocketAddrV4;

use gnutella_wire::{Guid, Offer, PackedTable, QrpReceiver, Role, RoutedQuery, Version};
use overlay_bloom::Standard;
use overlay_peer::{Coding, Time};

/// What the other side of a link said of itself, and its table.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub version: Version,
    pub role: Role,
    /// To how many ultrapeers it is linked (`X-Degree`).
    pub degree: u16,
    /// The highest TTL of queries it wants (`X-Max-TTL`).
    pub max_ttl: u8,
    pub features: Features,
    /// In which directions the link is deflated.
    pub coding: Coding,
    pub supported: Supported,
    /// Its table, when it is complete.
    pub table: Option<PackedTable>,
    /// What it has, as a Bloom filter: asked instead of the table if it is there.
    pub bloom: Option<Box<Standard>>,
    /// A table under way.
    pub receiving: Option<Box<QrpReceiver>>,
    /// Whether it has the table that was published last.
    pub in_step: bool,
    /// When it was last answered a Ping with cached Pongs.
    pub pinged: Option<Time>,
    /// Queries with as many hops or more are not wanted; 255 lifts the restriction.
    pub hops_flow: u8,
    /// The servent whose push proxy we are on this link.
    pub proxied: Option<Guid>,
    /// Where it takes Pushes for us.
    pub proxy: Option<SocketAddrV4>,
}

/// What a neighbour understands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Features {
    pub bye: bool,
    pub vendor: bool,
    /// Tables from a leaf.
    pub routing: bool,
    /// Entries of one bit.
    pub narrow: bool,
    /// Tables between ultrapeers.
    pub ultrapeer_routing: bool,
    /// Its tables have keywords only: whether it has a file of some hash they do not tell.
    pub no_urns: bool,
}

/// Which of the vendor messages that this servent sends a neighbour understands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Supported(u8);

impl Supported {
    /// `BEAR/11` and `BEAR/12`.
    pub const QUERY_STATUS: u8 = 1;
    /// `OVLY/1`.
    pub const BLOOM: u8 = 4;
    /// `LIME/21` and `LIME/22`.
    pub const PUSH_PROXY: u8 = 2;

    pub fn has(self, which: u8) -> bool {
        self.0 & which != 0
    }

    pub fn add(&mut self, which: u8) {
        self.0 |= which;
    }
}

impl Known {
    /// To how many ultrapeers one is linked that does not say so (the dynamic query draft).
    const DEGREE: u16 = 6;
    /// The most of that a neighbour is believed.
    const MAX_DEGREE: u16 = 200;

    /// A neighbour of 0.4, of which nothing is known.
    pub fn plain(max_ttl: u8) -> Self {
        Self {
            version: Version::V04,
            role: Role::Plain,
            degree: Self::DEGREE,
            max_ttl,
            features: Features::default(),
            coding: Coding::PLAIN,
            supported: Supported::default(),
            table: None,
            bloom: None,
            receiving: None,
            in_step: false,
            pinged: None,
            hops_flow: u8::MAX,
            proxied: None,
            proxy: None,
        }
    }

    /// What a head of the handshake says.
    pub fn of(offer: &Offer<'_>, max_ttl: u8) -> Self {
        let routing = offer.query_routing();
        Self {
            role: offer.role(),
            degree: offer.degree().unwrap_or(Self::DEGREE).clamp(1, Self::MAX_DEGREE),
            max_ttl: offer.max_ttl().unwrap_or(max_ttl).clamp(1, max_ttl),
            features: Features {
                bye: offer.bye_packet().is_some(),
                vendor: offer.vendor_messages().is_some(),
                routing: routing.is_some(),
                narrow: routing.is_some_and(|it| it >= Version { major: 0, minor: 2 }),
                ultrapeer_routing: offer.ultrapeer_query_routing().is_some(),
                no_urns: is_gtk_gnutella(offer),
            },
            ..Self::plain(max_ttl)
        }
    }

    /// Whether it may have an answer; `None` as long as it has not said what it has.
    pub fn may_answer(&self, query: &RoutedQuery) -> Option<bool> {
        match (&self.bloom, &self.table) {
            // Filters have no urns.
            (Some(bloom), _) if query.words() > 0 => {
                Some(query.passes(|hash| bloom.contains_u64(hash.into())))
            }
            (_, Some(table)) if self.is_silent_on(query) => Some(table.count() > 0),
            (_, Some(table)) => Some(table.may_answer(query)),
            (_, None) => None,
        }
    }

    /// Whether its table can not say that it has what is asked for.
    pub fn is_silent_on(&self, query: &RoutedQuery) -> bool {
        self.features.no_urns && query.words() == 0 && !query.is_empty()
    }

    pub fn heap_bytes(&self) -> usize {
        let receiving = self.receiving.as_ref();
        let bloom = self.bloom.as_ref();
        bloom.map_or(0, |it| size_of::<Standard>() + size_of_val(it.words()))
            + self.table.as_ref().map_or(0, PackedTable::heap_bytes)
            + receiving.map_or(0, |it| size_of::<QrpReceiver>() + it.heap_bytes())
    }
}

/// Whether it is a gtk-gnutella, which does some things in its own way.
pub(crate) fn is_gtk_gnutella(offer: &Offer<'_>) -> bool {
    offer.user_agent().is_some_and(|name| name.starts_with(b"gtk-gnutella/"))
}
