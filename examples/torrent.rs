//! Makes, reads and changes `.torrent` files: `cargo run --example torrent -- show FILE`, and `--help`
//! for the rest.
//!
//! What can not be done is said in one line on standard error, and the exit status is 1. Names and
//! texts out of a torrent are strangers' bytes: nothing of them that could steer a terminal is printed
//! as it is.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use overlay_examples::{Failure, escape, program};
use torrent_meta::{Limits, Metainfo};

#[path = "torrent/create.rs"]
mod create;
#[path = "torrent/edit.rs"]
mod edit;
#[path = "torrent/magnet.rs"]
mod magnet;
#[path = "torrent/output.rs"]
mod output;
#[path = "torrent/replace.rs"]
mod replace;
#[path = "torrent/show.rs"]
mod show;
#[path = "torrent/verify.rs"]
mod verify;
#[path = "torrent/walk.rs"]
mod walk;

/// .torrent files and magnet links.
#[derive(Debug, Parser)]
#[command(name = "torrent", version)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

/// Each is a file in `examples/torrent`.
#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Options),
    Show(show::Options),
    Edit(edit::Options),
    Magnet(magnet::Options),
    Verify(verify::Options),
}

fn main() -> ExitCode {
    program(|options: &Options| match &options.command {
        Some(Command::Create(options)) => create::run(options),
        Some(Command::Show(options)) => show::run(options),
        Some(Command::Edit(options)) => edit::run(options),
        Some(Command::Magnet(options)) => magnet::run(options),
        Some(Command::Verify(options)) => verify::run(options),
        None => print(&Options::command().render_help().to_string()).map(|()| ExitCode::SUCCESS),
    })
}

/// Writes to standard output. A reader that has enough (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The bytes of a `.torrent` file, or a failure that names it. Of what is none by its first byte (a
/// film, say) only a little is read, which is enough to say so.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = || {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(100).read_to_end(&mut bytes)?;
        if bytes.first() == Some(&b'd') {
            // One more than the parser takes, for it to say so.
            file.take(Limits::DEFAULT.bencode.bytes as u64).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    };
    let bytes = read().map_err(|error: std::io::Error| about(path, error))?;
    match Metainfo::parse_lenient(&bytes[..bytes.len().min(100)]) {
        Err(error) if bytes.first() != Some(&b'd') => {
            Err(about(path, format!("not a .torrent file: {error}")))
        }
        _ => Ok(bytes),
    }
}

/// An argument that is a URL. Its scheme tells it from a slip.
fn url(text: &str) -> Result<String, &'static str> {
    let is_url = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|char: char| char.is_ascii_alphabetic()) && !rest.is_empty()
    });
    if is_url && !text.contains(|char: char| char.is_whitespace() || char.is_control()) {
        Ok(text.to_owned())
    } else {
        Err("expected a URL, such as http://tracker.example/announce")
    }
}

/// A failure that has to do with a file.
fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    format!("{}: {error}", path.display()).into()
}
