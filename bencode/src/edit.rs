//! Changing some of a message and keeping the rest as it stands.

use alloc::vec::Vec;

use bytes::{BufMut, Bytes};
use thiserror::Error;

use crate::decode::Document;
use crate::encode::string_len;
use crate::node::{Kind, Node};
use crate::value::Value;

/// A decoded message that is being edited. Whatever no edit touches keeps its bytes, with all their
/// deviations, so that hashes and signatures over it stay what they are. Only the containers on the
/// way to an edit are taken apart, and of these the other entries keep their place and their bytes.
///
/// ```
/// use overlay_bencode::{Edit, Value, decode_lenient};
///
/// // Keys out of order, and a number that starts with a zero.
/// let document = decode_lenient(b"d4:infod1:b1:y1:ai07ee8:announce1:xe")?;
/// let mut edit = Edit::new(&document);
/// edit.set(["announce"], "http://tracker.example.org/announce")?;
/// edit.set(["url-list"], Value::list(["http://seed.example.org/"]))?;
/// assert_eq!(
///     edit.to_vec(),
///     b"d4:infod1:b1:y1:ai07ee8:announce35:http://tracker.example.org/announce\
///       8:url-listl24:http://seed.example.org/ee"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A path leads from the whole message to a value: keys and indices, as they are
/// (`["info", "name"]`, `[0, 2]`) or mixed as [`Step`]s. Of equal keys, which only a lenient document
/// has, the first one counts.
#[derive(Clone, Debug)]
pub struct Edit<'a> {
    root: Part<'a>,
    /// What followed the message.
    behind: &'a [u8],
}

/// A step of a path: into a dictionary by key, or into a list by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step<'k> {
    /// The value of this key.
    Key(&'k [u8]),
    /// The item of this index, counted from zero.
    Index(usize),
}

/// An edit that can not be made. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind}, at step {step} of the path")]
pub struct EditError {
    /// The step that leads nowhere, counted from zero.
    pub step: usize,
    /// Why.
    pub kind: EditErrorKind,
}

/// Why an edit can not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditErrorKind {
    /// A key leads into something else than a dictionary.
    #[error("no dictionary, but {found:?}")]
    NotADict {
        /// What is there.
        found: Kind,
    },
    /// An index leads into something else than a list.
    #[error("no list, but {found:?}")]
    NotAList {
        /// What is there.
        found: Kind,
    },
    /// The dictionary does not have the key.
    #[error("no such key")]
    NoSuchKey,
    /// The list is too short.
    #[error("no such item, the list has {len}")]
    NoSuchItem {
        /// How many items it has.
        len: usize,
    },
    /// The path leads into a [`Raw`](crate::Raw) value that an edit put there.
    #[error("the value was given in encoded form")]
    Encoded,
    /// The path is longer than [`Value::MAX_DEPTH`].
    #[error("the path has more than {max} steps", max = Value::MAX_DEPTH)]
    TooDeep,
    /// The path has no steps, so there is no place in a list or dictionary.
    #[error("the whole message can not be inserted or removed")]
    WholeMessage,
}

#[derive(Clone, Debug)]
enum Part<'a> {
    /// As it stands in the input.
    Old(Node<'a, 'a>),
    New(Value),
    List(Vec<Part<'a>>),
    /// In the input's order.
    Dict(Vec<(Key<'a>, Part<'a>)>),
}

#[derive(Clone, Debug)]
enum Key<'a> {
    Old(Node<'a, 'a>),
    New(Bytes),
}

impl<'a> Edit<'a> {
    /// Starts from a whole message. What lenient decoding found behind it is kept too.
    pub fn new(document: &'a Document<'_>) -> Self {
        Self { root: Part::Old(document.root()), behind: document.behind() }
    }

    /// Puts a value in place of the one there. A dictionary that does not have the key gets it: in
    /// front of the first key that is greater, so that what was sorted still is. An index that is the
    /// list's length appends.
    ///
    /// # Errors
    /// The path leads nowhere.
    pub fn set<'k, S: Into<Step<'k>>>(
        &mut self,
        path: impl IntoIterator<Item = S>,
        value: impl Into<Value>,
    ) -> Result<(), EditError> {
        let path: Vec<Step<'k>> = path.into_iter().map(Into::into).collect();
        let Some((last, way)) = path.split_last() else {
            self.root = Part::New(value.into());
            return Ok(());
        };
        let container = self.walk(way, Some(*last))?;
        match (container, *last) {
            (Part::Dict(entries), Step::Key(key)) => {
                let new = Part::New(value.into());
                match entries.iter_mut().find(|(found, _)| found.as_bytes() == key) {
                    Some((_, old)) => *old = new,
                    None => {
                        let greater = entries.iter().position(|(found, _)| found.as_bytes() > key);
                        let place = greater.unwrap_or(entries.len());
                        entries.insert(place, (Key::New(Bytes::copy_from_slice(key)), new));
                    }
                }
            }
            (Part::List(items), Step::Index(index)) => match items.get_mut(index) {
                Some(old) => *old = Part::New(value.into()),
                None => insert_item(items, index, value, way.len())?,
            },
            (other, step) => return Err(other.refuse(step, way.len())),
        }
        Ok(())
    }

    /// Inserts an item into a list, in front of the one that has the index so far. An index that is
    /// the list's length appends. For a dictionary as [`set`](Self::set).
    ///
    /// # Errors
    /// The path leads nowhere, or has no steps.
    pub fn insert<'k, S: Into<Step<'k>>>(
        &mut self,
        path: impl IntoIterator<Item = S>,
        value: impl Into<Value>,
    ) -> Result<(), EditError> {
        let path: Vec<Step<'k>> = path.into_iter().map(Into::into).collect();
        match path.split_last() {
            None => Err(EditError { step: 0, kind: EditErrorKind::WholeMessage }),
            Some((Step::Key(_), _)) => self.set(path, value),
            Some((last @ Step::Index(index), way)) => match self.walk(way, Some(*last))? {
                Part::List(items) => insert_item(items, *index, value, way.len()),
                other => Err(other.refuse(*last, way.len())),
            },
        }
    }

    /// Removes an item of a list, or the entries of a dictionary that have the key.
    ///
    /// # Errors
    /// The path leads nowhere, or has no steps.
    pub fn remove<'k, S: Into<Step<'k>>>(
        &mut self,
        path: impl IntoIterator<Item = S>,
    ) -> Result<(), EditError> {
        let path: Vec<Step<'k>> = path.into_iter().map(Into::into).collect();
        let Some((last, way)) = path.split_last() else {
            return Err(EditError { step: 0, kind: EditErrorKind::WholeMessage });
        };
        let step = way.len();
        match (self.walk(way, Some(*last))?, *last) {
            (Part::Dict(entries), Step::Key(key)) => {
                let before = entries.len();
                entries.retain(|(found, _)| found.as_bytes() != key);
                if entries.len() == before {
                    return Err(EditError { step, kind: EditErrorKind::NoSuchKey });
                }
            }
            (Part::List(items), Step::Index(index)) => {
                if index >= items.len() {
                    let kind = EditErrorKind::NoSuchItem { len: items.len() };
                    return Err(EditError { step, kind });
                }
                items.remove(index);
            }
            (other, last) => return Err(other.refuse(last, step)),
        }
        Ok(())
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        self.root.encoded_len() + self.behind.len()
    }

    /// Appends the message as it is now.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        self.root.encode(out);
        out.put_slice(self.behind);
    }

    /// The message as it is now.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode(&mut out);
        out
    }

    /// The value that the path leads to, taken apart if `inner` goes on into it.
    fn walk(
        &mut self,
        path: &[Step<'_>],
        inner: Option<Step<'_>>,
    ) -> Result<&mut Part<'a>, EditError> {
        if path.len() >= Value::MAX_DEPTH {
            return Err(EditError { step: Value::MAX_DEPTH, kind: EditErrorKind::TooDeep });
        }
        let mut part = &mut self.root;
        for (place, step) in path.iter().enumerate() {
            let fail = |kind| Err(EditError { step: place, kind });
            part.open(*step, place)?;
            part = match (part, step) {
                (Part::Dict(entries), Step::Key(key)) => {
                    match entries.iter_mut().find(|(found, _)| found.as_bytes() == *key) {
                        Some((_, value)) => value,
                        None => return fail(EditErrorKind::NoSuchKey),
                    }
                }
                (Part::List(items), Step::Index(index)) => {
                    let len = items.len();
                    match items.get_mut(*index) {
                        Some(item) => item,
                        None => return fail(EditErrorKind::NoSuchItem { len }),
                    }
                }
                (other, step) => return Err(other.refuse(*step, place)),
            };
        }
        if let Some(step) = inner {
            part.open(step, path.len())?;
        }
        Ok(part)
    }
}

fn insert_item(
    items: &mut Vec<Part<'_>>,
    index: usize,
    value: impl Into<Value>,
    step: usize,
) -> Result<(), EditError> {
    if index > items.len() {
        return Err(EditError { step, kind: EditErrorKind::NoSuchItem { len: items.len() } });
    }
    items.insert(index, Part::New(value.into()));
    Ok(())
}

impl Part<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Old(node) => node.kind(),
            Self::New(value) => value.kind(),
            Self::List(_) => Kind::List,
            Self::Dict(_) => Kind::Dict,
        }
    }

    /// The error for a step that does not lead into this.
    fn refuse(&self, step: Step<'_>, place: usize) -> EditError {
        let found = self.kind();
        let kind = match step {
            Step::Key(_) => EditErrorKind::NotADict { found },
            Step::Index(_) => EditErrorKind::NotAList { found },
        };
        EditError { step: place, kind }
    }

    /// Takes a container apart, if this is one that the step leads into.
    fn open(&mut self, step: Step<'_>, place: usize) -> Result<(), EditError> {
        let wanted = match step {
            Step::Key(_) => Kind::Dict,
            Step::Index(_) => Kind::List,
        };
        if self.kind() != wanted {
            return Err(self.refuse(step, place));
        }
        match self {
            Self::Old(node) => {
                if let Some(list) = node.as_list() {
                    *self = Self::List(list.iter().map(Self::Old).collect());
                } else if let Some(dict) = node.as_dict() {
                    let entries = dict.iter().map(|(key, value)| (Key::Old(key), Self::Old(value)));
                    *self = Self::Dict(entries.collect());
                }
            }
            Self::New(Value::Raw(_)) => {
                return Err(EditError { step: place, kind: EditErrorKind::Encoded });
            }
            Self::New(Value::List(items)) => {
                *self = Self::List(core::mem::take(items).into_iter().map(Self::New).collect());
            }
            Self::New(Value::Dict(entries)) => {
                let entries = core::mem::take(entries).into_iter();
                let entries = entries.map(|(key, value)| (Key::New(key), Self::New(value)));
                *self = Self::Dict(entries.collect());
            }
            Self::New(_) | Self::List(_) | Self::Dict(_) => {}
        }
        Ok(())
    }

    /// Recursive, as deep as paths go.
    fn encoded_len(&self) -> usize {
        match self {
            Self::Old(node) => node.span().len(),
            Self::New(value) => value.encoded_len(),
            Self::List(items) => items.iter().map(Self::encoded_len).sum::<usize>() + 2,
            Self::Dict(entries) => {
                let entries = entries.iter().map(|(key, value)| match key {
                    Key::Old(key) => key.span().len() + value.encoded_len(),
                    Key::New(key) => string_len(key) + value.encoded_len(),
                });
                entries.sum::<usize>() + 2
            }
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Old(node) => out.put_slice(node.raw()),
            Self::New(value) => value.encode(out),
            Self::List(items) => {
                out.put_u8(b'l');
                for item in items {
                    item.encode(out);
                }
                out.put_u8(b'e');
            }
            Self::Dict(entries) => {
                out.put_u8(b'd');
                for (key, value) in entries {
                    match key {
                        Key::Old(key) => out.put_slice(key.raw()),
                        Key::New(key) => Value::Bytes(key.clone()).encode(out),
                    }
                    value.encode(out);
                }
                out.put_u8(b'e');
            }
        }
    }
}

impl Key<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Old(node) => node.as_bytes().unwrap_or_default(),
            Self::New(bytes) => bytes,
        }
    }
}

impl<'k> From<&'k [u8]> for Step<'k> {
    fn from(key: &'k [u8]) -> Self {
        Self::Key(key)
    }
}

impl<'k, const N: usize> From<&'k [u8; N]> for Step<'k> {
    fn from(key: &'k [u8; N]) -> Self {
        Self::Key(key)
    }
}

impl<'k> From<&'k str> for Step<'k> {
    fn from(key: &'k str) -> Self {
        Self::Key(key.as_bytes())
    }
}

impl From<usize> for Step<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}
