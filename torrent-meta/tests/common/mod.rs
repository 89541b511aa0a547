//! Torrents of each version, put together by hand.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::BTreeMap;

use bytes::Bytes;
use torrent_meta::bencode::Value;
use torrent_meta::{
    Backend, LEAF_LENGTH, Metainfo, Version, hash_leaves, hash_pieces, merkle_layer, merkle_root,
};

/// A file: its bytes, and whether it is padding (BEP 47), which must be zeros.
pub type File = (Vec<u8>, bool);

/// Bytes in which no two places look alike.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Files of noise, of these lengths.
pub fn files(lengths: &[usize]) -> Vec<File> {
    (0..).zip(lengths).map(|(seed, &length)| (noise(length, seed), false)).collect()
}

/// Puts padding behind each file but the last, as a hybrid torrent has it.
pub fn padded(files: &[File], piece_length: usize) -> Vec<File> {
    let mut all = Vec::new();
    for (index, file) in files.iter().enumerate() {
        all.push(file.clone());
        let padding = file.0.len().next_multiple_of(piece_length) - file.0.len();
        let more = files[index + 1..].iter().any(|(bytes, _)| !bytes.is_empty());
        if padding > 0 && more {
            all.push((vec![0; padding], true));
        }
    }
    all
}

/// A torrent of a directory of these files, named by their numbers. For a hybrid they have to be
/// [`padded`].
pub fn torrent(version: Version, piece_length: usize, files: &[File]) -> Metainfo<'static> {
    Metainfo::parse(bytes(version, piece_length, files, |_| ())).unwrap()
}

/// Its bytes, after a change of the SHA-1 hashes.
pub fn bytes(
    version: Version,
    piece_length: usize,
    files: &[File],
    change: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let mut info = BTreeMap::new();
    let mut layers = BTreeMap::new();
    let mut put = |key: &'static str, value: Value| info.insert(Bytes::from(key), value);
    put("name", "content".into());
    put("piece length", (piece_length as u64).into());
    let name = |index: usize| format!("{index:03}");
    if version.has_v1() {
        let content = files.iter().flat_map(|(bytes, _)| bytes).copied().collect::<Vec<_>>();
        let pieces: Vec<&[u8]> = content.chunks(piece_length).collect();
        let mut pieces = hash_pieces(Backend::PORTABLE, &pieces).as_flattened().to_vec();
        change(&mut pieces);
        put("pieces", pieces.as_slice().into());
        put(
            "files",
            Value::list(files.iter().enumerate().map(|(index, (bytes, padding))| {
                let length = ("length", Value::from(bytes.len() as u64));
                if *padding {
                    let path = Value::list([".pad".to_owned(), name(index)]);
                    Value::dict([("attr", "p".into()), length, ("path", path)])
                } else {
                    Value::dict([length, ("path", Value::list([name(index)]))])
                }
            })),
        );
    }
    if version.has_v2() {
        put("meta version", 2.into());
        let mut tree = BTreeMap::new();
        for (index, (bytes, _)) in files.iter().enumerate().filter(|(_, (_, padding))| !padding) {
            let length = ("length", Value::from(bytes.len() as u64));
            let file = if bytes.is_empty() {
                Value::dict([length])
            } else {
                let leaves = hash_leaves(Backend::PORTABLE, bytes);
                let root = merkle_root(Backend::PORTABLE, &leaves, 0);
                if bytes.len() > piece_length {
                    let layer = (piece_length / LEAF_LENGTH).ilog2();
                    let layer = merkle_layer(Backend::PORTABLE, &leaves, layer);
                    layers.insert(Bytes::from(root.to_vec()), Value::from(layer.as_flattened()));
                }
                Value::dict([length, ("pieces root", Value::from(&root[..]))])
            };
            tree.insert(Bytes::from(name(index)), Value::dict([("", file)]));
        }
        put("file tree", tree.into());
    }
    let mut outer = BTreeMap::from([(Bytes::from("info"), Value::from(info))]);
    if version.has_v2() {
        outer.insert(Bytes::from("piece layers"), layers.into());
    }
    Value::from(outer).to_vec()
}
