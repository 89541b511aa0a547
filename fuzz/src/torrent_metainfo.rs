//! Metainfo parsing, strict and lenient.

use torrent_meta::bencode::{self, decode_lenient};
use torrent_meta::{
    CollisionKind, ErrorKind, File, Info, InfoHash, InfoHashV2, Limits, Metainfo, Parser,
};

use crate::allocation::peak;

/// Checks one input, as a file and as an info dictionary.
pub fn check(data: &[u8]) {
    let strict = Metainfo::parse(data);
    let mut lenient = None;
    let bytes = peak(|| lenient = Some(Metainfo::parse_lenient(data)));
    check_bound("parse_lenient", bytes, data);
    let lenient = lenient.expect("it was run");
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
    let bencode = bencode::Limits { bytes: 200, tokens: 20, depth: 3, integer_digits: 6 };
    let tight = Limits { bencode, ..Limits::DEFAULT };
    if Parser::lenient().limits(tight).metainfo(data).is_ok() {
        assert!(lenient.is_ok());
    }
}

/// What the documentation of [`Limits`] promises.
fn check_bound(what: &str, bytes: usize, data: &[u8]) {
    assert!(bytes <= 96 * data.len() + 4096, "{what}: {bytes} bytes for {}", data.len());
}

fn check_collisions(info: &Info<'_>) {
    let mut found = Vec::new();
    let bytes = peak(|| found = info.path_collisions());
    check_bound("path_collisions", bytes, info.raw());
    let path = |index: usize| info.files().nth(index).and_then(|file| file.safe_path().ok());
    // A few, as looking for a path takes a while.
    for collision in found.iter().take(16) {
        let files = collision.files.get(..collision.files.len().min(16)).expect("no more than all");
        assert!(files.is_sorted_by(|one, other| one < other));
        let (Some(&first), below) = (files.first(), collision.below) else { panic!("no files") };
        let first = path(first).expect("only safe paths collide");
        assert!(files.iter().all(|&file| path(file).is_some()));
        let is_directory =
            matches!(collision.kind, CollisionKind::Directory | CollisionKind::FoldedDirectory);
        assert_eq!(is_directory, below.is_some());
        assert!(is_directory || files.len() > 1);
        if matches!(collision.kind, CollisionKind::Equal | CollisionKind::Directory) {
            assert!(files.iter().all(|&file| path(file).as_ref() == Some(&first)));
        }
        if collision.kind == CollisionKind::Directory {
            let below = below.and_then(path).expect("only safe paths collide");
            assert!(below.strip_prefix(&first).is_some_and(|rest| rest.starts_with('/')));
        }
    }
}

fn check_metainfo(metainfo: &Metainfo<'_>, data: &[u8]) {
    let document = decode_lenient(data).expect("it was parsed");
    let info =
        document.root().as_dict().and_then(|root| root.find(b"info")).expect("it was parsed");
    let version = metainfo.version();
    let v1 = version.has_v1().then(|| InfoHash::of(&data[info.span()]));
    let v2 = version.has_v2().then(|| InfoHashV2::of(&data[info.span()]));
    assert_eq!((metainfo.info_hash_v1(), metainfo.info_hash_v2()), (v1, v2));
    assert!(metainfo.tiers().iter().all(|tier| !tier.is_empty()));
    let _ = (metainfo.announce(), metainfo.comment(), metainfo.created_by());
    let _ = (metainfo.creation_date(), metainfo.web_seeds(), metainfo.http_seeds());
    let _ = (metainfo.nodes(), metainfo.info().update_url());
    let _ = (metainfo.similar().count(), metainfo.collections().count());
    assert_eq!(metainfo.is_trackerless(), metainfo.tiers().is_empty());
    for file in metainfo.info().files() {
        let Some(layer) = file.pieces_root().and_then(|root| metainfo.piece_layer(root)) else {
            continue;
        };
        let pieces = file.length().div_ceil(metainfo.info().piece_length().get().into());
        assert_eq!(layer.len() as u64, pieces);
        assert!(pieces > 1);
    }
    let owned = metainfo.clone().into_owned();
    assert_eq!(owned, *metainfo);
    check_info(metainfo.info());
    let alone = Info::parse_lenient(metainfo.info().raw()).expect("it was parsed");
    assert_eq!(alone, *metainfo.info());
}

fn check_info(info: &Info<'_>) {
    let version = info.version();
    let piece_length = u64::from(info.piece_length().get());
    let mut end = 0;
    for (index, file) in info.files().enumerate() {
        assert_eq!(file.index(), index);
        if version.has_v1() || file.length() == 0 {
            assert_eq!(file.offset(), end);
        } else {
            assert_eq!(file.offset(), end.next_multiple_of(piece_length));
        }
        end = file.offset() + file.length();
        assert!(file.is_pad() || file.path().count() > 0);
        check_paths(&file);
        assert_eq!(
            file.pieces_root().is_some(),
            version.has_v2() && !file.is_pad() && file.length() > 0
        );
        for offset in [file.offset(), end.saturating_sub(1)] {
            if file.length() > 0 {
                assert_eq!(info.file_at(offset).map(|found| found.index()), Some(index));
            }
        }
    }
    check_collisions(info);
    let paths = info.safe_paths();
    assert_eq!(paths.len(), info.file_count());
    for (file, path) in info.files().zip(paths.iter()) {
        assert_eq!(file.safe_path().as_deref().map_err(|error| *error), path);
    }
    assert_eq!(info.files().len(), info.file_count());
    assert_eq!(end, info.total_length());
    let pieces = info.piece_count();
    assert_eq!(u64::from(pieces), info.piece_length().pieces(end));
    assert_eq!(info.pieces().len(), if version.has_v1() { pieces as usize } else { 0 });
    if let Some(last) = pieces.checked_sub(1) {
        let before = u64::from(last) * piece_length;
        let size = info.piece_size(last).expect("the last piece");
        assert_eq!(before + u64::from(size), end);
    }
    assert_eq!(info.piece_size(pieces), None);
    assert!(info.file_at(end).is_none());
}

fn check_paths(file: &File<'_>) {
    let is_safe = |path: &str| {
        let up = |part: &str| matches!(part.trim_end_matches(' '), "" | "." | "..");
        !path.split('/').any(up) && !path.contains(['\\', ':', '\0'])
    };
    let path = file.safe_path();
    assert!(path.as_ref().is_ok_and(|path| is_safe(path)) || path.is_err());
    let target = file.safe_symlink_target();
    assert_eq!(target.is_some(), file.symlink_target().is_some());
    assert!(target.is_none_or(|target| target.is_err() || target.is_ok_and(|path| is_safe(&path))));
}
