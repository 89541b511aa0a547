//! A filter that keys can be removed from again (Fan, Cao, Almeida and Broder, *Summary Cache:
//! A Scalable Wide-Area Web Cache Sharing Protocol*, IEEE/ACM Transactions on Networking 8(3), 2000).

use crate::words::Aligned;
use crate::{BuildError, KeyHash, KeyHasher, Params, SipHash, Standard, Xxh3, estimate};

/// A counting Bloom filter: a counter of 4 bits in the place of each bit of a [`Standard`] filter,
/// so that keys can be removed.
///
/// A key adds one to each of its k counters and its removal takes one from each; it answers as the
/// [`Standard`] filter of the same parameters and hasher does that holds what was inserted and not
/// removed ([`to_standard`](Self::to_standard) is that filter). That costs four times its memory:
/// hold a counting filter of your own set, and send the standard one.
///
/// A key may be inserted several times, and then is there until it was removed as often.
///
/// # Saturation
/// A counter that reaches 15 is *saturated*: nobody knows how many keys it stands for, so it never
/// goes down again. A saturated counter answers as a bit that can not be cleared: the rate of false
/// positives may rise, but a key that is there is never denied. For different keys and at the
/// optimal k that is next to impossible: any counter of m saturates with a probability of at most
/// m·(e ln 2 / 15)^15 = m·3.1e-14 (the paper's bound, for 15 in the place of its 16). The
/// same key inserted 15 times does it for certain: [`saturated`](Self::saturated) tells.
///
/// # Keys that are not there
/// Removing a key that was never inserted takes from counters of other keys, which may then be
/// denied: the one way to a false negative. It is refused where it can be told, which is whenever
/// [`contains`](Self::contains) answers `false` for the key. A key that is a false positive can not
/// be told from one that is there.
///
/// ```
/// use overlay_bloom::{Counting, Params};
///
/// let mut shared = Counting::new(Params::for_rate(1000, 0.01)?, 2026)?;
/// shared.insert(b"holiday.mp3");
/// shared.insert(b"frozen.mp3");
/// assert!(shared.remove(b"frozen.mp3"));
/// assert!(!shared.contains(b"frozen.mp3"));
/// assert!(!shared.remove(b"frozen.mp3")); // it is not there any more: refused
/// assert!(shared.to_standard()?.contains(b"holiday.mp3"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting<H = Xxh3> {
    params: Params,
    hasher: H,
    /// Counter c is the bits 4(c mod 16) to 4(c mod 16) + 3 of word ⌊c/16⌋; what lies beyond m in
    /// the last word stays zero.
    words: Aligned<u64>,
}

pub(crate) const COUNTER_BITS: u64 = 4;
const COUNTERS_PER_WORD: u64 = 64 / COUNTER_BITS;

/// The value at which a counter stays.
const SATURATED: u64 = 15;

impl Counting<Xxh3> {
    /// An empty filter of m counters whose keys are hashed by [`Xxh3`] with this seed.
    ///
    /// # Errors
    /// There is no memory for m counters.
    pub fn new(params: Params, seed: u64) -> Result<Self, BuildError> {
        Self::with_hasher(params, Xxh3::new(seed))
    }

    /// The seed that keys are hashed with.
    pub fn seed(&self) -> u64 {
        self.hasher.seed()
    }
}

impl Counting<SipHash> {
    /// An empty filter of m counters whose keys are hashed by [`SipHash`] with this secret key.
    ///
    /// # Errors
    /// There is no memory for m counters.
    pub fn keyed(params: Params, key: [u8; 16]) -> Result<Self, BuildError> {
        Self::with_hasher(params, SipHash::new(key))
    }
}

impl<H: KeyHasher> Counting<H> {
    /// An empty filter of m counters whose keys are hashed by this hasher. Costs the clearing of m/2
    /// bytes.
    ///
    /// # Errors
    /// There is no memory for m counters.
    pub fn with_hasher(params: Params, hasher: H) -> Result<Self, BuildError> {
        let bits = params.m() * COUNTER_BITS;
        let words = Aligned::zeroed(bits).map_err(|_| BuildError::OutOfMemory { m: bits })?;
        Ok(Self { params, hasher, words })
    }

    /// A filter with given counters, ⌈m/16⌉ [words](Self::words) of them, none beyond m.
    pub(crate) fn from_words(
        params: Params,
        hasher: H,
        words: impl ExactSizeIterator<Item = u64>,
    ) -> Result<Self, BuildError> {
        let mut filter = Self::with_hasher(params, hasher)?;
        filter.words.iter_mut().zip(words).for_each(|(ours, word)| *ours = word);
        Ok(filter)
    }

    /// Inserts a key; whether it was not there before, as far as [`contains`](Self::contains) can
    /// tell. It counts in either case.
    pub fn insert(&mut self, key: &[u8]) -> bool {
        self.insert_hash(self.hasher.hash(key))
    }

    /// [`insert`](Self::insert) for a number: its eight bytes, least significant first.
    pub fn insert_u64(&mut self, key: u64) -> bool {
        self.insert_hash(self.hasher.hash_u64(key))
    }

    /// [`insert`](Self::insert) for a key that was hashed, with this filter's hasher, before.
    pub fn insert_hash(&mut self, key: KeyHash) -> bool {
        let mut missing = false;
        for position in key.probes(self.params) {
            let counter = self.counter(position);
            // A counter that this very key has just raised does not count as missing again, and
            // need not: the first time it was met, it was.
            missing |= counter == 0;
            if counter < SATURATED {
                self.add(position, 1);
            }
        }
        missing
    }

    /// Removes a key that was inserted, once; whether it was there.
    ///
    /// If not, which is certain whenever [`contains`](Self::contains) answers `false`, nothing
    /// changes.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.remove_hash(self.hasher.hash(key))
    }

    /// [`remove`](Self::remove) for a number: its eight bytes, least significant first.
    pub fn remove_u64(&mut self, key: u64) -> bool {
        self.remove_hash(self.hasher.hash_u64(key))
    }

    /// [`remove`](Self::remove) for a key that was hashed, with this filter's hasher, before.
    pub fn remove_hash(&mut self, key: KeyHash) -> bool {
        for (done, position) in key.probes(self.params).enumerate() {
            match self.counter(position) {
                0 => {
                    self.give_back(key, done);
                    return false;
                }
                SATURATED => {}
                _ => self.subtract(position, 1),
            }
        }
        true
    }

    /// Undoes the first steps of a removal that turned out to be one too many.
    fn give_back(&mut self, key: KeyHash, steps: usize) {
        for position in key.probes(self.params).take(steps) {
            // What was taken from is below saturation still, and what is saturated was not.
            if self.counter(position) != SATURATED {
                self.add(position, 1);
            }
        }
    }

    /// Whether the key may be in the filter: always `true` if it was inserted more often than
    /// removed, and nothing was removed that was not there.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.contains_hash(self.hasher.hash(key))
    }

    /// [`contains`](Self::contains) for a number: its eight bytes, least significant first.
    pub fn contains_u64(&self, key: u64) -> bool {
        self.contains_hash(self.hasher.hash_u64(key))
    }

    /// [`contains`](Self::contains) for a key that was hashed, with this filter's hasher, before.
    #[inline]
    pub fn contains_hash(&self, key: KeyHash) -> bool {
        key.probes(self.params).all(|position| self.counter(position) != 0)
    }

    /// The filter of the same parameters and hasher that has a bit where this one has a counter above
    /// zero.
    ///
    /// # Errors
    /// There is no memory for m bits.
    pub fn to_standard(&self) -> Result<Standard<H>, BuildError> {
        let mut filter = Standard::with_hasher(self.params, self.hasher.clone())?;
        // 16 counters become 16 bits; four words become one.
        for (bits, counters) in filter.words.iter_mut().zip(self.words.chunks(4)) {
            for (quarter, &word) in counters.iter().enumerate() {
                *bits |= squeezed(non_zero(word)) << (16 * quarter);
            }
        }
        Ok(filter)
    }

    /// Removes all keys, and brings saturated counters back to zero.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Whether all counters are zero.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The counters above zero, which are the set bits of [`to_standard`](Self::to_standard).
    pub fn count_ones(&self) -> u64 {
        self.words.iter().map(|&word| u64::from(non_zero(word).count_ones())).sum()
    }

    /// The counters at 15, which never go down again.
    pub fn saturated(&self) -> u64 {
        // A counter of 15 is one whose complement is zero; beyond m the complements are 15.
        let below: u64 =
            self.words.iter().map(|&word| u64::from(non_zero(!word).count_ones())).sum();
        self.words.len() as u64 * COUNTERS_PER_WORD - below
    }

    /// The counters above zero as a share of m, from 0 to 1.
    pub fn fill(&self) -> f64 {
        self.count_ones() as f64 / self.params.m() as f64
    }

    /// The rate of false positives of this very filter, from the counters it has: fill^k.
    pub fn rate(&self) -> f64 {
        libm::pow(self.fill(), f64::from(self.params.k()))
    }

    /// The number of different keys in the filter, judged by the counters above zero:
    /// [`estimate::cardinality`]. Infinite if all are.
    pub fn estimate(&self) -> f64 {
        estimate::cardinality(self.params.m(), self.params.k(), self.count_ones())
    }

    /// The counters, m, and the probes a key, k.
    pub fn params(&self) -> Params {
        self.params
    }

    /// What keys are hashed with.
    pub fn hasher(&self) -> &H {
        &self.hasher
    }

    /// The counters: counter c is the bits 4(c mod 16) to 4(c mod 16) + 3 of word ⌊c/16⌋, and those
    /// beyond m are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    fn counter(&self, position: u64) -> u64 {
        let (word, shift) = place(position);
        self.words[word] >> shift & 15
    }

    /// Adds to a counter that stays below 16.
    fn add(&mut self, position: u64, amount: u64) {
        let (word, shift) = place(position);
        self.words[word] += amount << shift;
    }

    /// Takes from a counter that stays at 0 or above.
    fn subtract(&mut self, position: u64, amount: u64) {
        let (word, shift) = place(position);
        self.words[word] -= amount << shift;
    }
}

/// The word of a counter, and where in it the counter starts. A position is below m, so its word
/// exists.
fn place(position: u64) -> (usize, u64) {
    ((position / COUNTERS_PER_WORD) as usize, position % COUNTERS_PER_WORD * 4)
}

/// The lowest bit of each counter set if the counter is not zero, all others clear.
fn non_zero(word: u64) -> u64 {
    let halves = word | word >> 2;
    (halves | halves >> 1) & 0x1111_1111_1111_1111
}

/// Every fourth bit, moved together.
fn squeezed(word: u64) -> u64 {
    let word = (word | word >> 3) & 0x0303_0303_0303_0303;
    let word = (word | word >> 6) & 0x000f_000f_000f_000f;
    let word = (word | word >> 12) & 0x0000_00ff_0000_00ff;
    (word | word >> 24) & 0xffff
}
