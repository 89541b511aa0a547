//! Gnutella 0.6: what ultrapeers, query routing and dynamic querying save. Unless a row says "by formula"
//! or "by search of the graph", ours is counted from real messages of real servents in a simulated world.

use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::{Guid, QueryRouteTable, TtlRules, qrp_hash};
use overlay_bloom::{Params, exact};
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Event, Mode, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_peer::{Object, Pcg32};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Host, NoStore, PeerIndex, Underlay, World};
use rand_core::Rng;

use super::gnutella::{JOIN, QUERY, QUERY_HIT, address, flood, quiet};
use super::row::{Row, Tolerance};

/// G6. The last hop is where tables between ultrapeers keep queries from those who have no answer, so its
/// share is what they can save. Floods are counted twice: before tables are sent, and after, when the
/// (empty) tables end each flood a hop early.
///
/// On random graphs the share is lower because ways meet, and the more so the larger the part of the
/// network that is reached: 3 points hold where the last hop of the tree is a small part of it. That
/// takes 500,000 ultrapeers for (6, 7) and 200,000 for (32, 3), too many servents for a quick run, so
/// these rows only search the graph. Floods of servents go a hop or more less far, which hardly changes
/// the share: it tends to (degree − 2) / (degree − 1).
pub fn last_hop_share() -> Vec<Row> {
    let mut rows = Vec::new();
    for (degree, ttl, published) in LAST_HOP {
        let what = format!("% on the last hop, degree {degree}, TTL {ttl}, by formula");
        rows.push(Row::new(what, published, tree_share(degree, ttl), TREE));
    }
    rows.push(flooded_tree(32, 3));
    rows.push(flooded_tree(6, 6));
    rows.extend(flooded_at_random(6, 4, 4_000));
    rows.extend(flooded_at_random(32, 2, 2_000));
    rows.push(searched_at_random(6, 7, 500_000, POINTS));
    rows.push(searched_at_random(32, 3, 200_000, POINTS));
    // Where most of the network is reached, there is no last hop to speak of.
    rows.push(searched_at_random(6, 7, 100_000, Tolerance::Report));
    rows.push(searched_at_random(32, 3, 10_000, Tolerance::Report));
    rows
}

/// G6 with 10^5 servents, and graphs of 10^6 nodes.
pub fn last_hop_share_large() -> Vec<Row> {
    let mut rows = vec![flooded_tree(6, 7)];
    rows.extend(flooded_at_random(6, 5, 100_000));
    rows.extend(flooded_at_random(32, 3, 30_000));
    rows.push(searched_at_random(6, 7, 2_000_000, POINTS));
    rows.push(searched_at_random(32, 3, 1_000_000, POINTS));
    rows
}

/// Degree, TTL, and the share.
const LAST_HOP: [(u32, u8, f64); 2] = [(6, 7, 80.0), (32, 3, 96.8)];
const POINTS: Tolerance = Tolerance::Absolute(3.0);
const TREE: Tolerance = Tolerance::Absolute(0.1);

/// What is published, or the formula where nothing is.
fn published_share(degree: u32, ttl: u8) -> f64 {
    let published = LAST_HOP.iter().find(|row| (row.0, row.1) == (degree, ttl));
    published.map_or_else(|| tree_share(degree, ttl), |row| row.2)
}

fn flooded_tree(degree: u32, ttl: u8) -> Row {
    let tree = Graph::regular_tree(degree, ttl.into());
    let nodes = tree.nodes();
    let what = format!("degree {degree}, TTL {ttl}, flooded over a tree of {nodes} ultrapeers");
    let flooded = flooded_share(&tree, degree, ttl, &[0]);
    Row::new(what, published_share(degree, ttl), flooded, TREE)
}

fn flooded_at_random(degree: u32, ttl: u8, nodes: u32) -> [Row; 2] {
    let graph = Graph::random_regular(nodes, degree, 21);
    let sources = [0, nodes / 3, nodes / 2];
    let flooded = flooded_share(&graph, degree, ttl, &sources);
    let what = format!("degree {degree}, TTL {ttl}, flooded over {nodes} ultrapeers at random");
    let searched = searched_share(&graph, ttl, &sources);
    [
        Row::new(what, published_share(degree, ttl), flooded, POINTS),
        Row::new("the same, against a search of the graph", searched, flooded, Tolerance::Exact),
    ]
}

fn searched_at_random(degree: u32, ttl: u8, nodes: u32, tolerance: Tolerance) -> Row {
    let graph = Graph::random_regular(nodes, degree, 22);
    let sources = [0, nodes / 3, nodes / 2];
    let fills = if tolerance == Tolerance::Report { ": too few for it" } else { "" };
    let what =
        format!("degree {degree}, TTL {ttl}, {nodes} at random{fills}, by search of the graph");
    Row::new(what, published_share(degree, ttl), searched_share(&graph, ttl, &sources), tolerance)
}

/// Of the ultrapeers that a flood over a tree reaches, how many percent are `ttl` hops away.
fn tree_share(degree: u32, ttl: u8) -> f64 {
    let hop = |ttl: u8| u64::from(degree) * u64::from(degree - 1).pow(u32::from(ttl) - 1);
    percent(hop(ttl), (1..=ttl).map(hop).sum())
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole as f64
}

fn searched_share(graph: &Graph, ttl: u8, sources: &[u32]) -> f64 {
    let reached =
        |ttl: u8| sources.iter().map(|&source| graph.reach(source, ttl.into()) as u64).sum();
    let all: u64 = reached(ttl);
    percent(all - reached(ttl - 1), all)
}

fn flooded_share(graph: &Graph, degree: u32, ttl: u8, sources: &[u32]) -> f64 {
    let interval = Duration::from_secs(600);
    let settings = servents(Settings06 {
        ultrapeer_links: degree as usize,
        max_ttl: ttl,
        table_interval: interval,
        table_bits: 10,
        dynamic_querying: false,
        ..by_hand()
    });
    let mut world = wired(&Net::of(graph), |_| settings.clone());
    let floods = |world: &mut _, first: u8| -> u64 {
        let reached = |(&source, cause)| flood(world, PeerIndex(source), Cause(cause)).reached;
        sources.iter().zip(first..).map(reached).sum()
    };
    let all = floods(&mut world, 2);
    world.run_for(2 * interval);
    let without_last = floods(&mut world, 100);
    percent(all - without_last, all)
}

/// G7. Every ultrapeer has 32 others and about 30 leaves, every leaf three ultrapeers. Floods and dynamic
/// queries go through the same network with the same tables. "Equal results": both bring the 150 that
/// are asked for. A flood brings more, which nobody wanted; one of the least TTL that is enough could
/// only be sent by who knows beforehand how rare the file is. Messages are all that a search leads to:
/// queries, hits, and how far ultrapeers and leaf tell each other to go on.
///
/// Among 1,000 ultrapeers a flood of TTL 3 meets itself often. Where it does not, it costs more: up to
/// 31,776 messages for each of the leaf's ultrapeers.
pub fn dynamic_querying() -> Vec<Row> {
    let mut rng = Pcg32::new(32, 0);
    let everybody = 0..ULTRAPEERS + LEAVES;
    let files = |rng: &mut Pcg32| -> Vec<u32> {
        let draw = rng.next_u32();
        let has = |(number, (of, _)): (u32, &(u32, _))| draw.is_multiple_of(*of).then_some(number);
        (0..).zip(FILES).filter_map(has).collect()
    };
    let shares = everybody.map(|_| files(&mut rng)).collect();
    let leaves = (0..LEAVES).map(|_| three(&mut rng)).collect();
    let file = |(number, (_, name)): (u64, &(u32, &str))| SharedFile {
        name: (*name).into(),
        size: 1,
        object: Object(number),
    };
    let catalogue = Arc::new(Catalogue::new((0..).zip(FILES).map(file)));
    let ultrapeers = &Graph::random_regular(ULTRAPEERS, 32, 31);
    let net = Net { ultrapeers, leaves, catalogue, shares };
    let (mut floods, mut dynamic) = (searchers(&net, false), searchers(&net, true));

    let mut rows = Vec::new();
    for (of, name) in FILES {
        let asked = search(&mut dynamic, 3, name);
        let flooded = [1, 2, 3].map(|ttl| search(&mut floods, ttl, name));
        let enough = flooded.iter().position(|cost| cost.results >= asked.results.min(WANTED));
        for ttl in enough.filter(|&ttl| ttl < 2).into_iter().chain([2]) {
            let [flood, dynamic] = [&flooded[ttl], &asked].map(|cost| {
                let (messages, results) = (cost.messages.round(), cost.results.round());
                format!("{messages} messages, {results} results")
            });
            let factor = flooded[ttl].messages / asked.messages;
            let least = if ttl < 2 { ", the least that is enough" } else { "" };
            let ttl = ttl + 1;
            let what = format!(
                "1 in {of} has it: flood of TTL {ttl}{least} ({flood}) / dynamic query ({dynamic})"
            );
            rows.push(Row::new(what, "≥ 5", factor, Tolerance::Report));
        }
    }
    rows
}

/// What a search costs, on average.
struct Cost {
    messages: f64,
    results: f64,
}

/// Lets some leaves search whose queries have this TTL, one after another.
fn search(world: &mut World<Servent, NoStore>, ttl: u32, text: &str) -> Cost {
    let mut cost = Cost { messages: 0.0, results: 0.0 };
    for asker in 0..ASKERS {
        let leaf = PeerIndex(ULTRAPEERS + 3 * asker + ttl - 1);
        let before = world.metrics().total().messages;
        world.command(leaf, Command::Search { search: 1, text: text.to_owned() }, Cause(2));
        // As long as a dynamic query may take: 32 neighbours, three hops, and the way back.
        world.run_for(Duration::from_secs(32 * 8));
        cost.messages += (world.metrics().total().messages - before) as f64 / f64::from(ASKERS);
        let hits = world
            .drain_events()
            .filter(|(_, peer, event)| *peer == leaf && matches!(event, Event::Hit { .. }));
        cost.results += hits.count() as f64 / f64::from(ASKERS);
    }
    cost
}

fn searchers(net: &Net<'_>, dynamic_querying: bool) -> World<Servent, NoStore> {
    let of_ttl = |max_ttl| {
        servents(Settings06 {
            ultrapeer_links: 32,
            max_ttl,
            table_interval: Duration::from_secs(10),
            table_bits: 12,
            dynamic_querying,
            ..by_hand()
        })
    };
    let settings = [1, 2, 3].map(of_ttl);
    let ttl = |node: u32| match node.checked_sub(ULTRAPEERS) {
        Some(leaf) if leaf < 3 * ASKERS => leaf as usize % 3,
        _ => 2,
    };
    let mut world = wired(net, |node| settings[ttl(node)].clone());
    world.run_for(Duration::from_secs(60));
    world
}

const ULTRAPEERS: u32 = 1_000;
const LEAVES: u32 = 10 * ULTRAPEERS;
/// How many leaves ask, for each TTL.
const ASKERS: u32 = 5;
/// One host in so many has the file of this name.
const WANTED: f64 = 150.0;
const FILES: &[(u32, &str)] =
    &[(10, "everybodys darling"), (50, "known song"), (1_000, "rare one")];

fn three(rng: &mut Pcg32) -> Vec<u32> {
    let mut different = Vec::new();
    while different.len() < 3 {
        let one = below(rng, ULTRAPEERS);
        if !different.contains(&one) {
            different.push(one);
        }
    }
    different
}

fn below(rng: &mut Pcg32, bound: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(bound)) >> 32) as u32
}

/// Ultrapeers, their leaves, and what there is to find.
struct Net<'a> {
    ultrapeers: &'a Graph,
    /// The ultrapeers of each leaf. Leaves are numbered after the ultrapeers.
    leaves: Vec<Vec<u32>>,
    catalogue: Arc<Catalogue>,
    /// What each servent shares; nothing where this ends.
    shares: Vec<Vec<u32>>,
}

impl<'a> Net<'a> {
    /// Without leaves and files.
    fn of(ultrapeers: &'a Graph) -> Self {
        Self { ultrapeers, leaves: Vec::new(), catalogue: Arc::default(), shares: Vec::new() }
    }
}

/// Only what is commanded, and tables.
fn by_hand() -> Settings06 {
    Settings06 { ultrapeer_target: 0, leaf_slots: 200, out_of_band: false, ..Settings06::default() }
}

fn servents(v06: Settings06) -> Arc<Settings> {
    Arc::new(Settings { v06: Some(v06), ..quiet(TtlRules::DEFAULT) })
}

/// A servent at each node, linked as the net says.
fn wired(net: &Net<'_>, settings: impl Fn(u32) -> Arc<Settings>) -> World<Servent, NoStore> {
    let config = overlay_sim::Config {
        seed: 6,
        underlay: Underlay::Uniform(Duration::from_millis(50)),
        ..overlay_sim::Config::default()
    };
    let mut world = World::new(config, NoStore);
    let ultrapeers = net.ultrapeers.nodes();
    for node in 0..ultrapeers + net.leaves.len() as u32 {
        let guid = Guid::from_bytes((u128::from(node) + 1).to_be_bytes());
        let mode = if node < ultrapeers { Mode::Ultrapeer } else { Mode::Leaf };
        let capabilities = Capabilities { mode, ..Capabilities::GOOD };
        let config = Config { capabilities, settings: settings(node), ..Config::new(guid) };
        let shares = net.shares.get(node as usize).cloned().unwrap_or_default();
        world.add(Servent::new(config, net.catalogue.clone(), shares), Host::open(address(node)));
    }
    let mut join = |node: u32, hosts: &mut dyn Iterator<Item = &u32>| {
        let hosts = hosts.map(|&other| address(other)).collect();
        world.command(PeerIndex(node), Command::Join { hosts }, JOIN);
    };
    for node in 0..ultrapeers {
        join(node, &mut net.ultrapeers.neighbours(node).iter().filter(|&&other| other < node));
    }
    for (node, parents) in (ultrapeers..).zip(&net.leaves) {
        join(node, &mut parents.iter());
    }
    world.run_for(Duration::from_secs(5));
    let mut leaves = vec![0; ultrapeers as usize];
    net.leaves.iter().flatten().for_each(|&parent| leaves[parent as usize] += 1);
    for node in 0..ultrapeers {
        let (servent, leaves) = (world.peer(PeerIndex(node)), leaves[node as usize]);
        assert_eq!(servent.leaves(), leaves, "leaves of ultrapeer {node}");
        let links = net.ultrapeers.degree(node) + leaves;
        assert_eq!(servent.neighbours().count(), links, "links of ultrapeer {node}");
    }
    world.drain_events();
    world
}

/// G8. Leaves share files of random words, and what is asked for are other random words. If each word's
/// slot is set with the probability that is the table's fill, a query of w words comes to a leaf in
/// vain with probability fillʷ.
///
/// That takes a hash that uses all slots alike. QRP's does in a table of 4,096 slots. In the usual
/// 65,536 it does not: lower-case letters differ in five bits, so what words of them are folded to are
/// 2^20 numbers, and the multiplication spreads these unevenly (the variance of a slot's share is 0.07
/// of its square). Slots that many words share are set more often and asked for more often: more comes
/// through than fillʷ. With the share of all eight-letter words whose slot is set, computed from the
/// hash, in place of the fill, it is as predicted.
///
/// Bloom filters of leaves have other sizes and another hash, but their keys are what QRP's hash makes of
/// words, 32 bits: of eight letters 2^20 numbers. In a large library some words that are asked for can not
/// be told from words that are there; with the share of these the prediction holds.
pub fn routing_suppression() -> Vec<Row> {
    // Tables that are about 5 and 20 % full.
    let tables = [(12, 21), (12, 92), (16, 337), (16, 1_463)];
    let rows = tables.into_iter().flat_map(|(bits, files)| suppression(bits, files, None));
    let filters = [(21, 10), (21, 100), (337, 100)];
    let filters = filters.into_iter().flat_map(|(files, one)| suppression(16, files, Some(one)));
    rows.chain(filters).collect()
}

/// Leaves with so many files of ten words each, and tables of 2 to the power of `bits` slots; or filters
/// with a false positive in so many.
fn suppression(bits: u8, files: u32, bloom_one_in: Option<u32>) -> Vec<Row> {
    let mut rng = Pcg32::new(files.into(), bits.into());
    let name = |rng: &mut Pcg32| [(); 10].map(|()| word(rng)).join(" ");
    let names: Vec<String> = (0..files * SHIELDED).map(|_| name(&mut rng)).collect();
    let libraries = names.chunks(files as usize);
    let libraries: Vec<Vec<&[u8]>> = libraries.map(words_of).collect();
    let Prediction { what, published, passing, even, instead } = match bloom_one_in {
        None => by_tables(bits, &libraries),
        Some(one_in) => by_filters(one_in, &libraries),
    };
    let settings = Settings06 { max_ttl: 2, table_bits: bits, bloom_one_in, ..by_hand() };
    let settings = Settings06 { dynamic_querying: false, ..settings };
    let mut world = shielded(&names, files, settings);
    let mut rows = Vec::new();
    for words in 1..=3 {
        let cause = Cause(1 + words as u8);
        for _ in 0..QUERIES {
            let text: Vec<String> = (0..words).map(|_| word(&mut rng)).collect();
            let text = text.join(" ");
            world.command(PeerIndex(0), Command::Search { search: 1, text }, cause);
            world.run_for(Duration::from_secs(1));
        }
        let hits = world.metrics().count(cause, QUERY_HIT).messages;
        assert_eq!(hits, 0, "nobody has these words");
        // One of each is from one ultrapeer to the other.
        let came = world.metrics().count(cause, QUERY).messages - u64::from(QUERIES);
        let leaf_bound = u64::from(QUERIES * SHIELDED);
        let suppressed = percent(leaf_bound - came, leaf_bound);
        let share = |mean: f64| 100.0 * (1.0 - mean / f64::from(SHIELDED));
        let sigma = 100.0 * passing.variance(words).sqrt()
            / (f64::from(SHIELDED) * f64::from(QUERIES).sqrt());
        let sigma = Tolerance::FiveSigma(sigma);
        let s = if words == 1 { "" } else { "s" };
        let what = format!("{what}, {words} word{s}: % suppressed ({came} of {leaf_bound} came)");
        let by_formula = share(published.iter().map(|&each| power(each, words)).sum());
        let tolerance = if even { sigma } else { Tolerance::Report };
        rows.push(Row::new(what, by_formula, suppressed, tolerance));
        let what = format!("the same, {instead}");
        rows.push(Row::new(what, share(passing.mean(words)), suppressed, sigma));
    }
    rows
}

/// What should come through to leaves.
struct Prediction {
    what: String,
    /// How likely each leaf is to be asked for a word it does not have: the published formula's.
    published: Vec<f64>,
    passing: Passing,
    /// Whether the hash is as even as the formula assumes.
    even: bool,
    /// What `passing` takes in place of that.
    instead: &'static str,
}

fn by_tables(bits: u8, libraries: &[Vec<&[u8]>]) -> Prediction {
    let table = |words: &Vec<&[u8]>| {
        let mut table = QueryRouteTable::new(bits);
        words.iter().for_each(|word| table.insert(word));
        table
    };
    let tables: Vec<QueryRouteTable> = libraries.iter().map(table).collect();
    let fills = tables.iter().map(|table| f64::from(table.count()) / f64::from(table.slots()));
    let published: Vec<f64> = fills.collect();
    let fill = 100.0 * published.iter().sum::<f64>() / published.len() as f64;
    Prediction {
        what: format!("{} slots {fill:.1} % full", 1_u32 << bits),
        published,
        passing: Passing::of_tables(&tables, &slot_shares(bits)),
        // See above.
        even: bits <= 12,
        instead: "by how often the hash takes the slots that are set",
    }
}

fn by_filters(one_in: u32, libraries: &[Vec<&[u8]>]) -> Prediction {
    let shares = folded_shares();
    let (mut published, mut passing) = (Vec::new(), Vec::new());
    for words in libraries {
        let mut folded: Vec<usize> = words.iter().map(|word| fold(word)).collect();
        folded.sort_unstable();
        folded.dedup();
        let keys = folded.len() as u64;
        let params = Params::for_rate(keys, 1.0 / f64::from(one_in)).expect("some keys, a rate");
        let rate = exact::rate(params.m(), keys, params.k());
        let known: f64 = folded.iter().map(|&number| shares[number]).sum();
        published.push(rate);
        passing.push(known + (1.0 - known) * rate);
    }
    let words = libraries.first().map_or(0, Vec::len);
    Prediction {
        what: format!("Bloom filters of {words} words, one in {one_in}"),
        published,
        passing: Passing::Apart(passing),
        // A word in 5,000 is taken for another then, which is little beside the filter's rate.
        even: words <= 210,
        instead: "with words that the hash can not tell apart",
    }
}

fn words_of(names: &[String]) -> Vec<&[u8]> {
    names.iter().flat_map(|name| name.split(' ')).map(str::as_bytes).collect()
}

const QUERIES: u32 = 1_000;
/// How many leaves.
const SHIELDED: u32 = 50;

/// How likely random words come through to leaves.
enum Passing {
    /// To each, independently.
    Apart(Vec<f64>),
    /// To one, and to two at once: `[i][k]`, for k up to i.
    Pairs(Vec<Vec<f64>>),
}

impl Passing {
    fn of_tables(tables: &[QueryRouteTable], shares: &[f64]) -> Self {
        let both = |a: &QueryRouteTable, b: &QueryRouteTable| {
            let slots = a.set_slots().filter(|&slot| b.has_slot(slot));
            slots.map(|slot| shares[slot as usize]).sum()
        };
        let row = |(at, a)| tables[..=at].iter().map(|b| both(a, b)).collect();
        Self::Pairs(tables.iter().enumerate().map(row).collect())
    }

    /// To how many leaves a query of random words comes on average.
    fn mean(&self, words: u32) -> f64 {
        match self {
            Self::Apart(each) => each.iter().map(|&each| power(each, words)).sum(),
            Self::Pairs(pairs) => {
                pairs.iter().enumerate().map(|(at, row)| power(row[at], words)).sum()
            }
        }
    }

    /// The variance of that number from query to query. Tables that have slots in common let the same
    /// queries pass.
    fn variance(&self, words: u32) -> f64 {
        match self {
            Self::Apart(each) => {
                let each = each.iter().map(|&each| power(each, words));
                each.map(|each| each * (1.0 - each)).sum()
            }
            Self::Pairs(pairs) => {
                let pairs = pairs.iter().enumerate().flat_map(|(at, row)| {
                    let times = move |other| if at == other { 1.0 } else { 2.0 };
                    row.iter()
                        .enumerate()
                        .map(move |(other, &both)| times(other) * power(both, words))
                });
                let mean = self.mean(words);
                pairs.sum::<f64>() - mean * mean
            }
        }
    }
}

fn power(base: f64, exponent: u32) -> f64 {
    (0..exponent).map(|_| base).product()
}

/// What a word of eight letters is folded to: four bytes, each of two letters. The upper three bits are
/// the same in all letters, and cancel out.
fn fold(word: &[u8]) -> usize {
    (0..4).map(|at| usize::from((word[at] ^ word[at + 4]) & 31) << (5 * at)).sum()
}

/// The share of all words of eight letters that are folded to each number.
fn folded_shares() -> Vec<f64> {
    let mut pairs = [0_u32; 32];
    for pair in (1..=26).flat_map(|a| (1..=26).map(move |b| a ^ b)) {
        pairs[pair] += 1;
    }
    let share = |number: usize| {
        let words = (0..4).map(|at| u64::from(pairs[number >> (5 * at) & 31]));
        words.product::<u64>() as f64 / power(26.0, 8)
    };
    (0..1 << 20).map(share).collect()
}

/// The share of all words of eight letters that has each slot: those folded to the same number have the
/// same one.
fn slot_shares(bits: u8) -> Vec<f64> {
    let mut shares = vec![0.0; 1 << bits];
    for (number, share) in folded_shares().into_iter().enumerate() {
        let bytes = [0, 1, 2, 3].map(|at| (number >> (5 * at) & 31) as u8);
        shares[qrp_hash(&bytes, bits) as usize] += share;
    }
    shares
}

/// Eight random letters.
fn word(rng: &mut Pcg32) -> String {
    (0..8).map(|_| char::from(b'a' + below(rng, 26) as u8)).collect()
}

/// An ultrapeer that asks another, which has leaves that share so many of these files each.
fn shielded(names: &[String], files: u32, settings: Settings06) -> World<Servent, NoStore> {
    let file = |(number, name): (u64, &String)| SharedFile {
        name: name.clone(),
        size: 1,
        object: Object(number),
    };
    let catalogue = Arc::new(Catalogue::new((0..).zip(names).map(file)));
    let of_leaf = |leaf: u32| (leaf * files..(leaf + 1) * files).collect();
    let shares = [Vec::new(), Vec::new()].into_iter().chain((0..SHIELDED).map(of_leaf)).collect();
    let ultrapeers = &Graph::new(2, [(0, 1)]);
    let leaves = (0..SHIELDED).map(|_| vec![1]).collect();
    let settings = servents(settings);
    let mut world = wired(&Net { ultrapeers, leaves, catalogue, shares }, |_| settings.clone());
    world.run_for(Duration::from_secs(120));
    world
}
