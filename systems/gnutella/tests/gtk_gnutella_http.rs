//! Transfers with gtk-gnutella (1.2, 1.3): what it asks for and answers, in the bytes that its source has
//! it send. No run of it is behind these: they tell what was read.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::*;
use gnutella_wire::Urn;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, FetchFailure, Hit, Message, Mode, Servent,
    Settings, Settings06, SharedFile,
};
use overlay_peer::{Address, Link, Object, Peer, Time, Timer};

const AGENT: &str = "gtk-gnutella/1.2.3 (2025-04-30; Topless; Linux x86_64)";
const SIZE: u64 = 20;
const BYTES: &[u8] = b"0123456789abcdefghij";

fn text(lines: &[&str]) -> Vec<u8> {
    [&lines.join("\r\n"), "\r\n\r\n"].concat().into_bytes()
}

fn sha1() -> [u8; 20] {
    core::array::from_fn(|n| n as u8 * 11 + 1)
}

fn urn() -> String {
    Urn::Sha1(sha1()).to_string()
}

fn servent() -> Servent {
    let settings = Settings { v06: Some(Settings06::default()), ..quiet() };
    let capabilities = Capabilities { mode: Mode::Ultrapeer, ..Capabilities::GOOD };
    let config = Config { capabilities, settings: Arc::new(settings), ..Config::new(guid(1)) };
    let file = SharedFile { name: "Giant Steps.ogg".into(), size: SIZE, object: Object(3) };
    Servent::new(config, Arc::new(Catalogue::new([file]).with_sha1([sha1()])), [0])
}

/// What it has, found with its SHA-1.
fn found() -> Hit {
    let hit = offered(address(5), SIZE as u32, b"Giant Steps.ogg");
    Hit { servent: guid(5), index: 7, sha1: Some(sha1()), ..hit }
}

fn fetch(driver: &mut Recorder, servent: &mut Servent, hit: Hit) {
    let fetch = Command::Fetch { fetch: 1, hit, into: Object(9), from: 0 };
    driver.input(servent, |servent, cx| servent.command(fetch, cx));
}

/// A request of its: more fields than anybody reads.
fn request(method: &str, range: &str) -> Vec<u8> {
    text(&[
        &format!("{method} /uri-res/N2R?{} HTTP/1.1", urn()),
        "Host: 20.0.0.0:6346",
        &format!("User-Agent: {AGENT}"),
        "X-Token: 5bXwAg1vKw2cPnpu; nTZaVpXMZpJQ",
        "X-Features: browse/1.0, fwalt/0.1",
        "Accept-Encoding: deflate",
        "X-Queue: 1.0",
        &format!("Range: {range}"),
        "X-Downloaded: 4096",
        "X-FW-Node-Info: 5e5e5e5e5e5e5e5effffffffffff0105;",
        "\tport:6346:20.0.0.5",
        "Chat: 20.0.0.5:6346",
        &format!("X-Gnutella-Content-URN: {}", urn()),
        "X-Alt: 20.0.0.8:6346, 20.0.0.9,",
        "\t20.0.0.10:6347",
    ])
}

/// Storage answers what is read last.
fn read(driver: &mut Recorder, servent: &mut Servent, bytes: &'static [u8]) {
    let ticket = *driver.reads.last().unwrap();
    driver.input(servent, |servent, cx| {
        servent.stored(ticket, Ok(Bytes::from_static(bytes)), cx);
    });
}

fn said(driver: &mut Recorder, link: Link) -> String {
    String::from_utf8(driver.said(link)).unwrap()
}

/// Without `Host` it answers HTTP/1.1 with 400; by index and name it would want both to be right.
#[test]
fn it_is_asked_by_hash_with_what_it_requires() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    fetch(&mut driver, &mut servent, found());
    let link = driver.connected(&mut servent);
    let asked = said(&mut driver, link);
    assert!(asked.starts_with(&format!("GET /uri-res/N2R?{} HTTP/1.1\r\n", urn())), "{asked}");
    assert!(asked.contains("\r\nHost: 20.0.0.5:6346\r\n"), "{asked}");
    assert!(asked.contains("\r\nUser-Agent: overlay-gnutella/"), "{asked}");
    driver.bytes(
        &mut servent,
        link,
        &[
            &text(&[
                "HTTP/1.1 200 OK",
                &format!("Server: {AGENT}"),
                "X-Token: 5bXwAg1vKw2cPnpu; nTZaVpXMZpJQ",
                "Connection: Keep-Alive",
                "Last-Modified: Sat, 21 Nov 2026 18:00:00 GMT",
                "Content-Type: application/binary",
                "Content-Length: 20",
                "Date: Sat, 21 Nov 2026 20:00:00 GMT",
                &format!("X-Gnutella-Content-URN: {}", urn()),
                "X-Features: browse/1.0, fwalt/0.1",
                "X-Thex-URI: /uri-res/N2X?urn:sha1:AAAA;BBBB",
            ])[..],
            BYTES,
        ]
        .concat(),
    );
    let ticket = *driver.writes.last().unwrap();
    driver.input(&mut servent, |servent, cx| servent.stored(ticket, Ok(Bytes::new()), cx));
    let fetched = Event::Fetched { fetch: 1, bytes: SIZE, pushed: false };
    assert_eq!(driver.events, [fetched]);
}

/// All upload slots are taken: the request waits in its queue (PARQ).
#[test]
fn its_queue_is_busy() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    fetch(&mut driver, &mut servent, found());
    let link = driver.connected(&mut servent);
    driver.bytes(
        &mut servent,
        link,
        &text(&[
            "HTTP/1.1 503 Queued (slot 3, ETA: 5 minutes)",
            &format!("Server: {AGENT}"),
            "Connection: close",
            "X-Queue: position=3, length=5, limit=2, pollMin=60, pollMax=120",
            "X-Queued: position=3; ID=5e5e5e5e; length=5; ETA=300; lifetime=180; retry-after=60",
            "Retry-After: 60",
        ]),
    );
    let failed = Event::FetchFailed { fetch: 1, reason: FetchFailure::Busy };
    assert_eq!(driver.events, [failed]);
}

/// It wants to know who serves, that it is the file it asked for, and the part it asked for.
#[test]
fn it_is_served_by_hash_and_range() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    let link = driver.opened(&mut servent, address(5));
    driver.bytes(&mut servent, link, &request("GET", "bytes=4-7"));
    read(&mut driver, &mut servent, b"4567");
    let answer = said(&mut driver, link);
    assert!(answer.starts_with("HTTP/1.1 206 "), "{answer}");
    for field in [
        "Server: overlay-gnutella/",
        "Content-Length: 4\r\n",
        "Content-Range: bytes 4-7/20\r\n",
        &format!("X-Gnutella-Content-URN: {}\r\n", urn()),
    ] {
        assert!(answer.contains(&format!("\r\n{field}")), "{field} in {answer}");
    }
    assert!(answer.ends_with("\r\n\r\n4567"), "{answer}");
    assert!(driver.closed.is_empty(), "the next request comes on the same link");
}

/// It sends the next request before it has all of the last answer, and may ask for the head alone.
#[test]
fn its_next_request_may_come_early() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    let link = driver.opened(&mut servent, address(5));
    driver.bytes(&mut servent, link, &request("HEAD", "bytes=0-"));
    let answer = said(&mut driver, link);
    assert!(answer.starts_with("HTTP/1.1 2") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Length: 20\r\n"), "{answer}");
    for (range, _) in [("bytes=0-3", 0), ("bytes=4-7", 4)] {
        driver.bytes(&mut servent, link, &request("GET", range));
    }
    let first = said(&mut driver, link);
    assert_eq!(first.matches("HTTP/1.1").count(), 1, "{first}");
    read(&mut driver, &mut servent, b"0123");
    read(&mut driver, &mut servent, b"4567");
    let rest = said(&mut driver, link);
    assert!(rest.starts_with("0123HTTP/1.1 206 ") && rest.ends_with("\r\n\r\n4567"), "{rest}");
    assert!(driver.closed.is_empty());
}

/// What is not shared, and what a servent of this kind has not.
#[test]
fn what_is_not_there_is_refused() {
    for target in [
        "/uri-res/N2R?urn:sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/uri-res/N2X?urn:sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/get/12/nothing.ogg",
        "/gnutella/push-proxy?ServerID=AAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/",
    ] {
        let (mut servent, mut driver) = (servent(), Recorder::new());
        let link = driver.opened(&mut servent, address(5));
        let request = [&format!("GET {target} HTTP/1.1"), "Host: 20.0.0.0:6346"];
        driver.bytes(&mut servent, link, &text(&request));
        let answer = said(&mut driver, link);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert!(driver.closed.contains(&link));
    }
}

/// It knows a file by its SHA-1, and pushes with index 0 then. The GUID of the `GIV` tells whose it is.
#[test]
fn its_push_names_no_file() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    let join = Command::Join { hosts: vec![] };
    driver.input(&mut servent, |servent, cx| servent.command(join, cx));
    let neighbour = driver.neighbour(&mut servent, 5);
    let mut push = guid(0x77).as_bytes().to_vec();
    push.extend([0x40, 2, 1]);
    push.extend(26_u32.to_le_bytes());
    push.extend(guid(1).as_bytes());
    push.extend([0, 0, 0, 0, 20, 0, 0, 5]);
    push.extend(6_346_u16.to_le_bytes());
    let mut others = push.clone();
    driver.bytes(&mut servent, neighbour, &push);
    // Nor does it matter if there is no file of that index any more.
    others[0] ^= 1;
    others[39] = 200;
    driver.bytes(&mut servent, neighbour, &others);
    assert_eq!(driver.connects.len(), 2);
    for (at, index) in [(0, 0), (1, 200)] {
        let (link, remote) = driver.connects[at];
        assert_eq!(remote, address(5));
        let open = overlay_peer::LinkState::Open { remote, inbound: false };
        driver.input(&mut servent, |servent, cx| servent.link_changed(link, open, cx));
        let giv = said(&mut driver, link);
        let guid = guid(1).to_string().to_uppercase();
        assert!(giv.starts_with(&format!("GIV {index}:{guid}/")), "{giv}");
        assert!(giv.ends_with("\n\n"), "{giv}");
        driver.bytes(&mut servent, link, &request("GET", "bytes=0-3"));
        assert!(said(&mut driver, link).starts_with("HTTP/1.1 206 "));
    }
}

/// Its `GIV` names the index that it was asked for and no file, in lower case.
#[test]
fn its_giv_is_taken() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    let join = Command::Join { hosts: vec![] };
    driver.input(&mut servent, |servent, cx| servent.command(join, cx));
    let neighbour = driver.neighbour(&mut servent, 4);
    let search = Command::Search { search: 1, text: "giant steps".into() };
    driver.input(&mut servent, |servent, cx| servent.command(search, cx));
    let query = driver.sent.iter().rev().find_map(|(_, message)| match message {
        Message::Descriptor { descriptor, .. } => Some(descriptor.guid()),
        _ => None,
    });
    let muid = query.unwrap().as_bytes().to_vec();
    let result =
        gnutella_wire::HitResult { index: 7, size: 20, name: b"Giant Steps.ogg", extension: &[] };
    let Address::V4(from) = address(5) else { panic!("IPv4") };
    let hit = gnutella_wire::OwnedQueryHit::new(from, 1, guid(5), [result]).unwrap();
    let mut payload = Vec::new();
    hit.borrow().encode(&mut payload);
    let mut bytes = muid;
    bytes.extend([0x81, 2, 1]);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(payload);
    driver.bytes(&mut servent, neighbour, &bytes);
    fetch(&mut driver, &mut servent, Hit { push: true, ..found() });
    let link = driver.opened(&mut servent, address(5));
    let giv = format!("GIV 7:{}/file\n\n", guid(5).to_string().to_lowercase());
    driver.bytes(&mut servent, link, giv.as_bytes());
    let asked = said(&mut driver, link);
    assert!(asked.starts_with("GET /uri-res/N2R?urn:sha1:"), "{asked}, {:?}", driver.events);
}

/// Who asks again before `Retry-After` is over loses its place in the queue, and is banned.
#[test]
fn its_queue_is_waited_in() {
    let (mut servent, mut driver) = (servent(), Recorder::new());
    let swarm = Command::Swarm { fetch: 1, hits: vec![found()], into: Object(9), from: 0 };
    driver.input(&mut servent, |servent, cx| servent.command(swarm, cx));
    let queued = text(&["HTTP/1.1 503 Queued (slot 3, ETA: 5 minutes)", "Retry-After: 60"]);
    let mut due: Vec<(Time, Timer)> = Vec::new();
    for round in 0..10 {
        let asked = driver.connects.len();
        assert_eq!(asked, round + 1);
        let link = driver.connected(&mut servent);
        driver.bytes(&mut servent, link, &queued);
        for second in 1..120 {
            // Timers come when they are due.
            let now = driver.now;
            due.extend(driver.timers.drain(..).map(|(delay, timer)| (now + delay, timer)));
            driver.now = now + Duration::from_secs(1);
            let (ripe, rest) = due.iter().copied().partition(|(at, _)| *at <= driver.now);
            due = rest;
            let ripe: Vec<(Time, Timer)> = ripe;
            for (_, timer) in ripe {
                driver.input(&mut servent, |servent, cx| servent.wake(timer, cx));
            }
            if driver.connects.len() > asked {
                assert!(second >= 60, "after {second} s");
                break;
            }
        }
    }
    assert!(driver.events.is_empty(), "{:?}", driver.events);
}
