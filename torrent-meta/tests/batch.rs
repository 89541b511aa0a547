//! Pieces hashed side by side as their bytes are read, against each one alone and whole.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::array;

use proptest::prelude::*;
use sha1::Digest as _;
use torrent_meta::{Backend, ContentLayout, LEAF_LENGTH, PieceBatch, PieceHashes, PieceLength};

const LANES: usize = 5;

/// The files' bytes; padding is zeros.
fn contents(files: &[(u64, bool)]) -> Vec<Vec<u8>> {
    let mut next = 0u8;
    let mut byte = |padding: bool| {
        next = next.wrapping_mul(5).wrapping_add(17);
        if padding { 0 } else { next }
    };
    files.iter().map(|&(length, padding)| (0..length).map(|_| byte(padding)).collect()).collect()
}

/// All of a piece, and what is before any padding.
fn piece(layout: &ContentLayout, contents: &[Vec<u8>], piece: u64) -> (Vec<u8>, Vec<u8>) {
    let mut whole = Vec::new();
    for span in layout.spans(piece) {
        let bytes = &contents[span.file][span.offset as usize..][..span.length as usize];
        whole.extend(bytes);
    }
    let before_padding = layout.spans(piece).take_while(|span| !span.padding);
    let stored = whole[..before_padding.map(|span| span.length as usize).sum()].to_vec();
    (whole, stored)
}

fn expected(whole: &[u8], stored: &[u8], v1: bool, v2: bool) -> PieceHashes {
    let leaves = stored.chunks(LEAF_LENGTH).filter(|_| v2);
    PieceHashes {
        v1: v1.then(|| sha1::Sha1::digest(whole).into()),
        leaves: leaves.map(|leaf| sha2::Sha256::digest(leaf).into()).collect(),
    }
}

/// Hashes all pieces in this order, reading steps of these sizes in turn.
fn hash_all<'l>(
    mut batch: PieceBatch<'l, LANES>,
    layout: &'l ContentLayout,
    contents: &[Vec<u8>],
    order: &[u64],
    steps: &[usize],
) -> Vec<PieceHashes> {
    let mut hashes = vec![PieceHashes::default(); order.len()];
    let mut waiting = order.iter().copied();
    let mut lanes = [None; LANES];
    let mut steps = steps.iter().copied().cycle();
    loop {
        for (lane, current) in lanes.iter_mut().enumerate() {
            while current.is_none_or(|_| batch.left(lane) == 0) {
                if let Some(done) = current.take() {
                    hashes[done as usize] = batch.finish(lane);
                }
                let Some(piece) = waiting.next() else { break };
                *current = Some(piece);
                batch.start(lane, layout.spans(piece));
                assert_eq!(Some(batch.left(lane)), layout.piece_size(piece));
            }
        }
        if lanes.iter().all(Option::is_none) {
            return hashes;
        }
        let buffers: [Vec<u8>; LANES] = array::from_fn(|lane| {
            let mut buffer = Vec::new();
            for span in batch.wanted(lane, steps.next().unwrap()) {
                let bytes = &contents[span.file][span.offset as usize..];
                buffer.extend(&bytes[..span.length as usize]);
            }
            buffer
        });
        batch.advance(buffers.each_ref().map(Vec::as_slice));
    }
}

fn files() -> impl Strategy<Value = Vec<(u64, bool)>> {
    prop::collection::vec((0u64..70_000, any::<bool>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 6))]

    #[test]
    fn any_order_and_any_steps_give_the_hashes_of_each_piece(
        files in files(),
        piece_length in 1000u32..70_000,
        aligned in any::<bool>(),
        seed in any::<u64>(),
        steps in prop::collection::vec(1usize..60_000, 1..7),
    ) {
        let mut layout = ContentLayout::new(PieceLength::new(piece_length).unwrap());
        for &(length, padding) in &files {
            if aligned {
                layout.align();
            }
            if padding { layout.push_padding(length) } else { layout.push_file(length) }
        }
        let contents = contents(&files);
        let mut order: Vec<u64> = (0..layout.pieces()).collect();
        order.sort_by_key(|piece| piece.wrapping_add(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for backend in Backend::available() {
            for (v1, v2) in [(true, false), (false, true), (true, true)] {
                let batch = match (v1, v2) {
                    (true, true) => PieceBatch::hybrid(backend),
                    (true, _) => PieceBatch::v1(backend),
                    _ => PieceBatch::v2(backend),
                };
                let hashes = hash_all(batch, &layout, &contents, &order, &steps);
                for (index, hashes) in hashes.iter().enumerate() {
                    let (whole, stored) = piece(&layout, &contents, index as u64);
                    prop_assert_eq!(hashes, &expected(&whole, &stored, v1, v2));
                }
            }
        }
    }
}

/// A lane that is given another piece in the middle of one forgets what it had.
#[test]
fn a_new_piece_replaces_the_old_one() {
    let mut layout = ContentLayout::new(PieceLength::new(20_000).unwrap());
    layout.push_file(40_000);
    let content = contents(&[(40_000, false)]).remove(0);
    let mut batch: PieceBatch<'_, 1> = PieceBatch::hybrid(Backend::best());
    batch.start(0, layout.spans(0));
    batch.advance([&content[..17_000]]);
    assert_eq!(batch.left(0), 3000);
    batch.start(0, layout.spans(1));
    batch.advance([&content[20_000..]]);
    let hashes = batch.finish(0);
    assert_eq!(hashes, expected(&content[20_000..], &content[20_000..], true, true));
    assert_eq!((batch.left(0), batch.wanted(0, 9).count()), (0, 0));
}

#[test]
#[should_panic(expected = "lane 0 needs only 3 bytes")]
fn more_than_a_piece_is_the_callers_mistake() {
    let mut layout = ContentLayout::new(PieceLength::new(4).unwrap());
    layout.push_file(3);
    let mut batch: PieceBatch<'_, 1> = PieceBatch::v1(Backend::best());
    batch.start(0, layout.spans(0));
    batch.advance([b"four"]);
}
