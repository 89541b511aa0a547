//! How the client that accepted a transfer link answers the request.

use core::fmt;

use bytes::BufMut;

use crate::sink::{Count, Out, Sink};
use crate::transfer::request::digits;
use crate::{DecodeError, DecodeErrorKind, Decoded, number};

/// Why a transfer request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `INVALID REQUEST`
    InvalidRequest,
    /// `FILE NOT SHARED`
    FileNotShared,
}

impl Refusal {
    const ALL: [Self; 2] = [Self::InvalidRequest, Self::FileNotShared];

    fn text(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID REQUEST",
            Self::FileNotShared => "FILE NOT SHARED",
        }
    }
}

/// The text on the wire.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// The answer to `GET`: the file's size in decimal digits, then at once its bytes from the offset.
///
/// # Where the size ends
/// Nothing separates the digits from the file, and a file may itself begin with a digit. The
/// protocol's text says to read up to the first byte that is no digit, which an MP3 file always
/// has. A client knows better: the search result told the size, so it knows how many digits to
/// expect. [`decode`](Self::decode) takes that expectation, and is then right for any file and
/// however the bytes are cut, as long as the size still has as many digits as it had (or fewer,
/// with a file that does not begin with a digit).
///
/// A size that has more digits by now can not be told: of 50 where 5 was expected, the 5 is taken for
/// the size and the 0 for the file's first byte. The reader notices only afterwards, when more bytes
/// come than the size said: it should then discard what it has, and not close the link in haste. In
/// the same way, of a size with fewer digits and a file that begins with digits, some of these are
/// read as the size's; then the size is not the expected one, or the file ends too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeAnswer {
    /// The size of the whole file in bytes, whatever the offset.
    Size(u64),
    /// No file.
    Refused(Refusal),
}

impl SizeAnswer {
    /// Reads an answer from the start of `bytes`. `expected` is the size the search result told;
    /// without it, the size ends at the first byte that is no digit, and has to be followed by one.
    /// A size of 0 ends after its digit in both cases.
    ///
    /// # Errors
    /// The bytes can not become an answer.
    pub fn decode(bytes: &[u8], expected: Option<u64>) -> Result<Decoded<Self>, DecodeError> {
        let Some(found) = digits(bytes) else {
            return Ok(decode_refusal(bytes)?.map(Self::Refused));
        };
        // One digit more than any number has is enough to be refused.
        let most = expected.map_or(number::MAX_DIGITS + 1, number::width);
        let text = &found[..found.len().min(most)];
        let ended = text.len() == most || found.len() < bytes.len() || text == b"0";
        if !ended {
            // Not more: the number may be shorter than expected and end with the next byte.
            return Ok(Decoded::Partial { needed: 1 });
        }
        let size = number::parse(text, u64::MAX, "size", 0)?;
        Ok(Decoded::Complete { value: Self::Size(size), consumed: text.len() })
    }

    /// Bytes of the answer.
    pub fn encoded_len(&self) -> usize {
        let mut count = Count(0);
        self.write(&mut count);
        count.0
    }

    /// Appends the answer.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        self.write(&mut Out(out));
    }

    fn write(&self, out: &mut impl Sink) {
        match self {
            Self::Size(size) => out.number(*size),
            Self::Refused(refusal) => out.put(refusal.text().as_bytes()),
        }
    }
}

/// The answer to `SEND`: the offset to start at, in decimal digits. The file's bytes follow from the
/// other side.
///
/// # Where the offset ends
/// As with a [`TransferRequest`](crate::TransferRequest), the decoder takes all digits that are
/// there: an offset that arrives in two pieces is read too small, except 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetAnswer {
    /// The offset of the first byte wanted.
    Offset(u64),
    /// No file wanted.
    Refused(Refusal),
}

impl OffsetAnswer {
    /// Reads an answer from the start of `bytes`.
    ///
    /// # Errors
    /// The bytes can not become an answer.
    pub fn decode(bytes: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let Some(text) = digits(bytes) else {
            return Ok(decode_refusal(bytes)?.map(Self::Refused));
        };
        let text = &text[..text.len().min(number::MAX_DIGITS + 1)];
        let offset = number::parse(text, u64::MAX, "offset", 0)?;
        Ok(Decoded::Complete { value: Self::Offset(offset), consumed: text.len() })
    }

    /// Bytes of the answer.
    pub fn encoded_len(&self) -> usize {
        let mut count = Count(0);
        self.write(&mut count);
        count.0
    }

    /// Appends the answer.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        self.write(&mut Out(out));
    }

    fn write(&self, out: &mut impl Sink) {
        match self {
            Self::Offset(offset) => out.number(*offset),
            Self::Refused(refusal) => out.put(refusal.text().as_bytes()),
        }
    }
}

fn decode_refusal(bytes: &[u8]) -> Result<Decoded<Refusal>, DecodeError> {
    for refusal in Refusal::ALL {
        let text = refusal.text().as_bytes();
        if bytes.starts_with(text) {
            return Ok(Decoded::Complete { value: refusal, consumed: text.len() });
        }
        if text.starts_with(bytes) {
            // A number of one digit is the shortest answer while nothing is there.
            let needed = if bytes.is_empty() { 1 } else { text.len() - bytes.len() };
            return Ok(Decoded::Partial { needed });
        }
    }
    Err(DecodeErrorKind::ExpectedAnswer.at(0))
}
