//! Leaves and ultrapeers: who becomes what, with whom, and when that changes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use common06::*;
use gnutella_wire::Head;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Election, Message, Mode, Servent, Settings,
    Settings06,
};
use overlay_peer::{Address, Link, Peer, Time, Timer};
use overlay_sim::topology::Graph;
use overlay_sim::{Host, PeerIndex, World};
use proptest::prelude::*;

/// Servents as they come, that look for each other; the first is always an ultrapeer.
fn crowd(
    settings: Settings06,
    modes: impl IntoIterator<Item = Mode>,
    files: &Arc<Catalogue>,
    shares: impl Fn(u32) -> Vec<u32>,
) -> World<Servent, Memory> {
    let mut world = world(3);
    let settings = Settings { v06: Some(settings), ping_ttl: 4, ..Settings::default() };
    let settings = Arc::new(settings);
    for (n, mode) in (0..).zip(modes) {
        world.add(servent(n, mode, &settings, files, shares(n)), Host::open(address(n)));
        let known: BTreeSet<u32> = [0, n / 2, n.saturating_sub(1)].into();
        let hosts = known.into_iter().filter(|&m| m != n).map(address).collect();
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
        world.run_for(Duration::from_millis(200));
    }
    world
}

fn ultrapeers(world: &World<Servent, Memory>) -> usize {
    world.peers().filter(|(_, peer)| peer.is_ultrapeer() == Some(true)).count()
}

/// No leaf is linked to a leaf, and nobody has more links than places.
fn roles_hold(world: &World<Servent, Memory>, settings: &Settings06) {
    let is_ultrapeer = |peer| world.peer(peer).is_ultrapeer() == Some(true);
    for (index, peer) in world.peers().filter(|(index, _)| world.is_alive(*index)) {
        if is_ultrapeer(index) {
            assert!(peer.leaves() <= settings.leaf_slots);
            assert!(peer.neighbours().count() - peer.leaves() <= settings.ultrapeer_links);
        } else {
            assert!(peer.neighbours().count() <= settings.leaf_links, "{index:?}");
        }
    }
}

#[test]
fn a_crowd_elects_as_many_ultrapeers_as_its_leaves_need() {
    let settings = Settings06 { leaf_slots: 10, ..Settings06::default() };
    let files = catalogue(&["Blue Train.ogg"]);
    let shares = |n: u32| if n % 17 == 5 { vec![0] } else { vec![] };
    // Every third could be an ultrapeer.
    let modes = (0..150).map(|n| match n {
        0 => Mode::Ultrapeer,
        n if n % 3 == 0 => Mode::Elected,
        _ => Mode::Leaf,
    });
    let mut world = crowd(settings.clone(), modes, &files, shares);
    world.run_for(Duration::from_secs(900));
    roles_hold(&world, &settings);
    let count = ultrapeers(&world);
    // 100 leaves or more with three links each, ten places an ultrapeer; and not all that could be.
    assert!((30..=50).contains(&count), "{count} ultrapeers");
    let lonely = world.peers().filter(|(_, peer)| peer.neighbours().count() == 0).count();
    assert_eq!(lonely, 0);
    let full = world.peers().filter(|(_, peer)| {
        peer.is_ultrapeer() == Some(false) && peer.neighbours().count() == settings.leaf_links
    });
    assert!(full.count() >= 95, "most leaves have all their ultrapeers");
    world.drain_events();
    world.command(PeerIndex(7), Command::Search { search: 1, text: "train".into() }, SEARCH);
    world.run_for(Duration::from_secs(300));
    let sources: BTreeSet<Address> =
        hits(&mut world, PeerIndex(7)).into_iter().map(|(_, _, hit)| hit.address).collect();
    let there = (0..150).filter(|n| n % 17 == 5).count();
    assert_eq!(sources.len(), there, "every source is found");
}

#[test]
fn a_capable_servent_becomes_a_leaf_where_ultrapeers_are_enough() {
    let settings = Settings06::default();
    let files = catalogue(&[]);
    let modes = [Mode::Ultrapeer, Mode::Elected, Mode::Elected, Mode::Leaf];
    let mut world = crowd(settings.clone(), modes, &files, |_| vec![]);
    world.run_for(Duration::from_secs(60));
    assert_eq!(ultrapeers(&world), 1, "the others were guided");
    assert_eq!(world.peer(PeerIndex(0)).leaves(), 3);
    // Without it, those that can take its place do.
    world.fail(PeerIndex(0));
    world.run_for(Duration::from_secs(1_200));
    let alive = |n: u32| world.peer(PeerIndex(n)).is_ultrapeer();
    assert!(alive(1) == Some(true) || alive(2) == Some(true));
    assert_eq!(alive(3), Some(false));
    roles_hold(&world, &settings);
}

#[test]
fn an_ultrapeer_without_leaves_steps_down() {
    let election = Election { patience: Duration::from_secs(120), ..Election::default() };
    let settings = Settings06 { leaf_slots: 2, leaf_links: 1, election, ..Settings06::default() };
    let files = catalogue(&[]);
    // Two leaves fill the first ultrapeer, so that the next servent is needed, for a while.
    let modes = [Mode::Ultrapeer, Mode::Leaf, Mode::Leaf, Mode::Elected];
    let mut world = crowd(settings.clone(), modes, &files, |_| vec![]);
    world.run_for(Duration::from_secs(30));
    assert_eq!(ultrapeers(&world), 2);
    world.shut_down(PeerIndex(1));
    world.shut_down(PeerIndex(2));
    world.run_for(Duration::from_secs(600));
    assert_eq!(world.peer(PeerIndex(3)).is_ultrapeer(), Some(false));
    assert_eq!(world.peer(PeerIndex(0)).leaves(), 1, "now it is a leaf");
}

#[test]
fn servents_of_04_are_neighbours_if_that_is_allowed() {
    for (accept_v04, links) in [(true, 2), (false, 0)] {
        let files = catalogue(&["Blue Train.ogg"]);
        let mut world = world(3);
        let new = Settings { v06: Some(Settings06 { accept_v04, ..flooding() }), ..quiet() };
        let (new, old) = (Arc::new(new), Arc::new(quiet()));
        for (n, settings) in [(0, &old), (1, &new), (2, &old)] {
            let shares = if n == 2 { vec![0] } else { vec![] };
            world
                .add(servent(n, Mode::Ultrapeer, settings, &files, shares), Host::open(address(n)));
        }
        // The new one calls the first, which closes on 0.6; the third calls the new one with 0.4.
        for (n, to) in [(1, 0), (2, 1)] {
            world.command(PeerIndex(n), Command::Join { hosts: vec![address(to)] }, JOIN);
            world.run_for(Duration::from_secs(5));
        }
        assert_eq!(world.peer(PeerIndex(1)).neighbours().count(), links);
        world.drain_events();
        let search = Command::Search { search: 1, text: "blue".into() };
        world.command(PeerIndex(0), search, SEARCH);
        world.run_for(Duration::from_secs(5));
        assert_eq!(hits(&mut world, PeerIndex(0)).len(), links / 2, "through the new one");
    }
}

#[test]
fn the_same_trace_whether_messages_are_encoded_or_not() {
    let trace = |checked| {
        let config = overlay_sim::Config { seed: 11, checked, ..overlay_sim::Config::default() };
        let mut world = World::new(config, Memory::default());
        let settings =
            Settings { v06: Some(Settings06::default()), ping_ttl: 4, ..Settings::default() };
        let (settings, files) = (Arc::new(settings), catalogue(&["Blue Train.ogg"]));
        for n in 0..60 {
            let mode = if n % 8 == 0 { Mode::Ultrapeer } else { Mode::Leaf };
            world.add(servent(n, mode, &settings, &files, vec![0]), Host::open(address(n)));
            let hosts = (0..n).step_by(8).map(address).collect();
            world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
        }
        world.run_for(Duration::from_secs(100));
        world.command(PeerIndex(9), Command::Search { search: 1, text: "blue".into() }, SEARCH);
        world.run_for(Duration::from_secs(100));
        assert_eq!(world.metrics().malformed(), 0);
        assert!(hits(&mut world, PeerIndex(9)).len() >= 40);
        world.trace_hash()
    };
    assert_eq!(trace(true), trace(false));
}

#[test]
fn a_full_ultrapeer_refuses_and_names_others() {
    let v06 = Settings06 { ultrapeer_links: 1, leaf_slots: 0, ..flooding() };
    let settings = Arc::new(quiet06(v06));
    let mut servent = servent(0, Mode::Ultrapeer, &settings, &catalogue(&[]), vec![]);
    let mut driver = Recorder::new();
    let hosts = vec![address(7), address(8)];
    driver.input(&mut servent, |servent, cx| servent.command(Command::Join { hosts }, cx));
    for (link, _) in driver.connects.clone() {
        driver.lose(&mut servent, link);
    }
    let link = shake(&mut driver, &mut servent, 9, true);
    assert!(driver.closed.contains(&link));
    let refusal = driver.sent.iter().find_map(|(to, message)| match message {
        Message::Head { head, .. } if *to == link => Some(head),
        _ => None,
    });
    let refusal: Head<'_> = refusal.unwrap().borrow();
    assert!(refusal.start_line().starts_with(b"GNUTELLA/0.6 503"));
    let others = String::from_utf8_lossy(refusal.field("X-Try-Ultrapeers").unwrap_or_default());
    assert!(others.is_empty() || others.contains(":6346"), "{others}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// Whatever neighbours of both kinds send, over links and over UDP, what a servent keeps stays
    /// within its settings.
    #[test]
    fn state_is_bounded_whatever_others_send(
        script in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<[u8; 16]>(), 0u8..10, 1u8..5, 0u8..2, any::<Vec<u8>>()), 1..60,
        ),
        repeat in 1u32..60,
        mode in prop::sample::select(vec![Mode::Ultrapeer, Mode::Elected, Mode::Leaf]),
    ) {
        let v06 = Settings06 {
            leaf_slots: 4, ultrapeer_links: 4, max_table_bits: 10, dynamic_queries: 8, pongs: 8,
            dynamic_querying: true, out_of_band: true, ..flooding()
        };
        let settings = Settings { v06: Some(v06), routes: 32, hosts: 16, searches: 4, ..quiet() };
        let capabilities = Capabilities { mode, ..Capabilities::GOOD };
        let config = Config { capabilities, settings: Arc::new(settings), ..Config::new(guid(0)) };
        let mut servent = Servent::new(config, catalogue(&["a song.ogg"]), [0]);
        let mut driver = Recorder::new();
        let called = call(&mut driver, &mut servent, 40);
        let mut links: Vec<_> =
            (0..10).map(|n| shake(&mut driver, &mut servent, 20 + n, n % 2 == 0)).collect();
        links.push(called);
        for round in 0..repeat {
            for (on, guid, kind, ttl, hops, payload) in &script {
                let types = [0x00, 0x01, 0x30, 0x31, 0x40, 0x80, 0x81, 0x30, 0x31, 0x80];
                let mut guid = *guid;
                guid[1] ^= round as u8;
                let mut payload = payload.clone();
                // Nearly right tables, and queries that can be read.
                match kind {
                    2 => payload.splice(0..0, [0, 0, 4, 0, 0, 7]).for_each(drop),
                    7 => payload.splice(0..0, [1, 1, 255, 0, 8]).for_each(drop),
                    9 => payload.splice(0..0, *b"\x94\0a song\0").for_each(drop),
                    _ => {}
                }
                let mut bytes = guid.to_vec();
                bytes.extend([types[usize::from(*kind)], *ttl, *hops]);
                bytes.extend((payload.len() as u32).to_le_bytes());
                bytes.extend(payload);
                let message = match <Message as overlay_peer::Wire>::decode(Default::default(), &bytes) {
                    Ok(overlay_peer::Decoded::Complete { value, .. }) => value,
                    _ => continue,
                };
                let link = links[on.index(links.len())];
                if servent.neighbours().any(|neighbour| neighbour == link) {
                    let message = message.clone();
                    driver.input(&mut servent, |servent, cx| servent.receive(link, message, cx));
                }
                driver.input(&mut servent, |servent, cx| servent.datagram(address(9), message, cx));
            }
            driver.now = Time::from_secs(u64::from(round) * 3);
            for timer in 8..13 {
                driver.input(&mut servent, |servent, cx| servent.wake(Timer(timer), cx));
            }
            driver.sent.clear();
            let (entries, bytes) = servent.footprint();
            prop_assert!(servent.neighbours().count() <= 8);
            prop_assert!(entries <= 2 * 32 + 16 + 8 + 1 + 40 + 8 + 8 + 4 + 128, "{entries} entries");
            prop_assert!(bytes <= 400_000, "{bytes} bytes");
        }
    }
}

/// The links between ultrapeers, as a graph of all servents; from what they told.
fn overlay(world: &mut World<Servent, Memory>) -> Graph {
    use overlay_gnutella::Event;
    let mut edges = std::collections::BTreeMap::new();
    for (_, peer, event) in world.drain_events().collect::<Vec<_>>() {
        match event {
            Event::Linked { link, remote, inbound: false } => {
                edges.insert((peer, link), remote);
            }
            Event::Unlinked { link, .. } => drop(edges.remove(&(peer, link))),
            _ => {}
        }
    }
    let nodes = world.len() as u32;
    let number = |it: Address| (0..nodes).find(|&n| address(n) == it).unwrap();
    let edges = edges.into_iter().map(|((peer, _), remote)| (peer.0, number(remote)));
    let is_ultrapeer = |n: u32| world.peer(PeerIndex(n)).is_ultrapeer() == Some(true);
    Graph::new(nodes, edges.filter(|&(a, b)| is_ultrapeer(a) && is_ultrapeer(b)))
}

/// Ultrapeers that come one after another do not end in groups of as many as they may have links.
#[test]
fn a_network_that_grows_stays_in_one_piece() {
    let settings = Settings06 {
        leaf_slots: 5,
        ultrapeer_target: 7,
        ultrapeer_links: 8,
        ..Settings06::default()
    };
    let modes = (0..400).map(|n| if n % 2 == 0 { Mode::Ultrapeer } else { Mode::Leaf });
    let mut world = crowd(settings.clone(), modes, &catalogue(&[]), |_| vec![]);
    world.run_for(Duration::from_secs(300));
    roles_hold(&world, &settings);
    let graph = overlay(&mut world);
    let within =
        |hops| (0..400).step_by(20).map(|n| graph.reach(n, hops) as f64 / 20.0).sum::<f64>();
    // A random graph of 7.7 links each has 345 ways of three hops; without room for newcomers it was 18.
    let (three, all) = (within(3), within(400));
    assert!(all > 198.9, "{all} of 199 others are reached at all");
    assert!(three > 100.0, "{three} of 199 within three hops");
}

/// Who comes to a full ultrapeer takes another's place, but not one that it chose, and not often.
#[test]
fn newcomers_find_room_once_in_a_while() {
    let v06 = Settings06 { ultrapeer_links: 4, leaf_slots: 0, ..flooding() };
    let interval = v06.room_interval;
    let settings = Arc::new(quiet06(v06));
    let mut servent = servent(0, Mode::Ultrapeer, &settings, &catalogue(&[]), vec![]);
    let mut driver = Recorder::new();
    let chosen = call(&mut driver, &mut servent, 5);
    let mut linked: Vec<Link> =
        (6..9).map(|n| shake(&mut driver, &mut servent, n, false)).collect();
    for n in 0..60 {
        driver.now = Time::ZERO + interval * (n / 2);
        driver.closed.clear();
        let newcomer = shake(&mut driver, &mut servent, 10 + n, false);
        if n % 2 == 0 {
            linked.push(newcomer);
        }
        driver.closed.dedup();
        // Of each two that come, the second one is too early.
        let [gone] = driver.closed[..] else { panic!("{:?}", driver.closed) };
        assert_eq!(gone == newcomer, n % 2 == 1);
        linked.retain(|link| *link != gone);
        let mut neighbours: Vec<Link> = servent.neighbours().collect();
        neighbours.sort_unstable_by_key(|link| link.as_raw());
        assert_eq!(neighbours, [vec![chosen], linked.clone()].concat());
    }
    // Leaves take nobody's place.
    driver.now = Time::ZERO + interval * 100;
    let leaf = shake(&mut driver, &mut servent, 9, true);
    assert_eq!(driver.closed.last(), Some(&leaf));
}
