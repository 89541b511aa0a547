//! The bound of a lookup that waits for its memory: a random row a hop, where the one before leads.

use overlay_benches::noise;

/// As many rows as nodes, each as large as a row of fingers and naming another: one cycle through all,
/// in random order.
pub struct Limit {
    rows: Vec<Row>,
}

/// What a row of fingers takes of a ring of a million nodes.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Row([u32; 32]);

impl Limit {
    pub fn new(rows: usize) -> Self {
        let mut next: Vec<u32> = (0..rows as u32).collect();
        let noise = noise(rows * 8);
        // Sattolo's shuffle, which makes one cycle.
        for (i, noise) in (1..rows).rev().zip(noise.as_chunks().0) {
            next.swap(i, (u64::from_le_bytes(*noise) % i as u64) as usize);
        }
        Self { rows: next.into_iter().map(|next| Row([next; 32])).collect() }
    }

    /// So many reads, each of the row that the one before named; the last that was named.
    pub fn read(&self, at: u32, times: u64) -> u32 {
        (0..times).fold(at, |at, _| self.rows[at as usize].0[0])
    }
}
