//! Overlay and underlay may not match: two clusters of four hosts, A–D and E–H, joined by the one link
//! D–E (Ripeanu, Iamnitchi and Foster, "Mapping the Gnutella network", IEEE Internet Computing 6(1),
//! 2002). A message that every host passes on once crosses the link once if the overlay has the
//! shape of the underlay, and six times if it has not.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BufMut;
use overlay_peer::{Address, Context, Decoded, Link, LinkState, Peer, Timer, Wire};
use overlay_sim::topology::Graph;
use overlay_sim::underlay::{LatencyMatrix, Network, PhysicalLink};
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, Place, Underlay, World};
use proptest::prelude::*;

const A: u32 = 0;
const B: u32 = 1;
const C: u32 = 2;
const D: u32 = 3;
const E: u32 = 4;
const F: u32 = 5;
const G: u32 = 6;
const H: u32 = 7;

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
        Ok(match bytes.is_empty() {
            false => Decoded::Complete { value: Self, consumed: 1 },
            true => Decoded::Partial { needed: 1 },
        })
    }
}

#[derive(Default)]
struct Flooder {
    links: Vec<Link>,
    heard: bool,
}

impl Flooder {
    fn hear(&mut self, but: Option<Link>, cx: &mut Context<'_, Self>) {
        if !std::mem::replace(&mut self.heard, true) {
            cx.emit(());
            self.links.iter().filter(|&&l| Some(l) != but).for_each(|&l| cx.send(l, Rumour));
        }
    }
}

impl Peer for Flooder {
    type Message = Rumour;
    type Command = Option<Address>;
    type Event = ();
    fn command(&mut self, connect: Option<Address>, cx: &mut Context<'_, Self>) {
        match connect {
            Some(to) => drop(cx.connect(to)),
            None => self.hear(None, cx),
        }
    }
    fn link_changed(&mut self, link: Link, state: LinkState, _: &mut Context<'_, Self>) {
        if let LinkState::Open { .. } = state {
            self.links.push(link);
        }
    }
    fn receive(&mut self, from: Link, _: Rumour, cx: &mut Context<'_, Self>) {
        self.hear(Some(from), cx);
    }
    fn wake(&mut self, _: Timer, _: &mut Context<'_, Self>) {}
}

/// How often the link D–E carries a rumour of A's, and how long it takes to the last host.
fn crossings(overlay: [(u32, u32); 7]) -> (u64, Duration) {
    let ms = Duration::from_millis(5);
    let clusters = [(A, D), (B, D), (C, D), (D, E), (E, F), (E, G), (E, H)];
    let network = Arc::new(Network::new(8, clusters.map(|(a, b)| PhysicalLink::new(a, b, ms))));
    let access = Duration::ZERO;
    let underlay = Underlay::Routed { network: network.clone(), access };
    let config = Config { underlay, link_load: true, checked: true, ..Config::default() };
    let mut world = World::new(config, NoStore);
    let address = |n: u32| SocketAddr::from(([10, 0, 0, n as u8], 6346));
    for n in 0..8 {
        world.add(Flooder::default(), Host::open(address(n)).at(Place::number(n)));
    }
    for (a, b) in overlay {
        world.command(PeerIndex(a), Some(address(b)), Cause::UPKEEP);
    }
    world.run_for(Duration::from_secs(5));
    let start = world.now();
    world.command(PeerIndex(A), None, Cause(1));
    world.run_for(Duration::from_secs(5));
    let load = world.link_load(Cause(1)).expect("link loads are kept").clone();
    let last = world.drain_events().map(|(at, ..)| at - start).max().expect("A heard it");
    assert_eq!(load.links().iter().map(|count| count.bytes).sum::<u64>(), {
        let hops = overlay.map(|(a, b)| network.route_back(a, b).count() as u64);
        hops.iter().sum()
    });
    (load.links()[3].messages, last)
}

#[test]
fn the_link_carries_a_message_once_or_six_times() {
    let matched = [(A, D), (B, D), (C, D), (D, E), (E, F), (E, G), (E, H)];
    let mismatched = [(A, E), (E, B), (B, F), (F, C), (C, G), (G, D), (G, H)];
    let (once, soon) = crossings(matched);
    let (often, late) = crossings(mismatched);
    assert_eq!((once, often), (1, 6));
    assert!(soon < late);
}

#[test]
#[should_panic(expected = "no Place(9) in the underlay")]
fn a_host_has_to_be_at_a_router() {
    let network = Arc::new(Network::new(2, [PhysicalLink::new(0, 1, Duration::ZERO)]));
    let underlay = Underlay::Routed { network, access: Duration::ZERO };
    let mut world = World::new(Config { underlay, ..Config::default() }, NoStore);
    world.add(Flooder::default(), Host::open(([10, 0, 0, 1], 1).into()).at(Place::number(9)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    /// A flood without a limit on hops over N peers and M links takes 2M − (N − 1) messages: each link
    /// carries it both ways, but those over which someone heard it first.
    #[test]
    fn a_flood_crosses_each_link_twice_but_those_of_its_tree(
        peers in 2u32..60,
        share in 0.0f64..0.3,
        seed: u64,
    ) {
        let tree = Graph::random_tree(peers, seed);
        let more = (share * f64::from(peers * (peers - 1) / 2)) as usize;
        let more = Graph::erdos_renyi(peers, more, seed);
        let graph = Graph::new(peers, tree.edges().chain(more.edges()));
        let matrix = LatencyMatrix::new(peers, |a, b| Duration::from_millis(u64::from(1 + a.max(b))));
        let underlay = Underlay::Matrix(Arc::new(matrix));
        let mut world = World::new(Config { underlay, seed, ..Config::default() }, NoStore);
        let address = |n: u32| SocketAddr::from(([10, 0, 0, n as u8], 6346));
        for n in 0..peers {
            world.add(Flooder::default(), Host::open(address(n)).at(Place::number(n)));
        }
        for (a, b) in graph.edges() {
            world.command(PeerIndex(a), Some(address(b)), Cause::UPKEEP);
        }
        world.run_for(Duration::from_secs(5));
        world.command(PeerIndex(0), None, Cause(1));
        world.run_for(Duration::from_secs(20));
        prop_assert_eq!(world.drain_events().count(), peers as usize);
        let messages = world.metrics().by_cause(Cause(1)).messages;
        prop_assert_eq!(messages, 2 * graph.edges().len() as u64 - (u64::from(peers) - 1));
    }
}
