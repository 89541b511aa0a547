//! A table in as little memory as its keywords need, and a query hashed once for many tables.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{QueryRouteTable, qrp_hash};
use crate::{Keyword, Query, keywords};

/// What a query asks of a routing table, hashed once: an ultrapeer compares it with the tables of all
/// its leaves and neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutedQuery {
    /// The urns with a hash; if there are some, one of them is enough.
    urns: Vec<u32>,
    /// The keywords: all of them are needed.
    words: Vec<u32>,
}

impl RoutedQuery {
    /// The hashes of this query's keywords, or of its urns.
    pub fn of(query: &Query<'_>) -> Self {
        let hash = |word: &[u8]| qrp_hash(word, 32);
        let urns: Vec<u32> = routed_urns(query).map(hash).collect();
        let words = if urns.is_empty() {
            keywords(query.text()).map(|word| hash(lower_case(word).as_bytes())).collect()
        } else {
            Vec::new()
        };
        Self { urns, words }
    }

    /// Whether it asks for nothing that a table could have.
    pub fn is_empty(&self) -> bool {
        self.urns.is_empty() && self.words.is_empty()
    }

    /// How many words all have to be there; 0 if urns are asked for.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        (self.urns.capacity() + self.words.capacity()) * size_of::<u32>()
    }

    /// Whether `has`, which is asked about 32-bit hashes, does not rule an answer out.
    pub fn passes(&self, mut has: impl FnMut(u32) -> bool) -> bool {
        if self.urns.is_empty() {
            self.words.iter().all(|hash| has(*hash))
        } else {
            self.urns.iter().any(|hash| has(*hash))
        }
    }
}

/// The urns of a query that name a file, as text.
pub(super) fn routed_urns<'a>(query: &Query<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let scheme_and_hash = |urn: &&[u8]| urn.split(|byte| *byte == b':').nth(2) > Some(&[]);
    query.extensions().urns().filter(scheme_and_hash)
}

pub(super) fn lower_case(keyword: Keyword<'_>) -> String {
    keyword.chars().collect()
}

/// The slot of a 32-bit hash in a table of 2^`bits` slots: its upper bits.
pub(super) const fn slot_of(hash: u32, bits: u8) -> u32 {
    // Of 64 bits, so that a table of one slot needs no exception.
    ((hash as u64) >> (32 - bits)) as u32
}

/// A [`QueryRouteTable`] to look into and not to change, in the smallest of three forms: sorted numbers
/// of two or four bytes, or a bit a slot. A leaf with a hundred keywords in 65,536 slots takes 200
/// bytes instead of 8,192.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedTable {
    bits: u8,
    infinity: u8,
    slots: Slots,
}

#[derive(Clone, PartialEq, Eq)]
enum Slots {
    Narrow(Box<[u16]>),
    Wide(Box<[u32]>),
    Bits(Box<[u64]>),
}

impl PackedTable {
    /// The same table, packed.
    pub fn of(table: &QueryRouteTable) -> Self {
        let (bits, infinity, count) = (table.bits(), table.infinity(), table.count() as usize);
        let narrow = |slot: u32| u16::try_from(slot).unwrap_or(u16::MAX);
        let plain = table.words().len() * 8;
        let slots = if bits <= 16 && count * 2 < plain {
            Slots::Narrow(table.set_slots().map(narrow).collect())
        } else if count * 4 < plain {
            Slots::Wide(table.set_slots().collect())
        } else {
            Slots::Bits(table.words().into())
        };
        Self { bits, infinity, slots }
    }

    /// The same table, to be changed.
    pub fn unpack(&self) -> QueryRouteTable {
        let mut table = QueryRouteTable::new(self.bits).with_infinity(self.infinity);
        self.merge_into(&mut table);
        table
    }

    /// Adds all it has to a table of whatever size.
    pub fn merge_into(&self, table: &mut QueryRouteTable) {
        match &self.slots {
            Slots::Bits(words) if self.bits == table.bits() => table.merge_words(words),
            Slots::Bits(words) => {
                super::table::set_slots(words).for_each(|slot| table.merge_slot(slot, self.bits));
            }
            Slots::Narrow(slots) => {
                slots.iter().for_each(|slot| table.merge_slot((*slot).into(), self.bits));
            }
            Slots::Wide(slots) => {
                slots.iter().for_each(|slot| table.merge_slot(*slot, self.bits));
            }
        }
    }

    /// The number of slots is 2 to the power of this.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// How many slots are set. Takes time in proportion to the table where it is kept as bits.
    pub fn count(&self) -> usize {
        match &self.slots {
            Slots::Narrow(slots) => slots.len(),
            Slots::Wide(slots) => slots.len(),
            Slots::Bits(words) => words.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    /// Whether a slot is set; false for slots it does not have.
    pub fn has_slot(&self, slot: u32) -> bool {
        match &self.slots {
            Slots::Narrow(slots) => {
                u16::try_from(slot).is_ok_and(|slot| has(slots, slot, self.bits))
            }
            Slots::Wide(slots) => has(slots, slot, self.bits),
            Slots::Bits(words) => {
                let word = words.get(slot as usize / 64);
                slot < 1 << self.bits && word.is_some_and(|word| word >> (slot % 64) & 1 != 0)
            }
        }
    }

    /// As [`QueryRouteTable::may_answer`], for a query that is hashed already.
    pub fn may_answer(&self, query: &RoutedQuery) -> bool {
        query.passes(|hash| self.has_slot(slot_of(hash, self.bits)))
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        match &self.slots {
            Slots::Narrow(slots) => size_of_val(&**slots),
            Slots::Wide(slots) => size_of_val(&**slots),
            Slots::Bits(words) => size_of_val(&**words),
        }
    }
}

/// Whether a slot is among these, which are sorted, of a table of 2^`bits`. Hashes are spread evenly, so
/// it is looked for where it then would be, and from there in steps that double: of a table that is not
/// in the cache this touches one line or two, where halving touches one for each half.
fn has<T: Copy + Ord + Into<u32>>(slots: &[T], slot: T, bits: u8) -> bool {
    let near = (u64::from(slot.into()) * slots.len() as u64) >> bits;
    let near = usize::try_from(near).unwrap_or(usize::MAX).min(slots.len());
    let (before, after) = slots.split_at(near);
    let mut step = 8;
    let window = if after.first().is_some_and(|first| *first <= slot) {
        while after.get(step).is_some_and(|it| *it <= slot) {
            step *= 2;
        }
        &after[step / 2 * usize::from(step > 8)..step.min(after.len())]
    } else {
        while step < before.len() && before[before.len() - step] > slot {
            step *= 2;
        }
        let end = before.len() - step / 2 * usize::from(step > 8);
        &before[before.len().saturating_sub(step)..end]
    };
    window.binary_search(&slot).is_ok()
}

/// Its size, and how full it is.
impl fmt::Debug for PackedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedTable({} of {} slots)", self.count(), 1_u32 << self.bits)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The simple path: a binary search. Slots that somebody chose need not be spread evenly.
        #[test]
        fn looking_near_finds_what_halving_finds(
            even in proptest::collection::btree_set(0u16..=u16::MAX, 0..300),
            start: u16,
            run in 0u16..300,
            probes in proptest::collection::vec(any::<u16>(), 0..50),
        ) {
            let chosen = (0..run).map(|offset| start.saturating_add(offset));
            let slots: BTreeSet<u16> = even.into_iter().chain(chosen).collect();
            let slots: Vec<u16> = slots.into_iter().collect();
            let others = slots.iter().flat_map(|slot| [*slot, slot.wrapping_add(1)]);
            for slot in others.chain(probes).chain([0, u16::MAX]) {
                prop_assert_eq!(has(&slots, slot, 16), slots.binary_search(&slot).is_ok(), "{}", slot);
            }
        }
    }
}
