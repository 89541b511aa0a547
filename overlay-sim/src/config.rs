//! What a world is like apart from its peers.

use core::time::Duration;

use crate::Underlay;

/// The settings of a [`World`](crate::World). `Config::default()` is a lossless world with delays
/// between 10 and 150 ms, seed 0 and unchecked messages.
#[derive(Clone, Debug)]
pub struct Config {
    /// All randomness, of the world and of its peers, comes from this.
    pub seed: u64,
    /// The length of a tick; effects take at least one. Delays are rounded up to whole ticks.
    pub tick: Duration,
    /// Whether each message is encoded, decoded in the phase its receiver is in, and compared on its
    /// way. What is no whole message in that phase closes the link as malformed. A message that
    /// decodes to another one is a defect of its codec, and panics, unless the two sides disagree
    /// about the phase: then the receiver gets what the bytes are to it.
    pub checked: bool,
    /// How long a message is under way, apart from the time it takes to leave.
    pub underlay: Underlay,
    /// Whether to count what each physical link carries, if the underlay is
    /// [`Routed`](Underlay::Routed); see [`World::link_load`](crate::World::link_load).
    pub link_load: bool,
    /// The share of datagrams that get lost, 0 to 1.
    pub datagram_loss: f64,
    /// The share of datagrams that arrive twice, 0 to 1.
    pub datagram_duplicates: f64,
    /// The most that a datagram is late beyond the underlay's delay, each by a random part of it.
    pub datagram_jitter: Duration,
    /// The share of datagrams that are held up for [`datagram_hold`](Self::datagram_hold), so that
    /// later ones overtake them, 0 to 1.
    pub datagram_reorder: f64,
    /// How long.
    pub datagram_hold: Duration,
    /// How long a connect to nobody, or to a filtering NAT, takes to fail.
    pub connect_timeout: Duration,
    /// How long the other ends of a crashed peer's links take to notice.
    pub detect_crash: Duration,
    /// How long a read or write of stored data takes.
    pub store_delay: Duration,
    /// Queued bytes on a link above which its sender is told it is congested.
    pub congested_above: usize,
    /// Queued bytes below which a link counts as writable again.
    pub writable_below: usize,
    /// Queued bytes on a link at which it is closed as slow.
    pub queue_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            tick: Duration::from_millis(1),
            checked: false,
            underlay: Underlay::default(),
            link_load: false,
            datagram_loss: 0.0,
            datagram_duplicates: 0.0,
            datagram_jitter: Duration::ZERO,
            datagram_reorder: 0.0,
            datagram_hold: Duration::from_millis(100),
            connect_timeout: Duration::from_secs(3),
            detect_crash: Duration::from_secs(60),
            store_delay: Duration::from_millis(1),
            congested_above: 256 << 10,
            writable_below: 64 << 10,
            queue_limit: 16 << 20,
        }
    }
}
