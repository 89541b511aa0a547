//! Properties that hold for all inputs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::net::{Ipv4Addr, SocketAddrV4};

use gnutella_wire::{
    ByteRange, Connect, ContentRange, Decoded, Frame, Giv, Guid, Head, Header, HitResult, Keyword,
    Limits, Message, Opening, OwnedBye, OwnedHead, OwnedMessage, OwnedPayload, OwnedPing,
    OwnedPong, OwnedPush, OwnedQrp, OwnedQueryHit, OwnedVendor, PayloadType, Query, QueryFlags,
    Reply, Request, Response, Target, Trailer, TtlRules, VendorId, forward, keywords,
};
use proptest::collection::vec;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

fn guid() -> impl Strategy<Value = Guid> {
    any::<[u8; 16]>().prop_map(Guid::from_bytes)
}

fn address() -> impl Strategy<Value = SocketAddrV4> {
    any::<(u32, u16)>().prop_map(|(ip, port)| SocketAddrV4::new(Ipv4Addr::from_bits(ip), port))
}

fn extension() -> impl Strategy<Value = Box<[u8]>> {
    vec(any::<u8>(), 0..20).prop_map(Into::into)
}

fn string() -> impl Strategy<Value = Vec<u8>> {
    vec(1..=u8::MAX, 0..20)
}

fn payload() -> impl Strategy<Value = OwnedPayload> {
    let ping = extension().prop_map(|extension| OwnedPayload::Ping(OwnedPing { extension }));
    let pong = (address(), any::<(u32, u32)>(), extension()).prop_map(
        |(address, (files, kbytes), extension)| {
            OwnedPayload::Pong(OwnedPong { address, files, kbytes, extension })
        },
    );
    let query = (any::<u16>(), vec(1..=u8::MAX, 1..20), proptest::option::of(extension()))
        .prop_map(|(flags, text, extension)| {
            let query = Query::new(QueryFlags(flags), &text).unwrap();
            OwnedPayload::Query(match &extension {
                Some(extension) => query.with_extension(extension).to_owned(),
                None => query.to_owned(),
            })
        });
    let results = vec((any::<(u32, u32)>(), string(), string()), 0..5);
    let hit = (address(), any::<u32>(), guid(), results, extension()).prop_map(
        |(address, speed, servent, results, trailer)| {
            let results = results.iter().map(|((index, size), name, extension)| HitResult {
                index: *index,
                size: *size,
                name,
                extension,
            });
            let mut hit = OwnedQueryHit::new(address, speed, servent, results).unwrap();
            hit.trailer = trailer;
            OwnedPayload::QueryHit(hit)
        },
    );
    let push = (guid(), any::<u32>(), address(), extension()).prop_map(
        |(servent, index, address, extension)| {
            OwnedPayload::Push(OwnedPush { servent, index, address, extension })
        },
    );
    let bye = (any::<u16>(), extension())
        .prop_map(|(code, body)| OwnedPayload::Bye(OwnedBye { code, body }));
    let reset = (any::<(u32, u8)>(), extension()).prop_map(|((slots, infinity), rest)| {
        OwnedPayload::Qrp(OwnedQrp::Reset { slots, infinity, rest })
    });
    let patch = (any::<[u8; 4]>(), extension()).prop_map(|(fields, data)| {
        let [number, count, compressor, entry_bits] = fields;
        OwnedPayload::Qrp(OwnedQrp::Patch { number, count, compressor, entry_bits, data })
    });
    let vendor = (any::<bool>(), any::<([u8; 4], u16, u16)>(), extension()).prop_map(
        |(standard, (vendor, selector, version), data)| {
            let id = VendorId { vendor, selector, version };
            OwnedPayload::Vendor(OwnedVendor { standard, id, data })
        },
    );
    let unknown = (prop::sample::select(vec![3, 0x41, 0x44, 0xcd, 0xff]), extension()).prop_map(
        |(number, bytes)| OwnedPayload::Unknown { payload_type: PayloadType(number), bytes },
    );
    prop_oneof![ping, pong, query, hit, push, bye, reset, patch, vendor, unknown]
}

fn message() -> impl Strategy<Value = OwnedMessage> {
    (guid(), any::<u8>(), any::<u8>(), payload())
        .prop_map(|(guid, ttl, hops, payload)| OwnedMessage { guid, ttl, hops, payload })
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn round_trip(message in message()) {
        let bytes = encoded(&message.borrow());
        prop_assert_eq!(bytes.len(), message.borrow().encoded_len());
        let decoded = Message::decode(&bytes).unwrap();
        prop_assert_eq!(decoded, message.borrow());
        prop_assert_eq!(decoded.to_owned(), message);
        prop_assert_eq!(encoded(&decoded), bytes);
    }

    /// A stream gives the same messages wherever it is cut, and never asks for more than it needs.
    #[test]
    fn chunk_split_equality(messages in vec(message(), 1..5), cuts in vec(1usize..40, 1..50)) {
        let stream: Vec<u8> = messages.iter().flat_map(|m| encoded(&m.borrow())).collect();
        let (mut buffer, mut read, mut sent) = (Vec::new(), Vec::new(), 0);
        let mut cuts = cuts.iter().cycle();
        while sent < stream.len() {
            let more = (*cuts.next().unwrap()).min(stream.len() - sent);
            buffer.extend_from_slice(&stream[sent..sent + more]);
            sent += more;
            loop {
                match Message::decode_prefix(&buffer, &Limits::DEFAULT).unwrap() {
                    Decoded::Complete { value, consumed } => {
                        read.push(value.to_owned());
                        buffer.drain(..consumed);
                    }
                    Decoded::Partial { needed } => {
                        prop_assert!(needed >= 1);
                        prop_assert!(buffer.is_empty() || sent + needed <= stream.len());
                        break;
                    }
                }
            }
        }
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(bytes: Vec<u8>, payload_type in prop::sample::select(vec![0, 1, 2, 0x30, 0x31, 0x32, 0x40, 0x80, 0x81, 0xcd])) {
        let _ = Message::decode(&bytes);
        let _ = Opening::detect(&bytes);
        let _ = ByteRange::parse(&bytes);
        let _ = ContentRange::parse(&bytes);
        let _ = Trailer::decode(&bytes);
        let _ = keywords(&bytes).count();
        let length = bytes.len() as u32;
        let header = Header { guid: Guid::ZERO, payload_type: PayloadType(payload_type), ttl: 1, hops: 1, length };
        let mut message = Vec::new();
        header.encode(&mut message);
        message.extend_from_slice(&bytes);
        let Ok(Decoded::Complete { value: frame, consumed }) = Frame::decode_prefix(&message, &Limits::DEFAULT) else {
            panic!("a whole frame")
        };
        prop_assert_eq!(consumed, message.len());
        prop_assert_eq!(frame.header, header);
        match frame.parse() {
            Ok(parsed) => {
                prop_assert_eq!(&encoded(&parsed), &message);
                prop_assert_eq!(encoded(&parsed.to_owned().borrow()), encoded(&parsed));
                if let gnutella_wire::Payload::QueryHit(hit) = parsed.payload {
                    prop_assert_eq!(hit.results.count(), hit.results.len());
                    let _ = hit.trailer();
                }
            }
            Err(error) => prop_assert!(error.offset <= message.len()),
        }
    }

    #[test]
    fn heads_re_encode_and_do_not_depend_on_how_they_are_cut(
        start in "[ -~]{0,30}|(GET /get/[0-9]{1,11}/[ -~]{0,9} HTTP/1.1)|(GIV [0-9]{1,10}:[0-9a-f]{32}/[ -~]{0,9})|(HTTP/1.1 [0-9]{3} [A-Z]{0,4})|(GNUTELLA CONNECT/0.[0-9])",
        fields in vec(("[A-Za-z-]{1,10}", "[ -~]{0,20}"), 0..4),
        rest: Vec<u8>,
    ) {
        let mut text = start.into_bytes();
        for (name, value) in &fields {
            text.extend_from_slice(format!("\r\n{name}: {value}").as_bytes());
        }
        text.extend_from_slice(b"\r\n\r\n");
        let whole = [text.as_slice(), &rest].concat();
        let mut first = None;
        for cut in 0..=whole.len() {
            match Head::decode_prefix(&whole[..cut], &Limits::DEFAULT).unwrap() {
                Decoded::Complete { value, consumed } => {
                    let found = first.get_or_insert((value.to_owned(), consumed));
                    prop_assert_eq!((&found.0.borrow(), found.1), (&value, consumed));
                    prop_assert!(cut >= consumed);
                }
                Decoded::Partial { needed } => prop_assert!(first.is_none() && needed >= 1),
            }
        }
        let (head, consumed) = first.unwrap();
        let mut again = Vec::new();
        head.borrow().encode(&mut again);
        prop_assert_eq!(&again, &whole[..consumed]);
        prop_assert_eq!(again.len(), head.borrow().encoded_len());
        check_views(head.borrow());
    }

    #[test]
    fn no_panic_on_arbitrary_heads(bytes: Vec<u8>, start in 0usize..5) {
        let starts = ["", "GET /get/", "HTTP/1.1 206 \nContent-Range: ", "GIV 1:", "GNUTELLA CONNECT/"];
        let text = [starts[start].as_bytes(), &bytes, b"\n\n"].concat();
        let Decoded::Complete { value, .. } = Head::decode_prefix(&text, &Limits::DEFAULT).unwrap() else {
            panic!("it ends")
        };
        check_views(value);
    }

    #[test]
    fn what_is_built_is_read_back(index: u32, name: Vec<u8>, range in range(), servent in guid(), start in 0u64..1_000, length in 1u64..1_000) {
        let host = "192.0.2.1:6346".parse().unwrap();
        let request = Request::build(index, &name, host, range).finish();
        let parsed = Request::parse(request.borrow()).unwrap();
        let same = matches!(parsed.target, Target::File { index: i, .. } if i == index);
        prop_assert!(same);
        let without_slash = name.strip_suffix(b"/").unwrap_or(&name);
        let decoded = parsed.target.decoded_name().unwrap();
        prop_assert!(decoded == name || decoded == without_slash);
        prop_assert_eq!(parsed.range(), Ok(range));
        let giv = Giv::build(index, servent, &name);
        let parsed = Giv::parse(giv.borrow()).unwrap();
        prop_assert_eq!((parsed.index, parsed.servent), (index, servent));
        let head = Response::ok(start, start + length, start + length, true).finish();
        let response = Response::parse(head.borrow()).unwrap();
        prop_assert_eq!(response.content_length(), Ok(Some(length)));
        let sent = response.content_range().unwrap().unwrap();
        prop_assert_eq!(sent.range, Some((start, start + length - 1)));
    }

    #[test]
    fn display_and_parse_of_a_guid(guid in guid()) {
        prop_assert_eq!(guid.to_string().parse(), Ok(guid));
        prop_assert_eq!(format!("{guid:X}").parse(), Ok(guid));
        prop_assert!(guid.marked().is_marked());
    }

    /// However a descriptor is passed on, it ends: TTL + hops never grows, and is at most the rule's.
    #[test]
    fn nothing_travels_beyond_its_ttl(ttl: u8, hops: u8, max in 1u8..20, hard in 0u8..20) {
        let rules = TtlRules { max, hard };
        let (mut ttl, mut hops, mut steps) = (ttl, hops, 0u32);
        while let Ok(left) = rules.received(ttl, hops) {
            prop_assert!(left <= ttl && (left == 0 || u32::from(left) + u32::from(hops) <= u32::from(max)));
            let Some(next) = forward(left, hops) else { break };
            prop_assert_eq!(next, (left - 1, hops + 1));
            (ttl, hops) = next;
            steps += 1;
        }
        prop_assert!(steps < u32::from(max));
    }

    /// Joining keywords by anything else changes nothing, as they were written and as they are folded.
    #[test]
    fn keywords_of_keywords_are_the_same(text in "(\\PC|[a-zA-Zäéßøйがか\u{300}-\u{370}\u{3099}_ ]){0,40}") {
        for form in [|word: Keyword<'_>| word.as_written().to_string(), |word: Keyword<'_>| word.to_string()] {
            let words: Vec<String> = keywords(text.as_bytes()).map(form).collect();
            prop_assert!(words.iter().all(|word| !word.is_empty()));
            let joined = words.join("_-");
            let again: Vec<String> = keywords(joined.as_bytes()).map(form).collect();
            prop_assert_eq!(again, words);
        }
    }

    /// However a text is composed, its keywords are the same.
    #[test]
    fn composing_a_text_changes_no_keyword(text in "\\PC{0,40}") {
        for other in [text.nfc().to_string(), text.nfd().to_string()] {
            prop_assert!(keywords(other.as_bytes()).eq(keywords(text.as_bytes())), "{other:?}");
        }
    }
}

fn range() -> impl Strategy<Value = Option<ByteRange>> {
    proptest::option::of(prop_oneof![
        any::<(u64, u64)>()
            .prop_map(|(a, b)| ByteRange::FromTo { first: a.min(b), last: a.max(b) }),
        any::<u64>().prop_map(|first| ByteRange::From { first }),
        any::<u64>().prop_map(|length| ByteRange::Last { length }),
    ])
}

/// No view of a head panics, and errors point into it.
fn check_views(head: Head<'_>) {
    let end = head.as_bytes().len();
    let _ = Reply::parse(head);
    let errors = [
        Connect::parse(head).err(),
        Giv::parse(head).err(),
        Request::parse(head).and_then(|request| request.range()).err(),
        Response::parse(head).and_then(|response| response.content_length()).err(),
        Response::parse(head).and_then(|response| response.content_range()).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(error.offset <= end, "{error} in {head:?}");
    }
    let fields: Vec<_> = head.fields().collect();
    for (name, _) in &fields {
        if let Ok(name) = core::str::from_utf8(name) {
            assert!(head.field(name).is_some());
        }
    }
    let rebuilt = OwnedHead::build(head.start_line()).finish();
    assert!(Head::decode_prefix(rebuilt.borrow().as_bytes(), &Limits::DEFAULT).is_ok());
}
