//! The processes that are measured: nodes that serve, and one that downloads.

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gnutella_wire::Guid;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, Hit, Mode, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_napster::{NapsterPeer, Server, ServerConfig};
use overlay_net::{Directory, NoStore, Node, Stats, Store};
use overlay_peer::{Object, Peer};
use tokio::sync::mpsc;

#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// What the nodes run
    #[arg(long)]
    system: System,
    /// How many nodes, in one thread
    #[arg(long, default_value_t = 1)]
    nodes: usize,
    /// A directory with one file to share
    #[arg(long)]
    share: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum System {
    #[value(name = "napster")]
    Napster,
    #[value(name = "gnutella-0.4")]
    Gnutella04,
    #[value(name = "gnutella-0.6")]
    Gnutella06,
    #[value(name = "gnutella-0.6-deflated")]
    Gnutella06Deflated,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Fetch {
    #[arg(long)]
    from: SocketAddr,
    #[arg(long)]
    bytes: u32,
    /// Where to
    #[arg(long)]
    into: PathBuf,
}

/// The shared file's name.
pub(crate) const NAME: &str = "file.bin";

pub(crate) fn serve(options: &Serve) -> io::Result<()> {
    match options.system {
        System::Napster => {
            let servers = (0..options.nodes)
                .map(|_| NapsterPeer::from(Server::new(ServerConfig::default())))
                .collect();
            run(servers, Arc::new(NoStore), || None)
        }
        system => {
            let (catalogue, store) = match &options.share {
                Some(path) => shared(path)?,
                None => (Catalogue::new([]), Arc::new(NoStore) as Arc<dyn Store>),
            };
            let catalogue = Arc::new(catalogue);
            let servents = (0..options.nodes)
                .map(|number| {
                    let mut config = config(system);
                    config.servent = Guid::from_bytes([number as u8; 16]).marked();
                    let shares: Vec<u32> = options.share.iter().map(|_| 0).collect();
                    Servent::new(config, catalogue.clone(), shares)
                })
                .collect();
            // Nobody to connect to, but it is in the network from now on.
            run(servents, store, || Some(Command::Join { hosts: Vec::new() }))
        }
    }
}

fn config(system: System) -> Config {
    let mut config = Config::new(Guid::from_bytes([0; 16]).marked());
    config.capabilities = Capabilities { mode: Mode::Ultrapeer, ..Capabilities::GOOD };
    let v06 = Settings06 {
        leaf_slots: Settings::LINKS,
        deflate: matches!(system, System::Gnutella06Deflated),
        ..Settings06::default()
    };
    let v06 = (!matches!(system, System::Gnutella04)).then_some(v06);
    config.settings = Arc::new(Settings {
        v06,
        max_links: Settings::LINKS,
        // All come at once here, from one address.
        greetings: 4_096,
        ..Settings::default()
    });
    config
}

fn shared(path: &std::path::Path) -> io::Result<(Catalogue, Arc<dyn Store>)> {
    let directory = Directory::open(path)?;
    let size = directory.share(Object(0), NAME).map_err(io::Error::other)?;
    let file = SharedFile { name: NAME.into(), size, object: Object(0) };
    Ok((Catalogue::new([file]), Arc::new(directory)))
}

/// The nodes, each with a command to begin with, until the input ends.
fn run<P: Peer>(
    peers: Vec<P>,
    store: Arc<dyn Store>,
    command: impl Fn() -> Option<P::Command>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let config = overlay_net::Config {
            allow_private: true,
            max_links: 4_096,
            max_per_address: 4_096,
            ..Default::default()
        };
        let mut nodes = Vec::new();
        for peer in peers {
            let mut node = Node::bind(peer, config.clone(), store.clone()).await?;
            if let Some(command) = command() {
                node.command(command);
            }
            nodes.push(node);
        }
        let addresses: Vec<_> = nodes.iter().map(|node| node.here().to_string()).collect();
        println!("{}", addresses.join(" "));
        io::stdout().flush()?;
        let mut lines = lines();
        loop {
            let asked = std::future::poll_fn(|cx| {
                if let std::task::Poll::Ready(line) = lines.poll_recv(cx) {
                    return std::task::Poll::Ready(line);
                }
                for node in &mut nodes {
                    // What peers tell is of no interest here.
                    while node.poll_next(cx).is_ready() {}
                }
                std::task::Poll::Pending
            });
            if asked.await.is_none() {
                return Ok(());
            }
            println!("{}", sum(nodes.iter().map(Node::stats)));
            io::stdout().flush()?;
        }
    })
}

fn sum(stats: impl Iterator<Item = Stats>) -> serde_json::Value {
    let (mut links, mut received, mut sent) = (0, 0, 0);
    for one in stats {
        links += one.links;
        received += one.received;
        sent += one.sent;
    }
    serde_json::json!({ "links": links, "received": received, "sent": sent })
}

/// Lines of the input, read on a thread of their own.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if line.map(|line| sender.send(line)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Downloads the file; ends with 0 when every byte is on disk.
pub(crate) fn fetch(options: &Fetch) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let directory = Directory::open(&options.into)?;
        let size = u64::from(options.bytes);
        directory.download(Object(0), NAME, Some(size)).map_err(io::Error::other)?;
        let servent = Servent::new(config(System::Gnutella04), Arc::new(Catalogue::new([])), []);
        let config = overlay_net::Config { allow_private: true, ..Default::default() };
        let mut node = Node::bind(servent, config, Arc::new(directory)).await?;
        let hit = Hit {
            address: options.from,
            push: false,
            servent: Guid::from_bytes([0; 16]).marked(),
            index: 0,
            size: options.bytes,
            speed: 0,
            busy: false,
            uploaded: false,
            measured: false,
            sha1: None,
            name: NAME.as_bytes().into(),
            proxies: Box::new([]),
        };
        node.command(Command::Fetch { fetch: 0, hit, into: Object(0), from: 0 });
        loop {
            match node.next().await {
                Event::Fetched { bytes, .. } if bytes == size => break,
                Event::Fetched { .. } | Event::FetchFailed { .. } => {
                    return Ok(ExitCode::FAILURE);
                }
                _ => {}
            }
        }
        let _ = node.shut_down(Duration::from_secs(5), drop).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// An address of the loopback.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()
}
