//! Byte ranges: which part of a file is asked for, and which part is sent.

use core::fmt;
use core::ops::Range;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while};
use nom::combinator::{all_consuming, opt};

use crate::read::{Read, decimal_u64, or_kind, run};
use crate::{DecodeError, DecodeErrorKind};

/// The value of a `Range` field with one range (RFC 9110, section 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// `bytes=first-last`; both ends are part of it.
    FromTo {
        /// The first byte.
        first: u64,
        /// The last byte, not before the first.
        last: u64,
    },
    /// `bytes=first-`: from there to the end.
    From {
        /// The first byte.
        first: u64,
    },
    /// `bytes=-length`: the end of the file.
    Last {
        /// How many bytes.
        length: u64,
    },
}

impl ByteRange {
    /// Reads the value of a field. `bytes 0-9`, as some servents write it, is understood too.
    ///
    /// # Errors
    /// It is not one range of bytes, or the range ends before it starts.
    pub fn parse(value: &[u8]) -> Result<Self, DecodeError> {
        let (range, rest) = run(value, 0, (unit, opt_number, dash, opt_number))?;
        let bad = |kind| Err(DecodeError { offset: value.len() - rest.len(), kind });
        if !rest.trim_ascii().is_empty() {
            return bad(DecodeErrorKind::Expected { expected: "the end of a single byte range" });
        }
        match (range.1, range.3) {
            (Some(first), Some(last)) if last < first => bad(DecodeErrorKind::BadRange),
            (Some(first), Some(last)) => Ok(Self::FromTo { first, last }),
            (Some(first), None) => Ok(Self::From { first }),
            (None, Some(length)) => Ok(Self::Last { length }),
            (None, None) => bad(DecodeErrorKind::BadNumber { bits: 64 }),
        }
    }

    /// The bytes it means in a file of `size` bytes; `None` if there is none of them (answer 416).
    pub fn resolve(&self, size: u64) -> Option<Range<u64>> {
        let range = match *self {
            Self::FromTo { first, last } => first..last.saturating_add(1).min(size),
            Self::From { first } => first..size,
            Self::Last { length } => size.saturating_sub(length)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromTo { first, last } => write!(f, "bytes={first}-{last}"),
            Self::From { first } => write!(f, "bytes={first}-"),
            Self::Last { length } => write!(f, "bytes=-{length}"),
        }
    }
}

/// The value of a `Content-Range` field: `bytes first-last/size` (RFC 9110, section 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentRange {
    /// The first and last byte that are sent; `None` (`*`) if there is nothing to send (416).
    pub range: Option<(u64, u64)>,
    /// The size of the whole file; `None` (`*`) if it is not known.
    pub size: Option<u64>,
}

impl ContentRange {
    /// Reads the value of a field. `bytes=0-9/10`, as some servents write it, is understood too.
    ///
    /// # Errors
    /// It is not a content range, or ends before it starts or past the size.
    pub fn parse(value: &[u8]) -> Result<Self, DecodeError> {
        let kind = DecodeErrorKind::Expected { expected: "`first-last/size`" };
        let numbers = (decimal_u64, dash, decimal_u64).map(|(first, _, last)| Some((first, last)));
        let size = alt((tag("*").map(|_| None), decimal_u64.map(Some)));
        let ((_, range, _, size), _) = run(
            value.trim_ascii_end(),
            0,
            or_kind(
                kind,
                all_consuming((unit, alt((tag("*").map(|_| None), numbers)), tag("/"), size)),
            ),
        )?;
        match (range, size) {
            (Some((first, last)), _) if last < first => {
                Err(DecodeError { offset: 0, kind: DecodeErrorKind::BadRange })
            }
            (Some((_, last)), Some(size)) if last >= size => {
                Err(DecodeError { offset: 0, kind: DecodeErrorKind::BadRange })
            }
            _ => Ok(Self { range, size }),
        }
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Some((first, last)) => write!(f, "bytes {first}-{last}/")?,
            None => write!(f, "bytes */")?,
        }
        match self.size {
            Some(size) => write!(f, "{size}"),
            None => write!(f, "*"),
        }
    }
}

fn unit(input: &[u8]) -> Read<'_, ()> {
    let kind = DecodeErrorKind::Expected { expected: "`bytes`" };
    or_kind(kind, (tag_no_case("bytes"), spaces, opt(tag("=")), spaces)).map(|_| ()).parse(input)
}

fn dash(input: &[u8]) -> Read<'_, ()> {
    let kind = DecodeErrorKind::Expected { expected: "`-`" };
    or_kind(kind, (spaces, tag("-"), spaces)).map(|_| ()).parse(input)
}

fn spaces(input: &[u8]) -> Read<'_, &[u8]> {
    take_while(|byte| byte == b' ').parse(input)
}

/// A number, or nothing where no digit stands.
fn opt_number(input: &[u8]) -> Read<'_, Option<u64>> {
    match input.first() {
        Some(byte) if byte.is_ascii_digit() => decimal_u64.map(Some).parse(input),
        _ => Ok((input, None)),
    }
}
