//! Downloads: direct, pushed, resumed, refused, interrupted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::Guid;
use overlay_gnutella::{
    Catalogue, Command, Config, Event, FetchFailure, HeadKind, Hit, Message, Misbehaviour, Servent,
    Settings, SharedFile,
};
use overlay_peer::{Address, LinkState, Object, Peer, Reason, StoreError};
use overlay_sim::{Host, PeerIndex, World};

const SIZE: usize = 300_001;
const FILE: Object = Object(5);
const INTO: Object = Object(77);
const SEEKER: PeerIndex = PeerIndex(0);
const HOLDER: PeerIndex = PeerIndex(2);

fn files() -> Arc<Catalogue> {
    let file = |name: &str, size, object| SharedFile { name: name.into(), size, object };
    Arc::new(Catalogue::new([
        file("some other.txt", 10, Object(1)),
        file("A Long Song (live) 100%.ogg", SIZE as u64, FILE),
        file("empty song.ogg", 0, Object(9)),
    ]))
}

struct Scene {
    world: World<Servent, Memory>,
    hit: Hit,
}

/// Seeker – relay – holder in a line; the seeker has found the holder's song.
fn scene(seeker_firewalled: bool, holder_firewalled: bool, settings: Settings) -> Scene {
    let host = |firewalled: bool, n: u32| {
        let host = Host::open(address(n));
        if firewalled { behind_nat(n) } else { host }
    };
    scene_on(host(seeker_firewalled, 0), host(holder_firewalled, 2), settings)
}

/// Behind a NAT that lets in only what it was sent for, from the very address and port.
fn behind_nat(n: u32) -> Host {
    let behaviour = natsim::Behaviour::PORT_RESTRICTED;
    let inside: Address = ([192, 168, 0, n as u8], 6346).into();
    Host::behind(inside, address(n).ip(), behaviour)
}

fn scene_on(seeker: Host, holder: Host, settings: Settings) -> Scene {
    let mut world = world(3);
    let settings = Arc::new(settings);
    let catalogue = files();
    for (n, host, shares) in
        [(0, seeker, vec![]), (1, Host::open(address(1)), vec![0]), (2, holder, vec![1, 2])]
    {
        let firewalled = host.nat.is_some();
        let config = Config { firewalled, settings: settings.clone(), ..Config::new(guid(n)) };
        world.add(Servent::new(config, catalogue.clone(), shares), host);
    }
    world.store_mut().objects.insert((HOLDER.0, FILE.0), content(4, SIZE));
    world.store_mut().objects.insert((HOLDER.0, 9), vec![]);
    for peer in [SEEKER, HOLDER] {
        world.command(peer, Command::Join { hosts: vec![address(1)] }, JOIN);
    }
    world.run_for(Duration::from_secs(5));
    world.command(SEEKER, Command::Search { search: 1, text: "long song".into() }, SEARCH);
    world.run_for(Duration::from_secs(5));
    let hits = hits(&mut world, SEEKER);
    assert_eq!(hits.len(), 1, "{hits:?}");
    Scene { world, hit: hits[0].2.clone() }
}

impl Scene {
    fn fetch(&mut self, from: u64) -> Vec<Event> {
        let hit = self.hit.clone();
        self.world.command(SEEKER, Command::Fetch { fetch: 8, hit, into: INTO, from }, FETCH);
        self.world.run_for(Duration::from_secs(200));
        self.outcome()
    }

    fn outcome(&mut self) -> Vec<Event> {
        let of_fetch = |event: &Event| {
            matches!(
                event,
                Event::Fetched { .. } | Event::FetchFailed { .. } | Event::Misbehaved { .. }
            )
        };
        self.world
            .drain_events()
            .filter(|(_, peer, event)| *peer == SEEKER && of_fetch(event))
            .map(|(_, _, event)| event)
            .collect()
    }

    fn fetched(&self) -> Option<&Vec<u8>> {
        self.world.store().objects.get(&(SEEKER.0, INTO.0))
    }
}

fn fetched(bytes: usize, pushed: bool) -> Vec<Event> {
    vec![Event::Fetched { fetch: 8, bytes: bytes as u64, pushed }]
}

fn failed(reason: FetchFailure) -> Vec<Event> {
    vec![Event::FetchFailed { fetch: 8, reason }]
}

#[test]
fn a_direct_fetch_brings_every_byte() {
    let mut scene = scene(false, false, quiet());
    assert!(!scene.hit.push);
    assert_eq!(scene.hit.exact_size(), Some(SIZE as u64));
    assert_eq!(scene.fetch(0), fetched(SIZE, false));
    assert_eq!(scene.fetched(), Some(&content(4, SIZE)));
    // Both ends have forgotten the transfer.
    for peer in [SEEKER, HOLDER] {
        assert!(scene.world.peer(peer).footprint().0 <= 5);
    }
}

#[test]
fn a_fetch_resumes_where_an_earlier_one_ended() {
    let mut scene = scene(false, false, quiet());
    let have = 123_456;
    scene.world.store_mut().objects.insert((SEEKER.0, INTO.0), content(4, SIZE)[..have].to_vec());
    assert_eq!(scene.fetch(have as u64), fetched(SIZE - have, false));
    assert_eq!(scene.fetched(), Some(&content(4, SIZE)));
    assert_eq!(scene.fetch(SIZE as u64), fetched(0, false));
}

#[test]
fn an_empty_file_can_be_fetched() {
    let mut scene = scene(false, false, quiet());
    scene.hit = Hit { index: 2, size: 0, ..scene.hit };
    assert_eq!(scene.fetch(0), fetched(0, false));
    assert_eq!(scene.fetched(), Some(&vec![]), "the file exists, and is empty");
}

/// Of two fetches with one number the first goes on.
#[test]
fn a_number_in_use_is_refused() {
    let mut scene = scene(false, false, quiet());
    for into in [INTO, Object(78)] {
        let hit = scene.hit.clone();
        scene.world.command(SEEKER, Command::Fetch { fetch: 8, hit, into, from: 0 }, FETCH);
    }
    scene.world.run_for(Duration::from_secs(60));
    let mut expected = failed(FetchFailure::NumberInUse);
    expected.extend(fetched(SIZE, false));
    assert_eq!(scene.outcome(), expected);
    assert_eq!(scene.fetched(), Some(&content(4, SIZE)));
    assert!(!scene.world.store().objects.contains_key(&(SEEKER.0, 78)));
    // The number is free again.
    assert_eq!(scene.fetch(0), fetched(SIZE, false));
}

/// A response that starts at another byte than was asked for, whatever the status.
#[test]
fn a_response_from_another_byte_is_refused() {
    for (from, starts, expected) in
        [(4, 4, None), (4, 3, Some(())), (4, 0, Some(())), (0, 4, Some(()))]
    {
        let mut servent = Servent::new(Config::new(guid(0)), files(), []);
        let mut driver = Recorder::new();
        let command = Command::Fetch { fetch: 8, hit: offer(), into: INTO, from };
        driver.input(&mut servent, |s, cx| s.command(command, cx));
        let (link, remote) = driver.connects[0];
        let open = LinkState::Open { remote, inbound: false };
        driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
        // As many bytes as expected, from elsewhere.
        let head = gnutella_wire::Response::ok(starts, starts + 10 - from, 20, true).finish();
        let head = Message::Head { kind: HeadKind::Response, head: Box::new(head) };
        driver.input(&mut servent, |s, cx| s.receive(link, head, cx));
        let events = expected.map(|()| failed(FetchFailure::BadResponse)).unwrap_or_default();
        assert_eq!(driver.events, events, "from {from}, starts {starts}");
    }
}

/// A file of ten bytes.
fn offer() -> Hit {
    Hit { servent: guid(2), index: 1, ..offered(address(2), 10, b"x") }
}

/// A GIV serves the fetch that asked this very servent. Its index does not matter: LimeWire says 0.
#[test]
fn a_giv_from_another_servent_is_misbehaviour() {
    for (index, from, accepted) in [(1, 2, true), (1, 3, false), (0, 2, true)] {
        let mut servent = Servent::new(
            Config { settings: Arc::new(quiet()), ..Config::new(guid(0)) },
            files(),
            [],
        );
        let mut driver = Recorder::new();
        let neighbour = driver.neighbour(&mut servent, 1);
        // The search and its hit make the route for the Push.
        let search = Command::Search { search: 1, text: "x".into() };
        driver.input(&mut servent, |s, cx| s.command(search, cx));
        let Some((_, Message::Descriptor { descriptor, .. })) = driver.sent.last() else {
            panic!("a query")
        };
        let Address::V4(address) = address(2) else { panic!("IPv4") };
        let hit = gnutella_wire::OwnedQueryHit::new(address, 1, guid(2), []).unwrap();
        let hit = gnutella_wire::OwnedPayload::QueryHit(hit);
        let hit = Arc::new(overlay_gnutella::Descriptor::new(descriptor.guid(), hit));
        let hit = Message::Descriptor { ttl: 1, hops: 0, descriptor: hit };
        driver.input(&mut servent, |s, cx| s.receive(neighbour, hit, cx));
        let hit = Hit { push: true, ..offer() };
        let command = Command::Fetch { fetch: 8, hit, into: INTO, from: 0 };
        driver.input(&mut servent, |s, cx| s.command(command, cx));
        driver.events.clear();
        let link = driver.link();
        let open = LinkState::Open { remote: common::address(9), inbound: true };
        driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
        let head = Box::new(gnutella_wire::Giv::build(index, guid(from), b"x"));
        let giv = Message::Head { kind: HeadKind::Giv, head };
        driver.input(&mut servent, |s, cx| s.receive(link, giv, cx));
        let what = Misbehaviour::UnaskedGiv;
        let events = if accepted { vec![] } else { vec![Event::Misbehaved { link, what }] };
        assert_eq!(driver.events, events, "file {index} of {from}");
        let requested =
            matches!(driver.sent.last(), Some((on, Message::Head { .. })) if *on == link);
        assert_eq!(requested, accepted);
    }
}

#[test]
fn a_firewalled_holder_is_pushed() {
    let mut scene = scene(false, true, quiet());
    assert!(scene.hit.push);
    assert_eq!(scene.fetch(0), fetched(SIZE, true));
    assert_eq!(scene.fetched(), Some(&content(4, SIZE)));
}

#[test]
fn two_firewalled_ends_fail_at_once() {
    let mut scene = scene(true, true, quiet());
    let hit = scene.hit.clone();
    scene.world.command(SEEKER, Command::Fetch { fetch: 8, hit, into: INTO, from: 0 }, FETCH);
    scene.world.run_for(Duration::from_millis(1));
    assert_eq!(scene.outcome(), failed(FetchFailure::BothFirewalled));
}

/// The holder does not know that nobody can connect to it.
#[test]
fn a_failed_connect_falls_back_to_a_push() {
    let mut scene = scene(false, true, quiet());
    scene.hit.push = false;
    assert_eq!(scene.fetch(0), fetched(SIZE, true));
    let mut scene = self::scene(true, true, quiet());
    scene.hit.push = false;
    assert_eq!(scene.fetch(0), failed(FetchFailure::Unreachable(Reason::Unreachable)));
}

#[test]
fn a_push_without_a_route_fails() {
    let mut scene = scene(false, true, quiet());
    scene.hit.servent = Guid::from_bytes([9; 16]);
    assert_eq!(scene.fetch(0), failed(FetchFailure::NoRoute));
}

#[test]
fn a_push_to_a_dead_servent_is_given_up() {
    let mut scene = scene(false, true, quiet());
    scene.world.fail(HOLDER);
    assert_eq!(scene.fetch(0), failed(FetchFailure::PushUnanswered));
}

#[test]
fn what_is_not_shared_is_not_found() {
    let mut scene = scene(false, false, quiet());
    scene.hit.index = 0;
    assert_eq!(scene.fetch(0), failed(FetchFailure::NotFound));
}

#[test]
fn a_servent_without_a_free_slot_is_busy() {
    let mut scene = scene(false, false, Settings { uploads: 0, ..quiet() });
    assert_eq!(scene.fetch(0), failed(FetchFailure::Busy));
}

#[test]
fn another_length_than_promised_is_refused() {
    let mut scene = scene(false, false, quiet());
    scene.hit.size += 1;
    let (announced, expected) = (SIZE as u64, SIZE as u64 + 1);
    assert_eq!(scene.fetch(0), failed(FetchFailure::WrongLength { announced, expected }));
}

#[test]
fn a_holder_whose_file_is_gone_interrupts() {
    let mut scene = scene(false, false, quiet());
    scene.world.store_mut().objects.remove(&(HOLDER.0, FILE.0));
    let reason = Reason::Remote;
    assert_eq!(scene.fetch(0), failed(FetchFailure::Interrupted { bytes: 0, reason }));
}

/// What was written before the other side vanished is told, and a second fetch completes it.
#[test]
fn an_interrupted_fetch_says_how_far_it_came() {
    let mut scene = scene(false, false, Settings { upload_queue: 20_000, chunk: 8_192, ..quiet() });
    let hit = scene.hit.clone();
    scene.world.command(SEEKER, Command::Fetch { fetch: 8, hit, into: INTO, from: 0 }, FETCH);
    while scene.fetched().is_none_or(|bytes| bytes.len() < 100_000) {
        scene.world.run_for(Duration::from_millis(10));
    }
    // The holder leaves in the middle, and comes back.
    scene.world.command(HOLDER, Command::Leave, JOIN);
    scene.world.run_for(Duration::from_secs(5));
    scene.world.command(HOLDER, Command::Join { hosts: vec![address(1)] }, JOIN);
    scene.world.run_for(Duration::from_secs(5));
    let outcome = scene.outcome();
    let [Event::FetchFailed { fetch: 8, reason: FetchFailure::Interrupted { bytes, .. } }] =
        outcome[..]
    else {
        panic!("{outcome:?}")
    };
    assert!((100_000..SIZE as u64).contains(&bytes), "{bytes}");
    assert_eq!(scene.fetch(bytes), fetched(SIZE - bytes as usize, false));
    assert_eq!(scene.fetched(), Some(&content(4, SIZE)));
}

#[test]
fn more_fetches_than_allowed_are_refused() {
    let mut scene = scene(false, false, Settings { fetches: 1, ..quiet() });
    for fetch in [1, 8] {
        let hit = scene.hit.clone();
        scene.world.command(
            SEEKER,
            Command::Fetch { fetch, hit, into: Object(100 + u64::from(fetch)), from: 0 },
            FETCH,
        );
    }
    scene.world.run_for(Duration::from_secs(60));
    let mut expected = failed(FetchFailure::TooMany { max: 1 });
    expected.push(Event::Fetched { fetch: 1, bytes: SIZE as u64, pushed: false });
    assert_eq!(scene.outcome(), expected);
}

/// A slow uplink, small pieces, few writes at a time: the queue stays within its bound, and still
/// every byte arrives.
#[test]
fn an_upload_waits_for_a_slow_link() {
    let settings = Settings { upload_queue: 20_000, chunk: 8_192, download_writes: 2, ..quiet() };
    let slow = Host::open(address(2)).with_upload(30_000);
    let mut scene = scene_on(Host::open(address(0)), slow, settings);
    assert_eq!(scene.fetch(0), fetched(SIZE, false));
    assert_eq!(scene.fetched(), Some(&content(4, SIZE)));
}

/// Many at once, more than there are slots: some are told to come later, the others are served.
#[test]
fn slots_bound_the_uploads_at_a_time() {
    let settings = Settings { uploads: 2, ..quiet() };
    let mut scene = scene(false, false, settings);
    for fetch in 0..5 {
        let hit = scene.hit.clone();
        let into = Object(100 + u64::from(fetch));
        scene.world.command(SEEKER, Command::Fetch { fetch, hit, into, from: 0 }, FETCH);
    }
    scene.world.run_for(Duration::from_secs(60));
    let outcome = scene.outcome();
    let done = outcome.iter().filter(|event| matches!(event, Event::Fetched { .. })).count();
    let busy = FetchFailure::Busy;
    let refused = outcome
        .iter()
        .filter(|event| matches!(event, Event::FetchFailed { reason, .. } if *reason == busy))
        .count();
    assert_eq!((done, refused), (2, 3), "{outcome:?}");
}

/// The store of the one who downloads is full.
#[test]
fn a_write_that_fails_ends_the_fetch() {
    let mut servent = Servent::new(Config::new(guid(0)), files(), []);
    let mut driver = Recorder::new();
    let command = Command::Fetch { fetch: 8, hit: offer(), into: INTO, from: 0 };
    driver.input(&mut servent, |s, cx| s.command(command, cx));
    let (link, to) = driver.connects[0];
    assert_eq!(to, address(2));
    let open = LinkState::Open { remote: to, inbound: false };
    driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
    let head = Box::new(gnutella_wire::Response::ok(0, 10, 10, false).finish());
    let response = Message::Head { kind: HeadKind::Response, head };
    driver.input(&mut servent, |s, cx| s.receive(link, response, cx));
    let data = Message::Data(Box::new(bytes::Bytes::from_static(b"12345")));
    driver.input(&mut servent, |s, cx| s.receive(link, data, cx));
    let ticket = driver.writes[0];
    driver.input(&mut servent, |s, cx| s.stored(ticket, Err(StoreError::Full), cx));
    assert_eq!(driver.closed, [link]);
    assert_eq!(driver.events, failed(FetchFailure::Store(StoreError::Full)));
}

#[test]
fn a_giv_nobody_asked_for_is_misbehaviour() {
    let mut servent = Servent::new(Config::new(guid(0)), files(), []);
    let mut driver = Recorder::new();
    let link = driver.link();
    let open = LinkState::Open { remote: address(1), inbound: true };
    driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
    let head = Box::new(gnutella_wire::Giv::build(1, guid(2), b"x"));
    let giv = Message::Head { kind: HeadKind::Giv, head };
    driver.input(&mut servent, |s, cx| s.receive(link, giv, cx));
    assert_eq!(driver.events, [Event::Misbehaved { link, what: Misbehaviour::UnaskedGiv }]);
    assert_eq!(driver.closed, [link]);
}
