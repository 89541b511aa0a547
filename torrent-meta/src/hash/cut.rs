//! A stream of bytes, cut into messages.

use alloc::vec::Vec;
use core::{fmt, iter, mem};

use super::algorithm::Algorithm;
use super::backend::Backend;
use super::lanes::Lanes;
use super::many::hash_many;

/// What messages may wait in until there are enough to hash them side by side.
const BUFFER: usize = 512 << 10;

/// Hashes a stream that is cut into messages of one length, several at a time where that is possible:
/// those that are whole in one slice, and short ones (of which at least two fit into 512 KiB) also
/// from slices of any size, after they have waited in a buffer.
#[derive(Clone)]
pub struct Cut<A: Algorithm> {
    backend: Backend,
    length: usize,
    /// How many messages are worth while hashing at once; zero if they are too long to wait.
    enough: usize,
    /// Messages that wait, one behind the other: so many bytes each. The last one may be begun only.
    buffer: Vec<u8>,
    waiting: Vec<usize>,
    begun: usize,
    /// The message that is begun, if messages are too long to wait.
    long: Lanes<A, 1>,
    done: Vec<A::Digest>,
}

impl<A: Algorithm> Cut<A> {
    /// Messages of so many bytes. Not zero.
    pub fn new(backend: Backend, length: usize) -> Self {
        let fit = BUFFER / length;
        Self {
            backend,
            length,
            enough: if fit < 2 { 0 } else { fit.min(4 * super::LANES) },
            buffer: Vec::new(),
            waiting: Vec::new(),
            begun: 0,
            long: Lanes::new(backend),
            done: Vec::new(),
        }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let missing = (self.length - self.begun) % self.length;
        let (end, bytes) = bytes.split_at(missing.min(bytes.len()));
        self.begin(end);
        if bytes.is_empty() {
            return;
        }
        // Now none is begun.
        let (whole, start) = bytes.split_at(bytes.len() - bytes.len() % self.length);
        if self.waiting.len() + whole.len() / self.length >= self.enough {
            self.hash(whole);
        } else {
            self.buffer.extend_from_slice(whole);
            self.waiting.extend(iter::repeat_n(self.length, whole.len() / self.length));
        }
        self.begin(start);
    }

    /// Goes on with a message, up to its end at most.
    fn begin(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.begun += bytes.len();
        if self.enough == 0 {
            self.long.advance([bytes]);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        if self.begun == self.length {
            self.end();
        }
    }

    /// Ends the message that is begun, if any.
    pub fn end(&mut self) {
        let length = mem::take(&mut self.begun);
        if length == 0 {
            return;
        }
        if self.enough == 0 {
            self.done.push(self.long.finish(0));
        } else {
            self.waiting.push(length);
            if self.waiting.len() >= self.enough {
                self.hash(&[]);
            }
        }
    }

    /// Hashes what waits and then these, while none is begun.
    fn hash(&mut self, whole: &[u8]) {
        let mut buffer = &self.buffer[..];
        let waiting = self.waiting.iter().map(|&length| {
            let (message, rest) = buffer.split_at(length);
            buffer = rest;
            message
        });
        let messages: Vec<&[u8]> = waiting.chain(whole.chunks(self.length)).collect();
        self.done.extend(hash_many::<A>(self.backend, &messages));
        self.buffer.clear();
        self.waiting.clear();
    }

    /// The hashes there are so far. Others wait.
    pub fn done(&self) -> &[A::Digest] {
        &self.done
    }

    /// Takes the first of the hashes there are.
    pub fn take(&mut self, count: usize) -> impl Iterator<Item = A::Digest> + '_ {
        self.done.drain(..count)
    }

    /// The hashes of all messages, the last of which ends here.
    pub fn finish(mut self) -> Vec<A::Digest> {
        self.flush();
        self.done
    }

    /// Ends the message that is begun, and hashes all that wait.
    pub fn flush(&mut self) {
        self.end();
        self.hash(&[]);
    }
}

impl<A: Algorithm> fmt::Debug for Cut<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut")
            .field("backend", &self.backend)
            .field("length", &self.length)
            .field("buffered", &self.buffer.len())
            .field("done", &self.done.len())
            .finish_non_exhaustive()
    }
}
