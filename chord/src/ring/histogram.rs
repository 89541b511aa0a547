//! How often each of some small numbers came.

use alloc::vec::Vec;

/// Small numbers and how often each came: hops of lookups, keys of hosts.
///
/// Its memory and the time of all questions are proportional to the largest number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How often each number came, from 0 to the largest.
    counts: Vec<u64>,
    len: u64,
    sum: u64,
}

impl Histogram {
    /// Of nothing yet.
    pub const fn new() -> Self {
        Self { counts: Vec::new(), len: 0, sum: 0 }
    }

    /// Counts a number once.
    pub fn add(&mut self, number: u32) {
        let index = number as usize;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.len += 1;
        self.sum += u64::from(number);
    }

    /// How many numbers were counted.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether none was.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How often this number came.
    pub fn count(&self, number: u32) -> u64 {
        self.counts.get(number as usize).copied().unwrap_or(0)
    }

    /// Every number from 0 to the largest that came, and how often.
    pub fn counts(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..).zip(self.counts.iter().copied())
    }

    /// The largest number that came.
    pub fn max(&self) -> Option<u32> {
        self.counts.len().checked_sub(1).map(|max| max as u32)
    }

    /// The number that came most often; of several, the smallest.
    pub fn mode(&self) -> Option<u32> {
        let most = self.counts.iter().max()?;
        self.counts().find(|(_, count)| count == most).map(|(number, _)| number)
    }

    /// Their mean; not a number if there are none.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.len as f64
    }

    /// The smallest number that at least so many per cent of all do not exceed (the nearest rank). More than
    /// 100 per cent are 100.
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        let rank = (u128::from(self.len) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut upto = 0;
        self.counts()
            .find(|(_, count)| {
                upto += u128::from(*count);
                upto >= rank
            })
            .map(|(number, _)| number)
    }
}

impl Extend<u32> for Histogram {
    fn extend<T: IntoIterator<Item = u32>>(&mut self, numbers: T) {
        numbers.into_iter().for_each(|number| self.add(number));
    }
}

impl FromIterator<u32> for Histogram {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        let mut histogram = Self::new();
        histogram.extend(numbers);
        histogram
    }
}
