//! The `gnutella_dump` program as its users meet it, on streams and captures made here.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gnutella_wire::{
    Bye, CrawledHost, CrawlerPong, GgepBuilder, Guid, Header, HitResult, LinkWriter, Message,
    OwnedBye, OwnedQueryHit, Payload, PayloadType, Ping, Pong, Push, Qrp, QrpPatch, Query,
    QueryFlags, SupportedMessages, Trailer, VendorId, VendorMessage, ggep_number,
};
use serde_json::{Value, json};

#[path = "gnutella_dump/capture.rs"]
mod capture;

// --- the program ---------------------------------------------------------------------------------

/// Cargo builds a package's examples before it runs its tests.
fn program() -> Command {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    Command::new(profile.join("examples").join("gnutella_dump"))
}

/// What it does with these bytes on standard input.
fn dump(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // It may stop before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output
}

/// Its lines and what it says, with exit status `status`.
fn lines(arguments: &[&str], input: &[u8], status: i32) -> (Vec<Value>, String) {
    let output = dump(arguments, input);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (lines, stderr)
}

/// The messages of a stream that is good.
fn good(input: &[u8]) -> Vec<Value> {
    let (lines, stderr) = lines(&["-", "--json"], input, 0);
    assert_eq!(stderr, "");
    lines
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().expect("a text")).collect()
}

fn offsets(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|line| line["offset"].as_u64().expect("a number")).collect()
}

/// A file in a directory of its own for each test.
fn path(test: &str, name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gnutella-dump").join(test);
    fs::create_dir_all(&directory).expect("a directory");
    directory.join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

// --- descriptors ---------------------------------------------------------------------------------

const GUID: Guid = Guid::from_bytes([0x11; 16]);
const ADDRESS: &str = "192.0.2.7:6346";
const URN: &str = "urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB";

fn message(ttl: u8, hops: u8, payload: Payload<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Message { guid: GUID, ttl, hops, payload }.encode(&mut bytes);
    bytes
}

fn ping() -> Vec<u8> {
    message(7, 0, Payload::Ping(Ping::default()))
}

fn pong(extension: &[u8]) -> Vec<u8> {
    let address = ADDRESS.parse().expect("an address");
    message(3, 4, Payload::Pong(Pong { address, files: 12, kbytes: 1_024, extension }))
}

fn query(text: &[u8]) -> Vec<u8> {
    let flags = QueryFlags(QueryFlags::MARK | QueryFlags::FIREWALLED | QueryFlags::OUT_OF_BAND | 9);
    let query = Query::new(flags, text).expect("a query").with_extension(URN.as_bytes());
    message(4, 0, Payload::Query(query))
}

fn bye() -> Vec<u8> {
    let bye = OwnedBye::new(Bye::SHUTDOWN, b"Shutting down\r\nServer: a/1\r\n\r\n").expect("a bye");
    message(1, 0, Payload::Bye(bye.borrow()))
}

fn unknown(payload: &[u8]) -> Vec<u8> {
    let payload_type = PayloadType(0x99);
    message(1, 0, Payload::Unknown { payload_type, bytes: payload })
}

fn hit() -> Vec<u8> {
    let block =
        GgepBuilder::new().push(b"LF", &ggep_number(5_000_000_001)).expect("an id").finish();
    let large = [URN.as_bytes(), &[0x1c], &block].concat();
    let results = [
        HitResult {
            index: 36,
            size: 4_356_789,
            name: b"Blue Train.ogg",
            extension: URN.as_bytes(),
        },
        HitResult { index: 37, size: u32::MAX, name: b"gr\xfcn\x1b.ogg", extension: &large },
    ];
    let address = ADDRESS.parse().expect("an address");
    let servent = Guid::from_bytes([7; 16]);
    let mut hit = OwnedQueryHit::new(address, 1_000, servent, results).expect("a hit");
    let mut trailer = Vec::new();
    let open = Trailer::open_data(true, false);
    Trailer::new(*b"LIME", &open, &[1, 0xaa]).expect("a trailer").encode(&mut trailer);
    hit.trailer = trailer.into();
    message(2, 0, Payload::QueryHit(hit.borrow()))
}

/// A stream of every type, and how many messages it has.
fn every_type() -> Vec<u8> {
    let address = ADDRESS.parse().expect("an address");
    let servent = Guid::from_bytes([7; 16]);
    let block = GgepBuilder::new()
        .push(b"DU", &[0x0b, 0x02])
        .and_then(|block| block.push(b"UP", &[1, 30, 2]))
        .and_then(|block| block.push(b"IPP", &[192, 0, 2, 9, 0xca, 0x18]))
        .and_then(|block| block.push(b"XYZ", &[0, 1]))
        .expect("ids")
        .finish();
    let messages = [VendorId { vendor: *b"BEAR", selector: 4, version: 1 }];
    let supported = SupportedMessages::build(&messages);
    let id = VendorId { vendor: [0; 4], selector: 0, version: 0 };
    let supported = VendorMessage::decode(id, &supported).expect("a list").to_vendor();
    let patch = QrpPatch { number: 1, count: 2, compressor: 1, entry_bits: 4, data: &[0x78, 0x9c] };
    let id = VendorId { vendor: *b"ABCD", selector: 7, version: 9 };
    let other = VendorMessage::Other { id, data: &[5] }.to_vendor();
    [
        ping(),
        pong(&block),
        query("blau \u{202e}ß".as_bytes()),
        query(b"\xfcber"),
        hit(),
        message(7, 0, Payload::Push(Push { servent, index: 36, address, extension: &[] })),
        message(1, 0, Payload::Qrp(Qrp::Reset { slots: 65_536, infinity: 7, rest: &[] })),
        message(1, 0, Payload::Qrp(Qrp::Patch(patch))),
        message(1, 0, Payload::Vendor(supported.borrow())),
        message(1, 0, Payload::Vendor(other.borrow())),
        unknown(&[0xfe, 0xff]),
        bye(),
    ]
    .concat()
}

const TYPES: [&str; 12] = [
    "ping",
    "pong",
    "query",
    "query",
    "query_hit",
    "push",
    "qrp",
    "qrp",
    "vendor",
    "vendor",
    "unknown",
    "bye",
];

/// What who opened a connection sends before the descriptors, deflated or not.
fn opening(deflated: bool) -> Vec<u8> {
    let encoding = if deflated { "Content-Encoding: deflate\r\n" } else { "" };
    format!(
        "GNUTELLA CONNECT/0.6\r\nUser-Agent: a/1\r\nAccept-Encoding: deflate\r\n\r\n\
         GNUTELLA/0.6 200 OK\r\n{encoding}\r\n"
    )
    .into_bytes()
}

fn deflated(messages: &[&[u8]]) -> Vec<u8> {
    let mut writer = LinkWriter::new(true);
    let mut out = Vec::new();
    for bytes in messages {
        writer.write(&Message::decode(bytes).expect("a message"), &mut out);
        writer.flush(&mut out);
    }
    out
}

#[test]
fn without_arguments_it_says_what_it_can_do() {
    let output = program().output().expect("it runs");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for option in ["--json", "--pcap", "--reencode"] {
        assert!(help.contains(option), "{help}");
    }
}

#[test]
fn descriptors_of_every_type_are_dumped_with_their_fields() {
    let stream = every_type();
    let lines = good(&stream);
    assert_eq!(types(&lines), TYPES);
    let mut at = 0;
    for line in &lines {
        assert_eq!(line["offset"], at);
        assert_eq!(line["guid"], GUID.to_string());
        at += 23 + line["length"].as_u64().expect("a number");
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["body", "guid", "hops", "length", "offset", "ttl", "type"]);
    }
    assert_eq!(at, stream.len() as u64);
    assert_eq!((&lines[1]["ttl"], &lines[1]["hops"]), (&json!(3), &json!(4)));

    let body = |index: usize| &lines[index]["body"];
    assert_eq!(*body(0), json!({}));
    assert_eq!(
        *body(1),
        json!({
            "address": ADDRESS, "files": 12, "kbytes": 1024, "ultrapeer": true,
            "ggep": {
                "DU": 523,
                "UP": { "version": "0.1", "leaves": 30, "ultrapeers": 2 },
                "IPP": ["192.0.2.9:6346"],
                "XYZ": { "hex": "0001" },
            },
        })
    );
    assert_eq!(
        *body(2),
        json!({
            "text": "blau \u{202e}ß", "terminated": true, "flags": ["firewalled", "out_of_band"],
            "max_hits": 9, "reply_address": "17.17.17.17:4369", "urns": [URN],
        })
    );
    assert_eq!(body(3)["text"], "\u{fffd}ber");
    assert_eq!(body(3)["text_hex"], "fc626572");
    assert_eq!(
        *body(4),
        json!({
            "address": ADDRESS, "speed": 1000, "servent": "07".repeat(16),
            "results": [
                { "index": 36, "size": 4_356_789, "name": "Blue Train.ogg", "urns": [URN] },
                {
                    "index": 37, "size": u32::MAX, "full_size": 5_000_000_001_u64,
                    "name": "gr\u{fffd}n\x1b.ogg", "name_hex": "6772fc6e1b2e6f6767",
                    "urns": [URN], "ggep": { "LF": 5_000_000_001_u64 },
                },
            ],
            "trailer": {
                "vendor": "LIME", "flags": { "push": true, "busy": false }, "chat": true,
                "open_hex": "0501", "private_hex": "01aa",
                "other": [{ "text": "\x01\u{fffd}", "text_hex": "01aa" }],
            },
        })
    );
    assert_eq!(*body(5), json!({ "servent": "07".repeat(16), "index": 36, "address": ADDRESS }));
    assert_eq!(*body(6), json!({ "variant": "reset", "slots": 65536, "infinity": 7 }));
    assert_eq!(
        *body(7),
        json!({
            "variant": "patch", "number": 1, "count": 2, "compressor": 1, "entry_bits": 4,
            "data_hex": "789c",
        })
    );
    assert_eq!(
        *body(8),
        json!({
            "vendor": "null", "selector": 0, "version": 0, "standard": false,
            "message": "messages_supported",
            "messages": [{ "vendor": "BEAR", "selector": 4, "version": 1 }],
        })
    );
    assert_eq!(
        *body(9),
        json!({
            "vendor": "ABCD", "selector": 7, "version": 9, "standard": false,
            "message": "other", "data_hex": "05",
        })
    );
    assert_eq!(*body(10), json!({ "payload_type": "99", "payload_hex": "feff" }));
    assert_eq!(
        *body(11),
        json!({
            "code": 200, "text": "Shutting down",
            "fields": [{ "name": "Server", "value": "a/1" }],
        })
    );
}

#[test]
fn every_vendor_message_has_its_fields() {
    let hosts = [CrawledHost {
        address: "192.0.2.9:6346".parse().expect("an address"),
        minutes: Some(5),
        locale: None,
    }];
    let crawled = CrawlerPong::build(&hosts, &[], CrawlerPong::CONNECTION_TIME);
    let lime = |selector, version| VendorId { vendor: *b"LIME", selector, version };
    let crawled = VendorMessage::decode(lime(6, 1), &crawled).expect("a crawler pong");
    let number = VendorMessage::decode(lime(12, 2), &[3, 1]).expect("a reply number");
    let cases = [
        (VendorMessage::HopsFlow { hops: 3 }, json!({ "message": "hops_flow", "hops": 3 })),
        (
            VendorMessage::TcpConnectBack { port: 6346 },
            json!({ "message": "tcp_connect_back", "port": 6346 }),
        ),
        (
            VendorMessage::QueryStatus { results: VendorMessage::STOP_QUERY },
            json!({ "message": "query_status", "results": 65535, "stop": true }),
        ),
        (number, json!({ "message": "reply_number", "results": 3, "unsolicited": true })),
        (
            VendorMessage::ProxyVeto { up_to: None },
            json!({ "message": "proxy_veto", "up_to": null }),
        ),
        (
            VendorMessage::PushProxyAck { version: 2, ip: Some([192, 0, 2, 1].into()), port: 6346 },
            json!({ "message": "push_proxy_ack", "ip": "192.0.2.1", "port": 6346 }),
        ),
        (
            crawled,
            json!({
                "message": "crawler_pong", "leaves": [], "features": ["connection_time"],
                "ultrapeers": [{ "address": "192.0.2.9:6346", "minutes": 5 }],
            }),
        ),
    ];
    for (vendor, expected) in cases {
        let lines = good(&message(1, 0, Payload::Vendor(vendor.to_vendor().borrow())));
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&lines[0]["body"][key], value, "{vendor:?}: {key}");
        }
    }
}

#[test]
fn a_line_for_people_can_not_steer_a_terminal() {
    let stream = every_type();
    let output = dump(&["-"], &stream);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), TYPES.len());
    for (line, kind) in text.lines().zip(TYPES) {
        assert_eq!(line.split_whitespace().nth(1), Some(kind), "{line}");
    }
    assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
    assert!(text.contains("name=\"Blue Train.ogg\""), "{text}");
    // JSON has neither, but means them.
    let output = dump(&["-", "--json"], &stream);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
}

#[test]
fn header_blocks_are_passed_over_and_say_whether_to_inflate() {
    let stream = every_type();
    let plain = [opening(false), stream.clone()].concat();
    assert_eq!(good(&plain), good(&stream));
    let first = ping();
    let second = query(b"blue train");
    let packed = [opening(true), deflated(&[&first, &second])].concat();
    assert_eq!(good(&packed), good(&[first.clone(), second].concat()));
    // 0.4, and the answer's direction, which has one block.
    assert_eq!(good(&[b"GNUTELLA CONNECT/0.4\n\n".as_slice(), &first].concat()), good(&first));
    let answer = b"GNUTELLA/0.6 200 OK\r\ncontent-encoding: Deflate\r\n\r\n";
    assert_eq!(good(&[answer.as_slice(), &deflated(&[&first])].concat()), good(&first));
    // That it could inflate does not say that it deflates.
    let answer = b"GNUTELLA/0.6 200 OK\r\nAccept-Encoding: deflate\r\n\r\n";
    assert_eq!(good(&[answer.as_slice(), &first].concat()), good(&first));
    // A refusal, and nothing at all.
    assert!(good(b"GNUTELLA/0.6 503 Full\r\nX-Try: 192.0.2.1:6346\r\n\r\n").is_empty());
    assert!(good(b"").is_empty());
}

#[test]
fn a_stream_that_ends_inside_a_message_gives_the_good_ones_and_an_error() {
    let whole = [ping(), query(b"a b c")].concat();
    for cut in 24..whole.len() {
        let (lines, stderr) = lines(&["-", "--json"], &whole[..cut], 1);
        assert_eq!(types(&lines), ["ping"]);
        let there = cut - 23;
        let expected = format!(
            "error: standard input: offset 23: input ends inside a message, after {there} bytes of \
             it\n"
        );
        assert_eq!(stderr, expected);
    }
    let head = opening(false);
    let (lines, stderr) = lines(&["-", "--json"], &head[..head.len() - 3], 1);
    assert!(lines.is_empty());
    assert!(stderr.contains("byte 67: input ends inside a header block"), "{stderr}");
}

#[test]
fn a_message_that_is_cut_off_deflated_is_not_missed() {
    let (first, second) = (ping(), query(b"blue train"));
    let head = opening(true);
    let whole = [head.clone(), deflated(&[&first, &second])].concat();
    let one = head.len() + deflated(&[&first]).len();
    for cut in head.len()..whole.len() {
        let output = dump(&["-", "--json"], &whole[..cut]);
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        let messages = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
        let problem = stderr.contains("input ends inside a message");
        let note = stderr.contains("the deflated data ends inside a block");
        assert_eq!(problem, output.status.code() == Some(1), "{cut}: {stderr}");
        // Silence is right with nothing, after the header of zlib, and in the five bytes of the empty
        // block after a message, which has come out then; and needed between messages.
        let after = |end: usize| (end - 5..=end).contains(&cut);
        let may_be_silent =
            cut == head.len() || cut == head.len() + 2 || after(one) || after(whole.len());
        if !problem && !note {
            assert!(may_be_silent, "{cut}");
            assert_eq!(messages, usize::from(after(one)) + 2 * usize::from(after(whole.len())));
        }
        assert!(!(problem || note) || cut != head.len() && cut != one, "{cut}: {stderr}");
    }
    // The stream of a link that was closed in order has an end.
    let mut ended = head;
    ended.extend(miniz_oxide::deflate::compress_to_vec_zlib(&[first, second].concat(), 6));
    assert_eq!(good(&ended).len(), 2);
}

#[test]
fn what_goes_wrong_is_said_with_its_offset_and_kind() {
    // A payload that is too short costs one message.
    let header = Header { guid: GUID, payload_type: PayloadType::PONG, ttl: 1, hops: 0, length: 2 };
    let mut short = Vec::new();
    header.encode(&mut short);
    short.extend([1, 2]);
    let (messages, stderr) = lines(&["-", "--json"], &[ping(), short.clone(), bye()].concat(), 1);
    assert_eq!(types(&messages), ["ping", "bye"]);
    assert_eq!(offsets(&messages), [0, 48]);
    assert_eq!(
        stderr,
        "error: standard input: offset 48: pong: pong payload of 2 bytes, expected at least 14\n"
    );
    // A vendor message that contradicts itself is what no servent takes.
    let id = VendorId { vendor: *b"BEAR", selector: 4, version: 1 };
    let flow = VendorMessage::Other { id, data: &[1, 2] }.to_vendor();
    let flow = message(1, 0, Payload::Vendor(flow.borrow()));
    let (messages, stderr) = lines(&["-", "--json"], &[ping(), flow, bye()].concat(), 1);
    assert_eq!(types(&messages), ["ping", "bye"]);
    assert!(stderr.contains("offset 23: vendor: vendor message that can not be read"), "{stderr}");
    // Garbage: where the next one begins is not known any more.
    let garbage = [ping(), vec![0xee; 100], bye()].concat();
    let (messages, stderr) = lines(&["-", "--json"], &garbage, 1);
    assert_eq!(types(&messages), ["ping"]);
    assert_eq!(
        stderr,
        "error: standard input: offset 42: payload of 4008636142 bytes announced, expected at most \
         65536\n"
    );
    // What should be deflated is not.
    let (messages, stderr) = lines(&["-", "--json"], &[opening(true), ping()].concat(), 1);
    assert!(messages.is_empty());
    assert!(stderr.contains("offset 0: not a zlib stream"), "{stderr}");
    // A header block without end.
    let endless = [b"GNUTELLA CONNECT/0.6\r\n".as_slice(), &[b'a'; 20_000]].concat();
    let (_, stderr) = lines(&["-", "--json"], &endless, 1);
    assert!(stderr.contains("byte 16384: header block: head longer than 16384 bytes"), "{stderr}");
}

#[test]
fn reencoded_descriptors_are_the_inflated_stream() {
    let stream = every_type();
    let out = path("reencode", "out");
    let first = ping();
    let second = query(b"blue train");
    let plain = [first.clone(), second.clone()].concat();
    for (input, expected) in [
        (stream.clone(), &stream),
        ([opening(false), stream.clone()].concat(), &stream),
        ([opening(true), deflated(&[&first, &second])].concat(), &plain),
    ] {
        let (_, stderr) = lines(&["-", "--json", "--reencode", text(&out)], &input, 0);
        assert_eq!(stderr, "");
        assert_eq!(fs::read(&out).expect("a file"), *expected);
    }
    // The good ones, of a stream that is cut.
    let cut = &plain[..plain.len() - 1];
    lines(&["-", "--json", "--reencode", text(&out)], cut, 1);
    assert_eq!(fs::read(&out).expect("a file"), first);
    // Not over the input.
    let input = path("reencode", "input");
    fs::write(&input, &plain).expect("a file");
    let output =
        program().args([text(&input), "--reencode", text(&input)]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(&input).expect("a file"), plain);
}

#[test]
fn a_long_stream_takes_little_memory_and_a_closed_pipe_ends_it() {
    // 40 MB of messages: its own lines would fill a pipe.
    let one = unknown(&[0xab; 40_000]);
    let (lines, _) = lines(&["-", "--json"], &one.repeat(1_000), 0);
    assert_eq!(lines.len(), 1_000);
    let mut child = program()
        .args(["-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("a pipe");
    let _ = stdin.write_all(&ping().repeat(10_000));
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(
        stderr,
        "error: standard output: closed by its reader before everything was dumped\n"
    );
}

#[test]
fn what_can_not_be_read_is_said_in_a_line() {
    for arguments in [["no-such-file", "--json"], [env!("CARGO_TARGET_TMPDIR"), "--json"]] {
        let output = program().args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
        assert!(stderr.contains(arguments[0]), "{stderr}");
    }
    // A capture without --pcap.
    let (_, stderr) = lines(&["-"], &capture::pcap(1, &[]), 1);
    assert!(stderr.contains("looks like a capture, which needs --pcap"), "{stderr}");
}
