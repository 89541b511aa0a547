//! What does not go along links: answers over UDP, and Pushes through proxies.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use common06::*;
use gnutella_wire::{Request, Urn};
use natsim::Behaviour;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, HeadKind, Hit, Message, Mode, Servent,
    Settings06, SharedFile,
};
use overlay_peer::{LinkState, Object, Peer};
use overlay_sim::topology::Graph;
use overlay_sim::{Config as WorldConfig, Host, PeerIndex, Underlay, World};

const QUERY_HIT: u8 = 3;
const VENDOR: u8 = 13;
const ASKER: PeerIndex = PeerIndex(2);
const HOLDER: PeerIndex = PeerIndex(3);

/// Two ultrapeers, 0 and 1, with a leaf each: 2, which asks, and 3, which has the file; behind a NAT if
/// `hidden`.
fn net(hidden: bool, datagram_loss: f64) -> World<Servent, Memory> {
    let config = WorldConfig {
        checked: true,
        underlay: Underlay::Uniform(Duration::from_millis(50)),
        datagram_loss,
        ..WorldConfig::default()
    };
    let mut world = World::new(config, Memory::default());
    let settings = Arc::new(quiet06(Settings06 { out_of_band: true, ..flooding() }));
    let files = catalogue(&["Blue Train.ogg"]);
    for n in 0..4 {
        let mode = if n < 2 { Mode::Ultrapeer } else { Mode::Leaf };
        let config = Config {
            capabilities: Capabilities { mode, ..Capabilities::GOOD },
            settings: settings.clone(),
            firewalled: hidden && n == 3,
            ..Config::new(guid(n))
        };
        let shares = if n == 3 { vec![0] } else { vec![] };
        let host = match hidden && n == 3 {
            true => Host::behind(
                ([10, 0, 0, 1], 6346).into(),
                address(3).ip(),
                Behaviour::PORT_RESTRICTED,
            ),
            false => Host::open(address(n)),
        };
        world.add(Servent::new(config, files.clone(), shares), host);
    }
    for (n, to) in [(0, None), (1, Some(0)), (2, Some(0)), (3, Some(1))] {
        let hosts = to.map(address).into_iter().collect();
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
        world.run_for(Duration::from_secs(2));
    }
    world.drain_events();
    world
}

fn search(world: &mut World<Servent, Memory>, wait: u64) -> Vec<(u32, u8, Hit)> {
    world.command(ASKER, Command::Search { search: 1, text: "train".into() }, SEARCH);
    world.run_for(Duration::from_secs(wait));
    hits(world, ASKER)
}

#[test]
fn a_hit_comes_straight_from_who_has_the_file() {
    let mut world = net(false, 0.0);
    let found = search(&mut world, 2);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, 3, "asker, two ultrapeers, holder");
    // Announced, asked for, sent: and nothing on the links.
    assert_eq!(world.metrics().count(SEARCH, VENDOR).messages, 2);
    assert_eq!(world.metrics().count(SEARCH, QUERY_HIT).messages, 1);
    assert!(world.run_until_idle(Duration::from_secs(60)));
}

#[test]
fn a_hit_that_nobody_asks_for_comes_along_the_links() {
    let mut world = net(false, 1.0);
    assert_eq!(search(&mut world, 5).len(), 0);
    world.run_for(Duration::from_secs(15));
    assert_eq!(hits(&mut world, ASKER).len(), 1);
    assert_eq!(
        world.metrics().count(SEARCH, QUERY_HIT).messages
            + world.metrics().count(UPKEEP, QUERY_HIT).messages,
        3
    );
}

#[test]
fn a_holder_behind_a_nat_answers_over_udp_and_is_pushed_through_its_proxy() {
    let mut world = net(true, 0.0);
    let mut found = search(&mut world, 2);
    assert_eq!(found.len(), 1);
    let hit = found.remove(0).2;
    assert!(hit.push);
    assert_eq!(
        *hit.proxies,
        [match address(1) {
            overlay_peer::Address::V4(it) => it,
            overlay_peer::Address::V6(_) => unreachable!(),
        }]
    );
    let bytes = content(7, 1_000);
    world.store_mut().objects.insert((HOLDER.0, 0), bytes.clone());
    let fetch = Command::Fetch { fetch: 9, hit, into: Object(50), from: 0 };
    world.command(ASKER, fetch, FETCH);
    world.run_for(Duration::from_secs(20));
    let told: Vec<Event> = world.drain_events().map(|(_, _, event)| event).collect();
    let fetched = Event::Fetched { fetch: 9, bytes: 1_000, pushed: true };
    assert!(told.contains(&fetched), "{told:?}");
    assert_eq!(world.store().objects[&(ASKER.0, 50)], bytes);
}

/// A SHA-1 without a pattern: QRP's hash XORs words, and what repeats cancels out.
fn sha1(n: u8) -> [u8; 20] {
    core::array::from_fn(|at| (at as u8 ^ n).wrapping_mul(167).rotate_left(3))
}

#[test]
fn a_file_is_found_by_its_hash() {
    let [blue, red, unknown] = [1, 2, 3].map(sha1);
    let files = ["Blue Train.ogg", "Red Train.ogg"].map(|name| SharedFile {
        name: name.into(),
        size: 1,
        object: Object(0),
    });
    let files = Arc::new(Catalogue::new(files).with_sha1([blue, red]));
    let graph = Graph::new(2, [(0, 1)]);
    let shares = |n: u32| if n == 3 { vec![0, 1] } else { vec![] };
    let mut world = wired06(&graph, &[vec![0], vec![1]], quiet06(flooding()), &files, shares);
    let bitprint = Urn::Bitprint { sha1: blue, tiger_root: [5; 24] };
    let searches = [
        (Urn::Sha1(red), vec![Some(red)]),
        (bitprint, vec![Some(blue)]),
        (Urn::Sha1(unknown), vec![]),
    ];
    for (urn, expected) in searches {
        let text = urn.to_string();
        world.command(ASKER, Command::Search { search: 1, text }, SEARCH);
        world.run_for(Duration::from_secs(2));
        let found: Vec<_> =
            hits(&mut world, ASKER).into_iter().map(|(_, _, hit)| hit.sha1).collect();
        assert_eq!(found, expected, "{urn}");
    }
    // By name, the hash is told as well.
    assert_eq!(search(&mut world, 2).into_iter().filter(|hit| hit.2.sha1.is_some()).count(), 2);
    assert_eq!(world.peer(HOLDER).counters().unasked, 0, "the tables have urns");
    assert_eq!(world.peer(PeerIndex(1)).counters().leaf_suppressed, 1, "nobody has the last one");
}

/// Whoever knows a file's hash can ask for it under that (HUGE 0.94, section 4).
#[test]
fn a_file_is_served_under_its_hash() {
    let file = SharedFile { name: "a".into(), size: 10, object: Object(0) };
    let files = Catalogue::new([file.clone(), file]).with_sha1([sha1(1), sha1(2)]);
    // The second is known, and not shared.
    let mut servent = Servent::new(Config::new(guid(1)), Arc::new(files), [0]);
    let mut driver = Recorder::new();
    for (n, status) in [(1, &b"HTTP/1.1 200"[..]), (2, b"HTTP/1.1 404"), (3, b"HTTP/1.1 404")] {
        driver.sent.clear();
        let link = driver.link();
        let open = LinkState::Open { remote: address(9), inbound: true };
        driver.input(&mut servent, |servent, cx| servent.link_changed(link, open, cx));
        let head = Box::new(Request::build_urn(&Urn::Sha1(sha1(n)), HOST, None).finish());
        let request = Message::Head { kind: HeadKind::Request, head };
        driver.input(&mut servent, |servent, cx| servent.receive(link, request, cx));
        let Some((_, Message::Head { head, .. })) = driver.sent.first() else {
            panic!("{:?}", driver.sent)
        };
        assert!(head.borrow().start_line().starts_with(status), "{head:?}");
    }
}
