//! QueryHit: who has what a query asked for.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddrV4;

use bytes::BufMut;
use nom::Parser;
use nom::number::complete::{le_u32, u8};

use crate::pong::check_length;
use crate::read::{Read, nul_terminated, port_address, run};
use crate::{
    BuildError, DecodeError, DecodeErrorKind, Extensions, GgepValue, Guid, Limits, PayloadType,
    Trailer,
};

/// Bytes before the results: count, port, address, speed.
const FIXED: usize = 11;

/// The answer to a [`Query`](crate::Query), with the query's GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryHit<'a> {
    /// Where the servent that answers accepts connections.
    pub address: SocketAddrV4,
    /// Its speed in kbit/s.
    pub speed: u32,
    /// What it has.
    pub results: Results<'a>,
    /// What stands between the results and the last 16 bytes: empty in plain 0.4, else a
    /// [`Trailer`]. Kept as it is, also if it makes no sense.
    pub trailer: &'a [u8],
    /// Names the servent that answers: the last 16 bytes. A [`Push`](crate::Push) is sent to it.
    pub servent: Guid,
}

impl<'a> QueryHit<'a> {
    /// The shortest payload: no results and no trailer.
    pub const MIN_LEN: usize = FIXED + Guid::LEN;

    /// Reads a whole payload, and checks that all announced results are there.
    ///
    /// # Errors
    /// It is too short, or ends within the results. The trailer is judged by
    /// [`trailer`](Self::trailer) only.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        check_length(PayloadType::QUERY_HIT, payload, Self::MIN_LEN)?;
        let (body, servent) = payload.split_at(payload.len() - Guid::LEN);
        let servent = Guid::from_slice(servent).unwrap_or(Guid::ZERO);
        let ((count, address, speed), after) = run(body, 0, (u8, port_address, le_u32))?;
        let mut rest = after;
        for read in 0..count {
            let kind = DecodeErrorKind::MissingResults { announced: count, ended_in: read + 1 };
            (_, rest) = run(rest, payload.len() - Guid::LEN - rest.len(), hit_result)
                .map_err(|error| DecodeError { kind, ..error })?;
        }
        let (results, trailer) = after.split_at(after.len() - rest.len());
        let results = Results { count, bytes: results };
        Ok(Self { address, speed, results, trailer, servent })
    }

    /// Reads the trailer, `None` if there is none.
    ///
    /// # Errors
    /// The trailer makes no sense; offsets count from the start of the payload.
    pub fn trailer(&self) -> Result<Option<Trailer<'a>>, DecodeError> {
        if self.trailer.is_empty() {
            return Ok(None);
        }
        let base = FIXED + self.results.bytes.len();
        Trailer::decode(self.trailer)
            .map(Some)
            .map_err(|error| DecodeError { offset: error.offset + base, ..error })
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        FIXED + self.results.bytes.len() + self.trailer.len() + Guid::LEN
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u8(self.results.count);
        out.put_u16_le(self.address.port());
        out.put_slice(&self.address.ip().octets());
        out.put_u32_le(self.speed);
        out.put_slice(self.results.bytes);
        out.put_slice(self.trailer);
        out.put_slice(self.servent.as_bytes());
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedQueryHit {
        OwnedQueryHit {
            address: self.address,
            speed: self.speed,
            count: self.results.count,
            results: self.results.bytes.into(),
            trailer: self.trailer.into(),
            servent: self.servent,
        }
    }
}

/// One file of a query hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitResult<'a> {
    /// The file's index at the servent that has it.
    pub index: u32,
    /// Its size in bytes.
    pub size: u32,
    /// Its name, in whatever encoding it came.
    pub name: &'a [u8],
    /// What stands between the name's NUL byte and the next one, kept as it is.
    pub extension: &'a [u8],
}

impl<'a> HitResult<'a> {
    /// What stands between the NUL bytes, as extensions: the file's urns, other locations, ….
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::of(self.extension)
    }

    /// The file's size in bytes, also if it has 4 GiB or more: then the GGEP extension `LF` has it.
    ///
    /// # Errors
    /// That extension makes no sense; offsets count from the start of its data.
    pub fn full_size(&self, limits: &Limits) -> Result<u64, DecodeError> {
        let Some(item) = self.extensions().ggep(b"LF") else { return Ok(self.size.into()) };
        match GgepValue::decode(item.id(), &item.data(limits)?)? {
            GgepValue::Number(size) => Ok(size),
            _ => Ok(self.size.into()),
        }
    }
}

fn hit_result(input: &[u8]) -> Read<'_, HitResult<'_>> {
    (le_u32, le_u32, nul_terminated, nul_terminated)
        .map(|(index, size, name, extension)| HitResult { index, size, name, extension })
        .parse(input)
}

/// The results of a query hit: an iterator over what was checked already, without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Results<'a> {
    count: u8,
    bytes: &'a [u8],
}

impl<'a> Iterator for Results<'a> {
    type Item = HitResult<'a>;

    #[inline]
    fn next(&mut self) -> Option<HitResult<'a>> {
        let count = self.count.checked_sub(1)?;
        let (rest, result) = hit_result(self.bytes).ok()?;
        *self = Self { count, bytes: rest };
        Some(result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count.into(), Some(self.count.into()))
    }
}

impl ExactSizeIterator for Results<'_> {}

/// The owned twin of [`QueryHit`], which can also be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedQueryHit {
    /// As [`QueryHit::address`].
    pub address: SocketAddrV4,
    /// As [`QueryHit::speed`].
    pub speed: u32,
    count: u8,
    results: Box<[u8]>,
    /// As [`QueryHit::trailer`].
    pub trailer: Box<[u8]>,
    /// As [`QueryHit::servent`].
    pub servent: Guid,
}

impl OwnedQueryHit {
    /// A hit with these results and no trailer.
    ///
    /// # Errors
    /// More than 255 results, or a NUL byte in a name or an extension.
    pub fn new<'r>(
        address: SocketAddrV4,
        speed: u32,
        servent: Guid,
        results: impl IntoIterator<Item = HitResult<'r>>,
    ) -> Result<Self, BuildError> {
        let mut bytes = Vec::new();
        let mut count = 0_u8;
        for result in results {
            count =
                count.checked_add(1).ok_or(BuildError::TooManyResults { max: u8::MAX.into() })?;
            bytes.put_u32_le(result.index);
            bytes.put_u32_le(result.size);
            for string in [result.name, result.extension] {
                if let Some(position) = string.iter().position(|&byte| byte == 0) {
                    return Err(BuildError::ContainsNul { position });
                }
                bytes.put_slice(string);
                bytes.put_u8(0);
            }
        }
        let results = bytes.into();
        Ok(Self { address, speed, count, results, trailer: Box::default(), servent })
    }

    /// The borrowed twin, which has the accessors and encodes.
    pub fn borrow(&self) -> QueryHit<'_> {
        QueryHit {
            address: self.address,
            speed: self.speed,
            results: Results { count: self.count, bytes: &self.results },
            trailer: &self.trailer,
            servent: self.servent,
        }
    }
}
