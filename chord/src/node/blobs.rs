//! Fetching blobs by name, straight from who has them. A blob's name is the SHA-1 of its bytes, and
//! nothing counts as fetched before that was checked.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use bytes::Bytes;
use overlay_peer::{Address, Link, StoreError, Ticket};
use sha1::{Digest, Sha1};

use super::session::Talk;
use super::{Cx, Event, FetchFailure, Misbehaviour, Node, Part, SharedBlob};
use crate::{Id160, Message};

/// Parts asked for before the first of them is here, so that the link is never idle.
const AHEAD: usize = 4;
/// Writes under way before the link has to wait.
const WRITES: usize = 4;

/// What is shared from here, and what is fetched to here.
#[derive(Clone, Debug, Default)]
pub(super) struct Blobs {
    pub shared: BTreeMap<Id160, SharedBlob>,
    fetches: BTreeMap<u32, Fetch>,
    /// Reads under way, for these links.
    pub reads: BTreeMap<Ticket, Link>,
    /// Writes under way, for these fetches.
    pub writes: BTreeMap<Ticket, u32>,
}

/// A fetch under way.
#[derive(Clone, Debug)]
struct Fetch {
    link: Link,
    parts: Vec<Part>,
    /// Parts asked for.
    asked: usize,
    /// Parts that are here and match their name.
    here: usize,
    /// The part that is coming: its bytes, their hash, and its length as the holder says.
    buffer: Vec<u8>,
    hasher: Sha1,
    total: Option<u64>,
    /// Writes that are not done.
    writes: BTreeSet<Ticket>,
    paused: bool,
    /// Bytes of all parts so far.
    bytes: u64,
}

/// What to do with a piece that came.
enum Piece {
    More,
    Whole(Part, Bytes),
    Failed(FetchFailure),
    Misbehaved,
}

impl Blobs {
    pub fn share(&mut self, blobs: Vec<SharedBlob>) {
        self.shared.extend(blobs.into_iter().map(|blob| (blob.blob, blob)));
    }

    pub fn unshare(&mut self, names: &[Id160]) {
        for name in names {
            self.shared.remove(name);
        }
    }
}

impl Node {
    /// The user wants blobs.
    pub(super) fn fetch(&mut self, fetch: u32, from: Address, parts: Vec<Part>, cx: &mut Cx<'_>) {
        let fetches = &mut self.blobs.fetches;
        if fetches.len() >= self.config.limits.fetches || fetches.contains_key(&fetch) {
            return cx.emit(Event::FetchFailed { fetch, reason: FetchFailure::TooMuch });
        }
        if parts.is_empty() {
            return cx.emit(Event::Fetched { fetch, bytes: 0, verified: 0 });
        }
        let link = cx.connect(from);
        self.add_session(link, from, false, Talk::Fetching(fetch), cx);
        let under_way = Fetch {
            link,
            parts,
            asked: 0,
            here: 0,
            buffer: Vec::new(),
            hasher: Sha1::new(),
            total: None,
            writes: BTreeSet::new(),
            paused: false,
            bytes: 0,
        };
        self.blobs.fetches.insert(fetch, under_way);
    }

    /// Asks for as many parts as may be on their way at once.
    pub(super) fn ask_for_parts(&mut self, fetch: u32, cx: &mut Cx<'_>) {
        let Some(fetch) = self.blobs.fetches.get_mut(&fetch) else { return };
        while let Some(part) = fetch.parts.get(fetch.asked) {
            if fetch.asked >= fetch.here + AHEAD {
                break;
            }
            // Parts are numbered by their place in the list, which is the user's and fits.
            let number = u32::try_from(fetch.asked).unwrap_or(u32::MAX);
            cx.send(fetch.link, Message::Want { part: number, blob: part.blob });
            fetch.asked += 1;
        }
    }

    /// Something came from the holder.
    pub(super) fn fetched(&mut self, number: u32, message: Message, cx: &mut Cx<'_>) {
        let max = self.config.limits.blob_len;
        let Some(fetch) = self.blobs.fetches.get_mut(&number) else { return };
        let link = fetch.link;
        let expected = u32::try_from(fetch.here).unwrap_or(u32::MAX);
        let piece = match message {
            Message::Data { part, left, bytes } if part == expected => fetch.take(left, bytes, max),
            Message::Missing { part, reason } if part == expected && fetch.asked > fetch.here => {
                match fetch.parts.get(fetch.here) {
                    Some(Part { blob, .. }) => {
                        Piece::Failed(FetchFailure::Refused { blob: *blob, reason })
                    }
                    None => Piece::Misbehaved,
                }
            }
            Message::Data { .. } | Message::Missing { .. } => Piece::Misbehaved,
            other => {
                let what = Misbehaviour::OutOfPlace { kind: other.kind() };
                return self.break_off(link, what, cx);
            }
        };
        match piece {
            Piece::More => {}
            Piece::Misbehaved => self.break_off(link, Misbehaviour::BadData, cx),
            Piece::Failed(reason) => {
                self.drop_link(link, cx);
                self.fetch_failed(number, reason, cx);
            }
            Piece::Whole(Part { blob, into: None, .. }, bytes) => {
                cx.emit(Event::Blob { fetch: number, blob, bytes });
                self.part_here(number, cx);
            }
            Piece::Whole(Part { into: Some(object), offset, .. }, bytes) => {
                let ticket = cx.write(object, offset, bytes);
                self.blobs.writes.insert(ticket, number);
                if let Some(fetch) = self.blobs.fetches.get_mut(&number) {
                    fetch.writes.insert(ticket);
                    if fetch.writes.len() >= WRITES && !fetch.paused {
                        fetch.paused = true;
                        cx.pause(link, true);
                    }
                }
                self.part_here(number, cx);
            }
        }
    }

    /// A part was written, or not.
    pub(super) fn write_done(
        &mut self,
        number: u32,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Cx<'_>,
    ) {
        let Some(fetch) = self.blobs.fetches.get_mut(&number) else { return };
        // A fetch that failed may have left a write, and the user may have taken its number again.
        if !fetch.writes.remove(&ticket) {
            return;
        }
        let link = fetch.link;
        if let Err(error) = outcome {
            self.drop_link(link, cx);
            return self.fetch_failed(number, FetchFailure::Store(error), cx);
        }
        if fetch.paused && fetch.writes.len() < WRITES {
            fetch.paused = false;
            cx.pause(link, false);
        }
        self.part_here(number, cx);
    }

    /// Asks for more, or is done.
    fn part_here(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(fetch) = self.blobs.fetches.get(&number) else { return };
        if fetch.here < fetch.parts.len() {
            return self.ask_for_parts(number, cx);
        }
        if fetch.writes.is_empty() {
            let (bytes, link) = (fetch.bytes, fetch.link);
            let verified = u32::try_from(fetch.here).unwrap_or(u32::MAX);
            self.blobs.fetches.remove(&number);
            self.drop_link(link, cx);
            cx.emit(Event::Fetched { fetch: number, bytes, verified });
        }
    }

    /// Forgets a fetch whose link is gone.
    pub(super) fn fetch_failed(&mut self, number: u32, reason: FetchFailure, cx: &mut Cx<'_>) {
        if self.blobs.fetches.remove(&number).is_some() {
            cx.emit(Event::FetchFailed { fetch: number, reason });
        }
    }
}

impl Fetch {
    /// Takes in a piece of the part that is coming; `left` more bytes are to follow.
    fn take(&mut self, left: u32, bytes: Bytes, max: u32) -> Piece {
        let Some(&part) = self.parts.get(self.here).filter(|_| self.asked > self.here) else {
            return Piece::Misbehaved;
        };
        let so_far = self.buffer.len() as u64 + bytes.len() as u64;
        let len = so_far + u64::from(left);
        match self.total {
            // A piece without bytes is only right as the whole of an empty blob.
            _ if bytes.is_empty() && len > 0 => return Piece::Misbehaved,
            Some(total) if total != len => return Piece::Misbehaved,
            Some(_) => {}
            None => {
                let other = part.len.is_some_and(|expected| u64::from(expected) != len);
                if other || len > max.into() {
                    let Part { blob, len: expected, .. } = part;
                    return Piece::Failed(FetchFailure::Length { blob, len, expected, max });
                }
                self.total = Some(len);
            }
        }
        self.hasher.update(&bytes);
        self.buffer.extend_from_slice(&bytes);
        if left > 0 {
            return Piece::More;
        }
        let hash = Id160::from_bytes(core::mem::take(&mut self.hasher).finalize().into());
        if hash != part.blob {
            return Piece::Failed(FetchFailure::Mismatch { blob: part.blob });
        }
        let whole = Bytes::from(core::mem::take(&mut self.buffer));
        self.total = None;
        self.here += 1;
        self.bytes += len;
        Piece::Whole(part, whole)
    }
}
