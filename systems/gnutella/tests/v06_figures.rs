//! Figure G8: which share of the queries for a leaf its table or its Bloom filter suppresses; and how
//! much dynamic querying saves (G7).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use common06::*;
use gnutella_wire::QueryRouteTable;
use overlay_bloom::{Params, exact};
use overlay_gnutella::{Catalogue, Command, Settings06, SharedFile};
use overlay_peer::{Object, Pcg32};
use overlay_sim::PeerIndex;
use overlay_sim::topology::Graph;
use rand_core::Rng;

const FILES: usize = 800;
const QUERIES: u32 = 2_000;
const BITS: u8 = 13;

/// A word of eight letters.
fn word(rng: &mut Pcg32) -> String {
    (0..8).map(|_| char::from(b'a' + (rng.next_u32() >> 8) as u8 % 26)).collect()
}

/// 800 files of five words each.
fn library(rng: &mut Pcg32) -> Vec<String> {
    let mut name = || (0..5).map(|_| word(rng)).collect::<Vec<_>>().join(" ");
    (0..FILES).map(|_| name()).collect()
}

/// Queries of so many words that nobody has, through the ultrapeer of the leaf that has the library: the
/// share of them that the leaf never sees.
fn suppressed(settings: Settings06, words: usize) -> (f64, Vec<String>) {
    let mut rng = Pcg32::new(words as u64, 5);
    let names = library(&mut rng);
    let files = names.iter().enumerate().map(|(n, name)| SharedFile {
        name: name.clone(),
        size: 1,
        object: Object(n as u64),
    });
    let files = Arc::new(Catalogue::new(files));
    let graph = Graph::new(1, std::iter::empty());
    let all: Vec<u32> = (0..FILES as u32).collect();
    let shares = |n: u32| if n == 1 { all.clone() } else { vec![] };
    let mut world = wired06(&graph, &[vec![0], vec![0]], quiet06(settings), &files, shares);
    for search in 0..QUERIES {
        let text = (0..words).map(|_| word(&mut rng)).collect::<Vec<_>>().join(" ");
        world.command(PeerIndex(2), Command::Search { search, text }, SEARCH);
        world.run_for(Duration::from_millis(10));
    }
    world.run_for(Duration::from_secs(5));
    let suppressed = world.peer(PeerIndex(0)).counters().leaf_suppressed;
    (f64::from(suppressed) / f64::from(QUERIES), names)
}

/// Five standard deviations of a share of `QUERIES`.
fn five_sigma(share: f64) -> f64 {
    5.0 * (share * (1.0 - share) / f64::from(QUERIES)).sqrt()
}

#[test]
fn a_table_suppresses_one_minus_fill_to_the_words() {
    for words in 1..=3 {
        let settings = Settings06 { table_bits: BITS, ..flooding() };
        let (share, names) = suppressed(settings, words);
        let mut table = QueryRouteTable::new(BITS);
        names.iter().flat_map(|name| name.split(' ')).for_each(|it| table.insert(it.as_bytes()));
        let fill = f64::from(table.count()) / f64::from(table.slots());
        assert!((0.3..0.5).contains(&fill), "{fill}");
        let expected = 1.0 - fill.powi(words as i32);
        let off = (share - expected).abs();
        assert!(off < five_sigma(expected), "{words} words: {share}, expected {expected}");
    }
}

#[test]
fn a_bloom_filter_suppresses_one_minus_the_exact_rate_to_the_words() {
    for words in 1..=2 {
        let settings = Settings06 { table_bits: BITS, bloom_one_in: Some(10), ..flooding() };
        let (share, names) = suppressed(settings, words);
        let mut all: Vec<&str> = names.iter().flat_map(|name| name.split(' ')).collect();
        all.sort_unstable();
        all.dedup();
        let params = Params::for_rate(all.len() as u64, 0.1).unwrap();
        let rate = exact::rate(params.m(), all.len() as u64, params.k());
        let expected = 1.0 - rate.powi(words as i32);
        let off = (share - expected).abs();
        assert!(off < five_sigma(expected), "{words} words: {share}, expected {expected}");
    }
}

/// In a random graph of 60 ultrapeers with two leaves each, all of which have the file.
#[test]
fn dynamic_querying_finds_what_is_popular_with_a_fifth_of_the_messages() {
    const QUERY: u8 = 2;
    let graph = Graph::erdos_renyi(60, 600, 3);
    let leaves: Vec<Vec<u32>> = (0..120).map(|n| vec![n / 2]).collect();
    let files = catalogue(&["Blue Train.ogg"]);
    let run = |dynamic_querying| {
        let settings = Settings06 { dynamic_querying, max_ttl: 3, wanted: 20, ..flooding() };
        let shares = |n: u32| if n >= 60 { vec![0] } else { vec![] };
        let mut world = wired06(&graph, &leaves, quiet06(settings), &files, shares);
        // Of an ultrapeer, so that nothing but its way of asking differs.
        world.command(PeerIndex(0), Command::Search { search: 1, text: "blue".into() }, SEARCH);
        world.run_for(Duration::from_secs(60));
        let found = hits(&mut world, PeerIndex(0)).len();
        let queries = world.metrics().count(SEARCH, QUERY).messages
            + world.metrics().count(UPKEEP, QUERY).messages;
        (found, queries)
    };
    let ((all, flood), (enough, dynamic)) = (run(false), run(true));
    assert_eq!(all, 120);
    assert!(enough >= 20, "{enough} results");
    assert!(dynamic * 5 <= flood, "{dynamic} messages, a flood takes {flood}");
}
