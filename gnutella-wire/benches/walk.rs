//! A mix of descriptors as a 0.4 servent sees it (about 90 bytes each): framed only, and walked
//! through every result and string.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gnutella_wire::{
    Decoded, Frame, Guid, HitResult, Limits, Message, OwnedQueryHit, Payload, Ping, Pong, Push,
    Query, QueryFlags,
};

const MESSAGES: u64 = 2_000;

/// Of ten: two Pings, two Pongs, four Queries, a hit with three results, and a Push or a QRP patch.
fn stream() -> Vec<u8> {
    let address = "192.0.2.7:6346".parse().expect("an address");
    let mut stream = Vec::new();
    for n in 0..MESSAGES {
        let guid =
            Guid::from_bytes(u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        let names = [0, 1, 2].map(|m| format!("An Artist - Song number {} ({m}).mp3", n + m));
        let results = names.iter().map(|name| HitResult {
            index: n as u32,
            size: 4_000_000,
            name: name.as_bytes(),
            extension: b"",
        });
        let hit = OwnedQueryHit::new(address, 1_000, guid, results).expect("a hit");
        let payload = match n % 10 {
            0 | 5 => Payload::Ping(Ping::default()),
            1 | 6 => Payload::Pong(Pong { address, files: 10, kbytes: 40_000, extension: &[] }),
            9 if n % 20 == 9 => {
                Payload::Push(Push { servent: guid, index: 1, address, extension: &[] })
            }
            9 => {
                Payload::Unknown { payload_type: gnutella_wire::PayloadType::QRP, bytes: &[0; 40] }
            }
            8 => Payload::QueryHit(hit.borrow()),
            _ => Payload::Query(
                Query::new(QueryFlags::from_min_speed(0), names[0].as_bytes()).expect("a query"),
            ),
        };
        Message { guid, ttl: 5, hops: 2, payload }.encode(&mut stream);
    }
    stream
}

fn frames(stream: &[u8], mut each: impl FnMut(Frame<'_>)) {
    let mut rest = stream;
    while let Ok(Decoded::Complete { value, consumed }) =
        Frame::decode_prefix(rest, &Limits::DEFAULT)
    {
        each(value);
        rest = &rest[consumed..];
    }
}

fn walk(criterion: &mut Criterion) {
    let stream = stream();
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(MESSAGES));
    group.bench_function("framing", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            frames(&stream, |frame| bytes += frame.payload.len());
            bytes
        });
    });
    group.bench_function("everything", |bencher| {
        bencher.iter(|| {
            let mut sum = 0_usize;
            frames(&stream, |frame| {
                let Ok(message) = frame.parse() else { return };
                sum += match message.payload {
                    Payload::Query(query) => query.text().len(),
                    Payload::QueryHit(hit) => hit.results.map(|it| it.name.len()).sum(),
                    Payload::Pong(pong) => pong.files as usize,
                    Payload::Push(push) => push.index as usize,
                    _ => 0,
                };
            });
            sum
        });
    });
    group.bench_function("encode", |bencher| {
        let mut messages = Vec::new();
        frames(&stream, |frame| {
            if let Ok(message) = frame.parse() {
                messages.push(message.to_owned());
            }
        });
        let mut out = Vec::with_capacity(stream.len());
        bencher.iter(|| {
            out.clear();
            for message in &messages {
                message.borrow().encode(&mut out);
            }
            out.len()
        });
        assert_eq!(out, stream);
    });
    group.finish();
}

criterion_group!(benches, walk);
criterion_main!(benches);
