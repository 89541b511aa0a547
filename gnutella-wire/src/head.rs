//! Text heads: a start line, fields, a blank line. Handshakes, HTTP and GIV all have this shape.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::BufMut;
use memchr::{memchr, memchr_iter};

use crate::{DecodeError, DecodeErrorKind, Decoded, Limits};

/// A text head, whole and unchanged, blank line included.
///
/// Lines end with LF, with or without CR before it: 0.4 writes `\n\n`, everything later `\r\n\r\n`.
/// The typed views ([`Connect`](crate::Connect), [`Request`](crate::Request), …) are read from a
/// head; the head itself keeps every byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    bytes: &'a [u8],
}

impl<'a> Head<'a> {
    /// Cuts one head from the start of `bytes`.
    ///
    /// # Errors
    /// The head does not end within the limits.
    pub fn decode_prefix(bytes: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        let within = bytes.get(..limits.head_bytes).unwrap_or(bytes);
        let (mut line_start, mut lines) = (0, 0);
        for end in memchr_iter(b'\n', within) {
            lines += 1;
            if lines > limits.head_lines {
                let kind = DecodeErrorKind::TooManyLines { max: limits.head_lines };
                return Err(DecodeError { offset: line_start, kind });
            }
            let line = &within[line_start..end];
            line_start = end + 1;
            if trim_cr(line).is_empty() {
                let value = Self { bytes: &within[..line_start] };
                return Ok(Decoded::Complete { value, consumed: line_start });
            }
        }
        if within.len() == limits.head_bytes {
            let kind = DecodeErrorKind::HeadTooLong { max: limits.head_bytes };
            return Err(DecodeError { offset: limits.head_bytes, kind });
        }
        Ok(Decoded::Partial { needed: 1 })
    }

    /// Reads one whole head within the default [`Limits`].
    ///
    /// # Errors
    /// As [`decode_prefix`](Self::decode_prefix), and if bytes are missing or follow.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match Self::decode_prefix(bytes, &Limits::DEFAULT)? {
            Decoded::Complete { value, consumed } if consumed == bytes.len() => Ok(value),
            Decoded::Complete { consumed, .. } => Err(DecodeError {
                offset: consumed,
                kind: DecodeErrorKind::TrailingBytes { extra: bytes.len() - consumed },
            }),
            Decoded::Partial { needed } => Err(DecodeError {
                offset: bytes.len(),
                kind: DecodeErrorKind::Truncated { needed },
            }),
        }
    }

    /// The whole head.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first line, without its end.
    pub fn start_line(&self) -> &'a [u8] {
        let end = memchr(b'\n', self.bytes);
        trim_cr(&self.bytes[..end.unwrap_or(self.bytes.len())])
    }

    /// The fields `name: value` in order. Lines that are none are passed over.
    ///
    /// A line that begins with white space goes on with the field before it (RFC 9112, section 5.2;
    /// gtk-gnutella writes lists of addresses so). The value has the line break then, as it was sent:
    /// entries of a list are trimmed anyway, and for text there is [`unfold`].
    pub fn fields(&self) -> Fields<'a> {
        let after = memchr(b'\n', self.bytes).map_or(0, |end| end + 1);
        Fields { rest: &self.bytes[after..] }
    }

    /// The value of the first field of this name; names are compared without case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v)
    }

    /// The values of all fields of this name, in order: a list may go on in another field.
    pub fn values(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.fields()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the head, unchanged.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.bytes);
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedHead {
        OwnedHead { bytes: self.bytes.into() }
    }

    /// Where `part`, a slice of this head, starts in it.
    pub(crate) fn offset_of(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize).min(self.bytes.len())
    }
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The text, escaped where it is not printable ASCII.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({})", self.bytes.escape_ascii())
    }
}

/// The fields of a head as (name, value), white space around both removed; see [`Head::fields`] for
/// those of several lines.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields in these lines.
    pub(crate) fn of(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let first = memchr(b'\n', self.rest)?;
            let mut end = first;
            while let [b' ' | b'\t', ..] = self.rest[end + 1..]
                && let Some(more) = memchr(b'\n', &self.rest[end + 1..])
            {
                end += 1 + more;
            }
            let line = &self.rest[..end];
            self.rest = &self.rest[end + 1..];
            // The colon is in the first line, and that goes on with nothing itself.
            if let Some(colon) = memchr(b':', &line[..first])
                && !matches!(line[0], b' ' | b'\t')
            {
                return Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()));
            }
        }
    }
}

/// A field's value on one line: each line break and the white space around it become a space (RFC
/// 9112, section 5.2). Borrowed unless there is one.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    for line in value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if !out.is_empty() && !line.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(line);
    }
    Cow::Owned(out)
}

/// The owned twin of [`Head`], which can also be built.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedHead {
    bytes: Box<[u8]>,
}

impl OwnedHead {
    /// Starts a head with this line. Line ends, NUL bytes and other control characters in it become
    /// `_`, so that nothing that came from elsewhere (a file name, say) can add a line.
    pub fn build(start_line: &[u8]) -> HeadBuilder {
        let mut builder = HeadBuilder { bytes: Vec::with_capacity(start_line.len() + 64) };
        builder.put_clean(start_line);
        builder
    }

    /// The borrowed twin, which has the accessors and encodes.
    pub fn borrow(&self) -> Head<'_> {
        Head { bytes: &self.bytes }
    }
}

impl fmt::Debug for OwnedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

/// Puts a head together.
#[derive(Clone, Debug)]
pub struct HeadBuilder {
    bytes: Vec<u8>,
}

impl HeadBuilder {
    /// Adds a field. Control characters become `_`, as in the start line.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.bytes.extend_from_slice(b"\r\n");
        self.put_clean(name.as_bytes());
        self.bytes.extend_from_slice(b": ");
        let clean = self.bytes.len();
        // Writing to a vector does not fail; a value that fails to display itself is left short.
        let _ = fmt::Write::write_fmt(&mut Sink(&mut self.bytes), format_args!("{value}"));
        for byte in &mut self.bytes[clean..] {
            *byte = cleaned(*byte);
        }
        self
    }

    /// The head, with lines that end in CR LF.
    pub fn finish(self) -> OwnedHead {
        self.end_with(b"\r\n\r\n")
    }

    /// The head, with `\n\n` after its last line, as 0.4 ends its handshake and `GIV`.
    pub fn finish_v04(self) -> OwnedHead {
        self.end_with(b"\n\n")
    }

    fn end_with(mut self, end: &[u8]) -> OwnedHead {
        self.bytes.extend_from_slice(end);
        OwnedHead { bytes: self.bytes.into() }
    }

    fn put_clean(&mut self, text: &[u8]) {
        self.bytes.extend(text.iter().map(|&byte| cleaned(byte)));
    }
}

fn cleaned(byte: u8) -> u8 {
    if byte.is_ascii_control() { b'_' } else { byte }
}

struct Sink<'a>(&'a mut Vec<u8>);

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
