//! Napster on real sockets: the index server, and clients that share, search and fetch.
//!
//! ```text
//! cargo run --release --example napster -- server --listen 127.0.0.1:8888
//! cargo run --release --example napster -- client --server 127.0.0.1:8888 --listen 127.0.0.1:6699 \
//!     --user lefty --share music --allow-private
//! cargo run --release --example napster -- client --server 127.0.0.1:8888 --listen 127.0.0.1:6700 \
//!     --user righty --share fetched --allow-private --search "blue train"
//! ```
//!
//! Without arguments, a server and two clients in this process do all of this on the loopback.
//!
//! It runs until Ctrl-C or SIGTERM. A client whose server goes away connects to it again. With `--get` it
//! ends when the file is there (status 0), or when it can not be had (status 1, see `--timeout`).
//!
//! What happens is a line on standard output. With `--json`, each line is an object, whose `event` is one
//! of these; what is not known is null:
//!
//! | event | other keys |
//! |---|---|
//! | `listening` | `addr` (null: behind a firewall), `user` (null: the server), `files` |
//! | `online`, `offline` | of the server: `user`; `users` and `files`, how many there are now |
//! | `joined` | `server` |
//! | `disconnected` | `reason` |
//! | `hit` | `user`, `ip` (as the server sees it), `name`, `size`, `md5` |
//! | `search_done` | `found` |
//! | `downloaded` | `name` (in the shared directory), `user`, `size`, `alternate` (the other side connected), `checksum` (whether the beginning has the announced MD5; null: none was) |
//! | `uploaded` | `name`, `user`, `bytes`, `complete` |
//! | `refused` | `what` ("link", "join", "search", "get", "share"), `reason` |
//! | `notice` | `text`, what the server says |
//! | `error` | `message` |

#![allow(clippy::disallowed_methods, reason = "a program on a real network reads the clock")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use overlay_examples::{Failure, Lines, leave_signal, program, run_node};

#[path = "napster/client.rs"]
mod client;
#[path = "napster/demo.rs"]
mod demo;
#[path = "napster/library.rs"]
mod library;
#[path = "napster/server.rs"]
mod server;

use client::ClientApp;
use server::ServerApp;

/// Napster: the index server, and its clients.
#[derive(Debug, Parser)]
#[command(name = "napster", version)]
struct Options {
    #[command(subcommand)]
    side: Side,
}

#[derive(Debug, Subcommand)]
enum Side {
    Server(ServerOptions),
    Client(ClientOptions),
}

/// Knows who shares what, and brings those together who want it.
#[derive(Clone, Debug, Args)]
struct ServerOptions {
    /// Where clients connect to.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// An object a line, as the head of this program's source says.
    #[arg(long)]
    json: bool,
}

/// Shares a directory, searches, fetches. Runs until Ctrl-C, or until what --get names is there.
#[derive(Clone, Debug, Args)]
struct ClientOptions {
    /// The index server.
    #[arg(long, value_name = "ADDR")]
    server: SocketAddr,
    /// Where other clients connect to.
    #[arg(long, value_name = "ADDR", required_unless_present = "firewalled")]
    listen: Option<SocketAddr>,
    /// Who you are: letters, digits and _[]{}-@^!$
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Proves it to the server, if that knows you.
    #[arg(long, default_value = "secret")]
    password: String,
    /// The files to share, as they are at the start; what is downloaded goes there, too.
    #[arg(long, value_name = "DIR")]
    share: PathBuf,
    /// Search for files whose names have these words, and show what is found.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Fetch this file of this user, and end.
    #[arg(long, value_name = "USER/NAME", value_parser = client::parse_wanted)]
    get: Option<client::Wanted>,
    /// Nobody can connect to this client: it connects to who wants a file from it, or has one.
    #[arg(long)]
    firewalled: bool,
    /// Contact private and loopback addresses, too.
    #[arg(long)]
    allow_private: bool,
    /// An object a line, as the head of this program's source says.
    #[arg(long)]
    json: bool,
    /// How long --get may not be had, in seconds; a transfer under way may take longer.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if std::env::args_os().len() == 1 {
        return program(|_: &NoOptions| run_node(false, async |_| demo::run().await));
    }
    program(|options: &Options| match &options.side {
        Side::Server(options) => run_node(options.json, async |lines| serve(options, lines).await),
        Side::Client(options) => run_node(options.json, async |lines| share(options, lines).await),
    })
}

/// The options of the program without any.
#[derive(Debug, Parser)]
struct NoOptions {}

async fn serve(options: &ServerOptions, lines: &mut Lines) -> Result<(), Failure> {
    let leave = leave_signal()?;
    tokio::pin!(leave);
    let mut app = ServerApp::start(options.listen, lines).await?;
    loop {
        tokio::select! {
            () = &mut leave => break,
            result = app.step(lines) => result?,
        }
    }
    app.leave(LEAVE, lines).await
}

async fn share(options: &ClientOptions, lines: &mut Lines) -> Result<(), Failure> {
    let leave = leave_signal()?;
    tokio::pin!(leave);
    let mut app = ClientApp::start(options, lines).await?;
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
