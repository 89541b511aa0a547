//! Vendor messages: whose, which, in which version, and what it says.

use alloc::boxed::Box;

use bytes::BufMut;
use nom::bytes::complete::take;
use nom::combinator::rest;
use nom::number::complete::le_u16;

use crate::pong::check_length;
use crate::read::run;
use crate::{DecodeError, PayloadType, VendorMessage};

/// Which vendor message it is. Displayed as servents log it: `LIME/12v2`, `null/10v0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VendorId {
    /// Four letters, or four zero bytes ("null") for messages that are nobody's own.
    pub vendor: [u8; 4],
    /// Which of the vendor's messages.
    pub selector: u16,
    /// In which version.
    pub version: u16,
}

impl core::fmt::Display for VendorId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.vendor {
            [0, 0, 0, 0] => write!(f, "null")?,
            letters => write!(f, "{}", letters.escape_ascii())?,
        }
        write!(f, "/{}v{}", self.selector, self.version)
    }
}

/// A vendor message (type 31), or one that became common (type 32). It is never passed on: TTL 1,
/// hops 0, and usually the GUID of all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor<'a> {
    /// Whether the type is [`PayloadType::STANDARD`] rather than [`PayloadType::VENDOR`].
    pub standard: bool,
    /// Which message.
    pub id: VendorId,
    /// What follows, kept as it is.
    pub data: &'a [u8],
}

impl<'a> Vendor<'a> {
    /// The length without data, in bytes.
    pub const MIN_LEN: usize = 8;

    /// Reads a whole payload. `standard` tells type 32 from type 31.
    ///
    /// # Errors
    /// It is shorter than [`MIN_LEN`](Self::MIN_LEN).
    pub fn decode(standard: bool, payload: &'a [u8]) -> Result<Self, DecodeError> {
        let payload_type = if standard { PayloadType::STANDARD } else { PayloadType::VENDOR };
        check_length(payload_type, payload, Self::MIN_LEN)?;
        let ((vendor, selector, version, data), _) =
            run(payload, 0, (take(4_usize), le_u16, le_u16, rest))?;
        let vendor = vendor.try_into().unwrap_or_default();
        Ok(Self { standard, id: VendorId { vendor, selector, version }, data })
    }

    /// Looks into the data.
    ///
    /// # Errors
    /// It is not what this message holds; offsets count from the start of the payload.
    pub fn message(&self) -> Result<VendorMessage<'a>, DecodeError> {
        VendorMessage::decode(self.id, self.data)
            .map_err(|error| DecodeError { offset: error.offset + Self::MIN_LEN, ..error })
    }

    /// The type byte that goes with it.
    pub fn payload_type(&self) -> PayloadType {
        if self.standard { PayloadType::STANDARD } else { PayloadType::VENDOR }
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        Self::MIN_LEN + self.data.len()
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(&self.id.vendor);
        out.put_u16_le(self.id.selector);
        out.put_u16_le(self.id.version);
        out.put_slice(self.data);
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedVendor {
        OwnedVendor { standard: self.standard, id: self.id, data: self.data.into() }
    }
}

/// The owned twin of [`Vendor`]; built by [`VendorMessage::to_vendor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedVendor {
    /// As [`Vendor::standard`].
    pub standard: bool,
    /// As [`Vendor::id`].
    pub id: VendorId,
    /// As [`Vendor::data`].
    pub data: Box<[u8]>,
}

impl OwnedVendor {
    /// The borrowed twin, which has the accessors and encodes.
    pub fn borrow(&self) -> Vendor<'_> {
        Vendor { standard: self.standard, id: self.id, data: &self.data }
    }
}
