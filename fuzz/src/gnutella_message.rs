//! Descriptors: framing, payloads, results and trailers. What is decoded re-encodes to the same
//! bytes; a stream gives the same messages however it is cut.

use gnutella_wire::{
    DecodeError, Decoded, Frame, Header, Limits, Message, OwnedMessage, Payload, Trailer, keywords,
};

use crate::cuts::cuts;
use crate::gnutella_extensions::walk;

/// Checks one input: a stream of descriptors.
pub fn check(data: &[u8]) {
    let limits = Limits { payload: 4_096, ..Limits::DEFAULT };
    let whole = read(data, &limits, &[data.len()]);
    let cuts = cuts(data);
    assert_eq!(read(data, &limits, &cuts), whole, "cut at {cuts:?}");
    if let Ok(message) = Message::decode(data) {
        assert_eq!(encode(&message), data);
    }
}

type Outcome = (Vec<Result<OwnedMessage, DecodeError>>, Option<DecodeError>);

/// All messages of a stream that arrives in pieces, and what ended it.
fn read(data: &[u8], limits: &Limits, cuts: &[usize]) -> Outcome {
    let mut messages = Vec::new();
    let (mut start, mut end) = (0, 0);
    let mut cuts = cuts.iter();
    loop {
        match Frame::decode_prefix(&data[start..end], limits) {
            Ok(Decoded::Complete { value: frame, consumed }) => {
                assert!(consumed == Header::LEN + frame.payload.len());
                messages.push(look(&frame, &data[start..start + consumed]));
                start += consumed;
            }
            Ok(Decoded::Partial { needed }) => {
                assert!(needed >= 1);
                match cuts.next() {
                    Some(next) => end = *next,
                    None => return (messages, None),
                }
            }
            Err(error) => return (messages, Some(error)),
        }
    }
}

/// Visits everything in a descriptor, whose bytes these are.
pub fn look(frame: &Frame<'_>, bytes: &[u8]) -> Result<OwnedMessage, DecodeError> {
    let message = frame.parse().inspect_err(|error| assert!(error.offset <= bytes.len()))?;
    assert_eq!(encode(&message), bytes);
    match message.payload {
        Payload::Query(query) => {
            for word in keywords(query.text()) {
                assert!(!word.as_written().is_empty() && word.chars().next().is_some());
            }
            walk(query.extensions());
        }
        Payload::QueryHit(hit) => {
            assert_eq!(hit.results.count(), hit.results.len());
            hit.results.for_each(|result| walk(result.extensions()));
            if let Ok(Some(trailer)) = hit.trailer() {
                let mut again = Vec::new();
                trailer.encode(&mut again);
                assert_eq!(again, hit.trailer);
                assert_eq!(Trailer::decode(&again), Ok(trailer));
                let _ = (trailer.push(), trailer.busy(), trailer.ggep(), trailer.chat());
                walk(trailer.extensions());
                if let Some(xml) = trailer.xml() {
                    let _ = xml.text(&Limits { inflated: 4_096, ..Limits::DEFAULT });
                }
            }
        }
        Payload::Ping(ping) => walk(ping.extensions()),
        Payload::Pong(pong) => walk(pong.extensions()),
        Payload::Push(push) => walk(push.extensions()),
        Payload::Bye(bye) => assert!(bye.message().len() <= bye.body.len()),
        Payload::Vendor(vendor) => match vendor.message() {
            Ok(said) => {
                walk(said.extensions());
                let mut again = said.to_vendor();
                again.standard = vendor.standard;
                assert_eq!(again.borrow(), vendor);
            }
            Err(error) => assert!(error.offset <= bytes.len() - Header::LEN),
        },
        _ => {}
    }
    let owned = message.to_owned();
    assert_eq!(owned.borrow(), message);
    Ok(owned)
}

fn encode(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(bytes.len(), message.encoded_len());
    bytes
}
