//! What is to happen at which tick.

use std::collections::BTreeMap;

/// Ticks that the wheel covers; what lies further ahead waits in a tree.
const WHEEL: u64 = 4096;

/// A timing wheel: items by tick, in the order they were pushed.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T> {
    /// The tick being handled; everything queued is later.
    now: u64,
    wheel: Vec<Vec<T>>,
    /// A bit for each bucket of the wheel that holds something.
    occupied: [u64; (WHEEL / 64) as usize],
    later: BTreeMap<u64, Vec<T>>,
    /// Memory of buckets that have been handled, for the next ones: as many as are ever occupied at
    /// once, instead of one for every bucket of the wheel.
    spare: Vec<Vec<T>>,
    len: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            now: 0,
            wheel: (0..WHEEL).map(|_| Vec::new()).collect(),
            occupied: [0; (WHEEL / 64) as usize],
            later: BTreeMap::new(),
            spare: Vec::new(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Queues an item, for the next tick at the earliest.
    pub(crate) fn push(&mut self, tick: u64, item: T) {
        let tick = tick.max(self.now + 1);
        self.len += 1;
        if tick < self.now + WHEEL {
            self.bucket(tick).push(item);
        } else {
            self.later.entry(tick).or_default().push(item);
        }
    }

    /// The earliest tick that has something.
    pub(crate) fn next(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        // From the tick after now, once around the wheel; a word at a time.
        let mut tick = self.now + 1;
        let end = self.now + WHEEL;
        while tick < end {
            let slot = tick % WHEEL;
            let word = self.occupied[(slot / 64) as usize] >> (slot % 64);
            if word != 0 {
                let found = tick + u64::from(word.trailing_zeros());
                // Bits past the end of the range belong to the bucket of `now`, which is empty.
                return Some(found);
            }
            tick += 64 - slot % 64;
        }
        self.later.keys().next().copied()
    }

    /// Moves on to `tick`, which nothing queued may lie before, and puts its items into `into`,
    /// which must be empty and whose memory is used again.
    pub(crate) fn advance(&mut self, tick: u64, into: &mut Vec<T>) {
        debug_assert!(tick >= self.now && into.is_empty());
        self.now = tick;
        // What the wheel now covers moves into it before anything else can be pushed there, so each
        // tick's items stay in the order they were pushed.
        while let Some(entry) = self.later.first_entry() {
            if *entry.key() >= tick + WHEEL {
                break;
            }
            let due = *entry.key();
            let mut items = entry.remove();
            self.bucket(due).append(&mut items);
        }
        let slot = tick % WHEEL;
        self.occupied[(slot / 64) as usize] &= !(1 << (slot % 64));
        let bucket = core::mem::take(&mut self.wheel[slot as usize]);
        let before = core::mem::replace(into, bucket);
        if before.capacity() > 0 {
            self.spare.push(before);
        }
        self.len -= into.len();
        if self.len == 0 {
            self.spare = Vec::new();
        }
    }

    fn bucket(&mut self, tick: u64) -> &mut Vec<T> {
        let slot = tick % WHEEL;
        self.occupied[(slot / 64) as usize] |= 1 << (slot % 64);
        let bucket = &mut self.wheel[slot as usize];
        if bucket.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            *bucket = spare;
        }
        bucket
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The wheel gives what a sorted list would: by tick, then in the order of pushing.
        #[test]
        fn same_order_as_a_stable_sort(
            delays in proptest::collection::vec(0u64..20_000, 1..200),
            pause in 1usize..20,
        ) {
            let mut queue = Queue::new();
            let mut expected: Vec<(u64, usize)> = Vec::new();
            let mut got = Vec::new();
            let mut due = Vec::new();
            for (number, &delay) in delays.iter().enumerate() {
                let tick = (queue.now + delay).max(queue.now + 1);
                queue.push(queue.now + delay, number);
                expected.push((tick, number));
                if number % pause == 0 && let Some(next) = queue.next() {
                    queue.advance(next, &mut due);
                    got.extend(due.drain(..).map(|item| (next, item)));
                }
            }
            while let Some(next) = queue.next() {
                queue.advance(next, &mut due);
                got.extend(due.drain(..).map(|item| (next, item)));
            }
            expected.sort_by_key(|&(tick, _)| tick);
            prop_assert_eq!(queue.len(), 0);
            prop_assert_eq!(got, expected);
        }
    }
}
