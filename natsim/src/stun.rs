//! STUN messages: reading without copying, writing into a slice or a buffer, integrity and fingerprint,
//! retransmission, and a server, all without I/O.
//!
//! RFC 8489 and its predecessors RFC 5389 and RFC 3489, with the attributes of RFC 5780.
//!
//! ```
//! use natsim::stun::{Key, Message, MessageType, TransactionId, Writer};
//!
//! let key = Key::short_term(b"VOkJxbRl1RmTxUk/WvJxBt");
//! let mut buffer = [0; 128];
//! let mut writer =
//!     Writer::in_slice(&mut buffer, MessageType::BINDING_REQUEST, TransactionId::new([7; 12]));
//! writer.software("an example").integrity(&key).fingerprint();
//! let len = writer.finish()?;
//!
//! let message = Message::decode(&buffer[..len])?;
//! message.check_fingerprint()?;
//! message.check_integrity(&key)?;
//! assert_eq!(message.software()?, Some("an example"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attribute;
mod error;
mod fingerprint;
mod header;
mod hmac_sha1;
mod integrity;
mod message;
mod retransmission;
mod server;
mod value;
mod writer;

pub use attribute::{Attribute, AttributeType, Attributes};
pub use error::{CheckError, DecodeError, DecodeErrorKind, WriteError};
pub use header::{Class, HEADER_LEN, MAGIC_COOKIE, MessageType, Method, TransactionId};
pub use integrity::Key;
pub use message::Message;
pub use retransmission::{Due, Retransmission, Schedule};
pub use server::{Addresses, Answer, Server, Socket};
pub use value::{ChangeRequest, ErrorCode};
pub use writer::{Buffer, SliceBuffer, Writer};
