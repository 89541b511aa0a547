//! Messages to bytes.

use core::net::SocketAddr;

use bytes::BufMut;

use super::{Message, Publication, VERSION};
use crate::message::Refusal;
use crate::{Contact, Id160};

impl Message {
    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        let body = self.body_len();
        2 + number_len(body) + body
    }

    /// Appends the message's bytes.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u8(VERSION);
        out.put_u8(self.kind());
        put_number(out, self.body_len());
        self.put_body(out);
    }

    fn put_body(&self, out: &mut impl BufMut) {
        match self {
            Self::Ping { request }
            | Self::Pong { request }
            | Self::Busy { request }
            | Self::Agreed { request }
            | Self::Differ { request } => out.put_u32(*request),
            Self::Pointers { request, joining } => {
                out.put_u32(*request);
                out.put_u8(joining.is_some().into());
                if let Some(id) = joining {
                    put_id(out, *id);
                }
            }
            Self::Neighbours { request, id, predecessor, successors } => {
                out.put_u32(*request);
                put_id(out, *id);
                out.put_u8(predecessor.is_some().into());
                put_contacts(out, predecessor.as_slice());
                put_contacts(out, successors);
            }
            Self::Notify { id } => put_id(out, *id),
            Self::Nudge | Self::End => {}
            Self::Find { request, traffic: _, key } => {
                out.put_u32(*request);
                put_id(out, *key);
            }
            Self::Owner { request, traffic: _, id, contacts, before } => {
                out.put_u32(*request);
                put_id(out, *id);
                let contacts = countable(contacts);
                // `countable` left no more than fit into the byte.
                out.put_u8(contacts.len() as u8);
                put_contacts(out, contacts);
                put_contacts(out, before);
            }
            Self::Closer { request, traffic: _, id, contacts } => {
                out.put_u32(*request);
                put_id(out, *id);
                put_contacts(out, contacts);
            }
            Self::Forward { request, traffic: _, key, origin, number, hops } => {
                out.put_u32(*request);
                put_id(out, *key);
                put_address(out, *origin);
                out.put_u32(*number);
                out.put_u8(*hops);
            }
            Self::Routed { request, traffic: _, id, hops, contacts } => {
                out.put_u32(*request);
                put_id(out, *id);
                out.put_u8(*hops);
                put_contacts(out, contacts);
            }
            Self::Put { request, key, copy, publication } => {
                out.put_u32(*request);
                put_id(out, *key);
                out.put_u8((*copy).into());
                put_publication(out, publication);
            }
            Self::Stored { request, copies } => {
                out.put_u32(*request);
                put_contacts(out, copies);
            }
            Self::Get { request, key, copy, after } => {
                out.put_u32(*request);
                put_id(out, *key);
                out.put_u8((*copy).into());
                put_cursor(out, *after);
            }
            Self::Values { request, complete, next, publications } => {
                out.put_u32(*request);
                out.put_u8((*complete).into());
                put_cursor(out, *next);
                publications.iter().for_each(|publication| put_publication(out, publication));
            }
            Self::Elsewhere { request, contact } => {
                out.put_u32(*request);
                put_contacts(out, core::slice::from_ref(contact));
            }
            Self::Refused { request: number, reason } | Self::Missing { part: number, reason } => {
                out.put_u32(*number);
                out.put_u8(reason.code());
            }
            Self::Offer { request, after, upto, count, digest } => {
                out.put_u32(*request);
                put_id(out, *after);
                put_id(out, *upto);
                out.put_u32(*count);
                out.put_u128(*digest);
            }
            Self::Reconcile { after, upto } => {
                put_id(out, *after);
                put_id(out, *upto);
            }
            Self::Fingerprints { fingerprints } | Self::Wanted { fingerprints } => {
                fingerprints.iter().for_each(|fingerprint| out.put_u128(*fingerprint));
            }
            Self::Entries { key, publications } => {
                put_id(out, *key);
                publications.iter().for_each(|publication| put_publication(out, publication));
            }
            Self::Want { part, blob } => {
                out.put_u32(*part);
                put_id(out, *blob);
            }
            Self::Data { part, left, bytes } => {
                out.put_u32(*part);
                out.put_u32(*left);
                out.put_slice(bytes);
            }
        }
    }

    fn body_len(&self) -> usize {
        match self {
            Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Busy { .. }
            | Self::Agreed { .. }
            | Self::Differ { .. } => 4,
            Self::Pointers { joining, .. } => 5 + if joining.is_some() { 20 } else { 0 },
            Self::Neighbours { predecessor, successors, .. } => {
                25 + contacts_len(predecessor.as_slice()) + contacts_len(successors)
            }
            Self::Notify { .. } => 20,
            Self::Nudge | Self::End => 0,
            Self::Find { .. } | Self::Want { .. } => 24,
            Self::Owner { contacts, before, .. } => {
                25 + contacts_len(countable(contacts)) + contacts_len(before)
            }
            Self::Closer { contacts, .. } => 24 + contacts_len(contacts),
            Self::Forward { origin, .. } => 29 + address_len(*origin),
            Self::Routed { contacts, .. } => 25 + contacts_len(contacts),
            Self::Put { publication, .. } => 25 + publication_len(publication),
            Self::Stored { copies, .. } => 4 + contacts_len(copies),
            Self::Get { after, .. } => 25 + cursor_len(*after),
            Self::Values { next, publications, .. } => {
                5 + cursor_len(*next) + publications.iter().map(publication_len).sum::<usize>()
            }
            Self::Elsewhere { contact, .. } => 4 + contacts_len(core::slice::from_ref(contact)),
            Self::Refused { .. } | Self::Missing { .. } => 5,
            Self::Offer { .. } => 64,
            Self::Reconcile { .. } => 40,
            Self::Fingerprints { fingerprints } | Self::Wanted { fingerprints } => {
                16 * fingerprints.len()
            }
            Self::Entries { publications, .. } => {
                20 + publications.iter().map(publication_len).sum::<usize>()
            }
            Self::Data { bytes, .. } => 8 + bytes.len(),
        }
    }
}

impl Refusal {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::NotMember => 0,
            Self::KeyFull => 1,
            Self::StoreFull => 2,
            Self::ValueTooLong => 3,
            Self::TooMuch => 4,
            Self::NoSuchBlob => 5,
        }
    }
}

/// An address: a byte 4 or 6, the IP address, the port. An IPv6 address's scope and flow label mean
/// nothing to anyone else and stay out.
pub(crate) fn put_address(out: &mut impl BufMut, address: SocketAddr) {
    match address {
        SocketAddr::V4(v4) => {
            out.put_u8(4);
            out.put_slice(&v4.ip().octets());
        }
        SocketAddr::V6(v6) => {
            out.put_u8(6);
            out.put_slice(&v6.ip().octets());
        }
    }
    out.put_u16(address.port());
}

/// The bytes of a publication on the wire.
pub(crate) fn publication_len(publication: &Publication) -> usize {
    let value = publication.value.len();
    address_len(publication.publisher) + number_len(value) + value
}

fn put_publication(out: &mut impl BufMut, publication: &Publication) {
    put_address(out, publication.publisher);
    put_number(out, publication.value.len());
    out.put_slice(&publication.value);
}

fn put_id(out: &mut impl BufMut, id: Id160) {
    out.put_slice(id.as_bytes());
}

fn put_contacts(out: &mut impl BufMut, contacts: &[Contact]) {
    for contact in contacts {
        put_id(out, contact.id);
        put_address(out, contact.address);
    }
}

/// As many contacts as a byte can count.
fn countable(contacts: &[Contact]) -> &[Contact] {
    &contacts[..contacts.len().min(usize::from(u8::MAX))]
}

fn contacts_len(contacts: &[Contact]) -> usize {
    contacts.iter().map(|contact| 20 + address_len(contact.address)).sum()
}

fn address_len(address: SocketAddr) -> usize {
    if address.is_ipv4() { 7 } else { 19 }
}

/// A cursor is there or not, so its field is last or a flag precedes it; a flag is simpler.
fn put_cursor(out: &mut impl BufMut, cursor: Option<u64>) {
    out.put_u8(cursor.is_some().into());
    if let Some(cursor) = cursor {
        out.put_u64(cursor);
    }
}

fn cursor_len(cursor: Option<u64>) -> usize {
    if cursor.is_some() { 9 } else { 1 }
}

/// Unsigned LEB128: seven bits a byte, the lowest first, the top bit says that more follow.
fn put_number(out: &mut impl BufMut, mut number: usize) {
    while number >= 0x80 {
        // The cast keeps the low byte, of which seven bits are wanted.
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

fn number_len(number: usize) -> usize {
    number.checked_ilog2().map_or(1, |bits| bits as usize / 7 + 1)
}
