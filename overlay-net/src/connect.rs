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
    let Some(from) = from.filter(fits) else { return TcpStream::connect(to).await };
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
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
