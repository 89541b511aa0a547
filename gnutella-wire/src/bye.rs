//! Bye: why a link is about to be closed.

use alloc::boxed::Box;

use bytes::BufMut;
use nom::Parser;
use nom::combinator::rest;
use nom::number::complete::le_u16;

use crate::pong::check_length;
use crate::read::run;
use crate::{BuildError, DecodeError, Fields, PayloadType};

/// The last descriptor on a link: a code, a text, and perhaps fields as in a text head ("Introducing
/// New Bye Packet", Manfredi 2002). Sent with TTL 1 and hops 0, to who said `Bye-Packet: 0.1`.
///
/// Codes are as in SMTP: 200 to 299, nobody did anything wrong; 400 to 499, the receiver did; 500 to
/// 599, the sender failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bye<'a> {
    /// The code.
    pub code: u16,
    /// What follows, kept as it is: text, fields, NUL.
    pub body: &'a [u8],
}

impl<'a> Bye<'a> {
    /// The shortest payload: a code. Servents write at least the NUL after it.
    pub const MIN_LEN: usize = 2;
    /// The servent is being shut down.
    pub const SHUTDOWN: u16 = 200;
    /// The user closed the link.
    pub const CLOSED_BY_USER: u16 = 201;
    /// The sender made room for a better neighbour.
    pub const REPLACED: u16 = 202;
    /// Descriptors that were too big.
    pub const TOO_BIG: u16 = 400;
    /// Too many descriptors that were seen before.
    pub const TOO_MANY_DUPLICATES: u16 = 401;
    /// Improper queries.
    pub const IMPROPER_QUERIES: u16 = 402;
    /// TTL and hops were too high.
    pub const TTL_TOO_HIGH: u16 = 403;
    /// Nothing came for too long.
    pub const IDLE: u16 = 405;
    /// The sender failed: an I/O error, say.
    pub const INTERNAL_ERROR: u16 = 500;
    /// Sender and receiver no longer agree where descriptors begin.
    pub const DESYNCHRONIZED: u16 = 501;
    /// The receiver reads too slowly.
    pub const QUEUE_FULL: u16 = 502;

    /// Reads a whole payload.
    ///
    /// # Errors
    /// It is shorter than [`MIN_LEN`](Self::MIN_LEN).
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        check_length(PayloadType::BYE, payload, Self::MIN_LEN)?;
        let (bye, _) = run(payload, 0, (le_u16, rest).map(|(code, body)| Self { code, body }))?;
        Ok(bye)
    }

    /// The text for people: the first line, without what ends it.
    pub fn message(&self) -> &'a [u8] {
        let text = self.text();
        let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
        text[..end].trim_ascii_end()
    }

    /// The fields after the first line (`Server: …`), usually none.
    pub fn fields(&self) -> Fields<'a> {
        let text = self.text();
        let start = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1);
        Fields::of(&text[start..])
    }

    /// Everything before the NUL.
    fn text(&self) -> &'a [u8] {
        let end = self.body.iter().position(|&byte| byte == 0).unwrap_or(self.body.len());
        &self.body[..end]
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        2 + self.body.len()
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u16_le(self.code);
        out.put_slice(self.body);
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedBye {
        OwnedBye { code: self.code, body: self.body.into() }
    }
}

/// The owned twin of [`Bye`], which can also be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBye {
    /// As [`Bye::code`].
    pub code: u16,
    /// As [`Bye::body`].
    pub body: Box<[u8]>,
}

impl OwnedBye {
    /// A Bye with this text; to add fields, end it with `\r\n`, the fields, and a blank line.
    ///
    /// # Errors
    /// The text has a NUL byte, which would end it.
    pub fn new(code: u16, text: &[u8]) -> Result<Self, BuildError> {
        match text.iter().position(|&byte| byte == 0) {
            Some(position) => Err(BuildError::ContainsNul { position }),
            None => Ok(Self { code, body: [text, &[0]].concat().into() }),
        }
    }

    /// The borrowed twin, which has the accessors and encodes.
    pub fn borrow(&self) -> Bye<'_> {
        Bye { code: self.code, body: &self.body }
    }
}
