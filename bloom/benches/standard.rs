//! Insert, hit and miss, one key or many at a time, and union, at ten bits a key, in the cache and
//! beyond it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_bloom::layout::{Layout, Split};
use overlay_bloom::{Filter, Params, Standard};

/// 12 KB and 2.5 MB of bits.
const SIZES: [u64; 2] = [10_000, 2_000_000];

fn filter(n: u64) -> Standard {
    filled(10 * n, 7, n)
}

fn filled<L: Layout>(m: u64, k: u32, n: u64) -> Filter<L> {
    let params = Params::new(m, k).expect("valid parameters");
    let mut filter = Filter::new(params, 1).expect("a few megabytes");
    filter.insert_many(&(0..n).collect::<Vec<u64>>());
    filter
}

/// Many keys at once.
fn batches(c: &mut Criterion) {
    for n in SIZES {
        many::<overlay_bloom::layout::Standard>(c, "standard_many", 10 * n, 7, n);
        many::<Split>(c, "split_many", (10 * n).next_multiple_of(512), 8, n);
    }
}

fn many<L: Layout>(c: &mut Criterion, name: &str, m: u64, k: u32, n: u64) {
    let mut filter = filled::<L>(m, k, n);
    let (present, absent): (Vec<u64>, Vec<u64>) = ((0..n).collect(), (n..2 * n).collect());
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(n));
    for (name, keys) in [("hit", &present), ("miss", &absent)] {
        group.bench_function(BenchmarkId::new(name, n), |b| {
            b.iter(|| {
                let mut found = 0;
                filter.contains_many(black_box(keys), |_, is_in| found += u32::from(is_in));
                found
            });
        });
    }
    group.bench_function(BenchmarkId::new("insert", n), |b| {
        b.iter(|| filter.insert_many(black_box(&present)));
    });
    group.finish();
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
    group.bench_function("union_count", |b| {
        b.iter(|| black_box(&mut ours).union_count(black_box(&theirs)));
    });
    group.bench_function("count_ones", |b| b.iter(|| black_box(&theirs).count_ones()));
    group.finish();
}

criterion_group!(benches, keys, batches, sets);
criterion_main!(benches);
