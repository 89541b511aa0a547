//! Lists of addresses in GGEP extensions.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::BufMut;

use crate::{DecodeError, DecodeErrorKind};

/// Addresses one after the other, without allocation: 6 bytes each (IPv4 and port) in `IPP`, `ALT` and
/// `PUSH`, 18 (IPv6 and port) in `IPP6`, `ALT6` and `PUSH6`. The address is big-endian, the port
/// little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressList<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl<'a> AddressList<'a> {
    const V4: usize = 6;
    const V6: usize = 18;

    /// A list of IPv4 addresses.
    ///
    /// # Errors
    /// The length is no multiple of 6.
    pub fn v4(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::of(bytes, Self::V4, "a multiple of 6")
    }

    /// A list of IPv6 addresses.
    ///
    /// # Errors
    /// The length is no multiple of 18.
    pub fn v6(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::of(bytes, Self::V6, "a multiple of 18")
    }

    fn of(bytes: &'a [u8], size: usize, expected: &'static str) -> Result<Self, DecodeError> {
        if bytes.len().is_multiple_of(size) {
            return Ok(Self { bytes, size });
        }
        let kind = DecodeErrorKind::ValueLength { length: bytes.len(), expected };
        Err(DecodeError { offset: bytes.len(), kind })
    }

    /// The addresses, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SocketAddr> + use<'a> {
        self.bytes.chunks_exact(self.size).map(|entry| {
            let (ip, port) = entry.split_at(entry.len() - 2);
            SocketAddr::new(ip_of(ip), u16::from_le_bytes([port[0], port[1]]))
        })
    }

    /// The list of those of `addresses` that are IPv4 ones.
    pub fn encode_v4(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<u8> {
        Self::encode(addresses, SocketAddr::is_ipv4)
    }

    /// The list of those of `addresses` that are IPv6 ones.
    pub fn encode_v6(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<u8> {
        Self::encode(addresses, SocketAddr::is_ipv6)
    }

    fn encode(
        addresses: impl IntoIterator<Item = SocketAddr>,
        wanted: fn(&SocketAddr) -> bool,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for address in addresses.into_iter().filter(wanted) {
            put_address(&mut out, address);
        }
        out
    }
}

/// Whether the host at `index` of a list understands TLS, by the bits of the extension beside it
/// (`IPP_TLS`, `ALT_TLS`, `PUSH_TLS`): most significant first; hosts past the end do not.
pub fn is_tls(bits: &[u8], index: usize) -> bool {
    bits.get(index / 8).is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
}

/// A single address, of 6 or 18 bytes.
pub(crate) fn address(bytes: &[u8]) -> Option<SocketAddr> {
    match bytes.len() {
        AddressList::V4 => AddressList::v4(bytes).ok()?.iter().next(),
        AddressList::V6 => AddressList::v6(bytes).ok()?.iter().next(),
        _ => None,
    }
}

pub(crate) fn put_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => out.put_slice(&ip.octets()),
        IpAddr::V6(ip) => out.put_slice(&ip.octets()),
    }
    out.put_u16_le(address.port());
}

/// An address of 4 bytes or, else, of 16.
fn ip_of(bytes: &[u8]) -> IpAddr {
    match <[u8; 4]>::try_from(bytes) {
        Ok(octets) => Ipv4Addr::from(octets).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).unwrap_or_default()).into(),
    }
}
