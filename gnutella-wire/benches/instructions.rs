//! Counts instructions under valgrind, which are the same on every run: twice the input must not cost
//! more than 2.2 times as many, whatever the input's shape. Says so and ends if there is no valgrind.
//!
//! ```sh
//! cargo bench -p gnutella-wire --bench instructions [-- SHAPE]
//! ```

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};

use gnutella_wire::{
    Decoded, Extension, Extensions, Frame, GgepBuilder, Guid, Head, Header, HitResult, Limits,
    LinkReader, Message, Offer, OwnedQueryHit, Payload, PayloadType, Pong, Qrp, QrpPatch,
    QrpReceiver, Query, QueryFlags, QueryRouteTable, TransferFields, keywords, partial_ranges,
};

/// As many descriptors, or a value as long again; a buffer that grows takes a little more.
const MOST: f64 = 2.2;

/// Bytes of the smaller input, roughly: half of the longest payload.
const SIZE: usize = 1 << 15;

type Shape = (&'static str, fn(usize) -> Vec<u8>);
type Task = (&'static str, fn(&[u8]));

/// What descriptors hold, and heads.
const SHAPES: &[Shape] = &[
    ("pongs", |size| messages(size, |_| Payload::Pong(pong()))),
    ("queries", |size| {
        messages(size, |_| {
            Payload::Query(Query::new(QueryFlags::default(), b"blue train").expect("a text"))
        })
    }),
    ("hits", |size| {
        let results = [HitResult { index: 1, size: 2, name: b"Blue Train.ogg", extension: b"" }; 9];
        let hit = OwnedQueryHit::new(pong().address, 1, Guid::ZERO, results).expect("a hit");
        messages(size, |_| Payload::QueryHit(hit.borrow()))
    }),
    // What follows the fixed part of a payload.
    ("GGEP blocks", |size| repeat(size, &block())),
    ("one GGEP block", |size| {
        let item = b"\x02NP\x42\x01\x02";
        [&b"\xc3"[..], &repeat(size, item), b"\x82NP\x40"].concat()
    }),
    ("no GGEP block", |size| repeat(size, b"\xc3")),
    ("GGEP blocks cut off", |size| repeat(size, b"\xc3\x02NP\x40")),
    ("a GGEP block after each miss", |size| repeat(size, b"\xc3\x00\xc3\x82NP\x40")),
    ("stuffed", |size| {
        let data = repeat(size, b"\x02a");
        let six = |shift: u32| (data.len() >> shift & 0x3f) as u8;
        let length = [0x80 | six(12), 0x80 | six(6), 0x40 | six(0)];
        [&b"\xc3\xc1X"[..], &length, &data].concat()
    }),
    ("urns", |size| repeat(size, b"urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB\x1c")),
    ("begun urns", |size| repeat(size, b"urn")),
    ("begun XML", |size| repeat(size, b"<")),
    ("separators", |size| repeat(size, b"\x1c")),
    ("words", |size| repeat(size, b"blue train ")),
    ("accents", |size| repeat(size, "Björk - Jóga ".as_bytes())),
    // In ascending and in descending order of their classes, which have to be sorted.
    ("one letter with accents", |size| {
        [
            &b"a"[..],
            &repeat(size / 2, "\u{327}".as_bytes()),
            &repeat(size / 2, "\u{301}".as_bytes()),
        ]
        .concat()
    }),
    ("accents the wrong way round", |size| {
        [&b"a"[..], &repeat(size, "\u{301}\u{327}".as_bytes())].concat()
    }),
    ("kana with marks", |size| [&b"a"[..], &repeat(size, "\u{3099}\u{304b}".as_bytes())].concat()),
    ("marks that stay", |size| [&b"a"[..], &repeat(size, "\u{3099}\u{5b0}".as_bytes())].concat()),
    ("no UTF-8", |size| repeat(size, b"\xff")),
    ("fields", |size| head(size, b"X-Try: 192.0.2.7:6346\r\n")),
    ("fields of nothing", |size| head(size, b"a\n")),
    ("fields that go on", |size| head(size, b" 192.0.2.7:6346,\r\n")),
    ("entries of a field", |size| {
        head(0, &[b"X-Try: ", &repeat(size, b"192.0.2.7:6346,")[..], b"\r\n"].concat())
    }),
    ("white space", |size| head(0, &[b"X-Try: ", &repeat(size, b" ")[..], b"\r\n"].concat())),
];

fn repeat(size: usize, item: &[u8]) -> Vec<u8> {
    item.repeat(size.div_ceil(item.len()))
}

fn head(size: usize, line: &[u8]) -> Vec<u8> {
    let lines = if size == 0 { line.to_vec() } else { repeat(size, line) };
    [b"GNUTELLA CONNECT/0.6\r\n", &lines[..], b"\r\n"].concat()
}

fn pong() -> Pong<'static> {
    let address = "192.0.2.7:6346".parse().expect("an address");
    Pong { address, files: 1, kbytes: 8, extension: b"\xc3\x82NP\x40" }
}

fn block() -> Vec<u8> {
    let block = GgepBuilder::new().push(b"DU", &[1]).expect("it fits");
    block.push(b"ALT", &[1; 12]).expect("it fits").finish()
}

fn messages<'a>(size: usize, payload: impl Fn(usize) -> Payload<'a>) -> Vec<u8> {
    let mut stream = Vec::new();
    while stream.len() < size {
        let payload = payload(stream.len());
        Message { guid: Guid::ZERO, ttl: 1, hops: 0, payload }.encode(&mut stream);
    }
    stream
}

/// Nothing is too long.
const LIMITS: Limits =
    Limits { payload: 1 << 20, head_bytes: 1 << 20, head_lines: 1 << 20, inflated: 1 << 16 };

const TASKS: &[Task] = &[
    ("walk", |bytes| {
        let mut rest = bytes;
        while let Ok(Decoded::Complete { value, consumed }) = Frame::decode_prefix(rest, &LIMITS) {
            if let Ok(Payload::QueryHit(hit)) = value.parse().map(|message| message.payload) {
                hit.results.for_each(|result| extensions(result.extensions()));
            }
            rest = &rest[consumed..];
        }
    }),
    ("as extensions", |bytes| extensions(Extensions::of(bytes))),
    ("find an extension", |bytes| {
        black_box(Extensions::of(bytes).ggep(b"none").is_some());
        black_box(partial_ranges(Extensions::of(bytes), 1 << 40, &LIMITS).is_ok());
    }),
    ("as a query", |bytes| {
        let Ok(query) = Query::new(QueryFlags::default(), bytes) else { return };
        black_box(keywords(query.text()).map(|word| word.chars().count()).sum::<usize>());
        black_box(QueryRouteTable::new(16).may_answer(&query));
        black_box(query.to_owned());
    }),
    ("as every payload", |bytes| {
        for kind in [0x00, 0x01, 0x02, 0x30, 0x31, 0x32, 0x40, 0x80, 0x81] {
            let payload = Payload::decode(PayloadType(kind), bytes);
            black_box(payload.is_ok_and(|payload| payload.to_owned().borrow() == payload));
        }
    }),
    ("as results", |bytes| {
        let results = [&[255; 11], bytes, &[0; 16]].concat();
        black_box(Payload::decode(PayloadType::QUERY_HIT, &results).is_ok());
    }),
    ("off a link", |bytes| {
        let mut link = LinkReader::new(LIMITS, false);
        for mut piece in bytes.chunks(1_000) {
            while !piece.is_empty() {
                piece = &piece[link.feed(piece)..];
                while let Ok(Some(frame)) = link.next() {
                    black_box(frame.payload.len());
                }
                if piece.is_empty() || link.buffered() > Header::LEN + LIMITS.payload {
                    break;
                }
            }
        }
    }),
    ("as a patch", |bytes| {
        let mut receiver = QrpReceiver::new(24);
        // A bit a slot, so that as many bytes make a table.
        let slots = (bytes.len() * 8).next_power_of_two() as u32;
        let reset = Qrp::Reset { slots, infinity: 7, rest: &[] };
        black_box(receiver.receive(&reset).is_ok());
        let fragments = bytes.chunks(bytes.len().div_ceil(200).max(1));
        let count = fragments.len() as u8;
        for (number, data) in (1..=count).zip(fragments) {
            let patch = QrpPatch { number, count, compressor: 0, entry_bits: 1, data };
            black_box(receiver.receive(&Qrp::Patch(patch)).is_ok());
        }
    }),
    ("as a head", |bytes| {
        let Ok(Decoded::Complete { value, .. }) = Head::decode_prefix(bytes, &LIMITS) else {
            return;
        };
        black_box(value.fields().count());
        black_box((Offer::of(value).try_hosts().count(), Offer::of(value).role()));
        let transfer = TransferFields::of(value);
        black_box((transfer.alternate_locations().count(), transfer.available_ranges().count()));
        black_box((transfer.queue_place(), transfer.content_urns().count()));
    }),
];

/// Everything in them.
fn extensions(extensions: Extensions<'_>) {
    for extension in extensions {
        match extension {
            Extension::Ggep(block) => {
                block.for_each(|item| _ = black_box(item.data(&LIMITS).is_ok()));
            }
            Extension::Xml(xml) => _ = black_box(xml.text(&LIMITS).is_ok()),
            other => _ = black_box(other),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Ourselves, under valgrind.
    if let [first, shape, task, size] = arguments.as_slice()
        && first == "--count"
    {
        run(shape, task, size.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only wants to see it start.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: no valgrind to count instructions with");
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let mut worst = 0f64;
    println!("{:30} {:20} {:>12} {:>12} {:>6}", "shape", "task", "once", "twice", "times");
    for (shape, _) in SHAPES {
        if wanted.is_some_and(|wanted| !shape.contains(wanted.as_str())) {
            continue;
        }
        let [once, twice] = [SIZE, 2 * SIZE].map(|size| count(shape, "", size));
        for (task, _) in TASKS {
            let once = count(shape, task, SIZE).saturating_sub(once);
            let twice = count(shape, task, 2 * SIZE).saturating_sub(twice);
            // Refused at once, or nothing to do: what is left is noise.
            let times = if once < 10_000 { 0.0 } else { twice as f64 / once as f64 };
            println!("{shape:30} {task:20} {once:12} {twice:12} {times:6.3}");
            worst = worst.max(times);
        }
    }
    println!("the worst is {worst:.3}, the most there may be {MOST}");
    if worst <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Gets everything ready, and does one task.
fn run(shape: &str, task: &str, size: usize) {
    let (_, build) = SHAPES.iter().find(|(name, _)| *name == shape).expect("a shape");
    let bytes = black_box(build(size));
    if let Some((_, work)) = TASKS.iter().find(|(name, _)| *name == task) {
        work(&bytes);
    }
    // Taking it down costs the same whatever was done.
    std::mem::forget(bytes);
}

/// Instructions of a process that does this.
fn count(shape: &str, task: &str, size: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--count", shape, task, &size.to_string()])
        .output()
        .expect("valgrind");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.expect("callgrind tells how many");
    number.trim().parse().expect("a number")
}
