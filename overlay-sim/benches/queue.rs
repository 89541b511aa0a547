//! The timing wheel beside what else could keep a world's events: a binary heap, a tree of ticks, and a
//! calendar whose days are sorted when they come.
//!
//! Each queue holds the same number of events of 24 bytes. What comes due is queued again, 1 to 200
//! ticks later: the delays of an underlay in milliseconds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_peer::Pcg32;
use rand_core::Rng;

#[allow(dead_code, unused_imports, reason = "the world and the tests use more of it")]
#[path = "../src/queue.rs"]
mod wheel;

type Event = [u64; 3];

const LONGEST: u32 = 200;
/// Events handled in one measurement.
const HANDLED: u64 = 1 << 18;

/// What can keep events by tick, those of a tick in the order in which they came.
trait Queue {
    fn push(&mut self, tick: u64, event: Event);
    /// The next tick, with its events in `due`, which is empty.
    fn next(&mut self, due: &mut Vec<Event>) -> u64;
}

struct Wheel(wheel::Queue<Event>);

impl Queue for Wheel {
    fn push(&mut self, tick: u64, event: Event) {
        self.0.push(tick, event);
    }

    fn next(&mut self, due: &mut Vec<Event>) -> u64 {
        let tick = self.0.next().expect("it holds something");
        self.0.advance(tick, due);
        tick
    }
}

#[derive(Default)]
struct Heap {
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    pushed: u64,
}

impl Queue for Heap {
    fn push(&mut self, tick: u64, event: Event) {
        self.heap.push(Reverse((tick, self.pushed, event)));
        self.pushed += 1;
    }

    fn next(&mut self, due: &mut Vec<Event>) -> u64 {
        let Reverse((first, ..)) = *self.heap.peek().expect("it holds something");
        while let Some(&Reverse((tick, _, event))) = self.heap.peek()
            && tick == first
        {
            due.push(event);
            self.heap.pop();
        }
        first
    }
}

#[derive(Default)]
struct Tree(BTreeMap<u64, Vec<Event>>);

impl Queue for Tree {
    fn push(&mut self, tick: u64, event: Event) {
        self.0.entry(tick).or_default().push(event);
    }

    fn next(&mut self, due: &mut Vec<Event>) -> u64 {
        let (tick, events) = self.0.pop_first().expect("it holds something");
        *due = events;
        tick
    }
}

/// Days of 16 ticks; a day is sorted when its first tick comes, or when something is put into it later.
struct Calendar {
    days: Vec<Vec<(u64, Event)>>,
    tick: u64,
    /// Whether the present day is in descending order.
    sorted: bool,
}

const DAY: u64 = 16;
const DAYS: u64 = 64;

impl Calendar {
    fn day(&mut self, tick: u64) -> &mut Vec<(u64, Event)> {
        &mut self.days[(tick / DAY % DAYS) as usize]
    }
}

impl Queue for Calendar {
    fn push(&mut self, tick: u64, event: Event) {
        if tick / DAY == self.tick / DAY {
            self.sorted = false;
        }
        self.day(tick).push((tick, event));
    }

    fn next(&mut self, due: &mut Vec<Event>) -> u64 {
        loop {
            if !self.sorted {
                let now = self.tick;
                // Stable, and the last of the day first: those of a tick come out backwards.
                self.day(now).sort_by_key(|&(tick, _)| Reverse(tick));
                self.sorted = true;
            }
            let now = self.tick;
            let day = self.day(now);
            if let Some(&(first, _)) = day.last() {
                let start = day.partition_point(|&(tick, _)| tick > first);
                due.extend(day.drain(start..).map(|(_, event)| event));
                self.tick = first;
                return first;
            }
            self.tick = (self.tick / DAY + 1) * DAY;
            self.sorted = false;
        }
    }
}

/// Handles events until there were [`HANDLED`]; a sum over what came, and in which order.
fn run(queue: &mut impl Queue, rng: &mut Pcg32) -> u64 {
    let (mut due, mut handled, mut sum) = (Vec::new(), 0, 0u64);
    while handled < HANDLED {
        let tick = queue.next(&mut due);
        for event in due.drain(..) {
            sum = sum.rotate_left(5) ^ event[0] ^ tick;
            handled += 1;
            queue.push(tick + 1 + delay(rng), event);
        }
    }
    sum
}

fn fill(queue: &mut impl Queue, events: u64, rng: &mut Pcg32) {
    (0..events).for_each(|number| queue.push(1 + delay(rng), [number; 3]));
}

fn delay(rng: &mut Pcg32) -> u64 {
    (u64::from(rng.next_u32()) * u64::from(LONGEST)) >> 32
}

fn measure<Q: Queue>(c: &mut Criterion, name: &str, new: impl Fn() -> Q) {
    let mut group = c.benchmark_group("hold");
    group.throughput(Throughput::Elements(HANDLED)).sample_size(10);
    for events in [1_000, 30_000, 1_000_000] {
        // All must handle the same events in the same order.
        let sum = |queue: &mut Wheel| {
            let mut rng = Pcg32::new(1, 1);
            fill(queue, events, &mut rng);
            run(queue, &mut rng)
        };
        let expected = sum(&mut Wheel(wheel::Queue::new()));
        let mut rng = Pcg32::new(1, 1);
        let mut queue = new();
        fill(&mut queue, events, &mut rng);
        assert_eq!(run(&mut queue, &mut rng), expected, "{name} with {events}");
        group.bench_with_input(BenchmarkId::new(name, events), &events, |b, _| {
            b.iter(|| black_box(run(&mut queue, &mut rng)));
        });
    }
    group.finish();
}

fn queues(c: &mut Criterion) {
    measure(c, "wheel", || Wheel(wheel::Queue::new()));
    measure(c, "heap", Heap::default);
    measure(c, "tree", Tree::default);
    let days = || (0..DAYS).map(|_| Vec::new()).collect();
    measure(c, "calendar", || Calendar { days: days(), tick: 0, sorted: false });
}

criterion_group!(benches, queues);
criterion_main!(benches);
