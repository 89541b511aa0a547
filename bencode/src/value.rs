//! Owned values, for building messages.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::decode::{Decoder, Document};
use crate::error::{DecodeError, ErrorKind};
use crate::integer::Integer;
use crate::map::Map;
use crate::node::{Kind, Node};

/// An owned value. Its encoding is canonical by construction: a [`Map`] keeps the keys sorted and each
/// of them once. The one exception is a [`Raw`] that came from a lenient document.
///
/// Values are walked recursively (to encode, compare, clone or drop them). Those that come from
/// input are at most [`Value::MAX_DEPTH`] deep; who builds one by hand keeps to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `i42e`
    Integer(Integer),
    /// `4:spam`
    Bytes(Bytes),
    /// `l…e`
    List(Vec<Value>),
    /// `d…e`
    Dict(Map),
    /// A value that is encoded already, such as an info dictionary whose hash must not change. It is
    /// not equal to the same value in decoded form.
    Raw(Raw),
}

impl Value {
    /// How deep a value made from a document may be.
    pub const MAX_DEPTH: usize = 256;

    /// A dictionary of these entries. Of equal keys the last one stays.
    pub fn dict<K: Into<Bytes>, V: Into<Self>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Dict(entries.into_iter().collect())
    }

    /// A list of these items.
    pub fn list<V: Into<Self>>(items: impl IntoIterator<Item = V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A copy of a borrowed value. Of equal keys, which only a lenient document has, the first one
    /// stays.
    ///
    /// All of its strings share one copy of the value's bytes, which lives as long as any of them.
    ///
    /// # Errors
    /// [`ErrorKind::TooDeep`] for more than [`Value::MAX_DEPTH`] levels.
    pub fn from_node(node: Node<'_, '_>) -> Result<Self, DecodeError> {
        let shared = Shared { bytes: Bytes::copy_from_slice(node.raw()), offset: node.offset() };
        shared.value(node, Self::MAX_DEPTH)
    }

    /// What the value is. Looks at the first byte of a [`Raw`].
    pub fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Dict(_) => Kind::Dict,
            Self::Raw(raw) => raw.kind(),
        }
    }

    /// The entry of a dictionary; `None` for other kinds.
    pub fn find(&self, key: &[u8]) -> Option<&Self> {
        match self {
            Self::Dict(entries) => entries.find(key),
            _ => None,
        }
    }
}

/// The bytes of a value that is being copied.
struct Shared {
    bytes: Bytes,
    /// Where they start in the input.
    offset: usize,
}

impl Shared {
    fn value(&self, node: Node<'_, '_>, depth: usize) -> Result<Value, DecodeError> {
        let inner = || {
            let kind = ErrorKind::TooDeep { max: Value::MAX_DEPTH };
            depth.checked_sub(1).ok_or(DecodeError { offset: node.offset(), kind })
        };
        if let Some(list) = node.as_list() {
            let depth = inner()?;
            // Counting first is cheap on the tape, and no memory is wasted on many short lists.
            let mut items = Vec::with_capacity(list.len());
            for item in list {
                items.push(self.value(item, depth)?);
            }
            return Ok(Value::List(items));
        }
        if let Some(dict) = node.as_dict() {
            let depth = inner()?;
            let mut entries = Vec::with_capacity(dict.len());
            for (key, value) in dict {
                entries.push((self.string(key), self.value(value, depth)?));
            }
            return Ok(Value::Dict(Map::from_entries(entries)));
        }
        Ok(match node.as_int() {
            Some(small) => Value::from(small),
            None => match node.digits().and_then(Integer::from_digits) {
                Some(integer) => Value::Integer(integer),
                None => Value::Bytes(self.string(node)),
            },
        })
    }

    fn string(&self, node: Node<'_, '_>) -> Bytes {
        let len = node.as_bytes().map_or(0, <[u8]>::len);
        let end = node.span().end.saturating_sub(self.offset);
        // They are within: the tape says so.
        if len > end || end > self.bytes.len() {
            return Bytes::new();
        }
        self.bytes.slice(end - len..end)
    }
}

impl Document<'_> {
    /// An owned copy of the message.
    ///
    /// # Errors
    /// As [`Value::from_node`].
    pub fn to_value(&self) -> Result<Value, DecodeError> {
        Value::from_node(self.root())
    }
}

/// One encoded value, as it stands in some input.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(Bytes);

impl Raw {
    /// Bytes that are exactly one value in canonical form.
    ///
    /// # Errors
    /// They are not; see [`decode`](crate::decode).
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        Decoder::strict().decode(&bytes)?;
        Ok(Self(bytes))
    }

    #[cfg(feature = "serde")]
    pub(crate) fn from_encoded(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The encoded value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn kind(&self) -> Kind {
        match self.0.first() {
            Some(b'i') => Kind::Integer,
            Some(b'l') => Kind::List,
            Some(b'd') => Kind::Dict,
            _ => Kind::Bytes,
        }
    }
}

/// The value's bytes as they are, with the deviations that a lenient decoder let through.
impl From<Node<'_, '_>> for Raw {
    fn from(node: Node<'_, '_>) -> Self {
        Self(Bytes::copy_from_slice(node.raw()))
    }
}

impl core::fmt::Debug for Raw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Raw(\"{}\")", self.0.escape_ascii())
    }
}

impl From<Integer> for Value {
    fn from(number: Integer) -> Self {
        Self::Integer(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

/// Copies.
impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Bytes::copy_from_slice(bytes))
    }
}

/// Copies.
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl From<Map> for Value {
    fn from(entries: Map) -> Self {
        Self::Dict(entries)
    }
}

impl From<BTreeMap<Bytes, Value>> for Value {
    fn from(entries: BTreeMap<Bytes, Value>) -> Self {
        Self::Dict(entries.into())
    }
}

impl From<Raw> for Value {
    fn from(raw: Raw) -> Self {
        Self::Raw(raw)
    }
}
