//! A member of a Chord ring on real sockets: joins, keeps values, looks keys up, leaves.
//!
//! ```text
//! cargo run --release --example chord_node -- --listen 127.0.0.1:4000 --allow-private
//! cargo run --release --example chord_node -- --listen 127.0.0.1:4001 --allow-private \
//!     --join 127.0.0.1:4000 --put "greeting=hello, ring"
//! cargo run --release --example chord_node -- --listen 127.0.0.1:4002 --allow-private \
//!     --join 127.0.0.1:4000 --get greeting
//! ```
//!
//! Without arguments, nodes in this process make a ring on the loopback: one publishes a value, one leaves,
//! and one that comes later still finds it. Without `--join` a node begins a ring of its own. Only nodes that
//! `--join` names, or that others of the ring tell of, are ever contacted, and of these private and
//! loopback ones only with `--allow-private`.
//!
//! A KEY is a text, whose place on the ring is its SHA-1, or 40 hexadecimal digits, which are the place.
//! It runs until Ctrl-C or SIGTERM, also after a `--put`: it is a member. With `--get` or `--lookup` it
//! leaves when these are answered: status 0, or 1 if one of them failed or nothing was found.
//!
//! What happens is a line on standard output. With `--json`, each line is an object, whose `event` is one
//! of these; what is not known is null. Of virtual nodes each says its own `addr`:
//!
//! | event | other keys |
//! |---|---|
//! | `listening` | `addr`, `id` (its place on the ring) |
//! | `joined` | `addr`, `id` |
//! | `neighbours` | `addr`, `predecessor` and `successors` (as `ID@ADDR`), `fingers` (how many different ones): when one of them changed |
//! | `stored` | `key`, `id` (the key's place), `replicas` (how many nodes keep it), `hops` (to the key's predecessor) |
//! | `got` | `key`, `id`, `hops`, `publisher`, `value` (null if it is no text), `hex`: one for each value |
//! | `nothing` | `key`, `id`, `hops`: nothing is published there |
//! | `found` | `key`, `id`, `owner`, `owner_addr`, `hops`, `timeouts` (nodes on the way that did not answer) |
//! | `failed` | `what` ("put", "get", "lookup"), `key`, `id`, `reason` |
//! | `isolated` | `addr`: all its successors failed |
//! | `misbehaved`, `refused` | `addr`, `from`, `what` |
//! | `left` | `addr`, `handed_over` (whether a successor has its keys) |
//! | `error` | `message` |

#![allow(clippy::disallowed_methods, reason = "a program on a real network reads the clock")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use overlay_examples::{Failure, Lines, leave_signal, program, run_node};

#[path = "chord_node/app.rs"]
mod app;
#[path = "chord_node/demo.rs"]
mod demo;
#[path = "chord_node/key.rs"]
mod key;

use app::App;
use key::{Key, Pair};

/// A member of a Chord ring. Runs until Ctrl-C, or until --get and --lookup are answered.
#[derive(Clone, Debug, Parser)]
#[command(name = "chord_node", version)]
struct Options {
    /// Where to listen, for datagrams and connections.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// A member of the ring to join. Without it, this node is the first of a ring.
    #[arg(long, value_name = "ADDR")]
    join: Option<SocketAddr>,
    /// Places on the ring, each a node of its own, at this port and those that follow.
    #[arg(long, value_name = "V", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    virtual_nodes: u16,
    /// Publish a value under a key.
    #[arg(long, value_name = "KEY=VALUE")]
    put: Option<Pair>,
    /// Show what is published under a key, and leave.
    #[arg(long, value_name = "KEY")]
    get: Option<Key>,
    /// Show who owns a key, and leave.
    #[arg(long, value_name = "KEY")]
    lookup: Option<Key>,
    /// Contact private and loopback addresses, too.
    #[arg(long)]
    allow_private: bool,
    /// An object a line, as the head of this program's source says.
    #[arg(long)]
    json: bool,
    /// Where others reach this node, if that is not what --listen says: behind a forwarded port, say.
    #[arg(long, value_name = "ADDR")]
    advertise: Option<SocketAddr>,
    /// Seconds between stabilizations, and between refreshes of a finger; replicas are compared four
    /// times as seldom.
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0, value_parser = seconds)]
    upkeep: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0.1 to 3600".to_owned()),
    }
}

/// How long leaving may take, of all virtual nodes together.
const LEAVE: Duration = Duration::from_secs(10);

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
    let mut app = App::start(options, lines).await?;
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
