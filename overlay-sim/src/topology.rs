//! Graphs to wire peers by, and an independent search on them to check floods against.
//!
//! A [`Graph`] is held as compressed sparse rows: 4 bytes a node and 8 bytes an edge, each node's
//! neighbours in ascending order. The models are its constructors: [`Graph::erdos_renyi`],
//! [`Graph::random_regular`], [`Graph::barabasi_albert`], [`Graph::random_tree`] draw from a seed;
//! [`Graph::regular_tree`], [`Graph::balanced_tree`], [`Graph::ring_lattice`] are what they are;
//! [`EdgeList::parse`] reads a crawl of a real network.

mod edge_list;
mod random;
mod regular;

pub use edge_list::{EdgeList, EdgeListError, EdgeListErrorKind};

/// An undirected graph without loops or double edges; nodes are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Where each node's neighbours begin in `targets`; one more entry marks the end.
    starts: Vec<u32>,
    targets: Vec<u32>,
}

/// An edge as one number, which sorts by the first node, then by the second.
fn key(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

fn ends(key: u64) -> (u32, u32) {
    ((key >> 32) as u32, key as u32)
}

impl Graph {
    /// The graph with these edges; loops and repetitions are left out. Takes 8 bytes an edge more
    /// than the graph while it works.
    ///
    /// # Panics
    /// If an edge names a node that is not below `nodes`, or there are 2³¹ edges.
    pub fn new(nodes: u32, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self::from_keys(nodes, edges.into_iter().map(|(a, b)| key(a, b)).collect())
    }

    fn from_keys(nodes: u32, keys: Vec<u64>) -> Self {
        let mut graph = Self::with_repetitions(nodes, &keys);
        drop(keys);
        graph.simplify();
        graph
    }

    /// Rows with everything the edges say: a loop is twice in its node's row.
    fn with_repetitions(nodes: u32, keys: &[u64]) -> Self {
        assert!(keys.len() < 1 << 31, "{} edges, 2^31 - 1 at most", keys.len());
        let mut starts = vec![0u32; nodes as usize + 1];
        for &edge in keys {
            let (a, b) = ends(edge);
            assert!(a < nodes && b < nodes, "edge {a}–{b} among {nodes} nodes");
            starts[a as usize] += 1;
            starts[b as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        // Each row is filled from its end, so that its start is right when it is full.
        let mut targets = vec![0; 2 * keys.len()];
        let mut put = |row: u32, target: u32| {
            let start = &mut starts[row as usize];
            *start -= 1;
            targets[*start as usize] = target;
        };
        for &edge in keys {
            let (a, b) = ends(edge);
            put(a, b);
            put(b, a);
        }
        let mut graph = Self { starts, targets };
        for node in 0..nodes {
            graph.row_mut(node).sort_unstable();
        }
        graph
    }

    /// Leaves out loops and repetitions, from sorted rows.
    fn simplify(&mut self) {
        let (mut write, mut start) = (0, 0);
        for node in 0..self.nodes() {
            let end = self.starts[node as usize + 1] as usize;
            let first = write;
            for read in start..end {
                let target = self.targets[read];
                if target != node && (write == first || self.targets[write - 1] != target) {
                    self.targets[write] = target;
                    write += 1;
                }
            }
            start = end;
            self.starts[node as usize + 1] = write as u32;
        }
        self.targets.truncate(write);
        self.targets.shrink_to_fit();
    }

    fn row_mut(&mut self, node: u32) -> &mut [u32] {
        let (start, end) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &mut self.targets[start as usize..end as usize]
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> u32 {
        (self.starts.len() - 1) as u32
    }

    /// The edges, the lower number first, in ascending order.
    pub fn edges(&self) -> Edges<'_> {
        Edges { graph: self, node: 0, next: 0, left: self.targets.len() / 2 }
    }

    /// The nodes an edge away, in ascending order.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn neighbours(&self, node: u32) -> &[u32] {
        let (start, end) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &self.targets[start as usize..end as usize]
    }

    /// How many neighbours a node has.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn degree(&self, node: u32) -> usize {
        self.neighbours(node).len()
    }

    /// Whether there is an edge between two nodes, by binary search.
    ///
    /// # Panics
    /// If there is no node `a`.
    pub fn has_edge(&self, a: u32, b: u32) -> bool {
        self.neighbours(a).binary_search(&b).is_ok()
    }

    /// How far each node is from `source`, in edges, by breadth-first search; `None` where there is
    /// no way.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn distances(&self, source: u32) -> Vec<Option<u32>> {
        let mut distances = vec![None; self.nodes() as usize];
        self.search(source, u32::MAX, |node, distance| {
            let seen = &mut distances[node as usize];
            let first = seen.is_none();
            if first {
                *seen = Some(distance);
            }
            first
        });
        distances
    }

    /// How many other nodes lie within `ttl` edges of `source`. Nodes farther away are not looked
    /// at, and 1 bit a node is needed.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn reach(&self, source: u32, ttl: u32) -> usize {
        let mut seen = vec![0u64; (self.nodes() as usize).div_ceil(64)];
        let mut count = 0;
        self.search(source, ttl, |node, _| {
            let (word, bit) = (&mut seen[node as usize / 64], 1 << (node % 64));
            let first = *word & bit == 0;
            *word |= bit;
            count += usize::from(first);
            first
        });
        count - 1
    }

    /// Breadth first from `source` to `ttl` edges away. `visit` says whether a node is new to it.
    fn search(&self, source: u32, ttl: u32, mut visit: impl FnMut(u32, u32) -> bool) {
        visit(source, 0);
        let mut frontier = vec![source];
        let mut next = Vec::new();
        let mut distance = 0;
        while !frontier.is_empty() && distance < ttl {
            distance += 1;
            for node in frontier.drain(..) {
                let row = self.neighbours(node).iter();
                next.extend(row.filter(|&&neighbour| visit(neighbour, distance)));
            }
            core::mem::swap(&mut frontier, &mut next);
        }
    }

    /// Which connected component each node belongs to, named by its lowest node.
    pub fn components(&self) -> Vec<u32> {
        let mut component = vec![u32::MAX; self.nodes() as usize];
        for lowest in 0..self.nodes() {
            if component[lowest as usize] == u32::MAX {
                self.search(lowest, u32::MAX, |node, _| {
                    let seen = &mut component[node as usize];
                    let first = *seen == u32::MAX;
                    *seen = lowest;
                    first
                });
            }
        }
        component
    }

    /// Whether there is a way between any two nodes.
    pub fn is_connected(&self) -> bool {
        self.nodes() == 0 || self.reach(0, u32::MAX) + 1 == self.nodes() as usize
    }
}

/// The edges of a graph, see [`Graph::edges`].
#[derive(Clone, Debug)]
pub struct Edges<'a> {
    graph: &'a Graph,
    node: u32,
    /// Where in the targets.
    next: usize,
    left: usize,
}

impl Iterator for Edges<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        while let Some(&target) = self.graph.targets.get(self.next) {
            while self.graph.starts[self.node as usize + 1] as usize <= self.next {
                self.node += 1;
            }
            self.next += 1;
            if target > self.node {
                self.left -= 1;
                return Some((self.node, target));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Edges<'_> {}
