//! What gtk-gnutella (1.2, 1.3) says on links, in the bytes that its source has it send, and what it wants
//! to hear. No run of it is behind these: they tell what was read.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::net::SocketAddrV4;
use std::sync::Arc;

use common::*;
use common06::{flooding, quiet06, servent, shake};
use gnutella_wire::{
    GgepBuilder, Head, HitResult, Message as WireMessage, Offer, OwnedPayload, OwnedQueryHit,
    Payload, PayloadType, Qrp, QrpSending, QueryRouteTable, Role, Trailer, VendorMessage, Version,
};
use overlay_gnutella::{Command, Event, HeadKind, Message, Mode, Phase, Servent, Settings06};
use overlay_peer::{Address, Coding, Link, Peer};

const AGENT: &str = "gtk-gnutella/1.2.3 (2025-04-30; Topless; Linux x86_64)";

fn text(lines: &[&str]) -> Vec<u8> {
    [&lines.join("\r\n"), "\r\n\r\n"].concat().into_bytes()
}

/// The first head of its handshake.
fn hello(ultrapeer: bool) -> Vec<u8> {
    let role = if ultrapeer { "X-Ultrapeer: True" } else { "X-Ultrapeer: False" };
    text(&[
        "GNUTELLA CONNECT/0.6",
        "Node: 20.0.0.5:6346, [2001:db8::5]:6346",
        "Remote-IP: 20.0.0.0",
        &format!("User-Agent: {AGENT}"),
        "Pong-Caching: 0.1",
        "Bye-Packet: 0.1",
        "GGEP: 0.5",
        "Vendor-Message: 0.2",
        "Upgrade: TLS/1.0",
        "Accept-Encoding: deflate",
        "X-Token: 5bXwAg1vKw2cPnpu; nTZaVpXMZpJQ",
        "X-Live-Since: Sat, 21 Nov 2026 18:00:00 +0000",
        "X-Ext-Probes: 0.1",
        role,
        "X-Query-Routing: 0.2",
        "X-Ultrapeer-Query-Routing: 0.1",
        "X-Degree: 32",
        "X-Dynamic-Querying: 0.1",
        "X-Max-TTL: 4",
        "X-Features: tls/1.0, browse/1.0, ipv6/1.0,",
        "\tsha1/1.0, hsep/0.2",
        "X-Requeries: False",
        "GUID: 5e5e5e5e5e5e5e5effffffffffff0105",
    ])
}

fn settings() -> Settings06 {
    Settings06 { deflate: true, table_interval: std::time::Duration::ZERO, ..Settings06::default() }
}

fn of_mode(mode: Mode, v06: Settings06) -> Servent {
    servent(0, mode, &Arc::new(quiet06(v06)), &catalogue(&["Blue Train.ogg"]), vec![0])
}

/// It connects; what it is answered.
fn greet(driver: &mut Recorder, servent: &mut Servent, hello: &[u8]) -> (Link, Vec<u8>) {
    let join = Command::Join { hosts: vec![] };
    driver.input(servent, |servent, cx| servent.command(join, cx));
    let link = driver.opened(servent, address(5));
    driver.bytes(servent, link, hello);
    let answer = driver.said(link);
    (link, answer)
}

/// It changes its mind in the last head.
#[test]
fn its_late_refusal_is_one() {
    let mut servent = of_mode(Mode::Ultrapeer, settings());
    let mut driver = Recorder::new();
    let (link, _) = greet(&mut driver, &mut servent, &hello(true));
    let last = ["GNUTELLA/0.6 403 Not becoming a leaf node", "User-Agent: gtk-gnutella/1.2.3"];
    driver.bytes(&mut servent, link, &text(&last));
    assert!(driver.closed.contains(&link));
    assert_eq!(servent.neighbours().count(), 0);
}

/// It connects as a leaf, and is one.
fn leaf(driver: &mut Recorder, servent: &mut Servent) -> Link {
    let (link, answer) = greet(driver, servent, &hello(false));
    assert!(answer.starts_with(b"GNUTELLA/0.6 200 "), "{}", answer.escape_ascii());
    let last = text(&["GNUTELLA/0.6 200 OK", "Content-Encoding: deflate"]);
    driver.bytes(servent, link, &last);
    assert_eq!(servent.leaves(), 1);
    link
}

/// The servent connects to it, an ultrapeer; what is said in the last head.
fn call(driver: &mut Recorder, servent: &mut Servent, answer: &[u8]) -> (Link, Vec<u8>) {
    let join = Command::Join { hosts: vec![address(5)] };
    driver.input(servent, |servent, cx| servent.command(join, cx));
    let link = driver.connected(servent);
    assert!(driver.said(link).starts_with(b"GNUTELLA CONNECT/0.6\r\n"));
    driver.bytes(servent, link, answer);
    let heads = driver.sent.iter().position(|(to, message)| {
        *to == link && matches!(message, Message::Head { kind: HeadKind::Reply, .. })
    });
    let last = heads.map(|at| driver.sent.remove(at).1);
    let Some(Message::Head { head, .. }) = last else { return (link, vec![]) };
    (link, head.borrow().as_bytes().to_vec())
}

fn welcome(needed: &str) -> Vec<u8> {
    text(&[
        "GNUTELLA/0.6 200 OK",
        &format!("User-Agent: {AGENT}"),
        "Pong-Caching: 0.1",
        "Bye-Packet: 0.1",
        "GGEP: 0.5",
        "Vendor-Message: 0.2",
        "Remote-IP: 20.0.0.0",
        "Accept-Encoding: deflate",
        "Content-Encoding: deflate",
        "X-Token: 5bXwAg1vKw2cPnpu; nTZaVpXMZpJQ",
        "X-Live-Since: Sat, 21 Nov 2026 18:00:00 +0000",
        "X-Ultrapeer: True",
        &format!("X-Ultrapeer-Needed: {needed}"),
        "X-Query-Routing: 0.2",
        "X-Ultrapeer-Query-Routing: 0.1",
        "X-Degree: 32",
        "X-Dynamic-Querying: 0.1",
        "X-Max-TTL: 4",
        "X-Ext-Probes: 0.1",
        "GUID: 5e5e5e5e5e5e5e5effffffffffff0105",
        "Upgrade: TLS/1.0",
        "Connection: Upgrade",
        "X-Try-Ultrapeers: 20.0.0.8:6346,",
        "    20.0.0.9:6346",
    ])
}

const BOTH: Coding = Coding { inflate: true, deflate: true };

/// A message, as it is inflated.
fn message(n: u32, kind: u8, ttl: u8, hops: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = guid(0x5000 + n).as_bytes().to_vec();
    bytes.extend([kind, ttl, hops]);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// What is in these bytes: type, TTL, hops and payload.
fn messages(mut bytes: &[u8]) -> Vec<(PayloadType, u8, u8, Vec<u8>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at(23);
        let size = u32::from_le_bytes(head[19..].try_into().unwrap()) as usize;
        all.push((PayloadType(head[16]), head[17], head[18], rest[..size].to_vec()));
        bytes = &rest[size..];
    }
    all
}

fn query(words: &str) -> Vec<u8> {
    // Its flags: a query of 0.6 that understands GGEP `H`.
    [&[0x88, 0x00], words.as_bytes(), &[0]].concat()
}

/// Told that no ultrapeer is needed it does not become a leaf, but goes ("Not becoming a leaf node").
#[test]
fn it_is_welcome_as_an_ultrapeer_as_long_as_there_is_room() {
    let other = String::from_utf8(hello(true)).unwrap().replace(AGENT, "Other/1.0");
    for (greeting, links, needed) in
        [(hello(true), 28, Some(true)), (other.into(), 28, None), (hello(true), 0, None)]
    {
        let v06 = Settings06 { ultrapeer_links: links, ultrapeer_target: 0, ..settings() };
        let mut servent = of_mode(Mode::Ultrapeer, v06);
        let mut driver = Recorder::new();
        let (_, answer) = greet(&mut driver, &mut servent, &greeting);
        let head = Head::decode(&answer).unwrap();
        assert!(answer.starts_with(b"GNUTELLA/0.6 200 "), "{head:?}");
        assert_eq!(Offer::of(head).ultrapeer_needed().filter(|it| *it), needed, "{head:?}");
    }
}

/// As a leaf it wants an ultrapeer with 16 links or more and dynamic querying ("High Outdegree and Dynamic
/// Querying Required"), and refuses a link that it can not deflate.
#[test]
fn its_leaf_finds_what_it_requires_of_an_ultrapeer() {
    let mut servent = of_mode(Mode::Ultrapeer, settings());
    let mut driver = Recorder::new();
    let (link, answer) = greet(&mut driver, &mut servent, &hello(false));
    let head = Head::decode(&answer).unwrap();
    let offer = Offer::of(head);
    assert_eq!(offer.role(), Role::Ultrapeer);
    assert!(offer.degree().unwrap() >= 16);
    assert!(offer.dynamic_querying().is_some());
    assert!(offer.accepts_deflate() && offer.sends_deflate());
    assert!(offer.user_agent().is_some(), "it may require one");
    assert_eq!(offer.query_routing(), Some(Version { major: 0, minor: 2 }));
    assert_eq!(offer.ultrapeer_needed(), None, "it is to stay a leaf");
    assert_eq!(driver.phases[&link.as_raw()], Phase::Reply);
    // It says 200 without saying what it is once more.
    driver.bytes(&mut servent, link, &text(&["GNUTELLA/0.6 200 OK", "Content-Encoding: deflate"]));
    assert_eq!(driver.phases[&link.as_raw()], Phase::Deflated(BOTH));
    assert_eq!(servent.leaves(), 1);
}

/// Its node address tells more than one, and is a neighbour's all the same.
#[test]
fn a_second_link_of_its_is_refused() {
    let mut servent = of_mode(Mode::Ultrapeer, settings());
    let mut driver = Recorder::new();
    leaf(&mut driver, &mut servent);
    let (link, answer) = greet(&mut driver, &mut servent, &hello(false));
    assert!(answer.starts_with(b"GNUTELLA/0.6 503 "), "{}", answer.escape_ascii());
    assert!(driver.closed.contains(&link));
}

/// What it says when the link is there: some of it is not for us, and nothing ends the link.
#[test]
fn what_it_says_first_is_understood_or_ignored() {
    let mut servent = of_mode(Mode::Ultrapeer, settings());
    let mut driver = Recorder::new();
    let link = leaf(&mut driver, &mut servent);
    driver.said(link);
    let vendor = |code: &[u8], selector: u16, version: u16, data: &[u8]| {
        [code, &selector.to_le_bytes(), &version.to_le_bytes(), data].concat()
    };
    let ids = [(b"BEAR", 4_u16, 1_u16), (b"GTKG", 7, 2), (b"LIME", 11, 2), (b"LIME", 21, 2)];
    let mut list = (ids.len() as u16).to_le_bytes().to_vec();
    for (code, selector, version) in ids {
        list.extend(vendor(code, selector, version, &[]));
    }
    let all = [
        message(1, 0x31, 1, 0, &vendor(&[0; 4], 0, 0, &list)),
        message(2, 0x31, 1, 0, &vendor(&[0; 4], 10, 0, b"\x01\x00HSEP\x01\x00")),
        // How far it sees (HSEP), what it shares.
        message(3, 0xcd, 1, 0, &[0; 24]),
        // Its proxy is asked for, hops flow, a node's info, time, features of UDP.
        message(4, 0x31, 1, 0, &vendor(b"LIME", 21, 2, &[])),
        message(5, 0x31, 1, 0, &vendor(b"BEAR", 4, 1, &[5])),
        message(6, 0x31, 1, 0, &vendor(b"GTKG", 22, 1, &[0; 4])),
        message(7, 0x31, 1, 0, &vendor(b"GTKG", 9, 1, &[])),
        message(8, 0x31, 1, 0, &vendor(b"BEAR", 7, 1, &[0xca, 0x18])),
        message(9, 0x31, 1, 0, &vendor(b"LIME", 5, 1, &[0; 40])),
        // A DHT's message, one of the reliable UDP layer, one of nobody.
        message(10, 0x44, 1, 0, &[0; 61]),
        message(11, 0x41, 1, 0, &[1, 2, 3]),
        message(12, 0x77, 1, 0, b"?"),
        // A Ping that asks whether we are alive, with what it understands.
        message(13, 0x00, 1, 0, &GgepBuilder::new().push(b"SCP", &[2]).unwrap().finish()),
    ]
    .concat();
    driver.bytes(&mut servent, link, &all);
    assert!(driver.closed.is_empty());
    assert!(!driver.events.iter().any(|it| matches!(it, Event::Misbehaved { .. })));
    let said = driver.said(link);
    let said = messages(&said);
    let pong = said.iter().find(|it| it.0 == PayloadType::PONG).unwrap();
    assert_eq!(pong.2, 0, "it comes from here");
    // The proxy is granted under the GUID it asked with: version 2 tells address and port.
    let proxied = said.iter().any(|(kind, ttl, hops, payload)| {
        let decoded = Payload::decode(*kind, payload);
        (*ttl, *hops) == (1, 0)
            && matches!(decoded, Ok(Payload::Vendor(it))
                if matches!(it.message(), Ok(VendorMessage::PushProxyAck { ip: Some(_), .. })))
    });
    assert!(proxied, "{said:?}");
}

/// Its table: entries of 4 bits, infinity 2, deflated, in fragments of 512 bytes; of eight slots if it
/// shares nothing, of up to 2^21 if it shares much. Its words have no accents.
#[test]
fn its_table_decides_which_queries_it_sees() {
    for (bits, shares) in [(14, true), (17, true), (21, true), (3, false)] {
        let mut servent = of_mode(Mode::Ultrapeer, settings());
        let mut driver = Recorder::new();
        let link = leaf(&mut driver, &mut servent);
        let mut table = QueryRouteTable::new(bits).with_infinity(2);
        if shares {
            table.insert(b"giant");
            table.insert(b"steps");
            table.insert(b"bjork");
        }
        let how = QrpSending { entry_bits: 4, deflate: true, fragment: 512 };
        let mut all = Vec::new();
        for (n, qrp) in table.messages(None, &how).iter().enumerate() {
            let mut payload = Vec::new();
            qrp.borrow().encode(&mut payload);
            all.extend(message(20 + n as u32, 0x30, 1, 0, &payload));
        }
        driver.bytes(&mut servent, link, &all);
        assert!(driver.closed.is_empty(), "{bits} bits");
        let ultrapeer = shake(&mut driver, &mut servent, 7, false);
        driver.said(link);
        // Its tables have no hashes, so that one is asked for of whoever has something.
        let by_hash = "\\\0urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB";
        let accent = "Björk";
        for (n, words) in [(60, "giant steps"), (61, "giant leaps"), (62, by_hash), (63, accent)] {
            driver.bytes(&mut servent, ultrapeer, &message(n, 0x80, 1, 2, &query(words)));
        }
        let said = driver.said(link);
        let said = messages(&said).into_iter();
        let passed: Vec<_> = said.filter(|it| it.0 == PayloadType::QUERY).map(|it| it.3).collect();
        let expected = [query("giant steps"), query(by_hash), query(accent)];
        assert_eq!(passed, expected[..if shares { 3 } else { 0 }], "{bits} bits");
    }
}

/// A leaf is answered by its ultrapeer with a table that it takes: RESET of 6 bytes, PATCHes in order, of
/// TTL 1 and no hops; a power of two; one zlib stream, which ends with the last of them.
#[test]
fn our_leaf_is_taken_with_its_table() {
    for needed in ["True", "False"] {
        let mut servent = of_mode(Mode::Leaf, settings());
        let mut driver = Recorder::new();
        let (link, last) = call(&mut driver, &mut servent, &welcome(needed));
        assert!(last.starts_with(b"GNUTELLA/0.6 200 "), "{}", last.escape_ascii());
        assert!(Offer::of(Head::decode(&last).unwrap()).sends_deflate());
        assert_eq!(driver.phases[&link.as_raw()], Phase::Deflated(BOTH));
        assert_eq!(servent.neighbours().count(), 1);
        let said = driver.said(link);
        let mut table = gnutella_wire::QrpReceiver::new(21);
        let mut patches = 0;
        for (kind, ttl, hops, payload) in messages(&said) {
            // All but Pings and Queries is for the neighbour alone.
            assert_eq!((ttl, hops), (1, 0), "{kind:?}");
            if kind == PayloadType::QRP {
                let qrp = Qrp::decode(&payload).unwrap();
                assert!(patches > 0 || (matches!(qrp, Qrp::Reset { .. }) && payload.len() == 6));
                table.receive(&qrp).unwrap();
                patches += 1;
            }
        }
        let table = table.into_table().unwrap();
        assert!(table.contains(b"blue") && table.contains(b"train") && patches >= 2);
        // What it says next is read: a Ping, a query.
        driver.bytes(&mut servent, link, &message(1, 0x00, 1, 0, &[]));
        driver.bytes(&mut servent, link, &message(2, 0x80, 1, 1, &query("blue train")));
        let said = driver.said(link);
        let kinds: Vec<_> = messages(&said).into_iter().map(|it| (it.0, it.2)).collect();
        assert_eq!(kinds, [(PayloadType::PONG, 0), (PayloadType::QUERY_HIT, 0)]);
        assert!(driver.closed.is_empty());
    }
}

/// Two ultrapeers are linked as such, and exchange tables.
#[test]
fn our_ultrapeer_is_taken_as_one() {
    let mut servent = of_mode(Mode::Ultrapeer, settings());
    let mut driver = Recorder::new();
    let (link, last) = call(&mut driver, &mut servent, &welcome("True"));
    assert!(last.starts_with(b"GNUTELLA/0.6 200 "), "{}", last.escape_ascii());
    assert_eq!((servent.is_ultrapeer(), servent.leaves()), (Some(true), 0));
    assert_eq!(driver.phases[&link.as_raw()], Phase::Deflated(BOTH));
}

/// How it refuses: the link is closed without a last head, and the others it names are learnt.
#[test]
fn its_refusals_are_refusals() {
    for status in [
        "204 Shielded leaf node",
        "403 Not becoming a leaf node",
        "403 Gnet connection not compressed",
        "409 Already connected",
        "503 Too many leaf connections (100 max)",
        "550 Access denied",
    ] {
        let mut servent = of_mode(Mode::Leaf, settings());
        let mut driver = Recorder::new();
        let answer = text(&[
            &format!("GNUTELLA/0.6 {status}"),
            &format!("User-Agent: {AGENT}"),
            "Remote-IP: 20.0.0.0",
            "X-Token: 5bXwAg1vKw2cPnpu; nTZaVpXMZpJQ",
            "X-Live-Since: Sat, 21 Nov 2026 18:00:00 +0000",
            "X-Ultrapeer: True",
            "X-Try-Ultrapeers: 20.0.0.8:6346,",
            "\t20.0.0.9:6346, 20.0.0.10:6346",
        ]);
        let (link, last) = call(&mut driver, &mut servent, &answer);
        assert!(last.is_empty(), "{status}");
        assert!(driver.closed.contains(&link), "{status}");
        assert_eq!(servent.neighbours().count(), 0);
        assert!(servent.known_hosts() >= 3, "{status}");
    }
}

/// A hit of its own: SHA-1 in GGEP `H` if the query says that is understood, in text if not; GGEP in the
/// trailer, which also tells its push proxies.
#[test]
fn its_hits_are_read() {
    let sha1: [u8; 20] = core::array::from_fn(|n| n as u8 * 11 + 1);
    let urn = gnutella_wire::Urn::Sha1(sha1).to_string();
    let in_ggep = GgepBuilder::new().push(b"H", &[&[1][..], &sha1].concat()).unwrap().finish();
    let both = [
        urn.as_bytes(),
        &[0x1c],
        &GgepBuilder::new().push(b"CT", &[0x10, 0x20, 0x30, 0x60]).unwrap().finish(),
    ]
    .concat();
    for extension in [in_ggep, both] {
        let v06 = Settings06 { out_of_band: false, ..flooding() };
        let mut servent = of_mode(Mode::Ultrapeer, v06);
        let mut driver = Recorder::new();
        let link = leaf_plain(&mut driver, &mut servent);
        driver.said(link);
        let search = Command::Search { search: 1, text: "giant steps".into() };
        driver.input(&mut servent, |servent, cx| servent.command(search, cx));
        let said = driver.said(link);
        let WireMessage { guid: muid, .. } = WireMessage::decode(&said).unwrap();
        let from: SocketAddrV4 = "127.0.0.1:6346".parse().unwrap();
        let result =
            HitResult { index: 7, size: 500, name: b"Giant Steps.ogg", extension: &extension };
        let mut hit = OwnedQueryHit::new(from, 1_000, guid(5), [result]).unwrap();
        let private = GgepBuilder::new()
            .push(b"GTKGV", &[1, 1, 2, 0, 0, 0])
            .and_then(|it| it.push(b"PUSH", &[20, 0, 0, 9, 0xca, 0x18]))
            .and_then(|it| it.push(b"TLS", &[]))
            .and_then(|it| it.push(b"BH", &[]))
            .unwrap()
            .finish();
        // Firewalled, with GGEP: the flags and which of them mean something.
        let mut trailer = Vec::new();
        Trailer::new(*b"GTKG", &[0x3d, 0x21], &private).unwrap().encode(&mut trailer);
        hit.trailer = trailer.into();
        let payload = OwnedPayload::QueryHit(hit);
        let mut bytes = Vec::new();
        WireMessage { guid: muid, ttl: 3, hops: 0, payload: payload.borrow() }.encode(&mut bytes);
        driver.bytes(&mut servent, link, &bytes);
        let Some(Event::Hit { hit, .. }) = driver.events.last() else {
            panic!("{:?}", driver.events)
        };
        assert_eq!((hit.sha1, hit.size, &*hit.name), (Some(sha1), 500, &b"Giant Steps.ogg"[..]));
        assert_eq!(hit.address, Address::from(([127, 0, 0, 1], 6346)));
        assert_eq!(*hit.proxies, ["20.0.0.9:6346".parse().unwrap()]);
    }
}

/// As [`leaf`], with a table that has every word, and nothing deflated.
fn leaf_plain(driver: &mut Recorder, servent: &mut Servent) -> Link {
    let greeting = String::from_utf8(hello(false)).unwrap();
    let greeting = greeting.replace("Accept-Encoding: deflate\r\n", "");
    let (link, _) = greet(driver, servent, greeting.as_bytes());
    driver.bytes(servent, link, &text(&["GNUTELLA/0.6 200 OK"]));
    let mut table = QueryRouteTable::new(14);
    table.insert(b"giant");
    table.insert(b"steps");
    for (n, qrp) in (20..).zip(table.messages(None, &QrpSending::DEFAULT)) {
        let mut payload = Vec::new();
        qrp.borrow().encode(&mut payload);
        driver.bytes(servent, link, &message(n, 0x30, 1, 0, &payload));
    }
    link
}

/// Over UDP it asks whether someone is there, and says in the TTL that it can inflate. What else it sends
/// (a crawler's ping, its DHT, the reliable layer) costs nothing.
#[test]
fn its_datagrams_are_answered_or_ignored() {
    let mut servent = of_mode(Mode::Ultrapeer, settings());
    let mut driver = Recorder::new();
    let join = Command::Join { hosts: vec![] };
    driver.input(&mut servent, |servent, cx| servent.command(join, cx));
    let crawl = [&b"LIME"[..], &5_u16.to_le_bytes(), &1_u16.to_le_bytes(), &[10, 10, 0]].concat();
    for (bytes, answers) in [
        (message(1, 0x00, 1 | 0x08, 0, &[]), 1),
        (message(2, 0x00, 1, 0, &GgepBuilder::new().push(b"SCP", &[2]).unwrap().finish()), 1),
        (message(3, 0x31, 1, 0, &crawl), 0),
        (message(4, 0x44, 1, 0, &[0; 61]), 0),
        (message(5, 0x41, 1, 0, &[1, 2, 3]), 0),
        (message(6, 0x01, 1, 0, &[0; 14]), 0),
        // Deflated: its TTL is out of bounds.
        (message(7, 0x80, 0x81, 0, &[0x78, 0x9c]), 0),
    ] {
        driver.datagrams.clear();
        let Ok(overlay_peer::Decoded::Complete { value, .. }) =
            <Message as overlay_peer::Wire>::decode(Phase::Opening, &bytes)
        else {
            panic!("{bytes:?}")
        };
        driver.input(&mut servent, |servent, cx| servent.datagram(address(5), value, cx));
        assert_eq!(driver.datagrams.len(), answers, "{bytes:?}");
        for (to, pong) in &driver.datagrams {
            assert_eq!((*to, overlay_peer::Wire::kind(pong)), (address(5), 1));
        }
    }
}
