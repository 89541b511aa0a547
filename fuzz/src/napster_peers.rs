//! A Napster server and a client, each alone among strangers who send what they like: no panic, what
//! they send can be encoded, and what they keep is bounded.

#[path = "../../systems/napster/tests/common/rig.rs"]
mod rig;

use core::time::Duration;
use std::sync::Arc;

use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, NapsterPeer, Server, ServerConfig, SharedFile,
};
use overlay_peer::{Address, Link, Object, Reason, StoreError};
use rig::Rig;

/// Checks one input: the first byte chooses the peer, the others are a script of
/// `(operation, argument, length, bytes)`.
pub fn check(data: &[u8]) {
    let Some((who, mut script)) = data.split_first() else {
        return;
    };
    let mut rig = Rig::new(match who % 3 {
        0 => server(),
        1 => client(false),
        _ => client(true),
    });
    let mut hits = Vec::new();
    while let [operation, argument, rest @ ..] = script {
        script = rest;
        let nth = |rig: &Rig| rig.io.links.keys().nth(usize::from(*argument)).copied();
        match operation % 8 {
            0 => {
                rig.open(Address::from(([198, 51, 100, *argument], 4000)));
            }
            1 | 2 => {
                let len = usize::from(rest.first().copied().unwrap_or(0)).min(rest.len());
                let (bytes, rest) = rest.split_at(len);
                script = rest;
                let bytes = bytes.get(1..).unwrap_or_default();
                if let Some(link) = nth(&rig) {
                    deliver(&mut rig, link, bytes, *operation % 8 == 2);
                }
            }
            3 => {
                let outcome = if argument % 2 == 0 { Ok(()) } else { Err(Reason::Unreachable) };
                rig.connected(outcome);
            }
            4 => {
                if let Some(link) = nth(&rig) {
                    rig.close(link, Reason::Remote);
                }
            }
            5 => rig.pass(Duration::from_secs(u64::from(*argument))),
            6 => {
                let outcome = if *argument < 250 { Ok(()) } else { Err(StoreError::Failed) };
                rig.stored(outcome);
                rig.writable();
            }
            _ => command(&mut rig, *argument, &hits),
        }
        for event in rig.io.events.drain(..) {
            if let Event::Hit { hit, .. } = event
                && hits.len() < 4
            {
                hits.push(hit);
            }
        }
        let (entries, bytes) = rig.peer.footprint();
        assert!(entries <= 16 + 4 * data.len(), "{entries} entries");
        assert!(bytes <= 8192 + 256 * data.len(), "{bytes} bytes");
        rig.peer = rig.peer.clone();
    }
}

/// Bytes in one piece, or one by one.
fn deliver(rig: &mut Rig, link: Link, bytes: &[u8], cut: bool) {
    if cut {
        for byte in bytes {
            rig.bytes(link, core::slice::from_ref(byte));
        }
    } else {
        rig.bytes(link, bytes);
    }
}

fn command(rig: &mut Rig, argument: u8, hits: &[overlay_napster::Hit]) {
    let catalogue = catalogue();
    rig.command(match argument % 8 {
        0 => Command::Join { server: Address::from(([203, 0, 113, 1], 8888)) },
        1 => Command::Leave,
        2 => Command::Publish { files: (0..3).filter_map(|index| catalogue.id(index)).collect() },
        3 => Command::Unshare { files: catalogue.id(0).into_iter().collect() },
        4 => Command::UnshareAll,
        5 => Command::Stats,
        6 => Command::Search {
            search: 1,
            query: Search::words("song", 100).expect("words without a quote"),
        },
        _ => match hits.get(usize::from(argument / 8) % hits.len().max(1)) {
            Some(hit) => {
                Command::Fetch { fetch: u32::from(argument), hit: hit.clone(), into: Object(9) }
            }
            None => return,
        },
    });
}

fn server() -> NapsterPeer {
    let mut config = ServerConfig::default();
    config.files_per_user = 8;
    Server::new(config).into()
}

fn client(firewalled: bool) -> NapsterPeer {
    let config = ClientConfig::new("foo", "badpass").expect("a good nick").firewalled(firewalled);
    let mut client = config;
    client.limits.uploads = 2;
    client.limits.waiting_uploads = 2;
    client.limits.fetches = 4;
    Client::new(client, catalogue()).into()
}

fn catalogue() -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    for (number, (name, size)) in [("a song.mp3", 200_000), ("b", 0), ("c", 5)].iter().enumerate() {
        let file = SharedFile::new(*name, [number as u8; 16], *size, Object(number as u64));
        catalogue.add(file).expect("a good name");
    }
    Arc::new(catalogue)
}
