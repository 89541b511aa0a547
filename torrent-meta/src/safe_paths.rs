//! The safe paths of all files at once.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use overlay_bencode::Event;

use crate::info::Info;
use crate::layout::{Entry, NO_NODE};
use crate::path::{PathError, count_special, has_plain_ends, is_plain};

/// The [`File::safe_path`](crate::File::safe_path) of every file, in one text: quicker than one by
/// one, and without an allocation for each. From [`Info::safe_paths`].
#[derive(Clone, Debug)]
pub struct SafePaths {
    text: String,
    /// Where in the text each path ends; where it starts is where the one before ends.
    ends: Vec<usize>,
    /// Files without a safe path. Nothing of them is in the text.
    errors: BTreeMap<usize, PathError>,
}

/// So many files are looked at together.
const BLOCK: usize = 64;

impl SafePaths {
    pub(crate) fn of(info: &Info<'_>) -> Self {
        let entries = &info.layout().entries;
        let name = info.utf8_name();
        let is_usual = |entry: &Entry| {
            !entry.has_utf8_path && entry.directory.is_none() && entry.path != NO_NODE
        };
        let prefix = (is_plain(name) && !info.is_single_file()).then(|| [name, b"/"].concat());
        let mut text = Vec::new();
        let mut ends = Vec::with_capacity(entries.len());
        let mut errors = BTreeMap::new();
        let mut slow = String::new();
        for (block, entries) in entries.chunks(BLOCK).enumerate() {
            // Nearly all names are plain, and plain names are quick to tell, many at once.
            if let Some(prefix) = &prefix
                && entries.iter().all(is_usual)
                && push_plain(&mut text, &mut ends, prefix, info, entries)
            {
                continue;
            }
            for file in info.files().skip(block * BLOCK).take(BLOCK) {
                slow.clear();
                match file.push_safe_path(&mut slow) {
                    Ok(()) => text.extend_from_slice(slow.as_bytes()),
                    Err(error) => _ = errors.insert(file.index(), error),
                }
                ends.push(text.len());
            }
        }
        // ASCII, and what was a `String`.
        let text = String::from_utf8(text).expect("all parts are UTF-8");
        Self { text, ends, errors }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none, which no torrent has.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The path of a file by its [`index`](crate::File::index); `None` if there is no such file.
    ///
    /// # Errors
    /// As for [`File::safe_path`](crate::File::safe_path).
    pub fn get(&self, index: usize) -> Option<Result<&str, PathError>> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before));
        if let Some(error) = self.errors.get(&index) {
            return Some(Err(*error));
        }
        self.text.get(*start.unwrap_or(&0)..end).map(Ok)
    }

    /// The paths in the order of the files.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<&str, PathError>> + '_ {
        // There is one for each index.
        (0..self.len()).map(|index| self.get(index).unwrap_or(Err(PathError::Empty)))
    }

    /// The files that have no safe path, by index, and why.
    pub fn errors(&self) -> impl Iterator<Item = (usize, PathError)> + '_ {
        self.errors.iter().map(|(&index, &error)| (index, error))
    }
}

/// Appends the paths of files whose names are plain and short, in one go. `false` if one of them is not,
/// or may be not; nothing is appended then.
fn push_plain(
    text: &mut Vec<u8>,
    ends: &mut Vec<usize>,
    prefix: &[u8],
    info: &Info<'_>,
    entries: &[Entry],
) -> bool {
    /// With the prefix, well below what a path may have.
    const SHORT: usize = 1024;
    let (start, before) = (text.len(), ends.len());
    let mut separators = 0;
    let mut is_plain = true;
    // A guess that is nearly always enough: growing is slow.
    text.reserve(entries.len() * (prefix.len() + 64));
    for entry in entries {
        let first = text.len();
        text.extend_from_slice(prefix);
        let mut walk = info.node(entry.path).walk();
        is_plain &= matches!(walk.next(), Some(Event::List));
        while let Some(Event::Bytes(component)) = walk.next() {
            is_plain &= has_plain_ends(component);
            text.extend_from_slice(component);
            text.push(b'/');
            separators += 1;
        }
        // The last one separates nothing.
        text.pop();
        is_plain &= text.len() - first <= SHORT;
        ends.push(text.len());
    }
    // What is in the middle of names, of all at once: if there is no special byte, then each `/` is
    // one that was put there.
    let (special, slashes) = count_special(&text[start..]);
    if is_plain && !special && slashes == separators {
        return true;
    }
    text.truncate(start);
    ends.truncate(before);
    false
}
