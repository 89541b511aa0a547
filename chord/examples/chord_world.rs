//! Many protocol nodes in a simulated world: they stabilize, refresh fingers and look keys up, and
//! every answer is compared with the ring as it is. Says how many messages a CPU-second that is, and
//! how much memory.
//!
//! `cargo run --release --example chord_world -- --nodes 10000 --minutes 60`; 1,000 nodes and five
//! minutes without arguments. Every node stabilizes every 30 s, refreshes a finger every 30 s, and
//! looks up one key a minute. The ring is there from the start; `--crashes N` takes N nodes away in the
//! first minute, and counts the lookups that go wrong; `--recursive` has lookups passed on, `--parallel A`
//! asks A nodes at once, `--progress` says on standard error how far it is. With very many nodes the
//! environment variable `GLIBC_TUNABLES=glibc.malloc.hugetlb=1` makes it a fifth faster on Linux.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use overlay_chord::invariants::check;
use overlay_chord::{Command, Config, Contact, Event, Id, Id160, LookupStyle, Node};
use overlay_peer::{Address, Time};
use overlay_sim::{Cause, Host, NoStore, PeerIndex, World};

const UPKEEP: Cause = Cause(1);
const LOOKUP: Cause = Cause(2);

struct Options {
    nodes: u32,
    minutes: u64,
    list: usize,
    crashes: u32,
    lookup: LookupStyle,
    seed: u64,
    json: bool,
    progress: bool,
}

fn main() {
    let mut options = Options {
        nodes: 1_000,
        minutes: 5,
        list: 20,
        crashes: 0,
        lookup: LookupStyle::Iterative { parallel: 1 },
        seed: 1,
        json: false,
        progress: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut number = |least: u64, most: u64| {
            let text = arguments.next().unwrap_or_default();
            match text.parse() {
                Ok(number) if (least..=most).contains(&number) => number,
                _ => exit(&format!("{name} wants a number from {least} to {most}, got {text:?}")),
            }
        };
        match name.as_str() {
            "--nodes" => options.nodes = number(2, 1 << 24) as u32,
            "--minutes" => options.minutes = number(1, 10_000),
            "--list" => options.list = number(1, 20) as usize,
            "--crashes" => options.crashes = number(0, 1 << 24) as u32,
            "--seed" => options.seed = number(0, u64::MAX),
            "--parallel" => {
                options.lookup = LookupStyle::Iterative { parallel: number(1, 16) as u8 };
            }
            "--recursive" => options.lookup = LookupStyle::Recursive,
            "--json" => options.json = true,
            "--progress" => options.progress = true,
            _ => exit(&format!("unknown option {name:?}")),
        }
    }
    if options.crashes >= options.nodes {
        exit("some node has to stay");
    }
    run(&options);
}

fn exit(why: &str) -> ! {
    eprintln!("error: {why}");
    std::process::exit(2);
}

fn run(options: &Options) {
    let mut members: Vec<Contact> = (0..options.nodes)
        .map(|number| Contact { id: Id160::of_address(address(number)), address: address(number) })
        .collect();
    members.sort_unstable();
    let mut net = build(options, &members);
    let build_cpu = cpu_seconds();

    // One lookup a node a minute, all through the minute.
    let lookups = u64::from(options.nodes) * options.minutes;
    let minute = 60_000_000;
    let mut tally = Tally::default();
    let mut crashed = 0;
    for lookup in 0..lookups {
        let start = lookup * minute / u64::from(options.nodes);
        net.run_until(Time::from_micros(start));
        while u64::from(crashed) * minute < u64::from(options.crashes) * start.min(minute) {
            // Numbers have nothing to do with places on the ring.
            net.fail(PeerIndex(crashed));
            crashed += 1;
            if cfg!(debug_assertions) {
                assert_eq!(
                    check(
                        net.peers()
                            .filter(|(p, _)| net.is_alive(*p))
                            .filter_map(|(_, node)| node.member()),
                        options.list
                    ),
                    []
                );
            }
        }
        let node = PeerIndex((lookup % u64::from(options.nodes)) as u32);
        net.command(node, Command::Lookup { request: lookup as u32, key: key(lookup) }, LOOKUP);
        if lookup.is_multiple_of(1_000) {
            tally.drain(&mut net, &members, crashed);
        }
        if options.progress && lookup % u64::from(options.nodes) == 0 {
            let (minute, messages) = (start / minute, net.metrics().total().messages);
            let Tally { found, wrong, failed, .. } = tally;
            let cpu = cpu_seconds() - build_cpu;
            eprintln!(
                "minute {minute}: {messages} messages, {found} lookups found, {wrong} wrong, {failed} \
                 failed, {cpu:.0} CPU seconds"
            );
        }
    }
    net.run_until(Time::from_micros(options.minutes * minute) + Duration::from_secs(10));
    tally.drain(&mut net, &members, crashed);
    report(options, &net, &tally, lookups, build_cpu);
}

type Net = World<Node, NoStore>;

/// The whole ring at once, with the fingers it would have settled on.
fn build(options: &Options, members: &[Contact]) -> Net {
    let config = Arc::new(Config {
        successors: options.list,
        replicas: 1,
        stabilize_every: Duration::from_secs(30),
        fix_fingers_every: Duration::from_secs(30),
        // Nothing is published here.
        refresh_every: Duration::from_secs(1_000_000),

        lookup: options.lookup,
        ..Config::default()
    });
    let world = overlay_sim::Config { seed: options.seed, ..overlay_sim::Config::default() };
    let mut net = World::new(world, NoStore);
    net.reserve(members.len(), 0);
    let places: Vec<u32> = {
        let mut places = vec![0; members.len()];
        for (at, member) in members.iter().enumerate() {
            places[number(member.address) as usize] = at as u32;
        }
        places
    };
    let count = members.len();
    for node in 0..options.nodes {
        let peer = net.add(Node::new(config.clone()), Host::open(address(node)));
        let at = places[node as usize] as usize;
        let me = members[at].id;
        let successors = (1..=options.list.min(count)).map(|i| members[(at + i) % count]);
        let mut fingers = Vec::new();
        let mut level = me.distance(members[(at + 1) % count].id).log2().map_or(160, |l| l + 1);
        while level < Id160::BITS {
            let finger = members[owner(members, me.add_power(level))];
            let Some(reached) = me.distance(finger.id).log2().filter(|l| *l >= level) else {
                break;
            };
            fingers.push(finger);
            level = reached + 1;
        }
        let predecessor = Some(members[(at + count - 1) % count]);
        let command = Command::Resume { predecessor, successors: successors.collect(), fingers };
        net.command(peer, command, UPKEEP);
    }
    let _ = net.drain_events();
    net
}

/// The index of the first member at `key` or after it. Identifiers are spread evenly, so a guess is near.
fn owner(members: &[Contact], key: Id160) -> usize {
    let guess = ((u128::from(key.prefix()) * members.len() as u128) >> 64) as usize;
    let mut at = guess.min(members.len() - 1);
    while at > 0 && members[at - 1].id >= key {
        at -= 1;
    }
    while at < members.len() && members[at].id < key {
        at += 1;
    }
    at % members.len()
}

#[derive(Default)]
struct Tally {
    found: u64,
    wrong: u64,
    failed: u64,
    hops: u64,
    timeouts: u64,
}

impl Tally {
    fn drain(&mut self, net: &mut Net, members: &[Contact], crashed: u32) {
        let events: Vec<_> = net.drain_events().collect();
        for (_, _, event) in events {
            match event {
                Event::Found { request, hops, timeouts, owner: found } => {
                    self.found += 1;
                    self.hops += u64::from(hops);
                    self.timeouts += u64::from(timeouts);
                    let mut at = owner(members, key(request.into()));
                    while number(members[at].address) < crashed {
                        at = (at + 1) % members.len();
                    }
                    self.wrong += u64::from(members[at] != found);
                }
                Event::Failed { .. } => self.failed += 1,
                _ => {}
            }
        }
    }
}

fn report(options: &Options, net: &Net, tally: &Tally, lookups: u64, build_cpu: f64) {
    let cpu = cpu_seconds() - build_cpu;
    let total = net.metrics().total();
    let rate = total.messages as f64 / cpu;
    let peak = peak_rss().unwrap_or(0);
    let hops = tally.hops as f64 / tally.found.max(1) as f64;
    if options.json {
        println!(
            "{{\"nodes\":{},\"minutes\":{},\"list\":{},\"lookups\":{lookups},\"found\":{},\
             \"wrong\":{},\"failed\":{},\"hops_mean\":{hops:.3},\"timeouts\":{},\"messages\":{},\
             \"bytes\":{},\"build_cpu_seconds\":{build_cpu:.2},\"cpu_seconds\":{cpu:.2},\
             \"messages_per_cpu_second\":{rate:.0},\"peak_rss_bytes\":{peak},\"trace_hash\":\"{:016x}\"}}",
            options.nodes,
            options.minutes,
            options.list,
            tally.found,
            tally.wrong,
            tally.failed,
            tally.timeouts,
            total.messages,
            total.bytes,
            net.trace_hash(),
        );
        return;
    }
    println!("{} nodes, lists of {}, {} minutes", options.nodes, options.list, options.minutes);
    println!("lookups            {lookups}");
    println!(
        "  found            {} ({} not the owner, {} failed)",
        tally.found, tally.wrong, tally.failed
    );
    println!("  hops             {hops:.3} to the key's predecessor; {} timeouts", tally.timeouts);
    println!("messages           {} ({} bytes)", total.messages, total.bytes);
    println!("CPU seconds        {cpu:.2}, and {build_cpu:.2} to build");
    println!("  messages a second {rate:.0}");
    println!(
        "peak memory        {:.0} MB, {} bytes a node",
        peak as f64 / 1e6,
        peak / u64::from(options.nodes)
    );
    println!("trace              {:016x}", net.trace_hash());
}

fn address(number: u32) -> Address {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::from_bits(0x0b00_0001 + number)), 4000)
}

fn number(address: Address) -> u32 {
    match address.ip() {
        IpAddr::V4(ip) => ip.to_bits() - 0x0b00_0001,
        IpAddr::V6(_) => u32::MAX,
    }
}

fn key(lookup: u64) -> Id160 {
    Id160::hash(&(lookup as u32).to_be_bytes())
}

/// CPU time of this process as Linux tells it; 0 elsewhere.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// The most memory the process had at once, in bytes, as Linux tells it.
fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
