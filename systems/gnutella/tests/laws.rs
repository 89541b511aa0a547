//! Laws of the servent and of its messages.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::{
    Connect, Giv, OwnedPayload, OwnedPing, OwnedQueryHit, Query, QueryFlags, Request,
};
use overlay_gnutella::{Command, Config, Descriptor, HeadKind, Message, Phase, Servent, Settings};
use overlay_peer::{Decoded, Link, LinkState, Peer, Time, Wire};
use overlay_sim::PeerIndex;
use overlay_sim::topology::Graph;
use proptest::prelude::*;

const QUERY: u8 = 2;
const QUERY_HIT: u8 = 3;

fn search(text: &str) -> Command {
    Command::Search { search: 1, text: text.into() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 10))]

    /// A flood that no TTL stops crosses every link twice, but those of the tree of first arrivals
    /// once: 2M − (N − 1) messages, of which 2(M − N + 1) come again (figure G9).
    #[test]
    fn a_flood_without_ttl_limit_sends_2m_minus_n_plus_1(
        parents in prop::collection::vec(any::<u32>(), 1..60),
        more in prop::collection::vec(any::<(u32, u32)>(), 0..80),
    ) {
        let graph = connected(&parents, &more);
        let (n, m) = (u64::from(graph.nodes()), graph.edges().len() as u64);
        let mut world = wired(&graph, &endless(255), &catalogue(&[]), |_| vec![]);
        world.command(PeerIndex(0), search("nothing"), SEARCH);
        prop_assert!(world.run_until_idle(Duration::from_secs(60)));
        prop_assert_eq!(world.metrics().count(SEARCH, QUERY).messages, 2 * m - (n - 1));
        let duplicates: u32 = world.peers().map(|(_, peer)| peer.counters().duplicates).sum();
        prop_assert_eq!(u64::from(duplicates), 2 * (m + 1 - n));
    }

    /// A query reaches exactly the servents within TTL links, and each hit says how far it came.
    /// The hits take the way back of the query: the sum of the distances, and not a message more.
    #[test]
    fn reach_is_that_of_a_breadth_first_search(
        (nodes, edges) in (2u32..60).prop_flat_map(|n| (Just(n), 1..=(n as usize * (n as usize - 1) / 2).min(100))),
        seed: u64, ttl in 1u8..7,
    ) {
        let graph = Graph::erdos_renyi(nodes, edges, seed);
        let files = catalogue(&["The Wanted.ogg"]);
        let mut world = wired(&graph, &endless(ttl), &files, |n| if n == 0 { vec![] } else { vec![0] });
        world.command(PeerIndex(0), search("wanted"), SEARCH);
        prop_assert!(world.run_until_idle(Duration::from_secs(60)));
        let mut found: Vec<(u32, u32)> = hits(&mut world, PeerIndex(0))
            .into_iter()
            .map(|(_, hops, hit)| {
                let node = (0..nodes).find(|&n| address(n) == hit.address).unwrap();
                (node, u32::from(hops))
            })
            .collect();
        found.sort_unstable();
        let within: Vec<(u32, u32)> = (0..nodes)
            .zip(graph.distances(0))
            .filter_map(|(node, distance)| Some((node, distance?)))
            .filter(|&(_, distance)| distance > 0 && distance <= u32::from(ttl))
            .collect();
        prop_assert_eq!(found.len(), graph.reach(0, ttl.into()));
        prop_assert_eq!(&found, &within);
        let steps: u64 = within.iter().map(|&(_, distance)| u64::from(distance)).sum();
        prop_assert_eq!(world.metrics().count(SEARCH, QUERY_HIT).messages, steps);
    }

    /// Whatever links come and go, a hit goes to the neighbour its query came from, or nowhere.
    #[test]
    fn a_stale_route_never_leads_to_a_reused_slot(
        script in prop::collection::vec((0u8..4, any::<prop::sample::Index>(), 0u32..12), 1..120),
    ) {
        let config = Config { settings: Arc::new(quiet()), ..Config::new(guid(0)) };
        let mut servent = Servent::new(config, catalogue(&[]), []);
        let mut driver = Recorder::new();
        let mut links: Vec<Link> = Vec::new();
        // Which link each query came from first.
        let mut asked: BTreeMap<u32, Link> = BTreeMap::new();
        for (step, at, query) in script {
            let on = (!links.is_empty()).then(|| at.index(links.len()));
            match (step, on) {
                (0, _) if links.len() < 6 => links.push(driver.neighbour(&mut servent, 9)),
                (1, Some(on)) => {
                    let link = links.remove(on);
                    driver.lose(&mut servent, link);
                }
                (2, Some(on)) => {
                    let payload = Query::new(QueryFlags::default(), b"song").unwrap().to_owned();
                    asked.entry(query).or_insert(links[on]);
                    let descriptor =
                        Arc::new(Descriptor::new(guid(query), OwnedPayload::Query(payload)));
                    let message = Message::Descriptor { ttl: 7, hops: 0, descriptor };
                    driver.input(&mut servent, |s, cx| s.receive(links[on], message, cx));
                }
                (3, Some(on)) => {
                    driver.sent.clear();
                    let message = hit(guid(query), 100);
                    driver.input(&mut servent, |s, cx| s.receive(links[on], message, cx));
                    let origin = asked.get(&query).filter(|origin| links.contains(origin));
                    let expected: Vec<Link> =
                        origin.filter(|&&origin| origin != links[on]).copied().into_iter().collect();
                    let to: Vec<Link> = driver.sent.iter().map(|(link, _)| *link).collect();
                    prop_assert_eq!(to, expected);
                }
                _ => {}
            }
        }
    }

    /// Whatever neighbours send and whoever connects, what a servent keeps and how many links it opens
    /// stay within its settings: Pushes for its own files, Pongs, handshakes and requests included.
    #[test]
    fn state_is_bounded_whatever_others_send(
        descriptors in prop::collection::vec((any::<[u8; 23]>(), 0u8..8, any::<Vec<u8>>()), 1..40),
        strangers in prop::collection::vec((0u8..6, 0u32..20), 0..10),
        repeat in 1u32..200,
    ) {
        let settings = Settings { routes: 64, hosts: 16, uploads: 3, greetings: 5, max_links: 8, ..quiet() };
        let config = Config { settings: Arc::new(settings), ..Config::new(guid(0)) };
        let mut servent = Servent::new(config, catalogue(&["a song.mp3", "b.txt"]), [0, 1]);
        let mut driver = Recorder::new();
        let links: Vec<Link> = (0..4).map(|n| driver.neighbour(&mut servent, n + 1)).collect();
        let mut opened: Vec<Link> = Vec::new();
        for round in 0..repeat {
            for (number, (header, kind, payload)) in descriptors.iter().enumerate() {
                let mut bytes = header.to_vec();
                bytes[..4].copy_from_slice(&(round * 40 + number as u32).to_le_bytes());
                bytes[16] = [0x00, 0x01, 0x40, 0x80, 0x81, 0x30, 0x40, 0x40][usize::from(*kind)];
                bytes[17] %= 10;
                bytes[18] %= 10;
                let mut payload = payload.clone();
                if *kind >= 6 {
                    // A Push for one of its files, to anywhere.
                    payload = [guid(0).as_bytes().as_slice(), &[kind & 1, 0, 0, 0], &header[4..10]].concat();
                    bytes[17] = 7;
                    bytes[18] = 0;
                }
                bytes[19..23].copy_from_slice(&(payload.len() as u32).to_le_bytes());
                bytes.extend_from_slice(&payload);
                let Ok(Decoded::Complete { value, consumed }) =
                    Message::decode(Phase::Descriptors, &bytes)
                else {
                    panic!("a whole frame is a message")
                };
                prop_assert_eq!(consumed, bytes.len());
                let link = links[number % links.len()];
                driver.input(&mut servent, |s, cx| s.receive(link, value, cx));
                // Who is pushed to accepts, and says nothing.
                for (link, remote) in driver.connects.drain(..).collect::<Vec<_>>() {
                    opened.push(link);
                    let open = LinkState::Open { remote, inbound: false };
                    driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
                }
            }
            for &(what, from) in &strangers {
                let link = driver.link();
                opened.push(link);
                let open = LinkState::Open { remote: address(30 + from), inbound: true };
                driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
                let (kind, head) = match what {
                    0 => (HeadKind::Connect, Connect::v04()),
                    1 => (HeadKind::Request, Request::build(from, b"a song.mp3", HOST, None).finish()),
                    2 => (HeadKind::Giv, Giv::build(0, guid(from), b"x")),
                    _ => continue,
                };
                if !driver.closed.contains(&link) {
                    let head = Message::Head { kind, head: Box::new(head) };
                    driver.input(&mut servent, |s, cx| s.receive(link, head, cx));
                }
            }
            opened.retain(|link| !driver.closed.contains(link));
            driver.closed.clear();
            driver.sent.clear();
            driver.events.clear();
            // Neighbours (four are there from the start), greetings, uploads and idle ones.
            prop_assert!(opened.len() <= 4 + 5 + (3 + 5), "{} links", opened.len());
        }
        let (entries, bytes) = servent.footprint();
        let most = 2 * 64 + 16 + 8 + 5 + (3 + 5) + 2;
        prop_assert!(entries <= most, "{entries} entries, at most {most}");
        prop_assert!(bytes <= 8_192, "{bytes} bytes");
    }

    #[test]
    fn no_panic_on_arbitrary_bytes_and_what_is_decoded_round_trips(
        bytes: Vec<u8>, prefix in 0usize..8, left: u16,
    ) {
        let prefix: &[u8] = [
            b"".as_slice(), b"GNUTELLA CONNECT/", b"GET /get/", b"GIV 1:", b"GNUTELLA OK\n\n",
            b"HTTP/1.1 200 OK\r\n\r\n", b"GNUTELLA CONNECT/0.4\n\n", b"GET ",
        ][prefix];
        let bytes = [prefix, &bytes].concat();
        let left = u64::from(left);
        for phase in [Phase::Opening, Phase::Reply, Phase::Descriptors, Phase::Request, Phase::Response, Phase::Body { left }] {
            if let Ok(Decoded::Complete { value, consumed }) = Message::decode(phase, &bytes) {
                let mut again = Vec::new();
                value.encode(&mut again);
                prop_assert_eq!(again.len(), value.encoded_len());
                prop_assert_eq!(&again, &bytes[..consumed]);
            }
        }
    }
}

fn hit(guid: gnutella_wire::Guid, servent: u32) -> Message {
    let Ok(address) = "20.0.0.9:6346".parse() else { panic!("an address") };
    let hit = OwnedQueryHit::new(address, 1, common::guid(servent), []).unwrap();
    let descriptor = Arc::new(Descriptor::new(guid, OwnedPayload::QueryHit(hit)));
    Message::Descriptor { ttl: 7, hops: 0, descriptor }
}

#[test]
fn a_message_takes_16_bytes() {
    assert_eq!(size_of::<Message>(), 16);
}

/// On a line of servents, the file at distance TTL is found and the one behind it is not.
#[test]
fn nothing_is_found_beyond_the_ttl_horizon() {
    let line = Graph::new(10, (0..9).map(|n| (n, n + 1)));
    let files = catalogue(&["within.txt", "beyond.txt"]);
    let settings = Settings { ttl: 7, ..quiet() };
    let mut world = wired(&line, &settings, &files, |n| match n {
        7 => vec![0],
        8 => vec![1],
        _ => vec![],
    });
    world.command(PeerIndex(0), search("within"), SEARCH);
    world.command(PeerIndex(0), Command::Search { search: 2, text: "beyond".into() }, SEARCH);
    world.run_for(Duration::from_secs(10));
    let found = hits(&mut world, PeerIndex(0));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1), (1, 7));
    assert_eq!(found[0].2.name_lossy(), "within.txt");
    assert_eq!(world.metrics().count(SEARCH, QUERY).messages, 2 * 7);
}

/// On a tree of degree n each servent passes a query on to n − 1 others, so TTL t reaches
/// Σ n(n−1)^(i−1) of them (figure G1; n = 4, t = 7).
#[test]
fn reach_on_a_tree_is_the_geometric_sum() {
    let (mut edges, mut level, mut nodes) = (Vec::new(), vec![0_u32], 1_u32);
    // A level more than the query reaches.
    for depth in 0..8 {
        let mut below = Vec::new();
        for &parent in &level {
            for _ in 0..if depth == 0 { 4 } else { 3 } {
                edges.push((parent, nodes));
                below.push(nodes);
                nodes += 1;
            }
        }
        level = below;
    }
    let tree = Graph::new(nodes, edges);
    let mut world = wired(&tree, &Settings { ttl: 7, ..quiet() }, &catalogue(&[]), |_| vec![]);
    world.command(PeerIndex(0), search("nothing"), SEARCH);
    assert!(world.run_until_idle(Duration::from_secs(10)));
    assert_eq!(world.metrics().count(SEARCH, QUERY).messages, 4_372);
}

/// Several keywords are an intersection; case, order, accents and how these are composed do not matter, parts
/// of words do not match.
#[test]
fn a_file_matches_if_it_has_all_keywords() {
    let pair = Graph::new(2, [(0, 1)]);
    let files = catalogue(&[
        "Blue Train - take 1.ogg",
        "Blue_Moon.OGG",
        "train.txt",
        "Björk - Jo\u{301}ga.txt",
    ]);
    for (text, expected) in [
        ("blue", vec![0, 1]),
        ("BLUE ogg", vec![0, 1]),
        ("train blue", vec![0]),
        ("train", vec![0, 2]),
        ("rain", vec![]),
        ("blue train moon", vec![]),
        ("bjork jóga", vec![3]),
        ("BJO\u{308}RK", vec![3]),
    ] {
        let mut world =
            wired(&pair, &quiet(), &files, |n| if n == 1 { vec![0, 1, 2, 3] } else { vec![] });
        world.command(PeerIndex(0), search(text), SEARCH);
        world.run_for(Duration::from_secs(1));
        let mut found: Vec<u32> =
            hits(&mut world, PeerIndex(0)).into_iter().map(|(_, _, hit)| hit.index).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
}

/// What one servent that does nothing takes: itself, four links, a list of eight files.
#[test]
fn an_idle_servent_is_small() {
    let files =
        catalogue(&["a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt", "g.txt", "h.txt"]);
    let star = Graph::new(5, (1..5).map(|n| (0, n)));
    let mut world = wired(&star, &quiet(), &files, |_| (0..8).collect());
    world.run_for(Duration::from_secs(20));
    let (entries, heap) = world.peer(PeerIndex(0)).footprint();
    assert_eq!(entries, 4 + 8);
    let all = size_of::<Servent>() + heap;
    assert!(all <= 400, "{} + {heap} bytes", size_of::<Servent>());
}

/// Keep-alive Pings keep quiet neighbours; one that says nothing is given up.
#[test]
fn a_silent_neighbour_is_closed() {
    let settings = Settings { ping_interval: Some(Duration::from_secs(30)), ..quiet() };
    let config = Config { settings: Arc::new(settings), ..Config::new(guid(0)) };
    let mut servent = Servent::new(config, catalogue(&[]), []);
    let mut driver = Recorder::new();
    let (alive, silent) = (driver.neighbour(&mut servent, 1), driver.neighbour(&mut servent, 2));
    for round in 1..=4u32 {
        driver.now = Time::from_secs(30 * u64::from(round));
        driver.input(&mut servent, |s, cx| s.wake(overlay_peer::Timer(0), cx));
        let ping = OwnedPayload::Ping(OwnedPing::default());
        let descriptor = Arc::new(Descriptor::new(guid(1_000 + round), ping));
        let message = Message::Descriptor { ttl: 1, hops: 0, descriptor };
        driver.input(&mut servent, |s, cx| s.receive(alive, message, cx));
    }
    assert_eq!(driver.closed, [silent]);
    assert_eq!(servent.neighbours().collect::<Vec<_>>(), [alive]);
}
