//! GIV: the servent that got a Push offers the file.

use alloc::format;
use alloc::vec::Vec;

use nom::bytes::complete::{tag, take};
use nom::combinator::rest;

use crate::read::{decimal_u32, or_kind, run};
use crate::{DecodeError, DecodeErrorKind, Guid, Head, OwnedHead};

/// `GIV <index>:<servent GUID>/<name>` and a blank line: what a servent says first on the connection
/// it opened because of a [`Push`](crate::Push). The other side then sends its
/// [`Request`](crate::Request) on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Giv<'a> {
    /// The file's index.
    pub index: u32,
    /// The servent that has it.
    pub servent: Guid,
    /// The file's name, as written.
    pub name: &'a [u8],
    /// The whole head.
    pub head: Head<'a>,
}

impl<'a> Giv<'a> {
    /// The line, to send. The GUID is written in upper case, as most servents do; control characters
    /// in the name become `_`.
    pub fn build(index: u32, servent: Guid, name: &[u8]) -> OwnedHead {
        let mut line = Vec::from(format!("GIV {index}:{servent:X}/"));
        line.extend_from_slice(name);
        OwnedHead::build(&line).finish_v04()
    }

    /// Reads the line.
    ///
    /// # Errors
    /// It is not a GIV line.
    pub fn parse(head: Head<'a>) -> Result<Self, DecodeError> {
        let expected = |expected| DecodeErrorKind::Expected { expected };
        let digits = "32 hexadecimal digits";
        let line = head.start_line();
        let ((_, index, _, hex, _, name), _) = run(
            line,
            0,
            (
                or_kind(expected("`GIV `"), tag("GIV ")),
                decimal_u32,
                or_kind(expected("`:`"), tag(":")),
                or_kind(expected(digits), take(2 * Guid::LEN)),
                or_kind(expected("`/`"), tag("/")),
                rest,
            ),
        )?;
        let servent = Guid::parse_hex(hex)
            .ok_or(DecodeError { offset: head.offset_of(hex), kind: expected(digits) })?;
        Ok(Self { index, servent, name, head })
    }
}
