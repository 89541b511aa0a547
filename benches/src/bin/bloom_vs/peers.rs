//! Other people's filters. All are as large as ours and, where that can be chosen, have as many
//! probes.

#![allow(unsafe_code)]

use std::hash::BuildHasher;

use fastbloom::{AtomicBloomFilter, BloomFilter};
use foldhash::fast::FixedState;

use overlay_bloom::KeyHash;

use crate::entry::Set;
use crate::keys::BenchKey;

/// fastbloom with foldhash, faster than its own default.
pub struct Fastbloom(BloomFilter<FixedState>);

impl Fastbloom {
    pub fn new(m: u64, k: u32) -> Self {
        let builder = BloomFilter::with_num_bits(m as usize).hasher(FixedState::with_seed(1));
        Self(builder.hashes(k))
    }
}

impl<K: BenchKey> Set<K> for Fastbloom {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn insert_all(&mut self, keys: &[K]) {
        self.0.insert_all(keys);
    }

    fn count(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.0.contains(*key)).count()
    }
}

/// The same, for hashes that were made before.
pub struct FastbloomHashes(Fastbloom);

impl FastbloomHashes {
    pub fn new(m: u64, k: u32) -> Self {
        Self(Fastbloom::new(m, k))
    }
}

impl Set<KeyHash> for FastbloomHashes {
    fn clear(&mut self) {
        self.0.0.clear();
    }

    fn insert_all(&mut self, keys: &[KeyHash]) {
        for key in keys {
            self.0.0.insert_hash(key.to_bits());
        }
    }

    fn count(&self, keys: &[KeyHash]) -> usize {
        keys.iter().filter(|key| self.0.0.contains_hash(key.to_bits())).count()
    }
}

/// One with some keys.
pub fn some_keys(m: u64, start: u64) -> BloomFilter<FixedState> {
    let mut filter = Fastbloom::new(m, 7);
    filter.insert_all(&(start..start + m / 100).collect::<Vec<u64>>());
    filter.0
}

/// Its filter for many threads.
pub fn fastbloom_atomic(m: u64, k: u32) -> AtomicBloomFilter<FixedState> {
    AtomicBloomFilter::with_num_bits(m as usize).hasher(FixedState::with_seed(1)).hashes(k)
}

/// bloomfilter, which always hashes twice with SipHash-1-3 and chooses k itself.
pub struct Bloomfilter<K>(bloomfilter::Bloom<K>);

impl<K> Bloomfilter<K> {
    pub fn new(m: u64, keys: u64) -> Self {
        let filter = bloomfilter::Bloom::new_with_seed((m / 8) as usize, keys as usize, &[1; 32]);
        Self(filter.expect("a filter"))
    }
}

impl<K: BenchKey> Set<K> for Bloomfilter<K> {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn insert_all(&mut self, keys: &[K]) {
        keys.iter().for_each(|key| self.0.set(key));
    }

    fn count(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.0.check(key)).count()
    }
}

/// sbbf-rs: blocks of 256 bits, eight probes. It hashes nothing itself, so it has the fastest hash
/// here.
pub struct SbbfRs {
    blocks: Vec<Blocks>,
    filter: sbbf_rs::FilterFn,
    hasher: FixedState,
}

/// Two blocks, aligned as sbbf-rs wants them.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Blocks([u8; sbbf_rs::ALIGNMENT]);

impl SbbfRs {
    pub fn new(m: u64) -> Self {
        let blocks = (m as usize / 8).div_ceil(sbbf_rs::ALIGNMENT);
        Self {
            blocks: vec![Blocks([0; sbbf_rs::ALIGNMENT]); blocks],
            filter: sbbf_rs::FilterFn::new(),
            hasher: FixedState::with_seed(1),
        }
    }

    fn buckets(&self) -> usize {
        self.blocks.len() * (sbbf_rs::ALIGNMENT / sbbf_rs::BUCKET_SIZE)
    }
}

impl<K: BenchKey> Set<K> for SbbfRs {
    fn clear(&mut self) {
        self.blocks.fill(Blocks([0; sbbf_rs::ALIGNMENT]));
    }

    fn insert_all(&mut self, keys: &[K]) {
        let buckets = self.buckets();
        let bits = self.blocks.as_mut_ptr().cast();
        for key in keys {
            // SAFETY: the bits are aligned and as many as the buckets need, of which there are some.
            unsafe { self.filter.insert(bits, buckets, self.hasher.hash_one(key)) };
        }
    }

    fn count(&self, keys: &[K]) -> usize {
        let buckets = self.buckets();
        let bits = self.blocks.as_ptr().cast();
        let is_in = |key: &&K| {
            // SAFETY: the bits are aligned and as many as the buckets need, of which there are some.
            unsafe { self.filter.contains(bits, buckets, self.hasher.hash_one(*key)) }
        };
        keys.iter().filter(is_in).count()
    }
}

/// parquet's filter: blocks of 256 bits, eight probes, XXH64.
pub struct Parquet(parquet::bloom_filter::Sbbf);

impl Parquet {
    pub fn new(m: u64) -> Self {
        Self(parquet::bloom_filter::Sbbf::new(&vec![0; (m / 8).next_multiple_of(32) as usize]))
    }
}

impl<K: BenchKey> Set<K> for Parquet {
    fn clear(&mut self) {
        *self = Self::new(256 * self.0.num_blocks() as u64);
    }

    fn insert_all(&mut self, keys: &[K]) {
        for key in keys {
            key.bytes(|bytes| self.0.insert(bytes));
        }
    }

    fn count(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| key.bytes(|bytes| self.0.check(bytes))).count()
    }
}
