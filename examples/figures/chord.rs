//! Chord: the rings of the lectures, paths by routing table, many failures at once, and what a join costs.
//! Ours is counted on rings with perfect tables, without messages and without time.

use std::collections::BTreeSet;

use overlay_chord::{
    FingerTable, Histogram, Id as _, Id64, Ring, Routing, SuccessorList, interval,
};
use overlay_peer::Pcg32;
use rand_core::{Rng, SeedableRng};

use super::row::{Row, Tolerance};

type Point = Id64<64>;

/// C0. What the lectures draw, and how lookups go in it.
pub fn lectures() -> Vec<Row> {
    let exact = |what: &str, published: &str, ours: String| {
        Row::new(what, published, ours, Tolerance::Exact)
    };
    let four = ring::<4>(&[3, 8, 10, 14]);
    let with_six = ring::<4>(&[3, 6, 8, 10, 14]);
    let three = ring::<3>(&[0, 1, 2, 6]);
    let path = |routing| three.lookup(1, Id64::wrapping(7), routing).to_string();
    vec![
        exact(
            "m = 4, nodes 3 8 10 14: owner of 9",
            "10",
            four.owner(Id64::wrapping(9)).to_string(),
        ),
        exact("node 6 comes: keys that move", "4 5 6 from 8 to 6", moved(&four, &with_six)),
        exact(
            "node 10 goes: keys that move",
            "9 10 from 10 to 14",
            moved(&with_six, &ring::<4>(&[3, 6, 8, 14])),
        ),
        exact("m = 3, nodes 0 1 2 6: owner of 7", "0", three.owner(Id64::wrapping(7)).to_string()),
        exact("owner of 2", "2", three.owner(Id64::wrapping(2)).to_string()),
        exact("get(7) from 1, by fingers", "1 → 6 → 0", path(Routing::Finger)),
    ]
}

fn ring<const M: u32>(ids: &[u64]) -> Ring<Id64<M>> {
    Ring::new(ids.iter().copied().map(Id64::wrapping)).expect("a ring")
}

/// Which keys have another owner, as `keys from old to new`.
fn moved(before: &Ring<Id64<4>>, after: &Ring<Id64<4>>) -> String {
    let keys = || (0..16).map(Id64::<4>::wrapping);
    let moved: Vec<_> = keys().filter(|key| before.owner(*key) != after.owner(*key)).collect();
    let owners: BTreeSet<_> =
        moved.iter().map(|key| (before.owner(*key), after.owner(*key))).collect();
    let owners: Vec<_> = owners.iter().map(|(old, new)| format!("from {old} to {new}")).collect();
    let keys: Vec<_> = moved.iter().map(ToString::to_string).collect();
    format!("{} {}", keys.join(" "), owners.join(", "))
}

/// C1. Hops to the key's predecessor. The formula is that of an independent simulation; the paper's own
/// figure only says about ½ log2 N.
pub fn path_lengths() -> Vec<Row> {
    let sizes = [(1_000, 4.85, 20), (4_096, 5.87, 20), (100_000, 8.17, 2), (1_000_000, 9.83, 1)];
    let mut rows = Vec::new();
    for (nodes, simulated, rings) in sizes {
        let hops = hops(nodes, rings, 400_000 / rings, Routing::Finger);
        let within = Tolerance::Absolute(0.05);
        rows.push(Row::new(format!("mean hops, N = {nodes}"), simulated, hops.mean(), within));
        let what = format!("mean hops, N = {nodes}, ½ log2 N − 0.13");
        rows.push(Row::new(what, half_log(nodes), hops.mean(), within));
        if nodes == 4_096 {
            rows.extend(distribution(&hops));
        }
    }
    rows
}

fn half_log(nodes: u32) -> f64 {
    0.5 * libm::log2(f64::from(nodes)) - 0.13
}

/// The longest of all depends on how many lookups there are, so it is only shown.
fn distribution(hops: &Histogram) -> Vec<Row> {
    let percentiles = [(1, 2.0), (50, 6.0), (99, 10.0)].map(|(percent, published)| {
        let ours = hops.percentile(percent).map_or(f64::NAN, f64::from);
        Row::new(format!("percentile {percent} at 2^12"), published, ours, Tolerance::Exact)
    });
    let number = |hops: Option<u32>| hops.map_or(f64::NAN, f64::from);
    let mut rows = percentiles.to_vec();
    rows.push(Row::new("most frequent at 2^12", 6.0, number(hops.mode()), Tolerance::Exact));
    rows.push(Row::new("longest at 2^12", 13.0, number(hops.max()), Tolerance::Report));
    rows
}

/// C5. What each routing table makes of it.
pub fn routing_tables() -> Vec<Row> {
    let nodes = 1_000;
    let cases = [
        ("successors only, N/2", Routing::Successor, f64::from(nodes) / 2.0),
        ("fingers, ½ log2 N − 0.13", Routing::Finger, half_log(nodes)),
        ("full tables", Routing::Full, 1.0),
    ];
    let row = |(what, routing, published)| {
        let mean = hops(nodes, 20, 20_000, routing).mean();
        Row::new(
            format!("mean hops, N = {nodes}, {what}"),
            published,
            mean,
            Tolerance::Relative(0.02),
        )
    };
    cases.map(row).to_vec()
}

/// Of lookups of random keys by random nodes, over several rings.
fn hops(nodes: u32, rings: u32, lookups: u32, routing: Routing) -> Histogram {
    let mut hops = Histogram::new();
    let mut found = Vec::new();
    for seed in 0..rings {
        let mut rng = Pcg32::seed_from_u64(seed.into());
        let ring = random_ring(nodes, &mut rng);
        let lookups: Vec<_> =
            (0..lookups).map(|_| (below(nodes, &mut rng), point(&mut rng))).collect();
        ring.find_many(&lookups, routing, &mut found);
        hops.extend(found.iter().map(|found| found.hops));
    }
    hops
}

fn random_ring(nodes: u32, rng: &mut Pcg32) -> Ring<Point> {
    Ring::new((0..nodes).map(|_| point(rng))).expect("a ring")
}

fn point(rng: &mut Pcg32) -> Point {
    Id64::wrapping(rng.next_u64())
}

fn below(nodes: u32, rng: &mut Pcg32) -> usize {
    (rng.next_u64() % u64::from(nodes)) as usize
}

/// C2, Table II of the paper: a share of 1,000 nodes fails at once; then live nodes look up, and no table is
/// mended. Lookups are iterative: each node asked names all it knows before the key, and the closest of them
/// that lives is asked next. One found dead costs a timeout, once a lookup. A node answers from its list of 20
/// successors if that covers the key. A path counts the owner.
///
/// The paper measured one run of 10,000 lookups for each share and explains its path by
/// ½ log2 N − ½ log2 r + 1 = 3.82; its timeouts for p ≤ 0.1 are above what its own formula gives, and
/// ours are not.
pub fn failures() -> Vec<Row> {
    let mut rows = Vec::new();
    for published in TABLE_II {
        let Failures { share, path, timeouts, expected, .. } = published;
        let ours = fail(share);
        let what = |what: &str| format!("{what}, {share} of 1000 nodes failed");
        rows.push(Row::new(what("path"), path, ours.path.mean(), Tolerance::Relative(0.03)));
        rows.push(Row::new(
            what("timeouts, by the formula"),
            expected,
            ours.timeouts.mean(),
            Tolerance::Relative(0.05),
        ));
        let measured = if share >= 0.2 { Tolerance::Relative(0.15) } else { Tolerance::Report };
        rows.push(Row::new(
            what("timeouts, as measured"),
            timeouts,
            ours.timeouts.mean(),
            measured,
        ));
        let ends = |histogram: &Histogram| {
            let at = |percent| histogram.percentile(percent).unwrap_or_default();
            format!("{} {}", at(1), at(99))
        };
        let (of_path, of_timeouts) = published.percentiles;
        rows.push(Row::new(
            what("percentiles 1 and 99 of path"),
            of_path,
            ends(&ours.path),
            Tolerance::Report,
        ));
        rows.push(Row::new(
            what("percentiles 1 and 99 of timeouts"),
            of_timeouts,
            ends(&ours.timeouts),
            Tolerance::Report,
        ));
        rows.push(Row::new(what("lookups failed"), 0.0, f64::from(ours.failed), Tolerance::Exact));
    }
    rows
}

struct Failures {
    share: f64,
    path: f64,
    timeouts: f64,
    /// What the paper's formula makes of it.
    expected: f64,
    /// Of path and of timeouts.
    percentiles: (&'static str, &'static str),
}

const fn failures_of(
    share: f64,
    [path, timeouts, expected]: [f64; 3],
    percentiles: (&'static str, &'static str),
) -> Failures {
    Failures { share, path, timeouts, expected, percentiles }
}

const TABLE_II: [Failures; 6] = [
    failures_of(0.0, [3.84, 0.0, 0.0], ("2 5", "0 0")),
    failures_of(0.1, [4.03, 0.60, 0.45], ("2 6", "0 2")),
    failures_of(0.2, [4.22, 1.17, 1.06], ("2 6", "0 3")),
    failures_of(0.3, [4.44, 2.02, 1.90], ("2 6", "0 5")),
    failures_of(0.4, [4.69, 3.23, 3.13], ("2 7", "0 8")),
    failures_of(0.5, [5.09, 5.10, 5.06], ("3 8", "0 11")),
];

#[derive(Default)]
struct Outcome {
    path: Histogram,
    timeouts: Histogram,
    failed: u32,
}

/// Lookups after this share of the nodes failed, over several rings.
fn fail(share: f64) -> Outcome {
    const NODES: u32 = 1_000;
    let mut outcome = Outcome::default();
    for seed in 0..20 {
        let mut rng = Pcg32::seed_from_u64(seed);
        let ring = random_ring(NODES, &mut rng);
        let nodes = Tables::of(&ring);
        let mut alive = vec![true; ring.ids().len()];
        let mut left = (share * f64::from(NODES)) as u32;
        while left > 0 {
            let victim = below(NODES, &mut rng);
            left -= u32::from(alive[victim]);
            alive[victim] = false;
        }
        let living: Vec<usize> = (0..alive.len()).filter(|node| alive[*node]).collect();
        for _ in 0..1_000 {
            let from = living[below(living.len() as u32, &mut rng)];
            let key = point(&mut rng);
            // The owner is the first after the key that lives.
            let owner = (0..alive.len())
                .map(|further| (ring.owner_index(key) + further) % alive.len())
                .find(|node| alive[*node]);
            match nodes.look_up(&ring, &alive, from, key) {
                Some((found, hops, timeouts)) if Some(found) == owner => {
                    outcome.path.add(hops);
                    outcome.timeouts.add(timeouts);
                }
                _ => outcome.failed += 1,
            }
        }
    }
    outcome
}

/// What every node knows.
struct Tables {
    fingers: Vec<FingerTable<Point>>,
    successors: Vec<SuccessorList<Point>>,
}

impl Tables {
    fn of(ring: &Ring<Point>) -> Self {
        const R: usize = 20;
        let ids = ring.ids();
        let mut tables = Self { fingers: Vec::new(), successors: Vec::new() };
        for (node, id) in ids.iter().enumerate() {
            let mut fingers = FingerTable::new(*id);
            ring.fingers(node).for_each(|finger| {
                fingers.learn(finger);
            });
            let next: Vec<_> = (1..=R).map(|i| ids[(node + i) % ids.len()]).collect();
            let mut successors = SuccessorList::alone(*id, R);
            successors.adopt(next[0], &next[1..]);
            tables.fingers.push(fingers);
            tables.successors.push(successors);
        }
        tables
    }

    /// Who the lookup says owns the key, how many nodes answered, the owner among them, and how many did
    /// not.
    fn look_up(
        &self,
        ring: &Ring<Point>,
        alive: &[bool],
        from: usize,
        key: Point,
    ) -> Option<(usize, u32, u32)> {
        let lives = |id: Point| ring.index_of(id).filter(|node| alive[*node]);
        let (mut at, mut hops, mut dead) = (from, 0, BTreeSet::new());
        loop {
            if let Some(owners) = self.successors[at].owner_of(key) {
                for owner in owners {
                    if let Some(owner) = lives(*owner) {
                        return Some((owner, hops + 1, dead.len() as u32));
                    }
                    dead.insert(*owner);
                }
                // All that the list has from the key on are dead: somebody closer knows more.
            }
            let me = ring.ids()[at];
            let next = self.successors[at].as_slice().iter().copied();
            let before_key = next.filter(|node| interval::between(me, *node, key));
            let mut known: Vec<_> = before_key.chain(self.fingers[at].preceding(key)).collect();
            known.sort_unstable_by_key(|node| node.distance(key));
            at = known.into_iter().find_map(|node| {
                let living = lives(node);
                if living.is_none() {
                    dead.insert(node);
                }
                living
            })?;
            hops += 1;
        }
    }
}

/// C7. What one join makes others do until all tables are right again, its own place being known: by
/// successors, two neighbours are told. By fingers, the new node looks up each finger that is not the one
/// before, then everybody whose finger it now is (Stoica et al., SIGCOMM 2001, section 4.4); each node
/// asked, and each told, is a message. With full tables everybody is told.
pub fn joins() -> Vec<Row> {
    let mut rows = Vec::new();
    for bits in [8, 11, 14, 17] {
        let nodes = 1 << bits;
        let mut rng = Pcg32::seed_from_u64(7);
        let ring = random_ring(nodes, &mut rng);
        const JOINS: u32 = 500;
        let (mut messages, mut told) = (0, 0);
        for _ in 0..JOINS {
            let join = Join::count(&ring, point(&mut rng));
            messages += join.asked + join.told;
            told += join.told;
        }
        let mean = |sum: u32| f64::from(sum) / f64::from(JOINS);
        let log2 = f64::from(bits);
        let what = |mode: &str| format!("messages a join, N = 2^{bits}, {mode}");
        rows.push(Row::new(what("successors"), "O(1)", 2.0, Tolerance::Report));
        let fingers = format!(
            "{:.1} = {:.2} log2² N, {:.1} of them to nodes that get a finger",
            mean(messages),
            mean(messages) / (log2 * log2),
            mean(told),
        );
        rows.push(Row::new(what("fingers"), "O(log² N)", fingers, Tolerance::Report));
        rows.push(Row::new(what("full tables"), "O(N)", f64::from(nodes), Tolerance::Report));
    }
    rows
}

/// What one join takes with fingers.
struct Join {
    /// Nodes asked on the way of all lookups.
    asked: u32,
    /// Nodes that get the new one as a finger.
    told: u32,
}

impl Join {
    fn count(ring: &Ring<Point>, me: Point) -> Self {
        let successor = ring.owner_index(me);
        let nodes = ring.ids().len();
        let before = |node: usize| (node + nodes - 1) % nodes;
        // A lookup asks every node on its way, the first one too.
        let asked = |key| ring.find(successor, key, Routing::Finger).hops + 1;
        let mut join = Self { asked: 0, told: 0 };
        let mut known = ring.successor(before(successor));
        let gap = ring.ids()[before(successor)].distance(me);
        let mut told = BTreeSet::new();
        for exponent in 0..Point::BITS {
            // The finger before is this one too if it is as far away.
            let start = me.add_power(exponent);
            if me.distance(known) < me.distance(start) {
                join.asked += asked(start);
                known = ring.owner(start);
            }
            // The last node at least 2^exponent before, and those before it whose finger was beyond.
            let start = Point::wrapping(me.get().wrapping_sub(1 << exponent));
            let mut node = before(successor);
            if start.distance(me) > gap {
                join.asked += asked(start);
                let owner = ring.owner_index(start);
                node = if ring.ids()[owner] == start { owner } else { before(owner) };
            }
            let is_finger = |node: usize| {
                let start = ring.ids()[node].add_power(exponent);
                let finger = ring.owner(start);
                start.distance(me) < start.distance(finger)
            };
            while is_finger(node) {
                told.insert(node);
                node = before(node);
            }
        }
        join.told = told.len() as u32;
        join
    }
}
