//! One system under the workload, phase by phase.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{
    BuildError, Command, Failure, FileId, Library, Member, Outcome, Reaction, Route, System,
    SystemName, Visitor,
};
use overlay_peer::Time;
use overlay_sim::{Cause, Config, Count, PeerIndex, World, busiest, random_share};

use crate::measure::{mean, percentile, rate};
use crate::report::{Fetches, Report, Summary};
use crate::workload::{Wanted, stream};
use crate::{Disk, Plan, Workload};

/// What traffic is counted under.
const JOIN: Cause = Cause(1);
const PUBLISH: Cause = Cause(2);
const SEARCH: Cause = Cause(3);
const FETCH: Cause = Cause(4);

/// One member joins, or starts to publish, every so often.
const MEMBER_INTERVAL: Duration = Duration::from_millis(20);
/// After all have joined, links and tables settle.
const SETTLE: Duration = Duration::from_secs(300);
/// What is sent while nobody asks for anything is measured over this span.
const QUIET: Duration = Duration::from_secs(120);
const SEARCH_INTERVAL: Duration = Duration::from_millis(250);
/// How long answers are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// A fetch is tried at so many of the sources that a search found.
const SOURCES: usize = 5;
/// Fetches are given up when none of them has moved for so long.
const STALLED: Duration = Duration::from_secs(120);
/// How often failures and attacks are drawn, and who fails.
const DRAWS: u64 = 5;
const FAILING: f64 = 0.20;
const ATTACKED: f64 = 0.01;

/// Everything a comparison needs.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What the user chose.
    pub plan: Plan,
    /// The files.
    pub library: Arc<Library>,
    /// Where they are, in the library's order.
    pub paths: Arc<[PathBuf]>,
    /// What follows from the two.
    pub workload: Workload,
}

/// Runs one system. `progress` is told what goes on: the phase, and how much of the whole is done,
/// from 0 to 1.
///
/// # Errors
/// A file's name is longer than Napster carries.
pub fn compare(
    name: SystemName,
    compared: &Compared,
    progress: &mut dyn FnMut(&'static str, f64),
) -> Result<Report, BuildError> {
    name.visit(&compared.library, Task { compared, progress })
}

struct Task<'a> {
    compared: &'a Compared,
    progress: &'a mut dyn FnMut(&'static str, f64),
}

impl Visitor for Task<'_> {
    type Output = Report;

    fn visit<S: System>(self, system: S) -> Report {
        Run::new(system, self.compared, self.progress).all()
    }
}

struct Run<'a, S: System> {
    compared: &'a Compared,
    net: Net<S>,
    progress: &'a mut dyn FnMut(&'static str, f64),
}

/// The members of one system in their world. A clone has the same future.
#[derive(Clone)]
struct Net<S: System> {
    world: World<S::Peer, Disk>,
    system: S,
    /// What the phase under way is counted under.
    cause: Cause,
    joined: Vec<bool>,
    misbehaved: u64,
}

/// What became of a search.
struct Searched<H> {
    started: Time,
    wanted: Wanted,
    /// When the file was first found, and how far away.
    first: Option<(Time, u32)>,
    sources: Vec<(u32, H)>,
}

impl<S: System> Net<S> {
    fn new(mut system: S, compared: &Compared) -> Self {
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
        let joined = vec![false; compared.workload.hosts.len()];
        Self { world, system, cause: Cause::UPKEEP, joined, misbehaved: 0 }
    }

    fn command(&mut self, member: u32, commands: Vec<Command<S>>) {
        for command in commands {
            self.world.command(PeerIndex(member), command, self.cause);
        }
    }

    /// Moves the world to `end`, passing on what the members' users are told.
    fn run_until(
        &mut self,
        end: Time,
        mut told: impl FnMut(&mut Self, Time, u32, Outcome<S::Hit>),
    ) {
        while self.world.run_until_event(end) {
            let events: Vec<_> = self.world.drain_events().collect();
            for (at, PeerIndex(member), event) in events {
                for reaction in self.system.observe(member, event) {
                    match reaction {
                        Reaction::Command(command) => self.command(member, vec![command]),
                        Reaction::Outcome(Outcome::Joined) => self.joined[member as usize] = true,
                        Reaction::Outcome(Outcome::Misbehaved) => self.misbehaved += 1,
                        Reaction::Outcome(outcome) => told(self, at, member, outcome),
                    }
                }
            }
        }
    }

    fn run_for(&mut self, span: Duration) {
        self.run_until(self.world.now() + span, |_, _, _, _| {});
    }

    fn counted(&self, cause: Cause) -> Count {
        self.world.metrics().by_cause(cause)
    }

    /// Lets these searches happen, one every `interval`, and waits for answers.
    fn search(
        &mut self,
        searches: Vec<Wanted>,
        interval: Duration,
        mut each: impl FnMut(usize),
    ) -> Vec<Searched<S::Hit>> {
        let mut done: Vec<Searched<S::Hit>> = Vec::with_capacity(searches.len());
        let start = self.world.now();
        for (number, wanted) in (0u32..).zip(searches) {
            self.run_and_note(start + interval * number, &mut done);
            let keywords: Vec<&str> = wanted.keywords.iter().map(String::as_str).collect();
            let commands = self.system.search(wanted.by, number, &keywords);
            let (by, started) = (wanted.by, self.world.now());
            done.push(Searched { started, wanted, first: None, sources: Vec::new() });
            self.command(by, commands);
            each(done.len());
        }
        self.run_and_note(self.world.now() + PATIENCE, &mut done);
        done
    }

    fn run_and_note(&mut self, end: Time, searched: &mut [Searched<S::Hit>]) {
        self.run_until(end, |_, at, member, outcome| {
            let Outcome::Found { search, file, source, hops, hit } = outcome else { return };
            let Some(searched) = searched.get_mut(search as usize) else { return };
            if file != searched.wanted.file || member != searched.wanted.by || source == member {
                return;
            }
            searched.first.get_or_insert((at, hops));
            if !searched.sources.iter().any(|(known, _)| *known == source) {
                searched.sources.push((source, hit));
            }
        });
    }

    /// The share of searches that still find a source that is up, right after these members failed.
    fn survives(
        mut self,
        failed: &[PeerIndex],
        compared: &Compared,
        draw: u64,
    ) -> (Option<f64>, u64) {
        for &peer in failed {
            self.world.fail(peer);
        }
        self.cause = SEARCH;
        let up = |number: u32| self.world.is_alive(PeerIndex(number));
        let count = compared.plan.searches.div_ceil(4);
        let searches = compared.workload.draw_searches(count, 1 + draw, up);
        let searched = self.search(searches, Duration::from_millis(10), |_| {});
        let found = searched.iter().filter(|searched| {
            searched.sources.iter().any(|(source, _)| self.world.is_alive(PeerIndex(*source)))
        });
        (rate(found.count(), searched.len()), self.world.trace_hash())
    }
}

impl<'a, S: System> Run<'a, S> {
    fn new(
        system: S,
        compared: &'a Compared,
        progress: &'a mut dyn FnMut(&'static str, f64),
    ) -> Self {
        progress("building", 0.0);
        Self { compared, net: Net::new(system, compared), progress }
    }

    fn all(mut self) -> Report {
        self.join();
        self.publish();
        let signalling = self.signalling();
        let searched = self.search();
        let fetches = self.fetch(&searched);
        let footprint = self.footprint();
        let (received, trace) = (self.net.world.metrics().received(), self.net.world.trace_hash());
        let handled: u64 = received.iter().sum();
        let most = received.iter().max().copied().unwrap_or(0);
        let busiest_share = if handled > 0 { most as f64 / handled as f64 } else { 0.0 };
        let (failure, failure_trace) = self.survive(0.80, |net, draw, compared| {
            let mut rng = stream(compared.plan.seed, 200 + draw);
            random_share(net.world.len() as u32, FAILING, &mut rng)
        });
        let (attack, attack_trace) =
            self.survive(0.90, |net, _, _| busiest(net.world.metrics().received(), ATTACKED));
        (self.progress)("done", 1.0);

        let (peers, plan) = (f64::from(self.compared.plan.peers), &self.compared.plan);
        let found = |among: &dyn Fn(FileId) -> bool| {
            let asked = searched.iter().filter(|searched| among(searched.wanted.file));
            let (asked, found): (Vec<_>, Vec<_>) = (
                asked.clone().collect(),
                asked.filter(|searched| searched.first.is_some()).collect(),
            );
            rate(found.len(), asked.len())
        };
        let workload = &self.compared.workload;
        let published: u32 = workload.copies.iter().sum();
        let [joins, publications, searches] =
            [JOIN, PUBLISH, SEARCH].map(|cause| self.net.counted(cause));
        let per = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
        let hits = searched.iter().filter_map(|searched| Some((searched.started, searched.first?)));
        let mut latencies: Vec<u64> = hits
            .clone()
            .map(|(started, (at, _))| (at - started).as_micros().div_ceil(1_000) as u64)
            .collect();
        let mut hops: Vec<u64> = hits.map(|(_, (_, hops))| u64::from(hops)).collect();
        latencies.sort_unstable();
        hops.sort_unstable();
        let hash = [trace, failure_trace, attack_trace, self.library_hash()];
        let summary = Summary {
            system: S::NAME.as_str(),
            peers: plan.peers,
            seed: plan.seed,
            searches: searched.len() as u32,
            found_rate: found(&|_| true),
            found_rate_popular: found(&|file| workload.is_popular(file)),
            found_rate_rare: found(&|file| workload.is_rare(file)),
            messages_per_search: per(searches.messages, searched.len() as f64),
            bytes_per_search: per(searches.bytes, searched.len() as f64),
            join_messages: per(joins.messages, peers),
            publish_messages: per(publications.messages, published.into()),
            signalling_bytes_per_peer_s: signalling,
            hops_p50: percentile(&hops, 0.5),
            hops_p99: percentile(&hops, 0.99),
            latency_p50_ms: percentile(&latencies, 0.5),
            latency_p99_ms: percentile(&latencies, 0.99),
            state_bytes_per_peer: footprint.bytes / peers,
            busiest_share,
            bytes_fetched: fetches.bytes,
            pieces_verified: self.net.world.store().good_pieces,
            found_rate_random_failure: failure,
            found_rate_attack: attack,
            trace_hash: hash
                .into_iter()
                .fold(0, |sum, part| overlay_peer::input_seed(sum, 0, part)),
        };
        Report {
            summary: summary.rounded(),
            join_bytes: per(joins.bytes, peers),
            publish_bytes: per(publications.bytes, published.into()),
            state_entries: footprint.entries / peers,
            state_bytes_most: footprint.most,
            joined: self.net.joined.iter().filter(|&&joined| joined).count() as u32,
            messages: self.net.world.metrics().total().messages,
            malformed: self.net.world.metrics().malformed(),
            misbehaved: self.net.misbehaved,
            fetches,
        }
    }

    fn join(&mut self) {
        self.net.cause = JOIN;
        // The well-known member is there, whatever it says.
        self.net.joined[0] = true;
        let order = &self.compared.workload.order;
        for (number, &member) in order.iter().enumerate() {
            let introducers = self.introducers(member);
            let commands = self.net.system.join(member, &introducers);
            self.net.command(member, commands);
            self.net.run_for(MEMBER_INTERVAL);
            (self.progress)("join", 0.15 * number as f64 / order.len() as f64);
        }
        // Who did not get in tries again, as its user would.
        for _ in 0..3 {
            self.net.run_for(SETTLE / 4);
            for &member in order {
                if !self.net.joined[member as usize] {
                    let introducers = self.introducers(member);
                    let commands = self.net.system.join(member, &introducers);
                    self.net.command(member, commands);
                }
            }
        }
        self.net.cause = Cause::UPKEEP;
        self.net.run_for(SETTLE / 4);
    }

    /// The well-known member and three others that are in and can be reached.
    fn introducers(&self, member: u32) -> Vec<overlay_peer::Address> {
        if member == 0 {
            return Vec::new();
        }
        let hosts = &self.compared.workload.hosts;
        let mut introducers = vec![hosts[0].host.address];
        let mut rng = stream(self.compared.plan.seed, 1_000 + u64::from(member));
        let candidates: Vec<_> = hosts
            .iter()
            .enumerate()
            .filter(|(number, _)| *number as u32 != member && self.net.joined[*number])
            .filter_map(|(_, placed)| placed.reachable)
            .skip(1)
            .collect();
        let share = 3.0 / candidates.len().max(3) as f64;
        let chosen = random_share(candidates.len() as u32, share, &mut rng);
        introducers.extend(chosen.into_iter().map(|index| candidates[index.as_usize()]));
        introducers
    }

    fn publish(&mut self) {
        self.net.cause = PUBLISH;
        let order = &self.compared.workload.order;
        for (number, &member) in order.iter().enumerate() {
            let files = &self.compared.workload.hosts[member as usize].files;
            if !files.is_empty() {
                let commands = self.net.system.publish(member, files);
                self.net.command(member, commands);
            }
            self.net.run_for(MEMBER_INTERVAL);
            (self.progress)("publish", 0.2 + 0.2 * number as f64 / order.len() as f64);
        }
        // Until nothing more comes of it.
        let mut before = None;
        while before != Some(self.net.counted(PUBLISH)) {
            before = Some(self.net.counted(PUBLISH));
            self.net.run_for(Duration::from_secs(10));
        }
    }

    /// Bytes a peer a second while nobody asks for anything.
    fn signalling(&mut self) -> f64 {
        self.net.cause = Cause::UPKEEP;
        let before = self.net.counted(Cause::UPKEEP).bytes;
        self.net.run_for(QUIET);
        let bytes = self.net.counted(Cause::UPKEEP).bytes - before;
        bytes as f64 / QUIET.as_secs_f64() / f64::from(self.compared.plan.peers)
    }

    fn search(&mut self) -> Vec<Searched<S::Hit>> {
        self.net.cause = SEARCH;
        let searches = self.compared.workload.searches.clone();
        let all = searches.len().max(1) as f64;
        let Self { net, progress, .. } = self;
        net.search(searches, SEARCH_INTERVAL, |done| {
            progress("search", 0.4 + 0.2 * done as f64 / all);
        })
    }

    /// Every search that found its file is followed by a fetch, from one source after the other.
    fn fetch(&mut self, searched: &[Searched<S::Hit>]) -> Fetches {
        self.net.cause = FETCH;
        let mut fetches = Fetches::default();
        let mut under_way: BTreeMap<u32, Attempt> = BTreeMap::new();
        let found: Vec<_> = searched.iter().filter(|searched| searched.first.is_some()).collect();
        let start = self.net.world.now();
        for (number, searched) in (0u32..).zip(&found) {
            self.fetch_until(
                start + SEARCH_INTERVAL * number,
                &found,
                &mut under_way,
                &mut fetches,
            );
            let attempt = Attempt { search: number as usize, source: 0 };
            self.try_source(searched, attempt, &mut under_way, &mut fetches);
        }
        let mut moved = (self.net.world.now(), self.net.world.store().written);
        while !under_way.is_empty() && self.net.world.now() - moved.0 < STALLED {
            let end = self.net.world.now() + Duration::from_secs(5);
            self.fetch_until(end, &found, &mut under_way, &mut fetches);
            let written = self.net.world.store().written;
            if written != moved.1 {
                moved = (self.net.world.now(), written);
            }
            (self.progress)("fetch", 0.8 - 0.2 * under_way.len() as f64 / found.len() as f64);
        }
        fetches.failed += under_way.len() as u32;
        fetches
    }

    fn fetch_until(
        &mut self,
        end: Time,
        found: &[&Searched<S::Hit>],
        under_way: &mut BTreeMap<u32, Attempt>,
        fetches: &mut Fetches,
    ) {
        let mut ended = Vec::new();
        // An outcome may lead to the next attempt, which belongs to this moment, not to `end`.
        loop {
            let before = ended.len();
            while self.net.world.now() < end && ended.len() == before {
                let slice = (self.net.world.now() + Duration::from_millis(100)).min(end);
                self.net.run_until(slice, |_, _, _, outcome| match outcome {
                    Outcome::Fetched { fetch, route, .. } => ended.push((fetch, Ok(route))),
                    Outcome::NotFetched { fetch, why } => ended.push((fetch, Err(why))),
                    _ => {}
                });
            }
            for (fetch, outcome) in ended.drain(..) {
                let Some(attempt) = under_way.remove(&fetch) else { continue };
                let complete = self.net.world.store().is_complete(fetch);
                self.net.world.store_mut().forget(fetch);
                let searched = found[attempt.search];
                match outcome {
                    Ok(route) if complete => {
                        let size = self.compared.library.file(searched.wanted.file).size();
                        fetches.bytes += size;
                        match route {
                            Route::Direct => fetches.direct += 1,
                            Route::Reversed => fetches.reversed += 1,
                        }
                    }
                    outcome => {
                        let why = outcome.err().unwrap_or(Failure::Failed);
                        let next = Attempt { source: attempt.source + 1, ..attempt };
                        if next.source < searched.sources.len().min(SOURCES) {
                            self.try_source(searched, next, under_way, fetches);
                        } else {
                            match why {
                                Failure::Unreachable => fetches.unreachable += 1,
                                Failure::Failed => fetches.failed += 1,
                            }
                        }
                    }
                }
            }
            if self.net.world.now() >= end {
                return;
            }
        }
    }

    fn try_source(
        &mut self,
        searched: &Searched<S::Hit>,
        attempt: Attempt,
        under_way: &mut BTreeMap<u32, Attempt>,
        fetches: &mut Fetches,
    ) {
        let fetch = (attempt.search * SOURCES + attempt.source) as u32;
        let (_, hit) = &searched.sources[attempt.source];
        if attempt.source == 0 {
            fetches.tried += 1;
        }
        self.net.world.store_mut().expect(fetch, searched.wanted.file);
        under_way.insert(fetch, attempt);
        let commands = self.net.system.fetch(searched.wanted.by, fetch, hit);
        self.net.command(searched.wanted.by, commands);
    }

    fn footprint(&self) -> Remembered {
        let mut remembered = Remembered::default();
        for (_, peer) in self.net.world.peers() {
            let footprint = S::footprint(peer);
            remembered.entries += footprint.entries as f64;
            remembered.bytes += footprint.bytes as f64;
            remembered.most = remembered.most.max(footprint.bytes);
        }
        remembered
    }

    /// The mean found rate over several draws, and what the runs' traces come to.
    fn survive(
        &mut self,
        progress: f64,
        who: impl Fn(&Net<S>, u64, &Compared) -> Vec<PeerIndex>,
    ) -> (Option<f64>, u64) {
        let mut rates = Vec::new();
        let mut traces = 0;
        for draw in 0..DRAWS {
            (self.progress)("failures", progress + 0.1 * draw as f64 / DRAWS as f64);
            let failed = who(&self.net, draw, self.compared);
            let (rate, trace) = self.net.clone().survives(&failed, self.compared, draw);
            rates.extend(rate);
            traces = overlay_peer::input_seed(traces, 0, trace);
        }
        (mean(rates), traces)
    }

    /// Stands for the files: their relative paths, sizes and contents.
    fn library_hash(&self) -> u64 {
        let words = |bytes: &[u8]| {
            let word =
                |chunk: &[u8]| chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
            bytes.chunks(8).map(word).collect::<Vec<_>>()
        };
        let mut hash = 0;
        for (_, file) in self.compared.library.files() {
            let parts = [words(file.name().as_bytes()), words(file.info_hash().as_ref())];
            for word in parts.concat() {
                hash = overlay_peer::input_seed(hash, 0, word);
            }
        }
        hash
    }
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    search: usize,
    source: usize,
}

#[derive(Default)]
struct Remembered {
    entries: f64,
    bytes: f64,
    most: u64,
}
