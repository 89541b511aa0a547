//! The merkle trees of v2 torrents.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use torrent_meta::{
    Backend, HashRange, LEAF_LENGTH, MerkleHash, MerkleTree, PieceLength, hash_leaves,
    merkle_layer, merkle_pad, merkle_root,
};

/// Files of bytes `(7 i + 3 ⌊i / 256⌋) mod 256`: length, piece length, `pieces root`, and `piece
/// layers`, of which the number of hashes and their SHA-256. Made with libtorrent 2.1.1.
const BY_LIBTORRENT: [(usize, u32, &str, usize, &str); 8] = [
    (
        1,
        16384,
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        16384,
        16384,
        "ea2a07f21f00a3ebb1f7f8c90e17d4d122aa127fc675cf4ce1949195d1e9995d",
        0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        16385,
        16384,
        "1a756ba8cc3fb4db13e9be7a71230ab4835a1de9fb17a57ed69b4a8e38ed4c73",
        2,
        "1a756ba8cc3fb4db13e9be7a71230ab4835a1de9fb17a57ed69b4a8e38ed4c73",
    ),
    (
        49153,
        16384,
        "759d9579b6fc1fbf7eb32f8f2c558c9630260c1a8f3efa0e4381104a9287b63d",
        4,
        "e8fc3e3bdf8517c3dca68433aca71edfa2410ed953efe457b366d5bce6fed987",
    ),
    (
        100_000,
        32768,
        "cc1d68a9ee11aef6a95ed62cae27e4d816ea41b1d865ed0812bed25b42ea980c",
        4,
        "af1ab280868faa9068838b9426055df7d0c2646b7a518b03b638058f1c44b01e",
    ),
    (
        100_000,
        131_072,
        "cc1d68a9ee11aef6a95ed62cae27e4d816ea41b1d865ed0812bed25b42ea980c",
        0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        700_001,
        65536,
        "b3980e479baee6fd686fce276358a08a627e82a1d63bf5e6815ec98e7f3bf08f",
        11,
        "e67529499c7fb46896522cf3f455fbb39d1429006c598d5e4ae750f853586840",
    ),
    (
        1_048_576,
        65536,
        "db6f1013e1c6aff52b668d0d77b4bad715fc8cbfcb61242525cab14d9124b2e7",
        16,
        "4405ee76d8e97dce07a55730ef99715aca0b09e827eec2f854a3c6961057ee8e",
    ),
];

#[test]
fn roots_and_piece_layers_are_those_of_libtorrent() {
    for (length, piece_length, root, pieces, hash_of_layer) in BY_LIBTORRENT {
        let file: Vec<u8> = (0..length).map(|i| (7 * i + 3 * (i >> 8)) as u8).collect();
        let layer = PieceLength::new(piece_length).unwrap().merkle_layer().unwrap();
        for backend in Backend::available() {
            let leaves = hash_leaves(backend, &file);
            let found = merkle_root(backend, &leaves, 0);
            assert_eq!(hex::encode(found), root, "{length}");
            // A file of one piece has no entry in `piece layers`.
            if pieces > 0 {
                let nodes = merkle_layer(backend, &leaves, layer);
                assert_eq!(nodes.len(), pieces);
                assert_eq!(hex::encode(Sha256::digest(nodes.as_flattened())), hash_of_layer);
                assert_eq!(merkle_root(backend, &nodes, layer), found);
            }
        }
    }
}

#[test]
fn only_some_piece_lengths_have_a_layer() {
    let layer = |bytes| PieceLength::new(bytes).unwrap().merkle_layer();
    assert_eq!([16 << 10, 32 << 10, 1 << 20, 1 << 31].map(layer), [0, 1, 6, 17].map(Some));
    assert_eq!([1, 8 << 10, (16 << 10) + 1, 48 << 10, u32::MAX].map(layer), [None; 5]);
}

#[test]
fn no_nodes_at_all() {
    let backend = Backend::best();
    assert_eq!(merkle_root(backend, &[], 0), [0; 32]);
    assert_eq!(merkle_root(backend, &[], 3), merkle_pad(3));
    assert!(merkle_layer(backend, &[], 3).is_empty());
    let tree = MerkleTree::new(backend, Vec::new(), 3);
    assert_eq!((tree.root(), tree.height()), (merkle_pad(3), 3));
}

/// What BEP 52 says in words, in numbers: of a tree of eight leaves, the first log₂(length) − 1
/// proof layers have no uncle.
#[test]
fn proof_layers_that_follow_from_the_hashes_are_counted_but_left_out() {
    let range = |length, proof_layers| HashRange { base_layer: 0, index: 0, length, proof_layers };
    let hashes = |length, proof_layers| range(length, proof_layers).hashes();
    assert_eq!([0, 1, 2].map(|layers| hashes(2, layers)), [2, 3, 4].map(Some));
    assert_eq!([0, 1, 2].map(|layers| hashes(4, layers)), [4, 4, 5].map(Some));
    assert_eq!([0, 1, 2].map(|layers| hashes(8, layers)), [8, 8, 8].map(Some));
    assert_eq!(range(4, 2).ancestor(), Some((3, 0)));
    // All eight lead up to the root by themselves.
    assert_eq!(range(8, 2).ancestor(), Some((3, 0)));
}

fn node(left: MerkleHash, right: MerkleHash) -> MerkleHash {
    Sha256::digest([left, right].as_flattened()).into()
}

/// A whole tree with all padding, from the leaves up: the definition.
fn naive(mut leaves: Vec<MerkleHash>) -> Vec<Vec<MerkleHash>> {
    leaves.resize(leaves.len().next_power_of_two(), [0; 32]);
    let mut layers = vec![leaves];
    while layers.last().unwrap().len() > 1 {
        let below = layers.last().unwrap();
        layers.push(below.chunks(2).map(|pair| node(pair[0], pair[1])).collect());
    }
    layers
}

/// Leaves that are all different.
fn leaves(count: usize) -> Vec<MerkleHash> {
    (0..count).map(|index| Sha256::digest(index.to_be_bytes()).into()).collect()
}

proptest! {
    #[test]
    fn a_tree_is_the_naive_one(count in 1usize..200) {
        let backend = Backend::best();
        let (leaves, naive) = (leaves(count), naive(leaves(count)));
        let height = naive.len() as u32 - 1;
        let tree = MerkleTree::new(backend, leaves.clone(), 0);
        prop_assert_eq!((tree.height(), tree.root()), (height, naive[height as usize][0]));
        prop_assert_eq!(tree.layer(height + 1), None);
        for layer in 0..=height {
            let nodes = merkle_layer(backend, &leaves, layer);
            let expected = &naive[layer as usize];
            prop_assert_eq!(nodes.len(), count.div_ceil(1 << layer));
            prop_assert_eq!(&nodes[..], &expected[..nodes.len()]);
            prop_assert!(expected[nodes.len()..].iter().all(|pad| *pad == merkle_pad(layer)));
            prop_assert_eq!(tree.layer(layer), Some(&nodes[..]));

            // From any layer on it is the same tree, which knows no more than it was given.
            prop_assert_eq!(merkle_root(backend, &nodes, layer), tree.root());
            let upper = MerkleTree::new(backend, nodes, layer);
            prop_assert_eq!((upper.root(), upper.height()), (tree.root(), height));
            prop_assert_eq!(upper.layer(layer.wrapping_sub(1)), None);
        }
    }

    #[test]
    fn hashes_of_a_range_prove_it(
        count in 2usize..100,
        base in 0u32..7,
        log_length in 1u32..7,
        index in 0u32..64,
        cut in 0u32..64,
        layers in 0u32..8,
        flip in any::<prop::sample::Index>(),
    ) {
        let backend = Backend::best();
        let tree = MerkleTree::new(backend, leaves(count), 0);
        let naive = naive(leaves(count));
        let height = tree.height();
        let base_layer = base % height;
        let width = 1 << (height - base_layer);
        let full = (1 << log_length).min(width);
        let index = index * full % width;
        // What is not a power of two ends where the file does.
        let length = if index + full == width { (full - cut % full).max(2) } else { full };
        let proof_layers = layers % (height - base_layer);
        let range = HashRange { base_layer, index, length, proof_layers };
        // Where a shortened range is within half of the layer, it is a range of that half.
        let full = length.next_power_of_two();

        let hashes = tree.hashes(range).unwrap();
        prop_assert_eq!(range.hashes(), Some(hashes.len() as u64));
        let (own, uncles) = hashes.split_at(length as usize);
        let base = &naive[base_layer as usize];
        prop_assert_eq!(own, &base[index as usize..][..length as usize]);
        // BEP 52 by the letter: an uncle for each proof layer, but for the first log2(length) - 1.
        let first = full.ilog2();
        let mut expected = Vec::new();
        for layer in 1..=proof_layers {
            if layer >= first {
                let node = (index as usize >> layer) ^ 1;
                expected.push(naive[(base_layer + layer) as usize][node]);
            }
        }
        prop_assert_eq!(uncles, &expected[..]);

        // What is cut off is not known to whoever checks, unless it is padding.
        let cut_off = &base[(index + length) as usize..(index + full) as usize];
        prop_assume!(cut_off.iter().all(|node| *node == merkle_pad(base_layer)));
        let (layer, ancestor) = range.ancestor().unwrap();
        let known = naive[layer as usize][ancestor as usize];
        prop_assert_eq!(range.ancestor_hash(backend, &hashes), Some(known));
        let root = tree.root();
        prop_assert_eq!(range.proves(backend, &hashes, &root, height), layer == height);

        // Nothing else does.
        let mut wrong = hashes.clone();
        wrong[flip.index(hashes.len())][flip.index(32)] ^= 1 << flip.index(8);
        prop_assert!(!range.proves(backend, &wrong, &root, height));
        prop_assert_ne!(range.ancestor_hash(backend, &wrong), Some(known));
        prop_assert_eq!(range.ancestor_hash(backend, &hashes[1..]), None);
        // Not even the same in its sibling's place, unless they are the same: all padding.
        let other = HashRange { index: index ^ full, ..range };
        let nodes = &naive[(base_layer + first) as usize];
        let node = (index >> first) as usize;
        if layer > base_layer + first && nodes[node] != nodes[node ^ 1] {
            prop_assert!(!other.proves(backend, &hashes, &root, height));
        }
    }

    /// A request's numbers come from a stranger.
    #[test]
    fn ranges_that_can_not_be_are_refused(
        count in 0usize..40,
        base_layer in prop_oneof![0u32..8, any::<u32>()],
        index in prop_oneof![0u32..70, any::<u32>()],
        length in prop_oneof![0u32..70, any::<u32>()],
        proof_layers in prop_oneof![0u32..8, any::<u32>()],
        hashes in 0usize..5,
    ) {
        let backend = Backend::best();
        let range = HashRange { base_layer, index, length, proof_layers };
        let tree = MerkleTree::new(backend, leaves(count), 0);
        let found = tree.hashes(range);
        if let Some(found) = &found {
            prop_assert_eq!(range.hashes(), Some(found.len() as u64));
            prop_assert!(found.len() <= (2 << tree.height()) + 32);
        }
        let width = u64::from(index) + u64::from(length);
        let within = base_layer < tree.height() && width <= 1 << (tree.height() - base_layer);
        prop_assert!(within || found.is_none());
        prop_assert!(length >= 2 || range.ancestor().is_none());
        let _ = range.ancestor_hash(backend, &vec![[7; 32]; hashes]);
    }
}

#[test]
fn a_tree_of_pieces_answers_for_pieces_only() {
    let backend = Backend::best();
    let file = vec![3; 5 * 4 * LEAF_LENGTH];
    let pieces = merkle_layer(backend, &hash_leaves(backend, &file), 2);
    let tree = MerkleTree::new(backend, pieces.clone(), 2);
    let range = HashRange { base_layer: 2, index: 4, length: 4, proof_layers: 2 };
    let hashes = tree.hashes(range).unwrap();
    // One piece, padding, and the node over the first four pieces.
    assert_eq!(hashes[..4], [pieces[4], merkle_pad(2), merkle_pad(2), merkle_pad(2)]);
    assert_eq!(hashes[4..], [merkle_root(backend, &pieces[..4], 2)]);
    assert!(range.proves(backend, &hashes, &tree.root(), 5));
    assert_eq!(tree.hashes(HashRange { base_layer: 1, ..range }), None);
}
