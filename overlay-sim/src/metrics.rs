//! Counting: who received what, and because of what.

use core::fmt::{self, Write};

use crate::export::{csv_field, json_string};

/// Why something happens, as a label of the caller's choice. A command carries one; whatever follows
/// from the command (messages, their answers, links, reads and writes, but not timers) carries it
/// on, so that all traffic of a search can be told from the traffic of a join. Timers belong to
/// [`Cause::UPKEEP`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(pub u8);

impl Cause {
    /// What peers do by themselves: keep-alives, repair, time-outs.
    pub const UPKEEP: Self = Self(0);
}

/// Messages and their exact encoded bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub messages: u64,
    /// Their encoded bytes in all.
    pub bytes: u64,
}

impl Count {
    /// One more message of so many bytes.
    pub fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// What a world has counted so far. A message counts when it is delivered.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// By cause, then by kind.
    counts: Vec<Vec<Count>>,
    pub(crate) dropped: u64,
    pub(crate) malformed: u64,
}

impl Metrics {
    #[inline]
    pub(crate) fn deliver(&mut self, cause: Cause, kind: u8, bytes: usize) {
        let (cause, kind) = (usize::from(cause.0), usize::from(kind));
        if self.counts.len() <= cause {
            self.counts.resize_with(cause + 1, Vec::new);
        }
        let kinds = &mut self.counts[cause];
        if kinds.len() <= kind {
            kinds.resize(kind + 1, Count::default());
        }
        kinds[kind].add(bytes);
    }

    /// All causes together, by kind.
    pub(crate) fn kinds(&self) -> Vec<Count> {
        let most = self.counts.iter().map(Vec::len).max().unwrap_or(0);
        let mut sums = vec![Count::default(); most];
        for kinds in &self.counts {
            for (sum, count) in sums.iter_mut().zip(kinds) {
                sum.messages += count.messages;
                sum.bytes += count.bytes;
            }
        }
        sums
    }

    /// Messages of one kind delivered because of one cause.
    pub fn count(&self, cause: Cause, kind: u8) -> Count {
        self.counts
            .get(usize::from(cause.0))
            .and_then(|kinds| kinds.get(usize::from(kind)))
            .copied()
            .unwrap_or_default()
    }

    /// All kinds delivered because of one cause: `(kind, count)`, in the order of kinds, those that
    /// occurred.
    pub fn by_kind(&self, cause: Cause) -> impl Iterator<Item = (u8, Count)> {
        self.counts
            .get(usize::from(cause.0))
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, count)| count.messages > 0)
            .map(|(kind, count)| (kind as u8, *count))
    }

    /// Everything delivered because of one cause.
    pub fn by_cause(&self, cause: Cause) -> Count {
        self.by_kind(cause).fold(Count::default(), |sum, (_, count)| Count {
            messages: sum.messages + count.messages,
            bytes: sum.bytes + count.bytes,
        })
    }

    /// Everything delivered.
    pub fn total(&self) -> Count {
        (0..=u8::MAX).map(|cause| self.by_cause(Cause(cause))).fold(
            Count::default(),
            |sum, count| Count {
                messages: sum.messages + count.messages,
                bytes: sum.bytes + count.bytes,
            },
        )
    }

    /// Writes a line `cause,kind,messages,bytes` for each cause and kind that occurred, after one that
    /// says so. `kind_name` is that of the messages' type ([`Wire::kind_name`]).
    ///
    /// # Errors
    /// Those of `out`.
    ///
    /// [`Wire::kind_name`]: overlay_peer::Wire::kind_name
    pub fn write_csv(
        &self,
        out: &mut impl Write,
        kind_name: fn(u8) -> &'static str,
    ) -> fmt::Result {
        out.write_str("cause,kind,messages,bytes\n")?;
        for cause in (0..=u8::MAX).map(Cause) {
            for (kind, count) in self.by_kind(cause) {
                write!(out, "{},", cause.0)?;
                csv_field(out, kind_name(kind))?;
                writeln!(out, ",{},{}", count.messages, count.bytes)?;
            }
        }
        Ok(())
    }

    /// Writes `{"messages":…,"bytes":…,"dropped":…,"malformed":…,"counts":[{"cause":…,"kind":"…",
    /// "messages":…,"bytes":…},…]}`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(
        &self,
        out: &mut impl Write,
        kind_name: fn(u8) -> &'static str,
    ) -> fmt::Result {
        let Count { messages, bytes } = self.total();
        write!(out, "{{\"messages\":{messages},\"bytes\":{bytes},\"dropped\":{}", self.dropped)?;
        write!(out, ",\"malformed\":{},\"counts\":[", self.malformed)?;
        let mut comma = "";
        for cause in (0..=u8::MAX).map(Cause) {
            for (kind, Count { messages, bytes }) in self.by_kind(cause) {
                write!(out, "{comma}\n{{\"cause\":{},\"kind\":", cause.0)?;
                json_string(out, kind_name(kind))?;
                write!(out, ",\"messages\":{messages},\"bytes\":{bytes}}}")?;
                comma = ",";
            }
        }
        out.write_str("\n]}\n")
    }

    /// Messages that never arrived: lost datagrams, what a NAT dropped, what was under way to a
    /// closed link or a dead peer.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Links closed because what arrived was no message in the phase the receiver was in (checked
    /// mode only).
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}
