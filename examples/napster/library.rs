//! The shared directory: its files, and the beginning of each hashed, as clients did.

use std::path::Path;
use std::sync::Arc;

use bytes::BytesMut;
use md5::{Digest, Md5};
use overlay_examples::{Failure, Lines};
use overlay_napster::{Catalogue, FileId, SharedFile};
use overlay_net::{Directory, Store};
use overlay_peer::{Object, StoreError};
use serde_json::json;

/// Clients hashed about so much of a file.
const HASHED: u64 = 300_000;

pub struct Library {
    pub directory: Arc<Directory>,
    pub catalogue: Arc<Catalogue>,
    pub files: Vec<FileId>,
}

impl Library {
    /// The files that are there now.
    pub fn open(path: &Path, lines: &mut Lines) -> Result<Self, Failure> {
        let about = |error: std::io::Error| format!("{}: {error}", path.display());
        let directory = Directory::open(path).map_err(about)?;
        let (mut catalogue, mut files) = (Catalogue::new(), Vec::new());
        for (object, (name, _)) in (0..).map(Object).zip(directory.files().map_err(about)?) {
            let shared = directory.share(object, &name).map_err(Failure::from).and_then(|size| {
                let md5 = beginning(&directory, object, size)?;
                Ok(catalogue.add(SharedFile::new(name.clone(), md5, size, object))?)
            });
            match shared {
                Ok(file) => files.push(file),
                // It went away, or has a name that the protocol can not carry.
                Err(error) => {
                    let reason = format!("{name}: {error}");
                    lines
                        .event("refused", &[("what", json!("share")), ("reason", json!(reason))])?;
                }
            }
        }
        Ok(Self { directory: Arc::new(directory), catalogue: Arc::new(catalogue), files })
    }
}

/// The MD5 of a file's first bytes.
pub fn beginning(directory: &Directory, object: Object, size: u64) -> Result<[u8; 16], StoreError> {
    let length = u32::try_from(size.min(HASHED)).unwrap_or(u32::MAX);
    let bytes = match length {
        0 => BytesMut::new().freeze(),
        length => directory.read(object, 0, length)?,
    };
    Ok(Md5::digest(&bytes).into())
}
