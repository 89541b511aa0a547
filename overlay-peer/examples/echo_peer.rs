//! Shows the whole contract at work in one file: a protocol whose framing depends on what came
//! before, a peer that speaks both of its sides, and a small driver that carries the bytes of two
//! such peers over a slow line in memory.
//!
//! `cargo run -p overlay-peer --example echo_peer`

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Reason, StoreError, Ticket,
    Time, Timer, Wire, input_seed,
};

fn main() {
    let mut world = World::new();
    let server = world.hosts[1].address;
    world.input(0, Input::Command(Say { to: server, text: "hello, is there anybody?".into() }));
    let nobody = Address::from(([192, 0, 2, 99], 7));
    world.input(0, Input::Command(Say { to: nobody, text: "and you?".into() }));
    world.run();
}

// ---- The protocol: a head of four bytes that says how long the body is, then the body.

#[derive(Clone, Debug, PartialEq)]
enum Message {
    Head {
        len: u32,
    },
    /// Any piece of the body: it need not come at once.
    Body(Bytes),
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Head,
    Body {
        left: u32,
    },
}

#[derive(Debug, thiserror::Error)]
#[error("offset 0: a body of {len} bytes, at most {MAX_LEN} are allowed")]
struct TooLong {
    len: u32,
}

const MAX_LEN: u32 = 1 << 20;

impl Wire for Message {
    type Phase = Phase;
    type Error = TooLong;

    fn kind(&self) -> u8 {
        match self {
            Self::Head { .. } => 0,
            Self::Body(_) => 1,
        }
    }

    fn kind_name(kind: u8) -> &'static str {
        if kind == 0 { "head" } else { "body" }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Head { .. } => 4,
            Self::Body(piece) => piece.len(),
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Head { len } => out.put_u32(*len),
            Self::Body(piece) => out.put_slice(piece),
        }
    }

    fn decode(phase: Phase, bytes: &[u8]) -> Result<Decoded<Self>, TooLong> {
        match phase {
            Phase::Head => match bytes.first_chunk() {
                Some(len) => match u32::from_be_bytes(*len) {
                    len if len > MAX_LEN => Err(TooLong { len }),
                    len => Ok(Decoded::Complete { value: Self::Head { len }, consumed: 4 }),
                },
                None => Ok(Decoded::Partial { needed: 4 - bytes.len() }),
            },
            Phase::Body { .. } if bytes.is_empty() => Ok(Decoded::Partial { needed: 1 }),
            Phase::Body { left } => {
                let consumed = bytes.len().min(left as usize);
                let value = Self::Body(Bytes::copy_from_slice(&bytes[..consumed]));
                Ok(Decoded::Complete { value, consumed })
            }
        }
    }
}

// ---- The peer: echoes what others say, and says something itself when it is told to.

#[derive(Default)]
struct Echo {
    talks: BTreeMap<Link, Talk>,
    /// Timers cannot be cancelled, so each call gets one of its own.
    calls: u32,
}

/// One link, from this peer's side.
#[derive(Default)]
struct Talk {
    /// What it will say once the link is open; a peer that was called says nothing of its own.
    say: Option<String>,
    timer: Option<Timer>,
    heard: Vec<u8>,
    left: u32,
}

struct Say {
    to: Address,
    text: String,
}

#[derive(Debug)]
#[allow(dead_code, reason = "printed")]
enum Event {
    Echoed { text: String },
    Failed(Reason),
    GaveUp,
}

impl Peer for Echo {
    type Message = Message;
    type Command = Say;
    type Event = Event;

    fn command(&mut self, say: Say, cx: &mut Context<'_, Self>) {
        let link = cx.connect(say.to);
        self.calls += 1;
        let timer = Timer(self.calls);
        cx.wake_after(Duration::from_secs(60), timer);
        let talk = Talk { say: Some(say.text), timer: Some(timer), ..Talk::default() };
        self.talks.insert(link, talk);
    }

    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>) {
        match state {
            LinkState::Open { .. } => {
                let talk = self.talks.entry(link).or_default();
                if let Some(text) = &talk.say {
                    cx.send(link, Message::Head { len: text.len() as u32 });
                    cx.send(link, Message::Body(Bytes::copy_from_slice(text.as_bytes())));
                }
            }
            LinkState::Closed(reason) => {
                if self.talks.remove(&link).is_some_and(|talk| talk.timer.is_some()) {
                    cx.emit(Event::Failed(reason));
                }
            }
            LinkState::Congested | LinkState::Writable => {}
        }
    }

    fn receive(&mut self, from: Link, message: Message, cx: &mut Context<'_, Self>) {
        let Some(talk) = self.talks.get_mut(&from) else { return };
        let called = talk.timer.is_none();
        match &message {
            Message::Head { len } => talk.left = *len,
            Message::Body(piece) => {
                talk.left = talk.left.saturating_sub(piece.len() as u32);
                talk.heard.extend_from_slice(piece);
            }
        }
        if called {
            talk.heard.clear();
            cx.send(from, message);
        }
        if talk.left > 0 {
            cx.phase(from, Phase::Body { left: talk.left });
        } else if called {
            cx.phase(from, Phase::Head);
        } else {
            let text = String::from_utf8_lossy(&talk.heard).into_owned();
            cx.emit(Event::Echoed { text });
            cx.close(from);
            self.talks.remove(&from);
        }
    }

    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        let waiting = self.talks.iter().find(|(_, talk)| talk.timer == Some(timer));
        let Some(link) = waiting.map(|(link, _)| *link) else { return };
        self.talks.remove(&link);
        cx.close(link);
        cx.emit(Event::GaveUp);
    }
}

// ---- The driver: two hosts, ticks of 10 ms, lines that carry seven bytes a tick each way.

const TICK: Duration = Duration::from_millis(10);
const BYTES_A_TICK: usize = 7;
/// A link with more than this queued is closed; at half of it the peer is told.
const QUEUE_CAP: usize = 1 << 20;
/// A connect that nobody answers fails after so many ticks.
const CONNECT_TICKS: u64 = 300;

struct World {
    tick: u64,
    peers: [Echo; 2],
    hosts: [Host; 2],
}

/// What a peer's effects change: its own host. What crosses to the other one does so between ticks.
struct Host {
    address: Address,
    tick: u64,
    inputs: u64,
    ends: Vec<End>,
    timers: Vec<(u64, Timer)>,
    datagrams: Vec<(Address, Message)>,
    tickets: Vec<Ticket>,
    next_ticket: u32,
}

/// One end of a link; the peer's [`Link`] is its index, never used again.
struct End {
    status: Status,
    /// Host and index of the other end.
    far: Option<(usize, usize)>,
    phase: Phase,
    incoming: BytesMut,
    outgoing: BytesMut,
    notices: VecDeque<LinkState>,
    /// The other side will send no more.
    ended: bool,
    paused: bool,
    wants_writable: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Connecting {
        to: Address,
        until: u64,
    },
    Open,
    /// Closed by the peer, not all sent yet.
    Flushing,
    /// Closed by the driver, nobody told yet.
    Broken(Reason),
    Gone,
}

enum Input {
    Command(Say),
    Link(Link, LinkState),
    Receive(Link, Message),
    Datagram(Address, Message),
    Wake(Timer),
    Stored(Ticket),
}

impl World {
    fn new() -> Self {
        let host = |last| Host {
            address: Address::from(([192, 0, 2, last], 7)),
            tick: 0,
            inputs: 0,
            ends: Vec::new(),
            timers: Vec::new(),
            datagrams: Vec::new(),
            tickets: Vec::new(),
            next_ticket: 0,
        };
        Self { tick: 0, peers: Default::default(), hosts: [host(1), host(2)] }
    }

    fn run(&mut self) {
        while self.hosts.iter().any(Host::is_busy) {
            self.tick += 1;
            self.carry();
            // Links and messages first, then timers.
            (0..2).for_each(|host| self.deliver(host));
            (0..2).for_each(|host| self.wake(host));
        }
    }

    /// One input of one peer, with all that it asks for.
    fn input(&mut self, index: usize, input: Input) {
        let (peer, host) = (&mut self.peers[index], &mut self.hosts[index]);
        host.tick = self.tick;
        let seed = input_seed(1, index as u32, host.inputs);
        host.inputs += 1;
        let mut cx = Context::new(host, time(self.tick), seed);
        match input {
            Input::Command(command) => peer.command(command, &mut cx),
            Input::Link(link, state) => peer.link_changed(link, state, &mut cx),
            Input::Receive(link, message) => peer.receive(link, message, &mut cx),
            Input::Datagram(from, message) => peer.datagram(from, message, &mut cx),
            Input::Wake(timer) => peer.wake(timer, &mut cx),
            // There is no storage behind this driver.
            Input::Stored(ticket) => peer.stored(ticket, Err(StoreError::NotFound), &mut cx),
        }
    }

    /// Moves what was asked for in earlier ticks from one host to the other.
    fn carry(&mut self) {
        for (host, index) in self.all_ends() {
            let address = self.hosts[host].address;
            let end = &mut self.hosts[host].ends[index];
            match end.status {
                Status::Connecting { to, until } => {
                    let other = 1 - host;
                    if self.hosts[other].address == to {
                        let far = self.hosts[other].ends.len();
                        let mut called = End::new(Status::Open);
                        called.far = Some((host, index));
                        called
                            .notices
                            .push_back(LinkState::Open { remote: address, inbound: true });
                        self.hosts[other].ends.push(called);
                        let end = &mut self.hosts[host].ends[index];
                        (end.status, end.far) = (Status::Open, Some((other, far)));
                        end.notices.push_back(LinkState::Open { remote: to, inbound: false });
                    } else if self.tick >= until {
                        end.status = Status::Broken(Reason::Unreachable);
                    }
                }
                Status::Open | Status::Flushing => {
                    let bytes = end.outgoing.split_to(BYTES_A_TICK.min(end.outgoing.len()));
                    let over = end.status == Status::Flushing && end.outgoing.is_empty();
                    if over {
                        end.status = Status::Gone;
                    }
                    if let Some((host, index)) = end.far {
                        let far = &mut self.hosts[host].ends[index];
                        far.incoming.extend_from_slice(&bytes);
                        far.ended |= over;
                    }
                }
                Status::Broken(reason) => {
                    end.status = Status::Gone;
                    end.notices.push_back(LinkState::Closed(reason));
                    if let Some((host, index)) = end.far {
                        self.hosts[host].ends[index].ended = true;
                    }
                }
                Status::Gone => {}
            }
        }
        for host in 0..2 {
            let from = self.hosts[host].address;
            for (to, message) in mem::take(&mut self.hosts[host].datagrams) {
                if to == self.hosts[1 - host].address {
                    self.input(1 - host, Input::Datagram(from, message));
                }
            }
            for ticket in mem::take(&mut self.hosts[host].tickets) {
                self.input(host, Input::Stored(ticket));
            }
        }
    }

    /// Hands a host's peer what its links have for it.
    fn deliver(&mut self, host: usize) {
        for index in 0..self.hosts[host].ends.len() {
            let link = Link::from_raw(index as u32);
            while let Some(state) = self.hosts[host].ends[index].notices.pop_front() {
                self.input(host, Input::Link(link, state));
            }
            // One message, its effects, and only then the next bytes: the phase may have changed.
            while let Some(message) = self.hosts[host].ends[index].decode() {
                self.input(host, Input::Receive(link, message));
            }
            let end = &mut self.hosts[host].ends[index];
            if end.status != Status::Open || end.paused {
                continue;
            }
            if end.ended {
                end.status = Status::Gone;
                self.input(host, Input::Link(link, LinkState::Closed(Reason::Remote)));
            } else if end.outgoing.is_empty() && mem::take(&mut end.wants_writable) {
                self.input(host, Input::Link(link, LinkState::Writable));
            }
        }
    }

    fn wake(&mut self, host: usize) {
        let due = |(at, _): &(u64, Timer)| *at <= self.tick;
        let (due, later) = mem::take(&mut self.hosts[host].timers).into_iter().partition(due);
        self.hosts[host].timers = later;
        let due: Vec<(u64, Timer)> = due;
        due.into_iter().for_each(|(_, timer)| self.input(host, Input::Wake(timer)));
    }

    fn all_ends(&self) -> Vec<(usize, usize)> {
        let of = |host: usize| (0..self.hosts[host].ends.len()).map(move |index| (host, index));
        (0..2).flat_map(of).collect()
    }
}

impl Host {
    fn is_busy(&self) -> bool {
        let ends =
            self.ends.iter().any(|end| end.status != Status::Gone || !end.notices.is_empty());
        ends || !self.timers.is_empty() || !self.datagrams.is_empty() || !self.tickets.is_empty()
    }

    fn end(&mut self, link: Link) -> Option<&mut End> {
        self.ends.get_mut(link.as_raw() as usize)
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.tickets.push(Ticket(self.next_ticket));
        Ticket(self.next_ticket)
    }
}

impl End {
    fn new(status: Status) -> Self {
        Self {
            status,
            far: None,
            phase: Phase::default(),
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            notices: VecDeque::new(),
            ended: false,
            paused: false,
            wants_writable: false,
        }
    }

    fn decode(&mut self) -> Option<Message> {
        if self.status != Status::Open || self.paused {
            return None;
        }
        match Message::decode(self.phase, &self.incoming) {
            Ok(Decoded::Complete { value, consumed }) => {
                self.incoming.advance(consumed);
                Some(value)
            }
            Ok(Decoded::Partial { .. }) => None,
            Err(_) => {
                self.status = Status::Broken(Reason::Malformed);
                None
            }
        }
    }
}

impl Driver<Echo> for Host {
    fn here(&self) -> Address {
        self.address
    }

    fn send(&mut self, link: Link, message: Message) {
        let Some(end) = self.end(link).filter(|end| end.status == Status::Open) else { return };
        let before = end.outgoing.len();
        message.encode(&mut end.outgoing);
        if end.outgoing.len() > QUEUE_CAP {
            end.outgoing.clear();
            end.status = Status::Broken(Reason::Slow);
        } else if before <= QUEUE_CAP / 2 && end.outgoing.len() > QUEUE_CAP / 2 {
            end.notices.push_back(LinkState::Congested);
        }
    }

    fn connect(&mut self, to: Address) -> Link {
        let until = self.tick + CONNECT_TICKS;
        self.ends.push(End::new(Status::Connecting { to, until }));
        Link::from_raw(self.ends.len() as u32 - 1)
    }

    fn close(&mut self, link: Link) {
        let Some(end) = self.end(link) else { return };
        end.notices.clear();
        end.status = match end.status {
            Status::Connecting { .. } | Status::Gone => Status::Gone,
            Status::Open | Status::Flushing | Status::Broken(_) => Status::Flushing,
        };
    }

    fn phase(&mut self, link: Link, phase: Phase) {
        self.end(link).into_iter().for_each(|end| end.phase = phase);
    }

    fn when_writable(&mut self, link: Link) {
        self.end(link).into_iter().for_each(|end| end.wants_writable = true);
    }

    fn pause(&mut self, link: Link, paused: bool) {
        self.end(link).into_iter().for_each(|end| end.paused = paused);
    }

    fn queued(&self, link: Link) -> usize {
        self.ends.get(link.as_raw() as usize).map_or(0, |end| end.outgoing.len())
    }

    fn send_to(&mut self, to: Address, message: Message) {
        self.datagrams.push((to, message));
    }

    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        let ticks = delay.as_micros().div_ceil(TICK.as_micros()).max(1) as u64;
        self.timers.push((self.tick + ticks, timer));
    }

    fn read(&mut self, _object: Object, _offset: u64, _len: u32) -> Ticket {
        self.ticket()
    }

    fn write(&mut self, _object: Object, _offset: u64, _bytes: Bytes) -> Ticket {
        self.ticket()
    }

    fn emit(&mut self, event: Event) {
        println!("{} at {}: {event:?}", time(self.tick), self.address);
    }
}

fn time(tick: u64) -> Time {
    Time::ZERO + TICK * u32::try_from(tick).unwrap_or(u32::MAX)
}
