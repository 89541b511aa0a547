//! An index server, and clients who find and fetch each other's files.

use std::sync::Arc;
use std::time::Duration;

use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, NapsterPeer, Server, ServerConfig, SharedFile,
};
use overlay_peer::Object;
use overlay_sim::{Cause, PeerIndex};

use crate::stage::{Story, free_addresses};

#[derive(Clone, Copy, PartialEq)]
pub enum Watched {
    Server,
    Client,
}

pub fn story(watched: Watched) -> Story<NapsterPeer> {
    let mut catalogue = Catalogue::new();
    let files = ["Generic Band - Generic Song.mp3", "Generic Band - Other Song.mp3"];
    let files = [0u8, 1].map(|n| {
        let file = SharedFile::new(files[usize::from(n)], [n; 16], 3_000, Object(n.into()));
        catalogue.add(file).expect("a name")
    });
    let catalogue = Arc::new(catalogue);
    let client = |nick: &str| {
        let config = ClientConfig::new(nick, "secret").expect("a nick");
        NapsterPeer::from(Client::new(config, catalogue.clone()))
    };
    let server = NapsterPeer::from(Server::new(ServerConfig::default()));
    // The first is watched.
    let (peers, [server, left, right]) = match watched {
        Watched::Server => (vec![server, client("left"), client("right")], [0, 1, 2]),
        Watched::Client => (vec![client("left"), server, client("right")], [1, 0, 2]),
    };
    let addresses = free_addresses(3);
    let at = addresses[server as usize];
    Story::record(addresses, peers, |world| {
        let mut command = |peer: u32, command, millis| {
            world.command(PeerIndex(peer), command, Cause::UPKEEP);
            world.run_for(Duration::from_millis(millis));
            let mut hits = world.drain_events().filter_map(|(_, _, event)| match event {
                Event::Hit { hit, .. } => Some(hit),
                _ => None,
            });
            hits.next_back()
        };
        for (peer, file) in [(left, files[0]), (right, files[1])] {
            command(peer, Command::Join { server: at }, 1_000);
            command(peer, Command::Publish { files: vec![file] }, 1_000);
        }
        for (peer, words) in [(left, "other song"), (right, "generic song")] {
            let query = Search::words(words, 10).expect("words");
            let hit = command(peer, Command::Search { search: 1, query }, 1_000).expect("a hit");
            command(peer, Command::Fetch { fetch: 1, hit, into: Object(9) }, 5_000);
        }
        command(right, Command::Leave, 1_000);
        command(left, Command::Stats, 1_000);
        command(left, Command::Leave, 1_000);
    })
}
