//! What the mathematics costs: exact rates of each layout by the number of probes, and sizes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use overlay_bloom::{Geometry, Params, compressed, exact};

/// Half-full filters of 2^40 bits, for 7, 20 and 64 probes.
fn rates(c: &mut Criterion) {
    const M: u64 = 1 << 40;
    for k in [7u32, 20, 64] {
        let n = M / u64::from(k) * 7 / 10;
        let mut group = c.benchmark_group("exact_rate");
        let mut bench = |name: &str, m: u64, n: u64, rate: fn(u64, u64, u32) -> f64| {
            group.bench_function(BenchmarkId::new(name, k), |b| {
                b.iter(|| rate(black_box(m), black_box(n), black_box(k)));
            });
        };
        bench("standard", M, n, exact::rate);
        // The most throws for which it is a chain over throws.
        bench("standard, few keys", 1024, 512 / u64::from(k), exact::rate);
        bench("distinct", M, n, exact::distinct_rate);
        bench("partitioned", M, n, exact::partitioned_rate);
        bench("blocked 512", M, n, |m, n, k| exact::blocked_rate(m, n, k, 512));
        bench("split 512", M, n, |m, n, k| {
            exact::split_rate(m, n, 512, 512 / k.next_power_of_two())
        });
        group.finish();
    }
}

fn sizes(c: &mut Criterion) {
    const N: u64 = 10_000_000;
    const GEOMETRIES: [(&str, Geometry); 2] =
        [("standard", Geometry::Standard), ("blocked 512", Geometry::BLOCKED_512)];
    let mut group = c.benchmark_group("for_keys");
    for bits_per_key in [10, 92] {
        for (name, geometry) in GEOMETRIES {
            group.bench_function(BenchmarkId::new(name, bits_per_key), |b| {
                b.iter(|| geometry.for_keys(black_box(bits_per_key * N), black_box(N)));
            });
        }
        group.bench_function(BenchmarkId::new("compressed", bits_per_key), |b| {
            let bits = (bits_per_key * N) as f64;
            b.iter(|| compressed::for_sent_bits(black_box(N), black_box(bits), 100 * N));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("for_rate");
    for p in [1e-2, 1e-6, Params::MIN_P] {
        for (name, geometry) in GEOMETRIES {
            group.bench_function(BenchmarkId::new(name, format!("{p:.0e}")), |b| {
                b.iter(|| geometry.for_rate(black_box(N), black_box(p)));
            });
        }
        group.bench_function(BenchmarkId::new("compressed", format!("{p:.0e}")), |b| {
            b.iter(|| compressed::for_rate(black_box(N), black_box(p), 100 * N));
        });
    }
    group.finish();
}

criterion_group!(benches, rates, sizes);
criterion_main!(benches);
