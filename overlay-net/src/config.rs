//! The settings of a node.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use overlay_peer::Time;

/// How a [`Node`](crate::Node) listens, what it contacts, and its bounds. `Config::default()` listens
/// on a free port of the loopback and contacts public addresses only.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 is any free one. `None`: nobody can connect, and there are no datagrams.
    pub listen: Option<SocketAddr>,
    /// Whether to bind the UDP port of the same number, too.
    pub datagrams: bool,
    /// Whether private, loopback and link-local addresses are contacted; see
    /// [`is_public`](crate::is_public). Without it a connect there fails as unreachable, and a datagram
    /// is dropped. Who comes from there is let in either way: `listen` decides that.
    pub allow_private: bool,
    /// The peer's randomness comes from this and [`number`](Self::number). It has to be a secret
    /// where GUIDs and the like must not be guessed, and no two nodes may have the same, or they take
    /// each other's GUIDs for their own. Drawn at random for each default.
    pub seed: u64,
    /// The peer's number, of several with one seed.
    pub number: u32,
    /// The least delay of a timer; delays are rounded up to it.
    pub tick: Duration,
    /// The most TCP connections at a time: those being opened, and those closed that still have
    /// something to send, count too. Beyond seven eighths of it nobody is let in, so that the peer can
    /// still connect to others.
    pub max_links: usize,
    /// The most connections that come from one IPv4 address, or from one network of 64 bits of IPv6.
    pub max_per_address: usize,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long a closed link may take to send what was queued.
    pub close_timeout: Duration,
    /// A link with something queued of which the other side takes nothing for so long has timed out.
    /// An idle connection is probed by TCP after this time.
    pub stall_timeout: Duration,
    /// Queued bytes on a link above which its peer is told it is congested.
    pub congested_above: usize,
    /// Queued bytes below which a link counts as writable again.
    pub writable_below: usize,
    /// Queued bytes on a link at which it is closed as slow.
    pub queue_limit: usize,
    /// Queued bytes on all links together, at which the link with the longest queue is closed as
    /// slow.
    pub total_queue_limit: usize,
    /// A link that has received so many bytes without a whole message is closed as malformed. Messages
    /// must be shorter.
    pub input_limit: usize,
    /// Bytes a second that are sent at most, on all links and as datagrams.
    pub send_rate: Option<NonZeroU64>,
    /// Bytes a second that are received at most, on all links.
    pub receive_rate: Option<NonZeroU64>,
    /// The most reads and writes of stored data under way; more fail.
    pub store_queue: usize,
    /// Where the time comes from, if not from the system's monotonic clock: for tests that replay a
    /// run. It must not go back.
    pub clock: Option<Arc<dyn Fn() -> Time + Send + Sync>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)),
            datagrams: true,
            allow_private: false,
            seed: random_seed(),
            number: 0,
            tick: Duration::from_millis(1),
            max_links: 1_024,
            max_per_address: 32,
            connect_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
            congested_above: 256 << 10,
            writable_below: 64 << 10,
            queue_limit: 2 << 20,
            total_queue_limit: 64 << 20,
            input_limit: 256 << 10,
            send_rate: None,
            receive_rate: None,
            store_queue: 1_024,
            clock: None,
        }
    }
}

/// The hasher's keys, which come from the system and are others each time; no map is made of them.
#[allow(clippy::disallowed_types)]
fn random_seed() -> u64 {
    std::hash::RandomState::new().hash_one(0)
}

impl core::fmt::Debug for Config {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The seed may be a secret.
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("datagrams", &self.datagrams)
            .field("allow_private", &self.allow_private)
            .field("max_links", &self.max_links)
            .field("max_per_address", &self.max_per_address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_nodes_have_the_same_seed() {
        let seeds: Vec<u64> = (0..100).map(|_| Config::default().seed).collect();
        assert!(seeds.iter().enumerate().all(|(n, seed)| !seeds[..n].contains(seed)));
    }
}
