//! Raw sockets that speak to the program, as servents of other kinds would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use gnutella_wire::{
    Bye, Guid, HitResult, Limits, LinkReader, LinkWriter, Message, OwnedQueryHit, Payload, Ping,
    Push, Query, QueryFlags, Urn,
};
use sha1::{Digest, Sha1};

use crate::node::{LIMIT, assert_whole, directory, music, noise};
use crate::{NAME, downloaded, start, urn};

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(LIMIT)).expect("set");
    stream
}

/// A head, up to its blank line.
fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap_or_else(|error| {
            panic!("{error} after {:?}", String::from_utf8_lossy(&head));
        });
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("UTF-8")
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(it, value)| it.eq_ignore_ascii_case(name).then_some(value))
}

#[test]
fn http_serves_files_and_hashes_and_ranges() {
    let content = noise(100_000, 11);
    let mut one = start(&music("http", NAME, &content), &[]);
    let address = one.address();
    let urn = urn(&content);
    let escaped = NAME.replace(' ', "%20");
    let paths =
        [format!("/get/0/{NAME}"), format!("/get/0/{escaped}"), format!("/uri-res/N2R?{urn}")];
    let ranges: [(Option<&str>, u16, std::ops::Range<usize>); 5] = [
        (None, 200, 0..100_000),
        (Some("bytes=10-19"), 206, 10..20),
        (Some("bytes=99990-"), 206, 99_990..100_000),
        (Some("bytes=-7"), 206, 99_993..100_000),
        (Some("bytes=5-200000"), 206, 5..100_000),
    ];
    // All on one connection, one after another.
    let mut stream = connect(&address);
    for path in &paths {
        for (range, code, bytes) in ranges.clone() {
            let range = range.map_or(String::new(), |range| format!("Range: {range}\r\n"));
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{range}\r\n");
            stream.write_all(request.as_bytes()).expect("sent");
            let head = read_head(&mut stream);
            assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{head}");
            assert_eq!(field(&head, "Content-Length"), Some(&*bytes.len().to_string()));
            if code == 206 {
                let range = format!("bytes {}-{}/100000", bytes.start, bytes.end - 1);
                assert_eq!(field(&head, "Content-Range"), Some(&*range));
            }
            let mut body = vec![0; bytes.len()];
            stream.read_exact(&mut body).expect("a body");
            assert!(body == content[bytes], "{path} {range}");
        }
    }
    for (path, range, code) in [
        ("/get/1/x", "", 404),
        ("/uri-res/N2R?urn:sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", 404),
        ("/get/0/x", "Range: bytes=100000-\r\n", 416),
        ("/../../etc/passwd", "", 404),
    ] {
        let mut stream = connect(&address);
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{range}\r\n").as_bytes()).expect("sent");
        let head = read_head(&mut stream);
        assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{path}: {head}");
    }
}

/// The fields with which gtk-gnutella begins.
const FIELDS: &str = "Node: 127.0.0.1:1\r\n\
    Remote-IP: 127.0.0.1\r\n\
    User-Agent: gtk-gnutella/1.2.2 (2022-02-25; GTK2; Linux x86_64)\r\n\
    Pong-Caching: 0.1\r\n\
    Bye-Packet: 0.1\r\n\
    GGEP: 0.5\r\n\
    Vendor-Message: 0.2\r\n\
    X-Ultrapeer: True\r\n\
    X-Query-Routing: 0.2\r\n\
    X-Ultrapeer-Query-Routing: 0.1\r\n\
    X-Max-TTL: 4\r\n\
    X-Dynamic-Querying: 0.1\r\n\
    X-Degree: 32\r\n\
    X-Ext-Probes: 0.1\r\n\
    X-Requeries: False\r\n\
    X-Live-Since: Sat, 21 Nov 2026 08:00:00 -0000\r\n";
const DEFLATE: &str = "Accept-Encoding: deflate\r\n";
const DEFLATED: &str = "Content-Encoding: deflate\r\n";

/// The other side of a link of 0.6.
struct Ultrapeer {
    stream: TcpStream,
    reader: LinkReader,
    writer: LinkWriter,
}

impl Ultrapeer {
    fn link(address: &str, deflate: bool) -> Self {
        let mut stream = connect(address);
        let accept = if deflate { DEFLATE } else { "" };
        let head = format!("GNUTELLA CONNECT/0.6\r\n{FIELDS}{accept}\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        let head = read_head(&mut stream);
        assert!(head.starts_with("GNUTELLA/0.6 200 "), "{head}");
        assert_eq!(field(&head, "X-Ultrapeer"), Some("True"), "{head}");
        assert_eq!(field(&head, "Remote-IP"), Some("127.0.0.1"), "{head}");
        assert_eq!(field(&head, "Content-Encoding").is_some(), deflate, "{head}");
        assert!(field(&head, "Accept-Encoding").is_some(), "{head}");
        let deflated = if deflate { DEFLATED } else { "" };
        stream
            .write_all(format!("GNUTELLA/0.6 200 OK\r\n{deflated}\r\n").as_bytes())
            .expect("sent");
        let reader = LinkReader::new(Limits::DEFAULT, deflate);
        Self { stream, reader, writer: LinkWriter::new(deflate) }
    }

    fn send(&mut self, guid: Guid, ttl: u8, payload: Payload<'_>) {
        let mut out = Vec::new();
        self.writer.write(&Message { guid, ttl, hops: 0, payload }, &mut out);
        self.writer.flush(&mut out);
        self.stream.write_all(&out).expect("sent");
    }

    /// The next message that `wanted` takes.
    fn wait<T>(&mut self, wanted: impl Fn(&Message<'_>) -> Option<T>) -> T {
        let mut some = [0; 4_096];
        loop {
            let length = self.stream.read(&mut some).expect("read");
            assert!(length > 0, "closed before it came");
            let mut rest = &some[..length];
            while !rest.is_empty() {
                rest = &rest[self.reader.feed(rest)..];
                while let Some(frame) = self.reader.next().expect("descriptors") {
                    let message = frame.parse().expect("a descriptor");
                    if let Some(found) = wanted(&message) {
                        return found;
                    }
                }
            }
        }
    }
}

#[test]
fn an_ultrapeer_of_another_kind_is_a_neighbour() {
    let content = noise(2_000, 12);
    for deflate in [false, true] {
        let mut one = start(&music("raw", NAME, &content), &["--ultrapeer"]);
        let address = one.address();
        let mut other = Ultrapeer::link(&address, deflate);
        let link = one.wait("link_up");
        assert_eq!((&link["role"], &link["version"]), (&"ultrapeer".into(), &"0.6".into()));
        assert_eq!((&link["inflate"], &link["deflate"]), (&deflate.into(), &deflate.into()));

        // A Ping of TTL 1 asks who it is.
        let ping = Guid::from_bytes([1; 16]).marked();
        other.send(ping, 1, Payload::Ping(Ping::default()));
        let pong = other.wait(|message| match message.payload {
            Payload::Pong(pong) if message.guid == ping => Some(pong.address),
            _ => None,
        });
        assert_eq!(pong.to_string(), address);

        // A Query is answered on the link.
        let query = Guid::from_bytes([2; 16]).marked();
        let text = Query::new(QueryFlags(QueryFlags::MARK), b"train blue").expect("no NUL");
        other.send(query, 1, Payload::Query(text));
        let name = other.wait(|message| match &message.payload {
            Payload::QueryHit(hit) if message.guid == query => {
                assert_eq!(hit.address.to_string(), address);
                let result = hit.results.into_iter().next().expect("a result");
                let sha1 = result.extensions().urns().find_map(|urn| Urn::parse(urn).ok()?.sha1());
                assert_eq!(sha1, Some(Sha1::digest(&content).into()));
                Some(result.name.to_vec())
            }
            _ => None,
        });
        assert_eq!(name, NAME.as_bytes());
        let heard = one.wait("query");
        assert_eq!((&heard["text"], &heard["hops"]), (&"train blue".into(), &0.into()));

        // A Push brings a connection, its GIV and, when asked, the file.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let SocketAddr::V4(here) = listener.local_addr().expect("bound") else { panic!("IPv4") };
        let listening = one.wait("listening");
        let servent: Guid = listening["guid"].as_str().expect("a text").parse().expect("a GUID");
        let push = Push { servent, index: 0, address: here, extension: &[] };
        other.send(Guid::from_bytes([3; 16]).marked(), 1, Payload::Push(push));
        let (mut pushed, _) = listener.accept().expect("connected");
        pushed.set_read_timeout(Some(LIMIT)).expect("set");
        let expected = format!("GIV 0:{}/{NAME}\n\n", listening["guid"].as_str().expect("a text"));
        let mut giv = vec![0; expected.len()];
        pushed.read_exact(&mut giv).expect("a GIV");
        assert_eq!(String::from_utf8_lossy(&giv).to_lowercase(), expected.to_lowercase());
        pushed.write_all(format!("GET /get/0/{NAME} HTTP/1.1\r\n\r\n").as_bytes()).expect("sent");
        assert!(read_head(&mut pushed).starts_with("HTTP/1.1 200 "));
        let mut body = vec![0; content.len()];
        pushed.read_exact(&mut body).expect("a body");
        assert!(body == content);

        // Told to leave, it says Bye, and closes.
        one.signal("INT");
        let code = other.wait(|message| match message.payload {
            Payload::Bye(bye) => Some((message.ttl, message.hops, bye.code)),
            _ => None,
        });
        assert_eq!(code, (1, 0, Bye::CLOSED_BY_USER));
        let mut rest = Vec::new();
        other.stream.read_to_end(&mut rest).expect("the end");
        // The node waits until the other side has closed, too.
        drop((other, pushed));
        assert!(one.end().success());
    }
}

/// As gtk-gnutella, which serves nothing without the name, and says it to who browses it.
#[test]
fn a_host_that_wants_the_name_is_asked_for_it() {
    let content = noise(30_000, 13);
    let fetched = directory("browse", "fetched");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let SocketAddr::V4(here) = listener.local_addr().expect("bound") else { panic!("IPv4") };
    let file = content.clone();
    let by_hash = format!("GET /uri-res/N2R?{} ", urn(&content));
    let host = std::thread::spawn(move || {
        let mut requests = Vec::new();
        while requests.len() < 3 {
            let (mut stream, _) = listener.accept().expect("connected");
            let head = read_head(&mut stream);
            let request = head.lines().next().expect("a line").to_owned();
            let mut answer = match &*request {
                "GET / HTTP/1.0" => {
                    assert_eq!(field(&head, "Accept"), Some("application/x-gnutella-packets"));
                    let mut answer = b"HTTP/1.0 200 OK\r\n\
                        Content-Type: application/x-gnutella-packets\r\n\r\n"
                        .to_vec();
                    let urn = urn(&file);
                    let result = |index, name: &'static str| HitResult {
                        index,
                        size: file.len() as u32,
                        name: name.as_bytes(),
                        extension: urn.as_bytes(),
                    };
                    let results = [result(1, "Other.ogg"), result(2, NAME)];
                    for results in results {
                        let hit = OwnedQueryHit::new(here, 9, Guid::from_bytes([9; 16]), [results]);
                        let hit = hit.expect("a hit");
                        let payload = Payload::QueryHit(hit.borrow());
                        Message { guid: Guid::ZERO, ttl: 1, hops: 0, payload }.encode(&mut answer);
                    }
                    answer
                }
                request if request.starts_with(&*by_hash) => {
                    let length = file.len();
                    let range = field(&head, "Range").map_or(String::new(), |_| {
                        format!("Content-Range: bytes 0-{}/{length}\r\n", length - 1)
                    });
                    let code = if range.is_empty() { "200 OK" } else { "206 Partial Content" };
                    let head =
                        format!("HTTP/1.1 {code}\r\nContent-Length: {length}\r\n{range}\r\n");
                    [head.as_bytes(), &file].concat()
                }
                _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    .to_vec(),
            };
            stream.write_all(&answer).expect("sent");
            answer.clear();
            requests.push(request);
        }
        requests
    });
    let mut two = start(&fetched, &["--get", &format!("2@{here}")]);
    let told = downloaded(&mut two, &content);
    assert_eq!((&told["name"], &told["verified"]), (&NAME.into(), &true.into()));
    assert_whole(&fetched, NAME, &content);
    let requests = host.join().expect("served");
    assert!(requests[0].starts_with("GET /get/2/ "), "{requests:?}");
    assert_eq!(requests[1], "GET / HTTP/1.0");
}

/// Somebody who asks a plain servent of 0.4.
#[test]
fn an_ultrapeer_lets_0_4_in() {
    let mut one = start(&directory("raw04", "music"), &["--ultrapeer"]);
    let mut stream = connect(&one.address());
    stream.write_all(b"GNUTELLA CONNECT/0.4\n\n").expect("sent");
    let mut reply = [0; 13];
    stream.read_exact(&mut reply).expect("a reply");
    assert_eq!(&reply, b"GNUTELLA OK\n\n");
    let link = one.wait("link_up");
    assert_eq!((&link["version"], &link["role"]), (&"0.4".into(), &"plain".into()));
    drop(stream);
    one.wait("link_down");
}
