//! What the client that opened a transfer link asks for.

use bytes::BufMut;

use crate::cursor::Cursor;
use crate::sink::{Count, Out, Sink};
use crate::{DecodeError, DecodeErrorKind, Decoded, MAX_FIELD, Quoted, Word, number};

/// The longest transfer request in bytes.
pub const MAX_REQUEST: usize = 4 + MAX_FIELD + 2 + MAX_FIELD + 2 + number::MAX_DIGITS;

/// Which way the file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `GET`: to the client that opened the link.
    Get,
    /// `SEND`: from the client that opened the link, as it was asked to by message 501.
    Send,
}

impl Direction {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Get => b"GET",
            Self::Send => b"SEND",
        }
    }
}

/// A transfer request: `GET<mynick> "<file>" <offset>` or `SEND<mynick> "<file>" <size>`
/// (napster.txt, sections 5.1 and 5.2).
///
/// Nothing separates the keyword from the nick: clients wrote it as a packet of its own.
///
/// # The end of a request
/// The number at the end has no terminator either; real clients took what one read gave them. This
/// decoder takes *all digits that are there*, and calls the request complete as soon as there is
/// one. So a request that arrives in two pieces, cut between two of its last digits, is read with
/// too small a number. Nothing in the bytes can tell. A number of 0, which is what a download from
/// the start sends, can not be cut, and everything before the last digits can be cut anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRequest<'a> {
    /// Which way the file goes.
    pub direction: Direction,
    /// The nick of the client that opened the link.
    pub nick: Word<'a>,
    /// The file's name as it was shared.
    pub name: Quoted<'a>,
    /// With [`Get`](Direction::Get) the offset in bytes to start at, with
    /// [`Send`](Direction::Send) the file's size in bytes.
    pub number: u64,
}

impl<'a> TransferRequest<'a> {
    /// Reads a request from the start of `bytes`.
    ///
    /// # Errors
    /// The bytes can not become a request of at most [`MAX_REQUEST`] bytes.
    pub fn decode_prefix(bytes: &'a [u8]) -> Result<Decoded<Self>, DecodeError> {
        let head = &bytes[..bytes.len().min(MAX_REQUEST)];
        let Some(end) = end_of_name(head)? else {
            if bytes.len() >= MAX_REQUEST {
                let kind = DecodeErrorKind::FieldTooLong {
                    field: "transfer request",
                    len: bytes.len(),
                    max: MAX_REQUEST,
                };
                return Err(kind.at(0));
            }
            return Ok(Decoded::Partial { needed: 1 });
        };
        let mut cursor = Cursor::new(&head[..end], 0);
        let direction = if cursor.skip_prefix(b"GET") { Direction::Get } else { Direction::Send };
        if direction == Direction::Send {
            cursor.skip(b"SEND".len());
        }
        let nick = cursor.word("nick")?;
        cursor.space("file name")?;
        let name = cursor.quoted("file name")?;
        let field = match direction {
            Direction::Get => "offset",
            Direction::Send => "size",
        };
        let mut cursor = Cursor::new(&head[end..], end);
        if cursor.rest().is_empty() {
            return Ok(Decoded::Partial { needed: 2 });
        }
        cursor.space(field)?;
        let Some(digits) = digits(cursor.rest()) else {
            return match cursor.rest().first() {
                None => Ok(Decoded::Partial { needed: 1 }),
                Some(found) => {
                    Err(DecodeErrorKind::NotANumber { field, found: *found }.at(cursor.offset()))
                }
            };
        };
        let number = number::parse(digits, u64::MAX, field, cursor.offset())?;
        Ok(Decoded::Complete {
            value: Self { direction, nick, name, number },
            consumed: cursor.offset() + digits.len(),
        })
    }

    /// Bytes of the request.
    pub fn encoded_len(&self) -> usize {
        let mut count = Count(0);
        self.write(&mut count);
        count.0
    }

    /// Appends the request.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        self.write(&mut Out(out));
    }

    /// The same request with its own bytes.
    pub fn into_owned(self) -> TransferRequest<'static> {
        TransferRequest {
            direction: self.direction,
            nick: self.nick.into_owned(),
            name: self.name.into_owned(),
            number: self.number,
        }
    }

    fn write(&self, out: &mut impl Sink) {
        out.put(self.direction.text());
        out.word(&self.nick);
        out.space();
        out.quoted(&self.name);
        out.space();
        out.number(self.number);
    }
}

/// Where the file name's closing quote ends, once it is there. Refuses what can not become a
/// request as soon as it is seen, so that nobody has to wait for a quote that never comes.
fn end_of_name(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
    let Some(keyword) =
        [Direction::Get, Direction::Send].map(Direction::text).into_iter().find(|keyword| {
            let len = keyword.len().min(bytes.len());
            bytes[..len] == keyword[..len]
        })
    else {
        return Err(DecodeErrorKind::ExpectedRequest.at(0));
    };
    let mut quotes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'"');
    if bytes.len() > keyword.len() {
        // The nick and the opening quote, as far as they are there.
        let nick = &bytes[keyword.len()..];
        match nick.iter().position(|byte| *byte == b' ') {
            Some(space) => {
                let mut cursor = Cursor::new(nick, keyword.len());
                cursor.word("nick")?;
                if let Some(found) = nick.get(space + 1).filter(|byte| **byte != b'"') {
                    let kind = DecodeErrorKind::ExpectedQuote { field: "file name", found: *found };
                    return Err(kind.at(keyword.len() + space + 1));
                }
            }
            None => {
                let mut cursor = Cursor::new(nick, keyword.len());
                cursor.word("nick")?;
            }
        }
    }
    Ok(quotes.nth(1).map(|(at, _)| at + 1))
}

/// The number at the start of `bytes`: a single 0, or all digits.
pub(super) fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let len = match bytes.first() {
        Some(b'0') => 1,
        _ => bytes.iter().take_while(|byte| byte.is_ascii_digit()).count(),
    };
    (len > 0).then(|| &bytes[..len])
}
