//! The two messages that build a query routing table at the other end.

use alloc::boxed::Box;

use bytes::BufMut;
use nom::Parser;
use nom::combinator::rest;
use nom::number::complete::{le_u32, u8};

use crate::read::{Read, run};
use crate::{DecodeError, DecodeErrorKind, PayloadType};

/// A query routing message (type 30; "Query Routing for the Gnutella Network", Rohrs 2002, section
/// 3.2). Sent with TTL 1 and hops 0.
///
/// Whether it makes sense depends on what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Qrp<'a> {
    /// Begin with an empty table.
    Reset {
        /// How many slots it has: a power of two.
        slots: u32,
        /// The distance that means "not there": usually 7, 2 in gtk-gnutella.
        infinity: u8,
        /// What follows, kept as it is.
        rest: &'a [u8],
    },
    /// Change the table: one fragment of a change.
    Patch(QrpPatch<'a>),
}

/// One fragment of a change to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QrpPatch<'a> {
    /// Which fragment, from 1.
    pub number: u8,
    /// How many there are.
    pub count: u8,
    /// 0: as it is; 1: all fragments together are one zlib stream.
    pub compressor: u8,
    /// How wide an entry is: 8, 4, 2 or 1 bits.
    pub entry_bits: u8,
    /// The fragment.
    pub data: &'a [u8],
}

impl<'a> Qrp<'a> {
    const RESET_LEN: usize = 6;
    const PATCH_LEN: usize = 5;

    /// Reads a whole payload.
    ///
    /// # Errors
    /// It is neither message, or cut off.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let min = match payload.first() {
            Some(0) => Self::RESET_LEN,
            Some(1) => Self::PATCH_LEN,
            Some(&variant) => {
                let kind = DecodeErrorKind::QrpVariant { variant };
                return Err(DecodeError { offset: 0, kind });
            }
            None => Self::PATCH_LEN,
        };
        crate::pong::check_length(PayloadType::QRP, payload, min)?;
        let (qrp, _) = run(&payload[1..], 1, if payload[0] == 0 { reset } else { patch })?;
        Ok(qrp)
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Reset { rest, .. } => Self::RESET_LEN + rest.len(),
            Self::Patch(patch) => Self::PATCH_LEN + patch.data.len(),
        }
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Reset { slots, infinity, rest } => {
                out.put_u8(0);
                out.put_u32_le(*slots);
                out.put_u8(*infinity);
                out.put_slice(rest);
            }
            Self::Patch(QrpPatch { number, count, compressor, entry_bits, data }) => {
                out.put_slice(&[1, *number, *count, *compressor, *entry_bits]);
                out.put_slice(data);
            }
        }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedQrp {
        match self {
            Self::Reset { slots, infinity, rest } => {
                OwnedQrp::Reset { slots: *slots, infinity: *infinity, rest: (*rest).into() }
            }
            Self::Patch(QrpPatch { number, count, compressor, entry_bits, data }) => {
                OwnedQrp::Patch {
                    number: *number,
                    count: *count,
                    compressor: *compressor,
                    entry_bits: *entry_bits,
                    data: (*data).into(),
                }
            }
        }
    }
}

fn reset(input: &[u8]) -> Read<'_, Qrp<'_>> {
    (le_u32, u8, rest)
        .map(|(slots, infinity, rest)| Qrp::Reset { slots, infinity, rest })
        .parse(input)
}

fn patch(input: &[u8]) -> Read<'_, Qrp<'_>> {
    (u8, u8, u8, u8, rest)
        .map(|(number, count, compressor, entry_bits, data)| {
            Qrp::Patch(QrpPatch { number, count, compressor, entry_bits, data })
        })
        .parse(input)
}

/// The owned twin of [`Qrp`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnedQrp {
    /// As [`Qrp::Reset`].
    Reset {
        /// How many slots the table has.
        slots: u32,
        /// The distance that means "not there".
        infinity: u8,
        /// What follows.
        rest: Box<[u8]>,
    },
    /// As [`Qrp::Patch`].
    Patch {
        /// As [`QrpPatch::number`].
        number: u8,
        /// As [`QrpPatch::count`].
        count: u8,
        /// As [`QrpPatch::compressor`].
        compressor: u8,
        /// As [`QrpPatch::entry_bits`].
        entry_bits: u8,
        /// As [`QrpPatch::data`].
        data: Box<[u8]>,
    },
}

impl OwnedQrp {
    /// The borrowed twin, which encodes.
    pub fn borrow(&self) -> Qrp<'_> {
        match self {
            Self::Reset { slots, infinity, rest } => {
                Qrp::Reset { slots: *slots, infinity: *infinity, rest }
            }
            Self::Patch { number, count, compressor, entry_bits, data } => Qrp::Patch(QrpPatch {
                number: *number,
                count: *count,
                compressor: *compressor,
                entry_bits: *entry_bits,
                data,
            }),
        }
    }
}
