//! How a servent of 0.6 behaves, and who may be an ultrapeer.

use core::time::Duration;

use gnutella_wire::{DynamicQuery, PongRules, QueryRouteTable};

/// How servents behave that speak 0.6. What is not here is as in [`Settings`](crate::Settings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings06 {
    /// Whether links of 0.4 are accepted, and tried with hosts that close on the handshake of 0.6.
    pub accept_v04: bool,
    /// The `User-Agent` in handshakes and requests, and the `Server` in responses.
    pub user_agent: &'static str,
    /// Whether links are deflated with those who can. A simulator does not pack bytes, and sees nothing
    /// of it but a few more fields in the handshake. On a network it should be on: gtk-gnutella refuses
    /// leaves that can not inflate.
    pub deflate: bool,
    /// How many ultrapeers a leaf is linked to.
    pub leaf_links: usize,
    /// To how many ultrapeers an ultrapeer connects by itself, besides those named in a
    /// [`Command::Join`](crate::Command::Join).
    pub ultrapeer_target: usize,
    /// The most ultrapeers (and servents without roles) that an ultrapeer is linked to; told as
    /// `X-Degree`. All links of an ultrapeer are at most [`Settings::LINKS`](crate::Settings::LINKS).
    pub ultrapeer_links: usize,
    /// The most leaves of an ultrapeer.
    pub leaf_slots: usize,
    /// An ultrapeer without room for another one parts from one of those that connected to it, so that a
    /// newcomer finds a place, but not again within so long. Otherwise those that come at the same time
    /// would be linked to each other and to nobody else.
    pub room_interval: Duration,
    /// The TTL of queries, told as `X-Max-TTL`: how many ultrapeers one goes through at most. The
    /// leaves of the last one are not counted.
    pub max_ttl: u8,
    /// Tables have 2 to the power of this slots.
    pub table_bits: u8,
    /// Larger tables of others are refused; gtk-gnutella's grow up to 2<sup>21</sup> slots.
    pub max_table_bits: u8,
    /// A changed table is sent on after so long; a leaf's first one at once.
    pub table_interval: Duration,
    /// Whether ultrapeers ask one neighbour after another until there are enough results. Otherwise
    /// queries flood.
    pub dynamic_querying: bool,
    /// How many results an ultrapeer looks for on behalf of a leaf.
    pub wanted_for_leaf: u32,
    /// How many results a servent wants itself: an ultrapeer stops asking then, a leaf tells its
    /// ultrapeers to.
    pub wanted: u32,
    /// The most queries an ultrapeer has under way; an eighth of them at most for one leaf.
    pub dynamic_queries: usize,
    /// How Pings are answered.
    pub pong_rules: PongRules,
    /// How many Pongs an ultrapeer keeps.
    pub pongs: usize,
    /// Whether answers may come over UDP, straight from who has the file. Only for servents that can
    /// be reached.
    pub out_of_band: bool,
    /// Whether queries of firewalled servents say so: other firewalled servents do not answer them
    /// then, because they could not transfer anything.
    pub tell_firewalled: bool,
    /// Whether firewalled servents ask their ultrapeers to take Pushes for them.
    pub push_proxies: bool,
    /// Whether leaves send ultrapeers a Bloom filter of their keywords besides the table, and for which
    /// rate of false positives: one in so many. `None` neither sends nor takes them.
    pub bloom_one_in: Option<u32>,
    /// Who may be an ultrapeer.
    pub election: Election,
}

impl Settings06 {
    /// The `User-Agent` by default.
    pub const USER_AGENT: &'static str = concat!("overlay-gnutella/", env!("CARGO_PKG_VERSION"));
}

impl Default for Settings06 {
    fn default() -> Self {
        Self {
            accept_v04: true,
            user_agent: Self::USER_AGENT,
            deflate: false,
            leaf_links: 3,
            ultrapeer_target: 28,
            ultrapeer_links: 32,
            leaf_slots: 30,
            room_interval: Duration::from_secs(20),
            max_ttl: 3,
            table_bits: QueryRouteTable::DEFAULT_BITS,
            max_table_bits: 21,
            table_interval: Duration::from_secs(30),
            dynamic_querying: true,
            wanted_for_leaf: DynamicQuery::FOR_LEAF,
            wanted: DynamicQuery::FOR_SELF,
            dynamic_queries: 64,
            pong_rules: PongRules { max_age: 180_000, ..PongRules::DEFAULT },
            pongs: 50,
            out_of_band: true,
            tell_firewalled: true,
            push_proxies: true,
            bloom_one_in: None,
            election: Election::default(),
        }
    }
}

/// What one servent can do, as its user or operating system knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What the user wants it to be.
    pub mode: Mode,
    /// How long it usually is up, or has been up already when it is made.
    pub uptime: Duration,
    /// How fast it can send, in kbit/s.
    pub upstream: u32,
    /// How many links the operating system lets it have.
    pub sockets: usize,
}

impl Capabilities {
    /// A host that can be an ultrapeer if it can be reached: up for a day, 1 Mbit/s, 1,024 links.
    pub const GOOD: Self = Self {
        mode: Mode::Elected,
        uptime: Duration::from_secs(86_400),
        upstream: 1_000,
        sockets: 1_024,
    };
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::GOOD
    }
}

/// Whether a servent is elected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is an ultrapeer if it can be one and is needed.
    #[default]
    Elected,
    /// It is always a leaf.
    Leaf,
    /// It is always an ultrapeer.
    Ultrapeer,
}

/// Who may be an ultrapeer, and for how long ("Ultrapeers: Another Step Towards Gnutella Scalability",
/// Singla and Rohrs 2002, section 3: not firewalled, suitable operating system, enough bandwidth and
/// uptime).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Election {
    /// It has been up so long.
    pub uptime: Duration,
    /// It can send so fast, in kbit/s.
    pub upstream: u32,
    /// How often a leaf that could be an ultrapeer asks one whether it is needed.
    pub ask_interval: Duration,
    /// An ultrapeer with fewer leaves than this…
    pub min_leaves: usize,
    /// … for so long becomes a leaf, if there are other ultrapeers that it is linked to.
    pub patience: Duration,
}

impl Default for Election {
    fn default() -> Self {
        Self {
            uptime: Duration::from_secs(3_600),
            upstream: 128,
            ask_interval: Duration::from_secs(60),
            min_leaves: 2,
            patience: Duration::from_secs(600),
        }
    }
}

impl Election {
    /// Whether a servent with these capabilities, up for `uptime` by now, can be an ultrapeer. It needs
    /// `sockets` links, and it must be reachable unless the user insists.
    pub fn fits(
        &self,
        servent: &Capabilities,
        reachable: bool,
        uptime: Duration,
        sockets: usize,
    ) -> bool {
        match servent.mode {
            Mode::Leaf => false,
            Mode::Ultrapeer => true,
            Mode::Elected => {
                reachable
                    && uptime >= self.uptime
                    && servent.upstream >= self.upstream
                    && servent.sockets >= sockets
            }
        }
    }
}
