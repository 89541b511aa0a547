//! The graph that links are made of.

use std::fmt;
use std::path::PathBuf;

use overlay_sim::topology::{EdgeList, EdgeListError, Graph};

use crate::Options;
use crate::network::MAX_PEERS;

/// The models of graphs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Topology {
    /// G(n, M): as many different links as the mean degree asks for, each set of links equally likely.
    #[default]
    ErdosRenyi,
    /// All nodes have the same degree.
    RandomRegular,
    /// Preferential attachment: each node comes with half as many links as the mean degree.
    BarabasiAlbert,
    /// The edges that are listed in a file, one a line.
    Crawl(PathBuf),
}

impl Topology {
    pub(crate) const EXPECTED: &str = "erdos-renyi, random-regular, barabasi-albert or crawl:FILE";

    /// What `--topology` takes.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "erdos-renyi" => Ok(Self::ErdosRenyi),
            None if text == "random-regular" => Ok(Self::RandomRegular),
            None if text == "barabasi-albert" => Ok(Self::BarabasiAlbert),
            Some(("crawl", file)) if !file.is_empty() => Ok(Self::Crawl(file.into())),
            _ => Err(format!("expected {}", Self::EXPECTED)),
        }
    }

    /// The graph of as many nodes and the mean degree that is asked for; a crawl has its own.
    ///
    /// # Errors
    /// There is no such graph, or no such file.
    pub(crate) fn graph(&self, options: &Options) -> Result<Graph, TopologyError> {
        let &Options { degree, seed, .. } = options;
        let nodes = options.peers.unwrap_or(PEERS);
        let most = f64::from(nodes - 1);
        let whole = |expected: &'static str, fits: bool| match fits {
            true => Ok(degree as u32),
            false => Err(TopologyError::Shape { degree, nodes, expected }),
        };
        if !matches!(self, Self::Crawl(_)) && !(0.0..=most).contains(&degree) {
            return Err(TopologyError::Degree { degree, most });
        }
        match self {
            Self::ErdosRenyi => {
                let edges = (f64::from(nodes) * degree / 2.0) as usize;
                Ok(Graph::erdos_renyi(nodes, edges, seed))
            }
            Self::RandomRegular => {
                let fits = degree.fract() == 0.0 && (f64::from(nodes) * degree) % 2.0 == 0.0;
                let degree = whole("a whole number, even for an odd number of nodes", fits)?;
                Ok(Graph::random_regular(nodes, degree, seed))
            }
            Self::BarabasiAlbert => {
                let fits = degree >= 2.0 && degree % 2.0 == 0.0;
                let links = whole("an even number from 2 on: twice the links of a new node", fits)?;
                Ok(Graph::barabasi_albert(nodes, links / 2, seed))
            }
            Self::Crawl(file) => crawl(file, options.peers),
        }
    }
}

/// How many peers there are without `--peers`.
const PEERS: u32 = 1_000;

fn crawl(file: &PathBuf, peers: Option<u32>) -> Result<Graph, TopologyError> {
    let text =
        std::fs::read(file).map_err(|error| TopologyError::File { file: file.clone(), error })?;
    let list = EdgeList::parse(&text)
        .map_err(|error| TopologyError::Crawl { file: file.clone(), error })?;
    if list.graph.edges().len() == 0 {
        return Err(TopologyError::Empty { file: file.clone() });
    }
    let (there, most) = (list.graph.nodes(), MAX_PEERS);
    if there > most {
        return Err(TopologyError::TooMany { file: file.clone(), there, most });
    }
    match peers.filter(|&peers| peers != there) {
        Some(peers) => Err(TopologyError::Peers { peers, there }),
        None => Ok(list.graph),
    }
}

/// The name as it is written on the command line, of a crawl without the directory of its file.
impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ErdosRenyi => f.write_str("erdos-renyi"),
            Self::RandomRegular => f.write_str("random-regular"),
            Self::BarabasiAlbert => f.write_str("barabasi-albert"),
            Self::Crawl(file) => {
                let name = file.file_name().unwrap_or(file.as_os_str());
                write!(f, "crawl:{}", name.to_string_lossy())
            }
        }
    }
}

/// A graph that can not be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopologyError {
    #[error("--degree {degree}: expected 0 to {most}, one less than there are peers")]
    Degree { degree: f64, most: f64 },
    #[error("--degree {degree} of {nodes} nodes: expected {expected}")]
    Shape { degree: f64, nodes: u32, expected: &'static str },
    #[error("--topology: {}: {error}", .file.display())]
    File { file: PathBuf, error: std::io::Error },
    #[error("--topology: {}: {error}", .file.display())]
    Crawl { file: PathBuf, error: EdgeListError },
    #[error("--topology: {}: no edge", .file.display())]
    Empty { file: PathBuf },
    #[error("--topology: {}: {there} peers, expected at most {most}", .file.display())]
    TooMany { file: PathBuf, there: u32, most: u32 },
    #[error("--peers {peers}: a crawl says itself how many there are, here {there}")]
    Peers { peers: u32, there: u32 },
}
