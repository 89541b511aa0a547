//! One file of a torrent.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::slice;

use overlay_bencode::{List, ListIter, Node};

use crate::attributes::Attributes;
use crate::info::Info;
use crate::layout::{DirectoryId, Entry, NO_NODE};
use crate::path::{PathError, push_components};

/// One file of a torrent.
#[derive(Clone, Copy, Debug)]
pub struct File<'i> {
    info: &'i Info<'i>,
    entry: &'i Entry,
    index: usize,
}

impl<'i> File<'i> {
    /// Its place in the torrent, from zero.
    pub fn index(&self) -> usize {
        self.index
    }

    /// In bytes. Zero for a symbolic link.
    pub fn length(&self) -> u64 {
        self.entry.length
    }

    /// Where it starts in the content. For v1 and hybrids the content is all files one after the
    /// other, pad files too. For v2 alone each file starts with a piece of its own, so there may be a
    /// gap before it (not before an empty one, which needs no piece).
    pub fn offset(&self) -> u64 {
        self.entry.offset
    }

    /// Its attributes (BEP 47). One named as BitComet names its pad files counts as a pad file.
    pub fn attributes(&self) -> Attributes {
        self.entry.attributes
    }

    /// Whether it only aligns the next file, and is not to be stored.
    pub fn is_pad(&self) -> bool {
        self.entry.attributes.is_pad()
    }

    /// Its path below [`Info::name`], as the torrent has it; for a single file, the name itself.
    /// Any bytes can stand there: see [`safe_path`](Self::safe_path). Only a pad file's can have no
    /// components.
    pub fn path(&self) -> PathComponents<'i> {
        let own = (self.entry.path != NO_NODE).then(|| self.info.node(self.entry.path));
        self.components(own)
    }

    /// A path to put the file at: relative, with `/` between components, the torrent's name first,
    /// and nothing in it that leads elsewhere; see [`safe_path`](crate::safe_path()). A single file
    /// has its name alone. Where the torrent has a UTF-8 form of its names beside another
    /// (`name.utf-8`, `path.utf-8`), that is used.
    ///
    /// # Errors
    /// The path would leave the directory it is put in, is too long, or names nothing.
    pub fn safe_path(&self) -> Result<String, PathError> {
        let mut path = String::new();
        self.push_safe_path(&mut path)?;
        Ok(path)
    }

    /// Appends the [`safe_path`](Self::safe_path) to a text: for the paths of many files in one
    /// buffer. What was there is not looked at.
    ///
    /// # Errors
    /// As for [`safe_path`](Self::safe_path); nothing is appended then.
    pub fn push_safe_path(&self, text: &mut String) -> Result<(), PathError> {
        let start = text.len();
        self.try_push_safe_path(text).inspect_err(|_| text.truncate(start))
    }

    fn try_push_safe_path(&self, text: &mut String) -> Result<(), PathError> {
        if self.info.is_single_file() {
            // Of v1 the torrent's name, of v2 what the file tree has.
            let v1 = self.info.version().has_v1();
            let own = if v1 { self.info.utf8_name() } else { self.own_name() };
            return push_components(text, [own], 0);
        }
        // Both have to name something: a file must not take the directory's place.
        let start = text.len();
        push_components(text, [self.info.utf8_name()], 0)?;
        text.push('/');
        push_components(text, self.components(self.utf8_node()), 1)?;
        crate::path::check_whole(text, start)
    }

    /// Where a symbolic link leads (BEP 47): a path below [`Info::name`], as the torrent has it.
    /// `None` if it is no link, or has no target.
    pub fn symlink_target(&self) -> Option<PathComponents<'i>> {
        if !self.entry.attributes.is_symlink() {
            return None;
        }
        let list = self.dict()?.as_dict()?.find(b"symlink path")?.as_list()?;
        let (directories, name) = (Vec::new().into_iter(), None);
        (!list.is_empty()).then(|| PathComponents { directories, name, list: Some(list.iter()) })
    }

    /// The [`symlink_target`](Self::symlink_target), made safe as a file's
    /// [`safe_path`](Self::safe_path): from the same directory on, not from the link's.
    ///
    /// # Errors
    /// As for [`safe_path`](Self::safe_path).
    pub fn safe_symlink_target(&self) -> Option<Result<String, PathError>> {
        let target = self.symlink_target()?;
        let mut text = String::new();
        let pushed = push_components(&mut text, [self.info.utf8_name()], 0).and_then(|()| {
            text.push('/');
            push_components(&mut text, target, 1)?;
            crate::path::check_whole(&text, 0)
        });
        Some(pushed.map(|()| text))
    }

    /// The root of its Merkle tree (BEP 52). `None` for an empty file, a link, and without v2.
    pub fn pieces_root(&self) -> Option<[u8; 32]> {
        self.info.root(self.index)?.try_into().ok()
    }

    /// SHA-1 over the whole file, if the torrent has it (BEP 47). Nothing checks it here.
    pub fn sha1(&self) -> Option<[u8; 20]> {
        self.dict()?.as_dict()?.find(b"sha1")?.as_bytes()?.try_into().ok()
    }

    /// The dictionary that describes it, for keys that have no method here: for a single v1 file
    /// the info dictionary.
    fn dict(&self) -> Option<Node<'i, 'i>> {
        Some(self.info.node(self.entry.dict))
    }

    /// The path that [`safe_path`](Self::safe_path) is made of, below its [`directory`](Self::directory).
    pub(crate) fn own_path(&self) -> PathComponents<'i> {
        PathComponents::of(Vec::new(), self.utf8_node())
    }

    /// The directory of the file tree that it is in.
    pub(crate) fn directory(&self) -> Option<DirectoryId> {
        self.entry.directory
    }

    /// The path in UTF-8 where there is a choice.
    fn utf8_node(&self) -> Option<Node<'i, 'i>> {
        let utf8 = || self.dict()?.as_dict()?.find(b"path.utf-8");
        let own = if self.entry.has_utf8_path { utf8() } else { None };
        own.or_else(|| (self.entry.path != NO_NODE).then(|| self.info.node(self.entry.path)))
    }

    fn own_name(&self) -> &'i [u8] {
        self.info.node(self.entry.path).as_bytes().unwrap_or_default()
    }

    fn components(&self, own: Option<Node<'i, 'i>>) -> PathComponents<'i> {
        let layout = self.info.layout();
        let names = layout.ancestors(self.entry.directory);
        let mut directories: Vec<&[u8]> =
            names.filter_map(|name| self.info.node(name).as_bytes()).collect();
        directories.reverse();
        PathComponents::of(directories, own)
    }
}

/// A torrent's files in order.
#[derive(Clone, Debug)]
pub struct Files<'i> {
    info: &'i Info<'i>,
    entries: core::iter::Enumerate<slice::Iter<'i, Entry>>,
}

impl<'i> Files<'i> {
    pub(crate) fn new(info: &'i Info<'i>) -> Self {
        Self { info, entries: info.layout().entries.iter().enumerate() }
    }
}

impl<'i> Iterator for Files<'i> {
    type Item = File<'i>;

    fn next(&mut self) -> Option<File<'i>> {
        let (index, entry) = self.entries.next()?;
        Some(File { info: self.info, entry, index })
    }

    fn nth(&mut self, n: usize) -> Option<File<'i>> {
        let (index, entry) = self.entries.nth(n)?;
        Some(File { info: self.info, entry, index })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl DoubleEndedIterator for Files<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (index, entry) = self.entries.next_back()?;
        Some(File { info: self.info, entry, index })
    }
}

impl ExactSizeIterator for Files<'_> {}
impl FusedIterator for Files<'_> {}

/// The components of a [`File::path`].
#[derive(Clone, Debug)]
pub struct PathComponents<'i> {
    /// Those of a file tree.
    directories: vec::IntoIter<&'i [u8]>,
    /// The last one where it is not in the list.
    name: Option<&'i [u8]>,
    list: Option<ListIter<'i, 'i>>,
}

impl<'i> PathComponents<'i> {
    /// Directories, then a string or the strings of a list.
    fn of(directories: Vec<&'i [u8]>, own: Option<Node<'i, 'i>>) -> Self {
        Self {
            directories: directories.into_iter(),
            name: own.and_then(Node::as_bytes),
            list: own.and_then(Node::as_list).map(List::iter),
        }
    }
}

impl<'i> Iterator for PathComponents<'i> {
    type Item = &'i [u8];

    fn next(&mut self) -> Option<&'i [u8]> {
        self.directories
            .next()
            .or_else(|| self.name.take())
            .or_else(|| self.list.as_mut()?.next()?.as_bytes())
    }
}

impl FusedIterator for PathComponents<'_> {}
