//! Text heads: handshakes and transfers.

use std::io;

use gnutella_wire::{Head, Offer};
use overlay_benches::{Bench, Unit};

/// As a leaf opens a link.
pub const HANDSHAKE: &[u8] = b"GNUTELLA CONNECT/0.6\r\n\
    User-Agent: gtk-gnutella/1.2.2 (2022-02-25; GTK2; Linux x86_64)\r\n\
    Pong-Caching: 0.1\r\nBye-Packet: 0.1\r\nGGEP: 0.5\r\nVendor-Message: 0.2\r\n\
    Remote-IP: 192.0.2.44\r\nAccept-Encoding: deflate\r\nX-Token: 4FzHnJgAAAAAAAAAAAAAAAAAAAA=\r\n\
    X-Live-Since: Fri, 25 Feb 2022 15:31:45 GMT\r\nX-Ultrapeer: False\r\n\
    X-Ultrapeer-Query-Routing: 0.1\r\nX-Query-Routing: 0.2\r\nX-Dynamic-Querying: 0.1\r\n\
    X-Ext-Probes: 0.1\r\nX-Degree: 32\r\nX-Max-TTL: 4\r\nListen-IP: 198.51.100.7:6346\r\n\
    GUID: 0123456789abcdefff23456789abcd00\r\n\r\n";

/// As a file is asked for.
pub const REQUEST: &[u8] =
    b"GET /uri-res/N2R?urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB HTTP/1.1\r\n\
    Host: 198.51.100.7:6346\r\nUser-Agent: LimeWire/4.18.8\r\nX-Queue: 0.1\r\n\
    X-Features: fwalt/0.1, browse/1.0, chat/0.1\r\n\
    X-Gnutella-Content-URN: urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB\r\n\
    X-Alt: 192.0.2.4:6346, 192.0.2.5, 198.51.100.9:1214\r\n\
    Range: bytes=102400-204799\r\nConnection: Keep-Alive\r\n\r\n";

/// As its sender answers.
pub const RESPONSE: &[u8] = b"HTTP/1.1 206 Partial Content\r\nServer: LimeWire/4.18.8\r\n\
    Content-Type: application/binary\r\nContent-Length: 102400\r\n\
    Content-Range: bytes 102400-204799/4356789\r\n\
    X-Gnutella-Content-URN: urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB\r\n\
    X-Thex-URI: /uri-res/N2X?urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB;\
    AS3DST7FHA6Q5TY3ANBKCZY5YQK5POZHM3T6ZXA\r\n\
    X-Alt: 192.0.2.4:6346, 192.0.2.5, 198.51.100.9:1214\r\n\
    X-Available-Ranges: bytes 0-1023999, 2048000-3071999\r\nX-Features: fwalt/0.1, chat/0.1\r\n\r\n";

/// Start line and all fields, as names and values.
#[derive(Debug, Default, PartialEq)]
struct Lines {
    start: usize,
    fields: usize,
    names: usize,
    values: usize,
    first_bytes: u64,
}

impl Lines {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        self.fields += 1;
        self.names += name.len();
        self.values += value.len();
        self.first_bytes += u64::from(value.first().copied().unwrap_or_default());
    }
}

pub fn run(bench: &mut Bench, name: &'static str, head: &'static [u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    case.ours(|| ours(head));
    #[cfg(feature = "peers")]
    {
        assert_eq!(ours(head), httparse(head));
        case.peer("httparse", || httparse(head));
    }
    bench.run(case)
}

fn ours(head: &[u8]) -> Lines {
    let head = Head::decode(head).expect("a head");
    let mut lines = Lines { start: head.start_line().len(), ..Lines::default() };
    head.fields().for_each(|(name, value)| lines.field(name, value));
    lines
}

/// httparse knows no start line of Gnutella's, so the line is found for it, in all heads.
#[cfg(feature = "peers")]
fn httparse(head: &[u8]) -> Lines {
    let end = head.iter().position(|&byte| byte == b'\n').expect("a line");
    let mut lines = Lines { start: head[..end].trim_ascii_end().len(), ..Lines::default() };
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let parsed = httparse::parse_headers(&head[end + 1..], &mut fields).expect("fields");
    let httparse::Status::Complete((_, fields)) = parsed else { panic!("a whole head") };
    fields.iter().for_each(|field| lines.field(field.name.as_bytes(), field.value));
    lines
}

/// What a handshake's fields mean.
pub fn offer(bench: &mut Bench, name: &'static str) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let understood = || {
        let offer = Offer::of(Head::decode(HANDSHAKE).expect("a head"));
        let versions = [
            offer.query_routing(),
            offer.ultrapeer_query_routing(),
            offer.dynamic_querying(),
            offer.extended_probes(),
            offer.ggep(),
            offer.vendor_messages(),
            offer.pong_caching(),
            offer.bye_packet(),
        ];
        let addresses = (offer.remote_ip(), offer.listen_address(), offer.guid());
        (
            versions,
            addresses,
            offer.role(),
            offer.max_ttl(),
            offer.degree(),
            offer.accepts_deflate(),
        )
    };
    let (versions, (ip, listen, guid), ..) = understood();
    assert!(versions.iter().all(Option::is_some));
    assert!(ip.is_some() && listen.is_some() && guid.is_some());
    case.ours(understood);
    bench.run(case)
}
