//! The members of one system in their world, and their users.

use std::sync::Arc;
use std::time::Duration;

use overlay_core::{Command, Member, Outcome, Reaction, System};
use overlay_peer::{Address, Time};
use overlay_sim::{Cause, Config, Count, PeerIndex, World};

use crate::Disk;
use crate::run::Compared;
use crate::workload::Wanted;

/// How long answers to a search are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clone has the same future.
#[derive(Clone)]
pub(crate) struct Net<S: System> {
    pub world: World<S::Peer, Disk>,
    pub system: S,
    /// What the phase under way is counted under.
    pub cause: Cause,
    pub joined: Vec<bool>,
    /// Addresses of members that are in and can be reached, but for the well-known one's.
    pub introducers: Vec<Address>,
    reachable: Vec<Option<Address>>,
    next_search: u32,
    /// How often somebody said that another broke the protocol.
    pub misbehaved: u64,
}

/// What became of a search.
pub(crate) struct Searched<H> {
    pub started: Time,
    pub wanted: Wanted,
    /// When the file was first found, and how many hops away.
    pub first: Option<(Time, u32)>,
    /// Members that have it, in the order in which they were heard of.
    pub sources: Vec<(u32, H)>,
}

impl<S: System> Net<S> {
    /// All members on their hosts; nobody has joined.
    pub fn new(mut system: S, compared: &Compared) -> Self {
        let config = Config {
            seed: compared.plan.seed,
            checked: compared.plan.checked,
            ..Config::default()
        };
        let disk = Disk::new(Arc::clone(&compared.library), Arc::clone(&compared.paths));
        let mut world = World::new(config, disk);
        for (number, placed) in (0u32..).zip(&compared.workload.hosts) {
            let local = placed.host.address;
            let (reachable, files) = (placed.reachable, &placed.files[..]);
            let peer = system.peer(&Member { number, local, reachable, files });
            world.add(peer, placed.host);
        }
        Self {
            world,
            system,
            cause: Cause::UPKEEP,
            joined: vec![false; compared.workload.hosts.len()],
            introducers: Vec::new(),
            reachable: compared.workload.hosts.iter().map(|placed| placed.reachable).collect(),
            next_search: 0,
            misbehaved: 0,
        }
    }

    pub fn command(&mut self, member: u32, commands: Vec<Command<S>>) {
        for command in commands {
            self.world.command(PeerIndex(member), command, self.cause);
        }
    }

    /// Moves the world to `end`. What members' users are told leads to further commands, or to an
    /// outcome, which `told` gets with its time and member.
    pub fn run_until(&mut self, end: Time, mut told: impl FnMut(Time, u32, Outcome<S::Hit>)) {
        while self.world.run_until_event(end) {
            let events: Vec<_> = self.world.drain_events().collect();
            for (at, PeerIndex(member), event) in events {
                for reaction in self.system.observe(member, event) {
                    match reaction {
                        Reaction::Command(command) => self.command(member, vec![command]),
                        Reaction::Outcome(Outcome::Joined) => self.has_joined(member),
                        Reaction::Outcome(Outcome::NotJoined) => {
                            self.joined[member as usize] = false;
                        }
                        Reaction::Outcome(Outcome::Misbehaved) => self.misbehaved += 1,
                        Reaction::Outcome(outcome) => told(at, member, outcome),
                    }
                }
            }
        }
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.world.now() + span, |_, _, _| {});
    }

    fn has_joined(&mut self, member: u32) {
        let before = std::mem::replace(&mut self.joined[member as usize], true);
        if let Some(address) = self.reachable[member as usize].filter(|_| !before && member > 0)
            && !self.introducers.contains(&address)
        {
            self.introducers.push(address);
        }
    }

    pub fn counted(&self, cause: Cause) -> Count {
        self.world.metrics().by_cause(cause)
    }

    /// Lets these searches happen, one every `interval`, and waits for answers. `each` is told how
    /// many were sent.
    pub fn search(
        &mut self,
        searches: Vec<Wanted>,
        interval: Duration,
        mut each: impl FnMut(usize),
    ) -> Vec<Searched<S::Hit>> {
        let mut done: Vec<Searched<S::Hit>> = Vec::with_capacity(searches.len());
        let (start, first) = (self.world.now(), self.next_search);
        self.next_search += searches.len() as u32;
        for (number, wanted) in (0u32..).zip(searches) {
            self.note_answers(start + interval * number, first, &mut done);
            let keywords: Vec<&str> = wanted.keywords.iter().map(String::as_str).collect();
            let commands = self.system.search(wanted.by, first + number, &keywords);
            let (by, started) = (wanted.by, self.world.now());
            done.push(Searched { started, wanted, first: None, sources: Vec::new() });
            self.command(by, commands);
            each(done.len());
        }
        self.note_answers(self.world.now() + PATIENCE, first, &mut done);
        done
    }

    /// Runs to `end`; answers go to their searches, which are numbered from `first` on.
    fn note_answers(&mut self, end: Time, first: u32, searched: &mut [Searched<S::Hit>]) {
        self.run_until(end, |at, member, outcome| {
            let Outcome::Found { search, file, source, hops, hit } = outcome else { return };
            let index = search.checked_sub(first).map(|index| index as usize);
            let Some(searched) = index.and_then(|index| searched.get_mut(index)) else { return };
            if file != searched.wanted.file || member != searched.wanted.by || source == member {
                return;
            }
            searched.first.get_or_insert((at, hops));
            if !searched.sources.iter().any(|(known, _)| *known == source) {
                searched.sources.push((source, hit));
            }
        });
    }
}
