//! A small peer: lines of text that come back, and what the tests need around it.
#![allow(dead_code)] // Each test uses a part of it.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use overlay_net::{Config, NoStore, Node};
use overlay_peer::{
    Address, Coding, Context, Decoded, Link, LinkState, Object, Peer, StoreError, Ticket, Timer,
    Wire,
};

/// A line of at most 1,000 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Line(pub Vec<u8>);

pub fn line(text: impl AsRef<[u8]>) -> Line {
    Line(text.as_ref().to_vec())
}

#[derive(Debug, thiserror::Error)]
#[error("no end of line")]
pub struct TooLong;

#[derive(Clone, Copy, Debug, Default)]
pub enum Mode {
    #[default]
    Lines,
    /// Lines, packed both ways.
    Packed,
    /// Pieces of a body.
    Body,
    /// A message that never comes.
    Endless,
}

impl Wire for Line {
    type Phase = Mode;
    type Error = TooLong;

    fn kind(&self) -> u8 {
        0
    }
    fn kind_name(_: u8) -> &'static str {
        "line"
    }
    fn encoded_len(&self) -> usize {
        self.0.len() + 1
    }
    fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(&self.0);
        out.put_u8(b'\n');
    }
    fn decode(mode: Mode, bytes: &[u8]) -> Result<Decoded<Self>, TooLong> {
        match mode {
            Mode::Lines | Mode::Packed => {
                match bytes.iter().take(1_000).position(|byte| *byte == b'\n') {
                    Some(end) => {
                        let value = Line(bytes[..end].to_vec());
                        Ok(Decoded::Complete { value, consumed: end + 1 })
                    }
                    None if bytes.len() < 1_000 => Ok(Decoded::Partial { needed: 1 }),
                    None => Err(TooLong),
                }
            }
            Mode::Body if bytes.is_empty() => Ok(Decoded::Partial { needed: 1 }),
            Mode::Body => {
                Ok(Decoded::Complete { value: Line(bytes.to_vec()), consumed: bytes.len() })
            }
            Mode::Endless => Ok(Decoded::Partial { needed: 1 }),
        }
    }
    fn coding(mode: Mode) -> Coding {
        match mode {
            Mode::Packed => Coding { inflate: true, deflate: true },
            _ => Coding::PLAIN,
        }
    }
}

/// What the peer tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    State(Link, LinkState),
    Got(Link, Vec<u8>),
    Datagram(Address, Vec<u8>),
    Woke(Timer),
    Stored(Ticket, Result<Bytes, StoreError>),
}

/// What it is asked to do.
#[derive(Clone, Debug)]
pub enum Ask {
    Connect(Address),
    /// Connect, and think better of it at once.
    ConnectAndClose(Address),
    Send(Link, Vec<u8>),
    SendTo(Address, Vec<u8>),
    Close(Link),
    Pause(Link, bool),
    Phase(Link, Mode),
    WhenWritable(Link),
    Wake(Duration, Timer),
    Read(Object, u64, u32),
    Write(Object, u64, Bytes),
}

/// Does what it is asked, and tells what it sees. With `echo`, lines go back; `pack` is a line after
/// which the link is packed, `bye` one after which it is closed.
#[derive(Default)]
pub struct Echo {
    pub echo: bool,
    pub quiet: bool,
    pub got: u64,
}

impl Peer for Echo {
    type Message = Line;
    type Command = Ask;
    type Event = Told;

    fn command(&mut self, ask: Ask, cx: &mut Context<'_, Self>) {
        match ask {
            Ask::Connect(to) => drop(cx.connect(to)),
            Ask::ConnectAndClose(to) => {
                let link = cx.connect(to);
                cx.close(link);
            }
            Ask::Send(link, text) => cx.send(link, Line(text)),
            Ask::SendTo(to, text) => cx.send_to(to, Line(text)),
            Ask::Close(link) => cx.close(link),
            Ask::Pause(link, paused) => cx.pause(link, paused),
            Ask::Phase(link, phase) => cx.phase(link, phase),
            Ask::WhenWritable(link) => cx.when_writable(link),
            Ask::Wake(delay, timer) => cx.wake_after(delay, timer),
            Ask::Read(object, offset, len) => drop(cx.read(object, offset, len)),
            Ask::Write(object, offset, bytes) => drop(cx.write(object, offset, bytes)),
        }
    }
    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>) {
        cx.emit(Told::State(link, state));
    }
    fn receive(&mut self, from: Link, message: Line, cx: &mut Context<'_, Self>) {
        self.got += 1;
        if self.echo {
            cx.send(from, message.clone());
            match &message.0[..] {
                b"pack" => cx.phase(from, Mode::Packed),
                b"bye" => cx.close(from),
                _ => {}
            }
        }
        if !self.quiet {
            cx.emit(Told::Got(from, message.0));
        }
    }
    fn datagram(&mut self, from: Address, message: Line, cx: &mut Context<'_, Self>) {
        if self.echo {
            cx.send_to(from, message.clone());
        }
        cx.emit(Told::Datagram(from, message.0));
    }
    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        cx.emit(Told::Woke(timer));
    }
    fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        cx.emit(Told::Stored(ticket, outcome));
    }
}

pub fn loopback() -> Config {
    Config { allow_private: true, ..Config::default() }
}

pub async fn node(peer: Echo, config: Config) -> Node<Echo> {
    Node::bind(peer, config, std::sync::Arc::new(NoStore)).await.expect("a free port")
}

/// An echo that runs by itself; where.
pub async fn echo(config: Config) -> (Address, tokio::task::JoinHandle<()>) {
    let mut node = node(Echo { echo: true, ..Echo::default() }, config).await;
    let here = node.here();
    let task = tokio::spawn(async move {
        loop {
            node.next().await;
        }
    });
    (here, task)
}

/// The next thing a node tells, which has to come within ten seconds.
pub async fn next<P: Peer>(node: &mut Node<P>) -> P::Event {
    tokio::time::timeout(Duration::from_secs(10), node.next()).await.expect("an event in time")
}

/// Connects, and waits until that is done.
pub async fn connect(node: &mut Node<Echo>, to: Address) -> Link {
    node.command(Ask::Connect(to));
    match next(node).await {
        Told::State(link, LinkState::Open { inbound: false, remote }) if remote == to => link,
        other => panic!("{other:?}"),
    }
}

/// Drives a node for so long, and drops what it tells.
pub async fn drive<P: Peer>(node: &mut Node<P>, span: Duration) {
    let _ = tokio::time::timeout(span, async {
        loop {
            node.next().await;
        }
    })
    .await;
}
