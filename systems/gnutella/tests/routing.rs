//! The way back: whose hits are whose, and what becomes of those that do not arrive.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::{OwnedPayload, OwnedQueryHit, Query, QueryFlags};
use overlay_gnutella::{Command, Config, Descriptor, Event, Message, Servent};
use overlay_peer::{Link, Peer, Time};
use overlay_sim::PeerIndex;
use proptest::prelude::*;

const WORDS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// Many search at once, for different and for the same things: each is told what it asked for, by
    /// exactly those within its TTL, once.
    #[test]
    fn every_hit_is_told_to_who_asked_for_it(
        parents in prop::collection::vec(any::<u32>(), 1..40),
        more in prop::collection::vec(any::<(u32, u32)>(), 0..40),
        searches in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, 0u64..400), 1..12),
    ) {
        let graph = connected(&parents, &more);
        let has = |n: u32| vec![n % 4];
        let mut world = wired(&graph, &quiet(), &catalogue(&WORDS), has);
        let mut expected = BTreeSet::new();
        for (number, (origin, word, pause)) in searches.iter().enumerate() {
            let origin = origin.index(graph.nodes() as usize) as u32;
            let search = number as u32;
            let command = Command::Search { search, text: WORDS[*word].into() };
            world.command(PeerIndex(origin), command, SEARCH);
            world.run_for(Duration::from_millis(*pause));
            for (node, distance) in (0..).zip(graph.distances(origin)) {
                if node != origin && node % 4 == *word as u32 && distance.unwrap() <= 7 {
                    expected.insert((origin, search, node));
                }
            }
        }
        world.run_for(Duration::from_secs(10));
        let mut told = Vec::new();
        for (_, peer, event) in world.drain_events() {
            if let Event::Hit { search, hit, .. } = event {
                let (.., word, _) = searches[search as usize];
                prop_assert_eq!(hit.name_lossy(), WORDS[word]);
                let node = (0..graph.nodes()).find(|&node| address(node) == hit.address).unwrap();
                told.push((peer.0, search, node));
            }
        }
        prop_assert_eq!(told.len(), expected.len());
        prop_assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    /// Whoever leaves while hits are on their way: each arrives, or is counted where its way ended, or
    /// was under way on a link that closed.
    #[test]
    fn every_hit_arrives_or_is_counted_lost(
        parents in prop::collection::vec(any::<u32>(), 4..40),
        more in prop::collection::vec(any::<(u32, u32)>(), 0..20),
        leaves in prop::collection::vec((any::<prop::sample::Index>(), 0u64..300), 1..8),
        crash: bool,
    ) {
        let graph = connected(&parents, &more);
        let mut world = wired(&graph, &quiet(), &catalogue(&WORDS), |n| if n == 0 { vec![] } else { vec![0] });
        let command = Command::Search { search: 1, text: "alpha".into() };
        world.command(PeerIndex(0), command, SEARCH);
        for (who, pause) in leaves {
            world.run_for(Duration::from_millis(pause));
            // All but the searcher.
            let who = PeerIndex(who.index(parents.len()) as u32 + 1);
            if crash { world.shut_down(who) } else { world.command(who, Command::Leave, JOIN) }
        }
        world.run_for(Duration::from_secs(100));
        let arrived = hits(&mut world, PeerIndex(0)).len() as u64;
        let (mut answered, mut lost) = (0, 0);
        for (_, peer) in world.peers() {
            let c = peer.counters();
            answered += u64::from(c.answered);
            lost += u64::from(c.unrouted + c.dead_routes + c.expired + c.late_hits + c.ttl_dropped);
        }
        let dropped = world.metrics().dropped();
        prop_assert!(arrived <= answered);
        prop_assert!(
            answered <= arrived + lost + dropped,
            "{answered} answered, {arrived} arrived, {lost} lost, {dropped} dropped",
        );
        if dropped == 0 {
            prop_assert_eq!(answered, arrived + lost);
        }
    }
}

fn servent() -> (Servent, Recorder) {
    let config = Config { settings: Arc::new(quiet()), ..Config::new(guid(0)) };
    (Servent::new(config, catalogue(&[]), []), Recorder::new())
}

fn query(n: u32) -> Message {
    let query = Query::new(QueryFlags::default(), b"song").unwrap().to_owned();
    let descriptor = Arc::new(Descriptor::new(guid(n), OwnedPayload::Query(query)));
    Message::Descriptor { ttl: 7, hops: 0, descriptor }
}

fn hit(n: u32, ttl: u8) -> Message {
    let std::net::SocketAddr::V4(from) = address(9) else { panic!("IPv4") };
    let hit = OwnedQueryHit::new(from, 1, guid(100), []).unwrap();
    let descriptor = Arc::new(Descriptor::new(guid(n), OwnedPayload::QueryHit(hit)));
    Message::Descriptor { ttl, hops: 0, descriptor }
}

/// What each counter counts, one way of losing a hit after the other.
#[test]
fn lost_hits_are_counted_by_why() {
    let (mut servent, mut driver) = servent();
    let links: Vec<Link> = (0..3).map(|n| driver.neighbour(&mut servent, n + 1)).collect();
    let [asker, holder, other] = links[..] else { panic!() };
    let receive = |servent: &mut Servent, driver: &mut Recorder, link, message| {
        driver.sent.clear();
        driver.input(servent, |s, cx| s.receive(link, message, cx));
        driver.sent.iter().map(|(link, _)| *link).collect::<Vec<_>>()
    };
    assert_eq!(receive(&mut servent, &mut driver, asker, query(1)), [holder, other]);
    // The same again, from elsewhere: dropped, and the way back stays the first one's.
    assert_eq!(receive(&mut servent, &mut driver, other, query(1)), []);
    assert_eq!(servent.counters().duplicates, 1);
    assert_eq!(receive(&mut servent, &mut driver, holder, hit(1, 7)), [asker]);
    assert_eq!(receive(&mut servent, &mut driver, holder, hit(1, 1)), []);
    assert_eq!(servent.counters().expired, 1);
    assert_eq!(receive(&mut servent, &mut driver, holder, hit(2, 7)), []);
    assert_eq!(receive(&mut servent, &mut driver, asker, hit(1, 7)), [], "its own answer");
    assert_eq!(servent.counters().unrouted, 2);
    driver.lose(&mut servent, asker);
    assert_eq!(receive(&mut servent, &mut driver, holder, hit(1, 7)), []);
    assert_eq!(servent.counters().dead_routes, 1);
    // Somebody else in the slot of the one who asked: still nowhere, and the query still known.
    let newcomer = driver.neighbour(&mut servent, 7);
    assert_eq!(receive(&mut servent, &mut driver, holder, hit(1, 7)), []);
    assert_eq!(receive(&mut servent, &mut driver, newcomer, query(1)), []);
    assert_eq!((servent.counters().dead_routes, servent.counters().duplicates), (2, 2));
}

/// A GUID is remembered for one to two lifetimes; then it is as if it had never been.
#[test]
fn what_was_seen_is_forgotten_in_time() {
    let settings =
        overlay_gnutella::Settings { route_lifetime: Duration::from_secs(600), ..quiet() };
    let config = Config { settings: Arc::new(settings), ..Config::new(guid(0)) };
    let (mut servent, mut driver) = (Servent::new(config, catalogue(&[]), []), Recorder::new());
    let (a, b) = (driver.neighbour(&mut servent, 1), driver.neighbour(&mut servent, 2));
    let mut passed = |n: u32, seconds: u64| {
        driver.now = Time::from_secs(seconds);
        driver.sent.clear();
        driver.input(&mut servent, |s, cx| s.receive(a, query(n), cx));
        driver.sent.iter().any(|(link, _)| *link == b)
    };
    assert!(passed(1, 0));
    assert!(!passed(1, 599) && !passed(1, 601), "known for a lifetime at least");
    // Other queries move the generations on.
    assert!(passed(2, 650) && !passed(1, 1_200) && passed(3, 1_251));
    assert!(passed(1, 1_252), "forgotten after two");
}
