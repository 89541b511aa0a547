//! Hashing pieces, parsing a torrent of many files, and the info-hash that parsing leaves out.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use torrent_meta::{Creator, Metainfo, PieceHasher, PieceLength, Verifier};

const MIB: usize = 1 << 20;

fn piece_length() -> PieceLength {
    PieceLength::new(256 << 10).expect("not zero")
}

fn hashing(c: &mut Criterion) {
    let content: Vec<u8> = (0..4 * MIB).map(|index| (index / 7) as u8).collect();
    let mut creation = Creator::single_file("content", content.len() as u64)
        .piece_length(piece_length())
        .start()
        .expect("a good description");
    creation.update(&content).expect("all of it");
    let metainfo = creation.finish().expect("valid");

    let mut group = c.benchmark_group("4 MiB in pieces of 256 KiB");
    group.throughput(Throughput::Bytes(content.len() as u64)).sample_size(20);
    group.bench_function("hash, chunks of 16 KiB", |b| {
        b.iter(|| {
            let mut hasher = PieceHasher::new(piece_length());
            content.chunks(16 << 10).for_each(|chunk| hasher.update(black_box(chunk)));
            hasher.finish()
        })
    });
    group.bench_function("verify, chunks of 16 KiB in order", |b| {
        b.iter(|| {
            let mut verifier = Verifier::new(metainfo.info());
            for (index, chunk) in content.chunks(16 << 10).enumerate() {
                let _ = black_box(verifier.write_at(index as u64 * (16 << 10), chunk));
            }
            verifier.is_complete()
        })
    });
    group.bench_function("verify, each piece backwards", |b| {
        b.iter(|| {
            let mut verifier = Verifier::new(metainfo.info());
            for (piece, bytes) in content.chunks(256 << 10).enumerate() {
                for (index, chunk) in bytes.chunks(16 << 10).enumerate().rev() {
                    let offset = index as u32 * (16 << 10);
                    let _ = black_box(verifier.write(piece as u32, offset, chunk));
                }
            }
            verifier.is_complete()
        })
    });
    group.finish();
}

fn parsing(c: &mut Criterion) {
    let mut creator = Creator::directory("many files");
    for index in 0..50_000u64 {
        let directory = format!("directory-{:03}", index / 100);
        let name = format!("file-{index:06}-of-many.dat");
        creator = creator.file([directory, name], index * 7919 % 1_000_000);
    }
    let total: u64 = (0..50_000u64).map(|index| index * 7919 % 1_000_000).sum();
    let creator = creator.piece_length(PieceLength::new(16 << 20).expect("not zero"));
    let hashes = vec![[7; 20]; total.div_ceil(16 << 20) as usize];
    let metainfo = creator.finish_with(&hashes).expect("valid");
    let bytes = metainfo.as_bytes();

    let mut group = c.benchmark_group("50,000 files");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("parse", |b| b.iter(|| Metainfo::parse(black_box(bytes)).is_ok()));
    group.bench_function("parse, safe paths, info-hash", |b| {
        b.iter(|| {
            let metainfo = Metainfo::parse(black_box(bytes)).expect("valid");
            for file in metainfo.info().files() {
                let _ = black_box(file.safe_path());
            }
            metainfo.info_hash()
        })
    });
    group.bench_function("info-hash", |b| b.iter(|| metainfo.info_hash()));
    group.finish();
}

criterion_group!(all, hashing, parsing);
criterion_main!(all);
