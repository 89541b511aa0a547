//! What a servent is told about itself, and its settings.

use alloc::sync::Arc;
use core::time::Duration;

use gnutella_wire::{Guid, TtlRules};
use overlay_peer::Address;

use crate::{Capabilities, Settings06};

/// What one servent is told about itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names this servent in its hits; a Push is sent to it.
    pub servent: Guid,
    /// Others can not connect to this servent: its hits ask for a Push.
    pub firewalled: bool,
    /// Where others can connect to, as told in Pongs, hits and Pushes. `None`: the local address.
    /// Gnutella 0.4 can only tell IPv4 addresses; a servent with another one counts as firewalled.
    pub advertise: Option<Address>,
    /// What it can do, for the election of ultrapeers; of no matter in 0.4.
    pub capabilities: Capabilities,
    /// What many servents share.
    pub settings: Arc<Settings>,
}

impl Config {
    /// A servent that is not firewalled, advertises its local address and has the default settings.
    pub fn new(servent: Guid) -> Self {
        Self {
            servent,
            firewalled: false,
            advertise: None,
            capabilities: Capabilities::default(),
            settings: Arc::default(),
        }
    }
}

/// How servents behave, and the bounds on what they keep. Many servents can share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `None`: it speaks 0.4 only. Otherwise 0.6, and 0.4 with who does not; then numbers of links,
    /// and the TTL of queries, are those given there, and exploring Pings need a TTL of 3 or more.
    pub v06: Option<Settings06>,
    /// The TTL of a Query, of a Push, and the longest way of anything.
    pub ttl: u8,
    /// The TTL of the Ping with which a servent explores: on the first link it opens, and later with
    /// its keep-alive Pings while it lacks neighbours, as long as it knows fewer hosts than
    /// [`explore_below`](Self::explore_below). On other new links the Ping has TTL 1. With 0 there is
    /// no Ping on new links at all.
    pub ping_ttl: u8,
    /// A servent that knows so many hosts does not explore.
    pub explore_below: usize,
    /// What TTLs and hops of others are accepted.
    pub ttl_rules: TtlRules,
    /// The servent connects to hosts it knows until it has so many links; 0: only to the hosts named
    /// in a [`Command::Join`](crate::Command::Join).
    pub target_links: usize,
    /// The most links to neighbours, those still in their handshake included if this servent opened
    /// them; at most [`Settings::LINKS`].
    pub max_links: usize,
    /// How often each neighbour is sent a Ping with TTL 1, so that a dead one is noticed; `None` for
    /// never. A neighbour that says nothing at all during three of them is closed.
    pub ping_interval: Option<Duration>,
    /// How long connecting and the handshake may take.
    pub handshake_timeout: Duration,
    /// How long a servent waits before it looks for a new neighbour; doubles with each time it still
    /// has too few of them, up to 64 times as long. Up to half of it is added at random.
    pub reconnect_delay: Duration,
    /// The speed told in hits, in kbit/s; queries that ask for more are not answered.
    pub speed: u32,
    /// The longest query text, in bytes, that is answered or passed on.
    pub query_bytes: usize,
    /// The most steps that a random walker may take in all to be passed on; 0: none is. See
    /// [`Strategy::RandomWalks`](crate::Strategy::RandomWalks).
    pub walk_steps: u8,
    /// Own Queries start with hops drawn from 0 to this, so that a neighbour can not be sure who asked.
    /// Their TTL is lower where TTL and hops together would pass [`ttl_rules`](Self::ttl_rules): they
    /// reach less. 0, as everybody expects it, hides nothing.
    pub hide_hops: u8,
    /// Tell the user what others search: [`Event::Overheard`](crate::Event::Overheard).
    pub monitor: bool,
    /// The most results in a hit.
    pub results: usize,
    /// How long a GUID is remembered at least (twice as long at most), unless
    /// [`routes`](Self::routes) come in faster.
    pub route_lifetime: Duration,
    /// How many GUIDs are remembered at least; twice as many at most.
    pub routes: usize,
    /// The most hosts in the cache of hosts to connect to. Half of it is for those that the user names,
    /// a quarter at most is what any one neighbour told.
    pub hosts: usize,
    /// How long a web server is not asked again for hosts.
    pub web_cache_interval: Duration,
    /// Answer a `GET` of anything that is no file with a list of hosts, as a web cache does.
    pub host_list: bool,
    /// How many own searches are remembered; the hits of older ones are dropped.
    pub searches: usize,
    /// The most links that are neither neighbours nor transfers yet. When there are so many, one of the IP
    /// address that has the most gives way to somebody from an address that has fewer.
    pub greetings: usize,
    /// How many Pongs a servent without room for a new neighbour gives it before it closes, so that
    /// it can try elsewhere; 0 closes at once.
    pub courtesy_pongs: usize,
    /// The most fetches at a time.
    pub fetches: usize,
    /// The most hits that an [`Obtain`](crate::Command::Obtain) collects to choose from.
    pub candidates: usize,
    /// The most sources of one fetch, at most 64; all of them are asked at a time.
    pub swarm_sources: usize,
    /// How many bytes one of several sources is asked for at a time; of files larger than 512 of these,
    /// a 512th.
    pub segment: u32,
    /// How long one of several sources may take before others take over what is left of its part.
    pub slow_after: Duration,
    /// How long until one of several sources that failed is tried again.
    pub retry_after: Duration,
    /// The most uploads at a time; others are answered 503. Links that wait for a request are no
    /// uploads: there are up to [`greetings`](Self::greetings) more of these, and of those opened
    /// because of Pushes up to `uploads`, two to one address and two for one neighbour.
    pub uploads: usize,
    /// How many bytes are read from a shared file at a time, at most [`Settings::CHUNK`].
    pub chunk: u32,
    /// An upload goes on reading while less than this is queued on its link, in bytes.
    pub upload_queue: usize,
    /// A download goes on receiving while fewer writes than this are under way.
    pub download_writes: usize,
    /// How long a transfer may make no progress.
    pub transfer_timeout: Duration,
    /// How long to wait for the `GIV` after a Push.
    pub push_timeout: Duration,
}

impl Settings {
    /// The most links to neighbours that any setting allows.
    pub const LINKS: usize = 250;
    /// The longest piece of a file in one message, in bytes.
    pub const CHUNK: u32 = 65_536;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            v06: None,
            ttl: 7,
            ping_ttl: 7,
            explore_below: 16,
            ttl_rules: TtlRules::DEFAULT,
            target_links: 4,
            max_links: 8,
            ping_interval: Some(Duration::from_secs(45)),
            handshake_timeout: Duration::from_secs(10),
            reconnect_delay: Duration::from_secs(1),
            speed: 1_000,
            query_bytes: 256,
            walk_steps: 255,
            hide_hops: 0,
            monitor: false,
            results: 10,
            route_lifetime: Duration::from_secs(600),
            routes: 32_768,
            hosts: 64,
            web_cache_interval: Duration::from_secs(3_600),
            host_list: false,
            searches: 256,
            greetings: 32,
            courtesy_pongs: 10,
            fetches: 64,
            candidates: 64,
            swarm_sources: 8,
            segment: 262_144,
            slow_after: Duration::from_secs(5),
            retry_after: Duration::from_secs(20),
            uploads: 8,
            chunk: Self::CHUNK,
            upload_queue: 262_144,
            download_writes: 16,
            transfer_timeout: Duration::from_secs(60),
            push_timeout: Duration::from_secs(30),
        }
    }
}
