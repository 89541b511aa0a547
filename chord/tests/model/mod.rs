//! Models of a ring for the exhaustive tests. Both run the operations that the crate ships.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod in_flight;
pub mod inductive;
pub mod shared;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use overlay_chord::{Id64, Member};

/// Up to sixteen places.
pub type Place = Id64<4>;

pub fn place(number: usize) -> Place {
    Place::wrapping(number as u64)
}

pub fn number(place: Place) -> usize {
    place.get() as usize
}

/// The members of the ideal ring of `nodes`, in order.
pub fn ideal_ring(nodes: &[usize], r: usize) -> Vec<Member<Place>> {
    let count = nodes.len();
    let member = |at: usize| {
        let list: Vec<_> = (1..=r.min(count)).map(|i| place(nodes[(at + i) % count])).collect();
        let before = place(nodes[(at + count - 1) % count]);
        Member::with_pointers(place(nodes[at]), r, Some(before), &list)
    };
    (0..count).map(member).collect()
}

/// All sets of `size` of the numbers below `n`, one of each class that turning the ring makes.
pub fn sets_up_to_rotation(n: usize, size: usize) -> Vec<Vec<usize>> {
    let turn = |set: u32, by: usize| (set << by | set >> (n - by)) & ((1 << n) - 1);
    (0..1_u32 << n)
        .filter(|set| set.count_ones() as usize == size)
        .filter(|set| (1..n).all(|by| turn(*set, by) >= *set))
        .map(|set| (0..n).filter(|i| set & 1 << i != 0).collect())
        .collect()
}

/// A set of states that keeps 128 bits of hash of each. Among 10^8 states two are confused with a
/// probability of about 10^-23.
pub struct Seen {
    hashes: HashSet<u128>,
}

impl Seen {
    pub fn new() -> Self {
        Self { hashes: HashSet::new() }
    }

    /// Whether the state is new.
    pub fn insert(&mut self, state: &impl Hash) -> bool {
        let [high, low] = [0, 1].map(|half: u8| {
            let mut hasher = DefaultHasher::new();
            (half, state).hash(&mut hasher);
            u128::from(hasher.finish())
        });
        self.hashes.insert(high << 64 | low)
    }

    pub fn len(&self) -> usize {
        self.hashes.len()
    }
}
