//! Insert, hit, miss and union of a standard filter at ten bits a key, in the cache and
//! beyond it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_bloom::{Params, Standard};

/// 12 KB and 2.5 MB of bits.
const SIZES: [u64; 2] = [10_000, 2_000_000];

fn filter(n: u64) -> Standard {
    let params = Params::new(10 * n, 7).expect("valid parameters");
    let mut filter = Standard::new(params, 1).expect("a few megabytes");
    for key in 0..n {
        filter.insert_u64(key);
    }
    filter
}

fn keys(c: &mut Criterion) {
    for n in SIZES {
        let full = filter(n);
        let mut group = c.benchmark_group("standard");
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::new("insert", n), |b| {
            let mut filter = full.clone();
            b.iter(|| {
                filter.clear();
                (0..n).for_each(|key| {
                    filter.insert_u64(black_box(key));
                });
            });
        });
        group.bench_function(BenchmarkId::new("hit", n), |b| {
            b.iter(|| (0..n).filter(|&key| full.contains_u64(black_box(key))).count());
        });
        group.bench_function(BenchmarkId::new("miss", n), |b| {
            b.iter(|| (n..2 * n).filter(|&key| full.contains_u64(black_box(key))).count());
        });
        group.finish();
    }
}

fn sets(c: &mut Criterion) {
    let n = 2_000_000;
    let (mut ours, theirs) = (filter(n), filter(n));
    let mut group = c.benchmark_group("sets");
    group.throughput(Throughput::Bytes(10 * n / 8));
    group.bench_function("union", |b| b.iter(|| black_box(&mut ours).union(black_box(&theirs))));
    group.bench_function("count_ones", |b| b.iter(|| black_box(&theirs).count_ones()));
    group.finish();
}

criterion_group!(benches, keys, sets);
criterion_main!(benches);
