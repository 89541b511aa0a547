//! A message as it was received: nothing is copied, nothing allocated.

use core::net::SocketAddr;

use bytes::BufMut;
use overlay_peer::Decoded;

use super::{
    Attribute, AttributeType, Attributes, ChangeRequest, CheckError, Class, DecodeError,
    DecodeErrorKind, ErrorCode, HEADER_LEN, Key, MessageType, Method, TransactionId,
    attribute::{padded, split_header},
    fingerprint, value,
};

/// A message of RFC 8489, RFC 5389 or RFC 3489, borrowed from the bytes it came in.
///
/// [`decode`](Self::decode) checks the header and that the attributes fill the message exactly; what
/// their values mean is looked at when they are asked for. Nothing is believed before
/// [`check_integrity`](Self::check_integrity) or [`check_fingerprint`](Self::check_fingerprint) is
/// called.
///
/// Accessors that name an attribute look at its first occurrence, and only before the first of
/// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT: what stands behind does not count
/// (RFC 8489, sections 14.5 to 14.7). [`attributes`](Self::attributes) shows all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    bytes: &'a [u8],
    protection: Protection,
}

/// Where the attributes begin that protect a message, 0 if they are not there or do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Protection {
    integrity: u32,
    integrity_sha256: u32,
    fingerprint: u32,
    /// Where what counts ends.
    content_end: u32,
}

impl Protection {
    /// With one more attribute seen: it counts unless one that has to follow it came before. By value,
    /// so that a walk keeps all of it in registers.
    #[inline(always)]
    fn with(mut self, attribute: AttributeType, at: u32) -> Self {
        let before_sha256 = self.fingerprint == 0 && self.integrity_sha256 == 0;
        match attribute {
            AttributeType::MESSAGE_INTEGRITY if before_sha256 && self.integrity == 0 => {
                self.integrity = at;
            }
            AttributeType::MESSAGE_INTEGRITY_SHA256 if before_sha256 => self.integrity_sha256 = at,
            AttributeType::FINGERPRINT if self.fingerprint == 0 => self.fingerprint = at,
            _ => return self,
        }
        self.content_end = self.content_end.min(at);
        self
    }
}

impl<'a> Message<'a> {
    /// Reads a whole message, such as a datagram. Takes one walk over the attributes' headers.
    ///
    /// # Errors
    /// It is none, or more follows.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let error = |offset, kind| Err(DecodeError { offset, kind });
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            if let [found @ 0x40..=0xFF, ..] = *bytes {
                return error(0, DecodeErrorKind::NotStun { found });
            }
            let needed = HEADER_LEN - bytes.len();
            return error(bytes.len(), DecodeErrorKind::Truncated { needed });
        };
        let len = check_header(header)?;
        if bytes.len() != len {
            return match bytes.len().checked_sub(len) {
                Some(extra) => error(len, DecodeErrorKind::Trailing { extra }),
                None => {
                    let needed = len - bytes.len();
                    error(bytes.len(), DecodeErrorKind::Truncated { needed })
                }
            };
        }
        Self::walk(bytes)
    }

    /// Reads one message from the start of a byte stream (RFC 8489, section 6.2.2).
    ///
    /// # Errors
    /// The bytes can not become a message.
    pub fn decode_prefix(bytes: &'a [u8]) -> Result<Decoded<Self>, DecodeError> {
        if let [found @ 0x40..=0xFF, ..] = *bytes {
            return Err(DecodeError { offset: 0, kind: DecodeErrorKind::NotStun { found } });
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return Ok(Decoded::Partial { needed: HEADER_LEN - bytes.len() });
        };
        let len = check_header(header)?;
        let Some(whole) = bytes.get(..len) else {
            return Ok(Decoded::Partial { needed: len - bytes.len() });
        };
        Ok(Decoded::Complete { value: Self::walk(whole)?, consumed: len })
    }

    /// Checks that the attributes fill the message, and notes those that protect it.
    #[inline]
    fn walk(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let len = bytes.len();
        let mut protection = Protection { content_end: len as u32, ..Protection::default() };
        let mut at = HEADER_LEN;
        // `at` stays a multiple of four, and `len` is one.
        while let Some(&header) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            let (attribute, value_len) = split_header(header);
            let next = at + 4 + padded(value_len);
            if next > len {
                return Err(truncated(attribute, value_len, at, len));
            }
            protection = protection.with(attribute, at as u32);
            at = next;
        }
        Ok(Self { bytes, protection })
    }

    /// The bytes it was decoded from.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Appends the message, byte for byte.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.bytes);
    }

    /// How many bytes [`encode`](Self::encode) appends.
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Method and class.
    #[inline]
    pub fn message_type(&self) -> MessageType {
        let bits = u16::from_be_bytes([self.bytes[0], self.bytes[1]]);
        MessageType::from_bits(bits).expect("the upper bits were looked at")
    }

    /// What it is for.
    pub fn method(&self) -> Method {
        self.message_type().method()
    }

    /// Which part of an exchange it is.
    pub fn class(&self) -> Class {
        self.message_type().class()
    }

    /// Which exchange it belongs to.
    #[inline]
    pub fn transaction_id(&self) -> TransactionId {
        let id = self.bytes[4..].first_chunk().expect("a header has 20 bytes");
        TransactionId::from_bytes(*id)
    }

    /// All attributes, in order, also those that do not count.
    #[inline]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.bytes, HEADER_LEN)
    }

    /// The attributes that count, in order: those before the integrity or the fingerprint.
    #[inline]
    pub fn content(&self) -> Attributes<'a> {
        Attributes::new(&self.bytes[..self.protection.content_end as usize], HEADER_LEN)
    }

    /// The first attribute of this type that counts.
    #[inline]
    pub fn find(&self, kind: AttributeType) -> Option<Attribute<'a>> {
        self.content().find_kind(kind)
    }

    /// The types that must be understood and are not among `known`, in order, as often as they occur.
    /// A server answers them with error 420; a client ignores a response that has some (RFC 8489,
    /// section 6.3). Those that protect a message are known.
    pub fn unknown_required(&self, known: &[AttributeType]) -> impl Iterator<Item = AttributeType> {
        self.content()
            .map(|attribute| attribute.kind)
            .filter(move |kind| kind.is_comprehension_required() && !known.contains(kind))
    }
}

/// Protection.
impl Message<'_> {
    /// Whether FINGERPRINT counts here; it may be wrong.
    pub const fn has_fingerprint(&self) -> bool {
        self.protection.fingerprint != 0
    }

    /// Whether MESSAGE-INTEGRITY counts here; it may be wrong.
    pub const fn has_integrity(&self) -> bool {
        self.protection.integrity != 0
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 counts here; it may be wrong.
    pub const fn has_integrity_sha256(&self) -> bool {
        self.protection.integrity_sha256 != 0
    }

    /// Checks FINGERPRINT: one CRC-32 over the message.
    ///
    /// # Errors
    /// It is not there, not last, or wrong.
    #[inline]
    pub fn check_fingerprint(&self) -> Result<(), CheckError> {
        let attribute = AttributeType::FINGERPRINT;
        let (before, value) = self.protected(self.protection.fingerprint, attribute)?;
        if value.len() != 4 {
            return Err(CheckError::ValueLength { attribute, len: value.len() });
        }
        if before.len() + 8 != self.bytes.len() {
            return Err(CheckError::NotLast);
        }
        if fingerprint::fingerprint(before) == *value {
            Ok(())
        } else {
            Err(CheckError::Mismatch { attribute })
        }
    }

    /// Checks MESSAGE-INTEGRITY, in constant time: one HMAC-SHA1 over the message.
    ///
    /// # Errors
    /// It is not there, or not of this message and this key.
    #[inline]
    pub fn check_integrity(&self, key: &Key) -> Result<(), CheckError> {
        let attribute = AttributeType::MESSAGE_INTEGRITY;
        let (before, value) = self.protected(self.protection.integrity, attribute)?;
        if value.len() != 20 {
            return Err(CheckError::ValueLength { attribute, len: value.len() });
        }
        if key.is_sha1(before, length_with(before, value), value) {
            Ok(())
        } else {
            Err(CheckError::Mismatch { attribute })
        }
    }

    /// Checks MESSAGE-INTEGRITY-SHA256, in constant time: one HMAC-SHA256 over the message. It may have
    /// been cut to 16 bytes or more.
    ///
    /// # Errors
    /// It is not there, or not of this message and this key.
    pub fn check_integrity_sha256(&self, key: &Key) -> Result<(), CheckError> {
        let attribute = AttributeType::MESSAGE_INTEGRITY_SHA256;
        let (before, value) = self.protected(self.protection.integrity_sha256, attribute)?;
        if !matches!(value.len(), 16 | 20 | 24 | 28 | 32) {
            return Err(CheckError::ValueLength { attribute, len: value.len() });
        }
        if key.is_sha256(before, length_with(before, value), value) {
            Ok(())
        } else {
            Err(CheckError::Mismatch { attribute })
        }
    }

    /// What comes before a protecting attribute, and its value.
    #[inline]
    fn protected(&self, at: u32, attribute: AttributeType) -> Result<(&[u8], &[u8]), CheckError> {
        let missing = CheckError::Missing { attribute };
        if at == 0 {
            return Err(missing);
        }
        let (before, rest) = self.bytes.split_at_checked(at as usize).ok_or(missing)?;
        let attribute = Attributes::new(rest, 0).next().ok_or(missing)?;
        Ok((before, attribute.value))
    }
}

/// What the attributes say. Each is `Ok(None)` where the attribute is not there.
///
/// # Errors
/// The attribute is there and its value is not of the form that its type has.
impl<'a> Message<'a> {
    /// The address that the request came from: XOR-MAPPED-ADDRESS.
    pub fn xor_mapped_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        let address = self.address(AttributeType::XOR_MAPPED_ADDRESS)?;
        Ok(address.map(|address| value::xor(address, &self.transaction_id())))
    }

    /// The same as a NAT may have rewritten it, and as RFC 3489 has it: MAPPED-ADDRESS.
    pub fn mapped_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.address(AttributeType::MAPPED_ADDRESS)
    }

    /// The server's other address and port: OTHER-ADDRESS, or CHANGED-ADDRESS of RFC 3489.
    pub fn other_address(&self) -> Result<Option<SocketAddr>, DecodeError> {
        match self.address(AttributeType::OTHER_ADDRESS)? {
            None => self.address(AttributeType::CHANGED_ADDRESS),
            found => Ok(found),
        }
    }

    /// Where the server says that it answered from: RESPONSE-ORIGIN, or SOURCE-ADDRESS of RFC 3489.
    pub fn response_origin(&self) -> Result<Option<SocketAddr>, DecodeError> {
        match self.address(AttributeType::RESPONSE_ORIGIN)? {
            None => self.address(AttributeType::SOURCE_ADDRESS),
            found => Ok(found),
        }
    }

    /// A server to ask instead: ALTERNATE-SERVER.
    pub fn alternate_server(&self) -> Result<Option<SocketAddr>, DecodeError> {
        self.address(AttributeType::ALTERNATE_SERVER)
    }

    /// The first attribute of this type as an address that is not hidden.
    pub fn address(&self, kind: AttributeType) -> Result<Option<SocketAddr>, DecodeError> {
        let Some(attribute) = self.find(kind) else { return Ok(None) };
        value::address(attribute.value).map(Some).map_err(|problem| match problem {
            None => wrong_length(attribute, "8 bytes for IPv4 or 20 for IPv6"),
            // The family is the second byte.
            Some(kind) => DecodeError { offset: attribute.offset + 1, kind },
        })
    }

    /// Who wrote the message: SOFTWARE.
    #[inline]
    pub fn software(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::SOFTWARE)
    }

    /// USERNAME.
    #[inline]
    pub fn username(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::USERNAME)
    }

    /// REALM.
    #[inline]
    pub fn realm(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::REALM)
    }

    /// NONCE.
    #[inline]
    pub fn nonce(&self) -> Result<Option<&'a str>, DecodeError> {
        self.text(AttributeType::NONCE)
    }

    /// The first attribute of this type as text.
    #[inline]
    pub fn text(&self, kind: AttributeType) -> Result<Option<&'a str>, DecodeError> {
        let Some(attribute) = self.find(kind) else { return Ok(None) };
        match core::str::from_utf8(attribute.value) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(not_utf8(attribute, error)),
        }
    }

    /// USERHASH, 32 bytes.
    pub fn userhash(&self) -> Result<Option<&'a [u8; 32]>, DecodeError> {
        let Some(attribute) = self.find(AttributeType::USERHASH) else { return Ok(None) };
        attribute.value.try_into().map(Some).map_err(|_| wrong_length(attribute, "32 bytes"))
    }

    /// Why a request was refused: ERROR-CODE.
    pub fn error_code(&self) -> Result<Option<ErrorCode<'a>>, DecodeError> {
        let Some(attribute) = self.find(AttributeType::ERROR_CODE) else { return Ok(None) };
        let Some((&[_, _, class, number], reason)) = attribute.value.split_first_chunk() else {
            return Err(wrong_length(attribute, "at least 4 bytes"));
        };
        // The upper five bits mean nothing.
        let class = class & 0x07;
        if !matches!((class, number), (3..=6, ..100)) {
            let kind = DecodeErrorKind::ErrorCode { class, number };
            return Err(DecodeError { offset: attribute.offset + 2, kind });
        }
        Ok(Some(ErrorCode { code: u16::from(class) * 100 + u16::from(number), reason }))
    }

    /// What the server did not understand: UNKNOWN-ATTRIBUTES.
    pub fn unknown_attributes(
        &self,
    ) -> Result<Option<impl Iterator<Item = AttributeType> + use<'a>>, DecodeError> {
        let Some(attribute) = self.find(AttributeType::UNKNOWN_ATTRIBUTES) else { return Ok(None) };
        let (types, []) = attribute.value.as_chunks() else {
            return Err(wrong_length(attribute, "a multiple of 2 bytes"));
        };
        Ok(Some(types.iter().map(|bytes| AttributeType(u16::from_be_bytes(*bytes)))))
    }

    /// Where the answer shall come from: CHANGE-REQUEST.
    pub fn change_request(&self) -> Result<Option<ChangeRequest>, DecodeError> {
        Ok(self.number(AttributeType::CHANGE_REQUEST)?.map(ChangeRequest::from_bits))
    }

    /// Where the answer shall go: RESPONSE-PORT. Two bytes, or four as some write it.
    pub fn response_port(&self) -> Result<Option<u16>, DecodeError> {
        let Some(attribute) = self.find(AttributeType::RESPONSE_PORT) else { return Ok(None) };
        match *attribute.value {
            [high, low] | [high, low, _, _] => Ok(Some(u16::from_be_bytes([high, low]))),
            _ => Err(wrong_length(attribute, "2 or 4 bytes")),
        }
    }

    /// How many seconds the answer stays true: CACHE-TIMEOUT.
    pub fn cache_timeout(&self) -> Result<Option<u32>, DecodeError> {
        self.number(AttributeType::CACHE_TIMEOUT)
    }

    /// The first attribute of this type as a number of four bytes, such as PRIORITY.
    pub fn number(&self, kind: AttributeType) -> Result<Option<u32>, DecodeError> {
        let Some(attribute) = self.find(kind) else { return Ok(None) };
        let bytes = attribute.value.try_into().map_err(|_| wrong_length(attribute, "4 bytes"))?;
        Ok(Some(u32::from_be_bytes(bytes)))
    }
}

/// The length of the whole message, from a header that may be one.
#[inline]
fn check_header(header: &[u8; HEADER_LEN]) -> Result<usize, DecodeError> {
    let [found, _, high, low, ..] = *header;
    let len = u16::from_be_bytes([high, low]);
    if found >= 0x40 {
        return Err(DecodeError { offset: 0, kind: DecodeErrorKind::NotStun { found } });
    }
    if !len.is_multiple_of(4) {
        return Err(DecodeError { offset: 2, kind: DecodeErrorKind::Unaligned { len } });
    }
    Ok(HEADER_LEN + usize::from(len))
}

/// What the header says while an integrity is computed: the message ends with it.
fn length_with(before: &[u8], value: &[u8]) -> u16 {
    // It fits: the message is there, and its length fitted.
    (before.len() - HEADER_LEN + 4 + value.len()) as u16
}

#[cold]
fn truncated(attribute: AttributeType, len: u16, at: usize, whole: usize) -> DecodeError {
    let kind = DecodeErrorKind::AttributeTruncated { attribute, len, left: whole - at - 4 };
    DecodeError { offset: at, kind }
}

#[cold]
fn not_utf8(attribute: Attribute<'_>, error: core::str::Utf8Error) -> DecodeError {
    let Attribute { kind, offset, .. } = attribute;
    let kind = DecodeErrorKind::NotUtf8 { attribute: kind };
    DecodeError { offset: offset + error.valid_up_to(), kind }
}

#[cold]
fn wrong_length(attribute: Attribute<'_>, expected: &'static str) -> DecodeError {
    let Attribute { kind, offset, value, .. } = attribute;
    let kind = DecodeErrorKind::ValueLength { attribute: kind, len: value.len(), expected };
    DecodeError { offset, kind }
}
