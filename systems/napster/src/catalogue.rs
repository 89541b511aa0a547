//! The files that clients can share, described once for all clients of a process.

use std::collections::BTreeMap;
use std::sync::Arc;

use napster_wire::{Checksum, Extra, FieldError, OwnedMessage, Quoted, Share};
use overlay_peer::Object;

/// The longest file name in bytes: a message that carries one fits the frames of
/// [`Limits::default`](napster_wire::Limits).
pub const MAX_NAME: usize = 1024;

/// A file as its owner describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// The name others search for and see. A path is fine; a double quote is not, the protocol
    /// can not carry one.
    pub name: Vec<u8>,
    /// The MD5 that is announced, as the caller computed it. Original clients hashed about the first
    /// 300,000 bytes, not the whole file; nothing here checks it.
    pub md5: [u8; 16],
    /// The size in bytes.
    pub size: u64,
    /// Kilobits a second of sound, 0 if it is none.
    pub bitrate: u32,
    /// Samples a second of sound in hertz, 0 if it is none.
    pub frequency: u32,
    /// How long it plays in seconds, 0 if it does not.
    pub seconds: u32,
    /// What the driver reads when the file is uploaded.
    pub object: Object,
}

impl SharedFile {
    /// A file that is no sound.
    pub fn new(name: impl Into<Vec<u8>>, md5: [u8; 16], size: u64, object: Object) -> Self {
        let name = name.into();
        Self { name, md5, size, bitrate: 0, frequency: 0, seconds: 0, object }
    }
}

/// A file's number in a [`Catalogue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    /// The number: how many files were added before it.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All files that the clients of a process can share. Clients hold it behind an
/// [`Arc`] and remember numbers only, so that many clients that share the same files
/// cost little.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    files: Vec<Entry>,
    by_name: BTreeMap<Arc<[u8]>, Vec<FileId>>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: Arc<[u8]>,
    size: u64,
    object: Object,
    /// The message that announces the file.
    share: Arc<OwnedMessage>,
}

impl Catalogue {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file. Several may have one name, but a client can share only one of these.
    ///
    /// # Errors
    /// The protocol can not carry the name, or 2^32 files are there already.
    pub fn add(&mut self, file: SharedFile) -> Result<FileId, CatalogueError> {
        let id = FileId(u32::try_from(self.files.len()).map_err(|_| CatalogueError::Full)?);
        if file.name.len() > MAX_NAME {
            return Err(FieldError::TooLong { len: file.name.len(), max: MAX_NAME }.into());
        }
        let name: Arc<[u8]> = file.name.as_slice().into();
        let share = OwnedMessage::Share(Share {
            name: Quoted::new(file.name)?,
            checksum: Checksum::from_md5(file.md5),
            size: file.size,
            bitrate: file.bitrate,
            frequency: file.frequency,
            seconds: file.seconds,
            extra: Extra::NONE,
        });
        self.by_name.entry(Arc::clone(&name)).or_default().push(id);
        let share = Arc::new(share);
        self.files.push(Entry { name, size: file.size, object: file.object, share });
        Ok(id)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file that was added after `index` others.
    pub fn id(&self, index: usize) -> Option<FileId> {
        let number = u32::try_from(index).ok()?;
        (index < self.files.len()).then_some(FileId(number))
    }

    /// A file's name; `None` if the number is of another catalogue.
    pub fn name(&self, file: FileId) -> Option<&[u8]> {
        self.files.get(file.index()).map(|entry| &*entry.name)
    }

    /// A file's size in bytes.
    pub fn size(&self, file: FileId) -> Option<u64> {
        self.files.get(file.index()).map(|entry| entry.size)
    }

    /// What the driver reads for a file.
    pub fn object(&self, file: FileId) -> Option<Object> {
        self.files.get(file.index()).map(|entry| entry.object)
    }

    /// All files of this name.
    pub fn named(&self, name: &[u8]) -> &[FileId] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn share(&self, file: FileId) -> Option<&Arc<OwnedMessage>> {
        self.files.get(file.index()).map(|entry| &entry.share)
    }
}

/// Why a file can not be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The protocol can not carry the name.
    #[error("the file name can not be sent: {0}")]
    Name(#[from] FieldError),
    /// Too many files.
    #[error("the catalogue holds 2^32 files already")]
    Full,
}
