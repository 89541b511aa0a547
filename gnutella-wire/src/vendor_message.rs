//! What the vendor messages in use say.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use bytes::BufMut;
use nom::Parser;
use nom::bytes::complete::take;
use nom::combinator::{rest, success};
use nom::number::complete::{le_u16, u8};

use crate::read::{Fault, Read, ipv4, run};
use crate::{CrawlerPong, DecodeError, DecodeErrorKind, Extensions, OwnedVendor, VendorId};

/// A vendor message whose data was understood. Each comes with the version it was read from or is to
/// be written in, and with the bytes that follow what that version defines, so that it encodes to
/// the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorMessage<'a> {
    /// `null/0`: which vendor messages the sender understands.
    MessagesSupported(SupportedMessages<'a>),
    /// `null/10`: what else the sender can do.
    Capabilities(Capabilities<'a>),
    /// `BEAR/4`: queries with as many hops or more are not wanted.
    HopsFlow {
        /// The number of hops; 255 lifts the restriction.
        hops: u8,
    },
    /// `BEAR/7`: try to connect back, so that the sender learns whether it is firewalled.
    TcpConnectBack {
        /// The sender's port.
        port: u16,
    },
    /// `GTKG/7`: as [`TcpConnectBack`](Self::TcpConnectBack), with a Ping over UDP.
    UdpConnectBack {
        /// 1, with the GUID of that Ping in the data; 2, with it in the header.
        version: u16,
        /// The sender's port.
        port: u16,
        /// The GUID, in version 1.
        guid: &'a [u8],
    },
    /// `BEAR/11`: how many results did your filters let pass? The header's GUID is the query's.
    QueryStatusRequest,
    /// `BEAR/12`: the answer, or a hint without being asked.
    QueryStatus {
        /// The number of results; [`VendorMessage::STOP_QUERY`] ends the query.
        results: u16,
    },
    /// `LIME/11`: send me so many of the results you announced. The GUID is the query's.
    ReplyAck {
        /// 2, or 3 with a security token.
        version: u16,
        /// How many results are wanted.
        wanted: u8,
        /// From version 3 a GGEP block with the token, `SO`.
        extension: &'a [u8],
    },
    /// `LIME/12`: I have so many results for your query, over UDP. The GUID is the query's.
    ReplyNumber {
        /// 1, 2, or 3 for who knows security tokens.
        version: u16,
        /// How many results; 255 for more.
        results: u8,
        /// Whether the sender can be reached without having sent first; from version 2.
        unsolicited: bool,
        /// What follows, and the other bits of the flag byte before it.
        rest: ReplyNumberRest<'a>,
    },
    /// `LIME/13`: up to which version queries must not be made out-of-band on the sender's behalf.
    ProxyVeto {
        /// That version, 0 for none; `None` for all.
        up_to: Option<u8>,
    },
    /// `LIME/21`: be my push proxy. The header's GUID is the servent's.
    PushProxyRequest {
        /// 1 or 2.
        version: u16,
    },
    /// `LIME/22`: I am. The header's GUID is that of the request.
    PushProxyAck {
        /// 1 or 2.
        version: u16,
        /// Where pushes are to be sent, from version 2. In version 1 it is the sender's address.
        ip: Option<Ipv4Addr>,
        /// The port there.
        port: u16,
    },
    /// `GTKG/21`: be my push proxy no longer.
    PushProxyCancel,
    /// `LIME/5`: which neighbours have you? Over UDP, from a crawler.
    CrawlerPing {
        /// How many ultrapeers to tell at most; 255 for all.
        ultrapeers: u8,
        /// How many leaves.
        leaves: u8,
        /// What to tell of each.
        features: u8,
    },
    /// `LIME/6`: these.
    CrawlerPong(CrawlerPong<'a>),
    /// Any other.
    Other {
        /// Which.
        id: VendorId,
        /// The whole data.
        data: &'a [u8],
    },
}

/// What follows the number of results in `LIME/12`, for exact re-encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplyNumberRest<'a> {
    /// The flag byte without bit 0.
    flags: u8,
    extra: &'a [u8],
}

impl<'a> VendorMessage<'a> {
    /// As the number of results in [`QueryStatus`](Self::QueryStatus): the query is over.
    pub const STOP_QUERY: u16 = 0xffff;

    const NULL: [u8; 4] = [0; 4];

    /// Reads the data of a message. A message or version that is not known is
    /// [`Other`](Self::Other).
    ///
    /// # Errors
    /// It is shorter or longer than the message is in that version.
    pub fn decode(id: VendorId, data: &'a [u8]) -> Result<Self, DecodeError> {
        let VendorId { vendor, selector, version } = id;
        match (&vendor, selector, version) {
            (&Self::NULL, 0, 0) => {
                Ok(Self::MessagesSupported(SupportedMessages(list(data, SupportedMessages::SIZE)?)))
            }
            (&Self::NULL, 10, 0) => Ok(Self::Capabilities(Capabilities(list(data, 6)?))),
            (b"BEAR", 4, 1) => whole(data, u8.map(|hops| Self::HopsFlow { hops })),
            (b"BEAR", 7, 1) => whole(data, le_u16.map(|port| Self::TcpConnectBack { port })),
            (b"GTKG", 7, 1) => whole(
                data,
                (le_u16, take(16_usize)).map(|(port, guid)| Self::UdpConnectBack {
                    version,
                    port,
                    guid,
                }),
            ),
            (b"GTKG", 7, 2) => {
                whole(data, le_u16.map(|port| Self::UdpConnectBack { version, port, guid: &[] }))
            }
            (b"BEAR", 11, 1) => whole(data, success(Self::QueryStatusRequest)),
            (b"BEAR", 12, 1) => whole(data, le_u16.map(|results| Self::QueryStatus { results })),
            (b"LIME", 11, 2..) => whole(
                data,
                (u8, rest).map(|(wanted, extension)| Self::ReplyAck { version, wanted, extension }),
            ),
            (b"LIME", 12, 1) => whole(
                data,
                u8.map(|results| Self::ReplyNumber {
                    version,
                    results,
                    unsolicited: false,
                    rest: ReplyNumberRest::default(),
                }),
            ),
            (b"LIME", 12, 2..) => whole(
                data,
                (u8, u8, rest).map(|(results, flags, extra)| Self::ReplyNumber {
                    version,
                    results,
                    unsolicited: flags & 1 != 0,
                    rest: ReplyNumberRest { flags: flags & !1, extra },
                }),
            ),
            (b"LIME", 13, 1) => match *data {
                [] => Ok(Self::ProxyVeto { up_to: None }),
                _ => whole(data, u8.map(|up_to| Self::ProxyVeto { up_to: Some(up_to) })),
            },
            (b"LIME", 21, 1 | 2) => whole(data, success(Self::PushProxyRequest { version })),
            (b"LIME", 22, 1) => {
                whole(data, le_u16.map(|port| Self::PushProxyAck { version, ip: None, port }))
            }
            (b"LIME", 22, 2) => whole(
                data,
                (ipv4, le_u16).map(|(ip, port)| Self::PushProxyAck { version, ip: Some(ip), port }),
            ),
            (b"GTKG", 21, 1) => whole(data, success(Self::PushProxyCancel)),
            (b"LIME", 5, 1) => whole(
                data,
                (u8, u8, u8).map(|(ultrapeers, leaves, features)| Self::CrawlerPing {
                    ultrapeers,
                    leaves,
                    features,
                }),
            ),
            // Later features made the entries longer.
            (b"LIME", 6, 1) if data.get(2).is_none_or(|it| it & !CrawlerPong::FEATURES == 0) => {
                CrawlerPong::decode(data).map(Self::CrawlerPong)
            }
            _ => Ok(Self::Other { id, data }),
        }
    }

    /// Which message it is.
    pub fn id(&self) -> VendorId {
        let of =
            |vendor: &[u8; 4], selector, version| VendorId { vendor: *vendor, selector, version };
        match *self {
            Self::MessagesSupported(_) => of(&Self::NULL, 0, 0),
            Self::Capabilities(_) => of(&Self::NULL, 10, 0),
            Self::HopsFlow { .. } => of(b"BEAR", 4, 1),
            Self::TcpConnectBack { .. } => of(b"BEAR", 7, 1),
            Self::UdpConnectBack { version, .. } => of(b"GTKG", 7, version),
            Self::QueryStatusRequest => of(b"BEAR", 11, 1),
            Self::QueryStatus { .. } => of(b"BEAR", 12, 1),
            Self::ReplyAck { version, .. } => of(b"LIME", 11, version),
            Self::ReplyNumber { version, .. } => of(b"LIME", 12, version),
            Self::ProxyVeto { .. } => of(b"LIME", 13, 1),
            Self::PushProxyRequest { version } => of(b"LIME", 21, version),
            Self::PushProxyAck { version, .. } => of(b"LIME", 22, version),
            Self::PushProxyCancel => of(b"GTKG", 21, 1),
            Self::CrawlerPing { .. } => of(b"LIME", 5, 1),
            Self::CrawlerPong(_) => of(b"LIME", 6, 1),
            Self::Other { id, .. } => id,
        }
    }

    /// The extensions of a [`ReplyAck`](Self::ReplyAck); none in the other messages.
    pub fn extensions(&self) -> Extensions<'a> {
        match self {
            Self::ReplyAck { extension, .. } => Extensions::of(extension),
            _ => Extensions::default(),
        }
    }

    /// Appends the data: for a decoded message, the same it was decoded from.
    pub fn encode_data(&self, out: &mut impl BufMut) {
        match *self {
            Self::MessagesSupported(SupportedMessages(bytes)) => out.put_slice(bytes),
            Self::Capabilities(Capabilities(bytes)) => out.put_slice(bytes),
            Self::HopsFlow { hops } => out.put_u8(hops),
            Self::TcpConnectBack { port } => out.put_u16_le(port),
            Self::UdpConnectBack { port, guid, .. } => {
                out.put_u16_le(port);
                out.put_slice(guid);
            }
            Self::QueryStatusRequest | Self::PushProxyRequest { .. } | Self::PushProxyCancel => {}
            Self::QueryStatus { results } => out.put_u16_le(results),
            Self::ReplyAck { wanted, extension, .. } => {
                out.put_u8(wanted);
                out.put_slice(extension);
            }
            Self::ReplyNumber { version, results, unsolicited, rest } => {
                out.put_u8(results);
                if version >= 2 {
                    out.put_u8(rest.flags | u8::from(unsolicited));
                    out.put_slice(rest.extra);
                }
            }
            Self::ProxyVeto { up_to } => out.put_slice(up_to.as_slice()),
            Self::PushProxyAck { ip, port, .. } => {
                if let Some(ip) = ip {
                    out.put_slice(&ip.octets());
                }
                out.put_u16_le(port);
            }
            Self::CrawlerPing { ultrapeers, leaves, features } => {
                out.put_slice(&[ultrapeers, leaves, features]);
            }
            Self::CrawlerPong(pong) => pong.encode(out),
            Self::Other { data, .. } => out.put_slice(data),
        }
    }

    /// The payload of type 31 that says it.
    pub fn to_vendor(&self) -> OwnedVendor {
        let mut data = Vec::new();
        self.encode_data(&mut data);
        OwnedVendor { standard: false, id: self.id(), data: data.into() }
    }
}

/// Data that `parser` reads to its end.
fn whole<'a, T>(
    data: &'a [u8],
    parser: impl Parser<&'a [u8], Output = T, Error = Fault>,
) -> Result<T, DecodeError> {
    let (value, rest) = run(data, 0, parser)?;
    match rest.len() {
        0 => Ok(value),
        extra => Err(DecodeError {
            offset: data.len() - extra,
            kind: DecodeErrorKind::TrailingBytes { extra },
        }),
    }
}

/// A list with a count before it: its bytes, count included, if the count is right.
fn list(data: &[u8], size: usize) -> Result<&[u8], DecodeError> {
    let (_, _) = run(data, 0, |input| -> Read<'_, ()> {
        let (entries, count) = le_u16.parse(input)?;
        let expected = usize::from(count) * size;
        if entries.len() == expected {
            return Ok((entries, ()));
        }
        let kind = DecodeErrorKind::ListLength { count, expected, length: entries.len() };
        Fault::failure(entries, kind)
    })?;
    Ok(data)
}

/// Appends a list with a count before it. At most 65,535 entries fit; the others are left out.
fn put_list<T>(
    entries: impl ExactSizeIterator<Item = T>,
    mut put: impl FnMut(&mut Vec<u8>, T),
) -> Vec<u8> {
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX);
    let mut out = Vec::new();
    out.put_u16_le(count);
    entries.take(count.into()).for_each(|entry| put(&mut out, entry));
    out
}

/// The entries of [`VendorMessage::MessagesSupported`], the count before them included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportedMessages<'a>(&'a [u8]);

impl<'a> SupportedMessages<'a> {
    const SIZE: usize = 8;

    /// The data of such a message, to be read with [`VendorMessage::decode`].
    pub fn build(messages: &[VendorId]) -> Vec<u8> {
        put_list(messages.iter(), |out, id| {
            out.put_slice(&id.vendor);
            out.put_u16_le(id.selector);
            out.put_u16_le(id.version);
        })
    }

    /// The messages, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = VendorId> + use<'a> {
        self.0.get(2..).unwrap_or_default().chunks_exact(Self::SIZE).map(|entry| VendorId {
            vendor: entry[..4].try_into().unwrap_or_default(),
            selector: u16::from_le_bytes([entry[4], entry[5]]),
            version: u16::from_le_bytes([entry[6], entry[7]]),
        })
    }
}

/// The entries of [`VendorMessage::Capabilities`], the count before them included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities<'a>(&'a [u8]);

impl<'a> Capabilities<'a> {
    /// The data of such a message, to be read with [`VendorMessage::decode`].
    pub fn build(capabilities: &[([u8; 4], u16)]) -> Vec<u8> {
        put_list(capabilities.iter(), |out, (name, version)| {
            out.put_slice(name);
            out.put_u16_le(*version);
        })
    }

    /// Each capability's four letters and its version, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ([u8; 4], u16)> + use<'a> {
        self.0.get(2..).unwrap_or_default().chunks_exact(6).map(|entry| {
            (entry[..4].try_into().unwrap_or_default(), u16::from_le_bytes([entry[4], entry[5]]))
        })
    }
}
