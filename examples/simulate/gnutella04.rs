//! Gnutella 0.4: every peer is a servent, queries flood.

use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{Catalogue, Command, Config, Event, Servent, Settings, SharedFile};
use overlay_peer::{Address, Object};

use crate::Options;
use crate::content::Content;
use crate::network::System;

/// What all servents share.
pub(crate) struct Gnutella04 {
    settings: Arc<Settings>,
    catalogue: Arc<Catalogue>,
}

/// The files as a servent shares them.
pub(crate) fn catalogue(content: &Content) -> Arc<Catalogue> {
    let files = (0u64..).zip(content.names());
    let file = |(number, name)| SharedFile { name, size: 4_000_000, object: Object(number) };
    Arc::new(Catalogue::new(files.map(file)))
}

impl System for Gnutella04 {
    type Peer = Servent;
    const TTL: u8 = 7;

    fn new(options: &Options, content: &Content) -> Self {
        let ping_interval = options.pings.then_some(Duration::from_secs(45));
        let ttl = options.ttl.unwrap_or(Self::TTL);
        let settings = Settings {
            ttl,
            ping_ttl: if options.pings { ttl } else { 0 },
            ping_interval,
            // The links are those of the graph: no servent looks for others, or, without Pings, learns
            // of any.
            target_links: 0,
            max_links: Settings::LINKS,
            hosts: if options.pings { Settings::default().hosts } else { 0 },
            ..Settings::default()
        };
        Self { settings: Arc::new(settings), catalogue: catalogue(content) }
    }

    fn peer(&self, _: u32, guid: [u8; 16], shares: Vec<u32>) -> Servent {
        let settings = Arc::clone(&self.settings);
        let config = Config { settings, ..Config::new(Guid::from_bytes(guid).marked()) };
        Servent::new(config, Arc::clone(&self.catalogue), shares)
    }

    fn join(&self, to: Address) -> Command {
        Command::Join { hosts: vec![to] }
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
