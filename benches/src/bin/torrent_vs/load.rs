//! From a file's bytes to what a client needs of a torrent.

use std::io;

use overlay_benches::{Bench, Unit};
use torrent_meta::{InfoHash, Metainfo};

/// What all contenders must agree on.
#[derive(Debug, PartialEq)]
struct Loaded {
    files: usize,
    path_bytes: usize,
    info_hash: [u8; 20],
}

/// Parsed and checked, with the info-hash and a path for each file that is safe to use.
pub fn with_paths(bench: &mut Bench, name: &'static str, torrent: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let expected = ours(torrent);
    assert!(expected.path_bytes > 10 * expected.files);
    case.ours(|| ours(torrent));
    case.other("ours_a_string_each", || ours_in_strings(torrent));

    #[cfg(feature = "peers")]
    {
        assert_eq!(librqbit(torrent), expected);
        case.peer("librqbit-core", || librqbit(torrent));
        case.other("librqbit-core_without_paths", || librqbit_parse(torrent));
    }
    #[cfg(feature = "system-peers")]
    {
        assert_eq!(libtorrent(torrent, true), expected);
        case.peer("libtorrent", || libtorrent(torrent, true));
    }
    bench.run(case)
}

/// Parsed and checked, with the info-hash. libtorrent makes the paths all the same.
pub fn without_paths(bench: &mut Bench, name: &'static str, torrent: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    case.ours(|| ours_parse(torrent));

    #[cfg(feature = "peers")]
    {
        assert_eq!(librqbit_parse(torrent), ours_parse(torrent));
        case.peer("librqbit-core", || librqbit_parse(torrent));
        assert_eq!(lava(torrent), ours_parse(torrent));
        case.peer("lava_torrent", || lava(torrent));
    }
    #[cfg(feature = "system-peers")]
    {
        assert_eq!(libtorrent(torrent, false).info_hash, ours_parse(torrent).0);
        case.other("libtorrent", || libtorrent(torrent, false));
    }
    bench.run(case)
}

fn ours(torrent: &[u8]) -> Loaded {
    let metainfo = Metainfo::parse(torrent).expect("a torrent");
    let info = metainfo.info();
    let paths = info.safe_paths();
    let path_bytes = paths.iter().map(|path| path.expect("a safe path").len()).sum();
    let InfoHash(info_hash) = metainfo.info_hash_v1().expect("a v1 torrent");
    Loaded { files: paths.len(), path_bytes, info_hash }
}

fn ours_in_strings(torrent: &[u8]) -> Loaded {
    let metainfo = Metainfo::parse(torrent).expect("a torrent");
    let paths = metainfo.info().files().map(|file| file.safe_path().expect("a safe path"));
    let paths: Vec<String> = paths.collect();
    let InfoHash(info_hash) = metainfo.info_hash_v1().expect("a v1 torrent");
    let path_bytes = paths.iter().map(String::len).sum();
    Loaded { files: paths.len(), path_bytes, info_hash }
}

/// The info-hash and the number of files.
fn ours_parse(torrent: &[u8]) -> ([u8; 20], usize) {
    let metainfo = Metainfo::parse(torrent).expect("a torrent");
    let InfoHash(info_hash) = metainfo.info_hash_v1().expect("a v1 torrent");
    (info_hash, metainfo.info().file_count())
}

#[cfg(feature = "peers")]
fn librqbit(torrent: &[u8]) -> Loaded {
    let parsed = librqbit_core::torrent_metainfo::torrent_from_bytes(torrent).expect("a torrent");
    let info_hash = parsed.info_hash.0;
    let info = parsed.info.data.validate().expect("valid");
    let name = info.name().expect("a name").into_owned();
    let paths: Vec<std::path::PathBuf> = info
        .iter_file_details()
        .map(|file| std::path::Path::new(&name).join(file.filename.to_pathbuf()))
        .collect();
    let path_bytes = paths.iter().map(|path| path.as_os_str().len()).sum();
    Loaded { files: paths.len(), path_bytes, info_hash }
}

#[cfg(feature = "peers")]
fn librqbit_parse(torrent: &[u8]) -> ([u8; 20], usize) {
    let parsed = librqbit_core::torrent_metainfo::torrent_from_bytes(torrent).expect("a torrent");
    (parsed.info_hash.0, parsed.info.data.files.as_ref().map_or(1, Vec::len))
}

#[cfg(feature = "peers")]
fn lava(torrent: &[u8]) -> ([u8; 20], usize) {
    let parsed = lava_torrent::torrent::v1::Torrent::read_from_bytes(torrent).expect("a torrent");
    let hash = parsed.info_hash_bytes().try_into().expect("twenty bytes");
    (hash, parsed.files.as_ref().map_or(1, Vec::len))
}

#[cfg(feature = "system-peers")]
fn libtorrent(torrent: &[u8], paths: bool) -> Loaded {
    let loaded = overlay_benches::libtorrent::load(torrent, paths).expect("a torrent");
    let (files, path_bytes) = (loaded.files as usize, loaded.path_bytes as usize);
    Loaded { files, path_bytes, info_hash: loaded.info_hash }
}
