//! What a packet costs a device: through a mapping that is there, in both directions, with few and
//! with many others beside it; a new mapping; a stranger's packet; and idle hosts.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use natsim::{Behaviour, Device, Protocol, Timeouts, reach};
use overlay_peer::{Address, Time};

const UDP: Protocol = Protocol::Udp;
const NATS: [(&str, Behaviour); 3] = [
    ("full_cone", Behaviour::FULL_CONE),
    ("port_restricted", Behaviour::PORT_RESTRICTED),
    ("symmetric", Behaviour::SYMMETRIC),
];

fn device(behaviour: Behaviour) -> Device {
    Device::new([198, 51, 100, 1].into(), behaviour, Timeouts::DEFAULT)
}

fn inside() -> Address {
    Address::from(([10, 0, 0, 2], 4_000))
}

fn remote(number: u16) -> Address {
    let [high, low] = number.to_be_bytes();
    Address::from(([203, 0, high, low], 3_478))
}

/// A device that has sent to this many remotes, and the outside address of each.
fn busy(behaviour: Behaviour, remotes: u16) -> (Device, Vec<(Address, Address)>) {
    let mut nat = device(behaviour);
    let mapped = (0..remotes)
        .map(|number| {
            let to = remote(number);
            (to, nat.outbound(UDP, inside(), to, Time::ZERO).expect("below the limits"))
        })
        .collect();
    (nat, mapped)
}

fn packets(c: &mut Criterion) {
    for remotes in [4, 4_000] {
        for (name, behaviour) in NATS {
            let (mut nat, mapped) = busy(behaviour, remotes);
            let mut group = c.benchmark_group(format!("{name}/{remotes}_remotes"));
            group.throughput(Throughput::Elements(remotes.into()));
            group.bench_function("outbound", |b| {
                b.iter(|| {
                    for (to, _) in &mapped {
                        let _ = black_box(nat.outbound(UDP, inside(), *to, Time::ZERO));
                    }
                });
            });
            group.bench_function("inbound", |b| {
                b.iter(|| {
                    for (from, to) in &mapped {
                        let _ = black_box(nat.inbound(UDP, *from, *to, Time::ZERO));
                    }
                });
            });
            group.bench_function("stranger", |b| {
                b.iter(|| {
                    for (from, to) in &mapped {
                        let from = Address::new(from.ip(), 9);
                        let _ = black_box(nat.inbound(UDP, from, *to, Time::ZERO));
                    }
                });
            });
            group.finish();
        }
    }
}

/// From an empty device to a full one, and until all of it has expired.
fn turnover(c: &mut Criterion) {
    const REMOTES: u16 = 4_000;
    let mut group = c.benchmark_group("create_and_expire");
    group.throughput(Throughput::Elements(REMOTES.into()));
    for (name, behaviour) in NATS {
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            let mut nat = device(behaviour);
            let mut now = Time::ZERO;
            b.iter(|| {
                for number in 0..REMOTES {
                    let _ = black_box(nat.outbound(UDP, inside(), remote(number), now));
                }
                now += Timeouts::DEFAULT.udp;
            });
        });
    }
    group.finish();
}

fn reachability(c: &mut Criterion) {
    c.bench_function("reach", |b| {
        b.iter(|| {
            for (_, one) in &NATS {
                for (_, other) in &NATS {
                    black_box(reach(black_box(Some(one)), black_box(Some(other)), UDP));
                }
            }
        });
    });
}

criterion_group!(benches, packets, turnover, reachability);
criterion_main!(benches);
