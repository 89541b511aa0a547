//! Writing messages, attribute by attribute.

use core::net::SocketAddr;

use alloc::vec::Vec;
use bytes::BytesMut;

use super::{
    AttributeType, ChangeRequest, ErrorCode, HEADER_LEN, Key, MessageType, TransactionId,
    WriteError, fingerprint, value::WireAddress,
};

/// Writes one message into a slice, or behind what a buffer holds already.
///
/// What goes wrong is remembered, and told by [`finish`](Self::finish); nothing is written any more
/// after that. The header's length is right at any time.
///
/// ```
/// use natsim::stun::{Message, MessageType, TransactionId, Writer};
///
/// let mut out = Vec::new();
/// let id = TransactionId::new(*b"twelve bytes");
/// let mut writer = Writer::new(&mut out, MessageType::BINDING_SUCCESS, id);
/// writer.xor_mapped_address("192.0.2.1:32853".parse()?);
/// assert_eq!(writer.finish()?, 32);
/// assert_eq!(Message::decode(&out)?.xor_mapped_address()?, Some("192.0.2.1:32853".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer<B> {
    buffer: B,
    /// Where in the buffer the message begins.
    start: usize,
    id: TransactionId,
    padding: u8,
    /// The last protecting attribute; few may follow.
    protected: Option<AttributeType>,
    error: Option<WriteError>,
}

impl<'a> Writer<SliceBuffer<'a>> {
    /// A message without attributes in a slice that should have room for more.
    pub fn in_slice(slice: &'a mut [u8], message_type: MessageType, id: TransactionId) -> Self {
        Self::new(SliceBuffer { slice, len: 0 }, message_type, id)
    }
}

impl<B: Buffer> Writer<B> {
    /// A message without attributes, behind what the buffer holds.
    #[inline]
    pub fn new(mut buffer: B, message_type: MessageType, id: TransactionId) -> Self {
        let start = buffer.written().len();
        let mut error = None;
        match buffer.grow(HEADER_LEN) {
            Ok(header) => {
                header[..2].copy_from_slice(&message_type.bits().to_be_bytes());
                header[2..4].fill(0);
                header[4..].copy_from_slice(id.as_bytes());
            }
            Err(left) => error = Some(WriteError::Full { needed: HEADER_LEN, left }),
        }
        Self { buffer, start, id, padding: 0, protected: None, error }
    }

    /// Pads the attributes that follow with this byte instead of zero, as the test vectors of RFC 5769
    /// do.
    pub fn padding_byte(&mut self, byte: u8) -> &mut Self {
        self.padding = byte;
        self
    }

    /// An attribute of any type with any value.
    #[inline]
    pub fn attribute(&mut self, kind: AttributeType, value: &[u8]) -> &mut Self {
        let padding = self.padding;
        if let Some(room) = self.room(kind, value.len()) {
            let (place, rest) = room.split_at_mut(value.len());
            place.copy_from_slice(value);
            rest.fill(padding);
        }
        self
    }

    /// XOR-MAPPED-ADDRESS.
    #[inline]
    pub fn xor_mapped_address(&mut self, address: SocketAddr) -> &mut Self {
        let value = WireAddress::xored(address, &self.id);
        self.attribute(AttributeType::XOR_MAPPED_ADDRESS, value.as_bytes())
    }

    /// An address that is not hidden, such as MAPPED-ADDRESS, OTHER-ADDRESS or RESPONSE-ORIGIN.
    pub fn address(&mut self, kind: AttributeType, address: SocketAddr) -> &mut Self {
        self.attribute(kind, WireAddress::new(address).as_bytes())
    }

    /// SOFTWARE.
    #[inline]
    pub fn software(&mut self, name: &str) -> &mut Self {
        self.attribute(AttributeType::SOFTWARE, name.as_bytes())
    }

    /// A number of four bytes, such as PRIORITY.
    pub fn number(&mut self, kind: AttributeType, number: u32) -> &mut Self {
        self.attribute(kind, &number.to_be_bytes())
    }

    /// CHANGE-REQUEST.
    pub fn change_request(&mut self, change: ChangeRequest) -> &mut Self {
        self.number(AttributeType::CHANGE_REQUEST, change.bits())
    }

    /// RESPONSE-PORT.
    pub fn response_port(&mut self, port: u16) -> &mut Self {
        self.attribute(AttributeType::RESPONSE_PORT, &port.to_be_bytes())
    }

    /// PADDING of so many zeros.
    pub fn padding(&mut self, len: u16) -> &mut Self {
        if let Some(room) = self.room(AttributeType::PADDING, usize::from(len)) {
            room.fill(0);
        }
        self
    }

    /// ERROR-CODE.
    pub fn error_code(&mut self, error: ErrorCode<'_>) -> &mut Self {
        let ErrorCode { code, reason } = error;
        if !(300..700).contains(&code) {
            self.error = self.error.or(Some(WriteError::ErrorCode { code }));
            return self;
        }
        let padding = self.padding;
        if let Some(room) = self.room(AttributeType::ERROR_CODE, 4 + reason.len()) {
            let (head, rest) = room.split_at_mut(4);
            head.copy_from_slice(&[0, 0, (code / 100) as u8, (code % 100) as u8]);
            let (place, rest) = rest.split_at_mut(reason.len());
            place.copy_from_slice(reason);
            rest.fill(padding);
        }
        self
    }

    /// UNKNOWN-ATTRIBUTES.
    pub fn unknown_attributes(&mut self, types: &[AttributeType]) -> &mut Self {
        let padding = self.padding;
        if let Some(room) = self.room(AttributeType::UNKNOWN_ATTRIBUTES, types.len() * 2) {
            room.fill(padding);
            for (place, AttributeType(kind)) in room.as_chunks_mut::<2>().0.iter_mut().zip(types) {
                *place = kind.to_be_bytes();
            }
        }
        self
    }

    /// MESSAGE-INTEGRITY over what was written. Only the other integrity and the fingerprint may
    /// follow.
    #[inline]
    pub fn integrity(&mut self, key: &Key) -> &mut Self {
        self.protect(AttributeType::MESSAGE_INTEGRITY, |before, length| key.sha1(before, length))
    }

    /// MESSAGE-INTEGRITY-SHA256 over what was written, all 32 bytes. Only the fingerprint may follow.
    pub fn integrity_sha256(&mut self, key: &Key) -> &mut Self {
        let kind = AttributeType::MESSAGE_INTEGRITY_SHA256;
        self.protect(kind, |before, length| key.sha256(before, length))
    }

    /// FINGERPRINT over what was written. Nothing may follow.
    #[inline]
    pub fn fingerprint(&mut self) -> &mut Self {
        self.protect(AttributeType::FINGERPRINT, |before, _| fingerprint::fingerprint(before))
    }

    /// The message's length in bytes.
    ///
    /// # Errors
    /// The first thing that went wrong. The buffer then holds part of a message.
    pub fn finish(mut self) -> Result<usize, WriteError> {
        match self.error {
            None => Ok(self.buffer.written().len() - self.start),
            Some(error) => Err(error),
        }
    }

    /// An attribute computed from the bytes before it, the header counting it already, and that length.
    #[inline]
    fn protect<const N: usize>(
        &mut self,
        kind: AttributeType,
        compute: impl FnOnce(&[u8], u16) -> [u8; N],
    ) -> &mut Self {
        let at = self.buffer.written().len();
        if self.room(kind, N).is_some() {
            self.protected = Some(kind);
            let (start, written) = (self.start, self.buffer.written());
            let (before, attribute) = written[start..].split_at_mut(at - start);
            let length = u16::from_be_bytes([before[2], before[3]]);
            attribute[4..].copy_from_slice(&compute(before, length));
        }
        self
    }

    /// Writes an attribute's header and counts it in the message's: the room for value and padding.
    #[inline]
    fn room(&mut self, kind: AttributeType, len: usize) -> Option<&mut [u8]> {
        if self.error.is_some() {
            return None;
        }
        let whole = 4 + len.next_multiple_of(4);
        let total = self.buffer.written().len() - self.start - HEADER_LEN + whole;
        let error = if !self.may_follow(kind) {
            WriteError::AfterIntegrity { attribute: kind }
        } else if let (Ok(len), Ok(total)) = (u16::try_from(len), u16::try_from(total)) {
            self.buffer.written()[self.start + 2..][..2].copy_from_slice(&total.to_be_bytes());
            match self.buffer.grow(whole) {
                Ok(room) => {
                    let (head, room) = room.split_at_mut(4);
                    head[..2].copy_from_slice(&kind.0.to_be_bytes());
                    head[2..].copy_from_slice(&len.to_be_bytes());
                    return Some(room);
                }
                Err(left) => WriteError::Full { needed: whole, left },
            }
        } else {
            WriteError::TooLong { attribute: kind }
        };
        self.error = Some(error);
        None
    }

    fn may_follow(&self, kind: AttributeType) -> bool {
        match self.protected {
            None => true,
            Some(AttributeType::MESSAGE_INTEGRITY) => {
                matches!(kind, AttributeType::MESSAGE_INTEGRITY_SHA256 | AttributeType::FINGERPRINT)
            }
            Some(AttributeType::MESSAGE_INTEGRITY_SHA256) => kind == AttributeType::FINGERPRINT,
            Some(_) => false,
        }
    }
}

/// What a [`Writer`] writes into: a `Vec`, a `BytesMut` or a [`SliceBuffer`].
pub trait Buffer {
    /// All that was written, also by others before.
    fn written(&mut self) -> &mut [u8];

    /// Makes so many more bytes part of what was written; what they hold is not said.
    ///
    /// # Errors
    /// There are only so many bytes left; nothing has changed.
    fn grow(&mut self, len: usize) -> Result<&mut [u8], usize>;
}

impl Buffer for &mut Vec<u8> {
    #[inline]
    fn written(&mut self) -> &mut [u8] {
        self
    }

    #[inline]
    fn grow(&mut self, len: usize) -> Result<&mut [u8], usize> {
        let before = self.len();
        self.resize(before + len, 0);
        Ok(&mut self[before..])
    }
}

impl Buffer for &mut BytesMut {
    #[inline]
    fn written(&mut self) -> &mut [u8] {
        self
    }

    #[inline]
    fn grow(&mut self, len: usize) -> Result<&mut [u8], usize> {
        let before = self.len();
        self.resize(before + len, 0);
        Ok(&mut self[before..])
    }
}

/// A slice, and how much of it was written.
#[derive(Debug)]
pub struct SliceBuffer<'a> {
    slice: &'a mut [u8],
    len: usize,
}

impl Buffer for SliceBuffer<'_> {
    #[inline]
    fn written(&mut self) -> &mut [u8] {
        &mut self.slice[..self.len]
    }

    #[inline]
    fn grow(&mut self, len: usize) -> Result<&mut [u8], usize> {
        let free = &mut self.slice[self.len..];
        let left = free.len();
        self.len += if len <= left { len } else { 0 };
        free.get_mut(..len).ok_or(left)
    }
}
