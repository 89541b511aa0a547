//! Query: who has this?

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::BufMut;
use nom::Parser;
use nom::combinator::rest;
use nom::number::complete::be_u16;

use crate::pong::check_length;
use crate::read::run;
use crate::{BuildError, DecodeError, DecodeErrorKind, Extensions, PayloadType};

/// A search: flags (in 0.4, a minimum speed), the text up to a NUL byte, then extensions.
///
/// Some servents leave the NUL out; that is kept too, so that the query re-encodes to the same
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    flags: QueryFlags,
    text: &'a [u8],
    /// What follows the NUL byte; `None` without one.
    extension: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    /// The shortest payload: flags and one byte of text.
    pub const MIN_LEN: usize = 3;

    /// A search for `text`, which ends with a NUL byte and nothing more.
    ///
    /// # Errors
    /// The text is empty or contains a NUL byte.
    pub fn new(flags: QueryFlags, text: &'a [u8]) -> Result<Self, BuildError> {
        if text.is_empty() {
            return Err(BuildError::EmptyQuery);
        }
        match text.iter().position(|&byte| byte == 0) {
            Some(position) => Err(BuildError::ContainsNul { position }),
            None => Ok(Self { flags, text, extension: Some(&[]) }),
        }
    }

    /// The same search with these bytes after the NUL.
    pub fn with_extension(self, extension: &'a [u8]) -> Self {
        Self { extension: Some(extension), ..self }
    }

    /// The flags or the minimum speed.
    #[inline]
    pub fn flags(&self) -> QueryFlags {
        self.flags
    }

    /// The search text, in whatever encoding it came.
    #[inline]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// What follows the text's NUL byte: HUGE, GGEP and XML extensions, raw.
    #[inline]
    pub fn extension(&self) -> &'a [u8] {
        self.extension.unwrap_or_default()
    }

    /// What follows the text's NUL byte, as extensions. `urn:sha1:…` among the urns asks for the
    /// file of that hash; the GGEP extension `NP` forbids to ask for results on the sender's behalf.
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::of(self.extension())
    }

    /// Whether the text ends with a NUL byte, as it should.
    pub fn is_terminated(&self) -> bool {
        self.extension.is_some()
    }

    /// Reads a whole payload.
    ///
    /// # Errors
    /// It is shorter than [`MIN_LEN`](Self::MIN_LEN), or there is nothing but NUL bytes after the
    /// flags.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        check_length(PayloadType::QUERY, payload, Self::MIN_LEN)?;
        let ((flags, after), _) = run(payload, 0, (be_u16.map(QueryFlags), rest))?;
        if after.iter().all(|&byte| byte == 0) {
            return Err(DecodeError { offset: 2, kind: DecodeErrorKind::EmptyQuery });
        }
        Ok(match memchr::memchr(0, after) {
            Some(end) => Self { flags, text: &after[..end], extension: Some(&after[end + 1..]) },
            None => Self { flags, text: after, extension: None },
        })
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        2 + self.text.len() + self.extension.map_or(0, |extension| 1 + extension.len())
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u16(self.flags.0);
        out.put_slice(self.text);
        if let Some(extension) = self.extension {
            out.put_u8(0);
            out.put_slice(extension);
        }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedQuery {
        let mut after = Vec::with_capacity(self.encoded_len() - 2);
        after.extend_from_slice(self.text);
        if let Some(extension) = self.extension {
            after.push(0);
            after.extend_from_slice(extension);
        }
        OwnedQuery { flags: self.flags, after: after.into(), text: self.text.len() }
    }
}

/// The owned twin of [`Query`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedQuery {
    flags: QueryFlags,
    /// The text and, unless the NUL byte was left out, that and the extension: one allocation, not two,
    /// because most descriptors are queries.
    after: Box<[u8]>,
    /// How long the text is.
    text: usize,
}

impl OwnedQuery {
    /// The borrowed twin, which has the accessors and encodes.
    #[inline]
    pub fn borrow(&self) -> Query<'_> {
        let (text, extension) = self.after.split_at(self.text);
        Query { flags: self.flags, text, extension: extension.get(1..) }
    }
}

/// The first two bytes of a query, as a big-endian number.
///
/// With bit 15 set they are flags. Without it they are what 0.4 says: the minimum speed in kbit/s a
/// servent must have to answer, little-endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueryFlags(pub u16);

impl QueryFlags {
    /// Set in every query with flags.
    pub const MARK: u16 = 1 << 15;
    /// The searcher is firewalled: only who is not can serve it.
    pub const FIREWALLED: u16 = 1 << 14;
    /// The searcher wants XML metadata.
    pub const XML: u16 = 1 << 13;
    /// A leaf that tells its ultrapeer when it has enough results.
    pub const LEAF_GUIDED: u16 = 1 << 12;
    /// The GGEP block "H" is understood.
    pub const GGEP_H: u16 = 1 << 11;
    /// Results may be sent straight to the searcher, over UDP.
    pub const OUT_OF_BAND: u16 = 1 << 10;
    /// The searcher can transfer from firewall to firewall.
    pub const FIREWALL_TRANSFER: u16 = 1 << 9;
    /// Semi-reliable UDP is understood.
    pub const RELIABLE_UDP: u16 = 1 << 8;

    /// A minimum speed in kbit/s, as 0.4 has it. A speed whose low byte is 128 or more can not be
    /// told from flags any more; readers take it for flags.
    pub const fn from_min_speed(kbits: u16) -> Self {
        Self(kbits.swap_bytes())
    }

    /// Whether all these bits are set in a query that has flags.
    pub const fn has(self, bits: u16) -> bool {
        self.0 & Self::MARK != 0 && self.0 & bits == bits
    }

    /// The minimum speed in kbit/s, of a query without flags.
    pub const fn min_speed(self) -> Option<u16> {
        if self.0 & Self::MARK == 0 { Some(self.0.swap_bytes()) } else { None }
    }

    /// How many results the searcher wants at most, 0 for any number, of a query with flags.
    pub const fn max_hits(self) -> Option<u8> {
        if self.0 & Self::MARK == 0 { None } else { Some(self.0.to_be_bytes()[1]) }
    }
}
