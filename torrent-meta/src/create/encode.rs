//! A description and its hashes as bencode.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{BufMut, Bytes};
use overlay_bencode::{Raw, Value};

use super::content::{Content, Entry};
use super::{CreateError, Creator, NewFile};
use crate::error::DecodeError;
use crate::hash::Backend;
use crate::merkle::{MerkleHash, merkle_root};
use crate::metainfo::Metainfo;
use crate::piece::PieceHash;

/// What was hashed.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashes {
    /// SHA-1 of each piece; empty for v2 alone.
    pub(super) pieces: Vec<PieceHash>,
    /// For each piece, the node of its file's merkle tree that is over it: the root, if the file has
    /// no other piece. Empty for v1 alone.
    pub(super) nodes: Vec<MerkleHash>,
}

type Dict = BTreeMap<Bytes, Value>;

pub(super) fn torrent(
    creator: &Creator,
    content: &Content,
    hashes: &Hashes,
) -> Result<Metainfo<'static>, CreateError> {
    let mut outer = Dict::new();
    let mut info = Dict::new();
    if creator.version.has_v1() {
        put_v1(&mut info, creator, content, &hashes.pieces);
    }
    if creator.version.has_v2() {
        let trees = Trees::new(content, &hashes.nodes);
        let file_tree = file_tree(creator, content, &trees);
        put(&mut info, "file tree", Raw::parse(file_tree).map_err(DecodeError::from)?.into());
        put(&mut info, "meta version", 2.into());
        put(&mut outer, "piece layers", trees.piece_layers.into());
    }
    put(&mut info, "name", text(&creator.name));
    put(&mut info, "piece length", content.piece_length.get().into());
    if creator.private {
        put(&mut info, "private", 1.into());
    }
    put_some(&mut info, "source", creator.source.as_deref().map(text));
    let similar = creator.similar.iter().map(|hash| Value::from(&hash.0[..]));
    put_list(&mut info, "similar", similar.collect());
    put_list(&mut info, "collections", texts(&creator.collections));
    put_some(&mut info, "update-url", creator.update_url.as_deref().map(text));

    let first = creator.tiers.first().and_then(|tier| tier.first());
    put_some(&mut outer, "announce", first.map(|url| text(url)));
    if creator.tiers.iter().map(Vec::len).sum::<usize>() > 1 {
        let tiers = creator.tiers.iter().map(|tier| Value::list(texts(tier)));
        put_list(&mut outer, "announce-list", tiers.collect());
    }
    // BEP 19 has both forms; the one that is a list is not read everywhere.
    match &creator.web_seeds[..] {
        [url] => put(&mut outer, "url-list", text(url)),
        urls => put_list(&mut outer, "url-list", texts(urls)),
    }
    put_list(&mut outer, "httpseeds", texts(&creator.http_seeds));
    let nodes = creator.nodes.iter();
    let nodes = nodes.map(|(host, port)| Value::list([text(host), u32::from(*port).into()]));
    put_list(&mut outer, "nodes", nodes.collect());
    put_some(&mut outer, "comment", creator.comment.as_deref().map(text));
    put_some(&mut outer, "created by", creator.created_by.as_deref().map(text));
    put_some(&mut outer, "creation date", creator.creation_date.map(Value::from));
    put(&mut outer, "info", info.into());
    Ok(Metainfo::parse(Value::from(outer).to_vec())?)
}

/// The keys of BEP 3.
fn put_v1(info: &mut Dict, creator: &Creator, content: &Content, pieces: &[PieceHash]) {
    put(info, "pieces", pieces.as_flattened().into());
    match &creator.files[..] {
        [file] if creator.single => {
            put(info, "length", file.length.into());
            let attributes = file.attributes();
            put_some(info, "attr", (!attributes.is_empty()).then(|| attributes.into()));
        }
        files => {
            let entries = content.entries.iter().map(|entry| match entry {
                Entry::File(index) => {
                    let file = &files[*index];
                    let mut dict = file_keys(file);
                    put(&mut dict, "path", Value::list(texts(&file.path)));
                    dict.into()
                }
                Entry::Padding(length) => padding(*length),
            });
            put(info, "files", Value::list(entries));
        }
    }
}

/// What is said of a file in v1 and v2 alike.
fn file_keys(file: &NewFile) -> Dict {
    let mut dict = Dict::new();
    put(&mut dict, "length", file.length.into());
    let attributes = file.attributes();
    put_some(&mut dict, "attr", (!attributes.is_empty()).then(|| attributes.into()));
    put_some(&mut dict, "symlink path", file.target.as_deref().map(|path| texts(path).into()));
    dict
}

/// A padding file, by the name BEP 47 recommends.
fn padding(length: u64) -> Value {
    let path = Value::list([Value::from(".pad"), alloc::format!("{length}").into()]);
    Value::dict([("attr", Value::from("p")), ("length", length.into()), ("path", path)])
}

/// The merkle trees of all files.
struct Trees {
    /// For each of the content's entries, if it is a file and not empty.
    roots: Vec<Option<MerkleHash>>,
    piece_layers: Dict,
}

impl Trees {
    fn new(content: &Content, nodes: &[MerkleHash]) -> Self {
        let mut trees = Self { roots: Vec::new(), piece_layers: Dict::new() };
        for (index, entry) in content.entries.iter().enumerate() {
            let pieces = content.layout.pieces_of(index);
            // There is a node for each piece, in memory.
            let nodes = nodes.get(pieces.start as usize..pieces.end as usize).unwrap_or_default();
            trees.roots.push(match (entry, nodes) {
                (Entry::Padding(_), _) | (_, []) => None,
                (_, [root]) => Some(*root),
                (_, layer) => {
                    let root = merkle_root(Backend::best(), layer, content.merkle_layer);
                    let key = Bytes::copy_from_slice(&root);
                    trees.piece_layers.insert(key, layer.as_flattened().into());
                    Some(root)
                }
            });
        }
        trees
    }
}

/// The `file tree`: directories are dictionaries, a file is one whose only key is empty.
fn file_tree(creator: &Creator, content: &Content, trees: &Trees) -> Vec<u8> {
    let mut out = Vec::from(*b"d");
    // The path of the last file, each of whose components is a dictionary that is still open.
    let mut open: &[String] = &[];
    for (entry, root) in content.entries.iter().zip(&trees.roots) {
        let Entry::File(index) = entry else { continue };
        let file = &creator.files[*index];
        let shared = open.iter().zip(&file.path).take_while(|(open, path)| open == path).count();
        out.extend(open[shared..].iter().map(|_| b'e'));
        for component in &file.path[shared..] {
            text(component).encode(&mut out);
            out.put_u8(b'd');
        }
        let mut dict = file_keys(file);
        put_some(&mut dict, "pieces root", root.map(|root| root[..].into()));
        text("").encode(&mut out);
        Value::from(dict).encode(&mut out);
        open = &file.path;
    }
    out.extend(open.iter().map(|_| b'e'));
    out.put_u8(b'e');
    out
}

fn put(dict: &mut Dict, key: &'static str, value: Value) {
    dict.insert(Bytes::from(key), value);
}

fn put_some(dict: &mut Dict, key: &'static str, value: Option<Value>) {
    if let Some(value) = value {
        put(dict, key, value);
    }
}

fn put_list(dict: &mut Dict, key: &'static str, items: Vec<Value>) {
    if !items.is_empty() {
        put(dict, key, items.into());
    }
}

fn text(text: &str) -> Value {
    text.into()
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|item| text(item)).collect()
}
