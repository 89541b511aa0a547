//! The bytes of a link: framed and inflated the same, however they are cut.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    DecodeError, DecodeErrorKind, Frame, Guid, Header, Limits, LinkReader, LinkWriter, Message,
    Payload, PayloadType, Query, QueryFlags,
};
use proptest::prelude::*;

const LIMITS: Limits = Limits { payload: 1_000, ..Limits::DEFAULT };

fn message(payload_type: u8, bytes: &[u8]) -> Message<'_> {
    let payload = Payload::Unknown { payload_type: PayloadType(payload_type), bytes };
    Message { guid: Guid::ZERO, ttl: 1, hops: 0, payload }
}

fn sent(payloads: &[Vec<u8>], deflate: bool, flush_every: usize) -> Vec<u8> {
    let mut writer = LinkWriter::new(deflate);
    let mut out = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        writer.write(&message(0x7f, payload), &mut out);
        if index % flush_every == 0 {
            writer.flush(&mut out);
        }
    }
    writer.flush(&mut out);
    out
}

/// The payloads, and what ended the link. Never buffers more than one descriptor.
fn received(bytes: &[u8], inflate: bool, piece: usize) -> (Vec<Vec<u8>>, Option<DecodeError>) {
    let mut reader = LinkReader::new(LIMITS, inflate);
    let mut payloads = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        let mut rest = piece;
        loop {
            rest = &rest[reader.feed(rest)..];
            assert!(reader.buffered() <= Header::LEN + LIMITS.payload);
            let mut found = false;
            loop {
                match reader.next() {
                    Ok(Some(Frame { header, payload })) => {
                        assert_eq!(header.length as usize, payload.len());
                        payloads.push(payload.to_vec());
                        found = true;
                    }
                    Ok(None) => break,
                    Err(error) => return (payloads, Some(error)),
                }
            }
            if rest.is_empty() {
                break;
            }
            assert!(found, "it takes nothing more and has nothing");
        }
    }
    (payloads, None)
}

/// How many bytes follow the end of a stream depends on how they are cut.
fn kind(error: DecodeError) -> DecodeErrorKind {
    match error.kind {
        DecodeErrorKind::TrailingBytes { .. } => DecodeErrorKind::TrailingBytes { extra: 0 },
        other => other,
    }
}

proptest! {
    #[test]
    fn chunk_split_equality(
        payloads in proptest::collection::vec(proptest::collection::vec(0u8..4, 0..300), 0..20),
        deflate: bool,
        flush_every in 1usize..10,
        piece in 1usize..200,
    ) {
        let bytes = sent(&payloads, deflate, flush_every);
        prop_assert_eq!(received(&bytes, deflate, bytes.len()), (payloads.clone(), None));
        prop_assert_eq!(received(&bytes, deflate, piece), (payloads.clone(), None));
        prop_assert_eq!(received(&bytes, deflate, 1), (payloads, None));
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(bytes: Vec<u8>, inflate: bool, piece in 1usize..20) {
        let whole = received(&bytes, inflate, bytes.len());
        let (again, error) = received(&bytes, inflate, piece);
        prop_assert_eq!((again, error.map(kind)), (whole.0, whole.1.map(kind)));
    }
}

/// What inflates to far more than it is, is looked at a descriptor at a time.
#[test]
fn little_becomes_much_a_piece_at_a_time() {
    let payloads = vec![vec![0; 900]; 2_000];
    let bytes = sent(&payloads, true, usize::MAX);
    assert!(bytes.len() < 20_000);
    assert_eq!(received(&bytes, true, bytes.len()), (payloads, None));
}

/// Two things are wrong with it. The first counts, however much arrives at once.
#[test]
fn deflated_too_long_before_bad_zlib() {
    let payloads = vec![vec![0; 900]; 50];
    let mut bytes = sent(&[&payloads[..], &[vec![0; 1_001]]].concat(), true, 51);
    bytes.extend([0xff; 8]);
    let expected = DecodeErrorKind::PayloadTooLong { length: 1_001, max: 1_000 };
    for piece in [1, 7, bytes.len()] {
        let (received, error) = received(&bytes, true, piece);
        assert_eq!((received, error.map(|it| it.kind)), (payloads.clone(), Some(expected)));
    }
}

/// 90 kB inflated, of which nothing is lost because of what follows.
#[test]
fn everything_before_bad_zlib() {
    let payloads = vec![vec![0; 900]; 100];
    let mut bytes = sent(&payloads, true, 100);
    bytes.extend([0xff; 8]);
    for piece in [1, 7, bytes.len()] {
        let (received, error) = received(&bytes, true, piece);
        let error = error.map(|it| it.kind);
        assert_eq!((received, error), (payloads.clone(), Some(DecodeErrorKind::BadZlib)));
    }
}

#[test]
fn links_that_are_lost() {
    let mut bytes = Vec::new();
    message(0x7f, &[0; 1_001]).encode(&mut bytes);
    let error = received(&bytes, false, 7).1.unwrap();
    let kind = DecodeErrorKind::PayloadTooLong { length: 1_001, max: 1_000 };
    assert_eq!(error, DecodeError { offset: 19, kind });
    assert_eq!(received(&[0; 10], true, 3).1.unwrap().kind, DecodeErrorKind::BadZlib);
    // A stream that is deflated whole has an end; nothing can follow it.
    let mut plain = Vec::new();
    let query = Query::new(QueryFlags::default(), b"x").unwrap();
    let payload = Payload::Query(query);
    Message { guid: Guid::ZERO, ttl: 1, hops: 0, payload }.encode(&mut plain);
    let block = gnutella_wire::GgepBuilder::new().push_deflated(b"X", &plain).unwrap().finish();
    let whole = gnutella_wire::Extensions::of(&block).ggep(b"X").unwrap().raw();
    assert_eq!(received(whole, true, 5).0.len(), 1);
    let longer = [whole, b"more"].concat();
    for piece in [1, longer.len()] {
        let (payloads, error) = received(&longer, true, piece);
        assert!(matches!(error.unwrap().kind, DecodeErrorKind::TrailingBytes { .. }));
        assert_eq!(payloads.len(), 1);
    }
    let mut reader = LinkReader::new(LIMITS, true);
    assert_eq!(reader.feed(&[0; 10]), 10);
    assert!(reader.next().is_err());
    assert_eq!((reader.feed(&[0; 10]), reader.next().is_err()), (10, true));
}
