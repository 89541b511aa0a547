//! Bytes and numbers that are fixed for good.

use std::net::SocketAddr;

use bytes::Bytes;
use overlay_chord::{
    Contact, DecodeError, DecodeErrorKind, Id, Id160, Message, Publication, Refusal, Traffic,
};

fn address() -> SocketAddr {
    "192.0.2.7:6881".parse().expect("an address")
}

/// FIPS 180-1, appendix A.
#[test]
fn identifiers_are_sha1() {
    assert_eq!(Id160::hash(b"abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(Id160::hash(b"").to_string(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

#[test]
fn a_nodes_identifier_is_sha1_of_its_address_on_the_wire() {
    let bytes = [4, 192, 0, 2, 7, 0x1a, 0xe1];
    assert_eq!(Id160::of_address(address()), Id160::hash(&bytes));
    let six: SocketAddr = "[2001:db8::1]:80".parse().expect("an address");
    let bytes = [6, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80];
    assert_eq!(Id160::of_address(six), Id160::hash(&bytes));
}

/// Each message's bytes, in hexadecimal, with dots between the fields.
#[test]
fn messages_on_the_wire() {
    let id = Id160::from_bytes([0x11; 20]);
    let contact = Contact { id, address: address() };
    let six = Contact { id, address: "[2001:db8::1]:80".parse().expect("an address") };
    let publication = Publication { publisher: address(), value: Bytes::from_static(b"hi") };
    let (request, traffic) = (0x0102_0304, Traffic::User);
    let i = "1111111111111111111111111111111111111111";
    let a = "04c00002071ae1";
    let a6 = "0620010db80000000000000000000000010050";
    let table = [
        (Message::Ping { request }, "c1.01.04.01020304".into()),
        (Message::Pointers { request, joining: None }, "c1.03.05.01020304.00".into()),
        (Message::Pointers { request, joining: Some(id) }, format!("c1.03.19.01020304.01.{i}")),
        (
            Message::Neighbours {
                request,
                id,
                predecessor: Some(contact),
                successors: vec![contact, six],
            },
            format!("c1.04.76.01020304.{i}.01.{i}.{a}.{i}.{a}.{i}.{a6}"),
        ),
        (Message::Notify { id }, format!("c1.06.14.{i}")),
        (Message::Nudge, "c1.07.00".into()),
        (Message::Find { request, traffic, key: id }, format!("c1.10.18.01020304.{i}")),
        (
            Message::Find { request, traffic: Traffic::Upkeep, key: id },
            format!("c1.18.18.01020304.{i}"),
        ),
        (
            Message::Owner { request, traffic, id, contacts: vec![contact], before: vec![six] },
            format!("c1.11.5b.01020304.{i}.01.{i}.{a}.{i}.{a6}"),
        ),
        (
            Message::Put { request, key: id, copy: true, publication: publication.clone() },
            format!("c1.20.23.01020304.{i}.01.{a}.02.6869"),
        ),
        (
            Message::Get { request, key: id, copy: false, after: Some(5) },
            format!("c1.22.22.01020304.{i}.00.01.0000000000000005"),
        ),
        (
            Message::Values {
                request,
                complete: true,
                next: None,
                publications: vec![publication.clone()],
            },
            format!("c1.23.10.01020304.01.00.{a}.02.6869"),
        ),
        (Message::Refused { request, reason: Refusal::StoreFull }, "c1.25.05.01020304.02".into()),
        (
            Message::Data { part: 1, left: 2, bytes: Bytes::from(vec![0xaa; 130]) },
            format!("c1.41.8a01.00000001.00000002.{}", "aa".repeat(130)),
        ),
        (
            Message::Entries { key: id, publications: vec![publication] },
            format!("c1.36.1e.{i}.{a}.02.6869"),
        ),
        (Message::End, "c1.37.00".into()),
    ];
    for (message, expected) in table {
        let bytes = hex::decode(expected.replace('.', "")).expect("hexadecimal");
        let mut encoded = Vec::new();
        message.encode(&mut encoded);
        assert_eq!(hex::encode(&encoded), hex::encode(&bytes), "{message:?}");
        assert_eq!(Message::decode(&bytes), Ok(message));
    }
}

#[test]
fn each_error_says_what_is_wrong_and_where() {
    let table: [(&[u8], usize, DecodeErrorKind, &str); 9] = [
        (
            &[0xc2, 1],
            0,
            DecodeErrorKind::Version { expected: 0xc1, found: 0xc2 },
            "at byte 0: expected the version byte 0xc1, found 0xc2",
        ),
        (
            &[0xc1, 0x99, 0],
            1,
            DecodeErrorKind::Kind { found: 0x99 },
            "at byte 1: there is no message kind 0x99",
        ),
        (
            &[0xc1, 1, 2, 0, 0],
            3,
            DecodeErrorKind::Short { field: "request", needed: 4, left: 2 },
            "at byte 3: request needs 4 bytes, but the body has 2 left",
        ),
        (
            &[0xc1, 7, 1, 0],
            3,
            DecodeErrorKind::Trailing { left: 1 },
            "at byte 3: 1 bytes follow the end of the message",
        ),
        (
            &[0xc1, 7, 0, 0],
            3,
            DecodeErrorKind::Trailing { left: 1 },
            "at byte 3: 1 bytes follow the end of the message",
        ),
        (
            &[0xc1, 1, 4, 0],
            4,
            DecodeErrorKind::Cut { needed: 3 },
            "at byte 4: the message is cut short: 3 more bytes are needed",
        ),
        (
            &[0xc1, 7, 0x80, 0],
            2,
            DecodeErrorKind::NotShortest,
            "at byte 2: a number is spelled in more bytes than it needs",
        ),
        (
            &[0xc1, 0x41, 0xff, 0xff, 0x7f],
            2,
            DecodeErrorKind::TooLarge { field: "the body's length", max: 65_600 },
            "at byte 2: the body's length is more than 65600",
        ),
        (
            &[0xc1, 0x25, 5, 0, 0, 0, 0, 9],
            7,
            DecodeErrorKind::Tag { field: "reason", found: 9 },
            "at byte 7: reason can not be 0x09",
        ),
    ];
    for (bytes, offset, kind, text) in table {
        let error = Message::decode(bytes).expect_err(text);
        assert_eq!(error, DecodeError { offset, kind });
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn text_that_is_no_identifier() {
    let table = [
        ("", "at byte 0: an identifier has 40 hexadecimal digits, found 0"),
        ("12", "at byte 2: an identifier has 40 hexadecimal digits, found 2"),
        ("12g", "at byte 2: expected a hexadecimal digit, found 'g'"),
        ("é", "at byte 0: expected a hexadecimal digit, found 'é'"),
    ];
    for (text, error) in table {
        assert_eq!(text.parse::<Id160>().expect_err(text).to_string(), error);
    }
    let long = "0".repeat(41);
    assert_eq!(
        long.parse::<Id160>().expect_err("too long").to_string(),
        "at byte 40: an identifier has 40 hexadecimal digits, found 41"
    );
    assert_eq!("0".repeat(40).parse(), Ok(Id160::ZERO));
}
