//! The examples of the published protocol (figure N1): each decodes, and encodes to the same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::net::Ipv4Addr;

use napster_wire::{
    Comparison, Criterion, DecodeErrorKind, Decoded, IpNumber, Limits, LinkSpeed, Message,
    OffsetAnswer, Refusal, SizeAnswer, TransferRequest,
};

const EXAMPLES: &str = include_str!("vectors/examples.tsv");

/// A frame, built without the crate.
fn frame(type_number: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    [&len.to_le_bytes()[..], &type_number.to_le_bytes(), data].concat()
}

fn examples() -> impl Iterator<Item = (u16, bool, &'static str)> {
    EXAMPLES.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [type_number, kind, _, data] = fields[..] else { panic!("four fields: {line}") };
        assert!(["typed", "raw"].contains(&kind), "{line}");
        (type_number.parse().unwrap(), kind == "typed", data)
    })
}

fn decode_whole(bytes: &[u8]) -> Message<'_> {
    Message::decode(bytes).unwrap_or_else(|error| panic!("{}: {error}", bytes.escape_ascii()))
}

#[test]
fn every_published_example_is_encoded_as_it_was() {
    let mut count = 0;
    for (type_number, typed, data) in examples() {
        let bytes = frame(type_number, data.as_bytes());
        let message = decode_whole(&bytes);
        assert_eq!(message.type_number(), type_number, "{data}");
        assert_eq!(!matches!(message, Message::Raw(_)), typed, "{data}");
        let mut out = Vec::new();
        message.encode(&mut out);
        assert_eq!(out, bytes, "{data}");
        assert_eq!(message.encoded_len(), bytes.len(), "{data}");
        assert_eq!(message.clone().into_owned(), message);
        count += 1;
    }
    assert_eq!(count, 33);
}

#[test]
fn login() {
    let bytes = frame(2, br#"foo badpass 6699 "nap v0.8" 3"#);
    let Message::Login(login) = decode_whole(&bytes) else { panic!("no login") };
    assert_eq!(login.nick.as_bytes(), b"foo");
    assert_eq!(login.password.as_bytes(), b"badpass");
    assert_eq!(login.port, 6699);
    assert_eq!(login.client_info.as_bytes(), b"nap v0.8");
    assert_eq!(login.link_speed, LinkSpeed::MODEM_33);
    assert_eq!(login.build(), None);

    let bytes = frame(2, br#"foo badpass 6699 "v2.0" 3 4711"#);
    let Message::Login(login) = decode_whole(&bytes) else { panic!("no login") };
    assert_eq!(login.build(), Some(4711));
}

#[test]
fn registration() {
    let bytes = frame(6, br#"foo foo 6699 "nap v0.8" 3 email@here.com"#);
    let Message::Register(registration) = decode_whole(&bytes) else { panic!("no registration") };
    assert_eq!(registration.email.as_bytes(), b"email@here.com");
    assert!(registration.extra.is_empty());
}

#[test]
fn share() {
    let data =
        br#""generic band - generic song.mp3" b92870e0d41bc8e698cf2f0a1ddfeac7 443332 128 44100 60"#;
    let bytes = frame(100, data);
    let Message::Share(share) = decode_whole(&bytes) else { panic!("no share") };
    assert_eq!(share.name.as_bytes(), b"generic band - generic song.mp3");
    assert_eq!(hex::encode(share.checksum.md5().unwrap()), "b92870e0d41bc8e698cf2f0a1ddfeac7");
    assert_eq!((share.size, share.bitrate, share.frequency), (443_332, 128, 44_100));
    assert_eq!(share.seconds, 60);
}

#[test]
fn searches() {
    let data = br#"FILENAME CONTAINS "Sneaker Pimps" MAX_RESULTS 75 FILENAME CONTAINS "tesko suicide" BITRATE "AT LEAST" "128""#;
    let bytes = frame(200, data);
    let Message::Search(search) = decode_whole(&bytes) else { panic!("no search") };
    assert_eq!(search.contains().collect::<Vec<_>>(), [&b"Sneaker Pimps"[..], b"tesko suicide"]);
    assert_eq!(search.max_results(), Some(75));
    assert_eq!(search.criteria()[3], Criterion::Bitrate(Comparison::AtLeast, 128));

    let bytes =
        frame(200, br#"MAX_RESULTS 100 FILENAME CONTAINS "Ventolin" LINESPEED "EQUAL TO" 10"#);
    let Message::Search(search) = decode_whole(&bytes) else { panic!("no search") };
    assert_eq!(search.criteria()[2], Criterion::LineSpeed(Comparison::EqualTo, LinkSpeed::T3));

    let bytes = frame(200, br#"FREQ "AT BEST" "44100" WMA-FILE LOCAL_ONLY"#);
    let Message::Search(search) = decode_whole(&bytes) else { panic!("no search") };
    assert_eq!(
        search.criteria(),
        [
            Criterion::Frequency(Comparison::AtBest, 44_100),
            Criterion::WmaFile,
            Criterion::LocalOnly
        ]
    );

    let bytes = frame(200, br#"FILENAME CONTAINS "sunshine" SHOW_QUEUE MAX_RESULTS 5"#);
    let Message::Search(search) = decode_whole(&bytes) else { panic!("no search") };
    let Criterion::Unknown(unknown) = &search.criteria()[1] else { panic!("known") };
    assert_eq!(unknown.as_bytes(), b"SHOW_QUEUE MAX_RESULTS 5");
}

#[test]
fn search_results() {
    let data = br#""random band - random song.mp3" 7d733c1e7419674744768db71bff8bcd 2558199 128 44100 159 lefty 3437166285 4"#;
    let bytes = frame(201, data);
    let Message::SearchResult(result) = decode_whole(&bytes) else { panic!("no result") };
    assert_eq!(result.nick.as_bytes(), b"lefty");
    assert_eq!(result.ip.to_ipv4(), Some(Ipv4Addr::new(205, 254, 222, 204)));
    assert_eq!(result.link_speed, LinkSpeed::MODEM_56);
    assert_eq!(result.weight(), 0);

    let weighted = [&data[..], b" -1"].concat();
    let bytes = frame(201, &weighted);
    let Message::SearchResult(result) = decode_whole(&bytes) else { panic!("no result") };
    assert_eq!(result.weight(), -1);
}

#[test]
fn an_address_beyond_32_bits_is_kept_and_is_none() {
    let data = br#"lefty 4877911892 6699 "generic band - generic song.mp3" 10fe9e623b1962da85eea61df7ac1f69 3"#;
    let bytes = frame(204, data);
    let Message::DownloadAck(source) = decode_whole(&bytes) else { panic!("no ack") };
    assert_eq!(source.ip, IpNumber::new(4_877_911_892));
    assert_eq!(source.ip.to_ipv4(), None);
    assert_eq!(source.port, 6699);
}

#[test]
fn an_address_has_its_first_octet_in_the_lowest_byte() {
    for (address, number) in [
        (Ipv4Addr::new(1, 0, 0, 0), 1),
        (Ipv4Addr::new(0, 0, 0, 1), 1 << 24),
        (Ipv4Addr::new(205, 254, 222, 204), 3_437_166_285),
        (Ipv4Addr::BROADCAST, u64::from(u32::MAX)),
    ] {
        assert_eq!(IpNumber::from(address).value(), number);
        assert_eq!(IpNumber::new(number).to_ipv4(), Some(address));
    }
}

#[test]
fn both_sides_ask_and_answer_stats_with_one_type() {
    assert_eq!(decode_whole(&frame(214, b"")), Message::StatsRequest);
    let bytes = frame(214, b"553 64692 254");
    let Message::Stats(stats) = decode_whole(&bytes) else { panic!("no stats") };
    assert_eq!((stats.users, stats.files, stats.gigabytes), (553, 64_692, 254));
}

#[test]
fn unshare_is_read_with_and_without_quotes() {
    for (data, quoted) in [(&b"a song.mp3"[..], false), (b"\"a song.mp3\"", true)] {
        let bytes = frame(102, data);
        let Message::Unshare(unshare) = decode_whole(&bytes) else { panic!("no unshare") };
        assert_eq!(unshare.name.as_bytes(), b"a song.mp3");
        assert_eq!(unshare.quoted, quoted);
    }
}

#[test]
fn messages_without_data() {
    for type_number in [8, 9, 10, 110, 202, 218, 219, 220, 221] {
        let bytes = frame(type_number, b"");
        let message = decode_whole(&bytes);
        assert_eq!(message.type_number(), type_number);
        let error = Message::decode(&frame(type_number, b"0")).map(drop).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::UnexpectedData { len: 1 });
    }
}

#[test]
fn faults_are_told_with_their_place() {
    use DecodeErrorKind::*;
    // The offset counts from the frame's first byte: the data start at 4.
    for (type_number, data, offset, kind) in [
        (2, &b""[..], 4, Missing { field: "nick" }),
        (2, b"foo", 7, Missing { field: "password" }),
        (2, b"foo  6699", 8, Missing { field: "password" }),
        (2, b"foo pass 66999 \"x\" 3", 13, NumberTooLarge { field: "port", max: 65_535 }),
        (2, b"foo pass 06699 \"x\" 3", 13, LeadingZero { field: "port" }),
        (2, b"foo pass 6_99 \"x\" 3", 14, NotANumber { field: "port", found: b'_' }),
        (2, b"foo pass 6699 x 3", 18, ExpectedQuote { field: "client info", found: b'x' }),
        (2, b"foo pass 6699 \"x 3", 18, UnclosedQuote { field: "client info" }),
        (2, b"foo pass 6699 \"x\"3", 21, ExpectedSpace { field: "link type", found: b'3' }),
        (2, b"f\"oo pass 6699 \"x\" 3", 5, UnexpectedQuote { field: "nick" }),
        (7, b"two words", 7, Trailing { extra: 6 }),
        (102, b"a \"song\"", 6, UnexpectedQuote { field: "file name" }),
        (200, b"BITRATE \"AT MOST\" \"128\"", 12, UnknownComparison),
        (200, b"BITRATE \"AT BEST\" \"12x\"", 25, NotANumber { field: "bitrate", found: b'x' }),
        (200, b"MAX_RESULTS 5 ", 18, Missing { field: "search criterion" }),
        (214, b"1 2", 7, Missing { field: "number of gigabytes" }),
    ] {
        let bytes = frame(type_number, data);
        let error = Message::decode(&bytes).map(drop).unwrap_err();
        assert_eq!((error.offset, error.kind), (offset, kind), "{}", data.escape_ascii());
        // Nothing is lost for those who pass messages on.
        let lossless = Message::decode_prefix_lossless(&bytes, &Limits::WIDEST).unwrap();
        let Decoded::Complete { value: Message::Raw(raw), consumed } = lossless else {
            panic!("not kept: {}", data.escape_ascii());
        };
        assert_eq!((raw.type_number(), raw.data(), consumed), (type_number, data, bytes.len()));
    }
}

#[test]
fn a_transfer_request_has_nothing_behind_its_keyword() {
    let get = br#"GETlefty "generic band - generic song.mp3" 0"#;
    let Decoded::Complete { value, consumed } = TransferRequest::decode_prefix(get).unwrap() else {
        panic!("cut off");
    };
    assert_eq!(consumed, get.len());
    assert_eq!(value.nick.as_bytes(), b"lefty");
    assert_eq!(value.name.as_bytes(), b"generic band - generic song.mp3");
    assert_eq!(value.number, 0);
    let mut out = Vec::new();
    value.encode(&mut out);
    assert_eq!(out, get);
    assert_eq!(value.encoded_len(), get.len());

    let send = br#"SENDlefty "song.mp3" 443332"#;
    let Decoded::Complete { value, consumed } = TransferRequest::decode_prefix(send).unwrap()
    else {
        panic!("cut off");
    };
    assert_eq!((value.number, consumed), (443_332, send.len()));
}

#[test]
fn a_transfer_request_is_refused_as_soon_as_it_can_not_become_one() {
    use DecodeErrorKind::*;
    for (bytes, offset, kind) in [
        (&b"PUT"[..], 0, ExpectedRequest),
        (b"GETTHIS\"", 7, UnexpectedQuote { field: "nick" }),
        (b"GET \"", 3, Missing { field: "nick" }),
        (b"GETlefty song", 9, ExpectedQuote { field: "file name", found: b's' }),
        (b"GETlefty \"s\"0", 12, ExpectedSpace { field: "offset", found: b'0' }),
        (b"SENDlefty \"s\" x", 14, NotANumber { field: "size", found: b'x' }),
        (
            b"GETlefty \"s\" 18446744073709551616",
            13,
            NumberTooLarge { field: "offset", max: u64::MAX },
        ),
    ] {
        let error = TransferRequest::decode_prefix(bytes).map(drop).unwrap_err();
        assert_eq!((error.offset, error.kind), (offset, kind), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_size_is_told_from_the_file_by_what_is_expected() {
    let complete = |value, consumed| Ok(Decoded::Complete { value, consumed });
    let size = |size, consumed| complete(SizeAnswer::Size(size), consumed);
    // The file itself begins with a digit: only the expectation tells.
    assert_eq!(SizeAnswer::decode(b"44333234567", Some(443_332)), size(443_332, 6));
    // A size that grew by a digit is taken for what its beginning says.
    assert_eq!(SizeAnswer::decode(b"50ABCDEFG", Some(5)), size(5, 1));
    assert_eq!(SizeAnswer::decode(b"44333\xff", Some(443_332)), size(44_333, 5));
    assert_eq!(SizeAnswer::decode(b"44333", Some(443_332)), Ok(Decoded::Partial { needed: 1 }));
    // Without one, the rule of the protocol's text.
    assert_eq!(SizeAnswer::decode(b"443332\xff\xfb", None), size(443_332, 6));
    assert_eq!(SizeAnswer::decode(b"443332", None), Ok(Decoded::Partial { needed: 1 }));
    // An empty file.
    assert_eq!(SizeAnswer::decode(b"0", Some(0)), size(0, 1));
    assert_eq!(SizeAnswer::decode(b"0", None), size(0, 1));
    for refusal in [Refusal::InvalidRequest, Refusal::FileNotShared] {
        let text = refusal.to_string();
        let answer = SizeAnswer::Refused(refusal);
        assert_eq!(SizeAnswer::decode(text.as_bytes(), Some(5)), complete(answer, text.len()));
        let cut = &text.as_bytes()[..text.len() - 2];
        assert_eq!(SizeAnswer::decode(cut, Some(5)), Ok(Decoded::Partial { needed: 2 }));
        let answer = OffsetAnswer::Refused(refusal);
        let expected = Ok(Decoded::Complete { value: answer, consumed: text.len() });
        assert_eq!(OffsetAnswer::decode(text.as_bytes()), expected);
    }
    assert_eq!(
        SizeAnswer::decode(b"NO", Some(5)).unwrap_err().kind,
        DecodeErrorKind::ExpectedAnswer
    );
    assert_eq!(
        SizeAnswer::decode(b"99999999999999999999999", None).unwrap_err().kind,
        DecodeErrorKind::NumberTooLarge { field: "size", max: u64::MAX }
    );
}
