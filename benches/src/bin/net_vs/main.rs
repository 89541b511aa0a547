//! A node of overlay-net as a process: what idle links take, how many messages go through it, and what
//! transferring a file costs beside nginx and curl. The README says what is measured how.
//!
//! The nodes are processes of their own, this program started again, so that only they are measured.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

mod idle;
mod messages;
mod node;
mod transfer;

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

#[derive(Debug, Parser)]
#[command(about = "Measures overlay-net's nodes as processes")]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// A line of JSON for each case
    #[arg(long)]
    json: bool,
    /// Only this case (may be given several times)
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// Idle links
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    links: usize,
    /// How long idle links are watched, in seconds
    #[arg(long, value_name = "N", default_value_t = 30)]
    seconds: u64,
    /// Messages sent through a node
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    messages: u32,
    /// Bytes of the file that is transferred
    #[arg(long, value_name = "N", default_value_t = 1 << 30)]
    bytes: u64,
    /// How often the file is transferred by each; results are medians
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
}

/// What a process that this program starts is.
#[derive(Clone, Debug, Subcommand)]
enum Role {
    /// Serves until its input ends
    #[command(hide = true)]
    Serve(node::Serve),
    /// Downloads one file
    #[command(hide = true)]
    Fetch(node::Fetch),
}

/// One result.
#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    case: &'static str,
    unit: &'static str,
    ours: f64,
    peers: BTreeMap<&'static str, f64>,
    other: BTreeMap<&'static str, f64>,
}

impl Line {
    fn new(case: &'static str, unit: &'static str, ours: f64) -> Self {
        let (peers, other) = Default::default();
        Self { bench: "net_vs", case, unit, ours, peers, other }
    }

    fn print(&self, json: bool) -> io::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        println!("{} {} ({})", self.bench, self.case, self.unit);
        println!("  {:<32}{:>14.3}", "ours", self.ours);
        for (name, value) in &self.peers {
            println!("  {name:<32}{value:>14.3}  ours is {:.2} of it", self.ours / value);
        }
        for (name, value) in &self.other {
            println!("  {name:<32}{value:>14.3}");
        }
        Ok(())
    }
}

fn main() -> io::Result<ExitCode> {
    let options = Options::parse();
    match &options.role {
        Some(Role::Serve(serve)) => node::serve(serve)?,
        Some(Role::Fetch(fetch)) => return node::fetch(fetch),
        None => {
            idle::run(&options)?;
            messages::run(&options)?;
            transfer::run(&options)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn wants(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == case)
    }
}
