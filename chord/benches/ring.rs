//! Building a static ring and looking keys up in it, with each routing table; and the wire.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_chord::{Contact, Id64, Id160, Message, Ring, Routing, Traffic};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

fn ids(nodes: usize) -> (Vec<Id64<64>>, Pcg64) {
    let mut rng = Pcg64::seed_from_u64(1);
    ((0..nodes).map(|_| Id64::wrapping(rng.next_u64())).collect(), rng)
}

fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("build");
    group.sample_size(10);
    for nodes in [1_000, 100_000] {
        let (ids, _) = ids(nodes);
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_with_input(BenchmarkId::from_parameter(nodes), &ids, |b, ids| {
            b.iter(|| Ring::new(black_box(ids.iter().copied())));
        });
    }
    group.finish();
}

fn lookup(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup");
    for nodes in [1_000, 1_000_000] {
        let (ids, mut rng) = ids(nodes);
        let Ok(ring) = Ring::new(ids) else { return };
        for routing in [Routing::Finger, Routing::Full] {
            let lookups: Vec<_> = (0..4_096)
                .map(|_| ((rng.next_u64() % nodes as u64) as usize, Id64::wrapping(rng.next_u64())))
                .collect();
            group.throughput(Throughput::Elements(lookups.len() as u64));
            let mut bench = |way: &str, work: &mut dyn FnMut()| {
                let id = BenchmarkId::new(format!("{routing:?} {way}"), nodes);
                group.bench_function(id, |b| b.iter(&mut *work));
            };
            let mut found = Vec::new();
            bench("many", &mut || {
                ring.find_many(black_box(&lookups), routing, &mut found);
                black_box(&found);
            });
            bench("one by one", &mut || {
                for (from, key) in &lookups {
                    black_box(ring.find(*from, *key, routing));
                }
            });
            bench("by identifiers", &mut || {
                for (from, key) in &lookups {
                    black_box(ring.lookup(*from, *key, routing));
                }
            });
        }
    }
    group.finish();
}

fn wire(c: &mut Criterion) {
    let contact = |number: u8| Contact {
        id: Id160::hash(&[number]),
        address: std::net::SocketAddr::from(([10, 0, 0, number], 4000)),
    };
    let message = Message::Owner {
        request: 7,
        traffic: Traffic::User,
        id: Id160::hash(b"me"),
        contacts: (0..8).map(contact).collect(),
        before: Vec::new(),
    };
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    let mut group = c.benchmark_group("wire");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode owner", |b| {
        let mut out = Vec::with_capacity(bytes.len());
        b.iter(|| {
            out.clear();
            black_box(&message).encode(&mut out);
            out.len()
        });
    });
    group.bench_function("decode owner", |b| b.iter(|| Message::decode(black_box(&bytes))));
    group.finish();
}

criterion_group!(benches, build, lookup, wire);
criterion_main!(benches);
