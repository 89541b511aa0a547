//! The texts a simulated world is made from: edge lists, latency matrices, churn traces, names of
//! distributions.

use std::time::Duration;

use overlay_peer::Pcg32;
use overlay_sim::topology::EdgeList;
use overlay_sim::underlay::LatencyMatrix;
use overlay_sim::{Churn, Distribution};

use crate::allocation::peak;

/// Checks one input.
pub fn check(data: &[u8]) {
    let bound = 64 * data.len() + 4_096;
    let most = peak(|| edge_list(data));
    assert!(most <= bound, "an edge list of {} bytes took {most}", data.len());
    let most = peak(|| LatencyMatrix::parse(data, Duration::from_millis(1)));
    assert!(most <= bound, "a matrix of {} bytes took {most}", data.len());
    let most = peak(|| Churn::parse_trace(data).map(Iterator::count));
    assert!(most <= bound, "a trace of {} bytes took {most}", data.len());
    if let Ok(text) = std::str::from_utf8(data) {
        distribution(text);
    }
}

/// What is printed as edges again is the same graph.
fn edge_list(data: &[u8]) {
    let Ok(list) = EdgeList::parse(data) else { return };
    assert!(list.graph.edges().len() <= list.listed);
    assert_eq!(list.graph.nodes() as usize, list.labels.len());
    assert!(list.labels.windows(2).all(|pair| pair[0] < pair[1]));
    for (a, b) in list.graph.edges() {
        assert!(a < b && list.graph.has_edge(b, a));
    }
}

/// What is printed is read as the same distribution, and can be drawn from.
fn distribution(text: &str) {
    let Ok(distribution) = text.parse::<Distribution>() else { return };
    assert_eq!(distribution.check(), Ok(()));
    assert_eq!(distribution.to_string().parse(), Ok(distribution.clone()));
    let mut rng = Pcg32::new(1, 1);
    for _ in 0..20 {
        assert!(distribution.sample(&mut rng) >= 0.0, "{distribution}");
        assert!(distribution.sample_rest(&mut rng) >= 0.0, "{distribution}");
    }
}
