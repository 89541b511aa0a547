//! The tests that send to the server's other address: the mapping, two clients with one port, and
//! whether the server answers from elsewhere at all, seen through a door that is open.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec;

use overlay_peer::Time;

use super::exchange::{Ask, Exchange, Exchanges, Standing};
use super::series::{Expect, Outcome, Request, Series};
use super::socket::{Asked, Opened};
use super::{Fresh, Reason};

/// Of one socket: what each destination sees.
#[derive(Debug)]
pub(super) struct Destinations {
    server: SocketAddr,
    other: SocketAddr,
    /// Whether the server named the other address, so that it also has the two others.
    named: bool,
    socket: Opened,
    deadline: Time,
    before: Exchange,
    /// Other address and server's port; other address; server's address and other port.
    elsewhere: Option<[Exchange; 3]>,
    after: Option<Exchange>,
    doors: Option<[Series; 2]>,
    /// Which doors have something to show.
    wanted: [bool; 2],
    collision: Option<Pair>,
}

/// What destinations saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The server, before and after the others.
    pub(super) server: [Result<SocketAddr, Reason>; 2],
    /// At the other address and the server's port.
    pub(super) same_port: Result<SocketAddr, Reason>,
    /// At the other address and port.
    pub(super) other: Result<SocketAddr, Reason>,
    /// Whether answers from elsewhere come in where they can not be filtered.
    pub(super) doors: [Outcome; 2],
    /// What server and other address see of the second client.
    pub(super) collision: Result<[SocketAddr; 2], Reason>,
}

impl Seen {
    /// Before anything was tried.
    pub(super) const fn untried(reason: Reason) -> Self {
        Self {
            server: [Err(reason); 2],
            same_port: Err(reason),
            other: Err(reason),
            doors: [Outcome::Unclear(reason); 2],
            collision: Err(reason),
        }
    }
}

/// What the other address is, and who says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    pub(super) address: SocketAddr,
    pub(super) named: bool,
}

impl Destinations {
    pub(super) fn new(
        server: SocketAddr,
        other: Other,
        socket: Asked,
        wanted: [bool; 2],
        pair: Option<[Fresh; 2]>,
        (now, deadline): (Time, Time),
    ) -> Self {
        let Other { address: other, named } = other;
        Self {
            server,
            other,
            named,
            before: Exchange::new(socket.id, server, Exchange::QUICK, now),
            socket: socket.into(),
            deadline,
            elsewhere: None,
            after: None,
            doors: None,
            wanted,
            collision: pair.map(|pair| Pair::new(pair, other, now)),
        }
    }

    /// When to look again; `None`: it is over.
    pub(super) fn poll(&mut self, net: &mut Exchanges, now: Time, reflects: bool) -> Option<Time> {
        if now >= self.deadline {
            return None;
        }
        let pair = self.collision.as_mut().and_then(|pair| pair.poll(net, now, self.server));
        let own = self.poll_own(net, now, reflects);
        [pair, own].into_iter().flatten().min().map(|next| next.min(self.deadline))
    }

    fn poll_own(&mut self, net: &mut Exchanges, now: Time, reflects: bool) -> Option<Time> {
        if let Standing::Waiting(until) = self.before.poll(net, now) {
            return Some(until);
        }
        let (id, server, other) = (self.socket.id, self.server, self.other);
        let elsewhere = self.elsewhere.get_or_insert_with(|| {
            let exchange = |to| Exchange::new(id, to, Exchange::QUICK, now);
            [
                exchange(SocketAddr::new(other.ip(), server.port())),
                exchange(other),
                exchange(SocketAddr::new(server.ip(), other.port())),
            ]
        });
        // An address that was given by hand has only one port, and opens no doors.
        let (used, rest) = match (self.named, &mut *elsewhere) {
            (true, all) => (&mut all[..], None),
            (false, [_, other, _]) => (core::slice::from_mut(other), Some(())),
        };
        let mut next = None;
        for exchange in used {
            if let Standing::Waiting(until) = exchange.poll(net, now) {
                next = Some(next.map_or(until, |next: Time| next.min(until)));
            }
        }
        if next.is_some() {
            return next;
        }
        let after =
            self.after.get_or_insert_with(|| Exchange::new(id, server, Exchange::QUICK, now));
        let mut next = match after.poll(net, now) {
            Standing::Waiting(until) => Some(until),
            _ => None,
        };
        if rest.is_none() && self.wanted != [false; 2] {
            if self.doors.is_none() {
                self.doors = Some(self.open(net, now, reflects));
            }
            // The doors' answers are wanted for some seconds, as those that may be filtered were.
            let deadline = self.deadline;
            for (door, wanted) in self.doors.iter_mut().flatten().zip(self.wanted) {
                if wanted && let Some(until) = door.poll(net, now, deadline) {
                    next = Some(next.map_or(until, |next| next.min(until)));
                }
            }
        }
        next
    }

    /// Requests for answers from elsewhere, to where they can not be filtered: this socket has sent to
    /// where they come from. Where the mapping depends on the destination, the answer must go to the
    /// port that was seen there.
    fn open(&mut self, net: &mut Exchanges, now: Time, reflects: bool) -> [Series; 2] {
        let (id, server) = (self.socket.id, self.server);
        let mut of = |exchange: &mut Exchange| match exchange.poll(net, now) {
            Standing::Answered { mapped, .. } => Some(mapped),
            _ => None,
        };
        let home = of(&mut self.before);
        let [other, other_port] = match &mut self.elsewhere {
            Some([_, other, other_port]) => [of(other), of(other_port)],
            None => [None; 2],
        };
        let door = |ip, source, mapped: Option<SocketAddr>| {
            let response_port = mapped.filter(|_| reflects && mapped != home).map(|m| m.port());
            let ask = Ask { response_port, ..Ask::change(ip, true) };
            let request = Request { socket: id, to: server, ask };
            let control = Request { socket: id, to: server, ask: Ask::PLAIN };
            Series::new(vec![(request, Expect::From { source, on: id })], vec![control], now)
        };
        let same_address = SocketAddr::new(server.ip(), self.other.port());
        [door(true, self.other, other), door(false, same_address, other_port)]
    }

    pub(super) fn finish(mut self, net: &mut Exchanges, now: Time) -> Seen {
        let mut of = |exchange: Option<&mut Exchange>| match exchange {
            None => Err(Reason::OutOfTime),
            Some(exchange) => match exchange.poll(net, now) {
                Standing::Answered { mapped, .. } => Ok(mapped),
                Standing::Failed(reason) => Err(reason),
                Standing::Waiting(_) => Err(exchange.failure(net)),
            },
        };
        let before = of(Some(&mut self.before));
        let after = of(self.after.as_mut());
        let [same_port, other] = match &mut self.elsewhere {
            Some([same_port, other, _]) if self.named => [of(Some(same_port)), of(Some(other))],
            Some([_, other, _]) => [Err(Reason::NoOtherAddress), of(Some(other))],
            None => [Err(Reason::OutOfTime); 2],
        };
        let collision = match self.collision {
            Some(pair) => pair.finish(net, now),
            None => Err(Reason::NoSecondAddress),
        };
        let doors = match self.doors {
            Some(doors) => doors.map(|door| door.outcome(net)),
            None => [Outcome::Unclear(Reason::OutOfTime); 2],
        };
        Seen { server: [before, after], same_port, other, doors, collision }
    }
}

/// Two inside addresses with one port. The first holds it towards the other address; then the second
/// asks the server, where the port is free, and the other address, where it is not.
#[derive(Debug)]
struct Pair {
    second: Opened,
    other: SocketAddr,
    holds: Exchange,
    asks: Option<[Exchange; 2]>,
}

impl Pair {
    fn new([first, second]: [Fresh; 2], other: SocketAddr, now: Time) -> Self {
        Self {
            holds: Exchange::new(first.id, other, Exchange::QUICK, now),
            second: second.into(),
            other,
            asks: None,
        }
    }

    fn poll(&mut self, net: &mut Exchanges, now: Time, server: SocketAddr) -> Option<Time> {
        match self.holds.poll(net, now) {
            Standing::Waiting(until) => return Some(until),
            Standing::Failed(_) => return None,
            Standing::Answered { .. } => {}
        }
        let (id, other) = (self.second.id, self.other);
        let [first, then] = self.asks.get_or_insert_with(|| {
            let exchange = |to, after| Exchange::new(id, to, Exchange::QUICK, now + after);
            [exchange(server, Duration::ZERO), exchange(other, Duration::from_millis(50))]
        });
        let waiting = |standing| match standing {
            Standing::Waiting(until) => Some(until),
            _ => None,
        };
        let next = [waiting(first.poll(net, now)), waiting(then.poll(net, now))];
        next.into_iter().flatten().min()
    }

    fn finish(mut self, net: &mut Exchanges, now: Time) -> Result<[SocketAddr; 2], Reason> {
        let Some([server, other]) = &mut self.asks else { return Err(self.holds.failure(net)) };
        let mut of = |exchange: &mut Exchange| match exchange.poll(net, now) {
            Standing::Answered { mapped, .. } => Ok(mapped),
            Standing::Failed(reason) => Err(reason),
            Standing::Waiting(_) => Err(exchange.failure(net)),
        };
        Ok([of(server)?, of(other)?])
    }
}
