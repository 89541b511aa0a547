//! Values that types keep as they are encoded.

use core::fmt;

use ::serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use ::serde::ser::{Serialize, Serializer};
use bytes::Bytes;

use crate::decode::{Decoder, Document};
use crate::error::DecodeError;
use crate::value::Raw;

/// Tells our reader and writer what comes. No other type has this name.
pub(super) const NAME: &str = "$overlay_bencode::serde::Raw";

/// One encoded value, borrowed from the input as it stands there: an info dictionary to hash, say,
/// or what is decoded later or by someone else. [`Raw`] is the owned one.
///
/// ```
/// use overlay_bencode::serde::{RawRef, from_bytes};
///
/// #[derive(serde::Deserialize)]
/// struct Torrent<'a> {
///     #[serde(borrow)]
///     info: RawRef<'a>,
/// }
///
/// let torrent: Torrent = from_bytes(b"d7:comment2:hi4:infod6:lengthi5eee")?;
/// assert_eq!(torrent.info.as_bytes(), b"d6:lengthi5ee");
/// # Ok::<(), overlay_bencode::serde::DeserializeError>(())
/// ```
///
/// Both only mean something to this crate's reader and writer; other formats get the bytes as bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawRef<'a>(&'a [u8]);

impl<'a> RawRef<'a> {
    /// Bytes that are exactly one value in canonical form.
    ///
    /// # Errors
    /// They are not; see [`decode`](crate::decode).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Decoder::strict().decode(bytes)?;
        Ok(Self(bytes))
    }

    /// The encoded value.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// An owned copy.
    pub fn to_raw(self) -> Raw {
        Raw::from_encoded(Bytes::copy_from_slice(self.0))
    }
}

/// A document's value as it stands in the input.
impl<'a> From<&Document<'a>> for RawRef<'a> {
    fn from(document: &Document<'a>) -> Self {
        Self(document.bytes())
    }
}

impl fmt::Debug for RawRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRef(\"{}\")", self.0.escape_ascii())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = RawRef<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bencoded value")
            }

            /// From our reader, which has checked them.
            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(RawRef(bytes))
            }

            /// From any other.
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                let bytes = <&[u8]>::deserialize(deserializer)?;
                RawRef::parse(bytes).map_err(D::Error::custom)
            }
        }

        deserializer.deserialize_newtype_struct(NAME, RawVisitor)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawRef::deserialize(deserializer).map(RawRef::to_raw)
    }
}

impl Serialize for RawRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &AsBytes(self.0))
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &AsBytes(self.as_bytes()))
    }
}

pub(super) struct AsBytes<'a>(pub(super) &'a [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
