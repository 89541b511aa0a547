//! The bridge between nom's parsers and this crate's errors: offsets instead of rests of input.

use core::net::{Ipv4Addr, SocketAddrV4};

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};

use crate::{DecodeError, DecodeErrorKind, Guid};

pub(crate) type Read<'a, T> = IResult<&'a [u8], T, Fault>;

/// What nom's parsers return: how much input was left, from which the offset follows.
#[derive(Debug)]
pub(crate) struct Fault {
    left: usize,
    kind: DecodeErrorKind,
}

impl Fault {
    /// A failure that no other branch can repair.
    pub(crate) fn failure<T>(rest: &[u8], kind: DecodeErrorKind) -> Read<'_, T> {
        Err(nom::Err::Failure(Self { left: rest.len(), kind }))
    }
}

impl ParseError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { left: input.len(), kind: DecodeErrorKind::Truncated { needed: 1 } }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Runs a parser over `bytes`, which start at `base` in what the user handed in.
pub(crate) fn run<'a, T>(
    bytes: &'a [u8],
    base: usize,
    mut parser: impl Parser<&'a [u8], Output = T, Error = Fault>,
) -> Result<(T, &'a [u8]), DecodeError> {
    match parser.parse(bytes) {
        Ok((rest, value)) => Ok((value, rest)),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => {
            Err(DecodeError { offset: base + bytes.len() - fault.left, kind: fault.kind })
        }
        // Only nom's streaming parsers ask for more, and none is used here.
        Err(nom::Err::Incomplete(_)) => Err(DecodeError {
            offset: base + bytes.len(),
            kind: DecodeErrorKind::Truncated { needed: 1 },
        }),
    }
}

/// A parser for text: `kind` says what was expected where `parser` fails.
pub(crate) fn or_kind<'a, T>(
    kind: DecodeErrorKind,
    mut parser: impl Parser<&'a [u8], Output = T, Error = Fault>,
) -> impl FnMut(&'a [u8]) -> Read<'a, T> {
    move |input| parser.parse(input).or_else(|_| Fault::failure(input, kind))
}

pub(crate) fn guid(input: &[u8]) -> Read<'_, Guid> {
    nom::bytes::complete::take(Guid::LEN)
        .map(|bytes: &[u8]| Guid::from_slice(bytes).unwrap_or(Guid::ZERO))
        .parse(input)
}

pub(crate) fn ipv4(input: &[u8]) -> Read<'_, Ipv4Addr> {
    nom::number::complete::be_u32.map(Ipv4Addr::from_bits).parse(input)
}

/// Port (little-endian) before IPv4 address, as in Pong and QueryHit.
pub(crate) fn port_address(input: &[u8]) -> Read<'_, SocketAddrV4> {
    (nom::number::complete::le_u16, ipv4).map(|(port, ip)| SocketAddrV4::new(ip, port)).parse(input)
}

/// A decimal number of a text head; digits only, no sign.
pub(crate) fn decimal_u64(input: &[u8]) -> Read<'_, u64> {
    let digits = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = input.split_at(digits);
    let value = number.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    match value {
        Some(value) if digits > 0 => Ok((rest, value)),
        _ => Fault::failure(input, DecodeErrorKind::BadNumber { bits: 64 }),
    }
}

/// As [`decimal_u64`], for 32 bits.
pub(crate) fn decimal_u32(input: &[u8]) -> Read<'_, u32> {
    let kind = DecodeErrorKind::BadNumber { bits: 32 };
    match decimal_u64(input) {
        Ok((rest, value)) => match u32::try_from(value) {
            Ok(value) => Ok((rest, value)),
            Err(_) => Fault::failure(input, kind),
        },
        Err(_) => Fault::failure(input, kind),
    }
}

/// A string that ends with a NUL byte, which is consumed and not part of it.
#[inline]
pub(crate) fn nul_terminated(input: &[u8]) -> Read<'_, &[u8]> {
    match memchr::memchr(0, input) {
        Some(end) => Ok((&input[end + 1..], &input[..end])),
        None => Fault::failure(&input[input.len()..], DecodeErrorKind::Truncated { needed: 1 }),
    }
}
