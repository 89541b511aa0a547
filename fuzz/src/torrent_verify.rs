//! Verification by strangers' metainfo: chunks at any place, hashes of merkle trees from anyone, and the
//! same content chunk by chunk and many pieces at once.

use std::array;

use torrent_meta::{
    Backend, HashRange, Metainfo, PieceChecker, PieceMap, PieceState, Verifier, VerifyError,
};

/// More content than this is not made up.
const MOST: u64 = 256 << 10;
const LIMIT: usize = 40 << 10;

/// Checks one input: a metainfo file, and what is done with it behind its end.
pub fn check(data: &[u8]) {
    let Ok(metainfo) = Metainfo::parse_lenient(data) else { return };
    let steps = &data[metainfo.as_bytes().len()..];
    let Ok(checker) = PieceChecker::of(&metainfo) else { return };
    let layout = checker.layout();
    assert_eq!(layout.file_count(), metainfo.info().file_count());
    assert_eq!(layout.pieces(), checker.pieces() as u64);
    assert_eq!(checker.pieces(), metainfo.info().piece_count() as usize);
    for piece in [0, 1, layout.pieces() / 2, layout.pieces().saturating_sub(1)] {
        let size = metainfo.info().piece_size(piece as u32);
        assert_eq!(layout.piece_size(piece), size.map(u64::from));
    }
    let length: u64 =
        (0..layout.file_count()).filter_map(|file| layout.file(file)).map(|f| f.0).sum();
    if length > MOST || checker.pieces() > 1000 {
        return;
    }
    wander(checker.clone(), steps);
    same_both_ways(&checker, steps);
}

/// Whatever comes, in whatever order.
fn wander(checker: PieceChecker, steps: &[u8]) {
    let mut verifier = Verifier::new(checker).buffer_limit(LIMIT);
    let zeros = vec![0; 64 << 10];
    for step in steps.as_chunks::<6>().0 {
        let [what, number, at @ .., _] = *step;
        let [a, b, length] = at.map(usize::from);
        let offset = a << 8 | b;
        let bytes = &zeros[..(length << (what >> 4)).min(zeros.len())];
        match what % 8 {
            0 | 1 => {
                let outcome = verifier.write(number.into(), offset as u32, bytes);
                assert!(!matches!(outcome, Err(VerifyError::NoSuchFile { .. })));
            }
            2 | 3 => _ = verifier.write_at((usize::from(number) << 14 | offset) as u64, bytes),
            4 => _ = verifier.write_file(number.into(), offset as u64, bytes),
            5 => verifier.retry(number.into()),
            6 => {
                let range = HashRange {
                    base_layer: a as u32 % 40,
                    index: b as u32,
                    length: length as u32,
                    proof_layers: u32::from(what >> 4),
                };
                let count = range.hashes().unwrap_or(1).min(300) as usize;
                let _ = verifier.add_leaves(number.into(), range, &vec![[step[5]; 32]; count]);
            }
            _ => {
                let resumed =
                    Verifier::resume(verifier.checker().clone(), verifier.bitfield_bytes());
                assert_eq!(resumed.expect("its own").bitfield(), verifier.bitfield());
            }
        }
        assert!(verifier.buffered() <= LIMIT);
    }
    let map = verifier.map();
    for piece in 0..map.pieces() as u32 {
        let partial = verifier.state(piece) == Some(PieceState::Partial);
        assert_eq!(verifier.hashed(piece).is_some(), partial);
        let is_bad = map.bad_pieces().any(|bad| bad == piece);
        assert_eq!(
            verifier.bad_piece_blocks(piece).is_some(),
            is_bad && verifier.checker().has_v2()
        );
    }
    for file in 0..verifier.checker().layout().file_count() {
        let mut end = 0;
        for part in map.file_parts(verifier.checker().layout(), file) {
            assert!(part.bytes.start == end && part.bytes.end > end);
            end = part.bytes.end;
        }
        assert_eq!(verifier.checker().layout().file(file).map(|(length, _)| length), Some(end));
        assert!(verifier.good_bytes(file) <= end);
    }
}

/// Zeros with one byte that is not, at a place of the input's choice.
fn same_both_ways(checker: &PieceChecker, steps: &[u8]) {
    const LANES: usize = 5;
    let layout = checker.layout();
    let mut place = steps.iter().take(4).fold(0, |place, &step| place << 8 | u64::from(step));
    let mut files: Vec<Vec<u8>> = Vec::new();
    for file in 0..layout.file_count() {
        let (length, padding) = layout.file(file).expect("one of them");
        let mut bytes = vec![0; length as usize];
        if let Some(byte) = bytes.get_mut(place as usize)
            && !padding
        {
            *byte = 1;
        }
        place = place.wrapping_sub(length);
        files.push(bytes);
    }
    let chunk = 1 + steps.get(4).map_or(0, |&step| usize::from(step) * 128);

    let mut verifier = Verifier::new(checker.clone());
    for (file, bytes) in files.iter().enumerate().rev() {
        for (index, bytes) in bytes.chunks(chunk.max(bytes.len() / 200)).enumerate() {
            let offset = (index * chunk.max(files[file].len() / 200)) as u64;
            verifier.write_file(file, offset, bytes).expect("in order");
        }
    }
    let mut map = PieceMap::new(checker.pieces());
    let mut batch = checker.batch::<LANES>(Backend::best());
    for first in (0..checker.pieces()).step_by(LANES) {
        let group = first..checker.pieces().min(first + LANES);
        for piece in group.clone() {
            batch.start(piece - first, layout.spans(piece as u64));
        }
        while (0..LANES).any(|lane| batch.left(lane) > 0) {
            let buffers: [Vec<u8>; LANES] = array::from_fn(|lane| {
                let mut buffer = Vec::new();
                for span in batch.wanted(lane, chunk.max(1000)) {
                    buffer
                        .extend(&files[span.file][span.offset as usize..][..span.length as usize]);
                }
                buffer
            });
            batch.advance(buffers.each_ref().map(Vec::as_slice));
        }
        for piece in group {
            // If it is nothing but padding, no file's chunk was of it.
            verifier.write(piece as u32, 0, b"").expect("it is there");
            let verdict =
                checker.check(Backend::best(), piece as u32, &batch.finish(piece - first));
            map.set(piece as u32, verdict.expect("all of it").into());
        }
    }
    assert_eq!(map, *verifier.map());
    assert_eq!(verifier.buffered(), 0);
}
