//! The bound: one random cache line a key, asked for ahead of its use.

#![allow(unsafe_code)]

use crate::entry::Set;
use crate::keys::BenchKey;

/// Looks at one word for each key, whose place costs one multiplication. Nearly no set: most keys are
/// in it.
pub struct Limit {
    words: Vec<u64>,
}

impl Limit {
    pub fn new(m: u64) -> Self {
        Self { words: vec![0; (m / 64) as usize] }
    }
}

/// So many lines are asked for before they are used.
const GROUP: usize = 64;

impl<K: BenchKey> Set<K> for Limit {
    fn clear(&mut self) {
        self.words.fill(0);
    }

    fn insert_all(&mut self, keys: &[K]) {
        for keys in keys.chunks(GROUP) {
            let places = places(&self.words, keys);
            for (key, place) in keys.iter().zip(places) {
                self.words[place] |= key.low();
            }
        }
    }

    fn count(&self, keys: &[K]) -> usize {
        let mut found = 0;
        for keys in keys.chunks(GROUP) {
            let places = places(&self.words, keys);
            for (key, place) in keys.iter().zip(places) {
                found += usize::from(key.low() & !self.words[place] == 0);
            }
        }
        found
    }
}

#[inline(always)]
fn places<K: BenchKey>(words: &[u64], keys: &[K]) -> [usize; GROUP] {
    let mut places = [0; GROUP];
    for (place, key) in places.iter_mut().zip(keys) {
        let mixed = key.low().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        *place = ((u128::from(mixed) * words.len() as u128) >> 64) as usize;
        prefetch(&words[*place]);
    }
    places
}

#[inline(always)]
fn prefetch(word: &u64) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: x86-64 has the instruction, and it changes nothing but caches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(word).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = word;
}
