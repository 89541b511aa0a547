//! Where the simulated peers' bytes come from and go to: the real files, and a check.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use overlay_core::{FileId, Library, Stored};
use overlay_peer::{Object, StoreError};
use overlay_sim::{PeerIndex, Store};
use torrent_meta::{PieceChecker, Verdict, Verifier};

/// Serves the content of the real files, and checks what the peers write piece by piece against the
/// metainfo, as a receiver with the `.torrent` file would. Nothing is written to the real disk.
#[derive(Clone, Debug)]
pub struct Disk {
    library: Arc<Library>,
    paths: Arc<[PathBuf]>,
    /// The file that was read last: reads come in sequences.
    open: Rc<RefCell<Option<(FileId, File)>>>,
    downloads: BTreeMap<u32, Download>,
    pub(crate) written: u64,
    pub(crate) good_pieces: u64,
    pub(crate) bad_pieces: u64,
}

#[derive(Clone, Debug)]
struct Download {
    file: FileId,
    verifier: Verifier,
}

impl Disk {
    /// A store over these files; `paths` in the order of the library.
    pub fn new(library: Arc<Library>, paths: Arc<[PathBuf]>) -> Self {
        Self {
            library,
            paths,
            open: Rc::default(),
            downloads: BTreeMap::new(),
            written: 0,
            good_pieces: 0,
            bad_pieces: 0,
        }
    }

    /// A fetch begins (again): what is written under its number is to be this file.
    pub(crate) fn expect(&mut self, fetch: u32, file: FileId) {
        let checker = PieceChecker::of_info(self.library.file(file).info());
        let verifier = Verifier::new(checker.expect("the library makes v1 torrents"));
        self.downloads.insert(fetch, Download { file, verifier });
    }

    /// A fetch has ended: how many bytes its file has, if all of them arrived and every piece is
    /// right. Frees what the checks needed.
    pub(crate) fn finish(&mut self, fetch: u32) -> Option<u64> {
        let download = self.downloads.remove(&fetch)?;
        download.verifier.is_complete().then(|| self.library.file(download.file).size())
    }

    fn read_content(&self, file: FileId, offset: u64, len: u32) -> Result<Bytes, StoreError> {
        let size = self.library.file(file).size();
        if offset.checked_add(u64::from(len)).is_none_or(|end| end > size) {
            return Err(StoreError::OutOfRange { size });
        }
        let mut open = self.open.borrow_mut();
        if open.as_ref().is_none_or(|(current, _)| *current != file) {
            let path = &self.paths[file.0 as usize];
            *open = Some((file, File::open(path).map_err(|_| StoreError::Failed)?));
        }
        let Some((_, handle)) = open.as_mut() else { return Err(StoreError::Failed) };
        let mut content = vec![0; len as usize];
        handle.seek(SeekFrom::Start(offset)).map_err(|_| StoreError::Failed)?;
        // A file that shrank since it was hashed ends here.
        handle.read_exact(&mut content).map_err(|_| StoreError::Failed)?;
        Ok(content.into())
    }
}

impl Store for Disk {
    fn read(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let known = |file: FileId| (file.0 as usize) < self.library.len();
        match Stored::of(object) {
            Some(Stored::Content(file)) if known(file) => self.read_content(file, offset, len),
            Some(Stored::Info(file)) if known(file) => {
                let info = self.library.file(file).info_bytes();
                let size = info.len() as u64;
                let end = offset.checked_add(u64::from(len)).filter(|&end| end <= size);
                let end = end.ok_or(StoreError::OutOfRange { size })?;
                Ok(info.slice(offset as usize..end as usize))
            }
            _ => Err(StoreError::NotFound),
        }
    }

    fn write(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        let Some(Stored::Download(fetch)) = Stored::of(object) else {
            return Err(StoreError::NotFound);
        };
        let download = self.downloads.get_mut(&fetch).ok_or(StoreError::NotFound)?;
        let size = self.library.file(download.file).size();
        let verdicts = download
            .verifier
            .write_at(offset, bytes)
            .map_err(|_| StoreError::OutOfRange { size })?;
        self.written += bytes.len() as u64;
        for (_, verdict) in verdicts {
            match verdict {
                Verdict::Good => self.good_pieces += 1,
                Verdict::Bad | Verdict::Conflict { .. } => self.bad_pieces += 1,
            }
        }
        Ok(())
    }
}
