//! Every backend this processor has, against the `sha1` and `sha2` crates and the published vectors.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use sha2::Digest as _;
use torrent_meta::{
    Algorithm, Backend, LEAF_LENGTH, Lanes, ParseBackendError, Sha1, Sha256, hash_chunks,
    hash_leaves, hash_many, hash_pieces,
};

/// What the hash of a message has to be.
trait Reference: Algorithm {
    fn of(message: &[u8]) -> Self::Digest;
}

impl Reference for Sha1 {
    fn of(message: &[u8]) -> [u8; 20] {
        sha1::Sha1::digest(message).into()
    }
}

impl Reference for Sha256 {
    fn of(message: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(message).into()
    }
}

fn check_many<A: Reference>(messages: &[&[u8]]) {
    let expected: Vec<A::Digest> = messages.iter().map(|message| A::of(message)).collect();
    for backend in Backend::available() {
        let hashes = hash_many::<A>(backend, messages);
        assert!(hashes == expected, "{backend}, lengths {:?}", lengths(messages));
    }
}

fn lengths(messages: &[&[u8]]) -> Vec<usize> {
    messages.iter().map(|message| message.len()).collect()
}

/// Bytes in which no two places look alike.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The examples for FIPS 180-4 that NIST publishes, and a million times "a".
#[test]
fn published_vectors() {
    let million = vec![b'a'; 1_000_000];
    let vectors: [(&[u8], &str, &str); 5] = [
        (
            b"",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq\
              klmnopqrlmnopqrsmnopqrstnopqrstu",
            "a49b2446a02c645bf419f995b67091253a04a259",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (
            &million,
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ];
    for backend in Backend::available() {
        // Three times, so that sixteen lanes are not too few to be used.
        let messages: Vec<&[u8]> =
            vectors.iter().chain(&vectors).chain(&vectors).map(|vector| vector.0).collect();
        let sha1 = hash_many::<Sha1>(backend, &messages);
        let sha256 = hash_many::<Sha256>(backend, &messages);
        for (index, (sha1, sha256)) in sha1.iter().zip(&sha256).enumerate() {
            let (message, expected_sha1, expected_sha256) = vectors[index % 5];
            assert_eq!(hex(sha1), expected_sha1, "{backend}, {} bytes", message.len());
            assert_eq!(hex(sha256), expected_sha256, "{backend}, {} bytes", message.len());
        }
    }
}

/// Each way to pad, with each number of messages up to more than two rounds of sixteen lanes.
#[test]
fn every_number_of_messages() {
    let bytes = noise(1000);
    for count in 0..=35 {
        for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 200] {
            let same: Vec<&[u8]> = (0..count).map(|i| &bytes[i * 7..i * 7 + length]).collect();
            check_many::<Sha1>(&same);
            check_many::<Sha256>(&same);
        }
        let rising: Vec<&[u8]> = (0..count).map(|i| &bytes[i..i * 23 + i]).collect();
        check_many::<Sha1>(&rising);
        check_many::<Sha256>(&rising);
    }
}

/// Where a message lies in memory makes no difference: vectors are loaded from any address.
#[test]
fn every_alignment() {
    let bytes = noise(64 * 20 + 64);
    for offset in 0..64 {
        let messages: Vec<&[u8]> =
            (0..16).map(|i| &bytes[offset + i * 3..][..64 * 4 + 17 + i]).collect();
        check_many::<Sha1>(&messages);
        check_many::<Sha256>(&messages);
    }
}

#[test]
fn one_long_message_among_short_ones() {
    let bytes = noise(100_000);
    for place in [0, 1, 15, 16, 39] {
        let messages: Vec<&[u8]> =
            (0..40).map(|i| if i == place { &bytes[..] } else { &bytes[i..i + 300] }).collect();
        check_many::<Sha1>(&messages);
        check_many::<Sha256>(&messages);
    }
}

#[test]
fn pieces_and_leaves_are_the_hashes_of_their_bytes() {
    for leaves in [0, 1, 2, 9, 17] {
        for more in [0, 1, LEAF_LENGTH - 1] {
            let file = noise(leaves * LEAF_LENGTH + more);
            let expected: Vec<[u8; 32]> = file.chunks(16384).map(Sha256::of).collect();
            let pieces: Vec<&[u8]> = file.chunks(50_000).collect();
            let expected_pieces: Vec<[u8; 20]> =
                pieces.iter().map(|piece| Sha1::of(piece)).collect();
            for backend in Backend::available() {
                assert_eq!(hash_leaves(backend, &file), expected, "{backend}");
                assert_eq!(hash_pieces(backend, &pieces), expected_pieces, "{backend}");
                let chunks = hash_chunks::<Sha1>(backend, &file, 50_000);
                assert_eq!(chunks, expected_pieces, "{backend}");
            }
        }
    }
}

/// The root of a merkle tree of eight leaves, layer by layer.
#[test]
fn layers_of_a_merkle_tree() {
    let leaves: Vec<[u8; 32]> = (0..8u8).map(|i| Sha256::of(&[i])).collect();
    let parent = |left: [u8; 32], right: [u8; 32]| Sha256::of(&[left, right].concat());
    let fold = |layer: &[[u8; 32]]| -> Vec<[u8; 32]> {
        layer.chunks(2).map(|pair| parent(pair[0], pair[1])).collect()
    };
    let expected = fold(&fold(&fold(&leaves)));
    for backend in Backend::available() {
        let mut layer = leaves.clone();
        while layer.len() > 1 {
            layer = hash_chunks::<Sha256>(backend, layer.as_flattened(), 64);
        }
        assert_eq!(layer, expected, "{backend}");
    }
}

#[test]
fn more_and_fewer_lanes_than_a_backend_has() {
    fn check<const N: usize>(backend: Backend) {
        let bytes = noise(5000);
        let mut lanes: Lanes<Sha1, N> = Lanes::new(backend);
        let message = |lane: usize| &bytes[lane..lane * 11 % 3000 + 500 + lane];
        for half in 0..2 {
            lanes.advance(std::array::from_fn(|lane| {
                let (first, second) = message(lane).split_at(lane * 31 % 400);
                if half == 0 { first } else { second }
            }));
        }
        let hashes = lanes.finish_all();
        for (lane, hash) in hashes.iter().enumerate() {
            assert_eq!(*hash, Sha1::of(message(lane)), "{backend}, lane {lane} of {N}");
        }
    }
    for backend in Backend::available() {
        check::<0>(backend);
        check::<1>(backend);
        check::<3>(backend);
        check::<9>(backend);
        check::<16>(backend);
        check::<17>(backend);
        check::<40>(backend);
    }
}

#[test]
fn a_finished_lane_starts_again_and_leaves_the_others_alone() {
    for backend in Backend::available() {
        let mut lanes: Lanes<Sha256, 2> = Lanes::new(backend);
        lanes.advance([b"first", b"long "]);
        assert_eq!((lanes.length(0), lanes.length(1)), (5, 5));
        assert_eq!(lanes.finish(0), Sha256::of(b"first"));
        assert_eq!((lanes.length(0), lanes.length(1)), (0, 5));
        lanes.advance([b"second", b"message"]);
        assert_eq!(lanes.finish_all(), [Sha256::of(b"second"), Sha256::of(b"long message")]);
        assert_eq!(lanes.finish_all(), [Sha256::of(b""); 2]);
    }
}

#[test]
fn backends_are_chosen_by_name() {
    let available: Vec<Backend> = Backend::available().collect();
    assert_eq!(available.first(), Some(&Backend::PORTABLE));
    assert_eq!(available.last(), Some(&Backend::best()));
    assert_eq!(Lanes::<Sha1>::default().backend(), Backend::default());
    for backend in &available {
        assert_eq!(backend.to_string().parse(), Ok(*backend));
    }
    for name in ["sha-ni", "avx512"] {
        match name.parse::<Backend>() {
            Ok(backend) => assert!(available.contains(&backend), "{name}"),
            Err(error) => assert_eq!(error, ParseBackendError::Unavailable(name.into())),
        }
    }
    for name in ["", "AVX512", "avx-512", "portable "] {
        let error = name.parse::<Backend>().unwrap_err();
        assert_eq!(error, ParseBackendError::Unknown(name.into()));
    }
}

/// Where the standard library finds an instruction set, there is a backend for it.
#[cfg(target_arch = "x86_64")]
#[test]
fn detection_agrees_with_the_standard_library() {
    let has = |name: &str| name.parse::<Backend>().is_ok();
    let sha = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
    assert_eq!(has("sha-ni"), sha);
    let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    assert_eq!(has("avx512"), wide);
}

/// Pieces of one buffer, by start and length: they overlap and lie anywhere.
fn slices(most: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let length = prop_oneof![4 => 0..300usize, 2 => 0..3000usize, 1 => 0..20_000usize];
    prop::collection::vec((0..1000usize, length), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_messages_hash_as_one_by_one(slices in slices(60)) {
        let bytes = noise(21_000);
        let messages: Vec<&[u8]> =
            slices.iter().map(|&(start, length)| &bytes[start..start + length]).collect();
        check_many::<Sha1>(&messages);
        check_many::<Sha256>(&messages);
    }

    /// Sixteen lanes get chunks of any length from any address, and some finish now and then.
    #[test]
    fn any_chunks_hash_as_their_messages(
        steps in prop::collection::vec((slices(17), any::<Option<prop::sample::Index>>()), 1..12),
    ) {
        let bytes = noise(21_000);
        for backend in Backend::available() {
            check_chunks::<Sha1>(backend, &bytes, &steps);
            check_chunks::<Sha256>(backend, &bytes, &steps);
        }
    }

    #[test]
    fn equal_chunks_hash_as_their_messages(
        count in 1..50usize, length in 1..2000usize, cut in 1..2000usize, offset in 0..64usize,
    ) {
        let bytes = noise(offset + count * length);
        let data = &bytes[offset..];
        let expected: Vec<[u8; 32]> = data.chunks(length).map(Sha256::of).collect();
        for backend in Backend::available() {
            prop_assert_eq!(&hash_chunks::<Sha256>(backend, data, length), &expected, "{}", backend);
            let mut lanes: Lanes<Sha256, 16> = Lanes::new(backend);
            let mut hashes = Vec::new();
            for group in data.chunks(16 * length) {
                let pieces: Vec<&[u8]> = group.chunks(length).collect();
                for at in (0..length).step_by(cut) {
                    let end = length.min(at + cut);
                    lanes.advance(std::array::from_fn(|lane| {
                        pieces.get(lane).map_or(&[][..], |piece| &piece[at..end])
                    }));
                }
                hashes.extend(lanes.finish_all().into_iter().take(pieces.len()));
            }
            prop_assert_eq!(&hashes, &expected, "{}", backend);
        }
    }
}

type Step = (Vec<(usize, usize)>, Option<prop::sample::Index>);

fn check_chunks<A: Reference>(backend: Backend, bytes: &[u8], steps: &[Step]) {
    let mut lanes: Lanes<A> = Lanes::new(backend);
    let mut messages = [const { Vec::new() }; 16];
    for (slices, finished) in steps {
        let chunks: [&[u8]; 16] = std::array::from_fn(|lane| {
            slices.get(lane).map_or(&[][..], |&(start, length)| &bytes[start..start + length])
        });
        lanes.advance(chunks);
        for (message, chunk) in messages.iter_mut().zip(chunks) {
            message.extend_from_slice(chunk);
        }
        if let Some(lane) = finished.map(|index| index.index(16)) {
            assert_eq!(lanes.length(lane), messages[lane].len() as u64);
            assert_eq!(lanes.finish(lane), A::of(&messages[lane]), "{backend}, lane {lane}");
            messages[lane].clear();
        }
    }
    assert_eq!(lanes.finish_all(), messages.map(|message| A::of(&message)), "{backend}");
}
