//! What reading and writing the commonest messages costs: a share list and a page of results.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use napster_wire::{Decoded, Frame, Limits, Message};

const SHARE: &str = r#""c:\mp3\generic band - generic song.mp3" b92870e0d41bc8e698cf2f0a1ddfeac7 443332 128 44100 60"#;
const RESULT: &str = r#""random band - random song.mp3" 7d733c1e7419674744768db71bff8bcd 2558199 128 44100 159 lefty 3437166285 4"#;
const SEARCH: &str = r#"FILENAME CONTAINS "Sneaker Pimps" MAX_RESULTS 75 FILENAME CONTAINS "tesko suicide" BITRATE "AT LEAST" "128""#;

const COUNT: usize = 1000;

fn stream(type_number: u16, data: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..COUNT {
        Frame::new(type_number, data.as_bytes()).expect("short data").encode(&mut bytes);
    }
    bytes
}

fn walk(mut bytes: &[u8], mut each: impl FnMut(Message<'_>)) {
    while let Ok(Decoded::Complete { value, consumed }) =
        Message::decode_prefix(bytes, &Limits::default())
    {
        each(value);
        bytes = &bytes[consumed..];
        if bytes.is_empty() {
            return;
        }
    }
    panic!("the stream holds whole messages only");
}

fn frames(criterion: &mut Criterion) {
    for (name, type_number, data) in
        [("share", 100, SHARE), ("search_result", 201, RESULT), ("search", 200, SEARCH)]
    {
        let bytes = stream(type_number, data);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(COUNT as u64));
        group.bench_function("frame", |bencher| {
            bencher.iter(|| {
                let mut rest = &bytes[..];
                while let Ok(Decoded::Complete { value, consumed }) =
                    Frame::decode_prefix(rest, &Limits::default())
                {
                    black_box(value);
                    rest = &rest[consumed..];
                }
            });
        });
        group.bench_function("decode", |bencher| {
            bencher.iter(|| walk(black_box(&bytes), |message| drop(black_box(message))));
        });
        group.bench_function("decode_owned", |bencher| {
            bencher
                .iter(|| walk(black_box(&bytes), |message| drop(black_box(message.into_owned()))));
        });
        let mut messages = Vec::new();
        walk(&bytes, |message| messages.push(message.into_owned()));
        let mut out = Vec::with_capacity(bytes.len());
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                out.clear();
                for message in &messages {
                    message.encode(&mut out);
                }
                black_box(out.len())
            });
        });
        group.finish();
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
