//! New torrents.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use overlay_bencode::Value;
use thiserror::Error;

use crate::error::DecodeError;
use crate::metainfo::Metainfo;
use crate::path::safe_path;
use crate::piece::{PieceHash, PieceHasher, PieceLength};

/// Describes a new v1 torrent, and makes it once the content is hashed.
///
/// The same description and content always give the same bytes: there is no date unless one is set,
/// and files stay in the order they were added.
///
/// ```
/// use torrent_meta::Creator;
///
/// let mut creation = Creator::directory("greetings")
///     .file(["en", "hello.txt"], 5)
///     .file(["de", "hallo.txt"], 5)
///     .tier(["http://tracker.example/announce"])
///     .start()?;
/// creation.update(b"hello")?; // chunks of any size, across files
/// creation.update(b"hallo")?;
/// let metainfo = creation.finish()?;
/// assert_eq!(metainfo.info().total_length(), 10);
/// # Ok::<(), torrent_meta::CreateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Creator {
    name: String,
    layout: Layout,
    piece_length: Option<PieceLength>,
    private: bool,
    tiers: Vec<Vec<String>>,
    comment: Option<String>,
    created_by: Option<String>,
    creation_date: Option<i64>,
}

#[derive(Clone, Debug)]
enum Layout {
    Single(u64),
    Multi(Vec<(Vec<String>, u64)>),
}

impl Creator {
    /// A torrent of one file of so many bytes.
    pub fn single_file(name: impl Into<String>, length: u64) -> Self {
        Self::new(name.into(), Layout::Single(length))
    }

    /// A torrent of a directory; add its files with [`file`](Self::file).
    pub fn directory(name: impl Into<String>) -> Self {
        Self::new(name.into(), Layout::Multi(Vec::new()))
    }

    fn new(name: String, layout: Layout) -> Self {
        Self {
            name,
            layout,
            piece_length: None,
            private: false,
            tiers: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
        }
    }

    /// Adds a file of so many bytes to a directory, by the components of its path below it. The
    /// content is the files in this order. After [`single_file`](Self::single_file) it makes a
    /// directory of the torrent, with this as its only file.
    #[must_use]
    pub fn file<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>, length: u64) -> Self {
        let file = (path.into_iter().map(Into::into).collect(), length);
        match &mut self.layout {
            Layout::Multi(files) => files.push(file),
            Layout::Single(_) => self.layout = Layout::Multi(Vec::from([file])),
        }
        self
    }

    /// Sets the piece length; without it [`PieceLength::for_size`] chooses.
    #[must_use]
    pub fn piece_length(self, piece_length: PieceLength) -> Self {
        Self { piece_length: Some(piece_length), ..self }
    }

    /// Peers are to be found through the trackers only (BEP 27). Part of the info-hash.
    #[must_use]
    pub fn private(self, private: bool) -> Self {
        Self { private, ..self }
    }

    /// Adds a tier of tracker URLs (BEP 12). The first URL of all is also the `announce` key.
    #[must_use]
    pub fn tier<S: Into<String>>(mut self, urls: impl IntoIterator<Item = S>) -> Self {
        let urls: Vec<String> = urls.into_iter().map(Into::into).collect();
        if !urls.is_empty() {
            self.tiers.push(urls);
        }
        self
    }

    /// Sets the comment.
    #[must_use]
    pub fn comment(self, comment: impl Into<String>) -> Self {
        Self { comment: Some(comment.into()), ..self }
    }

    /// Sets the name of the program that makes the file.
    #[must_use]
    pub fn created_by(self, program: impl Into<String>) -> Self {
        Self { created_by: Some(program.into()), ..self }
    }

    /// Sets when the file is made, in seconds since 1970.
    #[must_use]
    pub fn creation_date(self, seconds: i64) -> Self {
        Self { creation_date: Some(seconds), ..self }
    }

    /// Starts hashing.
    ///
    /// # Errors
    /// A name can not be used, a path is there twice or below that of a file, a directory has no
    /// file, or the lengths add up to more than 63 bits.
    pub fn start(self) -> Result<Creation, CreateError> {
        let total = self.check()?;
        let piece_length = self.piece_length.unwrap_or(PieceLength::for_size(total));
        Ok(Creation { creator: self, total, hasher: PieceHasher::new(piece_length) })
    }

    /// Makes the torrent from piece hashes that are known already.
    ///
    /// # Errors
    /// As [`start`](Self::start), and the number of hashes is not the number of pieces.
    pub fn finish_with(self, pieces: &[PieceHash]) -> Result<Metainfo<'static>, CreateError> {
        let total = self.check()?;
        let piece_length = self.piece_length.unwrap_or(PieceLength::for_size(total));
        self.write(piece_length, pieces)
    }

    /// The total length.
    fn check(&self) -> Result<u64, CreateError> {
        check_component(&self.name)?;
        let files = match &self.layout {
            Layout::Single(length) => {
                return i64::try_from(*length).map(|_| *length).map_err(|_| CreateError::TooLong);
            }
            Layout::Multi(files) => files,
        };
        if files.is_empty() {
            return Err(CreateError::NoFiles);
        }
        let mut total = 0u64;
        let mut paths = BTreeSet::new();
        for (path, length) in files {
            if path.is_empty() {
                return Err(CreateError::BadComponent { component: String::new() });
            }
            path.iter().try_for_each(|component| check_component(component))?;
            if !paths.insert(path) {
                return Err(CreateError::DuplicatePath { path: path.join("/") });
            }
            total = total
                .checked_add(*length)
                .filter(|total| i64::try_from(*total).is_ok())
                .ok_or(CreateError::TooLong)?;
        }
        // In this order, the paths below one come right behind it.
        for (file, path) in paths.iter().zip(paths.iter().skip(1)) {
            if path.starts_with(file) {
                let (file, path) = (file.join("/"), path.join("/"));
                return Err(CreateError::BelowFile { file, path });
            }
        }
        Ok(total)
    }

    fn write(
        self,
        piece_length: PieceLength,
        pieces: &[PieceHash],
    ) -> Result<Metainfo<'static>, CreateError> {
        let mut info = BTreeMap::new();
        let mut put = |key: &'static str, value: Value| info.insert(Bytes::from(key), value);
        match self.layout {
            Layout::Single(length) => put("length", length.into()),
            Layout::Multi(files) => put("files", Value::list(files.into_iter().map(file_entry))),
        };
        put("name", self.name.into());
        put("piece length", piece_length.get().into());
        put("pieces", pieces.as_flattened().into());
        if self.private {
            put("private", 1.into());
        }

        let mut outer = BTreeMap::new();
        let mut put = |key: &'static str, value: Option<Value>| {
            if let Some(value) = value {
                outer.insert(Bytes::from(key), value);
            }
        };
        let first = self.tiers.first().and_then(|tier| tier.first());
        put("announce", first.map(|url| url.as_str().into()));
        let several = self.tiers.iter().map(Vec::len).sum::<usize>() > 1;
        let tiers = self.tiers.into_iter().map(Value::list);
        put("announce-list", several.then(|| Value::list(tiers)));
        put("comment", self.comment.map(Value::from));
        put("created by", self.created_by.map(Value::from));
        put("creation date", self.creation_date.map(Value::from));
        put("info", Some(info.into()));
        Ok(Metainfo::parse(Value::from(outer).to_vec())?)
    }
}

fn file_entry((path, length): (Vec<String>, u64)) -> Value {
    Value::dict([("length", length.into()), ("path", Value::list(path))])
}

fn check_component(component: &str) -> Result<(), CreateError> {
    // What has no safe path could not be put anywhere, by this crate at least.
    let names_something = safe_path([component.as_bytes()]).is_ok();
    if names_something && !component.contains(['/', '\0']) {
        Ok(())
    } else {
        Err(CreateError::BadComponent { component: component.into() })
    }
}

/// A torrent whose content is being hashed.
#[derive(Clone, Debug)]
pub struct Creation {
    creator: Creator,
    total: u64,
    hasher: PieceHasher,
}

impl Creation {
    /// The next bytes of the content: the files in order, one after the other.
    ///
    /// # Errors
    /// There are more than the files' lengths said; none of these is taken.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), CreateError> {
        if bytes.len() as u64 > self.total - self.hasher.position() {
            return Err(CreateError::TooMuchContent { expected: self.total });
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// How many bytes were hashed.
    pub fn position(&self) -> u64 {
        self.hasher.position()
    }

    /// How many bytes there will be.
    pub fn total_length(&self) -> u64 {
        self.total
    }

    /// The torrent.
    ///
    /// # Errors
    /// Content is missing, or the torrent would be beyond the default
    /// [`Limits`](overlay_bencode::Limits) of the parser.
    pub fn finish(self) -> Result<Metainfo<'static>, CreateError> {
        let (expected, found) = (self.total, self.hasher.position());
        if found < expected {
            return Err(CreateError::ContentMissing { expected, found });
        }
        let piece_length = self.hasher.piece_length();
        self.creator.write(piece_length, &self.hasher.finish())
    }
}

/// Why a torrent can not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// A name or a component of a path is empty, `.` or `..`, also with spaces behind it, has a `/` or
    /// NUL in it, or is longer than 255 bytes: [`safe_path`] would leave it out or refuse it, or take
    /// it for several.
    #[error("{component:?} can not be a file's or directory's name")]
    BadComponent {
        /// It.
        component: String,
    },
    /// A path was added twice.
    #[error("path {path:?} is there twice")]
    DuplicatePath {
        /// Its components, with `/` between them.
        path: String,
    },
    /// A path goes through one that is a file.
    #[error("path {path:?} is below {file:?}, which is a file")]
    BelowFile {
        /// The path of the file, with `/` between its components.
        file: String,
        /// The path below it.
        path: String,
    },
    /// A directory without a file.
    #[error("a directory without a file can not be a torrent")]
    NoFiles,
    /// The lengths add up to more than 63 bits.
    #[error("the files' lengths add up to more than 63 bits")]
    TooLong,
    /// More bytes came than the files' lengths said.
    #[error("there is more content than the {expected} bytes announced")]
    TooMuchContent {
        /// How many bytes were expected.
        expected: u64,
    },
    /// Fewer bytes came than the files' lengths said.
    #[error("there are {found} bytes of content, {expected} were announced")]
    ContentMissing {
        /// How many bytes were expected.
        expected: u64,
        /// How many came.
        found: u64,
    },
    /// What was written is no valid metainfo: a wrong number of piece hashes, or a limit.
    #[error("the torrent would be invalid: {0}")]
    Invalid(#[from] DecodeError),
}
