//! One system under the workload, phase by phase.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{FileId, Library, System, SystemName, Visitor};
use overlay_peer::{Address, input_seed};
use overlay_sim::{Cause, PeerIndex, busiest, random_share};

use crate::fetch::Fetching;
use crate::measure::{mean, percentile, rate};
use crate::net::{Net, Searched};
use crate::report::{Fetches, Report, Summary};
use crate::workload::stream;
use crate::{Plan, Workload};

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
/// One search, and later one fetch, starts every so often.
const SEARCH_INTERVAL: Duration = Duration::from_millis(250);
/// How many others a newcomer is introduced to besides the well-known member.
const INTRODUCERS: f64 = 3.0;
/// How often failures and attacks are drawn, and who fails.
const DRAWS: u64 = 10;
const FAILING: f64 = 0.20;
const ATTACKED: f64 = 0.01;
/// After a failure the searches come so quickly that nothing is repaired in between.
const AT_ONCE: Duration = Duration::from_millis(10);

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
pub fn compare(
    name: SystemName,
    compared: &Compared,
    progress: &mut dyn FnMut(&'static str, f64),
) -> Report {
    name.visit(&compared.library, Task { compared, progress })
}

struct Task<'a> {
    compared: &'a Compared,
    progress: &'a mut dyn FnMut(&'static str, f64),
}

impl Visitor for Task<'_> {
    type Output = Report;

    fn visit<S: System>(self, system: S) -> Report {
        let Self { compared, progress } = self;
        progress("building", 0.0);
        Run { compared, net: Net::new(system, compared), progress }.all()
    }
}

struct Run<'a, S: System> {
    compared: &'a Compared,
    net: Net<S>,
    progress: &'a mut dyn FnMut(&'static str, f64),
}

/// What is left after a failure, over several draws.
struct Survival {
    found_rate: Option<f64>,
    messages: u64,
    trace: u64,
}

impl<S: System> Run<'_, S> {
    fn all(mut self) -> Report {
        self.join();
        self.publish();
        let signalling = self.signalling();
        let searched = self.search();
        let fetches = self.fetch(&searched);
        let failure = self.survive(0.80, |net, draw, seed| {
            let mut rng = stream(seed, 200 + draw);
            random_share(net.world.len() as u32, FAILING, &mut rng)
        });
        let attack = self.survive(0.90, |net, _, _| busiest(&net.world.received(), ATTACKED));
        (self.progress)("done", 1.0);
        self.report(signalling, &searched, fetches, &failure, &attack)
    }

    fn join(&mut self) {
        self.net.cause = JOIN;
        let order = &self.compared.workload.order;
        for (number, &member) in order.iter().enumerate() {
            self.join_one(member);
            self.net.run_for(MEMBER_INTERVAL);
            (self.progress)("join", 0.15 * number as f64 / order.len() as f64);
        }
        // An index server is there without saying so.
        self.net.joined[0] = true;
        // Who did not get in tries again, as its user would.
        for _ in 0..3 {
            self.net.run_for(SETTLE / 4);
            for &member in order {
                if !self.net.joined[member as usize] {
                    self.join_one(member);
                }
            }
        }
        self.net.run_for(SETTLE / 4);
    }

    fn join_one(&mut self, member: u32) {
        let introducers = self.introducers(member);
        let commands = self.net.system.join(member, &introducers);
        self.net.command(member, commands);
    }

    /// The well-known member, and others that are in and can be reached.
    fn introducers(&self, member: u32) -> Vec<Address> {
        if member == 0 {
            return Vec::new();
        }
        let hosts = &self.compared.workload.hosts;
        let mut rng = stream(self.compared.plan.seed, 1_000 + u64::from(member));
        let ready = &self.net.introducers;
        let share = INTRODUCERS / (ready.len() as f64).max(INTRODUCERS);
        let chosen = random_share(ready.len() as u32, share, &mut rng);
        let others = chosen.into_iter().map(|index| ready[index.as_usize()]);
        let others = others.filter(|other| Some(*other) != hosts[member as usize].reachable);
        std::iter::once(hosts[0].host.address).chain(others).collect()
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

    /// Every search that found its file is followed by a fetch.
    fn fetch(&mut self, searched: &[Searched<S::Hit>]) -> Fetches {
        self.net.cause = FETCH;
        let Self { net, progress, .. } = self;
        Fetching::new(net, searched)
            .all(SEARCH_INTERVAL, |share| progress("fetch", 0.6 + 0.2 * share))
    }

    /// Which searches still find a source that is up, right after some members failed; each draw in a
    /// clone of the world.
    fn survive(
        &mut self,
        progress: f64,
        who: impl Fn(&Net<S>, u64, u64) -> Vec<PeerIndex>,
    ) -> Survival {
        let Plan { seed, searches, .. } = self.compared.plan;
        let before = self.net.world.metrics().total().messages;
        let mut rates = Vec::new();
        let mut survival = Survival { found_rate: None, messages: 0, trace: 0 };
        for draw in 0..DRAWS {
            (self.progress)("failures", progress + 0.1 * draw as f64 / DRAWS as f64);
            let mut net = self.net.clone();
            net.cause = SEARCH;
            for peer in who(&net, draw, seed) {
                net.world.fail(peer);
            }
            let count = searches.div_ceil(8);
            let up = |number: u32| net.world.is_alive(PeerIndex(number));
            let searches = self.compared.workload.draw_searches(count, 1 + draw, up);
            let searched = net.search(searches, AT_ONCE, |_| {});
            let found = searched.iter().filter(|searched| {
                searched.sources.iter().any(|(source, _)| net.world.is_alive(PeerIndex(*source)))
            });
            rates.extend(rate(found.count(), searched.len()));
            survival.messages += net.world.metrics().total().messages - before;
            survival.trace = input_seed(survival.trace, 0, net.world.trace_hash());
        }
        survival.found_rate = mean(rates);
        survival
    }

    fn report(
        &self,
        signalling: f64,
        searched: &[Searched<S::Hit>],
        fetches: Fetches,
        failure: &Survival,
        attack: &Survival,
    ) -> Report {
        let Compared { plan, workload, .. } = self.compared;
        let metrics = self.net.world.metrics();
        let peers = f64::from(plan.peers);
        let copies = f64::from(workload.copies.iter().sum::<u32>());
        let [joins, publications, searches] =
            [JOIN, PUBLISH, SEARCH].map(|cause| self.net.counted(cause));
        let per = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };

        let found_rate = |among: &dyn Fn(FileId) -> bool| {
            let asked: Vec<_> = searched.iter().filter(|s| among(s.wanted.file)).collect();
            rate(asked.iter().filter(|s| s.first.is_some()).count(), asked.len())
        };
        let firsts = searched.iter().filter_map(|s| s.first.map(|first| (s.started, first)));
        let (mut latencies, mut hops): (Vec<u64>, Vec<u64>) = firsts
            .map(|(started, (at, hops))| ((at - started).as_millis() as u64, u64::from(hops)))
            .unzip();
        latencies.sort_unstable();
        hops.sort_unstable();

        let footprints = || self.net.world.peers().map(|(_, peer)| S::footprint(peer));
        let received = self.net.world.received();
        let handled: u64 = received.iter().sum();
        let most = received.iter().max().copied().unwrap_or(0);
        let traces = [self.net.world.trace_hash(), failure.trace, attack.trace, self.files_hash()];
        let summary = Summary {
            system: S::NAME.as_str(),
            peers: plan.peers,
            seed: plan.seed,
            searches: searched.len() as u32,
            found_rate: found_rate(&|_| true),
            found_rate_popular: found_rate(&|file| workload.is_popular(file)),
            found_rate_rare: found_rate(&|file| workload.is_rare(file)),
            messages_per_search: per(searches.messages, searched.len() as f64),
            bytes_per_search: per(searches.bytes, searched.len() as f64),
            join_messages: per(joins.messages, peers),
            publish_messages: per(publications.messages, copies),
            signalling_bytes_per_peer_s: signalling,
            hops_p50: percentile(&hops, 0.5),
            hops_p99: percentile(&hops, 0.99),
            latency_p50_ms: percentile(&latencies, 0.5),
            latency_p99_ms: percentile(&latencies, 0.99),
            state_bytes_per_peer: per(footprints().map(|state| state.bytes).sum(), peers),
            busiest_share: per(most, handled as f64),
            bytes_fetched: fetches.bytes,
            pieces_verified: self.net.world.store().good_pieces,
            found_rate_random_failure: failure.found_rate,
            found_rate_attack: attack.found_rate,
            trace_hash: traces.into_iter().fold(0, |sum, part| input_seed(sum, 0, part)),
        };
        Report {
            summary: summary.rounded(),
            join_bytes: per(joins.bytes, peers),
            publish_bytes: per(publications.bytes, copies),
            state_entries: per(footprints().map(|state| state.entries).sum(), peers),
            state_bytes_most: footprints().map(|state| state.bytes).max().unwrap_or(0),
            joined: self.net.joined.iter().filter(|&&joined| joined).count() as u32,
            messages: metrics.total().messages + failure.messages + attack.messages,
            malformed: metrics.malformed(),
            misbehaved: self.net.misbehaved,
            fetches,
        }
    }

    /// Stands for the files: their relative paths, sizes and contents.
    fn files_hash(&self) -> u64 {
        let mut hash = 0;
        for (_, file) in self.compared.library.files() {
            let info_hash = file.info_hash();
            for byte in file.name().bytes().chain(info_hash.0) {
                hash = input_seed(hash, 0, u64::from(byte));
            }
        }
        hash
    }
}
