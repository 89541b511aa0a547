//! Reading and writing of Rust types (feature `serde`).
//!
//! Bytes are read directly, without a tape, by the rules and within the [`Limits`](crate::Limits) of
//! [`Decoder`]; what is written is canonical.
//!
//! ```
//! use overlay_bencode::serde::{from_bytes, to_vec};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Peer<'a> {
//!     port: u16,
//!     ip: &'a str,
//!     #[serde(rename = "peer id", with = "serde_bytes")]
//!     id: &'a [u8],
//!     seen: Option<u64>,
//! }
//!
//! let message = b"d2:ip9:127.0.0.17:peer id4:\x01\x02\x03\x044:porti6881ee";
//! let peer: Peer = from_bytes(message)?;
//! assert_eq!((peer.ip, peer.port, peer.seen), ("127.0.0.1", 6881, None));
//! assert_eq!(to_vec(&peer)?, message);
//!
//! let error = from_bytes::<Peer>(b"d2:ip1:x4:porti70000ee").err().expect("no port number");
//! assert_eq!(error.offset(), 14);
//! assert_eq!(error.to_string(), "invalid value: integer `70000`, expected u16 at byte 14");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What stands for what
//!
//! | Rust | bencode |
//! |---|---|
//! | `i8` … `u64`, `i128`, `u128` | an integer; one that does not fit is an error |
//! | `bool` | `i0e` and `i1e`, nothing else |
//! | `&str`, `String`, `char` | a string of UTF-8 |
//! | `&[u8]`, and with `serde_bytes` `Vec<u8>`, `[u8; N]` | a string of any bytes |
//! | `Vec<T>`, arrays, tuples, tuple structs; `()` and unit structs | a list; an empty one |
//! | structs, maps | a dictionary. Keys are strings: text, bytes, `char`, unit variants |
//! | `Option<T>` | `Some` is the value; `None` is an entry that is not there, and an error where there is no entry to leave out |
//! | newtype structs | what they hold |
//! | unit variant | a string, its name |
//! | other variants | a dictionary of one entry: name, and value, list or dictionary |
//! | `f32`, `f64` | nothing: an error |
//!
//! Types that ask for any value (`#[serde(untagged)]`, `#[serde(flatten)]`, `IgnoredAny` and their
//! like) get strings as `str` where they are UTF-8 and as bytes where not, and integers as `i64`,
//! `u64` or, beyond these, `i128` or `u128`.

mod bytes_only;
mod de;
mod error;
mod int;
mod raw;
mod reader;
mod ser;
mod value;

pub use error::{DeserializeError, DeserializeErrorKind, SerializeError, SerializeErrorKind};
pub use raw::RawRef;
pub use reader::{Deserializer, MAX_DEPTH};
pub use ser::Writer;

use alloc::vec::Vec;

use ::serde::{Deserialize, Serialize};
use bytes::BufMut;

use crate::decode::{Decoded, Decoder};
use crate::error::ErrorKind;

/// Reads a whole message, strictly and with the default [`Limits`](crate::Limits).
///
/// # Errors
/// The bytes are not exactly one message in canonical form, or not what `T` wants.
pub fn from_bytes<'a, T: Deserialize<'a>>(input: &'a [u8]) -> Result<T, DeserializeError> {
    from_bytes_with(Decoder::strict(), input)
}

/// Reads a whole message as the decoder says: strictly or leniently, and within its limits. The
/// first of equal keys counts. [`Deserializer`] also tells the deviations.
///
/// # Errors
/// The bytes are not exactly one message, or not what `T` wants.
pub fn from_bytes_with<'a, T: Deserialize<'a>>(
    decoder: Decoder,
    input: &'a [u8],
) -> Result<T, DeserializeError> {
    let mut deserializer = Deserializer::new(decoder, input);
    let value = T::deserialize(&mut deserializer)?;
    deserializer.finish()?;
    Ok(value)
}

/// Reads the message that `input` starts with, such as the dictionary in front of a block of
/// metadata (BEP 9). As [`Decoder::decode_prefix`].
///
/// # Errors
/// The bytes can not become a message, however many more follow, or are not what `T` wants.
pub fn from_prefix<'a, T: Deserialize<'a>>(
    decoder: Decoder,
    input: &'a [u8],
) -> Result<Decoded<T>, DeserializeError> {
    let mut deserializer = Deserializer::new(decoder, input);
    let value = T::deserialize(&mut deserializer);
    match value.and_then(|value| Ok((value, deserializer.end_of_prefix()?))) {
        Ok((value, consumed)) => Ok(Decoded::Complete { value, consumed }),
        Err(error) => match error.kind() {
            DeserializeErrorKind::Malformed(ErrorKind::UnexpectedEnd { needed }) => {
                Ok(Decoded::Partial { needed: *needed })
            }
            _ => Err(error),
        },
    }
}

/// Writes a value's canonical form.
///
/// # Errors
/// The value has no such form; see the [table](self).
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, SerializeError> {
    let mut writer = Writer::new();
    writer.write(value)?;
    Ok(writer.into_vec())
}

/// Appends a value's canonical form. Nothing is appended if there is an error.
///
/// Entries may come in any order, so the message is put together elsewhere and copied once;
/// [`Writer`] keeps the memory for the next one.
///
/// # Errors
/// The value has no such form; see the [table](self).
///
/// # Panics
/// If `out` has a fixed capacity that is too small.
pub fn to_buf<T: Serialize + ?Sized>(
    value: &T,
    out: &mut impl BufMut,
) -> Result<(), SerializeError> {
    out.put_slice(Writer::new().write(value)?);
    Ok(())
}
