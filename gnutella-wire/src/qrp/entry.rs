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
        let per_byte = 8 / u32::from(self.bits);
        let (width, top) = (u32::from(self.bits), 8 - u32::from(self.bits));
        for (first, byte) in (0..self.slots).step_by(per_byte as usize).zip(data) {
            // Most bytes of most patches change nothing.
            if *byte == 0 {
                continue;
            }
            for index in 0..per_byte.min(self.slots - first) {
                let entry = byte << (index * width) >> top;
                let slot = first + index;
                if entry == 0 {
                    continue;
                }
                let negative = entry >> (width - 1) != 0;
                let set = if width == 1 { !table.has_slot(slot) } else { negative };
                table.set_slot(slot, set);
            }
        }
    }

    /// The entries that make `new` of `old`.
    pub(crate) fn between(&self, old: &QueryRouteTable, new: &QueryRouteTable) -> Vec<u8> {
        let mut data = vec![0; self.bytes()];
        let width = u32::from(self.bits);
        // As far as infinity is away from 1, or as the width allows.
        let most = if width == 1 { 1 } else { (1_u8 << (width - 1)) - 1 };
        let step = (new.infinity() - 1).min(most);
        let mask = u8::MAX >> (8 - width);
        for slot in 0..self.slots {
            let entry = match (old.has_slot(slot), new.has_slot(slot)) {
                (false, true) => step.wrapping_neg() & mask,
                (true, false) => step,
                _ => continue,
            };
            let bit = slot * width;
            data[bit as usize / 8] |= entry << (8 - width - bit % 8);
        }
        data
    }
}
