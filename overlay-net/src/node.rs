//! A node: a peer and its sockets.

use std::cmp::Reverse;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant as StdInstant};

use overlay_peer::{
    Address, Context, Decoded, LinkState, Peer, Reason, Time, Timer, Wire, input_seed,
};
use tokio::io::ReadBuf;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::{Instant, Sleep};

use crate::addresses::caller;
use crate::core::Core;
use crate::links::{Conn, Links};
use crate::store::{Done, Worker};
use crate::{Config, Stats, Store, connect};

/// A peer on real sockets.
///
/// Nothing happens by itself: whoever owns the node calls [`next`](Self::next), which drives all of it
/// until the peer tells its user something, and hands in commands between these calls. While nobody
/// calls, others wait, as they do for a slow host.
pub struct Node<P: Peer> {
    pub(crate) peer: P,
    pub(crate) core: Core<P>,
    /// The sockets whose turn it is.
    turns: Vec<u32>,
    /// Those that are not done with theirs.
    pub(crate) again: Vec<u32>,
    /// When the turn of the socket whose turn it is has taken long enough.
    pub(crate) slice: StdInstant,
    /// What is read from a socket.
    pub(crate) chunk: Box<[u8]>,
    sleep: Pin<Box<Sleep>>,
    /// When connections are let in again after the system had no room for more.
    no_accept_until: Time,
    /// When stalled links are looked for next.
    sweep_at: Time,
    /// When those that wait for a rate go on.
    refill_at: Time,
}

/// How it went to send what was queued; see [`Node::shut_down`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Bytes that were queued and not sent.
    pub unsent: usize,
    /// Reads and writes of stored data that had not ended.
    pub unwritten: usize,
}

/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// So much of one kind is done before something else has its turn.
const TURNS: usize = 64;
/// So many rounds before other tasks have theirs, and so long at most: what else is ready is only seen then.
const ROUNDS: usize = 16;
const POLL: Duration = Duration::from_millis(1);
/// One in so many connections is left for those that the peer opens.
const OWN: usize = 8;
/// How often stalled links are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// How often sockets that wait for a rate go on: a bucket holds a tenth of a second's worth.
const REFILL: Duration = Duration::from_millis(10);
/// How long no connection is let in after the system had no room for one.
const NO_ROOM: Duration = Duration::from_millis(250);

impl<P: Peer> Node<P> {
    /// Binds the sockets. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// The address can not be bound.
    pub async fn bind(peer: P, config: Config, store: Arc<dyn Store>) -> io::Result<Self> {
        let mut config = config;
        config.max_links = config.max_links.min(Links::MOST);
        let (mut listener, mut udp) = (None, None);
        let mut here = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        if let Some(address) = config.listen {
            let bound = TcpListener::bind(address).await?;
            here = bound.local_addr()?;
            if config.datagrams {
                let socket = UdpSocket::bind(here).await?;
                // So that it is known to take something from the first on.
                socket.writable().await?;
                udp = Some(socket);
            }
            listener = Some(bound);
        }
        tracing::info!(%here, listens = listener.is_some(), "bound");
        let worker = Worker::new(store, config.store_queue);
        Ok(Self {
            peer,
            core: Core::new(config, listener, udp, here, worker),
            turns: Vec::new(),
            again: Vec::new(),
            slice: StdInstant::now(),
            chunk: vec![0; CHUNK].into(),
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            no_accept_until: Time::ZERO,
            sweep_at: Time::ZERO,
            refill_at: Time::ZERO,
        })
    }

    /// The address it is bound to; as [`Context::here`](overlay_peer::Context::here).
    pub fn here(&self) -> Address {
        self.core.here
    }

    /// The peer's state.
    pub fn peer(&self) -> &P {
        &self.peer
    }

    /// What it counted.
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// Its clock, as the peer sees it: time since it was made.
    pub fn now(&self) -> Time {
        self.core.now
    }

    /// Hands the peer a command, now. What it sends goes out with the next call of
    /// [`next`](Self::next).
    pub fn command(&mut self, command: P::Command) {
        self.core.tick();
        self.input(|peer, cx| peer.command(command, cx));
    }

    /// Drives the peer until it tells its user something. If dropped before, nothing is lost.
    pub async fn next(&mut self) -> P::Event {
        // With always something to tell it would never rest, and nobody see what else is ready.
        tokio::task::coop::consume_budget().await;
        // It divides its time itself: tokio's budget counts single reads and writes.
        tokio::task::unconstrained(poll_fn(|cx| self.poll_next(cx))).await
    }

    /// Closes all links, sends what was queued on them, and waits for what is being stored: for
    /// `limit` at most. Who wants to take leave does that before, by a command. Events that come
    /// now are for `event`.
    pub async fn shut_down(mut self, limit: Duration, mut event: impl FnMut(P::Event)) -> Drained {
        self.core.listener = None;
        self.core.config.max_links = 0;
        for link in self.core.links.all() {
            self.core.retire(link);
        }
        let _ = tokio::time::timeout(limit, async {
            while self.core.worker.waiting > 0 || self.core.connections > 0 {
                let step = tokio::time::timeout(Duration::from_millis(20), self.next());
                if let Ok(told) = step.await {
                    event(told);
                }
            }
        })
        .await;
        let Core { stats, worker, .. } = &self.core;
        let drained = Drained { unsent: stats.queued, unwritten: worker.waiting };
        tracing::info!(unsent = drained.unsent, unwritten = drained.unwritten, "shut down");
        drained
    }

    /// [`next`](Self::next) for a task of one's own.
    pub fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<P::Event> {
        let until = StdInstant::now() + POLL;
        for _ in 0..ROUNDS {
            if let Some(event) = self.core.events.pop_front() {
                return Poll::Ready(event);
            }
            if !self.round(cx) {
                // What the round left to be said is said before it rests.
                if self.core.events.is_empty() {
                    return Poll::Pending;
                }
            }
            if StdInstant::now() >= until {
                break;
            }
        }
        match self.core.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Everything once; whether there may be more to do.
    fn round(&mut self, cx: &mut TaskContext<'_>) -> bool {
        self.core.tick();
        let mut more = self.notices();
        more |= self.outcomes(cx);
        more |= self.connected(cx);
        more |= self.accept(cx);
        more |= self.datagrams(cx);
        self.refill();
        more |= self.sockets(cx);
        more |= self.timers();
        self.flush_dirty();
        more |= !self.core.notices.is_empty() || !self.again.is_empty();
        more || self.rest(cx)
    }

    /// Hands an input to the peer.
    pub(crate) fn input(&mut self, input: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let core = &mut self.core;
        let seed = input_seed(core.config.seed, core.config.number, core.stats.inputs);
        core.stats.inputs += 1;
        let now = core.now;
        input(&mut self.peer, &mut Context::new(core, now, seed));
    }

    /// What became of links.
    fn notices(&mut self) -> bool {
        for _ in 0..self.core.notices.len().min(TURNS) {
            let Some((link, state)) = self.core.notices.pop_front() else { break };
            match state {
                LinkState::Closed(reason) => {
                    // The peer may have closed it in the meantime.
                    if !matches!(self.core.links.get(link), Some(Conn::Lost)) {
                        continue;
                    }
                    self.core.links.remove(link);
                    tracing::debug!(?link, ?reason, "closed");
                }
                LinkState::Writable => {
                    let Some(socket) = self.core.open_socket_mut(link) else { continue };
                    if !std::mem::replace(&mut socket.wants_writable, false) {
                        continue;
                    }
                    socket.congested = false;
                }
                LinkState::Congested | LinkState::Open { .. } => {
                    if self.core.links.socket(link).is_none() {
                        continue;
                    }
                }
            }
            self.input(|peer, cx| peer.link_changed(link, state, cx));
        }
        !self.core.notices.is_empty()
    }

    /// What was read and written.
    fn outcomes(&mut self, cx: &mut TaskContext<'_>) -> bool {
        for _ in 0..TURNS {
            let Poll::Ready(Some(done)) = self.core.worker.outcomes.poll_recv(cx) else {
                return false;
            };
            let Done { ticket, outcome, was_read } = done;
            self.core.worker.waiting -= 1;
            self.core.worker.reading -= usize::from(was_read);
            self.input(|peer, cx| peer.stored(ticket, outcome, cx));
        }
        true
    }

    /// Connections that we opened.
    fn connected(&mut self, cx: &mut TaskContext<'_>) -> bool {
        for _ in 0..TURNS {
            let Poll::Ready(Some(joined)) = self.core.connects.poll_join_next(cx) else {
                return false;
            };
            let Ok((link, result)) = joined else {
                // The peer closed it.
                self.core.connections -= 1;
                continue;
            };
            match (result, self.core.links.get(link)) {
                (Ok(stream), Some(Conn::Connecting(_))) => {
                    let Ok(remote) = stream.peer_addr() else {
                        self.core.connections -= 1;
                        self.core.lose(link, Reason::Remote);
                        continue;
                    };
                    let token = self.core.add_socket(stream, remote, false);
                    if let Some(conn) = self.core.links.get_mut(link) {
                        *conn = Conn::Open(token);
                    }
                    self.opened(link, token, remote, false);
                }
                (Err(reason), Some(Conn::Connecting(_))) => {
                    self.core.connections -= 1;
                    self.core.lose(link, reason);
                }
                _ => self.core.connections -= 1,
            }
        }
        true
    }

    fn opened(&mut self, link: overlay_peer::Link, token: u32, remote: Address, inbound: bool) {
        if let Some(socket) = self.core.socket(token) {
            socket.link = Some(link);
        }
        tracing::debug!(?link, %remote, inbound, "open");
        let state = LinkState::Open { remote, inbound };
        self.input(|peer, cx| peer.link_changed(link, state, cx));
    }

    /// Connections of others.
    fn accept(&mut self, cx: &mut TaskContext<'_>) -> bool {
        if self.core.now < self.no_accept_until {
            return false;
        }
        for _ in 0..TURNS {
            let Some(listener) = &self.core.listener else { return false };
            let (stream, remote) = match listener.poll_accept(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(accepted)) => accepted,
                Poll::Ready(Err(error)) => {
                    // No more files, say; it is no fault of those who are here.
                    tracing::warn!(%error, "can not accept a connection");
                    self.no_accept_until = self.core.now + NO_ROOM;
                    return false;
                }
            };
            let config = &self.core.config;
            let caller = caller(remote.ip());
            let callers = self.core.callers.get(&caller).copied().unwrap_or(0);
            // Whoever takes all the places can not keep this node from connecting to others.
            let most = config.max_links - config.max_links / OWN;
            if self.core.connections >= most || callers >= config.max_per_address {
                self.core.stats.turned_away += 1;
                continue;
            }
            connect::prepare(&stream, config.stall_timeout);
            self.core.connections += 1;
            *self.core.callers.entry(caller).or_default() += 1;
            let token = self.core.add_socket(stream, remote, true);
            let link = self.core.links.insert(Conn::Open(token));
            self.opened(link, token, remote, true);
        }
        true
    }

    fn datagrams(&mut self, cx: &mut TaskContext<'_>) -> bool {
        for _ in 0..TURNS {
            let Some(udp) = self.core.udp.clone() else { return false };
            let mut buffer = ReadBuf::new(&mut self.chunk);
            let from = match udp.poll_recv_from(cx, &mut buffer) {
                Poll::Pending => return false,
                // An answer to something sent, that nobody is there: datagrams may get lost.
                Poll::Ready(Err(_)) => continue,
                Poll::Ready(Ok(from)) => from,
            };
            let bytes = buffer.filled();
            self.core.stats.bytes_received += bytes.len() as u64;
            match P::Message::decode(Default::default(), bytes) {
                Ok(Decoded::Complete { value, consumed }) if consumed == bytes.len() => {
                    self.core.stats.received += 1;
                    self.input(|peer, cx| peer.datagram(from, value, cx));
                }
                _ => self.core.stats.malformed += 1,
            }
        }
        true
    }

    /// Sockets that can go on: each a little.
    fn sockets(&mut self, cx: &mut TaskContext<'_>) -> bool {
        self.core.ready.take(&mut self.turns, cx.waker());
        let mut turns = std::mem::take(&mut self.turns);
        turns.append(&mut self.again);
        for &token in &turns {
            self.turn(token);
            // What it caused goes out before the next one has its turn for long.
            if self.core.dirty.len() > TURNS {
                self.flush_dirty();
            }
        }
        let any = !turns.is_empty();
        turns.clear();
        self.turns = turns;
        any
    }

    fn timers(&mut self) -> bool {
        let mut any = false;
        // Those asked for meanwhile are for a later tick.
        while let Some(&Reverse((at, _, timer))) = self.core.timers.peek()
            && at <= self.core.now
        {
            self.core.timers.pop();
            self.input(|peer, cx| peer.wake(Timer(timer), cx));
            any = true;
        }
        if self.core.now >= self.sweep_at {
            self.sweep_at = self.core.now + SWEEP;
            self.sweep();
        }
        any
    }

    /// Gives up what does not go on.
    fn sweep(&mut self) {
        let (now, stall) = (self.core.now, self.core.config.stall_timeout);
        for token in 0..self.core.sockets.len() as u32 {
            let Some(socket) = self.core.socket(token) else { continue };
            match socket.link {
                None if now >= socket.deadline => self.core.drop_socket(token),
                // Is there still something on its way to it?
                Some(_) if socket.half_closed => socket.ring(),
                Some(link) if socket.queued() > 0 && now.since(socket.progress) >= stall => {
                    self.core.lose(link, Reason::TimedOut);
                }
                _ => {}
            }
        }
    }

    /// Sets the alarm; whether it is due already.
    fn rest(&mut self, cx: &mut TaskContext<'_>) -> bool {
        if self.core.config.clock.is_some() {
            return false;
        }
        let mut next = self.core.timers.peek().map_or(Time::MAX, |Reverse((at, ..))| *at);
        if self.core.connections > 0 {
            next = next.min(self.sweep_at);
        }
        if self.no_accept_until > self.core.now {
            next = next.min(self.no_accept_until);
        }
        if !self.core.throttled.is_empty() {
            next = next.min(self.refill_at);
        }
        if next == Time::MAX {
            return false;
        }
        let delay = next.since(self.core.now);
        self.sleep.as_mut().reset(Instant::now() + delay);
        self.sleep.as_mut().poll(cx).is_ready()
    }

    /// Sockets that waited for a rate go on.
    fn refill(&mut self) {
        if self.core.throttled.is_empty() || self.core.now < self.refill_at {
            return;
        }
        self.refill_at = self.core.now + REFILL;
        for token in std::mem::take(&mut self.core.throttled) {
            if let Some(socket) = self.core.socket(token) {
                socket.throttled = false;
                self.again.push(token);
            }
        }
    }
}

impl<P: Peer> core::fmt::Debug for Node<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node")
            .field("here", &self.core.here)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
