//! Which parts of a file a partial result has: `PR0` to `PR4`.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{BuildError, DecodeError, DecodeErrorKind, Extensions, GgepBuilder, Limits};

/// What one leaf of the tree stands for, in bytes.
const BLOCK: u64 = 1024;

/// The node of a binary tree over a file: its root, 1, is the whole file, and the children of node n,
/// its halves, are 2 n and 2 n + 1. A leaf is a block of 1,024 bytes; their number is the next power
/// of two.
fn leaves(size: u64) -> u64 {
    size.div_ceil(BLOCK).max(1).checked_next_power_of_two().unwrap_or(1 << 63)
}

/// The bytes that a node means in a file of `size` bytes; `None` if there are none.
pub fn partial_range(node: u32, size: u64) -> Option<Range<u64>> {
    let level = node.checked_ilog2()?;
    let width = leaves(size).checked_shr(level).filter(|width| *width > 0)?.checked_mul(BLOCK)?;
    let start = u64::from(node - (1 << level)).checked_mul(width)?;
    let end = start.saturating_add(width).min(size);
    (start < end).then_some(start..end)
}

/// The nodes that cover `ranges` of a file of `size` bytes, least first. Blocks of which only a part is
/// there are left out. Ranges must be sorted and must not overlap.
pub fn partial_nodes(ranges: &[Range<u64>], size: u64) -> Vec<u32> {
    let mut nodes = Vec::new();
    cover(1, 0..leaves(size), ranges, size, &mut nodes);
    nodes.sort_unstable();
    nodes
}

/// Depth is at most 32: deeper nodes have no number.
fn cover(node: u64, blocks: Range<u64>, ranges: &[Range<u64>], size: u64, out: &mut Vec<u32>) {
    let bytes = blocks.start.saturating_mul(BLOCK)..blocks.end.saturating_mul(BLOCK).min(size);
    let Ok(number) = u32::try_from(node) else { return };
    if bytes.is_empty() {
        return;
    }
    // Those that touch these bytes.
    let first = ranges.partition_point(|range| range.end <= bytes.start);
    let end = ranges.partition_point(|range| range.start < bytes.end);
    let Some(touching) = ranges.get(first..end).filter(|ranges| !ranges.is_empty()) else { return };
    if touching.iter().any(|range| range.start <= bytes.start && bytes.end <= range.end) {
        return out.push(number);
    }
    let half = (blocks.end - blocks.start) / 2;
    if half > 0 {
        let middle = blocks.start + half;
        cover(2 * node, blocks.start..middle, touching, size, out);
        cover(2 * node + 1, middle..blocks.end, touching, size, out);
    }
}

/// The ranges that a result's extensions say are there, as they come; `None` if they say nothing,
/// which means the whole file. Nodes that lie outside the file are passed over.
///
/// # Errors
/// An extension whose length is no multiple of its nodes'.
pub fn partial_ranges(
    extensions: Extensions<'_>,
    size: u64,
    limits: &Limits,
) -> Result<Option<Vec<Range<u64>>>, DecodeError> {
    let mut found = extensions.ggep(b"PR0").map(|_| Vec::new());
    for (id, width) in [(b"PR1", 1), (b"PR2", 2), (b"PR3", 3), (b"PR4", 4)] {
        let Some(item) = extensions.ggep(id) else { continue };
        let data = item.data(limits)?;
        if !data.len().is_multiple_of(width) {
            let expected = "a multiple of the width of a node";
            let kind = DecodeErrorKind::ValueLength { length: data.len(), expected };
            return Err(DecodeError { offset: data.len(), kind });
        }
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
        let ranges = data.chunks_exact(width).filter_map(|node| partial_range(number(node), size));
        found.get_or_insert_default().extend(ranges);
    }
    Ok(found)
}

/// Adds the extensions that say which ranges of a file of `size` bytes are there, at most `max` bytes
/// of nodes, the biggest parts first; LimeWire sends 40. Ranges must be sorted and must not overlap.
///
/// # Errors
/// More nodes than fit an extension.
pub fn push_partial_ranges(
    mut block: GgepBuilder,
    ranges: &[Range<u64>],
    size: u64,
    max: usize,
) -> Result<GgepBuilder, BuildError> {
    let nodes = partial_nodes(ranges, size);
    if nodes.is_empty() {
        return block.push(b"PR0", &[]);
    }
    let mut left = max;
    for (id, width) in [(b"PR1", 1), (b"PR2", 2), (b"PR3", 3), (b"PR4", 4)] {
        let first = 4 - width;
        let of_width = |node: &&u32| {
            let bytes = node.to_be_bytes();
            bytes[..first].iter().all(|byte| *byte == 0) && (width == 1 || bytes[first] != 0)
        };
        let data: Vec<u8> = nodes
            .iter()
            .filter(of_width)
            .take(left / width)
            .flat_map(|node| node.to_be_bytes().into_iter().skip(first))
            .collect();
        left -= data.len();
        if !data.is_empty() {
            block = block.push(id, &data)?;
        }
    }
    Ok(block)
}
