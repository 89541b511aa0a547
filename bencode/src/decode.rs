//! Decoding into a tape: whole messages and prefixes, strictly or leniently.

use alloc::vec::Vec;

use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind};
use crate::limits::Limits;
use crate::node::{Node, NodeId};
use crate::scan::{Report, Scanned, scan};
use crate::token::Tape;

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

    /// What lenient decoding found behind the message.
    pub(crate) fn behind(&self) -> &'a [u8] {
        self.input.get(self.root().span().end..).unwrap_or_default()
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

    #[cfg(feature = "serde")]
    pub(crate) const fn limits_in_use(self) -> Limits {
        self.limits
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
        let mut report = Report::new(self.lenient);
        match self.scan(input, &mut tape, &mut report)? {
            Scanned::Whole { end } => {
                tape.input_len = Some(end);
                let input = input.get(..end).unwrap_or(input);
                let value = Document { input, tape, deviations: report.into_deviations() };
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
        let mut report = Report::new(self.lenient);
        // As many as the small values of a file list take, and enough for a DHT message. Where piece
        // hashes are most of the input it is too much, but memory that is not touched costs little;
        // the vector grows where it is too low. (Of a stream, who knows how much of it is the first
        // message.)
        let guess = input.len().min(self.limits.bytes) / 7;
        tape.tokens.clear();
        tape.tokens.reserve(guess.min(self.limits.tokens) + 24);
        let end = match self.scan(input, tape, &mut report)? {
            Scanned::Whole { end } => end,
            Scanned::Cut { needed } => {
                tape.tokens.clear();
                let kind = ErrorKind::UnexpectedEnd { needed };
                return Err(DecodeError { offset: input.len(), kind });
            }
        };
        if end < input.len() {
            let kind = DeviationKind::TrailingBytes { count: input.len() - end };
            report.deviation(end, kind).inspect_err(|_| tape.tokens.clear())?;
        }
        tape.input_len = Some(input.len());
        Ok(report.into_deviations())
    }

    /// Fills the tape, whose `input_len` the caller sets, and the report.
    fn scan(
        &self,
        input: &[u8],
        tape: &mut Tape,
        report: &mut Report,
    ) -> Result<Scanned, DecodeError> {
        tape.input_len = None;
        let tokens = &mut tape.tokens;
        tokens.clear();
        let limits = self.limits.usable();
        let visible = input.get(..limits.bytes).unwrap_or(input);
        let scanned = match scan(visible, 0, &limits, tokens, report) {
            // It would go on behind the limit.
            Ok(Scanned::Cut { needed }) if needed > limits.bytes - visible.len() => {
                let kind = ErrorKind::TooLong { max: limits.bytes };
                Err(DecodeError { offset: visible.len(), kind })
            }
            scanned => scanned,
        };
        if matches!(scanned, Ok(Scanned::Whole { .. })) {
            report.find_distant_duplicates(tokens, visible);
        } else {
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
