//! Bytes to types.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use ::serde::de::{
    self, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use ::serde::forward_to_deserialize_any;

use super::error::{DeserializeError as Error, DeserializeErrorKind};
use super::raw;
use crate::decode::Decoder;
use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind, Expected};
use crate::limits::Limits;
use crate::node::Kind;
use crate::scan::{Number, Report, Scanned, Text, integer, is_less, scan, string};
use crate::token::Token;

/// The number types differ in what their visitors accept, which is what they are told.
macro_rules! forward_to_integer {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let start = self.pos;
            if self.kind()? != Kind::Integer {
                return self.mismatch(visitor);
            }
            self.integer()?.visit(visitor).map_err(|e| e.at(start))
        }
    )*};
}

type Result<T, E = Error> = core::result::Result<T, E>;

/// How many lists and dictionaries within each other are read into types, which takes recursion.
/// [`Limits::depth`](crate::Limits) may say less; for what is skipped, it alone counts.
pub const MAX_DEPTH: usize = 128;

/// Reads types from bytes. [`from_bytes`](super::from_bytes) is the short way; this one also tells
/// the deviations that a lenient decoder let through:
///
/// ```
/// use overlay_bencode::{Decoder, serde::Deserializer};
/// use serde::Deserialize;
///
/// let mut deserializer = Deserializer::new(Decoder::lenient(), b"d1:bi02e1:ai1ee");
/// let map = std::collections::BTreeMap::<&str, u8>::deserialize(&mut deserializer)?;
/// assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a", 1), ("b", 2)]);
/// let deviations = deserializer.end()?;
/// assert_eq!(deviations[0].to_string(), "a number starts with a needless zero at byte 5");
/// assert_eq!(deviations[1].to_string(), "a key is not in order at byte 8");
/// # Ok::<(), overlay_bencode::serde::DeserializeError>(())
/// ```
#[derive(Debug)]
pub struct Deserializer<'de> {
    /// What the limit lets see of it.
    input: &'de [u8],
    /// How much there is.
    input_len: usize,
    pos: usize,
    /// Open lists and dictionaries.
    depth: usize,
    /// As a tape would have them.
    tokens: usize,
    limits: Limits,
    report: Report,
    /// Where an error left a value half read.
    broken: Option<usize>,
    /// Lenient: the keys so far of the dictionaries that are open.
    keys: Vec<&'de [u8]>,
    /// For values that are skipped.
    tape: Vec<Token>,
}

impl<'de> Deserializer<'de> {
    /// Reads from the start of the input, in the decoder's mode and within its limits.
    pub fn new(decoder: Decoder, input: &'de [u8]) -> Self {
        let limits = decoder.limits_in_use().usable();
        Self {
            input: input.get(..limits.bytes).unwrap_or(input),
            input_len: input.len(),
            pos: 0,
            depth: 0,
            tokens: 0,
            limits,
            report: Report::new(decoder.is_lenient()),
            broken: None,
            keys: Vec::new(),
            tape: Vec::new(),
        }
    }

    /// Ends the message, and tells what lenient decoding let through, in the input's order.
    ///
    /// # Errors
    /// Bytes are left, or a type gave up within a value and hid its error.
    pub fn end(mut self) -> Result<Vec<Deviation>> {
        let end = self.end_of_prefix()?;
        if end < self.input_len {
            let kind = DeviationKind::TrailingBytes { count: self.input_len - end };
            self.report.deviation(end, kind)?;
        }
        Ok(self.report.into_deviations())
    }

    /// Where the message ends.
    pub(super) fn end_of_prefix(&self) -> Result<usize> {
        match self.broken {
            Some(offset) => Err(Error::new(offset, DeserializeErrorKind::HalfRead)),
            None => Ok(self.pos),
        }
    }

    #[cold]
    fn fail(&mut self, error: impl Into<Error>) -> Error {
        self.broken.get_or_insert(self.pos);
        error.into()
    }

    #[cold]
    fn malformed(&mut self, offset: usize, kind: ErrorKind) -> Error {
        self.fail(DecodeError { offset, kind })
    }

    /// The input stops, and what is under way needs so many bytes.
    #[cold]
    fn cut(&mut self, needed: usize) -> Error {
        let needed = needed.saturating_add(self.depth);
        let offset = self.input.len();
        let kind = if needed > self.limits.bytes - offset {
            ErrorKind::TooLong { max: self.limits.bytes }
        } else {
            ErrorKind::UnexpectedEnd { needed }
        };
        self.malformed(offset, kind)
    }

    /// What stands at `pos` is no value, nor is the input at its end.
    #[cold]
    fn unexpected(&mut self, found: u8, expected: Expected) -> Error {
        // A list's reader looks for its end first, so this is a dictionary's.
        if found == b'e' && self.depth > 0 {
            return self.malformed(self.pos, ErrorKind::MissingValue);
        }
        self.malformed(self.pos, ErrorKind::UnexpectedByte { found, expected })
    }

    #[inline(always)]
    fn token(&mut self, offset: usize) -> Result<()> {
        if self.tokens >= self.limits.tokens {
            let kind = ErrorKind::TooManyTokens { max: self.limits.tokens };
            return Err(self.malformed(offset, kind));
        }
        self.tokens += 1;
        Ok(())
    }

    /// Reads the string whose first digit is at `pos`; `more` bytes must follow it.
    #[inline(always)]
    fn string(&mut self, more: usize) -> Result<&'de [u8]> {
        let start = self.pos;
        match string(self.input, start, &self.limits, &mut self.report) {
            Ok(Text::At { content, end }) => {
                self.token(start)?;
                self.pos = end;
                Ok(&self.input[content..end])
            }
            Ok(Text::Cut { needed }) => Err(self.cut(needed.saturating_add(more))),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Reads the integer whose `i` is at `pos`.
    #[inline(always)]
    fn integer(&mut self) -> Result<Int> {
        let start = self.pos;
        // Nearly all are short and not negative.
        if let [first @ b'0'..=b'9', rest @ ..] = &self.input[start + 1..]
            && self.limits.integer_digits >= SHORT
        {
            let mut number = u64::from(first - b'0');
            for (more, byte) in rest.iter().take(SHORT).enumerate() {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    if *byte == b'e' && (*first != b'0' || more == 0) {
                        self.token(start)?;
                        self.pos = start + more + 3;
                        return Ok(Int::Unsigned(number));
                    }
                    break;
                }
                number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            }
        }
        self.any_integer()
    }

    fn any_integer(&mut self) -> Result<Int> {
        let start = self.pos;
        let end = match integer(self.input, start, &self.limits, &mut self.report) {
            Ok(Number::Until(end)) => end,
            Ok(Number::Cut { needed }) => return Err(self.cut(needed)),
            Err(error) => return Err(self.fail(error)),
        };
        self.token(start)?;
        self.pos = end;
        let digits = &self.input[start + 1..end - 1];
        Int::parse(digits).ok_or_else(|| Error::new(start, DeserializeErrorKind::IntegerOutOfRange))
    }

    /// Goes into the list or dictionary at `pos`.
    #[inline]
    fn open(&mut self) -> Result<()> {
        let max = self.limits.depth.min(MAX_DEPTH);
        if self.depth >= max {
            return Err(self.malformed(self.pos, ErrorKind::TooDeep { max }));
        }
        self.token(self.pos)?;
        self.depth += 1;
        self.pos += 1;
        Ok(())
    }

    /// Leaves a list or dictionary, which its type must have read to the end.
    #[inline]
    fn close<T>(&mut self, start: usize, what: Kind, read: Result<T>) -> Result<T> {
        let value = match read {
            Ok(value) => value,
            Err(error) => {
                self.broken.get_or_insert(start);
                return Err(error.at(start));
            }
        };
        // Some types do not ask whether there is more.
        let more = match what {
            Kind::Dict => self.at_key()?,
            _ => self.at_item()?,
        };
        if more {
            return Err(self.fail(Error::new(self.pos, DeserializeErrorKind::TooMuch)));
        }
        self.token(self.pos)?;
        self.depth -= 1;
        self.pos += 1;
        Ok(value)
    }

    /// Whether a list goes on. If not, its end is at `pos`.
    #[inline]
    fn at_item(&mut self) -> Result<bool> {
        match self.input.get(self.pos) {
            Some(b'0'..=b'9' | b'i' | b'l' | b'd') => Ok(true),
            Some(b'e') => Ok(false),
            Some(&found) => {
                let expected = Expected::ItemOrEnd;
                Err(self.malformed(self.pos, ErrorKind::UnexpectedByte { found, expected }))
            }
            None => Err(self.cut(0)),
        }
    }

    /// Whether a dictionary goes on. If not, its end is at `pos`.
    #[inline]
    fn at_key(&mut self) -> Result<bool> {
        match self.input.get(self.pos) {
            Some(b'0'..=b'9') => Ok(true),
            Some(b'e') => Ok(false),
            Some(&found @ (b'i' | b'l' | b'd')) => {
                Err(self.malformed(self.pos, ErrorKind::KeyNotString { found }))
            }
            Some(&found) => {
                let expected = Expected::KeyOrEnd;
                Err(self.malformed(self.pos, ErrorKind::UnexpectedByte { found, expected }))
            }
            None => Err(self.cut(0)),
        }
    }

    /// What the value at `pos` is.
    #[inline(always)]
    fn kind(&mut self) -> Result<Kind> {
        match self.input.get(self.pos) {
            Some(b'0'..=b'9') => Ok(Kind::Bytes),
            Some(b'i') => Ok(Kind::Integer),
            Some(b'l') => Ok(Kind::List),
            Some(b'd') => Ok(Kind::Dict),
            Some(&found) => Err(self.unexpected(found, Expected::Value)),
            None => Err(self.cut(2)),
        }
    }

    /// Steps over the value at `pos`, without recursion.
    fn skip(&mut self) -> Result<()> {
        match self.kind()? {
            Kind::Bytes => self.string(0).map(|_| ()),
            Kind::Integer => self.skip_integer(),
            Kind::List | Kind::Dict => self.skip_container(),
        }
    }

    fn skip_integer(&mut self) -> Result<()> {
        let start = self.pos;
        match integer(self.input, start, &self.limits, &mut self.report) {
            Ok(Number::Until(end)) => {
                self.token(start)?;
                self.pos = end;
                Ok(())
            }
            Ok(Number::Cut { needed }) => Err(self.cut(needed)),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn skip_container(&mut self) -> Result<()> {
        let max = self.limits;
        let limits =
            Limits { tokens: max.tokens - self.tokens, depth: max.depth - self.depth, ..max };
        self.tape.clear();
        match scan(self.input, self.pos, &limits, &mut self.tape, &mut self.report) {
            Ok(Scanned::Whole { end }) => {
                self.report.find_distant_duplicates(&self.tape, self.input);
                // The last one only marks the end.
                self.tokens += self.tape.len() - 1;
                self.pos = end;
                Ok(())
            }
            Ok(Scanned::Cut { needed }) => Err(self.cut(needed)),
            Err(DecodeError { offset, kind }) => {
                let kind = match kind {
                    ErrorKind::TooDeep { .. } => ErrorKind::TooDeep { max: max.depth },
                    ErrorKind::TooManyTokens { .. } => ErrorKind::TooManyTokens { max: max.tokens },
                    kind => kind,
                };
                Err(self.malformed(offset, kind))
            }
        }
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        self.open()?;
        let read = visitor.visit_seq(Items(self));
        self.close(start, Kind::List, read)
    }

    fn dict<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        self.open()?;
        let base = self.keys.len();
        let read = visitor.visit_map(Entries { de: self, last: None, base, seen: None });
        self.keys.truncate(base);
        self.close(start, Kind::Dict, read)
    }

    #[cold]
    fn mismatch<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        let found = match self.kind()? {
            Kind::Integer => return self.any_integer()?.visit(visitor).map_err(|e| e.at(start)),
            Kind::Bytes => Unexpected::Bytes(self.string(0)?),
            // Not gone into.
            Kind::List => Unexpected::Seq,
            Kind::Dict => Unexpected::Map,
        };
        let error = Error::invalid_type(found, &visitor);
        if matches!(found, Unexpected::Seq | Unexpected::Map) {
            self.broken.get_or_insert(start);
        }
        Err(error.at(start))
    }
}

/// An integer of up to 128 bits, as small as it can be.
enum Int {
    Unsigned(u64),
    Negative(i64),
    WideUnsigned(u128),
    WideNegative(i128),
}

/// Digits that fit 64 bits whatever they are.
const SHORT: usize = 19;

impl Int {
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let magnitude = digits.iter().try_fold(0u128, |number, byte| {
            number.checked_mul(10)?.checked_add(u128::from(byte - b'0'))
        })?;
        Some(if negative && magnitude > 0 {
            let number = 0i128.checked_sub_unsigned(magnitude)?;
            i64::try_from(number).map_or(Self::WideNegative(number), Self::Negative)
        } else {
            u64::try_from(magnitude).map_or(Self::WideUnsigned(magnitude), Self::Unsigned)
        })
    }

    #[inline]
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Negative(number) => visitor.visit_i64(number),
            Self::WideUnsigned(number) => visitor.visit_u128(number),
            Self::WideNegative(number) => visitor.visit_i128(number),
        }
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
            Kind::Bytes => visit_text(self.string(0)?, visitor).map_err(|e| e.at(start)),
            Kind::Integer => self.integer()?.visit(visitor).map_err(|e| e.at(start)),
            Kind::List => self.list(visitor),
            Kind::Dict => self.dict(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        if self.kind()? != Kind::Integer {
            return self.mismatch(visitor);
        }
        let read = match self.integer()? {
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
        if self.kind()? != Kind::Bytes {
            return self.mismatch(visitor);
        }
        visit_text(self.string(0)?, visitor).map_err(|e| e.at(start))
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.pos;
        if self.kind()? != Kind::Bytes {
            return self.mismatch(visitor);
        }
        visitor.visit_borrowed_bytes(self.string(0)?).map_err(|e: Error| e.at(start))
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
            return self.mismatch(visitor);
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
        match self.kind()? {
            Kind::List => self.list(visitor),
            _ => self.mismatch(visitor),
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
        match self.kind()? {
            Kind::Dict => self.dict(visitor),
            _ => self.mismatch(visitor),
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
                let variant = Key(self.string(0)?, start);
                visitor.visit_enum(UnitOnly(variant)).map_err(|e| e.at(start))
            }
            Kind::Dict => {
                self.open()?;
                let read = visitor.visit_enum(Variant(self));
                self.close(start, Kind::Dict, read)
            }
            _ => self.mismatch(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// A list's items.
struct Items<'d, 'de>(&'d mut Deserializer<'de>);

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.0.at_item()? { seed.deserialize(&mut *self.0).map(Some) } else { Ok(None) }
    }
}

/// A dictionary's entries.
struct Entries<'d, 'de> {
    de: &'d mut Deserializer<'de>,
    last: Option<&'de [u8]>,
    /// Lenient: where this dictionary's keys start among those of all that are open.
    base: usize,
    /// Lenient: these keys, from the first one on that is out of order.
    seen: Option<BTreeSet<&'de [u8]>>,
}

impl<'de> Entries<'_, 'de> {
    /// Reads the next key that has not been there before.
    #[inline]
    fn next_key(&mut self) -> Result<Option<Key<'de>>> {
        while self.de.at_key()? {
            let offset = self.de.pos;
            // A value must follow.
            let key = self.de.string(2)?;
            let sorted = self.last.is_none_or(|last| is_less(last, key));
            if (sorted && !self.de.report.lenient) || self.is_new(key, offset, sorted)? {
                self.last = Some(key);
                return Ok(Some(Key(key, offset)));
            }
            self.last = Some(key);
            self.de.skip()?;
        }
        Ok(None)
    }

    /// Lenient decoding goes on behind keys that are out of order; of equal ones the first counts.
    fn is_new(&mut self, key: &'de [u8], offset: usize, sorted: bool) -> Result<bool> {
        let repeated = self.last == Some(key);
        if repeated {
            self.deviation(offset, DeviationKind::DuplicateKey)?;
            return Ok(false);
        }
        if !sorted {
            self.deviation(offset, DeviationKind::UnsortedKey)?;
            if self.seen.is_none() {
                self.seen = Some(self.de.keys.drain(self.base..).collect());
            }
        }
        let Some(seen) = &mut self.seen else {
            self.de.keys.push(key);
            return Ok(true);
        };
        let new = seen.insert(key);
        if !new {
            self.deviation(offset, DeviationKind::DuplicateKey)?;
        }
        Ok(new)
    }

    #[cold]
    fn deviation(&mut self, offset: usize, kind: DeviationKind) -> Result<()> {
        self.de.report.deviation(offset, kind).map_err(|error| self.de.fail(error))
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Error;

    #[inline]
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
        let name = self.0.string(2)?;
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
