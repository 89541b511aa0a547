//! Descriptors: read, copied, written.

use std::hint::black_box;
use std::io;

use gnutella_wire::{Decoded, Frame, Limits, LinkReader, Message, OwnedMessage};
use overlay_benches::gnutella::{Mix, walk as visit};
use overlay_benches::{Bench, Unit};

use crate::tshark;

/// The frames of a stream.
pub fn frames(stream: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = stream;
    std::iter::from_fn(move || match Frame::decode_prefix(rest, &Limits::DEFAULT) {
        Ok(Decoded::Complete { value, consumed }) => {
            rest = &rest[consumed..];
            Some(value)
        }
        _ => None,
    })
}

fn check(mix: &Mix) {
    let seen = visit(&mix.stream);
    assert_eq!((seen.errors, seen.messages), (0, mix.holds.messages));
    assert_eq!((seen.queries, seen.results), (mix.holds.queries, mix.holds.results));
    assert_eq!((seen.urns, seen.ggep_items), (mix.holds.urns, mix.holds.ggep_items));
    assert_eq!(seen.text_bytes, mix.holds.text_bytes);
}

fn messages(mix: &Mix) -> Unit {
    Unit::MillionsPerSecond { items: mix.holds.messages }
}

/// Everything in every descriptor.
pub fn walk(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let Some(mut case) = bench.case(name, messages(mix)) else { return Ok(()) };
    check(mix);
    case.ours(|| visit(&mix.stream));
    match tshark::seconds_a_stream(mix) {
        Ok(seconds) => _ = case.other_measured("tshark", seconds * 1e9),
        Err(why) => eprintln!("{name}: no tshark: {why}"),
    }
    bench.run(case)
}

/// The same, of hits, counted in results.
pub fn walk_results(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let unit = Unit::MillionsPerSecond { items: mix.holds.results };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    check(mix);
    case.ours(|| visit(&mix.stream));
    bench.run(case)
}

/// Framed and parsed, and nothing looked at.
pub fn parse(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let Some(mut case) = bench.case(name, messages(mix)) else { return Ok(()) };
    case.ours(|| frames(&mix.stream).for_each(|frame| _ = black_box(frame.parse())));
    bench.run(case)
}

/// Parsed and copied, one at a time.
pub fn own(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let Some(mut case) = bench.case(name, messages(mix)) else { return Ok(()) };
    let own = |frame: Frame<'_>| frame.parse().map(|message| message.to_owned());
    case.ours(|| frames(&mix.stream).for_each(|frame| _ = black_box(own(frame))));
    // As many bytes copied into a box each, unparsed.
    case.other("limit", || {
        frames(&mix.stream).for_each(|frame| _ = black_box(Box::<[u8]>::from(frame.payload)));
    });
    bench.run(case)
}

/// Owned messages into a buffer that is used again.
pub fn encode(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let Some(mut case) = bench.case(name, messages(mix)) else { return Ok(()) };
    let read = |frame: Frame<'_>| frame.parse().expect("a message").to_owned();
    let list: Vec<OwnedMessage> = frames(&mix.stream).map(read).collect();
    let mut out = Vec::with_capacity(mix.stream.len());
    list.iter().for_each(|message| message.borrow().encode(&mut out));
    assert_eq!(out, mix.stream);
    case.ours(move || {
        out.clear();
        list.iter().for_each(|message| message.borrow().encode(&mut out));
        out.len()
    });
    let mut copy = vec![0; mix.stream.len()];
    case.other("memcpy", move || copy.copy_from_slice(black_box(&mix.stream)));
    bench.run(case)
}

/// From a link that is read in pieces of 16 kB, parsed.
pub fn link(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let Some(mut case) = bench.case(name, messages(mix)) else { return Ok(()) };
    let mut found = 0;
    through_link(&mix.stream, |_| found += 1);
    assert_eq!(found, mix.holds.messages);
    case.ours(|| through_link(&mix.stream, |message| _ = black_box(message)));
    bench.run(case)
}

fn through_link(stream: &[u8], mut each: impl FnMut(Message<'_>)) {
    let mut link = LinkReader::new(Limits::DEFAULT, false);
    for piece in stream.chunks(16_384) {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = &rest[link.feed(rest)..];
            while let Some(frame) = link.next().expect("a good link") {
                each(frame.parse().expect("a message"));
            }
        }
    }
}
