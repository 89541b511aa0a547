//! A world with one index server and its clients, for the tests.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, FetchFailure, FileId, Hit, NapsterPeer,
    Server, ServerConfig, SharedFile,
};
use overlay_peer::{Address, Object, StoreError, Time};
use overlay_sim::{Cause, Config, Host, PeerIndex, Store, World};

pub const JOIN: Cause = Cause(1);
pub const PUBLISH: Cause = Cause(2);
pub const SEARCH: Cause = Cause(3);
pub const FETCH: Cause = Cause(4);

/// Each peer's own objects. Shared files are made up from their object's number when read.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// Sizes of the shared files.
    pub shared: BTreeMap<Object, u64>,
    /// What was downloaded.
    pub written: BTreeMap<(PeerIndex, Object), Vec<u8>>,
    /// Objects that can not be written.
    pub broken: Vec<Object>,
}

/// What a shared file holds. Files with an even number begin with digits.
pub fn content(object: Object, size: u64) -> Vec<u8> {
    (0..size)
        .map(|at| match object.0 % 2 {
            0 if at < 9 => b'1' + at as u8,
            _ => (at.wrapping_mul(31).wrapping_add(object.0) >> 3) as u8,
        })
        .collect()
}

impl Store for Disk {
    fn read(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let size = *self.shared.get(&object).ok_or(StoreError::NotFound)?;
        let end = offset + u64::from(len);
        if end > size {
            return Err(StoreError::OutOfRange { size });
        }
        Ok(content(object, size)[offset as usize..end as usize].to_vec().into())
    }

    fn write(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        if self.broken.contains(&object) {
            return Err(StoreError::Full);
        }
        let file = self.written.entry((peer, object)).or_default();
        assert_eq!(file.len() as u64, offset, "a download is written in order");
        file.extend_from_slice(bytes);
        Ok(())
    }
}

pub struct Network {
    pub world: World<NapsterPeer, Disk>,
    pub server: PeerIndex,
    pub catalogue: Arc<Catalogue>,
}

pub const SERVER: Address =
    Address::V4(core::net::SocketAddrV4::new(core::net::Ipv4Addr::new(198, 51, 100, 1), 8888));

pub fn address(number: u8) -> Address {
    Address::from(([192, 0, 2, number], 6699))
}

/// File `number`, of this name and size, with made-up properties.
pub fn file(number: u64, name: &str, size: u64) -> SharedFile {
    SharedFile {
        bitrate: 64 + 32 * (number % 5) as u32,
        frequency: 44_100,
        seconds: 60,
        ..SharedFile::new(name, [number as u8; 16], size, Object(number))
    }
}

impl Network {
    /// A world of the server alone, where messages are checked. `files` are (name, size).
    pub fn new(files: &[(&str, u64)]) -> Self {
        Self::with(files, Config { seed: 7, checked: true, ..Config::default() }, |_| {})
    }

    pub fn with(
        files: &[(&str, u64)],
        config: Config,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let mut catalogue = Catalogue::new();
        let mut disk = Disk::default();
        for (number, (name, size)) in files.iter().enumerate() {
            let number = number as u64;
            catalogue.add(file(number, name, *size)).unwrap();
            disk.shared.insert(Object(number), *size);
        }
        let mut world = World::new(config, disk);
        let mut config = ServerConfig::default();
        change(&mut config);
        let server = world.add(Server::new(config).into(), Host::open(SERVER));
        Self { world, server, catalogue: Arc::new(catalogue) }
    }

    /// The catalogue's file of this number.
    pub fn id(&self, number: usize) -> FileId {
        self.catalogue.id(number).unwrap()
    }

    pub fn client(&mut self, config: ClientConfig, host: Host) -> PeerIndex {
        self.world.add(Client::new(config, Arc::clone(&self.catalogue)).into(), host)
    }

    /// A client anyone can reach, at `address(number)`, that has joined and shares these files.
    pub fn open_client(&mut self, nick: &str, number: u8, files: &[usize]) -> PeerIndex {
        let config = ClientConfig::new(nick, "secret").unwrap();
        self.joined(config, Host::open(address(number)), files)
    }

    pub fn joined(&mut self, config: ClientConfig, host: Host, files: &[usize]) -> PeerIndex {
        let client = self.client(config, host);
        self.join(client);
        self.publish(client, files);
        client
    }

    pub fn join(&mut self, client: PeerIndex) {
        self.world.command(client, Command::Join { server: SERVER }, JOIN);
        self.settle();
    }

    pub fn publish(&mut self, client: PeerIndex, files: &[usize]) {
        let files = files.iter().map(|number| self.id(*number)).collect();
        self.world.command(client, Command::Publish { files }, PUBLISH);
        self.settle();
    }

    /// Until nothing is under way.
    pub fn settle(&mut self) {
        assert!(self.world.run_until_idle(Duration::from_secs(600)), "still busy after 10 minutes");
    }

    pub fn events(&mut self) -> Vec<(PeerIndex, Event)> {
        self.world.drain_events().map(|(_, peer, event)| (peer, event)).collect()
    }

    pub fn events_of(&mut self, peer: PeerIndex) -> Vec<Event> {
        self.events().into_iter().filter(|(at, _)| *at == peer).map(|(_, event)| event).collect()
    }

    /// What a search for words finds, in the order of names and nicks.
    pub fn search(&mut self, client: PeerIndex, words: &'static str) -> Vec<Hit> {
        self.query(client, Search::words(words, 100).unwrap())
    }

    pub fn query(&mut self, client: PeerIndex, query: Search<'static>) -> Vec<Hit> {
        self.events();
        self.world.command(client, Command::Search { search: 77, query }, SEARCH);
        self.settle();
        let mut hits = Vec::new();
        let mut done = None;
        for event in self.events_of(client) {
            match event {
                Event::Hit { search: 77, hit } => hits.push(hit),
                Event::SearchDone { search: 77, found } => done = Some(found),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(done, Some(hits.len() as u32));
        hits.sort_by(|a, b| (&a.name, &a.nick).cmp(&(&b.name, &b.nick)));
        hits
    }

    pub fn names(&mut self, client: PeerIndex, words: &'static str) -> Vec<String> {
        self.search(client, words).iter().map(|hit| hit.name.to_string()).collect()
    }

    /// Fetches a hit into object 1000, until it ends.
    pub fn fetch(&mut self, client: PeerIndex, hit: Hit) -> Result<(u64, bool), FetchFailure> {
        self.events();
        let into = Object(1000);
        self.world.command(client, Command::Fetch { fetch: 5, hit, into }, FETCH);
        self.fetch_end(client, 5)
    }

    /// How a download ends, within ten minutes.
    pub fn fetch_end(
        &mut self,
        client: PeerIndex,
        number: u32,
    ) -> Result<(u64, bool), FetchFailure> {
        let end = self.world.now() + Duration::from_secs(600);
        while self.world.run_until_event(end) {
            for (peer, event) in self.events() {
                match event {
                    Event::Fetched { fetch, bytes, alternate }
                        if peer == client && fetch == number =>
                    {
                        self.settle();
                        return Ok((bytes, alternate));
                    }
                    Event::FetchFailed { fetch, reason } if peer == client && fetch == number => {
                        self.settle();
                        return Err(reason);
                    }
                    _ => {}
                }
            }
        }
        panic!("the download did not end");
    }

    pub fn downloaded(&self, client: PeerIndex) -> Option<&[u8]> {
        self.world.store().written.get(&(client, Object(1000))).map(Vec::as_slice)
    }

    pub fn server_state(&self) -> &Server {
        self.world.peer(self.server).as_server().unwrap()
    }

    pub fn at(&self, after: Duration) -> Time {
        self.world.now() + after
    }
}
