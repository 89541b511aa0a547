//! MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489, sections 14.5 and 14.6).

use core::fmt;

use hmac::digest::{self, CtOutput};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::HEADER_LEN;
use super::hmac_sha1::HmacSha1;

/// A key that messages are signed with, and checked.
///
/// Make it once for each password: it holds the hash states that every message starts from, for both
/// algorithms. Making one takes four blocks of hashing, about as many as checking a message.
///
/// Names and passwords are taken as they are: where they are not ASCII, prepare them before (the
/// OpaqueString profile of RFC 8265, or SASLprep for RFC 5389).
#[derive(Clone)]
pub struct Key {
    sha1: HmacSha1,
    sha256: Hmac<Sha256>,
}

impl Key {
    /// The key is the password (RFC 8489, section 9.1.1).
    pub fn short_term(password: &[u8]) -> Self {
        Self {
            sha1: HmacSha1::new(password),
            sha256: Hmac::new_from_slice(password).expect("HMAC takes keys of any length"),
        }
    }

    /// The key is MD5 of `username:realm:password` (RFC 5389, section 15.4; RFC 8489, section
    /// 18.5.1.1).
    pub fn long_term_md5(username: &[u8], realm: &[u8], password: &[u8]) -> Self {
        Self::short_term(&long_term::<Md5>(username, realm, password))
    }

    /// The key is SHA-256 of `username:realm:password` (RFC 8489, section 18.5.1.2).
    pub fn long_term_sha256(username: &[u8], realm: &[u8], password: &[u8]) -> Self {
        Self::short_term(&long_term::<Sha256>(username, realm, password))
    }

    /// HMAC-SHA1 of the bytes before the attribute, the header saying that `length` bytes follow it.
    pub(super) fn sha1(&self, before: &[u8], length: u16) -> [u8; 20] {
        self.sha1.of(before, length)
    }

    pub(super) fn sha256(&self, before: &[u8], length: u16) -> [u8; 32] {
        mac(self.sha256.clone(), before, length).finalize().into_bytes().into()
    }

    /// Whether this is the HMAC-SHA1; takes as long whatever is wrong.
    pub(super) fn is_sha1(&self, before: &[u8], length: u16, value: &[u8]) -> bool {
        let Ok(value) = <[u8; 20]>::try_from(value) else { return false };
        let right = CtOutput::<Hmac<Sha1>>::new(self.sha1.of(before, length).into());
        right == CtOutput::new(value.into())
    }

    /// Whether this is the HMAC-SHA256 or the first bytes of it; takes as long whatever is wrong.
    pub(super) fn is_sha256(&self, before: &[u8], length: u16, value: &[u8]) -> bool {
        mac(self.sha256.clone(), before, length).verify_truncated_left(value).is_ok()
    }
}

/// Shows nothing of it.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

fn long_term<D: Digest>(username: &[u8], realm: &[u8], password: &[u8]) -> digest::Output<D> {
    let mut hash = D::new();
    for (part, end) in [(username, &b":"[..]), (realm, b":"), (password, b"")] {
        hash.update(part);
        hash.update(end);
    }
    hash.finalize()
}

/// Takes in a message up to the attribute, with another length in its header.
///
/// The first part is one block of both hashes: what follows it is hashed where it is, without going
/// through the hash's buffer.
#[inline]
fn mac<M: Mac>(mut mac: M, before: &[u8], length: u16) -> M {
    let mut first = [0; 64];
    let (head, rest) = before.split_at(before.len().min(first.len()));
    let Some(copy) = first.get_mut(..head.len()) else { return mac };
    copy.copy_from_slice(head);
    if let Some(field) = copy.get_mut(2..4) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    debug_assert!(before.len() >= HEADER_LEN, "an attribute comes after the header");
    mac.update(copy);
    mac.update(rest);
    mac
}
