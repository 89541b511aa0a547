//! A table of which keywords someone may have.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::packed::{lower_case, routed_urns, slot_of};
use super::{RoutedQuery, qrp_hash, with_prefixes};
use crate::{Query, keywords};

/// A query routing table: a bit for each of 2^[`bits`](Self::bits) slots, set where a keyword hashes
/// to. What is not in the table is not there; what is in it may be.
///
/// The protocol speaks of distances, but no servent sends any but "here" and "not there" (infinity),
/// and gtk-gnutella and LimeWire read no more into them (Ultrapeer Query Routing 0.1, section
/// 2.4). So a bit is enough.
#[derive(Clone, PartialEq, Eq)]
pub struct QueryRouteTable {
    bits: u8,
    infinity: u8,
    words: Vec<u64>,
}

impl QueryRouteTable {
    /// The most slots: 2^24, eight times what servents use.
    pub const MAX_BITS: u8 = 24;
    /// What most servents use: 65,536 slots.
    pub const DEFAULT_BITS: u8 = 16;
    /// The distance that means "not there" unless another is chosen.
    pub const DEFAULT_INFINITY: u8 = 7;

    /// An empty table of 2^`bits` slots.
    ///
    /// # Panics
    /// `bits` is more than [`MAX_BITS`](Self::MAX_BITS).
    pub fn new(bits: u8) -> Self {
        assert!(bits <= Self::MAX_BITS, "a table of 2^{bits} slots");
        let words = vec![0; (1_usize << bits).div_ceil(64)];
        Self { bits, infinity: Self::DEFAULT_INFINITY, words }
    }

    /// The same table, sent with this distance for "not there". It is at least 2: the other distance
    /// is 1.
    pub fn with_infinity(self, infinity: u8) -> Self {
        Self { infinity: infinity.max(2), ..self }
    }

    /// The number of slots is 2 to the power of this.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// How many slots it has.
    pub fn slots(&self) -> u32 {
        1 << self.bits
    }

    /// The distance that means "not there".
    pub fn infinity(&self) -> u8 {
        self.infinity
    }

    /// How many slots are set.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether a slot is set; false for slots it does not have.
    pub fn has_slot(&self, slot: u32) -> bool {
        let word = self.words.get(slot as usize / 64);
        slot < self.slots() && word.is_some_and(|word| word >> (slot % 64) & 1 != 0)
    }

    /// Sets or clears a slot.
    ///
    /// # Panics
    /// The table does not have it.
    pub fn set_slot(&mut self, slot: u32, set: bool) {
        assert!(slot < self.slots(), "slot {slot} of {}", self.slots());
        let (word, bit) = (&mut self.words[slot as usize / 64], 1 << (slot % 64));
        *word = if set { *word | bit } else { *word & !bit };
    }

    /// The slots that are set, least first.
    pub fn set_slots(&self) -> impl Iterator<Item = u32> {
        set_slots(&self.words)
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Adds one word, or a urn as text, as it is.
    pub fn insert(&mut self, word: &[u8]) {
        self.set_slot(qrp_hash(word, self.bits), true);
    }

    /// Adds what a search for this file name may contain: its keywords, and their prefixes.
    pub fn insert_name(&mut self, name: &[u8]) {
        for keyword in keywords(name) {
            for word in with_prefixes(&lower_case(keyword)) {
                self.insert(word.as_bytes());
            }
        }
    }

    /// Whether this word, or urn as text, may be there.
    pub fn contains(&self, word: &[u8]) -> bool {
        self.has_slot(qrp_hash(word, self.bits))
    }

    /// Whether who sent the table may have an answer: one of the query's urns that have a hash, or,
    /// if there is none, all its keywords. This is the question on a query's last hop: to a leaf, or to an
    /// ultrapeer with TTL 1. With a greater TTL the table says nothing, as it knows only who sent it.
    pub fn may_answer(&self, query: &Query<'_>) -> bool {
        let mut urns = routed_urns(query).peekable();
        if urns.peek().is_some() {
            return urns.any(|urn| self.contains(urn));
        }
        keywords(query.text()).all(|keyword| self.contains(lower_case(keyword).as_bytes()))
    }

    /// The same for a query that is hashed already.
    pub fn may_answer_routed(&self, query: &RoutedQuery) -> bool {
        query.passes(|hash| self.has_slot(slot_of(hash, self.bits)))
    }

    /// Adds all that another table has, of whatever size: an ultrapeer's table is its own and those
    /// of all its leaves.
    pub fn merge(&mut self, other: &Self) {
        if self.bits == other.bits {
            return self.merge_words(&other.words);
        }
        other.set_slots().for_each(|slot| self.merge_slot(slot, other.bits));
    }

    /// Adds a table of the same size.
    pub(super) fn merge_words(&mut self, words: &[u64]) {
        self.words.iter_mut().zip(words).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Adds a slot of a table of 2^`bits` slots.
    pub(super) fn merge_slot(&mut self, slot: u32, bits: u8) {
        for slot in scaled_slot(slot, 1 << bits, self.slots()) {
            self.set_slot(slot, true);
        }
    }

    /// A table of 2^`bits` slots with everything that this one has. Smaller, it says "maybe" more often;
    /// a greater one does not say it less often.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn resized(&self, bits: u8) -> Self {
        let mut table = Self::new(bits).with_infinity(self.infinity);
        table.merge(self);
        table
    }
}

/// Its size, and how full it is.
impl fmt::Debug for QueryRouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueryRouteTable({} of {} slots)", self.count(), self.slots())
    }
}

/// The slots of a table of `to` slots that a slot of a table of `from` slots may mean: those that it
/// overlaps, if both tables are drawn equally long. Neither need be a power of two.
///
/// # Panics
/// `from` is 0.
pub fn scaled_slot(slot: u32, from: u32, to: u32) -> Range<u32> {
    let scale = |slot: u64| slot * u64::from(to);
    let start = scale(slot.into()) / u64::from(from);
    let end = scale(u64::from(slot) + 1).div_ceil(from.into());
    let within = |slot: u64| u32::try_from(slot).map_or(to, |slot| slot.min(to));
    within(start)..within(end)
}

/// The bits that are set, least first.
pub(super) fn set_slots(words: &[u64]) -> impl Iterator<Item = u32> {
    (0_u32..).zip(words).flat_map(|(index, word)| {
        let mut rest = *word;
        core::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(index * 64 + bit)
        })
    })
}
