//! Worlds of servents of 0.6, wired as a test wants them or left to find each other.

#![allow(dead_code)] // No test program needs everything.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Mode, Servent, Settings, Settings06,
};
use overlay_sim::topology::Graph;
use overlay_sim::{Host, PeerIndex, World};

use crate::common::{JOIN, Memory, address, guid, quiet, world};

/// Only what the user commands, and tables at once.
pub fn quiet06(v06: Settings06) -> Settings {
    Settings { v06: Some(v06), ..quiet() }
}

/// Floods among ultrapeers, with a TTL that stops nothing in a test's world.
pub fn flooding() -> Settings06 {
    Settings06 {
        dynamic_querying: false,
        ultrapeer_target: 0,
        ultrapeer_links: 100,
        leaf_slots: 100,
        leaf_links: 100,
        max_ttl: 7,
        table_interval: Duration::from_secs(1),
        out_of_band: false,
        ..Settings06::default()
    }
}

pub fn servent(
    n: u32,
    mode: Mode,
    settings: &Arc<Settings>,
    files: &Arc<Catalogue>,
    shares: Vec<u32>,
) -> Servent {
    let capabilities = Capabilities { mode, ..Capabilities::GOOD };
    let config = Config { capabilities, settings: settings.clone(), ..Config::new(guid(n)) };
    Servent::new(config, files.clone(), shares)
}

/// The nodes of the graph are ultrapeers, linked as it says; leaf `n`, numbered after them, has the
/// ultrapeers `leaves[n]`.
pub fn wired06(
    graph: &Graph,
    leaves: &[Vec<u32>],
    settings: Settings,
    files: &Arc<Catalogue>,
    mut shares: impl FnMut(u32) -> Vec<u32>,
) -> World<Servent, Memory> {
    let mut world = world(7);
    let settings = Arc::new(settings);
    for n in 0..graph.nodes() + leaves.len() as u32 {
        let mode = if n < graph.nodes() { Mode::Ultrapeer } else { Mode::Leaf };
        world.add(servent(n, mode, &settings, files, shares(n)), Host::open(address(n)));
    }
    for n in 0..graph.nodes() {
        let hosts = graph.neighbours(n).iter().filter(|&&m| m < n).map(|&m| address(m)).collect();
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
        world.run_for(Duration::from_millis(300));
    }
    for (n, ultrapeers) in (graph.nodes()..).zip(leaves) {
        let hosts = ultrapeers.iter().map(|&m| address(m)).collect();
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
    }
    world.run_for(Duration::from_secs(5));
    for n in 0..graph.nodes() {
        let links = world.peer(PeerIndex(n)).neighbours().count();
        let leaves = leaves.iter().filter(|ultrapeers| ultrapeers.contains(&n)).count();
        assert_eq!(links, graph.neighbours(n).len() + leaves, "links of ultrapeer {n}");
        assert_eq!(world.peer(PeerIndex(n)).leaves(), leaves, "leaves of ultrapeer {n}");
    }
    world.drain_events();
    world
}
