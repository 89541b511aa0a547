//! A story in the simulator, and its replay on sockets.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use miniz_oxide::deflate::core::CompressorOxide;
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use overlay_net::Node;
use overlay_peer::{Link, LinkState, Object, Peer, StoreError, Time};
use overlay_sim::{Host, PeerIndex, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use crate::common::loopback;
use crate::recorder::{Entry, Log, Out, Recorder};

/// Who is watched.
pub const WATCHED: PeerIndex = PeerIndex(0);

/// Whoever waits for a permit before each read and write of an object, of which byte n is n modulo 251.
#[derive(Default)]
struct Objects {
    permits: Mutex<u32>,
    more: Condvar,
}

impl Objects {
    fn permit(&self) {
        *self.permits.lock().expect("nobody panics") += 1;
        self.more.notify_one();
    }
    fn wait(&self) {
        let permits = self.permits.lock().expect("nobody panics");
        let mut permits = self.more.wait_while(permits, |it| *it == 0).expect("nobody panics");
        *permits -= 1;
    }
}

fn content(offset: u64, len: u32) -> Bytes {
    (offset..offset + u64::from(len)).map(|at| (at % 251) as u8).collect()
}

impl overlay_net::Store for Objects {
    fn read(&self, _: Object, offset: u64, len: u32) -> Result<Bytes, StoreError> {
        self.wait();
        Ok(content(offset, len))
    }
    fn write(&self, _: Object, _: u64, _: &Bytes) -> Result<(), StoreError> {
        self.wait();
        Ok(())
    }
}

/// The same in the simulator.
pub struct SimObjects;

impl overlay_sim::Store for SimObjects {
    fn read(
        &mut self,
        _: PeerIndex,
        _: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        Ok(content(offset, len))
    }
    fn write(&mut self, _: PeerIndex, _: Object, _: u64, _: &Bytes) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What a watched peer was given and did.
pub struct Story<P: Peer> {
    addresses: Vec<SocketAddr>,
    watched: P,
    pub seed: u64,
    pub recorded: Vec<Entry<P::Command>>,
}

/// What it did on sockets.
pub struct Replayed<C> {
    pub log: Vec<Entry<C>>,
    /// What it sent on each link.
    pub links: BTreeMap<Link, Vec<u8>>,
}

impl<P> Story<P>
where
    P: Peer<Event: Debug, Command: Clone + Debug + PartialEq> + Clone,
{
    /// Runs peers in the simulator, the first of which is watched, as `tell` tells it.
    pub fn record(
        addresses: Vec<SocketAddr>,
        peers: Vec<P>,
        tell: impl FnOnce(&mut World<Recorder<P>, SimObjects>),
    ) -> Self {
        let seed = 42;
        let config = overlay_sim::Config {
            seed,
            checked: true,
            // No two things happen at once, so that their order is that of their times.
            tick: Duration::from_micros(1),
            ..overlay_sim::Config::default()
        };
        let watched = peers[0].clone();
        let mut world = World::new(config, SimObjects);
        let log = Log::default();
        for (n, (peer, &address)) in peers.into_iter().zip(&addresses).enumerate() {
            let log = (n == 0).then(|| log.clone());
            let place = overlay_sim::Position { x: 9_000 * n as u16, y: 777 * n as u16 };
            world.add(Recorder { peer, log, port: None }, Host::open(address).at(place));
        }
        tell(&mut world);
        drop(world);
        let recorded = Arc::into_inner(log).expect("the only one").into_inner().expect("whole");
        Self { addresses, watched, seed, recorded }
    }

    /// The same on sockets.
    pub async fn replay(&self) -> Replayed<P::Command> {
        let mut stage = Stage::new(self).await;
        for at in 0..self.recorded.len() {
            stage.play(self, at).await.unwrap_or_else(|what| panic!("entry {at}: {what}"));
        }
        assert!(stage.links.is_empty(), "not left: {:?}", stage.links.keys());
        let log = stage.log.lock().expect("one thread").clone();
        Replayed { log, links: stage.over }
    }

    /// The first entry at which the replay is another one.
    pub async fn replay_until_different(&self) -> usize {
        let mut stage = Stage::new(self).await;
        for at in 0..self.recorded.len() {
            if stage.play(self, at).await.is_err() {
                return at;
            }
            let log = stage.log.lock().expect("one thread");
            if let Some(at) = (0..log.len()).find(|&at| log[at] != self.recorded[at]) {
                return at;
            }
        }
        self.recorded.len()
    }
}

/// Addresses of the loopback with one port that is free on all.
pub fn free_addresses(count: u8) -> Vec<SocketAddr> {
    'ports: loop {
        let any = std::net::TcpListener::bind("127.0.3.1:0").expect("a port").local_addr();
        let first = any.expect("an address");
        let all = (1..=count).map(|n| SocketAddr::from(([127, 0, 3, n], first.port())));
        for address in all.clone() {
            let taken = std::net::TcpListener::bind(address).is_err();
            if taken || std::net::UdpSocket::bind(address).is_err() {
                continue 'ports;
            }
        }
        return all.collect();
    }
}

/// The other end of a link.
struct End {
    stream: TcpStream,
    /// What it sends is deflated from now on.
    packer: Option<Box<CompressorOxide>>,
}

/// The node under test, and the other ends of its links.
struct Stage<P: Peer<Event: Debug, Command: Clone>> {
    node: Node<Recorder<P>>,
    here: SocketAddr,
    log: Log<P::Command>,
    clock: Arc<AtomicU64>,
    objects: Arc<Objects>,
    listeners: BTreeMap<SocketAddr, TcpListener>,
    udp: BTreeMap<SocketAddr, UdpSocket>,
    links: BTreeMap<Link, End>,
    /// What came on the links that are over.
    over: BTreeMap<Link, Vec<u8>>,
}

impl<P> Stage<P>
where
    P: Peer<Event: Debug, Command: Clone + Debug + PartialEq> + Clone,
{
    async fn new(story: &Story<P>) -> Self {
        let (log, clock) = (Log::default(), Arc::new(AtomicU64::new(0)));
        let (objects, time) = (Arc::new(Objects::default()), clock.clone());
        let here = story.addresses[0];
        let config = overlay_net::Config {
            listen: Some(here),
            seed: story.seed,
            tick: Duration::from_micros(1),
            clock: Some(Arc::new(move || Time::from_micros(time.load(Ordering::SeqCst)))),
            ..loopback()
        };
        let peer = Recorder {
            peer: story.watched.clone(),
            log: Some(log.clone()),
            port: Some(here.port()),
        };
        let node = Node::bind(peer, config, objects.clone()).await.expect("a free address");
        let mut udp = BTreeMap::new();
        for &address in &story.addresses[1..] {
            udp.insert(address, UdpSocket::bind(address).await.expect("a free address"));
        }
        let (listeners, links, over) = Default::default();
        Self { node, here, log, clock, objects, listeners, udp, links, over }
    }

    /// Gives the node its next input, if the entry is one, or does what an effect of its asks of the others.
    async fn play(&mut self, story: &Story<P>, at: usize) -> Result<(), String> {
        let entry = &story.recorded[at];
        if !matches!(entry, Entry::Out(_)) {
            self.listen(&story.recorded[at + 1..]).await;
        }
        match entry {
            Entry::Command(at, command) => {
                self.clock.store(at.as_micros(), Ordering::SeqCst);
                self.node.command(command.clone());
            }
            Entry::Changed(at, link, LinkState::Open { remote, inbound: true }) => {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.bind((remote.ip(), 0).into()).expect("a free address");
                let stream = socket.connect(self.here).await.expect("it listens");
                self.links.insert(*link, End { stream, packer: None });
                self.input(*at).await?;
            }
            Entry::Changed(at, link, LinkState::Open { remote, inbound: false }) => {
                let listener = self.listeners.remove(remote).ok_or("it was not connected to")?;
                self.input(*at).await?;
                let (stream, _) = listener.accept().await.expect("accepted");
                self.links.insert(*link, End { stream, packer: None });
            }
            Entry::Changed(at, link, LinkState::Closed(_)) => {
                let end = self.links.get_mut(link).ok_or("a link that is not open")?;
                end.stream.shutdown().await.expect("open");
                self.input(*at).await?;
                self.hang_up(*link).await?;
            }
            Entry::Changed(at, ..) => self.input(*at).await?,
            Entry::Received(at, link, bytes) => {
                let end = self.links.get_mut(link).ok_or("a link that is not open")?;
                let packed = end.packer.as_mut().map(|packer| pack(packer, bytes));
                let written = end.stream.write_all(packed.as_ref().unwrap_or(bytes)).await;
                written.map_err(|error| error.to_string())?;
                self.input(*at).await?;
            }
            Entry::Datagram(at, from, bytes) => {
                self.udp[from].send_to(bytes, self.here).await.expect("sent");
                self.input(*at).await?;
            }
            Entry::Woke(at, _) => self.input(*at).await?,
            Entry::Stored(at, ..) => {
                self.objects.permit();
                self.input(*at).await?;
            }
            Entry::Out(Out::Close(link)) => self.hang_up(*link).await?,
            Entry::Out(Out::Phase(link, _, coding)) if coding.inflate => {
                let end = self.links.get_mut(link).ok_or("a link that is not open")?;
                end.packer.get_or_insert_with(Box::default);
            }
            Entry::Out(Out::SendTo(to, bytes)) => {
                let mut got = vec![0; 1 << 16];
                let received = tokio::time::timeout(LONG, self.udp[to].recv_from(&mut got)).await;
                let (length, from) = received.map_err(|_| "no datagram")?.expect("bound");
                if (&got[..length], from) != (bytes, self.here) {
                    return Err(format!("another datagram, from {from}"));
                }
            }
            Entry::Out(_) => {}
        }
        Ok(())
    }

    /// Lets the node have its next input, at this time.
    async fn input(&mut self, at: Time) -> Result<(), String> {
        self.clock.store(at.as_micros(), Ordering::SeqCst);
        let before = self.node.stats().inputs;
        // No further than this input: a connect that it begins must not be done yet.
        let handled = poll_fn(|cx| {
            let _ = self.node.poll_next(cx);
            if self.node.stats().inputs > before { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::time::timeout(LONG, handled).await.map_err(|_| format!("no input at {at}"))?;
        match self.node.stats().inputs - before {
            1 => Ok(()),
            more => Err(format!("{more} inputs at {at}")),
        }
    }

    /// Binds what the next input makes the node connect to: it is accepted when that link is to be open.
    async fn listen(&mut self, next: &[Entry<P::Command>]) {
        for entry in next {
            match entry {
                Entry::Out(Out::Connect(to, _)) => {
                    let listener = TcpListener::bind(to).await.expect("a free address");
                    let before = self.listeners.insert(*to, listener);
                    assert!(before.is_none(), "two connects to {to} at a time");
                }
                Entry::Out(_) => {}
                _ => return,
            }
        }
    }

    /// Everything that came on a link that the node closes.
    async fn hang_up(&mut self, link: Link) -> Result<(), String> {
        let Some(End { mut stream, .. }) = self.links.remove(&link) else { return Ok(()) };
        let mut all = Vec::new();
        let before = self.node.stats().inputs;
        {
            let read = tokio::time::timeout(LONG, stream.read_to_end(&mut all));
            tokio::pin!(read);
            loop {
                tokio::select! {
                    read = &mut read => {
                        read.map_err(|_| "it does not close")?.map_err(|it| it.to_string())?;
                        break;
                    }
                    _ = self.node.next() => {}
                }
            }
        }
        self.over.insert(link, all);
        if self.node.stats().inputs == before { Ok(()) } else { Err("more inputs".to_owned()) }
    }
}

/// For whatever should happen at once.
const LONG: Duration = Duration::from_secs(10);

/// The next bytes of a zlib stream.
fn pack(packer: &mut CompressorOxide, plain: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; plain.len() * 2 + 100];
    let result = deflate(packer, plain, &mut packed, MZFlush::Sync);
    assert_eq!(result.bytes_consumed, plain.len());
    packed.truncate(result.bytes_written);
    packed
}

/// What is sent on a link, as the log has it.
#[derive(Default)]
pub struct Sent {
    plain: Vec<u8>,
    /// What is deflated, and inflated here.
    packed: Option<Vec<u8>>,
}

impl Sent {
    /// Whether these are its bytes as they travel.
    pub fn check(&self, travelled: &[u8]) -> Result<(), String> {
        let Some((plain, rest)) = travelled.split_at_checked(self.plain.len()) else {
            return Err(format!("{} bytes, expected {}", travelled.len(), self.plain.len()));
        };
        if plain != self.plain {
            return Err("other bytes".to_owned());
        }
        let Some(packed) = &self.packed else {
            return if rest.is_empty() { Ok(()) } else { Err(format!("{} more", rest.len())) };
        };
        let mut out = vec![0; packed.len() + 1];
        let mut state = InflateState::new_boxed(DataFormat::Zlib);
        let result = inflate(&mut state, rest, &mut out, MZFlush::Sync);
        let inflated = &out[..result.bytes_written];
        if result.bytes_consumed != rest.len() || inflated != packed {
            let (got, expected) = (inflated.len(), packed.len());
            return Err(format!("{got} inflated bytes, expected {expected}; {:?}", result.status));
        }
        // Each batch ends with an empty block, so that nothing is held back.
        if !packed.is_empty() && !rest.ends_with(&[0, 0, 0xff, 0xff]) {
            return Err("no flush".to_owned());
        }
        Ok(())
    }
}

pub fn sent<C>(log: &[Entry<C>]) -> BTreeMap<Link, Sent> {
    let mut sent: BTreeMap<Link, Sent> = BTreeMap::new();
    for entry in log {
        match entry {
            Entry::Out(Out::Send(link, bytes)) => {
                let Sent { plain, packed } = sent.entry(*link).or_default();
                packed.as_mut().unwrap_or(plain).extend(bytes);
            }
            Entry::Out(Out::Phase(link, _, coding)) if coding.deflate => {
                sent.entry(*link).or_default().packed.get_or_insert_default();
            }
            _ => {}
        }
    }
    sent
}
