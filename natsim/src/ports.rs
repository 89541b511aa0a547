//! Which outside port a new mapping gets.

use crate::{Allocation, Behaviour, Protocol};

/// Where allocation stands, for each protocol and port class: the offset in the class to try next
/// ([`Allocation::Sequential`]) or how many were drawn ([`Allocation::Random`]).
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    cursors: [[u32; 2]; 2],
}

impl Ports {
    /// A free outside port for this inside port, or the class in which there is none.
    pub(crate) fn allocate(
        &mut self,
        behaviour: &Behaviour,
        protocol: Protocol,
        inside: u16,
        is_free: impl Fn(u16) -> bool,
    ) -> Result<u16, Class> {
        let class = Class::of(inside);
        if behaviour.port_preservation && inside != 0 && is_free(inside) {
            return Ok(inside);
        }
        let cursor = &mut self.cursors[protocol as usize][usize::from(class == Class::SYSTEM)];
        let start = match behaviour.allocation {
            Allocation::Sequential { .. } => *cursor,
            Allocation::Random { seed } => class.draw(seed, *cursor),
        };
        let (offset, port) = (start..start + class.len())
            .map(|offset| offset % class.len())
            .map(|offset| (offset, class.port(offset)))
            .find(|(_, port)| (!behaviour.port_parity || port % 2 == inside % 2) && is_free(*port))
            .ok_or(class)?;
        *cursor = match behaviour.allocation {
            Allocation::Sequential { stride } => (offset + u32::from(stride.get())) % class.len(),
            Allocation::Random { .. } => cursor.wrapping_add(1),
        };
        Ok(port)
    }
}

/// Ports that stand for each other (RFC 4787, section 4.2.1, REQ-3a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl Class {
    const SYSTEM: Self = Self { first: 1, last: 1023 };
    const OTHER: Self = Self { first: 1024, last: u16::MAX };

    fn of(port: u16) -> Self {
        if port < Self::OTHER.first { Self::SYSTEM } else { Self::OTHER }
    }

    fn len(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    /// The port at an offset below [`len`](Self::len).
    fn port(self, offset: u32) -> u16 {
        self.first + offset as u16
    }

    /// A uniform offset: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over seed
    /// and count.
    fn draw(self, seed: u32, count: u32) -> u32 {
        let mut z = (u64::from(seed) << 32 | u64::from(count)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (((z >> 32) * u64::from(self.len())) >> 32) as u32
    }
}
