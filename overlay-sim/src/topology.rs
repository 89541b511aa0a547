//! Random graphs to wire peers by, and an independent search on them to check floods against.

use std::collections::{BTreeSet, VecDeque};

use overlay_peer::Pcg32;

use crate::failure::below;

/// An undirected graph without loops or double edges; nodes are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    nodes: u32,
    edges: BTreeSet<(u32, u32)>,
    neighbours: Vec<Vec<u32>>,
}

impl Graph {
    /// The graph with these edges; loops and repetitions are left out.
    ///
    /// # Panics
    /// If an edge names a node that is not below `nodes`.
    pub fn new(nodes: u32, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut graph =
            Self { nodes, edges: BTreeSet::new(), neighbours: vec![Vec::new(); nodes as usize] };
        for (a, b) in edges {
            graph.add(a, b);
        }
        graph
    }

    /// G(n, M) of Erdős and Rényi: `edges` different edges, each set of edges equally likely.
    ///
    /// # Panics
    /// If there are not that many pairs of nodes.
    pub fn erdos_renyi(nodes: u32, edges: usize, seed: u64) -> Self {
        let pairs = u64::from(nodes) * u64::from(nodes.saturating_sub(1)) / 2;
        assert!(edges as u64 <= pairs, "{edges} edges between {nodes} nodes");
        let mut rng = Pcg32::new(seed, 0x6772_6170);
        let mut graph = Self::new(nodes, []);
        while graph.edges.len() < edges {
            let a = below(&mut rng, u64::from(nodes)) as u32;
            let b = below(&mut rng, u64::from(nodes)) as u32;
            graph.add(a, b);
        }
        graph
    }

    fn add(&mut self, a: u32, b: u32) {
        assert!(a < self.nodes && b < self.nodes, "edge {a}–{b} among {} nodes", self.nodes);
        if a != b && self.edges.insert((a.min(b), a.max(b))) {
            self.neighbours[a as usize].push(b);
            self.neighbours[b as usize].push(a);
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// The edges, the lower number first, in ascending order.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = (u32, u32)> {
        self.edges.iter().copied()
    }

    /// The nodes an edge away.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn neighbours(&self, node: u32) -> &[u32] {
        &self.neighbours[node as usize]
    }

    /// How far each node is from `source`, in edges, by breadth-first search; `None` where there is
    /// no way.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn distances(&self, source: u32) -> Vec<Option<u32>> {
        let mut distances = vec![None; self.nodes as usize];
        distances[source as usize] = Some(0);
        let mut frontier = VecDeque::from([(source, 0)]);
        while let Some((node, distance)) = frontier.pop_front() {
            for &next in self.neighbours(node) {
                let seen = &mut distances[next as usize];
                if seen.is_none() {
                    *seen = Some(distance + 1);
                    frontier.push_back((next, distance + 1));
                }
            }
        }
        distances
    }

    /// How many other nodes lie within `ttl` edges of `source`.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn reach(&self, source: u32, ttl: u32) -> usize {
        let within = |distance: &Option<u32>| distance.is_some_and(|d| d > 0 && d <= ttl);
        self.distances(source).iter().filter(|distance| within(distance)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ n(n−1)^(i−1): a tree of degree 4, counted level by level.
    #[test]
    fn reach_on_a_tree_is_the_geometric_sum() {
        let (mut edges, mut level, mut nodes) = (Vec::new(), vec![0u32], 1u32);
        for depth in 0..5 {
            let mut below = Vec::new();
            for &parent in &level {
                for _ in 0..if depth == 0 { 4 } else { 3 } {
                    edges.push((parent, nodes));
                    below.push(nodes);
                    nodes += 1;
                }
            }
            level = below;
        }
        let tree = Graph::new(nodes, edges);
        let reach: Vec<usize> = (1..=5).map(|ttl| tree.reach(0, ttl)).collect();
        assert_eq!(reach, [4, 16, 52, 160, 484]);
    }

    #[test]
    fn erdos_renyi_has_the_edges_asked_for_and_repeats() {
        let graph = Graph::erdos_renyi(100, 200, 3);
        assert_eq!(graph.edges().len(), 200);
        assert_eq!(graph, Graph::erdos_renyi(100, 200, 3));
        assert_ne!(graph, Graph::erdos_renyi(100, 200, 4));
    }
}
