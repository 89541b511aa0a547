//! Others that send Pushes without end, Pongs that lie, names that are too long.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::{
    Giv, Guid, Head, OwnedPayload, OwnedPing, OwnedPong, OwnedPush, Query, QueryFlags, Reply,
    Request, Target,
};
use overlay_gnutella::{
    Catalogue, Command, Config, Descriptor, Event, HeadKind, Hit, Message, Servent, Settings,
    SharedFile,
};
use overlay_peer::{Address, Link, LinkState, Object, Peer, Time, Wire};

fn receive(servent: &mut Servent, driver: &mut Recorder, link: Link, message: Message) {
    driver.input(servent, |s, cx| s.receive(link, message, cx));
}

fn descriptor(guid: Guid, ttl: u8, hops: u8, payload: OwnedPayload) -> Message {
    Message::Descriptor { ttl, hops, descriptor: Arc::new(Descriptor::new(guid, payload)) }
}

/// A Push for this servent's first file.
fn push(n: u32, to: Address) -> Message {
    let Address::V4(address) = to else { panic!("IPv4") };
    let push = OwnedPush { servent: guid(1), index: 0, address, extension: [].into() };
    descriptor(guid(1_000 + n), 7, 0, OwnedPayload::Push(push))
}

fn open(servent: &mut Servent, driver: &mut Recorder, link: Link, remote: Address, inbound: bool) {
    driver.input(servent, |s, cx| s.link_changed(link, LinkState::Open { remote, inbound }, cx));
}

fn sharing(settings: Settings) -> Servent {
    let config = Config { settings: Arc::new(settings), ..Config::new(guid(1)) };
    Servent::new(config, catalogue(&["a song.mp3"]), [0])
}

fn request(servent: &mut Servent, driver: &mut Recorder, link: Link) {
    let head = Box::new(Request::build(0, b"a song.mp3", HOST, None).finish());
    receive(servent, driver, link, Message::Head { kind: HeadKind::Request, head });
}

/// The status line of the last response.
fn response(driver: &Recorder) -> &str {
    let (_, Message::Head { kind: HeadKind::Response, head }) = driver.sent.last().unwrap() else {
        panic!("{:?}", driver.sent)
    };
    std::str::from_utf8(head.borrow().start_line()).unwrap()
}

#[test]
fn pushes_open_few_links_however_many_come() {
    for same in [true, false] {
        let mut servent = sharing(quiet());
        let mut driver = Recorder::new();
        let neighbours: Vec<Link> =
            (0..20).map(|n| driver.neighbour(&mut servent, 5 + n)).collect();
        let (before, mut opened) = (servent.footprint(), 0);
        for n in 0..20_000 {
            // To one address, or each to another.
            let to = address(if same { 9 } else { 10_000 + n });
            let from = neighbours[n as usize % neighbours.len()];
            receive(&mut servent, &mut driver, from, push(n, to));
            // They are accepted at once: a link that waits for its request counts as well.
            if let Some((link, _)) = driver.connects.pop() {
                open(&mut servent, &mut driver, link, to, false);
                opened += 1;
            }
        }
        // Two to one address; to many, as many as there are upload slots.
        assert_eq!(opened, if same { 2 } else { Settings::default().uploads });
        assert_eq!(servent.counters().pushes_ignored as usize, 20_000 - opened);
        // Each of them, and its Push's GUID.
        assert_eq!(servent.footprint().0, before.0 + 2 * opened);
    }
}

#[test]
fn one_neighbour_has_two_pushes_under_way() {
    let mut servent = sharing(quiet());
    let mut driver = Recorder::new();
    let (one, other) = (driver.neighbour(&mut servent, 5), driver.neighbour(&mut servent, 6));
    for n in 0..10 {
        receive(&mut servent, &mut driver, one, push(n, address(100 + n)));
    }
    assert_eq!(driver.connects.len(), 2);
    receive(&mut servent, &mut driver, other, push(50, address(150)));
    assert_eq!(driver.connects.len(), 3);
    // When the links fail, the next may come.
    for (link, _) in driver.connects.clone() {
        driver.lose(&mut servent, link);
    }
    receive(&mut servent, &mut driver, one, push(60, address(160)));
    assert_eq!(driver.connects.len(), 4);
}

#[test]
fn a_push_that_comes_again_is_ignored() {
    let mut servent = sharing(quiet());
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    receive(&mut servent, &mut driver, neighbour, push(1, address(9)));
    let (link, _) = driver.connects[0];
    driver.lose(&mut servent, link);
    receive(&mut servent, &mut driver, neighbour, push(1, address(9)));
    assert_eq!((driver.connects.len(), servent.counters().pushes_ignored), (1, 1));
    receive(&mut servent, &mut driver, neighbour, push(2, address(9)));
    assert_eq!(driver.connects.len(), 2);
}

/// Connecting takes no upload slot, so that nobody can take them all with addresses that never answer.
#[test]
fn pushes_to_a_black_hole_take_no_upload_slot() {
    let mut servent = sharing(Settings { uploads: 2, ..quiet() });
    let mut driver = Recorder::new();
    for n in 0..8 {
        let neighbour = driver.neighbour(&mut servent, 5 + n);
        receive(&mut servent, &mut driver, neighbour, push(n, address(100 + n)));
    }
    assert_eq!(driver.connects.len(), 2);
    let link = driver.link();
    open(&mut servent, &mut driver, link, address(9), true);
    request(&mut servent, &mut driver, link);
    assert_eq!(response(&driver), "HTTP/1.1 200 OK");
    // After the time for connecting, new Pushes are followed again.
    driver.now = Time::from_secs(11);
    driver.input(&mut servent, |s, cx| s.wake(overlay_peer::Timer(2), cx));
    let neighbour = driver.neighbour(&mut servent, 50);
    receive(&mut servent, &mut driver, neighbour, push(90, address(190)));
    assert_eq!(driver.connects.len(), 3);
}

/// A servent does not open a link to itself because somebody says so.
#[test]
fn a_push_to_the_servent_itself_is_ignored() {
    let mut servent = sharing(quiet());
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    receive(&mut servent, &mut driver, neighbour, push(1, driver_here()));
    assert_eq!((driver.connects.len(), servent.counters().pushes_ignored), (0, 1));
}

fn driver_here() -> Address {
    Recorder::new().here
}

/// Links whose download is done wait for the next request, in a bounded number; who comes then has to
/// come later, although no slot is taken.
#[test]
fn links_that_wait_for_a_request_are_bounded() {
    let files = Arc::new(Catalogue::new([SharedFile {
        name: "empty.txt".into(),
        size: 0,
        object: Object(0),
    }]));
    let settings = Settings { uploads: 1, greetings: 2, ..quiet() };
    let config = Config { settings: Arc::new(settings), ..Config::new(guid(1)) };
    let mut servent = Servent::new(config, files, [0]);
    let mut driver = Recorder::new();
    for n in 0..5 {
        let link = driver.link();
        open(&mut servent, &mut driver, link, address(9 + n), true);
        request(&mut servent, &mut driver, link);
        let expected = if n < 3 { "HTTP/1.1 200 OK" } else { "HTTP/1.1 503 Service Unavailable" };
        assert_eq!(response(&driver), expected, "link {n}");
    }
    assert_eq!((driver.closed.len(), servent.counters().refused), (2, 2));
    // Nor is there room for Pushes.
    let neighbour = driver.neighbour(&mut servent, 50);
    receive(&mut servent, &mut driver, neighbour, push(1, address(60)));
    assert_eq!((driver.connects.len(), servent.counters().pushes_ignored), (0, 1));
}

/// Links that are still in their handshake have their room: those who connect meanwhile do not take it.
#[test]
fn never_more_links_than_allowed() {
    for max in [2, 250, 400] {
        let settings = Settings { max_links: max, greetings: 1_000, ..quiet() };
        let mut servent = sharing(settings);
        let mut driver = Recorder::new();
        let most = max.min(Settings::LINKS);
        let hosts = (0..most as u32 / 2).map(|n| address(1_000 + n)).collect();
        driver.input(&mut servent, |s, cx| s.command(Command::Join { hosts }, cx));
        for n in 0..max as u32 {
            driver.neighbour(&mut servent, n + 1);
        }
        assert_eq!(servent.neighbours().count(), most - most / 2);
        let connects = std::mem::take(&mut driver.connects);
        assert_eq!(connects.len(), most / 2);
        for (link, to) in connects {
            open(&mut servent, &mut driver, link, to, false);
            let head = Box::new(Reply::v04());
            let reply = Message::Head { kind: HeadKind::Reply, head };
            receive(&mut servent, &mut driver, link, reply);
        }
        assert_eq!(servent.neighbours().count(), most);
        // Every link is a whole neighbour: what it says is taken up, and it can be lost.
        let links: Vec<Link> = servent.neighbours().collect();
        driver.events.clear();
        for link in links {
            let ping = OwnedPayload::Ping(OwnedPing::default());
            receive(&mut servent, &mut driver, link, descriptor(guid(77), 1, 0, ping));
            driver.lose(&mut servent, link);
        }
        assert!(driver.events.iter().all(|event| matches!(event, Event::Unlinked { .. })));
        assert_eq!(servent.neighbours().count(), 0);
    }
}

/// The GUID of the last Ping that was sent on this link.
fn pinged(driver: &Recorder, on: Link) -> Guid {
    let mut pings = driver.sent.iter().filter_map(|(link, message)| match message {
        Message::Descriptor { descriptor, .. } if *link == on => {
            matches!(descriptor.payload(), OwnedPayload::Ping(_)).then(|| descriptor.guid())
        }
        _ => None,
    });
    pings.next_back().unwrap()
}

fn pong(guid: Guid, hops: u8, host: Address) -> Message {
    let Address::V4(address) = host else { panic!("IPv4") };
    let pong = OwnedPong { address, files: 0, kbytes: 0, extension: [].into() };
    descriptor(guid, 1, hops, OwnedPayload::Pong(pong))
}

/// The neighbour tells of this host, in answer to the last Ping.
fn tell(servent: &mut Servent, driver: &mut Recorder, from: Link, hops: u8, host: Address) {
    let ping = pinged(driver, from);
    receive(servent, driver, from, pong(ping, hops, host));
}

fn wake(servent: &mut Servent, driver: &mut Recorder, timer: u32) {
    driver.input(servent, |s, cx| s.wake(overlay_peer::Timer(timer), cx));
}

fn join(servent: &mut Servent, driver: &mut Recorder, hosts: impl IntoIterator<Item = Address>) {
    let hosts = hosts.into_iter().collect();
    driver.input(servent, |s, cx| s.command(Command::Join { hosts }, cx));
}

/// One that pings, and connects to nobody but those named in a Join.
fn pinging() -> Settings {
    Settings { ping_ttl: 7, ping_interval: Some(Duration::from_secs(45)), ..quiet() }
}

/// However many Pongs a neighbour makes up, it fills no more than its share of the cache, and the
/// hosts the user named stay, even when they fail.
#[test]
fn made_up_pongs_do_not_empty_the_host_cache() {
    let mut servent = sharing(Settings { target_links: 4, max_links: 8, ..pinging() });
    let mut driver = Recorder::new();
    join(&mut servent, &mut driver, (1..=20).map(|n| address(100 + n)));
    assert_eq!((servent.known_hosts(), driver.connects.len()), (20, 8));
    // They fail, so that there is room.
    for (link, _) in std::mem::take(&mut driver.connects) {
        driver.lose(&mut servent, link);
    }
    let liar = driver.neighbour(&mut servent, 5);
    let other = driver.neighbour(&mut servent, 6);
    tell(&mut servent, &mut driver, other, 1, address(7_777));
    for round in 0..20 {
        for n in 0..64 {
            tell(&mut servent, &mut driver, liar, 1, address(10_000 + 100 * round + n));
            assert!(servent.known_hosts() <= 20 + 2 + 16);
        }
        wake(&mut servent, &mut driver, 0);
        tell(&mut servent, &mut driver, liar, 0, address(5));
        tell(&mut servent, &mut driver, other, 0, address(6));
    }
    assert_eq!(servent.known_hosts(), 20 + 2 + 16);
    for _ in 0..100 {
        wake(&mut servent, &mut driver, 1);
        for (link, _) in driver.connects.clone() {
            driver.lose(&mut servent, link);
        }
    }
    let tried = |n| driver.connects.iter().filter(|(_, to)| *to == address(n)).count();
    for n in 101..=120 {
        assert!(tried(n) > 0, "host {n} of the user was not tried");
    }
    assert!(tried(7_777) > 0, "the other neighbour's host was not tried");
    // All have failed often; the user's and the neighbours are left.
    assert_eq!(servent.known_hosts(), 20 + 2);
}

/// Told again and again, a host that fails is still forgotten.
#[test]
fn a_pong_does_not_undo_failures() {
    let mut servent = sharing(Settings { target_links: 4, max_links: 8, ..pinging() });
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    for attempt in 1..=3 {
        tell(&mut servent, &mut driver, neighbour, 1, address(9));
        assert_eq!(servent.known_hosts(), 1, "attempt {attempt}");
        wake(&mut servent, &mut driver, 1);
        let (link, to) = driver.connects.pop().unwrap();
        assert_eq!(to, address(9));
        driver.lose(&mut servent, link);
    }
    assert_eq!(servent.known_hosts(), 0);
}

/// Who answers a Ping says where it accepts connections, but only for the address it is at.
#[test]
fn a_neighbour_does_not_speak_for_others() {
    let mut servent = sharing(pinging());
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    tell(&mut servent, &mut driver, neighbour, 0, address(7));
    join(&mut servent, &mut driver, [address(7)]);
    assert_eq!(driver.connects.len(), 1, "taken for linked because a neighbour said so");
    tell(&mut servent, &mut driver, neighbour, 0, address(5));
    join(&mut servent, &mut driver, [address(5)]);
    assert_eq!(driver.connects.len(), 1, "a second link to a neighbour");
}

/// A newcomer without room here is only believed its own address, in answer to the Ping it got.
#[test]
fn a_newcomer_does_not_speak_for_others() {
    let mut servent =
        sharing(Settings { max_links: 1, ..Settings { courtesy_pongs: 3, ..pinging() } });
    let mut driver = Recorder::new();
    driver.neighbour(&mut servent, 5);
    for (right, host, known) in [(false, 6, 0), (true, 7, 0), (true, 6, 1)] {
        let newcomer = driver.neighbour(&mut servent, 6);
        let ping = if right { pinged(&driver, newcomer) } else { guid(999) };
        receive(&mut servent, &mut driver, newcomer, pong(ping, 0, address(host)));
        assert_eq!(servent.known_hosts(), known);
    }
    assert_eq!(servent.neighbours().count(), 1);
}

#[test]
fn a_servent_does_not_link_to_itself() {
    // It knows its address.
    let mut servent = sharing(pinging());
    let mut driver = Recorder::new();
    join(&mut servent, &mut driver, [driver_here()]);
    assert_eq!((driver.connects.len(), servent.known_hosts()), (0, 0));
    // The address is told in answer to a Ping.
    let link = driver.neighbour(&mut servent, 0);
    tell(&mut servent, &mut driver, link, 0, driver_here());
    assert_eq!((driver.closed.as_slice(), servent.neighbours().count()), ([link].as_slice(), 0));
    // Its own Ping comes in from the one it was sent to.
    let link = driver.neighbour(&mut servent, 0);
    let ping = descriptor(pinged(&driver, link), 1, 0, OwnedPayload::Ping(OwnedPing::default()));
    receive(&mut servent, &mut driver, link, ping);
    assert_eq!((driver.closed.last(), servent.neighbours().count()), (Some(&link), 0));
}

/// Under an address that it does not know for its own, a servent finds out, and does not try again.
#[test]
fn a_link_to_oneself_under_another_address_is_given_up() {
    let mut servent = sharing(pinging());
    let mut driver = Recorder::new();
    join(&mut servent, &mut driver, [address(50)]);
    let (out, to) = driver.connects[0];
    let back = driver.neighbour(&mut servent, 50);
    open(&mut servent, &mut driver, out, to, false);
    let reply = Message::Head { kind: HeadKind::Reply, head: Box::new(Reply::v04()) };
    receive(&mut servent, &mut driver, out, reply);
    assert_eq!((servent.neighbours().count(), servent.known_hosts()), (2, 1));
    let ping = descriptor(pinged(&driver, back), 1, 0, OwnedPayload::Ping(OwnedPing::default()));
    receive(&mut servent, &mut driver, out, ping);
    driver.lose(&mut servent, back);
    assert_eq!((driver.closed.as_slice(), servent.neighbours().count()), ([out].as_slice(), 0));
    assert_eq!(servent.known_hosts(), 0);
}

/// The answers to one Ping fill no more than a part of even a large cache.
#[test]
fn few_hosts_are_learnt_for_a_ping() {
    let mut servent = sharing(Settings { hosts: 400, ..pinging() });
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    for round in 1..=3 {
        for n in 0..64 {
            tell(&mut servent, &mut driver, neighbour, 1, address(1_000 * round + n));
        }
        assert_eq!(servent.known_hosts(), 16 * round as usize);
        wake(&mut servent, &mut driver, 0);
    }
}

#[test]
fn two_that_join_each_other_at_once_keep_one_link() {
    for (a, b) in [(1, 2), (2, 1)] {
        let mut world = world(3);
        let [one, other] = [a, b].map(|n| {
            let servent = Servent::new(Config::new(guid(n)), catalogue(&[]), []);
            world.add(servent, overlay_sim::Host::open(address(n)))
        });
        world.command(one, Command::Join { hosts: vec![address(b)] }, JOIN);
        world.command(other, Command::Join { hosts: vec![address(a)] }, JOIN);
        world.run_for(Duration::from_secs(1));
        for _ in 0..10 {
            for peer in [one, other] {
                assert_eq!(world.peer(peer).neighbours().count(), 1);
            }
            world.run_for(Duration::from_secs(60));
        }
    }
}

/// Who connects again and again is a neighbour once.
#[test]
fn a_second_link_to_a_host_is_closed() {
    let mut servent = sharing(pinging());
    let mut driver = Recorder::new();
    let links: Vec<Link> = (0..8).map(|_| driver.neighbour(&mut servent, 5)).collect();
    for &link in &links {
        tell(&mut servent, &mut driver, link, 0, address(5));
    }
    assert_eq!(servent.neighbours().collect::<Vec<_>>(), links[..1]);
    assert_eq!(driver.closed, links[1..]);
}

fn offer(name: Vec<u8>) -> Hit {
    let (address, servent) = (address(3), guid(3));
    Hit { servent, index: 0, ..offered(address, 10, &name) }
}

/// The index says which file it is; a name that would make the head too long is told in part.
#[test]
fn a_long_name_gives_a_request_that_can_be_read() {
    for (length, told) in [(1_024, 1_024), (6_000, 1_024), (60_000, 1_024)] {
        let mut servent = sharing(quiet());
        let mut driver = Recorder::new();
        let hit = offer(vec![b' '; length]);
        let fetch = Command::Fetch { fetch: 1, hit, into: Object(1), from: 0 };
        driver.input(&mut servent, |s, cx| s.command(fetch, cx));
        let (link, to) = driver.connects[0];
        open(&mut servent, &mut driver, link, to, false);
        let mut bytes = Vec::new();
        driver.sent.last().unwrap().1.encode(&mut bytes);
        let head = Head::decode(&bytes).unwrap();
        let target = Request::parse(head).unwrap().target;
        assert_eq!(target.decoded_name(), Some(vec![b' '; told]));
        assert!(matches!(target, Target::File { index: 0, .. }));
    }
}

/// The same for the GIV after a Push.
#[test]
fn a_long_name_gives_a_giv_that_can_be_read() {
    let file = SharedFile { name: "long ".repeat(6_000), size: 1, object: Object(0) };
    let mut servent = Servent::new(Config::new(guid(1)), Arc::new(Catalogue::new([file])), [0]);
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    receive(&mut servent, &mut driver, neighbour, push(1, address(9)));
    let (link, to) = driver.connects[0];
    open(&mut servent, &mut driver, link, to, false);
    let mut bytes = Vec::new();
    driver.sent.last().unwrap().1.encode(&mut bytes);
    assert_eq!(Giv::parse(Head::decode(&bytes).unwrap()).unwrap().name.len(), 1_024);
}

/// A file whose name does not fit into a hit does not hide those behind it.
#[test]
fn a_name_too_long_for_a_hit_is_skipped() {
    let names = ["x song ".repeat(5_000), "a song.mp3".into(), "b song.mp3".into()];
    let file = |name| SharedFile { name, size: 1, object: Object(0) };
    let files = Arc::new(Catalogue::new(names.into_iter().map(file)));
    let mut servent = Servent::new(Config::new(guid(1)), files, [0, 1, 2]);
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    assert_eq!(found(&mut servent, &mut driver, neighbour, QueryFlags::from_min_speed(0)), [1, 2]);
}

/// The indices in the hit that answers a query for `song`.
fn found(servent: &mut Servent, driver: &mut Recorder, on: Link, flags: QueryFlags) -> Vec<u32> {
    let query = OwnedPayload::Query(Query::new(flags, b"song").unwrap().to_owned());
    driver.sent.clear();
    let asked = guid(u32::from(flags.0) + 1);
    receive(servent, driver, on, descriptor(asked, 1, 0, query));
    let hits = driver.sent.iter().filter_map(|(_, message)| match message {
        Message::Descriptor { descriptor, .. } => match descriptor.payload() {
            OwnedPayload::QueryHit(hit) => Some(hit.borrow()),
            _ => None,
        },
        _ => None,
    });
    hits.flat_map(|hit| hit.results.map(|result| result.index).collect::<Vec<_>>()).collect()
}

/// A query can ask for less than a servent would answer.
#[test]
fn no_more_results_than_wanted() {
    let file = |n| SharedFile { name: format!("{n} song"), size: 1, object: Object(n) };
    let files = Arc::new(Catalogue::new((0..30).map(file)));
    let mut servent = Servent::new(Config::new(guid(1)), files, 0..30);
    let mut driver = Recorder::new();
    let neighbour = driver.neighbour(&mut servent, 5);
    for (wanted, given) in [(0, 10), (3, 3), (10, 10), (20, 10)] {
        let flags = QueryFlags(QueryFlags::MARK | wanted);
        assert_eq!(found(&mut servent, &mut driver, neighbour, flags).len(), given, "{wanted}");
    }
}

#[test]
fn a_pong_tells_how_much_is_shared() {
    let mut driver = Recorder::new();
    let file = |size| SharedFile { name: "x".into(), size, object: Object(0) };
    let files = Arc::new(Catalogue::new([file(3_000), file(100_000), file(2_000)]));
    for (shares, kbytes) in [(vec![], 0), (vec![0, 2], 4), (vec![0, 0, 1], 100)] {
        let mut servent = Servent::new(Config::new(guid(1)), files.clone(), shares);
        let neighbour = driver.neighbour(&mut servent, 5);
        let ping = OwnedPayload::Ping(OwnedPing::default());
        receive(&mut servent, &mut driver, neighbour, descriptor(guid(9), 1, 0, ping));
        let (_, Message::Descriptor { descriptor, .. }) = driver.sent.last().unwrap() else {
            panic!("{:?}", driver.sent)
        };
        let OwnedPayload::Pong(pong) = descriptor.payload() else { panic!("{descriptor:?}") };
        assert_eq!((pong.files as usize, pong.kbytes), (servent.shares().len(), kbytes));
    }
}

/// Who takes all places at which one waits makes room for others, but not more than others have.
#[test]
fn one_address_can_not_take_all_places() {
    for v06 in [None, Some(overlay_gnutella::Settings06::default())] {
        let mut servent = sharing(Settings { greetings: 4, v06, ..quiet() });
        let mut driver = Recorder::new();
        let mut from = |n: u32, port: u16| {
            let (link, mut remote) = (driver.link(), address(n));
            remote.set_port(port);
            open(&mut servent, &mut driver, link, remote, true);
            (link, driver.closed.clone())
        };
        let crowd: Vec<Link> = (1..=6).map(|port| from(9, port).0).collect();
        // Beyond four they are turned away themselves; then the oldest go, until nobody has more.
        assert_eq!(from(1, 1).1, [crowd[4], crowd[5], crowd[0]]);
        assert_eq!(from(2, 1).1, [crowd[4], crowd[5], crowd[0], crowd[1]]);
        let (link, closed) = from(2, 2);
        assert_eq!(closed.last(), Some(&link));
        assert_eq!(from(3, 1).1.last(), Some(&crowd[2]));
        let (link, closed) = from(4, 1);
        assert_eq!(closed.last(), Some(&link));
    }
}

/// However many connect and say nothing, only some are kept waiting.
#[test]
fn links_that_say_nothing_are_bounded() {
    let mut servent = sharing(Settings { greetings: 3, ..quiet() });
    let mut driver = Recorder::new();
    let links: Vec<Link> = (0..5).map(|_| driver.link()).collect();
    for &link in &links {
        open(&mut servent, &mut driver, link, address(9), true);
    }
    assert_eq!((driver.closed.as_slice(), servent.counters().refused), (&links[3..], 2));
}
