//! Published vectors. Sources: the QRP draft's appendix B; LimeWire's tests QueryRequestTest,
//! QueryReplyTest, PushRequestTest, PingRequestTest, PingReplyTest, HashFunctionTest and
//! QueryRouteTableTest (wirecode 2b22c506); the sizes in the Gnutella 0.4 text.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    BuildError, DecodeError, DecodeErrorKind, Guid, Header, HitResult, Message, OwnedQueryHit,
    Payload, PayloadType, Ping, Pong, Push, Query, QueryFlags, QueryHit, Trailer, keywords,
};

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(bytes.len(), message.encoded_len());
    bytes
}

/// Decodes a payload and checks that it re-encodes to the same bytes.
fn payload(payload_type: PayloadType, bytes: &[u8]) -> Payload<'_> {
    let payload = Payload::decode(payload_type, bytes)
        .unwrap_or_else(|error| panic!("{error}: {}", hex::encode(bytes)));
    let mut again = Vec::new();
    payload.encode(&mut again);
    assert_eq!(again, bytes);
    assert_eq!(again.len(), payload.encoded_len());
    assert_eq!(payload.to_owned().borrow(), payload);
    payload
}

fn query(bytes: &[u8]) -> Query<'_> {
    match payload(PayloadType::QUERY, bytes) {
        Payload::Query(query) => query,
        other => panic!("{other:?}"),
    }
}

fn query_hit(bytes: &[u8]) -> QueryHit<'_> {
    match payload(PayloadType::QUERY_HIT, bytes) {
        Payload::QueryHit(hit) => hit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn query_flags() {
    use QueryFlags as F;
    let named = [F::XML, F::FIREWALLED, F::FIREWALL_TRANSFER];
    for (text, set) in [
        ("800041", [false, false, false]),
        ("c00041", [false, true, false]),
        ("a00041", [true, false, false]),
        ("e00041", [true, true, false]),
        ("820041", [false, false, true]),
        ("c20041", [false, true, true]),
        ("a20041", [true, false, true]),
        ("e20041", [true, true, true]),
    ] {
        let bytes = unhex(text);
        let query = query(&bytes);
        assert_eq!(named.map(|bits| query.flags().has(bits)), set, "{text}");
        assert!(!query.flags().has(F::OUT_OF_BAND));
        assert_eq!((query.text(), query.is_terminated()), (b"A".as_slice(), false));
        assert_eq!(query.flags().min_speed(), None);
        assert_eq!(query.flags().max_hits(), Some(0));
    }
    for text in ["a40041", "840041", "c40041", "e40041"] {
        assert!(query(&unhex(text)).flags().has(F::OUT_OF_BAND), "{text}");
    }
    let bytes = unhex("d8006c696d657769726500");
    let limewire = query(&bytes);
    assert_eq!(limewire.text(), b"limewire");
    assert!(limewire.is_terminated() && limewire.extension().is_empty());
    assert!(limewire.flags().has(F::FIREWALLED | F::LEAF_GUIDED | F::GGEP_H));
    // Without bit 15 it is a minimum speed, little-endian.
    assert_eq!(QueryFlags::from_min_speed(0x0123), F(0x2301));
    assert_eq!(F(0x2301).min_speed(), Some(0x0123));
    assert!(!F(0x2301).has(F::XML));
}

#[test]
fn query_texts_and_extensions() {
    for (text, words, extension) in [
        ("00004100", "A", ""),
        ("0000410000", "A", "00"),
        ("e000737573680075726e3a1c", "sush", "75726e3a1c"),
        (
            "e000737573680075726e3a1cc3824e50401cc3824e504000",
            "sush",
            "75726e3a1cc3824e50401cc3824e504000",
        ),
    ] {
        let bytes = unhex(text);
        let query = query(&bytes);
        assert_eq!(query.text(), words.as_bytes());
        assert_eq!(query.extension(), unhex(extension));
        assert_eq!(query.to_owned().borrow(), query);
        let built = Query::new(query.flags(), query.text()).unwrap();
        assert_eq!(built.with_extension(query.extension()), query);
    }
    assert_eq!(
        Query::new(QueryFlags::default(), b"a\0b"),
        Err(BuildError::ContainsNul { position: 1 })
    );
    // What could not be read could not be built either.
    assert_eq!(Query::new(QueryFlags::default(), b""), Err(BuildError::EmptyQuery));
}

#[test]
fn payloads_that_are_no_payloads() {
    use DecodeErrorKind as K;
    let short = |payload_type, length, min| K::PayloadTooShort { payload_type, length, min };
    let hit = "0101000100000000000000000000000000000041000000000000000000000000000000000000";
    for (payload_type, bytes, offset, kind) in [
        (PayloadType::QUERY, unhex("0000"), 2, short(PayloadType::QUERY, 2, 3)),
        (PayloadType::QUERY, unhex("000000"), 2, K::EmptyQuery),
        (PayloadType::QUERY, unhex("e0000000"), 2, K::EmptyQuery),
        (PayloadType::PONG, unhex("0f00"), 2, short(PayloadType::PONG, 2, 14)),
        (PayloadType::PUSH, vec![0; 25], 25, short(PayloadType::PUSH, 25, 26)),
        (PayloadType::QUERY_HIT, vec![0; 26], 26, short(PayloadType::QUERY_HIT, 26, 27)),
        // One byte less than a GUID of 16 after the result: the name's second NUL is missing.
        (
            PayloadType::QUERY_HIT,
            unhex(&hit[..hit.len() - 2]),
            21,
            K::MissingResults { announced: 1, ended_in: 1 },
        ),
        // Two results announced, one there.
        (
            PayloadType::QUERY_HIT,
            unhex(&format!("02{}", &hit[2..])),
            22,
            K::MissingResults { announced: 2, ended_in: 2 },
        ),
    ] {
        let error = Payload::decode(payload_type, &bytes).unwrap_err();
        assert_eq!(error, DecodeError { offset, kind }, "{payload_type} {}", hex::encode(&bytes));
        // In a whole message the offset counts from its start.
        let mut message = Vec::new();
        let length = bytes.len() as u32;
        Header { guid: Guid::ZERO, payload_type, ttl: 1, hops: 0, length }.encode(&mut message);
        message.extend_from_slice(&bytes);
        let error = Message::decode(&message).unwrap_err();
        assert_eq!(error, DecodeError { offset: offset + Header::LEN, kind });
    }
}

/// What a trailer says: vendor, push, busy, uploaded, measured speed.
type Said = (&'static str, [Option<bool>; 4]);

#[test]
fn query_hit_trailers() {
    const ONE: &str = "01010001000000000000000000000000000000410000";
    const GUID: &str = "00000000000000000000000000000000";
    let (yes, no) = (Some(true), Some(false));
    let cases: [(&str, Option<Said>); 7] = [
        ("", None),
        ("4c694d4504b1010400", Some(("LiME", [yes, None, None, no]))),
        ("4c494d45041d1d010001", Some(("LIME", [yes; 4]))),
        ("4c494d45041c01010001", Some(("LIME", [no, no, no, no]))),
        ("4c494d45040000010001", Some(("LIME", [None; 4]))),
        ("4c494d45013d", Some(("LIME", [None; 4]))),
        ("4c494d45023d31", Some(("LIME", [yes, no, no, yes]))),
    ];
    for (trailer, expected) in cases {
        let bytes = unhex(&format!("{ONE}{trailer}{GUID}"));
        let hit = query_hit(&bytes);
        let results: Vec<HitResult<'_>> = hit.results.collect();
        let result = HitResult { index: 0, size: 0, name: b"A", extension: b"" };
        assert_eq!(results, [result], "{trailer}");
        assert_eq!(hit.address, "1.0.0.0:1".parse().unwrap());
        let said = hit
            .trailer()
            .unwrap()
            .map(|it| (it.vendor(), [it.push(), it.busy(), it.uploaded(), it.measured_speed()]));
        let expected = expected.map(|(vendor, said)| (vendor.as_bytes().try_into().unwrap(), said));
        assert_eq!(said, expected, "{trailer}");
    }
    // Trailers that make no sense cost the trailer, not the results.
    for (trailer, offset, kind) in [
        ("0000000000000001", 26, DecodeErrorKind::OpenDataSize { size: 0, left: 3 }),
        ("4c694d450200", 26, DecodeErrorKind::OpenDataSize { size: 2, left: 1 }),
        ("4c694d", 22, DecodeErrorKind::Truncated { needed: 1 }),
    ] {
        let bytes = unhex(&format!("{ONE}{trailer}{GUID}"));
        let hit = query_hit(&bytes);
        assert_eq!(hit.results.len(), 1);
        assert_eq!(hit.trailer().unwrap_err(), DecodeError { offset, kind }, "{trailer}");
    }
}

#[test]
fn query_hits_as_published() {
    let no_trailer =
        unhex("0101000100000000000000000000000000000041000000000000000000000000000000000000");
    assert!(query_hit(&no_trailer).trailer.is_empty());
    let lime = unhex(
        "010100010000000000000000000000000000004100004c694d4504b10104000000000000000000000000000000000000000000",
    );
    let trailer = query_hit(&lime).trailer().unwrap().unwrap();
    assert_eq!((trailer.vendor(), trailer.push()), (*b"LiME", Some(true)));
    assert_eq!(trailer.open(), unhex("b1010400"));
    assert_eq!(trailer.private(), unhex("00000000"));
    // 20,000 bytes of private data; the payload's published SHA-1 begins with f3d4a7e3.
    let mut trailer = unhex("4c4c4d4504f001204e");
    trailer.resize(trailer.len() + 20_000, b'a');
    let address = "1.0.0.0:1".parse().unwrap();
    let result = HitResult { index: 0, size: 0, name: b"A", extension: b"" };
    let mut hit = OwnedQueryHit::new(address, 0, Guid::ZERO, [result]).unwrap();
    hit.trailer = trailer.into();
    let mut bytes = Vec::new();
    hit.borrow().encode(&mut bytes);
    let hit = query_hit(&bytes);
    let trailer = hit.trailer().unwrap().unwrap();
    assert_eq!((trailer.vendor(), trailer.push()), (*b"LLME", Some(false)));
    assert_eq!(trailer.private().len(), 20_000);
}

#[test]
fn trailers_that_are_built_say_what_they_were_told() {
    for (push, busy) in [(false, false), (false, true), (true, false), (true, true)] {
        let open = Trailer::open_data(push, busy);
        let trailer = Trailer::new(*b"TEST", &open, b"rest").unwrap();
        let mut bytes = Vec::new();
        trailer.encode(&mut bytes);
        assert_eq!(bytes.len(), trailer.encoded_len());
        assert_eq!(Trailer::decode(&bytes), Ok(trailer));
        assert_eq!((trailer.push(), trailer.busy()), (Some(push), Some(busy)));
        assert_eq!(trailer.ggep(), None);
    }
    let error = Trailer::new(*b"TEST", &[], &[]).unwrap_err();
    assert_eq!(error, BuildError::OpenDataSize { size: 0 });
}

#[test]
fn pings_pongs_and_pushes_keep_what_follows() {
    let bytes = unhex(
        "0000000000000000000000000000000000040010000000 4142434445464748494a4b4c4d4e4f50"
            .replace(' ', "")
            .as_str(),
    );
    let ping = Message::decode(&bytes).unwrap();
    assert_eq!(ping.payload, Payload::Ping(Ping { extension: b"ABCDEFGHIJKLMNOP" }));
    assert_eq!((ping.ttl, encoded(&ping)), (4, bytes));

    let bytes = unhex("0000000000000000000000000000000000010006000000c382514b4000");
    assert_eq!(encoded(&Message::decode(&bytes).unwrap()), bytes);

    let bytes = unhex("0f00101010100f0000000f0000004142");
    let address = "16.16.16.16:15".parse().unwrap();
    let pong = Pong { address, files: 15, kbytes: 15, extension: b"AB" };
    assert_eq!(payload(PayloadType::PONG, &bytes), Payload::Pong(pong));

    for (text, extension) in [
        (
            "00000000000000000000000000000000400201240000000000000000000000000000000000000003000000fe000000010000000007000000000000",
            "00000007000000000000",
        ),
        (
            "00000000000000000000000000000000400201200000000000000000000000000000000000000003000000fe0000000100c383544c5340",
            "c383544c5340",
        ),
    ] {
        let bytes = unhex(text);
        let message = Message::decode(&bytes).unwrap();
        let extension = unhex(extension);
        let address = "254.0.0.0:1".parse().unwrap();
        let push = Push { servent: Guid::ZERO, index: 3, address, extension: &extension };
        assert_eq!(message.payload, Payload::Push(push));
        assert_eq!((message.ttl, message.hops), (2, 1));
        assert_eq!(encoded(&message), bytes);
    }
}

/// The sizes that lectures print for 0.4 payloads, beside the real ones (figure G0). A Query has
/// two bytes of minimum speed and a NUL besides its n characters (they print n + 1), a QueryHit has
/// 11 bytes before its results, 8 and two NULs for each, and 16 after (they print n + 16), a Push
/// has 16 + 4 + 4 + 2 (they print 23, which is the header's length). Pong's 14 are right.
#[test]
fn descriptor_sizes() {
    let address = "1.2.3.4:6346".parse().unwrap();
    let size = |payload: Payload<'_>| {
        let message = Message { guid: Guid::ZERO, ttl: 7, hops: 0, payload };
        assert_eq!(encoded(&message).len(), Header::LEN + payload.encoded_len());
        payload.encoded_len()
    };
    assert_eq!(Header::LEN, 23);
    assert_eq!(size(Payload::Ping(Ping::default())), 0);
    assert_eq!(size(Payload::Pong(Pong { address, files: 1, kbytes: 1, extension: &[] })), 14);
    let push = Push { servent: Guid::ZERO, index: 1, address, extension: &[] };
    assert_eq!(size(Payload::Push(push)), 26);
    for n in [1, 5, 200] {
        let text = vec![b'x'; n];
        let query = Query::new(QueryFlags::default(), &text).unwrap();
        assert_eq!(size(Payload::Query(query)), n + 3);
        let result = HitResult { index: 1, size: 1, name: &text, extension: &[] };
        let hit = OwnedQueryHit::new(address, 1, Guid::ZERO, [result; 3]).unwrap();
        assert_eq!(size(Payload::QueryHit(hit.borrow())), 11 + 3 * (n + 10) + 16);
    }
}

#[test]
fn keywords_as_gtk_gnutella_folds_them() {
    for (text, folded) in [
        ("Björk - Jóga", &["bjork", "joga"][..]),
        ("BJO\u{308}RK", &["bjork"]),
        ("ＦＵＬＬ ﬁne", &["full", "fine"]),
        ("İstanbul Ωμέγα йод", &["istanbul", "ωμεγα", "иод"]),
        ("か\u{3099} が か", &["が", "が", "か"]),
        ("\u{1112}\u{1161}\u{11ab} 한", &["한", "한"]),
        ("हिन्दी", &["हिन्दी"]),
        ("Straße", &["straße"]),
        ("\u{301}a \u{301}", &["a"]),
    ] {
        let words: Vec<String> = keywords(text.as_bytes()).map(|word| word.to_string()).collect();
        assert_eq!(words, folded, "{text}");
    }
}

/// Of every character that begins a keyword, something is left, and folding that again changes nothing.
#[test]
fn no_keyword_folds_to_nothing() {
    let mut words = 0;
    for c in '\0'..=char::MAX {
        let (mut buffer, mut written) = ([0; 4], None);
        let text = c.encode_utf8(&mut buffer).as_bytes();
        for word in keywords(text) {
            assert!(written.replace(word.to_string()).is_none());
        }
        let Some(folded) = written else { continue };
        words += 1;
        assert!(!folded.is_empty(), "{c:?}");
        let again: Vec<String> = keywords(folded.as_bytes()).map(|word| word.to_string()).collect();
        assert_eq!(again, [folded], "{c:?}");
    }
    assert!(words > 130_000, "{words}");
}

/// LimeWire's HashFunctionTest, testKeywords.
#[test]
fn keywords_as_limewire_splits_them() {
    let path = b"/home/test/this_is_gReAt_teSt/WE_ArE_herE_tO_stAy.txt";
    let words: Vec<String> = keywords(path).map(|word| word.to_string()).collect();
    let expected = "home test this is great test we are here to stay txt";
    assert_eq!(words, expected.split(' ').collect::<Vec<_>>());
}
