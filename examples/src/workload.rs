//! What happens, the same in every system: who is where, who has what, who looks for what.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use overlay_core::{FileId, Library};
use overlay_peer::{Address, Pcg32};
use overlay_sim::{Host, Position};
use rand_core::Rng;

use crate::NatMix;

/// What a user chooses.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many peers, the well-known one included; at least 2.
    pub peers: u32,
    /// All randomness comes from this.
    pub seed: u64,
    /// How many searches.
    pub searches: u32,
    /// How many copies a file has on average, at least 1; the files' shares of all copies follow Zipf's
    /// law.
    pub replicas: f64,
    /// What stands between the hosts.
    pub nat: NatMix,
    /// Whether every message is encoded and decoded on its way.
    pub checked: bool,
}

impl Plan {
    /// Whether it can be carried out.
    ///
    /// # Errors
    /// A number is out of range.
    pub fn check(&self) -> Result<(), PlanError> {
        let &Self { peers, replicas, .. } = self;
        if peers < 2 {
            return Err(PlanError::TooFewPeers { peers });
        }
        if peers > MAX_PEERS {
            return Err(PlanError::TooManyPeers { peers, max: MAX_PEERS });
        }
        if !(replicas >= 1.0 && replicas.is_finite()) {
            return Err(PlanError::Replicas { replicas });
        }
        Ok(())
    }
}

/// Why a plan can not be carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Nobody to talk to.
    #[error("--peers {peers}: at least 2 are needed")]
    TooFewPeers {
        /// How many were asked for.
        peers: u32,
    },
    /// More than there are addresses for.
    #[error("--peers {peers}: at most {max} are possible")]
    TooManyPeers {
        /// How many were asked for.
        peers: u32,
        /// The most.
        max: u32,
    },
    /// Less than one copy.
    #[error("--replicas {replicas}: expected a number, at least 1")]
    Replicas {
        /// What was asked for.
        replicas: f64,
    },
    /// Nothing to find.
    #[error("no file has a keyword in its name")]
    NoKeywords,
}

/// A workload that a plan and a library lead to.
#[derive(Clone, Debug)]
pub struct Workload {
    /// All hosts; number 0 is the well-known one, which is open, fast, and neither shares nor
    /// searches.
    pub(crate) hosts: Vec<Placed>,
    /// The order in which they join, number 0 first.
    pub(crate) order: Vec<u32>,
    /// How many hosts have each file, by its number.
    pub(crate) copies: Vec<u32>,
    pub(crate) searches: Vec<Wanted>,
    popular: BTreeSet<FileId>,
    rare: BTreeSet<FileId>,
    /// Files from the most popular on; those without keywords left out.
    ranking: Vec<FileId>,
    /// The sum of 1/rank over the ranking.
    harmonic: f64,
    /// In how many files' names each file's keywords occur, rarest first.
    keywords: Vec<Vec<String>>,
    seed: u64,
}

/// A host and what it has.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub host: Host,
    pub reachable: Option<Address>,
    pub files: Vec<FileId>,
}

/// One search: who looks for which file with which words.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub by: u32,
    pub file: FileId,
    pub keywords: Vec<String>,
}

/// Where a host listens: the port registered for Gnutella.
const PORT: u16 = 6346;
/// Peers have an address each in a network of 2²⁴.
const MAX_PEERS: u32 = (1 << 24) - 2;
/// The hosts' lines: share of hosts, upload in bytes a second. An assumption, in the range of home
/// lines around 2005 with a few fast ones.
const UPLOADS: [(f64, u64); 4] =
    [(0.25, 32_000), (0.5, 128_000), (0.2, 1_250_000), (0.05, 12_500_000)];

impl Workload {
    /// The workload of a plan.
    ///
    /// # Errors
    /// The plan makes no sense.
    pub fn new(plan: &Plan, library: &Library) -> Result<Self, PlanError> {
        plan.check()?;
        let keywords = keywords_by_rarity(library);
        let mut ranking: Vec<FileId> = library.files().map(|(id, _)| id).collect();
        ranking.retain(|file| !keywords[file.0 as usize].is_empty());
        if ranking.is_empty() {
            return Err(PlanError::NoKeywords);
        }
        shuffle(&mut ranking, &mut stream(plan.seed, 1));
        let harmonic = (1..=ranking.len()).map(|rank| 1.0 / rank as f64).sum();

        let mut hosts = place_hosts(plan);
        let copies = place_copies(plan, &ranking, harmonic, library.len(), &mut hosts);
        let mut order: Vec<u32> = (1..plan.peers).collect();
        shuffle(&mut order, &mut stream(plan.seed, 4));
        order.insert(0, 0);

        let popular = ranking.iter().take(ranking.len().div_ceil(10)).copied().collect();
        let fewest = ranking.iter().map(|file| copies[file.0 as usize]).min().unwrap_or(0);
        let rare = ranking.iter().filter(|file| copies[file.0 as usize] == fewest);
        let rare = rare.copied().collect();
        let mut workload = Self {
            hosts,
            order,
            copies,
            searches: Vec::new(),
            popular,
            rare,
            ranking,
            harmonic,
            keywords,
            seed: plan.seed,
        };
        workload.searches = workload.draw_searches(plan.searches, 0, |_| true);
        Ok(workload)
    }

    /// Whether there is nothing to look for.
    pub fn is_without_searches(&self) -> bool {
        self.searches.is_empty()
    }

    /// The tenth of the files that most hosts have.
    pub(crate) fn is_popular(&self, file: FileId) -> bool {
        self.popular.contains(&file)
    }

    /// The files that the fewest hosts have: one, unless `replicas` is large.
    pub(crate) fn is_rare(&self, file: FileId) -> bool {
        self.rare.contains(&file)
    }

    /// Searches of hosts that are `up` for files that a host that is up has, and the searching one
    /// has not. Every other search draws its file by popularity, the rest evenly, so that popular and
    /// rare files both have their say. The same `draw` gives the same searches.
    pub(crate) fn draw_searches(
        &self,
        count: u32,
        draw: u64,
        up: impl Fn(u32) -> bool,
    ) -> Vec<Wanted> {
        let mut rng = stream(self.seed, 5 + draw);
        let mut holders: Vec<Vec<u32>> = vec![Vec::new(); self.keywords.len()];
        for (number, placed) in (0u32..).zip(&self.hosts) {
            for file in placed.files.iter().filter(|_| up(number)) {
                holders[file.0 as usize].push(number);
            }
        }
        let mut searches = Vec::new();
        // A draw that leads to nothing (a file that is gone, or that everyone has) is drawn again;
        // when all are like that, there are no searches.
        for _ in 0..count.saturating_mul(50) {
            if searches.len() == count as usize {
                break;
            }
            let by_popularity = searches.len() % 2 == 0;
            let file = self.draw_file(by_popularity, &mut rng);
            let by = 1 + below(&mut rng, self.hosts.len() as u64 - 1) as u32;
            let words = 1 + below(&mut rng, 3) as usize;
            let has = &holders[file.0 as usize];
            if up(by) && !has.is_empty() && !has.contains(&by) {
                let keywords = &self.keywords[file.0 as usize];
                // The rarest two at least: what somebody who looks for this very file would type.
                let keywords = keywords.iter().take(words.max(2)).cloned().collect();
                searches.push(Wanted { by, file, keywords });
            }
        }
        searches
    }

    fn draw_file(&self, by_popularity: bool, rng: &mut Pcg32) -> FileId {
        if !by_popularity {
            return self.ranking[below(rng, self.ranking.len() as u64) as usize];
        }
        let mut draw = unit(rng) * self.harmonic;
        for (rank, file) in (1u32..).zip(&self.ranking) {
            draw -= 1.0 / f64::from(rank);
            if draw < 0.0 {
                return *file;
            }
        }
        self.ranking[self.ranking.len() - 1]
    }
}

fn place_hosts(plan: &Plan) -> Vec<Placed> {
    let mut rng = stream(plan.seed, 2);
    let address = |network: u32, number: u32| {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::from(network + number + 1)), PORT)
    };
    let place = |number: u32| {
        let (public, private) = (address(0x0b00_0000, number), address(0x0a00_0000, number));
        let position = Position { x: rng.next_u32() as u16, y: rng.next_u32() as u16 };
        let (nat, line) = (plan.nat.pick(unit(&mut rng)), unit(&mut rng));
        let nat = nat.filter(|_| number > 0);
        let upload = if number == 0 { UPLOADS[3].1 } else { upload(line) };
        let host = match nat {
            None => Host::open(public),
            Some(behaviour) => Host::behind(private, public.ip(), behaviour),
        };
        // Behind a NAT that lets everyone in and keeps port numbers, a host is reached at the NAT's
        // address as soon as it has sent something.
        let lets_all_in = nat.is_none_or(|nat| {
            nat.filtering == natsim::Filtering::EndpointIndependent && nat.port_preservation
        });
        let host = host.with_upload(upload).at(position);
        Placed { host, reachable: lets_all_in.then_some(public), files: Vec::new() }
    };
    (0..plan.peers).map(place).collect()
}

fn upload(draw: f64) -> u64 {
    let mut upto = 0.0;
    for (share, upload) in UPLOADS {
        upto += share;
        if draw < upto {
            return upload;
        }
    }
    UPLOADS[0].1
}

/// Gives each file its copies: of `replicas` · files in all, the file of rank r gets the share 1/r of
/// the harmonic sum, at least one and at most one for each host.
fn place_copies(
    plan: &Plan,
    ranking: &[FileId],
    harmonic: f64,
    files: usize,
    hosts: &mut [Placed],
) -> Vec<u32> {
    let mut rng = stream(plan.seed, 3);
    let total = plan.replicas * ranking.len() as f64;
    let sharers = plan.peers - 1;
    let mut copies = vec![0; files];
    for (rank, file) in (1u32..).zip(ranking) {
        let share = total / (f64::from(rank) * harmonic);
        let wanted = (share.round() as u32).clamp(1, sharers);
        copies[file.0 as usize] = wanted;
        let share = f64::from(wanted) / f64::from(sharers);
        for host in overlay_sim::random_share(sharers, share, &mut rng) {
            hosts[host.as_usize() + 1].files.push(*file);
        }
    }
    for host in hosts {
        host.files.sort();
    }
    copies
}

/// Each file's keywords, those first that the fewest files have.
fn keywords_by_rarity(library: &Library) -> Vec<Vec<String>> {
    let mut frequency = std::collections::BTreeMap::new();
    for (_, file) in library.files() {
        for keyword in file.keywords() {
            *frequency.entry(keyword.as_str()).or_insert(0u32) += 1;
        }
    }
    let by_rarity = |(_, file): (FileId, &overlay_core::SharedFile)| {
        let mut keywords: Vec<String> = file.keywords().iter().cloned().collect();
        keywords.sort_by_key(|keyword| frequency[keyword.as_str()]);
        keywords
    };
    library.files().map(by_rarity).collect()
}

/// A generator of its own for each thing that is drawn, so that one does not shift another.
pub(crate) fn stream(seed: u64, number: u64) -> Pcg32 {
    Pcg32::new(seed, 0x776f_726b << 8 | number)
}

fn shuffle<T>(items: &mut [T], rng: &mut Pcg32) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

fn below(rng: &mut Pcg32, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// Evenly from 0 to 1, 1 excluded.
fn unit(rng: &mut Pcg32) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}
