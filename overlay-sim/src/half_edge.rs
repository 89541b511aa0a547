//! One end of a link, in 12 bytes.

use crate::event::MAX_PEERS;
use crate::link::{NO_LINK, SLOT_BITS};

/// One end of a link, owned by one host, or a free slot of its table.
///
/// ```text
///       31                          8 7        0
/// ends  | other (26)           | other's link ↴ |
/// rest  | … its number for the link (30) | flags (8)
/// life  | one-way delay (24)     | generation    |
/// ```
///
/// A delay of up to 2^23 µs, 8.4 seconds, is kept to the microsecond, a longer one to the millisecond,
/// rounded up, and what is longer than 2.3 hours takes as long as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HalfEdge {
    ends: u32,
    rest: u32,
    life: u32,
}

/// What can be true of an end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag(u8);

impl Flag {
    /// The slot is taken.
    const USED: Self = Self(1);
    /// The link is up; it is being connected until then.
    pub(crate) const OPEN: Self = Self(2);
    pub(crate) const CONGESTED: Self = Self(4);
    pub(crate) const WANTS_WRITABLE: Self = Self(8);
    pub(crate) const PAUSED: Self = Self(16);
    /// Something that arrived is held back.
    pub(crate) const HELD: Self = Self(32);
    /// There is a [`Rare`](crate::link::Rare).
    pub(crate) const RARE: Self = Self(64);
    /// Cut by a partition, and no longer open: nothing gets through, and the end will be told so.
    pub(crate) const CUT: Self = Self(128);
}

const LINK_LOW_BITS: u32 = 24;
const LINK_HIGH_BITS: u32 = 6;
const COARSE: u32 = 1 << 23;

impl HalfEdge {
    /// An end whose link is being connected.
    pub(crate) fn connecting(other: u32, delay: u64) -> Self {
        Self::new(other, NO_LINK, delay, Flag::USED.0)
    }

    /// An end whose link is up.
    pub(crate) fn open(other: u32, other_link: u32, delay: u64) -> Self {
        Self::new(other, other_link, delay, Flag::USED.0 | Flag::OPEN.0)
    }

    /// A slot that nobody uses, which is followed by `next` in the list of free slots.
    pub(crate) fn free(next: u32) -> Self {
        Self::new(next, NO_LINK, 0, 0)
    }

    fn new(other: u32, other_link: u32, delay: u64, flags: u8) -> Self {
        let mut edge = Self { ends: 0, rest: u32::from(flags), life: 0 };
        edge.set_other(other, other_link);
        let fine = u32::try_from(delay).ok().filter(|&micros| micros < COARSE);
        let delay = fine.unwrap_or_else(|| {
            let millis = u32::try_from(delay.div_ceil(1_000)).unwrap_or(u32::MAX);
            COARSE | millis.min(COARSE - 1)
        });
        edge.life = delay << 8;
        edge
    }

    /// The peer at the other end; in a free slot the next free one.
    #[inline]
    pub(crate) fn other(self) -> u32 {
        self.ends >> LINK_HIGH_BITS
    }

    /// The other end's number for the link.
    #[inline]
    pub(crate) fn other_link(self) -> u32 {
        let high = self.ends & ((1 << LINK_HIGH_BITS) - 1);
        high << LINK_LOW_BITS | self.rest >> 8
    }

    #[inline]
    pub(crate) fn set_other(&mut self, other: u32, other_link: u32) {
        debug_assert!((other as usize) < MAX_PEERS && other_link <= NO_LINK);
        self.ends = other << LINK_HIGH_BITS | other_link >> LINK_LOW_BITS;
        self.rest = other_link << 8 | self.rest & 0xff;
    }

    /// One-way delay in microseconds.
    #[inline]
    pub(crate) fn delay(self) -> u64 {
        let delay = self.life >> 8;
        if delay & COARSE == 0 { delay.into() } else { u64::from(delay & !COARSE) * 1_000 }
    }

    #[inline]
    pub(crate) fn generation(self) -> u8 {
        self.life as u8
    }

    pub(crate) fn set_generation(&mut self, generation: u8) {
        self.life = self.life & !0xff | u32::from(generation);
    }

    /// Its owner's number for the link, given the slot.
    #[inline]
    pub(crate) fn link(self, slot: u32) -> u32 {
        u32::from(self.generation()) << SLOT_BITS | slot
    }

    #[inline]
    pub(crate) fn is_used(self) -> bool {
        self.is(Flag::USED)
    }

    #[inline]
    pub(crate) fn is(self, flag: Flag) -> bool {
        self.rest as u8 & flag.0 != 0
    }

    #[inline]
    pub(crate) fn set(&mut self, flag: Flag, to: bool) {
        let bit = u32::from(flag.0);
        self.rest = if to { self.rest | bit } else { self.rest & !bit };
    }

    /// Whether there are rare things of it.
    #[inline]
    pub(crate) fn has_rare(self) -> bool {
        self.is(Flag::RARE)
    }

    /// Whether what arrives has to wait.
    #[inline]
    pub(crate) fn holds(self) -> bool {
        self.rest as u8 & (Flag::PAUSED.0 | Flag::HELD.0) != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_end_is_12_bytes() {
        assert_eq!(size_of::<HalfEdge>(), 12);
    }

    #[test]
    fn long_delays_are_kept_to_the_millisecond() {
        let delay = |micros| HalfEdge::connecting(0, micros).delay();
        assert_eq!(delay(8_388_607), 8_388_607);
        assert_eq!(delay(8_388_608), 8_389_000);
        assert_eq!(delay(3_600_000_001), 3_600_001_000);
        assert_eq!(delay(u64::MAX), 8_388_607_000);
    }

    proptest! {
        #[test]
        fn an_end_keeps_its_parts(
            other in 0..MAX_PEERS as u32,
            ends in proptest::collection::vec((0..MAX_PEERS as u32, 0..=NO_LINK), 0..3),
            delay in 0u64..1 << 23,
            generation: u8,
        ) {
            let mut edge = HalfEdge::connecting(other, delay);
            let mut expected = (other, NO_LINK);
            edge.set_generation(generation);
            for (other, link) in ends {
                edge.set(Flag::CUT, true);
                edge.set_other(other, link);
                expected = (other, link);
                edge.set(Flag::CUT, false);
            }
            prop_assert_eq!((edge.other(), edge.other_link()), expected);
            prop_assert_eq!(edge.delay(), delay);
            prop_assert_eq!(edge.generation(), generation);
            prop_assert!(edge.is_used() && !edge.is(Flag::OPEN) && !edge.is(Flag::CUT));
        }
    }
}
