//! A servent of 0.6 under hostile neighbours: handshakes of all kinds, tables, vendor messages and
//! datagrams that are nearly right, links that come and go, timers at any time. Nothing panics, nothing
//! is sent on a link that is not open, queries do not travel beyond their TTL, datagrams go only where
//! there is a reason to, and what the servent keeps stays bounded.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_gnutella::{
    Capabilities, Catalogue, Command, Config, Message, Mode, Phase, Servent, Settings, Settings06,
    SharedFile,
};
use overlay_peer::{Address, Decoded, Object, Peer, Timer, Wire};

use crate::gnutella_world::{Bounds, Script, World};

/// Checks one input: a script. Each step is a byte that says what happens, and what it needs.
pub fn check(data: &[u8]) {
    let mut script = Script::new(data);
    let mut world = world(script.byte());
    // Long enough for anything; short enough for a fuzzer.
    for _ in 0..400 {
        let Some(step) = script.next() else { return };
        match step % 10 {
            0 => world.accept(),
            1 => {
                let (on, length) = (script.byte(), script.byte());
                world.arrive(on, script.take(length.into()));
            }
            2 => world.lose(script.byte()),
            3 => world.open(script.byte()),
            4 => wake(&mut world, script.byte()),
            5 => command(&mut world, script.byte()),
            6 => {
                let (on, which) = (script.byte(), script.byte());
                world.arrive(on, HEADS[usize::from(which) % HEADS.len()].as_bytes());
            }
            7 => {
                let (from, kind, length) = (script.byte(), script.byte(), script.byte());
                let bytes = descriptor(&world, kind, script.take(length.into()));
                datagram(&mut world, from, &bytes);
            }
            // Whole descriptors, so that a fuzzer need not find lengths.
            _ => {
                let (on, kind, length) = (script.byte(), script.byte(), script.byte());
                let bytes = descriptor(&world, kind, script.take(length.into()));
                world.arrive(on, &bytes);
            }
        }
        world.check();
    }
}

/// Heads that get a link up, or nearly.
const HEADS: [&str; 8] = [
    "GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: True\r\nX-Query-Routing: 0.2\r\n\
     X-Ultrapeer-Query-Routing: 0.1\r\nX-Dynamic-Querying: 0.1\r\nX-Degree: 32\r\nX-Max-TTL: 4\r\n\
     Vendor-Message: 0.1\r\nBye-Packet: 0.1\r\nListen-IP: 192.0.2.1:6346\r\n\r\n",
    "GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: False\r\nX-Query-Routing: 0.2\r\nVendor-Message: 0.1\r\n\
     Bye-Packet: 0.1\r\n\r\n",
    "GNUTELLA CONNECT/0.6\r\nX-Degree: 65535\r\nX-Max-TTL: 255\r\n\r\n",
    "GNUTELLA CONNECT/0.4\n\n",
    "GNUTELLA/0.6 200 OK\r\nX-Ultrapeer: True\r\nX-Query-Routing: 0.1\r\nVendor-Message: 0.1\r\n\
     X-Ultrapeer-Query-Routing: 0.1\r\nX-Ultrapeer-Needed: True\r\n\
     X-Try-Ultrapeers: 192.0.2.7:1,192.0.2.8:2\r\n\r\n",
    "GNUTELLA/0.6 200 OK\r\nX-Ultrapeer: True\r\nX-Ultrapeer-Needed: False\r\nBye-Packet: 0.1\r\n\r\n",
    "GNUTELLA/0.6 503 Full\r\nX-Try-Ultrapeers: 192.0.2.9:3\r\n\r\n",
    "GNUTELLA OK\n\n",
];

const LINKS: usize = 3;
const LEAVES: usize = 3;
const NEIGHBOURS: usize = LINKS + LEAVES;
const MAX_TTL: u8 = 3;
/// Where answers go that are asked for out of band.
const ASKER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 3), 6346);

fn settings() -> Settings {
    let v06 = Settings06 {
        leaf_links: LINKS,
        ultrapeer_target: 2,
        ultrapeer_links: LINKS,
        leaf_slots: LEAVES,
        max_ttl: MAX_TTL,
        table_bits: 6,
        max_table_bits: 10,
        dynamic_queries: 4,
        pongs: 6,
        wanted: 5,
        wanted_for_leaf: 3,
        ..Settings06::default()
    };
    Settings {
        v06: Some(v06),
        explore_below: 4,
        query_bytes: 64,
        results: 3,
        route_lifetime: Duration::from_secs(60),
        routes: 32,
        hosts: 8,
        searches: 4,
        greetings: 4,
        fetches: 3,
        uploads: 2,
        chunk: 16,
        ..Settings::default()
    }
}

const BOUNDS: Bounds = Bounds {
    // GUIDs, hosts, neighbours, shares; greetings and handshakes, with those it opens itself; uploads
    // and searches; Pongs, queries under way, hits over UDP.
    entries: (2 * 32 + 8 + NEIGHBOURS + 2) + 2 * (4 + LINKS + 1) + 6 + 3 * 4 + 6 + 4 + 128,
    // Most of it: a table under way for each neighbour.
    bytes: 262_144,
    links: NEIGHBOURS + 2 * (4 + LINKS + 1) + 6,
    neighbours: NEIGHBOURS,
    leaves: LEAVES,
    // No input makes it send to many strangers.
    datagrams: 4,
    // One hop more to the leaves of the last ultrapeer.
    hops: 8,
    delay: Duration::from_secs(36_000),
};

fn world(choice: u8) -> World {
    let file = |name: &str, object| SharedFile { name: name.into(), size: 100, object };
    let catalogue = Catalogue::new([file("a song.ogg", Object(1)), file("b song.ogg", Object(2))]);
    let mode = [Mode::Ultrapeer, Mode::Leaf, Mode::Elected][usize::from(choice) % 3];
    let config = Config {
        firewalled: choice & 0x80 != 0,
        capabilities: Capabilities { mode, ..Capabilities::GOOD },
        settings: Arc::new(settings()),
        ..Config::new(Guid::from_bytes([b'S'; 16]))
    };
    let mut world = World::new(Servent::new(config, Arc::new(catalogue), [0, 1]), BOUNDS);
    command(&mut world, 0);
    world
}

fn datagram(world: &mut World, from: u8, bytes: &[u8]) {
    let from = Address::from(([192, 0, 2, from % 4], 6346));
    if let Ok(Decoded::Complete { value, consumed }) = Message::decode(Phase::default(), bytes)
        && consumed == bytes.len()
    {
        world.input(|servent, cx| servent.datagram(from, value, cx));
    }
}

/// A descriptor of any type; its GUID is one of few, one of an own query, or one that asks for
/// answers out of band.
fn descriptor(world: &World, kind: u8, payload: &[u8]) -> Vec<u8> {
    let own = world.driver.guids.get(usize::from(kind % 4));
    let guid = match kind >> 6 {
        0 => Guid::from_bytes([kind; 16]),
        1 => Guid::from_bytes([kind; 16]).with_reply_address(ASKER),
        _ => own.copied().unwrap_or(Guid::from_bytes([b'S'; 16])),
    };
    let mut bytes = guid.as_bytes().to_vec();
    let types = [0x00, 0x01, 0x02, 0x30, 0x31, 0x40, 0x80, 0x81, 0x30, 0x31];
    bytes.push(types[usize::from(kind) % types.len()]);
    bytes.extend([1 + kind / 10 % 4, kind / 40 % 2]);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// All timers there are, and some that are not.
fn wake(world: &mut World, byte: u8) {
    world.driver.now += u64::from(byte >> 4) * u64::from(byte >> 4) * 1_000;
    world.input(|servent, cx| servent.wake(Timer(u32::from(byte & 15)), cx));
}

fn command(world: &mut World, choice: u8) {
    let command = match choice % 8 {
        0..3 => Command::Join { hosts: vec![Address::from(([192, 0, 2, 9 + choice % 8], 6346))] },
        3..7 => Command::Search { search: u32::from(choice), text: "a song".into() },
        _ => Command::Leave,
    };
    world.input(|servent, cx| servent.command(command, cx));
}
