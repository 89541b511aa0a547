//! What physical links carry: stress and resource usage.

use core::time::Duration;
use std::sync::Arc;

use super::Network;
use crate::Count;

/// What each link of a [`Network`] has carried.
///
/// Where the messages counted are the copies of one, as of one flood or one packet of a multicast, a
/// link's count is its *stress* (Chu, Rao and Zhang, "A case for end system multicast", SIGMETRICS
/// 2000, section 4.1); IP multicast has stress 1 everywhere. A world keeps one for each
/// [`Cause`](crate::Cause) if [`Config::link_load`](crate::Config::link_load) says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkLoad {
    network: Arc<Network>,
    counts: Vec<Count>,
}

impl LinkLoad {
    /// Links that have carried nothing.
    pub fn new(network: Arc<Network>) -> Self {
        let counts = vec![Count::default(); network.links().len()];
        Self { network, counts }
    }

    /// A message goes from one router to another.
    ///
    /// # Panics
    /// If there is no such router.
    pub fn carry(&mut self, from: u32, to: u32, bytes: usize) {
        for link in self.network.route_back(from, to) {
            self.counts[link as usize].add(bytes);
        }
    }

    /// A message goes from one router to many by IP multicast: over each link of the tree of their
    /// routes once.
    ///
    /// # Panics
    /// If there is no such router.
    pub fn multicast(&mut self, from: u32, to: impl IntoIterator<Item = u32>, bytes: usize) {
        let mut tree: Vec<u32> =
            to.into_iter().flat_map(|to| self.network.route_back(from, to)).collect();
        tree.sort_unstable();
        tree.dedup();
        for link in tree {
            self.counts[link as usize].add(bytes);
        }
    }

    /// What each link has carried, in the order of [`Network::links`].
    pub fn links(&self) -> &[Count] {
        &self.counts
    }

    /// The most messages that any link has carried: the worst stress.
    pub fn most(&self) -> u64 {
        self.counts.iter().map(|count| count.messages).max().unwrap_or(0)
    }

    /// How many messages a link has carried on average, of those that carried any: the mean stress.
    pub fn mean(&self) -> f64 {
        let used = self.counts.iter().filter(|count| count.messages > 0).count();
        let sum: u64 = self.counts.iter().map(|count| count.messages).sum();
        sum as f64 / used.max(1) as f64
    }

    /// The sum of stress times delay over all links.
    pub fn resource_usage(&self) -> Duration {
        let links = self.network.links().iter().zip(&self.counts);
        links.map(|(link, count)| link.delay * count.messages as u32).sum()
    }
}

/// How much longer a message took through an overlay than it would have directly: the *stretch*, or
/// relative delay penalty (Chu, Rao and Zhang, section 4.1). Infinite where the direct way takes no
/// time.
pub fn stretch(overlay: Duration, direct: Duration) -> f64 {
    overlay.as_micros() as f64 / direct.as_micros() as f64
}
