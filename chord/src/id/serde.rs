//! Identifiers in serde's data model: an [`Id64`] is a number; an [`Id160`] is its forty hexadecimal
//! digits where people read, and its twenty bytes elsewhere.

use core::fmt;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Id64, Id160};

impl<const M: u32> Serialize for Id64<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

impl<'de, const M: u32> Deserialize<'de> for Id64<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u64::deserialize(deserializer)?;
        let expected = format_args!("an identifier below 2^{M}");
        Self::new(value)
            .ok_or_else(|| Error::invalid_value(Unexpected::Unsigned(value), &Say(expected)))
    }
}

impl Serialize for Id160 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Id160 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text)
        } else {
            deserializer.deserialize_bytes(Raw)
        }
    }
}

struct Say<'a>(fmt::Arguments<'a>);

impl serde::de::Expected for Say<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(self.0)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Id160;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("forty hexadecimal digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id160, E> {
        text.parse().map_err(E::custom)
    }
}

struct Raw;

impl<'de> Visitor<'de> for Raw {
    type Value = Id160;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("twenty bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Id160, E> {
        let array = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))?;
        Ok(Id160::from_bytes(array))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Id160, A::Error> {
        let mut bytes = [0; 20];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        match seq.next_element::<u8>()? {
            None => Ok(Id160::from_bytes(bytes)),
            Some(_) => Err(A::Error::invalid_length(21, &self)),
        }
    }
}
