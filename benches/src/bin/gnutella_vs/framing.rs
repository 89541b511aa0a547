//! Where one descriptor ends and the next begins, and what its header says.

use std::io;

use nom::bytes::complete::take;
use nom::number::complete::{le_u32, u8};
use nom::{IResult, Parser};
use overlay_benches::gnutella::Mix;
use overlay_benches::{Bench, Unit};

use crate::descriptors::frames;

/// Sums over the headers and the payloads' ends.
#[derive(Debug, Default, PartialEq)]
struct Framed {
    messages: u64,
    types: u64,
    hops: u64,
    guids: u64,
    last: u64,
}

impl Framed {
    fn add(&mut self, guid: u8, payload_type: u8, hops: u8, payload: &[u8]) {
        self.messages += 1;
        self.types += u64::from(payload_type);
        self.hops += u64::from(hops);
        self.guids += u64::from(guid);
        self.last += u64::from(payload.last().copied().unwrap_or_default());
    }
}

pub fn run(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let unit = Unit::MillionsPerSecond { items: mix.holds.messages };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    assert_eq!(ours(&mix.stream), bare(&mix.stream));
    case.ours(|| ours(&mix.stream));
    case.other("limit", || bare(&mix.stream));
    bench.run(case)
}

fn ours(stream: &[u8]) -> Framed {
    let mut framed = Framed::default();
    for frame in frames(stream) {
        let header = frame.header;
        framed.add(header.guid.as_bytes()[0], header.payload_type.0, header.hops, frame.payload);
    }
    framed
}

type Descriptor<'a> = (&'a [u8], u8, u8, u8, &'a [u8]);

/// What nom makes of the header, without limits or offsets of errors.
fn descriptor(input: &[u8]) -> IResult<&[u8], Descriptor<'_>> {
    let (rest, (guid, payload_type, ttl, hops, length)) =
        (take(16_usize), u8, u8, u8, le_u32).parse(input)?;
    let (rest, payload) = take(length)(rest)?;
    Ok((rest, (guid, payload_type, ttl, hops, payload)))
}

fn bare(stream: &[u8]) -> Framed {
    let mut framed = Framed::default();
    let mut rest = stream;
    while let Ok((after, (guid, payload_type, _, hops, payload))) = descriptor(rest) {
        framed.add(guid[0], payload_type, hops, payload);
        rest = after;
    }
    framed
}
