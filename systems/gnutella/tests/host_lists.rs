//! Joining by what was saved, and by a list on a web server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::{Head, OwnedHead};
use overlay_gnutella::{
    Command, Config, Event, HeadKind, HostList, Message, Servent, Settings, WebCacheFailure,
};
use overlay_peer::{Address, Link, LinkState, Peer, Reason, Time, Timer};
use overlay_sim::{Host, PeerIndex, World};
use proptest::prelude::*;

/// `nodes` servents, the first of which answers as a web server and is told everybody; the last knows
/// nobody yet.
fn crowd(nodes: u32) -> (World<Servent, Memory>, PeerIndex) {
    let mut world = world(11);
    let settings = Arc::new(Settings { host_list: true, ..Settings::default() });
    for n in 0..nodes {
        let config = Config { settings: settings.clone(), ..Config::new(guid(n)) };
        world.add(Servent::new(config, catalogue(&[]), []), Host::open(address(n)));
        if n < nodes - 1 {
            let hosts = if n == 0 { vec![] } else { vec![address(0)] };
            world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
            world.run_for(Duration::from_secs(1));
        }
    }
    world.run_for(Duration::from_secs(300));
    world.drain_events();
    (world, PeerIndex(nodes - 1))
}

fn ask(server: Address) -> Command {
    Command::AskWebCache { server, name: "cache.example".into(), path: "/gwc?hostfile=1".into() }
}

#[test]
fn a_saved_cache_is_enough_to_join() {
    let (mut world, newcomer) = crowd(20);
    let saved = world.peer(PeerIndex(7)).host_list();
    assert!(saved.hosts().len() >= 10, "{saved}");
    // As text, over to another run.
    let hosts = HostList::parse(saved.to_string().as_bytes(), 1_000);
    assert_eq!(hosts, saved);
    world.command(newcomer, Command::JoinSaved { hosts }, JOIN);
    world.run_for(Duration::from_secs(300));
    assert!(world.peer(newcomer).neighbours().count() >= 4);
    // It can save what it was given and what it learnt.
    assert!(world.peer(newcomer).host_list().hosts().len() >= saved.hosts().len());
}

#[test]
fn a_list_on_a_web_server_is_enough_to_join() {
    let (mut world, newcomer) = crowd(20);
    world.command(newcomer, ask(address(0)), JOIN);
    world.run_for(Duration::from_secs(300));
    let told: Vec<u32> = world
        .drain_events()
        .filter_map(|(_, peer, event)| match event {
            Event::WebCache { hosts, server } if peer == newcomer => {
                assert_eq!(server, address(0));
                Some(hosts)
            }
            _ => None,
        })
        .collect();
    assert!(matches!(told[..], [hosts] if hosts >= 10), "{told:?}");
    assert!(world.peer(newcomer).neighbours().count() >= 4);
    assert_eq!(world.metrics().malformed(), 0);
}

struct Scene {
    servent: Servent,
    driver: Recorder,
    link: Link,
}

/// A web server was asked, and the link is open.
fn asked() -> Scene {
    let settings = Arc::new(Settings { hosts: 40, target_links: 2, ..quiet() });
    let mut servent = Servent::new(Config { settings, ..Config::new(guid(0)) }, catalogue(&[]), []);
    let mut driver = Recorder::new();
    driver.input(&mut servent, |s, cx| s.command(ask(address(5)), cx));
    let (link, to) = driver.connects[0];
    assert_eq!(to, address(5));
    let open = LinkState::Open { remote: to, inbound: false };
    driver.input(&mut servent, |s, cx| s.link_changed(link, open, cx));
    Scene { servent, driver, link }
}

impl Scene {
    fn answer(&mut self, head: OwnedHead) {
        let message = Message::Head { kind: HeadKind::Response, head: Box::new(head) };
        let link = self.link;
        self.driver.input(&mut self.servent, |s, cx| s.receive(link, message, cx));
    }

    fn data(&mut self, text: &str) {
        let message = Message::Data(Box::new(text.to_owned().into()));
        let link = self.link;
        self.driver.input(&mut self.servent, |s, cx| s.receive(link, message, cx));
    }

    fn close(&mut self, reason: Reason) {
        let (link, closed) = (self.link, LinkState::Closed(reason));
        self.driver.input(&mut self.servent, |s, cx| s.link_changed(link, closed, cx));
    }
}

fn head(text: &[u8]) -> OwnedHead {
    Head::decode(text).unwrap().to_owned()
}

#[test]
fn the_request_is_plain_http() {
    let scene = asked();
    let [(_, Message::Head { head, .. })] = scene.driver.sent.as_slice() else { panic!() };
    let mut bytes = Vec::new();
    head.borrow().encode(&mut bytes);
    let expected =
        "GET /gwc?hostfile=1 HTTP/1.0\r\nConnection: close\r\nHost: cache.example\r\n\r\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

/// Most web servers then told no length, and closed.
#[test]
fn a_list_ends_with_its_length_or_with_the_link() {
    let list = "192.0.2.9:6346\n192.0.2.10:6347\n";
    let event = Event::WebCache { server: address(5), hosts: 2 };
    let mut scene = asked();
    scene.answer(head(b"HTTP/1.1 200 OK\r\n\r\n"));
    scene.data(&list[..5]);
    scene.data(&list[5..]);
    assert_eq!(scene.driver.events, []);
    scene.close(Reason::Remote);
    assert_eq!(scene.driver.events, std::slice::from_ref(&event));
    let mut scene = asked();
    scene.answer(head(b"HTTP/1.0 200 OK\r\nContent-Length: 31\r\n\r\n"));
    scene.data(list);
    assert_eq!(scene.driver.events, [event]);
    assert_eq!((scene.driver.closed, scene.servent.known_hosts()), (vec![scene.link], 2));
}

#[test]
fn what_is_no_list_is_told_and_forgotten_after_a_while() {
    let failed = |reason| Event::WebCacheFailed { server: address(5), reason };
    let mut scene = asked();
    scene.answer(head(b"HTTP/1.1 404 Not Found\r\n\r\n"));
    let link = scene.link;
    assert_eq!(scene.driver.closed, [link]);
    // The same server again, within the hour and after it.
    for seconds in [10, 3_500, 3_700] {
        scene.driver.now = Time::from_secs(seconds);
        scene.driver.input(&mut scene.servent, |s, cx| s.wake(Timer(2), cx));
        scene.driver.input(&mut scene.servent, |s, cx| s.command(ask(address(5)), cx));
    }
    let expected = [
        failed(WebCacheFailure::Refused { code: 404 }),
        failed(WebCacheFailure::TooSoon),
        failed(WebCacheFailure::TooSoon),
    ];
    assert_eq!(scene.driver.events, expected);
    assert_eq!(scene.driver.connects.len(), 2);
    // Nobody answers; then everything is forgotten.
    scene.driver.now = Time::from_secs(3_800);
    scene.driver.input(&mut scene.servent, |s, cx| s.wake(Timer(2), cx));
    let last = failed(WebCacheFailure::Closed(Reason::TimedOut));
    assert_eq!(scene.driver.events.last(), Some(&last));
    scene.driver.now = Time::from_secs(8_000);
    scene.driver.input(&mut scene.servent, |s, cx| s.wake(Timer(2), cx));
    assert_eq!(scene.servent.footprint().0, 0);
    let mut scene = asked();
    scene.close(Reason::Unreachable);
    let reason = WebCacheFailure::Closed(Reason::Unreachable);
    assert_eq!(scene.driver.events, [failed(reason)]);
}

#[test]
fn nothing_can_be_slipped_into_a_request() {
    let mut servent = Servent::new(Config::new(guid(0)), catalogue(&[]), []);
    let mut driver = Recorder::new();
    for path in ["/a b", "/a\r\nX: y", &"/a".repeat(1_000)] {
        let command =
            Command::AskWebCache { server: address(1), name: String::new(), path: path.into() };
        driver.input(&mut servent, |s, cx| s.command(command, cx));
    }
    let refused = Event::WebCacheFailed { server: address(1), reason: WebCacheFailure::BadPath };
    assert_eq!(driver.events, vec![refused; 3]);
    assert_eq!(driver.connects, []);
}

/// However long the list, it is a share of the cache, and a bounded number of bytes.
#[test]
fn a_long_list_is_bounded() {
    let mut scene = asked();
    scene.answer(head(b"HTTP/1.1 200 OK\r\n\r\n"));
    let list: String = (0..20_000).map(|n| format!("{}\n", address(n))).collect();
    let mut rest = list.as_str();
    while scene.driver.closed.is_empty() {
        // As the phase has it, never more than what is left.
        let (piece, after) = rest.split_at(4_096);
        scene.data(piece);
        rest = after;
        assert!(list.len() - rest.len() <= 16_384, "more than 16 kB");
    }
    assert_eq!(scene.servent.known_hosts(), 20);
    let [Event::WebCache { hosts: 64, .. }] = scene.driver.events[..] else {
        panic!("{:?}", scene.driver.events)
    };
}

proptest! {
    /// Whatever the text, a list is no longer than asked for, has each host once, and reads back.
    #[test]
    fn a_list_reads_back(
        lines in prop::collection::vec(
            prop_oneof![
                "[0-9.:|H \r]{0,24}",
                (any::<[u8; 4]>(), any::<u16>()).prop_map(|(ip, port)| {
                    std::net::SocketAddrV4::new(ip.into(), port).to_string()
                }),
            ],
            0..40,
        ),
        most in 0usize..50,
    ) {
        let list = HostList::parse(lines.join("\n").as_bytes(), most);
        prop_assert!(list.hosts().len() <= most);
        let mut sorted = list.hosts().to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), list.hosts().len());
        prop_assert_eq!(&HostList::parse(list.to_string().as_bytes(), most), &list);
    }

    #[test]
    fn any_bytes_are_a_list(bytes: Vec<u8>) {
        let list = HostList::parse(&bytes, 10);
        prop_assert!(list.hosts().len() <= 10);
    }
}
