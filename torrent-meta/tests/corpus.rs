//! Real and malformed .torrent files from the test suites of other implementations, with what
//! libtorrent 2.1.1 says about each. They are not part of this repository: the test looks for
//! `corpus/torrent/corpus.tsv` in the directories beside it, or in the directory that
//! `TORRENT_CORPUS` names.

// A failed unwrap is a failed test, and a skipped one says so.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use torrent_meta::bencode;
use torrent_meta::{ErrorKind, Info, InfoHash, InfoHashV2, Limits, Parser, Version};

fn corpus() -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os("TORRENT_CORPUS") {
        return Some(directory.into());
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    let beside = std::fs::read_dir(repository).ok()?;
    let mut found = beside.filter_map(|entry| Some(entry.ok()?.path().join("corpus/torrent")));
    found.find(|directory| directory.join("corpus.tsv").is_file())
}

/// One line: the file's name, and the cells by their column's name.
struct Row {
    name: String,
    cells: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

fn rows() -> Vec<Row> {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus/torrent/corpus.tsv beside the repository");
        return Vec::new();
    };
    let table = std::fs::read_to_string(corpus.join("corpus.tsv")).unwrap();
    let mut lines = table.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    lines
        .map(|line| {
            let cells = line.split('\t').map(String::from);
            let cells: BTreeMap<_, _> =
                columns.iter().copied().map(String::from).zip(cells).collect();
            let name = cells["file"].clone();
            let bytes = std::fs::read(corpus.join(&name)).unwrap();
            Row { name, cells, bytes }
        })
        .collect()
}

/// libtorrent's rules, except that it takes what is only odd.
fn parser() -> Parser {
    Parser::lenient().limits(Limits::LIBTORRENT)
}

#[test]
fn files_that_libtorrent_accepts_have_its_info_hashes() {
    let mut counts = BTreeMap::new();
    for Row { name, cells, bytes } in rows() {
        if cells["libtorrent_2.1.1"] != "ok" {
            continue;
        }
        let metainfo = parser().metainfo(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let info = metainfo.info();
        let version = match cells["versions"].as_str() {
            "v1" => Version::V1,
            "v2" => Version::V2,
            "v1v2" => Version::Hybrid,
            other => panic!("{other}"),
        };
        assert_eq!(metainfo.version(), version, "{name}");
        *counts.entry(version).or_insert(0) += 1;
        let cell = |column: &str| Some(cells[column].as_str()).filter(|cell| *cell != "-");
        let v1 = cell("v1_infohash_libtorrent").map(|hash| hash.parse().unwrap());
        let v2 = cell("v2_infohash_libtorrent").map(|hash| hash.parse().unwrap());
        assert_eq!((metainfo.info_hash_v1(), metainfo.info_hash_v2()), (v1, v2), "{name}");
        // Alone, as peers send it.
        let alone = Info::parse_lenient(info.raw()).unwrap();
        assert_eq!((alone.info_hash_v1(), alone.info_hash_v2()), (v1, v2), "{name}");
        assert_eq!(&alone, info, "{name}");
        // Whatever the version, the bytes are the same.
        let sha1 = InfoHash::of(info.raw()).to_string();
        let sha256 = InfoHashV2::of(info.raw()).to_string();
        assert_eq!(
            (&sha1, &sha256),
            (&cells["sha1_raw_info_slice"], &cells["sha256_raw_info_slice"])
        );

        let files: Vec<_> = info.files().collect();
        assert_eq!(files.len(), info.file_count(), "{name}");
        if version.has_v1() {
            assert_eq!(files.iter().map(|file| file.length()).sum::<u64>(), info.total_length());
            assert_eq!(info.pieces().len(), info.piece_count() as usize);
        } else {
            assert!(info.pieces().is_empty(), "{name}");
        }
        assert!(files.iter().all(|file| file.path().count() > 0), "{name}");
    }
    println!("info-hashes agree: {counts:?}");
}

#[test]
fn files_that_libtorrent_rejects_have_typed_errors() {
    for Row { name, cells, bytes } in rows() {
        let verdict = &cells["libtorrent_2.1.1"];
        if verdict == "ok" {
            continue;
        }
        let error = parser().metainfo(&bytes).expect_err(&name);
        assert!(error.offset < bytes.len(), "{name}: {error}");
        let expected = match name.rsplit('/').next().unwrap() {
            "minimal-trailing-newline.torrent"
            | "metainfo_testdata_minimal-trailing-newline.torrent" => {
                ErrorKind::Missing { key: "info" }
            }
            "invalid_file_size.torrent" => {
                ErrorKind::WrongKind { key: "length", expected: "an integer" }
            }
            "invalid_info.torrent" => ErrorKind::NotADictionary { what: "the value of 'info'" },
            "invalid_name.torrent" => ErrorKind::WrongKind { key: "name", expected: "a string" },
            "invalid_path_list.torrent" => {
                ErrorKind::WrongKind { key: "path", expected: "a list of strings" }
            }
            "invalid_pieces.torrent" => {
                ErrorKind::WrongKind { key: "pieces", expected: "a string" }
            }
            "many_pieces.torrent" => ErrorKind::TooManyPieces { pieces: 107_374_183, max: 1 << 21 },
            "negative_piece_len.torrent" => ErrorKind::PieceLength { max: 0x7fff << 14 },
            "negative_size.torrent" => ErrorKind::Length { max: Limits::LIBTORRENT.file_length },
            "no_name.torrent" | "corrupt.torrent" => ErrorKind::Missing { key: "name" },
            "string.torrent" => ErrorKind::NotADictionary { what: "the file" },
            "v2_bad_file_alignment.torrent" => ErrorKind::Inconsistent,
            "v2_deep_recursion.torrent" => {
                ErrorKind::Bencode(bencode::ErrorKind::TooDeep { max: 99 })
            }
            "v2_invalid_pad_file.torrent" => ErrorKind::PadFile,
            "v2_invalid_piece_layer.torrent" => {
                ErrorKind::WrongKind { key: "piece layers", expected: "strings" }
            }
            "v2_invalid_piece_layer_root.torrent" => ErrorKind::PieceLayerHash,
            "v2_missing_file_root_invalid_symlink.torrent"
            | "v2_zero_root.torrent"
            | "v2_zero_root_small.torrent" => ErrorKind::PiecesRoot,
            "v2_overlong_integer.torrent" => {
                ErrorKind::NotCanonical(bencode::DeviationKind::LeadingZero)
            }
            "v2_piece_size.torrent" => ErrorKind::PieceLength { max: 0x7fff << 14 },
            "v2_unordered_files.torrent" => {
                ErrorKind::NotCanonical(bencode::DeviationKind::UnsortedKey)
            }
            _ => panic!("{name}: {error}, libtorrent: {verdict}"),
        };
        assert_eq!(error.kind, expected, "{name}, libtorrent: {verdict}");
    }
}
