//! Graphs in which nothing is left to chance.

use super::{Graph, key};

impl Graph {
    /// The tree in which every node but the leaves has `degree` neighbours and every leaf is `depth`
    /// edges from node 0: a flood from there reaches Σ n(n−1)^(i−1) nodes, i = 1..depth. Nodes are
    /// numbered level by level.
    ///
    /// # Panics
    /// If the tree has 2³¹ nodes or more.
    pub fn regular_tree(degree: u32, depth: u32) -> Self {
        let mut edges = Vec::new();
        // The last level so far, and the number of nodes.
        let (mut first, mut nodes) = (0u32, 1u32);
        for level in 0..depth {
            let children = if level == 0 { degree } else { degree.saturating_sub(1) };
            let (parents, end) = (first..nodes, nodes);
            for parent in parents {
                for _ in 0..children {
                    assert!(nodes < 1 << 31, "a tree of 2^31 nodes");
                    edges.push(key(parent, nodes));
                    nodes += 1;
                }
            }
            first = end;
        }
        Self::from_keys(nodes, edges)
    }

    /// The tree in which node `i` hangs on node `(i − 1) / children`: all levels but the last are
    /// full.
    ///
    /// # Panics
    /// If `children` is 0 and there are nodes to hang somewhere.
    pub fn balanced_tree(nodes: u32, children: u32) -> Self {
        assert!(children > 0 || nodes < 2, "{nodes} nodes without children");
        Self::new(nodes, (1..nodes).map(|node| ((node - 1) / children, node)))
    }

    /// A ring in which each node is linked to the `each_side` nodes before and after it: where small
    /// worlds begin (Watts and Strogatz, Nature 393, 1998).
    pub fn ring_lattice(nodes: u32, each_side: u32) -> Self {
        let reach = each_side.min(nodes / 2);
        let around = move |node: u32, step: u32| {
            ((u64::from(node) + u64::from(step)) % u64::from(nodes)) as u32
        };
        let links =
            (0..nodes).flat_map(|node| (1..=reach).map(move |step| (node, around(node, step))));
        Self::new(nodes, links)
    }
}
