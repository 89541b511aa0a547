//! Bytes to messages.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;

use super::{Decoded, MAX_BODY, Message, Publication, Refusal, Traffic, VERSION, kind};
use crate::{Contact, DecodeError, DecodeErrorKind, Id160};

impl Message {
    /// Reads one message, which is all of `bytes`.
    ///
    /// # Errors
    /// The bytes are no message, less than one, or more.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match Self::decode_prefix(bytes)? {
            Decoded::Complete { value, consumed } if consumed == bytes.len() => Ok(value),
            Decoded::Complete { consumed, .. } => Err(DecodeError {
                offset: consumed,
                kind: DecodeErrorKind::Trailing { left: bytes.len() - consumed },
            }),
            Decoded::Partial { needed } => {
                Err(DecodeError { offset: bytes.len(), kind: DecodeErrorKind::Cut { needed } })
            }
        }
    }

    /// Reads one message from the start of `bytes`, as they come from a stream.
    ///
    /// # Errors
    /// The bytes can not become a message, however many more follow.
    pub fn decode_prefix(bytes: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let error = |offset, kind| Err(DecodeError { offset, kind });
        let Some(&version) = bytes.first() else { return Ok(Decoded::Partial { needed: 3 }) };
        if version != VERSION {
            return error(0, DecodeErrorKind::Version { expected: VERSION, found: version });
        }
        let Some(&kind) = bytes.get(1) else { return Ok(Decoded::Partial { needed: 2 }) };
        if Self::kind_name(kind) == "unknown" {
            return error(1, DecodeErrorKind::Kind { found: kind });
        }
        let mut header = Reader { bytes, at: 2 };
        let len = match header.number("the body's length", MAX_BODY) {
            Ok(len) => len,
            Err(DecodeError { kind: DecodeErrorKind::Short { .. }, .. }) => {
                return Ok(Decoded::Partial { needed: 1 });
            }
            Err(other) => return Err(other),
        };
        let end = header.at + len;
        let Some(message) = bytes.get(..end) else {
            return Ok(Decoded::Partial { needed: end - bytes.len() });
        };
        let mut reader = Reader { bytes: message, at: header.at };
        let value = reader.body(kind)?;
        match reader.left() {
            0 => Ok(Decoded::Complete { value, consumed: end }),
            left => error(reader.at, DecodeErrorKind::Trailing { left }),
        }
    }
}

/// Reads fields from a message's bytes; `at` is the offset of the next one.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn body(&mut self, kind: u8) -> Result<Message, DecodeError> {
        let traffic = match kind {
            kind::UPKEEP_FIND..=kind::UPKEEP_ROUTED => Traffic::Upkeep,
            _ => Traffic::User,
        };
        Ok(match kind {
            kind::PING => Message::Ping { request: self.u32("request")? },
            kind::PONG => Message::Pong { request: self.u32("request")? },
            kind::POINTERS => Message::Pointers {
                request: self.u32("request")?,
                joining: match self.flag("joining")? {
                    true => Some(self.id("joining")?),
                    false => None,
                },
            },
            kind::NEIGHBOURS => Message::Neighbours {
                request: self.u32("request")?,
                id: self.id("id")?,
                predecessor: match self.flag("predecessor")? {
                    true => Some(self.contact()?),
                    false => None,
                },
                successors: self.rest(Self::contact)?,
            },
            kind::BUSY => Message::Busy { request: self.u32("request")? },
            kind::NOTIFY => Message::Notify { id: self.id("id")? },
            kind::NUDGE => Message::Nudge,
            kind::FIND | kind::UPKEEP_FIND => {
                Message::Find { request: self.u32("request")?, traffic, key: self.id("key")? }
            }
            kind::OWNER | kind::UPKEEP_OWNER => Message::Owner {
                request: self.u32("request")?,
                traffic,
                id: self.id("id")?,
                contacts: {
                    let count = self.u8("count")?;
                    (0..count).map(|_| self.contact()).collect::<Result<_, _>>()?
                },
                before: self.rest(Self::contact)?,
            },
            kind::CLOSER | kind::UPKEEP_CLOSER => Message::Closer {
                request: self.u32("request")?,
                traffic,
                id: self.id("id")?,
                contacts: self.rest(Self::contact)?,
            },
            kind::FORWARD | kind::UPKEEP_FORWARD => Message::Forward {
                request: self.u32("request")?,
                traffic,
                key: self.id("key")?,
                origin: self.address()?,
                number: self.u32("number")?,
                hops: self.u8("hops")?,
            },
            kind::ROUTED | kind::UPKEEP_ROUTED => Message::Routed {
                request: self.u32("request")?,
                traffic,
                id: self.id("id")?,
                hops: self.u8("hops")?,
                contacts: self.rest(Self::contact)?,
            },
            kind::PUT => Message::Put {
                request: self.u32("request")?,
                key: self.id("key")?,
                copy: self.flag("copy")?,
                publication: self.publication()?,
            },
            kind::STORED => {
                Message::Stored { request: self.u32("request")?, copies: self.rest(Self::contact)? }
            }
            kind::GET => Message::Get {
                request: self.u32("request")?,
                key: self.id("key")?,
                copy: self.flag("copy")?,
                after: self.cursor("after")?,
            },
            kind::VALUES => Message::Values {
                request: self.u32("request")?,
                complete: self.flag("complete")?,
                next: self.cursor("next")?,
                publications: self.rest(Self::publication)?,
            },
            kind::ELSEWHERE => {
                Message::Elsewhere { request: self.u32("request")?, contact: self.contact()? }
            }
            kind::REFUSED => {
                Message::Refused { request: self.u32("request")?, reason: self.refusal()? }
            }
            kind::OFFER => Message::Offer {
                request: self.u32("request")?,
                after: self.id("after")?,
                upto: self.id("upto")?,
                count: self.u32("count")?,
                digest: self.u128("digest")?,
            },
            kind::AGREED => Message::Agreed { request: self.u32("request")? },
            kind::DIFFER => Message::Differ { request: self.u32("request")? },
            kind::RECONCILE => {
                Message::Reconcile { after: self.id("after")?, upto: self.id("upto")? }
            }
            kind::FINGERPRINTS => {
                Message::Fingerprints { fingerprints: self.rest(|r| r.u128("fingerprint"))? }
            }
            kind::WANTED => Message::Wanted { fingerprints: self.rest(|r| r.u128("fingerprint"))? },
            kind::ENTRIES => Message::Entries {
                key: self.id("key")?,
                publications: self.rest(Self::publication)?,
            },
            kind::END => Message::End,
            kind::WANT => Message::Want { part: self.u32("part")?, blob: self.id("blob")? },
            kind::DATA => {
                let (part, left) = (self.u32("part")?, self.u32("left")?);
                let bytes = self.take("bytes", self.left())?;
                Message::Data { part, left, bytes: Bytes::copy_from_slice(bytes) }
            }
            kind::MISSING => Message::Missing { part: self.u32("part")?, reason: self.refusal()? },
            found => {
                return Err(DecodeError { offset: 1, kind: DecodeErrorKind::Kind { found } });
            }
        })
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, field: &'static str, needed: usize) -> Result<&[u8], DecodeError> {
        let left = self.left();
        let bytes =
            self.bytes.get(self.at..).and_then(|rest| rest.get(..needed)).ok_or(DecodeError {
                offset: self.at,
                kind: DecodeErrorKind::Short { field, needed, left },
            })?;
        self.at += needed;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(|[byte]| byte)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.array(field).map(u128::from_be_bytes)
    }

    fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_be_bytes)
    }

    fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        let offset = self.at;
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(DecodeError { offset, kind: DecodeErrorKind::Tag { field, found } }),
        }
    }

    fn id(&mut self, field: &'static str) -> Result<Id160, DecodeError> {
        self.array(field).map(Id160::from_bytes)
    }

    fn address(&mut self) -> Result<SocketAddr, DecodeError> {
        let offset = self.at;
        let field = "address family";
        let ip = match self.u8(field)? {
            4 => IpAddr::V4(Ipv4Addr::from(self.array::<4>("IPv4 address")?)),
            6 => IpAddr::V6(Ipv6Addr::from(self.array::<16>("IPv6 address")?)),
            found => {
                return Err(DecodeError { offset, kind: DecodeErrorKind::Tag { field, found } });
            }
        };
        Ok(SocketAddr::new(ip, self.u16("port")?))
    }

    fn contact(&mut self) -> Result<Contact, DecodeError> {
        Ok(Contact { id: self.id("contact")?, address: self.address()? })
    }

    fn publication(&mut self) -> Result<Publication, DecodeError> {
        let publisher = self.address()?;
        let len = self.number("the value's length", MAX_BODY)?;
        let value = Bytes::copy_from_slice(self.take("value", len)?);
        Ok(Publication { publisher, value })
    }

    fn cursor(&mut self, field: &'static str) -> Result<Option<u64>, DecodeError> {
        Ok(match self.flag(field)? {
            true => Some(self.u64(field)?),
            false => None,
        })
    }

    fn refusal(&mut self) -> Result<Refusal, DecodeError> {
        let (offset, field) = (self.at, "reason");
        let all = [
            Refusal::NotMember,
            Refusal::KeyFull,
            Refusal::StoreFull,
            Refusal::ValueTooLong,
            Refusal::TooMuch,
            Refusal::NoSuchBlob,
        ];
        let found = self.u8(field)?;
        all.into_iter()
            .find(|refusal| refusal.code() == found)
            .ok_or(DecodeError { offset, kind: DecodeErrorKind::Tag { field, found } })
    }

    /// Unsigned LEB128, in as few bytes as possible.
    fn number(&mut self, field: &'static str, max: usize) -> Result<usize, DecodeError> {
        let offset = self.at;
        let mut number = 0_usize;
        for shift in [0, 7, 14] {
            let byte = self.u8(field)?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 {
                    Err(DecodeError { offset, kind: DecodeErrorKind::NotShortest })
                } else if number > max {
                    Err(Self::too_large(offset, field, max))
                } else {
                    Ok(number)
                };
            }
        }
        // A fourth byte can only make it 2^21 or more, or spell it too long.
        Err(Self::too_large(offset, field, max))
    }

    fn too_large(offset: usize, field: &'static str, max: usize) -> DecodeError {
        DecodeError { offset, kind: DecodeErrorKind::TooLarge { field, max: max as u64 } }
    }

    /// Fields of one sort up to the end of the body. Each takes at least a byte of it, so the list's
    /// memory is in proportion to the bytes received.
    fn rest<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut all = Vec::new();
        while self.left() > 0 {
            all.push(one(self)?);
        }
        Ok(all)
    }
}
