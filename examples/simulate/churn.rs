//! Which peers leave and come back, and when.

use std::fmt;
use std::path::PathBuf;

use overlay_sim::churn::ChurnTraceError;
use overlay_sim::{Churn, ChurnModel, Distribution, Start};

use crate::Options;

/// The models of comings and goings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ChurnName {
    /// All stay.
    #[default]
    None,
    /// How long a session goes on does not depend on how long it has lasted.
    Exponential,
    /// A heavy tail: shape 2.
    Pareto,
    /// In between: shape 0.5.
    Weibull,
    /// As a file says, an event a line.
    Trace(PathBuf),
}

impl ChurnName {
    pub(crate) const EXPECTED: &str = "none, exponential, pareto, weibull or trace:FILE";

    /// What `--churn` takes.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "exponential" => Ok(Self::Exponential),
            None if text == "pareto" => Ok(Self::Pareto),
            None if text == "weibull" => Ok(Self::Weibull),
            Some(("trace", file)) if !file.is_empty() => Ok(Self::Trace(file.into())),
            _ => Err(format!("expected {}", Self::EXPECTED)),
        }
    }

    /// Whether lengths are drawn from a model.
    pub(crate) fn is_drawn(&self) -> bool {
        !matches!(self, Self::None | Self::Trace(_))
    }

    /// Lengths of this mean.
    fn distribution(&self, mean: f64) -> Distribution {
        const PARETO: f64 = 2.0;
        const WEIBULL: f64 = 0.5;
        match self {
            Self::Pareto => {
                Distribution::Pareto { shape: PARETO, scale: mean * (PARETO - 1.0) / PARETO }
            }
            Self::Weibull => {
                let scale = mean / libm::tgamma(1.0 + 1.0 / WEIBULL);
                Distribution::Weibull { shape: WEIBULL, scale }
            }
            Self::None | Self::Exponential | Self::Trace(_) => Distribution::Exponential { mean },
        }
    }

    /// The comings and goings of these peers; `None` if there are none.
    ///
    /// # Errors
    /// There is no such file, or it is no trace of these peers.
    pub(crate) fn churn(&self, options: &Options, peers: u32) -> Result<Option<Churn>, ChurnError> {
        match self {
            Self::None => Ok(None),
            Self::Exponential | Self::Pareto | Self::Weibull => {
                let model = ChurnModel {
                    sessions: self.distribution(options.session),
                    // Whatever the sessions are.
                    pauses: Distribution::Exponential { mean: options.pause() },
                    graceful: 1.0 - options.crashes,
                    start: Start::Steady,
                };
                Ok(Some(Churn::drawn(model, peers, options.seed)))
            }
            Self::Trace(file) => trace(file, peers).map(Some),
        }
    }
}

fn trace(file: &PathBuf, peers: u32) -> Result<Churn, ChurnError> {
    let text =
        std::fs::read(file).map_err(|error| ChurnError::File { file: file.clone(), error })?;
    let parse = || {
        Churn::parse_trace(&text).map_err(|error| ChurnError::Trace { file: file.clone(), error })
    };
    // The iterator is used up by looking at it.
    match parse()?.map(|event| event.peer.0).max() {
        Some(peer) if peer >= peers => Err(ChurnError::Peer { file: file.clone(), peer, peers }),
        _ => parse(),
    }
}

/// The name as it is written on the command line, of a trace without the directory of its file.
impl fmt::Display for ChurnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Exponential => f.write_str("exponential"),
            Self::Pareto => f.write_str("pareto"),
            Self::Weibull => f.write_str("weibull"),
            Self::Trace(file) => {
                let name = file.file_name().unwrap_or(file.as_os_str());
                write!(f, "trace:{}", name.to_string_lossy())
            }
        }
    }
}

/// A trace that is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChurnError {
    #[error("--churn: {}: {error}", .file.display())]
    File { file: PathBuf, error: std::io::Error },
    #[error("--churn: {}: {error}", .file.display())]
    Trace { file: PathBuf, error: ChurnTraceError },
    #[error("--churn: {}: peer {peer}, but peers are numbered from 0 to {}", .file.display(), .peers - 1)]
    Peer { file: PathBuf, peer: u32, peers: u32 },
}
