//! Queries through one node: sent on one link, flooded by the node to the others.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use overlay_benches::Served;
use serde_json::Value;

use crate::{Line, Options};

/// The links that a query goes on to.
const OTHERS: usize = 3;
/// A descriptor header and the payload: the speed, a text and its NUL.
const TEXT: &[u8] = b"a song that nobody has";
const QUERY: usize = 23 + 2 + TEXT.len() + 1;

pub(crate) fn run(options: &Options) -> io::Result<()> {
    let cases = [("queries_0.4", "gnutella-0.4", false), ("queries_0.6", "gnutella-0.6", true)];
    for (case, system, v06) in cases {
        if options.wants(case) {
            measure(options, case, system, v06)?;
        }
    }
    Ok(())
}

fn measure(options: &Options, case: &'static str, system: &str, v06: bool) -> io::Result<()> {
    let mut served = Served::start(&["--system", system])?;
    let address = served.addresses[0];
    let mut from = link(address, v06)?;
    let others: Vec<_> = (0..OTHERS).map(|_| link(address, v06)).collect::<io::Result<_>>()?;
    thread::sleep(Duration::from_millis(500));
    let (before, start) = (served.stats()?, served.usage()?);
    let started = Instant::now();
    let readers: Vec<_> = others.into_iter().map(|other| read(other, options.messages)).collect();
    let mut batch = Vec::new();
    for number in 0..options.messages {
        query(number, v06, &mut batch);
        if batch.len() > 32_000 || number + 1 == options.messages {
            from.write_all(&batch)?;
            batch.clear();
        }
    }
    let mut arrived = 0;
    for reader in readers {
        arrived += reader.join().map_err(|_| io::Error::other("a reader panicked"))??;
    }
    let (wall, end, after) = (started.elapsed(), served.usage()?, served.stats()?);
    let count = |stats: &Value, key: &str| stats.get(key).and_then(Value::as_u64).unwrap_or(0);
    let received = (count(&after, "received") - count(&before, "received")) as f64;
    let sent = (count(&after, "sent") - count(&before, "sent")) as f64;
    let expected = u64::from(options.messages) * OTHERS as u64;
    if arrived < expected {
        return Err(io::Error::other(format!("{case}: {arrived} of {expected} queries arrived")));
    }
    let cpu = end.cpu_seconds - start.cpu_seconds;
    let mut line = Line::new(case, "messages received a CPU-second", received / cpu);
    line.other.insert("received and sent a CPU-second", (received + sent) / cpu);
    line.other.insert("received a second on the wall", received / wall.as_secs_f64());
    line.other.insert("peak resident MB", end.peak_bytes as f64 / 1e6);
    line.print(options.json)
}

/// Query number `number`; each has a GUID of its own.
fn query(number: u32, v06: bool, out: &mut Vec<u8>) {
    let mut guid = [0x5a; 16];
    guid[..4].copy_from_slice(&number.to_le_bytes());
    // As newer servents mark theirs.
    (guid[8], guid[15]) = (0xff, 0);
    out.extend_from_slice(&guid);
    // A Query, its TTL and hops.
    out.extend_from_slice(&[0x80, if v06 { 2 } else { 5 }, 1]);
    out.extend_from_slice(&((QUERY - 23) as u32).to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(TEXT);
    out.push(0);
}

/// A link to the node, its handshake done.
fn link(address: SocketAddr, v06: bool) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    if v06 {
        stream.write_all(
            b"GNUTELLA CONNECT/0.6\r\nUser-Agent: net_vs\r\nX-Ultrapeer: True\r\n\
              X-Query-Routing: 0.1\r\nX-Ultrapeer-Query-Routing: 0.1\r\nX-Degree: 32\r\n\
              X-Max-TTL: 3\r\nX-Dynamic-Querying: 0.1\r\n\r\n",
        )?;
    } else {
        stream.write_all(b"GNUTELLA CONNECT/0.4\n\n")?;
    }
    let end: &[u8] = if v06 { b"\r\n\r\n" } else { b"\n\n" };
    let mut head = Vec::new();
    while !head.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"GNUTELLA/0.6 200") && !head.starts_with(b"GNUTELLA OK") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    if v06 {
        stream.write_all(b"GNUTELLA/0.6 200 OK\r\n\r\n")?;
    }
    Ok(stream)
}

/// Counts the queries that arrive until all are there.
fn read(mut stream: TcpStream, all: u32) -> thread::JoinHandle<io::Result<u64>> {
    thread::spawn(move || {
        let (mut buffer, mut have, mut count) = (vec![0; 256 << 10], 0, 0);
        while count < u64::from(all) {
            let read = match stream.read(&mut buffer[have..]) {
                Ok(0) => break,
                Ok(read) => read,
                // What has not come by now does not come.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            have += read;
            let mut at = 0;
            while let Some(header) = buffer[at..have].first_chunk::<23>() {
                let length = [header[19], header[20], header[21], header[22]];
                let whole = 23 + u32::from_le_bytes(length) as usize;
                if have - at < whole {
                    break;
                }
                count += u64::from(header[16] == 0x80);
                at += whole;
            }
            buffer.copy_within(at..have, 0);
            have -= at;
        }
        Ok(count)
    })
}
