//! The one byte with which a transfer link begins.

use crate::{DecodeError, DecodeErrorKind, Decoded};

/// What the client that accepted a transfer link sends first: ASCII `1`.
pub const GREETING: u8 = b'1';

/// Reads the greeting from the start of `bytes`.
///
/// # Errors
/// Another byte stands there.
pub fn decode_greeting(bytes: &[u8]) -> Result<Decoded<()>, DecodeError> {
    match bytes.first() {
        Some(&GREETING) => Ok(Decoded::Complete { value: (), consumed: 1 }),
        Some(found) => Err(DecodeErrorKind::ExpectedGreeting { found: *found }.at(0)),
        None => Ok(Decoded::Partial { needed: 1 }),
    }
}
