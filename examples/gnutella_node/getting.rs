//! What `--get` wants, who has it, and how far it is.

use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_examples::{Failure, room};
use overlay_gnutella::Hit;
use overlay_net::{Directory, DirectoryError, file_name};
use overlay_peer::Object;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::browse::browse;
use crate::library;
use crate::wanted::Wanted;

/// The file that is fetched.
pub const INTO: Object = Object(1 << 32);
/// Further sources of a file are waited for so long when the first is found; others join in later.
const SOURCES: Duration = Duration::from_millis(500);
/// A fetch that failed is tried again after so long.
pub const AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Getting {
    pub wanted: Wanted,
    /// Ask by a Push, whatever the hits say.
    push: bool,
    patience: Duration,
    /// Who has it, as the hits say.
    sources: Vec<Hit>,
    /// Who sent something else.
    liars: Vec<Guid>,
    /// After bytes that were not those of the hash: one source at a time, to know whose they were.
    alone: bool,
    /// The host was asked what the file is called, or a hit said so.
    browsed: bool,
    pub stage: Stage,
    /// When it is given up, while nothing is fetched.
    pub give_up: Instant,
}

#[derive(Debug)]
pub enum Stage {
    /// Nobody has it so far, or it will be fetched then.
    Waiting(Option<Instant>),
    /// It is being fetched.
    Fetching(Fetching),
    /// All bytes are there; are they the right ones?
    Checking(Fetching, Transfer, JoinHandle<Result<Checked, String>>),
    /// The host is asked what the file is called.
    Browsing(JoinHandle<Result<Hit, String>>),
}

#[derive(Clone, Debug)]
pub struct Fetching {
    pub name: String,
    pub size: Option<u64>,
    pub sha1: Option<[u8; 20]>,
    /// The first byte that was missing.
    pub from: u64,
    /// Who was asked.
    pub asked: Vec<Hit>,
}

/// What it took.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    pub bytes: u64,
    pub pushed: bool,
}

/// What it is.
#[derive(Clone, Copy, Debug)]
pub struct Checked {
    pub size: u64,
    pub sha1: [u8; 20],
    /// The hash is the one that was wanted, or none was: it has its name.
    pub named: bool,
}

impl Getting {
    pub fn new(wanted: Wanted, push: bool, patience: Duration) -> Self {
        Self {
            wanted,
            push,
            patience,
            sources: Vec::new(),
            liars: Vec::new(),
            alone: false,
            browsed: false,
            stage: Stage::Waiting(None),
            give_up: Instant::now() + patience,
        }
    }

    /// Whether somebody should be asked who has it.
    pub fn is_sought(&self) -> bool {
        matches!(self.stage, Stage::Waiting(None))
    }

    /// When something is to be done.
    pub fn alarm(&self) -> Option<Instant> {
        match self.stage {
            Stage::Waiting(Some(at)) => Some(at.min(self.give_up)),
            Stage::Waiting(None) => Some(self.give_up),
            Stage::Fetching(_) | Stage::Checking(..) | Stage::Browsing(_) => None,
        }
    }

    /// A hit that offers it. Given back is one for the fetch under way.
    pub fn found(&mut self, mut hit: Hit, now: Instant) -> Option<Hit> {
        let same = |other: &Hit| {
            other.servent == hit.servent && other.address == hit.address && other.index == hit.index
        };
        let asked: &[Hit] = match &self.stage {
            Stage::Fetching(fetching) | Stage::Checking(fetching, ..) => &fetching.asked,
            Stage::Waiting(_) | Stage::Browsing(_) => &[],
        };
        if self.sources.iter().chain(asked).any(same) || self.liars.contains(&hit.servent) {
            return None;
        }
        hit.push |= self.push;
        self.browsed |= !hit.name.is_empty();
        self.sources.push(hit.clone());
        match &mut self.stage {
            Stage::Waiting(due @ None) => *due = Some(now + SOURCES),
            Stage::Fetching(fetching) if !self.alone && fetching.size.is_some() => {
                fetching.asked.push(hit.clone());
                self.sources.pop();
                return Some(hit);
            }
            _ => {}
        }
        None
    }

    /// Makes room for it in the directory; whom to ask, and what for. `None` as long as nobody is known.
    pub fn begin(
        &mut self,
        directory: &Directory,
    ) -> Result<Option<(Vec<Hit>, Fetching)>, DirectoryError> {
        let Some(first) = self.sources.first().cloned() else {
            self.stage = Stage::Waiting(None);
            return Ok(None);
        };
        let name = match &first.name[..] {
            [] => format!("{}-{}", first.index, first.address).replace(':', "-"),
            name => file_name(name),
        };
        let size = first.exact_size();
        let (name, from) = room(directory, INTO, &name, size)?;
        let (mut hits, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sources).into_iter().partition(|hit| hit.size == first.size);
        self.sources = others;
        if self.alone || size.is_none() {
            self.sources.extend(hits.drain(1..));
        }
        let sha1 = match self.wanted {
            Wanted::Sha1(sha1) => Some(sha1),
            Wanted::At(..) => first.sha1,
        };
        let asked = hits.clone();
        let fetching = Fetching { name, size, sha1, from, asked };
        self.stage = Stage::Fetching(fetching.clone());
        Ok(Some((hits, fetching)))
    }

    /// All bytes are there.
    pub fn fetched(&mut self, directory: &Arc<Directory>, transfer: Transfer) {
        let Stage::Fetching(fetching) = &self.stage else { return };
        let (directory, fetching) = (directory.clone(), fetching.clone());
        let (wanted, size) = (fetching.sha1, fetching.size);
        let check = tokio::task::spawn_blocking(move || {
            check(&directory, wanted, size).map_err(|error| error.to_string())
        });
        self.stage = Stage::Checking(fetching, transfer, check);
    }

    /// It could not be fetched; what is there stays. Those asked are asked again if a hit names them
    /// again.
    pub fn failed(&mut self, directory: &Directory, now: Instant) {
        if let Stage::Fetching(fetching) = &self.stage {
            // Of an unknown size nothing can be resumed.
            if fetching.size.is_none() || directory.extent(INTO) == Ok(0) {
                let _ = directory.discard(INTO);
            } else if directory.release(INTO).is_ok_and(|have| have > fetching.from) {
                // As long as it goes on there is hope.
                self.give_up = now + self.patience;
            }
        }
        let more = !self.sources.is_empty();
        self.stage = Stage::Waiting(more.then_some(now + AGAIN));
    }

    /// The host says that there is no such file, of which only the place was known: it may want the name.
    /// Whether it is asked for that.
    pub fn browse(&mut self) -> bool {
        match (self.wanted, std::mem::replace(&mut self.browsed, true)) {
            (Wanted::At(index, host), false) if !self.push => {
                self.sources.clear();
                self.stage = Stage::Browsing(tokio::spawn(browse(index, host)));
                true
            }
            _ => false,
        }
    }

    /// It was something else; whether whose it was is known.
    pub fn was_wrong(&mut self, fetching: Fetching, now: Instant) -> bool {
        let known = fetching.asked.len() == 1 && fetching.from == 0;
        if known {
            self.liars.extend(fetching.asked.iter().map(|hit| hit.servent));
        } else {
            self.sources.extend(fetching.asked);
        }
        self.alone = true;
        self.stage = Stage::Waiting((!self.sources.is_empty()).then_some(now));
        known
    }
}

/// Looks what it is. The right one gets its name, when all of it is on disk; another one is deleted.
fn check(
    directory: &Directory,
    wanted: Option<[u8; 20]>,
    size: Option<u64>,
) -> Result<Checked, Failure> {
    let size = match size {
        Some(size) => size,
        None => directory.extent(INTO)?,
    };
    let sha1 = library::sha1(directory, INTO, size)?;
    let named = wanted.is_none_or(|wanted| wanted == sha1);
    if named {
        directory.finish(INTO)?
    } else {
        directory.discard(INTO)?
    }
    Ok(Checked { size, sha1, named })
}
