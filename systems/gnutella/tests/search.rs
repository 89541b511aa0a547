//! Ways to search: expanding ring, random walks, once more if nothing was found.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::{OwnedPayload, TtlRules};
use overlay_gnutella::{Command, Config, Event, Message, SearchPlan, Servent, Settings, Strategy};
use overlay_peer::{Link, Peer};
use overlay_sim::topology::Graph;
use overlay_sim::{Host, PeerIndex, World};
use proptest::prelude::*;

const QUERY: u8 = 2;
const ORIGIN: PeerIndex = PeerIndex(0);

fn by(text: &str, strategy: Strategy) -> Command {
    let plan = SearchPlan { again: 0, ..SearchPlan::new(strategy) };
    Command::SearchBy { search: 1, text: text.into(), plan }
}

/// (hops of each hit, how often the search ended with how many results).
fn outcome(world: &mut World<Servent, Memory>) -> (Vec<u8>, Vec<u32>) {
    let (mut hops, mut ended) = (Vec::new(), Vec::new());
    for (_, peer, event) in world.drain_events() {
        match event {
            Event::Hit { search: 1, hops: distance, .. } if peer == ORIGIN => hops.push(distance),
            Event::SearchEnded { search: 1, results } if peer == ORIGIN => ended.push(results),
            _ => {}
        }
    }
    (hops, ended)
}

fn queries(world: &World<Servent, Memory>) -> u64 {
    world.metrics().count(SEARCH, QUERY).messages + world.metrics().count(UPKEEP, QUERY).messages
}

fn line(nodes: u32) -> Graph {
    Graph::new(nodes, (1..nodes).map(|n| (n - 1, n)))
}

/// On a line the ring of TTL t costs t messages: 1 + 3 for a file three links away, and no ring more.
#[test]
fn a_ring_grows_until_something_is_found() {
    for (distance, rings) in
        [(1, vec![1]), (3, vec![1, 3]), (4, vec![1, 3, 5]), (7, vec![1, 3, 5, 7])]
    {
        let files = catalogue(&["wanted.txt"]);
        let has = |n| if n == distance { vec![0] } else { vec![] };
        let mut world = wired(&line(12), &quiet(), &files, has);
        world.command(ORIGIN, by("wanted", Strategy::RING), SEARCH);
        world.run_for(Duration::from_secs(60));
        assert_eq!(outcome(&mut world), (vec![distance as u8], vec![1]));
        assert_eq!(queries(&world), rings.iter().sum::<u64>(), "{distance} links away");
    }
}

/// The next ring asks the nearer ones again; what they have is told once.
#[test]
fn a_wider_ring_tells_only_what_is_new() {
    let files = catalogue(&["wanted.txt"]);
    let mut world = wired(&line(12), &quiet(), &files, |n| if n > 0 { vec![0] } else { vec![] });
    let plan = SearchPlan { enough: 4, ..SearchPlan::new(Strategy::RING) };
    world.command(ORIGIN, Command::SearchBy { search: 1, text: "wanted".into(), plan }, SEARCH);
    world.run_for(Duration::from_secs(60));
    assert_eq!(outcome(&mut world), (vec![1, 2, 3, 4, 5], vec![4]));
}

/// A search that found nothing asks once more, under another GUID: its first would be dropped.
#[test]
fn nothing_found_is_asked_once_more() {
    let mut servent = Servent::new(
        Config { settings: Arc::new(quiet()), ..Config::new(guid(0)) },
        catalogue(&[]),
        [],
    );
    let mut driver = Recorder::new();
    let link = driver.neighbour(&mut servent, 1);
    let plan = SearchPlan::new(Strategy::Flood { ttl: 7 });
    let command = Command::SearchBy { search: 1, text: "wanted".into(), plan };
    driver.input(&mut servent, |s, cx| s.command(command, cx));
    for seconds in [5, 10, 15, 20, 25, 30] {
        driver.now = overlay_peer::Time::from_secs(seconds);
        driver.input(&mut servent, |s, cx| s.wake(overlay_peer::Timer(2), cx));
    }
    let guids: Vec<_> = driver
        .sent
        .iter()
        .filter_map(|(to, message)| match message {
            Message::Descriptor { ttl: 7, hops: 0, descriptor } if *to == link => {
                matches!(descriptor.payload(), OwnedPayload::Query(_)).then(|| descriptor.guid())
            }
            _ => None,
        })
        .collect();
    assert_eq!(guids.len(), 2);
    assert_ne!(guids[0], guids[1]);
    assert!(driver.events.ends_with(&[Event::SearchEnded { search: 1, results: 0 }]));
    assert_eq!(servent.footprint().0, 1 + 4, "a link, and two queries with their routes");
}

/// Found the second time: the one who has it came late.
#[test]
fn the_second_query_finds_who_came_late() {
    let files = catalogue(&["wanted.txt"]);
    let mut world = wired(&line(3), &quiet(), &files, |_| vec![]);
    let plan = SearchPlan::new(Strategy::Flood { ttl: 7 });
    world.command(ORIGIN, Command::SearchBy { search: 1, text: "wanted".into(), plan }, SEARCH);
    world.run_for(Duration::from_secs(2));
    let config = Config { settings: Arc::new(quiet()), ..Config::new(guid(3)) };
    let late = world.add(Servent::new(config, files, [0]), Host::open(address(3)));
    world.command(late, Command::Join { hosts: vec![address(2)] }, JOIN);
    world.run_for(Duration::from_secs(60));
    assert_eq!(outcome(&mut world), (vec![3], vec![1]));
}

/// On a line a walker can only go on: it finds what no TTL of 7 reaches, and the hit comes all the way
/// back.
#[test]
fn a_walker_goes_beyond_any_ttl_and_its_hit_comes_back() {
    for (distance, found) in [(1, true), (29, true), (30, true), (31, false)] {
        let files = catalogue(&["wanted.txt"]);
        let has = |n| if n == distance { vec![0] } else { vec![] };
        let mut world = wired(&line(40), &quiet(), &files, has);
        let walk = Strategy::RandomWalks { walkers: 1, steps: 30 };
        world.command(ORIGIN, by("wanted", walk), SEARCH);
        world.run_for(Duration::from_secs(60));
        let (hits, results) = if found { (vec![distance as u8], 1) } else { (vec![], 0) };
        assert_eq!(outcome(&mut world), (hits, vec![results]));
        assert_eq!(queries(&world), u64::from(distance.min(30)));
    }
}

/// On the wire a walker has TTL 1: whoever does not know what it is answers it, and does not pass it on.
#[test]
fn a_walker_ends_at_who_does_not_know_it() {
    let mut servent = Servent::new(
        Config { settings: Arc::new(quiet()), ..Config::new(guid(0)) },
        catalogue(&[]),
        [],
    );
    let mut driver = Recorder::new();
    let links: Vec<Link> = (0..5).map(|n| driver.neighbour(&mut servent, n + 1)).collect();
    driver.sent.clear();
    let walk = Strategy::RandomWalks { walkers: 12, steps: 9 };
    driver.input(&mut servent, |s, cx| s.command(by("wanted", walk), cx));
    let mut sent = vec![0; links.len()];
    for (link, message) in &driver.sent {
        let Message::Descriptor { ttl: 1, hops: 0, descriptor } = message else { panic!() };
        let OwnedPayload::Query(query) = descriptor.payload() else { panic!() };
        assert_eq!(query.borrow().extension(), b"\xc3\x84WALK\x41\x09");
        sent[links.iter().position(|other| other == link).unwrap()] += 1;
    }
    sent.sort_unstable();
    assert_eq!(sent, [2, 2, 2, 3, 3], "as evenly as it goes");
    // Nor is it passed on where walkers are not wanted.
    let files = catalogue(&["wanted.txt"]);
    let settings = Settings { walk_steps: 0, ..quiet() };
    let mut world = wired(&line(5), &settings, &files, |n| if n == 3 { vec![0] } else { vec![] });
    world.command(ORIGIN, by("wanted", walk), SEARCH);
    world.run_for(Duration::from_secs(60));
    assert_eq!(outcome(&mut world), (vec![], vec![0]));
    assert_eq!(queries(&world), 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 10))]

    /// An expanding ring finds what a flood of its last TTL finds, and costs its rings' floods.
    #[test]
    fn a_ring_finds_what_its_widest_flood_finds(
        parents in prop::collection::vec(any::<u32>(), 1..40),
        more in prop::collection::vec(any::<(u32, u32)>(), 0..40),
        holder: prop::sample::Index,
    ) {
        let graph = connected(&parents, &more);
        let holder = holder.index(parents.len()) as u32 + 1;
        let distance = graph.distances(0)[holder as usize].unwrap();
        let files = catalogue(&["wanted.txt"]);
        let has = |n| if n == holder { vec![0] } else { vec![] };
        let mut world = wired(&graph, &quiet(), &files, has);
        world.command(ORIGIN, by("wanted", Strategy::RING), SEARCH);
        world.run_for(Duration::from_secs(60));
        let found = distance <= 7;
        let hops = if found { vec![distance as u8] } else { vec![] };
        prop_assert_eq!(outcome(&mut world), (hops, vec![u32::from(found)]));
        let rings: Vec<u8> = [1, 3, 5, 7].into_iter().take_while(|ttl| u32::from(*ttl) < distance + 2).collect();
        let mut cost = 0;
        for ttl in rings {
            let mut world = wired(&graph, &quiet(), &files, has);
            world.command(ORIGIN, by("wanted", Strategy::Flood { ttl }), SEARCH);
            world.run_for(Duration::from_secs(60));
            cost += queries(&world);
        }
        prop_assert_eq!(queries(&world), cost);
    }

    /// Walkers take their steps and not one more, whatever the graph; what they find is told once, to
    /// the one who asked, and its hits all come back.
    #[test]
    fn walkers_take_no_step_too_many(
        parents in prop::collection::vec(any::<u32>(), 1..40),
        more in prop::collection::vec(any::<(u32, u32)>(), 0..40),
        (walkers, steps) in (1u8..40, 1u8..60),
        holders in prop::collection::btree_set(1u32..41, 0..4),
    ) {
        let graph = connected(&parents, &more);
        let files = catalogue(&["wanted.txt"]);
        let has = |n: u32| if holders.contains(&n) { vec![0] } else { vec![] };
        let mut world = wired(&graph, &quiet(), &files, has);
        let plan = SearchPlan {
            enough: 100, again: 0, ..SearchPlan::new(Strategy::RandomWalks { walkers, steps })
        };
        let command = Command::SearchBy { search: 1, text: "wanted".into(), plan };
        world.command(ORIGIN, command, SEARCH);
        world.run_for(Duration::from_secs(60));
        let most = u64::from(walkers) * u64::from(steps);
        let answered: u32 = world.peers().map(|(_, peer)| peer.counters().answered).sum();
        let lost: u32 = world
            .peers()
            .map(|(_, peer)| peer.counters())
            .map(|c| c.unrouted + c.dead_routes + c.expired + c.ttl_dropped + c.late_hits)
            .sum();
        let (hops, ended) = outcome(&mut world);
        prop_assert_eq!(lost, 0);
        prop_assert_eq!(hops.len(), answered as usize);
        prop_assert_eq!(ended, vec![answered]);
        prop_assert!(answered as usize <= holders.len());
        if answered == 0 {
            prop_assert_eq!(queries(&world), most);
        } else {
            // It can have been the last step of each that found something.
            prop_assert!(queries(&world) <= most);
        }
        prop_assert!(hops.iter().all(|hops| *hops <= steps));
    }

    /// TTL and hops of an own query stay within what everybody accepts, wherever they start.
    #[test]
    fn hidden_hops_stay_within_the_rules(hide_hops in 0u8..9, ttl in 1u8..8, seed: u64) {
        let settings = Settings { hide_hops, ttl, ..quiet() };
        let config = Config { settings: Arc::new(settings), ..Config::new(guid(0)) };
        let mut servent = Servent::new(config, catalogue(&[]), []);
        let mut driver = Recorder::new();
        driver.neighbour(&mut servent, 1);
        driver.sent.clear();
        for _ in 0..seed % 50 {
            driver.input(&mut servent, |_, _| {});
        }
        let command = Command::Search { search: 1, text: "wanted".into() };
        driver.input(&mut servent, |s, cx| s.command(command, cx));
        match driver.sent.as_slice() {
            [(_, Message::Descriptor { ttl: sent, hops, .. })] => {
                prop_assert!(*hops <= hide_hops && *sent >= 1 && *sent <= ttl);
                prop_assert!(sent + hops <= TtlRules::DEFAULT.max.max(ttl));
            }
            // So far hidden that nothing is left of its TTL.
            [] => prop_assert!(hide_hops >= TtlRules::DEFAULT.max),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
