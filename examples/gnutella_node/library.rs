//! The shared directory: which files there are, and their hashes, found out beside everything else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant, SystemTime};

use overlay_examples::Failure;
use overlay_gnutella::{Catalogue, SharedFile};
use overlay_net::{Directory, Store, file_name};
use overlay_peer::{Object, StoreError};
use sha1::{Digest, Sha1};
use tokio::sync::mpsc;

/// New files are looked for so often.
const RESCAN: Duration = Duration::from_secs(10);
/// While there is much to hash, what is known is told so often.
const TELL: Duration = Duration::from_secs(5);
/// So much is read at a time.
const CHUNK: u32 = 1 << 18;

/// What there is to share.
#[derive(Clone, Debug)]
pub struct Offer {
    pub catalogue: Arc<Catalogue>,
    /// Their numbers in the catalogue.
    pub shares: Vec<u32>,
    /// How many of them have been hashed.
    pub hashed: usize,
}

/// A thread that looks at a directory. It ends when this is dropped.
#[derive(Debug)]
pub struct Library {
    pub directory: Arc<Directory>,
    /// First what there is without hashes, then again with more of them, then what has changed.
    pub offers: mpsc::UnboundedReceiver<Offer>,
    _stop: std_mpsc::Sender<()>,
}

impl Library {
    /// Opens a directory, and begins to look at its files.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let about = |error: std::io::Error| format!("{}: {error}", path.display());
        let directory = Arc::new(Directory::open(path).map_err(about)?);
        let (offer, offers) = mpsc::unbounded_channel();
        let (stop, stopped) = std_mpsc::channel();
        let mut files = Files {
            directory: directory.clone(),
            path: path.to_owned(),
            all: Vec::new(),
            seen: BTreeMap::new(),
            hashed: 0,
        };
        // What is there at the start is not waited for.
        files.scan(true).map_err(about)?;
        let watch = move || {
            let mut told = files.tell(&offer);
            while told {
                told = files.hash(&offer)
                    && matches!(
                        stopped.recv_timeout(RESCAN),
                        Err(std_mpsc::RecvTimeoutError::Timeout)
                    );
                // A directory that can not be read now may be readable later.
                if told && files.scan(false).unwrap_or(false) {
                    told = files.tell(&offer);
                }
            }
        };
        std::thread::Builder::new().name("library".to_owned()).spawn(watch)?;
        Ok(Self { directory, offers, _stop: stop })
    }
}

/// How a file looks from outside.
type Look = (u64, Option<SystemTime>);

struct Files {
    directory: Arc<Directory>,
    path: PathBuf,
    /// All files that ever were, by their index on the wire: a number is not used again.
    all: Vec<Known>,
    /// How files looked that are not shared yet: somebody may still be writing them.
    seen: BTreeMap<String, Look>,
    /// So many of them have been hashed, or are gone.
    hashed: usize,
}

struct Known {
    /// Its path in the directory.
    path: String,
    look: Look,
    sha1: Option<[u8; 20]>,
    /// It is not shared any more.
    gone: bool,
}

impl Files {
    /// Whether there is anything new; with `now`, also what may still be changing.
    fn scan(&mut self, now: bool) -> std::io::Result<bool> {
        let mut there = BTreeMap::new();
        for (path, size) in self.directory.files()? {
            let metadata = std::fs::metadata(self.path.join(&path));
            there.insert(path, (size, metadata.and_then(|it| it.modified()).ok()));
        }
        let mut changed = false;
        for known in self.all.iter_mut().filter(|known| !known.gone) {
            if there.get(&known.path) == Some(&known.look) {
                there.remove(&known.path);
            } else {
                known.gone = true;
                changed = true;
            }
        }
        for (path, look) in &there {
            if now || self.seen.get(path) == Some(look) {
                let object = Object(self.all.len() as u64);
                let gone = self.directory.share(object, path).is_err();
                self.all.push(Known { path: path.clone(), look: *look, sha1: None, gone });
                changed = true;
            }
        }
        self.seen = there;
        Ok(changed)
    }

    /// Hashes what is new; whether somebody still listens.
    fn hash(&mut self, offer: &mpsc::UnboundedSender<Offer>) -> bool {
        let mut told = Instant::now();
        if self.hashed == self.all.len() {
            return !offer.is_closed();
        }
        while let Some(known) = self.all.get_mut(self.hashed) {
            if !known.gone {
                match sha1(&self.directory, Object(self.hashed as u64), known.look.0) {
                    Ok(hash) => known.sha1 = Some(hash),
                    // It went away, or got shorter.
                    Err(_) => known.gone = true,
                }
            }
            self.hashed += 1;
            if offer.is_closed() {
                return false;
            }
            if told.elapsed() >= TELL {
                self.tell(offer);
                told = Instant::now();
            }
        }
        self.tell(offer)
    }

    fn tell(&self, offer: &mpsc::UnboundedSender<Offer>) -> bool {
        let files = (0..).map(Object).zip(&self.all).map(|(object, known)| SharedFile {
            name: file_name(known.path.as_bytes()),
            size: known.look.0,
            object,
        });
        let hashes = self.all.iter().take(self.hashed).map(|known| known.sha1.unwrap_or_default());
        let catalogue = Arc::new(Catalogue::new(files).with_sha1(hashes));
        let shares = (0..).zip(&self.all).filter(|(_, known)| !known.gone).map(|(at, _)| at);
        let shares: Vec<u32> = shares.collect();
        let hashed = shares.iter().filter(|&&at| (at as usize) < self.hashed).count();
        offer.send(Offer { catalogue, shares, hashed }).is_ok()
    }
}

/// The hash of a file of the directory.
pub fn sha1(directory: &Directory, object: Object, size: u64) -> Result<[u8; 20], StoreError> {
    let (mut hash, mut at) = (Sha1::new(), 0);
    while at < size {
        let length = u32::try_from(size - at).unwrap_or(CHUNK).min(CHUNK);
        hash.update(&directory.read(object, at, length)?);
        at += u64::from(length);
    }
    Ok(hash.finalize().into())
}
