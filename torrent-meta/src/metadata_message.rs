//! The messages by which peers send each other metadata.

use alloc::vec::Vec;

use bytes::BufMut;
use overlay_bencode::{
    self as bencode, Decoded, Decoder, DeviationKind as BencodeDeviation, Dict, Limits, Map, Node,
    Value,
};

use crate::error::{DecodeError, DeviationKind, ErrorKind};

/// A `ut_metadata` message (BEP 9), without the head that the extension protocol puts in front of it
/// (BEP 10): a bencoded dictionary, and in [`MetadataBody::Data`] a block behind it. Where it ends is
/// known from that head only.
///
/// ```
/// use torrent_meta::{MetadataBody, MetadataMessage};
///
/// let message = MetadataMessage::decode(b"d8:msg_typei1e5:piecei0e10:total_sizei5eehello")?;
/// assert_eq!(message.body, MetadataBody::Data { piece: 0, total_size: 5, block: b"hello" });
/// let request = MetadataMessage::from(MetadataBody::Request { piece: 0 });
/// assert_eq!(request.to_vec(), b"d8:msg_typei0e5:piecei0ee");
/// # Ok::<(), torrent_meta::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataMessage<'a> {
    /// What it says.
    pub body: MetadataBody<'a>,
    /// The keys that the body does not have a field for.
    pub other: Map,
}

/// What a [`MetadataMessage`] says. Metadata is numbered in blocks of
/// [`METADATA_BLOCK`](crate::METADATA_BLOCK) bytes, which BEP 9 calls pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataBody<'a> {
    /// Asks for a block.
    Request {
        /// Its number.
        piece: u32,
    },
    /// A block.
    Data {
        /// Its number.
        piece: u32,
        /// How many bytes the whole metadata has.
        total_size: u32,
        /// The block.
        block: &'a [u8],
    },
    /// The block that was asked for will not come: the sender does not have the metadata, or was asked
    /// too often.
    Reject {
        /// Its number.
        piece: u32,
    },
    /// A message of a type not from 0 to 2, which BEP 9 says to ignore.
    Unknown {
        /// Its type.
        msg_type: i64,
        /// What follows the dictionary.
        payload: &'a [u8],
    },
}

const REQUEST: i64 = 0;
const DATA: i64 = 1;
const REJECT: i64 = 2;

/// Of the dictionary; the block behind it does not count.
const LIMITS: Limits = Limits { bytes: 16 << 10, tokens: 1000, depth: 16, integer_digits: 20 };

impl<'a> MetadataMessage<'a> {
    /// Decodes a message that is exactly as it should be: then [`encode`](Self::encode) gives the same
    /// bytes again. `bytes` is all that the extension protocol's message has behind its id.
    ///
    /// # Errors
    /// The dictionary is not canonical bencode or longer than 16 KiB, it lacks a key, a number is out of
    /// bounds, or something follows what has no block.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, Decoder::strict())
    }

    /// Decodes a message whose dictionary may be sorted wrongly and the like, and ignores what follows a
    /// message without a block.
    ///
    /// # Errors
    /// As for [`decode`](Self::decode), but for that.
    pub fn decode_lenient(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, Decoder::lenient())
    }

    fn decode_with(bytes: &'a [u8], decoder: Decoder) -> Result<Self, DecodeError> {
        let (document, end) = match decoder.limits(LIMITS).decode_prefix(bytes)? {
            Decoded::Complete { value, consumed } => (value, consumed),
            Decoded::Partial { needed } => {
                let kind = ErrorKind::Bencode(bencode::ErrorKind::UnexpectedEnd { needed });
                return Err(DecodeError { offset: bytes.len(), kind });
            }
        };
        let payload = bytes.get(end..).unwrap_or_default();
        let dict = document.root().as_dict().ok_or(DecodeError {
            offset: 0,
            kind: ErrorKind::NotADictionary { what: "the message" },
        })?;
        let msg_type = find(dict, "msg_type")?;
        let msg_type = msg_type.as_int().ok_or(wrong(msg_type, "msg_type"))?;
        let body = match msg_type {
            REQUEST => MetadataBody::Request { piece: number(dict, "piece")? },
            DATA => MetadataBody::Data {
                piece: number(dict, "piece")?,
                total_size: number(dict, "total_size")?,
                block: payload,
            },
            REJECT => MetadataBody::Reject { piece: number(dict, "piece")? },
            msg_type => MetadataBody::Unknown { msg_type, payload },
        };
        if body.payload().is_empty() && !payload.is_empty() && !decoder.is_lenient() {
            let kind = BencodeDeviation::TrailingBytes { count: payload.len() };
            let kind = ErrorKind::Deviation(DeviationKind::Bencode(kind));
            return Err(DecodeError { offset: end, kind });
        }
        let mut other = Map::new();
        for (key, value) in dict.iter() {
            let key = key.as_bytes().unwrap_or_default();
            if !body.has_field(key) && other.find(key).is_none() {
                other.insert(key.to_vec(), Value::from_node(value)?);
            }
        }
        Ok(Self { body, other })
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        self.dict().encoded_len() + self.body.payload().len()
    }

    /// Appends the message. Where [`other`](Self::other) has a key that the body has a field for, the
    /// field counts.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        self.dict().encode(out);
        out.put_slice(self.body.payload());
    }

    /// The message's bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode(&mut out);
        out
    }

    fn dict(&self) -> Value {
        let mut dict = self.other.clone();
        let (msg_type, piece, total_size) = match self.body {
            MetadataBody::Request { piece } => (REQUEST, Some(piece), None),
            MetadataBody::Data { piece, total_size, .. } => (DATA, Some(piece), Some(total_size)),
            MetadataBody::Reject { piece } => (REJECT, Some(piece), None),
            MetadataBody::Unknown { msg_type, .. } => (msg_type, None, None),
        };
        dict.insert("msg_type", msg_type);
        for (key, number) in [("piece", piece), ("total_size", total_size)] {
            if let Some(number) = number {
                dict.insert(key, number);
            }
        }
        Value::Dict(dict)
    }
}

impl<'a> MetadataBody<'a> {
    fn payload(&self) -> &'a [u8] {
        match self {
            Self::Data { block, .. } => block,
            Self::Unknown { payload, .. } => payload,
            Self::Request { .. } | Self::Reject { .. } => &[],
        }
    }

    fn has_field(&self, key: &[u8]) -> bool {
        match key {
            b"msg_type" => true,
            b"piece" => !matches!(self, Self::Unknown { .. }),
            b"total_size" => matches!(self, Self::Data { .. }),
            _ => false,
        }
    }
}

impl<'a> From<MetadataBody<'a>> for MetadataMessage<'a> {
    fn from(body: MetadataBody<'a>) -> Self {
        Self { body, other: Map::new() }
    }
}

fn find<'t, 'a>(dict: Dict<'t, 'a>, key: &'static str) -> Result<Node<'t, 'a>, DecodeError> {
    let missing = DecodeError { offset: 0, kind: ErrorKind::Missing { key } };
    dict.find(key.as_bytes()).ok_or(missing)
}

fn number(dict: Dict<'_, '_>, key: &'static str) -> Result<u32, DecodeError> {
    let node = find(dict, key)?;
    node.as_uint().and_then(|number| number.try_into().ok()).ok_or(wrong(node, key))
}

fn wrong(node: Node<'_, '_>, key: &'static str) -> DecodeError {
    let expected = if key == "msg_type" { "an integer of 64 bits" } else { "a number of 32 bits" };
    DecodeError { offset: node.offset(), kind: ErrorKind::WrongKind { key, expected } }
}
