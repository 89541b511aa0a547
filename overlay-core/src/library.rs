//! The shared files: what there is to publish, with metainfo and keywords.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use md5::{Digest, Md5};
use torrent_meta::{CreateError, Creation, Creator, Info, InfoHash, PieceHash};

/// A file's number in its [`Library`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// The shared files of a run, each with the metainfo that its content was hashed into. It holds no
/// content.
#[derive(Clone, Debug, Default)]
pub struct Library {
    files: Vec<SharedFile>,
    by_name: BTreeMap<String, FileId>,
    by_info_hash: BTreeMap<InfoHash, FileId>,
}

/// One file.
#[derive(Clone, Debug)]
pub struct SharedFile {
    name: String,
    keywords: BTreeSet<String>,
    md5: [u8; 16],
    info: Info<'static>,
    info_hash: InfoHash,
    info_bytes: Bytes,
}

impl Library {
    /// An empty library.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts to take in a file of `size` bytes. Its content goes to [`Intake::update`].
    ///
    /// `name` is what others search for and see: a relative path with `/` between its parts is
    /// usual, so that two files of one name in two directories stay apart. In the metainfo, where a
    /// file's name has no `/`, its place is taken by `∕` (U+2215).
    ///
    /// # Errors
    /// The file is empty or longer than metainfo can say, or nothing can be called that.
    pub fn begin(name: &str, size: u64) -> Result<Intake, IntakeError> {
        if size == 0 {
            return Err(IntakeError::Empty);
        }
        let creation = Creator::single_file(name.replace('/', "\u{2215}"), size).start()?;
        Ok(Intake { name: name.to_owned(), creation, md5: Md5::new() })
    }

    /// Adds a file whose content is complete.
    ///
    /// # Errors
    /// Content is missing, or another file has the same name.
    pub fn add(&mut self, intake: Intake) -> Result<FileId, IntakeError> {
        let Intake { name, creation, md5 } = intake;
        let info = creation.finish()?.into_info().into_owned();
        let id = FileId(u32::try_from(self.files.len()).map_err(|_| IntakeError::Full)?);
        if self.by_name.contains_key(&name) {
            return Err(IntakeError::SameName { name });
        }
        let keywords = keywords(&name).collect();
        let info_bytes = Bytes::copy_from_slice(info.raw());
        self.by_name.insert(name.clone(), id);
        let info_hash = InfoHash::of(info.raw());
        self.by_info_hash.insert(info_hash, id);
        self.files.push(SharedFile {
            name,
            keywords,
            md5: md5.finalize().into(),
            info,
            info_hash,
            info_bytes,
        });
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

    /// A file.
    ///
    /// # Panics
    /// If `file` is the number of another library's file.
    pub fn file(&self, file: FileId) -> &SharedFile {
        &self.files[file.0 as usize]
    }

    /// All files in the order they were added.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (FileId, &SharedFile)> {
        self.files.iter().enumerate().map(|(id, file)| (FileId(id as u32), file))
    }

    /// The file of this name.
    pub fn named(&self, name: &str) -> Option<FileId> {
        self.by_name.get(name).copied()
    }

    /// The file of this info-hash.
    pub fn hashed(&self, info_hash: InfoHash) -> Option<FileId> {
        self.by_info_hash.get(&info_hash).copied()
    }

    /// The files that have all of these keywords, by reading every file's: the truth that a search
    /// is held against. None for no keywords.
    pub fn matching<'k>(&self, wanted: &'k [&'k str]) -> impl Iterator<Item = FileId> {
        let matches = move |file: &SharedFile| {
            !wanted.is_empty() && wanted.iter().all(|&word| file.keywords.contains(word))
        };
        self.files().filter(move |(_, file)| matches(file)).map(|(id, _)| id)
    }
}

impl SharedFile {
    /// What others search for and see.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The keywords of its name: lower-case runs of letters and digits.
    pub fn keywords(&self) -> &BTreeSet<String> {
        &self.keywords
    }

    /// Bytes of content, at least 1.
    pub fn size(&self) -> u64 {
        self.info.total_length()
    }

    /// MD5 of the content.
    pub fn md5(&self) -> [u8; 16] {
        self.md5
    }

    /// Its info dict, read.
    pub fn info(&self) -> &Info<'static> {
        &self.info
    }

    /// Its info dict as bytes; their SHA-1 is the info-hash.
    pub fn info_bytes(&self) -> &Bytes {
        &self.info_bytes
    }

    /// The info-hash (BEP 3).
    pub fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// The SHA-1 of each piece of the content.
    pub fn pieces(&self) -> &[PieceHash] {
        self.info.pieces()
    }
}

/// A file on its way into a library: its content passes through in chunks of any size.
#[derive(Clone, Debug)]
pub struct Intake {
    name: String,
    creation: Creation,
    md5: Md5,
}

impl Intake {
    /// The next chunk of the content.
    ///
    /// # Errors
    /// It goes on behind the size that was announced.
    pub fn update(&mut self, chunk: &[u8]) -> Result<(), IntakeError> {
        self.creation.update(chunk)?;
        self.md5.update(chunk);
        Ok(())
    }
}

/// Why a file is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// There is nothing in it to fetch.
    #[error("the file is empty")]
    Empty,
    /// Another file has its name.
    #[error("another file is called {name:?}")]
    SameName {
        /// The name.
        name: String,
    },
    /// There are 2³² files already.
    #[error("the library holds 2^32 files already")]
    Full,
    /// The name or the content does not make metainfo.
    #[error(transparent)]
    Metainfo(#[from] CreateError),
}

/// The keywords of a text in lower case; the rule of the Gnutella crates, used for every system so
/// that all answer the same question.
pub(crate) fn keywords(text: &str) -> impl Iterator<Item = String> {
    gnutella_wire::keywords(text.as_bytes()).map(|word| word.to_string())
}
