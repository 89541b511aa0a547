//! What a host shares, asked of it directly ("browse host"): `GET /` that accepts descriptors is answered
//! with QueryHits. gtk-gnutella and others want a file's name besides its index, and this tells it.

use std::net::SocketAddr;
use std::time::Duration;

use gnutella_wire::{Limits, LinkReader, Payload, QueryHit, Urn};
use overlay_examples::Failure;
use overlay_gnutella::Hit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::setup::USER_AGENT;
use crate::wanted::nameless;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How long the answer's head may be, and the answer.
const HEAD: usize = 16 << 10;
const MOST: usize = 16 << 20;

/// What a host says of the file of this index.
pub async fn browse(index: u32, host: SocketAddr) -> Result<Hit, String> {
    match timeout(LIMIT, ask(index, host)).await {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

async fn ask(index: u32, host: SocketAddr) -> Result<Hit, Failure> {
    let mut stream = TcpStream::connect(host).await?;
    // 1.0: the answer ends with the connection, and comes in one piece.
    let request = format!(
        "GET / HTTP/1.0\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n\
         Accept: application/x-gnutella-packets\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut some, mut head, mut all) = (vec![0; 16 << 10], Vec::new(), 0);
    let mut link = LinkReader::new(Limits::DEFAULT, false);
    let mut in_body = false;
    loop {
        let length = stream.read(&mut some).await?;
        if length == 0 {
            return Err("the host does not name this file".into());
        }
        all += length;
        let mut rest = &some[..length];
        let tail;
        if !in_body {
            head.extend_from_slice(rest);
            let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") else {
                if head.len() > HEAD {
                    return Err("an answer that does not begin".into());
                }
                continue;
            };
            tail = head.split_off(end + 4);
            check(&head)?;
            (rest, in_body) = (&tail[..], true);
        }
        while !rest.is_empty() {
            rest = &rest[link.feed(rest)..];
            while let Some(frame) = link.next()? {
                if let Ok(Payload::QueryHit(hit)) = frame.parse().map(|message| message.payload)
                    && let Some(hit) = result(&hit, index, host)
                {
                    return Ok(hit);
                }
            }
        }
        if all > MOST {
            return Err("too long an answer".into());
        }
    }
}

/// Whether it is an answer that can be read.
fn check(head: &[u8]) -> Result<(), Failure> {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    if status != "200" {
        return Err(format!("status {status}").into());
    }
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let is = |(name, value): &(&str, &str)| match *name {
        "content-type" => !value.contains("application/x-gnutella-packets"),
        "transfer-encoding" | "content-encoding" => value.trim() != "identity",
        _ => false,
    };
    match fields.find(is) {
        Some((name, value)) => Err(format!("{name}:{value}").into()),
        None => Ok(()),
    }
}

/// The file of this index, as a hit to fetch.
fn result(hit: &QueryHit<'_>, index: u32, host: SocketAddr) -> Option<Hit> {
    let mut results = hit.results;
    let result = results.find(|result| result.index == index)?;
    let sha1 = result.extensions().urns().find_map(|urn| Urn::parse(urn).ok()?.sha1());
    Some(Hit {
        servent: hit.servent,
        size: result.size,
        speed: hit.speed,
        sha1,
        name: result.name.into(),
        ..nameless(index, host)
    })
}
