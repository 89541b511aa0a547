//! Your own peer: a rumour that every peer passes on once, in a world of 100 peers. Prints how many
//! heard it, after how long, and what it cost. `cargo run -p overlay-sim --example own_peer`
use std::{convert::Infallible, time::Duration};

use bytes::BufMut;
use overlay_peer::{Address, Context, Decoded, Link, LinkState, Peer, Timer, Wire};
use overlay_sim::{Cause, Config, Histogram, Host, NoStore, PeerIndex, World, topology::Graph};

/// The only message: how many hops the rumour has made, in a byte.
#[derive(Clone, Debug, PartialEq)]
struct Rumour(u8);

#[rustfmt::skip] // A line a method: what every message type says of itself.
impl Wire for Rumour {
    type Phase = ();
    type Error = Infallible; // There are no bytes that are no rumour.
    fn kind(&self) -> u8 { 0 }
    fn kind_name(_: u8) -> &'static str { "rumour" }
    fn encoded_len(&self) -> usize { 1 }
    fn encode(&self, out: &mut impl BufMut) { out.put_u8(self.0); }
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

enum Do {
    Connect(Address),
    Tell(Rumour),
}

impl Peer for Gossip {
    type Message = Rumour;
    type Command = Do;
    type Event = Rumour;

    fn command(&mut self, command: Do, cx: &mut Context<'_, Self>) {
        match command {
            Do::Connect(to) => drop(cx.connect(to)),
            Do::Tell(rumour) => self.hear(rumour, cx),
        }
    }

    fn link_changed(&mut self, link: Link, state: LinkState, _: &mut Context<'_, Self>) {
        match state {
            LinkState::Open { .. } => self.links.push(link),
            LinkState::Closed(_) => self.links.retain(|&open| open != link),
            LinkState::Congested | LinkState::Writable => {}
        }
    }

    fn receive(&mut self, _: Link, rumour: Rumour, cx: &mut Context<'_, Self>) {
        self.hear(rumour, cx);
    }

    fn wake(&mut self, _: Timer, _: &mut Context<'_, Self>) {}
}

impl Gossip {
    fn hear(&mut self, Rumour(hops): Rumour, cx: &mut Context<'_, Self>) {
        if !std::mem::replace(&mut self.heard, true) {
            cx.emit(Rumour(hops));
            self.links.iter().for_each(|&link| cx.send(link, Rumour(hops.saturating_add(1))));
        }
    }
}

fn main() {
    let address = |node: u32| Address::from(([10, 0, 0, node as u8], 4000));
    let mut world = World::new(Config { checked: true, ..Config::default() }, NoStore);
    for node in 0..100 {
        world.add(Gossip::default(), Host::open(address(node)));
    }
    for (a, b) in Graph::random_regular(100, 4, 1).edges() {
        world.command(PeerIndex(a), Do::Connect(address(b)), Cause::UPKEEP);
    }
    world.run_for(Duration::from_secs(1));

    let (told, search) = (world.now(), Cause(1));
    world.command(PeerIndex(0), Do::Tell(Rumour(0)), search);
    world.run_for(Duration::from_secs(9));
    let heard: Vec<_> =
        world.drain_events().map(|(at, _, Rumour(hops))| (at - told, hops)).collect();
    let hops: Histogram = heard.iter().map(|&(_, hops)| hops.into()).collect();
    let (last, cost) = (heard[heard.len() - 1].0, world.metrics().by_cause(search));
    println!("{} of {} peers heard it, the last after {last:?}", heard.len(), world.len());
    println!("half of them in {} hops, all in {}", hops.quantile(0.5), hops.most());
    println!("{} messages, {} bytes in all", cost.messages, cost.bytes);
}
