//! What hostile strangers do to a Gnutella servent, and an honest leaf who wants its service meanwhile.
//! Blocking sockets, so that nothing here shares a runtime with the node.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gnutella_wire::{
    Guid, Message, OwnedQrp, Payload, Ping, QrpSending, Query, QueryFlags, QueryRouteTable,
};
use socket2::{Domain, Socket, Type};

/// What strangers do; each is done over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Heads that come a byte at a time.
    SlowLoris,
    /// Connections on which nothing is said.
    HalfOpen,
    /// Heads that do not end.
    EndlessHeads,
    /// A descriptor of four gigabytes.
    Oversize,
    Pings,
    /// All of which are answered.
    Queries,
    /// Query routing tables.
    Tables,
    /// Fifty megabytes of Pings in fifty kilobytes.
    DeflateBombs,
    /// A zlib stream of blocks with nothing in them.
    EmptyBlocks,
    /// Opened and closed again.
    Connections,
    /// In and after the handshake, plain and as zlib.
    RandomBytes,
    Datagrams,
}

impl Attack {
    #[allow(dead_code)] // The bench has them all.
    pub const ALL: [Self; 12] = [
        Self::SlowLoris,
        Self::HalfOpen,
        Self::EndlessHeads,
        Self::Oversize,
        Self::Pings,
        Self::Queries,
        Self::Tables,
        Self::DeflateBombs,
        Self::EmptyBlocks,
        Self::Connections,
        Self::RandomBytes,
        Self::Datagrams,
    ];

    /// Does this from a number of addresses, until told to stop.
    pub fn run(self, attackers: u8, to: SocketAddr, stop: &AtomicBool) {
        std::thread::scope(|scope| {
            for n in 0..attackers {
                scope.spawn(move || {
                    let mut attacker = Attacker::new(n, to, stop);
                    while !attacker.is_over() {
                        // Whatever it is thrown out with, it comes again.
                        let _ = attacker.attack(self);
                    }
                });
            }
        });
    }
}

struct Attacker<'a> {
    from: [u8; 4],
    to: SocketAddr,
    stop: &'a AtomicBool,
    /// For GUIDs, and what has to be random.
    state: u64,
}

impl<'a> Attacker<'a> {
    fn new(n: u8, to: SocketAddr, stop: &'a AtomicBool) -> Self {
        Self { from: [127, 0, 4, 10 + n], to, stop, state: u64::from(n) << 56 | 1 }
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn random(&mut self) -> [u8; 8] {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state ^ self.state >> 33).to_be_bytes()
    }

    fn open(&self) -> io::Result<TcpStream> {
        open(self.from, self.to).inspect_err(|_| std::thread::sleep(Duration::from_millis(5)))
    }

    fn attack(&mut self, attack: Attack) -> io::Result<()> {
        match attack {
            Attack::SlowLoris => self.hold(b"GNUTELLA CONNECT/0.6\r\nUser-Agent: slow\r\n"),
            Attack::HalfOpen => self.hold(b""),
            Attack::EndlessHeads => {
                let mut stream = self.open()?;
                let begin: &[u8] =
                    if self.random()[7] < 128 { b"GET /" } else { b"GNUTELLA CONNECT/0.6\r\n" };
                stream.write_all(begin)?;
                self.flood(&mut stream, &b"X-Field: value\r\n".repeat(256))
            }
            Attack::Oversize => {
                let mut stream = self.join(false)?;
                let mut oversize = ping(self.guid());
                oversize[19..23].copy_from_slice(&[0xff; 4]);
                stream.write_all(&oversize)?;
                self.flood(&mut stream, &[0; 4_096])
            }
            Attack::Pings => self.flood_descriptors(&ping([0; 16]).repeat(200), 23),
            Attack::Queries => {
                let query = query([0; 16], b"blue train");
                self.flood_descriptors(&query.repeat(100), query.len())
            }
            Attack::Tables => {
                let mut stream = self.join(false)?;
                self.flood(&mut stream, &tables())
            }
            Attack::DeflateBombs => {
                let bomb = bomb();
                let mut stream = self.join(true)?;
                stream.write_all(&bomb)?;
                // It has to be taken before there is the next.
                self.wait_until_closed(&mut stream)
            }
            Attack::EmptyBlocks => {
                let mut stream = self.join(true)?;
                stream.write_all(&[0x78, 0x9c])?;
                // Each is ten bits: not the last, fixed codes, the end.
                self.flood(&mut stream, &[0x02, 0x08, 0x20, 0x80, 0x00].repeat(20_000))
            }
            Attack::Connections => {
                let mut held = Vec::new();
                while !self.is_over() {
                    held.push(self.open()?);
                    if held.len() == 100 {
                        held.clear();
                    }
                }
                Ok(())
            }
            Attack::RandomBytes => {
                let [kind, ..] = self.random();
                let mut stream = match kind % 3 {
                    0 => self.open()?,
                    1 => self.join(false)?,
                    _ => self.join(true)?,
                };
                let bytes: Vec<u8> = (0..500).flat_map(|_| self.random()).collect();
                stream.write_all(&bytes)
            }
            Attack::Datagrams => {
                let socket = UdpSocket::bind(SocketAddr::from((self.from, 0)))?;
                let query = query(self.guid(), b"blue train");
                while !self.is_over() {
                    for _ in 0..50 {
                        socket.send_to(&ping(self.guid()), self.to)?;
                        socket.send_to(&query, self.to)?;
                        socket.send_to(&self.random(), self.to)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn guid(&mut self) -> [u8; 16] {
        let mut guid = [0; 16];
        guid[..8].copy_from_slice(&self.random());
        guid[8..].copy_from_slice(&self.random());
        guid
    }

    /// As many connections as it can have, which send this and then a byte now and then.
    fn hold(&mut self, begin: &[u8]) -> io::Result<()> {
        let mut held: Vec<TcpStream> = Vec::new();
        while !self.is_over() {
            if held.len() < 30 {
                let mut stream = self.open()?;
                let _ = stream.write_all(begin);
                held.push(stream);
                continue;
            }
            std::thread::sleep(Duration::from_millis(20));
            held.retain_mut(|stream| {
                stream.set_nonblocking(true).is_ok()
                    && (begin.is_empty() || stream.write_all(b"x").is_ok())
                    && stream.read(&mut [0; 64]).is_err_and(|it| is_pending(&it))
            });
        }
        Ok(())
    }

    fn join(&mut self, deflate: bool) -> io::Result<TcpStream> {
        let leaf = Leaf::join(self.from, self.to, deflate)?;
        Ok(leaf.stream)
    }

    /// Never reads.
    fn flood(&self, stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        while !self.is_over() {
            stream.write_all(bytes)?;
        }
        Ok(())
    }

    /// The same with new GUIDs each time.
    fn flood_descriptors(&mut self, bytes: &[u8], length: usize) -> io::Result<()> {
        let mut bytes = bytes.to_vec();
        let mut stream = self.join(false)?;
        while !self.is_over() {
            for descriptor in bytes.chunks_mut(length) {
                descriptor[..16].copy_from_slice(&self.guid());
            }
            stream.write_all(&bytes)?;
        }
        Ok(())
    }

    fn wait_until_closed(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        while !self.is_over() {
            match stream.read(&mut [0; 4_096]) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if is_pending(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_pending(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Connects from this address of the loopback.
pub fn open(from: [u8; 4], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&to.into())?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    // Nobody waits for ever.
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    Ok(stream)
}

/// A leaf's link, as a program of few lines has it.
pub struct Leaf {
    pub stream: TcpStream,
    unread: Vec<u8>,
    asked: u64,
}

/// How long the honest wait for an answer before they call it none.
const PATIENCE: Duration = Duration::from_secs(30);

impl Leaf {
    pub fn join(from: [u8; 4], to: SocketAddr, deflate: bool) -> io::Result<Self> {
        let mut stream = open(from, to)?;
        let encoding = if deflate { "Accept-Encoding: deflate\r\n" } else { "" };
        let head = format!(
            "GNUTELLA CONNECT/0.6\r\nUser-Agent: test\r\nX-Ultrapeer: False\r\nX-Query-Routing: 0.1\r\n{encoding}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut unread = Vec::new();
        let end = loop {
            let mut more = [0; 1_024];
            let read = stream.read(&mut more)?;
            unread.extend_from_slice(&more[..read]);
            if let Some(end) = unread.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8(unread.drain(..end).collect()).map_err(io::Error::other)?;
        if !head.starts_with("GNUTELLA/0.6 200") {
            return Err(io::Error::other(head));
        }
        assert_eq!(head.contains("Content-Encoding: deflate"), deflate, "{head}");
        let encoding = if deflate { "Content-Encoding: deflate\r\n" } else { "" };
        stream.write_all(format!("GNUTELLA/0.6 200 OK\r\n{encoding}\r\n").as_bytes())?;
        Ok(Self { stream, unread, asked: 0 })
    }

    /// The same for somebody honest, who tries again where others take all the places.
    pub fn insist(from: [u8; 4], to: SocketAddr) -> (Self, Duration) {
        let start = Instant::now();
        loop {
            match Self::join(from, to, false) {
                Ok(leaf) => return (leaf, start.elapsed()),
                Err(error) if start.elapsed() > PATIENCE => panic!("not let in: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Asks for the file, and gets the hit; how long that took.
    pub fn is_served(&mut self) -> Duration {
        self.asked += 1;
        // Nobody else's.
        let mut guid = [0x42; 16];
        guid[..8].copy_from_slice(&self.asked.to_be_bytes());
        guid[8..10].copy_from_slice(&self.stream.local_addr().expect("open").port().to_be_bytes());
        let start = Instant::now();
        self.stream.write_all(&query(guid, b"blue train")).expect("the link is open");
        while !self.takes_hit(guid) {
            assert!(start.elapsed() < PATIENCE, "no answer to query {}", self.asked);
            let mut more = [0; 4_096];
            match self.stream.read(&mut more) {
                Ok(0) => panic!("the link was closed"),
                Ok(read) => self.unread.extend_from_slice(&more[..read]),
                Err(error) if is_pending(&error) => {}
                Err(error) => panic!("{error}"),
            }
        }
        start.elapsed()
    }

    /// Whether the hit for this GUID is there; takes all that is before it.
    fn takes_hit(&mut self, guid: [u8; 16]) -> bool {
        while let Some(header) = self.unread.first_chunk::<23>() {
            let [.., a, b, c, d] = *header;
            let end = 23 + u32::from_le_bytes([a, b, c, d]) as usize;
            if self.unread.len() < end {
                break;
            }
            let found = header[16] == 0x81 && header[..16] == guid;
            self.unread.drain(..end);
            if found {
                return true;
            }
        }
        false
    }
}

fn descriptor(guid: [u8; 16], ttl: u8, payload: Payload<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Message { guid: Guid::from_bytes(guid), ttl, hops: 0, payload }.encode(&mut bytes);
    bytes
}

fn ping(guid: [u8; 16]) -> Vec<u8> {
    descriptor(guid, 3, Payload::Ping(Ping::default()))
}

fn query(guid: [u8; 16], text: &[u8]) -> Vec<u8> {
    let query = Query::new(QueryFlags::from_min_speed(0), text).expect("a query");
    descriptor(guid, 3, Payload::Query(query))
}

/// A table, from its reset to its last patch.
fn tables() -> Vec<u8> {
    let mut table = QueryRouteTable::new(16);
    for n in 0..1_000 {
        table.insert(format!("word{n}").as_bytes());
    }
    let messages: Vec<OwnedQrp> = table.messages(None, &QrpSending::default());
    messages.iter().flat_map(|qrp| descriptor([9; 16], 1, Payload::Qrp(qrp.borrow()))).collect()
}

/// All bytes of a Ping without hops may be zero.
fn bomb() -> Vec<u8> {
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 50_000_000], 1);
    assert!(bomb.len() < 500_000, "{} bytes", bomb.len());
    bomb
}
