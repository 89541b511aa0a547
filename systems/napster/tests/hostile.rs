//! What strangers send disturbs nobody else, and never panics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/rig.rs"]
mod rig;

use core::time::Duration;
use std::sync::Arc;

use napster_wire::{Frame, OwnedMessage, SizeAnswer};
use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, FetchFailure, Hit, Message, Misbehaviour,
    Server, ServerConfig, SharedFile,
};
use overlay_peer::{Address, Link, Object, Reason, StoreError};
use proptest::collection::vec;
use proptest::prelude::*;
use rig::Rig;

fn frame(type_number: u16, data: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Frame::new(type_number, data.as_bytes()).unwrap().encode(&mut bytes);
    bytes
}

fn address(number: u8) -> Address {
    Address::from(([198, 51, 100, number], 4000))
}

fn server() -> Rig {
    Rig::new(Server::new(ServerConfig::default()))
}

/// A user who logged in and shares one song.
fn honest(rig: &mut Rig, nick: &str, number: u8) -> Link {
    let link = rig.open(address(number));
    rig.bytes(link, &frame(2, &format!("{nick} x 6699 \"nap v0.8\" 3")));
    rig.bytes(link, &frame(100, &format!("\"song of {nick}\" d41d8cd98f00b204 5 128 44100 1")));
    link
}

/// What the server answers to a search, as its data.
fn results(rig: &mut Rig, link: Link) -> Vec<String> {
    rig.sent(link);
    rig.bytes(link, &frame(200, "FILENAME CONTAINS \"song\" MAX_RESULTS 100"));
    let mut results = Vec::new();
    let mut ends = 0;
    for message in rig.sent(link) {
        let Message::Frame(message) = message else { panic!("{message:?}") };
        match &*message {
            OwnedMessage::SearchResult(result) => results.push(result.name.to_string()),
            OwnedMessage::SearchEnd => ends += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ends, 1);
    results.sort();
    results
}

fn misbehaviours(rig: &Rig, link: Link) -> Vec<Misbehaviour> {
    let of_link = |event: &Event| match event {
        Event::Misbehaved { link: at, what } if *at == link => Some(*what),
        _ => None,
    };
    rig.io.events.iter().filter_map(of_link).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn hostile_bytes_do_not_disturb_others(
        logged_in: bool,
        pieces in vec(prop_oneof![
            vec(any::<u8>(), 0..60),
            (any::<u16>(), "[ \"a-z0-9]{0,40}").prop_map(|(number, data)| frame(number, &data)),
            (prop::sample::select(vec![
                2_u16, 6, 7, 100, 102, 110, 200, 203, 204, 214, 218, 219, 221, 316, 500, 501, 626,
            ]), "[ \"a-z0-9]{0,40}").prop_map(|(number, data)| frame(number, &data)),
            Just(frame(203, "ann \"song of ann\"")),
            Just(frame(500, "ann \"song of ann\"")),
            Just(frame(626, "ann")),
            Just(frame(221, "")),
            Just(frame(102, "song of ann")),
        ], 0..30),
    ) {
        let mut rig = server();
        let ann = honest(&mut rig, "ann", 1);
        let bob = honest(&mut rig, "bob", 2);
        let mallory = rig.open(address(3));
        if logged_in {
            rig.bytes(mallory, &frame(2, "mallory x 0 \"nap\" 3"));
        }
        for piece in pieces {
            rig.bytes(mallory, &piece);
        }
        let found = results(&mut rig, bob);
        prop_assert!(found.contains(&"song of ann".into()));
        prop_assert!(found.contains(&"song of bob".into()));
        prop_assert!(rig.is_open(ann) && rig.is_open(bob));
        rig.close(mallory, Reason::Remote);
        prop_assert_eq!(results(&mut rig, bob), ["song of ann", "song of bob"]);
        let server = rig.peer.as_server().unwrap();
        prop_assert_eq!(server.user_count(), 2);
        prop_assert_eq!(server.user("ann").unwrap().uploads, 0);
    }

    #[test]
    fn a_client_survives_any_server_and_any_stranger(
        pieces in vec((0_usize..3, prop_oneof![
            vec(any::<u8>(), 0..60),
            (any::<u16>(), "[ \"a-z0-9]{0,40}").prop_map(|(number, data)| frame(number, &data)),
            Just(frame(3, "anon@unknown")),
            Just(frame(201, "\"song\" d41d 5 128 44100 1 ann 16777343 3")),
            Just(frame(202, "")),
            Just(frame(204, "ann 16777343 6699 \"song\" d41d 3")),
            Just(frame(204, "ann 16777343 0 \"song\" d41d 3")),
            Just(frame(206, "ann \"song\"")),
            Just(frame(501, "ann 16777343 6699 \"a song.mp3\" d41d 3")),
            Just(b"GETann \"a song.mp3\" 0".to_vec()),
            Just(b"GETann \"a song.mp3\" 99999999".to_vec()),
            Just(b"SENDann \"song\" 5".to_vec()),
            Just(b"1".to_vec()),
            Just(b"512345".to_vec()),
        ], 0_u8..6), 0..30),
    ) {
        let mut rig = client();
        rig.command(Command::Join { server: address(9) });
        let server = rig.connected(Ok(())).unwrap();
        let mut links = [server, rig.open(address(1)), rig.open(address(2))];
        let mut fetch = 0;
        for (at, bytes, then) in pieces {
            rig.bytes(links[at], &bytes);
            match then {
                0 => {
                    if let Some(link) = rig.connected(Ok(())) {
                        links[1] = link;
                    }
                }
                1 => {
                    rig.connected(Err(Reason::Refused));
                }
                2 => rig.stored(Ok(())),
                3 => {
                    fetch += 1;
                    rig.command(Command::Fetch { fetch, hit: hit(), into: Object(1) });
                }
                4 => rig.command(Command::Search {
                    search: 1,
                    query: Search::words("song", 5).unwrap(),
                }),
                _ => links[2] = rig.open(address(2)),
            }
            rig.writable();
            rig.pass(Duration::from_secs(1));
            let (entries, _) = rig.peer.footprint();
            // Its limits: downloads and their writes, uploads, searches, strangers, links.
            prop_assert!(entries < 1000);
        }
        // All it started ends, with or without the others.
        rig.pass(Duration::from_secs(1000));
        let client = rig.peer.as_client().unwrap();
        let (entries, _) = client.footprint();
        // A search that the server never ended keeps its place, so that a late end is not taken for
        // that of the next.
        let late_search = usize::from(client.is_online());
        let rest = entries_at_rest(&rig);
        prop_assert!((rest..=rest + late_search).contains(&entries), "{entries}, not {rest}");
    }
}

/// A client that waits for nothing: itself, its shared file, its server's link if it is open, and
/// reads that the store never answered.
fn entries_at_rest(rig: &Rig) -> usize {
    2 + usize::from(rig.peer.as_client().unwrap().is_online()) + rig.io.tickets.len()
}

fn catalogue() -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    catalogue.add(SharedFile::new("a song.mp3", [1; 16], 200_000, Object(0))).unwrap();
    Arc::new(catalogue)
}

fn client() -> Rig {
    let catalogue = catalogue();
    let files = vec![catalogue.id(0).unwrap()];
    let config = ClientConfig::new("foo", "badpass").unwrap();
    let mut rig = Rig::new(Client::new(config, catalogue));
    rig.command(Command::Publish { files });
    rig
}

/// A song of 5 bytes that ann has.
fn hit() -> Hit {
    let mut rig = client();
    let server = joined(&mut rig);
    rig.command(Command::Search { search: 1, query: Search::words("song", 5).unwrap() });
    rig.bytes(server, &frame(201, "\"song\" d41d 5 128 44100 1 ann 16777343 3"));
    let mut hits = rig.io.events.into_iter().filter_map(|event| match event {
        Event::Hit { hit, .. } => Some(hit),
        _ => None,
    });
    hits.next().unwrap()
}

fn joined(rig: &mut Rig) -> Link {
    rig.command(Command::Join { server: address(9) });
    let server = rig.connected(Ok(())).unwrap();
    rig.bytes(server, &frame(3, "anon@unknown"));
    assert!(rig.peer.as_client().unwrap().is_online());
    server
}

/// How downloads ended: with so many bytes, or not.
fn endings(rig: &mut Rig) -> Vec<Result<u64, FetchFailure>> {
    let of_event = |event| match event {
        Event::Fetched { bytes, .. } => Some(Ok(bytes)),
        Event::FetchFailed { reason, .. } => Some(Err(reason)),
        _ => None,
    };
    rig.io.events.drain(..).filter_map(of_event).collect()
}

fn failures(rig: &mut Rig) -> Vec<FetchFailure> {
    let of_event = |event| match event {
        Event::FetchFailed { reason, .. } => Some(reason),
        _ => None,
    };
    rig.io.events.drain(..).filter_map(of_event).collect()
}

#[test]
fn who_does_not_log_in_is_shown_the_door() {
    let mut rig = server();
    let link = rig.open(address(1));
    rig.pass(Duration::from_secs(29));
    assert!(rig.is_open(link));
    rig.pass(Duration::from_secs(2));
    assert!(!rig.is_open(link));
    assert_eq!(misbehaviours(&rig, link), [Misbehaviour::Silent]);
    // A user may be silent.
    let ann = honest(&mut rig, "ann", 2);
    rig.pass(Duration::from_secs(1000));
    assert!(rig.is_open(ann));
}

#[test]
fn nothing_is_served_before_the_login() {
    for bytes in [frame(200, "MAX_RESULTS 5"), frame(100, "\"x\" d41d 1 1 1 1"), frame(214, "")] {
        let mut rig = server();
        let link = rig.open(address(1));
        rig.bytes(link, &bytes);
        assert!(!rig.is_open(link));
        assert!(matches!(misbehaviours(&rig, link)[..], [Misbehaviour::NotLoggedIn { .. }]));
        assert_eq!(rig.peer.footprint().0, 0);
    }
}

#[test]
fn a_message_that_can_not_be_read_is_answered_and_many_are_not() {
    let mut rig = server();
    let ann = honest(&mut rig, "ann", 1);
    rig.sent(ann);
    rig.bytes(ann, &frame(200, "BITRATE \"AT MOST\" \"5\""));
    let answers: Vec<String> = rig.sent(ann).iter().map(|message| format!("{message:?}")).collect();
    assert_eq!(answers, ["Frame(Error(\"parameters are unparsable\"))", "Frame(SearchEnd)"]);
    assert_eq!(misbehaviours(&rig, ann), [Misbehaviour::Unreadable { type_number: 200 }]);
    for _ in 0..15 {
        rig.bytes(ann, &frame(100, "no name"));
        assert!(rig.is_open(ann));
    }
    assert_eq!(rig.sent(ann).len(), 15);
    rig.bytes(ann, &frame(100, "once more"));
    assert!(!rig.is_open(ann));
    assert_eq!(rig.peer.as_server().unwrap().file_count(), 0);
}

#[test]
fn types_that_are_not_served_are_passed_over() {
    let mut rig = server();
    let ann = honest(&mut rig, "ann", 1);
    rig.sent(ann);
    for _ in 0..100 {
        rig.bytes(ann, &frame(207, "friend"));
    }
    assert_eq!(rig.sent(ann), []);
    assert_eq!(misbehaviours(&rig, ann), []);
    assert_eq!(results(&mut rig, ann), ["song of ann"]);
}

#[test]
fn a_client_can_not_play_the_server() {
    let mut rig = server();
    let ann = honest(&mut rig, "ann", 1);
    rig.bytes(ann, &frame(201, "\"x\" d41d 1 1 1 1 ann 5 3"));
    assert!(!rig.is_open(ann));
    assert!(matches!(misbehaviours(&rig, ann)[..], [Misbehaviour::OutOfPlace { .. }]));
    assert_eq!(rig.peer.as_server().unwrap().user_count(), 0);
}

#[test]
fn a_frame_that_is_too_long_closes_the_link() {
    let mut rig = server();
    let ann = honest(&mut rig, "ann", 1);
    rig.bytes(ann, &[0xff, 0xff]);
    assert!(!rig.is_open(ann));
    assert_eq!(misbehaviours(&rig, ann), [Misbehaviour::Malformed]);
}

#[test]
fn counters_do_not_fall_below_zero() {
    let mut rig = server();
    let ann = honest(&mut rig, "ann", 1);
    for number in [219, 221, 218, 220, 220] {
        rig.bytes(ann, &frame(number, ""));
    }
    let user = rig.peer.as_server().unwrap().user("ann").unwrap();
    assert_eq!((user.downloads, user.uploads), (1, 2));
}

#[test]
fn the_server_tells_the_address_it_sees_and_not_another() {
    let mut rig = server();
    honest(&mut rig, "ann", 77);
    let bob = honest(&mut rig, "bob", 2);
    rig.sent(bob);
    rig.bytes(bob, &frame(203, "ann \"song of ann\""));
    let sent = rig.sent(bob);
    let [Message::Frame(answer)] = &sent[..] else { panic!("{sent:?}") };
    let OwnedMessage::DownloadAck(source) = &**answer else { panic!("{answer:?}") };
    assert_eq!(source.ip.to_ipv4().unwrap().octets(), [198, 51, 100, 77]);
    assert_eq!(source.port, 6699);
}

#[test]
fn an_alternate_request_needs_a_port_of_ones_own() {
    let mut rig = server();
    let ann = honest(&mut rig, "ann", 1);
    let bob = rig.open(address(2));
    rig.bytes(bob, &frame(2, "bob x 0 \"nap\" 3"));
    rig.sent(ann);
    rig.sent(bob);
    rig.bytes(bob, &frame(500, "ann \"song of ann\""));
    assert_eq!(rig.sent(ann), []);
    let answers: Vec<String> = rig.sent(bob).iter().map(|message| format!("{message:?}")).collect();
    assert!(answers.len() == 1 && answers[0].contains("GetError"), "{answers:?}");
}

#[test]
fn an_address_beyond_32_bits_fails_the_download() {
    let mut rig = client();
    let server = joined(&mut rig);
    rig.command(Command::Fetch { fetch: 1, hit: hit(), into: Object(1) });
    rig.bytes(server, &frame(204, "ann 4877911892 6699 \"song\" d41d 3"));
    assert!(matches!(failures(&mut rig)[..], [FetchFailure::BadAddress(_)]));
    rig.bytes(server, &frame(501, "ann 4877911892 6699 \"a song.mp3\" d41d 3"));
    rig.bytes(server, &frame(501, "ann 16777343 0 \"a song.mp3\" d41d 3"));
    assert_eq!(misbehaviours(&rig, server), [Misbehaviour::BadAddress; 2]);
    assert!(rig.io.connecting.is_empty());
}

/// A client that got 204 and connected; its link to the supplier.
fn connected_fetch(rig: &mut Rig) -> Link {
    let server = joined(rig);
    rig.command(Command::Fetch { fetch: 1, hit: hit(), into: Object(1) });
    rig.bytes(server, &frame(204, "ann 16777343 6699 \"song\" d41d 3"));
    rig.connected(Ok(())).unwrap()
}

#[test]
fn a_file_of_another_size_is_refused() {
    let mut rig = client();
    let supplier = connected_fetch(&mut rig);
    rig.bytes(supplier, b"14");
    assert!(!rig.is_open(supplier));
    assert_eq!(failures(&mut rig), [FetchFailure::SizeChanged { expected: 5, actual: 4 }]);
}

/// A client that waits for ann to connect and push the file; its link to the server.
fn waiting_for_push(rig: &mut Rig) -> Link {
    let server = joined(rig);
    rig.command(Command::Fetch { fetch: 1, hit: hit(), into: Object(1) });
    rig.bytes(server, &frame(204, "ann 16777343 0 \"song\" d41d 3"));
    server
}

/// Ann connects and pushes the file.
fn push(rig: &mut Rig) {
    let ann = rig.open(address(6));
    rig.bytes(ann, b"SENDann \"song\" 5");
    rig.bytes(ann, b"12345");
    rig.stored(Ok(()));
    assert_eq!(endings(rig), [Ok(5)]);
}

#[test]
fn a_stranger_who_offers_another_size_does_not_fail_the_download() {
    let mut rig = client();
    waiting_for_push(&mut rig);
    for _ in 0..3 {
        let mallory = rig.open(address(5));
        rig.bytes(mallory, b"SENDann \"song\" 6");
        assert!(!rig.is_open(mallory));
    }
    push(&mut rig);
}

#[test]
fn a_push_that_is_under_way_outlives_the_server() {
    let mut rig = client();
    let server = waiting_for_push(&mut rig);
    // A second one that the server has not answered.
    rig.command(Command::Fetch { fetch: 2, hit: hit(), into: Object(2) });
    rig.close(server, Reason::Remote);
    assert_eq!(endings(&mut rig), [Err(FetchFailure::Disconnected)]);
    push(&mut rig);
}

#[test]
fn bytes_beyond_the_size_fail_the_download() {
    // Greeting, size, the file's five bytes, and two more, all at once or one by one.
    for pieces in [vec![&b"151234567"[..]], vec![b"1", b"5", b"12345", b"6"]] {
        let mut rig = client();
        let supplier = connected_fetch(&mut rig);
        for bytes in pieces {
            rig.bytes(supplier, bytes);
        }
        assert!(!rig.is_open(supplier));
        assert_eq!(misbehaviours(&rig, supplier), [Misbehaviour::Malformed]);
        rig.stored(Ok(()));
        assert_eq!(endings(&mut rig), [Err(FetchFailure::Surplus { expected: 5 })]);
    }
}

/// The answer 50 is read as 5, and the 0 as the file's first byte.
#[test]
fn a_file_of_ten_times_the_size_fails_the_download() {
    let mut rig = client();
    let supplier = connected_fetch(&mut rig);
    rig.bytes(supplier, b"1");
    rig.bytes(supplier, b"50");
    rig.bytes(supplier, &[b'a'; 50]);
    assert!(!rig.is_open(supplier));
    rig.stored(Ok(()));
    assert_eq!(endings(&mut rig), [Err(FetchFailure::Surplus { expected: 5 })]);
}

/// The same where messages are handed over whole, without their bytes.
#[test]
fn a_body_that_is_longer_than_the_file_fails_the_download() {
    let body = |len| Message::Body(Box::new(vec![b'a'; len].into()));
    for bodies in [vec![body(6)], vec![body(3), body(3)], vec![body(5), body(1)]] {
        let mut rig = client();
        let supplier = connected_fetch(&mut rig);
        rig.bytes(supplier, b"15");
        for body in bodies {
            rig.message(supplier, body);
        }
        assert!(!rig.is_open(supplier));
        while !rig.io.tickets.is_empty() {
            rig.stored(Ok(()));
        }
        assert_eq!(endings(&mut rig), [Err(FetchFailure::Surplus { expected: 5 })]);
    }
}

#[test]
fn a_supplier_may_close_before_the_file_is_stored() {
    for reason in [Reason::Remote, Reason::TimedOut] {
        let mut rig = client();
        let supplier = connected_fetch(&mut rig);
        rig.bytes(supplier, b"1512345");
        assert!(rig.is_open(supplier));
        rig.close(supplier, reason);
        rig.stored(Ok(()));
        assert_eq!(endings(&mut rig), [Ok(5)]);
    }
    // Or not close at all.
    let mut rig = client();
    let supplier = connected_fetch(&mut rig);
    rig.bytes(supplier, b"1512345");
    rig.stored(Ok(()));
    assert!(!rig.is_open(supplier));
    assert_eq!(endings(&mut rig), [Ok(5)]);
}

/// A write that ends late is of its own download, not of a later one of the same number.
#[test]
fn a_late_write_is_not_taken_for_that_of_another_download() {
    let mut rig = client();
    let supplier = connected_fetch(&mut rig);
    rig.bytes(supplier, b"15123");
    rig.close(supplier, Reason::Remote);
    assert!(matches!(endings(&mut rig)[..], [Err(FetchFailure::Cut { received: 3, .. })]));
    assert_eq!(rig.io.tickets.len(), 1);
    // The same number again, as far as its own write.
    let server = *rig.io.links.keys().next().unwrap();
    rig.command(Command::Fetch { fetch: 1, hit: hit(), into: Object(1) });
    rig.bytes(server, &frame(204, "ann 16777343 6699 \"song\" d41d 3"));
    let supplier = rig.connected(Ok(())).unwrap();
    rig.bytes(supplier, b"1512345");
    // The old write fails, which is no matter for the new download; nor would its success be.
    rig.stored(Err(StoreError::Full));
    assert_eq!(endings(&mut rig), []);
    rig.stored(Ok(()));
    assert_eq!(endings(&mut rig), [Ok(5)]);
}

#[test]
fn a_store_that_reads_too_much_ends_the_upload() {
    for (len, sent) in [(200_000, 0), (65_537, 0), (65_536, 65_536), (0, 0)] {
        let mut rig = client();
        let fetcher = rig.open(address(5));
        // All but 65,536 bytes are there already.
        rig.bytes(fetcher, b"GETbob \"a song.mp3\" 134464");
        rig.io.tickets.iter_mut().for_each(|(_, read)| *read = Some(len));
        rig.stored(Ok(()));
        assert!(!rig.is_open(fetcher));
        let ends: Vec<(u64, bool)> = rig
            .io
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Uploaded { bytes, complete, .. } => Some((*bytes, *complete)),
                _ => None,
            })
            .collect();
        assert_eq!(ends, [(sent, sent > 0)]);
    }
}

#[test]
fn a_supplier_who_says_nothing_is_left() {
    let mut rig = client();
    let supplier = connected_fetch(&mut rig);
    rig.pass(Duration::from_secs(31));
    assert!(!rig.is_open(supplier));
    assert_eq!(failures(&mut rig), [FetchFailure::TimedOut { received: 0 }]);
}

#[test]
fn nobody_pushes_what_was_not_asked_for() {
    let mut rig = client();
    joined(&mut rig);
    let pusher = rig.open(address(5));
    rig.bytes(pusher, b"SENDann \"song\" 5");
    assert!(!rig.is_open(pusher));
    assert!(rig.io.tickets.is_empty());
}

#[test]
fn strangers_are_bounded_and_have_little_time() {
    let mut rig = client();
    let links: Vec<Link> = (0..40).map(|number| rig.open(address(number))).collect();
    assert_eq!(links.iter().filter(|link| rig.is_open(**link)).count(), 32);
    assert_eq!(misbehaviours(&rig, links[39]), [Misbehaviour::TooMany { max: 32 }]);
    rig.pass(Duration::from_secs(31));
    assert!(links.iter().all(|link| !rig.is_open(*link)));
}

#[test]
fn a_downloader_who_talks_during_the_transfer_is_cut_off() {
    let mut rig = client();
    let fetcher = rig.open(address(5));
    rig.bytes(fetcher, b"GETbob \"a song.mp3\" 0");
    let sent = rig.sent(fetcher);
    assert_eq!(sent, [Message::Greeting, Message::Size(SizeAnswer::Size(200_000))]);
    rig.bytes(fetcher, b"x");
    assert!(!rig.is_open(fetcher));
    assert_eq!(misbehaviours(&rig, fetcher), [Misbehaviour::Malformed]);
}

#[test]
fn an_upload_goes_no_faster_than_its_link() {
    let mut rig = client();
    let fetcher = rig.open(address(5));
    rig.bytes(fetcher, b"GETbob \"a song.mp3\" 100000");
    let mut bodies = Vec::new();
    for _ in 0..10 {
        assert!(rig.io.tickets.len() <= 1);
        rig.stored(Ok(()));
        // Nothing is read before the link has drained.
        assert!(rig.io.tickets.is_empty());
        for message in rig.sent(fetcher) {
            if let Message::Body(bytes) = message {
                bodies.push(bytes.len());
            }
        }
        rig.writable();
    }
    // The link is closed with the last chunk, which the rig then no longer shows.
    assert_eq!(bodies, [65_536]);
    assert!(!rig.is_open(fetcher));
}
