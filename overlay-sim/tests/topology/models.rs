//! Laws of the models.

use std::collections::BTreeSet;

use overlay_sim::topology::Graph;
use proptest::prelude::*;

fn is_simple(graph: &Graph) -> bool {
    (0..graph.nodes()).all(|node| {
        let row = graph.neighbours(node);
        row.windows(2).all(|pair| pair[0] < pair[1])
            && row.iter().all(|&other| other != node && graph.has_edge(other, node))
    })
}

fn degrees(graph: &Graph) -> impl Iterator<Item = usize> {
    (0..graph.nodes()).map(|node| graph.degree(node))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    /// Rows say what a set of pairs says.
    #[test]
    fn same_as_a_set_of_edges(
        nodes in 1u32..30,
        edges in proptest::collection::vec((0u32..30, 0u32..30), 0..200),
    ) {
        let inside = edges.into_iter().map(|(a, b)| (a % nodes, b % nodes));
        let edges: Vec<_> = inside.collect();
        let graph = Graph::new(nodes, edges.iter().copied());
        let different = edges.iter().filter(|(a, b)| a != b);
        let set: BTreeSet<_> = different.map(|&(a, b)| (a.min(b), a.max(b))).collect();
        prop_assert!(graph.edges().eq(set.iter().copied()));
        prop_assert_eq!(graph.edges().len(), set.len());
        for node in 0..nodes {
            let row = (0..nodes).filter(|&o| set.contains(&(node.min(o), node.max(o))));
            prop_assert!(graph.neighbours(node).iter().copied().eq(row));
        }
    }

    /// `reach` is `distances`, counted; a component is what has a distance.
    #[test]
    fn reach_counts_distances(nodes in 1u32..60, share in 0.0f64..0.1, seed: u64, ttl in 0u32..9) {
        let edges = (share * f64::from(nodes * (nodes - 1) / 2)) as usize;
        let graph = Graph::erdos_renyi(nodes, edges, seed);
        let distances = graph.distances(0);
        let near = |d: &&Option<u32>| d.is_some_and(|d| d > 0 && d <= ttl);
        prop_assert_eq!(graph.reach(0, ttl), distances.iter().filter(near).count());
        let components = graph.components();
        for (node, distance) in distances.iter().enumerate() {
            prop_assert_eq!(distance.is_some(), components[node] == 0);
        }
        prop_assert_eq!(graph.is_connected(), distances.iter().all(Option::is_some));
    }

    #[test]
    fn erdos_renyi_has_the_edges_asked_for(nodes in 0u32..40, share in 0.0f64..=1.0, seed: u64) {
        let pairs = nodes * nodes.saturating_sub(1) / 2;
        let edges = (share * f64::from(pairs)) as usize;
        let graph = Graph::erdos_renyi(nodes, edges, seed);
        prop_assert_eq!(graph.edges().len(), edges);
        prop_assert!(is_simple(&graph));
        prop_assert_eq!(&graph, &Graph::erdos_renyi(nodes, edges, seed));
    }

    #[test]
    fn random_regular_is_simple_and_regular(nodes in 1u32..40, share in 0.0f64..1.0, seed: u64) {
        let degree = (share * f64::from(nodes)) as u32;
        // Both odd is impossible.
        let nodes = nodes + nodes % 2 * (degree % 2);
        let graph = Graph::random_regular(nodes, degree, seed);
        prop_assert!(is_simple(&graph));
        prop_assert!(degrees(&graph).all(|d| d == degree as usize));
        prop_assert_eq!(&graph, &Graph::random_regular(nodes, degree, seed));
    }

    #[test]
    fn barabasi_albert_grows_link_by_link(nodes in 0u32..200, links in 1u32..6, seed: u64) {
        let graph = Graph::barabasi_albert(nodes, links, seed);
        let core = nodes.min(links + 1);
        prop_assert!(is_simple(&graph));
        let edges = core * core.saturating_sub(1) / 2 + (nodes - core) * links;
        prop_assert_eq!(graph.edges().len(), edges as usize);
        prop_assert!(nodes <= links || degrees(&graph).all(|d| d >= links as usize));
        prop_assert!(graph.is_connected());
    }

    #[test]
    fn a_random_tree_is_a_tree(nodes in 1u32..200, seed: u64) {
        let tree = Graph::random_tree(nodes, seed);
        prop_assert_eq!(tree.edges().len(), nodes as usize - 1);
        prop_assert!(tree.is_connected());
    }

    #[test]
    fn a_balanced_tree_is_a_tree(nodes in 1u32..200, children in 1u32..6) {
        let tree = Graph::balanced_tree(nodes, children);
        prop_assert_eq!(tree.edges().len(), nodes as usize - 1);
        prop_assert!(tree.is_connected());
        prop_assert!(degrees(&tree).all(|d| d <= children as usize + 1));
    }

    #[test]
    fn a_ring_lattice_is_regular(nodes in 1u32..100, each_side in 0u32..10) {
        let graph = Graph::ring_lattice(nodes, each_side);
        let degree = (2 * each_side).min(nodes - 1) as usize;
        prop_assert!(degrees(&graph).all(|d| d == degree));
        prop_assert!(each_side == 0 || graph.is_connected());
    }
}

/// The published counts of hosts that a flood reaches: degree 4 and TTL 7 make 4,372.
#[test]
fn reach_on_a_regular_tree_is_the_geometric_sum() {
    for (degree, depth, reached) in
        [(4, 7, 4_372), (5, 7, 27_305), (6, 7, 117_186), (2, 5, 10), (1, 3, 1), (0, 3, 0)]
    {
        let tree = Graph::regular_tree(degree, depth);
        assert_eq!(tree.reach(0, depth), reached, "degree {degree}, depth {depth}");
        assert_eq!(tree.nodes() as usize, reached + 1);
    }
    let tree = Graph::regular_tree(4, 5);
    let reach: Vec<usize> = (1..=5).map(|ttl| tree.reach(0, ttl)).collect();
    assert_eq!(reach, [4, 16, 52, 160, 484]);
}

/// There are 70 labelled cubic graphs with 6 nodes: 60 prisms and 10 copies of K(3,3).
#[test]
fn each_cubic_graph_on_six_nodes_is_drawn() {
    let drawn: BTreeSet<Vec<_>> =
        (0..3_000).map(|seed| Graph::random_regular(6, 3, seed).edges().collect()).collect();
    assert_eq!(drawn.len(), 70);
}

/// Each of the 4^2 labelled trees with 4 nodes is equally likely: χ² of 15 degrees of freedom.
#[test]
fn each_labelled_tree_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::new();
    for seed in 0..16_000 {
        let edges: Vec<_> = Graph::random_tree(4, seed).edges().collect();
        *counts.entry(edges).or_insert(0u32) += 1;
    }
    assert_eq!(counts.len(), 16);
    let chi: f64 = counts.values().map(|&n| (f64::from(n) - 1_000.0).powi(2) / 1_000.0).sum();
    assert!(chi < 44.3, "chi squared {chi}, 1 in 10,000 is above 44.3");
}

/// Of a network that grew by preferential attachment, m(m+1) / k(k+1) of the nodes have k links or
/// more (Dorogovtsev, Mendes and Samukhin, Phys. Rev. Lett. 85, 2000).
#[test]
fn barabasi_albert_has_the_tail() {
    let (nodes, links) = (50_000, 3);
    let graph = Graph::barabasi_albert(nodes, links, 1);
    for k in [3, 4, 6, 10, 20, 50] {
        let expected = f64::from(links * (links + 1)) / f64::from(k * (k + 1));
        let share = degrees(&graph).filter(|&d| d >= k as usize).count() as f64 / f64::from(nodes);
        let sigma = (expected * (1.0 - expected) / f64::from(nodes)).sqrt();
        assert!((share - expected).abs() < 5.0 * sigma + 1e-4, "{k}: {share}, not {expected}");
    }
}

/// Degrees of G(n, M) are nearly Poisson, so that e^(−mean) of the nodes have none.
#[test]
fn erdos_renyi_leaves_the_right_share_alone() {
    let graph = Graph::erdos_renyi(50_000, 50_000, 1);
    let alone = degrees(&graph).filter(|&d| d == 0).count() as f64 / 50_000.0;
    assert!((alone - (-2.0f64).exp()).abs() < 0.005, "{alone}");
}

/// In a random tree, 1/e of the nodes are leaves.
#[test]
fn a_random_tree_has_the_right_share_of_leaves() {
    let tree = Graph::random_tree(50_000, 1);
    let leaves = degrees(&tree).filter(|&d| d == 1).count() as f64 / 50_000.0;
    assert!((leaves - (-1.0f64).exp()).abs() < 0.005, "{leaves}");
}

/// A drawn graph must not drift: runs are told apart by their seeds alone.
#[test]
fn drawn_graphs_are_frozen() {
    let first = |graph: Graph| graph.edges().take(6).collect::<Vec<_>>();
    let frozen = [
        first(Graph::erdos_renyi(1_000, 2_000, 7)),
        first(Graph::random_regular(1_000, 4, 7)),
        first(Graph::barabasi_albert(1_000, 2, 7)),
        first(Graph::random_tree(1_000, 7)),
    ];
    assert_eq!(
        frozen,
        [
            [(0, 63), (0, 81), (0, 684), (0, 739), (0, 750), (0, 927)],
            [(0, 658), (0, 681), (0, 720), (0, 840), (1, 44), (1, 67)],
            [(0, 1), (0, 2), (0, 3), (0, 8), (0, 17), (0, 18)],
            [(0, 530), (0, 739), (1, 221), (2, 898), (3, 236), (3, 454)],
        ]
    );
}
