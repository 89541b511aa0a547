//! All streams of a capture, each direction of a connection by itself, and how many at a time.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::Failure;
use crate::flow::Flow;
use crate::output::Output;
use crate::packet::Segment;
use crate::stream::Stream;

/// How many streams are kept at a time: of Gnutella, which need up to 110 kB each, and of anything.
const MAX_GNUTELLA: usize = 4_096;
const MAX_STREAMS: usize = 65_536;
/// How many bytes of all streams may wait for missing ones.
const MAX_HELD: usize = 64 << 20;

/// From where to where.
type Key = (SocketAddr, SocketAddr);

#[derive(Default)]
pub struct Flows {
    flows: BTreeMap<Key, (Flow, Seen)>,
    /// Who was seen when, those that are dumped and the others.
    dumped: BTreeMap<u64, Key>,
    others: BTreeMap<u64, Key>,
    clock: u64,
    held: usize,
    /// How many streams were Gnutella's.
    pub gnutella: u64,
}

/// When a stream was seen last, and whether it was counted as one of Gnutella.
#[derive(Clone, Copy)]
struct Seen {
    at: u64,
    counted: bool,
}

impl Flows {
    /// Takes the next segment of the capture.
    pub fn segment(&mut self, segment: &Segment<'_>, output: &mut Output) -> Result<(), Failure> {
        let key = (segment.from, segment.to);
        let reused = match self.flows.get(&key) {
            Some((flow, _)) if flow.is_over_for(segment) => {
                Some(flow.connection + u32::from(flow.stream.is_gnutella()))
            }
            Some(_) => None,
            // Nothing that a stream begins with.
            None if !segment.syn && segment.payload.is_empty() => return Ok(()),
            None => Some(1),
        };
        if let Some(connection) = reused {
            self.remove(key, |flow, partner, output| flow.finish(partner, output), output)?;
            self.clock += 1;
            let seen = Seen { at: self.clock, counted: false };
            let stream = Stream::of_capture(name_of(key, connection));
            self.flows.insert(key, (Flow::new(segment, stream, connection), seen));
        }

        let partner = self.is_gnutella((key.1, key.0));
        let Some((flow, seen)) = self.flows.get_mut(&key) else { return Ok(()) };
        let before = flow.held();
        flow.accept(segment, partner, output)?;
        if self.held - before + flow.held() > MAX_HELD {
            let why = format!("more than {MAX_HELD} bytes wait for missing ones: given up");
            flow.fail(partner, &why, output)?;
        }
        self.held = self.held - before + flow.held();

        // It is the one seen last now.
        self.dumped.remove(&seen.at);
        self.others.remove(&seen.at);
        self.clock += 1;
        let is_gnutella = flow.stream.is_gnutella();
        self.gnutella += u64::from(is_gnutella && !seen.counted);
        let dumped = is_gnutella && !flow.stream.is_over();
        *seen = Seen { at: self.clock, counted: seen.counted || is_gnutella };
        let order = if dumped { &mut self.dumped } else { &mut self.others };
        order.insert(self.clock, key);
        self.make_room(output)
    }

    /// Gives up those that were silent for longest, if there are too many.
    fn make_room(&mut self, output: &mut Output) -> Result<(), Failure> {
        let oldest = if self.dumped.len() > MAX_GNUTELLA {
            self.dumped.first_key_value()
        } else if self.flows.len() > MAX_STREAMS {
            self.others.first_key_value()
        } else {
            return Ok(());
        };
        let Some((_, key)) = oldest else { return Ok(()) };
        let give_up = |flow: &mut Flow, _, output: &mut Output| {
            let why = format!(
                "more than {MAX_GNUTELLA} streams of Gnutella, or {MAX_STREAMS} of anything, at a \
                 time: given up, as it was silent for longest"
            );
            flow.fail(false, &why, output)
        };
        self.remove(*key, give_up, output)
    }

    /// The capture ends.
    pub fn finish(mut self, output: &mut Output) -> Result<u64, Failure> {
        // None is forgotten before the last has ended: the other direction tells what one was.
        let keys: Vec<Key> = self.flows.keys().copied().collect();
        for key in keys {
            let partner = self.is_gnutella((key.1, key.0));
            if let Some((flow, _)) = self.flows.get_mut(&key) {
                flow.finish(partner, output)?;
            }
        }
        Ok(self.gnutella)
    }

    fn is_gnutella(&self, key: Key) -> bool {
        self.flows.get(&key).is_some_and(|(flow, _)| flow.stream.is_gnutella())
    }

    /// Forgets a stream, after a last word.
    fn remove(
        &mut self,
        key: Key,
        last: impl FnOnce(&mut Flow, bool, &mut Output) -> Result<(), Failure>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let partner = self.is_gnutella((key.1, key.0));
        let Some((mut flow, seen)) = self.flows.remove(&key) else { return Ok(()) };
        self.dumped.remove(&seen.at);
        self.others.remove(&seen.at);
        self.held -= flow.held();
        last(&mut flow, partner, output)
    }
}

/// `192.0.2.1:4000 -> 192.0.2.2:6346`, with `#2` behind it for the next connection of the same pair.
fn name_of((from, to): Key, connection: u32) -> String {
    match connection {
        1 => format!("{from} -> {to}"),
        _ => format!("{from} -> {to} #{connection}"),
    }
}
