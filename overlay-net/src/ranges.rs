//! Which bytes of a file are there.

use std::fmt::Write as _;

/// Ranges of bytes, sorted, that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    ranges: Vec<(u64, u64)>,
}

impl Ranges {
    /// Adds all from `start` to before `end`.
    pub fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let first = self.ranges.partition_point(|&(_, e)| e < start);
        let last = self.ranges.partition_point(|&(s, _)| s <= end);
        let merged = self.ranges[first..last]
            .iter()
            .fold((start, end), |(s, e), &(from, to)| (s.min(from), e.max(to)));
        self.ranges.splice(first..last, [merged]);
    }

    /// How many bytes are there from the start without a gap.
    pub fn prefix(&self) -> u64 {
        match self.ranges.first() {
            Some(&(0, end)) => end,
            _ => 0,
        }
    }

    /// Where the last range ends.
    pub fn end(&self) -> u64 {
        self.ranges.last().map_or(0, |&(_, end)| end)
    }

    /// Nothing from `end` on is there.
    pub fn truncate(&mut self, end: u64) {
        self.ranges.retain(|&(start, _)| start < end);
        if let Some((_, last)) = self.ranges.last_mut() {
            *last = (*last).min(end);
        }
    }

    /// A line a range: its start and its end.
    pub fn to_text(&self) -> String {
        self.ranges.iter().fold(String::new(), |mut text, (start, end)| {
            let _ = writeln!(text, "{start} {end}");
            text
        })
    }

    /// Reads lines; `None` if one is no range.
    pub fn of_text<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut ranges = Self::default();
        for line in lines {
            let (start, end) = line.split_once(' ')?;
            ranges.insert(start.parse().ok()?, end.parse().ok()?);
        }
        Some(ranges)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The simple path: a flag a byte.
        #[test]
        fn same_as_flags(script in proptest::collection::vec((0u64..60, 0u64..20), 0..30), cut in 0u64..90) {
            let (mut ranges, mut flags) = (Ranges::default(), [false; 80]);
            for (start, length) in script {
                ranges.insert(start, start + length);
                flags[start as usize..(start + length) as usize].fill(true);
                prop_assert_eq!(ranges.prefix(), flags.iter().take_while(|it| **it).count() as u64);
            }
            prop_assert_eq!(&Ranges::of_text(ranges.to_text().lines()), &Some(ranges.clone()));
            ranges.truncate(cut);
            for (at, flag) in flags.iter().enumerate() {
                let here = ranges.ranges.iter().any(|&(s, e)| (s..e).contains(&(at as u64)));
                prop_assert_eq!(here, *flag && (at as u64) < cut);
            }
            for pair in ranges.ranges.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0);
            }
        }
    }
}
