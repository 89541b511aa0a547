//! Where messages go: a line each to standard output, and their bytes to the file of `--reencode`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gnutella_wire::{Header, Message, Payload};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Failure, about, body, escape};

pub struct Output {
    lines: BufWriter<StdoutLock<'static>>,
    json: bool,
    reencoded: Option<(PathBuf, BufWriter<File>)>,
    /// Whether something was wrong.
    wrong: bool,
    /// A message's bytes.
    scratch: Vec<u8>,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    offset: u64,
    r#type: &'static str,
    guid: String,
    ttl: u8,
    hops: u8,
    length: u32,
    body: Map<String, Value>,
}

impl Output {
    pub fn new(json: bool, reencode: Option<&Path>) -> Result<Self, Failure> {
        let reencoded = match reencode {
            Some(path) => {
                let file = File::create(path).map_err(|error| about(path, error))?;
                Some((path.to_owned(), BufWriter::new(file)))
            }
            None => None,
        };
        let lines = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        Ok(Self { lines, json, reencoded, wrong: false, scratch: Vec::new() })
    }

    /// A good message. `stream` tells the streams of a capture apart.
    pub fn message(
        &mut self,
        stream: Option<&str>,
        offset: u64,
        header: &Header,
        message: &Message<'_>,
    ) -> Result<(), Failure> {
        if let Some((path, file)) = &mut self.reencoded {
            self.scratch.clear();
            message.encode(&mut self.scratch);
            file.write_all(&self.scratch).map_err(|error| about(path, error))?;
        }
        let line = Line {
            stream,
            offset,
            r#type: type_of(&message.payload),
            guid: message.guid.to_string(),
            ttl: message.ttl,
            hops: message.hops,
            length: header.length,
            body: body::of(message),
        };
        let text = if self.json {
            escape::json(&serde_json::to_string(&line)?) + "\n"
        } else {
            line.to_text()
        };
        self.lines.write_all(text.as_bytes()).map_err(on_stdout)
    }

    /// Something that is wrong, and where. It is said after everything that was good until then.
    pub fn problem(&mut self, text: &str) -> Result<(), Failure> {
        self.wrong = true;
        self.say("error", text)
    }

    /// Something to know that makes nothing wrong.
    pub fn note(&mut self, text: &str) -> Result<(), Failure> {
        self.say("note", text)
    }

    fn say(&mut self, what: &str, text: &str) -> Result<(), Failure> {
        self.flush()?;
        // Where standard error is closed, the exit status still tells.
        let _ = writeln!(io::stderr(), "{what}: {}", escape::text(text.as_bytes()));
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        self.lines.flush().map_err(on_stdout)
    }

    /// Writes out what is still buffered, and says how it went.
    pub fn finish(mut self) -> Result<ExitCode, Failure> {
        if let Some((path, mut file)) = self.reencoded.take() {
            file.flush().map_err(|error| about(&path, error))?;
        }
        self.flush()?;
        Ok(if self.wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn on_stdout(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => {
            "standard output: closed by its reader before everything was dumped".into()
        }
        _ => format!("standard output: {error}").into(),
    }
}

fn type_of(payload: &Payload<'_>) -> &'static str {
    match payload {
        Payload::Ping(_) => "ping",
        Payload::Pong(_) => "pong",
        Payload::Bye(_) => "bye",
        Payload::Qrp(_) => "qrp",
        Payload::Vendor(_) => "vendor",
        Payload::Push(_) => "push",
        Payload::Query(_) => "query",
        Payload::QueryHit(_) => "query_hit",
        _ => "unknown",
    }
}

impl Line<'_> {
    /// The same for people.
    fn to_text(&self) -> String {
        let mut out = String::new();
        if let Some(stream) = self.stream {
            let _ = write!(out, "{stream}  ");
        }
        let Self { offset, r#type, guid, ttl, hops, length, .. } = self;
        let _ = write!(
            out,
            "{offset:8}  {:9}  {guid}  ttl {ttl}  hops {hops}  {length:5} bytes ",
            r#type
        );
        put_fields(&self.body, &mut out);
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

/// `key=value`, each after a space.
fn put_fields(fields: &Map<String, Value>, out: &mut String) {
    for (key, value) in fields {
        // Keys can come from strangers, too: the ids of extensions.
        let _ = write!(out, " {}=", escape::text(key.as_bytes()));
        put_value(value, out);
    }
}

fn put_value(value: &Value, out: &mut String) {
    match value {
        Value::String(text) if is_word(text) => out.push_str(text),
        Value::String(text) => {
            let _ = write!(out, "\"{}\"", escape::text(text.as_bytes()).replace('"', "\\\""));
        }
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                put_value(value, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            let start = out.len();
            put_fields(fields, out);
            if out.len() > start {
                out.remove(start);
            }
            out.push('}');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// Whether it can stand without quotes.
fn is_word(text: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || "._:-/".contains(char);
    !text.is_empty() && text.chars().all(plain)
}
