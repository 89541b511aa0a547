//! New torrents.
//!
//! A [`Creator`] is a description. Checked and put in order it is a [`content`], of which the hashes
//! come in one of two ways: bytes one after the other ([`creation`]), or pieces in any order
//! ([`plan`]). What is hashed is then written ([`encode`]).

mod content;
mod creation;
mod encode;
mod error;
mod new_file;
mod plan;

pub use creation::Creation;
pub use error::CreateError;
pub use new_file::NewFile;
pub use plan::{Batch, BatchHashes, Plan};

use alloc::string::String;
use alloc::vec::Vec;

use crate::info_hash::InfoHash;
use crate::metainfo::Metainfo;
use crate::piece::{PieceHash, PieceLength};
use crate::version::Version;
use content::Content;
use encode::Hashes;

/// Describes a new torrent, and makes it once the content is hashed.
///
/// The same description and content always give the same bytes: there is no date unless one is set.
///
/// Without [`version`](Self::version) it is v1 (BEP 3), which every client reads. A hybrid (BEP 52) is
/// read by all of them too, as v1 or as v2: its files are sorted and padded (BEP 47), and it costs two
/// hashes of everything. v2 alone is for clients of which that is known.
///
/// ```
/// use torrent_meta::{Creator, Version};
///
/// let mut creation = Creator::directory("greetings")
///     .version(Version::Hybrid)
///     .file(["de", "hallo.txt"], 5)
///     .file(["en", "hello.txt"], 5)
///     .tier(["http://tracker.example/announce"])
///     .start()?;
/// creation.update(b"hallo")?; // chunks of any size, across files
/// creation.update(b"hello")?;
/// let metainfo = creation.finish()?;
/// assert_eq!(metainfo.info().piece_length().get(), 16 << 10);
/// # Ok::<(), torrent_meta::CreateError>(())
/// ```
///
/// For content on a disk, [`plan`](Self::plan) is faster: several pieces at a time, in threads.
#[derive(Clone, Debug)]
pub struct Creator {
    name: String,
    files: Vec<NewFile>,
    /// One file instead of a directory; there is one in `files`, with the torrent's name.
    single: bool,
    version: Version,
    aligned: bool,
    piece_length: Option<PieceLength>,
    private: bool,
    source: Option<String>,
    similar: Vec<InfoHash>,
    collections: Vec<String>,
    update_url: Option<String>,
    tiers: Vec<Vec<String>>,
    web_seeds: Vec<String>,
    http_seeds: Vec<String>,
    nodes: Vec<(String, u16)>,
    comment: Option<String>,
    created_by: Option<String>,
    creation_date: Option<i64>,
}

impl Creator {
    /// A torrent of one file of so many bytes.
    pub fn single_file(name: impl Into<String>, length: u64) -> Self {
        let name = name.into();
        Self { single: true, ..Self::directory(name.clone()).file([name], length) }
    }

    /// A torrent of a directory; add its files with [`file`](Self::file) or [`push`](Self::push).
    pub fn directory(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            files: Vec::new(),
            single: false,
            version: Version::V1,
            aligned: false,
            piece_length: None,
            private: false,
            source: None,
            similar: Vec::new(),
            collections: Vec::new(),
            update_url: None,
            tiers: Vec::new(),
            web_seeds: Vec::new(),
            http_seeds: Vec::new(),
            nodes: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
        }
    }

    /// Adds a file of so many bytes to a directory, by the components of its path below it. After
    /// [`single_file`](Self::single_file) it makes a directory of the torrent, with this as its only
    /// file.
    ///
    /// The content of a v1 torrent is the files in the order they are added. In v2 they are sorted.
    #[must_use]
    pub fn file<S: Into<String>>(self, path: impl IntoIterator<Item = S>, length: u64) -> Self {
        self.push(NewFile::new(path, length))
    }

    /// Adds a file with attributes, or a symbolic link, as [`file`](Self::file) does.
    #[must_use]
    pub fn push(mut self, file: NewFile) -> Self {
        if self.single {
            self.files.clear();
            self.single = false;
        }
        self.files.push(file);
        self
    }

    /// Marks the file of a torrent of one file as executable (BEP 47). Does nothing to a directory.
    #[must_use]
    pub fn executable(mut self) -> Self {
        if self.single {
            self.files = self.files.into_iter().map(NewFile::executable).collect();
        }
        self
    }

    /// Sets which clients can read it.
    #[must_use]
    pub fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// Lets every file of a v1 directory start a piece, with padding files in between (BEP 47), so
    /// that equal files have equal pieces in all torrents. A v2 torrent is like that in any case.
    #[must_use]
    pub fn aligned(self, aligned: bool) -> Self {
        Self { aligned, ..self }
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

    /// Sets `source`, which private trackers ask for: part of the info-hash, so that the same content
    /// is another torrent at each of them.
    #[must_use]
    pub fn source(self, source: impl Into<String>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Adds a torrent that may have files in common with this one (BEP 38). Part of the info-hash.
    #[must_use]
    pub fn similar(mut self, torrent: InfoHash) -> Self {
        self.similar.push(torrent);
        self
    }

    /// Adds a name that torrents share which may have files in common (BEP 38). Part of the info-hash.
    #[must_use]
    pub fn collection(mut self, name: impl Into<String>) -> Self {
        self.collections.push(name.into());
        self
    }

    /// Sets the URL where there may be a newer torrent (BEP 39). Part of the info-hash.
    #[must_use]
    pub fn update_url(self, url: impl Into<String>) -> Self {
        Self { update_url: Some(url.into()), ..self }
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

    /// Adds the URL of a web server that has the files, below it for a directory (BEP 19, `url-list`).
    #[must_use]
    pub fn web_seed(mut self, url: impl Into<String>) -> Self {
        self.web_seeds.push(url.into());
        self
    }

    /// Adds the URL of a program that serves pieces over HTTP (BEP 17, `httpseeds`).
    #[must_use]
    pub fn http_seed(mut self, url: impl Into<String>) -> Self {
        self.http_seeds.push(url.into());
        self
    }

    /// Adds a node of the DHT to start from, by name or address (BEP 5).
    #[must_use]
    pub fn node(mut self, host: impl Into<String>, port: u16) -> Self {
        self.nodes.push((host.into(), port));
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

    /// Starts hashing content that comes in order.
    ///
    /// # Errors
    /// A name can not be used, a path is there twice or below that of a file, a directory has no
    /// file, the lengths add up to more than 63 bits, or the piece length is not one of v2. Also, for
    /// v2, the files are not in the order in which their content has to come.
    pub fn start(self) -> Result<Creation, CreateError> {
        Creation::new(self.plan()?)
    }

    /// Plans to hash content piece by piece, in any order and in as many threads as there are.
    ///
    /// # Errors
    /// As [`start`](Self::start), but files may be in any order.
    pub fn plan(self) -> Result<Plan, CreateError> {
        let content = Content::new(&self)?;
        Ok(Plan::new(self, content))
    }

    /// Makes a v1 torrent from piece hashes that are known already.
    ///
    /// # Errors
    /// As [`start`](Self::start), and the number of hashes is not the number of pieces, or it is to be
    /// a v2 torrent.
    pub fn finish_with(self, pieces: &[PieceHash]) -> Result<Metainfo<'static>, CreateError> {
        if self.version.has_v2() {
            return Err(CreateError::NeedsV2Hashes);
        }
        let content = Content::new(&self)?;
        encode::torrent(&self, &content, &Hashes { pieces: pieces.to_vec(), nodes: Vec::new() })
    }
}
