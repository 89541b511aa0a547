//! All finger tables of a ring, a row a node.

use alloc::vec;
use alloc::vec::Vec;

use super::prefetch::prefetch;
use crate::Id;

/// The distinct fingers of every node.
///
/// A finger is kept as how many nodes further it is, in a row by rising distance. So a lookup needs
/// no identifiers on its way, only how many nodes are left to the key's predecessor: each hop
/// takes the furthest finger that is not beyond, out of one row. A row is a whole number of cache
/// lines, the same for all nodes, so that where it lies is known without looking.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    lines: Vec<Line>,
    /// Lines a row.
    width: usize,
    /// Fingers of all nodes together.
    count: usize,
}

/// A cache line of fingers, [`NONE`] behind the last.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line([u32; LINE]);

const LINE: usize = 16;

/// In a place without a finger: further than any node.
const NONE: u32 = u32::MAX;

impl Rows {
    /// The fingers of all nodes of a ring, whose identifiers come in order and are fewer than 2^32.
    pub(super) fn build<I: Id>(ids: &[I]) -> Self {
        // Nobody has more than a finger a level.
        let widest = (I::BITS as usize).div_ceil(LINE);
        // Random identifiers hardly ever need more than this.
        let mut width = (ids.len().ilog2() as usize + 6).div_ceil(LINE).min(widest);
        loop {
            match Self::of_width(ids, width) {
                Ok(rows) => return rows,
                Err(TooNarrow) => width = widest.min(2 * width),
            }
        }
    }

    /// Node after node, with a cursor a level: where the finger of the node before was. The next
    /// node's is there or a little further, so the sweeps of all levels together go through the
    /// identifiers as so many sequential readers.
    fn of_width<I: Id>(ids: &[I], width: usize) -> Result<Self, TooNarrow> {
        let nodes = ids.len();
        let mut rows = Self { lines: Vec::with_capacity(nodes * width), width, count: 0 };
        // Positions run on past the last node: `position - nodes` is the same node once more.
        let at = |position: usize| ids[if position < nodes { position } else { position - nodes }];
        let mut cursors = vec![0; I::BITS as usize];
        let mut row = vec![NONE; (I::BITS as usize).next_multiple_of(LINE)];
        for (node, &me) in ids.iter().enumerate() {
            let (mut len, mut position, mut level) = (0, node, 0);
            while level < I::BITS {
                // Fingers below are nearer, and those of the nodes before are not further.
                position = cursors[level as usize].max(position + 1);
                let found = loop {
                    if position >= node + nodes {
                        break None;
                    }
                    let found = level_of(me, at(position));
                    if found >= level {
                        break Some(found);
                    }
                    position += 1;
                };
                cursors[level as usize] = position;
                let Some(found) = found else { break };
                row[len] = (position - node) as u32;
                len += 1;
                // A node of a level is the finger of all levels up to its own.
                level = found + 1;
            }
            rows.push(&mut row, len)?;
        }
        Ok(rows)
    }

    /// Appends the first `len` of these, which become [`NONE`] again.
    fn push(&mut self, row: &mut [u32], len: usize) -> Result<(), TooNarrow> {
        if len > self.width * LINE {
            return Err(TooNarrow);
        }
        self.count += len;
        for line in row.as_chunks::<LINE>().0.iter().take(self.width) {
            self.lines.push(Line(*line));
        }
        row[..len].fill(NONE);
        Ok(())
    }

    /// How many fingers all nodes have together.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many nodes further the fingers of a node are, the nearest first.
    pub(super) fn distances(&self, node: usize) -> impl DoubleEndedIterator<Item = u32> {
        let row = self.row(node);
        let len = row.len() * LINE;
        let len = (0..len).position(|i| finger(row, i) == NONE).unwrap_or(len);
        (0..len).map(|i| finger(row, i))
    }

    /// How many nodes further the furthest finger is that is at most `left` nodes away; at least 1, as
    /// the successor is a finger. `left` is not 0, nor more than there are other nodes.
    #[inline(always)]
    pub(super) fn furthest_within(&self, node: usize, left: u32) -> u32 {
        let row = self.row(node);
        let last = row.len() * LINE - 1;
        // Finger by finger the distance about doubles, so where to look is nearly known. Among these few
        // no branch depends on what the memory holds, so that none is guessed wrong.
        let first = (left.ilog2() as usize).saturating_sub(1).min(last + 1 - WINDOW);
        let window: [u32; WINDOW] = core::array::from_fn(|i| finger(row, first + i));
        if window[0] <= left && left < window[WINDOW - 1] {
            let within = window.map(|distance| if distance <= left { distance } else { 0 });
            return within.into_iter().fold(0, u32::max);
        }
        let mut i = first;
        while finger(row, i) > left {
            i -= 1;
        }
        while i < last && finger(row, i + 1) <= left {
            i += 1;
        }
        finger(row, i)
    }

    /// Asks for a node's row.
    #[inline(always)]
    pub(super) fn prefetch(&self, node: usize) {
        for line in 0..self.width {
            prefetch(&self.lines, node * self.width + line);
        }
    }

    #[inline(always)]
    fn row(&self, node: usize) -> &[Line] {
        &self.lines[node * self.width..][..self.width]
    }
}

#[inline(always)]
fn finger(row: &[Line], i: usize) -> u32 {
    row[i / LINE].0[i % LINE]
}

/// So many fingers are looked at first.
const WINDOW: usize = 4;

/// A node has more fingers than a row has room for.
struct TooNarrow;

/// ⌊log2⌋ of the distance between two nodes, which are not the same.
#[inline(always)]
fn level_of<I: Id>(from: I, to: I) -> u32 {
    let apart = to.prefix().wrapping_sub(from.prefix());
    // The bits behind the prefixes may borrow one. That changes the logarithm of a power of two only,
    // or of zero.
    if apart & apart.wrapping_sub(1) != 0 {
        (apart.ilog2() + I::BITS) - u64::BITS
    } else {
        from.distance(to).log2().unwrap_or_default()
    }
}
