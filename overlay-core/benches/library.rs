//! Taking files into a library (SHA-1 and MD5 of every byte), and the search that others are held
//! against.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use overlay_core::Library;

fn library(c: &mut Criterion) {
    let content = vec![0x5a; 1 << 20];
    let mut group = c.benchmark_group("library");
    group.throughput(Throughput::Bytes(content.len() as u64));
    group.bench_function("take in 1 MiB", |b| {
        b.iter(|| {
            let mut library = Library::new();
            let mut intake = Library::begin("a/file", content.len() as u64).expect("a name");
            content.chunks(64 << 10).for_each(|chunk| intake.update(chunk).expect("in size"));
            library.add(intake).expect("complete");
            library
        });
    });
    let mut library = Library::new();
    for number in 0..1_000 {
        let mut intake = Library::begin(&format!("band {number}/song.mp3"), 1).expect("a name");
        intake.update(b"x").expect("in size");
        library.add(intake).expect("complete");
    }
    group.throughput(Throughput::Elements(library.len() as u64));
    group.bench_function("match 2 keywords against 1,000 names", |b| {
        b.iter(|| library.matching(&["song", "77"]).count());
    });
    group.finish();
}

criterion_group!(benches, library);
criterion_main!(benches);
