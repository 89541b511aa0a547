//! Searches flooding a random graph of 500 servents, mean degree 4, TTL 7: messages a second with
//! the world's queue and all.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gnutella_wire::Guid;
use overlay_gnutella::{Catalogue, Command, Config, Servent, Settings, SharedFile};
use overlay_peer::{Address, Object};
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Host, NoStore, PeerIndex, World};

const SERVENTS: u32 = 500;
const SEARCH: Cause = Cause(2);
const QUERY: u8 = 2;

fn address(n: u32) -> Address {
    let [_, a, b, c] = n.to_be_bytes();
    Address::from(([20, a, b, c], 6346))
}

fn world() -> World<Servent, NoStore> {
    let graph = Graph::erdos_renyi(SERVENTS, 2 * SERVENTS as usize, 7);
    let catalogue = Arc::new(Catalogue::new((0..1_000).map(|n| SharedFile {
        name: format!("Artist {} - Song {n}.mp3", n / 10),
        size: 4_000_000,
        object: Object(n),
    })));
    let settings = Arc::new(Settings {
        ping_ttl: 0,
        ping_interval: None,
        target_links: 0,
        max_links: Settings::LINKS,
        ..Settings::default()
    });
    let mut world = World::new(overlay_sim::Config::default(), NoStore);
    for n in 0..SERVENTS {
        let guid = Guid::from_bytes(u128::from(n).to_be_bytes());
        let config = Config { settings: settings.clone(), ..Config::new(guid) };
        let shares = (0..10).map(|file| (n * 7 + file * 101) % 1_000);
        world.add(Servent::new(config, catalogue.clone(), shares), Host::open(address(n)));
    }
    for n in 0..SERVENTS {
        let hosts = graph.neighbours(n).iter().filter(|&&m| m < n).map(|&m| address(m)).collect();
        world.command(PeerIndex(n), Command::Join { hosts }, Cause(1));
    }
    world.run_for(Duration::from_secs(20));
    world.drain_events();
    world
}

fn search(world: &mut World<Servent, NoStore>, round: u32) {
    for n in 0..10 {
        let (peer, text) = (PeerIndex((round * 10 + n) % SERVENTS), format!("song {}", n * 97));
        world.command(peer, Command::Search { search: n, text }, SEARCH);
    }
    world.run_for(Duration::from_secs(5));
    world.drain_events();
}

fn flood(criterion: &mut Criterion) {
    let joined = world();
    let mut measured = joined.clone();
    search(&mut measured, 0);
    let messages = measured.metrics().by_cause(SEARCH).messages;
    assert!(measured.metrics().count(SEARCH, QUERY).messages > 10 * u64::from(SERVENTS));
    let mut group = criterion.benchmark_group("flood");
    group.throughput(Throughput::Elements(messages));
    group.sample_size(20);
    group.bench_function("ten searches, 500 servents", |bencher| {
        bencher.iter_batched_ref(
            || joined.clone(),
            |world| search(world, 0),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, flood);
criterion_main!(benches);
