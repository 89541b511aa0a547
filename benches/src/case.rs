//! One case: several contenders doing the same work, in turns.

use std::fmt;
use std::hint::black_box;

use crate::clock::thread_cpu_ns;
use crate::median::median;
use crate::report::Measured;

/// What a case's numbers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Nanoseconds for the work done once; less is better.
    Nanoseconds,
    /// Nanoseconds for each of so many items; less is better.
    NanosecondsEach {
        /// Items that the work done once handles.
        items: usize,
    },
    /// Millions of bytes a second, where the work takes so many bytes; more is better.
    MegabytesPerSecond {
        /// Bytes that the work done once goes through.
        bytes: usize,
    },
    /// Millions of items a second, where the work handles so many of them; more is better.
    MillionsPerSecond {
        /// Items that the work done once handles.
        items: usize,
    },
}

impl Unit {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds | Self::NanosecondsEach { .. } => "ns",
            Self::MegabytesPerSecond { .. } => "MB/s",
            Self::MillionsPerSecond { .. } => "M/s",
        }
    }

    /// Whether smaller numbers are the better ones.
    pub fn less_is_better(self) -> bool {
        matches!(self, Self::Nanoseconds | Self::NanosecondsEach { .. })
    }

    fn of_ns(self, ns: f64) -> f64 {
        match self {
            Self::Nanoseconds => ns,
            Self::NanosecondsEach { items } => ns / items as f64,
            Self::MegabytesPerSecond { bytes: amount }
            | Self::MillionsPerSecond { items: amount } => amount as f64 * 1000.0 / ns,
        }
    }
}

/// Contenders for the same work. Made by [`Bench::case`](crate::Bench::case), measured by
/// [`Bench::run`](crate::Bench::run).
pub struct Case<'a> {
    name: &'static str,
    unit: Unit,
    contenders: Vec<Contender<'a>>,
    /// Of other kinds of work, and measured elsewhere: nanoseconds.
    elsewhere: Vec<(&'static str, f64)>,
}

struct Contender<'a> {
    role: Role,
    name: &'static str,
    /// Does the work so many times.
    work: Box<dyn FnMut(u64) + 'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Ours,
    Peer,
    Other,
}

/// So long is one turn of a contender, if its work done once is not longer.
const TURN_NS: u64 = 4_000_000;

impl<'a> Case<'a> {
    /// A case without contenders.
    pub fn new(name: &'static str, unit: Unit) -> Self {
        Self { name, unit, contenders: Vec::new(), elsewhere: Vec::new() }
    }

    /// Our work. What it returns is dropped inside the measured time, as for the others.
    pub fn ours<T>(&mut self, work: impl FnMut() -> T + 'a) -> &mut Self {
        self.add(Role::Ours, "ours", work)
    }

    /// A peer that does equal work of the same kind.
    pub fn peer<T>(&mut self, name: &'static str, work: impl FnMut() -> T + 'a) -> &mut Self {
        self.add(Role::Peer, name, work)
    }

    /// Work of another kind, to compare with: more, less, or a physical bound (`memcpy`, `limit`).
    pub fn other<T>(&mut self, name: &'static str, work: impl FnMut() -> T + 'a) -> &mut Self {
        self.add(Role::Other, name, work)
    }

    /// Work of another kind that was not measured here, such as that of another program: so many
    /// nanoseconds of CPU time for the work done once.
    pub fn other_measured(&mut self, name: &'static str, ns: f64) -> &mut Self {
        self.elsewhere.push((name, ns));
        self
    }

    fn add<T>(
        &mut self,
        role: Role,
        name: &'static str,
        mut work: impl FnMut() -> T + 'a,
    ) -> &mut Self {
        let work = Box::new(move |times| {
            for _ in 0..times {
                black_box(work());
            }
        });
        self.contenders.push(Contender { role, name, work });
        self
    }

    /// Runs every contender in so many rounds. In each round each has one turn, and each round starts
    /// with another contender.
    ///
    /// # Panics
    /// If the case does not have exactly one contender of ours, or there are no rounds.
    pub(crate) fn measure(mut self, rounds: usize) -> Measured {
        assert!(rounds > 0, "a median needs a round");
        let ours = self.contenders.iter().filter(|contender| contender.role == Role::Ours).count();
        assert_eq!(ours, 1, "case {} compares others with ours", self.name);

        let times: Vec<u64> = self.contenders.iter_mut().map(Contender::times_a_turn).collect();
        let mut turns = vec![Vec::with_capacity(rounds); self.contenders.len()];
        for round in 0..rounds {
            for place in 0..self.contenders.len() {
                let index = (round + place) % self.contenders.len();
                turns[index].push(self.contenders[index].turn(times[index]));
            }
        }

        let mut measured = Measured::new(self.name, self.unit);
        for (contender, turns) in self.contenders.iter().zip(&turns) {
            let value = self.unit.of_ns(median(turns).expect("there was a round"));
            match contender.role {
                Role::Ours => measured.ours = value,
                Role::Peer => measured.peers.push((contender.name, value)),
                Role::Other => measured.other.push((contender.name, value)),
            }
        }
        for (name, ns) in self.elsewhere {
            measured.other.push((name, self.unit.of_ns(ns)));
        }
        measured
    }
}

impl Contender<'_> {
    /// How many times the work fits one turn, at least once. Warms up on the way.
    fn times_a_turn(&mut self) -> u64 {
        let mut times = 1u64;
        loop {
            let start = thread_cpu_ns();
            (self.work)(times);
            let spent = thread_cpu_ns() - start;
            if spent >= TURN_NS / 4 {
                let once = (spent / times).max(1);
                return (TURN_NS / once).max(1);
            }
            times *= 2;
        }
    }

    /// One turn: nanoseconds for the work done once.
    fn turn(&mut self, times: u64) -> f64 {
        // Not measured: it refills the caches and the heap, which the one before left as it needed
        // them.
        (self.work)(1);
        let start = thread_cpu_ns();
        (self.work)(times);
        (thread_cpu_ns() - start) as f64 / times as f64
    }
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contenders: Vec<&str> = self.contenders.iter().map(|one| one.name).collect();
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("unit", &self.unit)
            .field("contenders", &contenders)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(amount: u64) -> u64 {
        (0..amount).fold(1, |sum, i| black_box(sum ^ i))
    }

    #[test]
    fn more_work_takes_longer() {
        let mut case = Case::new("sums", Unit::Nanoseconds);
        case.ours(|| work(1_000));
        case.peer("twenty times", || work(20_000));
        case.other("half", || work(500));
        case.other_measured("a program", 1e9);
        let measured = case.measure(3);
        assert_eq!(measured.peers[0].0, "twenty times");
        assert_eq!(measured.other[0].0, "half");
        assert_eq!(measured.other[1], ("a program", 1e9));
        let ratio = measured.ratio(measured.peers[0].1);
        assert!((5.0..80.0).contains(&ratio), "{ratio}");
        assert!(measured.ratio(measured.other[0].1) < 1.0);
    }

    #[test]
    fn rates_are_work_over_time() {
        assert_eq!(Unit::MegabytesPerSecond { bytes: 3_000 }.of_ns(1_000.0), 3_000.0);
        assert_eq!(Unit::MillionsPerSecond { items: 5 }.of_ns(100.0), 50.0);
        assert_eq!(Unit::Nanoseconds.of_ns(17.0), 17.0);
        assert_eq!(Unit::NanosecondsEach { items: 4 }.of_ns(17.0), 4.25);
    }

    #[test]
    #[should_panic(expected = "compares others with ours")]
    fn a_case_without_ours_is_refused() {
        let mut case = Case::new("alone", Unit::Nanoseconds);
        case.peer("peer", || work(1));
        case.measure(1);
    }
}
