//! The piece layers of v2 (BEP 52): for each file of more than one piece, the hash of each piece.

use alloc::vec::Vec;

use overlay_bencode::{Dict, Kind, NodeId};

use crate::error::{DecodeError, DeviationKind, ErrorKind};
use crate::hash::Backend;
use crate::info::Fields;
use crate::layout::NO_NODE;
use crate::merkle::merkle_root;
use crate::parser::Reports;
use crate::source::Source;

/// Where each layer is, sorted by its root.
#[derive(Clone, Debug, Default)]
pub(crate) struct PieceLayers(Vec<Layer>);

/// Two strings.
#[derive(Clone, Copy, Debug)]
struct Layer {
    root: NodeId,
    hashes: NodeId,
}

impl PieceLayers {
    /// Reads and checks them: each belongs to a file, and leads to its root. Linear in the input,
    /// but for the logarithm of sorting.
    pub(crate) fn read(
        file: Dict<'_, '_>,
        source: &Source<'_>,
        fields: &Fields,
        reports: &mut Reports,
    ) -> Result<Self, DecodeError> {
        // Roots of files that have layers, and the files' lengths. Equal files may share a root.
        let mut files: Vec<(&[u8], u64)> = Vec::new();
        let piece_length = u64::from(fields.piece_length.get());
        for (entry, &root) in fields.layout.entries.iter().zip(&fields.layout.roots) {
            if entry.length > piece_length && root != NO_NODE {
                files.push((source.node(root).as_bytes().unwrap_or_default(), entry.length));
            }
        }
        files.sort_unstable();
        files.dedup();
        // A v2 torrent's piece length was checked.
        let (backend, layer_number) =
            (Backend::best(), fields.piece_length.merkle_layer().unwrap_or(0));
        let mut layers = Vec::new();
        let node = file.find(b"piece layers");
        let dict = match node {
            Some(node) if node.kind() == Kind::Dict => node.as_dict(),
            Some(node) => {
                reports.ignored(node.offset(), "piece layers", "a dictionary")?;
                None
            }
            None => None,
        };
        for (key, value) in dict.into_iter().flatten() {
            let root = key.as_bytes().unwrap_or_default();
            let first = files.partition_point(|&(found, _)| found < root);
            let lengths = files[first..].iter().take_while(|&&(found, _)| found == root);
            let lengths: Vec<u64> = lengths.map(|&(_, length)| length).collect();
            let error = |offset, kind| Err(DecodeError { offset, kind });
            let &[length] = lengths.as_slice() else {
                return error(key.offset(), ErrorKind::PieceLayerRoot);
            };
            let hashes = value.as_bytes().ok_or(DecodeError {
                offset: value.offset(),
                kind: ErrorKind::WrongKind { key: "piece layers", expected: "strings" },
            })?;
            let pieces = fields.piece_length.pieces(length);
            let (layer, rest) = hashes.as_chunks();
            if !rest.is_empty() || layer.len() as u64 != pieces {
                let kind = ErrorKind::PieceLayerLength { pieces, found: hashes.len() };
                return error(value.offset(), kind);
            }
            if merkle_root(backend, layer, layer_number) != root {
                return error(value.offset(), ErrorKind::PieceLayerHash);
            }
            layers.push(Layer { root: key.id(), hashes: value.id() });
        }
        let root = |layer: &Layer| source.node(layer.root).as_bytes().unwrap_or_default();
        layers.sort_by_key(root);
        let mut pairs = layers.iter().zip(layers.iter().skip(1));
        if let Some((_, other)) = pairs.find(|(one, other)| root(one) == root(other)) {
            let offset = source.node(other.root).offset();
            return Err(DecodeError { offset, kind: ErrorKind::PieceLayerRoot });
        }
        files.dedup_by_key(|&mut (root, _)| root);
        if layers.len() < files.len() {
            let offset = node.map_or(file.node().offset(), |node| node.offset());
            reports.add(offset, DeviationKind::NoPieceLayer)?;
        }
        Ok(Self(layers))
    }

    pub(crate) fn find<'s>(&self, root: [u8; 32], source: &'s Source<'_>) -> Option<&'s [u8]> {
        let bytes = |id: NodeId| source.node(id).as_bytes().unwrap_or_default();
        let at = self.0.binary_search_by_key(&root.as_slice(), |layer| bytes(layer.root)).ok()?;
        self.0.get(at).map(|layer| bytes(layer.hashes))
    }
}
