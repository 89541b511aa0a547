//! Ways to search the same network: one flood, an expanding ring, random walks; for files that many or
//! few of 5,000 servents have.
//!
//! ```text
//! cargo run --release -p overlay-gnutella --example gnutella_strategies
//! ```

use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{
    Catalogue, Command, Config, Event, Message, SearchPlan, Servent, Settings, SharedFile, Strategy,
};
use overlay_peer::{Address, Object, Time, Wire};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Host, NoStore, PeerIndex, Underlay, World};

const SERVENTS: u32 = 5_000;
/// 3.4 a servent, as measured in 2001 (Ripeanu, Iamnitchi and Foster).
const LINKS: usize = 17_000;
const SEARCHES: u32 = 40;

fn main() {
    let walks = |walkers, steps| Strategy::RandomWalks { walkers, steps };
    let strategies = [
        ("flood, TTL 7", Strategy::Flood { ttl: 7 }),
        ("flood, TTL 5", Strategy::Flood { ttl: 5 }),
        ("ring 1, 3, 5, 7", Strategy::RING),
        ("16 walkers, 64 steps", walks(16, 64)),
        ("32 walkers, 64 steps", Strategy::WALKS),
        ("64 walkers, 64 steps", walks(64, 64)),
        ("32 walkers, 250 steps", walks(32, 250)),
    ];
    println!("one servent in  strategy                  found  messages a search  first hit after");
    for every in [20, 100, 1_000] {
        let world = build(every);
        for (name, strategy) in strategies {
            let outcome = search(world.clone(), strategy);
            let found = 100.0 * f64::from(outcome.found) / f64::from(SEARCHES);
            let messages = outcome.messages as f64 / f64::from(SEARCHES);
            let after = outcome.waited.as_secs_f64() / f64::from(outcome.found.max(1));
            println!("{every:14}  {name:22} {found:6.1} %  {messages:17.0}  {after:13.2} s");
        }
    }
}

/// What searches led to.
struct Outcome {
    found: u32,
    /// Queries and QueryHits.
    messages: u64,
    /// In all, until the first hit of each search that found something.
    waited: Duration,
}

fn search(mut world: World<Servent, NoStore>, strategy: Strategy) -> Outcome {
    let (mut found, mut waited) = (0, Duration::ZERO);
    for number in 0..SEARCHES {
        let origin = PeerIndex(number * 123 % SERVENTS + 1);
        let plan =
            SearchPlan { wait: Duration::from_secs(20), again: 0, ..SearchPlan::new(strategy) };
        let start = world.now();
        let command = Command::SearchBy { search: number, text: "wanted".into(), plan };
        world.command(origin, command, Cause(2));
        // Four rings at most.
        world.run_for(Duration::from_secs(90));
        let hit = |(at, _, event): (Time, PeerIndex, Event)| {
            matches!(event, Event::Hit { .. }).then_some(at)
        };
        if let Some(first) = world.drain_events().find_map(hit) {
            found += 1;
            waited += first - start;
        }
    }
    // The first query counts under its search; those that follow later, as what peers do by themselves.
    let of_searches = |kind: &str| matches!(kind, "query" | "query_hit");
    let causes = [Cause(2), Cause::UPKEEP];
    let counts = causes.into_iter().flat_map(|cause| world.metrics().by_kind(cause));
    let messages = counts
        .filter(|(kind, _)| of_searches(Message::kind_name(*kind)))
        .map(|(_, count)| count.messages)
        .sum();
    Outcome { found, messages, waited }
}

/// Linked at random; one servent in so many has the file.
fn build(every: u32) -> World<Servent, NoStore> {
    let graph = Graph::erdos_renyi(SERVENTS, LINKS, 7);
    let settings = Arc::new(Settings {
        ping_ttl: 0,
        ping_interval: None,
        target_links: 0,
        max_links: Settings::LINKS,
        courtesy_pongs: 0,
        ..Settings::default()
    });
    let file = SharedFile { name: "wanted.ogg".into(), size: 1, object: Object(0) };
    let catalogue = Arc::new(Catalogue::new([file]));
    let underlay = Underlay::Uniform(Duration::from_millis(50));
    let config = overlay_sim::Config { underlay, ..overlay_sim::Config::default() };
    let mut world = World::new(config, NoStore);
    let address = |node: u32| {
        let [_, a, b, c] = node.to_be_bytes();
        Address::from(([20, a, b, c], 6346))
    };
    for node in 0..SERVENTS {
        let guid = Guid::from_bytes(u128::from(node).to_be_bytes());
        let config = Config { settings: settings.clone(), ..Config::new(guid) };
        let shares = (node % every == 0).then_some(0);
        world.add(Servent::new(config, catalogue.clone(), shares), Host::open(address(node)));
    }
    for node in 0..SERVENTS {
        let hosts = graph.neighbours(node).iter().filter(|&&other| other < node);
        let hosts = hosts.map(|&other| address(other)).collect();
        world.command(PeerIndex(node), Command::Join { hosts }, Cause(1));
    }
    world.run_for(Duration::from_secs(5));
    world.drain_events();
    world
}
