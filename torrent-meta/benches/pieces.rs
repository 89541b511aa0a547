//! Hashing pieces one by one and many at once, parsing a torrent of many files, and the info-hash that parsing leaves out.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use torrent_meta::{
    Backend, Creator, Lanes, Metainfo, PieceChecker, PieceHasher, PieceLength, Sha1, Sha256,
    Verifier, Version, hash_chunks, hash_leaves, hash_pieces,
};

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

    let checker = PieceChecker::of(&metainfo).expect("v1 needs nothing else");

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
            let mut verifier = Verifier::new(checker.clone());
            for (index, chunk) in content.chunks(16 << 10).enumerate() {
                let _ = black_box(verifier.write_at(index as u64 * (16 << 10), chunk));
            }
            verifier.is_complete()
        })
    });
    group.bench_function("verify, each piece backwards", |b| {
        b.iter(|| {
            let mut verifier = Verifier::new(checker.clone());
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

/// Many pieces at once, with each backend; `portable` is one after the other. The sixteen pieces are
/// as far apart in memory as in a file.
fn side_by_side(c: &mut Criterion) {
    let content: Vec<u8> = (0..4 * MIB).map(|index| (index / 7) as u8).collect();
    let pieces: Vec<&[u8]> = content.chunks(256 << 10).collect();

    let mut group = c.benchmark_group("16 pieces of 256 KiB");
    group.throughput(Throughput::Bytes(content.len() as u64)).sample_size(20);
    for backend in Backend::available() {
        group.bench_function(format!("SHA-1, {backend}"), |b| {
            b.iter(|| hash_pieces(backend, black_box(&pieces)))
        });
        group.bench_function(format!("SHA-1 in steps of 32 KiB, {backend}"), |b| {
            b.iter(|| {
                let mut lanes: Lanes<Sha1> = Lanes::new(backend);
                for start in (0..256 << 10).step_by(32 << 10) {
                    lanes.advance(std::array::from_fn(|lane| &pieces[lane][start..][..32 << 10]));
                }
                lanes.finish_all()
            })
        });
        group.bench_function(format!("SHA-256 leaves, {backend}"), |b| {
            b.iter(|| hash_leaves(backend, black_box(&content)))
        });
    }
    group.finish();

    let mut group = c.benchmark_group("SHA-1, fewer pieces of 256 KiB");
    for busy in [1, 4, 7, 8, 12] {
        group.throughput(Throughput::Bytes(busy as u64 * (256 << 10))).sample_size(20);
        for backend in Backend::available() {
            group.bench_function(format!("{busy}, {backend}"), |b| {
                b.iter(|| hash_pieces(backend, black_box(&pieces[..busy])))
            });
        }
    }
    group.finish();

    let layer = &content[..MIB];
    let mut group = c.benchmark_group("16,384 nodes of a merkle tree, of 64 bytes");
    group.throughput(Throughput::Bytes(layer.len() as u64)).sample_size(20);
    for backend in Backend::available() {
        group.bench_function(backend.name(), |b| {
            b.iter(|| hash_chunks::<Sha256>(backend, black_box(layer), 64))
        });
    }
    group.finish();
}

/// Whole torrents: bytes in order, and in batches that one thread reads from memory.
fn creating(c: &mut Criterion) {
    let content: Vec<u8> = (0..16 * MIB).map(|index| (index / 7) as u8).collect();
    let mut group = c.benchmark_group("a torrent of 16 MiB in pieces of 256 KiB");
    group.throughput(Throughput::Bytes(content.len() as u64)).sample_size(10);
    for version in [Version::V1, Version::V2, Version::Hybrid] {
        let creator = Creator::single_file("content", content.len() as u64)
            .piece_length(piece_length())
            .version(version);
        group.bench_function(format!("{version}, in order, chunks of 64 KiB"), |b| {
            b.iter(|| {
                let mut creation = creator.clone().start().expect("a good description");
                for chunk in content.chunks(64 << 10) {
                    creation.update(black_box(chunk)).expect("not too much");
                }
                creation.finish().expect("valid")
            })
        });
        let plan = creator.plan().expect("a good description");
        group.bench_function(format!("{version}, in batches"), |b| {
            b.iter(|| {
                let read = |_, offset: u64, bytes: &mut [u8]| {
                    bytes.copy_from_slice(&content[offset as usize..][..bytes.len()]);
                    Ok::<(), Infallible>(())
                };
                let hashes = plan.batches().map(|batch| batch.hash(read).expect("it can not fail"));
                plan.finish(hashes).expect("valid")
            })
        });
    }
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
            metainfo.info_hash_v1()
        })
    });
    group.bench_function("info-hash", |b| b.iter(|| metainfo.info_hash_v1()));
    group.finish();
}

criterion_group!(all, hashing, side_by_side, creating, parsing);
criterion_main!(all);
