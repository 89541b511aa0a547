//! Laws of query routing among ultrapeers and leaves.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::time::Duration;

use common::*;
use common06::*;
use overlay_gnutella::Command;
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
    #![proptest_config(ProptestConfig::with_cases(48))]

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
}
