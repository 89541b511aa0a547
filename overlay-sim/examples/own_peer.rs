//! Your own peer under the simulator: a rumour that every peer passes on to its neighbours once.
//!
//! `cargo run --example own_peer` builds a random graph of 1,000 peers, starts a rumour at the first
//! one, and prints how many heard it, after how long, and what it cost.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::BufMut;
use overlay_peer::{Address, Context, Decoded, Link, LinkState, Peer, Timer, Wire};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Config, Host, NoStore, World};

/// The only message: one byte that counts the hops.
#[derive(Clone, Debug, PartialEq)]
struct Rumour(u8);

impl Wire for Rumour {
    type Phase = ();
    /// There are no bytes that are no rumour.
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
        out.put_u8(self.0);
    }

    fn decode((): (), bytes: &[u8]) -> Result<Decoded<Self>, Infallible> {
        Ok(match bytes.first() {
            Some(&hops) => Decoded::Complete { value: Self(hops), consumed: 1 },
            None => Decoded::Partial { needed: 1 },
        })
    }
}

#[derive(Default)]
struct Gossip {
    links: Vec<Link>,
    heard: bool,
}

enum Command {
    Connect(Address),
    Tell,
}

/// A peer heard the rumour after so many hops.
struct Heard(u8);

impl Gossip {
    fn pass_on(&mut self, hops: u8, but: Option<Link>, cx: &mut Context<'_, Self>) {
        if !std::mem::replace(&mut self.heard, true) {
            cx.emit(Heard(hops));
            for &link in self.links.iter().filter(|&&link| Some(link) != but) {
                cx.send(link, Rumour(hops.saturating_add(1)));
            }
        }
    }
}

impl Peer for Gossip {
    type Message = Rumour;
    type Command = Command;
    type Event = Heard;

    fn command(&mut self, command: Command, cx: &mut Context<'_, Self>) {
        match command {
            Command::Connect(to) => drop(cx.connect(to)),
            Command::Tell => self.pass_on(0, None, cx),
        }
    }

    fn link_changed(&mut self, link: Link, state: LinkState, _: &mut Context<'_, Self>) {
        match state {
            LinkState::Open { .. } => self.links.push(link),
            LinkState::Closed(_) => self.links.retain(|&open| open != link),
            LinkState::Congested | LinkState::Writable => {}
        }
    }

    fn receive(&mut self, from: Link, Rumour(hops): Rumour, cx: &mut Context<'_, Self>) {
        self.pass_on(hops, Some(from), cx);
    }

    fn wake(&mut self, _: Timer, _: &mut Context<'_, Self>) {}
}

fn address(node: u32) -> Address {
    SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + node), 4000))
}

fn main() {
    let graph = Graph::erdos_renyi(1_000, 2_000, 1);
    let mut world = World::new(Config { seed: 1, checked: true, ..Config::default() }, NoStore);
    let peers: Vec<_> = (0..graph.nodes())
        .map(|node| world.add(Gossip::default(), Host::open(address(node))))
        .collect();
    for (a, b) in graph.edges() {
        world.command(peers[a as usize], Command::Connect(address(b)), Cause::UPKEEP);
    }
    world.run_until_idle(Duration::from_secs(10));

    let rumour = Cause(1);
    let told = world.now();
    world.command(peers[0], Command::Tell, rumour);
    world.run_until_idle(Duration::from_secs(60));

    let heard: Vec<_> =
        world.drain_events().map(|(at, _, Heard(hops))| (at - told, hops)).collect();
    let (last, _) = heard.iter().max().expect("the first peer heard it");
    let hops = heard.iter().map(|&(_, hops)| hops).max().unwrap_or(0);
    let cost = world.metrics().by_cause(rumour);
    println!("{} of {} peers heard it, the last after {last:?}", heard.len(), world.len());
    println!("{hops} hops at most, {} messages, {} bytes", cost.messages, cost.bytes);
    println!("trace {:016x}", world.trace_hash());
}
