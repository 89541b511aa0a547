//! The memory of GUIDs: what was seen, and which neighbour it came from.

use alloc::boxed::Box;
use alloc::vec::Vec;

use gnutella_wire::{Guid, OwnedPayload, PayloadType};
use overlay_peer::{Time, prefetch};

use crate::Descriptor;
use crate::words::mix;

/// Where an answer to a remembered descriptor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The descriptor was this servent's own.
    Own,
    /// To the neighbour in this slot.
    Neighbour(u8),
    /// The neighbour it came from is gone.
    Gone,
}

impl Route {
    const OWN: u8 = 254;
    const GONE: u8 = 255;

    fn byte(self) -> u8 {
        match self {
            Self::Own => Self::OWN,
            Self::Neighbour(slot) => slot,
            Self::Gone => Self::GONE,
        }
    }

    fn of_byte(byte: u8) -> Self {
        match byte {
            Self::OWN => Self::Own,
            Self::GONE => Self::Gone,
            slot => Self::Neighbour(slot),
        }
    }
}

/// Remembers (type, GUID) and a route for each, in two generations: when the current one is old or
/// full, it becomes the previous one, and what was the previous one is forgotten.
///
/// A word of 8 bytes an entry: a 56-bit fingerprint under a key of this servent's own, and the
/// neighbour's slot. Two GUIDs share a fingerprint with probability 2^-56, which nobody who does not
/// know the key can bring about; the later of two such would be taken for a duplicate.
///
/// Everything is in one block of memory, because looking for several all over the memory of a
/// simulation of millions is what a message takes longest for:
///
/// ```text
/// | key | began | used, of the previous | words, of the previous | current … | previous … |
/// ```
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// Empty as long as there is no key.
    block: Box<[u64]>,
}

/// The words before the tables.
const HEADER: usize = 4;
const KEY: usize = 0;
/// When the current generation began, in microseconds.
const BEGAN: usize = 1;
/// How many words of each generation are in use: the current one's in the lower half.
const USED: usize = 2;
/// How many words there are in each: a power of two, or none.
const WORDS: usize = 3;

/// A generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Current,
    Previous,
}

impl Routes {
    /// Words of the smallest table.
    const SMALLEST: usize = 8;

    /// The first bytes, for fetching them into the cache.
    pub fn head(&self) -> &[u64] {
        self.block.get(..HEADER).unwrap_or(&[])
    }

    /// Asks for the memory that a descriptor will need.
    pub fn expect(&self, descriptor: &Descriptor) {
        // What needs no words here: a Ping that ends here, and what is of no use. A look too much costs
        // little.
        let kind = match descriptor.payload() {
            OwnedPayload::Query(_) | OwnedPayload::QueryHit(_) => PayloadType::QUERY,
            OwnedPayload::Ping(_) | OwnedPayload::Pong(_) => PayloadType::PING,
            _ => return,
        };
        if !self.block.is_empty() {
            let print = self.print(kind, &descriptor.guid());
            let table = self.table(Age::Current);
            if let Some(word) = table.get(start(table, print)) {
                prefetch(word);
            }
        }
    }

    /// Whether it still needs a key.
    pub fn needs_key(&self) -> bool {
        self.block.is_empty()
    }

    /// Sets the key; before that nothing can be remembered.
    pub fn set_key(&mut self, key: u64) {
        self.block = alloc::vec![0; HEADER + Self::SMALLEST].into();
        self.block[KEY] = key;
        self.block[WORDS] = Self::SMALLEST as u64;
    }

    /// Forgets everything, the key too.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Where answers to this descriptor go; `None` if it was not seen, or is forgotten.
    pub fn find(&self, kind: PayloadType, guid: &Guid) -> Option<Route> {
        if self.block.is_empty() {
            return None;
        }
        let print = self.print(kind, guid);
        let word = find(self.table(Age::Current), print)
            .or_else(|| find(self.table(Age::Previous), print))?;
        Some(Route::of_byte(word as u8))
    }

    /// Remembers a descriptor; `false`, and nothing changes, if it was seen before, or if there is no
    /// key.
    pub fn insert(&mut self, kind: PayloadType, guid: &Guid, route: Route) -> bool {
        if self.block.is_empty() {
            return false;
        }
        let print = self.print(kind, guid);
        if find(self.table(Age::Previous), print).is_some() {
            return false;
        }
        // One look for both, unless the table has to grow.
        if self.is_full() {
            if find(self.table(Age::Current), print).is_some() {
                return false;
            }
            self.grow();
        }
        self.put(print, route, false)
    }

    /// Remembers a descriptor by its latest route.
    pub fn set(&mut self, kind: PayloadType, guid: &Guid, route: Route) {
        if !self.block.is_empty() {
            if self.is_full() {
                self.grow();
            }
            self.put(self.print(kind, guid), route, true);
        }
    }

    /// Begins a new generation if the current one is older than `lifetime` or has `most` entries.
    pub fn age(&mut self, now: Time, lifetime: core::time::Duration, most: usize) {
        if self.block.is_empty() {
            return;
        }
        let used = self.count(USED, Age::Current);
        if used == 0 {
            self.block[BEGAN] = now.as_micros();
        } else if now - Time::from_micros(self.block[BEGAN]) >= lifetime || used >= most {
            let previous = self.table(Age::Current).to_vec();
            self.rebuild(Self::SMALLEST, previous);
            self.block[USED] = (used as u64) << 32;
            self.block[BEGAN] = now.as_micros();
        }
    }

    /// The neighbour in this slot is gone: no route leads there any more. What it sent stays
    /// remembered, so that copies of it are still told for duplicates.
    pub fn purge(&mut self, slot: u8) {
        for word in self.block.iter_mut().skip(HEADER) {
            if *word != 0 && *word as u8 == slot {
                *word |= u64::from(Route::GONE);
            }
        }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        match self.block.is_empty() {
            true => 0,
            false => self.count(USED, Age::Current) + self.count(USED, Age::Previous),
        }
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.block)
    }

    /// One of the two numbers of a word of the header.
    fn count(&self, of: usize, age: Age) -> usize {
        let both = self.block[of];
        let count = if age == Age::Current { both as u32 } else { (both >> 32) as u32 };
        count as usize
    }

    /// The words of a generation; there is a key.
    fn table(&self, age: Age) -> &[u64] {
        let (current, previous) = self.block[HEADER..].split_at(self.count(WORDS, Age::Current));
        if age == Age::Current { current } else { previous }
    }

    /// Whether one more entry in the current generation would fill more than three quarters of it.
    fn is_full(&self) -> bool {
        (self.count(USED, Age::Current) + 1) * 4 > self.count(WORDS, Age::Current) * 3
    }

    /// Puts a fingerprint into the current generation, which is not full, or, if it is there and that
    /// is wanted, changes its route. Whether it is new.
    fn put(&mut self, print: u64, route: Route, change: bool) -> bool {
        let at = place(self.table(Age::Current), print);
        let word = &mut self.block[HEADER + at];
        let new = *word == 0;
        if new || change {
            *word = print | u64::from(route.byte());
            self.block[USED] += u64::from(new);
        }
        new
    }

    /// Twice as many words for the current generation.
    fn grow(&mut self) {
        let (used, began) = (self.block[USED], self.block[BEGAN]);
        let previous = self.table(Age::Previous).to_vec();
        let old = self.rebuild(self.count(WORDS, Age::Current) * 2, previous);
        let words = self.count(WORDS, Age::Current);
        for &word in old[HEADER..].iter().take(words / 2).filter(|word| **word != 0) {
            let at = place(self.table(Age::Current), word & !0xff);
            self.block[HEADER + at] = word;
        }
        (self.block[USED], self.block[BEGAN]) = (used, began);
    }

    /// A block of the same key with an empty current generation of so many words, and this previous
    /// one; the block before.
    fn rebuild(&mut self, words: usize, previous: Vec<u64>) -> Box<[u64]> {
        let mut block = Vec::with_capacity(HEADER + words + previous.len());
        let sizes = words as u64 | (previous.len() as u64) << 32;
        block.extend([self.block[KEY], 0, 0, sizes]);
        block.resize(HEADER + words, 0);
        block.extend(previous);
        core::mem::replace(&mut self.block, block.into())
    }

    /// The upper 56 bits are the fingerprint, never 0; the lower 8 are 0.
    fn print(&self, kind: PayloadType, guid: &Guid) -> u64 {
        let key = self.block[KEY];
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *guid.as_bytes();
        let left = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let right = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
        let inner = mix(left ^ key).wrapping_add(right ^ key.rotate_left(32));
        let print = mix(inner ^ u64::from(kind.0) << 17) & !0xff;
        if print == 0 { 1 << 8 } else { print }
    }
}

/// Where the search for a fingerprint begins, in open addressing with linear probing; a word of 0 is
/// empty.
fn start(words: &[u64], print: u64) -> usize {
    (print >> 32) as usize & words.len().wrapping_sub(1)
}

/// The place where the fingerprint is, or would be put. The table is not full.
fn place(words: &[u64], print: u64) -> usize {
    let mask = words.len() - 1;
    let mut at = start(words, print);
    while words[at] != 0 && words[at] & !0xff != print {
        at = (at + 1) & mask;
    }
    at
}

fn find(words: &[u64], print: u64) -> Option<u64> {
    if words.is_empty() {
        return None;
    }
    let word = words[place(words, print)];
    (word != 0).then_some(word)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn guid(n: u32) -> Guid {
        let mut bytes = [7; Guid::LEN];
        bytes[..4].copy_from_slice(&n.to_le_bytes());
        Guid::from_bytes(bytes)
    }

    fn keyed() -> Routes {
        let mut routes = Routes::default();
        routes.set_key(7);
        routes
    }

    #[test]
    fn nothing_is_remembered_without_a_key() {
        let mut routes = Routes::default();
        assert!(routes.needs_key());
        routes.set(PayloadType::QUERY, &guid(1), Route::Own);
        assert!(!routes.insert(PayloadType::QUERY, &guid(1), Route::Own));
        assert_eq!(routes.find(PayloadType::QUERY, &guid(1)), None);
        routes.purge(0);
        assert_eq!((routes.len(), routes.heap_bytes()), (0, 0));
    }

    #[test]
    fn remembers_by_type_and_guid() {
        let mut routes = keyed();
        for n in 0..1_000 {
            assert!(routes.insert(PayloadType::QUERY, &guid(n), Route::Neighbour((n % 4) as u8)));
        }
        for n in 0..1_000 {
            assert!(!routes.insert(PayloadType::QUERY, &guid(n), Route::Own));
            let found = routes.find(PayloadType::QUERY, &guid(n));
            assert_eq!(found, Some(Route::Neighbour((n % 4) as u8)));
            assert_eq!(routes.find(PayloadType::PING, &guid(n)), None);
        }
        assert_eq!(routes.len(), 1_000);
    }

    #[test]
    fn a_purged_slot_is_gone_but_still_a_duplicate() {
        let mut routes = keyed();
        routes.insert(PayloadType::QUERY, &guid(1), Route::Neighbour(0));
        routes.insert(PayloadType::QUERY, &guid(2), Route::Neighbour(1));
        routes.insert(PayloadType::QUERY, &guid(3), Route::Own);
        routes.purge(0);
        assert_eq!(routes.find(PayloadType::QUERY, &guid(1)), Some(Route::Gone));
        assert_eq!(routes.find(PayloadType::QUERY, &guid(2)), Some(Route::Neighbour(1)));
        assert_eq!(routes.find(PayloadType::QUERY, &guid(3)), Some(Route::Own));
        assert!(!routes.insert(PayloadType::QUERY, &guid(1), Route::Neighbour(0)));
    }

    proptest! {
        /// The simple path: two maps.
        #[test]
        fn same_as_two_maps(script in proptest::collection::vec((0u8..5, 0u32..60, 0u8..4, 0u64..40), 1..400)) {
            let (lifetime, most) = (Duration::from_secs(60), 20);
            let mut routes = keyed();
            let mut model = [BTreeMap::new(), BTreeMap::new()];
            let (mut began, mut now) = (0, 0);
            for (action, number, slot, seconds) in script {
                now += seconds / 8;
                routes.age(Time::from_secs(now), lifetime, most);
                if model[0].is_empty() {
                    began = now;
                } else if now - began >= 60 || model[0].len() >= most {
                    model.rotate_right(1);
                    model[0].clear();
                    began = now;
                }
                let route = Route::Neighbour(slot);
                let known = model.iter().any(|map| map.contains_key(&number));
                match action {
                    0 | 1 => {
                        let new = routes.insert(PayloadType::QUERY, &guid(number), route);
                        prop_assert_eq!(new, !known);
                        if new {
                            model[0].insert(number, route);
                        }
                    }
                    2 => {
                        routes.set(PayloadType::QUERY, &guid(number), route);
                        model[0].insert(number, route);
                    }
                    3 if number % 8 == 0 => {
                        routes.purge(slot);
                        let all = model.iter_mut().flat_map(|map| map.values_mut());
                        all.filter(|it| **it == route).for_each(|it| *it = Route::Gone);
                    }
                    _ => {}
                }
                let expected = model.iter().find_map(|map| map.get(&number)).copied();
                prop_assert_eq!(routes.find(PayloadType::QUERY, &guid(number)), expected);
                prop_assert_eq!(routes.len(), model[0].len() + model[1].len());
            }
        }
    }

    #[test]
    fn two_generations_bound_time_and_number() {
        let (minute, most) = (Duration::from_secs(60), 100);
        let mut routes = keyed();
        routes.age(Time::from_secs(1), minute, most);
        routes.insert(PayloadType::QUERY, &guid(0), Route::Own);
        routes.age(Time::from_secs(60), minute, most);
        assert!(routes.find(PayloadType::QUERY, &guid(0)).is_some());
        routes.age(Time::from_secs(61), minute, most);
        routes.insert(PayloadType::QUERY, &guid(1), Route::Own);
        assert!(routes.find(PayloadType::QUERY, &guid(0)).is_some(), "the previous generation");
        routes.age(Time::from_secs(121), minute, most);
        assert!(routes.find(PayloadType::QUERY, &guid(0)).is_none(), "forgotten");
        for n in 10..10_000 {
            routes.age(Time::from_secs(122), minute, most);
            routes.insert(PayloadType::QUERY, &guid(n), Route::Own);
            assert!(routes.len() <= 2 * most);
        }
        assert!(routes.heap_bytes() <= (HEADER + 2 * 256) * 8, "{}", routes.heap_bytes());
    }
}
