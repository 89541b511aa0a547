//! `torrent edit`: changes of what is not part of the info-hash.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use torrent_meta::{Editor, InfoHash, InfoHashV2, PeerAddress};

use crate::{Failure, about, output, print, read, replace};

/// Change trackers, web seeds, nodes, comment and the like; the info-hash stays.
///
/// First everything is removed that shall go, then what is new is added. The file itself is only
/// replaced with --force, and as a whole: whatever happens, there is the old or the new one.
#[derive(Debug, Args)]
pub struct Options {
    /// The .torrent file.
    file: PathBuf,
    /// Where to write. Without it FILE is replaced, which needs --force.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,

    /// Remove all trackers.
    #[arg(long, help_heading = "Trackers")]
    clear_trackers: bool,
    /// Remove a tracker from all tiers; may come several times.
    #[arg(long, value_name = "URL", help_heading = "Trackers")]
    remove_tracker: Vec<String>,
    /// Add a tracker, in a tier of its own or in that of --tier; may come several times.
    #[arg(long, value_name = "URL", value_parser = crate::url, help_heading = "Trackers")]
    add_tracker: Vec<String>,
    /// Which tier --add-tracker adds to, from 1 as `show` counts them.
    #[arg(long, value_name = "N", requires = "add_tracker", help_heading = "Trackers")]
    tier: Option<std::num::NonZeroUsize>,

    /// Remove all web seeds.
    #[arg(long, help_heading = "Web seeds")]
    clear_web_seeds: bool,
    /// Remove a web seed; may come several times.
    #[arg(long, value_name = "URL", help_heading = "Web seeds")]
    remove_web_seed: Vec<String>,
    /// Add a web seed; may come several times.
    #[arg(long, value_name = "URL", value_parser = crate::url, help_heading = "Web seeds")]
    add_web_seed: Vec<String>,

    /// Remove all nodes of the DHT.
    #[arg(long, help_heading = "DHT")]
    clear_nodes: bool,
    /// Remove a node of the DHT; may come several times.
    #[arg(long, value_name = "HOST:PORT", help_heading = "DHT")]
    remove_node: Vec<PeerAddress>,
    /// Add a node of the DHT; may come several times.
    #[arg(long, value_name = "HOST:PORT", help_heading = "DHT")]
    add_node: Vec<PeerAddress>,

    /// Set the comment.
    #[arg(long, value_name = "TEXT", help_heading = "Texts")]
    comment: Option<String>,
    /// Remove the comment.
    #[arg(long, conflicts_with = "comment", help_heading = "Texts")]
    no_comment: bool,
    /// Set the name of the program that made the file.
    #[arg(long, value_name = "TEXT", help_heading = "Texts")]
    created_by: Option<String>,
    /// Remove the name of the program that made the file.
    #[arg(long, conflicts_with = "created_by", help_heading = "Texts")]
    no_created_by: bool,
    /// Set when the file was made, in seconds since 1970.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, help_heading = "Texts")]
    creation_date: Option<i64>,
    /// Remove when the file was made.
    #[arg(long, conflicts_with = "creation_date", help_heading = "Texts")]
    no_creation_date: bool,
}

pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let out = match &options.output {
        Some(out) => out,
        None if options.force => &options.file,
        None => {
            let hint = "where to? -o OUT writes another file, --force replaces this one";
            return Err(about(&options.file, hint));
        }
    };
    output::check(out, options.force)?;
    let mut editor =
        Editor::new(read(&options.file)?).map_err(|error| about(&options.file, error))?;
    let before = hashes(&editor);
    let original = editor.as_bytes().to_vec();
    change(options, &mut editor).map_err(|error| about(&options.file, error))?;
    let after = hashes(&editor);
    if before != after {
        return Err(about(&options.file, "the info-hash would change; nothing was written"));
    }
    let changed = original != editor.as_bytes();
    if changed || options.output.is_some() {
        match options.force {
            true => replace::write(out, editor.as_bytes())?,
            false => output::write(out, editor.as_bytes())?,
        }
    }
    let mut report = String::new();
    for (version, hash) in
        [("v1", after.0.map(|hash| hash.to_string())), ("v2", after.1.map(|hash| hash.to_string()))]
    {
        if let Some(hash) = hash {
            report += &format!("info-hash {version} {hash}, as before\n");
        }
    }
    if !changed {
        report += "there was nothing to change\n";
    }
    print(&report)?;
    Ok(ExitCode::SUCCESS)
}

fn hashes(editor: &Editor) -> (Option<InfoHash>, Option<InfoHashV2>) {
    let metainfo = editor.metainfo();
    (metainfo.info_hash_v1(), metainfo.info_hash_v2())
}

fn change(options: &Options, editor: &mut Editor) -> Result<(), Failure> {
    if options.clear_trackers {
        editor.set_tiers::<[&str; 0], _>([])?;
    }
    for url in &options.remove_tracker {
        found(editor.remove_tracker(url)?, "tracker", url)?;
    }
    for url in &options.add_tracker {
        match options.tier {
            Some(tier) => editor.add_to_tier(tier.get() - 1, url)?,
            None => editor.add_tracker(url)?,
        };
    }
    if options.clear_web_seeds {
        editor.set_web_seeds([""; 0])?;
    }
    for url in &options.remove_web_seed {
        found(editor.remove_web_seed(url)?, "web seed", url)?;
    }
    for url in &options.add_web_seed {
        editor.add_web_seed(url)?;
    }
    if options.clear_nodes {
        editor.set_nodes::<&str>([])?;
    }
    for node in &options.remove_node {
        found(editor.remove_node(&node.host().to_string(), node.port())?, "node", node)?;
    }
    for node in &options.add_node {
        editor.add_node(&node.host().to_string(), node.port())?;
    }
    if options.comment.is_some() || options.no_comment {
        editor.set_comment(options.comment.as_deref())?;
    }
    if options.created_by.is_some() || options.no_created_by {
        editor.set_created_by(options.created_by.as_deref())?;
    }
    if options.creation_date.is_some() || options.no_creation_date {
        editor.set_creation_date(options.creation_date)?;
    }
    Ok(())
}

fn found(removed: bool, what: &str, which: impl std::fmt::Display) -> Result<(), Failure> {
    if removed { Ok(()) } else { Err(format!("there is no {what} {which}").into()) }
}
