//! What does not go along links: answers over UDP, and Pushes through proxies.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use common06::*;
use natsim::Behaviour;
use overlay_gnutella::{Capabilities, Command, Config, Event, Hit, Mode, Servent, Settings06};
use overlay_peer::Object;
use overlay_sim::{Config as WorldConfig, Host, PeerIndex, Underlay, World};

const QUERY_HIT: u8 = 3;
const VENDOR: u8 = 13;
const ASKER: PeerIndex = PeerIndex(2);
const HOLDER: PeerIndex = PeerIndex(3);

/// Two ultrapeers, 0 and 1, with a leaf each: 2, which asks, and 3, which has the file; behind a NAT if
/// `hidden`.
fn net(hidden: bool, datagram_loss: f64) -> World<Servent, Memory> {
    let config = WorldConfig {
        checked: true,
        underlay: Underlay::Uniform(Duration::from_millis(50)),
        datagram_loss,
        ..WorldConfig::default()
    };
    let mut world = World::new(config, Memory::default());
    let settings = Arc::new(quiet06(Settings06 { out_of_band: true, ..flooding() }));
    let files = catalogue(&["Blue Train.ogg"]);
    for n in 0..4 {
        let mode = if n < 2 { Mode::Ultrapeer } else { Mode::Leaf };
        let config = Config {
            capabilities: Capabilities { mode, ..Capabilities::GOOD },
            settings: settings.clone(),
            firewalled: hidden && n == 3,
            ..Config::new(guid(n))
        };
        let shares = if n == 3 { vec![0] } else { vec![] };
        let host = match hidden && n == 3 {
            true => Host::behind(
                ([10, 0, 0, 1], 6346).into(),
                address(3).ip(),
                Behaviour::PORT_RESTRICTED,
            ),
            false => Host::open(address(n)),
        };
        world.add(Servent::new(config, files.clone(), shares), host);
    }
    for (n, to) in [(0, None), (1, Some(0)), (2, Some(0)), (3, Some(1))] {
        let hosts = to.map(address).into_iter().collect();
        world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
        world.run_for(Duration::from_secs(2));
    }
    world.drain_events();
    world
}

fn search(world: &mut World<Servent, Memory>, wait: u64) -> Vec<(u32, u8, Hit)> {
    world.command(ASKER, Command::Search { search: 1, text: "train".into() }, SEARCH);
    world.run_for(Duration::from_secs(wait));
    hits(world, ASKER)
}

#[test]
fn a_hit_comes_straight_from_who_has_the_file() {
    let mut world = net(false, 0.0);
    let found = search(&mut world, 2);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, 3, "asker, two ultrapeers, holder");
    // Announced, asked for, sent: and nothing on the links.
    assert_eq!(world.metrics().count(SEARCH, VENDOR).messages, 2);
    assert_eq!(world.metrics().count(SEARCH, QUERY_HIT).messages, 1);
    assert!(world.run_until_idle(Duration::from_secs(60)));
}

#[test]
fn a_hit_that_nobody_asks_for_comes_along_the_links() {
    let mut world = net(false, 1.0);
    assert_eq!(search(&mut world, 5).len(), 0);
    world.run_for(Duration::from_secs(15));
    assert_eq!(hits(&mut world, ASKER).len(), 1);
    assert_eq!(
        world.metrics().count(SEARCH, QUERY_HIT).messages
            + world.metrics().count(UPKEEP, QUERY_HIT).messages,
        3
    );
}

#[test]
fn a_holder_behind_a_nat_answers_over_udp_and_is_pushed_through_its_proxy() {
    let mut world = net(true, 0.0);
    let mut found = search(&mut world, 2);
    assert_eq!(found.len(), 1);
    let hit = found.remove(0).2;
    assert!(hit.push);
    assert_eq!(
        *hit.proxies,
        [match address(1) {
            overlay_peer::Address::V4(it) => it,
            overlay_peer::Address::V6(_) => unreachable!(),
        }]
    );
    let bytes = content(7, 1_000);
    world.store_mut().objects.insert((HOLDER.0, 0), bytes.clone());
    let fetch = Command::Fetch { fetch: 9, hit, into: Object(50), from: 0 };
    world.command(ASKER, fetch, FETCH);
    world.run_for(Duration::from_secs(20));
    let told: Vec<Event> = world.drain_events().map(|(_, _, event)| event).collect();
    let fetched = Event::Fetched { fetch: 9, bytes: 1_000, pushed: true };
    assert!(told.contains(&fetched), "{told:?}");
    assert_eq!(world.store().objects[&(ASKER.0, 50)], bytes);
}
