//! Chord: a table of keyword → files and file → holders, with the pieces fetched from a holder.
//!
//! Under the identifier of each keyword stand the files that have it in their name; the first member
//! to publish a file puts them there, with their names. Under a file's info-hash stand the members
//! that have it: "I have it". A search gets the files of its longest keyword, which is likely the one
//! with the fewest, keeps those that have all its keywords in their names (the intersection, without
//! moving the larger sets), and gets their holders. A fetch gets the info dict from a holder (its SHA-1 is the key), then the pieces it
//! names; the node checks each by its hash. Chord has nothing against NATs: a member that cannot be
//! reached stays outside the ring as a client, and nobody can fetch from it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use overlay_chord::{
    Command, Config, Event, FetchFailure, Id160, Node, Part, Publication, SharedBlob,
};
use overlay_peer::{Address, Reason};
use torrent_meta::{Info, InfoHash};

use crate::library::keywords;
use crate::{
    Failure, FileId, Footprint, Library, Member, Outcome, Reaction, Route, Stored, System,
    SystemName,
};

/// Files whose publication is under way at one member.
const PUBLISHING: usize = 16;
/// Files of one search whose holders are looked up: as many as a Napster server gives results.
const FILES_PER_SEARCH: usize = 100;
/// The longest name in a keyword's record: a publication has to fit into a datagram.
const MAX_NAME: usize = 900;

/// The adapter.
#[derive(Clone, Debug)]
pub struct Chord {
    library: Arc<Library>,
    members: BTreeMap<Address, u32>,
    reachable: BTreeSet<u32>,
    next_request: u32,
    requests: BTreeMap<u32, Request>,
    searches: BTreeMap<u32, Search>,
    /// The holders that fetches go to.
    fetches: BTreeMap<u32, Address>,
    /// Files that wait until others of the same member are published.
    waiting: BTreeMap<u32, VecDeque<FileId>>,
}

/// What a node was asked for.
#[derive(Clone, Copy, Debug)]
enum Request {
    /// Whether anybody has published the file yet.
    Probe(FileId),
    /// To store something that belongs to a file's publication.
    Announce,
    /// To store the last part of a file's publication.
    AnnounceLast,
    Keyword {
        search: u32,
    },
    Holders {
        search: u32,
        info_hash: InfoHash,
    },
}

#[derive(Clone, Debug)]
struct Search {
    keywords: BTreeSet<String>,
    /// On the way to the keyword's owner.
    hops: u32,
}

/// A holder of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    holder: Address,
    info_hash: InfoHash,
}

impl Chord {
    /// A Chord that shares the files of this library.
    pub fn new(library: Arc<Library>) -> Self {
        Self {
            library,
            members: BTreeMap::new(),
            reachable: BTreeSet::new(),
            next_request: 0,
            requests: BTreeMap::new(),
            searches: BTreeMap::new(),
            fetches: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    fn request(&mut self, request: Request) -> u32 {
        let number = self.next_request;
        self.next_request = number.wrapping_add(1);
        self.requests.insert(number, request);
        number
    }

    fn get(&mut self, key: Id160, request: Request) -> Command {
        Command::Get { request: self.request(request), key }
    }

    fn put(&mut self, key: Id160, value: Bytes, request: Request) -> Command {
        Command::Put { request: self.request(request), key, value }
    }

    fn publish_next(&mut self, member: u32) -> Option<Command> {
        let file = self.waiting.get_mut(&member)?.pop_front()?;
        let key = file_key(self.library.file(file).info_hash());
        Some(self.get(key, Request::Probe(file)))
    }

    /// The member's "I have it", after the keywords' records if it is the first.
    fn announce(&mut self, member: u32, file: FileId, first: bool) -> Vec<Command> {
        let library = Arc::clone(&self.library);
        let shared = library.file(file);
        let mut commands = Vec::new();
        if first {
            let record = keyword_record(shared.info_hash(), shared.size(), shared.name());
            for keyword in shared.keywords() {
                commands.push(self.put(keyword_key(keyword), record.clone(), Request::Announce));
            }
        }
        let key = file_key(shared.info_hash());
        let value = holder_record(self.reachable.contains(&member));
        commands.push(self.put(key, value, Request::AnnounceLast));
        commands
    }

    fn got(
        &mut self,
        member: u32,
        request: Request,
        hops: u32,
        values: &[Publication],
    ) -> Vec<Reaction<Command, Hit>> {
        match request {
            Request::Probe(file) => commands(self.announce(member, file, values.is_empty())),
            Request::Keyword { search } => commands(self.keyword_answered(search, hops, values)),
            Request::Holders { search, info_hash } => self.holders(search, info_hash, hops, values),
            Request::Announce | Request::AnnounceLast => Vec::new(),
        }
    }

    fn keyword_answered(&mut self, search: u32, hops: u32, values: &[Publication]) -> Vec<Command> {
        let Some(state) = self.searches.get_mut(&search) else { return Vec::new() };
        state.hops = hops;
        let records = values.iter().filter_map(|value| read_keyword_record(&value.value));
        let has_all = |name: &str| {
            let words: BTreeSet<String> = keywords(name).collect();
            // What was cut off from a name may have had the missing ones.
            name.len() >= MAX_NAME || state.keywords.is_subset(&words)
        };
        let files: BTreeSet<InfoHash> =
            records.filter(|(_, name)| has_all(name)).map(|(info_hash, _)| info_hash).collect();
        let holders =
            |info_hash| self.get(file_key(info_hash), Request::Holders { search, info_hash });
        files.into_iter().take(FILES_PER_SEARCH).map(holders).collect()
    }

    /// Those that can be reached come first.
    fn holders(
        &self,
        search: u32,
        info_hash: InfoHash,
        hops: u32,
        values: &[Publication],
    ) -> Vec<Reaction<Command, Hit>> {
        let Some(file) = self.library.hashed(info_hash) else { return Vec::new() };
        let way = self.searches.get(&search).map_or(0, |search| search.hops);
        let mut values: Vec<&Publication> = values.iter().collect();
        values.sort_by_key(|value| !is_reachable(&value.value));
        let found = values.into_iter().filter_map(|value| {
            let source = *self.members.get(&value.publisher)?;
            let hit = Hit { holder: value.publisher, info_hash };
            let found = Outcome::Found { search, file, source, hops: way + hops, hit };
            Some(Reaction::Outcome(found))
        });
        found.collect()
    }

    /// A request came to nothing.
    fn failed(&mut self, member: u32, request: Request) -> Vec<Command> {
        match request {
            Request::Probe(file) => self.announce(member, file, true),
            Request::AnnounceLast => self.publish_next(member).into_iter().collect(),
            Request::Announce | Request::Keyword { .. } | Request::Holders { .. } => Vec::new(),
        }
    }

    fn observe_fetch(&mut self, event: Event) -> Vec<Reaction<Command, Hit>> {
        let outcome = match event {
            Event::Blob { fetch, bytes, .. } => match self.pieces(fetch / 2, &bytes) {
                Some(command) => return vec![Reaction::Command(command)],
                // It hashes to its name and is no info dict all the same: whoever published it lied.
                None => {
                    self.fetches.remove(&(fetch / 2));
                    Outcome::NotFetched { fetch: fetch / 2, why: Failure::Failed }
                }
            },
            Event::Fetched { fetch, bytes, .. } if fetch == content_fetch(fetch / 2) => {
                self.fetches.remove(&(fetch / 2));
                Outcome::Fetched { fetch: fetch / 2, bytes, route: Route::Direct }
            }
            Event::FetchFailed { fetch, reason } => {
                self.fetches.remove(&(fetch / 2));
                let why = match reason {
                    FetchFailure::Link(Reason::Unreachable | Reason::Refused) => {
                        Failure::Unreachable
                    }
                    _ => Failure::Failed,
                };
                Outcome::NotFetched { fetch: fetch / 2, why }
            }
            Event::Misbehaved { .. } => Outcome::Misbehaved,
            _ => return Vec::new(),
        };
        vec![Reaction::Outcome(outcome)]
    }

    /// The info dict is here, and its hash is right: now for the pieces.
    fn pieces(&self, fetch: u32, info: &[u8]) -> Option<Command> {
        let holder = *self.fetches.get(&fetch)?;
        let info = Info::parse(info).ok()?;
        let into = Some(Stored::Download(fetch).into());
        let mut offset = 0;
        let parts = (0..).zip(info.pieces()).map(|(piece, hash)| {
            let len = info.piece_size(piece).unwrap_or(0);
            let part = Part { blob: Id160::from_bytes(*hash), into, offset, len: Some(len) };
            offset += u64::from(len);
            part
        });
        let parts = parts.collect();
        Some(Command::Fetch { fetch: content_fetch(fetch), from: holder, parts })
    }
}

/// A file's identifier on the ring is its info-hash.
fn file_key(info_hash: InfoHash) -> Id160 {
    Id160::from_bytes(info_hash.0)
}

/// A keyword's identifier on the ring.
fn keyword_key(keyword: &str) -> Id160 {
    Id160::hash(keyword.as_bytes())
}

/// What stands under a keyword: info-hash, size (big-endian), name, of a long one the end.
fn keyword_record(info_hash: InfoHash, size: u64, name: &str) -> Bytes {
    let name = &name.as_bytes()[name.len().saturating_sub(MAX_NAME)..];
    let mut record = BytesMut::with_capacity(28 + name.len());
    record.put_slice(&info_hash.0);
    record.put_u64(size);
    record.put_slice(name);
    record.freeze()
}

fn read_keyword_record(record: &[u8]) -> Option<(InfoHash, Cow<'_, str>)> {
    let (info_hash, rest) = record.split_first_chunk::<{ InfoHash::LEN }>()?;
    let (_size, name) = rest.split_first_chunk::<8>()?;
    Some((InfoHash(*info_hash), String::from_utf8_lossy(name)))
}

/// What stands under a file: whether the publisher can be reached.
fn holder_record(reachable: bool) -> Bytes {
    Bytes::from_static(if reachable { &[1] } else { &[0] })
}

fn is_reachable(record: &[u8]) -> bool {
    record == [1]
}

/// A fetch of a file is two of the node's: first the info dict, then the content. Numbers of 2^31 and
/// more come round to those of much older fetches.
fn info_fetch(fetch: u32) -> u32 {
    fetch.wrapping_mul(2)
}

fn content_fetch(fetch: u32) -> u32 {
    info_fetch(fetch) | 1
}

/// A file's blobs: its info dict, and its pieces.
fn blobs(library: &Library, file: FileId) -> impl Iterator<Item = SharedBlob> {
    let shared = library.file(file);
    let info_len = shared.info_bytes().len() as u32;
    let blob = file_key(shared.info_hash());
    let info = SharedBlob { blob, object: Stored::Info(file).into(), offset: 0, len: info_len };
    let piece_length = u64::from(shared.info().piece_length().get());
    let pieces = (0u32..).zip(shared.pieces()).map(move |(piece, hash)| SharedBlob {
        blob: Id160::from_bytes(*hash),
        object: Stored::Content(file).into(),
        offset: u64::from(piece) * piece_length,
        len: shared.info().piece_size(piece).unwrap_or(0),
    });
    core::iter::once(info).chain(pieces)
}

fn commands(commands: Vec<Command>) -> Vec<Reaction<Command, Hit>> {
    commands.into_iter().map(Reaction::Command).collect()
}

impl System for Chord {
    type Peer = Node;
    type Hit = Hit;
    const NAME: SystemName = SystemName::Chord;

    fn peer(&mut self, member: &Member<'_>) -> Node {
        let advertise = member.reachable.unwrap_or(member.local);
        self.members.insert(advertise, member.number);
        if member.reachable.is_some() {
            self.reachable.insert(member.number);
        }
        // By its address outside: behind their NATs, two nodes may have the same one inside.
        let id = Some(Id160::of_address(advertise));
        let is_member = member.reachable.is_some();
        Node::new(Config { member: is_member, id, advertise: Some(advertise), ..Config::default() })
    }

    fn join(&mut self, _: u32, introducers: &[Address]) -> Vec<Command> {
        match introducers {
            [] => vec![Command::Create],
            via => vec![Command::Join { via: via.to_vec() }],
        }
    }

    fn publish(&mut self, member: u32, files: &[FileId]) -> Vec<Command> {
        let blobs = files.iter().flat_map(|&file| blobs(&self.library, file)).collect();
        let mut commands = vec![Command::Share { blobs }];
        self.waiting.entry(member).or_default().extend(files);
        commands.extend((0..PUBLISHING).map_while(|_| self.publish_next(member)));
        commands
    }

    fn search(&mut self, _: u32, search: u32, keywords: &[&str]) -> Vec<Command> {
        let all = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
        self.searches.insert(search, Search { keywords: all, hops: 0 });
        let longest = keywords.iter().max_by_key(|keyword| keyword.len());
        let get = |keyword: &&str| self.get(keyword_key(keyword), Request::Keyword { search });
        longest.map(get).into_iter().collect()
    }

    fn fetch(&mut self, _: u32, fetch: u32, hit: &Hit) -> Vec<Command> {
        let blob = file_key(hit.info_hash);
        let parts = vec![Part { blob, into: None, offset: 0, len: None }];
        self.fetches.insert(fetch, hit.holder);
        vec![Command::Fetch { fetch: info_fetch(fetch), from: hit.holder, parts }]
    }

    fn observe(&mut self, member: u32, event: Event) -> Vec<Reaction<Command, Hit>> {
        match event {
            Event::Joined => vec![Reaction::Outcome(Outcome::Joined)],
            Event::JoinFailed { .. } => vec![Reaction::Outcome(Outcome::NotJoined)],
            Event::Got { request, hops, values } => match self.requests.remove(&request) {
                Some(request) => self.got(member, request, hops, &values),
                None => Vec::new(),
            },
            Event::Stored { request, .. } => match self.requests.remove(&request) {
                Some(Request::AnnounceLast) => {
                    commands(self.publish_next(member).into_iter().collect())
                }
                _ => Vec::new(),
            },
            Event::Failed { request, .. } => match self.requests.remove(&request) {
                Some(request) => commands(self.failed(member, request)),
                None => Vec::new(),
            },
            _ => self.observe_fetch(event),
        }
    }

    fn footprint(peer: &Node) -> Footprint {
        let (entries, bytes) = peer.footprint();
        Footprint { entries: entries as u64, bytes: bytes as u64 }
    }
}
