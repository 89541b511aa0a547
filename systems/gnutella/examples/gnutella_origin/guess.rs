//! The experiment: observers among servents, and what they guess.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{Catalogue, Command, Config, Event, Servent, Settings};
use overlay_peer::{Address, Link};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Host, NoStore, PeerIndex, Underlay, World};

/// A network, and who watches in it.
#[derive(Clone, Copy, Debug)]
pub struct Experiment {
    pub servents: u32,
    /// Links of the random graph between them.
    pub links: usize,
    /// How many of them watch. They do not search.
    pub observers: u32,
    /// Queries start with hops between 0 and this, as all know.
    pub hide_hops: u8,
    /// How many others search, once each.
    pub searches: u32,
    pub seed: u64,
}

impl Default for Experiment {
    fn default() -> Self {
        let (servents, links) = (1_000, 3_400);
        Self { servents, links, observers: 50, hide_hops: 0, searches: 300, seed: 3 }
    }
}

/// Guesses by one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    pub searches: u32,
    /// For how many searches somebody was named.
    pub guessed: u32,
    /// And it was who searched.
    pub right: u32,
}

/// What the observers have heard of one search.
#[derive(Clone, Copy, Debug)]
struct Heard {
    hops: u8,
    /// Who sent it.
    from: u32,
}

impl Experiment {
    /// The observers pool what they hear. By the first rule they name who sent a query with hops 0, by
    /// the second who sent it with the fewest hops, the earliest of these.
    pub fn run(&self) -> (Guesses, Guesses) {
        let graph = Graph::erdos_renyi(self.servents, self.links, self.seed);
        let mut world = self.world(&graph);
        // Who is at the other end of each observer's links.
        let mut ends: BTreeMap<(PeerIndex, Link), u32> = BTreeMap::new();
        for (_, peer, event) in world.drain_events() {
            if let Event::Linked { link, remote, .. } = event {
                let node = (0..self.servents).find(|&node| address(node).ip() == remote.ip());
                ends.insert((peer, link), node.expect("a servent of ours"));
            }
        }
        let (mut certain, mut fewest) = (Guesses::default(), Guesses::default());
        for search in 0..self.searches {
            // The observers are the first, so these are others, and spread out.
            let others = u64::from(self.servents - self.observers);
            let origin = self.observers + (u64::from(search) * 7_919 % others) as u32;
            let command = Command::Search { search, text: "anything".into() };
            world.command(PeerIndex(origin), command, Cause(2));
            world.run_for(Duration::from_secs(5));
            let mut heard: Option<Heard> = None;
            for (_, peer, event) in world.drain_events() {
                if let Event::Overheard { link, hops, .. } = event
                    && heard.is_none_or(|before| hops < before.hops)
                {
                    heard = Some(Heard { hops, from: ends[&(peer, link)] });
                }
            }
            certain.add(origin, heard.filter(|heard| heard.hops == 0));
            fewest.add(origin, heard);
        }
        (certain, fewest)
    }

    /// For how many of the searches an observer is a neighbour of who searches.
    pub fn watched(&self) -> u32 {
        let graph = Graph::erdos_renyi(self.servents, self.links, self.seed);
        let others = u64::from(self.servents - self.observers);
        let origins = (0..self.searches)
            .map(|search| self.observers + (u64::from(search) * 7_919 % others) as u32);
        let watched =
            |origin: &u32| graph.neighbours(*origin).iter().any(|&node| node < self.observers);
        origins.filter(watched).count() as u32
    }

    fn world(&self, graph: &Graph) -> World<Servent, NoStore> {
        let quiet = Settings {
            hide_hops: self.hide_hops,
            ping_ttl: 0,
            ping_interval: None,
            target_links: 0,
            max_links: Settings::LINKS,
            courtesy_pongs: 0,
            ..Settings::default()
        };
        let watching = Arc::new(Settings { monitor: true, ..quiet.clone() });
        let quiet = Arc::new(quiet);
        let underlay = Underlay::Uniform(Duration::from_millis(50));
        let config = overlay_sim::Config { seed: self.seed, underlay, ..Default::default() };
        let mut world = World::new(config, NoStore);
        for node in 0..self.servents {
            let settings = if node < self.observers { watching.clone() } else { quiet.clone() };
            let guid = Guid::from_bytes(u128::from(node).to_be_bytes());
            let config = Config { settings, ..Config::new(guid) };
            let servent = Servent::new(config, Arc::new(Catalogue::default()), []);
            world.add(servent, Host::open(address(node)));
        }
        for node in 0..self.servents {
            let hosts = graph.neighbours(node).iter().filter(|&&other| other < node);
            let hosts = hosts.map(|&other| address(other)).collect();
            world.command(PeerIndex(node), Command::Join { hosts }, Cause(1));
        }
        world.run_for(Duration::from_secs(5));
        world
    }
}

impl Guesses {
    fn add(&mut self, origin: u32, heard: Option<Heard>) {
        self.searches += 1;
        self.guessed += u32::from(heard.is_some());
        self.right += u32::from(heard.is_some_and(|heard| heard.from == origin));
    }
}

fn address(node: u32) -> Address {
    let [_, a, b, c] = node.to_be_bytes();
    Address::from(([20, a, b, c], 6346))
}
