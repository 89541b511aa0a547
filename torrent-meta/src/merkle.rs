//! The merkle trees of v2 torrents (BEP 52).

use alloc::vec::Vec;
use core::iter;

use sha2::Digest;

use crate::hash::{Backend, LEAF_LENGTH, Sha256, hash_chunks};

/// A node of a file's merkle tree: the SHA-256 of 16 KiB of the file (a leaf), or of the two nodes
/// below.
///
/// Layers are counted from the leaves, which are layer 0, as in the wire protocol's `base layer`.
/// Where the file ends, leaves of 32 zero bytes fill the tree up to a power of two.
pub type MerkleHash = [u8; 32];

/// The node of a layer that has nothing but zero leaves below it. Costs one hash a layer.
///
/// ```
/// use torrent_meta::{Backend, merkle_pad, merkle_root};
///
/// assert_eq!(merkle_pad(0), [0; 32]);
/// assert_eq!(merkle_pad(2), merkle_root(Backend::best(), &[[0; 32]; 4], 0));
/// ```
pub fn merkle_pad(layer: u32) -> MerkleHash {
    (0..layer).fold([0; 32], |pad, _| pair(&pad, &pad))
}

/// The root over a whole layer: over the leaves (layer 0), or over the hashes that `piece layers`
/// has for a file (layer [`PieceLength::merkle_layer`](crate::PieceLength::merkle_layer)). The nodes
/// behind the end are left out, as they are there. No nodes at all have the pad as root; in a
/// torrent, an empty file has none.
///
/// ```
/// use torrent_meta::{Backend, hash_leaves, merkle_layer, merkle_root};
///
/// let backend = Backend::best();
/// let leaves = hash_leaves(backend, &vec![7; 100_000]);
/// let pieces = merkle_layer(backend, &leaves, 1); // pieces of 32 KiB
/// assert_eq!(merkle_root(backend, &pieces, 1), merkle_root(backend, &leaves, 0));
/// ```
pub fn merkle_root(backend: Backend, nodes: &[MerkleHash], layer: u32) -> MerkleHash {
    if let [root] = nodes {
        return *root;
    }
    let height = width_log(nodes.len());
    let nodes = climb(backend, nodes, merkle_pad(layer), height);
    nodes.first().copied().unwrap_or_else(|| merkle_pad(layer))
}

/// A layer over the leaves. Nodes over nothing but padding are left out: there are
/// ⌈leaves / 2^layer⌉.
pub fn merkle_layer(backend: Backend, leaves: &[MerkleHash], layer: u32) -> Vec<MerkleHash> {
    climb(backend, leaves, merkle_pad(0), layer)
}

/// So many layers up, from one that is padded with `pad`.
fn climb(
    backend: Backend,
    nodes: &[MerkleHash],
    mut pad: MerkleHash,
    layers: u32,
) -> Vec<MerkleHash> {
    let mut nodes = nodes.to_vec();
    for _ in 0..layers {
        nodes = parents(backend, &nodes, &pad);
        pad = pair(&pad, &pad);
    }
    nodes
}

fn parents(backend: Backend, nodes: &[MerkleHash], pad: &MerkleHash) -> Vec<MerkleHash> {
    let (pairs, odd) = nodes.as_chunks::<2>();
    let pairs = pairs.as_flattened().as_flattened();
    let mut parents = hash_chunks::<Sha256>(backend, pairs, 64);
    parents.extend(odd.first().map(|last| pair(last, pad)));
    parents
}

fn pair(left: &MerkleHash, right: &MerkleHash) -> MerkleHash {
    sha2::Sha256::new().chain_update(left).chain_update(right).finalize().into()
}

/// No file of 63 bits has a layer above this one.
const MAX_LAYER: u32 = 63 - LEAF_LENGTH.ilog2();

/// How many layers up there is one node over so many.
fn width_log(nodes: usize) -> u32 {
    nodes.next_power_of_two().ilog2()
}

/// A file's merkle tree from one layer up to the root: what is needed to answer hash requests.
///
/// It takes 64 bytes for each node of the lowest layer, about: 4 MiB for the leaves of 1 GiB.
///
/// ```
/// use torrent_meta::{Backend, HashRange, MerkleTree, hash_leaves};
///
/// let backend = Backend::best();
/// let leaves = hash_leaves(backend, &vec![7; 100_000]);
/// let tree = MerkleTree::new(backend, leaves, 0);
///
/// // The third and fourth leaf, and what proves that they belong to the file.
/// let range = HashRange { base_layer: 0, index: 2, length: 2, proof_layers: 2 };
/// let hashes = tree.hashes(range).expect("within the tree");
/// assert_eq!(hashes.len(), 2 + 2);
/// assert!(range.proves(backend, &hashes, &tree.root(), tree.height()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerkleTree {
    /// What number the first of the layers has.
    lowest: u32,
    /// From the lowest to the root, without nodes over nothing but padding.
    layers: Vec<Vec<MerkleHash>>,
}

impl MerkleTree {
    /// The tree over all nodes of a layer: over the leaves (layer 0), or over the hashes of
    /// `piece layers`. Over none at all it is the pad alone.
    pub fn new(backend: Backend, mut nodes: Vec<MerkleHash>, layer: u32) -> Self {
        if nodes.is_empty() {
            nodes.push(merkle_pad(layer));
        }
        let mut pad = merkle_pad(layer);
        let mut layers = Vec::from([nodes]);
        while let Some(nodes) = layers.last()
            && nodes.len() > 1
        {
            let above = parents(backend, nodes, &pad);
            layers.push(above);
            pad = pair(&pad, &pad);
        }
        Self { lowest: layer, layers }
    }

    /// The hash over all: `pieces root`.
    pub fn root(&self) -> MerkleHash {
        self.layers.last().and_then(|layer| layer.first()).copied().unwrap_or_default()
    }

    /// Which layer the root is: 0 if it is a leaf.
    pub fn height(&self) -> u32 {
        // There are at most 64 layers: each has half as many nodes.
        self.lowest + self.layers.len() as u32 - 1
    }

    /// The nodes of a layer without those over nothing but padding; `None` if it is below the lowest
    /// or above the root.
    pub fn layer(&self, layer: u32) -> Option<&[MerkleHash]> {
        let index = layer.checked_sub(self.lowest)? as usize;
        self.layers.get(index).map(Vec::as_slice)
    }

    /// What a `hashes` message has to have in it: the nodes of the range with padding behind the
    /// file's end, and then their uncles, the one next to the root last. `None` if it is no valid
    /// range of this tree, or of a layer below the lowest.
    pub fn hashes(&self, range: HashRange) -> Option<Vec<MerkleHash>> {
        let up = range.log_length()?;
        let uncles = range.uncles()?;
        let width = 1u64.checked_shl(self.height().checked_sub(range.base_layer)?)?;
        let (layer, mut index) = (range.base_layer + up, u64::from(range.index) >> up);
        if u64::from(range.index) + u64::from(range.length) > width
            || layer.checked_add(uncles)? > self.height()
        {
            return None;
        }

        let nodes = self.layer(range.base_layer)?;
        let rest = nodes.get(range.index as usize..).unwrap_or_default();
        let pads = iter::repeat(merkle_pad(range.base_layer));
        let mut hashes: Vec<_> =
            rest.iter().copied().chain(pads).take(range.length as usize).collect();
        for layer in layer..layer + uncles {
            let sibling = (index ^ 1) as usize;
            let uncle = self.layer(layer)?.get(sibling).copied();
            hashes.push(uncle.unwrap_or_else(|| merkle_pad(layer)));
            index /= 2;
        }
        Some(hashes)
    }
}

/// Which hashes of a file's tree a `hash request` message asks for, and a `hashes` message has
/// (BEP 52).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashRange {
    /// The layer they are of, counted from the leaves.
    pub base_layer: u32,
    /// The first of them, from zero. A multiple of `length`, rounded up to a power of two.
    pub index: u32,
    /// How many, two at least. A power of two, unless the layer ends there.
    pub length: u32,
    /// How many layers above the base layer shall be proven. Those that follow from the hashes
    /// themselves are counted, but need no uncle: the first log₂(`length`) − 1.
    pub proof_layers: u32,
}

impl HashRange {
    /// How many hashes a message about this range has in it; `None` if the range can not be:
    /// `length` is less than two, `index` is not a multiple of it, or no file has such a base layer.
    pub fn hashes(self) -> Option<u64> {
        Some(u64::from(self.length) + u64::from(self.uncles()?))
    }

    /// The layer and index of the node the hashes lead up to, so that a range that was not proven up
    /// to the root can be checked against a node that is known already. `None` as for
    /// [`hashes`](Self::hashes).
    pub fn ancestor(self) -> Option<(u32, u32)> {
        let up = self.log_length()?.checked_add(self.uncles()?)?;
        Some((self.base_layer.checked_add(up)?, self.index.checked_shr(up).unwrap_or(0)))
    }

    /// What the [`ancestor`](Self::ancestor) is by these hashes. `None` if they are not as many as
    /// they have to be, or the range can not be.
    pub fn ancestor_hash(self, backend: Backend, hashes: &[MerkleHash]) -> Option<MerkleHash> {
        if self.hashes()? != hashes.len() as u64 {
            return None;
        }
        let (base, uncles) = hashes.split_at(self.length as usize);
        let mut node = merkle_root(backend, base, self.base_layer);
        let mut index = self.index >> self.log_length()?;
        for uncle in uncles {
            node = if index.is_multiple_of(2) { pair(&node, uncle) } else { pair(uncle, &node) };
            index /= 2;
        }
        Some(node)
    }

    /// Whether these hashes, which may come from anyone, are those of the range in a file's tree with
    /// this root at this layer: 0 for a file of up to 16 KiB, 1 for up to 32 KiB, and so on. The
    /// range has to go up to the root: `base_layer + proof_layers` one below it at least.
    pub fn proves(
        self,
        backend: Backend,
        hashes: &[MerkleHash],
        root: &MerkleHash,
        height: u32,
    ) -> bool {
        self.ancestor() == Some((height, 0))
            && self.ancestor_hash(backend, hashes).as_ref() == Some(root)
    }

    /// How many layers up there is one node over all of the range.
    fn log_length(self) -> Option<u32> {
        let length = self.length.checked_next_power_of_two()?;
        let is_valid =
            self.length >= 2 && self.index.is_multiple_of(length) && self.base_layer <= MAX_LAYER;
        is_valid.then(|| length.ilog2())
    }

    fn uncles(self) -> Option<u32> {
        // The hashes give their own proof up to the node over all of them, which needs the first.
        let own = self.log_length()? - 1;
        Some(self.proof_layers.saturating_sub(own))
    }
}
