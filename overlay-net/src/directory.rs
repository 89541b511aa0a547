//! Stored objects that are the files of one directory.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use overlay_peer::{Object, StoreError};

use crate::Store;
use crate::ranges::Ranges;

/// The files of a directory: those it shares, and those that are being downloaded into it.
///
/// No name leads out of the directory: names with `..` or a root are refused, and a symbolic link that
/// leads out is not followed (paths are resolved a component at a time, relative to the open directory).
///
/// What is downloaded is written to `NAME.part`, and what of it is there is kept in `NAME.part.map`, so
/// that [`download`](Self::download) can go on where another run ended. The write that makes a file whole
/// succeeds only when it is on disk under its name: the file is synced, renamed, and its directory
/// synced. A write that fails, because the disk is full for example, loses nothing of what was written
/// before.
#[derive(Debug)]
pub struct Directory {
    root: Dir,
    /// What new files may take in all, in bytes.
    room: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Object, Entry>,
    /// Shared files that are open, the one used last at the end.
    open: VecDeque<(Object, Arc<File>)>,
    /// How many bytes of `room` are used up.
    used: u64,
}

#[derive(Debug)]
enum Entry {
    Shared(String),
    Partial(Partial),
}

#[derive(Debug)]
struct Partial {
    name: String,
    size: Option<u64>,
    file: File,
    ranges: Ranges,
    /// Bytes written since the map was saved.
    unsaved: u64,
    /// It gets its name by [`Directory::finish`] only.
    held: bool,
}

/// What is wrong with a file of a [`Directory`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The name is empty, absolute, or has a `..`, a NUL or something like it.
    #[error("bad file name {name:?}, expected one within the directory")]
    BadName {
        /// The name.
        name: String,
    },
    /// The number stands for another file already.
    #[error("object {} is another file already", object.0)]
    InUse {
        /// The number.
        object: Object,
    },
    /// There is a file of this name already.
    #[error("{name:?} exists already")]
    Exists {
        /// The name.
        name: String,
    },
    /// Neither a file nor something that one can be made of.
    #[error("{name:?} is no regular file")]
    NoFile {
        /// The name.
        name: String,
    },
    /// What the system says.
    #[error("{name:?}: {error}")]
    Io {
        /// The file's name.
        name: String,
        /// The system's error.
        error: io::Error,
    },
}

/// So many shared files are kept open.
const OPEN: usize = 32;
/// After so many bytes of a download, they are synced and the map is saved.
const SAVE: u64 = 32 << 20;
/// Directories deeper than this are not looked into.
const DEPTH: usize = 32;
/// The endings of names of files that are not whole, and of their maps.
const PART: &str = ".part";
const MAP: &str = ".part.map";
const NEW: &str = ".part.map.new";
/// So much room is kept for the next map, so that it can be saved when the disk is full.
const RESERVE: [u8; 4_096] = [b' '; 4_096];

impl Directory {
    /// The directory at this path.
    ///
    /// # Errors
    /// It is not there or can not be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { root, room: u64::MAX, state: Mutex::default() })
    }

    /// The same, with room for so many bytes of downloads; more is like a full disk.
    #[must_use]
    pub fn with_room(mut self, bytes: u64) -> Self {
        self.room = bytes;
        self
    }

    /// The files in it and in directories in it, with their sizes, sorted by name. Left out are symbolic
    /// links, names that begin with a dot or are not UTF-8, and files that are not whole.
    ///
    /// # Errors
    /// A directory can not be read.
    pub fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        list(&self.root, "", DEPTH, &mut files)?;
        files.sort();
        Ok(files)
    }

    /// Makes a file readable under this number. Returns its size.
    ///
    /// # Errors
    /// It is not there, or no regular file within the directory.
    pub fn share(&self, object: Object, name: &str) -> Result<u64, DirectoryError> {
        check_name(name)?;
        let size = self.size_of(name)?;
        let mut state = self.state();
        if state.objects.contains_key(&object) {
            return Err(DirectoryError::InUse { object });
        }
        state.objects.insert(object, Entry::Shared(name.to_owned()));
        Ok(size)
    }

    fn size_of(&self, name: &str) -> Result<u64, DirectoryError> {
        let metadata = self.root.metadata(name).map_err(|error| about(name, error))?;
        if !metadata.is_file() {
            return Err(DirectoryError::NoFile { name: name.to_owned() });
        }
        Ok(metadata.len())
    }

    /// Makes a file of this name writable under this number, and later whole. Returns how many bytes of
    /// it are there from its start on, from an earlier run: it is resumed there. Without a size, it is
    /// whole only with [`finish`](Self::finish), and an earlier run's is not resumed.
    ///
    /// # Errors
    /// The name is not that of a file right in the directory, there is such a file already, or none can
    /// be made.
    pub fn download(
        &self,
        object: Object,
        name: &str,
        size: Option<u64>,
    ) -> Result<u64, DirectoryError> {
        check_name(name)?;
        if Path::new(name).components().count() != 1 {
            return Err(DirectoryError::BadName { name: name.to_owned() });
        }
        let mut state = self.state();
        let taken = |entry: &Entry| matches!(entry, Entry::Partial(it) if it.name == name);
        if state.objects.contains_key(&object) || state.objects.values().any(taken) {
            return Err(DirectoryError::InUse { object });
        }
        if self.root.symlink_metadata(name).is_ok() {
            return Err(DirectoryError::Exists { name: name.to_owned() });
        }
        let part = format!("{name}{PART}");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let file = self.root.open_with(&part, &options).map_err(|error| about(&part, error))?;
        let file = file.into_std();
        let metadata = file.metadata().map_err(|error| about(&part, error))?;
        if !metadata.is_file() {
            return Err(DirectoryError::NoFile { name: part });
        }
        let mut ranges = size.and_then(|size| self.load_map(name, size)).unwrap_or_default();
        ranges.truncate(metadata.len());
        if size.is_some() {
            self.keep_room(name);
        }
        let have = ranges.prefix();
        state.used = state.used.saturating_add(metadata.len());
        let (name, held) = (name.to_owned(), false);
        let partial = Partial { name, size, file, ranges, unsaved: 0, held };
        state.objects.insert(object, Entry::Partial(partial));
        Ok(have)
    }

    /// A download gets its name by [`finish`](Self::finish) only, and not with its last byte: for who wants
    /// to look at the bytes first. [`Store::read`] reads them.
    ///
    /// # Errors
    /// There is no such download.
    pub fn hold(&self, object: Object) -> Result<(), StoreError> {
        match self.state().objects.get_mut(&object) {
            Some(Entry::Partial(partial)) => {
                partial.held = true;
                Ok(())
            }
            Some(Entry::Shared(_)) | None => Err(StoreError::NotFound),
        }
    }

    /// Stops a download: its number is free again. What is there stays, to be resumed by the next
    /// [`download`](Self::download). Returns how many bytes are there from the start on.
    ///
    /// # Errors
    /// There is no such download, or what is there of it can not be kept.
    pub fn release(&self, object: Object) -> Result<u64, StoreError> {
        let mut state = self.state();
        let Some(Entry::Partial(partial)) = state.objects.get_mut(&object) else {
            return Err(StoreError::NotFound);
        };
        let saved = self.save_map(partial).map(|()| partial.ranges.prefix());
        state.objects.remove(&object);
        saved.map_err(|error| store_error(&error))
    }

    /// Stops a download and deletes what is there of it.
    ///
    /// # Errors
    /// There is no such download, or it can not be deleted.
    pub fn discard(&self, object: Object) -> Result<(), StoreError> {
        let mut state = self.state();
        let Some(Entry::Partial(partial)) = state.objects.get(&object) else {
            return Err(StoreError::NotFound);
        };
        let (name, part) = (partial.name.clone(), format!("{}{PART}", partial.name));
        state.objects.remove(&object);
        self.remove_maps(&name);
        self.root.remove_file(part).map_err(|error| store_error(&error))
    }

    /// How long a download is by now, in bytes: up to the last that was written.
    ///
    /// # Errors
    /// There is no such download.
    pub fn extent(&self, object: Object) -> Result<u64, StoreError> {
        match self.state().objects.get(&object) {
            Some(Entry::Partial(partial)) => Ok(partial.ranges.end()),
            Some(Entry::Shared(_)) | None => Err(StoreError::NotFound),
        }
    }

    /// Makes a download whole, as it is; from now on it can only be read. What is whole already stays so.
    ///
    /// # Errors
    /// There is no such object, or it can not be brought to the disk.
    pub fn finish(&self, object: Object) -> Result<(), StoreError> {
        let mut state = self.state();
        match state.objects.get(&object) {
            None => Err(StoreError::NotFound),
            Some(Entry::Shared(_)) => Ok(()),
            Some(Entry::Partial(_)) => self.complete(&mut state, object),
        }
    }

    /// Keeps what is known of files that are not whole. This is also done when the directory is
    /// dropped, and every so often.
    ///
    /// # Errors
    /// Something could not be written.
    pub fn save(&self) -> io::Result<()> {
        let mut result = Ok(());
        for entry in self.state().objects.values_mut() {
            if let Entry::Partial(partial) = entry {
                result = result.and(self.save_map(partial));
            }
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a shared file, or finds it open.
    fn shared(&self, state: &mut State, object: Object) -> Result<Arc<File>, StoreError> {
        if let Some(at) = state.open.iter().position(|(it, _)| *it == object)
            && let Some(entry) = state.open.remove(at)
        {
            state.open.push_back(entry.clone());
            return Ok(entry.1);
        }
        let Some(Entry::Shared(name)) = state.objects.get(&object) else {
            return Err(StoreError::NotFound);
        };
        let file = self.root.open(name).map_err(|error| store_error(&error))?;
        let file = Arc::new(file.into_std());
        if state.open.len() >= OPEN {
            state.open.pop_front();
        }
        state.open.push_back((object, file.clone()));
        Ok(file)
    }

    fn complete(&self, state: &mut State, object: Object) -> Result<(), StoreError> {
        let Some(Entry::Partial(partial)) = state.objects.get(&object) else {
            return Err(StoreError::NotFound);
        };
        let name = partial.name.clone();
        let part = format!("{name}{PART}");
        // What another run left beyond its end is no part of it.
        let end = partial.size.unwrap_or_else(|| partial.ranges.end());
        let cut = partial.file.metadata().and_then(|metadata| match metadata.len() > end {
            true => partial.file.set_len(end),
            false => Ok(()),
        });
        let done = cut.and_then(|()| partial.file.sync_all()).and_then(|()| {
            // Never over another file: a link to a name that exists fails.
            match self.root.hard_link(&part, &self.root, &name) {
                Ok(()) => self.root.remove_file(&part)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                // A file system without such links.
                Err(_) => self.root.rename(&part, &self.root, &name)?,
            }
            self.remove_maps(&name);
            self.sync_root()
        });
        done.map_err(|error| store_error(&error))?;
        state.objects.insert(object, Entry::Shared(name));
        Ok(())
    }

    /// The new name is on disk. (Only where a directory can be opened as a file.)
    fn sync_root(&self) -> io::Result<()> {
        if cfg!(unix) { self.root.open(".")?.sync_all() } else { Ok(()) }
    }

    fn load_map(&self, name: &str, size: u64) -> Option<Ranges> {
        let text = self.root.read_to_string(format!("{name}{MAP}")).ok()?;
        let mut lines = text.lines();
        let of: u64 = lines.next()?.strip_prefix("size ")?.parse().ok()?;
        let mut ranges = Ranges::of_text(lines)?;
        ranges.truncate(size);
        (of == size).then_some(ranges)
    }

    fn remove_maps(&self, name: &str) {
        let _ = self.root.remove_file(format!("{name}{MAP}"));
        let _ = self.root.remove_file(format!("{name}{NEW}"));
    }

    /// For the next map. Without it, too, one can be saved while there is room.
    fn keep_room(&self, name: &str) {
        let _ = self.root.write(format!("{name}{NEW}"), RESERVE);
    }

    /// First the bytes, then the map that says they are there.
    fn save_map(&self, partial: &mut Partial) -> io::Result<()> {
        let Some(size) = partial.size.filter(|_| partial.unsaved > 0) else { return Ok(()) };
        partial.file.sync_data()?;
        let (map, new) = (format!("{}{MAP}", partial.name), format!("{}{NEW}", partial.name));
        let text = format!("size {size}\n{}", partial.ranges.to_text());
        // In the room that was kept for it.
        let mut file = self.root.open_with(&new, OpenOptions::new().write(true).create(true))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        drop(file);
        self.root.rename(&new, &self.root, &map)?;
        self.keep_room(&partial.name);
        partial.unsaved = 0;
        Ok(())
    }
}

impl Store for Directory {
    fn read(&self, object: Object, offset: u64, len: u32) -> Result<Bytes, StoreError> {
        let mut state = self.state();
        let file = match state.objects.get(&object) {
            None => return Err(StoreError::NotFound),
            Some(Entry::Shared(_)) => self.shared(&mut state, object)?,
            Some(Entry::Partial(partial)) => {
                let file = partial.file.try_clone().map_err(|error| store_error(&error))?;
                Arc::new(file)
            }
        };
        drop(state);
        let mut bytes = BytesMut::zeroed(len as usize);
        match read_exact_at(&file, &mut bytes, offset) {
            Ok(()) => Ok(bytes.freeze()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let size = file.metadata().map_err(|error| store_error(&error))?.len();
                Err(StoreError::OutOfRange { size })
            }
            Err(error) => Err(store_error(&error)),
        }
    }

    /// Of shared files that are open: what the system has in memory.
    fn read_now(&self, object: Object, offset: u64, len: u32) -> Option<Result<Bytes, StoreError>> {
        // Whoever has it may be waiting for the disk.
        let state = self.state.try_lock().ok()?;
        let (_, file) = state.open.iter().rev().find(|(it, _)| *it == object)?;
        let file = file.clone();
        drop(state);
        let mut bytes = BytesMut::zeroed(len as usize);
        read_cached_at(&file, &mut bytes, offset).then(|| Ok(bytes.freeze()))
    }

    fn write(&self, object: Object, offset: u64, bytes: &Bytes) -> Result<(), StoreError> {
        let mut state = self.state();
        let state = &mut *state;
        let length = bytes.len() as u64;
        let Some(Entry::Partial(partial)) = state.objects.get_mut(&object) else {
            return Err(StoreError::NotFound);
        };
        let end = offset.checked_add(length).ok_or(StoreError::Full)?;
        if let Some(size) = partial.size
            && end > size
        {
            return Err(StoreError::OutOfRange { size });
        }
        let before = partial.file.metadata().map_err(|error| store_error(&error))?.len();
        let used = state.used.saturating_add(end.saturating_sub(before));
        if used > self.room {
            return Err(StoreError::Full);
        }
        write_all_at(&partial.file, bytes, offset).map_err(|error| store_error(&error))?;
        state.used = used;
        partial.ranges.insert(offset, end);
        partial.unsaved += length;
        if !partial.held && partial.size == Some(partial.ranges.prefix()) {
            return self.complete(state, object);
        }
        if partial.unsaved >= SAVE
            && let Err(error) = self.save_map(partial)
        {
            // The bytes are written; only after a crash they would be fetched again.
            tracing::warn!(name = partial.name, %error, "can not save what is there");
        }
        Ok(())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = self.save() {
            tracing::warn!(%error, "can not save what is there of downloads");
        }
    }
}

/// A name for a file, made of what a stranger calls it: its last component, without what a file system or
/// a terminal could mistake, not hidden, and at most 200 bytes long.
pub fn file_name(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let odd = |c: char| c.is_control() || "\0:*?\"<>|\u{fffd}".contains(c) || is_bidi(c);
    let clean: String = last.chars().map(|c| if odd(c) { '_' } else { c }).collect();
    let mut clean = clean.trim_matches([' ', '.']);
    while clean.len() > 200 {
        clean = clean.char_indices().next_back().map_or("", |(at, _)| &clean[..at]);
    }
    match clean.trim_matches([' ', '.']) {
        "" => "unnamed".to_owned(),
        name if is_ours(name) => format!("{name}_"),
        name => name.to_owned(),
    }
}

/// Whether a file of this name belongs to a download.
fn is_ours(name: &str) -> bool {
    [PART, MAP, NEW].iter().any(|end| name.ends_with(end))
}

/// Characters that change the order in which others are shown.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_name(name: &str) -> Result<(), DirectoryError> {
    let mut components = Path::new(name).components();
    let good = !name.is_empty()
        && !name.contains('\0')
        && components.all(|component| matches!(component, Component::Normal(_)));
    if good { Ok(()) } else { Err(DirectoryError::BadName { name: name.to_owned() }) }
}

fn about(name: &str, error: io::Error) -> DirectoryError {
    DirectoryError::Io { name: name.to_owned(), error }
}

fn store_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::NotFound,
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::FileTooLarge
        | io::ErrorKind::WriteZero => StoreError::Full,
        _ => {
            tracing::warn!(%error, "storage failed");
            StoreError::Failed
        }
    }
}

fn list(dir: &Dir, prefix: &str, depth: usize, files: &mut Vec<(String, u64)>) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || is_ours(&name) {
            continue;
        }
        // Of the entry itself, not of what a link leads to.
        let kind = entry.file_type()?;
        let path = format!("{prefix}{name}");
        if kind.is_file() {
            files.push((path, entry.metadata()?.len()));
        } else if kind.is_dir() && depth > 0 {
            list(&entry.open_dir()?, &format!("{path}/"), depth - 1, files)?;
        }
    }
    Ok(())
}

/// Fills `bytes` if it can be done without waiting for a disk.
#[cfg(target_os = "linux")]
fn read_cached_at(file: &File, bytes: &mut [u8], offset: u64) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};

    let length = bytes.len();
    let read = preadv2(file, &mut [io::IoSliceMut::new(bytes)], offset, ReadWriteFlags::NOWAIT);
    // File systems that can not tell say so.
    read.is_ok_and(|read| read == length)
}

#[cfg(not(target_os = "linux"))]
fn read_cached_at(_: &File, _: &mut [u8], _: u64) -> bool {
    false
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// The node's one thread for storage is the only one that moves the position.
#[cfg(not(unix))]
fn read_exact_at(mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek};
    file.seek(io::SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

#[cfg(not(unix))]
fn write_all_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    use std::io::{Seek, Write};
    file.seek(io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}
