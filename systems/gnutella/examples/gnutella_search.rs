//! A network of 200 Gnutella servents in a simulated world: they join through one well-known host,
//! one of them searches, and downloads what it found from a servent behind a NAT that has to be
//! pushed.
//!
//! ```text
//! cargo run -p overlay-gnutella --example gnutella_search [SEARCH TEXT]
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gnutella_wire::Guid;
use natsim::Behaviour;
use overlay_gnutella::{Catalogue, Command, Config, Event, Hit, Message, Servent, SharedFile};
use overlay_peer::{Address, Object, StoreError, Wire};
use overlay_sim::{Cause, Host, PeerIndex, Position, Store, World};

const SERVENTS: u32 = 200;
const JOIN: Cause = Cause(1);
const SEARCH: Cause = Cause(2);
const FETCH: Cause = Cause(3);

const NAMES: [&str; 4] =
    ["Blue Train (take 1).ogg", "Blue Moon.ogg", "Night Train.ogg", "Field Recording.ogg"];
const SIZE: u64 = 250_000;

fn main() {
    let text = std::env::args().nth(1).unwrap_or_else(|| "blue train".into());
    let mut world = build();
    println!("{} servents joined:", world.len());
    traffic(&world, JOIN);
    println!("and looked for more neighbours:");
    traffic(&world, Cause::UPKEEP);

    let searcher = PeerIndex(105);
    world.drain_events();
    world.command(searcher, Command::Search { search: 1, text: text.clone() }, SEARCH);
    world.run_for(Duration::from_secs(10));
    println!("\"{text}\" from servent {}:", searcher.0);
    traffic(&world, SEARCH);
    let mut found: Vec<(u8, Hit)> = Vec::new();
    for (_, _, event) in world.drain_events() {
        if let Event::Hit { hops, hit, .. } = event {
            found.push((hops, hit));
        }
    }
    for (hops, hit) in &found {
        let push = if hit.push { ", to be pushed" } else { "" };
        println!("  {} at {}, {hops} links away{push}", hit.name_lossy(), hit.address);
    }

    // Prefer one that nobody can connect to, to show the longer way.
    let Some((_, hit)) = found.iter().find(|(_, hit)| hit.push).or(found.first()).cloned() else {
        return println!("nothing found");
    };
    let into = Object(1_000);
    world.command(searcher, Command::Fetch { fetch: 1, hit: hit.clone(), into, from: 0 }, FETCH);
    world.run_for(Duration::from_secs(60));
    println!("fetching {}:", hit.name_lossy());
    traffic(&world, FETCH);
    let events: Vec<_> = world.drain_events().collect();
    for (_, _, event) in events {
        match event {
            Event::Fetched { bytes, pushed, .. } => {
                let right = downloaded(&world, searcher, into) == content(hit.index);
                println!("  {bytes} bytes, pushed: {pushed}, the right ones: {right}");
            }
            Event::FetchFailed { reason, .. } => println!("  failed: {reason}"),
            _ => {}
        }
    }
}

/// Every servent joins through servent 0 and shares up to one file; a third are behind NATs.
fn build() -> World<Servent, Disk> {
    let files = NAMES.iter().zip(0..).map(|(name, object)| SharedFile {
        name: (*name).into(),
        size: SIZE,
        object: Object(object),
    });
    let catalogue = Arc::new(Catalogue::new(files));
    let config = overlay_sim::Config { seed: 7, checked: true, ..Default::default() };
    let mut world = World::new(config, Disk::default());
    for n in 0..SERVENTS {
        let [_, _, a, b] = n.to_be_bytes();
        let public = Address::from(([20, 0, a, b], 6346));
        let firewalled = n % 3 == 1;
        let host = if firewalled {
            let inside = Address::from(([10, 0, a, b], 6346));
            Host::behind(inside, public.ip(), Behaviour::PORT_RESTRICTED)
        } else {
            Host::open(public)
        };
        let position = Position { x: (n * 9_973) as u16, y: (n * 31_337) as u16 };
        let guid = Guid::from_bytes(u128::from(n).to_le_bytes()).marked();
        let config = Config { firewalled, ..Config::new(guid) };
        let shares = (n % 10 < 4).then_some(n % 10);
        let peer = world.add(Servent::new(config, catalogue.clone(), shares), host.at(position));
        let hosts = if n == 0 { vec![] } else { vec![Address::from(([20, 0, 0, 0], 6346))] };
        world.command(peer, Command::Join { hosts }, JOIN);
        world.run_for(Duration::from_millis(500));
    }
    world.run_for(Duration::from_secs(30));
    world
}

fn traffic(world: &World<Servent, Disk>, cause: Cause) {
    for (kind, count) in world.metrics().by_kind(cause) {
        let (messages, bytes) = (count.messages, count.bytes);
        println!("  {:>13}: {messages:6} messages, {bytes:8} bytes", Message::kind_name(kind));
    }
}

/// What a shared file contains, by its number.
fn content(file: u32) -> Vec<u8> {
    (0..SIZE as u32).map(|n| (n.wrapping_mul(2_654_435_761) ^ file).to_be_bytes()[0]).collect()
}

fn downloaded(world: &World<Servent, Disk>, peer: PeerIndex, object: Object) -> Vec<u8> {
    world.store().written.get(&(peer, object)).cloned().unwrap_or_default()
}

/// Shared files are made up when they are read; what is downloaded is kept.
#[derive(Default)]
struct Disk {
    written: BTreeMap<(PeerIndex, Object), Vec<u8>>,
}

impl Store for Disk {
    fn read(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let file = u32::try_from(object.0).map_err(|_| StoreError::NotFound)?;
        let start = usize::try_from(offset).map_err(|_| StoreError::NotFound)?;
        let all = Bytes::from(content(file));
        let end = start.saturating_add(len as usize);
        if end > all.len() {
            return Err(StoreError::OutOfRange { size: SIZE });
        }
        Ok(all.slice(start..end))
    }

    fn write(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        let file = self.written.entry((peer, object)).or_default();
        let start = usize::try_from(offset).map_err(|_| StoreError::Full)?;
        file.resize(file.len().max(start + bytes.len()), 0);
        file[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}
