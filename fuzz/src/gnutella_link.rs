//! The bytes of a link, deflated or not: the same descriptors however they are cut, never more in
//! the buffer than one, and what is written is read.

use gnutella_wire::{DecodeErrorKind, Frame, Header, Limits, LinkReader, LinkWriter, Message};

use crate::allocation::peak;
use crate::cuts::cuts;

const LIMITS: Limits = Limits { payload: 1_024, ..Limits::DEFAULT };

/// What a bomb becomes is looked at so far.
const MOST: usize = 150;

/// Checks one input: a byte that says whether the rest is deflated, and whether what was read is
/// deflated again.
pub fn check(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let inflate = how & 1 != 0;
    let whole = read(bytes, inflate, &[bytes.len()]);
    let cuts = cuts(bytes);
    let again = read(bytes, inflate, &cuts);
    assert_eq!(again, whole, "cut at {cuts:?}");
    write(&whole.0, false);
    // A deflater is some 300 kB to clear, which takes longer than all the rest.
    if how & 14 == 14 {
        write(&whole.0, true);
    }
}

type Outcome = (Vec<Vec<u8>>, Option<DecodeErrorKind>);

/// The descriptors, and why there are no more.
fn read(bytes: &[u8], inflate: bool, cuts: &[usize]) -> Outcome {
    let mut descriptors = Vec::new();
    let mut reader = LinkReader::new(LIMITS, inflate);
    let mut start = 0;
    for end in cuts {
        let mut rest = &bytes[start..*end];
        start = *end;
        loop {
            let mut taken = 0;
            let cost = peak(|| taken = reader.feed(rest));
            assert!(cost <= 4 * (Header::LEN + LIMITS.payload), "{cost} bytes");
            rest = &rest[taken..];
            assert!(reader.buffered() <= Header::LEN + LIMITS.payload);
            let before = descriptors.len();
            loop {
                match reader.next() {
                    Ok(Some(frame)) => descriptors.push(bytes_of(&frame)),
                    Ok(None) => break,
                    Err(error) => return (descriptors, Some(kind(error.kind))),
                }
                if descriptors.len() == MOST {
                    return (descriptors, None);
                }
            }
            if rest.is_empty() {
                break;
            }
            assert!(descriptors.len() > before, "it takes nothing more and has nothing");
        }
    }
    (descriptors, None)
}

/// How many bytes follow the end of a stream depends on how they are cut.
fn kind(kind: DecodeErrorKind) -> DecodeErrorKind {
    match kind {
        DecodeErrorKind::TrailingBytes { .. } => DecodeErrorKind::TrailingBytes { extra: 0 },
        other => other,
    }
}

fn bytes_of(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.header.encode(&mut bytes);
    bytes.extend_from_slice(frame.payload);
    bytes
}

fn write(descriptors: &[Vec<u8>], deflate: bool) {
    let messages: Vec<_> = descriptors.iter().filter_map(|it| Message::decode(it).ok()).collect();
    let mut writer = LinkWriter::new(deflate);
    let mut sent = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        writer.write(message, &mut sent);
        if index % 3 == 0 {
            writer.flush(&mut sent);
        }
    }
    writer.flush(&mut sent);
    let (received, error) = read(&sent, deflate, &cuts(&sent));
    assert_eq!(error, None);
    let again: Vec<_> = received.iter().filter_map(|it| Message::decode(it).ok()).collect();
    assert_eq!(again, messages);
}
