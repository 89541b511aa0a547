//! Borrowed views of decoded values.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;

use crate::digits::leading_digits;
use crate::token::Token;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `i42e`
    Integer,
    /// `4:spam`: any bytes, text or not.
    Bytes,
    /// `l…e`
    List,
    /// `d…e`: strings to values.
    Dict,
}

/// One value of a decoded message: a view as cheap to copy as a slice. `'t` is the tape's lifetime,
/// `'a` the input's, so what is borrowed from the input outlives the tape.
#[derive(Clone, Copy)]
pub struct Node<'t, 'a> {
    tokens: &'t [Token],
    input: &'a [u8],
    index: u32,
    kind: Kind,
}

/// A value's place in its tape: what is left of a [`Node`] when nothing may be borrowed. See
/// [`Tape::node`](crate::Tape::node).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The whole message.
    pub const ROOT: Self = Self(0);

    pub(crate) const fn new(index: u32) -> Self {
        Self(index)
    }
}

impl<'t, 'a> Node<'t, 'a> {
    pub(crate) fn new(tokens: &'t [Token], input: &'a [u8], id: NodeId) -> Option<Self> {
        let kind = tokens.get(id.0 as usize)?.kind()?;
        Some(Self { tokens, input, index: id.0, kind })
    }

    pub(crate) fn at(tokens: &'t [Token], input: &'a [u8], index: u32) -> Option<Self> {
        Self::new(tokens, input, NodeId(index))
    }

    /// The integer at `index`.
    #[inline(always)]
    pub(crate) fn integer(tokens: &'t [Token], input: &'a [u8], index: u32) -> Self {
        Self { tokens, input, index, kind: Kind::Integer }
    }

    /// The tape, the input, and the value's place in the tape.
    #[inline]
    pub(crate) fn parts(self) -> (&'t [Token], &'a [u8], u32) {
        (self.tokens, self.input, self.index)
    }

    /// What the value is.
    #[inline]
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// Its place in the tape.
    #[inline]
    pub fn id(self) -> NodeId {
        NodeId(self.index)
    }

    /// Where its first byte is in the input.
    #[inline]
    pub fn offset(self) -> usize {
        self.token_offset(self.index)
    }

    /// Which bytes of the input it takes.
    #[inline]
    pub fn span(self) -> Range<usize> {
        self.offset()..self.token_offset(self.next_index())
    }

    /// Its bytes as they stand in the input, such as `i42e`.
    #[inline]
    pub fn raw(self) -> &'a [u8] {
        self.input.get(self.span()).unwrap_or_default()
    }

    /// An integer that fits; `None` for a greater one and for other kinds.
    #[inline]
    pub fn as_int(self) -> Option<i64> {
        if self.kind == Kind::Integer
            && let Some(digits) = self.input.get(self.offset() + 1..)
            && let Some((number, len)) = leading_digits(digits)
            && digits.get(len) == Some(&b'e')
        {
            return i64::try_from(number).ok();
        }
        self.as_any_int()
    }

    fn as_any_int(self) -> Option<i64> {
        let (negative, digits) = self.sign_and_digits()?;
        let magnitude = parse_u64(digits)?;
        if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
    }

    /// An integer that fits; `None` for a greater or negative one and for other kinds.
    #[inline]
    pub fn as_uint(self) -> Option<u64> {
        let (negative, digits) = self.sign_and_digits()?;
        let magnitude = parse_u64(digits)?;
        (!negative || magnitude == 0).then_some(magnitude)
    }

    /// An integer's decimal digits as they stand in the input, with the minus sign if it has one;
    /// `None` for other kinds. Of use where [`as_int`](Self::as_int) has too few bits.
    pub fn digits(self) -> Option<&'a str> {
        if self.kind != Kind::Integer {
            return None;
        }
        let [b'i', digits @ .., b'e'] = self.raw() else { return None };
        core::str::from_utf8(digits).ok()
    }

    /// A string's content; `None` for other kinds.
    #[inline]
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        if self.kind != Kind::Bytes {
            return None;
        }
        let header = self.tokens.get(self.index as usize)?.payload() as usize;
        let span = self.span();
        self.input.get(span.start + header..span.end)
    }

    /// A string's content if it is UTF-8; `None` for other kinds too.
    pub fn as_str(self) -> Option<&'a str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The view of a list; `None` for other kinds.
    #[inline]
    pub fn as_list(self) -> Option<List<'t, 'a>> {
        (self.kind == Kind::List).then_some(List(self))
    }

    /// The view of a dictionary; `None` for other kinds.
    #[inline]
    pub fn as_dict(self) -> Option<Dict<'t, 'a>> {
        (self.kind == Kind::Dict).then_some(Dict(self))
    }

    fn sign_and_digits(self) -> Option<(bool, &'a [u8])> {
        if self.kind != Kind::Integer {
            return None;
        }
        match self.raw() {
            [b'i', b'-', digits @ .., b'e'] => Some((true, digits)),
            [b'i', digits @ .., b'e'] => Some((false, digits)),
            _ => None,
        }
    }

    #[inline]
    fn token_offset(self, index: u32) -> usize {
        // A tape ends with a token that has no value, so there is a next one; see `Tape`.
        self.tokens.get(index as usize).map_or(self.input.len(), |token| token.offset())
    }

    /// The token after this value: the next value, or an end.
    #[inline]
    pub(crate) fn next_index(self) -> u32 {
        self.index
            + match self.kind {
                Kind::Integer | Kind::Bytes => 1,
                Kind::List | Kind::Dict => {
                    self.tokens.get(self.index as usize).map_or(1, |token| token.payload())
                }
            }
    }
}

/// Its bytes, escaped.
impl fmt::Debug for Node<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({:?} at {}: \"{}\")", self.kind, self.offset(), self.raw().escape_ascii())
    }
}

/// A list's items.
#[derive(Clone, Copy, Debug)]
pub struct List<'t, 'a>(Node<'t, 'a>);

impl<'t, 'a> List<'t, 'a> {
    /// The list as a value.
    pub fn node(self) -> Node<'t, 'a> {
        self.0
    }

    /// Its items in order.
    #[inline]
    pub fn iter(self) -> ListIter<'t, 'a> {
        let Node { tokens, input, index, .. } = self.0;
        ListIter { tokens, input, index: index + 1 }
    }

    /// How many items it has. Counts them: linear in their number.
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether it has no items.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'t, 'a> IntoIterator for List<'t, 'a> {
    type Item = Node<'t, 'a>;
    type IntoIter = ListIter<'t, 'a>;
    fn into_iter(self) -> ListIter<'t, 'a> {
        self.iter()
    }
}

/// A dictionary's entries.
#[derive(Clone, Copy, Debug)]
pub struct Dict<'t, 'a>(Node<'t, 'a>);

impl<'t, 'a> Dict<'t, 'a> {
    /// The dictionary as a value.
    pub fn node(self) -> Node<'t, 'a> {
        self.0
    }

    /// The value of a key; of the first such key where lenient decoding let several through. Linear
    /// in the number of entries, whatever their size.
    pub fn find(self, key: &[u8]) -> Option<Node<'t, 'a>> {
        self.iter().find(|(found, _)| found.as_bytes() == Some(key)).map(|(_, value)| value)
    }

    /// Its entries, key (always [`Kind::Bytes`]) and value, in the input's order.
    #[inline]
    pub fn iter(self) -> DictIter<'t, 'a> {
        DictIter(List(self.0).iter())
    }

    /// How many entries it has. Counts them: linear in their number.
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether it has no entries.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'t, 'a> IntoIterator for Dict<'t, 'a> {
    type Item = (Node<'t, 'a>, Node<'t, 'a>);
    type IntoIter = DictIter<'t, 'a>;
    fn into_iter(self) -> DictIter<'t, 'a> {
        self.iter()
    }
}

/// A [`List`]'s items in order.
#[derive(Clone, Debug)]
pub struct ListIter<'t, 'a> {
    tokens: &'t [Token],
    input: &'a [u8],
    index: u32,
}

impl<'t, 'a> Iterator for ListIter<'t, 'a> {
    type Item = Node<'t, 'a>;

    #[inline]
    fn next(&mut self) -> Option<Node<'t, 'a>> {
        let node = Node::new(self.tokens, self.input, NodeId(self.index))?;
        self.index = node.next_index();
        Some(node)
    }
}

impl FusedIterator for ListIter<'_, '_> {}

/// A [`Dict`]'s entries in order, key and value.
#[derive(Clone, Debug)]
pub struct DictIter<'t, 'a>(ListIter<'t, 'a>);

impl<'t, 'a> Iterator for DictIter<'t, 'a> {
    type Item = (Node<'t, 'a>, Node<'t, 'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

impl FusedIterator for DictIter<'_, '_> {}

fn parse_u64(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
