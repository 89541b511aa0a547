//! The laws of a central index, on small worlds where every message is encoded and decoded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use core::time::Duration;

use common::{JOIN, Network, PUBLISH, SEARCH, SERVER, address};
use overlay_napster::wire::{Comparison, Criterion, LinkSpeed, Search};
use overlay_napster::{ClientConfig, Command, Event, JoinFailure, NotShared, SearchFailure};
use overlay_sim::{Config, Host};

const FILES: [(&str, u64); 8] = [
    ("music/Generic Band - First Song.mp3", 1000),
    ("music/Generic Band - Second Song.mp3", 2000),
    ("music/Other_Artist - First Try.mp3", 3000),
    ("Ärger über Öl.txt", 10),
    ("a/b/c.tar.gz", 70_000),
    ("empty", 0),
    ("Generic Band - First Song (live).ogg", 555_555),
    ("numbers 1 2 3", 6),
];

#[test]
fn everything_that_is_online_is_found() {
    let mut network = Network::new(&FILES);
    network.open_client("ann", 1, &[0, 1, 3]);
    network.open_client("bob", 2, &[1, 2, 4, 7]);
    let carl = network.open_client("carl", 3, &[5, 6]);
    assert_eq!(network.server_state().file_count(), 9);
    for (words, expected) in [
        ("first song", &["Generic Band - First Song (live).ogg", FILES[0].0][..]),
        ("FIRST", &["Generic Band - First Song (live).ogg", FILES[0].0, FILES[2].0]),
        ("second", &[FILES[1].0, FILES[1].0]),
        ("ÖL", &[FILES[3].0]),
        ("song.mp3 generic second band", &[FILES[1].0, FILES[1].0]),
        ("gz", &[FILES[4].0]),
        ("empty", &[FILES[5].0]),
        ("3 1", &[FILES[7].0]),
        ("first second", &[]),
        ("irst", &[]),
        ("", &[]),
        (" - ", &[]),
    ] {
        assert_eq!(network.names(carl, words), expected, "{words}");
    }
}

#[test]
fn a_hit_says_who_has_what_where() {
    let mut network = Network::new(&FILES);
    let config = ClientConfig::new("ann", "x").unwrap().link_speed(LinkSpeed::DSL);
    network.joined(config, Host::open(address(9)), &[6]);
    let bob = network.open_client("bob", 2, &[]);
    let hits = network.search(bob, "live");
    let [hit] = &hits[..] else { panic!("{hits:?}") };
    assert_eq!(hit.nick.as_bytes(), b"ann");
    assert_eq!(hit.ip.to_ipv4().map(Into::into), Some(address(9).ip()));
    assert_eq!(hit.link_speed, LinkSpeed::DSL);
    assert_eq!(hit.size, 555_555);
    assert_eq!(hit.checksum.md5(), Some([6; 16]));
    assert_eq!((hit.bitrate, hit.frequency, hit.seconds), (96, 44_100, 60));
}

#[test]
fn filters_are_met_and_results_are_capped() {
    let names: Vec<String> = (0..130).map(|number| format!("song {number}")).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut network = Network::new(&files);
    let fast = ClientConfig::new("fast", "x").unwrap().link_speed(LinkSpeed::T3);
    network.joined(fast, Host::open(address(1)), &(0..100).collect::<Vec<_>>());
    let slow = ClientConfig::new("slow", "x").unwrap().link_speed(LinkSpeed::MODEM_14);
    network.joined(slow, Host::open(address(2)), &(100..130).collect::<Vec<_>>());
    let client = network.open_client("carl", 3, &[]);

    let words = |max| Search::words("song", max).unwrap();
    assert_eq!(network.query(client, words(7)).len(), 7);
    assert_eq!(network.query(client, words(1000)).len(), 100);
    let unlimited = Search::new().with(Criterion::FilenameContains("song".try_into().unwrap()));
    assert_eq!(network.query(client, unlimited.unwrap()).len(), 100);

    let by_speed =
        |comparison, speed| words(100).with(Criterion::LineSpeed(comparison, speed)).unwrap();
    let slow = network.query(client, by_speed(Comparison::AtBest, LinkSpeed::MODEM_56));
    assert_eq!(slow.len(), 30);
    assert!(slow.iter().all(|hit| hit.nick.as_bytes() == b"slow"));
    assert_eq!(network.query(client, by_speed(Comparison::EqualTo, LinkSpeed::T1)).len(), 0);

    // The bitrates are 64, 96, 128, 160, 192 in turn.
    let by_rate = words(100).with(Criterion::Bitrate(Comparison::AtLeast, 160)).unwrap();
    let hits = network.query(client, by_rate);
    assert_eq!(hits.len(), 52);
    assert!(hits.iter().all(|hit| hit.bitrate >= 160));
    let by_frequency = words(100).with(Criterion::Frequency(Comparison::AtLeast, 48_000)).unwrap();
    assert_eq!(network.query(client, by_frequency).len(), 0);
    let wma = words(100).with(Criterion::WmaFile).unwrap();
    assert_eq!(network.query(client, wma).len(), 0);

    let two_texts = words(100)
        .with(Criterion::FilenameContains("17".try_into().unwrap()))
        .unwrap()
        .with(Criterion::LocalOnly)
        .unwrap();
    assert_eq!(network.query(client, two_texts).len(), 1);
}

#[test]
fn popular_files_are_not_always_found_at_the_same_users() {
    let mut network = Network::new(&[("hit", 1)]);
    for number in 1..=20 {
        network.open_client(&format!("user{number}"), number, &[0]);
    }
    let client = network.open_client("carl", 30, &[]);
    let mut nicks = std::collections::BTreeSet::new();
    for _ in 0..12 {
        let hits = network.query(client, Search::words("hit", 1).unwrap());
        assert_eq!(hits.len(), 1);
        nicks.insert(hits[0].nick.clone());
    }
    assert!(nicks.len() >= 4, "{nicks:?}");
}

#[test]
fn searches_wait_for_each_other_and_all_end() {
    let mut network = Network::new(&FILES);
    let ann = network.open_client("ann", 1, &[0, 1, 2]);
    network.events();
    for (search, words) in [(1, "song"), (2, "nothing"), (3, "first")] {
        let query = Search::words(words, 100).unwrap();
        network.world.command(ann, Command::Search { search, query }, SEARCH);
    }
    network.settle();
    let ends: Vec<(u32, u32)> = network
        .events_of(ann)
        .into_iter()
        .filter_map(|event| match event {
            Event::SearchDone { search, found } => Some((search, found)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(1, 2), (2, 0), (3, 2)]);
}

#[test]
fn nothing_is_found_once_the_server_is_gone() {
    let mut network = Network::new(&FILES);
    network.open_client("ann", 1, &[0, 1]);
    let bob = network.open_client("bob", 2, &[]);
    assert_eq!(network.names(bob, "generic").len(), 2);
    network.world.fail(network.server);
    network.events();
    for search in [1, 2] {
        let query = Search::words("generic", 100).unwrap();
        network.world.command(bob, Command::Search { search, query }, SEARCH);
    }
    network.world.run_for(Duration::from_secs(31));
    let failed = |search| Event::SearchFailed { search, reason: SearchFailure::TimedOut };
    assert_eq!(network.events_of(bob), [failed(1), failed(2)]);
    // The crash is noticed after a while, and there is no other server to join.
    network.world.run_for(Duration::from_secs(60));
    let events = network.events_of(bob);
    assert!(matches!(events[..], [Event::Disconnected { .. }]), "{events:?}");
    let query = Search::words("generic", 100).unwrap();
    network.world.command(bob, Command::Search { search: 3, query }, SEARCH);
    network.world.command(bob, Command::Join { server: SERVER }, JOIN);
    network.world.run_for(Duration::from_secs(10));
    let events = network.events_of(bob);
    assert!(
        matches!(
            events[..],
            [
                Event::SearchFailed { search: 3, reason: SearchFailure::NotJoined },
                Event::Refused { reason: JoinFailure::Link(_) }
            ]
        ),
        "{events:?}"
    );
}

#[test]
fn searches_fail_at_once_when_the_server_shuts_down() {
    let mut network = Network::new(&FILES);
    let bob = network.open_client("bob", 2, &[]);
    network.events();
    network.world.shut_down(network.server);
    let query = Search::words("generic", 100).unwrap();
    network.world.command(bob, Command::Search { search: 1, query }, SEARCH);
    network.settle();
    let events = network.events_of(bob);
    assert!(
        matches!(
            events[..],
            [
                Event::Disconnected { .. },
                Event::SearchFailed { search: 1, reason: SearchFailure::Disconnected }
            ]
        ),
        "{events:?}"
    );
}

#[test]
fn files_of_a_client_that_left_are_gone() {
    let mut network = Network::new(&FILES);
    let ann = network.open_client("ann", 1, &[0]);
    let bob = network.open_client("bob", 2, &[1]);
    let carl = network.open_client("carl", 3, &[2]);
    let dora = network.open_client("dora", 4, &[]);
    assert_eq!(network.names(dora, "mp3").len(), 3);

    network.world.command(ann, Command::Leave, JOIN);
    network.settle();
    assert_eq!(network.names(dora, "mp3"), [FILES[1].0, FILES[2].0]);

    network.world.shut_down(bob);
    network.settle();
    assert_eq!(network.names(dora, "mp3"), [FILES[2].0]);

    // A crash is not noticed at once.
    network.world.fail(carl);
    network.world.run_for(Duration::from_secs(30));
    assert_eq!(network.names(dora, "mp3"), [FILES[2].0]);
    network.world.run_for(Duration::from_secs(31));
    assert_eq!(network.names(dora, "mp3"), [""; 0]);
    assert_eq!(network.server_state().file_count(), 0);
    assert_eq!(network.server_state().user_count(), 1);

    // Who comes back shares as before, without being told again.
    network.join(ann);
    assert_eq!(network.names(dora, "mp3"), [FILES[0].0]);
}

#[test]
fn files_can_be_withdrawn() {
    let mut network = Network::new(&FILES);
    let ann = network.open_client("ann", 1, &[0, 1, 2]);
    let files = vec![network.id(1)];
    network.world.command(ann, Command::Unshare { files }, PUBLISH);
    network.settle();
    assert_eq!(network.names(ann, "mp3"), [FILES[0].0, FILES[2].0]);
    network.world.command(ann, Command::UnshareAll, PUBLISH);
    network.settle();
    assert_eq!(network.names(ann, "mp3"), [""; 0]);
    network.publish(ann, &[1, 1]);
    assert_eq!(network.names(ann, "mp3"), [FILES[1].0]);
    assert_eq!(network.server_state().user("ANN").unwrap().files, 1);
}

#[test]
fn a_long_share_list_is_announced_whole() {
    let names: Vec<String> =
        (0..3000).map(|number| format!("a song with number {number}")).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut network = Network::new(&files);
    let ann = network.open_client("ann", 1, &(0..3000).collect::<Vec<_>>());
    assert_eq!(network.server_state().file_count(), 3000);
    assert!(network.events_of(ann).contains(&Event::Published { files: 3000 }));
    assert_eq!(network.names(ann, "2999"), ["a song with number 2999"]);
}

#[test]
fn two_files_of_one_name_can_not_be_shared_by_one_client() {
    let mut network = Network::new(&[("same name", 1), ("same name", 2)]);
    let ann = network.open_client("ann", 1, &[0, 1]);
    let second = network.id(1);
    assert!(
        network
            .events_of(ann)
            .contains(&Event::NotShared { file: second, reason: NotShared::SameName })
    );
    network.open_client("bob", 2, &[1]);
    let sizes: Vec<u64> = network.search(ann, "same").iter().map(|hit| hit.size).collect();
    assert_eq!(sizes, [1, 2]);
}

#[test]
fn the_server_holds_users_to_their_number_of_files() {
    let config = Config { checked: true, ..Config::default() };
    let mut network = Network::with(&FILES, config, |server| server.files_per_user = 2);
    let ann = network.open_client("ann", 1, &[0, 1, 2]);
    assert_eq!(network.names(ann, "mp3").len(), 2);
    network.world.command(ann, Command::UnshareAll, PUBLISH);
    network.publish(ann, &[2]);
    assert_eq!(network.names(ann, "mp3"), [FILES[2].0]);
}

#[test]
fn stats_count_users_files_and_gigabytes() {
    let mut network = Network::new(&[("big", 3 << 30), ("small", 1)]);
    let ann = network.open_client("ann", 1, &[0, 1]);
    network.open_client("bob", 2, &[0]);
    network.events();
    network.world.command(ann, Command::Stats, JOIN);
    network.settle();
    let expected = Event::Stats { users: 2, files: 3, gigabytes: 6 };
    assert_eq!(network.events_of(ann), [expected]);
}

/// Figure N2, the growth: twice the files, twice the state.
#[test]
fn server_state_is_linear_in_files() {
    let state = |count: usize| {
        let names: Vec<String> = (0..count)
            .map(|number| format!("artist{} - title{number:06}.mp3", number % 50))
            .collect();
        let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let mut network = Network::new(&files);
        for client in 0..10 {
            let own: Vec<usize> = (0..count).filter(|number| number % 10 == client).collect();
            network.open_client(&format!("user{client}"), client as u8 + 1, &own);
        }
        assert_eq!(network.server_state().file_count(), count);
        network.server_state().footprint()
    };
    let (small, large) = (state(500), state(2000));
    // What does not depend on the number of files is the same 10 users and 51 words.
    for (small, large) in [(small.0, large.0), (small.1, large.1)] {
        let ratio = large as f64 / small as f64;
        assert!((3.8..=4.1).contains(&ratio), "{small} {large}");
    }
}

#[test]
fn the_server_forgets_everything_about_who_is_gone() {
    let mut network = Network::new(&FILES);
    let empty = network.server_state().footprint();
    let clients: Vec<_> = (1..=8)
        .map(|number| network.open_client(&format!("user{number}"), number, &[0, 1, 2, 3]))
        .collect();
    assert!(network.server_state().footprint().0 > 100);
    for client in clients {
        network.world.command(client, Command::Leave, JOIN);
    }
    network.settle();
    let (entries, bytes) = network.server_state().footprint();
    assert_eq!(entries, empty.0);
    // Slots are kept for reuse.
    assert!(bytes < 20_000, "{bytes}");
}

#[test]
fn checked_and_unchecked_runs_leave_one_trace() {
    let run = |checked| {
        let config = Config { seed: 3, checked, ..Config::default() };
        let mut network = Network::with(&FILES, config, |_| {});
        network.open_client("ann", 1, &[0, 1, 6]);
        let bob = network.open_client("bob", 2, &[2]);
        let hit = network.search(bob, "live").remove(0);
        network.fetch(bob, hit).unwrap();
        network.world.trace_hash()
    };
    assert_eq!(run(true), run(false));
    assert_eq!(run(true), run(true));
}
