//! The head of a download's request.

use alloc::vec::Vec;
use core::net::SocketAddr;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::combinator::rest;

use super::ByteRange;
use crate::read::{decimal_u32, or_kind, run};
use crate::{DecodeError, DecodeErrorKind, Head, HeadBuilder, OwnedHead, Urn, Version};

/// `GET <target> HTTP/<version>` and its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Whether the file is wanted, or only what would be said before it.
    pub method: Method,
    /// What is asked for.
    pub target: Target<'a>,
    /// The HTTP version, 1.0 or 1.1 usually.
    pub version: Version,
    /// The whole head.
    pub head: Head<'a>,
}

/// What to do with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`: send it.
    Get,
    /// `HEAD`: send only the head of the response.
    Head,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target<'a> {
    /// `/get/<index>/<name>`: a file by its index, as the hit named it.
    File {
        /// The index.
        index: u32,
        /// The name as it stands in the request: usually percent-encoded, but old servents write it
        /// as it is, spaces included.
        name: &'a [u8],
    },
    /// `/uri-res/<service>?<urn>`: a file by its hash (HUGE 0.94, section 4; RFC 2169).
    Urn {
        /// `N2R` for the file itself; `N2X` for its Tiger tree (THEX).
        service: &'a [u8],
        /// The urn; see [`Urn::parse`](crate::Urn::parse).
        urn: &'a [u8],
    },
    /// Any other path.
    Other {
        /// The path as it stands in the request.
        path: &'a [u8],
    },
}

impl<'a> Request<'a> {
    /// A request for a file by its hash, to send to `host`, after more fields if there are some.
    pub fn build_urn(urn: &Urn, host: SocketAddr, range: Option<ByteRange>) -> HeadBuilder {
        Self::begin(alloc::format!("GET /uri-res/N2R?{urn} HTTP/1.1").as_bytes(), host, range)
    }

    /// A request for a file, to send to `host`, after more fields if there are some. The name is
    /// percent-encoded. `Host` is not for us to leave out (RFC 9112, section 3.2): gtk-gnutella answers
    /// 400 then.
    pub fn build(
        index: u32,
        name: &[u8],
        host: SocketAddr,
        range: Option<ByteRange>,
    ) -> HeadBuilder {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut line = Vec::from(alloc::format!("GET /get/{index}/"));
        for &byte in name {
            if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
                line.push(byte);
            } else {
                line.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        line.extend_from_slice(b" HTTP/1.1");
        Self::begin(&line, host, range)
    }

    fn begin(line: &[u8], host: SocketAddr, range: Option<ByteRange>) -> HeadBuilder {
        let head = OwnedHead::build(line).field("Host", host);
        match range {
            Some(range) => head.field("Range", range),
            None => head,
        }
    }

    /// Reads the start line. Everything between the method and the last ` HTTP/` is the target, because
    /// old servents do not encode spaces.
    ///
    /// # Errors
    /// It is not a GET or HEAD request, or the index is not a number.
    pub fn parse(head: Head<'a>) -> Result<Self, DecodeError> {
        let expected = |expected| DecodeErrorKind::Expected { expected };
        let line = head.start_line();
        let get = tag("GET ").map(|_| Method::Get);
        let method = alt((get, tag("HEAD ").map(|_| Method::Head)));
        let ((method, after), _) =
            run(line, 0, (or_kind(expected("`GET ` or `HEAD `"), method), rest))?;
        let end = after
            .windows(b" HTTP/".len())
            .rposition(|window| window == b" HTTP/")
            .ok_or(DecodeError { offset: line.len(), kind: expected("` HTTP/`") })?;
        let (path, after) = after.split_at(end);
        let base = line.len() - after.len() + b" HTTP/".len();
        let version = parse_version(&after[b" HTTP/".len()..], base)?;
        let target = match path.strip_prefix(b"/get/") {
            None => by_urn(path).unwrap_or(Target::Other { path }),
            Some(path) => {
                let base = head.offset_of(path);
                let slash = or_kind(expected("`/` after the index"), tag("/"));
                let ((index, _, name), _) = run(path, base, (decimal_u32, slash, rest))?;
                // Gnutella 0.4 shows a slash after the name as well.
                Target::File { index, name: name.strip_suffix(b"/").unwrap_or(name) }
            }
        };
        Ok(Self { method, target, version, head })
    }

    /// The part of the file that is asked for; `None` for all of it.
    ///
    /// # Errors
    /// The `Range` field makes no sense; offsets count from the start of the head.
    pub fn range(&self) -> Result<Option<ByteRange>, DecodeError> {
        let Some(value) = self.head.field("Range") else { return Ok(None) };
        ByteRange::parse(value).map(Some).map_err(|error| DecodeError {
            offset: error.offset + self.head.offset_of(value),
            ..error
        })
    }
}

impl Target<'_> {
    /// The name of a file with percent-encoding undone; what is no valid encoding is left as it is.
    pub fn decoded_name(&self) -> Option<Vec<u8>> {
        let Self::File { name, .. } = self else { return None };
        let mut decoded = Vec::with_capacity(name.len());
        let mut rest = *name;
        while let Some((&byte, after)) = rest.split_first() {
            let value = match after {
                [high, low, ..] if byte == b'%' => hex_value(*high).zip(hex_value(*low)),
                _ => None,
            };
            match value {
                Some((high, low)) => {
                    decoded.push(high << 4 | low);
                    rest = &after[2..];
                }
                None => {
                    decoded.push(byte);
                    rest = after;
                }
            }
        }
        Some(decoded)
    }
}

/// `/uri-res/<service>?<urn>`
fn by_urn(path: &[u8]) -> Option<Target<'_>> {
    let path = path.strip_prefix(b"/uri-res/")?;
    let mark = path.iter().position(|&byte| byte == b'?')?;
    Some(Target::Urn { service: &path[..mark], urn: &path[mark + 1..] })
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `1.1`, and nothing after it but white space.
fn parse_version(text: &[u8], base: usize) -> Result<Version, DecodeError> {
    let dot = or_kind(DecodeErrorKind::Expected { expected: "`.`" }, tag("."));
    let ((major, _, minor), rest) = run(text, base, (decimal_u32, dot, decimal_u32))?;
    if !rest.trim_ascii().is_empty() {
        let kind = DecodeErrorKind::Expected { expected: "the end of the line" };
        return Err(DecodeError { offset: base + text.len() - rest.len(), kind });
    }
    Ok(Version { major, minor })
}
