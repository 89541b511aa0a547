//! Builds a Chord ring of many nodes in memory, looks up random keys, and says how long the ways are, how
//! evenly keys are spread, and how fast it went:
//! `cargo run --release --example chord_ring -- --nodes 1000000 --lookups 1000000`.
//!
//! Hops are counted to the key's predecessor. Loads are keys a node owns, of those that were looked up,
//! in multiples of the mean; with `--vnodes V` each node has V places on the ring. Times are CPU time of
//! one thread: building is sorting and all finger tables, a lookup is one of many under way at once.
//!
//! `--churn RATE` takes protocol nodes in a simulated world instead, of which RATE a second join, and as
//! many go: `-- --nodes 1000 --lookups 20000 --churn 0.4`. Their successor lists hold 20, which ends many
//! lookups early, and they stabilize and refresh a finger every 30 s; each looks up a key a minute. A lookup
//! then costs all the messages that keep the ring up meanwhile.
//!
//! `--json` prints one object: `nodes`, `lookups`, `mode`, `vnodes`, `hops_mean`, `hops_p1`, `hops_p50`,
//! `hops_p99`, `load_p1`, `load_p99`, `build_seconds`, `ns_per_lookup`, `peak_rss_bytes`; with `--churn` also
//! `churn`, `joined`, `gone`, `timeouts_mean` (dead nodes asked, a lookup), `failed` (lookups that found
//! nobody, or not the owner) and `messages`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use overlay_chord::{Found, Histogram, Id64, Ring, RingError, Routing};
use overlay_examples::program;
use overlay_peer::Pcg32;
use rand_core::{Rng, SeedableRng};

use crate::report::Report;

#[path = "chord_ring/churn.rs"]
mod churn;
#[path = "chord_ring/report.rs"]
mod report;
#[path = "simulate/cpu.rs"]
mod usage;

/// Build a Chord ring of many nodes, look up random keys, and measure both.
#[derive(Clone, Debug, Parser)]
#[command(version)]
struct Options {
    /// How many nodes.
    #[arg(long, default_value_t = 10_000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    nodes: u32,
    /// How many lookups, each of a random key by a random node.
    #[arg(long, default_value_t = 100_000, value_name = "L",
          value_parser = clap::value_parser!(u64).range(1..))]
    lookups: u64,
    /// What the nodes route by.
    #[arg(long, value_enum, default_value_t = Mode::Finger)]
    mode: Mode,
    /// Places that each node has on the ring.
    #[arg(long, default_value_t = 1, value_name = "V",
          value_parser = clap::value_parser!(u32).range(1..))]
    vnodes: u32,
    /// Protocol nodes in a simulated world: RATE of them a second join, and RATE a second go, on average
    /// and of the whole ring. At 0.05 one comes and one goes every 20 s; 0 is a ring that stands still.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    churn: Option<f64>,
    /// The share of those that go that say nothing to anyone, 0 to 1; the others tell their neighbours.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share, requires = "churn")]
    crashes: f64,
    /// Same seed, same ring and keys.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// One JSON object instead of the table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Each node knows the next one.
    Successor,
    /// Each node has a finger table.
    Finger,
    /// Each node knows all.
    Full,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Successor => "successor",
            Self::Finger => "finger",
            Self::Full => "full",
        }
    }

    fn routing(self) -> Routing {
        match self {
            Self::Successor => Routing::Successor,
            Self::Finger => Routing::Finger,
            Self::Full => Routing::Full,
        }
    }
}

/// A number of nodes a second.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected a number of nodes a second, 0 or more".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to 1".to_owned()),
    }
}

fn main() -> ExitCode {
    program(|options: &Options| {
        let report = match options.churn {
            Some(rate) => churn::measure(options, rate)?,
            None => measure(options)?,
        };
        let text = if options.json { report.json()? } else { report.table() };
        Ok(writeln!(std::io::stdout().lock(), "{text}")?)
    })
}

/// So many lookups are made up, done and counted, then others.
const BATCH: u64 = 1 << 16;

fn measure(options: &Options) -> Result<Report, RingError> {
    let mut rng = Pcg32::seed_from_u64(options.seed);
    let before = usage::cpu_time();
    let ring = ring(options, &mut rng)?;
    let build = usage::cpu_time() - before;

    let nodes = ring.ids().len() as u64;
    let mut hops = Histogram::new();
    // Keys that each node owns: places of one node are one.
    let mut keys = vec![0; options.nodes as usize];
    let (mut lookups, mut found) = (Vec::new(), Vec::new());
    let mut spent = Duration::ZERO;
    let mut left = options.lookups;
    while left > 0 {
        lookups.clear();
        lookups.extend(
            (0..left.min(BATCH))
                .map(|_| ((rng.next_u64() % nodes) as usize, Id64::wrapping(rng.next_u64()))),
        );
        left -= lookups.len() as u64;
        let before = usage::cpu_time();
        ring.find_many(&lookups, options.mode.routing(), &mut found);
        spent += usage::cpu_time() - before;
        for Found { owner, hops: of_one } in &found {
            hops.add(*of_one);
            keys[ring.host(*owner as usize) as usize] += 1;
        }
    }

    Ok(report(options, &hops, &keys.into_iter().collect(), build, spent))
}

fn report(
    options: &Options,
    hops: &Histogram,
    loads: &Histogram,
    build: Duration,
    spent: Duration,
) -> Report {
    let percentile = |of: &Histogram, percent| of.percentile(percent).unwrap_or_default();
    Report {
        nodes: options.nodes,
        lookups: options.lookups,
        mode: options.mode.name(),
        vnodes: options.vnodes,
        hops_mean: hops.mean(),
        hops_p1: percentile(hops, 1),
        hops_p50: percentile(hops, 50),
        hops_p99: percentile(hops, 99),
        load_p1: f64::from(percentile(loads, 1)) / loads.mean(),
        load_p99: f64::from(percentile(loads, 99)) / loads.mean(),
        build_seconds: build.as_secs_f64(),
        ns_per_lookup: spent.as_nanos() as f64 / options.lookups as f64,
        peak_rss_bytes: usage::peak_rss(),
        churn: None,
    }
}

/// At random places, as hashes would be.
fn ring(options: &Options, rng: &mut Pcg32) -> Result<Ring<Id64<64>>, RingError> {
    if options.vnodes == 1 {
        return Ring::new((0..options.nodes).map(|_| Id64::wrapping(rng.next_u64())));
    }
    Ring::with_virtual_nodes(options.nodes, options.vnodes, |_, _| Id64::wrapping(rng.next_u64()))
}
