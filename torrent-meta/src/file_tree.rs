//! The file tree of v2 (BEP 52), and whether a hybrid's list of files is the same.

use alloc::vec::Vec;

use overlay_bencode::{Dict, DictIter, Node, NodeId};

use crate::error::{DecodeError, ErrorKind};
use crate::layout::{
    Directory, DirectoryId, Entry, Layout, NO_NODE, attributes, file_length, link_target,
};
use crate::limits::Limits;
use crate::parser::Reports;
use crate::piece::PieceLength;
use crate::source::Source;

impl Layout {
    /// The files of a `file tree`, without recursion. Each starts where a piece does; an empty one
    /// needs no piece, and is where the one before ends.
    pub(crate) fn read_tree(
        tree: Dict<'_, '_>,
        piece_length: PieceLength,
        limits: &Limits,
        reports: &mut Reports,
    ) -> Result<Self, DecodeError> {
        let mut layout = Self::new();
        let mut open: Vec<(DictIter<'_, '_>, Option<DirectoryId>)> = Vec::new();
        let (mut entries, mut directory) = (tree.iter(), None);
        loop {
            let Some((key, value)) = entries.next() else {
                match open.pop() {
                    Some(outer) => (entries, directory) = outer,
                    None => break,
                }
                continue;
            };
            if key.as_bytes().is_none_or(<[u8]>::is_empty) {
                return Err(DecodeError { offset: key.offset(), kind: ErrorKind::NoName });
            }
            let dict = dictionary(value)?;
            if let Some(file) = properties(dict) {
                layout.push_v2(dictionary(file)?, key, directory, piece_length, limits, reports)?;
            } else {
                let id = layout.push_directory(Directory { name: key.id(), parent: directory });
                open.push((core::mem::replace(&mut entries, dict.iter()), directory));
                directory = Some(id);
            }
        }
        match layout.entries.as_slice() {
            [] => Err(DecodeError { offset: tree.node().offset(), kind: ErrorKind::NoFiles }),
            [only] => {
                layout.single = only.directory.is_none();
                Ok(layout)
            }
            _ => Ok(layout),
        }
    }

    fn push_v2(
        &mut self,
        file: Dict<'_, '_>,
        name: Node<'_, '_>,
        directory: Option<DirectoryId>,
        piece_length: PieceLength,
        limits: &Limits,
        reports: &mut Reports,
    ) -> Result<(), DecodeError> {
        let attributes = attributes(file.find(b"attr"), reports)?;
        if attributes.is_pad() {
            let kind = ErrorKind::PadFile;
            return Err(DecodeError { offset: file.node().offset(), kind });
        }
        if attributes.is_symlink() {
            link_target(file, reports)?;
        }
        let length = file_length(file, file.find(b"length"), attributes, limits, reports)?;
        let (mut offset, mut root) = (self.total, NO_NODE);
        if length > 0 {
            // The total has 63 bits, and a piece's length 32.
            offset = offset.next_multiple_of(piece_length.get().into());
            let node = file.find(b"pieces root").filter(|root| {
                root.as_bytes().is_some_and(|root| root.len() == 32 && root != [0; 32])
            });
            let none = DecodeError { offset: file.node().offset(), kind: ErrorKind::PiecesRoot };
            root = node.ok_or(none)?.id();
        }
        let (dict, path) = (file.node().id(), name.id());
        let has_utf8_path = false;
        self.roots.push(root);
        self.push(
            file.node(),
            Entry { offset, length, dict, path, directory, attributes, has_utf8_path },
        )
    }

    /// Makes this v1 layout that of a hybrid, if the v2 layout has the same files. Pad files and
    /// empty files count on neither side. `name` is the torrent's, which is a single file's path.
    ///
    /// # Errors
    /// They are not the same.
    pub(crate) fn merge(
        &mut self,
        tree: &Self,
        name: NodeId,
        source: &Source<'_>,
    ) -> Result<(), Inconsistent> {
        if self.single && !tree.single {
            return Err(Inconsistent);
        }
        let mut roots = Vec::with_capacity(self.entries.len());
        let mut others =
            tree.entries.iter().zip(&tree.roots).filter(|(entry, _)| entry.is_relevant());
        let (mut path, mut other_path) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            if !entry.is_relevant() {
                roots.push(NO_NODE);
                continue;
            }
            let (other, root) = others.next().ok_or(Inconsistent)?;
            let is_symlink = entry.attributes.is_symlink();
            if entry.length != other.length
                || (entry.length > 0 && entry.offset != other.offset)
                || is_symlink != other.attributes.is_symlink()
            {
                return Err(Inconsistent);
            }
            let mine = if self.single { &Entry { path: name, ..*entry } } else { entry };
            self.utf8_path(mine, source, &mut path);
            tree.utf8_path(other, source, &mut other_path);
            if path != other_path {
                return Err(Inconsistent);
            }
            if is_symlink {
                strings(link(entry, source), &mut path);
                strings(link(other, source), &mut other_path);
                if path != other_path {
                    return Err(Inconsistent);
                }
            }
            roots.push(*root);
        }
        if others.next().is_some() {
            return Err(Inconsistent);
        }
        self.roots = roots;
        Ok(())
    }

    /// The path's components, in UTF-8 where there is a choice. Replaces what is in `out`.
    fn utf8_path<'s>(&self, entry: &Entry, source: &'s Source<'_>, out: &mut Vec<&'s [u8]>) {
        let utf8 = || source.node(entry.dict).as_dict()?.find(b"path.utf-8");
        let own = entry.has_utf8_path.then(utf8).flatten().unwrap_or(source.node(entry.path));
        strings(Some(own), out);
        let directories = self.ancestors(entry.directory);
        let before = out.len();
        out.extend(directories.filter_map(|name| source.node(name).as_bytes()));
        out[before..].reverse();
        out.rotate_left(before);
    }
}

/// The two halves of a hybrid have different files.
pub(crate) struct Inconsistent;

fn link<'s>(entry: &Entry, source: &'s Source<'_>) -> Option<Node<'s, 's>> {
    source.node(entry.dict).as_dict()?.find(b"symlink path")
}

/// A string, or the strings of a list.
fn strings<'s>(node: Option<Node<'s, 's>>, out: &mut Vec<&'s [u8]>) {
    out.clear();
    let Some(node) = node else { return };
    match node.as_list() {
        Some(list) => out.extend(list.iter().filter_map(Node::as_bytes)),
        None => out.extend(node.as_bytes()),
    }
}

fn dictionary<'t, 'a>(node: Node<'t, 'a>) -> Result<Dict<'t, 'a>, DecodeError> {
    node.as_dict().ok_or(DecodeError {
        offset: node.offset(),
        kind: ErrorKind::NotADictionary { what: "an item of 'file tree'" },
    })
}

/// What a dictionary of the tree says of a file: its only entry has an empty key. `None` for a
/// directory.
fn properties<'t, 'a>(dict: Dict<'t, 'a>) -> Option<Node<'t, 'a>> {
    let mut entries = dict.iter();
    let (key, value) = entries.next()?;
    (key.as_bytes() == Some(b"") && entries.next().is_none()).then_some(value)
}
