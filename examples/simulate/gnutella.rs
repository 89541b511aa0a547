//! Gnutella, both versions. In 0.4 every peer is a servent and queries flood. In 0.6 every tenth peer is
//! an ultrapeer, the others are leaves with three of them; the links of the graph then only say whom a
//! peer knows when it comes: the other end, and the ultrapeer before that one by number. The network is
//! what they make of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, Mode, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_peer::{Address, Object};

use crate::Options;
use crate::content::Content;
use crate::network::{FIRST_ADDRESS, System};

/// A flat network of servents.
pub(crate) type Gnutella04 = Gnutella<false>;

/// One of ultrapeers and leaves.
pub(crate) type Gnutella06 = Gnutella<true>;

/// What all servents share.
pub(crate) struct Gnutella<const ULTRAPEERS: bool> {
    settings: Arc<Settings>,
    catalogue: Arc<Catalogue>,
}

/// One peer in so many is an ultrapeer: with 30 places for leaves each, as many as leaves need.
const ONE_IN: u32 = 10;

impl<const ULTRAPEERS: bool> System for Gnutella<ULTRAPEERS> {
    type Peer = Servent;
    const TTL: u8 = if ULTRAPEERS { 3 } else { 7 };
    const SETTLING: Duration = Duration::from_secs(if ULTRAPEERS { 120 } else { 20 });
    const GOES_ON: Duration = Duration::from_secs(if ULTRAPEERS { 120 } else { 0 });
    const BOTH: bool = ULTRAPEERS;

    fn new(options: &Options, content: &Content) -> Self {
        let ttl = options.ttl.unwrap_or(Self::TTL);
        let common = Settings {
            ping_interval: options.pings.then_some(Duration::from_secs(45)),
            ..Settings::default()
        };
        let settings = if ULTRAPEERS {
            let v06 = Settings06 { max_ttl: ttl, ..Settings06::default() };
            Settings { v06: Some(v06), ping_ttl: 4, ..common }
        } else {
            Settings {
                ttl,
                ping_ttl: if options.pings { ttl } else { 0 },
                // The links are those of the graph: no servent looks for others, or, without Pings,
                // learns of any.
                target_links: 0,
                max_links: Settings::LINKS,
                hosts: if options.pings { common.hosts } else { 0 },
                ..common
            }
        };
        let files = (0u64..).zip(content.names());
        let file = |(number, name)| SharedFile { name, size: 4_000_000, object: Object(number) };
        let catalogue = Catalogue::new(files.map(file));
        Self { settings: Arc::new(settings), catalogue: Arc::new(catalogue) }
    }

    fn peer(&self, number: u32, guid: [u8; 16], shares: Vec<u32>) -> Servent {
        let settings = Arc::clone(&self.settings);
        let mut config = Config { settings, ..Config::new(Guid::from_bytes(guid).marked()) };
        if ULTRAPEERS {
            let mode = if number.is_multiple_of(ONE_IN) { Mode::Ultrapeer } else { Mode::Leaf };
            config.capabilities = Capabilities { mode, ..Capabilities::GOOD };
        }
        Servent::new(config, Arc::clone(&self.catalogue), shares)
    }

    fn join(&self, to: Address) -> Command {
        let mut hosts = vec![to];
        if let (true, IpAddr::V4(ip)) = (ULTRAPEERS, to.ip()) {
            let number = ip.to_bits() - FIRST_ADDRESS;
            let ip = Ipv4Addr::from_bits(ip.to_bits() - number % ONE_IN);
            hosts.push(Address::new(ip.into(), to.port()));
        }
        Command::Join { hosts }
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
