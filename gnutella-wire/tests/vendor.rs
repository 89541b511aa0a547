//! Bye and vendor messages. Sources: LimeWire's MessagesSupportedVendorMessageTest and
//! CapabilitiesVMTest, the documents on Bye, on out-of-band replies (2 and 3), on leaf-guided queries and
//! on push proxies, and how gtk-gnutella reads and writes them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    Bye, Capabilities, CrawledHost, CrawlerPong, DecodeErrorKind, GgepBuilder, Limits, OwnedBye,
    Payload, PayloadType, SupportedMessages, Vendor, VendorId, VendorMessage,
};

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const fn id(vendor: &[u8; 4], selector: u16, version: u16) -> VendorId {
    VendorId { vendor: *vendor, selector, version }
}

/// What the message says, after a round trip over its bytes.
fn decode(id: VendorId, data: &[u8]) -> Result<String, DecodeErrorKind> {
    let mut payload = Vec::new();
    Vendor { standard: false, id, data }.encode(&mut payload);
    let Payload::Vendor(vendor) = Payload::decode(PayloadType::VENDOR, &payload).unwrap() else {
        panic!("a vendor message")
    };
    assert_eq!(vendor, Vendor { standard: false, id, data });
    let message = vendor.message().map_err(|error| {
        assert!(error.offset <= payload.len());
        error.kind
    })?;
    let again = message.to_vendor();
    assert_eq!(again.borrow(), vendor);
    let mut bytes = Vec::new();
    again.borrow().encode(&mut bytes);
    assert_eq!(bytes, payload);
    Ok(format!("{message:?}"))
}

#[test]
fn capabilities() {
    let data = unhex("0400535553480a004e45494c0500444157470300444157470300");
    let null = id(&[0; 4], 10, 0);
    assert!(decode(null, &data).is_ok());
    let Ok(VendorMessage::Capabilities(list)) = VendorMessage::decode(null, &data) else {
        panic!("capabilities")
    };
    let entries = [(*b"SUSH", 10), (*b"NEIL", 5), (*b"DAWG", 3), (*b"DAWG", 3)];
    assert_eq!(list.iter().collect::<Vec<_>>(), entries);
    assert_eq!(Capabilities::build(&entries), data);
    for bad in [&data[..20], &[&data[..20], b"crap"].concat(), &data[..1]] {
        assert!(decode(null, bad).is_err(), "{}", hex::encode(bad));
    }
}

#[test]
fn messages_supported() {
    let messages = [id(b"BEAR", 4, 1), id(b"LIME", 21, 2), id(b"GTKG", 7, 2), id(b"LIME", 12, 3)];
    let data = SupportedMessages::build(&messages);
    assert_eq!(hex::encode(&data[..10]), "04004245415204000100");
    let null = id(&[0; 4], 0, 0);
    assert!(decode(null, &data).is_ok());
    let Ok(VendorMessage::MessagesSupported(list)) = VendorMessage::decode(null, &data) else {
        panic!("messages supported")
    };
    assert_eq!(list.iter().collect::<Vec<_>>(), messages);
    for bad in [&data[..26], &[&data[..26], b"crap"].concat()] {
        let kind = decode(null, bad).unwrap_err();
        assert!(matches!(kind, DecodeErrorKind::ListLength { count: 4, expected: 32, .. }));
    }
}

#[test]
fn messages_in_every_version() {
    for (id, data, says) in [
        (id(b"BEAR", 4, 1), "ff", "HopsFlow { hops: 255 }"),
        (id(b"BEAR", 7, 1), "ca18", "TcpConnectBack { port: 6346 }"),
        (id(b"GTKG", 7, 2), "ca18", "UdpConnectBack { version: 2, port: 6346, guid: [] }"),
        (id(b"BEAR", 11, 1), "", "QueryStatusRequest"),
        (id(b"BEAR", 12, 1), "ffff", "QueryStatus { results: 65535 }"),
        (id(b"LIME", 11, 2), "0a", "ReplyAck { version: 2, wanted: 10, extension: [] }"),
        (
            id(b"LIME", 12, 1),
            "07",
            "ReplyNumber { version: 1, results: 7, unsolicited: false, rest: ReplyNumberRest { flags: 0, extra: [] } }",
        ),
        (
            id(b"LIME", 12, 2),
            "0703",
            "ReplyNumber { version: 2, results: 7, unsolicited: true, rest: ReplyNumberRest { flags: 2, extra: [] } }",
        ),
        (
            id(b"LIME", 12, 3),
            "0700aa",
            "ReplyNumber { version: 3, results: 7, unsolicited: false, rest: ReplyNumberRest { flags: 0, extra: [170] } }",
        ),
        (id(b"LIME", 13, 1), "", "ProxyVeto { up_to: None }"),
        (id(b"LIME", 13, 1), "02", "ProxyVeto { up_to: Some(2) }"),
        (id(b"LIME", 21, 1), "", "PushProxyRequest { version: 1 }"),
        (id(b"LIME", 22, 1), "ca18", "PushProxyAck { version: 1, ip: None, port: 6346 }"),
        (
            id(b"LIME", 22, 2),
            "c0000207ca18",
            "PushProxyAck { version: 2, ip: Some(192.0.2.7), port: 6346 }",
        ),
        (id(b"GTKG", 21, 1), "", "PushProxyCancel"),
        (id(b"LIME", 5, 1), "ff1e03", "CrawlerPing { ultrapeers: 255, leaves: 30, features: 3 }"),
    ] {
        assert_eq!(decode(id, &unhex(data)).unwrap(), says, "{id}");
        // One byte more makes it something else, unless the message may go on.
        let longer = decode(id, &unhex(&format!("{data}000000")));
        let open =
            matches!((id.selector, id.version), (11, 2) | (12, 2 | 3)) && id.vendor == *b"LIME";
        assert_eq!(longer.is_ok(), open, "{id}");
    }
    assert!(decode(id(b"GTKG", 7, 1), &[1; 18]).unwrap().starts_with("UdpConnectBack"));
    assert!(decode(id(b"GTKG", 7, 1), &[1; 17]).is_err());
    assert!(decode(id(b"LIME", 22, 2), &[1; 5]).is_err());
    // Other vendors' messages, and versions nobody knows, are kept.
    assert!(decode(id(b"SHLN", 1, 1), b"anything").unwrap().starts_with("Other"));
    assert!(decode(id(b"BEAR", 12, 9), b"").unwrap().starts_with("Other"));
    assert_eq!(id(b"LIME", 12, 2).to_string(), "LIME/12v2");
    assert_eq!(id(&[0; 4], 10, 0).to_string(), "null/10v0");
}

/// As LimeWire's UDPCrawlerPong writes it.
#[test]
fn crawler_pongs() {
    let host = |address: &str, minutes, locale: Option<&[u8; 2]>| CrawledHost {
        address: address.parse().unwrap(),
        minutes,
        locale: locale.copied(),
    };
    let ultrapeer = host("192.0.2.7:6346", Some(258), Some(b"en"));
    let leaf = host("192.0.2.8:1", Some(1), Some(b"de"));
    let v6 = host("[2001:db8::1]:1", None, None);
    let crawled = id(b"LIME", 6, 1);
    for (features, bytes) in [
        (0, "010100c0000207ca18c00002080100"),
        (1, "010101c0000207ca180201c000020801000100"),
        (3, "010103c0000207ca180201656ec0000208010001006465"),
    ] {
        let data = CrawlerPong::build(&[ultrapeer, v6], &[leaf], features);
        assert_eq!(hex::encode(&data), bytes);
        assert!(decode(crawled, &data).is_ok());
        let Ok(VendorMessage::CrawlerPong(pong)) = VendorMessage::decode(crawled, &data) else {
            panic!("a crawler pong")
        };
        let known = |host: CrawledHost| CrawledHost {
            minutes: host.minutes.filter(|_| features & 1 != 0),
            locale: host.locale.filter(|_| features & 2 != 0),
            ..host
        };
        assert_eq!(pong.ultrapeers().collect::<Vec<_>>(), [known(ultrapeer)]);
        assert_eq!(pong.leaves().collect::<Vec<_>>(), [known(leaf)]);
        assert!(decode(crawled, &data[..data.len() - 1]).is_err());
    }
    let with_agents = unhex("0000080200abcd");
    let Ok(VendorMessage::CrawlerPong(pong)) = VendorMessage::decode(crawled, &with_agents) else {
        panic!("a crawler pong")
    };
    assert_eq!((pong.user_agents(), pong.features()), (&with_agents[3..], 8));
    assert!(decode(crawled, &with_agents).is_ok() && decode(crawled, &[0, 0]).is_err());
    // Features that came later: kept, as their entries are longer.
    assert!(decode(crawled, &unhex("010010c0000207ca18ffff")).unwrap().starts_with("Other"));
}

/// Out-of-band replies, version 3: the token comes back in a GGEP block.
#[test]
fn tokens_of_out_of_band_replies() {
    let block = GgepBuilder::new().push(b"SO", b"token").unwrap().finish();
    let data = [&[255], &block[..]].concat();
    let message = VendorMessage::decode(id(b"LIME", 11, 3), &data).unwrap();
    let token = message.extensions().ggep(b"SO").unwrap();
    assert_eq!(*token.data(&Limits::DEFAULT).unwrap(), *b"token");
}

#[test]
fn standard_messages_keep_their_type() {
    let bytes = unhex("4c494d4505000100010203aa");
    let payload = Payload::decode(PayloadType::STANDARD, &bytes).unwrap();
    assert_eq!(payload.payload_type(), PayloadType::STANDARD);
    let mut again = Vec::new();
    payload.encode(&mut again);
    assert_eq!(again, bytes);
    assert_eq!(payload.to_owned().borrow(), payload);
    let error = Payload::decode(PayloadType::STANDARD, &bytes[..7]).unwrap_err();
    assert_eq!(error.to_string(), "standard payload of 7 bytes, expected at least 8 at offset 7");
}

#[test]
fn byes() {
    let text = b"Shutting Down\r\nServer: my server/version\r\nX-Try: 1.2.3.4:5\r\n\r\n";
    let bye = OwnedBye::new(Bye::SHUTDOWN, text).unwrap();
    let mut bytes = Vec::new();
    bye.borrow().encode(&mut bytes);
    assert_eq!(bytes.len(), bye.borrow().encoded_len());
    assert_eq!(bytes[..2], [200, 0]);
    let bye = Bye::decode(&bytes).unwrap();
    assert_eq!((bye.code, bye.message()), (200, &b"Shutting Down"[..]));
    let fields: Vec<_> = bye.fields().collect();
    assert_eq!(fields, [(&b"Server"[..], &b"my server/version"[..]), (b"X-Try", b"1.2.3.4:5")]);
    // The short form, with and without its NUL, and nothing at all.
    for (bytes, message) in [
        (&b"\xf6\x01Send Queue Full\0rest"[..], &b"Send Queue Full"[..]),
        (b"\xf6\x01Send Queue Full", b"Send Queue Full"),
        (b"\xf6\x01", b""),
    ] {
        let bye = Bye::decode(bytes).unwrap();
        assert_eq!((bye.code, bye.message(), bye.fields().count()), (502, message, 0));
    }
    assert!(Bye::decode(b"\xc8").is_err());
    assert!(OwnedBye::new(200, b"a\0b").is_err());
}
