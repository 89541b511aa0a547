//! The laws of the contract's own types.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use overlay_peer::{
    Address, Context, Decoded, Driver, Link, LinkState, Object, Peer, Ticket, Time, Timer, Wire,
    input_seed,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn time_plus_a_delay_is_later_by_that_delay(start: u32, micros: u32) {
        let (start, delay) = (Time::from_micros(start.into()), Duration::from_micros(micros.into()));
        let end = start + delay;
        prop_assert_eq!(end.since(start), delay);
        prop_assert_eq!(end - start, delay);
        prop_assert_eq!(start.since(end), Duration::ZERO);
        prop_assert!(end >= start);
        let mut assigned = start;
        assigned += delay;
        prop_assert_eq!(assigned, end);
    }

    #[test]
    fn time_saturates_and_never_wraps(start: u64, secs: u64, nanos in 0..1_000_000_000_u32) {
        let (start, delay) = (Time::from_micros(start), Duration::new(secs, nanos));
        let exact = u128::from(start.as_micros()) + delay.as_micros();
        let end = u128::from((start + delay).as_micros());
        prop_assert_eq!(end, exact.min(u64::MAX.into()));
        prop_assert!(start + delay <= Time::MAX);
        prop_assert_eq!(Time::MAX + delay, Time::MAX);
    }

    #[test]
    fn time_delays_add_up_in_any_order(start: u32, one: u32, other: u32) {
        let start = Time::from_micros(start.into());
        let [one, other] = [one, other].map(|micros| Duration::from_micros(micros.into()));
        prop_assert_eq!(start + one + other, start + other + one);
        prop_assert_eq!(start + one + other, start + (one + other));
    }

    #[test]
    fn time_units_agree(number: u64) {
        let by = |unit: u64| Time::from_micros(number.saturating_mul(unit));
        prop_assert_eq!(Time::from_millis(number), by(1_000));
        prop_assert_eq!(Time::from_secs(number), by(1_000_000));
        prop_assert_eq!(Time::from_micros(number).as_micros(), number);
    }

    #[test]
    fn time_prints_all_its_digits(micros: u64) {
        let text = Time::from_micros(micros).to_string();
        let digits = text.strip_suffix(" s").expect("a unit").replace('.', "");
        prop_assert_eq!(digits.parse::<u64>(), Ok(micros));
        prop_assert_eq!(text.len() - text.find('.').expect("a point"), ".000000 s".len());
    }

    /// With one of the three fixed, and another, the third decides alone.
    #[test]
    fn input_seeds_differ_where_one_number_differs(run: u64, peer: u32, input: u64, other: u64) {
        let seed = input_seed(run, peer, input);
        prop_assert_eq!(input_seed(run, peer, input), seed);
        prop_assert_eq!(input_seed(other, peer, input) == seed, other == run);
        prop_assert_eq!(input_seed(run, other as u32, input) == seed, other as u32 == peer);
        prop_assert_eq!(input_seed(run, peer, other) == seed, other == input);
    }

    /// What an input draws depends on the run, the peer and how many inputs came before; not on how
    /// many numbers those drew, nor on what else was asked for.
    #[test]
    fn rng_of_an_input_is_independent_of_other_inputs(
        run: u64,
        peer: u32,
        (drawn, redrawn) in (1..20_usize).prop_flat_map(|inputs| {
            let draws = || prop::collection::vec(0..6_usize, inputs);
            (draws(), draws())
        }),
    ) {
        let (first, second) = (draw(run, peer, &drawn), draw(run, peer, &redrawn));
        for (one, other) in first.iter().zip(&second) {
            let both = one.len().min(other.len());
            prop_assert_eq!(&one[..both], &other[..both]);
        }
    }

    #[test]
    fn rng_of_different_inputs_differ(run: u64, peer: u32) {
        let numbers = draw(run, peer, &[2; 50]);
        let neighbour = draw(run, peer.wrapping_add(1), &[2; 50]);
        let all: BTreeSet<_> = numbers.iter().chain(&neighbour).collect();
        prop_assert_eq!(all.len(), 100);
    }

    #[test]
    fn decoded_map_changes_the_value_and_nothing_else(value: u32, number in 1..1_000_usize) {
        let complete = Decoded::Complete { value, consumed: number };
        prop_assert_eq!(complete.map(|value| value), complete);
        let text = Decoded::Complete { value: value.to_string(), consumed: number };
        prop_assert_eq!(complete.map(|value| value.to_string()), text);
        let partial: Decoded<u32> = Decoded::Partial { needed: number };
        prop_assert_eq!(partial.map(|_| "never called"), Decoded::Partial { needed: number });
    }

    #[test]
    fn links_are_the_drivers_numbers(raw: u32) {
        prop_assert_eq!(Link::from_raw(raw).as_raw(), raw);
    }
}

/// No two inputs of a run of a thousand peers share a seed, nor do small runs share any.
#[test]
fn input_seeds_are_unique_in_a_run() {
    let mut seeds = BTreeSet::new();
    for run in 0..4 {
        for peer in 0..1_000 {
            for input in 0..50 {
                assert!(seeds.insert(input_seed(run, peer, input)), "{run} {peer} {input}");
            }
        }
    }
}

/// Frozen, because recorded runs are replayed with them; computed by another implementation.
#[test]
fn input_seeds_and_their_numbers_stay_what_they_are() {
    assert_eq!(input_seed(0, 0, 0), 0x4821_8226_ff3c_d4bf);
    assert_eq!(input_seed(7, 3, 11), 0xf3fb_d557_750c_84d5);
    let inputs: Vec<usize> = std::iter::repeat_n(1, 11).chain([3]).collect();
    assert_eq!(draw(7, 3, &inputs)[11], [218783691, 385944777, 235609445]);
}

/// Whatever a peer asks for reaches the driver, once, unchanged and in that order; the answers reach
/// the peer.
#[test]
fn context_hands_every_effect_to_the_driver() {
    let mut log = Log::default();
    let mut cx = Context::new(&mut log, Time::from_secs(5), 1);
    Everything.command(0, &mut cx);
    let expected = [
        "connect 192.0.2.1:7",
        "send 1 Number(1)",
        "phase 1 2",
        "when_writable 1",
        "pause 1 true",
        "send_to 192.0.2.1:7 Number(3)",
        "wake_after 4ms 5",
        "read 6 7 8",
        "write 9 10 b\"eleven\"",
        "close 1",
        "emit 5.000000 s at 127.0.0.1:1, 12 queued, tickets 8 and 9",
    ];
    assert_eq!(log.entries, expected);
}

/// A peer that does nothing when it need not do anything.
#[test]
fn datagrams_and_stored_objects_are_optional() {
    let mut log = Log::default();
    let mut cx = Context::new(&mut log, Time::ZERO, 1);
    Everything.datagram(([192, 0, 2, 1], 7).into(), Number(1), &mut cx);
    Everything.stored(Ticket(1), Ok(Bytes::new()), &mut cx);
    assert!(log.entries.is_empty());
}

/// The numbers that a peer's inputs draw, when each draws so many.
fn draw(run: u64, peer: u32, draws: &[usize]) -> Vec<Vec<u32>> {
    let mut drawn = Vec::new();
    for (input, count) in (0..).zip(draws) {
        let mut log = Log::default();
        let mut cx = Context::new(&mut log, Time::ZERO, input_seed(run, peer, input));
        Everything.command(*count, &mut cx);
        drawn.push(log.drawn);
    }
    drawn
}

/// Asks for everything there is when commanded zero, for so many random numbers otherwise.
struct Everything;

#[derive(Clone, Debug, PartialEq)]
struct Number(u8);

impl Wire for Number {
    type Phase = u8;
    type Error = std::fmt::Error;

    fn kind(&self) -> u8 {
        0
    }

    fn kind_name(_kind: u8) -> &'static str {
        "number"
    }

    fn encoded_len(&self) -> usize {
        1
    }

    fn encode(&self, out: &mut impl BufMut) {
        out.put_u8(self.0);
    }

    fn decode(_phase: u8, bytes: &[u8]) -> Result<Decoded<Self>, Self::Error> {
        Ok(match bytes.first() {
            Some(first) => Decoded::Complete { value: Self(*first), consumed: 1 },
            None => Decoded::Partial { needed: 1 },
        })
    }
}

enum Said {
    Text(String),
    Drawn(u32),
}

impl Peer for Everything {
    type Message = Number;
    type Command = usize;
    type Event = Said;

    fn command(&mut self, draws: usize, cx: &mut Context<'_, Self>) {
        if draws > 0 {
            for _ in 0..draws {
                let number = cx.rng().next_u32();
                cx.emit(Said::Drawn(number));
            }
            return;
        }
        let to = Address::from(([192, 0, 2, 1], 7));
        let link = cx.connect(to);
        cx.send(link, Number(1));
        cx.phase(link, 2);
        cx.when_writable(link);
        cx.pause(link, true);
        cx.send_to(to, Number(3));
        cx.wake_after(Duration::from_millis(4), Timer(5));
        let read = cx.read(Object(6), 7, 8);
        let write = cx.write(Object(9), 10, Bytes::from_static(b"eleven"));
        cx.close(link);
        let (now, here, queued) = (cx.now(), cx.here(), cx.queued(link));
        let (read, write) = (read.0, write.0);
        let text = format!("{now} at {here}, {queued} queued, tickets {read} and {write}");
        cx.emit(Said::Text(text));
    }

    fn link_changed(&mut self, _link: Link, _state: LinkState, _cx: &mut Context<'_, Self>) {}

    fn receive(&mut self, _from: Link, _message: Number, _cx: &mut Context<'_, Self>) {}

    fn wake(&mut self, _timer: Timer, _cx: &mut Context<'_, Self>) {}
}

/// Writes down what it is asked for.
#[derive(Default)]
struct Log {
    entries: Vec<String>,
    drawn: Vec<u32>,
}

impl Log {
    fn add(&mut self, entry: String) -> u32 {
        self.entries.push(entry);
        self.entries.len() as u32
    }
}

impl Driver<Everything> for Log {
    fn here(&self) -> Address {
        Address::from(([127, 0, 0, 1], 1))
    }

    fn send(&mut self, link: Link, message: Number) {
        self.add(format!("send {} {message:?}", link.as_raw()));
    }

    fn connect(&mut self, to: Address) -> Link {
        Link::from_raw(self.add(format!("connect {to}")))
    }

    fn close(&mut self, link: Link) {
        self.add(format!("close {}", link.as_raw()));
    }

    fn phase(&mut self, link: Link, phase: u8) {
        self.add(format!("phase {} {phase}", link.as_raw()));
    }

    fn when_writable(&mut self, link: Link) {
        self.add(format!("when_writable {}", link.as_raw()));
    }

    fn pause(&mut self, link: Link, paused: bool) {
        self.add(format!("pause {} {paused}", link.as_raw()));
    }

    fn queued(&self, _link: Link) -> usize {
        12
    }

    fn send_to(&mut self, to: Address, message: Number) {
        self.add(format!("send_to {to} {message:?}"));
    }

    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.add(format!("wake_after {delay:?} {}", timer.0));
    }

    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        Ticket(self.add(format!("read {} {offset} {len}", object.0)))
    }

    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        Ticket(self.add(format!("write {} {offset} {bytes:?}", object.0)))
    }

    fn emit(&mut self, event: Said) {
        match event {
            Said::Text(text) => {
                self.add(format!("emit {text}"));
            }
            Said::Drawn(number) => self.drawn.push(number),
        }
    }
}
