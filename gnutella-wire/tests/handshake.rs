//! Handshakes, as the documents on handshaking 0.6, ultrapeers and compression show them and as servents
//! speak them, and what HTTP carries besides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    ByteRange, DecodeErrorKind, Decoded, Handshake, HandshakeError, HandshakeEvent, Head, Limits,
    Link, Local, Method, Offer, OwnedHead, QueuePlace, Refusal, Request, Role, Target,
    TransferFields, Urn, Version,
};

const LIMITS: Limits = Limits::DEFAULT;

fn head(text: &str) -> OwnedHead {
    Head::decode(text.replace('\n', "\r\n").as_bytes()).unwrap().to_owned()
}

fn text(head: &OwnedHead) -> String {
    let mut bytes = Vec::new();
    head.borrow().encode(&mut bytes);
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

/// Both sides against each other; what each thinks of the link, if there is one.
fn speak(caller: Local, callee: Local) -> [Option<Link>; 2] {
    let (mut caller, connect) = Handshake::connect(caller);
    let mut callee = Handshake::accept(callee);
    assert_eq!(callee.receive(connect.borrow()), Ok(HandshakeEvent::Offered));
    let (answer, up) = callee.welcome().unwrap();
    assert_eq!(up, None);
    match caller.receive(answer.borrow()).unwrap() {
        HandshakeEvent::Up { link: ours, send } => {
            let last = send.unwrap();
            let HandshakeEvent::Up { link: theirs, send: None } =
                callee.receive(last.borrow()).unwrap()
            else {
                panic!("the link is up")
            };
            [Some(ours), Some(theirs)]
        }
        HandshakeEvent::Refused { send: Some(last), refusal } => {
            assert_eq!(refusal.code, Some(503));
            let event = callee.receive(last.borrow()).unwrap();
            assert!(matches!(event, HandshakeEvent::Refused { send: None, .. }));
            [None, None]
        }
        HandshakeEvent::Refused { send: None, refusal } => {
            assert_eq!(refusal.code, Some(503));
            assert_eq!(callee.receive(connect.borrow()), Err(HandshakeError::OutOfTurn));
            [None, None]
        }
        HandshakeEvent::Offered => panic!("no offer"),
    }
}

#[test]
fn roles() {
    use Role::{Leaf, Plain, Ultrapeer};
    for (one, other, up) in [
        (Ultrapeer, Ultrapeer, true),
        (Ultrapeer, Leaf, true),
        (Leaf, Ultrapeer, true),
        (Leaf, Leaf, false),
        (Plain, Leaf, false),
        (Leaf, Plain, false),
        (Plain, Plain, true),
        (Ultrapeer, Plain, true),
        (Plain, Ultrapeer, true),
    ] {
        let [ours, theirs] = speak(Local::new(one, "a/1"), Local::new(other, "b/1"));
        let roles = |link: Link| (link.ours, link.theirs);
        assert_eq!(ours.map(roles), up.then_some((one, other)), "{one:?} {other:?}");
        assert_eq!(theirs.map(roles), up.then_some((other, one)), "{one:?} {other:?}");
    }
}

/// An ultrapeer is told that it is not needed as one: it may become a leaf, or not.
#[test]
fn leaf_guidance() {
    for (willing, needed, becomes) in
        [(true, false, Role::Leaf), (false, false, Role::Ultrapeer), (true, true, Role::Ultrapeer)]
    {
        let mut caller = Local::new(Role::Ultrapeer, "a/1");
        caller.may_become_leaf = willing;
        let mut callee = Local::new(Role::Ultrapeer, "b/1");
        callee.ultrapeers_needed = needed;
        let [ours, theirs] = speak(caller, callee);
        assert_eq!(ours.unwrap().ours, becomes);
        assert_eq!(theirs.unwrap().theirs, becomes);
        assert_eq!(theirs.unwrap().ours, Role::Ultrapeer);
    }
}

#[test]
fn each_direction_is_deflated_by_itself() {
    for bits in 0..16 {
        let has = |bit: u8| bits >> bit & 1 != 0;
        let [mut caller, mut callee] = ["a/1", "b/1"].map(|name| Local::new(Role::Ultrapeer, name));
        (caller.inflates, caller.deflates) = (has(0), has(1));
        (callee.inflates, callee.deflates) = (has(2), has(3));
        let [ours, theirs] = speak(caller, callee).map(Option::unwrap);
        assert_eq!((ours.deflate, theirs.inflate), (has(1) && has(2), has(1) && has(2)));
        assert_eq!((ours.inflate, theirs.deflate), (has(0) && has(3), has(0) && has(3)));
    }
}

#[test]
fn what_is_said() {
    let mut local = Local::new(Role::Leaf, "x/1").field("X-Query-Routing", "0.2");
    local.deflates = false;
    let (mut caller, connect) = Handshake::connect(local);
    assert_eq!(
        text(&connect),
        "GNUTELLA CONNECT/0.6\nUser-Agent: x/1\nX-Query-Routing: 0.2\nX-Ultrapeer: False\n\
         Accept-Encoding: deflate\n\n",
    );
    // LimeWire's answer.
    let answer = head(
        "GNUTELLA/0.6 200 OK\nUser-Agent: LimeWire/4.12.6\nX-Requeries: false\nX-Version: 4.12.6\n\
         X-Ultrapeer: True\nX-Degree: 32\nX-Query-Routing: 0.1\nX-Ultrapeer-Query-Routing: 0.1\n\
         X-Max-TTL: 3\nX-Dynamic-Querying: 0.1\nX-Locale-Pref: en\nGGEP: 0.5\nBye-Packet: 0.1\n\
         Vendor-Message: 0.2\nX-Ext-Probes: 0.1\nPong-Caching: 0.1\nListen-IP: 192.0.2.9:6346\n\
         Remote-IP: 198.51.100.3\nX-Guess: 0.1\nAccept-Encoding: deflate\n\
         Content-Encoding: deflate\nX-Ultrapeer-Needed: true\n\n",
    );
    let offer = Offer::of(answer.borrow());
    let version = |major, minor| Some(Version { major, minor });
    assert_eq!(offer.user_agent(), Some(&b"LimeWire/4.12.6"[..]));
    assert_eq!((offer.role(), offer.ultrapeer_needed()), (Role::Ultrapeer, Some(true)));
    assert_eq!((offer.degree(), offer.max_ttl()), (Some(32), Some(3)));
    assert_eq!(offer.query_routing(), version(0, 1));
    assert_eq!(offer.ultrapeer_query_routing(), version(0, 1));
    assert_eq!((offer.dynamic_querying(), offer.extended_probes()), (version(0, 1), version(0, 1)));
    assert_eq!((offer.ggep(), offer.vendor_messages()), (version(0, 5), version(0, 2)));
    assert_eq!((offer.pong_caching(), offer.bye_packet()), (version(0, 1), version(0, 1)));
    assert_eq!((offer.crawler(), offer.guid()), (None, None));
    assert_eq!(offer.remote_ip(), "198.51.100.3".parse().ok());
    assert_eq!(offer.listen_address(), "192.0.2.9:6346".parse().ok());
    assert!(offer.accepts_deflate() && offer.sends_deflate());
    let HandshakeEvent::Up { link, send } = caller.receive(answer.borrow()).unwrap() else {
        panic!("it is up")
    };
    assert_eq!((link.inflate, link.deflate), (true, false));
    assert_eq!((link.ours, link.theirs), (Role::Leaf, Role::Ultrapeer));
    assert_eq!(text(&send.unwrap()), "GNUTELLA/0.6 200 OK\n\n");
    assert_eq!(caller.receive(answer.borrow()), Err(HandshakeError::OutOfTurn));
}

#[test]
fn fields_that_make_no_sense_are_not_there() {
    let odd = head(
        "GNUTELLA CONNECT/0.6\nX-Ultrapeer: maybe\nX-Degree: many\nX-Max-TTL: 300\nGGEP: 5\n\
         Remote-IP: here\nListen-IP: 1.2.3.4\nAccept-Encoding: gzip, DEFLATE;q=1\n\
         Content-Encoding: gzip\nGUID: 12\nX-Try: 1.2.3.4:5 2002-05-12T00:00:00Z, nowhere ,\n\
         X-Try: [2001:db8::1]:6346\n\n",
    );
    let offer = Offer::of(odd.borrow());
    assert_eq!((offer.role(), offer.degree(), offer.max_ttl()), (Role::Plain, None, None));
    assert_eq!((offer.ggep(), offer.remote_ip(), offer.listen_address()), (None, None, None));
    assert!(offer.accepts_deflate() && !offer.sends_deflate());
    let hosts: Vec<_> = offer.try_hosts().map(|it| it.to_string()).collect();
    assert_eq!(hosts, ["1.2.3.4:5", "[2001:db8::1]:6346"]);
    assert_eq!((offer.guid(), offer.try_ultrapeers().count()), (None, 0));
}

#[test]
fn crawlers() {
    let asks = head("GNUTELLA CONNECT/0.6\nCrawler: 0.1\n\n");
    assert!(Offer::of(asks.borrow()).crawler().is_some());
    let answer = head("GNUTELLA/0.6 200 OK\nPeers: 192.0.2.1:1,192.0.2.2:2\nLeaves: \n\n");
    let offer = Offer::of(answer.borrow());
    assert_eq!((offer.peers().count(), offer.leaves().count()), (2, 0));
}

#[test]
fn refusals() {
    let refused = head(
        "GNUTELLA/0.6 503 Service Unavailable\nX-Try-Ultrapeers: 192.0.2.1:6346,192.0.2.2:6347\n\
         X-Try: 192.0.2.3:1\n\n",
    );
    let (mut caller, _) = Handshake::connect(Local::new(Role::Leaf, "x/1"));
    let HandshakeEvent::Refused { refusal, send: None } = caller.receive(refused.borrow()).unwrap()
    else {
        panic!("a refusal")
    };
    let hosts = ["192.0.2.1:6346".parse().unwrap(), "192.0.2.2:6347".parse().unwrap()];
    let try_hosts = vec!["192.0.2.3:1".parse().unwrap()];
    assert_eq!(refusal, Refusal { code: Some(503), try_ultrapeers: hosts.into(), try_hosts });
    // Ours says the same.
    let mut callee = Handshake::accept(Local::new(Role::Ultrapeer, "y/1"));
    assert!(callee.refuse(503, "Busy", &[]).is_err() && callee.welcome().is_err());
    let connect = Handshake::connect(Local::new(Role::Leaf, "x/1")).1;
    callee.receive(connect.borrow()).unwrap();
    let answer = callee.refuse(503, "Service Unavailable", &hosts).unwrap();
    assert_eq!(
        text(&answer),
        "GNUTELLA/0.6 503 Service Unavailable\nUser-Agent: y/1\n\
         X-Try-Ultrapeers: 192.0.2.1:6346,192.0.2.2:6347\n\n",
    );
    assert!(callee.welcome().is_err());
    // An answer that is none, and a last head that takes it all back.
    let (mut caller, _) = Handshake::connect(Local::new(Role::Leaf, "x/1"));
    let event = caller.receive(head("HTTP/1.1 400 Bad Request\n\n").borrow()).unwrap();
    assert!(matches!(event, HandshakeEvent::Refused { refusal, .. } if refusal.code == Some(400)));
    let mut callee = Handshake::accept(Local::new(Role::Ultrapeer, "y/1"));
    callee.receive(connect.borrow()).unwrap();
    callee.welcome().unwrap();
    let event = callee.receive(head("GNUTELLA/0.6 503 I am a leaf\n\n").borrow()).unwrap();
    assert!(matches!(event, HandshakeEvent::Refused { refusal, .. } if refusal.code == Some(503)));
}

#[test]
fn version_0_4() {
    let (mut caller, connect) = Handshake::connect_v04(Local::new(Role::Plain, "x/1"));
    assert_eq!(text(&connect), "GNUTELLA CONNECT/0.4\n\n");
    let mut callee = Handshake::accept(Local::new(Role::Ultrapeer, "y/1"));
    callee.receive(connect.borrow()).unwrap();
    let (answer, link) = callee.welcome().unwrap();
    assert_eq!(text(&answer), "GNUTELLA OK\n\n");
    let link = link.unwrap();
    assert_eq!((link.version, link.theirs), (Version::V04, Role::Plain));
    assert!(!link.inflate && !link.deflate);
    let event = caller.receive(answer.borrow()).unwrap();
    assert!(
        matches!(event, HandshakeEvent::Up { send: None, link } if link.version == Version::V04)
    );
    // A leaf has no links with servents of 0.4.
    let mut leaf = Handshake::accept(Local::new(Role::Leaf, "z/1"));
    leaf.receive(connect.borrow()).unwrap();
    assert_eq!(leaf.welcome().unwrap().1, None);
}

#[test]
fn heads_come_in_pieces_and_within_limits() {
    let (_, connect) = Handshake::connect(Local::new(Role::Ultrapeer, "x/1"));
    let mut stream = Vec::new();
    connect.borrow().encode(&mut stream);
    let length = stream.len();
    stream.extend_from_slice(b"what follows");
    for cut in 0..stream.len() {
        let mut callee = Handshake::accept(Local::new(Role::Ultrapeer, "y/1"));
        match callee.receive_prefix(&stream[..cut], &LIMITS).unwrap() {
            Decoded::Complete { value, consumed } => {
                assert_eq!((value, consumed), (HandshakeEvent::Offered, length));
                assert!(cut >= length);
            }
            Decoded::Partial { needed } => assert!(cut < length && needed >= 1),
        }
    }
    let mut callee = Handshake::accept(Local::new(Role::Ultrapeer, "y/1"));
    let long = [b"GNUTELLA CONNECT/0.6\r\nX: ".to_vec(), vec![b'x'; 20_000]].concat();
    let error = callee.receive_prefix(&long, &LIMITS).unwrap_err();
    assert!(
        matches!(error, HandshakeError::Decode(it) if it.kind == DecodeErrorKind::HeadTooLong { max: 16_384 })
    );
    let many = [b"GNUTELLA CONNECT/0.6\r\n".to_vec(), b"X: y\r\n".repeat(200)].concat();
    let error = callee.receive_prefix(&many, &LIMITS).unwrap_err();
    assert!(
        matches!(error, HandshakeError::Decode(it) if it.kind == DecodeErrorKind::TooManyLines { max: 128 })
    );
    let error = callee.receive(head("GET / HTTP/1.1\n\n").borrow()).unwrap_err();
    assert_eq!(error.to_string(), "expected `GNUTELLA CONNECT/` at offset 0");
}

#[test]
fn requests_by_hash() {
    let urn: Urn = "urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB".parse().unwrap();
    let range = ByteRange::FromTo { first: 10, last: 99 };
    let built = Request::build_urn(&urn, "192.0.2.1:6346".parse().unwrap(), Some(range)).finish();
    let expected =
        format!("GET /uri-res/N2R?{urn} HTTP/1.1\nHost: 192.0.2.1:6346\nRange: bytes=10-99\n\n");
    assert_eq!(text(&built), expected);
    let request = Request::parse(built.borrow()).unwrap();
    assert_eq!((request.method, request.range()), (Method::Get, Ok(Some(range))));
    let Target::Urn { service: b"N2R", urn: text } = request.target else { panic!("a urn") };
    assert_eq!(Urn::parse(text), Ok(urn));
    let tree = head("HEAD /uri-res/N2X?urn:sha1:X HTTP/1.1\n\n");
    let request = Request::parse(tree.borrow()).unwrap();
    assert_eq!(request.method, Method::Head);
    assert_eq!(request.target, Target::Urn { service: b"N2X", urn: b"urn:sha1:X" });
    let other = head("GET /uri-res/N2R HTTP/1.1\n\n");
    assert_eq!(
        Request::parse(other.borrow()).unwrap().target,
        Target::Other { path: b"/uri-res/N2R" }
    );
}

#[test]
fn what_transfers_say() {
    let head = head(
        "HTTP/1.1 503 Busy\nX-Gnutella-Content-URN: urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB\n\
         X-Alt: 192.0.2.1:6347, 192.0.2.2,nowhere,[2001:db8::1]:80\nX-NAlt: 192.0.2.3:1\n\
         X-Push-Proxy: 192.0.2.4:2,192.0.2.5:3\nX-Available-Ranges: bytes 0-9, 20-29,9-1\n\
         X-Queue: position=2, length=5,limit=4,pollMin=45,pollMax=120,x\nRetry-After: 60\n\
         X-Thex-URI: /uri-res/N2X?urn:sha1:X;ROOT\n\n",
    );
    let fields = TransferFields::of(head.borrow());
    let urns: Vec<_> = fields.content_urns().map(|urn| urn.to_string()).collect();
    assert_eq!(urns, ["urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB"]);
    let text = |addresses: Vec<core::net::SocketAddr>| -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        text(fields.alternate_locations().collect()),
        ["192.0.2.1:6347", "192.0.2.2:6346", "[2001:db8::1]:80"]
    );
    assert_eq!(text(fields.former_locations().collect()), ["192.0.2.3:1"]);
    assert_eq!(text(fields.push_proxies().collect()), ["192.0.2.4:2", "192.0.2.5:3"]);
    let ranges: Vec<_> = fields.available_ranges().map(|range| range.to_string()).collect();
    assert_eq!(ranges, ["bytes=0-9", "bytes=20-29"]);
    let place = QueuePlace {
        position: Some(2),
        length: Some(5),
        limit: Some(4),
        poll_min: Some(45),
        poll_max: Some(120),
    };
    assert_eq!((fields.queue_place(), fields.retry_after()), (Some(place), Some(60)));
    assert_eq!(fields.thex(), Some((&b"/uri-res/N2X?urn:sha1:X"[..], &b"ROOT"[..])));
}
