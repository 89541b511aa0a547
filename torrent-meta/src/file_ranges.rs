//! Which files of a torrent, as ranges of their numbers.

use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use thiserror::Error;

/// A set of files by their numbers in the torrent ([`File::index`](crate::File::index)), from zero;
/// as text `0,2,4-8` (BEP 53). It is kept as ranges, so that a short text can not stand for much
/// memory. In order, without gaps between two ranges that could be one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileRanges(Vec<(u32, u32)>);

impl FileRanges {
    /// The files of some ranges, in any order; an empty range adds nothing.
    pub fn new(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> Self {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty());
        let mut ranges: Vec<(u32, u32)> = ranges.map(RangeInclusive::into_inner).collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, last| {
            let joined = next.0 <= last.1.saturating_add(1);
            if joined {
                last.1 = last.1.max(next.1);
            }
            joined
        });
        Self(ranges)
    }

    /// Whether a file is one of these.
    pub fn contains(&self, index: usize) -> bool {
        let after = self.0.partition_point(|range| range.0 as usize <= index);
        after.checked_sub(1).is_some_and(|place| index <= self.0[place].1 as usize)
    }

    /// The ranges, ascending, with a gap between any two.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u32>> + '_ {
        self.0.iter().map(|&(first, last)| first..=last)
    }

    /// Whether there is no file in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for FileRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{first}")?;
            if first != last {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for FileRanges {
    type Err = ParseFileRangesError;

    fn from_str(text: &str) -> Result<Self, ParseFileRangesError> {
        let ranges = text.split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(first..=last)
        });
        let ranges: Vec<_> = ranges.collect::<Option<_>>().ok_or(ParseFileRangesError)?;
        Ok(Self::new(ranges))
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Text that is no list of file numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected numbers below 2^32 and ranges of them like 0,2,4-8")]
pub struct ParseFileRangesError;
