//! A filter that is asked where it lies: in the bytes that were received.

use core::fmt;
use core::marker::PhantomData;

use crate::layout::{self, Layout};
use crate::wire::{Kind, Parts};
use crate::{
    BuildError, DecodeError, Decoded, Filter, KeyHash, KeyHasher, Limits, Params, SipHash, Xxh3,
};

/// A [`Filter`] in the bytes of its [serialized form](crate::Header), which answers without being
/// copied.
///
/// The bytes may lie at any address, aligned or not, and the machine may have any byte order. Checked
/// once, when the view is made, which takes no longer for a large filter than for a small one.
///
/// ```
/// use overlay_bloom::{Params, Standard, StandardView};
///
/// let mut filter = Standard::new(Params::for_rate(1000, 0.01)?, 2026)?;
/// filter.insert(b"madonna");
/// let mut received = Vec::new();
/// filter.encode(&mut received);
///
/// let view = StandardView::decode(&received)?;
/// assert!(view.contains(b"madonna"));
/// assert!(!view.contains(b"vivaldi"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct View<'a, L, H = Xxh3> {
    params: Params,
    hasher: H,
    words: &'a [[u8; 8]],
    layout: PhantomData<L>,
}

/// A [`Standard`](crate::Standard) filter in received bytes.
pub type StandardView<'a, H = Xxh3> = View<'a, layout::Standard, H>;

/// A [`Blocked`](crate::Blocked) filter in received bytes.
pub type BlockedView<'a, H = Xxh3> = View<'a, layout::Blocked, H>;

/// A [`SplitBlock`](crate::SplitBlock) filter in received bytes.
pub type SplitBlockView<'a, H = Xxh3> = View<'a, layout::Split, H>;

impl<'a, L: Layout> View<'a, L, Xxh3> {
    /// Looks at a whole serialized filter of this layout, hashed by [`Xxh3`].
    ///
    /// # Errors
    /// Bytes that are too few, too many, or no such filter.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let parts = Parts::decode(bytes, Kind::xxh3(L::ID))?;
        Ok(Self::new(parts, parts.xxh3()))
    }

    /// Looks at one filter at the start of `bytes`.
    ///
    /// # Errors
    /// The start of no such filter, or of one beyond the limits.
    pub fn decode_prefix(bytes: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        Parts::decode_prefix(bytes, Kind::xxh3(L::ID), limits)?
            .try_map(|parts| Ok(Self::new(parts, parts.xxh3())))
    }
}

impl<'a, L: Layout> View<'a, L, SipHash> {
    /// Looks at a whole serialized filter of this layout, hashed by [`SipHash`] with this secret key,
    /// which is not among the bytes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), or the filter was made with another key.
    pub fn decode_keyed(bytes: &'a [u8], key: [u8; 16]) -> Result<Self, DecodeError> {
        let hasher = SipHash::new(key);
        Ok(Self::new(Parts::decode(bytes, Kind::keyed(L::ID, &hasher))?, hasher))
    }

    /// Looks at one filter at the start of `bytes`.
    ///
    /// # Errors
    /// As [`decode_prefix`](Self::decode_prefix), or the filter was made with another key.
    pub fn decode_keyed_prefix(
        bytes: &'a [u8],
        key: [u8; 16],
        limits: &Limits,
    ) -> Result<Decoded<Self>, DecodeError> {
        let hasher = SipHash::new(key);
        Parts::decode_prefix(bytes, Kind::keyed(L::ID, &hasher), limits)?
            .try_map(|parts| Ok(Self::new(parts, hasher)))
    }
}

impl<'a, L: Layout, H: KeyHasher> View<'a, L, H> {
    fn new(parts: Parts<'a>, hasher: H) -> Self {
        Self { params: parts.header.params, hasher, words: parts.words, layout: PhantomData }
    }

    /// Whether the key may be in the filter: always `true` if it was inserted.
    #[inline(always)]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.contains_hash(self.hasher.hash(key))
    }

    /// [`contains`](Self::contains) for a number: its eight bytes, least significant first.
    #[inline(always)]
    pub fn contains_u64(&self, key: u64) -> bool {
        self.contains_hash(self.hasher.hash_u64(key))
    }

    /// [`contains`](Self::contains) for a key that was hashed, with this filter's hasher, before.
    #[inline(always)]
    pub fn contains_hash(&self, key: KeyHash) -> bool {
        L::contains(self.words, self.params, key)
    }

    /// The number of set bits, counted: m/64 words are read.
    pub fn count_ones(&self) -> u64 {
        let ones = |&word: &[u8; 8]| u64::from(u64::from_le_bytes(word).count_ones());
        self.words.iter().map(ones).sum()
    }

    /// The set bits as a share of m, from 0 to 1. Well above one half is a filter that says little, or
    /// one that was made to claim everything.
    pub fn fill(&self) -> f64 {
        self.count_ones() as f64 / self.params.m() as f64
    }

    /// A filter of its own, which can be changed and combined.
    ///
    /// # Errors
    /// There is no memory for m bits.
    pub fn to_filter(&self) -> Result<Filter<L, H>, BuildError> {
        let words = self.words.iter().map(|&word| u64::from_le_bytes(word));
        Filter::from_words(self.params, self.hasher.clone(), words)
    }

    /// The bits and probes of the filter.
    pub fn params(&self) -> Params {
        self.params
    }

    /// What keys are hashed with.
    pub fn hasher(&self) -> &H {
        &self.hasher
    }

    /// The bytes of the words, without the header.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.words.as_flattened()
    }
}

/// Without the bits, which are somebody else's and may be many.
impl<L, H: fmt::Debug> fmt::Debug for View<'_, L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("params", &self.params)
            .field("hasher", &self.hasher)
            .finish_non_exhaustive()
    }
}
