//! Joining: handshakes, exploration, the host cache, refusals, reconnecting.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::{Head, OwnedPayload, OwnedPing, OwnedPong};
use overlay_gnutella::{
    Command, Config, Descriptor, Event, HeadKind, Message, Misbehaviour, Servent, Settings,
};
use overlay_peer::{Address, Link, LinkState, Peer};
use overlay_sim::{Host, PeerIndex, World};

/// `nodes` servents that join one after the other, each through the first one.
fn crowd(nodes: u32, settings: Settings) -> World<Servent, Memory> {
    crowd_with(nodes, settings, |_| false)
}

/// The same, some of them behind NATs.
fn crowd_with(
    nodes: u32,
    settings: Settings,
    firewalled: impl Fn(u32) -> bool,
) -> World<Servent, Memory> {
    let mut world = world(11);
    let settings = Arc::new(settings);
    for n in 0..nodes {
        let (firewalled, settings) = (firewalled(n), settings.clone());
        let config = Config { firewalled, settings, ..Config::new(guid(n)) };
        let host = if firewalled {
            let inside = Address::from(([10, 0, 0, n as u8], 6346));
            Host::behind(inside, address(n).ip(), natsim::Behaviour::PORT_RESTRICTED)
        } else {
            Host::open(address(n))
        };
        world.add(Servent::new(config, catalogue(&[]), []), host);
        let hosts = if n == 0 { vec![] } else { vec![address(0)] };
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
        world.run_for(Duration::from_secs(1));
    }
    world.run_for(Duration::from_secs(300));
    world
}

fn links(world: &World<Servent, Memory>, n: u32) -> usize {
    world.peer(PeerIndex(n)).neighbours().count()
}

/// How many servents the first one can reach over links.
fn component(world: &World<Servent, Memory>) -> usize {
    let mut seen = vec![false; world.len()];
    let mut next = vec![PeerIndex(0)];
    while let Some(peer) = next.pop() {
        if !std::mem::replace(&mut seen[peer.as_usize()], true) {
            next.extend(world.neighbours(peer));
        }
    }
    seen.iter().filter(|&&seen| seen).count()
}

/// Everybody knows only the first servent, which has room for 8: its Pongs, and the hosts it gives
/// to those it turns away, lead all the others to the neighbours they want.
#[test]
fn one_well_known_host_is_enough_to_join() {
    let world = crowd(40, Settings::default());
    for n in 0..40 {
        let links = links(&world, n);
        assert!((4..=8).contains(&links), "servent {n} has {links} links");
    }
    assert_eq!(component(&world), 40);
    let refused: u32 = world.peers().map(|(_, peer)| peer.counters().refused).sum();
    assert!(refused > 0, "the first servent never was full");
}

/// With a third of them behind NATs, where nobody can connect to, they still become one network.
#[test]
fn firewalled_servents_join_too() {
    let world = crowd_with(120, Settings::default(), |n| n % 3 == 1);
    assert_eq!(component(&world), 120);
    let few = (0..120).filter(|&n| links(&world, n) < 4).count();
    assert!(few <= 12, "{few} servents have fewer links than they want");
}

/// When neighbours crash, others from the cache take their place.
#[test]
fn a_lost_neighbour_is_replaced() {
    let mut world = crowd(20, Settings::default());
    for n in 1..6 {
        world.fail(PeerIndex(n));
    }
    world.run_for(Duration::from_secs(400));
    for n in (0..20).filter(|n| !(1..6).contains(n)) {
        assert!(links(&world, n) >= 4, "servent {n} has {} links", links(&world, n));
        assert!(
            world.neighbours(PeerIndex(n)).all(|peer| world.is_alive(peer)),
            "servent {n} is linked to a dead one"
        );
    }
}

/// Who is alone with too few hosts to try comes to rest: no timer without a purpose.
#[test]
fn two_servents_that_want_more_links_come_to_rest() {
    let world = crowd(2, Settings { ping_interval: None, ..Settings::default() });
    assert_eq!((links(&world, 0), links(&world, 1)), (1, 1));
    let before = world.metrics().total();
    let mut later = world.clone();
    later.run_for(Duration::from_secs(3_600));
    assert_eq!(later.metrics().total(), before);
    assert_eq!(later.trace_hash(), world.trace_hash());
}

#[test]
fn who_leaves_is_gone_and_can_come_back() {
    let mut world = crowd(10, Settings::default());
    world.drain_events();
    world.command(PeerIndex(3), Command::Leave, JOIN);
    world.run_for(Duration::from_secs(60));
    assert_eq!(links(&world, 3), 0);
    let unlinked = world
        .drain_events()
        .filter(|(_, peer, event)| peer.0 == 3 && matches!(event, Event::Unlinked { .. }))
        .count();
    assert!(unlinked >= 4);
    world.command(PeerIndex(3), Command::Join { hosts: vec![address(0)] }, JOIN);
    world.run_for(Duration::from_secs(60));
    assert!(links(&world, 3) >= 4);
}

#[test]
fn pings_of_ttl_7_explore_the_neighbourhood() {
    let mut world = crowd(8, Settings { target_links: 1, ..Settings::default() });
    // A star around the first: a newcomer's Ping finds them all.
    let config = Config::new(guid(100));
    let newcomer = world.add(Servent::new(config, catalogue(&[]), []), Host::open(address(100)));
    world.command(newcomer, Command::Join { hosts: vec![address(1)] }, JOIN);
    world.run_for(Duration::from_millis(900));
    assert_eq!(world.peer(newcomer).known_hosts(), 8);
}

fn greet(servent: &mut Servent, driver: &mut Recorder, kind: HeadKind, text: &[u8]) -> Link {
    let link = driver.link();
    let open = LinkState::Open { remote: address(1), inbound: true };
    driver.input(servent, |s, cx| s.link_changed(link, open, cx));
    let head = Box::new(Head::decode(text).unwrap().to_owned());
    driver.input(servent, |s, cx| s.receive(link, Message::Head { kind, head }, cx));
    link
}

/// A 0.6 servent that gets no answer tries 0.4; that is what closing tells it.
#[test]
fn other_versions_are_refused_by_closing() {
    let mut servent = Servent::new(Config::new(guid(0)), catalogue(&[]), []);
    let mut driver = Recorder::new();
    let text = b"GNUTELLA CONNECT/0.6\r\nUser-Agent: x\r\n\r\n";
    let link = greet(&mut servent, &mut driver, HeadKind::Connect, text);
    assert_eq!((driver.closed, driver.events), (vec![link], vec![]));
    assert_eq!(servent.counters().refused, 1);
}

#[test]
fn what_is_no_handshake_is_misbehaviour() {
    let mut servent = Servent::new(Config::new(guid(0)), catalogue(&[]), []);
    for (kind, text, what) in [
        (HeadKind::Connect, b"GNUTELLA CONNECT/x\n\n".as_slice(), Misbehaviour::BadHead),
        (HeadKind::Reply, b"GNUTELLA OK\n\n", Misbehaviour::OutOfPlace),
        (HeadKind::Request, b"GET /get/x/y HTTP/1.1\n\n", Misbehaviour::BadHead),
        (HeadKind::Giv, b"GIV 1\n\n", Misbehaviour::BadHead),
    ] {
        let mut driver = Recorder::new();
        let link = greet(&mut servent, &mut driver, kind, text);
        assert_eq!(driver.events, [Event::Misbehaved { link, what }]);
        assert_eq!(driver.closed, [link]);
    }
}

/// A full servent gives a newcomer hosts to try, as answers to its Ping, learns where the newcomer is,
/// and closes.
#[test]
fn a_full_servent_names_others() {
    let settings = Arc::new(Settings { max_links: 1, target_links: 0, ..Settings::default() });
    let mut servent = Servent::new(Config { settings, ..Config::new(guid(0)) }, catalogue(&[]), []);
    let mut driver = Recorder::new();
    driver.input(&mut servent, |s, cx| {
        s.command(Command::Join { hosts: vec![address(5), address(6)] }, cx);
    });
    let (first, _) = driver.connects[0];
    assert_eq!(driver.connects.len(), 1);
    driver.input(&mut servent, |s, cx| {
        s.link_changed(first, LinkState::Open { remote: address(5), inbound: false }, cx);
    });
    let head = Box::new(gnutella_wire::Reply::v04());
    driver.input(&mut servent, |s, cx| {
        s.receive(first, Message::Head { kind: HeadKind::Reply, head }, cx);
    });
    driver.sent.clear();
    let link = greet(&mut servent, &mut driver, HeadKind::Connect, b"GNUTELLA CONNECT/0.4\n\n");
    let ping = Arc::new(Descriptor::new(guid(9), OwnedPayload::Ping(OwnedPing::default())));
    driver.input(&mut servent, |s, cx| {
        s.receive(link, Message::Descriptor { ttl: 7, hops: 0, descriptor: ping }, cx);
    });
    assert!(driver.sent.iter().all(|(to, _)| *to == link));
    let pongs: Vec<_> = driver
        .sent
        .iter()
        .filter_map(|(_, message)| match message {
            Message::Descriptor { ttl: 1, hops: 1, descriptor } => match descriptor.payload() {
                OwnedPayload::Pong(pong) if descriptor.guid() == guid(9) => {
                    Some(pong.address.into())
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(pongs.len(), 2);
    assert!(pongs.contains(&address(5)) && pongs.contains(&address(6)));
    // It asks where the newcomer is, to tell the next one.
    assert_eq!((driver.closed.as_slice(), servent.known_hosts()), ([].as_slice(), 2));
    let asked = driver.sent.iter().find_map(|(_, message)| match message {
        Message::Descriptor { descriptor, .. } => {
            matches!(descriptor.payload(), OwnedPayload::Ping(_)).then(|| descriptor.guid())
        }
        _ => None,
    });
    let Address::V4(address) = address(1) else { panic!("IPv4") };
    let pong = OwnedPong { address, files: 0, kbytes: 0, extension: [].into() };
    let pong = Arc::new(Descriptor::new(asked.unwrap(), OwnedPayload::Pong(pong)));
    driver.input(&mut servent, |s, cx| {
        s.receive(link, Message::Descriptor { ttl: 1, hops: 0, descriptor: pong }, cx);
    });
    assert_eq!((driver.closed.as_slice(), servent.known_hosts()), ([link].as_slice(), 3));
    assert_eq!(servent.neighbours().collect::<Vec<_>>(), [first]);
}
