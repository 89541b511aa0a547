//! What `torrent verify --resume` keeps between runs: a bencoded dictionary of the good pieces and of
//! the torrent they are of.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use torrent_meta::bencode::{self, Value};
use torrent_meta::{InfoHash, PieceMap};

use crate::replace;
use crate::{Failure, about};

/// A file that tells which pieces of a torrent are good.
#[derive(Debug)]
pub struct Resume {
    path: PathBuf,
    torrent: InfoHash,
}

impl Resume {
    /// `torrent` is the SHA-1 of the info dictionary, whatever the version.
    pub fn new(path: &Path, torrent: InfoHash) -> Self {
        Self { path: path.to_owned(), torrent }
    }

    /// The pieces that were good; none if there is no such file yet. A file that is something else, or
    /// of another torrent, is refused, so that nobody's file is replaced by mistake.
    pub fn load(&self, pieces: usize) -> Result<PieceMap, Failure> {
        let bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(PieceMap::new(pieces)),
            result => result.map_err(|error| about(&self.path, error))?,
        };
        let refuse = |why: &str| about(&self.path, format!("not a resume file: {why}"));
        let document = bencode::decode(&bytes).map_err(|error| refuse(&error.to_string()))?;
        let dict = document.root().as_dict().ok_or_else(|| refuse("no dictionary"))?;
        let bytes_of = |key: &str| dict.find(key.as_bytes())?.as_bytes();
        let torrent = bytes_of("info hash").ok_or_else(|| refuse("no 'info hash'"))?;
        let bitfield = bytes_of("bitfield").ok_or_else(|| refuse("no 'bitfield'"))?;
        if torrent != self.torrent.0 {
            return Err(about(&self.path, "the resume file of another torrent"));
        }
        PieceMap::from_bitfield(bitfield, pieces).map_err(|error| refuse(&error.to_string()))
    }

    /// Replaces the file as a whole: whenever this process ends, it is the old one or the new one.
    pub fn save(&self, map: &PieceMap) -> Result<(), Failure> {
        let content = Value::dict([
            ("bitfield", Value::from(map.bitfield_bytes())),
            ("info hash", Value::from(&self.torrent.0[..])),
        ]);
        replace::write(&self.path, &content.to_vec())
    }
}
