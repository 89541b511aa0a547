//! The files that exist among many servents, kept once.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use overlay_peer::Object;

use crate::words::{Signature, Words};

/// All files that the servents of one program share, in one place: each servent then only keeps the
/// indices of its own.
///
/// A file's number in the catalogue is also its index on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    files: Box<[Entry]>,
    /// The [`Words::signature`]s of all files, close together: most looks at a file end there.
    signatures: Box<[Signature]>,
    /// Of the first files, as many as are known.
    sha1: Box<[[u8; 20]]>,
}

/// A file to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// Its name, as it is told in hits. NUL bytes, which the wire can not carry, become `_`.
    pub name: String,
    /// Its size in bytes. Sizes of 4 GiB and more are told as `u32::MAX`.
    pub size: u64,
    /// What to read to get it.
    pub object: Object,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub file: SharedFile,
    /// The hashes of its keywords; see [`Words::hashes`].
    pub hashes: Box<[u32]>,
}

impl Catalogue {
    /// The catalogue of these files, numbered from 0 in this order. Files beyond `u32::MAX` are left
    /// out.
    pub fn new(files: impl IntoIterator<Item = SharedFile>) -> Self {
        let entry = |mut file: SharedFile| {
            if file.name.contains('\0') {
                file.name = file.name.replace('\0', "_");
            }
            let Words { signature, hashes } = Words::of(file.name.as_bytes());
            (Entry { hashes, file }, signature)
        };
        let files = files.into_iter().take(u32::MAX as usize).map(entry);
        let (files, signatures): (Vec<_>, Vec<_>) = files.unzip();
        Self { files: files.into(), signatures: signatures.into(), sha1: Box::default() }
    }

    /// The same, with the SHA-1 of each file's content, in the files' order. Hits tell it as a urn
    /// (HUGE), and servents of 0.6 answer queries for it.
    #[must_use]
    pub fn with_sha1(self, sha1: impl IntoIterator<Item = [u8; 20]>) -> Self {
        let sha1 = sha1.into_iter().take(self.files.len()).collect();
        Self { sha1, ..self }
    }

    /// The SHA-1 of a file's content, if it is known.
    pub fn sha1(&self, index: u32) -> Option<[u8; 20]> {
        self.sha1.get(usize::try_from(index).ok()?).copied()
    }

    /// How many files it has.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file of this index.
    pub fn file(&self, index: u32) -> Option<&SharedFile> {
        self.entry(index).map(|entry| &entry.file)
    }

    pub(crate) fn entry(&self, index: u32) -> Option<&Entry> {
        self.files.get(usize::try_from(index).ok()?)
    }

    /// The signature of a file's keywords; of none if there is no such file.
    pub(crate) fn signature(&self, index: u32) -> Signature {
        self.signatures.get(index as usize).copied().unwrap_or_default()
    }
}
