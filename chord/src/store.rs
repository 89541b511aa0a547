//! What a node keeps for others: sets of publications, by key, within bounds.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha1::{Digest, Sha1};

use crate::{Id, Id160, Publication, message};

/// How much a [`Store`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Publications under one key.
    pub publications_per_key: usize,
    /// Bytes in all, counted as [`Store::bytes`] counts them.
    pub bytes: usize,
    /// Bytes of one value.
    pub value_len: usize,
}

/// Why a publication was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// The key has as many publications as it may.
    #[error("the key has {max} publications already")]
    Key {
        /// The most it may have.
        max: usize,
    },
    /// The store has as many bytes as it may.
    #[error("the store may not hold more than {max} bytes")]
    Bytes {
        /// The most it may have.
        max: usize,
    },
    /// The value is too long.
    #[error("a value of {len} bytes is longer than {max}")]
    Value {
        /// Its length in bytes.
        len: usize,
        /// The most it may have.
        max: usize,
    },
}

/// Sets of publications by key. Sets only grow, one publication at a time; whole ranges of keys are
/// dropped when they are no longer this node's business.
///
/// Each publication has a fingerprint, the first 16 bytes of SHA-1 over key, publisher and value. Two
/// nodes compare ranges of keys by the sum of the fingerprints, and page through a set in their
/// order. In half of these bytes two publications could be made to collide at a cost of 2^32.
#[derive(Clone, Debug)]
pub struct Store {
    bounds: Bounds,
    buckets: BTreeMap<Id160, Bucket>,
    publications: usize,
    bytes: usize,
    /// Counts changes.
    version: u64,
}

#[derive(Clone, Debug)]
struct Bucket {
    /// The round in which it was last known to be wanted here.
    round: u32,
    /// By rising fingerprint, and those with the same one in the order of publications.
    items: Vec<(u128, Publication)>,
}

/// A part of a set, in the order of fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub publications: Vec<Publication>,
    /// Where the next page starts, if there is one: after so many publications.
    pub next: Option<u64>,
}

/// What a publication costs beside its value: itself and its fingerprint.
const COST: usize = size_of::<(u128, Publication)>();
/// What a key costs.
const KEY_COST: usize = size_of::<(Id160, Bucket)>();

impl Store {
    /// An empty store.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, buckets: BTreeMap::new(), publications: 0, bytes: 0, version: 0 }
    }

    /// How many publications it holds.
    pub fn len(&self) -> usize {
        self.publications
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.publications == 0
    }

    /// How many bytes it takes: values, their records, and the keys.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many keys have publications.
    pub fn keys(&self) -> usize {
        self.buckets.len()
    }

    /// The set under `key`.
    pub fn publications(&self, key: Id160) -> impl Iterator<Item = &Publication> {
        self.buckets.get(&key).into_iter().flat_map(|b| b.items.iter().map(|(_, p)| p))
    }

    /// Adds a publication to the set under `key`. Returns whether it is new.
    ///
    /// # Errors
    /// It does not fit; the store is as before.
    pub fn insert(
        &mut self,
        key: Id160,
        publication: Publication,
        round: u32,
    ) -> Result<bool, Full> {
        let (len, max) = (publication.value.len(), self.bounds.value_len);
        if len > max {
            return Err(Full::Value { len, max });
        }
        let fingerprint = fingerprint(key, &publication);
        self.insert_as(key, fingerprint, publication, round)
    }

    fn insert_as(
        &mut self,
        key: Id160,
        fingerprint: u128,
        publication: Publication,
        round: u32,
    ) -> Result<bool, Full> {
        let Bounds { publications_per_key, bytes, .. } = self.bounds;
        let len = publication.value.len();
        let bucket = self.buckets.get_mut(&key);
        let place = |items: &[(u128, Publication)]| {
            items.binary_search_by(|(f, p)| f.cmp(&fingerprint).then_with(|| p.cmp(&publication)))
        };
        let at = match bucket.as_ref().map(|bucket| place(&bucket.items)) {
            Some(Ok(_)) => {
                if let Some(bucket) = bucket {
                    bucket.round = round;
                }
                return Ok(false);
            }
            Some(Err(at)) => at,
            None => 0,
        };
        let cost = COST + len + if bucket.is_none() { KEY_COST } else { 0 };
        if bucket.as_ref().map_or(0, |bucket| bucket.items.len()) >= publications_per_key {
            return Err(Full::Key { max: publications_per_key });
        }
        if self.bytes.saturating_add(cost) > bytes {
            return Err(Full::Bytes { max: bytes });
        }
        let bucket = match bucket {
            Some(bucket) => bucket,
            None => self.buckets.entry(key).or_insert(Bucket { round, items: Vec::new() }),
        };
        bucket.round = round;
        bucket.items.insert(at, (fingerprint, publication));
        self.publications += 1;
        self.bytes += cost;
        self.version += 1;
        Ok(true)
    }

    /// The publications under `key` after the first `after` (all, if `None`), as many as fit into
    /// `room` bytes on the wire. Sets only grow, so that nothing that was there when the first page
    /// was shown is left out of the others.
    pub(crate) fn page(&self, key: Id160, after: Option<u64>, room: usize) -> Page {
        let items = self.buckets.get(&key).map_or(&[][..], |bucket| &bucket.items);
        let from = usize::try_from(after.unwrap_or(0)).unwrap_or(usize::MAX).min(items.len());
        let mut page = Page { publications: Vec::new(), next: None };
        let mut used = 0;
        for (_, publication) in &items[from..] {
            used += message::publication_len(publication);
            if used > room {
                page.next = Some((from + page.publications.len()) as u64);
                break;
            }
            page.publications.push(publication.clone());
        }
        page
    }

    /// Which state of the store this is: another number after each change of what it holds.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Number and sum of fingerprints of the publications whose key is in (after, upto].
    pub(crate) fn digest(&self, after: Id160, upto: Id160) -> (u32, u128) {
        self.fingerprints(after, upto).fold((0, 0), |(count, sum), (_, fingerprint)| {
            (u32::saturating_add(count, 1), u128::wrapping_add(sum, fingerprint))
        })
    }

    /// Key and fingerprint of each publication whose key is in (after, upto], clockwise.
    pub(crate) fn fingerprints(
        &self,
        after: Id160,
        upto: Id160,
    ) -> impl Iterator<Item = (Id160, u128)> {
        self.range(after, upto).flat_map(|(key, bucket)| {
            bucket.items.iter().map(|(fingerprint, _)| (*key, *fingerprint))
        })
    }

    /// A publication by key and fingerprint.
    pub(crate) fn by_fingerprint(&self, key: Id160, fingerprint: u128) -> Option<&Publication> {
        let items = &self.buckets.get(&key)?.items;
        let at = items.partition_point(|(f, _)| *f < fingerprint);
        items.get(at).filter(|(f, _)| *f == fingerprint).map(|(_, publication)| publication)
    }

    /// Marks every key in (after, upto] as wanted here in `round`.
    pub(crate) fn touch(&mut self, after: Id160, upto: Id160, round: u32) {
        if after < upto {
            self.touch_span(after.next()..=upto, round);
        } else {
            if after != Id160::MAX {
                self.touch_span(after.next()..=Id160::MAX, round);
            }
            self.touch_span(Id160::ZERO..=upto, round);
        }
    }

    fn touch_span(&mut self, span: core::ops::RangeInclusive<Id160>, round: u32) {
        for bucket in self.buckets.range_mut(span).map(|(_, bucket)| bucket) {
            bucket.round = round;
        }
    }

    /// The first key, clockwise from `after`, in (after, upto] that was last wanted before `round`.
    pub(crate) fn stale(&self, after: Id160, upto: Id160, round: u32) -> Option<Id160> {
        self.range(after, upto).find(|(_, bucket)| bucket.round < round).map(|(key, _)| *key)
    }

    /// Drops every key in (after, upto] that was last wanted before `round`. Returns how many.
    pub(crate) fn drop_stale(&mut self, after: Id160, upto: Id160, round: u32) -> usize {
        let keys: Vec<_> = self
            .range(after, upto)
            .filter(|(_, bucket)| bucket.round < round)
            .map(|(key, _)| *key)
            .collect();
        for key in &keys {
            if let Some(bucket) = self.buckets.remove(key) {
                self.version += 1;
                self.publications -= bucket.items.len();
                self.bytes -= KEY_COST
                    + bucket.items.iter().map(|(_, p)| COST + p.value.len()).sum::<usize>();
            }
        }
        keys.len()
    }

    /// The buckets of (after, upto], clockwise; all of them if the ends are equal.
    fn range(&self, after: Id160, upto: Id160) -> impl Iterator<Item = (&Id160, &Bucket)> {
        use core::ops::Bound::{Excluded, Included, Unbounded};
        let wraps = after >= upto;
        let first = (Excluded(after), if wraps { Unbounded } else { Included(upto) });
        let second = wraps.then(|| self.buckets.range(..=upto));
        self.buckets.range(first).chain(second.into_iter().flatten())
    }
}

/// The first 16 bytes of SHA-1 over key, publisher in wire form, and value.
fn fingerprint(key: Id160, publication: &Publication) -> u128 {
    let mut head = Vec::with_capacity(39);
    head.extend_from_slice(key.as_bytes());
    message::put_address(&mut head, publication.publisher);
    let hash = Sha1::new().chain_update(&head).chain_update(&publication.value).finalize();
    hash.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests;
