//! Rings and lookups, the same on every machine.

use overlay_benches::noise;
use overlay_chord::Id;

/// Nodes of the two rings: one in the cache, one far beyond it.
pub const NODES: [usize; 2] = [1_000, 1_000_000];

/// So many lookups are one run.
pub const RUN: usize = 8_192;

/// Runs until the first lookups come again: together they read more than a cache holds.
const RUNS: usize = 64;

/// Identifiers, as hashes are; others with another seed.
pub fn ids<I: Id>(count: usize, seed: usize) -> Vec<I> {
    noise(count * 20 + seed).chunks_exact(20).map(I::from_hash).collect()
}

/// Lookups of random keys by random nodes, so many and others each time.
#[derive(Clone)]
pub struct Lookups<I> {
    all: Vec<(usize, I)>,
    next: usize,
}

impl<I: Id> Lookups<I> {
    pub fn new(nodes: usize) -> Self {
        let from = noise(RUN * RUNS * 4);
        let from =
            from.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize % nodes);
        Self { all: from.zip(ids(RUN * RUNS, 1)).collect(), next: 0 }
    }

    pub fn all(&self) -> &[(usize, I)] {
        &self.all
    }

    /// The next [`RUN`] of them.
    pub fn run(&mut self) -> &[(usize, I)] {
        let run = &self.all[self.next..][..RUN];
        self.next = (self.next + RUN) % self.all.len();
        run
    }
}
