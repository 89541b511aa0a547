//! Reads what is on a disk, on several threads, and checks its pieces.

use std::array;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use torrent_meta::{Backend, PieceChecker, PieceHashes, PieceMap, PieceState, Spans, Verdict};

/// How many pieces a thread hashes side by side.
pub const LANES: usize = 16;
/// How much of each it reads at a time. All of them together stay in the cache of a core.
const STEP: usize = 32 << 10;
/// How many files a thread keeps open.
const OPEN: usize = 64;

/// Where a file of the torrent is.
#[derive(Debug)]
pub enum Place {
    /// Padding is nowhere: it is zeros.
    Padding,
    /// On the disk, with so many bytes.
    At { path: PathBuf, size: u64 },
    /// Not there, or not to be read.
    Nowhere,
}

/// The pieces that are to be checked, and what is known of them.
#[derive(Debug)]
pub struct Check<'a> {
    checker: &'a PieceChecker,
    places: &'a [Place],
    backend: Backend,
    /// The next piece to look at.
    next: AtomicU64,
    bytes: AtomicU64,
    stopped: AtomicBool,
    found: Mutex<Found>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub map: PieceMap,
    /// The bad pieces of which more is known than that: what each 16 KiB of them is.
    pub blocks: BTreeMap<u32, Vec<Option<Verdict>>>,
    /// Why files could not be read, by file.
    pub errors: BTreeMap<usize, String>,
}

impl<'a> Check<'a> {
    /// `places` has one for each file. The good pieces of `known` are not looked at again, unless
    /// something of them is not there.
    pub fn new(checker: &'a PieceChecker, places: &'a [Place], known: PieceMap) -> Self {
        let found = Found { map: known, blocks: BTreeMap::new(), errors: BTreeMap::new() };
        Self {
            checker,
            places,
            backend: Backend::best(),
            next: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            found: Mutex::new(found),
        }
    }

    /// How many bytes are done, of all files together.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many bytes there are, of all files together.
    pub fn total(&self) -> u64 {
        self.checker.layout().end()
    }

    /// What was found so far.
    pub fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all threads stop soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Checks pieces until none is left. Several threads can do that.
    pub fn work(&self) {
        let mut batch = self.checker.batch::<LANES>(self.backend);
        let mut lanes = [None; LANES];
        let mut buffers = vec![0; LANES * STEP];
        let mut open = OpenFiles { places: self.places, files: Vec::new() };
        while !self.stopped.load(Ordering::Relaxed) {
            for (lane, piece) in lanes.iter_mut().enumerate().filter(|(_, piece)| piece.is_none()) {
                *piece = self.next_piece();
                if let Some(piece) = *piece {
                    batch.start(lane, self.checker.layout().spans(u64::from(piece)));
                }
            }
            if lanes.iter().all(Option::is_none) {
                return;
            }
            let mut filled = [0; LANES];
            for (lane, buffer) in buffers.chunks_mut(STEP).enumerate() {
                match open.read(batch.wanted(lane, STEP), buffer) {
                    Ok(length) => filled[lane] = length,
                    Err((file, error)) => {
                        // It shrank, or the disk fails: the piece is not there.
                        batch.finish(lane);
                        let piece = lanes[lane].take();
                        let mut found = self.found();
                        found.errors.insert(file, error.to_string());
                        piece.iter().for_each(|&piece| found.map.set(piece, PieceState::Missing));
                    }
                }
            }
            batch.advance(array::from_fn(|lane| &buffers[lane * STEP..][..filled[lane]]));
            self.bytes.fetch_add(filled.iter().sum::<usize>() as u64, Ordering::Relaxed);
            for (lane, piece) in lanes.iter_mut().enumerate() {
                if batch.left(lane) == 0
                    && let Some(piece) = piece.take()
                {
                    self.judge(piece, &batch.finish(lane));
                }
            }
        }
    }

    fn judge(&self, piece: u32, hashes: &PieceHashes) {
        let verdict = self.checker.check(self.backend, piece, hashes);
        let state = verdict.map_or(PieceState::Missing, PieceState::from);
        let blocks = if state == PieceState::Good {
            None
        } else {
            self.checker.check_blocks(self.backend, piece, &hashes.leaves)
        };
        let mut found = self.found();
        found.map.set(piece, state);
        if let Some(blocks) = blocks.filter(|blocks| blocks.iter().any(Option::is_some)) {
            found.blocks.insert(piece, blocks);
        }
    }

    /// The next piece that is to be read and can be.
    fn next_piece(&self) -> Option<u32> {
        loop {
            // There is a hash in memory for each piece, so that its number fits.
            let piece = self.next.fetch_add(1, Ordering::Relaxed) as u32;
            let size = self.checker.layout().piece_size(piece.into())?;
            let there = self.there(piece);
            let mut found = self.found();
            match there {
                PieceState::Good if found.map.state(piece) != Some(PieceState::Good) => {
                    return Some(piece);
                }
                PieceState::Good => {}
                state => found.map.set(piece, state),
            }
            self.bytes.fetch_add(size, Ordering::Relaxed);
        }
    }

    /// Whether all of a piece is there to be read, or some, or nothing.
    fn there(&self, piece: u32) -> PieceState {
        let (mut all, mut some) = (true, false);
        for span in self.checker.layout().spans(piece.into()) {
            let size = match self.places.get(span.file) {
                Some(Place::Padding) => continue,
                Some(Place::At { size, .. }) => *size,
                _ => 0,
            };
            all &= span.offset + span.length <= size;
            some |= span.offset < size;
        }
        match (all, some) {
            (true, _) => PieceState::Good,
            (_, true) => PieceState::Partial,
            _ => PieceState::Missing,
        }
    }
}

/// The files a thread read last.
struct OpenFiles<'a> {
    places: &'a [Place],
    /// The one that was used last is the last.
    files: Vec<(usize, File)>,
}

impl OpenFiles<'_> {
    /// Fills a buffer with what is in these spans, one behind the other, and gives how much that is.
    /// If it fails, with the file.
    fn read(&mut self, spans: Spans<'_>, buffer: &mut [u8]) -> Result<usize, (usize, io::Error)> {
        let mut filled = 0;
        for span in spans {
            let part = &mut buffer[filled..][..span.length as usize];
            if span.padding {
                part.fill(0);
            } else {
                let file = self.open(span.file).map_err(|error| (span.file, error))?;
                read_at(file, span.offset, part).map_err(|error| (span.file, error))?;
            }
            filled += part.len();
        }
        Ok(filled)
    }

    fn open(&mut self, file: usize) -> io::Result<&File> {
        match self.files.iter().rposition(|(open, _)| *open == file) {
            Some(index) => {
                let open = self.files.remove(index);
                self.files.push(open);
            }
            None => {
                let Some(Place::At { path, .. }) = self.places.get(file) else {
                    return Err(io::ErrorKind::NotFound.into());
                };
                let open = File::open(path)?;
                if self.files.len() == OPEN {
                    self.files.remove(0);
                }
                self.files.push((file, open));
            }
        }
        self.files.last().map(|(_, file)| file).ok_or(io::ErrorKind::NotFound.into())
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}
