//! Every system under the four primitives on a small world, all messages through their codecs.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use natsim::Behaviour;
use overlay_core::adapters::{Chord, Gnutella04, Gnutella06, Napster};
use overlay_core::{
    Command, Failure, FileId, Library, Member, Outcome, Reaction, Route, Stored, System,
};
use overlay_peer::{Address, Object, StoreError};
use overlay_sim::{Cause, Config, Host, PeerIndex, Store, World};

const MEMBERS: u32 = 24;
/// Members from this one on sit behind NATs that let no stranger in.
const FIRST_BEHIND_NAT: u32 = 16;

/// Content in memory.
#[derive(Clone)]
struct Memory {
    library: Arc<Library>,
    content: Arc<Vec<Vec<u8>>>,
    downloads: BTreeMap<Object, Vec<u8>>,
}

impl Store for Memory {
    fn read(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let content = match Stored::of(object) {
            Some(Stored::Content(file)) => &self.content[file.0 as usize][..],
            Some(Stored::Info(file)) => self.library.file(file).info_bytes(),
            _ => return Err(StoreError::NotFound),
        };
        let end = offset as usize + len as usize;
        let part = content.get(offset as usize..end).map(Bytes::copy_from_slice);
        part.ok_or(StoreError::OutOfRange { size: content.len() as u64 })
    }

    fn write(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        let download = self.downloads.entry(object).or_default();
        let end = offset as usize + bytes.len();
        download.resize(download.len().max(end), 0);
        download[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }
}

struct Net<S: System> {
    world: World<S::Peer, Memory>,
    system: S,
    library: Arc<Library>,
}

/// Three files: a large one in the open, one behind a NAT, and one that two members have.
fn library() -> (Arc<Library>, Arc<Vec<Vec<u8>>>) {
    let noise = |len: usize| (0..len).map(|i| ((i * i) >> 3) as u8).collect::<Vec<u8>>();
    let files = [
        ("music/open band - first song.mp3", noise(300_000)),
        ("music/hidden band - second song.mp3", noise(70_000)),
        ("text/common words.txt", noise(10)),
    ];
    let mut library = Library::new();
    for (name, content) in &files {
        let mut intake = Library::begin(name, content.len() as u64).expect("a file");
        intake.update(content).expect("in size");
        library.add(intake).expect("complete");
    }
    (Arc::new(library), Arc::new(files.map(|(_, content)| content).into()))
}

/// Which files a member has.
fn files_of(member: u32) -> &'static [FileId] {
    match member {
        3 => &[FileId(0), FileId(2)],
        20 => &[FileId(1)],
        9 => &[FileId(2)],
        _ => &[],
    }
}

fn address(number: u32, behind_nat: bool) -> Address {
    let network = if behind_nat { 0x0a00_0001 } else { 0x0b00_0001 };
    SocketAddr::from((Ipv4Addr::from(network + number), 6346))
}

impl<S: System> Net<S> {
    fn new(build: impl FnOnce(&Arc<Library>) -> S) -> Self {
        let (library, content) = library();
        let mut system = build(&library);
        let memory = Memory { library: Arc::clone(&library), content, downloads: BTreeMap::new() };
        let config = Config { seed: 5, checked: true, ..Config::default() };
        let mut world = World::new(config, memory);
        for number in 0..MEMBERS {
            let behind = number >= FIRST_BEHIND_NAT;
            let (public, local) = (address(number, false), address(number, behind));
            let host = match behind {
                true => Host::behind(local, public.ip(), Behaviour::PORT_RESTRICTED),
                false => Host::open(local),
            };
            let reachable = (!behind).then_some(public);
            let files = files_of(number);
            world.add(system.peer(&Member { number, local, reachable, files }), host);
        }
        let mut net = Self { world, system, library };
        for number in 0..MEMBERS {
            let introducers = if number == 0 { vec![] } else { vec![address(0, false)] };
            let commands = net.system.join(number, &introducers);
            net.act(number, commands, 1);
        }
        net.act(0, vec![], 200);
        for number in 0..MEMBERS {
            let commands = net.system.publish(number, files_of(number));
            net.act(number, commands, 1);
        }
        net.act(0, vec![], 60);
        net
    }

    fn act(
        &mut self,
        member: u32,
        commands: Vec<Command<S>>,
        seconds: u64,
    ) -> Vec<Outcome<S::Hit>> {
        for command in commands {
            self.world.command(PeerIndex(member), command, Cause(1));
        }
        let mut outcomes = Vec::new();
        let end = self.world.now() + Duration::from_secs(seconds);
        while self.world.run_until_event(end) {
            let events: Vec<_> = self.world.drain_events().collect();
            for (_, PeerIndex(member), event) in events {
                for reaction in self.system.observe(member, event) {
                    match reaction {
                        Reaction::Command(command) => {
                            self.world.command(PeerIndex(member), command, Cause(1));
                        }
                        Reaction::Outcome(Outcome::Misbehaved) => panic!("a breach of protocol"),
                        Reaction::Outcome(outcome) => outcomes.push(outcome),
                    }
                }
            }
        }
        assert_eq!(self.world.metrics().malformed(), 0);
        outcomes
    }

    /// What a search by `member` finds: files and their sources, sorted.
    fn search(&mut self, member: u32, search: u32, words: &[&str]) -> Vec<(FileId, u32, S::Hit)> {
        let commands = self.system.search(member, search, words);
        let mut found: Vec<_> = self
            .act(member, commands, 20)
            .into_iter()
            .filter_map(|outcome| match outcome {
                Outcome::Found { search: of, file, source, hit, .. } if of == search => {
                    Some((file, source, hit))
                }
                _ => None,
            })
            .collect();
        found.sort_by_key(|&(file, source, _)| (file, source));
        found
    }

    fn names(&mut self, member: u32, search: u32, words: &[&str]) -> Vec<(FileId, u32)> {
        let found = self.search(member, search, words);
        found.into_iter().map(|(file, source, _)| (file, source)).collect()
    }

    fn fetch(&mut self, member: u32, fetch: u32, hit: &S::Hit) -> Result<Route, Failure> {
        let commands = self.system.fetch(member, fetch, hit);
        let outcomes = self.act(member, commands, 120);
        let outcome = outcomes.into_iter().find_map(|outcome| match outcome {
            Outcome::Fetched { fetch: of, route, .. } if of == fetch => Some(Ok(route)),
            Outcome::NotFetched { fetch: of, why } if of == fetch => Some(Err(why)),
            _ => None,
        });
        outcome.expect("a fetch ends in two minutes")
    }

    fn downloaded(&self, fetch: u32) -> &[u8] {
        &self.world.store().downloads[&Stored::Download(fetch).into()]
    }

    /// What all systems have in common.
    fn answers_the_four_questions(&mut self) {
        let (first, second, third) = (FileId(0), FileId(1), FileId(2));
        assert_eq!(self.names(5, 0, &["first"]), [(first, 3)]);
        assert_eq!(self.names(17, 1, &["band", "second"]), [(second, 20)], "from behind a NAT");
        assert_eq!(self.names(5, 2, &["band"]), [(first, 3), (second, 20)]);
        assert_eq!(self.names(5, 3, &["band", "words"]), [], "no file has both");
        assert_eq!(self.names(5, 4, &["absent"]), []);
        assert_eq!(self.names(5, 5, &["common", "words"]), [(third, 3), (third, 9)]);

        let (_, _, hit) = self.search(18, 6, &["first", "song"]).remove(0);
        assert_eq!(self.fetch(18, 0, &hit), Ok(Route::Direct), "out through a NAT");
        assert_eq!(self.downloaded(0), &self.world.store().content[0][..]);
        assert_eq!(self.library.file(first).size(), self.downloaded(0).len() as u64);
    }

    /// What one member behind a NAT has, of Gnutella.
    fn fetches_by_push(&mut self) {
        let (_, _, hidden) = self.search(5, 10, &["second"]).remove(0);
        assert_eq!(self.fetch(5, 1, &hidden), Ok(Route::Reversed), "by Push and GIV");
        assert_eq!(self.downloaded(1), &self.world.store().content[1][..]);
        let (_, _, hidden) = self.search(17, 11, &["second"]).remove(0);
        assert_eq!(self.fetch(17, 2, &hidden), Err(Failure::Unreachable), "both behind NATs");
    }
}

#[test]
fn napster_answers_the_four_questions() {
    let mut net = Net::new(|library| Napster::new(library));
    net.answers_the_four_questions();
    let (_, _, hidden) = net.search(5, 10, &["second"]).remove(0);
    assert_eq!(net.fetch(5, 1, &hidden), Ok(Route::Reversed), "the server asks the source");
    assert_eq!(net.downloaded(1), &net.world.store().content[1][..]);
    assert_eq!(net.fetch(17, 2, &hidden), Err(Failure::Unreachable), "both behind NATs");
    // It all hangs on the server.
    net.world.fail(PeerIndex(0));
    assert_eq!(net.names(5, 11, &["first"]), []);
}

#[test]
fn gnutella_answers_the_four_questions() {
    let mut net = Net::new(|library| Gnutella04::new(Arc::clone(library)));
    net.answers_the_four_questions();
    net.fetches_by_push();
    // The well-known member is a servent like any other.
    net.world.fail(PeerIndex(0));
    assert_eq!(net.names(5, 12, &["first"]), [(FileId(0), 3)]);
}

#[test]
fn gnutella_06_answers_the_four_questions() {
    let mut net = Net::new(|library| Gnutella06::new(Arc::clone(library)));
    net.answers_the_four_questions();
    net.fetches_by_push();
    // One ultrapeer is enough for so few, and the only host that they know.
    net.world.fail(PeerIndex(0));
    assert_eq!(net.names(5, 12, &["first"]), []);
}

#[test]
fn chord_answers_the_four_questions() {
    let mut net = Net::new(|library| Chord::new(Arc::clone(library)));
    net.answers_the_four_questions();
    let (_, _, hidden) = net.search(5, 10, &["second"]).remove(0);
    assert_eq!(net.fetch(5, 1, &hidden), Err(Failure::Unreachable), "nothing against NATs");
    net.world.fail(PeerIndex(0));
    assert_eq!(net.names(5, 11, &["first"]), [(FileId(0), 3)]);
}
