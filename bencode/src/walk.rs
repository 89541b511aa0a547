//! All values of a message in one pass over its tape.

use core::iter::FusedIterator;

use crate::node::{Node, NodeId};
use crate::token::{Token, TokenKind};

impl<'t, 'a> Node<'t, 'a> {
    /// The value and all in it, in the order in which they stand in the input: one event for each
    /// token, without recursion, and faster than the views of lists and dictionaries.
    ///
    /// ```
    /// use overlay_bencode::{Event, decode};
    ///
    /// let document = decode(b"d4:listli1ei2eee")?;
    /// let sum: i64 = document.root().walk().filter_map(|event| match event {
    ///     Event::Integer(number) => number.as_int(),
    ///     _ => None,
    /// }).sum();
    /// assert_eq!(sum, 3);
    /// # Ok::<(), overlay_bencode::DecodeError>(())
    /// ```
    #[inline]
    pub fn walk(self) -> Walk<'t, 'a> {
        let (tokens, input, index) = self.parts();
        let end = self.next_index();
        let within = tokens.get(index as usize..=end as usize).unwrap_or_default();
        Walk { tokens, rest: within, input, index }
    }
}

/// What comes next in a [`Walk`]. A dictionary's keys are strings before their values.
#[derive(Clone, Copy, Debug)]
pub enum Event<'t, 'a> {
    /// An integer.
    Integer(Node<'t, 'a>),
    /// A string's content.
    Bytes(&'a [u8]),
    /// A list begins.
    List,
    /// A dictionary begins.
    Dict,
    /// The innermost list or dictionary ends.
    End,
}

/// The iterator of [`Node::walk`].
#[derive(Clone, Debug)]
pub struct Walk<'t, 'a> {
    tokens: &'t [Token],
    /// The tokens to come and, where the last of them ends, one more.
    rest: &'t [Token],
    input: &'a [u8],
    index: u32,
}

impl Walk<'_, '_> {
    /// The place in the tape of what comes next: where that begins a value, the value's. `None` when
    /// nothing comes.
    #[inline]
    pub fn next_id(&self) -> Option<NodeId> {
        (self.len() > 0).then(|| NodeId::new(self.index))
    }
}

impl<'t, 'a> Iterator for Walk<'t, 'a> {
    type Item = Event<'t, 'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Event<'t, 'a>> {
        let [token, rest @ ..] = self.rest else { return None };
        let next = rest.first()?;
        let index = self.index;
        self.rest = rest;
        self.index += 1;
        Some(match token.token_kind() {
            TokenKind::Bytes => {
                let start = token.offset() + token.payload() as usize;
                Event::Bytes(self.input.get(start..next.offset()).unwrap_or_default())
            }
            TokenKind::Integer => Event::Integer(Node::integer(self.tokens, self.input, index)),
            TokenKind::List => Event::List,
            TokenKind::Dict => Event::Dict,
            TokenKind::End => Event::End,
        })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rest.len().saturating_sub(1);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Walk<'_, '_> {}
impl FusedIterator for Walk<'_, '_> {}
