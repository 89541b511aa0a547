//! Builds a network, lets it idle, then searches: the same for every system.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use overlay_peer::{Address, Pcg32, Peer};
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, Position, World};
use rand_core::Rng;

use crate::content::Content;
use crate::counting::allocated;
use crate::cpu::{cpu_time, peak_rss};
use crate::report::Report;
use crate::tide::Tide;
use crate::{Options, name};

/// A system, as this program sees it.
pub(crate) trait System {
    /// Its peers.
    type Peer: Peer;

    /// The TTL of a query, without `--ttl`.
    const TTL: u8;

    /// After the last join: handshakes and their deadlines are over. After the last query: all answers
    /// are there, unless nothing is under way before.
    const SETTLING: Duration = Duration::from_secs(20);

    /// How long peers go on with a search by themselves, when nothing may be under way in between.
    const GOES_ON: Duration = Duration::ZERO;

    /// Whether both ends of a link of the graph are told to open it: where links are only whom a peer
    /// knows at first.
    const BOTH: bool = false;

    /// What all peers have in common.
    fn new(options: &Options, content: &Content) -> Self;

    /// The peer of this number that is named by these random bytes and shares these files.
    fn peer(&self, number: u32, guid: [u8; 16], shares: Vec<u32>) -> Self::Peer;

    /// Open a link to this host.
    fn join(&self, to: Address) -> <Self::Peer as Peer>::Command;

    /// Close all links.
    fn leave(&self) -> <Self::Peer as Peer>::Command;

    /// Search for these keywords. The number comes back with what is [found](Self::found).
    fn search(&self, number: u32, text: String) -> <Self::Peer as Peer>::Command;

    /// How many links to neighbours a peer has.
    fn links(peer: &Self::Peer) -> usize;

    /// How many things a peer remembers: routes, links, files.
    fn entries(peer: &Self::Peer) -> usize;

    /// The search that found something.
    fn found(event: &<Self::Peer as Peer>::Event) -> Option<u32>;
}

/// Of peer 0: 11.0.0.1.
pub(crate) const FIRST_ADDRESS: u32 = 0x0b00_0001;

/// Peers have an address each from [`FIRST_ADDRESS`] on.
pub(crate) const MAX_PEERS: u32 = 1 << 26;

const JOIN: Cause = Cause(1);
const SEARCH: Cause = Cause(2);

/// From one query to the next.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many joins begin each millisecond. Handshakes under way take memory.
const JOINS: usize = 40;

/// Runs a simulation.
///
/// # Errors
/// The options ask for what can not be.
pub(crate) fn simulate<S: System>(options: &Options) -> Result<Report, Box<dyn std::error::Error>> {
    let graph = options.topology.graph(options)?;
    let links: Vec<(u32, u32)> = graph.edges().collect();
    let peers = graph.nodes();
    let degree = 2.0 * links.len() as f64 / f64::from(peers);
    let tide = Tide::new(options, graph)?;
    let mut content = Content::new(peers, options.seed);

    let before = (allocated(), cpu_time());
    let system = S::new(options, &content);
    let mut network = Network::build(options, peers, &links, &system, tide, &mut content);
    let links_expected = network.join(links);
    network.world.shrink_to_fit();
    let join_messages = network.world.metrics().total().messages;
    let idle_bytes = allocated() - before.0;
    let build_cpu = cpu_time() - before.1;
    let links_up = network.world.peers().map(|(_, peer)| S::links(peer)).sum::<usize>() / 2;
    let idle_entries = network.entries();
    let peers_up = network.world.peers_up();

    let start = (cpu_time(), network.world.metrics().total());
    let found = network.search(options, &mut content);
    let cpu = (cpu_time() - start.0).as_secs_f64();
    let total = network.world.metrics().total();
    network.bar.finish_and_clear();

    let each = f64::from(peers);
    let messages = total.messages - start.1.messages;
    let arrivals = network.tide.as_ref().map_or(0, |tide| tide.arrivals);
    let departures = u64::from(peers_up) + arrivals - u64::from(network.world.peers_up());
    Ok(Report {
        system: name(options.system),
        peers,
        peers_up,
        links: links_up,
        links_expected,
        degree,
        topology: options.topology.to_string(),
        churn: options.churn.to_string(),
        session: options.churn.is_drawn().then_some(options.session),
        pause: options.churn.is_drawn().then_some(options.pause()),
        crashes: options.churn.is_drawn().then_some(options.crashes),
        arrivals,
        departures,
        pings: options.pings,
        checked: options.checked,
        ttl: options.ttl.unwrap_or(S::TTL),
        seed: options.seed,
        queries: options.queries,
        queries_found: found.searches,
        hits: found.hits,
        join_messages,
        messages,
        bytes: total.bytes - start.1.bytes,
        build_cpu_seconds: build_cpu.as_secs_f64(),
        cpu_seconds: cpu,
        messages_per_cpu_second: if cpu > 0.0 { messages as f64 / cpu } else { 0.0 },
        simulated_seconds: network.world.now().as_micros() as f64 / 1e6,
        idle_bytes_per_peer: idle_bytes as f64 / each,
        remembered_per_peer: (network.entries() as f64 - idle_entries as f64) / each,
        final_bytes_per_peer: (allocated() - before.0) as f64 / each,
        peak_rss_bytes: peak_rss(),
        trace_hash: format!("{:016x}", network.world.trace_hash()),
    })
}

/// A network that runs.
struct Network<'a, S: System> {
    system: &'a S,
    world: World<S::Peer, NoStore>,
    /// `None` if all stay.
    tide: Option<Tide>,
    bar: ProgressBar,
}

#[derive(Default)]
struct Found {
    hits: u64,
    searches: usize,
}

impl<'a, S: System> Network<'a, S> {
    fn build(
        options: &Options,
        peers: u32,
        links: &[(u32, u32)],
        system: &'a S,
        mut tide: Option<Tide>,
        content: &mut Content,
    ) -> Self {
        let bar = progress_bar::<S>(options, links.len());
        bar.set_message("building");
        let (seed, checked) = (options.seed, options.checked);
        let mut rng = Pcg32::new(seed, 0x686f_7374);
        let mut world = World::new(Config { seed, checked, ..Config::default() }, NoStore);
        world.reserve(peers as usize, links.len());
        let mut degrees = vec![0; peers as usize];
        for &(from, to) in links {
            degrees[from as usize] += 1;
            degrees[to as usize] += 1;
        }
        for number in 0..peers {
            let place = rng.next_u32();
            let position = Position { x: place as u16, y: (place >> 16) as u16 };
            let mut guid = [0; 16];
            rng.fill_bytes(&mut guid);
            let shares = content.shares();
            if let Some(tide) = &mut tide {
                tide.remember(guid, &shares);
            }
            let peer = system.peer(number, guid, shares);
            let index = world.add(peer, Host::open(address(number)).at(position));
            if !S::BOTH {
                world.reserve_links(index, degrees[index.as_usize()]);
            }
            if tide.as_ref().is_some_and(|tide| !tide.starts_up(index)) {
                world.fail(index);
            }
        }
        Self { system, world, tide, bar }
    }

    fn is_up(&self, peer: u32) -> bool {
        self.world.is_alive(PeerIndex(peer))
    }

    /// Opens the links between those who are up, some each tick; the first of a pair opens it. How many
    /// these are.
    fn join(&mut self, mut links: Vec<(u32, u32)>) -> usize {
        self.bar.set_message("joining");
        links.reverse();
        let mut count = 0;
        while !links.is_empty() {
            let mut begun = 0;
            while begun < JOINS
                && let Some((from, to)) = links.pop()
            {
                if !(self.is_up(from) && self.is_up(to)) {
                    continue;
                }
                begun += 1;
                self.world.command(PeerIndex(from), self.system.join(address(to)), JOIN);
                if S::BOTH {
                    self.world.command(PeerIndex(to), self.system.join(address(from)), JOIN);
                }
            }
            count += begun;
            // What is left in a large world needs its memory for the links themselves.
            if links.capacity() > 2 * links.len() + 4_096 {
                links.shrink_to_fit();
            }
            self.step(Duration::from_millis(1), |_| {});
        }
        self.step(S::SETTLING, |_| {});
        count
    }

    /// Searches, while peers come and go.
    fn search(&mut self, options: &Options, content: &mut Content) -> Found {
        self.bar.set_message("searching");
        if let Some(tide) = &mut self.tide {
            tide.begin(self.world.now());
        }
        let mut hits = vec![0u64; options.queries as usize];
        let mut count = |event: &<S::Peer as Peer>::Event| {
            if let Some(search) = S::found(event) {
                hits[search as usize] += 1;
            }
        };
        for number in 0..options.queries {
            // Those who are away ask nothing.
            let mut queries = (0..1_000).map(|_| content.query(self.world.len() as u32));
            let asked = queries.find(|(peer, _)| self.world.is_alive(PeerIndex(*peer)));
            if let Some((peer, text)) = asked {
                self.world.command(PeerIndex(peer), self.system.search(number, text), SEARCH);
            }
            self.step(INTERVAL, &mut count);
        }
        if options.pings || self.tide.is_some() {
            self.step(S::SETTLING, &mut count);
        } else {
            self.step(S::GOES_ON, &mut count);
            self.world.run_until_idle(S::SETTLING);
            self.step(Duration::ZERO, &mut count);
        }
        Found { hits: hits.iter().sum(), searches: hits.iter().filter(|&&hits| hits > 0).count() }
    }

    /// Lets time pass, and tells what the peers told.
    fn step(&mut self, span: Duration, mut told: impl FnMut(&<S::Peer as Peer>::Event)) {
        match &mut self.tide {
            Some(tide) => tide.run(&mut self.world, span, self.system),
            None => self.world.run_for(span),
        }
        for (_, _, event) in self.world.drain_events() {
            told(&event);
        }
        self.bar.set_position(self.world.now().as_micros() / 1_000);
    }

    fn entries(&self) -> usize {
        self.world.peers().map(|(_, peer)| S::entries(peer)).sum()
    }
}

pub(crate) fn address(number: u32) -> Address {
    SocketAddr::from((Ipv4Addr::from(FIRST_ADDRESS + number), 6346))
}

/// A bar over the simulated milliseconds; hidden where standard error is no terminal.
fn progress_bar<S: System>(options: &Options, links: usize) -> ProgressBar {
    let joining = links.div_ceil(JOINS) as u64;
    let searching = u64::from(options.queries) * INTERVAL.as_millis() as u64;
    let waiting = 2 * S::SETTLING + S::GOES_ON;
    let length = joining + waiting.as_millis() as u64 + searching;
    let template = "{msg:9} [{bar:40}] {pos} of {len} ms simulated, {elapsed} passed";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
