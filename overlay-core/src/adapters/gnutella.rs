//! Gnutella 0.4: all members are servents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, FetchFailure, Hit, Servent, Settings,
    SharedFile,
};
use overlay_peer::{Address, input_seed};

use crate::{
    Failure, FileId, Footprint, Library, Member, Outcome, Reaction, Route, Stored, System,
    SystemName,
};

/// The adapter.
#[derive(Clone, Debug)]
pub struct Gnutella04 {
    library: Arc<Library>,
    catalogue: Arc<Catalogue>,
    settings: Arc<Settings>,
    members: BTreeMap<Guid, u32>,
    /// How many neighbours each member has.
    links: BTreeMap<u32, u32>,
}

impl Gnutella04 {
    /// A Gnutella that shares the files of this library, with the settings of [`settings`](Self::settings).
    pub fn new(library: Arc<Library>) -> Self {
        Self::with_settings(library, Self::settings())
    }

    /// The same with other settings.
    pub fn with_settings(library: Arc<Library>, settings: Settings) -> Self {
        let catalogue = Catalogue::new(library.files().map(|(id, file)| SharedFile {
            name: file.name().to_owned(),
            size: file.size(),
            object: Stored::Content(id).into(),
        }));
        Self {
            library,
            catalogue: Arc::new(catalogue),
            settings: Arc::new(settings),
            members: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    /// A servent's defaults (TTL 7, 4 links wanted), but for three numbers. It takes 32 links, because
    /// most members sit behind NATs and can only connect to those that do not. Its exploring Ping has
    /// TTL 2: with 7, every join would be answered by every member. And it uploads to 32 at a time.
    pub fn settings() -> Settings {
        Settings {
            max_links: 32,
            ping_ttl: 2,
            uploads: 32,
            ping_interval: Some(Duration::from_secs(45)),
            ..Settings::default()
        }
    }

    /// The servent of a member.
    pub(super) fn servent(&mut self, member: &Member<'_>, capabilities: Capabilities) -> Servent {
        // Any distinct GUIDs do; these are the same in every run.
        let halves = [0, 1].map(|half| input_seed(0, member.number, half).to_le_bytes());
        let mut guid = [0; 16];
        guid.copy_from_slice(halves.as_flattened());
        let servent = Guid::from_bytes(guid).marked();
        self.members.insert(servent, member.number);
        let config = Config {
            firewalled: member.reachable.is_none(),
            advertise: member.reachable,
            capabilities,
            settings: Arc::clone(&self.settings),
            ..Config::new(servent)
        };
        let files = member.files.iter().map(|file| file.0);
        Servent::new(config, Arc::clone(&self.catalogue), files)
    }
}

impl System for Gnutella04 {
    type Peer = Servent;
    type Hit = Hit;
    const NAME: SystemName = SystemName::Gnutella04;

    fn peer(&mut self, member: &Member<'_>) -> Servent {
        self.servent(member, Capabilities::default())
    }

    fn join(&mut self, _: u32, introducers: &[Address]) -> Vec<Command> {
        vec![Command::Join { hosts: introducers.to_vec() }]
    }

    /// Nothing is announced: a servent answers for what it shares when it is asked.
    fn publish(&mut self, _: u32, _: &[FileId]) -> Vec<Command> {
        Vec::new()
    }

    fn search(&mut self, _: u32, search: u32, keywords: &[&str]) -> Vec<Command> {
        vec![Command::Search { search, text: keywords.join(" ") }]
    }

    fn fetch(&mut self, _: u32, fetch: u32, hit: &Hit) -> Vec<Command> {
        let into = Stored::Download(fetch).into();
        vec![Command::Fetch { fetch, hit: hit.clone(), into, from: 0 }]
    }

    fn observe(&mut self, member: u32, event: Event) -> Vec<Reaction<Command, Hit>> {
        let outcome = match event {
            Event::Linked { .. } => {
                *self.links.entry(member).or_default() += 1;
                Outcome::Joined
            }
            // A servent without room takes a newcomer only to tell it other hosts.
            Event::Unlinked { .. } => {
                let links = self.links.entry(member).or_default();
                *links = links.saturating_sub(1);
                match *links {
                    0 => Outcome::NotJoined,
                    _ => return Vec::new(),
                }
            }
            Event::Hit { search, hops, hit } => {
                let file = self.library.named(&hit.name_lossy());
                match (file, self.members.get(&hit.servent)) {
                    (Some(file), Some(&source)) => {
                        Outcome::Found { search, file, source, hops: hops.into(), hit }
                    }
                    _ => return Vec::new(),
                }
            }
            Event::Fetched { fetch, bytes, pushed } => {
                let route = if pushed { Route::Reversed } else { Route::Direct };
                Outcome::Fetched { fetch, bytes, route }
            }
            Event::FetchFailed { fetch, reason } => {
                let why = match reason {
                    FetchFailure::BothFirewalled
                    | FetchFailure::Unreachable(_)
                    | FetchFailure::NoRoute
                    | FetchFailure::PushUnanswered => Failure::Unreachable,
                    _ => Failure::Failed,
                };
                Outcome::NotFetched { fetch, why }
            }
            Event::Misbehaved { .. } => Outcome::Misbehaved,
            _ => return Vec::new(),
        };
        vec![Reaction::Outcome(outcome)]
    }

    fn footprint(peer: &Servent) -> Footprint {
        let (entries, bytes) = peer.footprint();
        Footprint { entries: entries as u64, bytes: bytes as u64 }
    }
}
