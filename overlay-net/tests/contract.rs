//! What the contract of `overlay-peer` asks of a driver, on the loopback.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Ask, Echo, Mode, Told, connect, drive, echo, loopback, next, node};
use overlay_net::{Config, Node};
use overlay_peer::{LinkState, Object, Reason, StoreError, Ticket, Timer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

#[tokio::test]
async fn lines_come_back_in_order_and_close_flushes() {
    let (to, _task) = echo(loopback()).await;
    let mut us = node(Echo::default(), loopback()).await;
    let link = connect(&mut us, to).await;
    for n in 0..1_000 {
        us.command(Ask::Send(link, n.to_string().into()));
    }
    us.command(Ask::Send(link, b"bye".to_vec()));
    for n in 0..1_000 {
        assert_eq!(next(&mut us).await, Told::Got(link, n.to_string().into()));
    }
    assert_eq!(next(&mut us).await, Told::Got(link, b"bye".to_vec()));
    let closed = LinkState::Closed(Reason::Remote);
    assert_eq!(next(&mut us).await, Told::State(link, closed));
    drive(&mut us, Duration::from_millis(50)).await;
    let stats = us.stats();
    assert_eq!((stats.links, stats.queued, stats.unread), (0, 0, 0));
    assert_eq!((stats.sent, stats.received), (1_001, 1_001));
}

/// Others know a host by the address it listens on.
#[cfg(target_os = "linux")] // All of 127.0.0.0/8 is there.
#[tokio::test]
async fn connections_come_from_the_address_that_is_listened_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let listen = Some("127.0.0.2:0".parse().expect("an address"));
    let mut us = node(Echo::default(), Config { listen, ..loopback() }).await;
    us.command(Ask::Connect(listener.local_addr().expect("bound")));
    let accept = async { listener.accept().await.expect("somebody").1 };
    let from = tokio::select! {
        from = accept => from,
        () = drive(&mut us, Duration::from_secs(10)) => panic!("nobody came"),
    };
    assert_eq!(from.ip(), us.here().ip());
}

#[tokio::test]
async fn bytes_in_pieces_are_the_same_messages() {
    let (to, _task) = echo(loopback()).await;
    let mut stream = TcpStream::connect(to).await.expect("open");
    for byte in b"one\ntwo\nthree\n" {
        stream.write_all(&[*byte]).await.expect("sent");
        tokio::task::yield_now().await;
    }
    let mut back = [0; 14];
    stream.read_exact(&mut back).await.expect("back");
    assert_eq!(&back, b"one\ntwo\nthree\n");
}

#[tokio::test]
async fn a_phase_may_pack_what_follows_both_ways() {
    let (to, _task) = echo(loopback()).await;
    let mut us = node(Echo::default(), loopback()).await;
    let link = connect(&mut us, to).await;
    us.command(Ask::Send(link, b"plain".to_vec()));
    us.command(Ask::Send(link, b"pack".to_vec()));
    // What we send is packed from here on; the answer to `pack` is not yet.
    us.command(Ask::Phase(link, Mode::Packed));
    assert_eq!(next(&mut us).await, Told::State(link, LinkState::Closed(Reason::Malformed)));

    let mut stream = TcpStream::connect(to).await.expect("open");
    let mut sent = b"plain\npack\n".to_vec();
    sent.extend(miniz_zlib(b"first\nsecond\n"));
    stream.write_all(&sent).await.expect("sent");
    let mut back = [0; 11 + 2];
    stream.read_exact(&mut back).await.expect("back");
    assert_eq!(&back, b"plain\npack\n\x78\x9c");
    let mut packed = back[11..].to_vec();
    let mut plain = Vec::new();
    while plain.len() < 13 {
        let mut more = [0; 100];
        let read = stream.read(&mut more).await.expect("back");
        assert!(read > 0);
        packed.extend_from_slice(&more[..read]);
        plain = inflate(&packed);
    }
    assert_eq!(plain, b"first\nsecond\n");
}

/// What inflates to much more than was received comes out at once, all of it, and not with the next bytes.
#[tokio::test]
async fn a_packed_batch_comes_out_whole() {
    for lines in [50, 100, 1_000] {
        let (to, _task) = echo(loopback()).await;
        let mut stream = TcpStream::connect(to).await.expect("open");
        let text = [&[b'x'; 900][..], b"\n"].concat().repeat(lines);
        // Flushed, and not ended.
        let mut packed = vec![0; 10_000];
        let mut packer = miniz_oxide::deflate::core::CompressorOxide::default();
        let flush = miniz_oxide::MZFlush::Sync;
        let result = miniz_oxide::deflate::stream::deflate(&mut packer, &text, &mut packed, flush);
        assert_eq!(result.bytes_consumed, text.len());
        packed.truncate(result.bytes_written);
        stream.write_all(&[b"pack\n", &packed[..]].concat()).await.expect("sent");
        let mut state =
            miniz_oxide::inflate::stream::InflateState::new_boxed(miniz_oxide::DataFormat::Zlib);
        let (mut back, mut got) = (vec![0; 5], 0);
        stream.read_exact(&mut back).await.expect("back");
        let mut rest = Vec::new();
        while got < text.len() {
            let read = tokio::time::timeout(Duration::from_secs(10), stream.read_buf(&mut rest));
            assert!(
                read.await.unwrap_or_else(|_| panic!("{got} of {}", text.len())).expect("open") > 0
            );
            let mut out = vec![0; 1 << 20];
            let flush = miniz_oxide::MZFlush::None;
            let result = miniz_oxide::inflate::stream::inflate(&mut state, &rest, &mut out, flush);
            rest.drain(..result.bytes_consumed);
            got += result.bytes_written;
        }
    }
}

fn miniz_zlib(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6)
}

fn inflate(packed: &[u8]) -> Vec<u8> {
    let mut state = miniz_oxide::inflate::stream::InflateState::new(miniz_oxide::DataFormat::Zlib);
    let mut out = vec![0; 1_000];
    let flush = miniz_oxide::MZFlush::None;
    let result = miniz_oxide::inflate::stream::inflate(&mut state, packed, &mut out, flush);
    out.truncate(result.bytes_written);
    out
}

#[tokio::test]
async fn what_is_no_message_closes_the_link() {
    let mut us = node(Echo::default(), loopback()).await;
    let mut stream = TcpStream::connect(us.here()).await.expect("open");
    stream.write_all(&[b'x'; 1_500]).await.expect("sent");
    let Told::State(link, LinkState::Open { inbound: true, remote }) = next(&mut us).await else {
        panic!("not open")
    };
    assert_eq!(remote, stream.local_addr().expect("an address"));
    assert_eq!(next(&mut us).await, Told::State(link, LinkState::Closed(Reason::Malformed)));
    assert_eq!(us.stats().malformed, 1);
}

#[tokio::test]
async fn a_message_that_never_ends_closes_the_link() {
    let config = Config { input_limit: 10_000, ..loopback() };
    let mut us = node(Echo::default(), config).await;
    let mut stream = TcpStream::connect(us.here()).await.expect("open");
    let Told::State(link, _) = next(&mut us).await else { panic!("not open") };
    us.command(Ask::Phase(link, Mode::Endless));
    let told = tokio::select! {
        told = next(&mut us) => told,
        () = async { while stream.write_all(&[b'x'; 1_000]).await.is_ok() {} } => {
            next(&mut us).await
        }
    };
    assert_eq!(told, Told::State(link, LinkState::Closed(Reason::Malformed)));
    assert_eq!(us.stats().unread, 0);
}

#[tokio::test]
async fn nobody_there_is_refused_and_private_is_unreachable() {
    // Taken, so that nobody else listens there, and not listened on.
    let taken = TcpSocket::new_v4().expect("a socket");
    taken.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let nobody = taken.local_addr().expect("an address");
    let mut us = node(Echo::default(), loopback()).await;
    us.command(Ask::Connect(nobody));
    let Told::State(_, state) = next(&mut us).await else { panic!("no state") };
    assert_eq!(state, LinkState::Closed(Reason::Refused));

    // Somebody listens there, and yet: only public addresses.
    let (to, _task) = echo(loopback()).await;
    let mut us = node(Echo::default(), Config::default()).await;
    us.command(Ask::Connect(to));
    let Told::State(_, state) = next(&mut us).await else { panic!("no state") };
    assert_eq!(state, LinkState::Closed(Reason::Unreachable));
    us.command(Ask::SendTo(to, b"x".to_vec()));
    assert_eq!(us.stats().forbidden, 2);
    assert_eq!(us.stats().sent, 0);
}

#[tokio::test]
async fn datagrams_go_and_come() {
    let (to, _task) = echo(loopback()).await;
    let mut us = node(Echo::default(), loopback()).await;
    us.command(Ask::SendTo(to, b"hello".to_vec()));
    assert_eq!(next(&mut us).await, Told::Datagram(to, b"hello".to_vec()));
    // Neither a part of a message nor more than one is a message.
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    for bytes in [&b"no end"[..], b"two\nlines\n", b"one\n"] {
        socket.send_to(bytes, us.here()).await.expect("sent");
    }
    let from = socket.local_addr().expect("an address");
    assert_eq!(next(&mut us).await, Told::Datagram(from, b"one".to_vec()));
    assert_eq!(us.stats().malformed, 2);
}

#[tokio::test]
async fn timers_come_in_order() {
    let mut us = node(Echo::default(), loopback()).await;
    for (millis, timer) in [(30, 1), (10, 2), (0, 3), (10, 4)] {
        us.command(Ask::Wake(Duration::from_millis(millis), Timer(timer)));
    }
    for timer in [3, 2, 4, 1] {
        assert_eq!(next(&mut us).await, Told::Woke(Timer(timer)));
    }
    assert!(us.now().as_micros() >= 30_000);
}

#[tokio::test]
async fn a_paused_link_makes_the_other_side_wait_and_goes_on() {
    let mut us = node(Echo::default(), loopback()).await;
    let mut stream = TcpStream::connect(us.here()).await.expect("open");
    let Told::State(link, _) = next(&mut us).await else { panic!("not open") };
    us.command(Ask::Pause(link, true));
    // Ten seconds' worth of lines do not fit in.
    let line = [&[b'x'; 999][..], b"\n"].concat();
    let mut sent = 0;
    let full = async {
        while let Ok(result) =
            tokio::time::timeout(Duration::from_millis(300), stream.write(&line)).await
        {
            sent += result.expect("open");
            assert!(sent < 64 << 20, "nobody stops it");
        }
    };
    tokio::select! {
        told = us.next() => panic!("{told:?}"),
        () = full => {}
    }
    assert!(us.stats().unread <= 64 << 10);
    us.command(Ask::Pause(link, false));
    for _ in 0..sent / 1_000 {
        assert!(matches!(next(&mut us).await, Told::Got(..)));
    }
}

#[tokio::test]
async fn who_does_not_read_is_told_of_and_then_closed_as_slow() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut us = node(Echo::default(), loopback()).await;
    let link = connect(&mut us, listener.local_addr().expect("an address")).await;
    let (_stream, _) = listener.accept().await.expect("accepted");
    let mut congested = false;
    let closed = 'closed: loop {
        us.command(Ask::Send(link, vec![b'x'; 900]));
        assert!(us.stats().queued <= loopback().queue_limit, "{:?}", us.stats());
        if us.stats().sent % 50 == 0 || us.stats().slow > 0 {
            // Let it send.
            while let Ok(told) = tokio::time::timeout(Duration::from_micros(100), us.next()).await {
                match told {
                    Told::State(_, LinkState::Congested) => congested = true,
                    Told::State(_, LinkState::Closed(reason)) => break 'closed reason,
                    other => panic!("{other:?}"),
                }
            }
        }
    };
    assert!(congested);
    assert_eq!(closed, Reason::Slow);
    assert_eq!(us.stats().queued, 0);
    assert_eq!(us.stats().slow, 1);
}

#[tokio::test]
async fn writable_comes_once_when_the_queue_has_drained() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut us = node(Echo::default(), loopback()).await;
    let link = connect(&mut us, listener.local_addr().expect("an address")).await;
    let (mut stream, _) = listener.accept().await.expect("accepted");
    us.command(Ask::WhenWritable(link));
    us.command(Ask::WhenWritable(link));
    assert_eq!(next(&mut us).await, Told::State(link, LinkState::Writable));
    assert!(tokio::time::timeout(Duration::from_millis(50), us.next()).await.is_err());

    // Fill it until something stays.
    while us.stats().queued < 500_000 {
        us.command(Ask::Send(link, vec![b'x'; 900]));
        if us.stats().sent % 100 == 0 {
            let _ = tokio::time::timeout(Duration::from_micros(100), us.next()).await;
        }
    }
    us.command(Ask::WhenWritable(link));
    let mut buffer = vec![0; 1 << 16];
    let mut told = Vec::new();
    while told.last() != Some(&Told::State(link, LinkState::Writable)) {
        tokio::select! {
            event = us.next() => told.push(event),
            read = stream.read(&mut buffer) => assert!(read.expect("open") > 0),
        }
    }
    assert!(us.stats().queued <= loopback().writable_below);
}

#[tokio::test]
async fn connections_are_limited_in_all_and_from_one_address() {
    let config = Config { max_links: 5, max_per_address: 3, ..loopback() };
    let mut us = node(Echo::default(), config).await;
    let here = us.here();
    let mut streams = Vec::new();
    for n in 0..8 {
        let socket = TcpSocket::new_v4().expect("a socket");
        let from = if n < 4 { "127.0.0.1:0" } else { "127.0.0.2:0" };
        socket.bind(from.parse().expect("an address")).expect("bound");
        streams.push(socket.connect(here).await.expect("open"));
        drive(&mut us, Duration::from_millis(5)).await;
    }
    assert_eq!(us.stats().links, 5);
    assert_eq!(us.stats().turned_away, 3);
    // Who goes makes room.
    streams.remove(0);
    drive(&mut us, Duration::from_millis(50)).await;
    assert_eq!(us.stats().links, 4);
    let _again = TcpStream::connect(here).await.expect("open");
    drive(&mut us, Duration::from_millis(50)).await;
    assert_eq!(us.stats().links, 5);
}

#[tokio::test]
async fn who_takes_all_places_leaves_some_for_our_own_connects() {
    let config = Config { max_links: 16, ..loopback() };
    let (to, _task) = echo(loopback()).await;
    let mut us = node(Echo::default(), config).await;
    let mut streams = Vec::new();
    for _ in 0..30 {
        streams.push(TcpStream::connect(us.here()).await.expect("open"));
        drive(&mut us, Duration::from_millis(2)).await;
    }
    assert_eq!((us.stats().links, us.stats().turned_away), (14, 16));
    for _ in 0..2 {
        connect(&mut us, to).await;
    }
    us.command(Ask::Connect(to));
    let Told::State(_, state) = next(&mut us).await else { panic!("no state") };
    assert_eq!(state, LinkState::Closed(Reason::Unreachable));
}

#[tokio::test]
async fn rates_hold_both_ways() {
    // 100 kB/s: a third of a second's worth beyond what a bucket holds.
    for (receives, sends) in [(true, false), (false, true)] {
        let rate = std::num::NonZeroU64::new(100_000);
        let config = Config {
            receive_rate: rate.filter(|_| receives),
            send_rate: rate.filter(|_| sends),
            ..loopback()
        };
        let (to, _task) = echo(config).await;
        let mut stream = TcpStream::connect(to).await.expect("open");
        let started = tokio::time::Instant::now();
        let line = [&[b'x'; 999][..], b"\n"].concat();
        let (mut reader, mut writer) = stream.split();
        tokio::join!(
            async {
                for _ in 0..43 {
                    writer.write_all(&line).await.expect("sent");
                }
            },
            async {
                let mut back = vec![0; 43_000];
                reader.read_exact(&mut back).await.expect("back");
            }
        );
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(300), "receives {receives}: {took:?}");
    }
}

#[tokio::test]
async fn shutting_down_sends_what_is_queued() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut us = node(Echo::default(), loopback()).await;
    let link = connect(&mut us, listener.local_addr().expect("an address")).await;
    let (mut stream, _) = listener.accept().await.expect("accepted");
    for _ in 0..1_500 {
        us.command(Ask::Send(link, vec![b'x'; 999]));
    }
    let mut all = Vec::new();
    let (drained, read) =
        tokio::join!(us.shut_down(Duration::from_secs(10), |_| {}), stream.read_to_end(&mut all));
    assert_eq!(read.expect("all"), 1_500_000);
    assert_eq!(drained.unsent, 0);
}

#[tokio::test]
async fn shutting_down_does_not_wait_for_who_does_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut us = node(Echo::default(), Config { queue_limit: 32 << 20, ..loopback() }).await;
    let link = connect(&mut us, listener.local_addr().expect("an address")).await;
    let (_stream, _) = listener.accept().await.expect("accepted");
    for _ in 0..20_000 {
        us.command(Ask::Send(link, vec![b'x'; 999]));
    }
    let started = tokio::time::Instant::now();
    let drained = us.shut_down(Duration::from_millis(300), |_| {}).await;
    assert!(drained.unsent > 0);
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// Whoever calls `next` in a loop, and always gets something, does not stop its thread's other tasks.
#[tokio::test]
async fn other_tasks_have_their_turn_while_there_is_always_something_to_tell() {
    let mut us = node(Echo::default(), loopback()).await;
    let to = us.here();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let flood = std::thread::spawn(move || {
        let mut stream = std::net::TcpStream::connect(to).expect("open");
        let lines = b"\n".repeat(1 << 16);
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            if std::io::Write::write_all(&mut stream, &lines).is_err() {
                break;
            }
        }
    });
    let turns = std::rc::Rc::new(std::cell::Cell::new(0u32));
    let counted = turns.clone();
    let local = tokio::task::LocalSet::new();
    local.spawn_local(async move {
        loop {
            tokio::task::yield_now().await;
            counted.set(counted.get() + 1);
        }
    });
    let told = local.run_until(async {
        let mut told = 0u32;
        while told < 100_000 {
            us.next().await;
            told += 1;
        }
        told
    });
    let told = told.await;
    assert!(turns.get() >= told / 10_000, "{} turns in {told} events", turns.get());
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    drop(us);
    let _ = flood.join();
}

/// Fails as badly as it can, and then works.
struct Panics;

impl overlay_net::Store for Panics {
    fn read(&self, object: Object, _: u64, _: u32) -> Result<Bytes, StoreError> {
        assert!(object != Object(13), "a store that is not well");
        Ok(Bytes::from_static(b"well"))
    }
    fn write(&self, object: Object, _: u64, _: &Bytes) -> Result<(), StoreError> {
        assert!(object != Object(13), "a store that is not well");
        Ok(())
    }
}

#[tokio::test]
async fn each_ticket_is_answered_when_the_store_panics() {
    let store = std::sync::Arc::new(Panics);
    let mut us = Node::bind(Echo::default(), loopback(), store).await.expect("a port");
    let bytes = Bytes::from_static(b"x");
    us.command(Ask::Read(Object(13), 0, 4));
    us.command(Ask::Write(Object(13), 0, bytes.clone()));
    us.command(Ask::Write(Object(1), 0, bytes));
    us.command(Ask::Read(Object(1), 0, 4));
    let failed = || Err(StoreError::Failed);
    let outcomes = [failed(), failed(), Ok(Bytes::new()), Ok(Bytes::from_static(b"well"))];
    for (ticket, outcome) in (0..).map(Ticket).zip(outcomes) {
        assert_eq!(next(&mut us).await, Told::Stored(ticket, outcome));
    }
    assert_eq!(us.shut_down(Duration::from_secs(5), |_| {}).await.unwritten, 0);
}

/// `next` may be dropped at any time: in a `select!`, say, whose other branch is ready each time.
#[tokio::test]
async fn nothing_is_lost_when_next_is_dropped() {
    let (to, _task) = echo(loopback()).await;
    let mut us = node(Echo::default(), loopback()).await;
    let link = connect(&mut us, to).await;
    let (mut sent, mut back, mut dropped) = (0u32, 0u32, 0u32);
    while back < 5_000 {
        if sent < 5_000 {
            us.command(Ask::Send(link, sent.to_string().into()));
            sent += 1;
        }
        tokio::select! {
            told = us.next() => {
                assert_eq!(told, Told::Got(link, back.to_string().into()));
                back += 1;
            }
            () = tokio::task::yield_now() => dropped += 1,
        }
    }
    assert!(dropped > 100, "{dropped} times");
}
