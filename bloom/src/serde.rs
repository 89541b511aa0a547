//! The serialized form through serde: the same bytes, as bytes; in formats for people, such as JSON,
//! a string of hexadecimal digits, which takes half the room that a list of numbers does.
//!
//! Only what [`Xxh3`] hashes: a deserializer has nowhere to take a secret key from.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::layout::Layout;
use crate::{Counting, DecodeError, Filter};

/// What can be read from its serialized form alone.
trait Wire: Sized {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
}

impl<L: Layout> Wire for Filter<L> {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}

impl Wire for Counting {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}

/// As the bytes of the [serialized form](crate::Header); in formats for people in hexadecimal.
impl<L: Layout> Serialize for Filter<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.encode(&mut bytes);
        serialize(&bytes, serializer)
    }
}

/// As [`Filter::decode`], from bytes or from hexadecimal.
impl<'de, L: Layout> Deserialize<'de> for Filter<L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

/// As the bytes of the [serialized form](crate::Header); in formats for people in hexadecimal.
impl Serialize for Counting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.encode(&mut bytes);
        serialize(&bytes, serializer)
    }
}

/// As [`Counting::decode`], from bytes or from hexadecimal.
impl<'de> Deserialize<'de> for Counting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&hex::encode(bytes))
    } else {
        serializer.serialize_bytes(bytes)
    }
}

fn deserialize<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let visitor = Bytes(PhantomData);
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(visitor)
    } else {
        deserializer.deserialize_bytes(visitor)
    }
}

struct Bytes<T>(PhantomData<T>);

impl<T: Wire> Visitor<'_> for Bytes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a serialized Bloom filter, as bytes or in hexadecimal")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        T::decode(bytes).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        self.visit_bytes(&hex::decode(text).map_err(E::custom)?)
    }
}
