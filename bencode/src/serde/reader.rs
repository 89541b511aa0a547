//! The typed reader's own work: bytes to strings, numbers, lists and dictionaries, by the rules and
//! within the limits of the tape's decoder.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use ::serde::de::{self, Error as _, Unexpected};

use super::error::{DeserializeError as Error, DeserializeErrorKind};
use super::int::Int;
use crate::decode::Decoder;
use crate::digits::{SHORT, leading_digits};
use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind, Expected};
use crate::limits::Limits;
use crate::node::Kind;
use crate::scan::{Number, Report, Scanned, Text, integer, scan, short_string, string};
use crate::token::Token;

pub(super) type Result<T, E = Error> = core::result::Result<T, E>;

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
    pub(super) input: &'de [u8],
    /// How much there is.
    input_len: usize,
    pub(super) pos: usize,
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
    pub(super) report: Report,
    /// Where an error left a value half read.
    pub(super) broken: Option<usize>,
    /// Lenient: the dictionaries that are open.
    pub(super) dicts: Vec<Keys<'de>>,
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
    pub(super) fn fail(&mut self, error: impl Into<Error>) -> Error {
        self.broken.get_or_insert(self.pos);
        error.into()
    }

    #[cold]
    pub(super) fn malformed(&mut self, offset: usize, kind: ErrorKind) -> Error {
        self.fail(DecodeError { offset, kind })
    }

    /// The input stops, and what is under way needs so many bytes.
    #[cold]
    pub(super) fn cut(&mut self, needed: usize) -> Error {
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
    pub(super) fn unexpected(&mut self, found: u8, expected: Expected) -> Error {
        // A list's reader looks for its end first, so this is a dictionary's.
        if found == b'e' && self.depth > 0 {
            return self.malformed(self.pos, ErrorKind::MissingValue);
        }
        self.malformed(self.pos, ErrorKind::UnexpectedByte { found, expected })
    }

    #[inline(always)]
    pub(super) fn token(&mut self, offset: usize) -> Result<()> {
        if self.plain { Ok(()) } else { self.count(offset) }
    }

    #[inline(never)]
    pub(super) fn count(&mut self, offset: usize) -> Result<()> {
        if self.tokens >= self.limits.tokens {
            let kind = ErrorKind::TooManyTokens { max: self.limits.tokens };
            return Err(self.malformed(offset, kind));
        }
        self.tokens += 1;
        Ok(())
    }

    /// Reads the string at `pos`, if it is a short one.
    #[inline(always)]
    pub(super) fn short_string(&mut self) -> Option<&'de [u8]> {
        if !self.plain {
            return None;
        }
        let (content, end) = short_string(self.input, self.pos)?;
        self.pos = end;
        Some(&self.input[content..end])
    }

    /// Reads the string whose first digit is at `pos`.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<&'de [u8]> {
        match self.short_string() {
            Some(content) => Ok(content),
            None => self.any_string(0),
        }
    }

    /// As [`string`](Self::string), and `more` bytes must follow.
    pub(super) fn any_string(&mut self, more: usize) -> Result<&'de [u8]> {
        let start = self.pos;
        let content = self.uncounted_string(more)?;
        self.token(start)?;
        Ok(content)
    }

    #[inline(never)]
    pub(super) fn uncounted_string(&mut self, more: usize) -> Result<&'de [u8]> {
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
    pub(super) fn any_key(&mut self, last: Option<&[u8]>) -> Result<&'de [u8]> {
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
    pub(super) fn short_integer(&mut self) -> Option<u64> {
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
    pub(super) fn integer(&mut self) -> Result<Int> {
        match self.short_integer() {
            Some(number) => Ok(Int::Unsigned(number)),
            None => self.any_integer(),
        }
    }

    #[inline(never)]
    pub(super) fn any_integer(&mut self) -> Result<Int> {
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
    pub(super) fn open(&mut self) -> Result<()> {
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
    pub(super) fn close<T>(&mut self, start: usize, what: Kind, read: Result<T>) -> Result<T> {
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
    pub(super) fn half_read(&mut self, start: usize, error: Error) -> Error {
        self.broken.get_or_insert(start);
        error.at(start)
    }

    /// Some types do not ask whether there is more.
    #[cold]
    pub(super) fn no_end(&mut self, what: Kind) -> Error {
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
    pub(super) fn at_end(&mut self) -> Result<bool> {
        match self.input.get(self.pos) {
            Some(byte) => Ok(*byte == b'e'),
            None => Err(self.cut(0)),
        }
    }

    /// Whether a dictionary goes on. If not, its end is at `pos`.
    #[cold]
    pub(super) fn at_key(&mut self) -> Result<bool> {
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
    pub(super) fn kind(&mut self) -> Result<Kind> {
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
    pub(super) fn skip(&mut self) -> Result<()> {
        match self.kind()? {
            Kind::Bytes => self.string().map(|_| ()),
            Kind::Integer => self.skip_integer(),
            Kind::List | Kind::Dict => self.skip_container(),
        }
    }

    pub(super) fn skip_integer(&mut self) -> Result<()> {
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

    pub(super) fn skip_container(&mut self) -> Result<()> {
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

    /// Counts the items up to the list's end, if they are few and short strings: a path's parts, say.
    /// Torrents have many such lists, and the memory that a vector takes by guess is more than theirs.
    #[inline]
    pub(super) fn count_few(&self) -> Option<usize> {
        let mut at = self.pos;
        for count in 0..=FEW {
            if self.input.get(at) == Some(&b'e') {
                return Some(count);
            }
            (_, at) = short_string(self.input, at)?;
        }
        None
    }

    /// Whether a key has not been there before. Lenient decoding goes on behind keys that are out of
    /// order; of equal ones the first counts.
    #[inline(never)]
    pub(super) fn is_new(
        &mut self,
        key: &'de [u8],
        last: Option<&[u8]>,
        offset: usize,
    ) -> Result<bool> {
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

    pub(super) fn deviation(&mut self, offset: usize, kind: DeviationKind) -> Result<()> {
        self.report.deviation(offset, kind).map_err(|error| self.fail(error))
    }

    /// Reads a string that is not a short one, if it is a string at all.
    #[inline(never)]
    pub(super) fn string_for(&mut self, wanted: &dyn de::Expected) -> Result<&'de [u8]> {
        if self.kind()? == Kind::Bytes { self.any_string(0) } else { Err(self.mismatch(wanted)) }
    }

    /// Reads an integer, if it is one.
    #[inline(never)]
    pub(super) fn integer_for(&mut self, wanted: &dyn de::Expected) -> Result<Int> {
        if self.kind()? == Kind::Integer { self.integer() } else { Err(self.mismatch(wanted)) }
    }

    /// The value at `pos` is another than the type wants. Types may hide the error and go on, so it is
    /// read over, unless that would take long.
    #[cold]
    pub(super) fn mismatch(&mut self, wanted: &dyn de::Expected) -> Error {
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

/// How many items of a list are worth counting.
const FEW: usize = 4;

/// A dictionary's keys so far, to find those that are there already.
#[derive(Debug)]
pub(super) enum Keys<'de> {
    /// Each is greater than the one before.
    InOrder(Vec<&'de [u8]>),
    Any(BTreeSet<&'de [u8]>),
}
