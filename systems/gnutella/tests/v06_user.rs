//! What the user of a servent of 0.6 is told, and can change.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod common06;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use common06::*;
use gnutella_wire::{Bye, Role, Urn, Version};
use overlay_gnutella::{Catalogue, Command, Event, Servent, Settings, Settings06, SharedFile};
use overlay_peer::{Coding, Object};
use overlay_sim::topology::Graph;
use overlay_sim::{PeerIndex, World};

const HUB: PeerIndex = PeerIndex(0);
const HOLDER: PeerIndex = PeerIndex(1);
const ASKER: PeerIndex = PeerIndex(2);
const SHA1: [u8; 20] = [7; 20];

/// Two leaves of an ultrapeer, all of which overhear; the first leaf has the file.
fn net() -> World<Servent, Memory> {
    let settings =
        Settings { monitor: true, ..quiet06(Settings06 { deflate: true, ..flooding() }) };
    let file = SharedFile { name: "Blue Train.ogg".into(), size: 7, object: Object(0) };
    let files = Arc::new(Catalogue::new([file]).with_sha1([SHA1]));
    let graph = Graph::new(1, []);
    wired06(&graph, &[vec![0], vec![0]], settings, &files, |n| vec![0; usize::from(n == HOLDER.0)])
}

fn search(world: &mut World<Servent, Memory>, text: &str) {
    world.command(ASKER, Command::Search { search: 1, text: text.into() }, SEARCH);
    world.run_for(Duration::from_secs(1));
}

#[test]
fn who_is_asked_overhears_what() {
    let mut world = net();
    let urn = Urn::Sha1(SHA1).to_string();
    for (text, heard_by) in [("train", 2), ("no such words", 1), (&*urn, 2)] {
        search(&mut world, text);
        let heard = world.drain_events().filter_map(|(_, peer, event)| match event {
            Event::Overheard { hops, text, sha1, .. } => Some((peer, hops, text, sha1)),
            _ => None,
        });
        let heard: Vec<_> = heard.collect();
        // The leaf only what its table does not rule out.
        let by: Vec<_> = heard.iter().map(|(peer, hops, ..)| (*peer, *hops)).collect();
        assert_eq!(by, [(HUB, 0), (HOLDER, 1)][..heard_by]);
        for (_, _, words, sha1) in heard {
            match text == urn {
                true => assert_eq!(sha1, Some(SHA1)),
                false => assert_eq!((&*words, sha1), (text.as_bytes(), None)),
            }
        }
    }
}

#[test]
fn a_link_tells_what_was_agreed_on() {
    let world = net();
    let of = |peer| {
        let servent: &Servent = world.peer(peer);
        servent.neighbours().map(|link| servent.link_info(link).unwrap()).collect::<Vec<_>>()
    };
    let coding = Coding { inflate: true, deflate: true };
    for (peer, links, role) in [(HUB, 2, Role::Leaf), (ASKER, 1, Role::Ultrapeer)] {
        let infos = of(peer);
        assert_eq!(infos.len(), links);
        for info in infos {
            assert_eq!((info.version, info.role, info.coding), (Version::V06, role, coding));
        }
    }
    let other = world.peer(HUB).neighbours().next().unwrap();
    let none = Servent::new(overlay_gnutella::Config::new(guid(9)), Arc::default(), []);
    assert_eq!(none.link_info(other), None);
}

#[test]
fn a_bye_says_why_a_link_closes() {
    let mut world = net();
    world.command(ASKER, Command::Leave, JOIN);
    world.run_for(Duration::from_secs(1));
    let told = world.drain_events().filter(|(_, peer, _)| *peer == HUB).map(|(_, _, event)| event);
    let told: Vec<_> = told.collect();
    let [Event::Bye { link, code: Bye::CLOSED_BY_USER, text }, Event::Unlinked { link: gone, .. }] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((link, &**text), (gone, &b"Closed by user"[..]));
}

#[test]
fn another_catalogue_can_be_shared() {
    let mut world = net();
    let file =
        |name: &str, object| SharedFile { name: name.into(), size: 7, object: Object(object) };
    let files = [file("Blue Train.ogg", 0), file("Red Train.ogg", 1), file("Grey Train.ogg", 2)];
    let hashes = [SHA1, [8; 20]];
    let catalogue = Arc::new(Catalogue::new(files).with_sha1(hashes));
    for (shares, expected) in [(vec![0, 1, 99], 2), (vec![2], 1), (vec![], 0)] {
        let publish = Command::Publish { catalogue: catalogue.clone(), shares: shares.clone() };
        world.command(HOLDER, publish, JOIN);
        world.run_for(Duration::from_secs(3));
        search(&mut world, "train");
        let found: Vec<u32> = hits(&mut world, ASKER).iter().map(|(_, _, hit)| hit.index).collect();
        assert_eq!(found.len(), expected, "{shares:?}");
        assert!(found.iter().all(|index| shares.contains(index)));
    }
    let publish = Command::Publish { catalogue: catalogue.clone(), shares: vec![1] };
    world.command(HOLDER, publish, JOIN);
    world.run_for(Duration::from_secs(3));
    search(&mut world, &Urn::Sha1(SHA1).to_string());
    assert_eq!(hits(&mut world, ASKER), []);
    search(&mut world, &Urn::Sha1([8; 20]).to_string());
    assert_eq!(hits(&mut world, ASKER)[0].2.sha1, Some([8; 20]));
}
