//! Shows a central index at work, on a simulated network: two hundred users join a server and share
//! popular and rare files; searches find everything in one exchange; files are fetched directly, or by
//! alternate request from users behind firewalls; then the server goes away, and nothing is found.
//!
//! ```text
//! cargo run --release -p overlay-napster --example napster_network
//! ```

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use natsim::Behaviour;
use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, Hit, Message, NapsterPeer, Server,
    ServerConfig, SharedFile,
};
use overlay_peer::{Address, Object, StoreError, Wire};
use overlay_sim::{Cause, Config, Host, PeerIndex, Store, World};

const USERS: u32 = 200;
const SONGS: u64 = 400;
const SIZE: u64 = 100_000;

const JOIN: Cause = Cause(1);
const PUBLISH: Cause = Cause(2);
const SEARCH: Cause = Cause(3);
const FETCH: Cause = Cause(4);

/// Songs are made up when they are read; downloads are compared with them as they come in.
#[derive(Default)]
struct Disk {
    stored: BTreeMap<(PeerIndex, Object), u64>,
}

fn byte(object: Object, at: u64) -> u8 {
    (at.wrapping_mul(31).wrapping_add(object.0.wrapping_mul(17)) >> 2) as u8
}

impl Store for Disk {
    fn read(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        Ok((offset..offset + u64::from(len)).map(|at| byte(object, at)).collect())
    }

    fn write(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        let right = (offset..).zip(bytes).all(|(at, found)| *found == byte(object, at));
        *self.stored.entry((peer, object)).or_default() += bytes.len() as u64;
        if right { Ok(()) } else { Err(StoreError::Failed) }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut catalogue = Catalogue::new();
    let mut songs = Vec::new();
    for number in 0..SONGS {
        let name = format!("Band {} - Song {number}.mp3", number % 20);
        songs.push(catalogue.add(SharedFile::new(name, [0; 16], SIZE, Object(number)))?);
    }
    let catalogue = Arc::new(catalogue);

    // A checked world encodes and decodes each message on its way.
    let config = Config { seed: 1, checked: true, ..Config::default() };
    let mut world: World<NapsterPeer, Disk> = World::new(config, Disk::default());
    let address = Address::from(([198, 51, 100, 1], 8888));
    let server = world.add(
        Server::new(ServerConfig::default()).into(),
        Host::open(address).with_upload(10_000_000),
    );
    let mut users = Vec::new();
    for number in 0..USERS {
        // Each fourth user is behind a NAT, and knows it.
        let firewalled = number % 4 == 3;
        let config = ClientConfig::new(format!("user{number}"), "secret")?.firewalled(firewalled);
        let [_, _, high, low] = number.to_be_bytes();
        let host = if firewalled {
            let public = IpAddr::from([203, 0, high, low]);
            let private = Address::from(([10, 0, 0, 2], 6699));
            Host::behind(private, public, Behaviour::PORT_RESTRICTED)
        } else {
            Host::open(Address::from(([192, 0, high, low], 6699)))
        };
        users.push(world.add(Client::new(config, Arc::clone(&catalogue)).into(), host));
    }

    for user in &users {
        world.command(*user, Command::Join { server: address }, JOIN);
    }
    world.run_until_idle(Duration::from_secs(60));
    for (number, user) in users.iter().enumerate() {
        // The first ten songs are everybody's; of the others each user has two of its own.
        let own = (10 + 2 * number as u64)..(12 + 2 * number as u64);
        let files = (0..10).chain(own).filter(|song| *song < SONGS);
        let files = files.map(|song| songs[song as usize]).collect();
        world.command(*user, Command::Publish { files }, PUBLISH);
    }
    world.run_until_idle(Duration::from_secs(60));
    let state = world.peer(server).as_server().expect("it is the server");
    let (entries, bytes) = state.footprint();
    println!(
        "{} users share {} files; the server keeps {entries} entries, {} kB",
        state.user_count(),
        state.file_count(),
        bytes / 1000
    );

    println!("\nsearches:");
    let mut rare = None;
    for words in ["song 3", "band 7", "song 123", "no such song"] {
        let before = world.metrics().by_cause(SEARCH);
        let hits = search(&mut world, users[0], words)?;
        let after = world.metrics().by_cause(SEARCH);
        println!(
            "  {words:<13} {:3} hits, {} messages, {} bytes",
            hits.len(),
            after.messages - before.messages,
            after.bytes - before.bytes
        );
        if words == "song 123" {
            rare = hits.into_iter().next();
        }
    }

    println!("\nfetches of a rare song:");
    let rare = rare.ok_or("the rare song was not found")?;
    println!("  its owner, {}, is {}", rare.nick, rare.ip.to_ipv4().ok_or("no address")?);
    for (who, user) in [("an open user", users[0]), ("a user behind a NAT", users[3])] {
        println!("  {who}: {}", fetch(&mut world, user, &rare));
    }
    let firewalled = search(&mut world, users[0], "song 16")?
        .into_iter()
        .find(|hit| hit.nick.to_string() == "user3")
        .ok_or("user3 shares it")?;
    println!("fetches of a song whose owner, {}, is behind a NAT:", firewalled.nick);
    for (who, user) in [("an open user", users[0]), ("another behind a NAT", users[7])] {
        println!("  {who}: {}", fetch(&mut world, user, &firewalled));
    }

    println!("\nmessages by cause:");
    for (name, cause) in
        [("join", JOIN), ("publish", PUBLISH), ("search", SEARCH), ("fetch", FETCH)]
    {
        let kinds: Vec<String> = world
            .metrics()
            .by_kind(cause)
            .map(|(kind, count)| format!("{} {}", count.messages, Message::kind_name(kind)))
            .collect();
        println!("  {name:8} {}", kinds.join(", "));
    }

    world.fail(server);
    world.drain_events();
    let query = Search::words("song 3", 100)?;
    world.command(users[0], Command::Search { search: 1, query }, SEARCH);
    world.run_for(Duration::from_secs(40));
    println!("\nthe server crashed; 40 seconds later:");
    for (time, _, event) in world.drain_events() {
        println!("  {time}: {event:?}");
    }
    Ok(())
}

fn search(
    world: &mut World<NapsterPeer, Disk>,
    user: PeerIndex,
    words: &'static str,
) -> Result<Vec<Hit>, Box<dyn Error>> {
    world.drain_events();
    let query = Search::words(words, 100)?;
    world.command(user, Command::Search { search: 0, query }, SEARCH);
    world.run_until_idle(Duration::from_secs(60));
    let hits = world.drain_events().filter_map(|(_, _, event)| match event {
        Event::Hit { hit, .. } => Some(hit),
        _ => None,
    });
    Ok(hits.collect())
}

fn fetch(world: &mut World<NapsterPeer, Disk>, user: PeerIndex, hit: &Hit) -> String {
    world.drain_events();
    let begin = world.now();
    // The store compares what is written to an object with the song of that number.
    let song = hit.name.to_string();
    let number = song.split(' ').nth(4).and_then(|part| part.strip_suffix(".mp3")?.parse().ok());
    let into = Object(number.unwrap_or(0));
    world.command(user, Command::Fetch { fetch: 1, hit: hit.clone(), into }, FETCH);
    world.run_until_idle(Duration::from_secs(300));
    for (time, _, event) in world.drain_events() {
        match event {
            Event::Fetched { bytes, alternate, .. } => {
                let how = if alternate { "the owner connected" } else { "direct" };
                return format!("{bytes} bytes in {:?}, {how}", time.since(begin));
            }
            Event::FetchFailed { reason, .. } => return format!("failed: {reason}"),
            _ => {}
        }
    }
    "did not end".into()
}
