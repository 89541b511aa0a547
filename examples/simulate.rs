//! Simulates a file-sharing network of many peers with their real messages, and measures what that
//! costs: `cargo run --release --example simulate -- gnutella-0.4 --peers 100000 --queries 150`.
//!
//! Peers are wired by real handshakes along a graph; each shares a few files of one catalogue; then random
//! peers search for keywords at fixed intervals, while others may come and go. What comes out: messages a CPU-second,
//! bytes an idle peer takes, the process's peak memory, hits, and a hash of everything that happened,
//! equal for equal options on every machine.
//!
//! To add a system: a file beside `simulate/gnutella.rs` that says how its peers are made, joined and
//! asked, and a line each in [`SystemName`] and [`run`].

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use overlay_examples::{Failure, program};

use crate::churn::ChurnName;
use crate::counting::Counting;
use crate::gnutella::{Gnutella04, Gnutella06};
use crate::report::Report;
use crate::topology::Topology;

#[path = "simulate/churn.rs"]
mod churn;
#[path = "simulate/content.rs"]
mod content;
#[path = "simulate/counting.rs"]
mod counting;
#[path = "simulate/cpu.rs"]
mod cpu;
#[path = "simulate/gnutella.rs"]
mod gnutella;
#[path = "simulate/network.rs"]
mod network;
#[path = "simulate/report.rs"]
mod report;
#[path = "simulate/tide.rs"]
mod tide;
#[path = "simulate/topology.rs"]
mod topology;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Simulate a network of many peers and measure it.
#[derive(Clone, Debug, Parser)]
#[command(version)]
struct Options {
    /// What the peers speak.
    #[arg(value_enum, default_value_t = SystemName::Gnutella04)]
    system: SystemName,
    /// How many peers; 1000 without it, and of a crawl as many as it has.
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(2..=i64::from(network::MAX_PEERS)))]
    peers: Option<u32>,
    /// How many queries, one every 100 ms of simulated time.
    #[arg(long, default_value_t = 10, value_name = "Q")]
    queries: u32,
    /// The TTL of a query; without it 7, in gnutella-0.6 3.
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u8).range(1..=15))]
    ttl: Option<u8>,
    /// Links a peer has on average.
    #[arg(long, default_value_t = 4.0, value_name = "D")]
    degree: f64,
    /// The graph that the links are: erdos-renyi, random-regular, barabasi-albert, or crawl:FILE with an
    /// edge a line.
    #[arg(long, value_name = "MODEL", default_value_t, value_parser = Topology::parse)]
    topology: Topology,
    /// Which peers leave and come back while others search: none, exponential, pareto, weibull, or
    /// trace:FILE with an event a line (`seconds peer up|crash|leave`).
    #[arg(long, value_name = "MODEL", default_value_t, value_parser = ChurnName::parse)]
    churn: ChurnName,
    /// How many seconds a peer stays, on average.
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS", value_parser = seconds)]
    session: f64,
    /// How many seconds it is away then, on average; as long as a session without it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pause: Option<f64>,
    /// The share of sessions that end without a word, 0 to 1: others notice a minute later.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    crashes: f64,
    /// Peers also ping each other: when a link is new, and every 45 s.
    #[arg(long)]
    pings: bool,
    /// Encode and decode every message on its way, and compare.
    #[arg(long)]
    checked: bool,
    /// Same seed, same run.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// One JSON object instead of the table.
    #[arg(long)]
    json: bool,
}

impl Options {
    fn pause(&self) -> f64 {
        self.pause.unwrap_or(self.session)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, |seconds| seconds > 0.0 && seconds <= 1e9).ok_or("expected seconds above 0".into())
}

fn share(text: &str) -> Result<f64, String> {
    number(text, |share| (0.0..=1.0).contains(&share)).ok_or("expected 0 to 1".into())
}

fn number(text: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
    text.parse().ok().filter(|&number| fits(number))
}

/// The systems this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SystemName {
    /// Flooding.
    #[value(name = "gnutella-0.4")]
    Gnutella04,
    /// Ultrapeers and leaves, query routing, dynamic querying.
    #[value(name = "gnutella-0.6")]
    Gnutella06,
}

/// The name as it is written on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn main() -> ExitCode {
    program(|options: &Options| {
        let report = run(options)?;
        let text = if options.json { report.json()? } else { report.table() };
        Ok(writeln!(std::io::stdout().lock(), "{text}")?)
    })
}

fn run(options: &Options) -> Result<Report, Failure> {
    match options.system {
        SystemName::Gnutella04 => network::simulate::<Gnutella04>(options),
        SystemName::Gnutella06 => network::simulate::<Gnutella06>(options),
    }
}
