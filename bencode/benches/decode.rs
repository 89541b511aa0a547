//! Decoding into a tape, walking it, and encoding, on a torrent of many files and on a DHT message.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use overlay_bencode::{Decoder, Kind, Node, Tape, Value, decode};

/// The message of BEP 5's `get_peers` example, with a longer token: 106 bytes.
const KRPC: &[u8] = b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e\
                      1:q9:get_peers1:t4:aabb1:v4:LT\x01\x021:y1:qe";

/// A metainfo of 50,000 files: 3.2 MB, 350,000 values.
fn many_files() -> Vec<u8> {
    let file = |index: u64| {
        let name = format!("file-{index:06}-of-many.dat");
        let directory = format!("directory-{:03}", index / 100);
        Value::dict([
            ("length", Value::from(index * 7919 % 1_000_000)),
            ("path", Value::list([directory, name])),
        ])
    };
    let info = Value::dict([
        ("files", Value::list((0..50_000).map(file))),
        ("name", Value::from("many files")),
        ("piece length", Value::from(1 << 24)),
        ("pieces", Value::from(vec![0x5a; 20 * 1490])),
    ]);
    Value::dict([("info", info)]).to_vec()
}

/// Looks at every value.
fn walk(node: Node<'_, '_>) -> u64 {
    match node.kind() {
        Kind::Integer => node.as_int().unwrap_or_default() as u64,
        Kind::Bytes => node.as_bytes().map_or(0, <[u8]>::len) as u64,
        Kind::List => node.as_list().into_iter().flatten().map(walk).sum(),
        Kind::Dict => {
            let entries = node.as_dict().into_iter().flatten();
            entries.map(|(key, value)| walk(key) + walk(value)).sum()
        }
    }
}

fn benches(c: &mut Criterion) {
    let files = many_files();
    for (name, input) in [("files", files.as_slice()), ("krpc", KRPC)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function("decode", |b| {
            b.iter(|| decode(black_box(input)).map(|d| d.bytes().len()))
        });
        let mut tape = Tape::new();
        group.bench_function("decode_into", |b| {
            b.iter(|| {
                Decoder::strict().decode_into(black_box(input), &mut tape).map(|n| n.offset())
            })
        });
        group.bench_function("decode_lenient", |b| {
            b.iter(|| {
                Decoder::lenient().decode_into(black_box(input), &mut tape).map(|n| n.offset())
            })
        });
        let document = decode(input).expect("canonical");
        group.bench_function("walk", |b| b.iter(|| walk(black_box(&document).root())));
        let value = document.to_value().expect("flat");
        let mut out = Vec::with_capacity(value.encoded_len());
        group.bench_function("encode", |b| {
            b.iter(|| {
                out.clear();
                black_box(&value).encode(&mut out);
                out.len()
            })
        });
        #[cfg(feature = "serde")]
        typed(&mut group, input);
        group.finish();
    }
}

/// Reading and writing the same message as types.
#[cfg(feature = "serde")]
fn typed(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    input: &[u8],
) {
    use overlay_bencode::serde::{Writer, from_bytes};
    use serde::de::IgnoredAny;

    group.bench_function("typed_skip", |b| {
        b.iter(|| from_bytes::<IgnoredAny>(black_box(input)).is_ok())
    });
    group.bench_function("typed_value", |b| {
        b.iter(|| from_bytes::<Value>(black_box(input)).is_ok())
    });
    let value: Value = from_bytes(input).expect("canonical");
    let mut writer = Writer::new();
    group.bench_function("typed_write", |b| {
        b.iter(|| writer.write(black_box(&value)).map(<[u8]>::len))
    });
}

criterion_group!(all, benches);
criterion_main!(all);
