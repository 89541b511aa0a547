//! Push: a firewalled servent is asked to open the connection.

use alloc::boxed::Box;
use core::net::SocketAddrV4;

use bytes::BufMut;
use nom::Parser;
use nom::combinator::rest;
use nom::number::complete::{le_u16, le_u32};

use crate::pong::check_length;
use crate::read::{guid, ipv4, run};
use crate::{DecodeError, Extensions, Guid, PayloadType};

/// Asks a servent, by its own GUID, to connect to `address` and offer a file with
/// [`Giv`](crate::Giv): 26 bytes, then extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// The servent that has the file, as its [`QueryHit`](crate::QueryHit) named it.
    pub servent: Guid,
    /// The file's index there.
    pub index: u32,
    /// Where the one who wants the file accepts connections.
    pub address: SocketAddrV4,
    /// What follows, kept as it is.
    pub extension: &'a [u8],
}

impl<'a> Push<'a> {
    /// The length without extension, in bytes.
    pub const MIN_LEN: usize = 26;

    /// Reads a whole payload.
    ///
    /// # Errors
    /// It is shorter than [`MIN_LEN`](Self::MIN_LEN).
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        check_length(PayloadType::PUSH, payload, Self::MIN_LEN)?;
        let (push, _) =
            run(
                payload,
                0,
                (guid, le_u32, ipv4, le_u16, rest).map(|(servent, index, ip, port, extension)| {
                    Push { servent, index, address: SocketAddrV4::new(ip, port), extension }
                }),
            )?;
        Ok(push)
    }

    /// What follows the fixed fields, as extensions.
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::of(self.extension)
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        Self::MIN_LEN + self.extension.len()
    }

    /// Appends the payload's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.servent.as_bytes());
        out.put_u32_le(self.index);
        out.put_slice(&self.address.ip().octets());
        out.put_u16_le(self.address.port());
        out.put_slice(self.extension);
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedPush {
        OwnedPush {
            servent: self.servent,
            index: self.index,
            address: self.address,
            extension: self.extension.into(),
        }
    }
}

/// The owned twin of [`Push`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedPush {
    /// As [`Push::servent`].
    pub servent: Guid,
    /// As [`Push::index`].
    pub index: u32,
    /// As [`Push::address`].
    pub address: SocketAddrV4,
    /// As [`Push::extension`].
    pub extension: Box<[u8]>,
}

impl OwnedPush {
    /// The borrowed twin, which encodes.
    pub fn borrow(&self) -> Push<'_> {
        Push {
            servent: self.servent,
            index: self.index,
            address: self.address,
            extension: &self.extension,
        }
    }
}
