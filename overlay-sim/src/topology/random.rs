//! Random graphs. The same seed gives the same graph on every machine.

use overlay_peer::Pcg32;
use rand_core::Rng;

use super::{Graph, ends, key};
use crate::failure::below;

fn generator(seed: u64) -> Pcg32 {
    Pcg32::new(seed, 0x6772_6170)
}

fn node(rng: &mut impl Rng, nodes: u32) -> u32 {
    below(rng, u64::from(nodes)) as u32
}

impl Graph {
    /// G(n, M) of Erdős and Rényi ("On random graphs I", Publ. Math. Debrecen 6, 1959): `edges`
    /// different edges, each set of edges equally likely.
    ///
    /// # Panics
    /// If there are not that many pairs of nodes.
    pub fn erdos_renyi(nodes: u32, edges: usize, seed: u64) -> Self {
        let pairs = u64::from(nodes) * u64::from(nodes.saturating_sub(1)) / 2;
        assert!(edges as u64 <= pairs, "{edges} edges between {nodes} nodes");
        let mut rng = generator(seed);
        if edges as u64 > pairs / 2 {
            // It is easier to say which edges there are not.
            let missing = different_pairs(nodes, pairs as usize - edges, &mut rng);
            return Self::from_keys(nodes, missing).complement();
        }
        let keys = different_pairs(nodes, edges, &mut rng);
        Self::from_keys(nodes, keys)
    }

    /// A graph in which each node has `degree` neighbours: the configuration model (Bollobás 1980),
    /// that is, a random matching of `degree` stubs a node, in which each loop or repeated edge is
    /// switched with a random other edge (the switchings of McKay and Wormald, "Uniform generation
    /// of random regular graphs of moderate degree", J. Algorithms 11, 1990, without their
    /// rejections). There are about (degree² − 1) / 4 such edges however many nodes there are, so
    /// that large graphs come out nearly uniform; small ones only roughly so.
    ///
    /// # Panics
    /// If `degree` is not less than `nodes`, or both are odd, or there are 2³¹ edges.
    pub fn random_regular(nodes: u32, degree: u32, seed: u64) -> Self {
        assert!(degree < nodes || degree == 0, "degree {degree} among {nodes} nodes");
        assert!(
            nodes.is_multiple_of(2) || degree.is_multiple_of(2),
            "{nodes} nodes of degree {degree}: both odd"
        );
        let mut rng = generator(seed);
        if degree > nodes.saturating_sub(1) / 2 {
            return sparse_regular(nodes, nodes - 1 - degree, &mut rng).complement();
        }
        sparse_regular(nodes, degree, &mut rng)
    }

    /// Preferential attachment ("Emergence of scaling in random networks", Barabási and Albert,
    /// Science 286, 1999): starts with `links + 1` nodes that are all linked, then each new node is
    /// linked to `links` different ones, chosen in proportion to the degrees they have. The share of
    /// nodes of degree k falls as k⁻³.
    ///
    /// # Panics
    /// If `links` is 0, or there are 2³¹ edges.
    pub fn barabasi_albert(nodes: u32, links: u32, seed: u64) -> Self {
        assert!(links > 0, "new nodes without links");
        let mut rng = generator(seed);
        let core = nodes.min(links.saturating_add(1));
        let mut edges: Vec<u64> = (0..core).flat_map(|a| (0..a).map(move |b| key(a, b))).collect();
        let mut chosen = Vec::with_capacity(links as usize);
        for new in core..nodes {
            while chosen.len() < links as usize {
                // Each node is as often an end of an edge as its degree says.
                let draw = below(&mut rng, 2 * edges.len() as u64);
                let (a, b) = ends(edges[draw as usize / 2]);
                let target = if draw.is_multiple_of(2) { a } else { b };
                if !chosen.contains(&target) {
                    chosen.push(target);
                }
            }
            edges.extend(chosen.drain(..).map(|target| key(new, target)));
        }
        Self::from_keys(nodes, edges)
    }

    /// A tree, each of the nⁿ⁻² labelled ones equally likely, from a random sequence of Prüfer's
    /// ("Neuer Beweis eines Satzes über Permutationen", 1918).
    pub fn random_tree(nodes: u32, seed: u64) -> Self {
        let mut rng = generator(seed);
        let sequence: Vec<u32> = (2..nodes).map(|_| node(&mut rng, nodes)).collect();
        let mut missing = vec![1u32; nodes as usize];
        for &inner in &sequence {
            missing[inner as usize] += 1;
        }
        // The lowest leaf is linked to the next of the sequence, which may become a leaf by it.
        let mut edges = Vec::with_capacity(nodes as usize);
        let mut lowest = 0;
        let mut leaf = None;
        for &inner in &sequence {
            let next = leaf.take().unwrap_or_else(|| next_leaf(&missing, &mut lowest));
            edges.push(key(next, inner));
            missing[next as usize] = 0;
            missing[inner as usize] -= 1;
            if missing[inner as usize] == 1 && inner < lowest {
                leaf = Some(inner);
            }
        }
        if nodes > 1 {
            let last = leaf.unwrap_or_else(|| next_leaf(&missing, &mut lowest));
            edges.push(key(last, nodes - 1));
        }
        Self::from_keys(nodes, edges)
    }

    /// The graph whose edges are all those this one has not.
    fn complement(&self) -> Self {
        let pairs = (0..self.nodes()).flat_map(|a| (0..a).map(move |b| (a, b)));
        Self::new(self.nodes(), pairs.filter(|&(a, b)| !self.has_edge(a, b)))
    }
}

fn next_leaf(missing: &[u32], lowest: &mut u32) -> u32 {
    while missing[*lowest as usize] != 1 {
        *lowest += 1;
    }
    *lowest += 1;
    *lowest - 1
}

/// The first `count` different pairs of nodes that are drawn, sorted.
fn different_pairs(nodes: u32, count: usize, rng: &mut impl Rng) -> Vec<u64> {
    let mut pairs = Vec::with_capacity(count);
    while pairs.len() < count {
        // As many as are missing: never one draw too many, however many of them are repetitions.
        while pairs.len() < count {
            let (a, b) = (node(rng, nodes), node(rng, nodes));
            if a != b {
                pairs.push(key(a.min(b), a.max(b)));
            }
        }
        // Merges the run that is sorted already with the few that are new.
        pairs.sort();
        pairs.dedup();
    }
    pairs
}

/// For degrees of at most half of the other nodes.
fn sparse_regular(nodes: u32, degree: u32, rng: &mut impl Rng) -> Graph {
    loop {
        let stubs = u64::from(nodes) * u64::from(degree);
        let mut stubs: Vec<u32> =
            (0..stubs).map(|stub| (stub / u64::from(degree)) as u32).collect();
        for last in (1..stubs.len()).rev() {
            stubs.swap(last, below(rng, last as u64 + 1) as usize);
        }
        let edges: Vec<u64> = stubs.chunks_exact(2).map(|ends| key(ends[0], ends[1])).collect();
        drop(stubs);
        let mut graph = Graph::with_repetitions(nodes, &edges);
        drop(edges);
        if repair(&mut graph, degree, rng) {
            return graph;
        }
    }
}

/// Switches loops and repeated edges with random others until there are none. Says whether it could;
/// in a small graph there may be no edge to switch with.
fn repair(graph: &mut Graph, degree: u32, rng: &mut impl Rng) -> bool {
    let mut bad = Vec::new();
    for node in 0..graph.nodes() {
        let row = graph.neighbours(node);
        let loops = row.iter().filter(|&&target| target == node).count() / 2;
        bad.extend((0..loops).map(|_| (node, node)));
        let repeated = row.windows(2).filter(|pair| pair[0] == pair[1] && pair[0] > node);
        bad.extend(repeated.map(|pair| (node, pair[0])));
    }
    for (a, b) in bad {
        // An earlier switch may have taken it away.
        let copies = graph.neighbours(a).iter().filter(|&&target| target == b).count();
        if copies < if a == b { 1 } else { 2 } {
            continue;
        }
        let mut tries = 0;
        loop {
            let stub = below(rng, graph.targets.len() as u64) as u32;
            let (c, d) = (stub / degree, graph.targets[stub as usize]);
            let twice = a == b && c == d;
            if a != c && b != d && !twice && !graph.has_edge(a, c) && !graph.has_edge(b, d) {
                for (row, from, to) in [(a, b, c), (b, a, d), (c, d, a), (d, c, b)] {
                    let row = graph.row_mut(row);
                    let at = row.binary_search(&from).expect("the edge is in both rows");
                    row[at] = to;
                    row.sort_unstable();
                }
                break;
            }
            tries += 1;
            if tries > 100 * graph.nodes().min(1_000) {
                return false;
            }
        }
    }
    true
}
