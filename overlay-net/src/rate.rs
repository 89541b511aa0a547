//! How many bytes a second.

use std::num::NonZeroU64;

use overlay_peer::Time;

/// A bucket of bytes that fills at a constant rate, and holds a tenth of a second's worth, but never
/// less than a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    per_second: Option<NonZeroU64>,
    bytes: u64,
    /// Until when it was filled.
    filled: Time,
}

impl Rate {
    const LEAST: u64 = 1_500;

    pub fn new(per_second: Option<NonZeroU64>, now: Time) -> Self {
        let mut rate = Self { per_second, bytes: 0, filled: now };
        rate.bytes = rate.size();
        rate
    }

    fn size(&self) -> u64 {
        self.per_second.map_or(u64::MAX, |rate| (rate.get() / 10).max(Self::LEAST))
    }

    /// How many bytes may pass now; 0 while there is less than is worth a packet.
    pub fn available(&mut self, now: Time) -> usize {
        let Some(rate) = self.per_second else { return usize::MAX };
        let micros = u128::from(now.as_micros().saturating_sub(self.filled.as_micros()));
        let more = micros * u128::from(rate.get()) / 1_000_000;
        if more > 0 {
            self.bytes = (u128::from(self.bytes) + more).min(u128::from(self.size())) as u64;
            self.filled = now;
        }
        if self.bytes < Self::LEAST.min(self.size()) { 0 } else { self.bytes as usize }
    }

    /// So many passed.
    pub fn take(&mut self, bytes: usize) {
        if self.per_second.is_some() {
            self.bytes = self.bytes.saturating_sub(bytes as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_rate_passes() {
        let mut rate = Rate::new(NonZeroU64::new(100_000), Time::ZERO);
        let mut passed = 0;
        for millis in 0..10_000 {
            let now = rate.available(Time::from_millis(millis)).min(4_096);
            rate.take(now);
            passed += now;
        }
        assert!((990_000..=1_010_000).contains(&passed), "{passed} bytes in 10 s");
    }

    #[test]
    fn without_a_rate_everything_passes() {
        let mut rate = Rate::new(None, Time::ZERO);
        rate.take(usize::MAX);
        assert_eq!(rate.available(Time::ZERO), usize::MAX);
    }
}
