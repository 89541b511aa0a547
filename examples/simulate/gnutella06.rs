//! Gnutella 0.6: every tenth peer is an ultrapeer, the others are leaves with three of them. The links of
//! the graph only say whom a peer knows when it comes: the other end, and the ultrapeer before that one
//! by number. The network is what they make of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, Mode, Servent, Settings, Settings06,
};
use overlay_peer::Address;

use crate::Options;
use crate::content::Content;
use crate::gnutella04;
use crate::network::{FIRST_ADDRESS, System};

/// What all servents share.
pub(crate) struct Gnutella06 {
    settings: Arc<Settings>,
    catalogue: Arc<Catalogue>,
}

/// One peer in so many is an ultrapeer: with 30 places for leaves each, as many as leaves need.
const ONE_IN: u32 = 10;

impl System for Gnutella06 {
    type Peer = Servent;
    const TTL: u8 = 3;
    const SETTLING: Duration = Duration::from_secs(120);
    const GOES_ON: Duration = Duration::from_secs(120);
    const BOTH: bool = true;

    fn new(options: &Options, content: &Content) -> Self {
        let max_ttl = options.ttl.unwrap_or(Self::TTL);
        let v06 = Settings06 { max_ttl, ..Settings06::default() };
        let settings = Settings {
            v06: Some(v06),
            ping_ttl: 4,
            ping_interval: options.pings.then_some(Duration::from_secs(45)),
            ..Settings::default()
        };
        Self { settings: Arc::new(settings), catalogue: gnutella04::catalogue(content) }
    }

    fn peer(&self, number: u32, guid: [u8; 16], shares: Vec<u32>) -> Servent {
        let mode = if number.is_multiple_of(ONE_IN) { Mode::Ultrapeer } else { Mode::Leaf };
        let config = Config {
            capabilities: Capabilities { mode, ..Capabilities::GOOD },
            settings: Arc::clone(&self.settings),
            ..Config::new(Guid::from_bytes(guid).marked())
        };
        Servent::new(config, Arc::clone(&self.catalogue), shares)
    }

    fn join(&self, to: Address) -> Command {
        let mut ultrapeer = to;
        if let IpAddr::V4(ip) = to.ip() {
            let number = ip.to_bits() - FIRST_ADDRESS;
            ultrapeer.set_ip(Ipv4Addr::from_bits(ip.to_bits() - number % ONE_IN).into());
        }
        Command::Join { hosts: vec![to, ultrapeer] }
    }

    fn leave(&self) -> Command {
        Command::Leave
    }

    fn search(&self, number: u32, text: String) -> Command {
        Command::Search { search: number, text }
    }

    fn links(peer: &Servent) -> usize {
        peer.neighbours().count()
    }

    fn entries(peer: &Servent) -> usize {
        peer.footprint().0
    }

    fn found(event: &Event) -> Option<u32> {
        match event {
            Event::Hit { search, .. } => Some(*search),
            _ => None,
        }
    }
}
