//! A peer for the tests of the world: it sends what it is told to and writes down what it sees.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use overlay_peer::{
    Address, Context, Decoded, Link, LinkState, Object, Peer, StoreError, Ticket, Timer, Wire,
};
use overlay_sim::{Config, Host, NoStore, PeerIndex, World};
use rand_core::Rng;

/// A length byte, then so many bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Blob(pub Vec<u8>);

#[derive(Debug, PartialEq)]
pub struct TooShort;

impl std::fmt::Display for TooShort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this link takes no blobs")
    }
}

impl std::error::Error for TooShort {}

impl Wire for Blob {
    /// Whether blobs are welcome.
    type Phase = Closed;
    type Error = TooShort;
    fn kind(&self) -> u8 {
        self.0.first().copied().unwrap_or(0) % 4
    }
    fn kind_name(_: u8) -> &'static str {
        "blob"
    }
    fn encoded_len(&self) -> usize {
        2 + self.0.len()
    }
    fn encode(&self, out: &mut impl BufMut) {
        out.put_u16(self.0.len() as u16);
        out.put_slice(&self.0);
    }
    fn decode(Closed(closed): Closed, bytes: &[u8]) -> Result<Decoded<Self>, TooShort> {
        if closed {
            return Err(TooShort);
        }
        let Some((head, rest)) = bytes.split_first_chunk::<2>() else {
            return Ok(Decoded::Partial { needed: 2 - bytes.len() });
        };
        let length = usize::from(u16::from_be_bytes(*head));
        Ok(match rest.get(..length) {
            Some(blob) => Decoded::Complete { value: Self(blob.to_vec()), consumed: 2 + length },
            None => Decoded::Partial { needed: length - rest.len() },
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Closed(pub bool);

#[derive(Clone, Debug)]
pub enum Do {
    Connect(Address),
    Send(Vec<u8>),
    Datagram(Address, Vec<u8>),
    Close,
    Pause(bool),
    WhenWritable,
    Wake(Duration, u32),
    Draw,
    Refuse,
    Read(Object, u64, u32),
    Write(Object, u64, Bytes),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Saw {
    Link(LinkState),
    Blob(Vec<u8>),
    Datagram(Address, Vec<u8>),
    Wake(u32),
    Drew(u64),
    Stored(Result<Bytes, StoreError>),
}

/// Acts on all of its links alike.
#[derive(Clone, Debug, Default)]
pub struct Puppet {
    pub links: Vec<Link>,
    /// Sends every blob it gets back, with 1 taken off the first byte, until that is 0.
    pub bounces: bool,
}

impl Peer for Puppet {
    type Message = Blob;
    type Command = Do;
    type Event = Saw;

    fn command(&mut self, command: Do, cx: &mut Context<'_, Self>) {
        match command {
            Do::Connect(to) => drop(cx.connect(to)),
            Do::Send(blob) => self.links.iter().for_each(|&link| cx.send(link, Blob(blob.clone()))),
            Do::Datagram(to, blob) => cx.send_to(to, Blob(blob)),
            Do::Close => self.links.drain(..).for_each(|link| cx.close(link)),
            Do::Pause(paused) => self.links.iter().for_each(|&link| cx.pause(link, paused)),
            Do::WhenWritable => self.links.iter().for_each(|&link| cx.when_writable(link)),
            Do::Wake(delay, timer) => cx.wake_after(delay, Timer(timer)),
            Do::Draw => {
                let drawn = cx.rng().next_u64();
                cx.emit(Saw::Drew(drawn));
            }
            Do::Refuse => self.links.iter().for_each(|&link| cx.phase(link, Closed(true))),
            Do::Read(object, offset, len) => drop(cx.read(object, offset, len)),
            Do::Write(object, offset, bytes) => drop(cx.write(object, offset, bytes)),
        }
    }

    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>) {
        match state {
            LinkState::Open { .. } => self.links.push(link),
            LinkState::Closed(_) => self.links.retain(|&open| open != link),
            _ => {}
        }
        cx.emit(Saw::Link(state));
    }

    fn receive(&mut self, from: Link, Blob(mut blob): Blob, cx: &mut Context<'_, Self>) {
        cx.emit(Saw::Blob(blob.clone()));
        if self.bounces && blob.first().is_some_and(|&left| left > 0) {
            blob[0] -= 1;
            cx.send(from, Blob(blob));
        }
    }

    fn datagram(&mut self, from: Address, Blob(blob): Blob, cx: &mut Context<'_, Self>) {
        cx.emit(Saw::Datagram(from, blob));
    }

    fn wake(&mut self, Timer(timer): Timer, cx: &mut Context<'_, Self>) {
        cx.emit(Saw::Wake(timer));
    }

    fn stored(
        &mut self,
        _: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        cx.emit(Saw::Stored(outcome));
    }
}

pub fn address(last: u8) -> Address {
    SocketAddr::from(([192, 0, 2, last], 4000))
}

/// Two open hosts with an open link between them; their events so far are drained.
pub fn pair(config: Config) -> (World<Puppet, NoStore>, PeerIndex, PeerIndex) {
    let mut world = World::new(config, NoStore);
    let a = world.add(Puppet::default(), Host::open(address(1)));
    let b = world.add(Puppet::default(), Host::open(address(2)));
    world.command(a, Do::Connect(address(2)), overlay_sim::Cause::UPKEEP);
    assert!(world.run_until_idle(Duration::from_secs(1)));
    world.drain_events();
    (world, a, b)
}

/// What one peer saw, in order.
pub fn seen(world: &mut World<Puppet, NoStore>, peer: PeerIndex) -> Vec<Saw> {
    world.drain_events().filter(|(_, who, _)| *who == peer).map(|(_, _, saw)| saw).collect()
}
