//! The codec of `tokio_util`, without a runtime: bytes in and out of a buffer.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use bytes::BytesMut;
use gnutella_wire::{
    CodecError, Guid, Limits, Link, LinkCodec, Message, OwnedMessage, OwnedPayload, Payload,
    PayloadType, Ping, Query, QueryFlags, Role, Version,
};
use tokio_util::codec::{Decoder, Encoder};

fn codec(deflated: bool) -> LinkCodec {
    let (ours, theirs) = (Role::Leaf, Role::Ultrapeer);
    let link = Link { version: Version::V06, ours, theirs, inflate: deflated, deflate: deflated };
    LinkCodec::new(Limits::DEFAULT, &link)
}

fn messages() -> Vec<OwnedMessage> {
    let query = Query::new(QueryFlags::default(), b"blue train").unwrap();
    let malformed = Payload::Unknown { payload_type: PayloadType::PONG, bytes: &[1] };
    [Payload::Ping(Ping::default()), Payload::Query(query), malformed]
        .map(|payload| Message { guid: Guid::ZERO, ttl: 3, hops: 1, payload }.to_owned())
        .into()
}

#[test]
fn what_is_sent_is_received_however_it_is_cut() {
    for deflated in [false, true] {
        let (mut sender, mut sent) = (codec(deflated), BytesMut::new());
        for message in messages() {
            sender.encode(message, &mut sent).unwrap();
        }
        for piece in [1, 10, sent.len()] {
            let (mut receiver, mut buffer) = (codec(deflated), BytesMut::new());
            let mut received = Vec::new();
            for piece in sent.chunks(piece) {
                buffer.extend_from_slice(piece);
                while let Some(message) = receiver.decode(&mut buffer).unwrap() {
                    received.push(message);
                }
            }
            assert_eq!(received, messages());
            assert!(matches!(received[2].payload, OwnedPayload::Unknown { .. }));
            assert!(receiver.decode_eof(&mut buffer).unwrap().is_none());
        }
    }
}

#[test]
fn ends_that_are_none() {
    let (mut codec, mut buffer) = (codec(false), BytesMut::from(&[0; 22][..]));
    assert!(matches!(codec.decode_eof(&mut buffer), Err(CodecError::Io(_))));
    let mut buffer = BytesMut::from(&[0xff; 23][..]);
    assert!(matches!(codec.decode(&mut buffer), Err(CodecError::Decode(_))));
}
