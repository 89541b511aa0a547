//! Reads the fields of a message's data one after the other.

use crate::{DecodeError, DecodeErrorKind, Extra, MAX_FIELD, Quoted, Word, number};

/// A place in a message's data. Fields are separated by exactly one space.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    /// Where `rest` starts in the bytes that the caller of the decoder knows.
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(data: &'a [u8], offset: usize) -> Self {
        Self { rest: data, offset }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn skip(&mut self, len: usize) {
        let len = len.min(self.rest.len());
        self.rest = &self.rest[len..];
        self.offset += len;
    }

    /// Skips `prefix` if it stands here.
    pub(crate) fn skip_prefix(&mut self, prefix: &[u8]) -> bool {
        let found = self.rest.starts_with(prefix);
        if found {
            self.skip(prefix.len());
        }
        found
    }

    /// The one space before `field`.
    pub(crate) fn space(&mut self, field: &'static str) -> Result<(), DecodeError> {
        match self.rest.first() {
            Some(b' ') => {
                self.skip(1);
                Ok(())
            }
            Some(found) => {
                Err(DecodeErrorKind::ExpectedSpace { field, found: *found }.at(self.offset))
            }
            None => Err(DecodeErrorKind::Missing { field }.at(self.offset)),
        }
    }

    /// Everything up to the next space or the end, at least one byte.
    fn token(&mut self, field: &'static str) -> Result<(usize, &'a [u8]), DecodeError> {
        let start = self.offset;
        let len = self.rest.iter().position(|byte| *byte == b' ').unwrap_or(self.rest.len());
        if len == 0 {
            return Err(DecodeErrorKind::Missing { field }.at(start));
        }
        let token = &self.rest[..len];
        self.skip(len);
        Ok((start, token))
    }

    pub(crate) fn word(&mut self, field: &'static str) -> Result<Word<'a>, DecodeError> {
        let (start, token) = self.token(field)?;
        if let Some(at) = token.iter().position(|byte| *byte == b'"') {
            return Err(DecodeErrorKind::UnexpectedQuote { field }.at(start + at));
        }
        fits(token, field, start)?;
        Ok(Word::checked(token))
    }

    pub(crate) fn quoted(&mut self, field: &'static str) -> Result<Quoted<'a>, DecodeError> {
        let start = self.offset;
        match self.rest.first() {
            Some(b'"') => self.skip(1),
            Some(found) => {
                return Err(DecodeErrorKind::ExpectedQuote { field, found: *found }.at(start));
            }
            None => return Err(DecodeErrorKind::Missing { field }.at(start)),
        }
        let Some(len) = self.rest.iter().position(|byte| *byte == b'"') else {
            return Err(DecodeErrorKind::UnclosedQuote { field }.at(start));
        };
        let text = &self.rest[..len];
        fits(text, field, start)?;
        self.skip(len + 1);
        Ok(Quoted::checked(text))
    }

    /// A number between quotes, as the search filters have it.
    pub(crate) fn quoted_number(
        &mut self,
        max: u64,
        field: &'static str,
    ) -> Result<u64, DecodeError> {
        let start = self.offset + 1;
        let quoted = self.quoted(field)?;
        number::parse(quoted.as_bytes(), max, field, start)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let (start, token) = self.token(field)?;
        number::parse(token, u64::MAX, field, start)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let (start, token) = self.token(field)?;
        // The range is checked by the parser.
        number::parse(token, u64::from(u32::MAX), field, start).map(|value| value as u32)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        let (start, token) = self.token(field)?;
        // The range is checked by the parser.
        number::parse(token, u64::from(u16::MAX), field, start).map(|value| value as u16)
    }

    /// Whatever follows the known fields.
    pub(crate) fn extra(mut self) -> Result<Extra<'a>, DecodeError> {
        let rest = self.rest;
        if !rest.is_empty() {
            fits(rest, "further fields", self.offset)?;
            self.space("further fields")?;
        }
        Ok(Extra::checked(rest))
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(DecodeErrorKind::Trailing { extra }.at(self.offset)),
        }
    }
}

/// Whether a field is within [`MAX_FIELD`].
pub(crate) fn fits(bytes: &[u8], field: &'static str, offset: usize) -> Result<(), DecodeError> {
    if bytes.len() > MAX_FIELD {
        let len = bytes.len();
        return Err(DecodeErrorKind::FieldTooLong { field, len, max: MAX_FIELD }.at(offset));
    }
    Ok(())
}
