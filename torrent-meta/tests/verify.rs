//! Content against the hashes of a torrent: chunks in any order, and many pieces at once.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod common;

use torrent_meta::{
    Backend, BitfieldError, CheckerError, Creator, HashRange, LeafError, MerkleTree, Metainfo,
    PieceChecker, PieceLength, PieceState, Verdict, Verifier, VerifyError, Version, hash_leaves,
};

fn verifier(metainfo: &Metainfo<'_>) -> Verifier {
    Verifier::new(PieceChecker::of(metainfo).unwrap())
}

fn ten_bytes() -> (Metainfo<'static>, Vec<u8>) {
    let content: Vec<u8> = (b'a'..).take(10).collect();
    let mut creation =
        Creator::single_file("ten", 10).piece_length(PieceLength::new(4).unwrap()).start().unwrap();
    creation.update(&content).unwrap();
    (creation.finish().unwrap(), content)
}

#[test]
fn chunks_in_any_order_within_a_piece() {
    let (metainfo, content) = ten_bytes();
    let mut verifier = verifier(&metainfo);
    assert_eq!(verifier.state(0), Some(PieceState::Missing));
    assert_eq!(verifier.write(0, 3, &content[3..4]), Ok(None));
    assert_eq!(verifier.write(0, 1, &content[1..2]), Ok(None));
    assert_eq!(verifier.state(0), Some(PieceState::Partial));
    assert_eq!(verifier.hashed(0), Some(0));
    assert_eq!(verifier.write(0, 0, &content[..1]), Ok(None));
    assert_eq!((verifier.state(0), verifier.hashed(0)), (Some(PieceState::Partial), Some(2)));
    // Twice, also with other bytes: what was hashed already does not change.
    assert_eq!(verifier.write(0, 0, b"zz"), Ok(None));
    assert_eq!(verifier.write(0, 1, &content[1..3]), Ok(Some(Verdict::Good)));
    assert_eq!(verifier.write(0, 0, b"zzzz"), Ok(None));
    assert_eq!((verifier.state(0), verifier.buffered()), (Some(PieceState::Good), 0));
    verifier.retry(0);
    assert_eq!(verifier.state(0), Some(PieceState::Good));
    assert_eq!(verifier.bitfield_bytes(), [0b1000_0000]);

    assert_eq!(
        verifier.write_at(4, &content[4..]),
        Ok(vec![(1, Verdict::Good), (2, Verdict::Good)])
    );
    assert!(verifier.is_complete());
    assert_eq!(verifier.bitfield_bytes(), [0b1110_0000]);
    assert_eq!(verifier.bitfield().len(), 3);
}

#[test]
fn a_bad_piece_waits_for_a_retry() {
    let (metainfo, mut content) = ten_bytes();
    content[5] ^= 1;
    let mut verifier = verifier(&metainfo);
    let verdicts = verifier.write_at(0, &content).unwrap();
    assert_eq!(verdicts, [(0, Verdict::Good), (1, Verdict::Bad), (2, Verdict::Good)]);
    assert_eq!(verifier.bad_pieces().collect::<Vec<_>>(), [1]);
    content[5] ^= 1;
    assert_eq!(verifier.write(1, 0, &content[4..8]), Ok(None));
    assert_eq!(verifier.state(1), Some(PieceState::Bad));
    verifier.retry(1);
    assert_eq!(verifier.state(1), Some(PieceState::Missing));
    assert_eq!(verifier.write(1, 0, &content[4..8]), Ok(Some(Verdict::Good)));
    assert!(verifier.is_complete() && verifier.bad_pieces().next().is_none());
}

#[test]
fn chunks_that_are_not_there() {
    let (metainfo, content) = ten_bytes();
    let mut verifier = verifier(&metainfo);
    let behind = |end, limit| VerifyError::BehindEnd { end, limit };
    assert_eq!(verifier.write(0, 1, &content[..4]), Err(behind(5, 4)));
    assert_eq!(verifier.write(2, 0, &content[..3]), Err(behind(3, 2)));
    assert_eq!(verifier.write(0, u32::MAX, b"x"), Err(behind(1 << 32, 4)));
    assert_eq!(verifier.write(3, 0, b""), Err(VerifyError::NoSuchPiece { piece: 3, pieces: 3 }));
    assert_eq!(verifier.write_at(9, b"xx"), Err(behind(11, 10)));
    assert_eq!(verifier.write_at(u64::MAX, b"xx"), Err(behind(u64::MAX, 10)));
    assert!((0..3).all(|piece| verifier.state(piece) == Some(PieceState::Missing)));
}

#[test]
fn waiting_chunks_are_bounded() {
    let (metainfo, content) = ten_bytes();
    let mut verifier = verifier(&metainfo).buffer_limit(65);
    verifier.write(0, 3, &content[3..4]).unwrap();
    assert_eq!(verifier.buffered(), 65);
    let full = VerifyError::BufferFull { limit: 65 };
    assert_eq!(verifier.write(1, 3, b"x"), Err(full));
    // Nothing of it is taken, although the next piece would have room.
    assert_eq!(verifier.write_at(2, &content[2..6]), Err(full));
    assert_eq!(verifier.state(1), Some(PieceState::Missing));
    // The same again takes no more room.
    verifier.write(0, 3, &content[3..4]).unwrap();
    assert_eq!(verifier.buffered(), 65);
    verifier.retry(0);
    assert_eq!(verifier.buffered(), 0);
    verifier.write(1, 3, &content[7..8]).unwrap();
    assert_eq!(verifier.write(1, 0, &content[4..8]), Ok(Some(Verdict::Good)));
    assert_eq!(verifier.buffered(), 0);
}

/// A chunk that takes a shorter one's place takes its room too.
#[test]
fn a_waiting_chunk_that_grows_takes_the_room_once() {
    let (metainfo, content) = ten_bytes();
    let mut verifier = verifier(&metainfo).buffer_limit(64 + 3);
    for end in 2..=4 {
        verifier.write(0, 1, &content[1..end]).unwrap();
        assert_eq!(verifier.buffered(), 64 + end - 1);
    }
    // A shorter one takes no place.
    verifier.write(0, 1, &content[1..2]).unwrap();
    assert_eq!(verifier.buffered(), 67);
    assert_eq!(verifier.write(0, 0, &content[..1]), Ok(Some(Verdict::Good)));
    assert_eq!(verifier.buffered(), 0);
}

const K: usize = 1 << 10;

#[test]
fn files_of_v2_do_not_touch() {
    let files = common::files(&[20 * K, 10]);
    let metainfo = common::torrent(Version::V2, 16 * K, &files);
    let mut verifier = verifier(&metainfo);
    let behind = |end, limit| VerifyError::BehindEnd { end, limit };
    let [first, end] = [20 * K as u64, 32 * K as u64 + 10];
    // Into the gap behind the first file, and behind it.
    assert_eq!(
        verifier.write_at(16 << 10, &files[0].0[..5 * K]),
        Err(behind(first + K as u64, first))
    );
    assert_eq!(verifier.write_at(first, b"x"), Err(behind(first + 1, first)));
    assert_eq!(verifier.write_at(end, b"x"), Err(behind(end + 1, end)));
    assert_eq!(verifier.write_file(1, 10, b"x"), Err(behind(11, 10)));
    assert_eq!(verifier.write_file(0, u64::MAX, b"x"), Err(behind(u64::MAX, first)));
    let none = VerifyError::NoSuchFile { file: 2, files: 2 };
    assert_eq!(verifier.write_file(2, 0, b"x"), Err(none));
    assert!((0..3).all(|piece| verifier.state(piece) == Some(PieceState::Missing)));

    assert_eq!(verifier.write_file(1, 0, &files[1].0), Ok(vec![(2, Verdict::Good)]));
    assert_eq!((verifier.good_bytes(0), verifier.good_bytes(1)), (0, 10));
    let verdicts = verifier.write_at(0, &files[0].0);
    assert_eq!(verdicts, Ok(vec![(0, Verdict::Good), (1, Verdict::Good)]));
    assert!(verifier.is_complete());
}

/// Zeros are what counts for padding, whether something comes for it or not.
#[test]
fn padding_need_not_come() {
    let files =
        [(vec![7; 5], false), (vec![0; 11], true), (vec![8; 4], false), (vec![0; 20], true)];
    let metainfo = common::torrent(Version::V1, 8, &files);
    let mut without = verifier(&metainfo);
    let good = |piece| Ok(Some((piece, Verdict::Good)));
    let only = |verdicts: Result<Vec<_>, VerifyError>| verdicts.map(|all| all.first().copied());
    assert_eq!(only(without.write_file(2, 0, &[8; 4])), good(2));
    assert_eq!(only(without.write_file(0, 0, &[7; 3])), Ok(None));
    assert_eq!((without.state(0), without.hashed(0)), (Some(PieceState::Partial), Some(3)));
    assert_eq!(only(without.write_file(0, 3, &[7; 2])), good(0));
    // Pieces of nothing but padding.
    for piece in [1, 3, 4] {
        assert_eq!(without.state(piece), Some(PieceState::Missing));
        assert_eq!(without.write(piece, 0, b""), Ok(Some(Verdict::Good)));
    }
    assert!(without.is_complete());

    // All of it, with other bytes than zeros where padding is.
    let content = [vec![7; 5], vec![1; 11], vec![8; 4], vec![1; 20]].concat();
    let mut with = verifier(&metainfo);
    let verdicts = with.write_at(0, &content).unwrap();
    assert_eq!(verdicts, [0, 1, 2, 3, 4].map(|piece| (piece, Verdict::Good)));
}

/// Padding in front of what counts, which came out of order.
#[test]
fn padding_at_the_start_of_a_piece() {
    let files = [(vec![0; 3], true), (vec![7; 4], false), (vec![0; 2], true), (vec![8; 2], false)];
    let metainfo = common::torrent(Version::V1, 11, &files);
    let mut verifier = verifier(&metainfo);
    assert_eq!(verifier.write_file(3, 1, &[8]), Ok(vec![]));
    assert_eq!((verifier.hashed(0), verifier.buffered()), (Some(3), 65));
    assert_eq!(verifier.write_file(1, 0, &[7; 4]), Ok(vec![]));
    assert_eq!(verifier.hashed(0), Some(9));
    assert_eq!(verifier.write_file(3, 0, &[8]), Ok(vec![(0, Verdict::Good)]));
}

/// The halves of this hybrid torrent are of different content.
#[test]
fn hashes_that_contradict_each_other() {
    let files = common::files(&[20 * K]);
    let broken = common::bytes(Version::Hybrid, 16 * K, &files, |pieces| pieces[25] ^= 1);
    let metainfo = Metainfo::parse(broken).unwrap();
    let mut verifier = verifier(&metainfo);
    let conflict = Verdict::Conflict { v1: false };
    let verdicts = verifier.write_at(0, &files[0].0).unwrap();
    assert_eq!(verdicts, [(0, Verdict::Good), (1, conflict)]);
    assert_eq!(verifier.state(1), Some(PieceState::Conflict { v1: false }));
    assert_eq!(verifier.bad_pieces().collect::<Vec<_>>(), [1]);
    assert_eq!(verifier.bad_piece_blocks(1), Some(vec![Some(Verdict::Good)]));
    assert_eq!((verifier.bitfield_bytes(), verifier.good_bytes(0)), (&[0x80][..], 16 << 10));
    verifier.retry(1);
    assert_eq!(
        (verifier.state(1), verifier.bad_piece_blocks(1)),
        (Some(PieceState::Missing), None)
    );

    // And the other way round: content that is right for v1 only.
    let other = common::files(&[20 * K + 1]);
    let v1: Vec<u8> = other[0].0[16 * K..20 * K].iter().map(|byte| !byte).collect();
    let hash = torrent_meta::hash_pieces(Backend::PORTABLE, &[&v1])[0];
    let broken = common::bytes(Version::Hybrid, 16 * K, &files, |pieces| {
        pieces[20..].copy_from_slice(&hash);
    });
    let metainfo = Metainfo::parse(broken).unwrap();
    let mut verifier = Verifier::new(PieceChecker::of(&metainfo).unwrap());
    assert_eq!(verifier.write(1, 0, &v1), Ok(Some(Verdict::Conflict { v1: true })));
    assert_eq!(verifier.bad_piece_blocks(1), Some(vec![Some(Verdict::Bad)]));
}

#[test]
fn piece_layers_are_needed_and_checked() {
    let files = common::files(&[10, 40 * K]);
    for version in [Version::V2, Version::Hybrid] {
        let files = common::padded(&files, 16 * K);
        let metainfo = common::torrent(version, 16 * K, &files);
        let info = metainfo.info();
        let file = info.files().find(|file| file.length() == 40 << 10).unwrap();
        let (index, root) = (file.index(), file.pieces_root().unwrap());
        let missing = CheckerError::MissingLayer { file: index };
        assert_eq!(PieceChecker::of_info(info).unwrap_err(), missing);
        let layer = metainfo.piece_layer(root).unwrap();
        let with =
            |layer: &[_]| PieceChecker::with_layers(info, |of| (of == root).then_some(layer));
        assert_eq!(with(layer).unwrap().pieces(), 4);
        let wrong = CheckerError::WrongLayer { file: index };
        assert_eq!(with(&layer[1..]).unwrap_err(), wrong);
        let mut changed = layer.to_vec();
        changed[1][31] ^= 1;
        assert_eq!(with(&changed).unwrap_err(), wrong);
        assert_eq!(with(&[]).unwrap_err(), wrong);
    }
    let small = common::torrent(Version::V2, 64 * K, &files);
    assert_eq!(PieceChecker::of_info(small.info()).unwrap().pieces(), 2);
}

/// Leaves count only once they are proven, and in a bad piece the last unknown block is the bad one.
#[test]
fn leaves_are_proven_first() {
    let backend = Backend::best();
    // Pieces of four blocks: three and a bit.
    let files = common::files(&[(3 * 64 + 1) * K, 100]);
    let metainfo = common::torrent(Version::V2, 64 * K, &files);
    let mut verifier = verifier(&metainfo);
    let tree = MerkleTree::new(backend, hash_leaves(backend, &files[0].0), 0);
    let mut broken = files[0].0[64 * K..128 * K].to_vec();
    broken[20 * K] ^= 1;
    verifier.write(1, 0, &broken).unwrap();
    let unknown = Some(vec![None; 4]);
    assert_eq!(verifier.bad_piece_blocks(1), unknown);

    let range =
        |index, length, proof_layers| HashRange { base_layer: 0, index, length, proof_layers };
    // Leaves 6 and 7, which are blocks 2 and 3, up to the root, and then up to the piece alone.
    for (file, mut hashes, range, error) in [
        (0, tree.hashes(range(6, 2, 3)).unwrap(), range(6, 2, 3), LeafError::Wrong),
        (0, tree.hashes(range(6, 2, 1)).unwrap(), range(6, 2, 1), LeafError::Wrong),
        (0, vec![[0; 32]; 2], range(6, 2, 0), LeafError::UnknownNode { layer: 1, index: 3 }),
        (0, vec![[0; 32]; 8], range(0, 8, 0), LeafError::UnknownNode { layer: 3, index: 0 }),
        (0, vec![[0; 32]; 3], range(6, 2, 0), LeafError::Count { found: 3 }),
        (0, vec![[0; 32]; 2], range(7, 2, 0), LeafError::Count { found: 2 }),
        (0, vec![[0; 32]; 4], range(16, 4, 0), LeafError::UnknownNode { layer: 2, index: 4 }),
        (1, vec![[0; 32]; 2], range(0, 2, 0), LeafError::UnknownNode { layer: 1, index: 0 }),
        (2, vec![[0; 32]; 2], range(0, 2, 0), LeafError::NoTree { file: 2 }),
    ] {
        hashes[0][0] ^= 1;
        assert_eq!(verifier.add_leaves(file, range, &hashes), Err(error), "{range:?}");
        assert_eq!(verifier.bad_piece_blocks(1), unknown);
    }
    let (good, bad) = (Some(Verdict::Good), Some(Verdict::Bad));
    verifier.add_leaves(0, range(6, 2, 1), &tree.hashes(range(6, 2, 1)).unwrap()).unwrap();
    assert_eq!(verifier.bad_piece_blocks(1), Some(vec![None, None, good, good]));
    // Nodes above the leaves are proven too, but say nothing of blocks.
    let above = HashRange { base_layer: 1, index: 2, length: 2, proof_layers: 0 };
    verifier.add_leaves(0, above, &tree.hashes(above).unwrap()).unwrap();
    assert_eq!(verifier.bad_piece_blocks(1), Some(vec![None, None, good, good]));
    verifier.add_leaves(0, range(4, 2, 3), &tree.hashes(range(4, 2, 3)).unwrap()).unwrap();
    assert_eq!(verifier.bad_piece_blocks(1), Some(vec![good, bad, good, good]));

    // The last piece has one block, so that it is the bad one without any leaf.
    verifier.write(3, 0, &[0; K]).unwrap();
    assert_eq!(verifier.bad_piece_blocks(3), Some(vec![bad]));
    assert_eq!(verifier.bad_piece_blocks(0), None);
}

#[test]
fn a_bitfield_has_one_length() {
    let (metainfo, _) = ten_bytes();
    let resume = |bytes: &[u8]| Verifier::resume(PieceChecker::of(&metainfo).unwrap(), bytes);
    let mut verifier = resume(&[0b1010_0000]).unwrap();
    assert_eq!(
        [0, 1, 2].map(|piece| verifier.state(piece).unwrap()),
        [PieceState::Good, PieceState::Missing, PieceState::Good]
    );
    assert_eq!(verifier.write(0, 0, b"zzzz"), Ok(None));
    let error = resume(&[0b1011_0000]).unwrap_err();
    assert_eq!(error, BitfieldError::SpareBit { bit: 3, pieces: 3 });
    for bytes in [&[][..], &[0, 0]] {
        let expected = BitfieldError::Length { pieces: 3, expected: 1, found: bytes.len() };
        assert_eq!(resume(bytes).unwrap_err(), expected);
    }
}
