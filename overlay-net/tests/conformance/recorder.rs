//! A peer that writes down what goes in and out of another.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use overlay_peer::{
    Address, Coding, Context, Driver, Link, LinkState, Object, Peer, StoreError, Ticket, Time,
    Timer, Wire,
};
use rand_core::Rng;

/// What went in and out, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<C> {
    Command(Time, C),
    Changed(Time, Link, LinkState),
    Received(Time, Link, Vec<u8>),
    Datagram(Time, Address, Vec<u8>),
    Woke(Time, Timer),
    Stored(Time, Ticket, Result<Bytes, StoreError>),
    Out(Out),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    Send(Link, Vec<u8>),
    Connect(Address, Link),
    Close(Link),
    Phase(Link, String, Coding),
    WhenWritable(Link),
    Pause(Link, bool),
    SendTo(Address, Vec<u8>),
    WakeAfter(Duration, Timer),
    Read(Object, u64, u32, Ticket),
    Write(Object, u64, Bytes, Ticket),
    Event(String),
}

pub type Log<C> = Arc<Mutex<Vec<Entry<C>>>>;

#[derive(Clone)]
pub struct Recorder<P: Peer> {
    pub peer: P,
    pub log: Option<Log<P::Command>>,
    /// In the simulator all connections of a host come from the port it listens on. The peer is told so
    /// here, too.
    pub port: Option<u16>,
}

fn bytes_of(message: &impl Wire) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes);
    bytes.to_vec()
}

impl<P: Peer<Event: Debug, Command: Clone>> Recorder<P> {
    fn add(&self, entry: impl FnOnce() -> Entry<P::Command>) {
        if let Some(log) = &self.log {
            log.lock().expect("one thread").push(entry());
        }
    }

    fn inner(
        &mut self,
        cx: &mut Context<'_, Self>,
        input: impl FnOnce(&mut P, &mut Context<'_, P>),
    ) {
        let (now, seed) = (cx.now(), cx.rng().next_u64());
        let mut tee = Tee { cx, log: self.log.clone() };
        input(&mut self.peer, &mut Context::new(&mut tee, now, seed));
    }
}

impl<P: Peer<Event: Debug, Command: Clone>> Peer for Recorder<P> {
    type Message = P::Message;
    type Command = P::Command;
    type Event = P::Event;

    fn command(&mut self, command: P::Command, cx: &mut Context<'_, Self>) {
        self.add(|| Entry::Command(cx.now(), command.clone()));
        self.inner(cx, |peer, cx| peer.command(command, cx));
    }
    fn link_changed(&mut self, link: Link, mut state: LinkState, cx: &mut Context<'_, Self>) {
        if let (Some(port), LinkState::Open { remote, inbound: true }) = (self.port, &mut state) {
            remote.set_port(port);
        }
        self.add(|| Entry::Changed(cx.now(), link, state));
        self.inner(cx, |peer, cx| peer.link_changed(link, state, cx));
    }
    fn receive(&mut self, from: Link, message: P::Message, cx: &mut Context<'_, Self>) {
        self.add(|| Entry::Received(cx.now(), from, bytes_of(&message)));
        self.inner(cx, |peer, cx| peer.receive(from, message, cx));
    }
    fn datagram(&mut self, from: Address, message: P::Message, cx: &mut Context<'_, Self>) {
        self.add(|| Entry::Datagram(cx.now(), from, bytes_of(&message)));
        self.inner(cx, |peer, cx| peer.datagram(from, message, cx));
    }
    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        self.add(|| Entry::Woke(cx.now(), timer));
        self.inner(cx, |peer, cx| peer.wake(timer, cx));
    }
    fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        self.add(|| Entry::Stored(cx.now(), ticket, outcome.clone()));
        self.inner(cx, |peer, cx| peer.stored(ticket, outcome, cx));
    }
}

/// Passes effects on, and writes them down.
struct Tee<'a, 'b, P: Peer<Event: Debug, Command: Clone>> {
    cx: &'a mut Context<'b, Recorder<P>>,
    log: Option<Log<P::Command>>,
}

impl<P: Peer<Event: Debug, Command: Clone>> Tee<'_, '_, P> {
    fn add(&self, out: impl FnOnce() -> Out) {
        if let Some(log) = &self.log {
            log.lock().expect("one thread").push(Entry::Out(out()));
        }
    }
}

impl<P: Peer<Event: Debug, Command: Clone>> Driver<P> for Tee<'_, '_, P> {
    fn here(&self) -> Address {
        self.cx.here()
    }
    fn send(&mut self, link: Link, message: P::Message) {
        self.add(|| Out::Send(link, bytes_of(&message)));
        self.cx.send(link, message);
    }
    fn connect(&mut self, to: Address) -> Link {
        let link = self.cx.connect(to);
        self.add(|| Out::Connect(to, link));
        link
    }
    fn close(&mut self, link: Link) {
        self.add(|| Out::Close(link));
        self.cx.close(link);
    }
    fn phase(&mut self, link: Link, phase: <P::Message as Wire>::Phase) {
        self.add(|| Out::Phase(link, format!("{phase:?}"), P::Message::coding(phase)));
        self.cx.phase(link, phase);
    }
    fn when_writable(&mut self, link: Link) {
        self.add(|| Out::WhenWritable(link));
        self.cx.when_writable(link);
    }
    fn pause(&mut self, link: Link, paused: bool) {
        self.add(|| Out::Pause(link, paused));
        self.cx.pause(link, paused);
    }
    fn queued(&self, link: Link) -> usize {
        self.cx.queued(link)
    }
    fn send_to(&mut self, to: Address, message: P::Message) {
        self.add(|| Out::SendTo(to, bytes_of(&message)));
        self.cx.send_to(to, message);
    }
    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.add(|| Out::WakeAfter(delay, timer));
        self.cx.wake_after(delay, timer);
    }
    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        let ticket = self.cx.read(object, offset, len);
        self.add(|| Out::Read(object, offset, len, ticket));
        ticket
    }
    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        let ticket = self.cx.write(object, offset, bytes.clone());
        self.add(|| Out::Write(object, offset, bytes, ticket));
        ticket
    }
    fn emit(&mut self, event: P::Event) {
        self.add(|| Out::Event(format!("{event:?}")));
        self.cx.emit(event);
    }
}
