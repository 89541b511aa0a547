//! Keys of any type that is `Hash`, for filters that stay where they are.

use core::fmt::{self, Debug};
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use siphasher::sip::SipHasher13;

use crate::layout::{self, Layout};
use crate::{BuildError, Filter, KeyHash, MismatchError, Params, SipHash};

/// A filter whose keys are values of a type that is [`Hash`], as those of a `HashSet` are.
///
/// What `Hash` hands to a hasher may differ between platforms, and between versions of Rust and of the
/// crate that has the type. So this filter can not be serialized, and is of use only within the process
/// that made it. Keys are hashed by SipHash-1-3 with the key given, which should be random if keys come
/// from strangers.
///
/// ```
/// use overlay_bloom::{Local, Params};
///
/// let mut seen = Local::<(u32, &str)>::new(Params::for_rate(100, 1e-3)?, [7; 16])?;
/// assert!(seen.insert(&(6346, "node.example")));
/// assert!(seen.contains(&(6346, "node.example")));
/// assert!(!seen.contains(&(6347, "node.example")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```compile_fail,E0599
/// # let params = overlay_bloom::Params::for_rate(100, 1e-3).unwrap();
/// let filter = overlay_bloom::Local::<u32>::new(params, [7; 16]).unwrap();
/// filter.encode(&mut Vec::new()); // there is no such thing
/// ```
pub struct Local<T: ?Sized, L = layout::Standard> {
    filter: Filter<L, SipHash>,
    keys: PhantomData<fn(&T)>,
}

impl<T: Hash + ?Sized, L: Layout> Local<T, L> {
    /// An empty filter whose keys are hashed with this secret key. Costs the clearing of m/8 bytes.
    ///
    /// # Errors
    /// The layout can not have these parameters, or there is no memory for m bits.
    pub fn new(params: Params, key: [u8; 16]) -> Result<Self, BuildError> {
        Ok(Self { filter: Filter::keyed(params, key)?, keys: PhantomData })
    }

    /// Inserts a key; whether that changed anything. If not, the key, or enough others, was there.
    pub fn insert(&mut self, key: &T) -> bool {
        self.filter.insert_hash(self.hash(key))
    }

    /// Whether the key may be in the filter: always `true` if it was inserted.
    pub fn contains(&self, key: &T) -> bool {
        self.filter.contains_hash(self.hash(key))
    }

    /// Adds every key of `other`: this filter then equals one that all keys were inserted into.
    ///
    /// # Errors
    /// The parameters or the secret keys differ; this filter is then unchanged.
    pub fn union(&mut self, other: &Self) -> Result<(), MismatchError> {
        self.filter.union(&other.filter)
    }

    /// Keeps the bits that `other` has too; see [`Filter::intersect`].
    ///
    /// # Errors
    /// The parameters or the secret keys differ; this filter is then unchanged.
    pub fn intersect(&mut self, other: &Self) -> Result<(), MismatchError> {
        self.filter.intersect(&other.filter)
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        self.filter.clear();
    }

    /// Whether no key was inserted.
    pub fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// The rate of false positives of this very filter, from the bits it has.
    pub fn rate(&self) -> f64 {
        self.filter.rate()
    }

    /// The bits and probes of this filter.
    pub fn params(&self) -> Params {
        self.filter.params()
    }

    fn hash(&self, key: &T) -> KeyHash {
        let mut hasher = SipHasher13::new_with_key(&self.filter.hasher().key());
        key.hash(&mut hasher);
        KeyHash::from_bits(hasher.finish())
    }
}

// Not derived: nothing is asked of T.

impl<T: ?Sized, L: Layout> Clone for Local<T, L> {
    fn clone(&self) -> Self {
        Self { filter: self.filter.clone(), keys: PhantomData }
    }
}

impl<T: ?Sized, L: Layout> PartialEq for Local<T, L> {
    fn eq(&self, other: &Self) -> bool {
        self.filter == other.filter
    }
}

impl<T: ?Sized, L: Layout> Eq for Local<T, L> {}

impl<T: ?Sized, L: Layout> Debug for Local<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Local").field(&self.filter).finish()
    }
}
