//! Receiving a table: resets and sequences of patches.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::entry::Entries;
use super::{Qrp, QrpPatch, QueryRouteTable};

/// The table of one neighbour, as its messages build it.
///
/// A change shows when all its fragments are there; until then the old table stands. Memory: the
/// table, an eighth of a byte a slot, and during a sequence at most what the whole patch has, one byte
/// a slot at 8 bits, and 11 kB to inflate. What is received is never inflated past that.
#[derive(Clone)]
pub struct QrpReceiver {
    max_bits: u8,
    narrow_entries: bool,
    table: Option<QueryRouteTable>,
    sequence: Option<Sequence>,
}

/// What a message did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrpProgress {
    /// The table is empty now.
    Reset,
    /// Fragments are still missing.
    Partial,
    /// The table has changed.
    Patched,
}

/// Why a message can not be right. The table is as it was; a servent closes the link, with Bye 413 in
/// gtk-gnutella.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QrpError {
    /// A number of slots that is no power of two, or too great.
    #[error("table of {slots} slots, expected a power of two, at most 2^{max_bits}")]
    Slots {
        /// The number.
        slots: u32,
        /// The limit.
        max_bits: u8,
    },
    /// A distance of 0 for "not there".
    #[error("infinity is 0, expected at least 1")]
    Infinity,
    /// A change of nothing.
    #[error("patch before any reset")]
    NoTable,
    /// A fragment out of order: not the first, or not the one after the last.
    #[error("fragment {number} of {count}, expected {expected}")]
    Number {
        /// Its number.
        number: u8,
        /// How many it says there are.
        count: u8,
        /// The number that was expected.
        expected: u8,
    },
    /// The number of fragments, the compressor or the width of entries changed on the way.
    #[error("fragment {number} does not go on as the first began")]
    Changed {
        /// The fragment's number.
        number: u8,
    },
    /// A compressor nobody knows.
    #[error("compressor {compressor}, expected 0 or 1")]
    Compressor {
        /// Which.
        compressor: u8,
    },
    /// Entries of a width that is not in use, or not agreed on.
    #[error("entries of {bits} bits")]
    EntryBits {
        /// The width.
        bits: u8,
    },
    /// What should be deflated is no zlib stream.
    #[error("not a zlib stream")]
    BadZlib,
    /// More entries than the table has slots.
    #[error("patch of more than {slots} entries")]
    TooManyEntries {
        /// The table's slots.
        slots: u32,
    },
    /// Fewer entries than the table has slots, after the last fragment.
    #[error("patch ends after {bytes} bytes, expected {expected}")]
    TooFewEntries {
        /// How many bytes came, inflated.
        bytes: usize,
        /// How many there should be.
        expected: usize,
    },
}

impl QrpReceiver {
    /// Nothing received yet. Tables of more than 2^`max_bits` slots are refused; servents send up to 2^21.
    ///
    /// # Panics
    /// `max_bits` is more than [`QueryRouteTable::MAX_BITS`].
    pub fn new(max_bits: u8) -> Self {
        assert!(max_bits <= QueryRouteTable::MAX_BITS, "tables of 2^{max_bits} slots");
        Self { max_bits, narrow_entries: true, table: None, sequence: None }
    }

    /// Refuses entries of 1 and 2 bits, as who said `X-Query-Routing: 0.1` does; 0.2 allows them.
    pub fn version_01(self) -> Self {
        Self { narrow_entries: false, ..self }
    }

    /// Goes on with a table that another receiver, or this one before, ended with: whoever has many
    /// neighbours need not keep a receiver for each while nothing comes.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn resume(table: QueryRouteTable, max_bits: u8) -> Self {
        Self { table: Some(table), ..Self::new(max_bits) }
    }

    /// Whether no sequence of fragments is under way: nothing but the table is kept.
    pub fn is_idle(&self) -> bool {
        self.sequence.is_none()
    }

    /// The table as it stands, for [`resume`](Self::resume); fragments of an unfinished sequence are
    /// forgotten.
    pub fn into_table(self) -> Option<QueryRouteTable> {
        self.table
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let table = self.table.as_ref().map_or(0, |table| size_of_val(table.words()));
        let sequence = self.sequence.as_ref().map_or(0, |sequence| {
            let inflater = sequence.inflater.as_ref().map_or(0, |it| size_of_val(&**it));
            sequence.data.capacity() + inflater
        });
        table + sequence
    }

    /// The table; `None` before the first reset.
    pub fn table(&self) -> Option<&QueryRouteTable> {
        self.table.as_ref()
    }

    /// Takes the next message.
    ///
    /// # Errors
    /// It can not be right. What was received of its sequence is forgotten.
    pub fn receive(&mut self, message: &Qrp<'_>) -> Result<QrpProgress, QrpError> {
        let mut sequence = self.sequence.take();
        match message {
            Qrp::Reset { slots, infinity, .. } => self.reset(*slots, *infinity),
            Qrp::Patch(patch) => {
                let table = self.table.as_mut().ok_or(QrpError::NoTable)?;
                let expected = sequence.as_ref().map_or(1, |sequence| sequence.next);
                let QrpPatch { number, count, .. } = *patch;
                if number != expected || number > count {
                    return Err(QrpError::Number { number, count, expected });
                }
                let going = match &mut sequence {
                    Some(going) if !going.fits(patch) => return Err(QrpError::Changed { number }),
                    Some(going) => going,
                    None => sequence.insert(Sequence::start(patch, table, self.narrow_entries)?),
                };
                going.add(patch.data, table)?;
                if number < count {
                    going.next = number + 1;
                    self.sequence = sequence;
                    return Ok(QrpProgress::Partial);
                }
                going.apply(table)
            }
        }
    }

    fn reset(&mut self, slots: u32, infinity: u8) -> Result<QrpProgress, QrpError> {
        let max_bits = self.max_bits;
        if !slots.is_power_of_two() || slots > 1 << max_bits {
            return Err(QrpError::Slots { slots, max_bits });
        }
        if infinity == 0 {
            return Err(QrpError::Infinity);
        }
        let bits = u8::try_from(slots.trailing_zeros()).unwrap_or(max_bits);
        self.table = Some(QueryRouteTable::new(bits).with_infinity(infinity));
        Ok(QrpProgress::Reset)
    }
}

impl fmt::Debug for QrpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = self.sequence.as_ref().map(|sequence| sequence.next);
        f.debug_struct("QrpReceiver")
            .field("table", &self.table)
            .field("next_fragment", &next)
            .finish_non_exhaustive()
    }
}

/// The fragments of one change so far.
#[derive(Clone)]
struct Sequence {
    next: u8,
    count: u8,
    compressor: u8,
    entries: Entries,
    /// What they have together, inflated.
    data: Vec<u8>,
    inflater: Option<Box<DecompressorOxide>>,
}

impl Sequence {
    fn start(
        patch: &QrpPatch<'_>,
        table: &QueryRouteTable,
        narrow: bool,
    ) -> Result<Self, QrpError> {
        let inflater = match patch.compressor {
            0 => None,
            1 => Some(Box::new(DecompressorOxide::new())),
            compressor => return Err(QrpError::Compressor { compressor }),
        };
        let bits = patch.entry_bits;
        let entries = Entries::new(bits, table.slots())
            .filter(|_| narrow || bits >= 4)
            .ok_or(QrpError::EntryBits { bits })?;
        let QrpPatch { count, compressor, .. } = *patch;
        Ok(Self { next: 1, count, compressor, entries, data: Vec::new(), inflater })
    }

    fn fits(&self, patch: &QrpPatch<'_>) -> bool {
        self.count == patch.count
            && self.compressor == patch.compressor
            && self.entries.bits() == patch.entry_bits
    }

    fn add(&mut self, fragment: &[u8], table: &QueryRouteTable) -> Result<(), QrpError> {
        let expected = self.entries.bytes();
        let too_many = QrpError::TooManyEntries { slots: table.slots() };
        let Some(inflater) = &mut self.inflater else {
            if fragment.len() > expected - self.data.len() {
                return Err(too_many);
            }
            self.data.reserve_exact(fragment.len());
            self.data.extend_from_slice(fragment);
            return Ok(());
        };
        const FLAGS: u32 = TINFL_FLAG_PARSE_ZLIB_HEADER
            | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            | TINFL_FLAG_HAS_MORE_INPUT;
        let (mut rest, mut written) = (fragment, self.data.len());
        loop {
            // Zeros to be written over: twice as many each time, and never more than one too many,
            // which tells a stream that goes on from one that only has not ended yet.
            let most = (2 * written).max(4 * fragment.len()).max(64).min(expected + 1);
            let room = most.max(written);
            self.data.reserve_exact(room - written);
            self.data.resize(room, 0);
            let (status, read, more) = decompress(inflater, rest, &mut self.data, written, FLAGS);
            rest = &rest[read.min(rest.len())..];
            written += more;
            if written > expected {
                return Err(too_many);
            }
            match status {
                // What follows the stream is of no interest.
                TINFLStatus::Done | TINFLStatus::NeedsMoreInput => {
                    self.data.truncate(written);
                    return Ok(());
                }
                TINFLStatus::HasMoreOutput if room <= expected => {}
                _ => return Err(QrpError::BadZlib),
            }
        }
    }

    fn apply(&self, table: &mut QueryRouteTable) -> Result<QrpProgress, QrpError> {
        let expected = self.entries.bytes();
        if self.data.len() < expected {
            return Err(QrpError::TooFewEntries { bytes: self.data.len(), expected });
        }
        self.entries.apply(&self.data, table);
        Ok(QrpProgress::Patched)
    }
}
