//! One direction of a captured connection: its segments in order again, with smoltcp's `Assembler`,
//! which knows which ranges are there.

use smoltcp::storage::Assembler;

use crate::Failure;
use crate::output::Output;
use crate::packet::Segment;
use crate::stream::Stream;

/// How far ahead of a missing byte bytes are kept, waiting for it; more than servents' windows.
pub const WINDOW: usize = 1 << 20;

pub struct Flow {
    /// The sequence number of the first byte.
    base: u32,
    /// How many bytes went to the stream.
    next: u64,
    /// How many bytes were sent at least, by what was captured.
    sent: u64,
    /// Where it ends, if the sender said so.
    end: Option<u64>,
    early: Option<Box<Early>>,
    pub stream: Stream,
    /// Which connection of this pair of addresses it belongs to, from 1.
    pub connection: u32,
    /// Whether it came to its end.
    ended: bool,
}

/// Bytes that came before those that precede them.
struct Early {
    /// From the next byte on, with holes.
    bytes: Vec<u8>,
    ranges: Assembler,
}

impl Flow {
    pub fn new(first: &Segment<'_>, stream: Stream, connection: u32) -> Self {
        let base = first_byte(first);
        Self { base, next: 0, sent: 0, end: None, early: None, stream, connection, ended: false }
    }

    /// How many bytes wait for missing ones.
    pub fn held(&self) -> usize {
        self.early.as_ref().map_or(0, |early| early.bytes.len())
    }

    /// Whether this segment is of another connection, which uses the same ports again.
    pub fn is_over_for(&self, segment: &Segment<'_>) -> bool {
        if segment.syn {
            return first_byte(segment) != self.base;
        }
        // One whose beginning was not captured.
        self.ended && !segment.payload.is_empty() && self.ahead(segment).unsigned_abs() > WINDOW
    }

    /// How far its first byte is from the next one that is wanted. Sequence numbers go round.
    fn ahead(&self, segment: &Segment<'_>) -> isize {
        let wanted = self.base.wrapping_add(self.next as u32);
        first_byte(segment).wrapping_sub(wanted).cast_signed() as isize
    }

    /// Goes on with a segment. `partner` says whether the other direction is Gnutella's.
    pub fn accept(
        &mut self,
        segment: &Segment<'_>,
        partner: bool,
        output: &mut Output,
    ) -> Result<(), Failure> {
        if self.stream.is_over() {
            return Ok(());
        }
        let ahead = self.ahead(segment);
        if segment.rst {
            // A forged or stray one is elsewhere.
            return if ahead.unsigned_abs() <= WINDOW {
                self.finish(partner, output)
            } else {
                Ok(())
            };
        }
        let (offset, payload) = match usize::try_from(ahead) {
            Ok(offset) => (offset, segment.payload),
            // Sent again, all of it or the start.
            Err(_) => (0, segment.payload.get(ahead.unsigned_abs()..).unwrap_or_default()),
        };
        let is_near = offset + payload.len() <= WINDOW;
        let after = self.next.saturating_add_signed(ahead as i64)
            + (segment.payload.len() + segment.cut) as u64;
        if is_near {
            self.sent = self.sent.max(after);
            if segment.fin {
                self.end.get_or_insert(after);
            }
        }
        if !payload.is_empty() {
            if !is_near {
                let why = format!(
                    "bytes of the connection are missing in the capture after byte {}, and what \
                     follows is more than {WINDOW} bytes ahead",
                    self.next
                );
                return self.fail(partner, &why, output);
            }
            if !self.put(offset, payload, output)? {
                let why = format!(
                    "bytes of the connection are missing in the capture in too many places after \
                     byte {}",
                    self.next
                );
                return self.fail(partner, &why, output);
            }
        }
        if self.end == Some(self.next) { self.finish(partner, output) } else { Ok(()) }
    }

    /// Puts bytes where they belong; false if there are too many holes.
    fn put(&mut self, offset: usize, bytes: &[u8], output: &mut Output) -> Result<bool, Failure> {
        if offset == 0 && self.early.is_none() {
            self.next += bytes.len() as u64;
            self.stream.feed(bytes, output)?;
            return Ok(true);
        }
        let early = self
            .early
            .get_or_insert_with(|| Box::new(Early { bytes: Vec::new(), ranges: Assembler::new() }));
        let end = offset + bytes.len();
        if early.bytes.len() < end {
            early.bytes.resize(end, 0);
        }
        early.bytes[offset..end].copy_from_slice(bytes);
        let Ok(ready) = early.ranges.add_then_remove_front(offset, bytes.len()) else {
            return Ok(false);
        };
        if ready > 0 {
            self.next += ready as u64;
            self.stream.feed(&early.bytes[..ready], output)?;
            early.bytes.drain(..ready);
            if early.bytes.is_empty() {
                self.early = None;
            }
        }
        Ok(true)
    }

    /// No more segments come.
    pub fn finish(&mut self, partner: bool, output: &mut Output) -> Result<(), Failure> {
        if self.stream.is_over() {
            return Ok(());
        }
        self.ended = true;
        let first = self.early.as_ref().and_then(|early| early.ranges.iter_data(0).next());
        let missing = match first {
            Some((start, _)) => start as u64,
            None => self.end.unwrap_or(0).max(self.sent) - self.next,
        };
        if missing > 0 {
            let why = format!(
                "{missing} bytes of the connection are missing in the capture after byte {}",
                self.next
            );
            return self.fail(partner, &why, output);
        }
        self.stream.end(output)
    }

    /// Gives it up.
    pub fn fail(&mut self, partner: bool, why: &str, output: &mut Output) -> Result<(), Failure> {
        self.early = None;
        self.stream.fail(partner, why, output)
    }
}

/// The sequence number of a segment's first byte; a SYN counts as a byte before it.
fn first_byte(segment: &Segment<'_>) -> u32 {
    segment.sequence.wrapping_add(segment.syn.into())
}
