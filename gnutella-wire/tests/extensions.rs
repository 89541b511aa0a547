//! The published vectors of GGEP, HUGE and partial ranges. Sources: the GGEP document; Phex's
//! TestGGEPBlock, PongMsgTest and TestURN; LimeWire's GGEPTest, HUGEExtensionTest, QueryRequestTest,
//! PingRequestTest, PingReplyTest, PushRequestTest, UrnTest, Base32Test and IntervalEncoderTest
//! (wirecode 2b22c506).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    AddressList, DecodeErrorKind, Extension, Extensions, Ggep, GgepBuilder, GgepFault, GgepItem,
    GgepValue, HitResult, Limits, Message, Payload, Ping, Pong, Query, Trailer, Urn, ggep_number,
    is_tls, partial_nodes, partial_range, partial_ranges, push_partial_ranges,
};

const LIMITS: Limits = Limits::DEFAULT;

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Ids and data of a block, and the block's length.
type Block<'a> = (Vec<(&'a [u8], Vec<u8>)>, usize);

fn block(bytes: &[u8]) -> Block<'_> {
    let (block, rest) = Ggep::split(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(block.as_bytes(), &bytes[1..bytes.len() - rest.len()]);
    let items = block.map(|item| (item.id(), item.data(&LIMITS).unwrap().into_owned()));
    (items.collect(), bytes.len() - rest.len())
}

#[test]
fn ggep_lengths() {
    for (length, bytes) in [
        (0, "40"),
        (63, "7f"),
        (64, "8140"),
        (4_095, "bf7f"),
        (4_096, "818040"),
        (262_143, "bfbf7f"),
    ] {
        let built = GgepBuilder::new().push(b"X", &vec![7; length]).unwrap().finish();
        assert_eq!(built[3..built.len() - length], unhex(bytes));
        assert_eq!(block(&built), (vec![(&b"X"[..], vec![7; length])], built.len()));
    }
    assert!(GgepBuilder::new().push(b"X", &vec![7; 262_144]).is_err());
}

#[test]
fn ggep_blocks() {
    let phex = unhex("c30242484083414c5449000000000000000000");
    let expected = vec![(&b"BH"[..], vec![]), (b"ALT", vec![0; 9])];
    assert_eq!(block(&phex), (expected.clone(), 19));
    let twice = [phex.as_slice(), &phex].concat();
    assert_eq!(block(&twice), (expected, 19));
    let blocks = Extensions::of(&twice).filter(|it| matches!(it, Extension::Ggep(_)));
    assert_eq!(blocks.count(), 2);

    let limewire = unhex("c30542484f535440875355534845454c4744415357414e49");
    let both = vec![(&b"BHOST"[..], vec![]), (b"SUSHEEL", b"DASWANI".to_vec())];
    assert_eq!(block(&limewire), (both.clone(), 24));
    let after = unhex("c38542484f535440c30542484f535440875355534845454c4744415357414e49");
    assert_eq!(block(&after), (vec![(&b"BHOST"[..], vec![])], 8));
    assert_eq!(block(&after[8..]), (both, 24));
}

#[test]
fn ggep_blocks_that_are_none() {
    use DecodeErrorKind as K;
    let ggep = |fault| K::Ggep { fault };
    for (text, offset, kind) in [
        (
            "c31542484f535440875355534845454c4744415357414e49",
            1,
            ggep(GgepFault::ReservedBit { flags: 0x15 }),
        ),
        ("c30542484f535440a55355534845454c4744415357414e49", 15, K::BadZlib),
        ("c30542484f535440805355534845454c4744415357414e49", 8, ggep(GgepFault::EmptyId)),
        ("c30542484f535440875355534845454cbfbfbfbf57414e49", 18, ggep(GgepFault::LengthTooLong)),
        ("490542484f535440875355534845454c4744415357414e49", 0, ggep(GgepFault::NoMagic)),
        ("c30542484f53", 6, K::Truncated { needed: 1 }),
        ("c30542484f5354bfbfbf55534845454c4744415357414e49", 9, ggep(GgepFault::LengthTooLong)),
        // Said to be deflated, and not.
        ("c3a75355534845454c4744415357414e49", 10, K::BadZlib),
        ("c3a75355534845454c40", 10, K::BadZlib),
        // Said to be stuffed, and not.
        ("c3c158420100", 4, ggep(GgepFault::BadCobs)),
        ("c3", 1, K::Truncated { needed: 3 }),
        ("c381014100", 2, ggep(GgepFault::BadId { byte: 1 })),
        ("c38158c0", 3, ggep(GgepFault::BadLength { byte: 0xc0 })),
    ] {
        let error = Ggep::split(&unhex(text)).unwrap_err();
        assert_eq!((error.offset, error.kind), (offset, kind), "{text}");
    }
}

#[test]
fn a_block_without_an_end_ends_with_its_input() {
    let bytes = unhex("c3024e5040");
    let (block, rest) = Ggep::split(&bytes).unwrap();
    assert!(rest.is_empty() && !block.is_terminated());
    let bytes = unhex("c3824e5040");
    assert!(Ggep::split(&bytes).unwrap().0.is_terminated());
}

/// LimeWire's putCompressed: the second of three is deflated.
#[test]
fn ggep_deflated() {
    let built = GgepBuilder::without_nul()
        .push(b"1", b"begin")
        .unwrap()
        .push_deflated(b"2", b"middle")
        .unwrap()
        .push(b"3", b"end")
        .unwrap()
        .finish();
    assert!(hex::encode(&built).starts_with("c3013145626567696e"));
    assert!(hex::encode(&built).ends_with("813343656e64"));
    let expected =
        vec![(&b"1"[..], b"begin".to_vec()), (b"2", b"middle".to_vec()), (b"3", b"end".to_vec())];
    assert_eq!(block(&built), (expected, built.len()));
    let second = Extensions::of(&built).ggep(b"2").unwrap();
    assert!(second.is_deflated() && !second.raw().contains(&0));
}

#[test]
fn ggep_inflates_no_further_than_told() {
    let built = GgepBuilder::new().push_deflated(b"Z", &[0; 65_536]).unwrap().finish();
    let item = Extensions::of(&built).ggep(b"Z").unwrap();
    let error = item.data(&LIMITS).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::InflatedTooLong { max: 65_535 });
    let more = Limits { inflated: 65_536, ..LIMITS };
    assert_eq!(item.data(&more).unwrap().len(), 65_536);
}

#[test]
fn ggep_numbers() {
    for (value, bytes) in [
        (0, "00"),
        (527, "0f02"),
        (523, "0b02"),
        (0xabcd, "cdab"),
        (0xabcd_ef12, "12efcdab"),
        (u64::MAX, "ffffffffffffffff"),
    ] {
        assert_eq!(ggep_number(value), unhex(bytes));
        assert_eq!(GgepValue::decode(b"DU", &unhex(bytes)), Ok(GgepValue::Number(value)));
    }
    assert_eq!(GgepValue::decode(b"LF", &[]), Ok(GgepValue::Number(0)));
    assert!(GgepValue::decode(b"LF", &[1; 9]).is_err());
}

#[test]
fn extensions_of_queries() {
    let bytes = unhex("e000737573680075726e3a1c");
    let query = Query::decode(&bytes).unwrap();
    assert_eq!(query.extensions().collect::<Vec<_>>(), [Extension::Urn(b"urn:")]);
    assert_eq!(query.extensions().ggep(b"NP"), None);

    let bytes = unhex("e000737573680075726e3a1cc3824e50401cc3824e504000");
    let query = Query::decode(&bytes).unwrap();
    assert_eq!(query.text(), b"sush");
    assert_eq!(query.extensions().urns().collect::<Vec<_>>(), [b"urn:"]);
    let ids: Vec<_> = query.extensions().ggep_items().map(|item| item.id()).collect();
    assert_eq!(ids, [b"NP", b"NP"]);

    // HUGEExtensionTest: three blocks and a urn, a separator between each two.
    let ggep = |id: &[u8], data| GgepBuilder::without_nul().push(id, data).unwrap().finish();
    let urn = b"urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C";
    let parts = [&ggep(b"1", b"1"), &ggep(b"2", b"")[..], urn, &ggep(b"3", b"")];
    let bytes = parts.join(&0x1c);
    let found: Vec<_> = Extensions::of(&bytes).collect();
    assert!(matches!(found[..], [
        Extension::Ggep(_),
        Extension::Ggep(_),
        Extension::Urn(text),
        Extension::Ggep(_),
    ] if text == urn));
}

/// What living servents write around their extensions.
#[test]
fn extensions_find_their_way() {
    let ggep = unhex("c3824e5040");
    let kind = |bytes: &[u8]| -> Vec<String> {
        let name = |it| match it {
            Extension::Ggep(_) => "ggep".into(),
            Extension::Urn(text) => format!("urn {}", text.escape_ascii()),
            Extension::Xml(xml) => format!("xml {}", xml.as_bytes().escape_ascii()),
            Extension::Other(raw) => format!("other {}", raw.escape_ascii()),
            _ => unreachable!("no other kinds"),
        };
        Extensions::of(bytes).map(name).collect()
    };
    let join = |parts: &[&[u8]]| parts.concat();
    // A tag right before a block, and a block right before a urn.
    assert_eq!(
        kind(&join(&[b"128 kbps 44 kHz 3:10", &ggep])),
        ["other 128 kbps 44 kHz 3:10", "ggep"]
    );
    assert_eq!(kind(&join(&[&ggep, b"uRn:X", &ggep])), ["ggep", "urn uRn:X", "ggep"]);
    assert_eq!(kind(b"tagurn:sha1:\x1c<a/>"), ["other tag", "urn urn:sha1:", "xml <a/>"]);
    // A letter in UTF-8 begins with c3 as well.
    assert_eq!(kind("Café \u{fc}ber".as_bytes()), [r"other Caf\xc3\xa9 \xc3\xbcber"]);
    assert_eq!(kind(b"\xc3\xa9"), [r"other \xc3\xa9"]);
    // A block may have separators in it.
    let block = GgepBuilder::new().push(b"X", b"\x1c\0\x1curn:").unwrap().finish();
    assert_eq!(kind(&join(&[b"\x1c\0", &block, b"\0\0"])), ["ggep"]);
    assert!(kind(b"").is_empty() && kind(b"\0\x1c\0").is_empty());
    assert_eq!(kind(b"<"), ["xml <"]);
}

#[test]
fn extensions_of_pings_pongs_and_pushes() {
    let bytes = unhex("0000000000000000000000000000000000010006000000c382514b4000");
    let Payload::Ping(ping) = Message::decode(&bytes).unwrap().payload else { panic!("a Ping") };
    assert!(ping.extensions().ggep(b"QK").is_some());
    assert!(Ping { extension: b"ABCDEFGHIJKLMNOP" }.extensions().ggep(b"QK").is_none());

    let bytes = unhex(
        "00000000000000000000000000000000400201200000000000000000000000000000000000000003000000fe0000000100c383544c5340",
    );
    let Payload::Push(push) = Message::decode(&bytes).unwrap().payload else { panic!("a Push") };
    assert!(push.extensions().ggep(b"TLS").is_some());

    let bytes = unhex("0f00101010100f0000000f0000004142");
    let pong = Pong::decode(&bytes).unwrap();
    assert_eq!(pong.extensions().collect::<Vec<_>>(), [Extension::Other(b"AB")]);
    // IPP of three bytes.
    assert!(matches!(
        GgepValue::decode(b"IPP", &[1, 2, 3]).unwrap_err().kind,
        DecodeErrorKind::ValueLength { length: 3, .. }
    ));
    for (kbytes, marked) in [
        (0, 8),
        (1_535, 1_024),
        (1_536, 2_048),
        (100_663_295, 67_108_864),
        (100_663_296, 134_217_728),
        (u32::MAX, 1 << 31),
    ] {
        assert_eq!(Pong::ultrapeer_kbytes(kbytes), marked, "{kbytes}");
    }
}

#[test]
fn values() {
    let decode = |id: &[u8], text: &str| -> Option<String> {
        let data = unhex(text);
        GgepValue::decode(id, &data).ok().map(|value| match value {
            GgepValue::Addresses(list) => {
                list.iter().map(|it| it.to_string()).collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        })
    };
    assert_eq!(decode(b"IPP", "0102030401000506070802ff").unwrap(), "1.2.3.4:1 5.6.7.8:65282");
    assert_eq!(decode(b"ALT", "").unwrap(), "");
    let six = "20010db8000000000000000000000001ca18";
    assert_eq!(decode(b"PUSH6", six).unwrap(), "[2001:db8::1]:6346");
    assert_eq!(decode(b"IP", six).unwrap(), "ObservedAddress(Some([2001:db8::1]:6346))");
    assert_eq!(decode(b"IP", "01020304ca18").unwrap(), "ObservedAddress(Some(1.2.3.4:6346))");
    assert_eq!(decode(b"IP", "0102"), None);
    assert_eq!(decode(b"6", &six[..32]).unwrap(), "Ipv6(Some(2001:db8::1))");
    assert_eq!(decode(b"6", "00"), None);
    let vendor = r#"Vendor { vendor: [76, 73, 77, 69], version: Some(73) }"#;
    assert_eq!(decode(b"VC", "4c494d4549").unwrap(), vendor);
    assert_eq!(decode(b"VC", "4c494d"), None);
    let room = "Ultrapeer { version: 1, leaves: 30, ultrapeers: 2 }";
    assert_eq!(decode(b"UP", "011e02").unwrap(), room);
    assert_eq!(decode(b"UP", "01"), None);
    assert_eq!(decode(b"SCP", "03").unwrap(), "HostsWanted { flags: 3 }");
    assert_eq!(decode(b"GTKGV", "0102").unwrap(), "Other([1, 2])");
    let sha1 = "00".repeat(20);
    assert!(matches!(
        GgepValue::decode(b"H", &unhex(&format!("01{sha1}"))),
        Ok(GgepValue::Hash(Urn::Sha1(_)))
    ));
    assert!(matches!(
        GgepValue::decode(b"H", &unhex(&format!("02{sha1}{sha1}00000000"))),
        Ok(GgepValue::Hash(Urn::Bitprint { .. }))
    ));
    assert_eq!(decode(b"H", &format!("01{sha1}00")), None);
    assert_eq!(decode(b"H", &format!("02{sha1}")), None);
    assert_eq!(decode(b"TT", &sha1), None);
    let hosts = ["1.2.3.4:5".parse().unwrap(), "[::1]:6".parse().unwrap()];
    assert_eq!(AddressList::encode_v4(hosts), unhex("010203040500"));
    assert_eq!(AddressList::encode_v6(hosts), unhex("000000000000000000000000000000010600"));
    let tls: Vec<_> = (0..17).filter(|index| is_tls(&[0x81, 0x40], *index)).collect();
    assert_eq!(tls, [0, 7, 9]);
}

#[test]
fn urns() {
    let sha1 = "PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB";
    for scheme in ["urn:sha1:", "urn:SHA1:", "urn:sHa1:", "URN:sha1:"] {
        let urn: Urn = format!("{scheme}{sha1}").parse().unwrap();
        assert_eq!(urn.to_string(), format!("urn:sha1:{sha1}"));
        assert!(urn.sha1().is_some() && urn.tiger_root().is_none());
    }
    let bitprint =
        "urn:bitprint:J2LHXO34QXD4Q6ITI3TRT5WF2BFOHISE.AS3DST7FHA6Q5TY3ANBKCZY5YQK5POZHM3T6ZXA";
    let urn: Urn = bitprint.parse().unwrap();
    assert_eq!(urn.to_string(), bitprint);
    let same: Urn = "urn:sha1:J2LHXO34QXD4Q6ITI3TRT5WF2BFOHISE".parse().unwrap();
    assert_eq!(urn.sha1(), same.sha1());
    let root: Urn = format!("urn:ttroot:{}", &bitprint[46..]).parse().unwrap();
    assert_eq!(root.tiger_root(), urn.tiger_root());
    assert_eq!(Urn::parse_suffix(&bitprint.as_bytes()[4..]), Ok(urn));
    for bad in [
        "urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFBC",
        "urn:sha1:PLSTHIPQGSSZTS5FUPAKUZWUGYQYPFB",
        "urn:sh1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn:blub:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urt:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn:sha1PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn::sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn: sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn:sha1 :PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn:sha1: PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn:sha1:PLST IPQGSSZTS5FJUPAKUZWUGYQYPFB",
        " urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB",
        "urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPF1",
        "urn:bitprint:J2LHXO34QXD4Q6ITI3TRT5WF2BFOHISE",
        "urn:bitprint:J2LHXO34QXD4Q6ITI3TRT5WF2BFOHISE.",
        "urn:",
        "",
    ] {
        let error = bad.parse::<Urn>().unwrap_err();
        assert!(error.offset <= bad.len(), "{bad}: {error}");
    }
    let base32 = "urn:sha1:6AICJJIY6AICJJIY6AICJJIY6AICJJIY".parse::<Urn>().unwrap();
    assert_eq!(base32.sha1().unwrap()[..5], unhex("f01024a518"));
}

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

#[test]
fn partial_results() {
    let ranges = [0..MB, 3 * MB..5 * GB, 7 * GB..7 * GB + KB];
    let size = 8 * GB;
    let block = push_partial_ranges(GgepBuilder::new(), &ranges, size, 40).unwrap().finish();
    let found = Extensions::of(&block);
    for (id, data) in
        [(b"PR1", "05090c11214181"), (b"PR2", "010102010401080120002003"), (b"PR3", "f00000")]
    {
        assert_eq!(found.ggep(id).map(GgepItem::raw_hex).as_deref(), Some(data));
    }
    assert_eq!(found.ggep(b"PR4"), None);
    let mut read = partial_ranges(found, size, &LIMITS).unwrap().unwrap();
    read.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<core::ops::Range<u64>> = Vec::new();
    for range in read {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    assert_eq!(joined, ranges);
    // Nothing is there, and nothing is said.
    let nothing = push_partial_ranges(GgepBuilder::new(), &[], MB, 40).unwrap().finish();
    assert_eq!(partial_ranges(Extensions::of(&nothing), MB, &LIMITS), Ok(Some(vec![])));
    assert_eq!(partial_ranges(Extensions::of(b""), MB, &LIMITS), Ok(None));
    // Not a multiple of the width.
    let bad = GgepBuilder::new().push(b"PR2", &[1, 2, 3]).unwrap().finish();
    assert!(partial_ranges(Extensions::of(&bad), MB, &LIMITS).is_err());
    // Only what fits is sent.
    let few = push_partial_ranges(GgepBuilder::new(), &ranges, size, 8).unwrap().finish();
    assert_eq!(Extensions::of(&few).ggep_items().map(|item| item.raw().len()).sum::<usize>(), 7);
    assert_eq!(partial_range(0, MB), None);
    assert_eq!(partial_range(1, 1_500), Some(0..1_500));
    assert_eq!(partial_range(3, 1_500), Some(1_024..1_500));
    assert_eq!(partial_range(7, 2_500), None);
    assert_eq!(partial_range(4, 1_500), None);
    for (start, nodes) in [(0, [1]), (1, [3])] {
        assert_eq!(partial_nodes(core::slice::from_ref(&(start..1_500)), 1_500), nodes);
    }
}

trait RawHex {
    fn raw_hex(self) -> String;
}

impl RawHex for GgepItem<'_> {
    fn raw_hex(self) -> String {
        hex::encode(self.raw())
    }
}

#[test]
fn sizes_of_large_files() {
    let block = GgepBuilder::without_nul().push(b"LF", &ggep_number(5 * GB)).unwrap().finish();
    assert!(!block.contains(&0));
    let mut result = HitResult { index: 1, size: u32::MAX, name: b"x", extension: &block };
    assert_eq!(result.full_size(&LIMITS), Ok(5 * GB));
    result.extension = b"";
    assert_eq!(result.full_size(&LIMITS), Ok(u32::MAX.into()));
}

#[test]
fn trailers_with_everything() {
    let block = GgepBuilder::new().push(b"BH", &[]).unwrap().finish();
    let xml = b"{deflate}".iter().copied().chain(deflated(b"<audios/>")).chain([0]);
    let xml: Vec<u8> = xml.collect();
    let mut open = Trailer::open_data(false, false).to_vec();
    open.extend_from_slice(&(xml.len() as u16).to_le_bytes());
    let private = [&[1], &block[..], &xml].concat();
    let trailer = Trailer::new(*b"LIME", &open, &private).unwrap();
    assert_eq!(trailer.chat(), Some(true));
    assert!(trailer.extensions().ggep(b"BH").is_some());
    assert_eq!(*trailer.xml().unwrap().text(&LIMITS).unwrap(), *b"<audios/>");
    assert!(trailer.xml().unwrap().text(&Limits { inflated: 8, ..LIMITS }).is_err());
    for (raw, text) in [("{plaintext}<a/>", "<a/>"), ("{}<a/>", "<a/>"), ("{gzip}x", "{gzip}x")] {
        let private = [raw.as_bytes(), &[0]].concat();
        let open = [0, 0, private.len() as u8, 0];
        let trailer = Trailer::new(*b"BEAR", &open, &private).unwrap();
        assert_eq!(*trailer.xml().unwrap().text(&LIMITS).unwrap(), *text.as_bytes());
        assert_eq!((trailer.chat(), trailer.extensions().count()), (None, 0));
    }
    // A length that is not true costs the XML; a length of 1 is a NUL alone.
    for size in [0, 1, 200] {
        let open = [0, 0, size, 0];
        let trailer = Trailer::new(*b"LIME", &open, &private).unwrap();
        assert_eq!(trailer.xml(), None);
        assert!(trailer.extensions().ggep(b"BH").is_some());
    }
    // NapShare has a single byte that says what is.
    let napshare = Trailer::new(*b"NAPS", &[5], &[]).unwrap();
    assert_eq!((napshare.push(), napshare.busy()), (Some(true), Some(true)));
}

/// Whatever this crate deflates, it inflates.
fn deflated(data: &[u8]) -> Vec<u8> {
    let block = GgepBuilder::new().push_deflated(b"X", data).unwrap().finish();
    Extensions::of(&block).ggep(b"X").unwrap().raw().to_vec()
}
