//! `torrent show`: what is in a `.torrent` file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use torrent_meta::{CollisionKind, Metainfo, Parser, PathCollision};

use crate::{Failure, about, escape, print, read};

/// Print what is in a .torrent file.
#[derive(Debug, Args)]
pub struct Options {
    /// The .torrent file.
    file: PathBuf,
    /// One JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Refuse what is not as the specification says, instead of listing it as a deviation.
    #[arg(long)]
    strict: bool,
}

pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let parser = if options.strict { Parser::strict() } else { Parser::lenient() };
    let bytes = read(&options.file)?;
    let metainfo = parser.metainfo(bytes).map_err(|error| about(&options.file, error))?;
    let summary = Summary::of(&metainfo);
    if options.json {
        print(&format!("{}\n", escape::json(&serde_json::to_string(&summary)?)))?;
    } else {
        print(&human(&metainfo, &summary))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What `--json` prints. Text that is no UTF-8 has U+FFFD where it is not.
#[derive(Debug, Serialize)]
struct Summary {
    name: String,
    /// "v1", "v2" or "hybrid".
    version: String,
    info_hash_v1: Option<String>,
    info_hash_v2: Option<String>,
    piece_length: u32,
    /// How many.
    pieces: u32,
    /// Of all files, pad files too.
    total_size: u64,
    files: Vec<File>,
    private: bool,
    /// Tiers of URLs.
    trackers: Vec<Vec<String>>,
    web_seeds: Vec<String>,
    /// Host and port.
    nodes: Vec<(String, u16)>,
    deviations: Vec<String>,
}

#[derive(Debug, Serialize)]
struct File {
    /// The components as the torrent has them, below its name, with `/` between them; of a single
    /// file the name.
    path: String,
    /// The same as hexadecimal digits, where it is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    length: u64,
    /// The letters of BEP 47 that apply: l (link), h (hidden), x (executable), p (pad file).
    attr: String,
    #[serde(skip)]
    path_bytes: Vec<u8>,
}

impl Summary {
    fn of(metainfo: &Metainfo<'_>) -> Self {
        let info = metainfo.info();
        let owned = |urls: Vec<&str>| urls.into_iter().map(str::to_owned).collect();
        let nodes = metainfo.nodes().into_iter();
        Self {
            name: lossy(info.name()),
            version: info.version().to_string(),
            info_hash_v1: info.info_hash_v1().map(|hash| hash.to_string()),
            info_hash_v2: info.info_hash_v2().map(|hash| hash.to_string()),
            piece_length: info.piece_length().get(),
            pieces: info.piece_count(),
            total_size: info.files().map(|file| file.length()).sum(),
            files: info.files().map(File::of).collect(),
            private: info.is_private(),
            trackers: metainfo.tiers().into_iter().map(owned).collect(),
            web_seeds: owned(metainfo.web_seeds()),
            nodes: nodes.map(|(host, port)| (host.to_owned(), port)).collect(),
            deviations: metainfo.deviations().iter().map(ToString::to_string).collect(),
        }
    }
}

impl File {
    fn of(file: torrent_meta::File<'_>) -> Self {
        let path_bytes = file.path().collect::<Vec<_>>().join(&b'/');
        let attributes = file.attributes();
        let attr = [
            ('l', attributes.is_symlink()),
            ('h', attributes.is_hidden()),
            ('x', attributes.is_executable()),
            ('p', attributes.is_pad()),
        ];
        Self {
            path: lossy(&path_bytes),
            path_hex: std::str::from_utf8(&path_bytes).is_err().then(|| hex::encode(&path_bytes)),
            length: file.length(),
            attr: attr.into_iter().filter_map(|(letter, is)| is.then_some(letter)).collect(),
            path_bytes,
        }
    }
}

fn human(metainfo: &Metainfo<'_>, summary: &Summary) -> String {
    let info = metainfo.info();
    let mut table = table();
    let mut row = |key: &str, value: String| _ = table.add_row([key.to_owned(), value]);
    row("name", escape::text(info.name()));
    row("version", info.version().to_string());
    for (key, hash) in
        [("info-hash v1", &summary.info_hash_v1), ("info-hash v2", &summary.info_hash_v2)]
    {
        if let Some(hash) = hash {
            row(key, hash.clone());
        }
    }
    let stored = || info.stored_files();
    let (count, bytes) = (stored().count(), stored().map(|file| file.length()).sum());
    row("content", format!("{} in {count} file{}", size(bytes), if count == 1 { "" } else { "s" }));
    row("pieces", format!("{} of {}", summary.pieces, size(summary.piece_length.into())));
    row("private", if summary.private { "yes" } else { "no" }.to_owned());
    for (tier, urls) in summary.trackers.iter().enumerate() {
        for url in urls {
            row(&format!("tracker, tier {}", tier + 1), escape::text(url.as_bytes()));
        }
    }
    for url in &summary.web_seeds {
        row("web seed", escape::text(url.as_bytes()));
    }
    for (host, port) in &summary.nodes {
        row("node", format!("{} port {port}", escape::text(host.as_bytes())));
    }
    let source = info.dict().find(b"source").and_then(|node| node.as_bytes());
    let (comment, created_by) = (metainfo.comment(), metainfo.created_by());
    for (key, value) in [("source", source), ("comment", comment), ("created by", created_by)] {
        if let Some(value) = value {
            row(key, escape::text(value));
        }
    }
    if let Some(seconds) = metainfo.creation_date() {
        row("created at", date(seconds));
    }
    for deviation in &summary.deviations {
        row("deviation", escape::text(deviation.as_bytes()));
    }
    for collision in info.path_collisions() {
        row("warning", warning(&collision, &summary.files));
    }

    let mut out = String::new();
    write_table(&mut out, &table);
    out.push('\n');
    let mut files = self::table();
    files.set_header(["bytes", "attr", "file"]);
    for file in &summary.files {
        files.add_row([
            file.length.to_string(),
            escape::text(file.attr.as_bytes()),
            escape::text(&file.path_bytes),
        ]);
    }
    if let Some(column) = files.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    write_table(&mut out, &files);
    out
}

/// Which files can not all be stored, and why. Of many, the first few.
fn warning(collision: &PathCollision, files: &[File]) -> String {
    const SHOWN: usize = 3;
    let name = |&index: &usize| files.get(index).map(|file| escape::text(&file.path_bytes));
    let shown: Vec<String> = collision.files.iter().take(SHOWN).filter_map(name).collect();
    let mut names = shown.join(", ");
    if let Some(more @ 1..) = collision.files.len().checked_sub(SHOWN) {
        let _ = write!(names, " and {more} more");
    }
    let why = match collision.kind {
        CollisionKind::Equal => "the same once stored",
        CollisionKind::Folded => "the same where case or Unicode form do not count",
        CollisionKind::Directory => "in the way of a directory",
        CollisionKind::FoldedDirectory => {
            "in the way of a directory where case or Unicode form do not count"
        }
        _ => "in each other's way",
    };
    match collision.below.as_ref().and_then(name) {
        Some(below) => format!("{why}: {names} (the directory has {below})"),
        None => format!("{why}: {names}"),
    }
}

/// A table without lines; [`write_table`] writes it.
pub fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Without spaces at the lines' ends.
pub fn write_table(out: &mut String, table: &Table) {
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Bytes with a unit, and alone.
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = None;
    for next in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = Some(next);
    }
    match unit {
        Some(unit) => format!("{value:.1} {unit} ({bytes} bytes)"),
        None => format!("{bytes} bytes"),
    }
}

/// As UTC, where the year has four digits; and as the file has it. Some programs write milliseconds,
/// which gives a year too far off to be told.
fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400);
    let time = seconds.rem_euclid(86_400);
    let Some((year, month, day)) = civil(days) else {
        return format!("{seconds} s after 1970");
    };
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC ({seconds})")
}

/// The day of the Gregorian calendar so many days after 1970 began, in the years 1 to 9999.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    if !(-719_162..=2_932_896).contains(&days) {
        return None;
    }
    // Years from March on end with the leap day. Counted from the March before the year 1.
    let mut left = days + 719_468;
    let mut year = left / 146_097 * 400;
    left %= 146_097;
    let centuries = (left / 36_524).min(3);
    left -= centuries * 36_524;
    let fours = left / 1_461;
    left -= fours * 1_461;
    let ones = (left / 365).min(3);
    left -= ones * 365;
    year += centuries * 100 + fours * 4 + ones;
    let mut month = 3;
    for length in [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    Some(if month > 12 { (year + 1, month - 12, left + 1) } else { (year, month, left + 1) })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
