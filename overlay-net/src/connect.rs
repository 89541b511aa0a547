//! Connections as they begin: opened by us or by others.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use overlay_peer::{Address, Reason};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

/// Opens a connection, from the address that is listened on if that can reach the other side: others know
/// us by it.
pub(crate) async fn open(
    from: Option<IpAddr>,
    to: Address,
    limit: Duration,
    probe: Duration,
) -> Result<TcpStream, Reason> {
    match tokio::time::timeout(limit, connect(from, to)).await {
        Ok(Ok(stream)) => {
            prepare(&stream, probe);
            Ok(stream)
        }
        Ok(Err(error)) => {
            tracing::debug!(%to, %error, "no connection");
            Err(match error.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
                    Reason::Refused
                }
                _ => Reason::Unreachable,
            })
        }
        Err(_) => Err(Reason::Unreachable),
    }
}

async fn connect(from: Option<IpAddr>, to: Address) -> io::Result<TcpStream> {
    let fits = |from: &IpAddr| {
        !from.is_unspecified()
            && from.is_ipv4() == to.is_ipv4()
            && from.is_loopback() == to.ip().is_loopback()
    };
    let stream = match from.filter(fits) {
        None => TcpStream::connect(to).await?,
        Some(from) => {
            let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.bind(SocketAddr::new(from, 0))?;
            socket.connect(to).await?
        }
    };
    if is_to_itself(&stream) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// Where nobody listens on a port of this host, and the system gives a connection to it that very port to
/// come from, the two ends are one (the simultaneous open of RFC 9293, section 3.5).
fn is_to_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(here), Ok(there)) if here == there)
}

/// Batches of messages leave at once, and another side that is gone without a word is noticed.
pub(crate) fn prepare(stream: &TcpStream, probe: Duration) {
    let keep_alive = TcpKeepalive::new().with_time(probe).with_interval(probe / 4);
    let socket = SockRef::from(stream);
    // Without these it works too.
    let _ = stream.set_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keep_alive);
}

/// Why a link is lost that a read or write failed on.
pub(crate) fn reason(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::TimedOut => Reason::TimedOut,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Reason::TimedOut,
        _ => Reason::Remote,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_to_itself_is_told_from_others() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(loopback).expect("a port");
        let here = socket.local_addr().expect("an address");
        assert!(is_to_itself(&socket.connect(here).await.expect("open")));

        let listener = tokio::net::TcpListener::bind(loopback).await.expect("a port");
        let to = listener.local_addr().expect("an address");
        assert!(!is_to_itself(&TcpStream::connect(to).await.expect("open")));
    }
}
