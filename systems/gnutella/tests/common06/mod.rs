//! Worlds of servents of 0.6, wired as a test wants them or left to find each other.

#![allow(dead_code)] // No test program needs everything.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::{HeadBuilder, OwnedHead};
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, HeadKind, Message, Mode, Servent, Settings,
    Settings06,
};
use overlay_peer::{Link, LinkState, Peer};
use overlay_sim::topology::Graph;
use overlay_sim::{Host, PeerIndex, World};

use crate::common::{JOIN, Memory, Recorder, address, guid, quiet, world};

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

pub fn head(kind: HeadKind, line: &str, fields: &[(&str, &str)]) -> Message {
    let build = |head: HeadBuilder, (name, value): &(&str, &str)| head.field(name, value);
    let head = fields.iter().fold(OwnedHead::build(line.as_bytes()), build).finish();
    Message::Head { kind, head: Box::new(head) }
}

/// Someone connects, and both sides say what they have to.
pub fn shake(driver: &mut Recorder, servent: &mut Servent, n: u32, leaf: bool) -> Link {
    let link = driver.link();
    let open = LinkState::Open { remote: address(n), inbound: true };
    driver.input(servent, |servent, cx| servent.link_changed(link, open, cx));
    let fields = [
        ("X-Ultrapeer", if leaf { "False" } else { "True" }),
        ("X-Query-Routing", "0.2"),
        ("X-Ultrapeer-Query-Routing", "0.1"),
        ("Vendor-Message", "0.1"),
        ("Bye-Packet", "0.1"),
    ];
    let connect = head(HeadKind::Connect, "GNUTELLA CONNECT/0.6", &fields);
    driver.input(servent, |servent, cx| servent.receive(link, connect, cx));
    let reply = head(HeadKind::Reply, "GNUTELLA/0.6 200 OK", &[]);
    driver.input(servent, |servent, cx| servent.receive(link, reply, cx));
    link
}

/// The servent connects to an ultrapeer, which lets it in.
pub fn call(driver: &mut Recorder, servent: &mut Servent, n: u32) -> Link {
    let hosts = vec![address(n)];
    driver.input(servent, |servent, cx| servent.command(Command::Join { hosts }, cx));
    let called = driver.connects.iter().rfind(|(_, to)| *to == address(n));
    let (link, remote) = *called.unwrap();
    let open = LinkState::Open { remote, inbound: false };
    driver.input(servent, |servent, cx| servent.link_changed(link, open, cx));
    let fields = [
        ("X-Ultrapeer", "True"),
        ("X-Query-Routing", "0.2"),
        ("X-Ultrapeer-Query-Routing", "0.1"),
        ("Vendor-Message", "0.1"),
        ("Bye-Packet", "0.1"),
    ];
    let reply = head(HeadKind::Reply, "GNUTELLA/0.6 200 OK", &fields);
    driver.input(servent, |servent, cx| servent.receive(link, reply, cx));
    link
}
