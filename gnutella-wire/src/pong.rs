//! Pong: where a servent is, and how much it shares.

use alloc::boxed::Box;
use core::net::SocketAddrV4;

use bytes::BufMut;
use nom::Parser;
use nom::combinator::rest;
use nom::number::complete::le_u32;

use crate::read::{port_address, run};
use crate::{DecodeError, DecodeErrorKind, Extensions, PayloadType};

/// The answer to a [`Ping`](crate::Ping), with the Ping's GUID: 14 bytes, then extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong<'a> {
    /// Where the servent accepts connections.
    pub address: SocketAddrV4,
    /// How many files it shares.
    pub files: u32,
    /// How many kilobytes it shares.
    pub kbytes: u32,
    /// What follows, kept as it is.
    pub extension: &'a [u8],
}

impl<'a> Pong<'a> {
    /// The length without extension, in bytes.
    pub const MIN_LEN: usize = 14;

    /// Reads a whole payload.
    ///
    /// # Errors
    /// It is shorter than [`MIN_LEN`](Self::MIN_LEN).
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        check_length(PayloadType::PONG, payload, Self::MIN_LEN)?;
        let (pong, _) =
            run(
                payload,
                0,
                (port_address, le_u32, le_u32, rest).map(|(address, files, kbytes, extension)| {
                    Pong { address, files, kbytes, extension }
                }),
            )?;
        Ok(pong)
    }

    /// What follows the fixed fields, as extensions.
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::of(self.extension)
    }

    /// Whether the number of kilobytes is a mark that an ultrapeer made: a power of two, at least 8.
    pub fn is_ultrapeer(&self) -> bool {
        self.kbytes.is_power_of_two() && self.kbytes >= 8
    }

    /// The number of kilobytes an ultrapeer says instead of `kbytes`: the nearest power of two, at
    /// least 8 (Phex; RFC-Gnutella 0.6, section 2.2.3).
    pub fn ultrapeer_kbytes(kbytes: u32) -> u32 {
        // Halfway between two powers it is the greater one.
        let power = kbytes.max(8).ilog2();
        let next = kbytes >= 3 << (power - 1);
        1_u32.checked_shl(power + u32::from(next)).unwrap_or(1 << 31)
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        Self::MIN_LEN + self.extension.len()
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u16_le(self.address.port());
        out.put_slice(&self.address.ip().octets());
        out.put_u32_le(self.files);
        out.put_u32_le(self.kbytes);
        out.put_slice(self.extension);
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedPong {
        OwnedPong {
            address: self.address,
            files: self.files,
            kbytes: self.kbytes,
            extension: self.extension.into(),
        }
    }
}

/// Refuses a payload that is too short for its type.
pub(crate) fn check_length(
    payload_type: PayloadType,
    payload: &[u8],
    min: usize,
) -> Result<(), DecodeError> {
    if payload.len() >= min {
        return Ok(());
    }
    let kind = DecodeErrorKind::PayloadTooShort { payload_type, length: payload.len(), min };
    Err(DecodeError { offset: payload.len(), kind })
}

/// The owned twin of [`Pong`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedPong {
    /// As [`Pong::address`].
    pub address: SocketAddrV4,
    /// As [`Pong::files`].
    pub files: u32,
    /// As [`Pong::kbytes`].
    pub kbytes: u32,
    /// As [`Pong::extension`].
    pub extension: Box<[u8]>,
}

impl OwnedPong {
    /// The borrowed twin, which encodes.
    pub fn borrow(&self) -> Pong<'_> {
        Pong {
            address: self.address,
            files: self.files,
            kbytes: self.kbytes,
            extension: &self.extension,
        }
    }
}
