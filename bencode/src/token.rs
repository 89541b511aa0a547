//! The flat form of a decoded message: one small token for each value.

use alloc::vec::Vec;

use crate::Kind;
use crate::node::{Node, NodeId};

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum TokenKind {
    Integer = 0,
    Bytes = 1,
    List = 2,
    Dict = 3,
    /// The end of the innermost list or dictionary, or of the message.
    End = 4,
}

/// Eight bytes: where the value starts, its kind, and 29 bits whose meaning depends on the kind.
///
/// - a string: the length of what stands before its content (digits and colon);
/// - a list or dictionary: how many tokens on the next value is, so skipping it is one addition.
///   While it is open, the index of the container around it instead: the tape is the decoder's stack;
/// - otherwise nothing.
///
/// A value ends where the next token starts, so no length is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    offset: u32,
    word: u32,
}

impl Token {
    const KIND_BITS: u32 = 3;
    /// Greater than any payload in use.
    pub(crate) const MAX_PAYLOAD: u32 = (1 << (32 - Self::KIND_BITS)) - 1;

    #[inline(always)]
    pub(crate) const fn new(offset: usize, kind: TokenKind, payload: u32) -> Self {
        // The decoder has cut its input to what fits 32 bits.
        Self { offset: offset as u32, word: payload << Self::KIND_BITS | kind as u32 }
    }

    #[inline(always)]
    pub(crate) const fn offset(self) -> usize {
        self.offset as usize
    }

    #[inline(always)]
    pub(crate) const fn payload(self) -> u32 {
        self.word >> Self::KIND_BITS
    }

    #[inline(always)]
    pub(crate) fn set_payload(&mut self, payload: u32) {
        self.word = payload << Self::KIND_BITS | self.word & ((1 << Self::KIND_BITS) - 1);
    }

    #[inline(always)]
    pub(crate) const fn is_dict(self) -> bool {
        self.word & ((1 << Self::KIND_BITS) - 1) == TokenKind::Dict as u32
    }

    #[inline(always)]
    pub(crate) const fn token_kind(self) -> TokenKind {
        match self.word & ((1 << Self::KIND_BITS) - 1) {
            0 => TokenKind::Integer,
            1 => TokenKind::Bytes,
            2 => TokenKind::List,
            3 => TokenKind::Dict,
            _ => TokenKind::End,
        }
    }

    /// `None` for an end.
    #[inline(always)]
    pub(crate) const fn kind(self) -> Option<Kind> {
        match self.token_kind() {
            TokenKind::Integer => Some(Kind::Integer),
            TokenKind::Bytes => Some(Kind::Bytes),
            TokenKind::List => Some(Kind::List),
            TokenKind::Dict => Some(Kind::Dict),
            TokenKind::End => None,
        }
    }
}

/// The tokens of one decoded message, without its bytes.
///
/// A tape can be filled again and again ([`Decoder::decode_into`](crate::Decoder::decode_into)), so
/// that a loop over many messages allocates nothing, and it can be kept beside bytes that are owned
/// elsewhere: [`Tape::root`] and [`Tape::node`] put the two together again.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub(crate) tokens: Vec<Token>,
    /// Length of the input that was decoded; `None` if it failed or nothing was decoded yet.
    pub(crate) input_len: Option<usize>,
}

impl Tape {
    /// An empty tape, which allocates on first use.
    pub const fn new() -> Self {
        Self { tokens: Vec::new(), input_len: None }
    }

    /// The whole message. `input` must be the bytes that were decoded (or an equal copy).
    ///
    /// `None` if `input` has another length, or if the last decoding into this tape failed. Other
    /// bytes of the same length give meaningless views, but never a panic.
    pub fn root<'t, 'a>(&'t self, input: &'a [u8]) -> Option<Node<'t, 'a>> {
        self.node(input, NodeId::ROOT)
    }

    /// The value that [`Node::id`] named. As [`Tape::root`], and `None` if this tape has no such value.
    pub fn node<'t, 'a>(&'t self, input: &'a [u8], id: NodeId) -> Option<Node<'t, 'a>> {
        if self.input_len != Some(input.len()) {
            return None;
        }
        Node::new(&self.tokens, input, id)
    }

    /// How many tokens there are, for choosing [`Limits::tokens`](crate::Limits::tokens): as counted
    /// there.
    pub fn len(&self) -> usize {
        // The last one marks the end of the message and is not counted.
        self.tokens.len().saturating_sub(1)
    }

    /// Whether nothing was decoded into it, or the last decoding failed.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}
