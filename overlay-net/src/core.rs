//! Everything of a node but its peer: what the peer's effects act upon.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use overlay_peer::{Address, Link, LinkState, Peer, Reason, Time, Timer, Wire};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use crate::addresses::caller;
use crate::coding::Deflater;
use crate::links::{Conn, Links};
use crate::rate::Rate;
use crate::ready::Ready;
use crate::socket::Socket;
use crate::store::Worker;
use crate::{Config, Stats, connect, is_public};

/// How long a connection that is closed here waits for the other side to close it, too.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) type Phase<P> = <<P as Peer>::Message as Wire>::Phase;

pub(crate) struct Core<P: Peer> {
    pub config: Config,
    started: Instant,
    /// The time of the input under way, or of the turn.
    pub now: Time,
    pub here: Address,
    pub listener: Option<TcpListener>,
    pub udp: Option<Arc<UdpSocket>>,
    pub links: Links,
    pub sockets: Vec<Option<Socket<Phase<P>>>>,
    free: Vec<u32>,
    /// How many connections there are, those being opened included.
    pub connections: usize,
    /// How many came from each address.
    pub callers: BTreeMap<IpAddr, usize>,
    pub connects: JoinSet<(Link, Result<TcpStream, Reason>)>,
    pub ready: Arc<Ready>,
    /// Sockets with something new to send.
    pub dirty: Vec<u32>,
    /// Sockets that wait for the rate of receiving, and of sending.
    pub throttled: Vec<u32>,
    pub receive_rate: Rate,
    pub send_rate: Rate,
    pub deflater: Deflater,
    /// When, in which order they were asked for, and the timer.
    pub timers: BinaryHeap<Reverse<(Time, u64, u32)>>,
    timers_asked: u64,
    /// What peers are to be told of their links.
    pub notices: VecDeque<(Link, LinkState)>,
    pub events: VecDeque<P::Event>,
    pub worker: Worker,
    pub scratch: BytesMut,
    pub stats: Stats,
}

impl<P: Peer> Core<P> {
    pub fn new(
        config: Config,
        listener: Option<TcpListener>,
        udp: Option<UdpSocket>,
        here: SocketAddr,
        worker: Worker,
    ) -> Self {
        let mut core = Self {
            started: Instant::now(),
            now: Time::ZERO,
            here,
            listener,
            udp: udp.map(Arc::new),
            links: Links::default(),
            sockets: Vec::new(),
            free: Vec::new(),
            connections: 0,
            callers: BTreeMap::new(),
            connects: JoinSet::new(),
            ready: Arc::default(),
            dirty: Vec::new(),
            throttled: Vec::new(),
            receive_rate: Rate::new(config.receive_rate, Time::ZERO),
            send_rate: Rate::new(config.send_rate, Time::ZERO),
            deflater: Deflater::new(),
            timers: BinaryHeap::new(),
            timers_asked: 0,
            notices: VecDeque::new(),
            events: VecDeque::new(),
            worker,
            scratch: BytesMut::new(),
            stats: Stats::default(),
            config,
        };
        core.tick();
        core.receive_rate = Rate::new(core.config.receive_rate, core.now);
        core.send_rate = Rate::new(core.config.send_rate, core.now);
        core
    }

    /// Looks at the clock.
    pub fn tick(&mut self) {
        let now = match &self.config.clock {
            Some(clock) => clock(),
            None => {
                let micros = u64::try_from(self.started.elapsed().as_micros());
                Time::from_micros(micros.unwrap_or(u64::MAX))
            }
        };
        self.now = self.now.max(now);
    }

    pub fn socket(&mut self, token: u32) -> Option<&mut Socket<Phase<P>>> {
        self.sockets.get_mut(token as usize)?.as_mut()
    }

    pub fn open_socket(&self, link: Link) -> Option<&Socket<Phase<P>>> {
        self.sockets.get(self.links.socket(link)? as usize)?.as_ref()
    }

    pub fn open_socket_mut(&mut self, link: Link) -> Option<&mut Socket<Phase<P>>> {
        let token = self.links.socket(link)?;
        self.socket(token)
    }

    /// Takes a connection in; it counts already.
    pub fn add_socket(&mut self, stream: TcpStream, remote: Address, inbound: bool) -> u32 {
        let token = self.free.pop().unwrap_or_else(|| {
            self.sockets.push(None);
            self.sockets.len() as u32 - 1
        });
        let socket = Socket::new(stream, token, &self.ready, remote, inbound, self.now);
        // It may have something to read already.
        socket.ring();
        self.sockets[token as usize] = Some(socket);
        token
    }

    /// Ends a connection at once.
    pub fn drop_socket(&mut self, token: u32) {
        let Some(socket) = self.sockets.get_mut(token as usize).and_then(Option::take) else {
            return;
        };
        self.free.push(token);
        self.stats.queued -= socket.queued();
        self.stats.unread -= socket.unread();
        self.connections -= 1;
        if socket.inbound {
            self.forget_caller(caller(socket.remote.ip()));
        }
    }

    fn forget_caller(&mut self, address: IpAddr) {
        if let Some(count) = self.callers.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.callers.remove(&address);
            }
        }
    }

    /// Loses a link: its socket is gone, and the peer will be told.
    pub fn lose(&mut self, link: Link, reason: Reason) {
        if let Some(token) = self.links.socket(link) {
            self.drop_socket(token);
        }
        if let Some(conn) = self.links.get_mut(link)
            && !matches!(conn, Conn::Lost)
        {
            *conn = Conn::Lost;
            self.notices.push_back((link, LinkState::Closed(reason)));
        }
    }

    /// The peer, or what its link received, closed a link: what is queued is still sent.
    pub fn retire(&mut self, link: Link) {
        match self.links.remove(link) {
            Some(Conn::Connecting(task)) => task.abort(),
            Some(Conn::Open(token)) => {
                let deadline = self.now + self.config.close_timeout;
                let Some(socket) = self.socket(token) else { return };
                socket.link = None;
                socket.deadline = deadline;
                // What has come is of no interest any more, also to who looks how much it is.
                let unread = socket.unread();
                socket.input = BytesMut::new();
                socket.packed = BytesMut::new();
                socket.inflater = None;
                socket.backlog = false;
                self.stats.unread -= unread;
                self.mark_dirty(token);
            }
            Some(Conn::Lost) | None => {}
        }
    }

    pub fn mark_dirty(&mut self, token: u32) {
        if let Some(socket) = self.socket(token)
            && !std::mem::replace(&mut socket.dirty, true)
        {
            self.dirty.push(token);
        }
    }

    pub fn connect(&mut self, to: Address) -> Link {
        let forbidden = !self.config.allow_private && !is_public(to.ip());
        if forbidden || to.port() == 0 || self.connections >= self.config.max_links {
            if forbidden {
                self.stats.forbidden += 1;
                tracing::debug!(%to, "not a public address: not connected to");
            }
            let link = self.links.insert(Conn::Lost);
            self.notices.push_back((link, LinkState::Closed(Reason::Unreachable)));
            return link;
        }
        self.connections += 1;
        let link = self.links.insert(Conn::Lost);
        let (limit, probe) = (self.config.connect_timeout, self.config.stall_timeout);
        let from = self.config.listen.map(|listen| listen.ip());
        let task =
            self.connects.spawn(async move { (link, connect::open(from, to, limit, probe).await) });
        if let Some(conn) = self.links.get_mut(link) {
            *conn = Conn::Connecting(task);
        }
        link
    }

    pub fn send(&mut self, link: Link, message: &P::Message) {
        let (now, config) = (self.now, &self.config);
        let (congested_above, limit) = (config.congested_above, config.queue_limit);
        let Some(token) = self.links.socket(link) else {
            self.stats.dropped += 1;
            return;
        };
        let Some(Some(socket)) = self.sockets.get_mut(token as usize) else { return };
        let before = socket.queued();
        if before == 0 {
            socket.progress = now;
        }
        message.encode(socket.outgoing());
        let queued = socket.queued();
        self.stats.queued += queued - before;
        self.stats.sent += 1;
        tracing::trace!(?link, kind = P::Message::kind_name(message.kind()), "sent");
        if queued > limit {
            return self.lose_slow(link);
        }
        if queued > congested_above && !std::mem::replace(&mut socket.congested, true) {
            self.notices.push_back((link, LinkState::Congested));
        }
        if !std::mem::replace(&mut socket.dirty, true) {
            self.dirty.push(token);
        }
        if self.stats.queued > self.config.total_queue_limit {
            self.lose_longest();
        }
    }

    fn lose_slow(&mut self, link: Link) {
        tracing::debug!(?link, "slow");
        self.stats.slow += 1;
        self.lose(link, Reason::Slow);
    }

    /// All links together have too much queued: who reads slowest pays.
    fn lose_longest(&mut self) {
        let sockets = self.sockets.iter().enumerate();
        let longest = sockets
            .filter_map(|(token, socket)| Some((socket.as_ref()?.queued(), token)))
            .max_by_key(|&(queued, token)| (queued, Reverse(token)));
        let Some((_, token)) = longest else { return };
        match self.socket(token as u32).and_then(|socket| socket.link) {
            Some(link) => self.lose_slow(link),
            None => self.drop_socket(token as u32),
        }
    }

    pub fn send_to(&mut self, to: Address, message: &P::Message) {
        if !self.config.allow_private && !is_public(to.ip()) {
            self.stats.forbidden += 1;
            return;
        }
        let Some(udp) = &self.udp else {
            self.stats.dropped += 1;
            return;
        };
        self.scratch.clear();
        message.encode(&mut self.scratch);
        let length = self.scratch.len();
        let room = self.send_rate.available(self.now) >= length;
        // Datagrams may get lost, and one for which there is no room is.
        if room && udp.try_send_to(&self.scratch, to).is_ok() {
            self.send_rate.take(length);
            self.stats.sent += 1;
            self.stats.bytes_sent += length as u64;
        } else {
            self.stats.dropped += 1;
        }
    }

    pub fn wake_after(&mut self, delay: Duration, timer: Timer) {
        let tick = self.config.tick.as_micros().max(1);
        // As overlay-sim: the next tick at the earliest.
        let ticks = delay.as_micros().div_ceil(tick).max(1);
        let micros = u64::try_from(ticks.saturating_mul(tick)).unwrap_or(u64::MAX);
        let at = self.now + Duration::from_micros(micros);
        self.timers.push(Reverse((at, self.timers_asked, timer.0)));
        self.timers_asked += 1;
    }

    pub fn when_writable(&mut self, link: Link) {
        let below = self.config.writable_below;
        let Some(socket) = self.open_socket_mut(link) else { return };
        if std::mem::replace(&mut socket.wants_writable, true) {
            return;
        }
        if socket.queued() <= below {
            self.notices.push_back((link, LinkState::Writable));
        }
    }

    /// Sends what it can of what is queued on a socket.
    pub fn flush(&mut self, token: u32) {
        let (now, below) = (self.now, self.config.writable_below);
        let most = self.send_rate.available(now);
        let Some(Some(socket)) = self.sockets.get_mut(token as usize) else { return };
        let before = socket.queued();
        let result = match before {
            0 => Ok((0, false)),
            _ => socket.flush(&mut self.deflater, most, now),
        };
        let queued = socket.queued();
        self.stats.queued = self.stats.queued + queued - before;
        let (sent, throttled) = match result {
            Ok(done) => done,
            Err(error) => {
                if socket.link.is_none() {
                    return self.drop_socket(token);
                }
                // Its end is told when what had come before is handed over.
                self.stats.queued -= queued;
                socket.discard_output();
                socket.half_closed = false;
                socket.ended = Some(connect::reason(&error));
                return socket.ring();
            }
        };
        self.send_rate.take(sent);
        self.stats.bytes_sent += sent as u64;
        match socket.link {
            Some(link) if socket.wants_writable && queued <= below && before > below => {
                self.notices.push_back((link, LinkState::Writable));
            }
            None if queued == 0 && !socket.is_shut() => {
                socket.shut();
                socket.deadline = socket.deadline.min(now + LINGER);
                // To be read until its end.
                socket.ring();
            }
            // That may have been all.
            Some(_) if queued == 0 && socket.half_closed => socket.ring(),
            _ => {}
        }
        if throttled {
            self.throttle(token);
        }
    }

    /// Whether something may still be on its way to a link whose other side sends no more, but reads: a
    /// program that asks for a file may do that. It is closed when there is nothing more, or nothing went
    /// out for a while.
    pub fn owes(&self, token: u32) -> bool {
        let Some(Some(socket)) = self.sockets.get(token as usize) else { return false };
        let due = socket.queued() > 0 || socket.wants_writable || self.worker.reading > 0;
        socket.half_closed && due && self.now.since(socket.progress) < self.config.close_timeout
    }

    /// A socket waits for the rate of sending or receiving.
    pub fn throttle(&mut self, token: u32) {
        if let Some(socket) = self.socket(token)
            && !std::mem::replace(&mut socket.throttled, true)
        {
            self.throttled.push(token);
        }
    }

    pub fn stats(&self) -> Stats {
        Stats { links: self.connections, ..self.stats }
    }
}
