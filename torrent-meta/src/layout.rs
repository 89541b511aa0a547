//! The files of a torrent: where they are in the content, and where they are told of.

use alloc::vec::Vec;

use overlay_bencode::{Dict, Event, Kind, Node, NodeId};

use crate::attributes::Attributes;
use crate::error::{DecodeError, DeviationKind, ErrorKind};
use crate::limits::Limits;
use crate::parser::Reports;

/// What an entry has where it has no node of some kind: the whole input is neither a path nor a hash.
pub(crate) const NO_NODE: NodeId = NodeId::ROOT;

/// All files in the content's order.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) entries: Vec<Entry>,
    /// The directories of a file tree; of a v1 list, none.
    pub(crate) directories: Vec<Directory>,
    /// Each entry's `pieces root`, or [`NO_NODE`]. Without v2, none.
    pub(crate) roots: Vec<NodeId>,
    /// Where the last file ends.
    pub(crate) total: u64,
    /// One file that is in no directory.
    pub(crate) single: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// The dictionary that describes it.
    pub(crate) dict: NodeId,
    /// A string, or a list of strings, or [`NO_NODE`].
    pub(crate) path: NodeId,
    /// What is before the path.
    pub(crate) directory: Option<DirectoryId>,
    pub(crate) attributes: Attributes,
    /// Whether the dictionary has another path, in UTF-8.
    pub(crate) has_utf8_path: bool,
}

impl Entry {
    /// Whether it is something to store: content that is not padding, or a link. Empty files are
    /// only so by their name, which the halves of a hybrid need not agree on.
    pub(crate) fn is_relevant(&self) -> bool {
        !self.attributes.is_pad() && (self.length > 0 || self.attributes.is_symlink())
    }
}

/// A directory of a file tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    /// A string.
    pub(crate) name: NodeId,
    pub(crate) parent: Option<DirectoryId>,
}

/// A directory's place among the directories, plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirectoryId(core::num::NonZeroU32);

impl DirectoryId {
    /// Its place among the directories.
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Layout {
    /// The files of a v1 info dictionary: `files`, or itself.
    pub(crate) fn read_v1(
        dict: Dict<'_, '_>,
        name: NodeId,
        limits: &Limits,
        reports: &mut Reports,
    ) -> Result<Self, DecodeError> {
        let Some(files_node) = dict.find(b"files") else {
            return Self::read_single(dict, name, limits, reports);
        };
        if let Some(length) = dict.find(b"length") {
            reports.add(length.offset(), DeviationKind::LengthAndFiles)?;
        }
        let files = files_node.as_list().ok_or(DecodeError {
            offset: files_node.offset(),
            kind: ErrorKind::WrongKind { key: "files", expected: "a list" },
        })?;
        // The shortest take 24 bytes, the usual ones 50 to 100.
        let guess = files_node.raw().len() / 50;
        let mut layout = Self { entries: Vec::with_capacity(guess), ..Self::new() };
        for file_node in files {
            if let Some((length, path)) = plain_file(file_node)
                && length <= limits.file_length
            {
                layout.push(
                    file_node,
                    Entry {
                        offset: layout.total,
                        length,
                        dict: file_node.id(),
                        path,
                        directory: None,
                        attributes: Attributes::NONE,
                        has_utf8_path: false,
                    },
                )?;
                continue;
            }
            let file = file_node.as_dict().ok_or(DecodeError {
                offset: file_node.offset(),
                kind: ErrorKind::NotADictionary { what: "an item of 'files'" },
            })?;
            layout.push_v1(file, limits, reports)?;
        }
        if layout.entries.is_empty() {
            return Err(DecodeError { offset: files_node.offset(), kind: ErrorKind::NoFiles });
        }
        Ok(layout)
    }

    fn read_single(
        dict: Dict<'_, '_>,
        name: NodeId,
        limits: &Limits,
        reports: &mut Reports,
    ) -> Result<Self, DecodeError> {
        let attributes = attributes(dict.find(b"attr"), reports)?;
        if attributes.is_symlink() {
            link_target(dict, reports)?;
        }
        let mut layout = Self { single: true, ..Self::new() };
        let length = file_length(dict, dict.find(b"length"), attributes, limits, reports)?;
        layout.push(
            dict.node(),
            Entry {
                offset: 0,
                length,
                dict: dict.node().id(),
                path: name,
                directory: None,
                attributes,
                has_utf8_path: false,
            },
        )?;
        Ok(layout)
    }

    fn push_v1(
        &mut self,
        file: Dict<'_, '_>,
        limits: &Limits,
        reports: &mut Reports,
    ) -> Result<(), DecodeError> {
        // One pass over its keys; of equal ones the first counts, as everywhere.
        let (mut length, mut path, mut utf8_path, mut attr) = (None, None, None, None);
        for (key, value) in file.iter() {
            match key.as_bytes() {
                Some(b"length") => _ = length.get_or_insert(value),
                Some(b"path") => _ = path.get_or_insert(value),
                Some(b"path.utf-8") => _ = utf8_path.get_or_insert(value),
                Some(b"attr") => _ = attr.get_or_insert(value),
                _ => {}
            }
        }
        let mut attributes = attributes(attr, reports)?;
        if attributes.is_symlink() {
            link_target(file, reports)?;
        }
        let length = file_length(file, length, attributes, limits, reports)?;
        let utf8_path = match utf8_path {
            Some(node) if node.kind() == Kind::List => Some(node),
            Some(node) => {
                reports.ignored(node.offset(), "path.utf-8", STRINGS)?;
                None
            }
            None => None,
        };
        if let Some(utf8_path) = utf8_path {
            check_path(utf8_path, "path.utf-8")?;
            if path.is_none() {
                reports.add(utf8_path.offset(), DeviationKind::OnlyUtf8 { key: "path" })?;
            }
        }
        let path = match path.or(utf8_path) {
            Some(node) => {
                if check_path(node, "path")?.starts_with(BITCOMET_PAD) {
                    attributes = attributes.with_pad();
                }
                node.id()
            }
            None if attributes.is_pad() => {
                reports.add(file.node().offset(), DeviationKind::PadFileWithoutPath)?;
                NO_NODE
            }
            None => return Err(missing(file, "path")),
        };
        self.push(
            file.node(),
            Entry {
                offset: self.total,
                length,
                dict: file.node().id(),
                path,
                directory: None,
                attributes,
                has_utf8_path: utf8_path.is_some(),
            },
        )
    }

    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            directories: Vec::new(),
            roots: Vec::new(),
            total: 0,
            single: false,
        }
    }

    /// Adds a file at its offset, which is not before the end of the one before.
    pub(crate) fn push(&mut self, node: Node<'_, '_>, entry: Entry) -> Result<(), DecodeError> {
        let overflow = DecodeError { offset: node.offset(), kind: ErrorKind::TotalOverflow };
        self.total = entry
            .offset
            .checked_add(entry.length)
            .filter(|&total| i64::try_from(total).is_ok())
            .ok_or(overflow)?;
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn push_directory(&mut self, directory: Directory) -> DirectoryId {
        self.directories.push(directory);
        // There are fewer than tokens, which 32 bits can count.
        let number = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
        DirectoryId(core::num::NonZeroU32::new(number).unwrap_or(core::num::NonZeroU32::MAX))
    }

    /// The names of a directory and those around it, the innermost first.
    pub(crate) fn ancestors(
        &self,
        directory: Option<DirectoryId>,
    ) -> impl Iterator<Item = NodeId> + '_ {
        let find = |id: DirectoryId| self.directories.get(id.index());
        core::iter::successors(directory.and_then(find), move |directory| {
            directory.parent.and_then(find)
        })
        .map(|directory| directory.name)
    }
}

/// How BitComet names its pad files, which have no attribute.
const BITCOMET_PAD: &[u8] = b"_____padding_file_";

const STRINGS: &str = "a list of strings";

pub(crate) fn required<'t, 'a>(
    dict: Dict<'t, 'a>,
    key: &'static str,
) -> Result<Node<'t, 'a>, DecodeError> {
    dict.find(key.as_bytes()).ok_or(missing(dict, key))
}

pub(crate) fn missing(dict: Dict<'_, '_>, key: &'static str) -> DecodeError {
    DecodeError { offset: dict.node().offset(), kind: ErrorKind::Missing { key } }
}

pub(crate) fn attributes(
    node: Option<Node<'_, '_>>,
    reports: &mut Reports,
) -> Result<Attributes, DecodeError> {
    let Some(node) = node else { return Ok(Attributes::NONE) };
    if let Some(letters) = node.as_bytes() {
        return Ok(Attributes::parse(letters));
    }
    reports.ignored(node.offset(), "attr", "a string")?;
    Ok(Attributes::NONE)
}

/// A link's target, reported where it is none.
pub(crate) fn link_target(file: Dict<'_, '_>, reports: &mut Reports) -> Result<(), DecodeError> {
    let Some(node) = file.find(b"symlink path") else {
        return reports.add(file.node().offset(), DeviationKind::LinkWithoutTarget);
    };
    match node.as_list() {
        Some(list) if list.is_empty() => {
            reports.add(node.offset(), DeviationKind::LinkWithoutTarget)
        }
        Some(_) => check_path(node, "symlink path").map(|_| ()),
        None => reports.ignored(node.offset(), "symlink path", STRINGS),
    }
}

/// What nearly all files are: a length and a path, and nothing else. The same as
/// [`Layout::push_v1`] finds, quicker; `None` where that has to look closer.
fn plain_file(node: Node<'_, '_>) -> Option<(u64, NodeId)> {
    let mut walk = node.walk();
    let (Event::Dict, Event::Bytes(b"length")) = (walk.next()?, walk.next()?) else { return None };
    let Event::Integer(length) = walk.next()? else { return None };
    let Event::Bytes(b"path") = walk.next()? else { return None };
    let path = walk.next_id()?;
    let (Event::List, Event::Bytes(mut last)) = (walk.next()?, walk.next()?) else { return None };
    while let Event::Bytes(component) = walk.next()? {
        last = component;
    }
    // The list has ended or goes on with another kind of value; then ends the dictionary.
    let Event::End = walk.next()? else { return None };
    if walk.next().is_some() || last.starts_with(BITCOMET_PAD) {
        return None;
    }
    Some((u64::try_from(length.as_int()?).ok()?, path))
}

/// A file's length, which a link does not have.
pub(crate) fn file_length(
    file: Dict<'_, '_>,
    length: Option<Node<'_, '_>>,
    attributes: Attributes,
    limits: &Limits,
    reports: &mut Reports,
) -> Result<u64, DecodeError> {
    if attributes.is_symlink() {
        if let Some(node) = length.filter(|node| node.as_int() != Some(0)) {
            reports.add(node.offset(), DeviationKind::LinkWithLength)?;
        }
        return Ok(0);
    }
    let node = length.ok_or(missing(file, "length"))?;
    if node.kind() != Kind::Integer {
        let kind = ErrorKind::WrongKind { key: "length", expected: "an integer" };
        return Err(DecodeError { offset: node.offset(), kind });
    }
    let max = limits.file_length.min(i64::MAX as u64);
    node.as_int()
        .and_then(|length| u64::try_from(length).ok())
        .filter(|&length| length <= max)
        .ok_or(DecodeError { offset: node.offset(), kind: ErrorKind::Length { max } })
}

/// Checks that it is a list of at least one string; gives the last.
fn check_path<'a>(node: Node<'_, 'a>, key: &'static str) -> Result<&'a [u8], DecodeError> {
    let wrong = ErrorKind::WrongKind { key, expected: STRINGS };
    let components = node.as_list().ok_or(DecodeError { offset: node.offset(), kind: wrong })?;
    let mut last = None;
    for component in components {
        let name =
            component.as_bytes().ok_or(DecodeError { offset: component.offset(), kind: wrong })?;
        last = Some(name);
    }
    last.ok_or(DecodeError { offset: node.offset(), kind: ErrorKind::EmptyPath })
}
