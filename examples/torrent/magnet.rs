//! `torrent magnet`: the magnet link to a torrent, and what is in a magnet link.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use torrent_meta::{FileRanges, Magnet, MagnetError, Metainfo, PeerAddress};

use crate::show::{size, table, write_table};
use crate::{Failure, about, escape, print, read};

/// Print the magnet link to a .torrent file, or explain a magnet link.
///
/// The link has the torrent's hashes, name, length, trackers and web seeds.
#[derive(Debug, Args)]
pub struct Options {
    /// A .torrent file, or a link that begins with `magnet:`.
    #[arg(value_name = "FILE|URI")]
    source: OsString,
    /// What is in the link, as a JSON object.
    #[arg(long)]
    json: bool,
    /// Leave the trackers out.
    #[arg(long)]
    no_trackers: bool,
    /// Leave the web seeds out.
    #[arg(long)]
    no_web_seeds: bool,
    /// Leave out all but the hashes.
    #[arg(long)]
    only_hash: bool,
    /// Add a peer to ask; may come several times.
    #[arg(long = "peer", value_name = "HOST:PORT")]
    peers: Vec<PeerAddress>,
    /// Which files to fetch, by their numbers from zero.
    #[arg(long, value_name = "0,2,4-8")]
    select: Option<FileRanges>,
}

pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let link = options
        .source
        .to_str()
        .filter(|text| text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("magnet:")));
    let (mut magnet, ignored) = match link {
        Some(link) => Magnet::parse_lenient(link.trim_ascii())?,
        None => (of_file(Path::new(&options.source), options)?, Vec::new()),
    };
    if options.no_trackers {
        magnet.trackers.clear();
    }
    if options.no_web_seeds {
        magnet.web_seeds.clear();
    }
    if options.only_hash {
        magnet = only_hash(&magnet);
    }
    magnet.peers.extend(options.peers.iter().cloned());
    magnet.select_only = options.select.clone().or(magnet.select_only);
    let text = if options.json {
        let parts = Parts::of(&magnet, &ignored);
        format!("{}\n", escape::json(&serde_json::to_string(&parts)?))
    } else if link.is_some() {
        human(&magnet, &ignored)
    } else {
        format!("{magnet}\n")
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_file(path: &Path, options: &Options) -> Result<Magnet, Failure> {
    let metainfo = Metainfo::parse_lenient(read(path)?).map_err(|error| about(path, error))?;
    let files = metainfo.info().file_count();
    if let Some(last) = options.select.iter().flat_map(FileRanges::ranges).last()
        && *last.end() as usize >= files
    {
        let file = if files == 1 { "file" } else { "files" };
        return Err(about(path, format!("no file {} among {files} {file}", last.end())));
    }
    Ok(Magnet::of(&metainfo))
}

fn only_hash(magnet: &Magnet) -> Magnet {
    match (magnet.info_hash_v1(), magnet.info_hash_v2()) {
        (Some(v1), Some(v2)) => Magnet::hybrid(v1, v2),
        (Some(v1), None) => Magnet::v1(v1),
        (None, Some(v2)) => Magnet::v2(v2),
        (None, None) => magnet.clone(),
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Parts<'m> {
    /// The link, written canonically.
    uri: String,
    info_hash_v1: Option<String>,
    info_hash_v2: Option<String>,
    name: Option<&'m str>,
    length: Option<u64>,
    trackers: &'m [String],
    web_seeds: &'m [String],
    exact_sources: &'m [String],
    acceptable_sources: &'m [String],
    keywords: &'m [String],
    peers: Vec<String>,
    select_only: Option<String>,
    /// Key and value as they stand in the link.
    other: Vec<(&'m str, &'m str)>,
    /// Why some of the others do not count.
    deviations: Vec<String>,
}

impl<'m> Parts<'m> {
    fn of(magnet: &'m Magnet, ignored: &[MagnetError]) -> Self {
        Self {
            uri: magnet.to_string(),
            info_hash_v1: magnet.info_hash_v1().map(|hash| hash.to_string()),
            info_hash_v2: magnet.info_hash_v2().map(|hash| hash.to_string()),
            name: magnet.display_name.as_deref(),
            length: magnet.length,
            trackers: &magnet.trackers,
            web_seeds: &magnet.web_seeds,
            exact_sources: &magnet.exact_sources,
            acceptable_sources: &magnet.acceptable_sources,
            keywords: &magnet.keywords,
            peers: magnet.peers.iter().map(ToString::to_string).collect(),
            select_only: magnet.select_only.as_ref().map(ToString::to_string),
            other: magnet.other().collect(),
            deviations: ignored.iter().map(ToString::to_string).collect(),
        }
    }
}

fn human(magnet: &Magnet, ignored: &[MagnetError]) -> String {
    let parts = Parts::of(magnet, ignored);
    let mut table = table();
    let mut row = |key: &str, value: &str| {
        table.add_row([escape::text(key.as_bytes()), escape::text(value.as_bytes())]);
    };
    let one = |value: &Option<String>| Vec::from_iter(value.clone());
    let name = Vec::from_iter(parts.name.map(str::to_owned));
    let rows = [
        ("info-hash v1", one(&parts.info_hash_v1)),
        ("info-hash v2", one(&parts.info_hash_v2)),
        ("name", name),
        ("length", one(&parts.length.map(size))),
        ("tracker", parts.trackers.to_vec()),
        ("web seed", parts.web_seeds.to_vec()),
        ("exact source", parts.exact_sources.to_vec()),
        ("acceptable source", parts.acceptable_sources.to_vec()),
        ("keyword", parts.keywords.to_vec()),
        ("peer", parts.peers.clone()),
        ("files", one(&parts.select_only)),
    ];
    for (key, values) in rows {
        for value in values {
            row(key, &value);
        }
    }
    for (key, value) in &parts.other {
        row("unknown", &format!("{key}={value}"));
    }
    for deviation in &parts.deviations {
        row("deviation", deviation);
    }
    let mut out = String::new();
    write_table(&mut out, &table);
    out
}
