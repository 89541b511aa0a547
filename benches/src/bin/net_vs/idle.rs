//! Links on which nothing happens but what the systems do to keep them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use overlay_benches::Served;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::{Line, Options};

/// A servent has at most 250 links.
const LEAVES: usize = 200;

pub(crate) fn run(options: &Options) -> io::Result<()> {
    let cases = [
        ("idle_napster", "napster", Greeting::Napster),
        ("idle_gnutella", "gnutella-0.6", Greeting::Gnutella { deflate: false }),
        ("idle_gnutella_deflated", "gnutella-0.6-deflated", Greeting::Gnutella { deflate: true }),
    ];
    for (case, system, greeting) in cases {
        if options.wants(case) {
            measure(options, case, system, greeting)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Greeting {
    Napster,
    Gnutella { deflate: bool },
}

fn measure(
    options: &Options,
    case: &'static str,
    system: &str,
    greeting: Greeting,
) -> io::Result<()> {
    let nodes = match greeting {
        Greeting::Napster => 1,
        Greeting::Gnutella { .. } => options.links.div_ceil(LEAVES),
    };
    let mut served = Served::start(&["--system", system, "--nodes", &nodes.to_string()])?;
    let before = served.usage()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut links = JoinSet::new();
    let (ready, mut readies) = tokio::sync::mpsc::unbounded_channel();
    runtime.block_on(async {
        for number in 0..options.links {
            let (address, ready) = (served.addresses[number % nodes], ready.clone());
            links.spawn(async move {
                let mut stream = greet(address, greeting, number).await?;
                let _ = ready.send(());
                discard(&mut stream).await
            });
            // Not faster than a backlog of connections takes them.
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        let all = async {
            for _ in 0..options.links {
                readies.recv().await;
            }
        };
        let patience = Duration::from_secs(30);
        tokio::select! {
            waited = tokio::time::timeout(patience, all) => {
                waited.map_err(|_| io::Error::other(format!("{case}: not all links came to be")))?;
            }
            Some(ended) = links.join_next() => {
                ended.map_err(io::Error::other)??;
                return Err(io::Error::other(format!("{case}: the node closed a link")));
            }
        }
        // What follows a handshake is over.
        tokio::time::sleep(Duration::from_secs(5)).await;
        io::Result::Ok(())
    })?;
    let begin = served.usage()?;
    runtime.block_on(async { tokio::time::sleep(Duration::from_secs(options.seconds)).await });
    let end = served.usage()?;
    let stats = served.stats()?;
    let there = stats.get("links").and_then(Value::as_u64).unwrap_or_default();
    if there != options.links as u64 {
        return Err(io::Error::other(format!("{case}: {there} of {} links", options.links)));
    }
    let grown = end.resident_bytes.saturating_sub(before.resident_bytes);
    let mut line = Line::new(case, "bytes a link", grown as f64 / options.links as f64);
    let busy = (end.cpu_seconds - begin.cpu_seconds) / options.seconds as f64;
    line.other.insert("percent of a core", busy * 100.0);
    line.other.insert("links", options.links as f64);
    line.print(options.json)
}

/// Connects, and says what a client of the system says.
async fn greet(address: SocketAddr, greeting: Greeting, number: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    match greeting {
        Greeting::Napster => {
            // Message 2: nick, password, port, client, link type.
            let login = format!("idle{number} secret 0 \"net_vs\" 0");
            let mut message = Vec::new();
            message.extend_from_slice(&(login.len() as u16).to_le_bytes());
            message.extend_from_slice(&2u16.to_le_bytes());
            message.extend_from_slice(login.as_bytes());
            stream.write_all(&message).await?;
            stream.read_u8().await?;
        }
        Greeting::Gnutella { deflate } => {
            let packed = if deflate { "Accept-Encoding: deflate\r\n" } else { "" };
            let hello = format!(
                "GNUTELLA CONNECT/0.6\r\nUser-Agent: net_vs\r\nX-Ultrapeer: False\r\n\
                 X-Query-Routing: 0.1\r\n{packed}\r\n"
            );
            stream.write_all(hello.as_bytes()).await?;
            let answer = head(&mut stream).await?;
            if !answer.starts_with("GNUTELLA/0.6 200") {
                return Err(io::Error::other(answer));
            }
            let packed = if deflate { "Content-Encoding: deflate\r\n" } else { "" };
            stream.write_all(format!("GNUTELLA/0.6 200 OK\r\n{packed}\r\n").as_bytes()).await?;
            if deflate {
                // The start of a zlib stream, an empty stored block: what a leaf that says nothing sends.
                stream.write_all(&[0x78, 0x9c, 0, 0, 0, 0xff, 0xff]).await?;
            }
        }
    }
    Ok(stream)
}

async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Reads until the other side closes, as somebody who has nothing to say.
async fn discard(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 512];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
