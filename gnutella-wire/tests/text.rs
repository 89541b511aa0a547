//! Handshakes, HTTP heads and GIV lines, as published and as found in the wild.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    ByteRange, Connect, ContentRange, DecodeError, DecodeErrorKind, Decoded, Giv, Guid, Head,
    Limits, Offer, Opening, OwnedHead, Reply, Request, Response, Target, TransferFields, Version,
    unfold,
};

const HOST: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 6346);

fn head(text: &[u8]) -> Head<'_> {
    Head::decode(text).unwrap_or_else(|error| panic!("{error}: {}", text.escape_ascii()))
}

fn expected(offset: usize, expected: &'static str) -> DecodeError {
    DecodeError { offset, kind: DecodeErrorKind::Expected { expected } }
}

#[test]
fn the_handshake_of_0_4_to_the_byte() {
    assert_eq!(Connect::v04().borrow().as_bytes(), b"GNUTELLA CONNECT/0.4\n\n");
    assert_eq!(Reply::v04().borrow().as_bytes(), b"GNUTELLA OK\n\n");
    let connect = Connect::v04();
    assert_eq!(Connect::parse(connect.borrow()).unwrap().version, Version::V04);
    assert_eq!(Reply::parse(Reply::v04().borrow()), Reply::AcceptedV04);
}

#[test]
fn a_handshake_of_0_6_keeps_its_fields() {
    let text = b"GNUTELLA CONNECT/0.6\r\nUser-Agent:  x/1 \r\nnonsense\r\nX-Ultrapeer:True\r\n\r\n";
    let connect = Connect::parse(head(text)).unwrap();
    assert_eq!(connect.version, Version::V06);
    let fields: Vec<_> = connect.head.fields().collect();
    let expected: [(&[u8], &[u8]); 2] = [(b"User-Agent", b"x/1"), (b"X-Ultrapeer", b"True")];
    assert_eq!(fields, expected);
    assert_eq!(connect.head.field("x-ultraPEER"), Some(b"True".as_slice()));
    assert_eq!(connect.head.field("X-Try"), None);
    assert_eq!(connect.head.to_owned().borrow().as_bytes(), text);
}

#[test]
fn a_field_of_several_lines_is_one() {
    // As gtk-gnutella folds lists, which it does at 78 characters.
    let text = b"GNUTELLA/0.6 503 Full\r\n\t1.1.1.1: 1\r\nX-Try-Ultrapeers: 192.0.2.1:6346,\r\n\
        \t192.0.2.2:6346,\r\n \t 192.0.2.3:6346\r\nnonsense\r\n\tX-Try: 192.0.2.4:1\r\n\
        User-Agent: a\r\n \r\n  b: c\r\nContent-Encoding:\r\n\tdeflate\r\n\r\n";
    let head = head(text);
    let names: Vec<_> = head.fields().map(|(name, _)| name).collect();
    assert_eq!(names, [b"X-Try-Ultrapeers".as_slice(), b"User-Agent", b"Content-Encoding"]);
    let offer = Offer::of(head);
    let ultrapeers: Vec<_> = offer.try_ultrapeers().map(|address| address.to_string()).collect();
    assert_eq!(ultrapeers, ["192.0.2.1:6346", "192.0.2.2:6346", "192.0.2.3:6346"]);
    assert_eq!(offer.try_hosts().count(), 0);
    assert!(offer.sends_deflate());
    assert_eq!(offer.user_agent(), Some(b"a\r\n \r\n  b: c".as_slice()));
    assert_eq!(unfold(offer.user_agent().unwrap()), b"a b: c".as_slice());
    assert_eq!(unfold(b"x/1"), b"x/1".as_slice());
    assert_eq!(head.as_bytes(), text);

    let response = b"HTTP/1.1 206 Partial\nX-Alt: 192.0.2.1,\n 192.0.2.2:7\nX-Available-Ranges: \
        bytes 0-9,\n\t20-29\n\n";
    let fields = TransferFields::of(Head::decode(response).unwrap());
    let hosts: Vec<_> = fields.alternate_locations().map(|host| host.to_string()).collect();
    assert_eq!(hosts, ["192.0.2.1:6346", "192.0.2.2:7"]);
    assert_eq!(fields.available_ranges().count(), 2);
}

#[test]
fn whatever_is_no_acceptance_is_a_refusal() {
    let accepted = b"GNUTELLA/0.6 200 OK\r\n\r\n";
    let reply = Reply::parse(head(accepted));
    assert_eq!(reply, Reply::Accepted { version: Version::V06, head: head(accepted) });
    for (text, code) in [
        (
            b"GNUTELLA/0.6 503 Service unavailable\r\nX-Try: 1.2.3.4:6346\r\n\r\n".as_slice(),
            Some(503),
        ),
        (b"GNUTELLA/0.6 200x\n\n", None),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Some(404)),
        (b"HTTP/1.0 200 OK\r\n\r\n", Some(200)),
        (b"BUSY\n\n", None),
        (b"GNUTELLA OKAY\n\n", None),
        (b"\n", None),
        (b"\xff\xfe\n\n", None),
    ] {
        match Reply::parse(head(text)) {
            Reply::Refused { code: found, .. } if found == code => {}
            other => panic!("{other:?} for {}", text.escape_ascii()),
        }
    }
    for text in
        [b"GNUTELLA CONNECT/\n\n".as_slice(), b"GNUTELLA CONNECT/0.4.1\n\n", b"GNUTELLA OK\n\n"]
    {
        assert!(Connect::parse(head(text)).is_err(), "{}", text.escape_ascii());
    }
}

#[test]
fn the_first_bytes_tell_what_a_connection_is_for() {
    for (text, opening, word) in [
        (b"GNUTELLA CONNECT/0.4\n\n".as_slice(), Opening::Connect, 17),
        (b"GET /get/1/x HTTP/1.1\r\n\r\n", Opening::Get, 4),
        (b"GIV 1:", Opening::Giv, 4),
        (b"HEAD /", Opening::Get, 5),
    ] {
        for cut in 0..text.len() {
            match Opening::detect(&text[..cut]).unwrap() {
                Decoded::Complete { value, consumed } => {
                    assert_eq!((value, consumed), (opening, word))
                }
                Decoded::Partial { needed } => assert!(cut + needed <= word, "{cut}"),
            }
        }
    }
    let expected = "`GNUTELLA CONNECT/`, `GET `, `HEAD ` or `GIV `";
    for (text, offset) in
        [(b"POST".as_slice(), 0), (b"GOT", 1), (b"GNUTELLA/", 8), (b"GETX", 3), (b"\0", 0)]
    {
        assert_eq!(Opening::detect(text).unwrap_err(), self::expected(offset, expected));
    }
}

#[test]
fn heads_end_within_the_limits() {
    let limits = Limits { head_bytes: 20, head_lines: 3, ..Limits::DEFAULT };
    let decode = |text: &'static [u8]| Head::decode_prefix(text, &limits);
    assert_eq!(decode(b"ab"), Ok(Decoded::Partial { needed: 1 }));
    let Ok(Decoded::Complete { value, consumed: 8 }) = decode(b"a\r\nb:\r\n\nrest") else {
        panic!("{:?}", decode(b"a\r\nb:\r\n\nrest"))
    };
    assert_eq!(
        (value.start_line(), value.as_bytes()),
        (b"a".as_slice(), b"a\r\nb:\r\n\n".as_slice())
    );
    let lines = DecodeError { offset: 6, kind: DecodeErrorKind::TooManyLines { max: 3 } };
    assert_eq!(decode(b"a\nb\nc\nd\n\n"), Err(lines));
    let long = DecodeError { offset: 20, kind: DecodeErrorKind::HeadTooLong { max: 20 } };
    assert_eq!(decode(b"01234567890123456789"), Err(long));
    assert_eq!(decode(b"012345678901234567\n\n"), decode(b"012345678901234567\n\nrest"));
    assert_eq!(decode(b"0123456789012345678\n\n"), Err(long));
}

#[test]
fn requests_as_sent_by_old_and_new_servents() {
    let old = b"GET /get/2468/Foo bar HTTP/1.mp3/ HTTP/1.0\r\nConnection: Keep-Alive\r\nRange: bytes=0-\r\n\r\n";
    let request = Request::parse(head(old)).unwrap();
    assert_eq!(request.target, Target::File { index: 2468, name: b"Foo bar HTTP/1.mp3" });
    assert_eq!(request.version, Version { major: 1, minor: 0 });
    assert_eq!(request.range(), Ok(Some(ByteRange::From { first: 0 })));

    let other = Request::parse(head(b"GET /uri-res/N2R?urn:sha1:X HTTP/1.1\r\n\r\n")).unwrap();
    assert_eq!(other.target, Target::Urn { service: b"N2R", urn: b"urn:sha1:X" });
    assert_eq!((other.target.decoded_name(), other.range()), (None, Ok(None)));

    let encoded = Request::parse(head(b"GET /get/0/100%25%20%zz%4 HTTP/1.1\n\n")).unwrap();
    assert_eq!(encoded.target.decoded_name().unwrap(), b"100% %zz%4");

    for (text, error) in [
        (b"POST /get/1/x HTTP/1.1\n\n".as_slice(), expected(0, "`GET ` or `HEAD `")),
        (b"GET /get/1/x\n\n", expected(12, "` HTTP/`")),
        (b"GET /get/1 HTTP/1.1\n\n", expected(10, "`/` after the index")),
        (b"GET /get/1/x HTTP/1.1 y\n\n", expected(21, "the end of the line")),
        (
            b"GET /get/x/x HTTP/1.1\n\n",
            DecodeError { offset: 9, kind: DecodeErrorKind::BadNumber { bits: 32 } },
        ),
        (
            b"GET /get/4294967296/x HTTP/1.1\n\n",
            DecodeError { offset: 9, kind: DecodeErrorKind::BadNumber { bits: 32 } },
        ),
    ] {
        assert_eq!(Request::parse(head(text)), Err(error), "{}", text.escape_ascii());
    }
}

#[test]
fn names_from_elsewhere_can_not_add_a_line() {
    let name = b"a b\r\nRange: bytes=5-\r\n%\xff.ogg";
    let built = Request::build(7, name, HOST, Some(ByteRange::From { first: 10 })).finish();
    let request = Request::parse(built.borrow()).unwrap();
    assert_eq!(request.target.decoded_name().unwrap(), name);
    assert_eq!(request.range(), Ok(Some(ByteRange::From { first: 10 })));

    let giv = Giv::build(7, Guid::ZERO, b"a\n\nb");
    let parsed = Giv::parse(giv.borrow()).unwrap();
    assert_eq!(parsed.name, b"a__b");
    assert_eq!(Head::decode(giv.borrow().as_bytes()), Ok(giv.borrow()));

    let injected = OwnedHead::build(b"x\ny").field("A\r\n", "b\r\nC: d").finish();
    assert_eq!(injected.borrow().as_bytes(), b"x_y\r\nA__: b__C: d\r\n\r\n");
}

#[test]
fn responses() {
    let whole = Response::ok(0, 10, 10, false).finish();
    let response = Response::parse(whole.borrow()).unwrap();
    assert_eq!((response.code, response.reason), (200, b"OK".as_slice()));
    assert_eq!(response.content_length(), Ok(Some(10)));
    assert_eq!(response.content_range(), Ok(None));

    let part = Response::ok(3, 10, 10, true).finish();
    let response = Response::parse(part.borrow()).unwrap();
    assert_eq!((response.code, response.content_length()), (206, Ok(Some(7))));
    let range = ContentRange { range: Some((3, 9)), size: Some(10) };
    assert_eq!(response.content_range(), Ok(Some(range)));

    let nothing = Response::range_not_satisfiable(10).finish();
    let response = Response::parse(nothing.borrow()).unwrap();
    let range = ContentRange { range: None, size: Some(10) };
    assert_eq!((response.code, response.content_range()), (416, Ok(Some(range))));

    for code in [404, 503] {
        let refusal = Response::refusal(code).finish();
        let response = Response::parse(refusal.borrow()).unwrap();
        assert_eq!((response.code, response.content_length()), (code, Ok(Some(0))));
    }

    // As Gnutella 0.4 shows it.
    let old = b"HTTP 200 OK\r\nServer: Gnutella\r\nContent-length: 4356789\r\n\r\n";
    let response = Response::parse(head(old)).unwrap();
    assert_eq!((response.code, response.content_length()), (200, Ok(Some(4_356_789))));

    let bad = b"HTTP/1.1 200\r\nContent-Length: 1x\r\n\r\n";
    let response = Response::parse(head(bad)).unwrap();
    assert_eq!(response.content_length(), Err(expected(31, "a number alone")));
    assert!(Response::parse(head(b"ICY 200 OK\n\n")).is_err());
}

#[test]
fn byte_ranges() {
    use ByteRange::{From, FromTo, Last};
    for (text, range, resolved) in [
        ("bytes=0-9", FromTo { first: 0, last: 9 }, Some(0..10)),
        ("bytes=5-500", FromTo { first: 5, last: 500 }, Some(5..100)),
        ("bytes=99-", From { first: 99 }, Some(99..100)),
        ("bytes=100-", From { first: 100 }, None),
        ("bytes=-30", Last { length: 30 }, Some(70..100)),
        ("bytes=-300", Last { length: 300 }, Some(0..100)),
        ("bytes=-0", Last { length: 0 }, None),
        ("bytes=3-18446744073709551615", FromTo { first: 3, last: u64::MAX }, Some(3..100)),
    ] {
        assert_eq!(ByteRange::parse(text.as_bytes()), Ok(range), "{text}");
        assert_eq!(range.to_string(), text);
        assert_eq!(range.resolve(100), resolved, "{text}");
    }
    assert_eq!(ByteRange::parse(b"Bytes 4 - 7 "), Ok(FromTo { first: 4, last: 7 }));
    for (text, offset) in [
        ("bytes=9-5", 9),
        ("bytes=-", 7),
        ("bytes=1-2,4-5", 9),
        ("octets=1-2", 0),
        ("bytes=18446744073709551616-", 6),
        ("", 0),
    ] {
        let error = ByteRange::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.offset, offset, "{text}: {error}");
    }
}

#[test]
fn content_ranges() {
    for (text, range, size) in [
        ("bytes 0-9/10", Some((0, 9)), Some(10)),
        ("bytes 0-9/*", Some((0, 9)), None),
        ("bytes */10", None, Some(10)),
    ] {
        let range = ContentRange { range, size };
        assert_eq!(ContentRange::parse(text.as_bytes()), Ok(range), "{text}");
        assert_eq!(range.to_string(), text);
    }
    let sloppy = ContentRange { range: Some((0, 9)), size: Some(10) };
    assert_eq!(ContentRange::parse(b"bytes=0-9/10 "), Ok(sloppy));
    for text in ["bytes 9-0/10", "bytes 0-10/10", "bytes 0-9", "bytes 0-9/10x", "0-9/10"] {
        assert!(ContentRange::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn giv_lines() {
    let servent: Guid = "00112233445566778899aabbccddeeff".parse().unwrap();
    let built = Giv::build(36, servent, b"My File.ogg");
    let text = b"GIV 36:00112233445566778899AABBCCDDEEFF/My File.ogg\n\n";
    assert_eq!(built.borrow().as_bytes(), text);
    let giv = Giv::parse(built.borrow()).unwrap();
    assert_eq!((giv.index, giv.servent, giv.name), (36, servent, b"My File.ogg".as_slice()));
    for (text, error) in [
        (b"GIV 36\n\n".as_slice(), expected(6, "`:`")),
        (b"GIV 36:0011\n\n", expected(7, "32 hexadecimal digits")),
        (b"GIV 36:0011223344556677889xAABBCCDDEEFF/x\n\n", expected(7, "32 hexadecimal digits")),
        (b"GIV 36:00112233445566778899AABBCCDDEEFF\n\n", expected(39, "`/`")),
    ] {
        assert_eq!(Giv::parse(head(text)), Err(error), "{}", text.escape_ascii());
    }
}
