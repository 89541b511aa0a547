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
use crate::digits::{SHORT, leading_digits};
use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind, Expected};
use crate::limits::Limits;
use crate::node::Kind;
use crate::scan::{Number, Report, Scanned, Text, integer, is_less, scan, short_string, string};
use crate::token::Token;

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
    /// Open lists and dictionaries. (Not as wide as `pos`: where both change, the compiler would join
    /// them into one wide load, which has to wait for the narrow stores before it.)
    depth: u32,
    /// How many may be, of those that are not skipped.
    max_depth: u32,
    /// As a tape would have them. Not counted if [`plain`](Self::plain).
    tokens: usize,
    limits: Limits,
    /// The input is too short to have too many tokens, and small numbers do not have too many digits:
    /// so the quick ways need not look at these limits.
    plain: bool,
    report: Report,
    /// Where an error left a value half read.
    broken: Option<usize>,
    /// Lenient: the dictionaries that are open.
    dicts: Vec<Keys<'de>>,
    /// For values that are skipped.
    tape: Vec<Token>,
}

impl<'de> Deserializer<'de> {
    /// Reads from the start of the input, in the decoder's mode and within its limits.
    pub fn new(decoder: Decoder, input: &'de [u8]) -> Self {
        let limits = decoder.limits_in_use().usable();
        Self {
            input: input.get(..limits.bytes).unwrap_or(input),
            // A token takes at least a byte.
            plain: limits.tokens >= input.len() && limits.integer_digits >= SHORT,
            input_len: input.len(),
            pos: 0,
            depth: 0,
            max_depth: limits.depth.min(MAX_DEPTH) as u32,
            tokens: 0,
            limits,
            report: Report::new(decoder.is_lenient()),
            broken: None,
            dicts: Vec::new(),
            tape: Vec::new(),
        }
    }

    /// Ends the message, and tells what lenient decoding let through, in the input's order.
    ///
    /// # Errors
    /// Bytes are left, or a type gave up within a value and hid its error.
    pub fn end(mut self) -> Result<Vec<Deviation>> {
        self.finish()?;
        Ok(self.report.into_deviations())
    }

    #[inline]
    pub(super) fn finish(&mut self) -> Result<()> {
        let end = self.end_of_prefix()?;
        if end < self.input_len {
            let kind = DeviationKind::TrailingBytes { count: self.input_len - end };
            self.report.deviation(end, kind)?;
        }
        Ok(())
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
        let needed = needed.saturating_add(self.depth as usize);
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
        if self.plain { Ok(()) } else { self.count(offset) }
    }

    #[inline(never)]
    fn count(&mut self, offset: usize) -> Result<()> {
        if self.tokens >= self.limits.tokens {
            let kind = ErrorKind::TooManyTokens { max: self.limits.tokens };
            return Err(self.malformed(offset, kind));
        }
        self.tokens += 1;
        Ok(())
    }

    /// Reads the string at `pos`, if it is a short one.
    #[inline(always)]
    fn short_string(&mut self) -> Option<&'de [u8]> {
        if !self.plain {
            return None;
        }
        let (content, end) = short_string(self.input, self.pos)?;
        self.pos = end;
        Some(&self.input[content..end])
    }

    /// Reads the string whose first digit is at `pos`.
    #[inline(always)]
    fn string(&mut self) -> Result<&'de [u8]> {
        match self.short_string() {
            Some(content) => Ok(content),
            None => self.any_string(0),
        }
    }

    /// As [`string`](Self::string), and `more` bytes must follow.
    fn any_string(&mut self, more: usize) -> Result<&'de [u8]> {
        let start = self.pos;
        let content = self.uncounted_string(more)?;
        self.token(start)?;
        Ok(content)
    }

    #[inline(never)]
    fn uncounted_string(&mut self, more: usize) -> Result<&'de [u8]> {
        let start = self.pos;
        match string(self.input, start, &self.limits, &mut self.report) {
            Ok(Text::At { content, end }) => {
                self.pos = end;
                Ok(&self.input[content..end])
            }
            Ok(Text::Cut { needed }) => Err(self.cut(needed.saturating_add(more))),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Reads a key that is not a short one. Where it must not stand behind the last one it does not
    /// count as a token: that error comes first.
    #[inline(never)]
    fn any_key(&mut self, last: Option<&[u8]>) -> Result<&'de [u8]> {
        let start = self.pos;
        self.at_key()?;
        // A value must follow.
        let key = self.uncounted_string(2)?;
        if self.report.lenient || last.is_none_or(|last| last < key) {
            self.token(start)?;
        }
        Ok(key)
    }

    /// Reads the integer at `pos`, if it is what nearly all are: canonical, short and not negative.
    #[inline(always)]
    fn short_integer(&mut self) -> Option<u64> {
        let [b'i', digits @ ..] = self.input.get(self.pos..)? else { return None };
        if !self.plain {
            return None;
        }
        let (number, len) = leading_digits(digits)?;
        let is_canonical = digits.first() != Some(&b'0') || len == 1;
        if !is_canonical || digits.get(len) != Some(&b'e') {
            return None;
        }
        self.pos += len + 2;
        Some(number)
    }

    /// Reads the integer whose `i` is at `pos`.
    fn integer(&mut self) -> Result<Int> {
        match self.short_integer() {
            Some(number) => Ok(Int::Unsigned(number)),
            None => self.any_integer(),
        }
    }

    #[inline(never)]
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
        if self.depth >= self.max_depth {
            let max = self.max_depth as usize;
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
            Err(error) => return Err(self.half_read(start, error)),
        };
        if self.input.get(self.pos) != Some(&b'e') {
            return Err(self.no_end(what));
        }
        self.token(self.pos)?;
        self.depth -= 1;
        self.pos += 1;
        Ok(value)
    }

    #[cold]
    fn half_read(&mut self, start: usize, error: Error) -> Error {
        self.broken.get_or_insert(start);
        error.at(start)
    }

    /// Some types do not ask whether there is more.
    #[cold]
    fn no_end(&mut self, what: Kind) -> Error {
        let next = match what {
            Kind::Dict => self.at_key().map(|_| ()),
            _ => match self.at_end() {
                Ok(_) => self.kind().map(|_| ()).map_err(|error| error.of_item(self.pos)),
                Err(error) => Err(error),
            },
        };
        match next {
            Ok(()) => self.fail(Error::new(self.pos, DeserializeErrorKind::TooMuch)),
            Err(error) => error,
        }
    }

    /// Whether a list or dictionary ends at `pos`.
    #[inline(always)]
    fn at_end(&mut self) -> Result<bool> {
        match self.input.get(self.pos) {
            Some(byte) => Ok(*byte == b'e'),
            None => Err(self.cut(0)),
        }
    }

    /// Whether a dictionary goes on. If not, its end is at `pos`.
    #[cold]
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
            Kind::Bytes => self.string().map(|_| ()),
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
        let limits = Limits {
            tokens: max.tokens - self.tokens,
            depth: max.depth - self.depth as usize,
            ..max
        };
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
        let count = self.count_few();
        let read = visitor.visit_seq(Items { de: self, count });
        self.close(start, Kind::List, read)
    }

    /// Counts the items up to the list's end, if they are few and short strings: a path's parts, say.
    /// Torrents have many such lists, and the memory that a vector takes by guess is more than theirs.
    #[inline]
    fn count_few(&self) -> Option<usize> {
        let mut at = self.pos;
        for count in 0..=FEW {
            if self.input.get(at) == Some(&b'e') {
                return Some(count);
            }
            (_, at) = short_string(self.input, at)?;
        }
        None
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

    /// Whether a key has not been there before. Lenient decoding goes on behind keys that are out of
    /// order; of equal ones the first counts.
    #[inline(never)]
    fn is_new(&mut self, key: &'de [u8], last: Option<&[u8]>, offset: usize) -> Result<bool> {
        if last == Some(key) {
            self.deviation(offset, DeviationKind::DuplicateKey)?;
            return Ok(false);
        }
        let sorted = last.is_none_or(|last| last < key);
        if !sorted {
            self.deviation(offset, DeviationKind::UnsortedKey)?;
        }
        let Some(keys) = self.dicts.last_mut() else { return Ok(true) };
        if let Keys::InOrder(in_order) = keys {
            if sorted {
                in_order.push(key);
                return Ok(true);
            }
            *keys = Keys::Any(in_order.drain(..).collect());
        }
        let Keys::Any(any) = keys else { return Ok(true) };
        let is_new = any.insert(key);
        if !is_new {
            self.deviation(offset, DeviationKind::DuplicateKey)?;
        }
        Ok(is_new)
    }

    fn deviation(&mut self, offset: usize, kind: DeviationKind) -> Result<()> {
        self.report.deviation(offset, kind).map_err(|error| self.fail(error))
    }

    /// Reads a string that is not a short one, if it is a string at all.
    #[inline(never)]
    fn string_for(&mut self, wanted: &dyn de::Expected) -> Result<&'de [u8]> {
        if self.kind()? == Kind::Bytes { self.any_string(0) } else { Err(self.mismatch(wanted)) }
    }

    /// Reads an integer, if it is one.
    #[inline(never)]
    fn integer_for(&mut self, wanted: &dyn de::Expected) -> Result<Int> {
        if self.kind()? == Kind::Integer { self.integer() } else { Err(self.mismatch(wanted)) }
    }

    /// The value at `pos` is another than the type wants. Types may hide the error and go on, so it is
    /// read over, unless that would take long.
    #[cold]
    fn mismatch(&mut self, wanted: &dyn de::Expected) -> Error {
        let start = self.pos;
        let error = match self.kind() {
            Err(error) => return error,
            Ok(Kind::Integer) => match self.any_integer() {
                Err(error) => return error,
                Ok(Int::Unsigned(number)) => {
                    Error::invalid_type(Unexpected::Unsigned(number), wanted)
                }
                Ok(Int::Negative(number)) => {
                    Error::invalid_type(Unexpected::Signed(number), wanted)
                }
                Ok(Int::WideUnsigned(_) | Int::WideNegative(_)) => {
                    Error::invalid_type(Unexpected::Other("integer of more than 64 bits"), wanted)
                }
            },
            Ok(Kind::Bytes) => match self.any_string(0) {
                Err(error) => return error,
                Ok(content) => match core::str::from_utf8(content) {
                    Ok(text) => Error::invalid_type(Unexpected::Str(text), wanted),
                    Err(_) => Error::invalid_type(Unexpected::Bytes(content), wanted),
                },
            },
            Ok(Kind::List) => {
                self.broken.get_or_insert(start);
                Error::invalid_type(Unexpected::Seq, wanted)
            }
            Ok(Kind::Dict) => {
                self.broken.get_or_insert(start);
                Error::invalid_type(Unexpected::Map, wanted)
            }
        };
        error.at(start)
    }
}

/// An integer of up to 128 bits, as small as it can be.
enum Int {
    Unsigned(u64),
    Negative(i64),
    WideUnsigned(u128),
    WideNegative(i128),
}

/// How many items of a list are worth counting.
const FEW: usize = 4;

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

/// A dictionary's keys so far, to find those that are there already.
#[derive(Debug)]
enum Keys<'de> {
    /// Each is greater than the one before.
    InOrder(Vec<&'de [u8]>),
    Any(BTreeSet<&'de [u8]>),
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
