//! The hashring crate, with our identifiers in place of its hashes.

use std::hash::{BuildHasher, Hash, Hasher};

/// Nodes by identifier.
pub struct HashRing(hashring::HashRing<Node, AsIs>);

impl HashRing {
    /// These nodes, numbered as they come.
    pub fn new(ids: &[u64]) -> Self {
        let mut ring = hashring::HashRing::with_hasher(AsIs);
        ring.batch_add(ids.iter().zip(0..).map(|(id, number)| Node { id: *id, number }).collect());
        Self(ring)
    }

    pub fn owner(&self, key: u64) -> u32 {
        self.0.get(&key).map_or(u32::MAX, |node| node.number)
    }
}

struct Node {
    id: u64,
    number: u32,
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// A number's hash is the number.
#[derive(Clone, Copy, Default)]
struct AsIs;

impl BuildHasher for AsIs {
    type Hasher = Number;

    fn build_hasher(&self) -> Number {
        Number(0)
    }
}

struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers of 64 bits are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
