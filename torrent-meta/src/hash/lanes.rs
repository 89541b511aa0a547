//! Messages in chunks, many at once.

use core::fmt;

use super::algorithm::{Algorithm, Block};
use super::backend::Backend;
use super::schedule::{Work, run};

/// Hashes `N` messages at once, each from chunks of any size. (16 is what the widest backend takes at
/// once, and any other number does.)
///
/// Each lane has a message of its own, from the start or from when its last one was finished. One call
/// takes a chunk for every lane; an empty one if there is nothing for it at the time. It is fastest
/// when the chunks are equally long, not too short (some KiB), and whole blocks of 64 bytes: what is
/// over is copied and waits for the next chunk.
///
/// ```
/// use torrent_meta::{Backend, Lanes, Sha1};
///
/// let mut lanes: Lanes<Sha1, 3> = Lanes::new(Backend::best());
/// lanes.advance([b"he", b"hallo", b""]);
/// lanes.advance([b"llo", b"", b""]);
/// assert_eq!(lanes.length(0), 5);
/// let [hello, hallo, nothing] = lanes.finish_all();
/// # use torrent_meta::InfoHash;
/// assert_eq!(InfoHash(nothing).to_string(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
/// # assert_eq!([InfoHash(hello), InfoHash(hallo)], [InfoHash::of(b"hello"), InfoHash::of(b"hallo")]);
/// ```
#[derive(Clone)]
pub struct Lanes<A: Algorithm, const N: usize = 16> {
    backend: Backend,
    lanes: [Lane<A>; N],
}

#[derive(Clone, Copy)]
struct Lane<A: Algorithm> {
    state: A::State,
    length: u64,
    /// The last `length % 64` bytes, which wait until there is a whole block.
    buffer: Block,
}

impl<A: Algorithm, const N: usize> Lanes<A, N> {
    /// Lanes that have seen nothing.
    pub fn new(backend: Backend) -> Self {
        Self { backend, lanes: [Lane::NEW; N] }
    }

    /// What it hashes with.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The next bytes of each lane's message.
    pub fn advance(&mut self, chunks: [&[u8]; N]) {
        let work = self.lanes.iter_mut().zip(chunks).filter_map(|(lane, chunk)| lane.take(chunk));
        run::<A, _>(self.backend, work, |kept, state| *kept = state);
    }

    /// How many bytes a lane's message has so far.
    ///
    /// # Panics
    /// If there is no such lane: `lane` is not less than `N`.
    pub fn length(&self, lane: usize) -> u64 {
        self.lanes[lane].length
    }

    /// The hash of a lane's message, which ends here. What comes next is the start of another.
    ///
    /// # Panics
    /// If there is no such lane: `lane` is not less than `N`.
    pub fn finish(&mut self, lane: usize) -> A::Digest {
        let mut digest = A::Digest::default();
        let ended = &self.lanes[lane];
        let work = [((), ended.state, ended.end())];
        run::<A, _>(self.backend, work, |(), state| digest = A::digest(state));
        self.lanes[lane] = Lane::NEW;
        digest
    }

    /// The hashes of all lanes' messages, which end here: faster than one after the other. What comes
    /// next are the starts of others.
    pub fn finish_all(&mut self) -> [A::Digest; N] {
        let mut digests = [A::Digest::default(); N];
        let ended = self.lanes.iter().zip(&mut digests);
        let work = ended.map(|(lane, digest)| (digest, lane.state, lane.end()));
        run::<A, _>(self.backend, work, |digest, state| *digest = A::digest(state));
        self.lanes = [Lane::NEW; N];
        digests
    }
}

impl<A: Algorithm, const N: usize> Default for Lanes<A, N> {
    fn default() -> Self {
        Self::new(Backend::best())
    }
}

impl<A: Algorithm, const N: usize> fmt::Debug for Lanes<A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = self.lanes.each_ref().map(|lane| lane.length);
        f.debug_struct("Lanes")
            .field("backend", &self.backend)
            .field("lengths", &lengths)
            .finish_non_exhaustive()
    }
}

impl<A: Algorithm> Lane<A> {
    const NEW: Self = Self { state: A::START, length: 0, buffer: [0; 64] };

    /// How much of the buffer is in use.
    fn buffered(&self) -> usize {
        (self.length % 64) as usize
    }

    /// The blocks a chunk completes, if any, with the state they are for. The rest is buffered.
    fn take<'a>(&mut self, chunk: &'a [u8]) -> Option<(&mut A::State, A::State, Work<'a>)> {
        let buffered = self.buffered();
        let room = &mut self.buffer[buffered..];
        self.length = self.length.wrapping_add(chunk.len() as u64);
        if chunk.len() < room.len() {
            room[..chunk.len()].copy_from_slice(chunk);
            return None;
        }
        let (head, chunk) = if buffered == 0 {
            (None, chunk)
        } else {
            let (first, chunk) = chunk.split_at(room.len());
            room.copy_from_slice(first);
            (Some(self.buffer), chunk)
        };
        let (body, rest) = chunk.as_chunks();
        self.buffer[..rest.len()].copy_from_slice(rest);
        let state = self.state;
        Some((&mut self.state, state, Work::blocks(head, body)))
    }

    /// The message's last blocks.
    fn end(&self) -> Work<'_> {
        Work::end(&self.buffer[..self.buffered()], self.length)
    }
}
