//! A socket's turn: what it received goes to the peer, one message after another.

use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use overlay_peer::{Decoded, Link, LinkState, Peer, Reason, Wire};

use crate::coding::BadStream;
use crate::connect;
use crate::node::Node;

/// So many messages of one link are handled before others have their turn.
const MESSAGES: usize = 64;
/// So often a link reads, or inflates, in one turn.
const STEPS: usize = 4;
/// So long a turn may take, more or less, whatever the messages cost.
const SLICE: Duration = Duration::from_micros(250);
/// After so many messages the clock is looked at.
const GLANCE: usize = 8;

/// What a step of a turn left.
enum Step {
    /// There may be more.
    More,
    /// Nothing can be done until something happens.
    Wait,
}

impl<P: Peer> Node<P> {
    /// A socket's turn.
    pub(crate) fn turn(&mut self, token: u32) {
        let Some(socket) = self.core.socket(token) else { return };
        socket.answer();
        self.slice = Instant::now() + SLICE;
        if socket.queued() > 0 || socket.link.is_none() {
            self.core.flush(token);
        }
        for _ in 0..STEPS {
            let Some(socket) = self.core.socket(token) else { return };
            let step = match socket.link {
                Some(link) => self.step(token, link),
                None => self.drain(token),
            };
            if let Step::Wait = step {
                if let Some(socket) = self.core.socket(token) {
                    socket.release_input();
                }
                return;
            }
            if Instant::now() >= self.slice {
                break;
            }
        }
        self.again.push(token);
    }

    fn step(&mut self, token: u32, link: Link) -> Step {
        let Some(socket) = self.core.socket(token) else { return Step::Wait };
        if socket.paused {
            return Step::Wait;
        }
        if socket.backlog {
            let mut input = std::mem::take(&mut socket.input);
            let taken = self.take_messages(token, link, &input);
            input.advance(taken.bytes);
            self.keep(token, link, input, taken.packed_from_here);
            return Step::More;
        }
        if let Some(inflater) = &socket.inflater
            && (inflater.has_more() || !socket.packed.is_empty())
        {
            return self.inflate(token, link);
        }
        if let Some(reason) = socket.ended {
            // Everything that came is handed over.
            if !self.core.owes(token) {
                self.closed(link, reason);
            }
            return Step::Wait;
        }
        self.read(token, link)
    }

    fn read(&mut self, token: u32, link: Link) -> Step {
        let now = self.core.now;
        let room = self.core.receive_rate.available(now).min(self.chunk.len());
        if room == 0 {
            self.core.throttle(token);
            return Step::Wait;
        }
        let Some(Some(socket)) = self.core.sockets.get_mut(token as usize) else {
            return Step::Wait;
        };
        let read = match socket.read(&mut self.chunk[..room]) {
            Poll::Pending => return Step::Wait,
            Poll::Ready(Ok(0)) => {
                socket.ended = Some(Reason::Remote);
                socket.half_closed = true;
                socket.progress = now;
                return Step::More;
            }
            Poll::Ready(Ok(read)) => read,
            Poll::Ready(Err(error)) => {
                socket.ended = Some(connect::reason(&error));
                return Step::More;
            }
        };
        self.core.stats.bytes_received += read as u64;
        self.core.receive_rate.take(read);
        if socket.inflater.is_some() {
            socket.packed.extend_from_slice(&self.chunk[..read]);
            self.core.stats.unread += read;
            return Step::More;
        }
        if !socket.input.is_empty() {
            socket.input.extend_from_slice(&self.chunk[..read]);
            self.core.stats.unread += read;
            if socket.input.len() >= socket.needed {
                socket.backlog = true;
            } else {
                self.check_input(token, link);
            }
            return Step::More;
        }
        // Most messages are whole: they are taken from where they were read to.
        let chunk = std::mem::take(&mut self.chunk);
        self.core.stats.unread += read;
        let taken = self.take_messages(token, link, &chunk[..read]);
        let rest = BytesMut::from(&chunk[taken.bytes..read]);
        self.keep(token, link, rest, taken.packed_from_here);
        self.chunk = chunk;
        Step::More
    }

    /// Inflates a little.
    fn inflate(&mut self, token: u32, link: Link) -> Step {
        let Some(Some(socket)) = self.core.sockets.get_mut(token as usize) else {
            return Step::Wait;
        };
        let before = socket.unread();
        let Some(inflater) = &mut socket.inflater else { return Step::Wait };
        let inflated = inflater.inflate(&mut socket.packed, &mut socket.input);
        self.core.stats.unread = self.core.stats.unread + socket.unread() - before;
        match inflated {
            Ok(0) => {}
            Ok(_) if socket.input.len() >= socket.needed => socket.backlog = true,
            Ok(_) => self.check_input(token, link),
            Err(BadStream) => {
                tracing::debug!(?link, "no zlib stream");
                self.malformed(link);
                return Step::Wait;
            }
        }
        Step::More
    }

    /// Hands messages to the peer, from the start of `bytes`, which are all that the link has.
    fn take_messages(&mut self, token: u32, link: Link, bytes: &[u8]) -> Taken {
        let mut at = 0;
        for message in 0..MESSAGES {
            if message % GLANCE == GLANCE - 1 && Instant::now() >= self.slice {
                break;
            }
            let Some(socket) = self.core.socket(token).filter(|it| it.link == Some(link)) else {
                return Taken::plain(at);
            };
            let rest = &bytes[at..];
            // A pause is for what is there.
            socket.backlog = socket.paused && !rest.is_empty();
            if rest.is_empty() || socket.paused {
                socket.needed = 1;
                return Taken::plain(at);
            }
            let inflates = socket.inflater.is_some();
            match P::Message::decode(socket.phase, rest) {
                Ok(Decoded::Complete { value, consumed }) => {
                    let consumed = consumed.clamp(1, rest.len());
                    at += consumed;
                    self.core.stats.unread -= consumed;
                    self.core.stats.received += 1;
                    let kind = P::Message::kind_name(value.kind());
                    tracing::trace!(?link, kind, "received");
                    self.input(|peer, cx| peer.receive(link, value, cx));
                }
                Ok(Decoded::Partial { needed }) => {
                    socket.needed = rest.len().saturating_add(needed.max(1));
                    return Taken::plain(at);
                }
                Err(error) => {
                    tracing::debug!(?link, %error, "malformed");
                    self.core.stats.unread -= rest.len();
                    self.malformed(link);
                    return Taken::plain(bytes.len());
                }
            }
            // The message may have been the last that is not packed.
            if self.core.socket(token).is_some_and(|it| it.inflater.is_some() != inflates) {
                return Taken { bytes: at, packed_from_here: true };
            }
        }
        if let Some(socket) = self.core.socket(token) {
            socket.backlog = at < bytes.len();
        }
        Taken::plain(at)
    }

    /// Keeps what is left of a link's bytes; they are counted already.
    fn keep(&mut self, token: u32, link: Link, rest: BytesMut, packed: bool) {
        let length = rest.len();
        match self.core.socket(token) {
            Some(socket) if socket.link == Some(link) => {
                if packed {
                    socket.packed = rest;
                } else {
                    socket.input = rest;
                }
                self.check_input(token, link);
            }
            _ => self.core.stats.unread -= length,
        }
    }

    /// Who sends much that is no message is not waited for.
    fn check_input(&mut self, token: u32, link: Link) {
        let limit = self.core.config.input_limit;
        let Some(socket) = self.core.socket(token) else { return };
        if !socket.backlog && socket.input.len().max(socket.needed) > limit {
            tracing::debug!(?link, limit, "a message longer than the limit");
            self.malformed(link);
        }
    }

    fn malformed(&mut self, link: Link) {
        self.core.stats.malformed += 1;
        self.closed(link, Reason::Malformed);
    }

    /// The link is over: the socket sends what is queued, if it can, and the peer is told.
    fn closed(&mut self, link: Link, reason: Reason) {
        self.core.retire(link);
        tracing::debug!(?link, ?reason, "closed");
        self.input(|peer, cx| peer.link_changed(link, LinkState::Closed(reason), cx));
    }

    /// A socket that its peer has closed: when all is sent, it says so, and waits for the other side to do
    /// the same. To close while something unread comes in would destroy what is still on its way.
    fn drain(&mut self, token: u32) -> Step {
        let room = self.core.receive_rate.available(self.core.now).min(self.chunk.len());
        let Some(Some(socket)) = self.core.sockets.get_mut(token as usize) else {
            return Step::Wait;
        };
        if socket.ended.is_some() {
            // The other side may still read.
            if socket.queued() == 0 {
                self.core.drop_socket(token);
            }
            return Step::Wait;
        }
        if room == 0 {
            self.core.throttle(token);
            return Step::Wait;
        }
        match socket.read(&mut self.chunk[..room]) {
            Poll::Pending => Step::Wait,
            Poll::Ready(Ok(0)) => {
                socket.ended = Some(Reason::Remote);
                Step::More
            }
            Poll::Ready(Ok(read)) => {
                self.core.stats.bytes_received += read as u64;
                self.core.receive_rate.take(read);
                Step::More
            }
            Poll::Ready(Err(_)) => {
                self.core.drop_socket(token);
                Step::Wait
            }
        }
    }

    /// Sends what is queued on the sockets that have something new.
    pub(crate) fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.core.dirty);
        for token in dirty.drain(..) {
            if let Some(socket) = self.core.socket(token) {
                socket.dirty = false;
                self.core.flush(token);
            }
        }
        // Nothing becomes dirty by sending.
        self.core.dirty = dirty;
    }
}

/// How far messages were taken.
struct Taken {
    bytes: usize,
    /// What follows has to be inflated first.
    packed_from_here: bool,
}

impl Taken {
    const fn plain(bytes: usize) -> Self {
        Self { bytes, packed_from_here: false }
    }
}
