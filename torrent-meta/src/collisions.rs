//! Files of one torrent that would take each other's place.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use unicode_normalization::UnicodeNormalization;

use crate::info::Info;
use crate::path::{MAX_PATH, safe_component};

/// Files that can not all be stored at their safe paths, from
/// [`Info::path_collisions`](crate::Info::path_collisions).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathCollision {
    /// What is in the way.
    pub kind: CollisionKind,
    /// The files at the place, by [`index`](crate::File::index), ascending. At least two, but for a
    /// place that is needed as a directory, where one is enough.
    pub files: Vec<usize>,
    /// Where a directory is needed at the place: the first file that is below it.
    pub below: Option<usize>,
}

/// What kind of [`PathCollision`].
///
/// Two places are *taken for one* if they differ only in upper and lower case or in Unicode form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CollisionKind {
    /// The safe paths are equal, so that the files collide everywhere. (The torrent's own paths need
    /// not be.)
    Equal,
    /// The safe paths are taken for one by some file systems, and are not all equal. The group has all
    /// files there; those of them that are `Equal` are a group besides.
    Folded,
    /// Files stand where another file, [`below`](PathCollision::below), needs a directory: everywhere.
    Directory,
    /// The same on some file systems: the file's place and the directory's are taken for one. The group
    /// has all files there, as for `Folded`.
    FoldedDirectory,
}

pub(crate) fn find(info: &Info<'_>) -> Vec<PathCollision> {
    let Ok(Some(name)) = safe_component(info.utf8_name()) else { return Vec::new() };
    if info.is_single_file() {
        return Vec::new();
    }
    let mut places = Places::new();
    let root = Some(Position { spelling: ROOT, length: name.len() });

    // Directories of a file tree, each behind the one that it is in.
    let mut directories: Vec<Option<Position>> = Vec::new();
    for directory in &info.layout().directories {
        let around = match directory.parent {
            Some(parent) => directories.get(parent.index()).copied().flatten(),
            None => root,
        };
        let name = info.node(directory.name).as_bytes().unwrap_or_default();
        directories.push(around.and_then(|around| match safe_component(name) {
            Ok(None) => Some(around),
            Ok(Some(name)) => places.descend(around, name),
            Err(_) => None,
        }));
    }

    let mut components = Vec::new();
    for file in info.stored_files() {
        let around = match file.directory() {
            Some(directory) => directories.get(directory.index()).copied().flatten(),
            None => root,
        };
        let Some(around) = around else { continue };
        // Nothing of a path that is not safe may leave a trace: all of it first.
        components.clear();
        let mut length = around.length;
        let is_safe = file.own_path().all(|component| {
            let Ok(safe) = safe_component(component) else { return false };
            length += safe.as_ref().map_or(0, |safe| 1 + safe.len());
            components.extend(safe);
            length <= MAX_PATH
        });
        if !is_safe {
            continue;
        }
        let position = components
            .drain(..)
            .try_fold(around, |position, component| places.descend(position, component));
        // At the root is the torrent's directory: what names nothing in it is not safe.
        if let Some(position) = position.filter(|position| position.spelling != ROOT) {
            places.put(position.spelling, number(file.index()));
        }
    }
    places.collisions()
}

/// Where a path has come to.
#[derive(Clone, Copy)]
struct Position {
    spelling: u32,
    /// In bytes, with the torrent's name.
    length: usize,
}

const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

/// The tree of all paths, twice: as they are spelled, and as file systems fold them. Names are kept
/// once. Each node has its number, so that memory is in proportion to how many components the torrent
/// has, whatever is shared.
struct Places<'i> {
    /// Numbers of names as they are spelled.
    names: BTreeMap<Cow<'i, str>, Name>,
    /// Numbers of folded names.
    folded_names: BTreeMap<Cow<'i, str>, u32>,
    /// Nodes by the one above and the name's number.
    spelled: BTreeMap<(u32, u32), u32>,
    folded: BTreeMap<(u32, u32), u32>,
    spellings: Vec<Spelling>,
    places: Vec<Place>,
    /// Each file with its nodes: the place, the spelling, the index.
    files: Vec<(u32, u32, u32)>,
}

#[derive(Clone, Copy)]
struct Name {
    number: u32,
    folded: u32,
}

/// A node of the tree of paths as they are spelled.
struct Spelling {
    parent: u32,
    place: u32,
    /// The first file below it.
    below: u32,
}

/// A node of the tree of folded paths.
struct Place {
    parent: u32,
    /// The first file below it.
    below: u32,
    /// A spelling that is a file's, or has one below.
    spelling: u32,
    /// Whether there is another.
    several: bool,
}

impl<'i> Places<'i> {
    fn new() -> Self {
        let spelling = Spelling { parent: NONE, place: ROOT, below: NONE };
        let place = Place { parent: NONE, below: NONE, spelling: NONE, several: false };
        Self {
            names: BTreeMap::new(),
            folded_names: BTreeMap::new(),
            spelled: BTreeMap::new(),
            folded: BTreeMap::new(),
            spellings: Vec::from([spelling]),
            places: Vec::from([place]),
            files: Vec::new(),
        }
    }

    /// From a position to what has this name in it; `None` if the path is too long then.
    fn descend(&mut self, from: Position, name: Cow<'i, str>) -> Option<Position> {
        let length = from.length + 1 + name.len();
        if length > MAX_PATH {
            return None;
        }
        let name = self.name(name);
        let parent = from.spelling;
        let next = number(self.spellings.len());
        let spelling = *self.spelled.entry((parent, name.number)).or_insert(next);
        if spelling == next {
            let above = self.spellings[parent as usize].place;
            let next = number(self.places.len());
            let place = *self.folded.entry((above, name.folded)).or_insert(next);
            if place == next {
                let (parent, below) = (above, NONE);
                self.places.push(Place { parent, below, spelling: NONE, several: false });
            }
            self.spellings.push(Spelling { parent, place, below: NONE });
        }
        Some(Position { spelling, length })
    }

    fn name(&mut self, text: Cow<'i, str>) -> Name {
        if let Some(name) = self.names.get(&text) {
            return *name;
        }
        let next = number(self.folded_names.len());
        let folded = *self.folded_names.entry(fold(&text)).or_insert(next);
        let name = Name { number: number(self.names.len()), folded };
        self.names.insert(text, name);
        name
    }

    /// Puts a file there, which comes behind all that were put before.
    fn put(&mut self, spelling: u32, file: u32) {
        let place = self.note(spelling);
        self.files.push((place, spelling, file));
        // What is above a node with a file below it has that file below it too.
        let mut above = self.spellings[spelling as usize].parent;
        while let Some(node) =
            self.spellings.get_mut(above as usize).filter(|node| node.below == NONE)
        {
            node.below = file;
            let next = node.parent;
            self.note(above);
            above = next;
        }
        let mut above = self.places[place as usize].parent;
        while let Some(node) = self.places.get_mut(above as usize).filter(|node| node.below == NONE)
        {
            node.below = file;
            above = node.parent;
        }
    }

    /// Notes that a spelling is in use; gives its place.
    fn note(&mut self, spelling: u32) -> u32 {
        let number = self.spellings[spelling as usize].place;
        let place = &mut self.places[number as usize];
        match place.spelling {
            NONE => place.spelling = spelling,
            noted => place.several |= noted != spelling,
        }
        number
    }

    fn collisions(mut self) -> Vec<PathCollision> {
        self.files.sort_unstable();
        let mut found = Vec::new();
        let mut add = |kind, files: &[(u32, u32, u32)], below: u32| {
            let mut files: Vec<usize> = files.iter().map(|&(_, _, file)| file as usize).collect();
            files.sort_unstable();
            let below = (below != NONE).then_some(below as usize);
            found.push(PathCollision { kind, files, below });
        };
        for there in self.files.chunk_by(|one, other| one.0 == other.0) {
            let place = &self.places[there[0].0 as usize];
            for equal in there.chunk_by(|one, other| one.1 == other.1) {
                let below = self.spellings[equal[0].1 as usize].below;
                if equal.len() > 1 {
                    add(CollisionKind::Equal, equal, NONE);
                }
                if below != NONE {
                    add(CollisionKind::Directory, equal, below);
                }
            }
            if there.iter().any(|file| file.1 != there[0].1) {
                add(CollisionKind::Folded, there, NONE);
            }
            if place.below != NONE && place.several {
                add(CollisionKind::FoldedDirectory, there, place.below);
            }
        }
        found.sort_unstable_by(|one, other| {
            (one.files.first(), one.kind).cmp(&(other.files.first(), other.kind))
        });
        found
    }
}

/// A component as the file systems see it that see least: without case, in one Unicode form.
///
/// Canonical decomposition (NFD), and lower, upper, lower case, which is the full case folding of
/// Unicode but for the dotless i, which that leaves alone.
fn fold<'i>(text: &Cow<'i, str>) -> Cow<'i, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return text.clone();
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    let folded =
        text.nfd().flat_map(char::to_lowercase).flat_map(upper).flat_map(char::to_lowercase);
    Cow::Owned(folded.nfd().collect::<String>())
}

fn upper(char: char) -> impl Iterator<Item = char> {
    const DOTLESS_I: char = 'ı';
    let keep = (char == DOTLESS_I).then_some(char);
    let upper = keep.is_none().then(|| char.to_uppercase());
    keep.into_iter().chain(upper.into_iter().flatten())
}

/// There are fewer nodes, names and files than tokens, which 32 bits can count.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}
