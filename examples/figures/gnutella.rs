//! Gnutella 0.4: what floods reach and what they cost. Unless a row says "by formula", ours is counted
//! from real messages of real servents in a simulated world.
//!
//! "Ripeanu" is Ripeanu, Iamnitchi and Foster, *Mapping the Gnutella Network*, IEEE Internet Computing
//! 6(1), 2002.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::{
    Guid, HitResult, OwnedPayload, OwnedPong, OwnedPush, OwnedQueryHit, Query, QueryFlags, TtlRules,
};
use overlay_gnutella::{Catalogue, Command, Config, Servent, Settings, SharedFile};
use overlay_peer::{Address, Object};
use overlay_sim::topology::{EdgeList, Graph};
use overlay_sim::underlay::{Network, PhysicalLink};
use overlay_sim::{Cause, Host, NoStore, PeerIndex, Place, Underlay, World};

use super::row::{Row, Tolerance};

/// Kinds of messages, as servents number them.
const PING: u8 = 0;
const PONG: u8 = 1;
pub(super) const QUERY: u8 = 2;
pub(super) const QUERY_HIT: u8 = 3;

pub(super) const JOIN: Cause = Cause(1);

/// G0. The lectures print sizes of payloads that can not be; the specification's, and those of our
/// encoder, are beside them. A size with n is what remains without n bytes of search text or results.
pub fn descriptor_sizes() -> Vec<Row> {
    let address = "192.0.2.1:6346".parse().expect("an address");
    let pong = OwnedPong { address, files: 1, kbytes: 1, extension: Box::default() };
    let query = Query::new(QueryFlags::default(), b"text").expect("a text").to_owned();
    let results = [HitResult { index: 1, size: 2, name: b"name", extension: b"" }];
    let result_bytes = 4 + 4 + b"name".len() + 2;
    let hit = OwnedQueryHit::new(address, 1, Guid::from_bytes([7; 16]), results).expect("a result");
    let servent = Guid::from_bytes([7; 16]);
    let push = OwnedPush { servent, index: 1, address, extension: Default::default() };
    let size = |payload: OwnedPayload| payload.borrow().encoded_len();
    let pong = size(OwnedPayload::Pong(pong));
    let query = size(OwnedPayload::Query(query)) - b"text".len();
    let hit = size(OwnedPayload::QueryHit(hit)) - result_bytes;
    let push = size(OwnedPayload::Push(push));
    let specified = |what: &str, published: &str, ours: String| {
        let what = format!("{what}, as specified");
        Row::new(what, published, ours, Tolerance::Exact)
    };
    let printed = |what: &str, published: &str, ours: String| {
        let what = format!("{what}, as printed in lectures");
        Row::new(what, published, ours, Tolerance::Report)
    };
    vec![
        specified("Pong: port 2, address 4, files 4, kilobytes 4", "14", pong.to_string()),
        specified("Query: speed 2, text n, NUL 1", "n + 3", format!("n + {query}")),
        specified(
            "QueryHit: count 1, port 2, address 4, speed 4, results n, servent 16",
            "n + 27",
            format!("n + {hit}"),
        ),
        specified("Push: servent 16, index 4, address 4, port 2", "26", push.to_string()),
        printed("Pong (right)", "14", pong.to_string()),
        printed("Query (without the 2 bytes of speed)", "n + 1", format!("n + {query}")),
        printed(
            "QueryHit (only the servent's 16 bytes, not the 11 before the results)",
            "n + 16",
            format!("n + {hit}"),
        ),
        printed("Push (23 is the size of the header)", "23", push.to_string()),
    ]
}

/// G1. By formula, and as far as it is feasible on trees of real servents.
pub fn tree_reach() -> Vec<Row> {
    let mut rows = Vec::new();
    for (degree, ttl, published) in
        [(4, 7, 4_372_u64), (5, 7, 27_305), (6, 7, 117_186), (8, 8, 7_686_400)]
    {
        let reached: u64 = (0..ttl).map(|level| degree * (degree - 1_u64).pow(level)).sum();
        let what = format!("n = {degree}, t = {ttl}, by formula");
        rows.push(Row::new(what, published as f64, reached as f64, Tolerance::Exact));
    }
    // A tree of degree 8 and depth 8 would be 7.7 million servents.
    for (degree, ttl, published) in [(4, 7, 4_372.0), (5, 7, 27_305.0), (6, 7, 117_186.0)] {
        let tree = Graph::regular_tree(degree, ttl);
        let nodes = tree.nodes();
        let mut world = wired(&tree, &Settings { ttl: ttl as u8, ..quiet(TtlRules::DEFAULT) });
        let flood = flood(&mut world, PeerIndex(0), Cause(2));
        let what = format!("n = {degree}, t = {ttl}, flooded over {nodes} servents");
        rows.push(Row::new(what, published, flood.reached as f64, Tolerance::Exact));
    }
    rows
}

/// G2. The crawls are those of the Stanford collection (SNAP): `p2p-Gnutella08` and `p2p-Gnutella31`,
/// links taken as undirected. They are not part of this repository: `TOPOLOGY_CORPUS` names their
/// directory, or they are in `corpus/topology` of a directory beside the repository.
pub fn crawl_reach() -> Vec<Row> {
    let mut rows = Vec::new();
    for name in ["p2p-Gnutella08", "p2p-Gnutella31"] {
        match crawl(name) {
            Ok(graph) => rows.extend(reach_by_ttl(name, &graph)),
            Err(reason) => {
                rows.push(Row::new(format!("{name}: {reason}"), "–", "skipped", Tolerance::Report));
            }
        }
    }
    rows
}

fn reach_by_ttl(name: &str, graph: &Graph) -> Vec<Row> {
    let by_degree = |node: &u32| (graph.neighbours(*node).len(), *node);
    let mut nodes: Vec<u32> = (0..graph.nodes()).filter(|&n| by_degree(&n).0 > 0).collect();
    nodes.sort_by_key(by_degree);
    let sources = [nodes[0], nodes[nodes.len() / 2], nodes[nodes.len() - 1]];
    let mut rows = Vec::new();
    for ttl in [1, 2, 3, 5, 7] {
        let mut world = wired(graph, &Settings { ttl, ..quiet(TtlRules::DEFAULT) });
        for (source, cause) in sources.into_iter().zip(2..) {
            let flood = flood(&mut world, PeerIndex(source), Cause(cause));
            let (hosts, degree) = (graph.nodes(), graph.neighbours(source).len());
            let messages = flood.messages;
            let what = format!(
                "{name}, {hosts} hosts: TTL {ttl} from degree {degree} ({messages} messages)"
            );
            let reach = graph.reach(source, ttl.into()) as f64;
            rows.push(Row::new(what, reach, flood.reached as f64, Tolerance::Exact));
        }
    }
    rows
}

fn crawl(name: &str) -> Result<Graph, String> {
    let beside = || {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
        let entries = std::fs::read_dir(repository).ok()?;
        let mut found =
            entries.filter_map(|entry| Some(entry.ok()?.path().join("corpus/topology")));
        found.find(|directory| directory.is_dir())
    };
    let named = std::env::var_os("TOPOLOGY_CORPUS").map(PathBuf::from);
    let directory = named
        .or_else(beside)
        .ok_or("no corpus/topology beside the repository, nor named by TOPOLOGY_CORPUS")?;
    let file = directory.join(format!("{name}.txt.gz"));
    let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = gunzip(&bytes).ok_or(format!("{}: not a gzip file", file.display()))?;
    let list = EdgeList::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(list.graph)
}

/// The text in a gzip file (RFC 1952) of one member without extra field or comment.
fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    const NAME: u8 = 0x08;
    let (head, mut rest) = bytes.split_at_checked(10)?;
    if !head.starts_with(&[0x1f, 0x8b, 8]) || head[3] & !NAME != 0 {
        return None;
    }
    if head[3] & NAME != 0 {
        let end = rest.iter().position(|byte| *byte == 0)?;
        rest = &rest[end + 1..];
    }
    miniz_oxide::inflate::decompress_to_vec_with_limit(rest, 1 << 26).ok()
}

/// G3. The mix depends on how often people search and servents ping, which is not published. Assumed:
/// as many exploring Pings as searches; the network has the size and the links of G4, at random; a search
/// text has 20 bytes, and one servent in a hundred has what is searched. A newcomer with one link sends
/// both, so that both take the same way. After June 2001 servents only pinged their neighbours.
///
/// The shares themselves get no verdict: with another number of searches a Ping they are others, and the
/// rows say how many it takes. That Pongs outweigh Pings does not depend on it.
pub fn traffic_mix() -> Vec<Row> {
    let flooded = mix(7).bytes.map(|bytes| bytes as f64);
    let direct = mix(1).bytes.map(|bytes| bytes as f64);
    let queries = |[pings, pongs, queries, hits]: [f64; 4]| {
        100.0 * queries / (pings + pongs + queries + hits)
    };
    // x searches a Ping: share = xq / (p + x(q + h)).
    let searches = |[pings, pongs, queries, hits]: [f64; 4], share: f64| {
        share * (pings + pongs) / (queries - share * (queries + hits))
    };
    let row = |what: &str, published: f64, ours| Row::new(what, published, ours, Tolerance::Report);
    let unknown = |what: &str, ours: f64| Row::new(what, "–", ours, Tolerance::Report);
    let [pings, pongs, ..] = flooded;
    vec![
        Row::new(
            "every Ping floods: more bytes in Pongs than in Pings",
            "yes",
            if pongs > pings { "yes" } else { "no" },
            Tolerance::Exact,
        ),
        row(
            "the same: % of bytes in Queries (Nov 2000), with a search a Ping",
            36.0,
            queries(flooded),
        ),
        unknown("the same: searches a Ping that make it 36 %", searches(flooded, 0.36)),
        row(
            "Pings to neighbours only: % of bytes in Queries (after June 2001)",
            92.0,
            queries(direct),
        ),
        unknown("the same: searches a Ping that make it 92 %", searches(direct, 0.92)),
    ]
}

/// What is sent in one exploring Ping and one search.
#[derive(Default)]
struct Mix {
    /// Of Pings, Pongs, Queries and QueryHits.
    bytes: [u64; 4],
}

fn mix(ping_ttl: u8) -> Mix {
    const SERVENTS: u32 = 50_000;
    const LINKS: usize = 170_000;
    let graph = Graph::erdos_renyi(SERVENTS, LINKS, 11);
    let file = SharedFile { name: TEXT.into(), size: 1, object: Object(0) };
    let catalogue = Arc::new(Catalogue::new([file]));
    let one_in_a_hundred = |node: u32| node.is_multiple_of(100).then_some(0);
    let quiet = quiet(TtlRules::DEFAULT);
    let mut world = wired_with(&graph, &quiet, &catalogue, one_in_a_hundred);
    let settings = Arc::new(Settings { ping_ttl, ..quiet });
    let mut mix = Mix::default();
    for number in 0..5 {
        let cause = Cause(2 + number);
        let newcomer = SERVENTS + u32::from(number);
        let guid = Guid::from_bytes((u128::from(newcomer) + 1).to_be_bytes());
        let config = Config { settings: settings.clone(), ..Config::new(guid) };
        let servent = Servent::new(config, catalogue.clone(), []);
        let newcomer = world.add(servent, Host::open(address(newcomer)));
        // Anybody who has neighbours.
        let host = (0..SERVENTS).filter(|&node| !graph.neighbours(node).is_empty());
        let hosts = host.map(address).skip(9_973 * usize::from(number)).take(1).collect();
        world.command(newcomer, Command::Join { hosts }, cause);
        world.run_for(Duration::from_secs(10));
        world.command(newcomer, Command::Search { search: 1, text: TEXT.into() }, cause);
        world.run_for(Duration::from_secs(10));
        for kind in [PING, PONG, QUERY, QUERY_HIT] {
            mix.bytes[usize::from(kind)] += world.metrics().count(cause, kind).bytes;
        }
        world.drain_events();
    }
    mix
}

/// 20 bytes.
const TEXT: &str = "artist, song or film";

/// G4. Ripeanu's own estimate, recomputed: what one link carries is the measured number.
pub fn total_traffic() -> Vec<Row> {
    let (nodes, links, kbits) = (50_000.0, 170_000.0, 6.0);
    vec![
        Row::new(
            "170,000 links of 6 kb/s, in Gb/s, by formula",
            1.0,
            links * kbits / 1e6,
            Tolerance::Relative(0.1),
        ),
        Row::new(
            "the same in terabytes a month of 30 days, by formula",
            330.0,
            links * kbits * 1e3 / 8.0 * 86_400.0 * 30.0 / 1e12,
            Tolerance::Relative(0.1),
        ),
        Row::new("links a node, by formula", 3.4, links / nodes, Tolerance::Exact),
    ]
}

/// G5. Ripeanu's figure of eight hosts: A, B and C hang on D, F, G and H on E, and D–E joins the two
/// clusters. The overlay is a chain in both cases; only who is next to whom in it differs. (The figure
/// shows no list of its overlay's links; any tree that crosses D–E six times gives six.)
pub fn mismatch() -> Vec<Row> {
    let once = crossings("ABCDEFGH");
    let often = crossings("AFBGCHED");
    vec![
        Row::new("overlay like the network: a search crosses D–E", 1.0, once, Tolerance::Exact),
        Row::new("overlay unlike it: the same search crosses D–E", 6.0, often, Tolerance::Exact),
    ]
}

/// How often a search from A, to all along a chain of these hosts, crosses the link D–E.
fn crossings(chain: &str) -> f64 {
    let delay = Duration::from_millis(10);
    let router = |name: u8| u32::from(name - b'A');
    let physical: [[u8; 2]; 7] = [*b"DE", *b"AD", *b"BD", *b"CD", *b"EF", *b"EG", *b"EH"];
    let links = physical.map(|[a, b]| PhysicalLink::new(router(a), router(b), delay));
    let network = Arc::new(Network::new(8, links));
    let names = chain.as_bytes();
    let graph = Graph::new(8, names.windows(2).map(|pair| (router(pair[0]), router(pair[1]))));
    let config = overlay_sim::Config {
        underlay: Underlay::Routed { network, access: Duration::from_millis(1) },
        link_load: true,
        ..overlay_sim::Config::default()
    };
    let place = |host: Host, node: u32| host.at(Place::number(node));
    let catalogue = Arc::new(Catalogue::default());
    let settings = quiet(TtlRules::DEFAULT);
    let mut world = wired_in(config, &graph, &settings, &catalogue, |_| None, place);
    let cause = Cause(2);
    assert_eq!(flood(&mut world, PeerIndex(router(b'A')), cause).reached, 7);
    let load = world.link_load(cause).expect("asked for");
    load.links()[0].messages as f64
}

/// G9. Every link is crossed twice, but those of the tree of first arrivals once; what comes again is
/// dropped.
pub fn endless_flood() -> Vec<Row> {
    let mut rows = Vec::new();
    for (nodes, edges, seed) in [(100, 250, 1), (1_000, 3_400, 2), (10_000, 34_000, 3)] {
        let ring = (0..nodes).map(|node| (node, (node + 1) % nodes));
        let random = Graph::erdos_renyi(nodes, edges, seed);
        let graph = Graph::new(nodes, ring.chain(random.edges()));
        let (n, m) = (f64::from(nodes), graph.edges().len() as f64);
        let far = TtlRules { max: 255, hard: 255 };
        let mut world = wired(&graph, &Settings { ttl: 255, ..quiet(far) });
        let flood = flood(&mut world, PeerIndex(0), Cause(2));
        rows.push(Row::new(
            format!("N = {n}, M = {m}: messages, 2M − (N − 1)"),
            2.0 * m - (n - 1.0),
            flood.messages as f64,
            Tolerance::Exact,
        ));
        rows.push(Row::new(
            format!("N = {n}, M = {m}: duplicates, 2(M − N + 1)"),
            2.0 * (m - n + 1.0),
            flood.duplicates as f64,
            Tolerance::Exact,
        ));
    }
    rows
}

/// What one search did.
pub(super) struct Flood {
    messages: u64,
    duplicates: u64,
    /// Servents that saw it, but its origin.
    pub(super) reached: u64,
}

pub(super) fn flood(world: &mut World<Servent, NoStore>, from: PeerIndex, cause: Cause) -> Flood {
    let duplicates = |world: &World<Servent, NoStore>| -> u64 {
        world.peers().map(|(_, servent)| u64::from(servent.counters().duplicates)).sum()
    };
    let before = duplicates(world);
    let text = "nothing has this".to_owned();
    world.command(from, Command::Search { search: 1, text }, cause);
    assert!(world.run_until_idle(Duration::from_secs(600)), "a flood ends");
    let messages = world.metrics().count(cause, QUERY).messages;
    let duplicates = duplicates(world) - before;
    Flood { messages, duplicates, reached: messages - duplicates }
}

/// Only what is commanded: no Pings, no links but those of the graph.
pub(super) fn quiet(ttl_rules: TtlRules) -> Settings {
    Settings {
        ttl_rules,
        ping_ttl: 0,
        ping_interval: None,
        target_links: 0,
        max_links: Settings::LINKS,
        courtesy_pongs: 0,
        greetings: Settings::LINKS,
        route_lifetime: Duration::from_secs(86_400),
        ..Settings::default()
    }
}

pub(super) fn address(node: u32) -> Address {
    let [_, a, b, c] = node.to_be_bytes();
    Address::from(([20, a, b, c], 6346))
}

/// A servent at each node, linked as the graph says.
fn wired(graph: &Graph, settings: &Settings) -> World<Servent, NoStore> {
    wired_with(graph, settings, &Arc::new(Catalogue::default()), |_| None)
}

/// The same with files to share.
fn wired_with(
    graph: &Graph,
    settings: &Settings,
    catalogue: &Arc<Catalogue>,
    shares: impl Fn(u32) -> Option<u32>,
) -> World<Servent, NoStore> {
    let config = overlay_sim::Config {
        seed: 5,
        underlay: Underlay::Uniform(Duration::from_millis(50)),
        ..overlay_sim::Config::default()
    };
    wired_in(config, graph, settings, catalogue, shares, |host, _| host)
}

/// The same in a world of one's own.
fn wired_in(
    config: overlay_sim::Config,
    graph: &Graph,
    settings: &Settings,
    catalogue: &Arc<Catalogue>,
    shares: impl Fn(u32) -> Option<u32>,
    place: impl Fn(Host, u32) -> Host,
) -> World<Servent, NoStore> {
    let mut world = World::new(config, NoStore);
    let settings = Arc::new(settings.clone());
    for node in 0..graph.nodes() {
        let guid = Guid::from_bytes((u128::from(node) + 1).to_be_bytes());
        let config = Config { settings: settings.clone(), ..Config::new(guid) };
        let servent = Servent::new(config, catalogue.clone(), shares(node));
        world.add(servent, place(Host::open(address(node)), node));
    }
    for node in 0..graph.nodes() {
        let hosts = graph.neighbours(node).iter().filter(|&&other| other < node);
        let hosts = hosts.map(|&other| address(other)).collect();
        world.command(PeerIndex(node), Command::Join { hosts }, JOIN);
    }
    world.run_for(Duration::from_secs(5));
    for node in 0..graph.nodes() {
        let links = world.peer(PeerIndex(node)).neighbours().count();
        assert_eq!(links, graph.neighbours(node).len(), "links of node {node}");
    }
    world.drain_events();
    world
}
