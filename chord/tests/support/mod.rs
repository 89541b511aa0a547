//! Worlds of Chord nodes for the tests.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use overlay_chord::invariants::{self, Violation};
use overlay_chord::{Command, Config, Contact, Event, Member, Node, Ring};
use overlay_peer::{Address, Object, StoreError, Time};
use overlay_sim::{Cause, Host, PeerIndex, Store, World};

pub const JOIN: Cause = Cause(1);
pub const USER: Cause = Cause(2);

/// Objects in memory, by peer and number.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub objects: BTreeMap<(u32, u64), Vec<u8>>,
}

impl Store for Memory {
    fn read(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let bytes = self.objects.get(&(peer.0, object.0)).ok_or(StoreError::NotFound)?;
        let start = offset as usize;
        bytes
            .get(start..start + len as usize)
            .map(Bytes::copy_from_slice)
            .ok_or(StoreError::OutOfRange { size: bytes.len() as u64 })
    }

    fn write(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        let object = self.objects.entry((peer.0, object.0)).or_default();
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if object.len() < end {
            object.resize(end, 0);
        }
        object[start..end].copy_from_slice(bytes);
        Ok(())
    }
}

/// A world of nodes. In debug builds the invariants are checked after every tick in which a pointer
/// changed: what happens within a tick has no effect on another node before the next one, so these are
/// all the states there are.
pub struct Net {
    world: World<Node, Memory>,
    /// Whether to check: the ring has not lost more nodes at once than it is made for.
    watched: bool,
    /// Whether all invariants held once, with more than r members. Then they hold for good.
    safe: bool,
    /// The members when they were last checked.
    checked: Vec<Member<Contact>>,
}

/// Of more nodes the ticks of a few seconds would take minutes to check.
const WATCHED: usize = 64;

impl Net {
    pub fn new(world: overlay_sim::Config) -> Self {
        Self {
            world: World::new(world, Memory::default()),
            watched: true,
            safe: false,
            checked: Vec::new(),
        }
    }

    /// From now on the ring loses more nodes at once than it is made for.
    pub fn unwatched(&mut self) {
        self.watched = false;
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now() + span);
    }

    pub fn run_until(&mut self, end: Time) {
        while self.watches() && self.now() + TICK < end {
            self.world.run_until(self.world.now() + TICK);
            self.check();
        }
        self.world.run_until(end);
        self.check();
    }

    /// Runs until a node tells its user something; says whether one did.
    pub fn run_until_event(&mut self, end: Time) -> bool {
        while self.watches() && self.now() + TICK < end {
            if self.world.run_until_event(self.world.now() + TICK) {
                self.check();
                return true;
            }
            self.check();
        }
        self.world.run_until_event(end)
    }

    fn watches(&self) -> bool {
        cfg!(debug_assertions) && self.watched && self.world.len() <= WATCHED
    }

    fn check(&mut self) {
        if !self.watches() {
            return;
        }
        let alive = self.world.peers().filter(|(peer, _)| self.world.is_alive(*peer));
        let members: Vec<_> = alive.filter_map(|(_, node)| node.member()).collect();
        if members.iter().copied().eq(&self.checked) {
            return;
        }
        self.checked = members.iter().copied().cloned().collect();
        let Some(r) = members.first().map(|member| member.successors().capacity()) else { return };
        let mut violations = invariants::check(members.iter().copied(), r);
        self.safe = members.len() > r && (self.safe || violations.is_empty());
        if !self.safe {
            // A ring that grew from one member has lists that come round, and skip who joined since.
            violations.retain(|violation| match violation {
                Violation::TooFewPrincipals { .. } => false,
                Violation::Duplicate { node, entry } => node != entry,
                _ => true,
            });
        }
        assert_eq!(violations, [], "at {}", self.world.now());
    }
}

impl Deref for Net {
    type Target = World<Node, Memory>;

    fn deref(&self) -> &Self::Target {
        &self.world
    }
}

impl DerefMut for Net {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.world
    }
}

const TICK: Duration = Duration::from_millis(1);

pub fn address(number: usize) -> Address {
    let [_, a, b, c] = (number as u32 + 1).to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, a, b, c)), 4000)
}

/// Settings for tests: upkeep every few seconds, so that a minute is a long time.
pub fn quick() -> Config {
    Config {
        stabilize_every: Duration::from_secs(4),
        fix_fingers_every: Duration::from_secs(4),
        refresh_every: Duration::from_secs(10),
        ..Config::default()
    }
}

pub fn checked(seed: u64) -> overlay_sim::Config {
    overlay_sim::Config { seed, checked: true, ..overlay_sim::Config::default() }
}

/// A ring of `nodes` nodes: the first creates it, the others join through it, one every `gap`.
pub fn ring(nodes: usize, gap: Duration, config: &Config, world: overlay_sim::Config) -> Net {
    let mut net = Net::new(world);
    for number in 0..nodes {
        let peer = net.add(Node::new(config.clone()), Host::open(address(number)));
        let command =
            if number == 0 { Command::Create } else { Command::Join { via: vec![address(0)] } };
        net.command(peer, command, JOIN);
        net.run_for(gap);
    }
    net
}

/// The members that live.
pub fn members(net: &Net) -> Vec<(PeerIndex, Contact)> {
    net.peers()
        .filter(|(peer, _)| net.is_alive(*peer))
        .filter_map(|(peer, node)| Some((peer, node.member()?.me())))
        .collect()
}

/// The ring as it should be: of all members that live.
pub fn ideal(net: &Net) -> Ring<overlay_chord::Id160> {
    Ring::new(members(net).into_iter().map(|(_, me)| me.id)).expect("somebody lives")
}

/// What is wrong with the members' pointers, beside the ideal ring's.
pub fn flaws(net: &Net) -> Vec<String> {
    let ring = ideal(net);
    let (mut flaws, count) = (Vec::new(), ring.ids().len());
    for (peer, me) in members(net) {
        let member = net.peer(peer).member().expect("a member");
        let at = ring.index_of(me.id).expect("on the ring");
        let length = member.successors().capacity().min(count);
        let list: Vec<_> = (1..=length).map(|i| ring.ids()[(at + i) % count]).collect();
        let has: Vec<_> = member.successors().as_slice().iter().map(|c| c.id).collect();
        if has != list {
            flaws.push(format!("{peer:?}: list {has:?}, should be {list:?}"));
        }
        let predecessor = ring.ids()[(at + count - 1) % count];
        let has = member.predecessor().map(|c| c.id);
        if has != Some(predecessor) {
            flaws.push(format!("{peer:?}: predecessor {has:?}, should be {predecessor:?}"));
        }
    }
    flaws
}

/// Runs until the ring is ideal, for `longest` at most; how long that took.
pub fn settle(net: &mut Net, longest: Duration) -> Duration {
    let start = net.now();
    while !flaws(net).is_empty() {
        assert!(net.now().since(start) < longest, "after {longest:?}: {:#?}", flaws(net));
        net.run_for(Duration::from_millis(100));
    }
    net.now().since(start)
}

/// Gives a command and waits for the first event of that peer which `wanted` accepts.
pub fn outcome<T>(
    net: &mut Net,
    peer: PeerIndex,
    command: Command,
    wanted: impl Fn(Event) -> Option<T>,
) -> T {
    let _ = net.drain_events();
    net.command(peer, command, USER);
    let end = net.now() + Duration::from_secs(60);
    while net.run_until_event(end) {
        for (_, who, event) in net.drain_events().collect::<Vec<_>>() {
            if who == peer
                && let Some(found) = wanted(event)
            {
                return found;
            }
        }
    }
    panic!("no answer within a minute");
}

/// Stores a value; how many nodes keep it.
pub fn put(net: &mut Net, peer: PeerIndex, key: overlay_chord::Id160, value: &[u8]) -> u32 {
    let value = Bytes::copy_from_slice(value);
    outcome(net, peer, Command::Put { request: 7, key, value }, |event| match event {
        Event::Stored { request: 7, replicas, .. } => Some(replicas),
        Event::Failed { reason, .. } => panic!("put failed: {reason}"),
        _ => None,
    })
}

/// The values under a key, in order of publisher and value.
pub fn get(net: &mut Net, peer: PeerIndex, key: overlay_chord::Id160) -> Vec<Vec<u8>> {
    outcome(net, peer, Command::Get { request: 8, key }, |event| match event {
        Event::Got { request: 8, values, .. } => {
            Some(values.into_iter().map(|publication| publication.value.to_vec()).collect())
        }
        Event::Failed { reason, .. } => panic!("get failed: {reason}"),
        _ => None,
    })
}
