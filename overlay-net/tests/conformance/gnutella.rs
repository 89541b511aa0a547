//! Five servents find and fetch each other's files.

use std::sync::Arc;
use std::time::Duration;

use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, Hit, Mode, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_peer::Object;
use overlay_sim::{Cause, PeerIndex, World};

use crate::recorder::Recorder;
use crate::stage::{SimObjects, Story, WATCHED, free_addresses};

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    V04,
    /// The first two are ultrapeers, the others leaves.
    V06 {
        deflate: bool,
    },
}

pub fn story(kind: Kind) -> Story<Servent> {
    let addresses = free_addresses(5);
    let peers = servents(kind);
    let hosts = addresses.clone();
    Story::record(addresses, peers, |world| {
        let join = |n: usize| Command::Join { hosts: vec![hosts[n]] };
        command(world, PeerIndex(1), Command::Join { hosts: vec![] }, 100);
        command(world, WATCHED, join(1), 3_000);
        // One is linked to the other ultrapeer: with it, answers go by datagrams.
        for (n, to) in [(2, 1), (3, 0), (4, 0)] {
            command(world, PeerIndex(n), join(to), 1_000);
        }
        let search = |text: &str| Command::Search { search: 1, text: text.to_owned() };
        command(world, WATCHED, search("number"), 5_000);
        command(world, PeerIndex(1), search("song"), 5_000);
        for n in [2, 3] {
            command(world, PeerIndex(n), search("number"), 5_000);
        }
        let hits: Vec<(PeerIndex, Hit)> = world
            .drain_events()
            .filter_map(|(_, peer, event)| match event {
                Event::Hit { hit, .. } => Some((peer, hit)),
                _ => None,
            })
            .collect();
        let fetch = |by: PeerIndex, index: u32| {
            let found = hits.iter().find(|(peer, hit)| *peer == by && hit.index == index);
            let (_, hit) = found.unwrap_or_else(|| panic!("{index} by {by:?}: {hits:?}")).clone();
            Command::Fetch { fetch: 1, hit, into: Object(9), from: 0 }
        };
        command(world, WATCHED, fetch(WATCHED, 2), 3_000);
        for n in [1, 3] {
            command(world, PeerIndex(n), fetch(PeerIndex(n), 0), 3_000);
        }
        world.shut_down(PeerIndex(4));
        world.run_for(Duration::from_secs(40));
        command(world, WATCHED, Command::Leave, 1_000);
    })
}

fn command(
    world: &mut World<Recorder<Servent>, SimObjects>,
    peer: PeerIndex,
    command: Command,
    millis: u64,
) {
    world.command(peer, command, Cause::UPKEEP);
    world.run_for(Duration::from_millis(millis));
}

/// Each has a file of its own.
fn servents(kind: Kind) -> Vec<Servent> {
    let file = |n: u64| SharedFile {
        name: format!("song number {n}.ogg"),
        size: 2_000 + n,
        object: Object(n),
    };
    let catalogue = Arc::new(Catalogue::new((0..5).map(file)));
    let v06 = match kind {
        Kind::V04 => None,
        Kind::V06 { deflate } => {
            Some(Settings06 { deflate, leaf_links: 1, ..Settings06::default() })
        }
    };
    let settings = Settings { v06, target_links: 0, monitor: true, ..Settings::default() };
    let settings = Arc::new(settings);
    let servent = |n: u8| {
        let guid = gnutella_wire::Guid::from_bytes([n + 1; 16]).marked();
        let mode = if n < 2 { Mode::Ultrapeer } else { Mode::Leaf };
        let capabilities = Capabilities { mode, ..Capabilities::GOOD };
        let config = Config { settings: settings.clone(), capabilities, ..Config::new(guid) };
        Servent::new(config, catalogue.clone(), [u32::from(n)])
    };
    (0..5).map(servent).collect()
}
