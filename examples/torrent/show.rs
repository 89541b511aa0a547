//! `torrent show`: what is in a `.torrent` file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use torrent_meta::bencode::{Dict, Node};
use torrent_meta::{Metainfo, Parser};

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
    version: u8,
    info_hash_v1: Option<String>,
    info_hash_v2: Option<String>,
    piece_length: u32,
    /// How many.
    pieces: usize,
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
    attr: Option<String>,
    #[serde(skip)]
    path_bytes: Vec<u8>,
}

impl Summary {
    fn of(metainfo: &Metainfo<'_>) -> Self {
        let info = metainfo.info();
        let tiers = metainfo.tiers().into_iter();
        Self {
            name: lossy(info.name()),
            version: 1,
            info_hash_v1: metainfo.info_hash_v1().map(|hash| hash.to_string()),
            info_hash_v2: None,
            piece_length: info.piece_length().get(),
            pieces: info.pieces().len(),
            total_size: info.total_length(),
            files: files(metainfo),
            private: info.is_private(),
            trackers: tiers.map(|tier| tier.into_iter().map(str::to_owned).collect()).collect(),
            web_seeds: web_seeds(metainfo.dict()),
            nodes: nodes(metainfo.dict()),
            deviations: metainfo.deviations().iter().map(ToString::to_string).collect(),
        }
    }
}

fn files(metainfo: &Metainfo<'_>) -> Vec<File> {
    let info = metainfo.info();
    let mut attributes = info.dict().find(b"files").and_then(Node::as_list).map(|list| list.iter());
    let files = info.files().map(|file| {
        let path_bytes = file.path().collect::<Vec<_>>().join(&b'/');
        let dict = match &mut attributes {
            None => Some(info.dict()),
            Some(nodes) => nodes.next().and_then(Node::as_dict),
        };
        let attr = dict.and_then(|dict| dict.find(b"attr")?.as_bytes());
        File {
            path: lossy(&path_bytes),
            path_hex: std::str::from_utf8(&path_bytes).is_err().then(|| hex::encode(&path_bytes)),
            length: file.length(),
            attr: attr.map(lossy),
            path_bytes,
        }
    });
    files.collect()
}

/// BEP 19.
fn web_seeds(dict: Dict<'_, '_>) -> Vec<String> {
    let Some(node) = dict.find(b"url-list") else { return Vec::new() };
    let urls = match node.as_list() {
        Some(list) => list.iter().filter_map(Node::as_str).collect(),
        None => Vec::from_iter(node.as_str()),
    };
    urls.into_iter().filter(|url| !url.is_empty()).map(str::to_owned).collect()
}

/// BEP 5.
fn nodes(dict: Dict<'_, '_>) -> Vec<(String, u16)> {
    let list = dict.find(b"nodes").and_then(Node::as_list);
    let node = |node: Node<'_, '_>| {
        let mut pair = node.as_list()?.iter();
        let (host, port) = (pair.next()?.as_str()?, pair.next()?.as_uint()?);
        Some((host.to_owned(), u16::try_from(port).ok()?))
    };
    list.into_iter().flatten().filter_map(node).collect()
}

fn human(metainfo: &Metainfo<'_>, summary: &Summary) -> String {
    let info = metainfo.info();
    let mut table = table();
    let mut row = |key: &str, value: String| _ = table.add_row([key.to_owned(), value]);
    row("name", escape::text(info.name()));
    row("version", summary.version.to_string());
    row("info-hash v1", summary.info_hash_v1.clone().unwrap_or_default());
    let (count, pieces) = (summary.files.len(), summary.pieces);
    let bytes = size(summary.total_size);
    row("content", format!("{bytes} in {count} file{}", if count == 1 { "" } else { "s" }));
    row("pieces", format!("{pieces} of {}", size(summary.piece_length.into())));
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
    for (key, value) in [("comment", metainfo.comment()), ("created by", metainfo.created_by())] {
        if let Some(value) = value {
            row(key, escape::text(value));
        }
    }
    if let Some(seconds) = metainfo.creation_date() {
        row("created at", format!("{seconds} s after 1970"));
    }
    for deviation in &summary.deviations {
        row("deviation", escape::text(deviation.as_bytes()));
    }

    let mut out = String::new();
    write_table(&mut out, &table);
    out.push('\n');
    let mut files = self::table();
    files.set_header(["bytes", "attr", "file"]);
    for file in &summary.files {
        let attr = file.attr.as_deref().unwrap_or_default();
        files.add_row([
            file.length.to_string(),
            escape::text(attr.as_bytes()),
            escape::text(&file.path_bytes),
        ]);
    }
    if let Some(column) = files.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    write_table(&mut out, &files);
    out
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn write_table(out: &mut String, table: &Table) {
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// With its unit, and in bytes.
fn size(bytes: u64) -> String {
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

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
