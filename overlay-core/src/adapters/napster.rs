//! Napster: member 0 is the index server, all others are its clients.

use std::sync::Arc;

use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, FetchFailure, Hit, MAX_NAME, NapsterPeer,
    Server, ServerConfig, SharedFile,
};
use overlay_peer::Address;

use crate::{
    Failure, FileId, Footprint, Library, Member, Outcome, Reaction, Route, Stored, System,
    SystemName,
};

/// The most results a search asks for; servers cap it at 100 anyway.
const MAX_RESULTS: u32 = 100;

/// The adapter.
#[derive(Clone, Debug)]
pub struct Napster {
    catalogue: Arc<Catalogue>,
    /// The catalogue's numbers of the library's files, in the library's order.
    files: Arc<[overlay_napster::FileId]>,
}

impl Napster {
    /// A Napster that shares the files of this library.
    pub fn new(library: &Library) -> Self {
        let mut catalogue = Catalogue::new();
        let files = library.files().map(|(id, file)| {
            let (name, object) = (spelled(file.name()), Stored::Content(id).into());
            let shared = SharedFile::new(name, file.md5(), file.size(), object);
            catalogue.add(shared).expect("the name is spelled so that it can be sent")
        });
        let files = files.collect();
        Self { catalogue: Arc::new(catalogue), files }
    }

    /// The library's file that a hit is about: the one of that name and size.
    fn file(&self, hit: &Hit) -> Option<FileId> {
        let named = self.catalogue.named(hit.name.as_bytes());
        let sized = |file: &&overlay_napster::FileId| self.catalogue.size(**file) == Some(hit.size);
        named.iter().find(sized).map(|file| FileId(file.index() as u32))
    }
}

/// A name as the protocol can carry it: it has no way to write a double quote, a line's end would be
/// taken for one by servers, and a NUL by clients. Of a path that is too long the end is kept.
fn spelled(name: &str) -> String {
    let mut start = name.len().saturating_sub(MAX_NAME);
    while !name.is_char_boundary(start) {
        start += 1;
    }
    let sendable = |c: char| if c == '"' || c.is_control() { '_' } else { c };
    name[start..].chars().map(sendable).collect()
}

fn nick(member: u32) -> String {
    format!("user{member}")
}

fn member_of(hit: &Hit) -> Option<u32> {
    let nick = core::str::from_utf8(hit.nick.as_bytes()).ok()?;
    nick.strip_prefix("user")?.parse().ok()
}

impl System for Napster {
    type Peer = NapsterPeer;
    type Hit = Hit;
    const NAME: SystemName = SystemName::Napster;

    fn peer(&mut self, member: &Member<'_>) -> NapsterPeer {
        if member.number == 0 {
            return Server::new(ServerConfig::default()).into();
        }
        let config = ClientConfig::new(nick(member.number), "secret")
            .expect("letters and digits are a nick")
            .firewalled(member.reachable.is_none());
        Client::new(config, Arc::clone(&self.catalogue)).into()
    }

    fn join(&mut self, member: u32, introducers: &[Address]) -> Vec<Command> {
        match introducers.first() {
            Some(&server) if member != 0 => vec![Command::Join { server }],
            _ => Vec::new(),
        }
    }

    fn publish(&mut self, _: u32, files: &[FileId]) -> Vec<Command> {
        let files = files.iter().map(|file| self.files[file.0 as usize]).collect();
        vec![Command::Publish { files }]
    }

    fn search(&mut self, _: u32, search: u32, keywords: &[&str]) -> Vec<Command> {
        let text = keywords.join(" ");
        let query = Search::words(&text, MAX_RESULTS).map(Search::into_owned);
        query.map(|query| Command::Search { search, query }).into_iter().collect()
    }

    fn fetch(&mut self, _: u32, fetch: u32, hit: &Hit) -> Vec<Command> {
        vec![Command::Fetch { fetch, hit: hit.clone(), into: Stored::Download(fetch).into() }]
    }

    fn observe(&mut self, _: u32, event: Event) -> Vec<Reaction<Command, Hit>> {
        let outcome = match event {
            Event::Joined { .. } => Outcome::Joined,
            Event::Refused { .. } => Outcome::NotJoined,
            // The server answered for the client that has the file: one hop.
            Event::Hit { search, hit } => match (self.file(&hit), member_of(&hit)) {
                (Some(file), Some(source)) => Outcome::Found { search, file, source, hops: 1, hit },
                _ => return Vec::new(),
            },
            Event::Fetched { fetch, bytes, alternate } => {
                let route = if alternate { Route::Reversed } else { Route::Direct };
                Outcome::Fetched { fetch, bytes, route }
            }
            Event::FetchFailed { fetch, reason } => {
                let why = match reason {
                    FetchFailure::BothFirewalled | FetchFailure::Unreachable(_) => {
                        Failure::Unreachable
                    }
                    _ => Failure::Failed,
                };
                Outcome::NotFetched { fetch, why }
            }
            Event::Misbehaved { .. } => Outcome::Misbehaved,
            _ => return Vec::new(),
        };
        vec![Reaction::Outcome(outcome)]
    }

    fn footprint(peer: &NapsterPeer) -> Footprint {
        let (entries, bytes) = peer.footprint();
        Footprint { entries: entries as u64, bytes: bytes as u64 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_name_can_be_sent(name in "\\PC{0,20}[\"\n\0é/]{0,9}.{0,2000}") {
            let mut catalogue = Catalogue::new();
            let shared = SharedFile::new(spelled(&name), [0; 16], 1, Stored::Download(0).into());
            prop_assert!(catalogue.add(shared).is_ok());
        }
    }
}
