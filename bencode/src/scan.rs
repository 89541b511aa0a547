//! The scanner: one loop over the bytes, without recursion, and the rules for strings and numbers
//! that the typed reader shares with it.

use alloc::vec::Vec;

use crate::digits::short_integer_len;
use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind, Expected};
use crate::limits::Limits;
use crate::node::Node;
use crate::token::{Token, TokenKind};

pub(crate) enum Scanned {
    /// A message ends at this offset.
    Whole { end: usize },
    /// The input stops before the message does.
    Cut { needed: usize },
}

/// What to do about deviations: refuse them, or note them down.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) lenient: bool,
    pub(crate) deviations: Vec<Deviation>,
    /// Dictionaries of the tape whose keys are out of order, so that equal keys may stand apart.
    unsorted: Vec<u32>,
}

impl Report {
    pub(crate) const fn new(lenient: bool) -> Self {
        Self { lenient, deviations: Vec::new(), unsorted: Vec::new() }
    }

    #[cold]
    pub(crate) fn deviation(
        &mut self,
        offset: usize,
        kind: DeviationKind,
    ) -> Result<(), DecodeError> {
        let deviation = Deviation { offset, kind };
        if !self.lenient {
            return Err(deviation.into());
        }
        self.deviations.push(deviation);
        Ok(())
    }

    #[cold]
    fn unsorted(&mut self, dict: u32) {
        self.unsorted.push(dict);
    }

    /// Equal keys side by side were seen on the way; here those with others between them, by
    /// sorting, so that many keys do not take quadratic time. The tape must be whole: containers
    /// that are open can not be walked.
    pub(crate) fn find_distant_duplicates(&mut self, tokens: &[Token], input: &[u8]) {
        self.unsorted.sort_unstable();
        self.unsorted.dedup();
        for dict in core::mem::take(&mut self.unsorted) {
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
    }

    /// What was found, in the input's order. Stable: where a key is both out of order and a
    /// duplicate, it was out of order first, as the strict decoder says.
    pub(crate) fn into_deviations(mut self) -> Vec<Deviation> {
        self.deviations.sort_by_key(|deviation| deviation.offset);
        self.deviations
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
///
/// `start` is where the value starts. The tape comes empty.
pub(crate) fn scan(
    input: &[u8],
    start: usize,
    limits: &Limits,
    tape: &mut Vec<Token>,
    report: &mut Report,
) -> Result<Scanned, DecodeError> {
    let mut depth = 0usize;
    let mut open = NONE;
    let mut in_dict = false;
    let mut last_key: Option<&[u8]> = None;
    let mut pos = start;
    let may_be_short = limits.integer_digits >= 2;

    macro_rules! push {
        ($offset:expr, $kind:expr, $payload:expr) => {{
            if tape.len() >= limits.tokens {
                return fail($offset, ErrorKind::TooManyTokens { max: limits.tokens });
            }
            tape.push(Token::new($offset, $kind, $payload));
        }};
    }
    // Where the content of the string at `pos` starts and ends; `more` bytes must follow it.
    macro_rules! read_string {
        ($more:literal) => {
            match short_string(input, pos) {
                Some(place) if may_be_short => place,
                _ => match string(input, pos, limits, report)? {
                    Text::At { content, end } => (content, end),
                    Text::Cut { needed } => return cut(needed.saturating_add($more), depth),
                },
            }
        };
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
            b'0'..=b'9' => {
                let (content, end) = read_string!(0);
                push!(pos, TokenKind::Bytes, (content - pos) as u32);
                pos = end;
            }
            b'i' => match quick_integer(input, pos, limits, report)? {
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
                    // A value must follow.
                    let (content, end) = read_string!(2);
                    let key = &input[content..end];
                    if let Some(last) = last_key
                        && !is_less(last, key)
                    {
                        if last == key {
                            report.deviation(pos, DeviationKind::DuplicateKey)?;
                        } else {
                            report.deviation(pos, DeviationKind::UnsortedKey)?;
                            report.unsorted(open);
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
pub(crate) fn fail<T>(offset: usize, kind: ErrorKind) -> Result<T, DecodeError> {
    Err(DecodeError { offset, kind })
}

/// The value under way needs so many bytes, and each open container its end.
#[cold]
fn cut(needed: usize, depth: usize) -> Result<Scanned, DecodeError> {
    Ok(Scanned::Cut { needed: needed.saturating_add(depth) })
}

/// Keys are mostly told apart by their first byte, which is cheaper to look at than to call for.
#[inline(always)]
pub(crate) fn is_less(left: &[u8], right: &[u8]) -> bool {
    match (left.first(), right.first()) {
        (Some(l), Some(r)) if l != r => l < r,
        _ => left < right,
    }
}

pub(crate) enum Text {
    At { content: usize, end: usize },
    Cut { needed: usize },
}

/// Reads the string at `start`, if it is what nearly all are: canonical, all there and with a length
/// of at most two digits. Tells where its content starts and ends.
#[inline(always)]
pub(crate) fn short_string(input: &[u8], start: usize) -> Option<(usize, usize)> {
    let (length, header) = match input.get(start..)? {
        [ones @ b'0'..=b'9', b':', ..] => (ones - b'0', 2),
        [tens @ b'1'..=b'9', ones @ b'0'..=b'9', b':', ..] => {
            ((tens - b'0') * 10 + (ones - b'0'), 3)
        }
        _ => return None,
    };
    let content = start + header;
    let end = content + usize::from(length);
    (end <= input.len()).then_some((content, end))
}

/// Reads a string whose first digit is at `start`.
pub(crate) fn string(
    input: &[u8],
    start: usize,
    limits: &Limits,
    report: &mut Report,
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
            report.deviation(start, DeviationKind::LeadingZero)?;
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

pub(crate) enum Number {
    Until(usize),
    Cut { needed: usize },
}

/// Reads an integer whose `i` is at `start`, at once if it is what nearly all are.
#[inline(always)]
fn quick_integer(
    input: &[u8],
    start: usize,
    limits: &Limits,
    report: &mut Report,
) -> Result<Number, DecodeError> {
    match input.get(start + 1..).and_then(short_integer_len) {
        Some(len) if len <= limits.integer_digits => Ok(Number::Until(start + len + 2)),
        _ => integer(input, start, limits, report),
    }
}

/// Reads an integer whose `i` is at `start`.
pub(crate) fn integer(
    input: &[u8],
    start: usize,
    limits: &Limits,
    report: &mut Report,
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
            report.deviation(digits, DeviationKind::LeadingZero)?;
        } else if negative {
            report.deviation(start + 1, DeviationKind::NegativeZero)?;
        }
    }
    Ok(Number::Until(pos + 1))
}
