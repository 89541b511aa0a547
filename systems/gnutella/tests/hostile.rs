//! Others that send Pushes without end, Pongs that lie, names that are too long.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::*;
use gnutella_wire::{Guid, OwnedPayload, OwnedPing, OwnedPush, Reply, Request};
use overlay_gnutella::{Command, Config, Descriptor, Event, HeadKind, Message, Servent, Settings};
use overlay_peer::{Address, Link, LinkState, Peer, Time};

fn receive(servent: &mut Servent, driver: &mut Recorder, link: Link, message: Message) {
    driver.input(servent, |s, cx| s.receive(link, message, cx));
}

fn descriptor(guid: Guid, ttl: u8, hops: u8, payload: OwnedPayload) -> Message {
    Message::Descriptor { ttl, hops, descriptor: Arc::new(Descriptor::new(guid, payload)) }
}

/// A Push for this servent's first file.
fn push(n: u32, to: Address) -> Message {
    let Address::V4(address) = to else { panic!("IPv4") };
    let push = OwnedPush { servent: guid(1), index: 0, address, extension: [].into() };
    descriptor(guid(1_000 + n), 7, 0, OwnedPayload::Push(push))
}

fn open(servent: &mut Servent, driver: &mut Recorder, link: Link, remote: Address, inbound: bool) {
    driver.input(servent, |s, cx| s.link_changed(link, LinkState::Open { remote, inbound }, cx));
}

fn sharing(settings: Settings) -> Servent {
    let config = Config { settings: Arc::new(settings), ..Config::new(guid(1)) };
    Servent::new(config, catalogue(&["a song.mp3"]), [0])
}

fn request(servent: &mut Servent, driver: &mut Recorder, link: Link) {
    let head = Box::new(Request::build(0, b"a song.mp3", None));
    receive(servent, driver, link, Message::Head { kind: HeadKind::Request, head });
}

/// The status line of the last response.
fn response(driver: &Recorder) -> &str {
    let (_, Message::Head { kind: HeadKind::Response, head }) = driver.sent.last().unwrap() else {
        panic!("{:?}", driver.sent)
    };
    std::str::from_utf8(head.borrow().start_line()).unwrap()
}

#[test]
fn pushes_open_few_links_however_many_come() {
    for same in [true, false] {
        let mut servent = sharing(quiet());
        let mut driver = Recorder::new();
        let neighbours: Vec<Link> =
            (0..20).map(|n| driver.neighbour(&mut servent, 5 + n)).collect();
        let (before, mut opened) = (servent.footprint(), 0);
        for n in 0..20_000 {
            // To one address, or each to another.
            let to = address(if same { 9 } else { 10_000 + n });
            let from = neighbours[n as usize % neighbours.len()];
            receive(&mut servent, &mut driver, from, push(n, to));
            // They are accepted at once: a link that waits for its request counts as well.
            if let Some((link, _)) = driver.connects.pop() {
                open(&mut servent, &mut driver, link, to, false);
                opened += 1;
            }
        }
        // Two to one address; to many, as many as there are upload slots.
        assert_eq!(opened, if same { 2 } else { Settings::default().uploads });
        assert_eq!(servent.counters().pushes_ignored as usize, 20_000 - opened);
        // Each of them, and its Push's GUID.
        assert_eq!(servent.footprint().0, before.0 + 2 * opened);
    }
}

#[test]
fn one_neighbour_has_two_pushes_under_way() {
    let mut servent = sharing(quiet());
    let mut driver = Recorder::new();
    let (one, other) = (driver.neighbour(&mut servent, 5), driver.neighbour(&mut servent, 6));
    for n in 0..10 {
        receive(&mut servent, &mut driver, one, push(n, address(100 + n)));
    }
    assert_eq!(driver.connects.len(), 2);
    receive(&mut servent, &mut driver, other, push(50, address(150)));
    assert_eq!(driver.connects.len(), 3);
    // When the links fail, the next may come.
    for (link, _) in driver.connects.clone() {
        driver.lose(&mut servent, link);
    }
    receive(&mut servent, &mut driver, one, push(60, address(160)));
    assert_eq!(driver.connects.len(), 4);
}

#[test]
fn a_push_that_comes_again_is_ignored() {
    let mut servent = sharing(quiet());
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    receive(&mut servent, &mut driver, neighbour, push(1, address(9)));
    let (link, _) = driver.connects[0];
    driver.lose(&mut servent, link);
    receive(&mut servent, &mut driver, neighbour, push(1, address(9)));
    assert_eq!((driver.connects.len(), servent.counters().pushes_ignored), (1, 1));
    receive(&mut servent, &mut driver, neighbour, push(2, address(9)));
    assert_eq!(driver.connects.len(), 2);
}

/// Connecting takes no upload slot, so that nobody can take them all with addresses that never answer.
#[test]
fn pushes_to_a_black_hole_take_no_upload_slot() {
    let mut servent = sharing(Settings { uploads: 2, ..quiet() });
    let mut driver = Recorder::new();
    for n in 0..8 {
        let neighbour = driver.neighbour(&mut servent, 5 + n);
        receive(&mut servent, &mut driver, neighbour, push(n, address(100 + n)));
    }
    assert_eq!(driver.connects.len(), 2);
    let link = driver.link();
    open(&mut servent, &mut driver, link, address(9), true);
    request(&mut servent, &mut driver, link);
    assert_eq!(response(&driver), "HTTP/1.1 200 OK");
    // After the time for connecting, new Pushes are followed again.
    driver.now = Time::from_secs(11);
    driver.input(&mut servent, |s, cx| s.wake(overlay_peer::Timer(2), cx));
    let neighbour = driver.neighbour(&mut servent, 50);
    receive(&mut servent, &mut driver, neighbour, push(90, address(190)));
    assert_eq!(driver.connects.len(), 3);
}

/// A servent does not open a link to itself because somebody says so.
#[test]
fn a_push_to_the_servent_itself_is_ignored() {
    let mut servent = sharing(quiet());
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    receive(&mut servent, &mut driver, neighbour, push(1, driver_here()));
    assert_eq!((driver.connects.len(), servent.counters().pushes_ignored), (0, 1));
}

fn driver_here() -> Address {
    Recorder::new().here
}

/// Links whose download is done wait for the next request, in a bounded number; who comes then has to
/// come later, although no slot is taken.
#[test]
fn links_that_wait_for_a_request_are_bounded() {
    let files = Arc::new(overlay_gnutella::Catalogue::new([overlay_gnutella::SharedFile {
        name: "empty.txt".into(),
        size: 0,
        object: overlay_peer::Object(0),
    }]));
    let settings = Settings { uploads: 1, greetings: 2, ..quiet() };
    let config = Config { settings: Arc::new(settings), ..Config::new(guid(1)) };
    let mut servent = Servent::new(config, files, [0]);
    let mut driver = Recorder::new();
    for n in 0..5 {
        let link = driver.link();
        open(&mut servent, &mut driver, link, address(9 + n), true);
        request(&mut servent, &mut driver, link);
        let expected = if n < 3 { "HTTP/1.1 200 OK" } else { "HTTP/1.1 503 Service Unavailable" };
        assert_eq!(response(&driver), expected, "link {n}");
    }
    assert_eq!((driver.closed.len(), servent.counters().refused), (2, 2));
    // Nor is there room for Pushes.
    let neighbour = driver.neighbour(&mut servent, 50);
    receive(&mut servent, &mut driver, neighbour, push(1, address(60)));
    assert_eq!((driver.connects.len(), servent.counters().pushes_ignored), (0, 1));
}

/// Links that are still in their handshake have their room: those who connect meanwhile do not take it.
#[test]
fn never_more_links_than_allowed() {
    for max in [2, 250, 400] {
        let settings = Settings { max_links: max, greetings: 1_000, ..quiet() };
        let mut servent = sharing(settings);
        let mut driver = Recorder::new();
        let most = max.min(Settings::LINKS);
        let hosts = (0..most as u32 / 2).map(|n| address(1_000 + n)).collect();
        driver.input(&mut servent, |s, cx| s.command(Command::Join { hosts }, cx));
        for n in 0..max as u32 {
            driver.neighbour(&mut servent, n + 1);
        }
        assert_eq!(servent.neighbours().count(), most - most / 2);
        let connects = std::mem::take(&mut driver.connects);
        assert_eq!(connects.len(), most / 2);
        for (link, to) in connects {
            open(&mut servent, &mut driver, link, to, false);
            let head = Box::new(Reply::v04());
            let reply = Message::Head { kind: HeadKind::Reply, head };
            receive(&mut servent, &mut driver, link, reply);
        }
        assert_eq!(servent.neighbours().count(), most);
        // Every link is a whole neighbour: what it says is taken up, and it can be lost.
        let links: Vec<Link> = servent.neighbours().collect();
        driver.events.clear();
        for link in links {
            let ping = OwnedPayload::Ping(OwnedPing::default());
            receive(&mut servent, &mut driver, link, descriptor(guid(77), 1, 0, ping));
            driver.lose(&mut servent, link);
        }
        assert!(driver.events.iter().all(|event| matches!(event, Event::Unlinked { .. })));
        assert_eq!(servent.neighbours().count(), 0);
    }
}
