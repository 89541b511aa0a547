//! Downloads: direct, by alternate request, and those that fail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use core::net::IpAddr;
use core::time::Duration;

use common::{FETCH, Network, PUBLISH, address, content};
use natsim::Behaviour;
use overlay_napster::wire::Refusal;
use overlay_napster::{ClientConfig, Command, Event, FetchFailure, Hit};
use overlay_peer::{Address, Object, Reason, StoreError};
use overlay_sim::{Config, Host, PeerIndex};

const FILES: [(&str, u64); 6] = [
    // Even numbers begin with digits, as their size does.
    ("small 0", 10),
    ("small 1", 10),
    ("empty 2", 0),
    ("large 3", 1_000_000),
    ("large 4", 300_001),
    ("chunk 5", 65_536),
];

fn config(nick: &str) -> ClientConfig {
    ClientConfig::new(nick, "x").unwrap()
}

/// A host behind a NAT that lets in nothing that was not asked for.
fn behind_nat(number: u8) -> Host {
    behind(number, Behaviour::PORT_RESTRICTED)
}

fn behind(number: u8, behaviour: Behaviour) -> Host {
    let public = IpAddr::from([203, 0, 113, number]);
    Host::behind(Address::from(([10, 0, 0, 2], 6699)), public, behaviour)
}

/// Two clients of a network, the first of which shares all files.
fn pair(supplier: ClientConfig, at: Host, fetcher: ClientConfig, to: Host) -> Pair {
    let mut network = Network::new(&FILES);
    let supplier = network.joined(supplier, at, &[0, 1, 2, 3, 4, 5]);
    let fetcher = network.joined(fetcher, to, &[]);
    Pair { network, supplier, fetcher }
}

fn open_pair() -> Pair {
    pair(config("ann"), Host::open(address(1)), config("bob"), Host::open(address(2)))
}

struct Pair {
    network: Network,
    supplier: PeerIndex,
    fetcher: PeerIndex,
}

impl Pair {
    fn hit(&mut self, number: usize) -> Hit {
        let hits = self.network.search(self.fetcher, FILES[number].0);
        assert_eq!(hits.len(), 1);
        hits.into_iter().next().unwrap()
    }

    fn fetch(&mut self, number: usize) -> Result<(u64, bool), FetchFailure> {
        let hit = self.hit(number);
        self.network.fetch(self.fetcher, hit)
    }

    /// Until the first bytes are there.
    fn begin(&mut self, number: usize) {
        let fetch = Command::Fetch { fetch: 5, hit: self.hit(number), into: Object(1000) };
        self.network.world.command(self.fetcher, fetch, FETCH);
        while self.network.downloaded(self.fetcher).is_none() {
            self.network.world.run_for(Duration::from_millis(1));
        }
    }

    fn assert_downloaded(&self, number: usize) {
        let expected = content(Object(number as u64), FILES[number].1);
        assert!(self.network.downloaded(self.fetcher) == Some(&expected[..]));
    }

    fn transfers(&self) -> [u32; 2] {
        let server = self.network.server_state();
        [server.user("bob").unwrap().downloads, server.user("ann").unwrap().uploads]
    }
}

#[test]
fn direct() {
    for (number, (_, size)) in FILES.into_iter().enumerate() {
        let mut pair = open_pair();
        assert_eq!(pair.fetch(number), Ok((size, false)));
        pair.assert_downloaded(number);
        assert_eq!(pair.transfers(), [0, 0]);
    }
}

#[test]
fn by_alternate_request_when_the_supplier_is_firewalled() {
    for (number, (_, size)) in FILES.into_iter().enumerate() {
        let supplier = config("ann").firewalled(true);
        let mut pair = pair(supplier, behind_nat(1), config("bob"), Host::open(address(2)));
        assert_eq!(pair.fetch(number), Ok((size, true)));
        pair.assert_downloaded(number);
        assert_eq!(pair.transfers(), [0, 0]);
    }
}

#[test]
fn by_alternate_request_when_the_supplier_does_not_know_of_its_nat() {
    let mut pair = pair(config("ann"), behind_nat(1), config("bob"), Host::open(address(2)));
    assert_eq!(pair.fetch(3), Ok((1_000_000, true)));
    pair.assert_downloaded(3);
}

#[test]
fn direct_from_behind_a_nat() {
    let fetcher = config("bob").firewalled(true);
    let mut pair = pair(config("ann"), Host::open(address(1)), fetcher, behind_nat(2));
    assert_eq!(pair.fetch(4), Ok((300_001, false)));
    pair.assert_downloaded(4);
}

#[test]
fn both_firewalled_fails() {
    let (ann, bob) = (config("ann").firewalled(true), config("bob").firewalled(true));
    let mut both = pair(ann, behind_nat(1), bob.clone(), behind_nat(2));
    assert_eq!(both.fetch(3), Err(FetchFailure::BothFirewalled));
    assert_eq!(both.network.downloaded(both.fetcher), None);
    // Also if the supplier does not know of its NAT.
    let mut both = pair(config("ann"), behind_nat(1), bob, behind_nat(2));
    assert_eq!(both.fetch(3), Err(FetchFailure::Unreachable(Reason::Unreachable)));
    // And if neither does: the supplier tries in vain.
    let symmetric = |number| behind(number, Behaviour::SYMMETRIC);
    let mut both = pair(config("ann"), symmetric(1), config("bob"), symmetric(2));
    assert_eq!(both.fetch(3), Err(FetchFailure::TimedOut { received: 0 }));
}

/// The simulator's hosts connect from the port they listen on. So the fetcher's vain attempt opens
/// its NAT for the supplier's, unless the mapping depends on the other end: a punched hole by
/// accident. Clients that connect from another port do not have that luck.
#[test]
fn two_nats_may_be_passed_by_accident() {
    let mut both = pair(config("ann"), behind_nat(1), config("bob"), behind_nat(2));
    assert_eq!(both.fetch(3), Ok((1_000_000, true)));
}

#[test]
fn the_server_counts_transfers_under_way() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    let into = Object(1000);
    let fetch = Command::Fetch { fetch: 1, hit, into };
    pair.network.world.command(pair.fetcher, fetch, FETCH);
    let mut seen = [0, 0];
    for _ in 0..10_000 {
        pair.network.world.run_for(Duration::from_millis(1));
        let now = pair.transfers();
        seen = [seen[0].max(now[0]), seen[1].max(now[1])];
    }
    assert_eq!(seen, [1, 1]);
    assert_eq!(pair.transfers(), [0, 0]);
    pair.assert_downloaded(3);
}

#[test]
fn both_users_are_told() {
    let mut pair = open_pair();
    let hit = pair.hit(4);
    pair.network.events();
    let fetch = Command::Fetch { fetch: 1, hit, into: Object(1000) };
    pair.network.world.command(pair.fetcher, fetch, FETCH);
    pair.network.settle();
    let file = pair.network.id(4);
    let nick = config("bob").nick().clone();
    let mut events = pair.network.events();
    events.sort_by_key(|(peer, _)| *peer);
    assert_eq!(
        events,
        [
            (pair.supplier, Event::Uploaded { file, nick, bytes: 300_001, complete: true }),
            (pair.fetcher, Event::Fetched { fetch: 1, bytes: 300_001, alternate: false }),
        ]
    );
}

#[test]
fn the_owner_is_gone() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    pair.network.world.shut_down(pair.supplier);
    pair.network.settle();
    assert_eq!(pair.network.fetch(pair.fetcher, hit), Err(FetchFailure::Unavailable));
}

#[test]
fn the_owner_crashed() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    pair.network.world.fail(pair.supplier);
    // The server does not know yet: direct connect fails, nobody answers the alternate request.
    assert_eq!(
        pair.network.fetch(pair.fetcher, hit.clone()),
        Err(FetchFailure::TimedOut { received: 0 })
    );
    pair.network.world.run_for(Duration::from_secs(60));
    assert_eq!(pair.network.fetch(pair.fetcher, hit), Err(FetchFailure::Unavailable));
}

#[test]
fn the_owner_crashes_on_the_way() {
    let mut pair = open_pair();
    pair.begin(3);
    pair.network.world.fail(pair.supplier);
    let failure = pair.network.fetch_end(pair.fetcher, 5).unwrap_err();
    let received = match failure {
        FetchFailure::Cut { received, reason: Reason::TimedOut } => received,
        FetchFailure::TimedOut { received } => received,
        other => panic!("{other}"),
    };
    assert!((1..1_000_000).contains(&received), "{received}");
    assert_eq!(pair.transfers_of_fetcher(), 0);
}

impl Pair {
    fn transfers_of_fetcher(&self) -> u32 {
        self.network.server_state().user("bob").unwrap().downloads
    }
}

#[test]
fn the_server_is_gone() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    pair.network.world.shut_down(pair.network.server);
    pair.network.settle();
    assert_eq!(pair.network.fetch(pair.fetcher, hit), Err(FetchFailure::NotJoined));
}

#[test]
fn a_transfer_outlives_the_server() {
    let mut pair = open_pair();
    pair.begin(3);
    pair.network.world.shut_down(pair.network.server);
    assert_eq!(pair.network.fetch_end(pair.fetcher, 5), Ok((1_000_000, false)));
    pair.assert_downloaded(3);
}

#[test]
fn a_file_that_is_no_longer_shared() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    // The server hears of it first.
    pair.network.world.command(pair.supplier, Command::UnshareAll, PUBLISH);
    pair.network.settle();
    assert_eq!(pair.network.fetch(pair.fetcher, hit), Err(FetchFailure::Unavailable));
}

#[test]
fn a_file_that_is_withdrawn_between_the_two_requests() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    let fetch = Command::Fetch { fetch: 5, hit, into: Object(1000) };
    pair.network.world.command(pair.fetcher, fetch, FETCH);
    // Until the server has answered and the fetcher connects.
    let fetcher = pair.fetcher;
    while pair.network.world.neighbours(fetcher).all(|other| other != pair.supplier) {
        pair.network.world.run_for(Duration::from_millis(1));
    }
    pair.network.world.command(pair.supplier, Command::UnshareAll, PUBLISH);
    assert_eq!(
        pair.network.fetch_end(fetcher, 5),
        Err(FetchFailure::Refused(Refusal::FileNotShared))
    );
}

#[test]
fn a_file_that_can_not_be_stored() {
    let mut pair = open_pair();
    pair.network.world.store_mut().broken.push(Object(1000));
    assert_eq!(pair.fetch(3), Err(FetchFailure::Storage(StoreError::Full)));
    assert_eq!(pair.transfers(), [0, 0]);
}

#[test]
fn a_file_that_can_not_be_read() {
    let mut pair = open_pair();
    let hit = pair.hit(3);
    pair.network.world.store_mut().shared.clear();
    let failure = pair.network.fetch(pair.fetcher, hit).unwrap_err();
    assert_eq!(failure, FetchFailure::Cut { received: 0, reason: Reason::Remote });
    assert_eq!(pair.transfers(), [0, 0]);
}

#[test]
fn ones_own_file() {
    let mut network = Network::new(&FILES);
    let ann = network.open_client("ann", 1, &[0]);
    let hit = network.search(ann, "small").remove(0);
    assert_eq!(network.fetch(ann, hit), Err(FetchFailure::OwnFile));
}

#[test]
fn uploads_wait_for_a_place_and_all_come_through() {
    let mut network = Network::new(&FILES);
    let mut supplier = config("ann");
    supplier.limits.uploads = 2;
    let ann = network.joined(supplier, Host::open(address(1)), &[3]);
    let fetchers: Vec<PeerIndex> =
        (2..8).map(|number| network.open_client(&format!("user{number}"), number, &[])).collect();
    let hit = network.search(fetchers[0], "large").remove(0);
    network.events();
    for fetcher in &fetchers {
        let fetch = Command::Fetch { fetch: 5, hit: hit.clone(), into: Object(1000) };
        network.world.command(*fetcher, fetch, FETCH);
    }
    let mut most = 0;
    for _ in 0..600 {
        network.world.run_for(Duration::from_millis(50));
        most = most.max(network.server_state().user("ann").unwrap().uploads);
    }
    assert_eq!(most, 2);
    let expected = content(Object(3), 1_000_000);
    for fetcher in fetchers {
        assert!(network.downloaded(fetcher) == Some(&expected[..]));
    }
    let complete = |event: &Event| matches!(event, Event::Uploaded { complete: true, .. });
    assert_eq!(network.events_of(ann).iter().filter(|event| complete(event)).count(), 6);
    assert_eq!(network.server_state().user("ann").unwrap().uploads, 0);
}

#[test]
fn who_asks_beyond_the_waiting_list_is_turned_away() {
    let mut network = Network::new(&FILES);
    let mut supplier = config("ann");
    supplier.limits.uploads = 1;
    supplier.limits.waiting_uploads = 1;
    network.joined(supplier, Host::open(address(1)), &[3]);
    let fetchers: Vec<PeerIndex> =
        (2..6).map(|number| network.open_client(&format!("user{number}"), number, &[])).collect();
    let hit = network.search(fetchers[0], "large").remove(0);
    network.events();
    for fetcher in &fetchers {
        let fetch = Command::Fetch { fetch: 5, hit: hit.clone(), into: Object(1000) };
        network.world.command(*fetcher, fetch, FETCH);
    }
    network.settle();
    let events = network.events();
    let count = |good: bool| {
        let of_kind = |event: &Event| match event {
            Event::Fetched { .. } => good,
            Event::FetchFailed { reason: FetchFailure::Cut { received: 0, .. }, .. } => !good,
            _ => false,
        };
        events.iter().filter(|(_, event)| of_kind(event)).count()
    };
    assert_eq!((count(true), count(false)), (2, 2), "{events:?}");
}

#[test]
fn downloads_are_bounded_and_numbers_are_used_once() {
    let mut network = Network::new(&FILES);
    network.open_client("ann", 1, &[3]);
    let mut fetcher = config("bob");
    fetcher.limits.fetches = 2;
    let bob = network.joined(fetcher, Host::open(address(2)), &[]);
    let hit = network.search(bob, "large").remove(0);
    network.events();
    for fetch in [1, 1, 2, 3] {
        let into = Object(1000 + u64::from(fetch));
        let command = Command::Fetch { fetch, hit: hit.clone(), into };
        network.world.command(bob, command, FETCH);
    }
    let failed: Vec<_> = network
        .events_of(bob)
        .into_iter()
        .filter_map(|event| match event {
            Event::FetchFailed { fetch, reason } => Some((fetch, reason)),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(1, FetchFailure::SameNumber), (3, FetchFailure::TooMany { max: 2 })]);
    network.settle();
    let fetched = |event: &Event| matches!(event, Event::Fetched { .. });
    assert_eq!(network.events_of(bob).iter().filter(|event| fetched(event)).count(), 2);
}

#[test]
fn a_slow_supplier_is_not_flooded_by_its_own_file() {
    // The supplier's link takes a minute for the file; it reads no faster than it sends.
    let config = Config { seed: 1, checked: true, ..Config::default() };
    let mut network = Network::with(&[("film", 3_000_000)], config, |_| {});
    let host = Host::open(address(1)).with_upload(50_000);
    let supplier = ClientConfig::new("ann", "x").unwrap();
    network.joined(supplier, host, &[0]);
    let bob = network.open_client("bob", 2, &[]);
    let hit = network.search(bob, "film").remove(0);
    let begin = network.world.now();
    assert_eq!(network.fetch(bob, hit), Ok((3_000_000, false)));
    let took = network.world.now().since(begin);
    assert!((58..75).contains(&took.as_secs()), "{took:?}");
}
