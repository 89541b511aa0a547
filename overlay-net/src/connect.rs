//! Connections as they begin: opened by us or by others.

use std::io;
use std::time::Duration;

use overlay_peer::{Address, Reason};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Opens a connection.
pub(crate) async fn open(
    to: Address,
    limit: Duration,
    probe: Duration,
) -> Result<TcpStream, Reason> {
    match tokio::time::timeout(limit, TcpStream::connect(to)).await {
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
