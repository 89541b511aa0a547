//! One pass over the bytes, without recursion, into a flat tape.

use alloc::vec::Vec;

use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind, Expected};
use crate::limits::Limits;
use crate::node::{Node, NodeId};
use crate::token::{Tape, Token, TokenKind};

/// Decodes a whole message, strictly and with the default [`Limits`].
///
/// # Errors
/// The bytes are not exactly one message in canonical form.
pub fn decode(input: &[u8]) -> Result<Document<'_>, DecodeError> {
    Decoder::strict().decode(input)
}

/// Decodes the message that `input` starts with, strictly and with the default [`Limits`].
///
/// # Errors
/// The bytes can not become a message in canonical form, however many more follow.
pub fn decode_prefix(input: &[u8]) -> Result<Decoded<Document<'_>>, DecodeError> {
    Decoder::strict().decode_prefix(input)
}

/// Decodes a whole message with the default [`Limits`], accepting what real files contain:
/// [`Document::deviations`] tells what that was.
///
/// # Errors
/// The bytes are no message even so.
pub fn decode_lenient(input: &[u8]) -> Result<Document<'_>, DecodeError> {
    Decoder::lenient().decode(input)
}

/// What the start of a byte stream holds. Too little input is a status, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// One whole message.
    Complete {
        /// The message.
        value: T,
        /// How many bytes it took, at least one.
        consumed: usize,
    },
    /// Not yet a whole message.
    Partial {
        /// At least so many more bytes are needed, at least one.
        needed: usize,
    },
}

/// A decoded message: its bytes and their tape.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    input: &'a [u8],
    tape: Tape,
    deviations: Vec<Deviation>,
}

impl<'a> Document<'a> {
    /// The message's value.
    pub fn root(&self) -> Node<'_, 'a> {
        self.tape.root(self.input).expect("a document's tape was filled from its own input")
    }

    /// The value that [`Node::id`] named; `None` if this document has no such value.
    pub fn node(&self, id: NodeId) -> Option<Node<'_, 'a>> {
        self.tape.node(self.input, id)
    }

    /// What lenient decoding let through, in the input's order. Empty after strict decoding.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The message's own bytes, without what lenient decoding found behind it.
    pub fn bytes(&self) -> &'a [u8] {
        self.root().raw()
    }

    /// The tape alone, to keep beside bytes that are owned elsewhere, or to fill again. It belongs
    /// to the bytes that were handed to the decoder: for [`Decoder::decode_prefix`], to the consumed
    /// ones.
    pub fn into_tape(self) -> Tape {
        self.tape
    }

    /// The tape and the deviations.
    pub fn into_parts(self) -> (Tape, Vec<Deviation>) {
        (self.tape, self.deviations)
    }
}

/// How to decode: strictly or leniently, and within which [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoder {
    limits: Limits,
    lenient: bool,
}

impl Decoder {
    /// Accepts canonical bencode only: encoding what was decoded gives the same bytes.
    pub const fn strict() -> Self {
        Self { limits: Limits::DEFAULT, lenient: false }
    }

    /// Accepts and reports each [`DeviationKind`]. Whatever strict decoding accepts, lenient
    /// decoding accepts without a deviation.
    pub const fn lenient() -> Self {
        Self { limits: Limits::DEFAULT, lenient: true }
    }

    /// With other limits than [`Limits::DEFAULT`].
    pub const fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whether it is [`Decoder::lenient`].
    pub const fn is_lenient(self) -> bool {
        self.lenient
    }

    /// Decodes a whole message.
    ///
    /// # Errors
    /// The bytes are not exactly one message.
    pub fn decode<'a>(&self, input: &'a [u8]) -> Result<Document<'a>, DecodeError> {
        let mut tape = Tape::new();
        let deviations = self.whole(input, &mut tape)?;
        Ok(Document { input, tape, deviations })
    }

    /// Decodes the message that `input` starts with. Bytes behind it are no deviation here, and do
    /// not count for [`Limits::bytes`].
    ///
    /// # Errors
    /// The bytes can not become a message, however many more follow.
    pub fn decode_prefix<'a>(&self, input: &'a [u8]) -> Result<Decoded<Document<'a>>, DecodeError> {
        let mut tape = Tape::new();
        let mut deviations = Vec::new();
        match self.scan(input, &mut tape, &mut deviations)? {
            Scanned::Whole { end } => {
                tape.input_len = Some(end);
                let input = input.get(..end).unwrap_or(input);
                let value = Document { input, tape, deviations };
                Ok(Decoded::Complete { value, consumed: end })
            }
            Scanned::Cut { needed } => Ok(Decoded::Partial { needed }),
        }
    }

    /// Decodes a whole message into a tape that is used again. Deviations are accepted as ever but
    /// not kept.
    ///
    /// # Errors
    /// The bytes are not exactly one message; the tape is empty then.
    pub fn decode_into<'t, 'a>(
        &self,
        input: &'a [u8],
        tape: &'t mut Tape,
    ) -> Result<Node<'t, 'a>, DecodeError> {
        self.whole(input, tape)?;
        Ok(tape.root(input).expect("the tape was filled from this input"))
    }

    fn whole(&self, input: &[u8], tape: &mut Tape) -> Result<Vec<Deviation>, DecodeError> {
        let mut deviations = Vec::new();
        // A guess between the many small values of a file list and the few great ones of piece
        // hashes; the vector grows where it is too low. (Of a stream, who knows how much of it is
        // the first message.)
        let guess = input.len().min(self.limits.bytes) / 16;
        tape.tokens.clear();
        tape.tokens.reserve(guess.min(self.limits.tokens) + 8);
        let end = match self.scan(input, tape, &mut deviations)? {
            Scanned::Whole { end } => end,
            Scanned::Cut { needed } => {
                tape.tokens.clear();
                let kind = ErrorKind::UnexpectedEnd { needed };
                return Err(DecodeError { offset: input.len(), kind });
            }
        };
        if end < input.len() {
            let kind = DeviationKind::TrailingBytes { count: input.len() - end };
            let deviation = Deviation { offset: end, kind };
            if !self.lenient {
                tape.tokens.clear();
                return Err(deviation.into());
            }
            deviations.push(deviation);
        }
        tape.input_len = Some(input.len());
        Ok(deviations)
    }

    /// Fills the tape, whose `input_len` the caller sets, and the deviations.
    fn scan(
        &self,
        input: &[u8],
        tape: &mut Tape,
        deviations: &mut Vec<Deviation>,
    ) -> Result<Scanned, DecodeError> {
        tape.input_len = None;
        let tokens = &mut tape.tokens;
        tokens.clear();
        let limits = Limits {
            bytes: self.limits.bytes.min(u32::MAX as usize - 1),
            tokens: self.limits.tokens.min(NONE as usize - 1),
            ..self.limits
        };
        let visible = input.get(..limits.bytes).unwrap_or(input);
        let scanned = if self.lenient {
            let mut lenient = Lenient { deviations, unsorted: Vec::new() };
            let scanned = scan(visible, &limits, tokens, &mut lenient);
            // Only then are all containers closed, and can be walked.
            if matches!(scanned, Ok(Scanned::Whole { .. })) {
                lenient.find_distant_duplicates(tokens, visible);
            }
            scanned
        } else {
            scan(visible, &limits, tokens, &mut Strict)
        };
        let scanned = match scanned {
            // It would go on behind the limit.
            Ok(Scanned::Cut { needed }) if needed > limits.bytes - visible.len() => {
                let kind = ErrorKind::TooLong { max: limits.bytes };
                Err(DecodeError { offset: visible.len(), kind })
            }
            scanned => scanned,
        };
        if !matches!(scanned, Ok(Scanned::Whole { .. })) {
            tokens.clear();
        }
        scanned
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::strict()
    }
}

enum Scanned {
    /// A message ends at this offset.
    Whole { end: usize },
    /// The input stops before the message does.
    Cut { needed: usize },
}

/// What to do about a deviation: refuse it or note it down.
trait Mode {
    fn deviation(&mut self, offset: usize, kind: DeviationKind) -> Result<(), DecodeError>;
    /// The dictionary at this index of the tape has a key that is out of order.
    fn unsorted(&mut self, dict: u32);
}

struct Strict;

impl Mode for Strict {
    #[cold]
    fn deviation(&mut self, offset: usize, kind: DeviationKind) -> Result<(), DecodeError> {
        Err(Deviation { offset, kind }.into())
    }

    fn unsorted(&mut self, _dict: u32) {}
}

struct Lenient<'d> {
    deviations: &'d mut Vec<Deviation>,
    /// Dictionaries whose keys are out of order, so that equal keys may stand apart.
    unsorted: Vec<u32>,
}

impl Mode for Lenient<'_> {
    #[cold]
    fn deviation(&mut self, offset: usize, kind: DeviationKind) -> Result<(), DecodeError> {
        self.deviations.push(Deviation { offset, kind });
        Ok(())
    }

    fn unsorted(&mut self, dict: u32) {
        self.unsorted.push(dict);
    }
}

impl Lenient<'_> {
    /// Equal keys side by side were seen on the way; here those with others between them, by
    /// sorting, so that many keys do not take quadratic time.
    fn find_distant_duplicates(&mut self, tokens: &[Token], input: &[u8]) {
        self.unsorted.sort_unstable();
        self.unsorted.dedup();
        for &dict in &self.unsorted {
            let Some(dict) = Node::at(tokens, input, dict).and_then(Node::as_dict) else {
                continue;
            };
            let mut keys: Vec<(&[u8], usize, usize)> = dict
                .iter()
                .enumerate()
                .map(|(place, (key, _))| (key.as_bytes().unwrap_or_default(), place, key.offset()))
                .collect();
            keys.sort_unstable();
            for pair in keys.windows(2) {
                let [(first, before, _), (second, place, offset)] = pair else { continue };
                if first == second && before + 1 != *place {
                    let kind = DeviationKind::DuplicateKey;
                    self.deviations.push(Deviation { offset: *offset, kind });
                }
            }
        }
        // Stable: where a key is both, it was out of order first, as the strict decoder says.
        self.deviations.sort_by_key(|deviation| deviation.offset);
    }
}

/// No container is open.
const NONE: u32 = Token::MAX_PAYLOAD;

/// The containers that are open form a chain: `open` is the innermost one's index in the tape, and
/// an open token's payload is the index of the one around it. So the tape is the stack, and depth
/// costs no memory of its own.
///
/// A dictionary's value follows its key in the tape, so that the last key of a dictionary is found
/// again when a container inside it ends: it is the token before that container's.
fn scan<M: Mode>(
    input: &[u8],
    limits: &Limits,
    tape: &mut Vec<Token>,
    mode: &mut M,
) -> Result<Scanned, DecodeError> {
    let mut depth = 0usize;
    let mut open = NONE;
    let mut in_dict = false;
    let mut last_key: Option<&[u8]> = None;
    let mut pos = 0usize;

    macro_rules! push {
        ($offset:expr, $kind:expr, $payload:expr) => {{
            if tape.len() >= limits.tokens {
                return fail($offset, ErrorKind::TooManyTokens { max: limits.tokens });
            }
            tape.push(Token::new($offset, $kind, $payload));
        }};
    }
    // Ends the innermost container, whose `e` is at `pos`.
    macro_rules! close {
        () => {{
            push!(pos, TokenKind::End, 0);
            let opened = open as usize;
            let after = tape.len() - opened;
            let token = &mut tape[opened];
            let value_offset = token.offset();
            open = token.payload();
            token.set_payload(after as u32);
            depth -= 1;
            pos += 1;
            in_dict = false;
            if open != NONE && tape[open as usize].is_dict() {
                in_dict = true;
                let key = tape[opened - 1];
                last_key = Some(&input[key.offset() + key.payload() as usize..value_offset]);
            }
        }};
    }

    loop {
        // A value, or the end of a list.
        let Some(&first) = input.get(pos) else {
            let value = if open != NONE && !in_dict { 0 } else { 2 };
            return Ok(Scanned::Cut { needed: value + depth });
        };
        match first {
            b'0'..=b'9' => match string(input, pos, limits, mode)? {
                Text::At { content, end } => {
                    push!(pos, TokenKind::Bytes, (content - pos) as u32);
                    pos = end;
                }
                Text::Cut { needed } => return cut(needed, depth),
            },
            b'i' => match integer(input, pos, limits, mode)? {
                Number::Until(end) => {
                    push!(pos, TokenKind::Integer, 0);
                    pos = end;
                }
                Number::Cut { needed } => return cut(needed, depth),
            },
            b'l' | b'd' => {
                if depth >= limits.depth {
                    return fail(pos, ErrorKind::TooDeep { max: limits.depth });
                }
                depth += 1;
                in_dict = first == b'd';
                last_key = None;
                let kind = if in_dict { TokenKind::Dict } else { TokenKind::List };
                let index = tape.len() as u32;
                push!(pos, kind, open);
                open = index;
                pos += 1;
            }
            b'e' if open != NONE && !in_dict => close!(),
            b'e' if in_dict => return fail(pos, ErrorKind::MissingValue),
            found => {
                let in_list = open != NONE && !in_dict;
                let expected = if in_list { Expected::ItemOrEnd } else { Expected::Value };
                return fail(pos, ErrorKind::UnexpectedByte { found, expected });
            }
        }

        // What follows a value or an opening: in a dictionary, a key or the end.
        while in_dict {
            let Some(&first) = input.get(pos) else { return cut(0, depth) };
            match first {
                b'0'..=b'9' => {
                    let (content, end) = match string(input, pos, limits, mode)? {
                        Text::At { content, end } => (content, end),
                        // A value must follow.
                        Text::Cut { needed } => return cut(needed.saturating_add(2), depth),
                    };
                    let key = &input[content..end];
                    if let Some(last) = last_key
                        && !is_less(last, key)
                    {
                        if last == key {
                            mode.deviation(pos, DeviationKind::DuplicateKey)?;
                        } else {
                            mode.deviation(pos, DeviationKind::UnsortedKey)?;
                            mode.unsorted(open);
                        }
                    }
                    last_key = Some(key);
                    push!(pos, TokenKind::Bytes, (content - pos) as u32);
                    pos = end;
                    break;
                }
                b'e' => close!(),
                found @ (b'i' | b'l' | b'd') => {
                    return fail(pos, ErrorKind::KeyNotString { found });
                }
                found => {
                    let expected = Expected::KeyOrEnd;
                    return fail(pos, ErrorKind::UnexpectedByte { found, expected });
                }
            }
        }

        if open == NONE {
            // Tells where the message ends; not counted, see `Tape::len`.
            tape.push(Token::new(pos, TokenKind::End, 0));
            return Ok(Scanned::Whole { end: pos });
        }
    }
}

#[cold]
fn fail<T>(offset: usize, kind: ErrorKind) -> Result<T, DecodeError> {
    Err(DecodeError { offset, kind })
}

/// The value under way needs so many bytes, and each open container its end.
#[cold]
fn cut(needed: usize, depth: usize) -> Result<Scanned, DecodeError> {
    Ok(Scanned::Cut { needed: needed.saturating_add(depth) })
}

/// Keys are mostly told apart by their first byte, which is cheaper to look at than to call for.
#[inline(always)]
fn is_less(left: &[u8], right: &[u8]) -> bool {
    match (left.first(), right.first()) {
        (Some(l), Some(r)) if l != r => l < r,
        _ => left < right,
    }
}

enum Text {
    At { content: usize, end: usize },
    Cut { needed: usize },
}

/// Reads a string whose first digit is at `start`.
#[inline(always)]
fn string<M: Mode>(
    input: &[u8],
    start: usize,
    limits: &Limits,
    mode: &mut M,
) -> Result<Text, DecodeError> {
    let mut length = u64::from(input[start] - b'0');
    let mut pos = start + 1;
    loop {
        let Some(&byte) = input.get(pos) else {
            let needed = usize::try_from(length).unwrap_or(usize::MAX);
            return Ok(Text::Cut { needed: needed.saturating_add(1) });
        };
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if byte == b':' {
                break;
            }
            let kind = ErrorKind::UnexpectedByte { found: byte, expected: Expected::DigitOrColon };
            return fail(pos, kind);
        }
        if pos - start >= limits.integer_digits {
            return fail(start, ErrorKind::TooManyDigits { max: limits.integer_digits });
        }
        if pos == start + 1 && length == 0 {
            mode.deviation(start, DeviationKind::LeadingZero)?;
        }
        let Some(longer) = length.checked_mul(10).and_then(|l| l.checked_add(u64::from(digit)))
        else {
            return fail(start, ErrorKind::LengthOverflow);
        };
        length = longer;
        pos += 1;
    }
    let content = pos + 1;
    let left = input.len() - content;
    match usize::try_from(length) {
        Ok(length) if length <= left => Ok(Text::At { content, end: content + length }),
        Ok(length) if length <= limits.bytes.saturating_sub(content) => {
            Ok(Text::Cut { needed: length - left })
        }
        _ => fail(start, ErrorKind::TooLong { max: limits.bytes }),
    }
}

enum Number {
    Until(usize),
    Cut { needed: usize },
}

/// Reads an integer whose `i` is at `start`.
#[inline(always)]
fn integer<M: Mode>(
    input: &[u8],
    start: usize,
    limits: &Limits,
    mode: &mut M,
) -> Result<Number, DecodeError> {
    let negative = input.get(start + 1) == Some(&b'-');
    let digits = start + 1 + usize::from(negative);
    let expected = if negative { Expected::Digit } else { Expected::DigitOrMinus };
    let mut pos = digits;
    loop {
        let Some(&byte) = input.get(pos) else {
            return Ok(Number::Cut { needed: if pos == digits { 2 } else { 1 } });
        };
        if !byte.is_ascii_digit() {
            if pos > digits && byte == b'e' {
                break;
            }
            let expected = if pos > digits { Expected::DigitOrEnd } else { expected };
            return fail(pos, ErrorKind::UnexpectedByte { found: byte, expected });
        }
        if pos - digits >= limits.integer_digits {
            return fail(start, ErrorKind::TooManyDigits { max: limits.integer_digits });
        }
        pos += 1;
    }
    if input[digits] == b'0' {
        if pos - digits > 1 {
            mode.deviation(digits, DeviationKind::LeadingZero)?;
        } else if negative {
            mode.deviation(start + 1, DeviationKind::NegativeZero)?;
        }
    }
    Ok(Number::Until(pos + 1))
}
