//! Real and malformed .torrent files from the test suites of other implementations, with what
//! libtorrent 2.1.1 says about each. They are not part of this repository: the test looks for
//! `corpus/torrent/corpus.tsv` in the directories beside it, or in the directory that
//! `TORRENT_CORPUS` names.

// A failed unwrap is a failed test, and a skipped one says so.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use torrent_meta::{ErrorKind, Info, InfoHash, Metainfo};

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

#[test]
fn files_that_libtorrent_accepts_have_its_info_hash() {
    let (mut v1, mut only_v2) = (0, 0);
    for Row { name, cells, bytes } in rows() {
        if cells["libtorrent_2.1.1"] != "ok" {
            continue;
        }
        let parsed = Metainfo::parse_lenient(&bytes);
        if cells["versions"] == "v2" {
            let error = parsed.unwrap_err();
            assert_eq!(error.kind, ErrorKind::OnlyV2, "{name}");
            only_v2 += 1;
            continue;
        }
        let metainfo = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        let info = metainfo.info();
        let expected: InfoHash = cells["v1_infohash_libtorrent"].parse().unwrap();
        assert_eq!(metainfo.info_hash(), expected, "{name}");
        // Alone, as peers send it.
        let alone = Info::parse_lenient(info.raw()).unwrap();
        assert_eq!((alone.info_hash(), &alone), (expected, info), "{name}");
        // Canonical files need no leniency, and the others say why.
        let canonical = cells["bencode_form"] == "canonical";
        assert_eq!(metainfo.deviations().is_empty(), canonical, "{name}");
        assert_eq!(Metainfo::parse(&bytes).is_ok(), canonical, "{name}");

        let files: Vec<_> = info.files().collect();
        assert_eq!(files.len(), info.file_count(), "{name}");
        assert_eq!(files.iter().map(|file| file.length()).sum::<u64>(), info.total_length());
        assert_eq!(info.pieces().len() as u64, info.piece_length().pieces(info.total_length()));
        assert!(files.iter().all(|file| file.path().count() > 0), "{name}");
        v1 += 1;
    }
    println!("{v1} info-hashes agree, {only_v2} files are v2 only");
}

/// Of the files that libtorrent rejects, some are wrong in their v2 part only, which is not read.
#[test]
fn files_that_libtorrent_rejects_have_typed_errors() {
    for Row { name, cells, bytes } in rows() {
        let verdict = &cells["libtorrent_2.1.1"];
        if verdict == "ok" {
            continue;
        }
        let Err(error) = Metainfo::parse_lenient(&bytes) else {
            let about_v2 = ["v1 and v2", "v2 metadata", "piece layer", "v2 file"];
            assert!(about_v2.iter().any(|part| verdict.contains(part)), "{name}: {verdict}");
            continue;
        };
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
            "many_pieces.torrent" => ErrorKind::PieceCount { expected: 107_374_183, found: 1 },
            "v2_bad_file_alignment.torrent" => {
                ErrorKind::PieceCount { expected: 3003, found: 3002 }
            }
            "negative_piece_len.torrent" => ErrorKind::PieceLength,
            "negative_size.torrent" => ErrorKind::Length,
            "no_name.torrent" | "corrupt.torrent" => ErrorKind::Missing { key: "name" },
            "string.torrent" => ErrorKind::NotADictionary { what: "the file" },
            _ => match error.kind {
                kind @ (ErrorKind::OnlyV2 | ErrorKind::Bencode(_)) => kind,
                kind => panic!("{name}: {kind:?}, libtorrent: {verdict}"),
            },
        };
        assert_eq!(error.kind, expected, "{name}, libtorrent: {verdict}");
    }
}
