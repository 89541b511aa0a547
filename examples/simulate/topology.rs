//! The graph that the links are.

use clap::ValueEnum;
use overlay_sim::topology::Graph;

use crate::Options;

/// The models of graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topology {
    /// G(n, M): as many different links as the mean degree asks for, each set of links equally likely.
    ErdosRenyi,
}

/// The links to make, as pairs of peers. The first of a pair opens the link.
///
/// # Errors
/// There are not that many pairs of peers.
pub(crate) fn links(options: &Options) -> Result<Vec<(u32, u32)>, TopologyError> {
    let &Options { peers, degree, seed, .. } = options;
    let most = f64::from(peers - 1);
    if !(0.0..=most).contains(&degree) {
        return Err(TopologyError::Degree { degree, most });
    }
    let edges = (f64::from(peers) * degree / 2.0) as usize;
    let graph = match options.topology {
        Topology::ErdosRenyi => Graph::erdos_renyi(peers, edges, seed),
    };
    Ok(graph.edges().collect())
}

/// A graph that can not be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum TopologyError {
    /// More than a link to everyone, or no number.
    #[error("--degree {degree}: expected 0 to {most}, one less than there are peers")]
    Degree {
        /// What was asked for.
        degree: f64,
        /// The most.
        most: f64,
    },
}
