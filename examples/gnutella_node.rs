//! A Gnutella servent on real sockets: shares a directory, searches, fetches, and routes for others.
//!
//! ```text
//! cargo run --release --example gnutella_node -- --listen 127.0.0.1:6346 --share music --allow-private
//! cargo run --release --example gnutella_node -- --listen 127.0.0.1:6347 --share fetched --allow-private \
//!     --connect 127.0.0.1:6346 --search "blue train"
//! ```
//!
//! Without arguments, two servents in this process find each other on the loopback, and one fetches a
//! file from the other. Only hosts named by `--connect` or `--get`, or told by other servents, are ever
//! contacted, and of these private and loopback ones only with `--allow-private`.
//!
//! It runs until Ctrl-C or SIGTERM, also after a `--search`: it is a servent. With `--get` it ends when
//! the file is there (status 0), or when that takes too long (status 1, see `--timeout`).
//!
//! What happens is a line on standard output. With `--json`, each line is an object, whose `event` is one
//! of these; what is not known is null:
//!
//! | event | other keys |
//! |---|---|
//! | `listening` | `addr`, `guid`, `version` ("0.6" or "0.4"), `role` ("ultrapeer", "leaf", "elected": what others need, "plain": there are none in 0.4), `files`, `hashed` (how many of these can be found by their hash by now) |
//! | `link_up` | `addr`, `inbound`, `version`, `role` (the other side's), `inflate` (what it sends is deflated), `deflate` (what we send is) |
//! | `link_down` | `addr`, `reason` |
//! | `query` | `text`, `urn` (a hash that is searched for), `ttl`, `hops`, `addr` (the neighbour that passed it on) |
//! | `hit` | `search` ("search" or "get"), `addr`, `index`, `name`, `size`, `urn`, `hops`, `push` (it can not be connected to), `busy`, `servent` (its GUID) |
//! | `downloaded` | `name` (in the shared directory), `size`, `transferred` (without what an earlier run left, or what was there), `urn`, `verified` (null: no hash was known), `pushed`, `sources` (how many were asked) |
//! | `refused` | `what` ("link", "get", "search", "contact"), `addr`, `reason` |
//! | `error` | `message` |

#![allow(clippy::disallowed_methods, reason = "a program on a real network reads the clock")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use overlay_examples::{Failure, Lines, leave_signal, program, run_node};

#[path = "gnutella_node/app.rs"]
mod app;
#[path = "gnutella_node/browse.rs"]
mod browse;
#[path = "gnutella_node/demo.rs"]
mod demo;
#[path = "gnutella_node/getting.rs"]
mod getting;
#[path = "gnutella_node/library.rs"]
mod library;
#[path = "gnutella_node/setup.rs"]
mod setup;
#[path = "gnutella_node/telling.rs"]
mod telling;
#[path = "gnutella_node/wanted.rs"]
mod wanted;

use app::App;
use wanted::Wanted;

/// A Gnutella servent. Runs until Ctrl-C, or until what --get names is there.
#[derive(Clone, Debug, Parser)]
#[command(name = "gnutella_node", version)]
struct Options {
    /// Where to accept connections, and datagrams.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// The files to share; what is downloaded goes there, too. New files are found after a while.
    #[arg(long, value_name = "DIR")]
    share: PathBuf,
    /// A host to connect to; can be repeated.
    #[arg(long, value_name = "ADDR")]
    connect: Vec<SocketAddr>,
    /// Be an ultrapeer. Without this and --leaf, it begins as one if there is no --connect, as a leaf
    /// otherwise, and is later what others need.
    #[arg(long, conflicts_with_all = ["leaf", "v04"])]
    ultrapeer: bool,
    /// Be a leaf.
    #[arg(long, conflicts_with = "v04")]
    leaf: bool,
    /// Speak Gnutella 0.4 only.
    #[arg(long)]
    v04: bool,
    /// Search for files whose names have these words, or (not in 0.4) for a urn:sha1:…; and show the
    /// hits as they come. If there is none, asks again every 15 seconds.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Fetch a file into the shared directory, and end: by its urn:sha1:…, from all who have it, as a
    /// search for it tells, or --search; or by its index at one host (INDEX@ADDR), with the name and
    /// the hash that a hit of --search tells, or the host if it wants the name.
    #[arg(long, value_name = "URN|INDEX@ADDR")]
    get: Option<Wanted>,
    /// Fetch by asking the other side to connect here (Push and GIV), even where a connection to it
    /// would do. A Push goes where a hit came from: INDEX@ADDR needs a --search that finds it.
    #[arg(long, requires = "get")]
    push: bool,
    /// Contact private and loopback addresses, too.
    #[arg(long)]
    allow_private: bool,
    /// An object a line, as the head of this program's source says.
    #[arg(long)]
    json: bool,
    /// How long --get may find nobody who gives the file, in seconds; a transfer under way may take
    /// longer.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Where others can connect to, if that is not what --listen says.
    #[arg(long, value_name = "ADDR")]
    advertise: Option<SocketAddr>,
    /// Nobody can connect to this host: hits say that it has to be asked by a Push.
    #[arg(long)]
    firewalled: bool,
}

/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if std::env::args_os().len() == 1 {
        return program(|_: &NoOptions| run_node(false, async |_| demo::run().await));
    }
    program(|options: &Options| run_node(options.json, async |lines| run(options, lines).await))
}

/// The options of the program without any.
#[derive(Debug, Parser)]
struct NoOptions {}

async fn run(options: &Options, lines: &mut Lines) -> Result<(), Failure> {
    let leave = leave_signal()?;
    tokio::pin!(leave);
    let mut app = tokio::select! {
        app = App::start(options, lines) => app?,
        () = &mut leave => return Ok(()),
    };
    let outcome = loop {
        tokio::select! {
            () = &mut leave => break Ok(()),
            result = app.step(lines) => result?,
        }
        if let Some(outcome) = app.outcome() {
            break outcome;
        }
    };
    app.leave(LEAVE, lines).await?;
    outcome
}
