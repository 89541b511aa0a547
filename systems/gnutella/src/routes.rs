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
/// Everything is in one block of memory, and an entry is looked for within a cache line before the next
/// one: in a simulation of millions, a message costs what has to be fetched from memory for it.
///
/// ```text
/// | header | current generation … | previous generation … |     lines of 8 words
/// ```
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// Empty as long as there is no key.
    lines: Box<[Line]>,
}

/// Part of a table; a word of 0 is empty. In the first line, the header.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line([u64; WORDS]);

const WORDS: usize = 8;

/// What each word of the header is.
mod header {
    pub const KEY: usize = 0;
    /// When the current generation began, in microseconds.
    pub const BEGAN: usize = 1;
    /// Entries of the current generation.
    pub const USED: usize = 2;
    /// Entries of the previous one.
    pub const USED_BEFORE: usize = 3;
    /// Lines of the current generation: a power of two. What follows them is the previous one.
    pub const LINES: usize = 4;
    pub const DUPLICATES: usize = 5;
}

impl Routes {
    /// The first bytes, for fetching them into the cache.
    pub fn head(&self) -> &[u64] {
        self.lines.first().map_or(&[], |line| &line.0)
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
        if !self.lines.is_empty() {
            let print = self.print(kind, &descriptor.guid());
            let (current, _) = self.tables();
            if let Some(line) = current.get(first_line(current, print)) {
                prefetch(line);
            }
        }
    }

    /// Whether it still needs a key.
    pub fn needs_key(&self) -> bool {
        self.lines.is_empty()
    }

    /// Sets the key; before that nothing can be remembered.
    pub fn set_key(&mut self, key: u64) {
        let mut header = Line::default();
        header.0[header::KEY] = key;
        header.0[header::LINES] = 1;
        self.lines = [header, Line::default()].into();
    }

    /// Forgets everything, the key too.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// One more descriptor that was seen before has come.
    pub fn count_duplicate(&mut self) {
        if let Some(header) = self.lines.first_mut() {
            header.0[header::DUPLICATES] += 1;
        }
    }

    /// How many of them there were since there is a key.
    pub fn duplicates(&self) -> u32 {
        u32::try_from(self.header(header::DUPLICATES)).unwrap_or(u32::MAX)
    }

    /// Where answers to this descriptor go; `None` if it was not seen, or is forgotten.
    pub fn find(&self, kind: PayloadType, guid: &Guid) -> Option<Route> {
        let print = self.print(kind, guid);
        let (current, previous) = self.tables();
        let word = find(current, print).or_else(|| find(previous, print))?;
        Some(Route::of_byte(word as u8))
    }

    /// Remembers a descriptor; `false`, and nothing changes, if it was seen before, or if there is no
    /// key.
    pub fn insert(&mut self, kind: PayloadType, guid: &Guid, route: Route) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let print = self.print(kind, guid);
        let (current, previous) = self.tables();
        if find(previous, print).is_some() {
            return false;
        }
        // One look for both, unless the table has to grow.
        if self.is_full() {
            if find(current, print).is_some() {
                return false;
            }
            self.grow();
        }
        self.put(print, route, false)
    }

    /// Remembers a descriptor by its latest route.
    pub fn set(&mut self, kind: PayloadType, guid: &Guid, route: Route) {
        if !self.lines.is_empty() {
            if self.is_full() {
                self.grow();
            }
            self.put(self.print(kind, guid), route, true);
        }
    }

    /// Begins a new generation if the current one is older than `lifetime` or has `most` entries.
    pub fn age(&mut self, now: Time, lifetime: core::time::Duration, most: usize) {
        let used = self.header(header::USED);
        let Some(header) = self.lines.first_mut() else { return };
        if used == 0 {
            header.0[header::BEGAN] = now.as_micros();
        } else if now - Time::from_micros(header.0[header::BEGAN]) >= lifetime
            || used >= most as u64
        {
            header.0[header::BEGAN] = now.as_micros();
            header.0[header::USED] = 0;
            header.0[header::USED_BEFORE] = used;
            let previous = self.tables().0.to_vec();
            self.lines = self.rebuilt(1, &previous);
        }
    }

    /// The neighbour in this slot is gone: no route leads there any more. What it sent stays
    /// remembered, so that copies of it are still told for duplicates.
    pub fn purge(&mut self, slot: u8) {
        for word in self.lines.iter_mut().skip(1).flat_map(|line| &mut line.0) {
            if *word != 0 && *word as u8 == slot {
                *word |= u64::from(Route::GONE);
            }
        }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        (self.header(header::USED) + self.header(header::USED_BEFORE)) as usize
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.lines)
    }

    /// A word of the header; 0 if there is none.
    fn header(&self, word: usize) -> u64 {
        self.lines.first().map_or(0, |header| header.0[word])
    }

    /// The current generation and the previous one.
    fn tables(&self) -> (&[Line], &[Line]) {
        match &*self.lines {
            [] => (&[], &[]),
            [header, tables @ ..] => tables.split_at(header.0[header::LINES] as usize),
        }
    }

    /// Whether one more entry in the current generation would fill more than seven eighths of it. What
    /// does not fit into its line mostly fits into the next one.
    fn is_full(&self) -> bool {
        (self.header(header::USED) + 1) * 8 > self.header(header::LINES) * WORDS as u64 * 7
    }

    /// Puts a fingerprint into the current generation, which is not full, or, if it is there and that
    /// is wanted, changes its route. Whether it is new.
    fn put(&mut self, print: u64, route: Route, change: bool) -> bool {
        let Some((header, tables)) = self.lines.split_first_mut() else { return false };
        let current = &mut tables[..header.0[header::LINES] as usize];
        let (line, at) = place(current, print);
        let word = &mut current[line].0[at];
        let new = *word == 0;
        if new || change {
            *word = print | u64::from(route.byte());
            header.0[header::USED] += u64::from(new);
        }
        new
    }

    /// Twice as many lines for the current generation.
    fn grow(&mut self) {
        let (current, previous) = self.tables();
        let mut lines = self.rebuilt(current.len() * 2, previous);
        let table = &mut lines[1..=current.len() * 2];
        for &word in current.iter().flat_map(|line| &line.0).filter(|word| **word != 0) {
            let (line, at) = place(table, word & !0xff);
            table[line].0[at] = word;
        }
        self.lines = lines;
    }

    /// The same header, an empty current generation of so many lines, and this previous one.
    fn rebuilt(&self, lines: usize, previous: &[Line]) -> Box<[Line]> {
        let mut block = Vec::with_capacity(1 + lines + previous.len());
        block.extend_from_slice(&self.lines[..1]);
        block[0].0[header::LINES] = lines as u64;
        block.resize(1 + lines, Line::default());
        block.extend_from_slice(previous);
        block.into()
    }

    /// The upper 56 bits are the fingerprint, never 0; the lower 8 are 0.
    fn print(&self, kind: PayloadType, guid: &Guid) -> u64 {
        let key = self.header(header::KEY);
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *guid.as_bytes();
        let left = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let right = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
        let inner = mix(left ^ key).wrapping_add(right ^ key.rotate_left(32));
        let print = mix(inner ^ u64::from(kind.0) << 17) & !0xff;
        if print == 0 { 1 << 8 } else { print }
    }
}

/// The line where the search for a fingerprint begins.
fn first_line(table: &[Line], print: u64) -> usize {
    (print >> 32) as usize & table.len().wrapping_sub(1)
}

/// The place where the fingerprint is, or would be put, as line and word. The table is not full.
fn place(table: &[Line], print: u64) -> (usize, usize) {
    let mut line = first_line(table, print);
    loop {
        let words = &table[line].0;
        let found = words.iter().position(|&word| word == 0 || word & !0xff == print);
        match found {
            Some(at) => return (line, at),
            None => line = (line + 1) & (table.len() - 1),
        }
    }
}

fn find(table: &[Line], print: u64) -> Option<u64> {
    if table.is_empty() {
        return None;
    }
    let (line, at) = place(table, print);
    let word = table[line].0[at];
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
        assert!(routes.heap_bytes() <= 64 + 2 * 256 * 8, "{}", routes.heap_bytes());
    }
}
