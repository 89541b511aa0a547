//! The entries of owned dictionaries.

use alloc::collections::BTreeMap;
use alloc::vec::{self, Vec};
use core::fmt;
use core::slice;

use bytes::Bytes;

use crate::value::Value;

/// An owned dictionary's entries, sorted by key and each key once, which is what makes their encoding
/// canonical.
///
/// They are kept side by side: going through them and encoding them is quick, looking one up takes a
/// binary search, and one that goes in front of others moves these. To build a great dictionary from
/// keys in any order, collect them at once.
///
/// ```
/// use overlay_bencode::{Map, Value};
///
/// let mut map: Map = [("b", Value::from(1)), ("a", Value::from(2))].into_iter().collect();
/// assert_eq!(map.insert("c", 3), None);
/// assert_eq!(map.insert("b", 4), Some(Value::from(1)));
/// assert_eq!(map.remove(b"a"), Some(Value::from(2)));
/// assert_eq!(Value::Dict(map).to_vec(), b"d1:bi4e1:ci3ee");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Map(Vec<(Bytes, Value)>);

impl Map {
    /// No entries.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn find(&self, key: &[u8]) -> Option<&Value> {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The value of a key, to change.
    pub fn find_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        let place = self.place(key).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    /// Adds an entry. Gives back the value that the key had.
    pub fn insert(&mut self, key: impl Into<Bytes>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.place(&key) {
            Ok(place) => self.0.get_mut(place).map(|(_, old)| core::mem::replace(old, value)),
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Value> {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> MapIter<'_> {
        MapIter(self.0.iter())
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values in the order of their keys, to change.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    fn place(&self, key: &[u8]) -> Result<usize, usize> {
        // Building in order is common.
        if self.0.last().is_none_or(|(last, _)| **last < *key) {
            return Err(self.0.len());
        }
        self.0.binary_search_by(|(found, _)| (**found).cmp(key))
    }

    /// Of equal keys the first one stays.
    pub(crate) fn from_entries(mut entries: Vec<(Bytes, Value)>) -> Self {
        let is_sorted = entries.windows(2).all(|pair| match pair {
            [(left, _), (right, _)] => left < right,
            _ => true,
        });
        if !is_sorted {
            // Stable, and of equal neighbours the later one goes.
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            entries.dedup_by(|(later, _), (first, _)| later == first);
        }
        Self(entries)
    }
}

/// Of equal keys the last one stays.
impl<K: Into<Bytes>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        let mut entries: Vec<(Bytes, Value)> = entries.collect();
        if entries.windows(2).any(|pair| matches!(pair, [(left, _), (right, _)] if left >= right)) {
            entries.reverse();
        }
        Self::from_entries(entries)
    }
}

impl From<BTreeMap<Bytes, Value>> for Map {
    fn from(entries: BTreeMap<Bytes, Value>) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// Of equal keys the last one stays.
impl<K: Into<Bytes>, V: Into<Value>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        *self = core::mem::take(self).into_iter().chain(entries).collect();
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Bytes, &'m Value);
    type IntoIter = MapIter<'m>;
    fn into_iter(self) -> MapIter<'m> {
        self.iter()
    }
}

impl IntoIterator for Map {
    type Item = (Bytes, Value);
    type IntoIter = vec::IntoIter<(Bytes, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// A [`Map`]'s entries in the order of their keys.
#[derive(Clone, Debug)]
pub struct MapIter<'m>(slice::Iter<'m, (Bytes, Value)>);

impl<'m> Iterator for MapIter<'m> {
    type Item = (&'m Bytes, &'m Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for MapIter<'_> {}
impl core::iter::FusedIterator for MapIter<'_> {}
