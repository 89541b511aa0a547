//! A ring of Chord's protocol nodes in a simulated world, whose nodes may come and go, and lookups judged
//! by who is there.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use overlay_chord::{
    Command, Config, Contact, Event, Histogram, Id160, Limits, Node, Ring, RingError, Routing,
};
use overlay_peer::{Address, Pcg32, Time};
use overlay_sim::{Cause, Host, NoStore, PeerIndex, Position, World};
use rand_core::{Rng, SeedableRng};

const UPKEEP: Cause = Cause(1);
const LOOKUP: Cause = Cause(2);

/// What is to happen in a [`RingWorld`].
#[derive(Clone, Debug)]
pub struct RingPlan {
    /// How many hosts there are at the start.
    pub hosts: u32,
    /// Places that each host has on the ring: nodes of their own, at ports of their own.
    pub places: u16,
    /// How many lookups are judged.
    pub lookups: u32,
    /// How many lookups are begun in a second, at random times, by random nodes.
    pub lookup_rate: f64,
    /// How many hosts join in a second, and how many go, at random times; of the whole ring.
    pub churn: f64,
    /// The share of those that go that say nothing; the others leave as the protocol has it.
    pub crashes: f64,
    /// How long hosts come and go before the first lookup.
    pub warm_up: Duration,
    /// Length of the successor lists.
    pub list: usize,
    /// Time between stabilizations, and between refreshes of one finger, give or take half.
    pub upkeep_every: Duration,
    /// What nodes route by.
    pub routing: Routing,
    /// All randomness comes from this.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct RingOutcome {
    /// Hops to the key's predecessor, of lookups that found the owner.
    pub hops: Histogram,
    /// Nodes asked in vain, of the same lookups.
    pub timeouts: Histogram,
    /// Lookups that found nobody, or a node that owns the key neither when the lookup began nor when it
    /// ended.
    pub failed: u32,
    /// How many of the keys looked up each host owns that is there at the end.
    pub loads: Histogram,
    /// Hosts that came.
    pub joined: u32,
    /// Hosts that went.
    pub gone: u32,
    /// Messages of all nodes.
    pub messages: u64,
}

/// The world and what is known of it.
#[derive(Debug)]
pub struct RingWorld {
    plan: RingPlan,
    net: World<Node, NoStore>,
    config: Arc<Config>,
    rng: Pcg32,
    /// Every place on the ring, and the number of its node: the ring as it is.
    ring: BTreeMap<Id160, u32>,
    /// Hosts that are up and stay.
    up: Vec<u32>,
    hosts: u32,
    /// Lookups under way: the key, and who owned it then.
    pending: BTreeMap<u32, (Id160, u32)>,
    /// How many lookups each host that is up has under way; it does not go before they are done, since
    /// what it asked would be nobody's business then.
    asking: BTreeMap<u32, u32>,
    keys: Vec<Id160>,
    outcome: RingOutcome,
}

impl RingWorld {
    /// All hosts in one ring, with the pointers and fingers it would have settled on.
    ///
    /// # Errors
    /// If there are no hosts, or more places than a ring may have.
    pub fn new(plan: RingPlan) -> Result<Self, RingError> {
        let defaults = Config::default();
        let nodes = u64::from(plan.hosts) * u64::from(plan.places);
        let config = Arc::new(Config {
            successors: plan.list,
            replicas: 1,
            stabilize_every: plan.upkeep_every,
            fix_fingers_every: plan.upkeep_every,
            // Nothing is published here.
            refresh_every: Duration::from_secs(1_000_000),
            routing: plan.routing,
            limits: Limits {
                // By successors alone a lookup passes half of all nodes.
                hops: match plan.routing {
                    Routing::Successor => u32::MAX,
                    Routing::Finger | Routing::Full => defaults.limits.hops,
                },
                ..defaults.limits.clone()
            },
            ..defaults
        });
        let mut contacts: Vec<Contact> = (0..nodes as u32).map(|node| plan.contact(node)).collect();
        contacts.sort_unstable();
        let ring = Ring::new(contacts.iter().map(|contact| contact.id))?;
        let settings = overlay_sim::Config { seed: plan.seed, ..overlay_sim::Config::default() };
        let mut world = Self {
            net: World::new(settings, NoStore),
            config,
            rng: Pcg32::seed_from_u64(plan.seed),
            ring: BTreeMap::new(),
            up: Vec::new(),
            hosts: 0,
            pending: BTreeMap::new(),
            asking: BTreeMap::new(),
            keys: Vec::new(),
            outcome: RingOutcome::default(),
            plan,
        };
        world.net.reserve(contacts.len(), 0);
        for _ in 0..world.plan.hosts {
            world.add_host();
        }
        let (count, list) = (contacts.len(), world.plan.list.min(contacts.len()));
        for (at, me) in contacts.iter().enumerate() {
            let successors = (1..=list).map(|further| contacts[(at + further) % count]).collect();
            let fingers = match world.plan.routing {
                Routing::Successor => Vec::new(),
                Routing::Full => contacts.clone(),
                Routing::Finger => {
                    let fingers = ring.fingers(at).filter_map(|id| ring.index_of(id));
                    fingers.map(|finger| contacts[finger]).collect()
                }
            };
            let predecessor = Some(contacts[(at + count - 1) % count]);
            let command = Command::Resume { predecessor, successors, fingers };
            world.net.command(PeerIndex(world.plan.node_at(me.address)), command, UPKEEP);
        }
        world.hear();
        Ok(world)
    }

    /// Lets hosts come and go, and nodes look keys up, until enough lookups are judged.
    pub fn run(mut self) -> RingOutcome {
        let RingPlan { churn, lookup_rate, lookups, .. } = self.plan;
        let mut join = self.after(Duration::ZERO, churn);
        let mut go = self.after(Duration::ZERO, churn);
        let mut ask = self.after(self.plan.warm_up, lookup_rate);
        loop {
            let now = join.min(go).min(ask);
            self.net.run_until(Time::ZERO + now);
            self.hear();
            if now == ask {
                if self.keys.len() == lookups as usize {
                    break;
                }
                self.look_up();
                ask = self.after(now, lookup_rate);
            } else if now == join {
                self.join();
                join = self.after(now, churn);
            } else {
                self.go();
                go = self.after(now, churn);
            }
        }
        // Whoever has no answer after so long gets none.
        self.net.run_for(Duration::from_secs(60));
        self.hear();
        self.outcome.failed += self.pending.len() as u32;
        self.outcome.messages = self.net.metrics().total().messages;
        self.count_loads();
        self.outcome
    }

    /// When the next of things that happen so often a second happens: exponentially distributed.
    fn after(&mut self, now: Duration, rate: f64) -> Duration {
        if rate <= 0.0 {
            return Duration::MAX;
        }
        let share = (self.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let seconds = -libm::log(1.0 - share) / rate;
        now + Duration::from_secs_f64(seconds.min(1e9))
    }

    fn add_host(&mut self) -> u32 {
        let host = self.hosts;
        let place = Position { x: self.rng.next_u32() as u16, y: self.rng.next_u32() as u16 };
        for node in self.plan.nodes_of(host) {
            let address = self.plan.contact(node).address;
            self.net.add(Node::new(self.config.clone()), Host::open(address).at(place));
        }
        self.hosts += 1;
        self.up.push(host);
        host
    }

    /// A node on the ring, of a host that has not been told to go.
    fn someone(&mut self) -> Option<u32> {
        // Hosts that have just come may not be there yet, but those are few.
        (0..1_000).find_map(|_| {
            let host = self.up[below(self.up.len(), &mut self.rng)];
            let place = below(self.plan.places.into(), &mut self.rng) as u32;
            let node = host * u32::from(self.plan.places) + place;
            self.ring.contains_key(&self.plan.contact(node).id).then_some(node)
        })
    }

    fn look_up(&mut self) {
        let mut bytes = [0; 20];
        self.rng.fill_bytes(&mut bytes);
        let key = Id160::from_bytes(bytes);
        let (Some(node), Some(owner)) = (self.someone(), self.owner(key)) else { return };
        let request = self.keys.len() as u32;
        self.keys.push(key);
        self.pending.insert(request, (key, owner));
        *self.asking.entry(self.plan.host_of(node)).or_insert(0) += 1;
        self.net.command(PeerIndex(node), Command::Lookup { request, key }, LOOKUP);
    }

    fn join(&mut self) {
        self.outcome.joined += 1;
        let host = self.add_host();
        for node in self.plan.nodes_of(host) {
            self.send_to_join(node);
        }
    }

    fn send_to_join(&mut self, node: u32) {
        if let Some(via) = self.someone() {
            let via = vec![self.plan.contact(via).address];
            self.net.command(PeerIndex(node), Command::Join { via }, UPKEEP);
        }
    }

    fn go(&mut self) {
        // Two stay: a ring has to be there to join.
        if self.up.len() <= 2 {
            return;
        }
        let at = (0..100)
            .map(|_| below(self.up.len(), &mut self.rng))
            .find(|at| !self.asking.contains_key(&self.up[*at]));
        let Some(at) = at else { return };
        self.outcome.gone += 1;
        let host = self.up.swap_remove(at);
        let crash = ((self.rng.next_u32() >> 8) as f64) < self.plan.crashes * f64::from(1 << 24);
        for node in self.plan.nodes_of(host) {
            if crash {
                self.net.fail(PeerIndex(node));
                self.ring.remove(&self.plan.contact(node).id);
            } else {
                self.net.command(PeerIndex(node), Command::Leave, UPKEEP);
            }
        }
    }

    /// Takes in what the nodes told.
    fn hear(&mut self) {
        let events: Vec<_> = self.net.drain_events().collect();
        for (_, peer, event) in events {
            let node = peer.0;
            match event {
                Event::Joined => _ = self.ring.insert(self.plan.contact(node).id, node),
                Event::JoinFailed { .. } if self.net.is_alive(peer) => self.send_to_join(node),
                Event::Left { .. } => {
                    self.ring.remove(&self.plan.contact(node).id);
                    self.net.shut_down(peer);
                }
                Event::Found { request, hops, timeouts, owner } => {
                    let Some((key, then)) = self.answered(request, node) else { continue };
                    let found = self.plan.node_at(owner.address);
                    if found == then || Some(found) == self.owner(key) {
                        self.outcome.hops.add(hops);
                        self.outcome.timeouts.add(timeouts);
                    } else {
                        self.outcome.failed += 1;
                    }
                }
                Event::Failed { request, .. } => {
                    self.outcome.failed += u32::from(self.answered(request, node).is_some());
                }
                _ => {}
            }
        }
    }

    /// A node's lookup is over.
    fn answered(&mut self, request: u32, node: u32) -> Option<(Id160, u32)> {
        let host = self.plan.host_of(node);
        match self.asking.get_mut(&host) {
            Some(1) | None => _ = self.asking.remove(&host),
            Some(more) => *more -= 1,
        }
        self.pending.remove(&request)
    }

    /// The node that owns a key now. Who says farewell is no member any more.
    fn owner(&self, key: Id160) -> Option<u32> {
        let mut clockwise = self.ring.range(key..).chain(&self.ring).map(|(_, node)| *node);
        clockwise.find(|node| self.net.peer(PeerIndex(*node)).member().is_some())
    }

    fn count_loads(&mut self) {
        let mut keys: BTreeMap<u32, u32> = self.up.iter().map(|host| (*host, 0)).collect();
        for key in &self.keys {
            let owner = self.owner(*key).map(|node| self.plan.host_of(node));
            // Who is about to leave still counts on the ring, and no more as a host.
            if let Some(keys) = owner.and_then(|host| keys.get_mut(&host)) {
                *keys += 1;
            }
        }
        self.outcome.loads = keys.into_values().collect();
    }
}

/// The first address: 11.0.0.1.
const FIRST: u32 = 0x0b00_0001;
const PORT: u16 = 4000;

impl RingPlan {
    /// The numbers of a host's nodes.
    fn nodes_of(&self, host: u32) -> core::ops::Range<u32> {
        let places = u32::from(self.places);
        host * places..(host + 1) * places
    }

    fn host_of(&self, node: u32) -> u32 {
        node / u32::from(self.places)
    }

    /// Each place has the identifier of its address.
    fn contact(&self, node: u32) -> Contact {
        let (host, place) = (self.host_of(node), node % u32::from(self.places));
        let ip = IpAddr::V4(Ipv4Addr::from_bits(FIRST + host));
        let address = Address::new(ip, PORT + place as u16);
        Contact { id: Id160::of_address(address), address }
    }

    fn node_at(&self, address: Address) -> u32 {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_bits().wrapping_sub(FIRST),
            IpAddr::V6(_) => u32::MAX,
        };
        let place = u32::from(address.port().wrapping_sub(PORT));
        host.wrapping_mul(self.places.into()).wrapping_add(place)
    }
}

fn below(most: usize, rng: &mut Pcg32) -> usize {
    (rng.next_u64() % most as u64) as usize
}
