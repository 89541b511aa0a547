//! Takes Gnutella traffic apart, a line for each message: one direction of a TCP connection with its
//! header blocks, descriptors alone, or (`--pcap`) a capture of many connections.
//!
//! ```text
//! cargo run --example gnutella_dump -- FILE|- [--json] [--pcap] [--reencode OUT]
//! ```
//!
//! Bytes go through a fixed amount of memory, however long the input is. What is wrong is said on
//! standard error with the offset where it is, and makes the exit status 1; the good messages are
//! dumped all the same.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use overlay_examples::{Failure, escape, program};

use output::Output;
use stream::Stream;

#[path = "gnutella_dump/body.rs"]
mod body;
#[path = "gnutella_dump/capture.rs"]
mod capture;
#[path = "gnutella_dump/extensions.rs"]
mod extensions;
#[path = "gnutella_dump/flow.rs"]
mod flow;
#[path = "gnutella_dump/flows.rs"]
mod flows;
#[path = "gnutella_dump/output.rs"]
mod output;
#[path = "gnutella_dump/packet.rs"]
mod packet;
#[path = "gnutella_dump/stream.rs"]
mod stream;

/// Takes Gnutella traffic apart, a line for each message.
#[derive(Debug, Parser)]
#[command(name = "gnutella_dump", version)]
struct Options {
    /// One direction of a connection (`GNUTELLA…` header blocks, then descriptors, deflated if the
    /// headers say so), or descriptors alone; `-` is standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// An object a message: offset, type, guid, ttl, hops, length, body.
    #[arg(long)]
    json: bool,
    /// FILE is a capture (pcap or pcapng): every Gnutella stream in it is dumped, each direction by
    /// itself.
    #[arg(long)]
    pcap: bool,
    /// Writes the good messages again: the descriptors, inflated, without header blocks.
    #[arg(long, value_name = "OUT")]
    reencode: Option<PathBuf>,
}

fn main() -> ExitCode {
    if std::env::args_os().len() == 1 {
        let help = Options::command().render_help().to_string();
        let _ = std::io::stdout().write_all(help.as_bytes());
        return ExitCode::SUCCESS;
    }
    program(run)
}

fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (name, input): (String, Box<dyn Read + Send>) = if options.file.as_os_str() == "-" {
        ("standard input".into(), Box::new(std::io::stdin()))
    } else {
        let file = open(&options.file)?;
        if let Some(out) = &options.reencode
            && is_same(&options.file, out)
        {
            return Err(about(out, "it is the input, which would be lost"));
        }
        (options.file.display().to_string(), Box::new(file))
    };
    let mut output = Output::new(options.json, options.reencode.as_deref())?;
    let dumped = if options.pcap {
        capture::dump(&name, input, &mut output)
    } else {
        dump(&name, input, &mut output)
    };
    // Also after a failure: what was good until then stays.
    let finished = output.finish();
    dumped?;
    finished
}

/// One direction of a connection.
fn dump(name: &str, mut input: impl Read, output: &mut Output) -> Result<(), Failure> {
    let mut stream = Stream::of_file(name);
    let mut chunk = vec![0; 64 * 1024];
    let mut first = true;
    loop {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => {
                let bytes = &chunk[..length];
                if std::mem::take(&mut first) && capture::is_capture(bytes) {
                    output.note(&format!("{name}: it looks like a capture, which needs --pcap"))?;
                }
                stream.feed(bytes, output)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                stream.end(output)?;
                return Err(format!("{name}: {error}").into());
            }
        }
        if stream.is_over() {
            break;
        }
        // Who waits for standard input sees what there is.
        output.flush()?;
    }
    stream.end(output)
}

fn open(path: &Path) -> Result<File, Failure> {
    let file = File::open(path).map_err(|error| about(path, error))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(about(path, "it is a directory, expected a file")),
        _ => Ok(file),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A failure that has to do with a file.
fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    format!("{}: {error}", path.display()).into()
}
