//! Decisions: profiles (each rule with a published vector or the document that has it), routing, Pong
//! caching, dynamic queries, sources.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddrV4;

use gnutella_wire::{
    CachedPong, DropReason, DynamicQuery, DynamicStep, Extensions, GgepBuilder, Guid, Header,
    HitResult, OwnedQueryHit, Payload, PayloadType, PingAnswer, PongRules, Profile, Query,
    QueryFlags, Received, Routing, Source, Trailer, TtlRules, Violation, answer_ping, horizon,
    received,
};
use proptest::prelude::*;

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn header(payload_type: PayloadType, ttl: u8, hops: u8) -> Header {
    Header { guid: Guid::ZERO, payload_type, ttl, hops, length: 0 }
}

#[test]
fn profiles() {
    const ONE: &str = "01010001000000000000000000000000000000410000";
    const GUID: &str = "00000000000000000000000000000000";
    let (ping, pong, bye) = (PayloadType::PING, PayloadType::PONG, PayloadType::BYE);
    let (vendor, query, hit) = (PayloadType::VENDOR, PayloadType::QUERY, PayloadType::QUERY_HIT);
    let pong_with = |block: &str| format!("0f00101010100f0000000f000000{block}");
    let result_with = |extension: &[u8]| {
        format!("010100010000000000000000000000000000004100{}00{GUID}", hex::encode(extension))
    };
    let long = format!("8000{}00", "41".repeat(257));
    let both = |violation| (Err(violation), Err(violation));
    let strict = |violation| (Ok(()), Err(violation));
    let fine = (Ok(()), Ok(()));
    for (payload_type, payload, (lenient, strict)) in [
        // LimeWire's tests, section by section.
        (query, "e000737573680075726e3a1cc3824e50401cc3824e504000".into(), fine),
        (query, "0000410000".into(), fine),
        (hit, format!("{ONE}{GUID}"), fine),
        (hit, format!("{ONE}4c494d45041d1d010001{GUID}"), fine),
        (hit, format!("{ONE}0000000000000001{GUID}"), strict(Violation::Trailer)),
        (hit, format!("{ONE}4c694d450200{GUID}"), strict(Violation::Trailer)),
        (pong, pong_with("4142"), fine),
        (pong, pong_with("c38349505043010203"), both(Violation::AddressList)),
        (pong, pong_with("c38349505046010203040506"), fine),
        (
            vendor,
            "000000000a0000000400535553480a004e45494c0500444157470300444157470300".into(),
            fine,
        ),
        (
            vendor,
            "000000000a0000000400535553480a004e45494c0500444157470300".into(),
            both(Violation::VendorMessage),
        ),
        (
            vendor,
            "000000000a0000000400535553480a004e45494c050044415747030063726170".into(),
            both(Violation::VendorMessage),
        ),
        // A block without an end.
        (ping, "c30253434103".into(), strict(Violation::UnterminatedGgep)),
        (ping, "c38253434103".into(), fine),
        (query, "80004100c3024e5040".into(), strict(Violation::UnterminatedGgep)),
        (hit, result_with(b"\xc3\x02BH@"), strict(Violation::UnterminatedGgep)),
        // UrnTest's malformed urns, in a result.
        (hit, result_with(b"urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB"), fine),
        (hit, result_with(b"urn:sha1:PLSTHIPQGSSZTS5FUPAKUZWUGYQYPFB"), strict(Violation::Urn)),
        // gtk-gnutella.
        (hit, format!("00{}{GUID}", "00".repeat(10)), strict(Violation::NoResults)),
        (query, long, strict(Violation::QueryTooLong { length: 257, max: 256 })),
        (bye, "c800627965".into(), fine),
    ] {
        let bytes = unhex(&payload);
        let decoded = Payload::decode(payload_type, &bytes).unwrap();
        let header = header(payload_type, 1, 0);
        assert_eq!(Profile::Lenient.check(&header, &decoded), lenient, "{payload}");
        assert_eq!(Profile::Strict.check(&header, &decoded), strict, "{payload}");
    }
    let passed_on = Payload::decode(bye, b"\xc8\0").unwrap();
    let error = Profile::Strict.check(&header(bye, 1, 1), &passed_on).unwrap_err();
    assert_eq!(error, Violation::ByePassedOn { ttl: 1, hops: 1 });
    for (payload_type, length, lenient, strict) in [
        (query, 1_024, true, true),
        (query, 1_025, true, false),
        (hit, 65_536, true, true),
        (pong, 40_960, true, true),
        (pong, 40_961, true, false),
        (hit, 65_537, false, false),
    ] {
        assert_eq!(Profile::Lenient.takes_length(payload_type, length), lenient);
        assert_eq!(Profile::Strict.takes_length(payload_type, length), strict);
    }
}

#[test]
fn what_becomes_of_a_descriptor() {
    let rules = TtlRules::DEFAULT;
    let (query, hit) = (PayloadType::QUERY, PayloadType::QUERY_HIT);
    let handle = |routing, onward| Received::Handle { routing, onward };
    for (payload_type, ttl, hops, seen, route, expected) in [
        (query, 7, 0, false, false, handle(Routing::Flooded, Some((6, 1)))),
        (query, 1, 6, false, false, handle(Routing::Flooded, None)),
        (query, 7, 0, true, false, Received::Drop(DropReason::Duplicate)),
        // Cut to 7 hops in all; a hit is not.
        (query, 10, 3, false, false, handle(Routing::Flooded, Some((3, 4)))),
        (hit, 10, 3, false, true, handle(Routing::Back, Some((9, 4)))),
        (hit, 3, 3, true, false, Received::Drop(DropReason::NoRoute)),
        (PayloadType::PUSH, 3, 3, true, true, handle(Routing::ToServent, Some((2, 4)))),
        (PayloadType::PUSH, 3, 3, false, false, Received::Drop(DropReason::NoRoute)),
        (PayloadType::VENDOR, 1, 0, true, false, handle(Routing::Never, None)),
        (PayloadType::VENDOR, 1, 1, false, false, Received::Drop(DropReason::PassedOn)),
        (PayloadType(0x7f), 4, 0, false, false, handle(Routing::Never, None)),
        (query, 16, 0, false, false, Received::Drop(DropReason::TooFar)),
        (query, 1, 255, false, false, Received::Drop(DropReason::TooFar)),
    ] {
        let header = header(payload_type, ttl, hops);
        assert_eq!(received(&header, &rules, seen, route), expected, "{header:?}");
    }
}

#[test]
fn pings() {
    let rules = PongRules::DEFAULT;
    for (ttl, hops, since, answer) in [
        (1, 0, None, PingAnswer::Ourselves),
        (1, 1, Some(1), PingAnswer::Ourselves),
        (2, 0, Some(1), PingAnswer::Neighbours),
        (3, 0, None, PingAnswer::Cached),
        (7, 0, Some(1_000), PingAnswer::Cached),
        (7, 0, Some(999), PingAnswer::Nothing),
        (1, 5, Some(0), PingAnswer::Nothing),
    ] {
        assert_eq!(answer_ping(ttl, hops, since, &rules), answer, "{ttl} {hops} {since:?}");
    }
}

fn host(n: u8) -> SocketAddrV4 {
    SocketAddrV4::new([192, 0, 2, n].into(), 6346)
}

#[test]
fn pongs_of_all_distances_in_turn() {
    let pong = |n, hops, from, at| CachedPong { address: host(n), hops, from, at };
    let cached = [
        pong(1, 1, 1, 5_000),
        pong(2, 1, 1, 6_000),
        pong(3, 2, 1, 5_500),
        pong(4, 4, 1, 5_100),
        pong(5, 1, 2, 6_500),
        pong(6, 3, 1, 2_000),
        pong(4, 3, 1, 6_600),
        pong(7, 1, 1, 9_000),
    ];
    // Not from the asker (5), not old (6), not of the future (7), and the newer of two (4).
    assert_eq!(PongRules::DEFAULT.choose(&cached, 2, 7_000), [1, 2, 6, 0]);
    let two = PongRules { count: 2, ..PongRules::DEFAULT };
    assert_eq!(two.choose(&cached, 2, 7_000), [1, 2]);
    assert!(two.choose(&[], 2, 7_000).is_empty());
}

#[test]
fn out_of_band_guids() {
    let address = "192.0.2.7:6346".parse().unwrap();
    let guid = Guid::from_bytes([0xaa; 16]).marked().with_reply_address(address);
    assert_eq!(guid.to_string(), "c0000207aaaaaaaaffaaaaaaaaca1800");
    assert!(guid.is_marked());
    assert_eq!(guid.reply_address(), address);
}

/// The draft's formula, and the share of ultrapeers on the last hop that "Ultrapeer Query Routing"
/// gives: 80.0 % and 96.8 %.
#[test]
fn horizons() {
    assert_eq!((horizon(6, 7), horizon(32, 3)), (19_531, 993));
    assert_eq!((horizon(6, 1), horizon(6, 0), horizon(0, 5), horizon(1, 5)), (1, 0, 1, 1));
    assert_eq!(horizon(u16::MAX, u8::MAX), u64::MAX);
    let last_hop = |degree, ttl| horizon(degree, ttl) - horizon(degree, ttl - 1);
    assert_eq!(last_hop(6, 7) * 1_000 / horizon(6, 7), 800);
    assert_eq!((last_hop(32, 3) * 1_000 + 496) / horizon(32, 3), 968);
}

#[test]
fn dynamic_queries() {
    let start =
        DynamicQuery { wanted: DynamicQuery::FOR_SELF, results: 0, reached: 0, left: 30, asked: 0 };
    // The probe: three neighbours, then a wait.
    assert_eq!(start.next(32, 3), DynamicStep::Ask { ttl: 2, wait: 0 });
    assert_eq!(start.next(32, 1), DynamicStep::Ask { ttl: 1, wait: 0 });
    let mut probed = start;
    for left in [29, 28, 27] {
        probed = probed.asked(32, 2);
        assert_eq!(probed.left, left);
    }
    assert_eq!(probed.reached, 96);
    let after_two = start.asked(32, 2).asked(32, 2);
    assert_eq!(after_two.next(32, 3), DynamicStep::Ask { ttl: 2, wait: 4_800 });
    // Nothing came: as far as allowed.
    assert_eq!(probed.next(32, 3), DynamicStep::Ask { ttl: 3, wait: 7_200 });
    // 30 came: 120 more need 384 ultrapeers, 15 from each of 27.
    let popular = DynamicQuery { results: 30, ..probed };
    assert_eq!(popular.next(32, 3), DynamicStep::Ask { ttl: 2, wait: 4_800 });
    // 149 came: one more needs one.
    let nearly = DynamicQuery { results: 149, ..probed };
    assert_eq!(nearly.next(32, 3), DynamicStep::Ask { ttl: 1, wait: 2_400 });
    // Enough, nobody left, far enough.
    for done in [
        DynamicQuery { results: 150, ..probed },
        DynamicQuery { left: 0, ..probed },
        DynamicQuery { reached: 200_000, ..probed },
    ] {
        assert_eq!(done.next(32, 3), DynamicStep::Done);
    }
}

#[test]
fn sources() {
    let source = |address: &str, push, busy, private: &[u8]| {
        let result = HitResult { index: 1, size: 1, name: b"x", extension: b"" };
        let mut hit =
            OwnedQueryHit::new(address.parse().unwrap(), 500, Guid::ZERO, [result]).unwrap();
        let open = Trailer::open_data(push, busy);
        let mut trailer = Vec::new();
        Trailer::new(*b"TEST", &open, private).unwrap().encode(&mut trailer);
        hit.trailer = trailer.into();
        Source::of(&hit.borrow())
    };
    let firewall = GgepBuilder::new().push(b"FW", &[1]).unwrap().finish();
    let direct = source("8.8.8.8:1", false, false, &[]);
    let busy = source("8.8.8.8:2", false, true, &[]);
    let pushed = source("8.8.8.8:3", true, false, &[]);
    let private = source("10.0.0.1:4", false, false, &[]);
    let transfer = source("8.8.8.8:5", true, false, &firewall);
    assert!(private.push && !direct.push && transfer.firewall_transfer);
    let open = |source: &Source| source.quality(false);
    assert!(open(&direct) > open(&pushed) && open(&pushed) > open(&busy));
    assert_eq!(open(&pushed), open(&private));
    let behind = |source: &Source| source.quality(true);
    assert!(behind(&direct).is_some() && behind(&pushed).is_none() && behind(&private).is_none());
    assert!(behind(&direct) > behind(&transfer) && behind(&transfer).is_some());
    let fast = Source { measured_speed: Some(9), ..direct };
    let proven = Source { uploaded: true, ..direct };
    assert!(open(&fast) > open(&direct) && open(&proven) > open(&fast));
}

proptest! {
    /// Strict takes nothing that lenient does not.
    #[test]
    fn strict_is_stricter(text in proptest::collection::vec(1u8.., 1..300), extension: Vec<u8>, ttl: u8, hops: u8) {
        let query = Query::new(QueryFlags::default(), &text).unwrap().with_extension(&extension);
        let (header, payload) = (header(PayloadType::QUERY, ttl, hops), Payload::Query(query));
        if Profile::Strict.check(&header, &payload).is_ok() {
            prop_assert_eq!(Profile::Lenient.check(&header, &payload), Ok(()));
        }
        let _ = Extensions::of(&extension).count();
    }

    /// A dynamic query ends, and never goes further than one neighbour's horizon past the limit.
    #[test]
    fn a_dynamic_query_ends(degree in 1u16..100, max_ttl in 1u8..8, left in 0u32..200, rate in 0u32..5) {
        let mut query = DynamicQuery { wanted: 150, results: 0, reached: 0, left, asked: 0 };
        let mut steps = 0;
        while let DynamicStep::Ask { ttl, wait } = query.next(degree, max_ttl) {
            prop_assert!(ttl >= 1 && ttl <= max_ttl && wait <= 2_400 * u64::from(ttl));
            query = query.asked(degree, ttl);
            query.results += rate;
            steps += 1;
            prop_assert!(query.reached <= 200_000 + horizon(degree, max_ttl));
        }
        prop_assert!(steps <= left);
    }

    /// What is chosen is fresh, no host twice, and no more than asked for.
    #[test]
    fn chosen_pongs_keep_the_rules(pongs: Vec<(u8, u8, u32, u16)>, asker in 0u32..3, now: u16, count in 0usize..12) {
        let cached: Vec<_> = pongs
            .iter()
            .map(|(n, hops, from, at)| CachedPong { address: host(n % 8), hops: hops % 5, from: from % 3, at: u64::from(*at) })
            .collect();
        let rules = PongRules { count, ..PongRules::DEFAULT };
        let chosen = rules.choose(&cached, asker, now.into());
        prop_assert!(chosen.len() <= count);
        let mut hosts: Vec<_> = chosen.iter().map(|index| cached[*index].address).collect();
        hosts.sort_unstable();
        hosts.dedup();
        prop_assert_eq!(hosts.len(), chosen.len());
        for index in chosen {
            let pong = cached[index];
            prop_assert!(pong.from != asker && pong.at <= now.into() && u64::from(now) - pong.at <= 3_000);
        }
    }
}
