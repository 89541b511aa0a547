//! Laws of query routing among ultrapeers and leaves.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use common06::*;
use gnutella_wire::{OwnedPayload, Query, QueryFlags};
use overlay_gnutella::{Command, Descriptor, Event, Message, Mode, Settings06};
use overlay_peer::Peer;
use overlay_sim::PeerIndex;
use overlay_sim::topology::Graph;
use proptest::prelude::*;

const NAMES: [&str; 6] = [
    "Blue Train.ogg",
    "Red Train.ogg",
    "blue moon of kentucky.ogg",
    "green onions.ogg",
    "Moon River.ogg",
    "river of red.ogg",
];

/// A connected graph of ultrapeers, leaves with one to three of them, and what each node shares.
fn net() -> impl Strategy<Value = (Graph, Vec<Vec<u32>>, Vec<Vec<u32>>)> {
    let graph = (
        prop::collection::vec(any::<u32>(), 0..8),
        prop::collection::vec(any::<(u32, u32)>(), 0..8),
    )
        .prop_map(|(parents, more)| connected(&parents, &more));
    (graph, 1usize..10).prop_flat_map(|(graph, leaves)| {
        let nodes = graph.nodes();
        let all = nodes as usize + leaves;
        let parents = prop::collection::btree_set(0..nodes, 1..=3.min(nodes as usize));
        let parents = parents.prop_map(|set| set.into_iter().collect::<Vec<u32>>());
        let shares = prop::collection::vec(0..NAMES.len() as u32, 0..3);
        (Just(graph), prop::collection::vec(parents, leaves), prop::collection::vec(shares, all))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    /// A search that no TTL stops finds every file there is, each source once; no leaf is asked for
    /// what its table denies; no hit loses its way.
    #[test]
    fn a_flood_among_ultrapeers_finds_what_there_is(
        (graph, leaves, shares) in net(), text in prop::sample::select(vec!["train", "moon river", "red", "nothing", "ogg blue"]),
        from: prop::sample::Index,
    ) {
        let files = catalogue(&NAMES);
        let of = |n: u32| { let mut of = shares[n as usize].clone(); of.sort_unstable(); of.dedup(); of };
        let mut world = wired06(&graph, &leaves, quiet06(flooding()), &files, of);
        let asker = from.index(shares.len()) as u32;
        let search = Command::Search { search: 1, text: text.into() };
        world.command(PeerIndex(asker), search, SEARCH);
        prop_assert!(world.run_until_idle(Duration::from_secs(60)));
        let mut found: Vec<(u32, u32)> = hits(&mut world, PeerIndex(asker))
            .into_iter()
            .map(|(_, _, hit)| {
                let node = (0..shares.len() as u32).find(|&n| address(n) == hit.address).unwrap();
                (node, hit.index)
            })
            .collect();
        found.sort_unstable();
        let words: Vec<&str> = text.split(' ').collect();
        let has = |index: u32| {
            let name = NAMES[index as usize].to_lowercase();
            let has: Vec<&str> = name.split([' ', '.']).collect();
            words.iter().all(|word| has.contains(word))
        };
        let there: Vec<(u32, u32)> = (0..shares.len() as u32)
            .filter(|&n| n != asker)
            .flat_map(|n| of(n).into_iter().filter(|&index| has(index)).map(move |index| (n, index)))
            .collect();
        prop_assert_eq!(found, there);
        for (_, peer) in world.peers() {
            let counters = peer.counters();
            prop_assert_eq!(counters.unasked, 0, "asked though its table says no");
            prop_assert_eq!((counters.unrouted, counters.dead_routes, counters.expired), (0, 0, 0));
        }
    }

    /// A flood finds exactly what ultrapeers and leaves have within its TTL, counted in ultrapeers, and
    /// dynamic querying nothing else: nothing travels beyond its TTL, whichever ways are shorter.
    #[test]
    fn nothing_travels_beyond_its_ttl(
        (graph, leaves, _) in net(), ttl in 1u8..5, dynamic_querying: bool, from: prop::sample::Index,
    ) {
        let nodes = graph.nodes() as usize + leaves.len();
        let asker = from.index(nodes) as u32;
        let settings = Settings06 { max_ttl: ttl, dynamic_querying, ..flooding() };
        let files = catalogue(&NAMES[..1]);
        let shares = |n: u32| if n == asker { vec![] } else { vec![0] };
        let mut world = wired06(&graph, &leaves, quiet06(settings), &files, shares);
        world.command(PeerIndex(asker), Command::Search { search: 1, text: "train".into() }, SEARCH);
        world.run_for(Duration::from_secs(300));
        let mut found = BTreeSet::new();
        for (_, hops, hit) in hits(&mut world, PeerIndex(asker)) {
            // From a leaf to a leaf, through as many ultrapeers as the TTL says and the first one.
            prop_assert!(hops <= ttl + 2, "{hops} hops");
            let node = (0..nodes as u32).find(|&n| address(n) == hit.address).unwrap();
            prop_assert!(found.insert(node), "{node} twice");
        }
        let of = |n: u32| match leaves.get((n as usize).wrapping_sub(graph.nodes() as usize)) {
            Some(ultrapeers) => ultrapeers.clone(),
            None => vec![n],
        };
        let distances: Vec<_> = of(asker).into_iter().map(|n| graph.distances(n)).collect();
        let near = |n: u32| distances.iter().any(|from| from[n as usize] <= Some(ttl.into()));
        let within: BTreeSet<u32> = (0..nodes as u32)
            .filter(|&n| n != asker && of(n).into_iter().any(near))
            .collect();
        if dynamic_querying {
            prop_assert!(found.is_subset(&within), "{found:?} {within:?}");
        } else {
            prop_assert_eq!(found, within);
        }
    }

    /// Many search at once, over links and out of band: each is told what it asked for, by each who has
    /// it once, and never the answer to another's question.
    #[test]
    fn an_answer_is_never_told_to_another_or_for_another_query(
        (graph, leaves, shares) in net(), out_of_band: bool, dynamic_querying: bool,
        searches in prop::collection::vec((any::<prop::sample::Index>(), 0usize..NAMES.len(), 0u64..400), 1..12),
    ) {
        let settings = Settings06 { out_of_band, dynamic_querying, ..flooding() };
        let of = |n: u32| { let mut of = shares[n as usize].clone(); of.sort_unstable(); of.dedup(); of };
        let mut world = wired06(&graph, &leaves, quiet06(settings), &catalogue(&NAMES), of);
        let mut expected = BTreeSet::new();
        for (search, (origin, file, pause)) in (0_u32..).zip(&searches) {
            let origin = origin.index(shares.len()) as u32;
            let command = Command::Search { search, text: NAMES[*file].into() };
            world.command(PeerIndex(origin), command, SEARCH);
            world.run_for(Duration::from_millis(*pause));
            let holders = (0..shares.len() as u32).filter(|&n| n != origin);
            let holders = holders.filter(|&n| of(n).contains(&(*file as u32)));
            expected.extend(holders.map(|n| (origin, search, n)));
        }
        world.run_for(Duration::from_secs(300));
        let mut told = BTreeSet::new();
        for (_, peer, event) in world.drain_events() {
            let Event::Hit { search, hit, .. } = event else { continue };
            prop_assert_eq!(hit.name_lossy(), NAMES[searches[search as usize].1]);
            let node = (0..shares.len() as u32).find(|&n| address(n) == hit.address).unwrap();
            prop_assert!(told.insert((peer.0, search, node)), "{search} by {node} twice");
        }
        if dynamic_querying {
            // A TTL of 7 is more than any step asks for.
            prop_assert!(told.is_subset(&expected), "{told:?} {expected:?}");
        } else {
            prop_assert_eq!(told, expected);
        }
    }

    /// Whoever leaves while hits are on their way: each arrives, or is counted where its way ended, or
    /// was under way on a link that closed.
    #[test]
    fn every_hit_arrives_or_is_counted_lost(
        (graph, leaves, _) in net(), crash: bool, dynamic_querying: bool,
        gone in prop::collection::vec((any::<prop::sample::Index>(), 0u64..300), 1..8),
    ) {
        let nodes = graph.nodes() as usize + leaves.len();
        let settings = Settings06 { dynamic_querying, ..flooding() };
        let asker = nodes as u32 - 1;
        let shares = |n: u32| if n == asker { vec![] } else { vec![0] };
        let mut world = wired06(&graph, &leaves, quiet06(settings), &catalogue(&NAMES), shares);
        let command = Command::Search { search: 1, text: "blue".into() };
        world.command(PeerIndex(asker), command, SEARCH);
        let before = world.metrics().dropped();
        for (who, pause) in gone {
            world.run_for(Duration::from_millis(pause));
            let who = PeerIndex(who.index(nodes - 1) as u32);
            if crash { world.shut_down(who) } else { world.command(who, Command::Leave, JOIN) }
        }
        world.run_for(Duration::from_secs(300));
        let arrived = hits(&mut world, PeerIndex(asker)).len() as u64;
        let (mut answered, mut lost) = (0, 0);
        for (_, peer) in world.peers() {
            let c = peer.counters();
            answered += u64::from(c.answered);
            lost += u64::from(c.unrouted + c.dead_routes + c.expired + c.late_hits + c.ttl_dropped);
        }
        let dropped = world.metrics().dropped() - before;
        prop_assert!(arrived <= answered);
        prop_assert!(
            answered <= arrived + lost + dropped,
            "{answered} answered, {arrived} arrived, {lost} lost, {dropped} dropped",
        );
    }
}

fn query(hops: u8, ttl: u8, n: u32) -> Message {
    let query = Query::new(QueryFlags(QueryFlags::MARK), b"train").unwrap().to_owned();
    let descriptor = Arc::new(Descriptor::new(guid(n), OwnedPayload::Query(query)));
    Message::Descriptor { ttl, hops, descriptor }
}

/// Who saw a query on the last hop of a probe passes it on when it comes with a greater TTL, and answers
/// once all the same.
#[test]
fn a_query_that_comes_with_a_greater_ttl_goes_on() {
    let settings = Arc::new(quiet06(flooding()));
    let files = catalogue(&NAMES[..1]);
    let mut servent = servent(0, Mode::Ultrapeer, &settings, &files, vec![0]);
    let mut driver = Recorder::new();
    let hosts = Vec::new();
    driver.input(&mut servent, |servent, cx| servent.command(Command::Join { hosts }, cx));
    let [a, b, c] = [1, 2, 3].map(|n| shake(&mut driver, &mut servent, n, false));
    let leaf = shake(&mut driver, &mut servent, 4, true);
    let steps = [
        // From whom, with which TTL, hops and GUID; who is sent it, and with which TTL.
        (a, 1, 1, 10, vec![], 0),
        (a, 1, 1, 10, vec![], 0),
        (b, 2, 1, 10, vec![a, c], 1),
        (c, 2, 2, 10, vec![], 0),
        (b, 3, 1, 10, vec![a, c], 2),
        (a, 2, 1, 10, vec![], 0),
        (a, 3, 1, 10, vec![], 0),
        // A leaf's that came here through its other ultrapeers first; and only once.
        (a, 1, 1, 11, vec![], 0),
        (leaf, 7, 0, 11, vec![a, b, c], 7),
        (leaf, 7, 0, 11, vec![], 0),
        (b, 7, 0, 11, vec![], 0),
    ];
    let mut answers = Vec::new();
    for (from, ttl, hops, n, to, onward) in steps {
        driver.sent.clear();
        let query = query(hops, ttl, n);
        driver.input(&mut servent, |servent, cx| servent.receive(from, query, cx));
        let mut passed = Vec::new();
        for (link, message) in &driver.sent {
            let Message::Descriptor { ttl, hops: after, descriptor } = message else { panic!() };
            match descriptor.payload() {
                OwnedPayload::Query(_) => {
                    passed.push(*link);
                    assert_eq!((*ttl, *after), (onward, hops + 1));
                }
                OwnedPayload::QueryHit(_) => answers.push((*link, n)),
                _ => {}
            }
        }
        assert_eq!(passed, to, "TTL {ttl} from {from:?}");
    }
    assert_eq!(answers, [(a, 10), (a, 11)], "once each, to who asked first");
    assert_eq!(servent.counters().duplicates, 6);
}

/// A leaf's new file is found, and what it does not share any more is not asked for; its ultrapeer is
/// told with a patch.
#[test]
fn what_a_leaf_shares_can_change() {
    const QRP: u8 = 12;
    for bloom_one_in in [None, Some(10)] {
        let graph = Graph::new(1, []);
        let settings = Settings06 { bloom_one_in, ..flooding() };
        let files = catalogue(&NAMES);
        let mut world = wired06(&graph, &[vec![0], vec![0]], quiet06(settings), &files, |n| {
            vec![n; n as usize / 2]
        });
        let (holder, asker) = (PeerIndex(2), PeerIndex(1));
        let steps = [(vec![], vec![], 0), (vec![0, 4, 99], vec![4], 1), (vec![], vec![0, 1], 0)];
        for (step, (add, remove, expected)) in steps.into_iter().enumerate() {
            let before = world.metrics().count(JOIN, QRP).messages
                + world.metrics().count(UPKEEP, QRP).messages;
            world.command(holder, Command::Share { add, remove }, JOIN);
            world.run_for(Duration::from_secs(3));
            let after = world.metrics().count(JOIN, QRP).messages
                + world.metrics().count(UPKEEP, QRP).messages;
            assert_eq!(after - before, u64::from(step > 0), "a patch, without a reset");
            let asked = world.metrics().count(SEARCH, 2).messages;
            world.command(asker, Command::Search { search: 1, text: "blue train".into() }, SEARCH);
            world.run_for(Duration::from_secs(2));
            assert_eq!(hits(&mut world, asker).len(), expected);
            let asked = world.metrics().count(SEARCH, 2).messages - asked;
            assert_eq!(asked, 1 + expected as u64, "the table says whether it has it");
        }
        let shares: &[u32] = world.peer(holder).shares();
        assert_eq!(shares, [2, 4]);
    }
}
