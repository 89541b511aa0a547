//! The types of the typed cases. One borrowing set for every library that can borrow, so that the
//! work is equal, and owning twins for those that can not.

use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;

/// A multi-file torrent. Strings are bytes: nobody checks UTF-8. Five of the keys in the file have no
/// field and are skipped.
#[derive(Debug, Deserialize, Serialize)]
pub struct Torrent<'a> {
    #[serde(borrow)]
    pub announce: &'a Bytes,
    #[serde(borrow)]
    pub info: Info<'a>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Info<'a> {
    #[serde(borrow)]
    pub files: Vec<File<'a>>,
    #[serde(borrow)]
    pub name: &'a Bytes,
    #[serde(rename = "piece length")]
    pub piece_length: u64,
    #[serde(borrow)]
    pub pieces: &'a Bytes,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct File<'a> {
    pub length: u64,
    #[serde(borrow)]
    pub path: Vec<&'a Bytes>,
}

/// What must be the same whoever decoded it: files, their lengths, bytes of their paths, bytes of the
/// other strings and the piece length.
pub type TorrentSums = (usize, u64, usize, usize, u64);

impl Torrent<'_> {
    pub fn sums(&self) -> TorrentSums {
        let Info { files, name, piece_length, pieces } = &self.info;
        let lengths = files.iter().map(|file| file.length).sum();
        let paths = files.iter().flat_map(|file| &file.path).map(|part| part.len()).sum();
        let others = self.announce.len() + name.len() + pieces.len();
        (files.len(), lengths, paths, others, *piece_length)
    }
}

/// A DHT query (KRPC, BEP 5).
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Query<'a> {
    #[serde(borrow)]
    pub a: Arguments<'a>,
    #[serde(borrow)]
    pub q: &'a Bytes,
    #[serde(borrow)]
    pub t: &'a Bytes,
    #[serde(borrow)]
    pub v: Option<&'a Bytes>,
    #[serde(borrow)]
    pub y: &'a Bytes,
}

#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Arguments<'a> {
    #[serde(borrow)]
    pub id: &'a Bytes,
    #[serde(borrow)]
    pub info_hash: &'a Bytes,
}

#[cfg(feature = "peers")]
pub use owned::{OwnedQuery, OwnedTorrent};

#[cfg(feature = "peers")]
mod owned {
    use serde::Deserialize;
    use serde_bytes::{ByteBuf, Bytes};

    use super::{Arguments, Query, TorrentSums};

    /// [`Torrent`](super::Torrent) with copies.
    #[derive(Debug, Deserialize)]
    pub struct OwnedTorrent {
        announce: ByteBuf,
        info: OwnedInfo,
    }

    #[derive(Debug, Deserialize)]
    struct OwnedInfo {
        files: Vec<OwnedFile>,
        name: ByteBuf,
        #[serde(rename = "piece length")]
        piece_length: u64,
        pieces: ByteBuf,
    }

    #[derive(Debug, Deserialize)]
    struct OwnedFile {
        length: u64,
        path: Vec<ByteBuf>,
    }

    impl OwnedTorrent {
        pub fn sums(&self) -> TorrentSums {
            let OwnedInfo { files, name, piece_length, pieces } = &self.info;
            let lengths = files.iter().map(|file| file.length).sum();
            let paths = files.iter().flat_map(|file| &file.path).map(|part| part.len()).sum();
            let others = self.announce.len() + name.len() + pieces.len();
            (files.len(), lengths, paths, others, *piece_length)
        }
    }

    /// [`Query`] with copies.
    #[derive(Debug, Deserialize)]
    pub struct OwnedQuery {
        a: OwnedArguments,
        q: ByteBuf,
        t: ByteBuf,
        v: Option<ByteBuf>,
        y: ByteBuf,
    }

    #[derive(Debug, Deserialize)]
    struct OwnedArguments {
        id: ByteBuf,
        info_hash: ByteBuf,
    }

    impl OwnedQuery {
        pub fn borrowed(&self) -> Query<'_> {
            Query {
                a: Arguments {
                    id: Bytes::new(&self.a.id),
                    info_hash: Bytes::new(&self.a.info_hash),
                },
                q: Bytes::new(&self.q),
                t: Bytes::new(&self.t),
                v: self.v.as_ref().map(|v| Bytes::new(v)),
                y: Bytes::new(&self.y),
            }
        }
    }
}
