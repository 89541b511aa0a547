//! Prints a bencoded file as JSON, and what in it is not canonical.
//!
//! ```sh
//! cargo run -p overlay-bencode --example bencode_json -- FILE [--strict]
//! ```
//!
//! Strings that are text come out as JSON strings, all others as `{"hex": "…"}`. Decoding is lenient
//! unless `--strict`; each deviation goes to standard error, with its offset. Without a file, a small
//! built-in message is shown.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use overlay_bencode::{Decoder, Kind, Node};

const SAMPLE: &[u8] = b"d4:spaml1:a1:be2:idi01e4:hash4:\xde\xad\xbe\xefe";

#[allow(clippy::print_stderr)]
fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let strict = arguments.iter().position(|argument| argument == "--strict");
    strict.map(|index| arguments.remove(index));
    let decoder = if strict.is_some() { Decoder::strict() } else { Decoder::lenient() };

    let result = match arguments.as_slice() {
        [] => print(SAMPLE, decoder),
        [path] => std::fs::read(path)
            .map_err(|error| format!("{}: {error}", path.display()).into())
            .and_then(|bytes| print(&bytes, decoder)),
        _ => Err("usage: bencode_json [FILE] [--strict]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr)]
fn print(bytes: &[u8], decoder: Decoder) -> Result<(), Box<dyn std::error::Error>> {
    let document = decoder.decode(bytes)?;
    let mut out = BufWriter::new(io::stdout().lock());
    json(document.root(), 0, &mut out)?;
    out.write_all(b"\n")?;
    out.flush()?;
    for deviation in document.deviations() {
        eprintln!("deviation: {deviation}");
    }
    Ok(())
}

/// Recursive, which is fine here: the default limits bound the depth.
fn json(node: Node<'_, '_>, indent: usize, out: &mut impl Write) -> io::Result<()> {
    let deeper = indent + 2;
    match node.kind() {
        // JSON knows neither zeros in front nor minus zero.
        Kind::Integer => match (node.as_int(), node.as_uint()) {
            (Some(number), _) => write!(out, "{number}"),
            (_, Some(number)) => write!(out, "{number}"),
            _ => write!(out, "{}", node.digits().unwrap_or("null")),
        },
        Kind::Bytes => string(node, out),
        Kind::List => {
            let mut separator = "[";
            for item in node.as_list().into_iter().flatten() {
                write!(out, "{separator}\n{:deeper$}", "")?;
                json(item, deeper, out)?;
                separator = ",";
            }
            if separator == "[" { out.write_all(b"[]") } else { write!(out, "\n{:indent$}]", "") }
        }
        Kind::Dict => {
            let mut separator = "{";
            for (key, value) in node.as_dict().into_iter().flatten() {
                write!(out, "{separator}\n{:deeper$}", "")?;
                // JSON's keys are text: bytes that are none become `hex:…`.
                match key.as_str() {
                    Some(text) => quoted(text, out)?,
                    None => {
                        write!(out, "\"hex:{}\"", hex::encode(key.as_bytes().unwrap_or_default()))?
                    }
                }
                out.write_all(b": ")?;
                json(value, deeper, out)?;
                separator = ",";
            }
            if separator == "{" { out.write_all(b"{}") } else { write!(out, "\n{:indent$}}}", "") }
        }
    }
}

fn string(node: Node<'_, '_>, out: &mut impl Write) -> io::Result<()> {
    match node.as_str() {
        Some(text) => quoted(text, out),
        None => {
            write!(out, "{{\"hex\": \"{}\"}}", hex::encode(node.as_bytes().unwrap_or_default()))
        }
    }
}

fn quoted(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for char in text.chars() {
        match char {
            '"' => out.write_all(b"\\\"")?,
            '\\' => out.write_all(b"\\\\")?,
            char if char.is_control() => write!(out, "\\u{:04x}", u32::from(char))?,
            char => write!(out, "{char}")?,
        }
    }
    out.write_all(b"\"")
}
