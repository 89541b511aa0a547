//! What the contract itself costs: an input through a `dyn Driver` that does next to nothing, with no
//! effect, with some, and with random numbers; beside the same calls without the `dyn`.
#![allow(missing_docs)]

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Ticket, Time, Timer, Wire,
    input_seed,
};
use rand_pcg::rand_core::Rng;

/// As large as a message that shares its payload.
#[derive(Clone, Debug, PartialEq)]
struct Message([u64; 2]);

impl Wire for Message {
    type Phase = ();
    type Error = std::fmt::Error;

    fn kind(&self) -> u8 {
        0
    }

    fn kind_name(_kind: u8) -> &'static str {
        "message"
    }

    fn encoded_len(&self) -> usize {
        16
    }

    fn encode(&self, out: &mut impl BufMut) {
        self.0.iter().for_each(|word| out.put_u64(*word));
    }

    fn decode(_phase: (), bytes: &[u8]) -> Result<Decoded<Self>, Self::Error> {
        let Some(whole) = bytes.first_chunk::<16>() else {
            return Ok(Decoded::Partial { needed: 16 - bytes.len() });
        };
        let word = |half: &[u8]| half.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let value = Self([word(&whole[..8]), word(&whole[8..])]);
        Ok(Decoded::Complete { value, consumed: 16 })
    }
}

/// Answers a message with as many as its first word says, after drawing as many numbers as its
/// second says.
struct Answers;

impl Peer for Answers {
    type Message = Message;
    type Command = Infallible;
    type Event = Infallible;

    fn command(&mut self, command: Infallible, _cx: &mut Context<'_, Self>) {
        match command {}
    }

    fn link_changed(&mut self, _link: Link, _state: LinkState, _cx: &mut Context<'_, Self>) {}

    fn receive(&mut self, from: Link, message: Message, cx: &mut Context<'_, Self>) {
        let Message([answers, draws]) = message;
        let drawn = (0..draws).fold(0, |sum, _| sum ^ u64::from(cx.rng().next_u32()));
        for answer in 0..answers {
            cx.send(from, Message([answer, drawn]));
        }
    }

    fn wake(&mut self, _timer: Timer, _cx: &mut Context<'_, Self>) {}
}

/// Counts what is sent.
#[derive(Default)]
struct Counter {
    sent: u64,
}

impl Driver<Answers> for Counter {
    fn here(&self) -> Address {
        Address::from(([127, 0, 0, 1], 1))
    }

    fn send(&mut self, _link: Link, message: Message) {
        self.sent = self.sent.wrapping_add(message.0[0] ^ message.0[1]);
    }

    fn connect(&mut self, _to: Address) -> Link {
        Link::from_raw(0)
    }

    fn close(&mut self, _link: Link) {}

    fn phase(&mut self, _link: Link, _phase: ()) {}

    fn when_writable(&mut self, _link: Link) {}

    fn pause(&mut self, _link: Link, _paused: bool) {}

    fn queued(&self, _link: Link) -> usize {
        0
    }

    fn send_to(&mut self, _to: Address, _message: Message) {}

    fn wake_after(&mut self, _delay: Duration, _timer: Timer) {}

    fn read(&mut self, _object: Object, _offset: u64, _len: u32) -> Ticket {
        Ticket(0)
    }

    fn write(&mut self, _object: Object, _offset: u64, _bytes: Bytes) -> Ticket {
        Ticket(0)
    }

    fn emit(&mut self, _event: Infallible) {}
}

const INPUTS: u64 = 1_000;

fn inputs(c: &mut Criterion) {
    let mut group = c.benchmark_group("input");
    group.throughput(Throughput::Elements(INPUTS));
    for (name, answers, draws) in [
        ("no_effect", 0, 0),
        ("one_send", 1, 0),
        ("eight_sends", 8, 0),
        ("one_number", 0, 1),
        ("eight_numbers", 0, 8),
    ] {
        group.bench_function(name, |b| {
            let (mut peer, mut counter) = (Answers, Counter::default());
            b.iter(|| {
                for input in 0..INPUTS {
                    // The compiler must not see which driver it is.
                    let driver: &mut dyn Driver<Answers> = black_box(&mut counter);
                    let seed = input_seed(1, 2, input);
                    let mut cx = Context::new(driver, Time::from_micros(input), seed);
                    let message = black_box(Message([answers, draws]));
                    peer.receive(Link::from_raw(1), message, &mut cx);
                }
            });
            black_box(counter.sent);
        });
    }
    group.finish();
}

/// The floor: the driver's own `send`, called by its type.
fn direct(c: &mut Criterion) {
    let mut group = c.benchmark_group("direct");
    group.throughput(Throughput::Elements(INPUTS));
    group.bench_function("one_send", |b| {
        let mut counter = Counter::default();
        b.iter(|| {
            for _ in 0..INPUTS {
                let message = black_box(Message([1, 0]));
                black_box(&mut counter).send(Link::from_raw(1), message);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, inputs, direct);
criterion_main!(benches);
