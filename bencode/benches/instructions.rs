//! Counts instructions under valgrind, which are the same on every run: twice the input must not cost
//! more than 2.2 times as many, whatever the input's shape. Says so and ends if there is no valgrind.
//!
//! ```sh
//! cargo bench -p overlay-bencode --features serde --bench instructions [-- SHAPE]
//! ```

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};

use overlay_bencode::serde::{Writer, from_bytes_with};
use overlay_bencode::{Decoder, Edit, Limits, Value};
use serde::de::IgnoredAny;

/// A list is twice as long, a sorting takes a little more.
const MOST: f64 = 2.2;

/// Bytes of the smaller input, roughly.
const SIZE: usize = 1 << 16;

type Shape = (&'static str, fn(usize) -> Vec<u8>);
type Task = (&'static str, fn(&Case));

const SHAPES: &[Shape] = &[
    ("torrent", |size| repeat(size, b"l", file, b"e")),
    ("short strings", |size| repeat(size, b"l", |_| b"1:a".to_vec(), b"e")),
    ("small integers", |size| repeat(size, b"l", |_| b"i0e".to_vec(), b"e")),
    ("great integers", |size| repeat(size, b"l", |_| b"i-9223372036854775808e".to_vec(), b"e")),
    ("one string", |size| [size.to_string().as_bytes(), b":", &vec![b'x'; size]].concat()),
    ("deep lists", |size| [vec![b'l'; size / 2], vec![b'e'; size / 2]].concat()),
    ("deep dictionaries", |size| {
        [b"d0:".repeat(size / 4), b"0:".to_vec(), vec![b'e'; size / 4]].concat()
    }),
    ("empty lists", |size| repeat(size, b"l", |_| b"le".to_vec(), b"e")),
    ("sorted keys", |size| repeat(size, b"d", |i| format!("8:{i:08}0:").into(), b"e")),
    ("keys backwards", |size| {
        repeat(size, b"d", |i| format!("8:{:08}0:", 99_999_999 - i).into(), b"e")
    }),
    ("keys in disorder", |size| {
        repeat(
            size,
            b"d",
            |i| format!("8:{:08x}0:", (i as u32).wrapping_mul(0x9e37_79b9)).into(),
            b"e",
        )
    }),
    ("equal keys", |size| repeat(size, b"d", |_| b"1:a0:".to_vec(), b"e")),
    ("two keys in turn", |size| {
        repeat(size, b"d", |i| if i % 2 == 0 { b"1:b0:".to_vec() } else { b"1:a0:".to_vec() }, b"e")
    }),
    ("long common prefixes", |size| {
        repeat(size, b"d", |i| format!("40:{:040}0:", 99_999_999 - i).into(), b"e")
    }),
    ("zeros in front", |size| repeat(size, b"l", |_| b"i00e01:a".to_vec(), b"e")),
    ("cut", |size| repeat(size, b"l", |_| b"1:a".to_vec(), b"")),
];

fn repeat(size: usize, start: &[u8], item: impl Fn(usize) -> Vec<u8>, end: &[u8]) -> Vec<u8> {
    let mut bytes = start.to_vec();
    let mut index = 0;
    while bytes.len() < size {
        bytes.extend(item(index));
        index += 1;
    }
    bytes.extend_from_slice(end);
    bytes
}

fn file(index: usize) -> Vec<u8> {
    let name = format!("file-{index:06}.dat");
    let path = Value::list(["directory", &name]);
    Value::dict([("length", Value::from(index as u64 * 7919)), ("path", path)]).to_vec()
}

struct Case {
    bytes: Vec<u8>,
    value: Option<Value>,
}

/// As deep as the input likes.
const LIMITS: Limits = Limits { depth: usize::MAX, ..Limits::DEFAULT };

const TASKS: &[Task] = &[
    ("decode strictly", |case| {
        black_box(Decoder::strict().limits(LIMITS).decode(&case.bytes).is_ok());
    }),
    ("decode leniently", |case| {
        black_box(Decoder::lenient().limits(LIMITS).decode(&case.bytes).is_ok());
    }),
    ("skip, typed", |case| {
        let decoder = Decoder::lenient().limits(LIMITS);
        black_box(from_bytes_with::<IgnoredAny>(decoder, &case.bytes).is_ok());
    }),
    ("read a value, typed", |case| {
        let decoder = Decoder::lenient().limits(LIMITS);
        black_box(from_bytes_with::<Value>(decoder, &case.bytes).is_ok());
    }),
    ("tree", |case| {
        let decoder = Decoder::lenient().limits(LIMITS);
        black_box(decoder.decode(&case.bytes).map(|document| document.to_value()).is_ok());
    }),
    ("find the last key", |case| {
        let document = Decoder::lenient().limits(LIMITS).decode(&case.bytes);
        let last = document.as_ref().ok().and_then(|document| {
            let dict = document.root().as_dict()?;
            dict.find(dict.iter().last()?.0.as_bytes()?)
        });
        black_box(last.map(|last| last.offset()));
    }),
    ("set the last key", |case| {
        let document = Decoder::lenient().limits(LIMITS).decode(&case.bytes);
        let edited = document.as_ref().ok().map(|document| {
            let mut edit = Edit::new(document);
            black_box(edit.set([b"\xff"], 1).is_ok());
            edit.to_vec()
        });
        black_box(edited);
    }),
    ("encode", |case| {
        black_box(case.value.as_ref().map(Value::to_vec));
    }),
    ("write, typed", |case| {
        let mut writer = Writer::new();
        black_box(case.value.as_ref().map(|value| writer.write(value).is_ok()));
    }),
];

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
    println!("{:22} {:22} {:>12} {:>12} {:>6}", "shape", "task", "once", "twice", "times");
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
            println!("{shape:22} {task:22} {once:12} {twice:12} {times:6.3}");
            worst = worst.max(times);
        }
    }
    println!("the worst is {worst:.3}, the most there may be {MOST}");
    if worst <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Gets everything ready, and does one task.
fn run(shape: &str, task: &str, size: usize) {
    let (_, build) = SHAPES.iter().find(|(name, _)| *name == shape).expect("a shape");
    let bytes = build(size);
    let value = Decoder::lenient().decode(&bytes).and_then(|document| document.to_value()).ok();
    let case = black_box(Case { bytes, value });
    if let Some((_, work)) = TASKS.iter().find(|(name, _)| *name == task) {
        work(&case);
    }
    // Taking it down costs the same whatever was done.
    std::mem::forget(case);
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
