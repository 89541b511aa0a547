//! Types to bytes.

use alloc::string::ToString;
use alloc::vec::Vec;

use ::serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

use super::bytes_only::BytesOnly;
use super::error::{SerializeError as Error, SerializeErrorKind};
use super::raw;
use crate::encode::{put_integer, put_string};
use crate::scan::is_less;

type Result<T = (), E = Error> = core::result::Result<T, E>;

/// Writes types as bytes, and keeps its memory for the next one. [`to_vec`](super::to_vec) and
/// [`to_buf`](super::to_buf) are the short ways.
///
/// ```
/// use overlay_bencode::serde::Writer;
///
/// let mut writer = Writer::new();
/// assert_eq!(writer.write(&["spam", "eggs"])?, b"l4:spam4:eggse");
/// assert_eq!(writer.write(&(-3, "x"))?, b"li-3e1:xe");
/// # Ok::<(), overlay_bencode::serde::SerializeError>(())
/// ```
///
/// Entries are written as they come. Where a dictionary's keys came out of order, it is put in order
/// when it ends, which copies it once.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    /// Those of the dictionaries that are open.
    entries: Vec<Entry>,
    /// To put entries in order.
    scratch: Vec<u8>,
}

/// An entry of an open dictionary; it ends where the next one starts.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    key_start: usize,
    key_end: usize,
}

impl Writer {
    /// Allocates on first use.
    pub const fn new() -> Self {
        Self { out: Vec::new(), entries: Vec::new(), scratch: Vec::new() }
    }

    /// A value's canonical form.
    ///
    /// # Errors
    /// The value has no such form; see the [table](super).
    pub fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<&[u8]> {
        self.out.clear();
        self.entries.clear();
        value.serialize(Target { writer: self, optional: false })?;
        Ok(&self.out)
    }

    /// What was written last.
    pub fn into_vec(self) -> Vec<u8> {
        self.out
    }

    #[inline]
    fn open_dict(&mut self) -> DictWriter<'_> {
        self.out.push(b'd');
        let first = self.entries.len();
        DictWriter { writer: self, first, sorted: true }
    }

    /// The value that was to come is nothing, so its key goes too.
    fn leave_out_entry(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.out.truncate(entry.start);
        }
    }

    /// Puts the entries from this one on in order. They reach to the end of what is written.
    #[cold]
    fn sort(&mut self, first: usize) -> Result {
        let out = &mut self.out;
        let Some(entries) = self.entries.get_mut(first..) else { return Ok(()) };
        let Some(start) = entries.first().map(|entry| entry.start) else { return Ok(()) };
        let mut spans: Vec<(Entry, usize)> = Vec::with_capacity(entries.len());
        let ends = entries.iter().skip(1).map(|entry| entry.start).chain([out.len()]);
        spans.extend(entries.iter().copied().zip(ends));
        let key = |entry: &Entry| &out[entry.key_start..entry.key_end];
        spans.sort_by(|(left, _), (right, _)| key(left).cmp(key(right)));
        for pair in spans.windows(2) {
            if let [(left, _), (right, _)] = pair
                && key(left) == key(right)
            {
                return Err(SerializeErrorKind::DuplicateKey { key: key(left).into() }.into());
            }
        }
        self.scratch.clear();
        for (entry, end) in spans {
            self.scratch.extend_from_slice(&out[entry.start..end]);
        }
        out[start..].copy_from_slice(&self.scratch);
        Ok(())
    }
}

/// Where a value goes.
struct Target<'w> {
    writer: &'w mut Writer,
    /// An entry's value: nothing leaves the entry out.
    optional: bool,
}

impl<'w> Target<'w> {
    /// Variants with content: a dictionary of one entry.
    fn open_variant(self, variant: &'static str) -> &'w mut Writer {
        self.writer.out.push(b'd');
        put_string(variant.as_bytes(), &mut self.writer.out);
        self.writer
    }
}

macro_rules! integers {
    ($($method:ident $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result {
            put_integer(number < 0, number.unsigned_abs().into(), &mut self.writer.out);
            Ok(())
        }
    )*};
}

macro_rules! unsigned_integers {
    ($($method:ident $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result {
            put_integer(false, number.into(), &mut self.writer.out);
            Ok(())
        }
    )*};
}

impl<'w> ser::Serializer for Target<'w> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = ListWriter<'w>;
    type SerializeTuple = ListWriter<'w>;
    type SerializeTupleStruct = ListWriter<'w>;
    type SerializeTupleVariant = ListWriter<'w>;
    type SerializeMap = DictWriter<'w>;
    type SerializeStruct = DictWriter<'w>;
    type SerializeStructVariant = VariantWriter<'w>;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers!(serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64);
    unsigned_integers!(serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64);

    fn serialize_i128(self, number: i128) -> Result {
        put_digits(&number.to_string(), &mut self.writer.out);
        Ok(())
    }

    fn serialize_u128(self, number: u128) -> Result {
        put_digits(&number.to_string(), &mut self.writer.out);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result {
        self.serialize_u8(value.into())
    }

    fn serialize_f32(self, _: f32) -> Result {
        Err(SerializeErrorKind::Float.into())
    }

    fn serialize_f64(self, _: f64) -> Result {
        Err(SerializeErrorKind::Float.into())
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result {
        self.serialize_bytes(text.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result {
        put_string(bytes, &mut self.writer.out);
        Ok(())
    }

    fn serialize_none(self) -> Result {
        if !self.optional {
            return Err(SerializeErrorKind::Nothing.into());
        }
        self.writer.leave_out_entry();
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        self.writer.out.extend_from_slice(b"le");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        self.serialize_unit()
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
            let out = &mut self.writer.out;
            return value.serialize(BytesOnly(|encoded: &[u8]| out.extend_from_slice(encoded)));
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        let writer = self.open_variant(variant);
        value.serialize(Target { writer, optional: false })?;
        writer.out.push(b'e');
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _len: Option<usize>) -> Result<ListWriter<'w>> {
        self.writer.out.push(b'l');
        Ok(ListWriter { writer: self.writer, end: b"e" })
    }

    fn serialize_tuple(self, len: usize) -> Result<ListWriter<'w>> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<ListWriter<'w>> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<ListWriter<'w>> {
        let writer = self.open_variant(variant);
        writer.out.push(b'l');
        Ok(ListWriter { writer, end: b"ee" })
    }

    #[inline]
    fn serialize_map(self, _len: Option<usize>) -> Result<DictWriter<'w>> {
        Ok(self.writer.open_dict())
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<DictWriter<'w>> {
        Ok(self.writer.open_dict())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<VariantWriter<'w>> {
        Ok(VariantWriter(self.open_variant(variant).open_dict()))
    }
}

fn put_digits(digits: &str, out: &mut Vec<u8>) {
    out.push(b'i');
    out.extend_from_slice(digits.as_bytes());
    out.push(b'e');
}

struct ListWriter<'w> {
    writer: &'w mut Writer,
    end: &'static [u8],
}

impl ListWriter<'_> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(Target { writer: self.writer, optional: false })
    }

    #[inline]
    fn finish(self) -> Result {
        self.writer.out.extend_from_slice(self.end);
        Ok(())
    }
}

/// Writes a dictionary's entries.
struct DictWriter<'w> {
    writer: &'w mut Writer,
    /// Where its entries start among those that are open.
    first: usize,
    /// So far.
    sorted: bool,
}

impl DictWriter<'_> {
    #[inline]
    fn key(&mut self, key: &[u8]) {
        let Writer { out, entries, .. } = &mut *self.writer;
        if let Some(last) = entries.get(self.first..).and_then(<[Entry]>::last)
            && !is_less(&out[last.key_start..last.key_end], key)
        {
            self.sorted = false;
        }
        let start = out.len();
        put_string(key, out);
        let key_end = out.len();
        entries.push(Entry { start, key_start: key_end - key.len(), key_end });
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(Target { writer: self.writer, optional: true })
    }

    #[inline]
    fn finish(self) -> Result {
        if !self.sorted {
            self.writer.sort(self.first)?;
        }
        self.writer.entries.truncate(self.first);
        self.writer.out.push(b'e');
        Ok(())
    }
}

struct VariantWriter<'w>(DictWriter<'w>);

impl SerializeSeq for ListWriter<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.item(value)
    }

    #[inline]
    fn end(self) -> Result {
        self.finish()
    }
}

impl SerializeTuple for ListWriter<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.item(value)
    }

    #[inline]
    fn end(self) -> Result {
        self.finish()
    }
}

impl SerializeTupleStruct for ListWriter<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.item(value)
    }

    fn end(self) -> Result {
        self.finish()
    }
}

impl SerializeTupleVariant for ListWriter<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.item(value)
    }

    fn end(self) -> Result {
        self.finish()
    }
}

impl SerializeMap for DictWriter<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        key.serialize(BytesOnly(|key: &[u8]| self.key(key)))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result {
        self.finish()
    }
}

impl SerializeStruct for DictWriter<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result {
        self.key(key.as_bytes());
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result {
        self.finish()
    }
}

impl SerializeStructVariant for VariantWriter<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result {
        self.0.key(key.as_bytes());
        self.0.value(value)
    }

    fn end(self) -> Result {
        let Self(DictWriter { writer, first, sorted }) = self;
        DictWriter { writer: &mut *writer, first, sorted }.finish()?;
        writer.out.push(b'e');
        Ok(())
    }
}
