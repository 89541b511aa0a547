//! `torrent verify`: whether what is on a disk is what a `.torrent` file says.

#[path = "verify/check.rs"]
mod check;
#[path = "verify/places.rs"]
mod places;
#[path = "verify/resume.rs"]
mod resume;

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use torrent_meta::{
    InfoHash, LEAF_LENGTH, Metainfo, Parser, PieceChecker, PieceMap, PieceState, Verdict,
};

use self::check::{Check, Found};
use self::places::{Places, Problem};
use self::resume::Resume;
use crate::{Failure, about, escape, print, read};

/// Check whether the content of a torrent is there and right.
///
/// The exit status is 0 if every file is there, of the right size and good, and 1 otherwise.
#[derive(Debug, Args)]
pub struct Options {
    /// The .torrent file.
    file: PathBuf,
    /// Where the content is: the directory that has it under the torrent's name (DIR/NAME), as
    /// downloaders are told; or, if there is no such thing in it, the file or the directory NAME
    /// itself. Symbolic links are followed as long as they stay below DIR.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// DIR is the content itself, whatever its name is.
    #[arg(long)]
    content: bool,
    /// One JSON object instead of a line for each file.
    #[arg(long)]
    json: bool,
    /// How many threads read and hash.
    #[arg(long, value_name = "N", default_value_t = default_threads(), value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Keep the good pieces in this file: what it says is good is not read again, unless the file it
    /// is in is gone or too short. Without it (or after deleting it) everything is read.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// How often the resume file is written, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, requires = "resume")]
    save_every: f64,
}

fn default_threads() -> u16 {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(1024) as u16)
}

pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let bytes = read(&options.file)?;
    let metainfo =
        Parser::lenient().metainfo(bytes).map_err(|error| about(&options.file, error))?;
    let info = metainfo.info();
    let checker = PieceChecker::of(&metainfo).map_err(|error| about(&options.file, error))?;
    let places = places::find(info, checker.layout(), &options.dir, options.content)?;
    let resume = options.resume.as_ref().map(|path| Resume::new(path, InfoHash::of(info.raw())));
    let known = match &resume {
        Some(resume) => resume.load(checker.pieces())?,
        None => PieceMap::new(checker.pieces()),
    };

    let check = Check::new(&checker, &places.places, known);
    let save = || {
        resume.as_ref().map_or(Ok(()), |resume| {
            // A copy, so that nobody waits for the disk.
            let map = check.found().map.clone();
            resume.save(&map)
        })
    };
    let every = Duration::try_from_secs_f64(options.save_every).unwrap_or(Duration::MAX);
    // No more than there is work for.
    let threads = checker.pieces().div_ceil(check::LANES).clamp(1, options.threads.into());
    run_threads(&check, threads, every, save)?;
    let found = check.found();
    let report = Report::new(&metainfo, &checker, &places, &found);
    if options.json {
        print(&format!("{}\n", escape::json(&serde_json::to_string(&report)?)))?;
    } else {
        print(&human(&report))?;
        if let Some(hint) = &places.hint {
            print(&format!("{}\n", escape::text(hint.as_bytes())))?;
        }
    }
    Ok(if report.complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks everything, with a progress bar on standard error if that is a terminal.
fn run_threads(
    check: &Check<'_>,
    threads: usize,
    save_every: Duration,
    save: impl Fn() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let style = "{percent:>3} % {wide_bar} {binary_bytes}/{binary_total_bytes} \
                 {binary_bytes_per_sec} {eta}";
    let bar = ProgressBar::new(check.total()).with_style(ProgressStyle::with_template(style)?);
    let (working, all_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        for _ in 0..threads {
            let working = working.clone();
            scope.spawn(move || {
                check.work();
                drop(working);
            });
        }
        drop(working);
        let tick = save_every.min(Duration::from_millis(100));
        let mut unsaved = Duration::ZERO;
        while all_done.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
            bar.set_position(check.bytes());
            unsaved += tick;
            if unsaved >= save_every {
                save().inspect_err(|_| check.stop())?;
                unsaved = Duration::ZERO;
            }
        }
        bar.finish_and_clear();
        save()
    })
}

/// What `--json` prints. Ranges are pairs: the first byte, and the first byte that is no more of it.
#[derive(Debug, Serialize)]
struct Report {
    name: String,
    /// Whether every file is there, of the right size and good.
    complete: bool,
    pieces: Pieces,
    /// Without padding.
    files: Vec<FileReport>,
    /// Where it is known which part of a bad piece is bad (v2).
    bad_blocks: Vec<BadBlocks>,
}

#[derive(Debug, Default, Serialize)]
struct Pieces {
    length: u32,
    total: usize,
    good: usize,
    bad: Vec<u32>,
    /// Of those: hybrid torrents' pieces that are good in v1 or v2 only.
    conflicts: Vec<Conflict>,
    /// Not all of them is there.
    missing: usize,
}

#[derive(Debug, Serialize)]
struct Conflict {
    piece: u32,
    good_in: &'static str,
}

#[derive(Debug, Serialize)]
struct FileReport {
    /// Below DIR: as the torrent has it, unless it was found by, or can only have, a safer name.
    path: String,
    status: &'static str,
    length: u64,
    good_bytes: u64,
    bad: Vec<[u64; 2]>,
    /// Bytes that are not there, and those of pieces that are not there as a whole.
    missing: Vec<[u64; 2]>,
    /// How long the file is, if not as the torrent says.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct BadBlocks {
    piece: u32,
    /// A place in `files`.
    file: usize,
    bytes: Vec<[u64; 2]>,
}

impl Report {
    fn new(
        metainfo: &Metainfo<'_>,
        checker: &PieceChecker,
        places: &Places,
        found: &Found,
    ) -> Self {
        let (info, layout, map) = (metainfo.info(), checker.layout(), &found.map);
        let mut files = Vec::new();
        // A file's place in `files`.
        let mut reported = Vec::new();
        for file in info.files() {
            reported.push(files.len());
            let index = file.index();
            if layout.file(index).is_some_and(|(_, padding)| padding) {
                continue;
            }
            let (mut bad, mut missing) = (Vec::new(), Vec::new());
            for range in map.file_parts(layout, index) {
                match range.state {
                    PieceState::Good => {}
                    PieceState::Bad | PieceState::Conflict { .. } => push(&mut bad, range.bytes),
                    PieceState::Missing | PieceState::Partial => push(&mut missing, range.bytes),
                }
            }
            let error = found.errors.get(&index).cloned().map(Problem::Other);
            let problem = error.or_else(|| places.problems[index].clone());
            let status = match &problem {
                Some(Problem::Missing) => "missing",
                Some(Problem::Link(_)) => "wrong link",
                Some(Problem::Other(_)) => "unreadable",
                _ if !bad.is_empty() => "bad",
                _ if !missing.is_empty() => "incomplete",
                Some(Problem::Size { .. }) => "wrong size",
                None => "good",
            };
            files.push(FileReport {
                path: places.paths[index].clone(),
                status,
                length: file.length(),
                good_bytes: map.good_bytes(layout, index),
                bad,
                missing,
                found_length: match problem {
                    Some(Problem::Size { found }) => Some(found),
                    _ => None,
                },
                problem: match problem {
                    Some(Problem::Link(why) | Problem::Other(why)) => Some(why),
                    _ => None,
                },
            });
        }
        Self {
            name: String::from_utf8_lossy(info.name()).into(),
            complete: map.is_complete() && files.iter().all(|file| file.status == "good"),
            pieces: Pieces::new(checker, found),
            files,
            bad_blocks: bad_blocks(checker, found, &reported),
        }
    }
}

impl Pieces {
    fn new(checker: &PieceChecker, found: &Found) -> Self {
        let bad: Vec<u32> = found.map.bad_pieces().collect();
        let (total, good) = (found.map.pieces(), found.map.bitfield().count_ones());
        let conflicts = bad.iter().filter_map(|&piece| match found.map.state(piece) {
            Some(PieceState::Conflict { v1 }) => {
                Some(Conflict { piece, good_in: if v1 { "v1" } else { "v2" } })
            }
            _ => None,
        });
        let conflicts = conflicts.collect();
        let length = checker.layout().piece_length().get();
        Self { length, total, good, missing: total - good - bad.len(), bad, conflicts }
    }
}

/// Adds a range to others, as part of the last one if it goes on there.
fn push(ranges: &mut Vec<[u64; 2]>, range: Range<u64>) {
    match ranges.last_mut() {
        Some([_, end]) if *end == range.start => *end = range.end,
        _ => ranges.push([range.start, range.end]),
    }
}

fn bad_blocks(checker: &PieceChecker, found: &Found, reported: &[usize]) -> Vec<BadBlocks> {
    let mut all = Vec::new();
    for (&piece, blocks) in &found.blocks {
        // A piece of v2 is of one file.
        let Some(span) = checker.layout().spans(piece.into()).next() else { continue };
        let mut bytes = Vec::new();
        for (block, verdict) in blocks.iter().enumerate() {
            if verdict.is_some_and(|verdict| verdict != Verdict::Good) {
                let start = (block * LEAF_LENGTH) as u64;
                let end = (start + LEAF_LENGTH as u64).min(span.length);
                push(&mut bytes, span.offset + start..span.offset + end);
            }
        }
        if !bytes.is_empty() {
            all.push(BadBlocks { piece, file: reported[span.file], bytes });
        }
    }
    all
}

fn human(report: &Report) -> String {
    let mut out = String::new();
    // In the order of the pieces, which is that of the files.
    let mut bad_blocks = report.bad_blocks.iter().peekable();
    for (index, file) in report.files.iter().enumerate() {
        let path = escape::text(file.path.as_bytes());
        let _ = write!(out, "{:<10} {path}", file.status);
        if let Some(problem) = &file.problem {
            let _ = write!(out, ": {}", escape::text(problem.as_bytes()));
        }
        if let Some(found) = file.found_length {
            let _ = write!(out, ": {found} bytes long instead of {}", file.length);
        }
        out.push('\n');
        let mut line = |what: &str, bytes: &[[u64; 2]]| {
            if !bytes.is_empty() {
                let _ = writeln!(out, "{:<10}   {what}: {}", "", ranges(bytes));
            }
        };
        line("bad", &file.bad);
        while let Some(blocks) = bad_blocks.next_if(|blocks| blocks.file == index) {
            line(&format!("bad blocks of piece {}", blocks.piece), &blocks.bytes);
        }
        // Of a file that is not there, it is all of it.
        if file.status == "incomplete" || file.status == "bad" {
            line("missing", &file.missing);
        }
    }
    for Conflict { piece, good_in } in &report.pieces.conflicts {
        let _ = writeln!(out, "piece {piece} is good in {good_in} only: the torrent is broken");
    }
    let Pieces { total, good, bad, missing, .. } = &report.pieces;
    let bad = bad.len();
    let _ = writeln!(out, "{good} of {total} pieces good, {bad} bad, {missing} missing");
    out
}

/// Ranges of bytes for people: not too many of them.
fn ranges(ranges: &[[u64; 2]]) -> String {
    const SHOWN: usize = 8;
    let bytes: u64 = ranges.iter().map(|[start, end]| end - start).sum();
    let shown: Vec<String> =
        ranges.iter().take(SHOWN).map(|[start, end]| format!("{start}..{end}")).collect();
    let more = match ranges.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{bytes} bytes, {}{more}", shown.join(", "))
}
