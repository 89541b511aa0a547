//! What the GGEP extensions in use hold.

use alloc::vec::Vec;
use core::net::{Ipv6Addr, SocketAddr};

use crate::addresses::address;
use crate::{AddressList, DecodeError, DecodeErrorKind, Urn};

/// The value of a GGEP extension. Extensions whose meaning is in being there (`BH`, `TLS`, `SO`,
/// `NP`, …), and unknown ones, are [`Other`](Self::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GgepValue<'a> {
    /// `IPP`, `ALT`, `PUSH`, `IPP6`, `ALT6`, `PUSH6`: hosts to try, other locations of the file,
    /// push proxies.
    Addresses(AddressList<'a>),
    /// `IP`: the address a Ping was seen to come from. Empty in a Ping, where it asks for that.
    ObservedAddress(Option<SocketAddr>),
    /// `6`: the IPv6 address of who sends this.
    Ipv6(Option<Ipv6Addr>),
    /// `DU`, average daily uptime in seconds; `LF`, size of a large file in bytes; `CT`, when the
    /// file was made, in seconds since 1970.
    Number(u64),
    /// `VC`: vendor and version of a servent.
    Vendor {
        /// Four letters.
        vendor: [u8; 4],
        /// Major version in the upper four bits, minor in the lower; some leave it out.
        version: Option<u8>,
    },
    /// `UP`: an ultrapeer, and how much room it has.
    Ultrapeer {
        /// The version of ultrapeer query routing, major in the upper four bits.
        version: u8,
        /// Free places for leaves.
        leaves: u8,
        /// Free places for ultrapeers.
        ultrapeers: u8,
    },
    /// `SCP`: hosts in the answer, please.
    HostsWanted {
        /// Bit 0: for who looks for ultrapeers' places, not leaves'; bit 1: TLS ones first; bit 2: IPv6
        /// ones too; bit 3: only those.
        flags: u8,
    },
    /// `H` or `u`: the file's hash.
    Hash(Urn),
    /// `TT`: the root of the file's Tiger tree, sometimes with its depth after it.
    TigerRoot([u8; 24]),
    /// Anything else.
    Other(&'a [u8]),
}

impl<'a> GgepValue<'a> {
    /// Reads the value of the extension `id`, from its data as [`GgepItem::data`] returns it.
    ///
    /// # Errors
    /// The data is not what that extension holds.
    ///
    /// [`GgepItem::data`]: crate::GgepItem::data
    pub fn decode(id: &[u8], data: &'a [u8]) -> Result<Self, DecodeError> {
        let expected = |expected| {
            let kind = DecodeErrorKind::ValueLength { length: data.len(), expected };
            DecodeError { offset: 0, kind }
        };
        Ok(match id {
            b"IPP" | b"ALT" | b"PUSH" => Self::Addresses(AddressList::v4(data)?),
            b"IPP6" | b"ALT6" | b"PUSH6" => Self::Addresses(AddressList::v6(data)?),
            b"IP" if data.is_empty() => Self::ObservedAddress(None),
            b"IP" => Self::ObservedAddress(Some(address(data).ok_or(expected("0, 6 or 18"))?)),
            b"6" if data.is_empty() => Self::Ipv6(None),
            b"6" => {
                let octets: [u8; 16] = data.try_into().map_err(|_| expected("0 or 16"))?;
                Self::Ipv6(Some(octets.into()))
            }
            b"DU" | b"LF" | b"CT" => Self::Number(number(data).ok_or(expected("0 to 8"))?),
            b"VC" => match *data {
                [a, b, c, d] => Self::Vendor { vendor: [a, b, c, d], version: None },
                [a, b, c, d, v, ..] => Self::Vendor { vendor: [a, b, c, d], version: Some(v) },
                _ => return Err(expected("at least 4")),
            },
            b"UP" => match *data {
                [version, leaves, ultrapeers, ..] => {
                    Self::Ultrapeer { version, leaves, ultrapeers }
                }
                _ => return Err(expected("at least 3")),
            },
            b"SCP" => Self::HostsWanted { flags: data.first().copied().unwrap_or(0) },
            b"H" => hash(data).ok_or(expected("1 and 20 or 1 and 44"))?,
            b"u" => Self::Hash(Urn::parse_suffix(data)?),
            b"TT" => {
                let root = data.first_chunk().ok_or(expected("at least 24"))?;
                Self::TigerRoot(*root)
            }
            _ => Self::Other(data),
        })
    }
}

/// A little-endian number of at most 8 bytes, zeros at the end left out.
fn number(data: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..data.len())?.copy_from_slice(data);
    Some(u64::from_le_bytes(bytes))
}

/// The data of `DU`, `LF` and `CT`: a number, little-endian, in as few bytes as possible, but at least
/// one.
pub fn ggep_number(value: u64) -> Vec<u8> {
    let length = (8 - value.leading_zeros() as usize / 8).max(1);
    value.to_le_bytes()[..length].into()
}

/// The data of `H`: what kind of hash, and the hash.
fn hash(data: &[u8]) -> Option<GgepValue<'_>> {
    match data.split_first()? {
        (1, sha1) => Some(GgepValue::Hash(Urn::Sha1(sha1.try_into().ok()?))),
        (2, both) => {
            let (sha1, tiger_root) = both.split_first_chunk()?;
            let tiger_root = tiger_root.try_into().ok()?;
            Some(GgepValue::Hash(Urn::Bitprint { sha1: *sha1, tiger_root }))
        }
        // MD5 and others, which nobody uses.
        _ => Some(GgepValue::Other(data)),
    }
}
