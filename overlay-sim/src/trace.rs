//! One number that two runs share only if they were the same run.

/// A sum over everything that happened: commutative, so that the order in which one tick's events
/// are handled by several threads would not show, while time, receiver, link and message do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trace(u64);

impl Trace {
    /// Adds one input of a peer.
    #[inline]
    pub(crate) fn add(&mut self, tick: u64, receiver: u32, link: u32, what: u64) {
        let place = u64::from(receiver) << 32 | u64::from(link);
        self.0 = self.0.wrapping_add(mix(mix(mix(tick) ^ place) ^ what));
    }

    pub(crate) fn hash(self) -> u64 {
        self.0
    }
}

/// The finaliser of MurmurHash3 (Appleby).
#[inline]
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    z = (z ^ (z >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    z ^ (z >> 33)
}
