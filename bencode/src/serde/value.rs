//! Owned values as types.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use ::serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{Serialize, SerializeMap, Serializer};
use bytes::Bytes;

use super::raw::{AsBytes, NAME};
use crate::integer::Integer;
use crate::map::Map;
use crate::value::Value;

/// Integers of up to 128 bits.
impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;

        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Integer, E> {
                Ok(number.into())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Integer, E> {
                Ok(number.into())
            }

            fn visit_i128<E>(self, number: i128) -> Result<Integer, E> {
                Ok(number.into())
            }

            fn visit_u128<E>(self, number: u128) -> Result<Integer, E> {
                Ok(number.into())
            }
        }

        deserializer.deserialize_i128(IntegerVisitor)
    }
}

/// Integers of any size; beyond 128 bits only this crate's writer understands them.
impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(number) = self.as_int() {
            return serializer.serialize_i64(number);
        }
        if let Some(number) = self.as_uint() {
            return serializer.serialize_u64(number);
        }
        let digits = self.to_string();
        if let Ok(number) = digits.parse() {
            return serializer.serialize_i128(number);
        }
        if let Ok(number) = digits.parse() {
            return serializer.serialize_u128(number);
        }
        let encoded = Value::from(self.clone()).to_vec();
        serializer.serialize_newtype_struct(NAME, &AsBytes(&encoded))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, a string, a list or a dictionary")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
                Ok(Integer::from(number).into())
            }

            fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
                Ok(Integer::from(number).into())
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(text.into())
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
                Ok(bytes.into())
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
                Ok(bytes.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut dict = Vec::<(Bytes, Value)>::new();
                while let Some((Name(key), value)) = entries.next_entry()? {
                    dict.push((key, value));
                }
                let count = dict.len();
                let map = Map::from_entries(dict);
                if map.len() < count {
                    return Err(A::Error::custom("a key is there twice"));
                }
                Ok(map.into())
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => number.serialize(serializer),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(items) => items.serialize(serializer),
            Self::Dict(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&AsBytes(key), value)?;
                }
                map.end()
            }
            Self::Raw(raw) => raw.serialize(serializer),
        }
    }
}

/// A dictionary's key.
struct Name(Bytes);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a dictionary's key")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                self.visit_bytes(text.as_bytes())
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Name, E> {
                Ok(Name(Bytes::copy_from_slice(bytes)))
            }
        }

        deserializer.deserialize_bytes(NameVisitor)
    }
}
