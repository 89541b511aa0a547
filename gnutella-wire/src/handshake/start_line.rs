//! The handshake: `GNUTELLA CONNECT/…` and its answer.

use core::fmt;

use nom::Parser;
use nom::bytes::complete::tag;
use nom::combinator::{all_consuming, opt};

use crate::read::{Read, decimal_u32, or_kind, run};
use crate::{DecodeError, DecodeErrorKind, Head, OwnedHead};

/// The protocol version of a handshake, `0.4` or `0.6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Before the point.
    pub major: u32,
    /// After it.
    pub minor: u32,
}

impl Version {
    /// Gnutella 0.4.
    pub const V04: Self = Self { major: 0, minor: 4 };
    /// Gnutella 0.6.
    pub const V06: Self = Self { major: 0, minor: 6 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn version(input: &[u8]) -> Read<'_, Version> {
    (decimal_u32, or_kind(DecodeErrorKind::Expected { expected: "`.`" }, tag(".")), decimal_u32)
        .map(|(major, _, minor)| Version { major, minor })
        .parse(input)
}

fn end_of_line(input: &[u8]) -> Read<'_, ()> {
    let kind = DecodeErrorKind::Expected { expected: "the end of the line" };
    or_kind(kind, all_consuming(opt(tag(" ")))).map(|_| ()).parse(input)
}

/// What the side that opened the connection says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The version it speaks.
    pub version: Version,
    /// The whole head; 0.6 has fields.
    pub head: Head<'a>,
}

impl<'a> Connect<'a> {
    /// `GNUTELLA CONNECT/0.4` and a blank line, to send.
    pub fn v04() -> OwnedHead {
        OwnedHead::build(b"GNUTELLA CONNECT/0.4").finish_v04()
    }

    /// Reads the start line.
    ///
    /// # Errors
    /// It is not `GNUTELLA CONNECT/<major>.<minor>`.
    pub fn parse(head: Head<'a>) -> Result<Self, DecodeError> {
        let expected = DecodeErrorKind::Expected { expected: "`GNUTELLA CONNECT/`" };
        let ((_, version, ()), _) = run(
            head.start_line(),
            0,
            (or_kind(expected, tag("GNUTELLA CONNECT/")), version, end_of_line),
        )?;
        Ok(Self { version, head })
    }
}

/// What the other side answers. Anything that is not an acceptance is a refusal: 0.4 defines none,
/// and what refusing servents send varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// `GNUTELLA OK`: a 0.4 link is up.
    AcceptedV04,
    /// `GNUTELLA/<version> <code> …` with a code from 200 to 299 but 204: 0.6 goes on from here.
    Accepted {
        /// The version it speaks.
        version: Version,
        /// The whole head.
        head: Head<'a>,
    },
    /// Anything else.
    Refused {
        /// The status code, if there was one, such as 503. gtk-gnutella says 204 of itself as a leaf to
        /// who is none of its ultrapeers.
        code: Option<u32>,
        /// The whole head; a 503 may name other hosts to try.
        head: Head<'a>,
    },
}

impl<'a> Reply<'a> {
    /// `GNUTELLA OK` and a blank line, to send.
    pub fn v04() -> OwnedHead {
        OwnedHead::build(b"GNUTELLA OK").finish_v04()
    }

    /// Reads the start line; every head means something.
    pub fn parse(head: Head<'a>) -> Self {
        let line = head.start_line();
        if line.trim_ascii_end() == b"GNUTELLA OK" {
            return Self::AcceptedV04;
        }
        match run(line, 0, status) {
            Ok(((version, code @ (200..=203 | 205..=299)), _)) => match version {
                Some(version) => Self::Accepted { version, head },
                None => Self::Refused { code: Some(code), head },
            },
            Ok(((_, code), _)) => Self::Refused { code: Some(code), head },
            Err(_) => Self::Refused { code: None, head },
        }
    }
}

/// `GNUTELLA/0.6 200 …`; some refuse with an HTTP status line, which has no Gnutella version.
fn status(input: &[u8]) -> Read<'_, (Option<Version>, u32)> {
    let (rest, gnutella) = opt(tag("GNUTELLA/")).parse(input)?;
    let (rest, _) = if gnutella.is_none() { tag("HTTP/").parse(rest)? } else { (rest, input) };
    let (rest, (version, _, code)) = (version, tag(" "), decimal_u32).parse(rest)?;
    if !rest.is_empty() {
        tag(" ").parse(rest)?;
    }
    Ok((rest, (gnutella.map(|_| version), code)))
}
