//! The info dictionary: what a torrent is of.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::iter::FusedIterator;

use overlay_bencode::{Decoder, Dict, Kind, List, ListIter, Node, NodeId};

use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind};
use crate::info_hash::InfoHash;
use crate::parser::{Parser, Reports};
use crate::path::{PathError, push_components};
use crate::piece::{PieceHash, PieceLength};
use crate::source::Source;

/// A v1 info dictionary (BEP 3), checked: the files' lengths add up, and there is one hash for each
/// piece. It keeps the bytes it was parsed from, so unknown keys stay, and the hash is theirs.
///
/// It borrows what it was parsed from; [`Info::into_owned`], or parsing a `Vec`, gives one that does
/// not.
#[derive(Clone, Debug)]
pub struct Info<'a> {
    source: Source<'a>,
    fields: Fields,
    deviations: Vec<Deviation>,
}

impl<'a> Info<'a> {
    /// Parses an info dictionary on its own, strictly. Offsets in errors count from its start.
    ///
    /// # Errors
    /// See [`Parser::info`].
    pub fn parse(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, DecodeError> {
        Parser::strict().info(bytes)
    }

    /// Parses an info dictionary on its own, leniently.
    ///
    /// # Errors
    /// See [`Parser::info`].
    pub fn parse_lenient(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, DecodeError> {
        Parser::lenient().info(bytes)
    }

    pub(crate) fn read(bytes: Cow<'a, [u8]>, decoder: Decoder) -> Result<Self, DecodeError> {
        let (source, mut reports) = Source::decode(bytes, decoder)?;
        let fields = Fields::read(source.node(NodeId::ROOT), &mut reports)?;
        Ok(Self { source, fields, deviations: reports.finish() })
    }

    pub(crate) fn from_parts(source: Source<'a>, fields: Fields, reports: Reports) -> Self {
        Self { source, fields, deviations: reports.finish() }
    }

    pub(crate) fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// The dictionary's bytes as they stand in the input.
    pub fn raw(&self) -> &[u8] {
        self.node(self.fields.root).raw()
    }

    /// SHA-1 over [`raw`](Self::raw). Nothing is cached: each call hashes all of it, which takes
    /// longer than parsing did.
    pub fn info_hash(&self) -> InfoHash {
        InfoHash::of(self.raw())
    }

    /// The dictionary, for keys that have no method here.
    pub fn dict(&self) -> Dict<'_, '_> {
        self.node(self.fields.root).as_dict().expect("checked when parsed")
    }

    /// The suggested name of the file, or of the directory of files. Usually UTF-8, and not safe to
    /// use as a path: see [`File::safe_path`].
    pub fn name(&self) -> &[u8] {
        self.bytes(self.fields.name)
    }

    /// How many bytes each piece has; the last one may have fewer.
    pub fn piece_length(&self) -> PieceLength {
        self.fields.piece_length
    }

    /// The hash of each piece.
    pub fn pieces(&self) -> &[PieceHash] {
        let (hashes, _) = self.bytes(self.fields.pieces).as_chunks();
        hashes
    }

    /// How many bytes a piece has; `None` if there is no such piece.
    pub fn piece_size(&self, piece: u32) -> Option<u32> {
        let length = self.piece_length().get();
        let start = u64::from(piece) * u64::from(length);
        let left = self.total_length().checked_sub(start).filter(|&left| left > 0)?;
        Some(u32::try_from(left).map_or(length, |left| left.min(length)))
    }

    /// How many bytes all files have together.
    pub fn total_length(&self) -> u64 {
        self.fields.total
    }

    /// Whether peers may be found through the torrent's own trackers only (BEP 27).
    pub fn is_private(&self) -> bool {
        self.fields.private
    }

    /// Whether it is one file, not a directory of files.
    pub fn is_single_file(&self) -> bool {
        matches!(self.fields.layout, Layout::Single)
    }

    /// How many files there are.
    pub fn file_count(&self) -> usize {
        match self.fields.layout {
            Layout::Single => 1,
            Layout::Multi { count, .. } => count,
        }
    }

    /// The files in the order of the content.
    pub fn files(&self) -> Files<'_> {
        let state = match self.fields.layout {
            Layout::Single => FilesState::Single { done: false },
            Layout::Multi { files, .. } => {
                FilesState::Multi(self.node(files).as_list().expect("checked when parsed").iter())
            }
        };
        Files { info: self, state, index: 0, offset: 0 }
    }

    /// What lenient parsing let through, in the input's order. Of a whole file's info dictionary:
    /// what is in the whole file.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// One that borrows nothing. Copies the bytes if they are borrowed.
    pub fn into_owned(self) -> Info<'static> {
        Info { source: self.source.into_owned(), fields: self.fields, deviations: self.deviations }
    }

    fn node(&self, id: NodeId) -> Node<'_, '_> {
        self.source.node(id)
    }

    fn bytes(&self, id: NodeId) -> &[u8] {
        self.node(id).as_bytes().unwrap_or_default()
    }
}

/// Equal bytes, equal torrents.
impl PartialEq for Info<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Info<'_> {}

/// One file of a torrent.
#[derive(Clone, Copy, Debug)]
pub struct File<'i> {
    info: &'i Info<'i>,
    /// Its dictionary in `files`; a single file has none.
    node: Option<Node<'i, 'i>>,
    index: usize,
    length: u64,
    offset: u64,
}

impl<'i> File<'i> {
    /// Its place in the torrent, from zero.
    pub fn index(&self) -> usize {
        self.index
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where it starts in the content, which is all files one after the other.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its path below [`Info::name`], as the torrent has it; for a single file, the name itself.
    /// Any bytes can stand there: see [`safe_path`](Self::safe_path).
    pub fn path(&self) -> PathComponents<'i> {
        match self.node {
            None => PathComponents { name: Some(self.info.name()), list: None },
            Some(node) => PathComponents { name: None, list: components_of(node, b"path") },
        }
    }

    /// A path to put the file at: relative, with `/` between components, the torrent's name first,
    /// and nothing in it that leads elsewhere; see [`safe_path`](crate::safe_path()). Where the
    /// torrent has a UTF-8 form of its names beside another (`name.utf-8`, `path.utf-8`), that is
    /// used.
    ///
    /// # Errors
    /// The path would leave the directory it is put in, a component is too long, or it names
    /// nothing.
    pub fn safe_path(&self) -> Result<String, PathError> {
        let name = self.info.bytes(self.info.fields.utf8_name);
        let mut path = String::with_capacity(name.len().min(255) + 60);
        // Both have to name something: a file must not take the directory's place.
        push_components(&mut path, [name], 0)?;
        if let Some(node) = self.node {
            let list = components_of(node, b"path.utf-8").or_else(|| components_of(node, b"path"));
            push_components(&mut path, PathComponents { name: None, list }, 1)?;
        }
        Ok(path)
    }
}

fn components_of<'i>(file: Node<'i, 'i>, key: &[u8]) -> Option<ListIter<'i, 'i>> {
    file.as_dict()?.find(key)?.as_list().map(List::iter)
}

/// A torrent's files in order.
#[derive(Clone, Debug)]
pub struct Files<'i> {
    info: &'i Info<'i>,
    state: FilesState<'i>,
    index: usize,
    offset: u64,
}

#[derive(Clone, Debug)]
enum FilesState<'i> {
    Single { done: bool },
    Multi(ListIter<'i, 'i>),
}

impl<'i> Iterator for Files<'i> {
    type Item = File<'i>;

    fn next(&mut self) -> Option<File<'i>> {
        let (node, length) = match &mut self.state {
            FilesState::Single { done } => {
                if core::mem::replace(done, true) {
                    return None;
                }
                (None, self.info.total_length())
            }
            FilesState::Multi(files) => {
                let node = files.next()?;
                let length = node.as_dict()?.find(b"length")?.as_uint()?;
                (Some(node), length)
            }
        };
        let file = File { info: self.info, node, index: self.index, length, offset: self.offset };
        self.index += 1;
        self.offset += length;
        Some(file)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.info.file_count() - self.index;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Files<'_> {}
impl FusedIterator for Files<'_> {}

/// The components of a [`File::path`].
#[derive(Clone, Debug)]
pub struct PathComponents<'i> {
    /// A single file's only component.
    name: Option<&'i [u8]>,
    list: Option<ListIter<'i, 'i>>,
}

impl<'i> Iterator for PathComponents<'i> {
    type Item = &'i [u8];

    fn next(&mut self) -> Option<&'i [u8]> {
        self.name.take().or_else(|| self.list.as_mut()?.next()?.as_bytes())
    }
}

impl FusedIterator for PathComponents<'_> {}

/// Where the parts are, and what they amount to.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    root: NodeId,
    name: NodeId,
    /// `name.utf-8` if it is there.
    utf8_name: NodeId,
    pieces: NodeId,
    piece_length: PieceLength,
    layout: Layout,
    total: u64,
    private: bool,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Single,
    Multi { files: NodeId, count: usize },
}

const STRING: &str = "a string";
const INTEGER: &str = "an integer";
const LIST: &str = "a list";

impl Fields {
    pub(crate) fn read(root: Node<'_, '_>, reports: &mut Reports) -> Result<Self, DecodeError> {
        let dict = root.as_dict().ok_or(DecodeError {
            offset: root.offset(),
            kind: ErrorKind::NotADictionary { what: "the value of 'info'" },
        })?;
        let pieces = dict.find(b"pieces");
        if pieces.is_none() && dict.find(b"meta version").is_some() {
            return Err(DecodeError { offset: root.offset(), kind: ErrorKind::OnlyV2 });
        }
        let utf8_name = dict.find(b"name.utf-8");
        let name = match dict.find(b"name").or(utf8_name) {
            Some(name) => name,
            None => required(dict, "name")?,
        };
        string(name, "name")?;
        let utf8_name = utf8_name.filter(|name| name.kind() == Kind::Bytes).unwrap_or(name);

        let length_node = required(dict, "piece length")?;
        let piece_length = length_node
            .as_uint()
            .and_then(|bytes| u32::try_from(bytes).ok())
            .and_then(|bytes| PieceLength::new(bytes).ok())
            .ok_or(DecodeError { offset: length_node.offset(), kind: ErrorKind::PieceLength })?;

        let (layout, total) = Self::read_layout(dict, reports)?;

        let pieces = required(dict, "pieces")?;
        let length = string(pieces, "pieces")?.len();
        if length % 20 != 0 {
            let kind = ErrorKind::PiecesLength { length };
            return Err(DecodeError { offset: pieces.offset(), kind });
        }
        let (expected, found) = (piece_length.pieces(total), (length / 20) as u64);
        if expected != found {
            let kind = ErrorKind::PieceCount { expected, found };
            return Err(DecodeError { offset: pieces.offset(), kind });
        }

        let private = match dict.find(b"private") {
            None => false,
            Some(node) => match node.as_int() {
                Some(number) => number != 0,
                None => {
                    let kind = DeviationKind::Ignored { key: "private", expected: INTEGER };
                    reports.add(node.offset(), kind)?;
                    false
                }
            },
        };
        let (root, name, utf8_name) = (root.id(), name.id(), utf8_name.id());
        let pieces = pieces.id();
        Ok(Self { root, name, utf8_name, pieces, piece_length, layout, total, private })
    }

    fn read_layout(
        dict: Dict<'_, '_>,
        reports: &mut Reports,
    ) -> Result<(Layout, u64), DecodeError> {
        let Some(files_node) = dict.find(b"files") else {
            return Ok((Layout::Single, length(required(dict, "length")?)?));
        };
        if let Some(length) = dict.find(b"length") {
            reports.add(length.offset(), DeviationKind::LengthAndFiles)?;
        }
        let files = files_node.as_list().ok_or(DecodeError {
            offset: files_node.offset(),
            kind: ErrorKind::WrongKind { key: "files", expected: LIST },
        })?;
        let mut total = 0u64;
        let mut count = 0;
        for file_node in files {
            let file = file_node.as_dict().ok_or(DecodeError {
                offset: file_node.offset(),
                kind: ErrorKind::NotADictionary { what: "an item of 'files'" },
            })?;
            // One pass over its keys; of equal ones the first counts, as everywhere.
            let (mut length_node, mut path_node, mut utf8_node) = (None, None, None);
            for (key, value) in file.iter() {
                match key.as_bytes() {
                    Some(b"length") => _ = length_node.get_or_insert(value),
                    Some(b"path") => _ = path_node.get_or_insert(value),
                    Some(b"path.utf-8") => _ = utf8_node.get_or_insert(value),
                    _ => {}
                }
            }
            total = total
                .checked_add(length(length_node.ok_or(missing(file, "length"))?)?)
                .filter(|total| i64::try_from(*total).is_ok())
                .ok_or(DecodeError {
                    offset: file_node.offset(),
                    kind: ErrorKind::TotalOverflow,
                })?;
            path(path_node.ok_or(missing(file, "path"))?, "path")?;
            if let Some(utf8) = utf8_node {
                path(utf8, "path.utf-8")?;
            }
            count += 1;
        }
        if count == 0 {
            let kind = ErrorKind::NoFiles;
            return Err(DecodeError { offset: files_node.offset(), kind });
        }
        Ok((Layout::Multi { files: files_node.id(), count }, total))
    }
}

pub(crate) fn required<'t, 'a>(
    dict: Dict<'t, 'a>,
    key: &'static str,
) -> Result<Node<'t, 'a>, DecodeError> {
    dict.find(key.as_bytes()).ok_or(missing(dict, key))
}

fn missing(dict: Dict<'_, '_>, key: &'static str) -> DecodeError {
    DecodeError { offset: dict.node().offset(), kind: ErrorKind::Missing { key } }
}

fn string<'a>(node: Node<'_, 'a>, key: &'static str) -> Result<&'a [u8], DecodeError> {
    let kind = ErrorKind::WrongKind { key, expected: STRING };
    node.as_bytes().ok_or(DecodeError { offset: node.offset(), kind })
}

fn length(node: Node<'_, '_>) -> Result<u64, DecodeError> {
    let Some(_) = node.digits() else {
        let kind = ErrorKind::WrongKind { key: "length", expected: INTEGER };
        return Err(DecodeError { offset: node.offset(), kind });
    };
    node.as_int()
        .and_then(|length| u64::try_from(length).ok())
        .ok_or(DecodeError { offset: node.offset(), kind: ErrorKind::Length })
}

fn path(node: Node<'_, '_>, key: &'static str) -> Result<(), DecodeError> {
    let components = node.as_list().ok_or(DecodeError {
        offset: node.offset(),
        kind: ErrorKind::WrongKind { key, expected: "a list of strings" },
    })?;
    if components.is_empty() {
        return Err(DecodeError { offset: node.offset(), kind: ErrorKind::EmptyPath });
    }
    for component in components {
        if component.as_bytes().is_none() {
            let kind = ErrorKind::WrongKind { key, expected: "a list of strings" };
            return Err(DecodeError { offset: component.offset(), kind });
        }
    }
    Ok(())
}
