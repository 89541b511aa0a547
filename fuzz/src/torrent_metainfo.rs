//! Metainfo parsing, strict and lenient, and verification with content that is made up.

use torrent_meta::bencode::{Limits, decode_lenient};
use torrent_meta::{ErrorKind, Info, InfoHash, Metainfo, Parser, PieceState, Verifier};

/// Checks one input, as a file and as an info dictionary.
pub fn check(data: &[u8]) {
    let strict = Metainfo::parse(data);
    let lenient = Metainfo::parse_lenient(data);
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => {
            assert!(lenient.deviations().is_empty());
            assert_eq!(strict, lenient);
            assert_eq!(strict.as_bytes(), data);
        }
        (Err(_), Ok(lenient)) => assert!(!lenient.deviations().is_empty()),
        (Err(strict), Err(lenient)) => {
            assert!(strict == lenient || matches!(strict.kind, ErrorKind::Deviation(_)));
        }
        (Ok(_), Err(error)) => panic!("lenient refuses what strict accepts: {error}"),
    }
    if let Ok(metainfo) = &lenient {
        check_metainfo(metainfo, data);
    }
    if let Ok(info) = Info::parse_lenient(data) {
        check_info(&info);
        let wrapped = [b"d4:info", info.raw(), b"e"].concat();
        let wrapped = Metainfo::parse_lenient(&wrapped).expect("nothing but an info dictionary");
        assert_eq!(*wrapped.info(), info);
    }
    let tight = Limits { bytes: 200, tokens: 20, depth: 3, integer_digits: 6 };
    if Parser::lenient().limits(tight).metainfo(data).is_ok() {
        assert!(lenient.is_ok());
    }
}

fn check_metainfo(metainfo: &Metainfo<'_>, data: &[u8]) {
    let document = decode_lenient(data).expect("it was parsed");
    let info =
        document.root().as_dict().and_then(|root| root.find(b"info")).expect("it was parsed");
    assert_eq!(metainfo.info_hash(), InfoHash::of(&data[info.span()]));
    assert_eq!(metainfo.info_hash().to_string().parse(), Ok(metainfo.info_hash()));
    assert!(metainfo.tiers().iter().all(|tier| !tier.is_empty()));
    let _ = (metainfo.announce(), metainfo.comment(), metainfo.created_by());
    let _ = metainfo.creation_date();
    let owned = metainfo.clone().into_owned();
    assert_eq!(owned, *metainfo);
    check_info(metainfo.info());
    let alone = Info::parse_lenient(metainfo.info().raw()).expect("it was parsed");
    assert_eq!(alone, *metainfo.info());
}

fn check_info(info: &Info<'_>) {
    let mut end = 0;
    for (index, file) in info.files().enumerate() {
        assert_eq!((file.index(), file.offset()), (index, end));
        end += file.length();
        assert!(file.path().count() > 0);
        if let Ok(path) = file.safe_path() {
            let up = |part: &str| matches!(part.trim_end_matches(' '), "" | "." | "..");
            assert!(!path.split('/').any(up) && !path.contains(['\\', ':', '\0']));
        }
    }
    assert_eq!(info.files().len(), info.file_count());
    assert_eq!(end, info.total_length());
    let pieces = info.pieces().len() as u64;
    assert_eq!(pieces, info.piece_length().pieces(end));
    if let Some(last) = pieces.checked_sub(1) {
        let before = last * u64::from(info.piece_length().get());
        let size = info.piece_size(last as u32).expect("the last piece");
        assert_eq!(before + u64::from(size), end);
    }
    assert_eq!(info.piece_size(pieces as u32), None);
    verify(info);
}

/// Hands over content of zeros, backwards and twice.
fn verify(info: &Info<'_>) {
    const CHUNK: u64 = 1000;
    let total = info.total_length();
    if total > 20 * CHUNK {
        return;
    }
    let mut verifier = Verifier::new(info);
    let zeros = [0; CHUNK as usize];
    for chunk in (0..total.div_ceil(CHUNK)).rev().flat_map(|chunk| [chunk, chunk]) {
        let offset = chunk * CHUNK;
        let length = CHUNK.min(total - offset) as usize;
        verifier.write_at(offset, &zeros[..length]).expect("there is room");
    }
    assert_eq!(verifier.buffered(), 0);
    let bad = verifier.bad_pieces().count();
    assert_eq!(bad + verifier.bitfield().count_ones(), info.pieces().len());
    for piece in 0..info.pieces().len() as u32 {
        let expected = [PieceState::Good, PieceState::Bad];
        assert!(verifier.state(piece).is_some_and(|state| expected.contains(&state)));
    }
}
