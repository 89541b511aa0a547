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
use crate::{Options, name, topology};

/// A system, as this program sees it.
pub(crate) trait System {
    /// Its peers.
    type Peer: Peer;

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

    /// A peer that is named by these random bytes and shares these files.
    fn peer(&self, guid: [u8; 16], shares: Vec<u32>) -> Self::Peer;

    /// Open a link to this host.
    fn join(&self, to: Address) -> <Self::Peer as Peer>::Command;

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
    let links = topology::links(options)?;
    let bar = progress_bar::<S>(options, links.len());

    let mut content = Content::new(options.peers, options.seed);

    let before = (allocated(), cpu_time());
    let system = S::new(options, &content);
    let mut world = build(options, &system, &mut content, &bar);
    let join_messages = join(&mut world, &system, &links, &bar);
    let idle_bytes = allocated() - before.0;
    let build_cpu = cpu_time() - before.1;
    let links_up = world.peers().map(|(_, peer)| S::links(peer)).sum::<usize>() / 2;
    let idle_entries = entries::<S>(&world);
    let links_expected = links.len();
    drop(links);

    let start = (cpu_time(), world.metrics().total());
    let found = search(&mut world, &system, options, &mut content, &bar);
    let cpu = (cpu_time() - start.0).as_secs_f64();
    let total = world.metrics().total();
    bar.finish_and_clear();

    let peers = f64::from(options.peers);
    let messages = total.messages - start.1.messages;
    Ok(Report {
        system: name(options.system),
        peers: options.peers,
        links: links_up,
        links_expected,
        degree: options.degree,
        topology: name(options.topology),
        churn: name(options.churn),
        pings: options.pings,
        checked: options.checked,
        ttl: options.ttl,
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
        simulated_seconds: world.now().as_micros() as f64 / 1e6,
        idle_bytes_per_peer: idle_bytes as f64 / peers,
        remembered_per_peer: (entries::<S>(&world) - idle_entries) as f64 / peers,
        final_bytes_per_peer: (allocated() - before.0) as f64 / peers,
        peak_rss_bytes: peak_rss(),
        trace_hash: format!("{:016x}", world.trace_hash()),
    })
}

type Network<S> = World<<S as System>::Peer, NoStore>;

fn build<S: System>(
    options: &Options,
    system: &S,
    content: &mut Content,
    bar: &ProgressBar,
) -> Network<S> {
    bar.set_message("building");
    let (seed, checked) = (options.seed, options.checked);
    let mut rng = Pcg32::new(seed, 0x686f_7374);
    let mut world = World::new(Config { seed, checked, ..Config::default() }, NoStore);
    world.reserve(options.peers as usize);
    for number in 0..options.peers {
        let place = rng.next_u32();
        let position = Position { x: place as u16, y: (place >> 16) as u16 };
        let mut guid = [0; 16];
        rng.fill_bytes(&mut guid);
        let peer = system.peer(guid, content.shares());
        world.add(peer, Host::open(address(number)).at(position));
    }
    world
}

/// Opens all links, some each tick. How many messages that took.
fn join<S: System>(
    world: &mut Network<S>,
    system: &S,
    links: &[(u32, u32)],
    bar: &ProgressBar,
) -> u64 {
    bar.set_message("joining");
    for some in links.chunks(JOINS) {
        for &(from, to) in some {
            world.command(PeerIndex(from), system.join(address(to)), JOIN);
            if S::BOTH {
                world.command(PeerIndex(to), system.join(address(from)), JOIN);
            }
        }
        step::<S>(world, Duration::from_millis(1), bar, |_| {});
    }
    step::<S>(world, S::SETTLING, bar, |_| {});
    world.metrics().total().messages
}

#[derive(Default)]
struct Found {
    hits: u64,
    searches: usize,
}

fn search<S: System>(
    world: &mut Network<S>,
    system: &S,
    options: &Options,
    content: &mut Content,
    bar: &ProgressBar,
) -> Found {
    bar.set_message("searching");
    let mut hits = vec![0u64; options.queries as usize];
    let mut count = |event: &<S::Peer as Peer>::Event| {
        if let Some(search) = S::found(event) {
            hits[search as usize] += 1;
        }
    };
    for number in 0..options.queries {
        let (peer, text) = content.query(options.peers);
        world.command(PeerIndex(peer), system.search(number, text), SEARCH);
        step::<S>(world, INTERVAL, bar, &mut count);
    }
    if options.pings {
        step::<S>(world, S::SETTLING, bar, &mut count);
    } else {
        step::<S>(world, S::GOES_ON, bar, &mut count);
        world.run_until_idle(S::SETTLING);
        step::<S>(world, Duration::ZERO, bar, &mut count);
    }
    Found { hits: hits.iter().sum(), searches: hits.iter().filter(|&&hits| hits > 0).count() }
}

/// Lets time pass, and tells what the peers told.
fn step<S: System>(
    world: &mut Network<S>,
    span: Duration,
    bar: &ProgressBar,
    mut told: impl FnMut(&<S::Peer as Peer>::Event),
) {
    world.run_for(span);
    for (_, _, event) in world.drain_events() {
        told(&event);
    }
    bar.set_position(world.now().as_micros() / 1_000);
}

fn entries<S: System>(world: &Network<S>) -> usize {
    world.peers().map(|(_, peer)| S::entries(peer)).sum()
}

fn address(number: u32) -> Address {
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
