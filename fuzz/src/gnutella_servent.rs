//! A servent under hostile neighbours, drivers and users: links come and go, any bytes arrive on
//! them, storage fails, timers fire late. Nothing panics, nothing is sent on a link that is not
//! open, and what the servent keeps stays bounded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gnutella_wire::Guid;
use overlay_gnutella::{
    Catalogue, Command, Config, Hit, SearchPlan, Servent, Settings, SharedFile, Strategy,
};
use overlay_peer::{Address, LinkState, Object, Peer, StoreError, Timer};

use crate::gnutella_world::{Bounds, Script, World};

/// Checks one input: a script. Each step is a byte that says what happens, and what it needs.
pub fn check(data: &[u8]) {
    let mut script = Script::new(data);
    let mut world = world(script.byte() & 1 == 1);
    // Long enough for anything; short enough for a fuzzer.
    for _ in 0..400 {
        let Some(step) = script.next() else { return };
        match step % 10 {
            0 => world.accept(),
            1 | 2 => {
                let on = script.byte();
                let length = usize::from(script.byte());
                world.arrive(on, script.take(length));
            }
            3 => world.lose(script.byte()),
            4 => world.open(script.byte()),
            5 => wake(&mut world, script.byte()),
            6 => stored(&mut world, script.byte()),
            7 => {
                let choice = script.byte();
                let length = usize::from(script.byte() % 32);
                let text = String::from_utf8_lossy(script.take(length)).into_owned();
                command(&mut world, choice, text);
            }
            8 => fetch_newest(&mut world),
            // Whole descriptors, so that a fuzzer need not find lengths.
            _ => {
                let (on, kind) = (script.byte(), script.byte());
                let length = usize::from(script.byte());
                world.arrive(on, &descriptor(kind, script.take(length)));
            }
        }
        world.check();
    }
}

const SETTINGS: Settings = Settings {
    v06: None,
    ttl: 7,
    ping_ttl: 7,
    explore_below: 4,
    ttl_rules: gnutella_wire::TtlRules::DEFAULT,
    target_links: 2,
    max_links: 4,
    ping_interval: Some(Duration::from_secs(30)),
    handshake_timeout: Duration::from_secs(10),
    reconnect_delay: Duration::from_secs(1),
    speed: 1_000,
    query_bytes: 64,
    walk_steps: 16,
    hide_hops: 0,
    monitor: true,
    results: 3,
    route_lifetime: Duration::from_secs(60),
    routes: 32,
    hosts: 8,
    web_cache_interval: Duration::from_secs(60),
    host_list: true,
    searches: 4,
    greetings: 4,
    courtesy_pongs: 3,
    fetches: 3,
    candidates: 4,
    swarm_sources: 3,
    segment: 16,
    slow_after: Duration::from_secs(2),
    retry_after: Duration::from_secs(5),
    uploads: 2,
    chunk: 16,
    upload_queue: 64,
    download_writes: 2,
    transfer_timeout: Duration::from_secs(60),
    push_timeout: Duration::from_secs(30),
};

const BOUNDS: Bounds = Bounds {
    // GUIDs, hosts, links and shares; greetings with the links it opens itself, transfers (idle uploads
    // are bounded like greetings; a fetch has a link a source, and what is searched for it) and
    // searches, each of which may go on.
    entries: (2 * 32 + 8 + 4 + 3) + (4 + 4) + 3 * (3 + 2) + (2 + 4) + (4 + 4) + 8,
    bytes: 65_536,
    // Neighbours, greetings, downloads (one link a source), uploads and those that wait, web servers.
    links: 4 + 4 + 3 * 3 + (2 + 4) + 8,
    neighbours: 4,
    leaves: 0,
    datagrams: 0,
    hops: 7,
    delay: Duration::from_secs(3_600),
};

fn world(firewalled: bool) -> World {
    let file = |name: &str, size, object| SharedFile { name: name.into(), size, object };
    let catalogue = Catalogue::new([
        file("a song.ogg", 100, Object(1)),
        file("b song.ogg", 0, Object(2)),
        file("a film.ogv", u64::MAX, Object(3)),
    ]);
    let servent = Guid::from_bytes([b'S'; 16]);
    let config = Config { firewalled, settings: Arc::new(SETTINGS), ..Config::new(servent) };
    World::new(Servent::new(config, Arc::new(catalogue), [0, 1, 2]), BOUNDS)
}

fn descriptor(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind; Guid::LEN];
    bytes.push([0x00, 0x01, 0x40, 0x80, 0x81, 0x30][usize::from(kind) % 6]);
    bytes.extend([kind / 6 % 9, kind / 54]);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn wake(world: &mut World, byte: u8) {
    world.driver.now += u64::from(byte >> 2) * 1_000;
    world.input(|servent, cx| servent.wake(Timer(u32::from(byte & 3)), cx));
    if let (Some(link), true) = (world.pick(byte), byte & 1 == 1) {
        world.input(|servent, cx| servent.link_changed(link, LinkState::Writable, cx));
    }
}

fn stored(world: &mut World, byte: u8) {
    if world.driver.tickets.is_empty() {
        return;
    }
    let (ticket, read) = world.driver.tickets.remove(0);
    let outcome = match (byte % 4, read) {
        (0, _) => Err(StoreError::Failed),
        // A read that gives less than was asked for.
        (1, Some(length)) => Ok(Bytes::from(vec![0; length as usize / 2])),
        (_, Some(length)) => Ok(Bytes::from(vec![0; length as usize])),
        (_, None) => Ok(Bytes::new()),
    };
    world.input(|servent, cx| servent.stored(ticket, outcome, cx));
}

fn command(world: &mut World, choice: u8, text: String) {
    let number = u32::from(choice);
    let plan = SearchPlan::new(match choice / 8 % 3 {
        0 => Strategy::Flood { ttl: 7 },
        1 => Strategy::RING,
        _ => Strategy::RandomWalks { walkers: 9, steps: choice },
    });
    let command = match choice % 8 {
        4 => Command::AskWebCache {
            server: Address::from(([192, 0, 2, choice], 80)),
            name: text,
            path: "/hosts".into(),
        },
        0 | 1 => Command::Join { hosts: vec![Address::from(([192, 0, 2, choice], 6346))] },
        2 | 6 => Command::Search { search: number, text },
        5 => Command::SearchBy { search: number, text, plan },
        7 => Command::Obtain { fetch: number, text, plan, into: Object(8) },
        _ => Command::Leave,
    };
    world.input(|servent, cx| servent.command(command, cx));
}

fn fetch_newest(world: &mut World) {
    let hit = world.driver.hits.pop().unwrap_or(Hit {
        address: Address::from(([192, 0, 2, 9], 6346)),
        push: world.inputs % 2 == 1,
        servent: Guid::from_bytes([b'T'; 16]),
        index: 1,
        size: 40,
        speed: 1,
        busy: false,
        uploaded: false,
        measured: false,
        sha1: None,
        name: b"x".as_slice().into(),
        proxies: [].into(),
    });
    let (fetch, from, into) = (world.inputs as u32, world.inputs % 3, Object(9));
    let command = if world.inputs % 4 < 2 {
        let other = Hit { servent: Guid::from_bytes([b'U'; 16]), ..hit.clone() };
        Command::Swarm { fetch, hits: vec![hit, other], into, from }
    } else {
        Command::Fetch { fetch, hit, into, from }
    };
    world.input(|servent, cx| servent.command(command, cx));
}
