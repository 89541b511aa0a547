//! Hashes of content in memory: v1 pieces, v2 leaves.

use std::io;

use overlay_benches::{Bench, Case, Unit, noise};
use torrent_meta::{Backend, LEAF_LENGTH, hash_leaves, hash_pieces};

const PIECE: usize = 256 << 10;
/// 16 MiB: more than the caches near a core hold.
const CONTENT: usize = 64 * PIECE;

/// SHA-1 of 64 pieces of 256 KiB.
pub fn pieces(bench: &mut Bench, name: &'static str) -> io::Result<()> {
    let content = noise(CONTENT);
    let pieces: Vec<&[u8]> = content.chunks(PIECE).collect();
    let hash = |backend| hash_pieces(backend, &pieces);
    let unit = Unit::MegabytesPerSecond { bytes: CONTENT };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    let expected = hash(Backend::PORTABLE);
    contend(&mut case, hash, &expected);

    #[cfg(feature = "peers")]
    {
        let sha1 = || pieces.iter().map(|piece| sha1_hash(piece)).collect::<Vec<_>>();
        assert_eq!(sha1(), expected);
        case.peer("sha1", sha1);
        let ring = || ring_hashes(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &content, PIECE);
        assert_eq!(ring(), expected);
        case.peer("ring", ring);
    }
    #[cfg(feature = "system-peers")]
    {
        use overlay_benches::libtorrent;
        assert_eq!(libtorrent::sha1(&content, PIECE), expected);
        case.peer("libtorrent", || libtorrent::sha1(&content, PIECE));
    }
    bench.run(case)
}

/// SHA-256 of each 16 KiB of 16 MiB.
pub fn leaves(bench: &mut Bench, name: &'static str) -> io::Result<()> {
    let content = noise(CONTENT);
    let hash = |backend| hash_leaves(backend, &content);
    let unit = Unit::MegabytesPerSecond { bytes: CONTENT };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    let expected = hash(Backend::PORTABLE);
    assert_eq!(expected.len(), CONTENT / LEAF_LENGTH);
    contend(&mut case, hash, &expected);

    #[cfg(feature = "peers")]
    {
        let ring = || ring_hashes(&ring::digest::SHA256, &content, LEAF_LENGTH);
        assert_eq!(ring(), expected);
        case.peer("ring", ring);
    }
    #[cfg(feature = "system-peers")]
    {
        use overlay_benches::libtorrent;
        assert_eq!(libtorrent::sha256(&content, LEAF_LENGTH), expected);
        case.peer("libtorrent", || libtorrent::sha256(&content, LEAF_LENGTH));
    }
    bench.run(case)
}

/// The best backend is ours; each other one that this processor has, and the portable one, beside it.
fn contend<'a, H: PartialEq + std::fmt::Debug + 'a>(
    case: &mut Case<'a>,
    hash: impl Fn(Backend) -> Vec<H> + Copy + 'a,
    expected: &[H],
) {
    for backend in Backend::available() {
        assert_eq!(hash(backend), expected, "{backend}");
        let name = match backend.name() {
            "portable" => "ours_portable",
            "sha-ni" => "ours_sha-ni",
            "avx512" => "ours_avx512",
            other => panic!("a new backend {other}"),
        };
        case.other(name, move || hash(backend));
    }
    case.ours(move || hash(Backend::best()));
}

#[cfg(feature = "peers")]
fn sha1_hash(piece: &[u8]) -> [u8; 20] {
    use sha1::{Digest, Sha1};
    Sha1::digest(piece).into()
}

#[cfg(feature = "peers")]
fn ring_hashes<const N: usize>(
    algorithm: &'static ring::digest::Algorithm,
    content: &[u8],
    chunk: usize,
) -> Vec<[u8; N]> {
    let digest = |chunk| ring::digest::digest(algorithm, chunk);
    let hashes = content.chunks(chunk).map(digest);
    hashes.map(|hash| hash.as_ref().try_into().expect("of this length")).collect()
}
