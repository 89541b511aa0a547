//! Connections that come and go leave nothing. Alone in its process, whose open files it counts.
#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use common::{Ask, Echo, Told, drive, echo, loopback, next, node};
use overlay_net::{Node, Stats};
use overlay_peer::{Address, Link, LinkState};
use tokio::net::{TcpSocket, TcpStream};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

/// Connects, whatever else happens meanwhile.
async fn connect(node: &mut Node<Echo>, to: Address) -> Link {
    node.command(Ask::Connect(to));
    loop {
        if let Told::State(link, LinkState::Open { inbound: false, .. }) = next(node).await {
            return link;
        }
    }
}

#[tokio::test]
async fn ten_thousand_connections_leave_no_file_open() {
    let (to, _task) = echo(loopback()).await;
    // Taken, so that nobody else listens there, and not listened on.
    let taken = TcpSocket::new_v4().expect("a socket");
    taken.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let nobody = taken.local_addr().expect("an address");
    let mut us = node(Echo::default(), loopback()).await;
    drive(&mut us, Duration::from_millis(10)).await;
    let before = open_files();
    let mut opened = 0;
    for n in 0..10_000u32 {
        match n % 5 {
            // Closed by us once it is open, or before, or by the other side.
            0 => {
                let link = connect(&mut us, to).await;
                us.command(Ask::Close(link));
                opened += 1;
            }
            1 => us.command(Ask::ConnectAndClose(to)),
            2 => {
                let link = connect(&mut us, to).await;
                us.command(Ask::Send(link, b"bye".to_vec()));
                opened += 1;
            }
            3 => us.command(Ask::Connect(nobody)),
            // By a stranger, with a reset.
            _ => {
                let stream = TcpStream::connect(us.here()).await.expect("open");
                stream.set_zero_linger().expect("set");
            }
        }
        if n % 5 == 4 {
            drive(&mut us, Duration::from_micros(50)).await;
        }
    }
    assert_eq!(opened, 4_000);
    for _ in 0..100 {
        if us.stats().links == 0 && open_files() <= before {
            break;
        }
        drive(&mut us, Duration::from_millis(100)).await;
    }
    assert_eq!(us.stats(), Stats { links: 0, queued: 0, unread: 0, ..us.stats() });
    assert!(open_files() <= before, "{} files, {before} before", open_files());
}
