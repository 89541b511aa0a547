//! Gnutella 0.6: members that can be reached are ultrapeers if they are needed, the others leaves.

use std::sync::Arc;
use std::time::Duration;

use overlay_gnutella::{Capabilities, Command, Event, Hit, Mode, Servent, Settings, Settings06};
use overlay_peer::Address;

use super::Gnutella04;
use crate::{FileId, Footprint, Library, Member, Reaction, System, SystemName};

/// The adapter. Commands and events are those of 0.4; what differs is how the servents are set up.
#[derive(Clone, Debug)]
pub struct Gnutella06(Gnutella04);

impl Gnutella06 {
    /// A Gnutella that shares the files of this library, with the settings of
    /// [`settings`](Self::settings).
    pub fn new(library: Arc<Library>) -> Self {
        Self::with_settings(library, Self::settings())
    }

    /// The same with other settings.
    pub fn with_settings(library: Arc<Library>, settings: Settings) -> Self {
        Self(Gnutella04::with_settings(library, settings))
    }

    /// A servent's defaults (3 ultrapeers for a leaf, 30 leaves and up to 32 ultrapeers for an ultrapeer,
    /// dynamic querying), but for two. It uploads to 32 at a time, as in the other systems. And
    /// queries do not say that their sender is firewalled: then others behind NATs would keep quiet,
    /// and what was found would not mean the same as in the other systems.
    pub fn settings() -> Settings {
        Settings {
            v06: Some(Settings06 { tell_firewalled: false, ..Settings06::default() }),
            ping_ttl: 4,
            uploads: 32,
            ping_interval: Some(Duration::from_secs(45)),
            ..Settings::default()
        }
    }
}

impl System for Gnutella06 {
    type Peer = Servent;
    type Hit = Hit;
    const NAME: SystemName = SystemName::Gnutella06;

    /// All members are equally able but for NATs. The well-known one is an ultrapeer whatever happens:
    /// newcomers are sent to it.
    fn peer(&mut self, member: &Member<'_>) -> Servent {
        let mode = if member.number == 0 { Mode::Ultrapeer } else { Mode::Elected };
        self.0.servent(member, Capabilities { mode, ..Capabilities::GOOD })
    }

    fn join(&mut self, member: u32, introducers: &[Address]) -> Vec<Command> {
        self.0.join(member, introducers)
    }

    /// Nothing is announced by itself: a leaf's table tells its ultrapeers when it joins.
    fn publish(&mut self, member: u32, files: &[FileId]) -> Vec<Command> {
        self.0.publish(member, files)
    }

    fn search(&mut self, member: u32, search: u32, keywords: &[&str]) -> Vec<Command> {
        self.0.search(member, search, keywords)
    }

    fn fetch(&mut self, member: u32, fetch: u32, hit: &Hit) -> Vec<Command> {
        self.0.fetch(member, fetch, hit)
    }

    fn observe(&mut self, member: u32, event: Event) -> Vec<Reaction<Command, Hit>> {
        self.0.observe(member, event)
    }

    fn footprint(peer: &Servent) -> Footprint {
        Gnutella04::footprint(peer)
    }
}
