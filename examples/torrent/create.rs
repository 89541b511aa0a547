//! `torrent create`: a `.torrent` file of a file or directory.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use torrent_meta::{BatchHashes, Creator, NewFile, PieceLength, Plan, Version};

use crate::walk::{self, Found, Kind};
use crate::{Failure, about, escape, output, print, replace};

/// Make a .torrent file of a file or directory.
///
/// The same content and options always give the same file: without --creation-date it has no date.
#[derive(Debug, Args)]
pub struct Options {
    /// The file or directory. All of a directory is taken, hidden files too.
    path: PathBuf,
    /// Where to write the torrent [default: the name of PATH with .torrent, in the current directory].
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace OUT if it exists.
    #[arg(long)]
    force: bool,
    /// Make a torrent of version 1, which every client reads (the default).
    #[arg(long, group = "version")]
    v1: bool,
    /// Make a torrent of version 2.
    #[arg(long, group = "version")]
    v2: bool,
    /// Make one that clients of both versions read.
    #[arg(long, group = "version")]
    hybrid: bool,
    /// Bytes in a piece: a power of two from 16384 on; v1 takes others too, but not all clients do
    /// [default: by the size, from 16384 to 16777216].
    #[arg(long, value_name = "N", value_parser = piece_length)]
    piece_length: Option<PieceLength>,
    /// URL of a tracker; given several times, each is tried when those before it do not answer.
    #[arg(long = "tracker", value_name = "URL", value_parser = crate::url)]
    trackers: Vec<String>,
    /// URL of a web server that has the files; may be given several times.
    #[arg(long = "web-seed", value_name = "URL", value_parser = crate::url)]
    web_seeds: Vec<String>,
    /// Peers are to be found through the trackers only.
    #[arg(long)]
    private: bool,
    /// What private trackers tell their torrents apart by.
    #[arg(long)]
    source: Option<String>,
    /// A text for people.
    #[arg(long)]
    comment: Option<String>,
    /// When it is made, in seconds since 1970.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    creation_date: Option<i64>,
    /// How many threads read and hash [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

fn piece_length(text: &str) -> Result<PieceLength, String> {
    let bytes: u32 = text.parse().map_err(|_| "expected a number of bytes below 4294967296")?;
    PieceLength::new(bytes).map_err(|error| error.to_string())
}

pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let content = walk::walk(&options.path)?;
    for (path, reason) in &content.left_out {
        eprintln!("left out: {}: {reason}", escape::text(path.to_string_lossy().as_bytes()));
    }
    let files: Vec<&Found> = content.found.iter().filter(|found| found.is_file()).collect();
    if files.iter().all(|file| file.length == 0) {
        return Err(about(&options.path, "there is not a single byte in it"));
    }
    let out = match &options.output {
        Some(out) => out.clone(),
        None => PathBuf::from(format!("{}.torrent", content.name)),
    };
    output::check(&out, options.force)?;
    if let Ok(out) = out.canonicalize()
        && files.iter().any(|file| file.path.canonicalize().is_ok_and(|file| file == out))
    {
        return Err(about(&out, "it is to be replaced, but is one of the files to be hashed"));
    }

    let plan = describe(options, &content)?.plan().map_err(|error| about(&options.path, error))?;
    let threads = match options.threads {
        Some(threads) => threads.into(),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let hashes = hash(&plan, &content.found, threads)?;
    for file in &files {
        file.check(&file.path.metadata().map_err(|error| about(&file.path, error))?)?;
    }
    let metainfo = plan.finish(hashes)?;
    if options.force {
        replace::write(&out, metainfo.as_bytes())?;
    } else {
        output::write(&out, metainfo.as_bytes())?;
    }
    print(&format!("{}\n", escape::text(out.to_string_lossy().as_bytes())))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(options: &Options, content: &walk::Content) -> Result<Creator, Failure> {
    let mut creator = match &content.found[..] {
        [file] if content.single => Creator::single_file(&content.name, file.length),
        found => found.iter().fold(Creator::directory(&content.name), |creator, found| {
            creator.push(match &found.kind {
                Kind::File { executable } => {
                    let file = NewFile::new(&found.components, found.length);
                    if *executable { file.executable() } else { file }
                }
                Kind::Link(target) => NewFile::symlink(&found.components, target),
            })
        }),
    };
    if let [Found { kind: Kind::File { executable: true }, .. }] = content.found[..] {
        creator = creator.executable();
    }
    creator = creator.version(match (options.v2, options.hybrid) {
        (true, _) => Version::V2,
        (_, true) => Version::Hybrid,
        _ => Version::V1,
    });
    if let Some(piece_length) = options.piece_length {
        creator = creator.piece_length(piece_length);
    }
    for url in &options.trackers {
        creator = creator.tier([url]);
    }
    for url in &options.web_seeds {
        creator = creator.web_seed(url);
    }
    if let Some(source) = &options.source {
        creator = creator.source(source);
    }
    if let Some(comment) = &options.comment {
        creator = creator.comment(comment);
    }
    if let Some(seconds) = options.creation_date {
        creator = creator.creation_date(seconds);
    }
    Ok(creator.private(options.private).created_by("torrent (overlay-toolkit)"))
}

/// Reads and hashes everything. Each thread takes the next batch of pieces, so that some read while
/// others hash.
fn hash(plan: &Plan, found: &[Found], threads: usize) -> Result<Vec<BatchHashes>, Failure> {
    let bar = ProgressBar::new(plan.total_length()).with_style(ProgressStyle::with_template(
        "{bar:40} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
    )?);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Ok(Vec::new()));
    let work = || {
        let mut files = Files::new(found);
        while let Some(batch) = plan.batch(next.fetch_add(1, Ordering::Relaxed)) {
            let hashes = batch.hash(|file, offset, bytes: &mut [u8]| {
                bar.inc(bytes.len() as u64);
                files.read(file, offset, bytes)
            });
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *done, hashes) {
                (Ok(all), Ok(hashes)) => all.push(hashes),
                (Ok(_), Err(error)) => *done = Err(error),
                // Another thread failed.
                (Err(_), _) => return,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(plan.batch_count()) {
            scope.spawn(work);
        }
        work();
    });
    bar.finish_and_clear();
    done.into_inner().unwrap_or_else(PoisonError::into_inner).map_err(Failure::from)
}

/// The files that one thread reads. Some stay open: small pieces are parts of many files, and sixteen
/// pieces that are read in turn can be of as many files.
struct Files<'f> {
    found: &'f [Found],
    open: [Option<(usize, File)>; 32],
}

impl<'f> Files<'f> {
    fn new(found: &'f [Found]) -> Self {
        Self { found, open: [const { None }; 32] }
    }

    fn read(&mut self, index: usize, offset: u64, bytes: &mut [u8]) -> Result<(), String> {
        let found = &self.found[index];
        let place = &mut self.open[index % self.open.len()];
        let file = match place {
            Some((open, file)) if *open == index => file,
            _ => {
                let file = File::open(&found.path).map_err(|error| about(&found.path, error));
                let file = file.map_err(|error| error.to_string())?;
                let metadata =
                    file.metadata().map_err(|error| about(&found.path, error).to_string())?;
                found.check(&metadata).map_err(|error| error.to_string())?;
                &mut place.insert((index, file)).1
            }
        };
        read_exact_at(file, bytes, offset).map_err(|error| {
            match error.kind() {
                io::ErrorKind::UnexpectedEof => about(&found.path, "it became shorter meanwhile"),
                _ => about(&found.path, error),
            }
            .to_string()
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &mut File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(file: &mut File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};

    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
