//! The memory of GUIDs: what was seen, and which neighbour it came from.

use alloc::boxed::Box;
use alloc::vec::Vec;

use gnutella_wire::{Guid, OwnedPayload, PayloadType};
use overlay_peer::{Time, prefetch};

use crate::Descriptor;
use crate::lazy::Empty;
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
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    key: u64,
    current: Table,
    previous: Option<Box<Table>>,
    /// When the current generation began.
    began: Time,
}

impl Empty for Routes {
    const EMPTY: &'static Self = &Self::new();
}

impl Routes {
    pub const fn new() -> Self {
        let current = Table { words: Vec::new(), used: 0 };
        Self { key: 0, current, previous: None, began: Time::ZERO }
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
        let print = self.print(kind, &descriptor.guid());
        if let Some(word) = self.current.words.get(Table::start(&self.current.words, print)) {
            prefetch(word);
        }
    }

    /// Whether it still needs a key: 0 is none.
    pub fn needs_key(&self) -> bool {
        self.key == 0
    }

    pub fn set_key(&mut self, key: u64) {
        self.key = key.max(1);
    }

    /// Where answers to this descriptor go; `None` if it was not seen, or is forgotten.
    pub fn find(&self, kind: PayloadType, guid: &Guid) -> Option<Route> {
        let print = self.print(kind, guid);
        let word = self.current.find(print).or_else(|| self.forgotten_next(print))?;
        Some(Route::of_byte(word as u8))
    }

    /// Remembers a descriptor; `false`, and nothing changes, if it was seen before.
    pub fn insert(&mut self, kind: PayloadType, guid: &Guid, route: Route) -> bool {
        let print = self.print(kind, guid);
        self.forgotten_next(print).is_none() && self.current.insert(print, route.byte())
    }

    /// Remembers a descriptor by its latest route.
    pub fn set(&mut self, kind: PayloadType, guid: &Guid, route: Route) {
        let print = self.print(kind, guid);
        self.current.set(print, route.byte());
    }

    /// Begins a new generation if the current one is older than `lifetime` or has `most` entries.
    pub fn age(&mut self, now: Time, lifetime: core::time::Duration, most: usize) {
        if self.current.used == 0 {
            self.began = now;
        } else if now - self.began >= lifetime || self.current.used >= most {
            self.previous = Some(Box::new(core::mem::take(&mut self.current)));
            self.began = now;
        }
    }

    /// The neighbour in this slot is gone: no route leads there any more. What it sent stays
    /// remembered, so that copies of it are still told for duplicates.
    pub fn purge(&mut self, slot: u8) {
        let previous = self.previous.iter_mut().flat_map(|table| &mut table.words);
        for word in self.current.words.iter_mut().chain(previous) {
            if *word != 0 && *word as u8 == slot {
                *word |= u64::from(Route::GONE);
            }
        }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.current.used + self.previous.as_ref().map_or(0, |table| table.used)
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let previous = self.previous.as_ref();
        let words =
            self.current.words.capacity() + previous.map_or(0, |table| table.words.capacity());
        words * size_of::<u64>() + previous.map_or(0, |_| size_of::<Table>())
    }

    /// The word of a fingerprint in the generation that is forgotten next.
    fn forgotten_next(&self, print: u64) -> Option<u64> {
        self.previous.as_ref()?.find(print)
    }

    /// The upper 56 bits are the fingerprint, never 0; the lower 8 are 0.
    fn print(&self, kind: PayloadType, guid: &Guid) -> u64 {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *guid.as_bytes();
        let left = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let right = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
        let inner = mix(left ^ self.key).wrapping_add(right ^ self.key.rotate_left(32));
        let print = mix(inner ^ u64::from(kind.0) << 17) & !0xff;
        if print == 0 { 1 << 8 } else { print }
    }
}

/// Open addressing with linear probing; a word of 0 is empty.
#[derive(Clone, Debug, Default)]
struct Table {
    /// A power of two of them, or none.
    words: Vec<u64>,
    used: usize,
}

impl Table {
    const SMALLEST: usize = 8;

    /// Where the search for a fingerprint begins.
    fn start(words: &[u64], print: u64) -> usize {
        (print >> 32) as usize & words.len().wrapping_sub(1)
    }

    /// The place where the fingerprint is, or would be put. The table is not full.
    fn place(words: &[u64], print: u64) -> usize {
        let mask = words.len() - 1;
        let mut at = Self::start(words, print);
        while words[at] != 0 && words[at] & !0xff != print {
            at = (at + 1) & mask;
        }
        at
    }

    fn find(&self, print: u64) -> Option<u64> {
        if self.words.is_empty() {
            return None;
        }
        let word = self.words[Self::place(&self.words, print)];
        (word != 0).then_some(word)
    }

    /// Puts in what is not there yet; whether that is so.
    fn insert(&mut self, print: u64, slot: u8) -> bool {
        // One look for both, unless the table has to grow.
        if (self.used + 1) * 4 <= self.words.len() * 3 {
            let at = Self::place(&self.words, print);
            if self.words[at] != 0 {
                return false;
            }
            self.words[at] = print | u64::from(slot);
            self.used += 1;
            return true;
        }
        if self.find(print).is_some() {
            return false;
        }
        self.set(print, slot);
        true
    }

    fn set(&mut self, print: u64, slot: u8) {
        // At most three quarters full.
        if (self.used + 1) * 4 > self.words.len() * 3 {
            self.grow();
        }
        let at = Self::place(&self.words, print);
        self.used += usize::from(self.words[at] == 0);
        self.words[at] = print | u64::from(slot);
    }

    fn grow(&mut self) {
        let size = (self.words.len() * 2).max(Self::SMALLEST);
        let old = core::mem::replace(&mut self.words, alloc::vec![0; size]);
        for word in old {
            if word != 0 {
                let at = Self::place(&self.words, word & !0xff);
                self.words[at] = word;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn guid(n: u32) -> Guid {
        let mut bytes = [7; Guid::LEN];
        bytes[..4].copy_from_slice(&n.to_le_bytes());
        Guid::from_bytes(bytes)
    }

    #[test]
    fn remembers_by_type_and_guid() {
        let mut routes = Routes::new();
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
        let mut routes = Routes::new();
        routes.insert(PayloadType::QUERY, &guid(1), Route::Neighbour(0));
        routes.insert(PayloadType::QUERY, &guid(2), Route::Neighbour(1));
        routes.insert(PayloadType::QUERY, &guid(3), Route::Own);
        routes.purge(0);
        assert_eq!(routes.find(PayloadType::QUERY, &guid(1)), Some(Route::Gone));
        assert_eq!(routes.find(PayloadType::QUERY, &guid(2)), Some(Route::Neighbour(1)));
        assert_eq!(routes.find(PayloadType::QUERY, &guid(3)), Some(Route::Own));
        assert!(!routes.insert(PayloadType::QUERY, &guid(1), Route::Neighbour(0)));
    }

    #[test]
    fn two_generations_bound_time_and_number() {
        let (minute, most) = (Duration::from_secs(60), 100);
        let mut routes = Routes::new();
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
        assert!(routes.heap_bytes() <= 2 * 256 * 8, "{}", routes.heap_bytes());
    }
}
