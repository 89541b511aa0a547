//! A piece of which not everything came yet.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::batch::PieceHashes;
use crate::hash::LEAF_LENGTH;
use crate::span::Spans;

/// Hashes a piece in order, with the plain functions, and keeps what came too early.
#[derive(Clone, Debug)]
pub struct Partial {
    v1: Option<Sha1>,
    v2: Option<Leaves>,
    /// How many bytes were hashed.
    pub hashed: u32,
    /// Chunks that came too early, by offset.
    pub waiting: BTreeMap<u32, Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
struct Leaves {
    current: Sha256,
    /// How many bytes of it are hashed, fewer than a whole one has.
    filled: usize,
    done: Vec<[u8; 32]>,
}

impl Partial {
    pub fn new(v1: bool, v2: bool) -> Self {
        Self {
            v1: v1.then(Sha1::new),
            v2: v2.then(Leaves::default),
            hashed: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Hashes the next bytes and what padding there is around them. `spans` are those of the piece
    /// from what is hashed on; bytes that stand for padding are passed over.
    pub fn hash(&mut self, spans: Spans<'_>, mut bytes: &[u8]) {
        for span in spans {
            // A span is within a piece, whose length fits.
            let length = span.length as usize;
            let (now, later) = bytes.split_at(length.min(bytes.len()));
            bytes = later;
            if span.padding {
                self.pad(length);
                continue;
            }
            if let Some(v1) = &mut self.v1 {
                v1.update(now);
            }
            if let Some(v2) = &mut self.v2 {
                v2.update(now);
            }
            self.hashed += now.len() as u32;
            if now.len() < length {
                return;
            }
        }
    }

    /// Zeros, which are not in the leaves of v2.
    fn pad(&mut self, length: usize) {
        const ZEROS: [u8; 4096] = [0; 4096];
        let mut left = length;
        while let Some(v1) = &mut self.v1
            && left > 0
        {
            let now = &ZEROS[..left.min(ZEROS.len())];
            v1.update(now);
            left -= now.len();
        }
        self.hashed += length as u32;
    }

    pub fn finish(self) -> PieceHashes {
        PieceHashes {
            v1: self.v1.map(|v1| v1.finalize().into()),
            leaves: self.v2.map_or(Vec::new(), Leaves::finish),
        }
    }
}

impl Leaves {
    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(LEAF_LENGTH - self.filled));
            self.current.update(now);
            self.filled += now.len();
            if self.filled == LEAF_LENGTH {
                self.done.push(self.current.finalize_reset().into());
                self.filled = 0;
            }
            bytes = later;
        }
    }

    fn finish(mut self) -> Vec<[u8; 32]> {
        if self.filled > 0 {
            self.done.push(self.current.finalize().into());
        }
        self.done
    }
}
