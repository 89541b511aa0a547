//! Reading v2 and hybrid torrents, and the keys of other BEPs. What is accepted and what is not was
//! compared with libtorrent 2.1.1, but for what the README names.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use torrent_meta::bencode::Value;
use torrent_meta::{
    Backend, DeviationKind, ErrorKind, Info, InfoHash, InfoHashV2, Limits, MerkleHash, Metainfo,
    Parser, Version, merkle_root,
};

const PIECE: u64 = 16 << 10;
const ROOT: [u8; 32] = [7; 32];

fn dict<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::dict(entries.map(|(key, value)| (key.as_bytes().to_vec(), value)))
}

fn bytes(bytes: &[u8]) -> Value {
    Value::from(bytes.to_vec())
}

fn list(items: Vec<Value>) -> Value {
    Value::from(items)
}

/// A file of a file tree.
fn leaf(length: u64, root: &[u8]) -> Value {
    dict([("", dict([("length", length.into()), ("pieces root", bytes(root))]))])
}

fn v1_file(length: u64, path: &[&str], attr: &str) -> Value {
    let path = list(path.iter().map(|&name| Value::from(name)).collect());
    dict([("attr", attr.into()), ("length", length.into()), ("path", path)])
}

/// An info dictionary of v2, with further keys.
fn info(tree: Value, more: Vec<(&str, Value)>) -> Vec<u8> {
    let mut entries = vec![
        ("file tree", tree),
        ("meta version", 2.into()),
        ("name", "x".into()),
        ("piece length", PIECE.into()),
    ];
    entries.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    entries.extend(more);
    Value::dict(entries.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value))).to_vec()
}

fn two_files() -> Value {
    dict([("a", leaf(5, &ROOT)), ("d", dict([("b", leaf(PIECE + 1, &[8; 32]))]))])
}

fn hashes(pieces: usize) -> Value {
    bytes(&vec![1; 20 * pieces])
}

#[test]
fn a_file_tree() {
    let bytes = info(two_files(), vec![]);
    let info = Info::parse(&bytes).unwrap();
    assert_eq!(info.version(), Version::V2);
    assert_eq!((info.info_hash_v1(), info.info_hash_v2()), (None, Some(InfoHashV2::of(&bytes))));
    assert_eq!(info.info_hash_v2().unwrap().truncated(), InfoHashV2::of(&bytes).0[..20]);
    let files: Vec<_> = info.files().collect();
    assert_eq!((files[0].offset(), files[0].length()), (0, 5));
    assert_eq!((files[1].offset(), files[1].length()), (PIECE, PIECE + 1));
    assert_eq!(files[1].path().collect::<Vec<_>>(), [b"d", b"b"]);
    assert_eq!(files[1].safe_path().as_deref(), Ok("x/d/b"));
    assert_eq!(files[0].pieces_root(), Some(ROOT));
    assert_eq!((info.piece_count(), info.pieces().len()), (3, 0));
    let sizes = [0, 1, 2, 3].map(|piece| info.piece_size(piece));
    assert_eq!(sizes, [Some(5), Some(16 << 10), Some(1), None]);
    let at = |offset| info.file_at(offset).map(|file| file.index());
    assert_eq!([0, 4, 5, PIECE, 2 * PIECE].map(at), [Some(0), Some(0), None, Some(1), Some(1)]);
    assert_eq!(at(2 * PIECE + 1), None);
    let paths: Vec<_> = info.safe_paths().iter().map(|path| path.unwrap().to_owned()).collect();
    assert_eq!(paths, ["x/a", "x/d/b"]);

    // One file that is in no directory is a single file, and its name is the tree's.
    let single = self::info(dict([("y", leaf(5, &ROOT))]), vec![]);
    let single = Info::parse(single).unwrap();
    assert!(single.is_single_file());
    assert_eq!(single.files().next().unwrap().safe_path().as_deref(), Ok("y"));
}

#[test]
fn a_hybrid_has_the_same_files_twice() {
    let gap = PIECE - 5;
    let files = |files: Vec<Value>, pieces| {
        info(two_files(), vec![("files", list(files)), ("pieces", hashes(pieces))])
    };
    let a = || v1_file(5, &["a"], "");
    let pad = |length| v1_file(length, &[".pad", "1"], "p");
    let b = || v1_file(PIECE + 1, &["d", "b"], "");
    let bytes = files(vec![a(), pad(gap), b()], 3);
    let hybrid = Info::parse(&bytes).unwrap();
    assert_eq!(hybrid.version(), Version::Hybrid);
    assert_eq!(hybrid.info_hash_v1(), Some(InfoHash::of(&bytes)));
    assert_eq!(hybrid.info_hash_v2(), Some(InfoHashV2::of(&bytes)));
    let roots: Vec<_> = hybrid.files().map(|file| file.pieces_root()).collect();
    assert_eq!(roots, [Some(ROOT), None, Some([8; 32])]);
    assert_eq!(hybrid.stored_files().count(), 2);
    assert!(hybrid.files().nth(1).unwrap().is_pad());

    // Padding at the end is allowed, if it makes no further piece.
    assert!(Info::parse(files(vec![a(), pad(gap), b(), pad(PIECE - 1)], 3)).is_ok());
    for (other, pieces) in [
        (vec![a(), b()], 2),
        (vec![a(), pad(gap), b(), pad(PIECE)], 4),
        (vec![a(), pad(gap), v1_file(PIECE + 1, &["d", "c"], "")], 3),
        (vec![a(), pad(gap), v1_file(PIECE, &["d", "b"], "")], 2),
        (vec![a(), pad(gap), b(), v1_file(1, &["e"], "")], 3),
        (vec![a()], 1),
    ] {
        let error = Info::parse_lenient(files(other, pieces)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Inconsistent);
    }
}

#[test]
fn what_is_no_v2() {
    let error = |tree, more| Info::parse_lenient(info(tree, more)).unwrap_err().kind;
    let tree = |name: &str, value| dict([(name, value)]);
    let fine = || tree("a", leaf(5, &ROOT));
    assert_eq!(
        error(fine(), vec![("meta version", 3.into())]),
        ErrorKind::UnknownVersion { version: 3 }
    );
    assert_eq!(error(fine(), vec![("meta version", 1.into())]), ErrorKind::MissingVersion);
    assert_eq!(
        error(fine(), vec![("piece length", 20_000.into())]),
        ErrorKind::PieceLengthV2 { length: 20_000 }
    );
    assert_eq!(error(dict([]), vec![]), ErrorKind::NoFiles);
    assert_eq!(error(tree("d", dict([])), vec![]), ErrorKind::NoFiles);
    assert_eq!(error(leaf(5, &ROOT), vec![]), ErrorKind::NoName);
    let both = dict([("", dict([])), ("a", leaf(5, &ROOT))]);
    assert_eq!(error(tree("d", both), vec![]), ErrorKind::NoName);
    let not_a_dictionary = ErrorKind::NotADictionary { what: "an item of 'file tree'" };
    assert_eq!(error(tree("a", 5.into()), vec![]), not_a_dictionary);
    assert_eq!(error(tree("a", tree("", 5.into())), vec![]), not_a_dictionary);
    for root in [&[0; 32][..], &[7; 31], b""] {
        assert_eq!(error(tree("a", leaf(5, root)), vec![]), ErrorKind::PiecesRoot);
    }
    let pad = dict([("attr", "p".into()), ("length", 5.into()), ("pieces root", bytes(&ROOT))]);
    assert_eq!(error(tree("a", tree("", pad)), vec![]), ErrorKind::PadFile);
    // An empty file needs no root, and has none.
    let empty = dict([("a", leaf(5, &ROOT)), ("b", tree("", dict([("length", 0.into())])))]);
    assert!(Info::parse(info(empty, vec![])).is_ok());
    // Only v1 may be what canonical bencode is not.
    let canonical = String::from_utf8(info(fine(), vec![])).unwrap();
    let odd = canonical.replace("lengthi5e", "lengthi05e");
    let kind = Info::parse_lenient(odd.as_bytes()).unwrap_err().kind;
    assert!(matches!(kind, ErrorKind::NotCanonical(_)), "{kind}");
    let limits = Limits { pieces: 2, ..Limits::DEFAULT };
    let error = Parser::strict().limits(limits).info(info(two_files(), vec![])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooManyPieces { pieces: 3, max: 2 });
}

#[test]
fn symbolic_links() {
    let target = list(vec!["d".into(), "b".into()]);
    let link = dict([("attr", "l".into()), ("length", 0.into()), ("symlink path", target)]);
    let tree = dict([("a", leaf(5, &ROOT)), ("l", dict([("", link)]))]);
    let info = info(tree, vec![]);
    let info = Info::parse(info).unwrap();
    let link = info.files().nth(1).unwrap();
    assert!(link.attributes().is_symlink());
    assert_eq!((link.length(), link.pieces_root()), (0, None));
    assert_eq!(link.symlink_target().unwrap().collect::<Vec<_>>(), [b"d", b"b"]);
    assert_eq!(link.safe_symlink_target(), Some(Ok("x/d/b".to_owned())));
    assert!(info.files().next().unwrap().symlink_target().is_none());
}

#[test]
fn piece_layers_lead_to_their_roots() {
    let layer: Vec<MerkleHash> = vec![[1; 32], [2; 32], [3; 32]];
    let root = merkle_root(Backend::best(), &layer, 0);
    let tree = dict([("a", leaf(2 * PIECE + 1, &root)), ("b", leaf(5, &ROOT))]);
    let info = info(tree, vec![]);
    let torrent = |layers: &[u8]| [b"d4:info", &info[..], layers, b"e"].concat();
    let layers = |root: &[u8], layer: &[u8]| {
        let key = [b"12:piece layersd32:", root].concat();
        [&key[..], format!("{}:", layer.len()).as_bytes(), layer, b"e"].concat()
    };
    let bytes = torrent(&layers(&root, layer.as_flattened()));
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!(metainfo.piece_layer(root), Some(&layer[..]));
    assert_eq!(metainfo.piece_layer(ROOT), None);
    assert_eq!(metainfo.clone().into_owned().piece_layer(root), Some(&layer[..]));

    let error = |layers: &[u8]| Metainfo::parse_lenient(torrent(layers)).unwrap_err().kind;
    let two = &layer.as_flattened()[..64];
    assert_eq!(error(&layers(&root, two)), ErrorKind::PieceLayerLength { pieces: 3, found: 64 });
    assert_eq!(error(&layers(&root, &[9; 96])), ErrorKind::PieceLayerHash);
    assert_eq!(error(&layers(&ROOT, &[9; 32])), ErrorKind::PieceLayerRoot);
    // Without them a client has to ask peers.
    let missing = Metainfo::parse_lenient(torrent(b"")).unwrap();
    assert_eq!(missing.deviations()[0].kind, DeviationKind::NoPieceLayer);
    assert!(Metainfo::parse(torrent(b"")).is_err());
}

#[test]
fn keys_of_other_beps() {
    let info = b"d11:collectionsl1:ce6:lengthi1e4:name1:x12:piece lengthi1e6:pieces20:\
                 aaaaaaaaaaaaaaaaaaaa7:similarl20:bbbbbbbbbbbbbbbbbbbbe10:update-url3:u:/e";
    let outer = |before: &str, after: &str| {
        [b"d", before.as_bytes(), b"4:info", &info[..], after.as_bytes(), b"e"].concat()
    };
    let bytes = outer(
        "11:collectionsl1:de9:httpseedsl2:h1e",
        "5:nodesll9:127.0.0.1i6881eel4:hosti1eee8:url-listl2:w10:2:w2e",
    );
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!(metainfo.web_seeds(), ["w1", "w2"]);
    assert_eq!(metainfo.http_seeds(), ["h1"]);
    assert_eq!(metainfo.nodes(), [("127.0.0.1", 6881), ("host", 1)]);
    assert!(metainfo.is_trackerless());
    assert_eq!(metainfo.similar().collect::<Vec<_>>(), [InfoHash([b'b'; 20])]);
    assert_eq!(metainfo.collections().collect::<Vec<_>>(), [b"c", b"d"]);
    assert_eq!(metainfo.info().update_url(), Some("u:/"));
    // One URL may stand alone.
    let one = outer("", "8:url-list2:w1");
    assert_eq!(Metainfo::parse(&one).unwrap().web_seeds(), ["w1"]);
    // The wrong kind of each is ignored, and strict parsing refuses it.
    for key in ["5:nodes", "8:url-list", "9:httpseeds", "7:similar", "11:collections"] {
        let wrong = format!("{key}i1e");
        let is_before = key.ends_with("collections") || key.ends_with("httpseeds");
        let bytes = if is_before { outer(&wrong, "") } else { outer("", &wrong) };
        let error = Metainfo::parse(&bytes).unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Deviation(DeviationKind::Ignored { .. })),
            "{key}: {error}"
        );
        let metainfo = Metainfo::parse_lenient(&bytes).unwrap();
        let ignored = |kind: &DeviationKind| matches!(kind, DeviationKind::Ignored { .. });
        assert!(metainfo.deviations().iter().any(|found| ignored(&found.kind)), "{key}");
        assert!(metainfo.nodes().is_empty() && metainfo.web_seeds().is_empty());
    }
}

/// The sample of a lecture, as it is printed: cut off, and damaged.
#[test]
fn the_printed_sample_is_refused_with_an_offset() {
    let printed = b"d8:announce30:http://tracker.prq.to/announce13:announce-listll48:http://open.\
        tracker.thepiratebay.org:80/ :name48:Arctic_Monkeys-cSm12:piece lengthi65536e6:pieces13280";
    for error in [Metainfo::parse(printed), Metainfo::parse_lenient(printed)] {
        let error = error.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Bencode(_)), "{error}");
        // The second URL's length is that of another text: its end is in the middle of what follows.
        assert!((64..printed.len()).contains(&error.offset), "{error}");
    }
}

/// The same with what the print left out.
#[test]
fn the_completed_sample_has_664_pieces() {
    let hashes: Vec<u8> = (0..13_280u32).map(|index| (index % 251) as u8).collect();
    let length = 663 * 65_536 + 1;
    let mut bytes = b"d8:announce30:http://tracker.prq.to/announce13:announce-listll40:\
        http://open.tracker.thepiratebay.org:80/el30:http://tracker.prq.to/announceee"
        .to_vec();
    bytes.extend(format!("4:infod6:lengthi{length}e4:name18:Arctic_Monkeys-cSm").bytes());
    bytes.extend(b"12:piece lengthi65536e6:pieces13280:");
    bytes.extend(&hashes);
    bytes.extend(b"ee");
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!(metainfo.announce(), Some("http://tracker.prq.to/announce"));
    assert_eq!(metainfo.tiers().len(), 2);
    let info = metainfo.info();
    assert_eq!((info.piece_length().get(), info.pieces().len()), (65_536, 664));
    assert_eq!(info.pieces().as_flattened(), hashes);
    assert_eq!((info.piece_size(663), info.name()), (Some(1), &b"Arctic_Monkeys-cSm"[..]));
}
