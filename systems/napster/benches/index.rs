//! What the index server does a second, and what it keeps, against the number of files (figure N2).

#![allow(clippy::print_stderr, reason = "a bench reports what it measured besides time")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use napster_wire::{Checksum, Extra, LinkSpeed, Login, OwnedMessage, Search, Share};
use overlay_napster::{Event, Message, NapsterPeer, Phase, Server, ServerConfig};
use overlay_peer::{
    Address, Context, Driver, Link, LinkState, Object, Peer, Reason, Ticket, Time, Timer,
    input_seed,
};

const USERS: u32 = 100;

/// A driver that only counts what the server sends.
#[derive(Clone, Default)]
struct Counter {
    messages: u64,
    inputs: u64,
}

#[derive(Clone)]
struct Bench {
    server: NapsterPeer,
    counter: Counter,
}

impl Bench {
    /// A server with this many files of [`USERS`] users.
    fn new(files: usize) -> Self {
        let server = Server::new(ServerConfig::default()).into();
        let mut bench = Self { server, counter: Counter::default() };
        for user in 0..USERS {
            bench.join(user);
        }
        for number in 0..files {
            bench.receive(number as u32 % USERS, share(number));
        }
        bench
    }

    fn join(&mut self, user: u32) {
        let [_, _, high, low] = user.to_be_bytes();
        let remote = Address::from(([192, 0, high, low], 6699));
        let open = LinkState::Open { remote, inbound: true };
        self.input(|server, cx| server.link_changed(Link::from_raw(user), open, cx));
        let login = OwnedMessage::Login(Login {
            nick: format!("user{user}").try_into().expect("a word"),
            password: "x".try_into().expect("a word"),
            port: 6699,
            client_info: "bench".try_into().expect("no quotes"),
            link_speed: LinkSpeed::T1,
            extra: Extra::NONE,
        });
        self.receive(user, Arc::new(login));
    }

    fn leave(&mut self, user: u32) {
        let closed = LinkState::Closed(Reason::Remote);
        self.input(|server, cx| server.link_changed(Link::from_raw(user), closed, cx));
    }

    fn receive(&mut self, user: u32, message: Arc<OwnedMessage>) {
        self.input(|server, cx| {
            server.receive(Link::from_raw(user), Message::Frame(message), cx);
        });
    }

    fn input(&mut self, act: impl FnOnce(&mut NapsterPeer, &mut Context<'_, NapsterPeer>)) {
        let seed = input_seed(1, 0, self.counter.inputs);
        self.counter.inputs += 1;
        act(&mut self.server, &mut Context::new(&mut self.counter, Time::ZERO, seed));
    }
}

/// File `number`: a name of four words, of which one is its own.
fn share(number: usize) -> Arc<OwnedMessage> {
    let (artist, word) = (number % 997, number % 101);
    let name = format!("artist{artist} - word{word} title{number}.mp3");
    Arc::new(OwnedMessage::Share(Share {
        name: name.try_into().expect("no quotes"),
        checksum: Checksum::from_md5([number as u8; 16]),
        size: 4_000_000,
        bitrate: 128,
        frequency: 44_100,
        seconds: 240,
        extra: Extra::NONE,
    }))
}

fn index(criterion: &mut Criterion) {
    for files in [1_000, 10_000, 100_000] {
        let bench = Bench::new(files);
        let (entries, bytes) = bench.server.footprint();
        eprintln!("{files} files: {entries} entries, {bytes} bytes, {} a file", bytes / files);

        let mut group = criterion.benchmark_group(format!("{files}"));
        group.throughput(Throughput::Elements(1));
        for (name, words) in [
            ("search/rare", "title77 artist77".to_owned()),
            ("search/popular", "mp3".to_owned()),
            ("search/intersection", "mp3 word7 artist7".to_owned()),
            ("search/nothing", "nothing mp3".to_owned()),
        ] {
            let mut bench = bench.clone();
            let search = Search::words(&words, 100).expect("no quotes").into_owned();
            let query = Arc::new(OwnedMessage::Search(search));
            group.bench_function(name, |bencher| {
                bencher.iter(|| bench.receive(1, Arc::clone(&query)));
            });
            assert!(black_box(bench.counter.messages) > 0);
        }
        let mut bench = bench.clone();
        let mut number = files;
        group.bench_function("share_and_unshare", |bencher| {
            bencher.iter(|| {
                number += 1;
                bench.receive(2, share(number));
                bench.receive(2, Arc::new(OwnedMessage::UnshareAll));
                bench.counter.messages
            });
        });
        group.finish();
    }

    let bench = Bench::new(100_000);
    let mut group = criterion.benchmark_group("100000");
    group.sample_size(10);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("leave_with_1000_files", |bencher| {
        bencher.iter_batched_ref(|| bench.clone(), |bench| bench.leave(3), BatchSize::PerIteration);
    });
    group.finish();
}

impl Driver<NapsterPeer> for Counter {
    fn here(&self) -> Address {
        Address::from(([198, 51, 100, 1], 8888))
    }

    fn send(&mut self, _: Link, message: Message) {
        black_box(message);
        self.messages += 1;
    }

    fn connect(&mut self, _: Address) -> Link {
        Link::from_raw(u32::MAX)
    }

    fn close(&mut self, _: Link) {}

    fn phase(&mut self, _: Link, _: Phase) {}

    fn when_writable(&mut self, _: Link) {}

    fn pause(&mut self, _: Link, _: bool) {}

    fn queued(&self, _: Link) -> usize {
        0
    }

    fn send_to(&mut self, _: Address, _: Message) {}

    fn wake_after(&mut self, _: core::time::Duration, _: Timer) {}

    fn read(&mut self, _: Object, _: u64, _: u32) -> Ticket {
        Ticket(0)
    }

    fn write(&mut self, _: Object, _: u64, _: Bytes) -> Ticket {
        Ticket(0)
    }

    fn emit(&mut self, event: Event) {
        black_box(event);
    }
}

criterion_group!(benches, index);
criterion_main!(benches);
