//! Bytes to types.

use alloc::vec::Vec;

use ::serde::de::{
    self, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use ::serde::forward_to_deserialize_any;

use super::error::{DeserializeError as Error, DeserializeErrorKind};
use super::int::Int;
use super::raw;
use super::reader::{Deserializer, Keys, Result};
use crate::node::Kind;
use crate::scan::is_less;

/// The number types differ in what their visitors accept, which is what they are told.
macro_rules! forward_to_integer {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let start = self.pos;
            match self.short_integer() {
                Some(number) => visitor.visit_u64(number),
                None => self.integer_for(&visitor)?.visit(visitor),
            }
            .map_err(|e| e.at(start))
        }
    )*};
}

impl<'de> Deserializer<'de> {
    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        self.open()?;
        let count = self.count_few();
        let read = visitor.visit_seq(Items { de: self, count });
        self.close(start, Kind::List, read)
    }

    fn dict<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        self.open()?;
        if self.report.lenient {
            self.dicts.push(Keys::InOrder(Vec::new()));
        }
        let read = visitor.visit_map(Entries { de: self, last: None });
        if self.report.lenient {
            self.dicts.pop();
        }
        self.close(start, Kind::Dict, read)
    }
}

#[inline]
fn visit_text<'de, V: Visitor<'de>>(content: &'de [u8], visitor: V) -> Result<V::Value> {
    match core::str::from_utf8(content) {
        Ok(text) => visitor.visit_borrowed_str(text),
        Err(_) => visitor.visit_borrowed_bytes(content),
    }
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        match self.kind()? {
            Kind::Bytes => visit_text(self.string()?, visitor).map_err(|e| e.at(start)),
            Kind::Integer => self.integer()?.visit(visitor).map_err(|e| e.at(start)),
            Kind::List => self.list(visitor),
            Kind::Dict => self.dict(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        let read = match self.integer_for(&visitor)? {
            Int::Unsigned(0) => visitor.visit_bool(false),
            Int::Unsigned(1) => visitor.visit_bool(true),
            other => other.visit(visitor),
        };
        read.map_err(|e| e.at(start))
    }

    forward_to_integer! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        let start = self.pos;
        self.skip()?;
        Err(Error::new(start, DeserializeErrorKind::Float))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        let content = match self.short_string() {
            Some(content) => content,
            None => self.string_for(&visitor)?,
        };
        visit_text(content, visitor).map_err(|e| e.at(start))
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        let content = match self.short_string() {
            Some(content) => content,
            None => self.string_for(&visitor)?,
        };
        visitor.visit_borrowed_bytes(content).map_err(|e: Error| e.at(start))
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    /// What is there is something.
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        visitor.visit_some(self).map_err(|e| e.at(start))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        if self.kind()? != Kind::List {
            return Err(self.mismatch(&visitor));
        }
        self.open()?;
        let read = visitor.visit_unit();
        self.close(start, Kind::List, read)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        let start = self.pos;
        if name == raw::NAME {
            self.skip()?;
            let bytes = &self.input[start..self.pos];
            return visitor.visit_borrowed_bytes(bytes).map_err(|e: Error| e.at(start));
        }
        visitor.visit_newtype_struct(self).map_err(|e| e.at(start))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.get(self.pos) {
            Some(b'l') => self.list(visitor),
            _ => Err(self.mismatch(&visitor)),
        }
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.get(self.pos) {
            Some(b'd') => self.dict(visitor),
            _ => Err(self.mismatch(&visitor)),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let start = self.pos;
        match self.kind()? {
            Kind::Bytes => {
                let variant = Key(self.string()?, start);
                visitor.visit_enum(UnitOnly(variant)).map_err(|e| e.at(start))
            }
            Kind::Dict => {
                self.open()?;
                let read = visitor.visit_enum(Variant(self));
                self.close(start, Kind::Dict, read)
            }
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// A list's items.
struct Items<'d, 'de> {
    de: &'d mut Deserializer<'de>,
    /// How many are left, if that is known.
    count: Option<usize>,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.de.at_end()? {
            return Ok(None);
        }
        self.count = self.count.map(|count| count.saturating_sub(1));
        let start = self.de.pos;
        match seed.deserialize(&mut *self.de) {
            Ok(item) => Ok(Some(item)),
            Err(error) => Err(error.of_item(start)),
        }
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.count
    }
}

/// A dictionary's entries.
struct Entries<'d, 'de> {
    de: &'d mut Deserializer<'de>,
    last: Option<&'de [u8]>,
}

impl<'de> Entries<'_, 'de> {
    /// Reads the next key that has not been there before.
    #[inline(always)]
    fn next_key(&mut self) -> Result<Option<Key<'de>>> {
        loop {
            let offset = self.de.pos;
            let key = match self.de.short_string() {
                Some(key) => key,
                None if self.de.at_end()? => return Ok(None),
                None => self.de.any_key(self.last)?,
            };
            let sorted = self.last.is_none_or(|last| is_less(last, key));
            let last = self.last.replace(key);
            if (sorted && !self.de.report.lenient) || self.de.is_new(key, last, offset)? {
                return Ok(Some(Key(key, offset)));
            }
            self.de.skip()?;
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        match self.next_key()? {
            Some(key) => seed.deserialize(key).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.de)
    }
}

/// A dictionary's key or a variant's name, and where it starts.
#[derive(Clone, Copy)]
struct Key<'de>(&'de [u8], usize);

impl<'de> de::Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visit_text(self.0, visitor).map_err(|e| e.at(self.1))
    }

    /// Names are compared as bytes, which needs no UTF-8.
    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.0).map_err(|e: Error| e.at(self.1))
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(UnitOnly(self)).map_err(|e| e.at(self.1))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq
        tuple tuple_struct map struct ignored_any
    }
}

/// A variant that is given by its name alone.
struct UnitOnly<'de>(Key<'de>);

impl<'de> EnumAccess<'de> for UnitOnly<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        seed.deserialize(self.0).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for UnitOnly<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value> {
        Err(Error::invalid_type(Unexpected::UnitVariant, &"newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value> {
        Err(Error::invalid_type(Unexpected::UnitVariant, &"tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value> {
        Err(Error::invalid_type(Unexpected::UnitVariant, &"struct variant"))
    }
}

/// A variant with content: the one entry of a dictionary.
struct Variant<'d, 'de>(&'d mut Deserializer<'de>);

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        if !self.0.at_key()? {
            return Err(Error::invalid_value(Unexpected::Map, &"a dictionary of one entry"));
        }
        let start = self.0.pos;
        let name = self.0.any_string(2)?;
        seed.deserialize(Key(name, start)).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        Err(Error::invalid_type(Unexpected::Map, &"unit variant, a string"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_tuple(self.0, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        de::Deserializer::deserialize_struct(self.0, "", fields, visitor)
    }
}
