//! What happened in each stretch of time.

use core::fmt::{self, Write};
use core::time::Duration;

use overlay_peer::{Peer, Time, Wire};

use crate::export::{csv_field, json_string};
use crate::{Count, Store, World};

/// Counters of a world, interval by interval.
///
/// The world keeps nothing for it: a series looks at the counters at the end of each interval, which
/// costs a look at each peer.
#[derive(Clone, Debug)]
pub struct Series {
    interval: Duration,
    kind_name: fn(u8) -> &'static str,
    last: Totals,
    rows: Vec<Interval>,
}

#[derive(Clone, Debug, Default)]
struct Totals {
    at: Time,
    by_kind: Vec<Count>,
    dropped: u64,
}

/// What happened in one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// When it ended.
    pub end: Time,
    /// How many peers were up then.
    pub peers_up: u32,
    /// Messages delivered in it, by kind; kinds that have not occurred yet may be missing.
    pub by_kind: Vec<Count>,
    /// Messages lost in it.
    pub dropped: u64,
}

impl Interval {
    /// All messages delivered in it.
    pub fn total(&self) -> Count {
        let sum = |field: fn(&Count) -> u64| self.by_kind.iter().map(field).sum();
        Count { messages: sum(|count| count.messages), bytes: sum(|count| count.bytes) }
    }
}

impl Series {
    /// A series that starts with the world as it is now.
    ///
    /// # Panics
    /// If the interval is zero.
    pub fn new<P: Peer, S: Store>(world: &World<P, S>, interval: Duration) -> Self {
        assert!(!interval.is_zero(), "intervals of no time");
        let last = Totals::of(world);
        Self { interval, kind_name: P::Message::kind_name, last, rows: Vec::new() }
    }

    /// Runs a world until `end` (included), a row an interval; what is left over at the end is a
    /// shorter one.
    pub fn run<P: Peer, S: Store>(&mut self, world: &mut World<P, S>, end: Time) {
        self.run_with(world, end, |world, until| world.run_until(until));
    }

    /// The same, with something else that brings the world to the end of each interval, such as
    /// [`Churn::run`](crate::Churn::run).
    pub fn run_with<P: Peer, S: Store>(
        &mut self,
        world: &mut World<P, S>,
        end: Time,
        mut advance: impl FnMut(&mut World<P, S>, Time),
    ) {
        while self.last.at < end {
            let until = (self.last.at + self.interval).min(end);
            advance(world, until);
            let now = Totals::of(world);
            let before = |kind: usize| self.last.by_kind.get(kind).copied().unwrap_or_default();
            let since = |(kind, count): (usize, &Count)| Count {
                messages: count.messages - before(kind).messages,
                bytes: count.bytes - before(kind).bytes,
            };
            self.rows.push(Interval {
                end: until,
                peers_up: world.peers_up(),
                by_kind: now.by_kind.iter().enumerate().map(since).collect(),
                dropped: now.dropped - self.last.dropped,
            });
            self.last = Totals { at: until, ..now };
        }
    }

    /// The intervals so far.
    pub fn rows(&self) -> &[Interval] {
        &self.rows
    }

    /// The kinds that occurred.
    fn kinds(&self) -> Vec<u8> {
        let occurred = |kind: usize| {
            let mut counts = self.rows.iter().filter_map(|row| row.by_kind.get(kind));
            counts.any(|count| count.messages > 0)
        };
        (0..=u8::MAX).filter(|&kind| occurred(kind.into())).collect()
    }

    /// Writes an array with an object an interval: `{"seconds":…,"peers_up":…,"messages":…,"bytes":…,
    /// "dropped":…,"kinds":{"ping":{"messages":…,"bytes":…},…}}`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut impl Write) -> fmt::Result {
        let kinds = self.kinds();
        out.write_char('[')?;
        for (index, row) in self.rows.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let (seconds, total) = (Seconds(row.end), row.total());
            write!(out, "{comma}\n{{\"seconds\":{seconds},\"peers_up\":{}", row.peers_up)?;
            write!(out, ",\"messages\":{},\"bytes\":{}", total.messages, total.bytes)?;
            write!(out, ",\"dropped\":{},\"kinds\":{{", row.dropped)?;
            for (index, &kind) in kinds.iter().enumerate() {
                out.write_str(if index > 0 { "," } else { "" })?;
                json_string(out, (self.kind_name)(kind))?;
                let Count { messages, bytes } = row.kind(kind);
                write!(out, ":{{\"messages\":{messages},\"bytes\":{bytes}}}")?;
            }
            out.write_str("}}")?;
        }
        out.write_str("\n]\n")
    }

    /// Writes a line an interval, after one with names: seconds, peers_up, messages, bytes, dropped,
    /// then messages and bytes of each kind that occurred.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_csv(&self, out: &mut impl Write) -> fmt::Result {
        let kinds = self.kinds();
        out.write_str("seconds,peers_up,messages,bytes,dropped")?;
        for &kind in &kinds {
            for what in ["messages", "bytes"] {
                out.write_char(',')?;
                csv_field(out, &format!("{} {what}", (self.kind_name)(kind)))?;
            }
        }
        out.write_char('\n')?;
        for row in &self.rows {
            let (seconds, total) = (Seconds(row.end), row.total());
            write!(out, "{seconds},{},{},{}", row.peers_up, total.messages, total.bytes)?;
            write!(out, ",{}", row.dropped)?;
            for &kind in &kinds {
                let Count { messages, bytes } = row.kind(kind);
                write!(out, ",{messages},{bytes}")?;
            }
            out.write_char('\n')?;
        }
        Ok(())
    }
}

impl Interval {
    fn kind(&self, kind: u8) -> Count {
        self.by_kind.get(usize::from(kind)).copied().unwrap_or_default()
    }
}

impl Totals {
    fn of<P: Peer, S: Store>(world: &World<P, S>) -> Self {
        let metrics = world.metrics();
        Self { at: world.now(), by_kind: metrics.kinds(), dropped: metrics.dropped() }
    }
}

struct Seconds(Time);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}", micros / 1_000_000)?;
        match micros % 1_000_000 {
            0 => Ok(()),
            rest => {
                let digits = format!("{rest:06}");
                write!(f, ".{}", digits.trim_end_matches('0'))
            }
        }
    }
}
