//! Prints what is in a .torrent file.
//!
//! ```sh
//! cargo run -p torrent-meta --example torrent_show -- [FILE] [--strict]
//! ```
//!
//! Reading is lenient unless `--strict`: what is not as BEP 3 says is listed under "deviations".
//! Without a file, a torrent of two short texts is made in memory and shown.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use torrent_meta::{CreateError, Creator, Metainfo, Parser};

#[allow(clippy::print_stderr)]
fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let strict = arguments.iter().position(|argument| argument == "--strict");
    strict.map(|index| arguments.remove(index));
    let parser = if strict.is_some() { Parser::strict() } else { Parser::lenient() };

    let bytes = match arguments.as_slice() {
        [] => sample().map_err(Into::into),
        [path] => {
            std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
        }
        _ => Err("usage: torrent_show [FILE] [--strict]".into()),
    };
    let result = bytes.and_then(|bytes: Vec<u8>| {
        let metainfo = parser.metainfo(bytes)?;
        Ok(show(&metainfo, &mut BufWriter::new(io::stdout().lock()))?)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error: Box<dyn std::error::Error> = error;
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn sample() -> Result<Vec<u8>, CreateError> {
    let texts = [("hello.txt", "Hello, world!\n"), ("goodbye.txt", "So long, and thanks.\n")];
    let mut creator = Creator::directory("texts").tier(["http://tracker.example/announce"]);
    for (name, text) in texts {
        creator = creator.file([name], text.len() as u64);
    }
    let mut creation = creator.comment("made in memory").start()?;
    for (_, text) in texts {
        creation.update(text.as_bytes())?;
    }
    Ok(creation.finish()?.as_bytes().to_vec())
}

fn show(metainfo: &Metainfo<'_>, out: &mut impl Write) -> io::Result<()> {
    let info = metainfo.info();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    writeln!(out, "name         {}", text(info.name()))?;
    if let Some(hash) = metainfo.info_hash_v1() {
        writeln!(out, "info-hash v1 {hash}")?;
    }
    if let Some(hash) = metainfo.info_hash_v2() {
        writeln!(out, "info-hash v2 {hash}")?;
    }
    writeln!(
        out,
        "content      {} bytes in {} pieces of {}",
        info.total_length(),
        info.piece_count(),
        info.piece_length().get()
    )?;
    if info.is_private() {
        writeln!(out, "private      yes")?;
    }
    for (tier, urls) in metainfo.tiers().iter().enumerate() {
        for url in urls {
            writeln!(out, "tracker      {url} (tier {})", tier + 1)?;
        }
    }
    if let Some(comment) = metainfo.comment() {
        writeln!(out, "comment      {}", text(comment))?;
    }
    if let Some(program) = metainfo.created_by() {
        writeln!(out, "created by   {}", text(program))?;
    }
    if let Some(seconds) = metainfo.creation_date() {
        writeln!(out, "created at   {seconds} s after 1970")?;
    }
    writeln!(out, "files        {}", info.file_count())?;
    for file in info.files() {
        match file.safe_path() {
            Ok(path) => writeln!(out, "{:>14} {path}", file.length())?,
            Err(error) => {
                let path: Vec<String> = file.path().map(text).collect();
                writeln!(out, "{:>14} {path:?}: {error}", file.length())?;
            }
        }
    }
    for deviation in metainfo.deviations() {
        writeln!(out, "deviation    {deviation}")?;
    }
    out.flush()
}
