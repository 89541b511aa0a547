//! The head of a download's response.

use alloc::format;

use nom::Parser;
use nom::bytes::complete::{tag, tag_no_case, take_while};
use nom::combinator::{opt, rest};

use super::ContentRange;
use crate::read::{Read, decimal_u32, decimal_u64, or_kind, run};
use crate::{DecodeError, DecodeErrorKind, Head, HeadBuilder, OwnedHead};

/// `HTTP/<version> <code> <reason>` and its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status code: 200, 206 with a part of the file, 404, 416, 503 if all slots are taken.
    pub code: u32,
    /// The text after the code.
    pub reason: &'a [u8],
    /// The whole head.
    pub head: Head<'a>,
}

impl<'a> Response<'a> {
    /// A response that sends the bytes `start..end` of a file of `size` bytes, to send before them:
    /// 200 if that is the whole file and it was not asked for as a range, else 206. As with all of these,
    /// more fields can be added.
    pub fn ok(start: u64, end: u64, size: u64, ranged: bool) -> HeadBuilder {
        let length = end.saturating_sub(start);
        let head = |code| Self::start(code).field("Content-Type", "application/binary");
        if ranged && length > 0 {
            let range = ContentRange { range: Some((start, end - 1)), size: Some(size) };
            head(206).field("Content-Length", length).field("Content-Range", range)
        } else {
            head(200).field("Content-Length", length)
        }
    }

    /// A response without a body, to send: 404, 503, ….
    pub fn refusal(code: u32) -> HeadBuilder {
        Self::start(code).field("Content-Length", 0)
    }

    /// The response to a range that has no byte of a file of `size` bytes, to send.
    pub fn range_not_satisfiable(size: u64) -> HeadBuilder {
        let range = ContentRange { range: None, size: Some(size) };
        Self::start(416).field("Content-Length", 0).field("Content-Range", range)
    }

    fn start(code: u32) -> HeadBuilder {
        let reason = match code {
            200 => "OK",
            206 => "Partial Content",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            416 => "Range Not Satisfiable",
            503 => "Service Unavailable",
            _ => "Other",
        };
        OwnedHead::build(format!("HTTP/1.1 {code} {reason}").as_bytes())
    }

    /// Reads the start line. `HTTP 200 OK`, as Gnutella 0.4 shows it, is understood too.
    ///
    /// # Errors
    /// It is not a status line.
    pub fn parse(head: Head<'a>) -> Result<Self, DecodeError> {
        let ((_, code, reason), _) = run(head.start_line(), 0, (protocol, decimal_u32, rest))?;
        Ok(Self { code, reason: reason.trim_ascii(), head })
    }

    /// The length of the body in bytes; `None` if the field is missing.
    ///
    /// # Errors
    /// The field is not a number; offsets count from the start of the head.
    pub fn content_length(&self) -> Result<Option<u64>, DecodeError> {
        let Some(value) = self.head.field("Content-Length") else { return Ok(None) };
        let base = self.head.offset_of(value);
        let (length, rest) = run(value, base, decimal_u64)?;
        if rest.is_empty() {
            return Ok(Some(length));
        }
        let kind = DecodeErrorKind::Expected { expected: "a number alone" };
        Err(DecodeError { offset: base + value.len() - rest.len(), kind })
    }

    /// Which part of the file the body is; `None` if the field is missing.
    ///
    /// # Errors
    /// The field makes no sense; offsets count from the start of the head.
    pub fn content_range(&self) -> Result<Option<ContentRange>, DecodeError> {
        let Some(value) = self.head.field("Content-Range") else { return Ok(None) };
        ContentRange::parse(value).map(Some).map_err(|error| DecodeError {
            offset: error.offset + self.head.offset_of(value),
            ..error
        })
    }
}

/// `HTTP/1.1 ` or `HTTP `.
fn protocol(input: &[u8]) -> Read<'_, ()> {
    let version = (tag("/"), take_while(|byte: u8| byte.is_ascii_digit() || byte == b'.'));
    let kind = DecodeErrorKind::Expected { expected: "`HTTP/1.1 `" };
    or_kind(kind, (tag_no_case("HTTP"), opt(version), tag(" "))).map(|_| ()).parse(input)
}
