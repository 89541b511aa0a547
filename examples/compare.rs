//! Join / Publish / Search / Fetch over real files on several peer-to-peer architectures, side by
//! side: `cargo run --release --example compare -- PATH…`.
//!
//! Each file is read, hashed into metainfo and given to some of the simulated peers. These join,
//! publish, search by keywords of the file names and fetch what they found, with the messages of
//! the real protocols. One table comes out, or with `--json` one object a system.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use overlay_core::SystemName;
use overlay_examples::{
    Compared, Failure, NatMix, Plan, Report, Workload, compare, program, read_library, sources,
    table,
};

/// Compare peer-to-peer architectures on the same files, peers and searches.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Files and directories; without one, this repository. Below a directory every regular file
    /// with content counts, but for hidden directories and those called `target`.
    paths: Vec<PathBuf>,
    /// How many peers, the well-known one (Napster's server) included.
    #[arg(long, default_value_t = 1000)]
    peers: u32,
    /// Same seed, same run, to the last byte.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many searches.
    #[arg(long, default_value_t = 200, value_name = "Q")]
    searches: u32,
    /// Copies of a file on average. Some files have many and most have few: the file of rank r gets a
    /// share of all copies in proportion to 1/r (Zipf's law).
    #[arg(long, default_value_t = 5.0, value_name = "R", allow_hyphen_values = true)]
    replicas: f64,
    /// Which systems, separated by commas: napster, gnutella-0.4, gnutella-0.6, chord; without it, all of them.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    systems: Vec<SystemName>,
    /// Shares of hosts by NAT, adding up to 1: OPEN,FULL_CONE,RESTRICTED,PORT_RESTRICTED,SYMMETRIC.
    #[arg(long, default_value_t = NatMix::default(), value_name = "SHARES")]
    nat: NatMix,
    /// Encode and decode every message on its way, and compare.
    #[arg(long)]
    checked: bool,
    /// No progress bar and no remarks on standard error.
    #[arg(long)]
    quiet: bool,
    /// One JSON object a system instead of the table.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    program(|options: &Options| Ok(std::io::stdout().lock().write_all(run(options)?.as_bytes())?))
}

/// Everything is done before anything is printed.
fn run(options: &Options) -> Result<String, Failure> {
    let paths = match options.paths.as_slice() {
        [] => &[repository()],
        paths => paths,
    };
    let plan = Plan {
        peers: options.peers,
        seed: options.seed,
        searches: options.searches,
        replicas: options.replicas,
        nat: options.nat,
        checked: options.checked,
    };
    plan.check()?;
    let sources = sources(paths)?;
    let bytes = sources.iter().map(|source| source.size).sum();
    let bar = bar(options, bytes, "{msg:28} [{bar:30}] {bytes}/{total_bytes}");
    bar.set_message("hashing");
    let library = Arc::new(read_library(&sources, |read| bar.inc(read))?);
    bar.finish_and_clear();
    let workload = Workload::new(&plan, &library)?;
    let paths = sources.into_iter().map(|source| source.path).collect();
    let compared = Compared { plan, library, paths, workload };

    if !options.quiet && compared.workload.is_without_searches() {
        eprintln!(
            "no searches: every file is with all peers that could look for it, or --searches is 0"
        );
    }

    let systems = if options.systems.is_empty() { &SystemName::ALL } else { &options.systems[..] };
    let mut reports: Vec<Report> = Vec::new();
    for &system in systems {
        if reports.iter().any(|report| report.summary.system == system.as_str()) {
            continue;
        }
        let bar = self::bar(options, 1_000, "{msg:28} [{bar:30}] {percent} %");
        let report = compare(system, &compared, &mut |phase, done| {
            bar.set_message(format!("{system}: {phase}"));
            bar.set_position((1_000.0 * done) as u64);
        });
        bar.finish_and_clear();
        remark(options, &report);
        reports.push(report);
    }
    Ok(if options.json { json(&reports)? } else { format!("{}\n", table(&reports)) })
}

/// The repository's root is the parent of this package.
fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

fn bar(options: &Options, length: u64, template: &str) -> ProgressBar {
    if options.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// What a reader of the table should know that is not in it.
fn remark(options: &Options, report: &Report) {
    let system = report.summary.system;
    if !options.quiet && report.joined < options.peers {
        let outside = options.peers - report.joined;
        eprintln!("{system}: {outside} peers never got in (no open peer had room for them)");
    }
    if !options.quiet && report.misbehaved + report.malformed > 0 {
        let (broken, malformed) = (report.misbehaved, report.malformed);
        eprintln!("{system}: {broken} breaches of the protocol, {malformed} malformed messages");
    }
}

fn json(reports: &[Report]) -> Result<String, serde_json::Error> {
    let mut lines = String::new();
    for report in reports {
        lines.push_str(&serde_json::to_string(&report.summary)?);
        lines.push('\n');
    }
    Ok(lines)
}
