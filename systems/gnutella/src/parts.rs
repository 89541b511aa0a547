//! The parts of a file that comes from several sources: who has which, and where they contradict each
//! other.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use overlay_peer::{Object, Time};

use crate::{FetchFailure, Hit};

/// How many bytes before a part are fetched with it, to compare.
pub(crate) const OVERLAP: u64 = 64;

/// A part that is shorter is not shared with another source.
pub(crate) const SPLIT: u64 = 16_384;

/// More parts than this are not made of a file on purpose; sources that die may make a few more.
pub(crate) const PARTS: u64 = 512;

/// A source is given up after so many failures in a row.
const FAILURES: u8 = 3;
/// How often a source may say when to ask again, before that counts as a failure.
const WAITS: u8 = 20;

/// A file on its way from several sources.
#[derive(Clone, Debug)]
pub(crate) struct Swarm {
    pub fetch: u32,
    pub into: Object,
    pub size: u64,
    /// The best first, as the user sees it.
    pub sources: Vec<Source>,
    /// The whole file in order, without gaps; before `from`, nothing.
    pub parts: Vec<Part>,
    pub from: u64,
    pub pushed: bool,
    /// Why the last source was lost.
    pub failure: FetchFailure,
    /// When to look for slow sources, and to try again those that failed.
    pub deadline: Time,
}

#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub hit: Hit,
    pub state: SourceState,
    pub failures: u8,
    /// How often it said when to ask again.
    pub waits: u8,
    /// With how many parts of others its own agreed.
    pub agreed: u32,
    /// Of its last part, in bytes a second; 0 is unknown.
    pub rate: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceState {
    /// It could be asked for a part. Its link may be open.
    Free,
    /// It has been asked for a part.
    Asked,
    /// It failed, and is tried again then.
    Later(Time),
    /// It is not asked any more.
    Gone,
}

#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub start: u64,
    pub end: u64,
    pub state: PartState,
    /// What its source says stands before the start; empty once compared.
    pub before: Box<[u8]>,
    /// Its last bytes.
    pub tail: Box<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartState {
    Missing,
    /// On its way from this source, since then.
    Asked(u8, Time),
    Done(u8),
}

/// What one source is asked for, kept with its download.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// The source's number in its swarm.
    pub source: u8,
    /// The byte to stop before: that of the request, and what is left of it.
    pub asked: u64,
    pub end: u64,
    /// How many bytes before the part's start are asked for.
    pub lead: u64,
    /// Those, as far as they came.
    pub before: Vec<u8>,
    /// The last bytes of the part that came.
    pub tail: Vec<u8>,
}

impl Share {
    pub fn heap_bytes(&self) -> usize {
        self.before.capacity() + self.tail.capacity()
    }

    /// Takes what came: keeps the bytes before the part, and cuts off those after it. What is left goes
    /// to `offset`; the second value says whether that completes the part.
    pub fn take(&mut self, offset: u64, mut bytes: Bytes) -> (Bytes, bool) {
        let missing = self.lead.saturating_sub(self.before.len() as u64);
        let lead = bytes.split_to(bytes.len().min(usize::try_from(missing).unwrap_or(usize::MAX)));
        self.before.extend_from_slice(&lead);
        let room = self.end.saturating_sub(offset);
        bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let most = OVERLAP as usize;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(most)..]);
        let extra = self.tail.len().saturating_sub(most);
        self.tail.drain(..extra);
        let done = bytes.len() as u64 == room;
        (bytes, done)
    }
}

/// How a share ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub fetch: u32,
    pub source: u8,
    pub start: u64,
    /// How many bytes are written.
    pub written: u64,
    pub before: Vec<u8>,
    pub tail: Vec<u8>,
    pub pushed: bool,
    /// For how long the source does not want to be asked again.
    pub retry_after: Duration,
    pub outcome: Result<(), FetchFailure>,
}

impl Swarm {
    pub fn heap_bytes(&self) -> usize {
        let kept = |part: &Part| part.before.len() + part.tail.len();
        self.sources.capacity() * size_of::<Source>()
            + self.sources.iter().map(|source| source.hit.name.len()).sum::<usize>()
            + self.parts.capacity() * size_of::<Part>()
            + self.parts.iter().map(kept).sum::<usize>()
    }

    /// How many bytes are there without a gap, from where the fetch began.
    pub fn prefix(&self) -> u64 {
        let end = self.parts.iter().find(|part| !matches!(part.state, PartState::Done(_)));
        end.map_or(self.size, |part| part.start) - self.from
    }

    pub fn is_done(&self) -> bool {
        self.parts.iter().all(|part| matches!(part.state, PartState::Done(_)))
    }

    /// The next part to ask for: one that nobody has been asked for, cut to this length.
    pub fn missing(&mut self, segment: u64) -> Option<usize> {
        let at = self.parts.iter().position(|part| part.state == PartState::Missing)?;
        let segment = segment.max(self.size / PARTS).max(1);
        let part = &self.parts[at];
        if part.end - part.start > segment {
            self.split(at, part.start + segment);
        }
        Some(at)
    }

    /// Cuts a part in two; the second one is missing.
    pub fn split(&mut self, at: usize, middle: u64) {
        let end = core::mem::replace(&mut self.parts[at].end, middle);
        let state = PartState::Missing;
        let part = Part { start: middle, end, state, before: Box::default(), tail: Box::default() };
        self.parts.insert(at + 1, part);
    }

    /// Joins neighbours that nothing distinguishes any more.
    pub fn join(&mut self) {
        let mut at = 1;
        while at < self.parts.len() {
            let (left, right) = (&self.parts[at - 1], &self.parts[at]);
            let same = match (left.state, right.state) {
                (PartState::Missing, PartState::Missing) => true,
                (PartState::Done(a), PartState::Done(b)) => a == b,
                _ => false,
            };
            if !same {
                at += 1;
                continue;
            }
            let right = self.parts.remove(at);
            let left = &mut self.parts[at - 1];
            left.end = right.end;
            if right.tail.len() as u64 >= OVERLAP {
                left.tail = right.tail;
            } else {
                let both = [&*left.tail, &*right.tail].concat();
                left.tail = both[both.len().saturating_sub(OVERLAP as usize)..].into();
            }
        }
    }

    /// Compares what is known on both sides of a border between two sources; the first source found out
    /// to differ from one that is believed more.
    pub fn compare(&mut self) -> Option<u8> {
        for at in 1..self.parts.len() {
            let (left, right) = (&self.parts[at - 1], &self.parts[at]);
            let (PartState::Done(a), PartState::Done(b)) = (left.state, right.state) else {
                continue;
            };
            if a == b || right.before.is_empty() || left.tail.len() < right.before.len() {
                continue;
            }
            if left.tail.ends_with(&right.before) {
                self.parts[at].before = Box::default();
                for source in [a, b] {
                    if let Some(source) = self.sources.get_mut(usize::from(source)) {
                        source.agreed = source.agreed.saturating_add(1);
                    }
                }
            } else if let Some(worse) = self.worse(a, b) {
                return Some(worse);
            }
        }
        None
    }

    /// Which of two sources that differ is believed less; `None` as long as a third may tell.
    fn worse(&self, a: u8, b: u8) -> Option<u8> {
        let (first, second) = (&self.sources[usize::from(a)], &self.sources[usize::from(b)]);
        if first.agreed != second.agreed {
            return Some(if first.agreed < second.agreed { a } else { b });
        }
        let gone = |source: &Source| source.state == SourceState::Gone;
        let mut others = self.sources.iter().zip(0u8..).filter(|(_, n)| *n != a && *n != b);
        if !self.is_done() && others.any(|(source, _)| !gone(source)) {
            return None;
        }
        // One that is gone can not complete the file; else the one that the user put behind.
        Some(match (gone(first), gone(second)) {
            (true, false) => a,
            (false, true) => b,
            _ => a.max(b),
        })
    }

    /// Forgets all that this source sent.
    pub fn forget(&mut self, source: u8) {
        for part in &mut self.parts {
            if part.state == PartState::Done(source) {
                part.state = PartState::Missing;
                part.before = Box::default();
                part.tail = Box::default();
            }
        }
        self.join();
    }
}

impl Source {
    pub fn new(hit: Hit) -> Self {
        Self { hit, state: SourceState::Free, failures: 0, waits: 0, agreed: 0, rate: 0 }
    }
}

/// What becomes of a source after a share; why it is given up, if it is. `in_queue` if it said when to ask
/// again. What concerns the whole fetch is
/// fatal.
pub(crate) fn source_after(
    source: &mut Source,
    outcome: Result<(), FetchFailure>,
    later: Time,
    in_queue: bool,
    fatal: &mut Option<FetchFailure>,
) -> Option<FetchFailure> {
    let Err(reason) = outcome else {
        source.failures = 0;
        if source.state == SourceState::Asked {
            source.state = SourceState::Free;
        }
        return None;
    };
    if source.state == SourceState::Gone {
        return None;
    }
    // Who waits in a queue is on its way to be served.
    if in_queue && reason == FetchFailure::Busy && source.waits < WAITS {
        source.waits += 1;
        source.state = SourceState::Later(later);
        return None;
    }
    source.failures = source.failures.saturating_add(1);
    let again = match reason {
        FetchFailure::Store(_) | FetchFailure::Left => {
            *fatal = Some(reason);
            false
        }
        FetchFailure::Busy
        | FetchFailure::TooSlow
        | FetchFailure::TooMany { .. }
        | FetchFailure::Interrupted { .. }
        | FetchFailure::TimedOut { .. }
        | FetchFailure::PushUnanswered => source.failures < FAILURES,
        _ => false,
    };
    source.state = if again { SourceState::Later(later) } else { SourceState::Gone };
    (!again && fatal.is_none()).then_some(reason)
}

/// One servent has one link for a fetch, whatever it calls the file.
pub(crate) fn same_source(a: &Hit, b: &Hit) -> bool {
    a.servent == b.servent && a.address == b.address
}

pub(crate) fn per_second(bytes: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}
