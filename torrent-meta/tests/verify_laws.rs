//! Laws of verification, for v1, v2 and hybrid torrents.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod common;

use std::array;

use common::{File, files, noise, padded, torrent};
use proptest::prelude::*;
use torrent_meta::{
    Backend, HashRange, LEAF_LENGTH, Metainfo, PieceChecker, PieceMap, PieceState, Verdict,
    Verifier, Version, hash_leaves,
};

const K: usize = 1 << 10;
const VERSIONS: [Version; 3] = [Version::V1, Version::V2, Version::Hybrid];

/// A torrent, what it is of, and what each of its pieces has to be by the bytes alone.
#[derive(Debug)]
struct Case {
    version: Version,
    piece_length: usize,
    files: Vec<File>,
}

impl Case {
    fn metainfo(&self) -> Metainfo<'static> {
        torrent(self.version, self.piece_length, &self.files)
    }

    /// The number of the piece that has a byte, and the byte's place in it.
    fn piece_of(&self, file: usize, offset: usize) -> (usize, usize) {
        let metainfo = self.metainfo();
        let start = metainfo.info().files().nth(file).unwrap().offset() as usize;
        ((start + offset) / self.piece_length, (start + offset) % self.piece_length)
    }

    /// Files that have bytes that count.
    fn stored(&self) -> Vec<usize> {
        let stored = |file: &usize| !self.files[*file].1 && !self.files[*file].0.is_empty();
        (0..self.files.len()).filter(stored).collect()
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let lengths = prop::collection::vec(
        prop_oneof![Just(0), 1..40usize, 1..70 * K, Just(16 * K), Just(64 * K)],
        1..6,
    );
    (0..3usize, 0..3usize, lengths, any::<bool>()).prop_map(
        |(version, piece_length, lengths, with_padding)| {
            let version = VERSIONS[version];
            // v1 may have any piece length, and padding anywhere.
            let piece_length = match (version, piece_length) {
                (Version::V1, 0) => 10_007,
                (_, log) => (16 * K) << log,
            };
            let files = files(&lengths);
            let files = match version {
                Version::Hybrid => padded(&files, piece_length),
                Version::V1 if with_padding => padded(&files, 3 * K),
                _ => files,
            };
            // v2 without empty files in between is what it is with them.
            Case { version, piece_length, files }
        },
    )
}

/// Some bits of the files' bytes, not of padding.
fn flip(case: &Case, files: &mut [File], bits: &[(prop::sample::Index, prop::sample::Index)]) {
    let stored = case.stored();
    if !stored.is_empty() {
        for (file, bit) in bits {
            let bytes = &mut files[stored[file.index(stored.len())]].0;
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Chunks of the files that are stored, in some order.
fn chunks(files: &[File], size: usize, order: u64) -> Vec<(usize, usize, &[u8])> {
    let mut chunks = Vec::new();
    for (file, (bytes, padding)) in files.iter().enumerate() {
        if !padding {
            let offsets = (0..).step_by(size);
            chunks.extend(offsets.zip(bytes.chunks(size)).map(|(at, chunk)| (file, at, chunk)));
        }
    }
    chunks.sort_by_key(|&(file, at, _)| {
        ((file << 32 | at) as u64 ^ order).wrapping_mul(order | 1).rotate_left(31)
    });
    chunks
}

/// Chunk by chunk.
fn verify(metainfo: &Metainfo<'_>, files: &[File], size: usize, order: u64) -> Verifier {
    let mut verifier = Verifier::new(PieceChecker::of(metainfo).unwrap());
    for (file, at, chunk) in chunks(files, size, order) {
        verifier.write_file(file, at as u64, chunk).unwrap();
    }
    for piece in 0..verifier.map().pieces() as u32 {
        // If it is nothing but padding, no file has a chunk of it.
        verifier.write(piece, 0, b"").unwrap();
    }
    assert_eq!(verifier.buffered(), 0);
    verifier
}

/// Many pieces at once.
fn verify_batch(backend: Backend, checker: &PieceChecker, files: &[File]) -> PieceMap {
    const LANES: usize = 4;
    let mut map = PieceMap::new(checker.pieces());
    let mut batch = checker.batch::<LANES>(backend);
    for first in (0..checker.pieces()).step_by(LANES) {
        let group = first..checker.pieces().min(first + LANES);
        for piece in group.clone() {
            batch.start(piece - first, checker.layout().spans(piece as u64));
        }
        while (0..LANES).any(|lane| batch.left(lane) > 0) {
            let buffers: [Vec<u8>; LANES] = array::from_fn(|lane| {
                let spans = batch.wanted(lane, 20_000);
                spans
                    .flat_map(|span| {
                        let bytes = &files[span.file].0[span.offset as usize..];
                        bytes[..span.length as usize].iter().copied()
                    })
                    .collect()
            });
            batch.advance(buffers.each_ref().map(Vec::as_slice));
        }
        for piece in group {
            let hashes = batch.finish(piece - first);
            let verdict = checker.check(backend, piece as u32, &hashes).unwrap();
            map.set(piece as u32, verdict.into());
        }
    }
    map
}

/// Which pieces have other bytes than they should, by the bytes alone.
fn changed(case: &Case, files: &[File]) -> Vec<u32> {
    let mut pieces = Vec::new();
    for (file, (found, expected)) in files.iter().zip(&case.files).enumerate() {
        for (at, _) in found.0.iter().zip(&expected.0).enumerate().filter(|(_, (a, b))| a != b) {
            pieces.push(case.piece_of(file, at).0 as u32);
        }
    }
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn any_order_of_chunks_finds_the_changed_pieces(
        case in cases(),
        bits in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..4),
        size in 100usize..70_000,
        order in any::<u64>(),
    ) {
        let mut found = case.files.clone();
        flip(&case, &mut found, &bits);
        let verifier = verify(&case.metainfo(), &found, size, order);
        let bad: Vec<u32> = verifier.bad_pieces().collect();
        prop_assert_eq!(&bad, &changed(&case, &found));
        let good = verifier.bitfield().count_ones();
        prop_assert_eq!(good + bad.len(), verifier.map().pieces());
        prop_assert!(bad.iter().all(|&piece| verifier.state(piece) == Some(PieceState::Bad)));
    }

    #[test]
    fn a_batch_finds_what_chunks_find(
        case in cases(),
        bits in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..4),
    ) {
        let mut found = case.files.clone();
        flip(&case, &mut found, &bits);
        let verifier = verify(&case.metainfo(), &found, 16 * K, 0);
        for backend in Backend::available() {
            let map = verify_batch(backend, verifier.checker(), &found);
            prop_assert_eq!(&map, verifier.map(), "{}", backend);
        }
    }

    /// In v2, once the leaves are known, exactly the block of the bit is bad.
    #[test]
    fn one_flipped_bit_makes_exactly_its_piece_and_its_leaf_bad(
        case in cases(),
        file in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
        leaves_first in any::<bool>(),
    ) {
        let stored = case.stored();
        prop_assume!(!stored.is_empty());
        let file = stored[file.index(stored.len())];
        let mut found = case.files.clone();
        let bit = bit.index(found[file].0.len() * 8);
        found[file].0[bit / 8] ^= 1 << (bit % 8);
        let (piece, within) = case.piece_of(file, bit / 8);

        let metainfo = case.metainfo();
        let mut verifier = Verifier::new(PieceChecker::of(&metainfo).unwrap());
        let all_leaves = hash_leaves(Backend::PORTABLE, &case.files[file].0);
        let width = all_leaves.len().next_power_of_two().max(2);
        let range =
            HashRange { base_layer: 0, index: 0, length: width as u32, proof_layers: 0 };
        let mut hashes = all_leaves.clone();
        hashes.resize(width, [0; 32]);
        // A file of one leaf has no range of two below its root, and needs none.
        let give = |verifier: &mut Verifier| {
            if case.version.has_v2() && all_leaves.len() > 1 {
                verifier.add_leaves(file, range, &hashes).unwrap();
            }
        };
        if leaves_first {
            give(&mut verifier);
        }
        for (file, at, chunk) in chunks(&found, 16 * K, 5) {
            verifier.write_file(file, at as u64, chunk).unwrap();
        }
        if !leaves_first {
            give(&mut verifier);
        }
        prop_assert_eq!(verifier.bad_pieces().collect::<Vec<_>>(), [piece as u32]);
        let blocks = verifier.bad_piece_blocks(piece as u32);
        prop_assert_eq!(blocks.is_some(), case.version.has_v2());
        for (block, verdict) in blocks.into_iter().flatten().enumerate() {
            let is_it = block == within / LEAF_LENGTH;
            prop_assert_eq!(verdict, Some(if is_it { Verdict::Bad } else { Verdict::Good }));
        }
    }

    #[test]
    fn a_resumed_bitfield_is_the_same_and_is_not_checked_again(
        case in cases(),
        bits in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..4),
    ) {
        let mut found = case.files.clone();
        flip(&case, &mut found, &bits);
        let metainfo = case.metainfo();
        let first = verify(&metainfo, &found, 16 * K, 3);
        let checker = PieceChecker::of(&metainfo).unwrap();
        let mut second = Verifier::resume(checker, first.bitfield_bytes()).unwrap();
        prop_assert_eq!(second.bitfield(), first.bitfield());
        prop_assert_eq!(second.bad_pieces().count(), 0);
        // Other content changes no good piece.
        for (file, at, chunk) in chunks(&found, 16 * K, 1) {
            let other: Vec<u8> = chunk.iter().map(|byte| !byte).collect();
            let verdicts = second.write_file(file, at as u64, &other).unwrap();
            prop_assert!(verdicts.iter().all(|&(_, verdict)| verdict == Verdict::Bad));
        }
        prop_assert_eq!(second.bitfield(), first.bitfield());
    }

    #[test]
    fn ranges_of_a_file_add_up_to_it(case in cases(), states in prop::collection::vec(0..5u8, 1..40)) {
        let checker = PieceChecker::of(&case.metainfo()).unwrap();
        let mut map = PieceMap::new(checker.pieces());
        let states = states.into_iter().cycle().map(|state| match state {
            0 => PieceState::Missing,
            1 => PieceState::Partial,
            2 => PieceState::Good,
            3 => PieceState::Bad,
            _ => PieceState::Conflict { v1: true },
        });
        let states: Vec<PieceState> = states.take(map.pieces()).collect();
        for (piece, &state) in (0..).zip(&states) {
            map.set(piece, state);
            prop_assert_eq!(map.state(piece), Some(state));
        }
        for (file, (bytes, _)) in case.files.iter().enumerate() {
            let ranges: Vec<_> = map.file_parts(checker.layout(), file).collect();
            let mut end = 0;
            let mut good = 0;
            for (index, range) in ranges.iter().enumerate() {
                prop_assert!(range.bytes.start == end && range.bytes.end > end);
                prop_assert!(index == 0 || ranges[index - 1].state != range.state);
                end = range.bytes.end;
                for at in [range.bytes.start, range.bytes.end - 1] {
                    let (piece, _) = case.piece_of(file, at as usize);
                    prop_assert_eq!(states[piece], range.state);
                }
                if range.state == PieceState::Good {
                    good += range.bytes.end - range.bytes.start;
                }
            }
            prop_assert_eq!(end, bytes.len() as u64);
            prop_assert_eq!(map.good_bytes(checker.layout(), file), good);
        }
        prop_assert_eq!(map.state(map.pieces() as u32), None);
    }

    /// Every bit but the spare ones, and nothing else, is a piece.
    #[test]
    fn bitfields_round_trip(pieces in 0usize..70, seed in any::<u64>()) {
        let mut bytes = noise(pieces.div_ceil(8), seed);
        if let Some(last) = bytes.last_mut() {
            *last &= !(0xffu16 >> ((pieces + 7) % 8 + 1)) as u8;
        }
        let map = PieceMap::from_bitfield(&bytes, pieces).unwrap();
        prop_assert_eq!(map.bitfield_bytes(), &bytes);
        for piece in 0..pieces {
            let is_set = bytes[piece / 8] & (0x80 >> (piece % 8)) != 0;
            let state = if is_set { PieceState::Good } else { PieceState::Missing };
            prop_assert_eq!(map.state(piece as u32), Some(state));
        }
        for spare in pieces..pieces.next_multiple_of(8) {
            let mut bytes = bytes.clone();
            bytes[spare / 8] |= 0x80 >> (spare % 8);
            let error = PieceMap::from_bitfield(&bytes, pieces).unwrap_err();
            let expected = torrent_meta::BitfieldError::SpareBit { bit: spare, pieces };
            prop_assert_eq!(error, expected);
        }
        bytes.push(0);
        prop_assert!(PieceMap::from_bitfield(&bytes, pieces).is_err());
        bytes.truncate(bytes.len().saturating_sub(2));
        prop_assert!(pieces == 0 || PieceMap::from_bitfield(&bytes, pieces).is_err());
    }
}
