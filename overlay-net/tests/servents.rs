//! Servents on real sockets: what is deflated on its way, who takes leave, and who sends no more but reads.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{drive, loopback};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, Mode, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_net::{Directory, Node};
use overlay_peer::{Address, Object};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const NAME: &str = "blue train.ogg";
const SIZE: u64 = 3_000_000;

/// A directory that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("overlay-net-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8).collect()
}

/// An ultrapeer that shares a file, or a leaf that shares none, in a directory of its own.
async fn servent(
    n: u8,
    mode: Mode,
    scratch: &Scratch,
    advertise: Option<Address>,
) -> (Node<Servent>, Arc<Directory>) {
    let directory = Arc::new(Directory::open(&scratch.0).expect("a directory"));
    let shares = mode == Mode::Ultrapeer;
    if shares {
        std::fs::write(scratch.0.join(NAME), content()).expect("written");
        assert_eq!(directory.share(Object(0), NAME).expect("there"), SIZE);
    }
    let file = SharedFile { name: NAME.to_owned(), size: SIZE, object: Object(0) };
    let settings = Settings {
        v06: Some(Settings06 { deflate: true, ..Settings06::default() }),
        ..Settings::default()
    };
    let mut config = Config::new(gnutella_wire::Guid::from_bytes([n; 16]).marked());
    config.capabilities = Capabilities { mode, ..Capabilities::GOOD };
    config.settings = Arc::new(settings);
    config.advertise = advertise;
    let catalogue = Arc::new(Catalogue::new([file]));
    let servent = Servent::new(config, catalogue, shares.then_some(0));
    let mut node = Node::bind(servent, loopback(), directory.clone()).await.expect("a port");
    node.command(Command::Join { hosts: vec![] });
    (node, directory)
}

/// Both directions of a connection.
type Overheard = Arc<Mutex<[Vec<u8>; 2]>>;

/// Passes on what connections carry, and writes down what the first did.
fn eavesdrop(listener: TcpListener, to: Address) -> Overheard {
    let heard = Overheard::default();
    let mut keep = heard.clone();
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            let called = TcpStream::connect(to).await.expect("open");
            let (caller, called) = (caller.into_split(), called.into_split());
            let heard = std::mem::take(&mut keep);
            tokio::spawn(pass(caller.0, called.1, heard.clone(), 0));
            tokio::spawn(pass(called.0, caller.1, heard, 1));
        }
    });
    heard
}

async fn pass(mut from: OwnedReadHalf, mut into: OwnedWriteHalf, heard: Overheard, side: usize) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        heard.lock().expect("nobody panics")[side].extend_from_slice(&buffer[..length]);
        if into.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

#[tokio::test]
async fn two_servents_deflate_their_link_and_fetch_a_file() {
    let (music, fetched) = (Scratch::new("deflate-music"), Scratch::new("deflate-fetched"));
    // All that it knows of the other is where somebody listens who passes everything on.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let between = listener.local_addr().expect("an address");
    let (mut one, _) = servent(1, Mode::Ultrapeer, &music, Some(between)).await;
    let (mut two, directory) = servent(2, Mode::Leaf, &fetched, None).await;
    let heard = eavesdrop(listener, one.here());
    two.command(Command::Join { hosts: vec![between] });
    let done = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let event = tokio::select! {
                event = two.next() => event,
                _ = one.next() => continue,
            };
            match event {
                Event::Linked { .. } => {
                    two.command(Command::Search { search: 1, text: "blue train".to_owned() });
                }
                Event::Hit { hit, .. } => {
                    assert_eq!(hit.name_lossy(), NAME);
                    directory.download(Object(1), NAME, Some(SIZE)).expect("new");
                    let (fetch, into, from) = (1, Object(1), 0);
                    two.command(Command::Fetch { fetch, hit, into, from });
                }
                Event::Fetched { bytes, .. } => break bytes,
                Event::FetchFailed { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        }
    });
    assert_eq!(done.await.expect("in time"), SIZE);
    assert!(std::fs::read(fetched.0.join(NAME)).expect("there") == content(), "other bytes");
    // The query and the hit went over the link, in zlib streams that begin after the handshake.
    for side in &*heard.lock().expect("nobody panics") {
        assert!(has(side, "Content-Encoding: deflate") || has(side, "Accept-Encoding: deflate"));
        let start = side.windows(6).position(|it| it == b"\r\n\r\n\x78\x9c").expect("a stream") + 4;
        let mut plain = vec![0; 1 << 20];
        let mut state = InflateState::new_boxed(DataFormat::Zlib);
        let result = inflate(&mut state, &side[start..], &mut plain, MZFlush::Sync);
        assert_eq!(result.bytes_consumed, side.len() - start);
        assert!(has(&plain[..result.bytes_written], "blue train"));
    }
}

const HEAD: &[u8] = b"GNUTELLA CONNECT/0.6\r\nUser-Agent: test\r\nX-Ultrapeer: False\r\n\
    X-Query-Routing: 0.1\r\nBye-Packet: 0.1\r\n\r\n";

#[tokio::test]
async fn who_leaves_says_so_to_all() {
    let scratch = Scratch::new("leave");
    let (mut one, _) = servent(1, Mode::Ultrapeer, &scratch, None).await;
    let to = one.here();
    let mut leaves = Vec::new();
    for _ in 0..5 {
        leaves.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(to).await.expect("open");
            stream.write_all(HEAD).await.expect("open");
            let mut all = Vec::new();
            while !has(&all, "\r\n\r\n") {
                assert!(stream.read_buf(&mut all).await.expect("open") > 0);
            }
            stream.write_all(b"GNUTELLA/0.6 200 OK\r\n\r\n").await.expect("open");
            stream.read_to_end(&mut all).await.expect("closed well");
            all
        }));
    }
    let mut linked = 0;
    while linked < leaves.len() {
        linked += usize::from(matches!(common::next(&mut one).await, Event::Linked { .. }));
    }
    drive(&mut one, Duration::from_millis(50)).await;
    one.command(Command::Leave);
    let drained = one.shut_down(Duration::from_secs(10), drop).await;
    assert_eq!((drained.unsent, drained.unwritten), (0, 0));
    for leaf in leaves {
        let all = leaf.await.expect("it read to the end");
        let mut rest = &all[all.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4..];
        let mut last = None;
        while let Some(header) = rest.first_chunk::<23>() {
            last = Some(header[16]);
            let [.., a, b, c, d] = *header;
            rest = &rest[23 + u32::from_le_bytes([a, b, c, d]) as usize..];
        }
        assert_eq!((last, rest), (Some(0x02), &[][..]), "a Bye, and nothing after it");
    }
}

/// A program that has asked for a file, and says that it will ask for nothing more, gets all of it.
#[tokio::test]
async fn a_half_closed_request_is_answered_in_full() {
    let scratch = Scratch::new("half");
    let (mut one, _) = servent(1, Mode::Ultrapeer, &scratch, None).await;
    let to = one.here();
    let client = tokio::spawn(async move {
        let mut stream = TcpStream::connect(to).await.expect("open");
        let request = format!("GET /get/0/{} HTTP/1.1\r\n\r\n", NAME.replace(' ', "%20"));
        stream.write_all(request.as_bytes()).await.expect("open");
        stream.shutdown().await.expect("open");
        let mut all = Vec::new();
        tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut all))
            .await
            .expect("in time")
            .expect("closed well");
        all
    });
    let all = tokio::select! {
        all = client => all.expect("it read to the end"),
        () = async { loop { one.next().await; } } => unreachable!(),
    };
    let end = all.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
    assert!(all.starts_with(b"HTTP/1.1 200"));
    assert!(all[end..] == content(), "{} bytes of {SIZE}", all.len() - end);
    drive(&mut one, Duration::from_millis(100)).await;
    assert_eq!(one.stats().links, 0);
}
