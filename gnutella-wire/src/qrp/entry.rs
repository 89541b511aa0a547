//! The entries of a patch: one a slot, of 8, 4, 2 or 1 bits, the first in the most significant.

use alloc::vec;
use alloc::vec::Vec;

use super::QueryRouteTable;

/// How the entries of a patch are packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries {
    bits: u8,
    slots: u32,
}

impl Entries {
    /// `None` for a width that is not in use.
    pub(crate) fn new(bits: u8, slots: u32) -> Option<Self> {
        matches!(bits, 1 | 2 | 4 | 8).then_some(Self { bits, slots })
    }

    pub(crate) fn bits(&self) -> u8 {
        self.bits
    }

    /// How many bytes all entries take.
    pub(crate) fn bytes(&self) -> usize {
        (self.slots as usize * usize::from(self.bits)).div_ceil(8)
    }

    /// Applies all entries. A negative number brings the slot's distance below infinity, a positive
    /// one back to it; a single bit turns it over.
    pub(crate) fn apply(&self, data: &[u8], table: &mut QueryRouteTable) {
        if self.bits == 1 {
            return self.turn_over(data, table);
        }
        let per_byte = 8 / u32::from(self.bits);
        let (width, top) = (u32::from(self.bits), 8 - u32::from(self.bits));
        for (first, byte) in (0..self.slots).step_by(per_byte as usize).zip(data) {
            // Most bytes of most patches change nothing.
            if *byte == 0 {
                continue;
            }
            for index in 0..per_byte.min(self.slots - first) {
                let entry = byte << (index * width) >> top;
                if entry != 0 {
                    table.set_slot(first + index, entry >> (width - 1) != 0);
                }
            }
        }
    }

    /// Entries of one bit, 64 at a time: the first in the upper bit here, in the lower one there.
    fn turn_over(&self, data: &[u8], table: &mut QueryRouteTable) {
        // What fills up the byte of a tiny table means nothing.
        let mask = u64::MAX >> 64_u32.saturating_sub(self.slots);
        for (word, entries) in table.words_mut().iter_mut().zip(data.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..entries.len()].copy_from_slice(entries);
            *word ^= u64::from_be_bytes(bytes).reverse_bits() & mask;
        }
    }

    /// The entries that make `new` of `old`, a table of the same size.
    pub(crate) fn between(&self, old: &QueryRouteTable, new: &QueryRouteTable) -> Vec<u8> {
        let mut data = vec![0; self.bytes()];
        let words = || old.words().iter().zip(new.words());
        if self.bits == 1 {
            for (entries, (old, new)) in data.chunks_mut(8).zip(words()) {
                let changed = (old ^ new).reverse_bits().to_be_bytes();
                entries.copy_from_slice(&changed[..entries.len()]);
            }
            return data;
        }
        let width = u32::from(self.bits);
        // As far as infinity is away from 1, or as the width allows.
        let step = (new.infinity() - 1).min((1_u8 << (width - 1)) - 1);
        let mask = u8::MAX >> (8 - width);
        for (first, (old, new)) in (0_u32..).step_by(64).zip(words()) {
            let mut changed = old ^ new;
            while changed != 0 {
                let index = changed.trailing_zeros();
                changed &= changed - 1;
                let set = new >> index & 1 != 0;
                let entry = if set { step.wrapping_neg() & mask } else { step };
                let bit = (first + index) * width;
                data[bit as usize / 8] |= entry << (8 - width - bit % 8);
            }
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, slot by slot.
    fn slot_by_slot(bits: u8, old: &QueryRouteTable, new: &QueryRouteTable) -> Vec<u8> {
        let width = u32::from(bits);
        let mut data = vec![0; (old.slots() as usize * usize::from(bits)).div_ceil(8)];
        for slot in 0..old.slots() {
            let entry: i8 = match (old.has_slot(slot), new.has_slot(slot)) {
                (true, true) | (false, false) => continue,
                _ if bits == 1 => 1,
                (false, true) => -(if bits == 2 { 1 } else { 6 }),
                (true, false) => {
                    if bits == 2 {
                        1
                    } else {
                        6
                    }
                }
            };
            let entry = entry as u8 & u8::MAX >> (8 - width);
            data[(slot * width / 8) as usize] |= entry << (8 - width - slot * width % 8);
        }
        data
    }

    #[test]
    fn words_at_a_time_are_slots_one_by_one() {
        let table = |slots_bits: u8, seed: u32| {
            let mut table = QueryRouteTable::new(slots_bits);
            for slot in 0..table.slots() {
                let draw = (slot ^ seed.wrapping_mul(0x9e37)).wrapping_mul(0x85eb_ca6b) >> 13;
                table.set_slot(slot, draw.is_multiple_of(3));
            }
            table
        };
        for slots_bits in 0..=9 {
            let (old, new) = (table(slots_bits, 1), table(slots_bits, 2));
            for bits in [1, 2, 4, 8] {
                let Some(entries) = Entries::new(bits, old.slots()) else { panic!("{bits} bits") };
                let data = entries.between(&old, &new);
                assert_eq!(data, slot_by_slot(bits, &old, &new), "2^{slots_bits}, {bits} bits");
                let mut changed = old.clone();
                entries.apply(&data, &mut changed);
                assert!(changed == new, "2^{slots_bits}, {bits} bits");
                // What is behind the last slot changes nothing.
                let mut more = data;
                if slots_bits < 3 && bits == 1 {
                    more[0] |= u8::MAX >> old.slots();
                }
                let mut changed = old.clone();
                entries.apply(&more, &mut changed);
                assert!(changed == new, "2^{slots_bits}, {bits} bits");
            }
        }
    }
}
