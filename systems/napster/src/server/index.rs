//! Which files there are, and which words their names have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use napster_wire::{Checksum, Criterion, LinkSpeed, OwnedMessage, Search, Share};

use super::slab::Slab;
use crate::keywords::{indexed_words, keywords};

/// A file's number in the index.
pub(super) type Slot = u32;

/// A user's number at the server.
pub(super) type UserId = u32;

/// The inverted index: from words to the files whose names have them.
///
/// Its size grows with the number of files (times the words of a name): this is the O(N) of a
/// central server. A search looks at the files of its rarest word only, and not at all of them if
/// they are many.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    files: Slab<File>,
    words: BTreeMap<String, u32>,
    /// By word number, how many files have the word.
    uses: Slab<u32>,
    /// (word, file) for each word of each file's name.
    postings: BTreeSet<(u32, Slot)>,
    /// The sum of the files' sizes.
    shared_bytes: u128,
    /// Heap bytes of the files' descriptions.
    description_bytes: usize,
}

/// A shared file.
#[derive(Clone, Debug)]
struct File {
    owner: UserId,
    /// The message that announced it, always a [`Share`].
    share: Arc<OwnedMessage>,
}

impl File {
    fn share(&self) -> Option<&Share<'static>> {
        match &*self.share {
            OwnedMessage::Share(share) => Some(share),
            _ => None,
        }
    }
}

/// The files of one user, in the order of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Library(Vec<Slot>);

impl Library {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The sum of all files' sizes in bytes.
    pub(super) fn shared_bytes(&self) -> u128 {
        self.shared_bytes
    }

    /// Adds a file of a user, in place of the one with the same name if there is one. `share` is a
    /// [`Share`] message; anything else is ignored.
    pub(super) fn insert(
        &mut self,
        owner: UserId,
        library: &mut Library,
        share: Arc<OwnedMessage>,
    ) {
        let OwnedMessage::Share(announced) = &*share else {
            return;
        };
        self.remove(library, announced.name.as_bytes());
        let Err(place) = self.place(library, announced.name.as_bytes()) else {
            return;
        };
        let words = indexed_words(announced.name.as_bytes());
        let size = u128::from(announced.size);
        let bytes = description_bytes(announced);
        let Some(slot) = self.files.insert(File { owner, share }) else {
            return;
        };
        for word in words {
            if let Some(word) = self.intern(word) {
                self.postings.insert((word, slot));
            }
        }
        self.shared_bytes += size;
        self.description_bytes += bytes;
        library.0.insert(place, slot);
    }

    /// Removes a user's file of this name. Whether there was one.
    pub(super) fn remove(&mut self, library: &mut Library, name: &[u8]) -> bool {
        let Ok(place) = self.place(library, name) else {
            return false;
        };
        let slot = library.0.remove(place);
        self.forget(slot);
        true
    }

    /// Removes all files of a user.
    pub(super) fn clear(&mut self, library: &mut Library) {
        for slot in core::mem::take(&mut library.0) {
            self.forget(slot);
        }
    }

    /// A user's file of this name.
    pub(super) fn find(&self, library: &Library, name: &[u8]) -> Option<&Share<'static>> {
        let slot = library.0.get(self.place(library, name).ok()?)?;
        self.files.get(*slot)?.share()
    }

    /// The files that meet a search, with their owners, at most `max`. `speed` tells an owner's link
    /// type. `budget` bounds the work: see [`ServerConfig::search_budget`](crate::ServerConfig).
    ///
    /// With more matches than `max`, which of them come depends on `start`: any number picks another
    /// place to begin at, so that not always the same users get all requests for a popular file.
    pub(super) fn search(
        &self,
        search: &Search<'_>,
        max: u32,
        budget: usize,
        start: u32,
        speed: impl Fn(UserId) -> LinkSpeed,
    ) -> Vec<(UserId, &Share<'static>)> {
        let max = max as usize;
        let Some((rarest, others)) = self.rarest_first(search) else {
            return Vec::new();
        };
        // Whatever the search, some file is looked at.
        let most = (budget / (1 + others.len() + search.criteria().len())).max(1);
        let start = start.checked_rem(self.files.bound()).unwrap_or(0);
        let from_start = self.postings.range((rarest, start)..=(rarest, Slot::MAX));
        let before_start = self.postings.range((rarest, 0)..(rarest, start));
        from_start
            .chain(before_start)
            .take(most)
            .filter(|(_, slot)| others.iter().all(|word| self.postings.contains(&(*word, *slot))))
            .filter_map(|(_, slot)| {
                let file = self.files.get(*slot)?;
                Some((file.owner, file.share()?))
            })
            .filter(|(owner, share)| {
                search.criteria().iter().all(|criterion| meets(criterion, share, || speed(*owner)))
            })
            .take(max)
            .collect()
    }

    /// Entries and bytes.
    pub(super) fn footprint(&self) -> (usize, usize) {
        let entries = self.files.len() + self.words.len() + self.postings.len();
        // Each word is counted with four bytes for its number, and its text.
        let words: usize = self.words.keys().map(|word| word.len()).sum();
        let bytes = self.files.bytes()
            + self.description_bytes
            + self.words.len() * (size_of::<String>() + size_of::<u32>())
            + words
            + self.uses.bytes()
            + self.postings.len() * size_of::<(u32, Slot)>();
        (entries, bytes)
    }

    /// Where in a user's library the file of this name is, or would be.
    fn place(&self, library: &Library, name: &[u8]) -> Result<usize, usize> {
        library.0.binary_search_by(|slot| {
            let share = self.files.get(*slot).and_then(File::share);
            share.map_or(&[][..], |share| share.name.as_bytes()).cmp(name)
        })
    }

    fn forget(&mut self, slot: Slot) {
        let Some(file) = self.files.remove(slot) else {
            return;
        };
        let Some(share) = file.share() else {
            return;
        };
        self.shared_bytes -= u128::from(share.size);
        self.description_bytes -= description_bytes(share);
        for text in indexed_words(share.name.as_bytes()) {
            let Some(word) = self.words.get(&text).copied() else {
                continue;
            };
            self.postings.remove(&(word, slot));
            if let Some(uses) = self.uses.get_mut(word) {
                *uses -= 1;
                if *uses == 0 {
                    self.uses.remove(word);
                    self.words.remove(&text);
                }
            }
        }
    }

    /// The number of a word that one more file has.
    fn intern(&mut self, text: String) -> Option<u32> {
        if let Some(word) = self.words.get(&text) {
            *self.uses.get_mut(*word)? += 1;
            return Some(*word);
        }
        let word = self.uses.insert(1)?;
        self.words.insert(text, word);
        Some(word)
    }

    /// The words of a search, the rarest apart. `None` if there are no words, or one that no file
    /// has.
    fn rarest_first(&self, search: &Search<'_>) -> Option<(u32, Vec<u32>)> {
        let mut words = Vec::new();
        for text in search.contains() {
            for word in keywords(text) {
                words.push(*self.words.get(&word)?);
            }
        }
        words.sort_unstable();
        words.dedup();
        let uses = |word: &u32| self.uses.get(*word).copied();
        let rarest = (0..words.len()).min_by_key(|place| words.get(*place).and_then(uses))?;
        Some((words.swap_remove(rarest), words))
    }
}

fn meets(criterion: &Criterion<'_>, share: &Share<'static>, speed: impl Fn() -> LinkSpeed) -> bool {
    match criterion {
        Criterion::LineSpeed(comparison, wanted) => comparison.holds(speed(), *wanted),
        Criterion::Bitrate(comparison, wanted) => comparison.holds(share.bitrate, *wanted),
        Criterion::Frequency(comparison, wanted) => comparison.holds(share.frequency, *wanted),
        Criterion::WmaFile => share.checksum.as_bytes() == Checksum::WMA,
        // Names are matched by the index, the number is the caller's. All users are local here. What
        // is not known is no reason to hide a file.
        _ => true,
    }
}

fn description_bytes(share: &Share<'_>) -> usize {
    size_of::<OwnedMessage>()
        + share.name.as_bytes().len()
        + share.checksum.as_bytes().len()
        + share.extra.as_bytes().len()
}
