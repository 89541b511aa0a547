//! Keys, and values that are encoded already.

use ::serde::ser::{self, Impossible, Serialize};

use super::error::{SerializeError as Error, SerializeErrorKind};
use super::raw;

type Result<T = (), E = Error> = core::result::Result<T, E>;

/// Takes a string's bytes, and nothing else: a dictionary's key, or a value that is encoded already.
pub(super) struct BytesOnly<F>(pub(super) F);

macro_rules! refuse {
    ($($method:ident $type:ty),* $(,)?) => {$(
        fn $method(self, _: $type) -> Result {
            Err(SerializeErrorKind::KeyNotString.into())
        }
    )*};
}

impl<F: FnOnce(&[u8])> ser::Serializer for BytesOnly<F> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result {
        self.0(bytes);
        Ok(())
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result {
        self.serialize_bytes(text.as_bytes())
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result {
        if name == raw::NAME {
            return Err(SerializeErrorKind::KeyNotString.into());
        }
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    refuse!(
        serialize_bool bool,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128, serialize_u8 u8, serialize_u16 u16, serialize_u32 u32,
        serialize_u64 u64, serialize_u128 u128, serialize_f32 f32, serialize_f64 f64,
        serialize_unit_struct &'static str,
    );

    fn serialize_none(self) -> Result {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_unit(self) -> Result {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq> {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple> {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct> {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap> {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Self::SerializeStruct> {
        Err(SerializeErrorKind::KeyNotString.into())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Err(SerializeErrorKind::KeyNotString.into())
    }
}
