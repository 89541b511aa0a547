//! How fast a world hands messages over: a token that runs around a ring of peers, and a flood.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::BufMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use overlay_peer::{Address, Context, Decoded, Link, LinkState, Peer, Timer, Wire};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, World};

#[derive(Clone, Debug, PartialEq)]
struct Rumour;

impl Wire for Rumour {
    type Phase = ();
    type Error = Infallible;
    fn kind(&self) -> u8 {
        0
    }
    fn kind_name(_: u8) -> &'static str {
        "rumour"
    }
    fn encoded_len(&self) -> usize {
        1
    }
    fn encode(&self, out: &mut impl BufMut) {
        out.put_u8(0);
    }
    fn decode((): (), bytes: &[u8]) -> Result<Decoded<Self>, Infallible> {
        Ok(match bytes.first() {
            Some(_) => Decoded::Complete { value: Self, consumed: 1 },
            None => Decoded::Partial { needed: 1 },
        })
    }
}

/// Passes a rumour on to all its neighbours, once.
#[derive(Clone, Default)]
struct Flooder {
    links: Vec<Link>,
    heard: bool,
}

impl Peer for Flooder {
    type Message = Rumour;
    type Command = Option<Address>;
    type Event = ();
    fn command(&mut self, to: Option<Address>, cx: &mut Context<'_, Self>) {
        match to {
            Some(to) => drop(cx.connect(to)),
            None => self.links.iter().for_each(|&link| cx.send(link, Rumour)),
        }
    }
    fn link_changed(&mut self, link: Link, state: LinkState, _: &mut Context<'_, Self>) {
        if let LinkState::Open { .. } = state {
            self.links.push(link);
        }
    }
    fn receive(&mut self, from: Link, _: Rumour, cx: &mut Context<'_, Self>) {
        if !std::mem::replace(&mut self.heard, true) {
            for &link in self.links.iter().filter(|&&link| link != from) {
                cx.send(link, Rumour);
            }
        }
    }
    fn wake(&mut self, _: Timer, _: &mut Context<'_, Self>) {}
}

fn wired(checked: bool) -> World<Flooder, NoStore> {
    let graph = Graph::erdos_renyi(10_000, 20_000, 1);
    let address = |node: u32| SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + node), 1));
    let mut world = World::new(Config { checked, ..Config::default() }, NoStore);
    for node in 0..graph.nodes() {
        world.add(Flooder::default(), Host::open(address(node)));
    }
    for (a, b) in graph.edges() {
        world.command(PeerIndex(a), Some(address(b)), Cause::UPKEEP);
    }
    assert!(world.run_until_idle(Duration::from_secs(10)));
    world
}

fn flood(c: &mut Criterion) {
    let mut group = c.benchmark_group("flood over 10,000 peers, 20,000 links");
    for (name, checked) in [("unchecked", false), ("checked", true)] {
        let world = wired(checked);
        let run = |mut world: World<Flooder, NoStore>| {
            world.command(PeerIndex(0), None, Cause(1));
            assert!(world.run_until_idle(Duration::from_secs(60)));
            world
        };
        let messages = run(world.clone()).metrics().by_cause(Cause(1)).messages;
        group.throughput(Throughput::Elements(messages));
        group
            .bench_function(name, |b| b.iter_batched(|| world.clone(), run, BatchSize::LargeInput));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = flood
}
criterion_main!(benches);
