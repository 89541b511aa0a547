//! Which peers to take away: at random, or the busiest.

use rand_core::Rng;

use crate::PeerIndex;

/// `share` (0 to 1, rounded to the nearest peer) of `peers` peers, drawn without replacement, in
/// ascending order.
pub fn random_share(peers: u32, share: f64, rng: &mut impl Rng) -> Vec<PeerIndex> {
    let wanted = count(peers, share);
    // Floyd's algorithm (Bentley and Floyd, CACM 30(9), 1987): each set is equally likely.
    let mut chosen = std::collections::BTreeSet::new();
    for last in (peers - wanted)..peers {
        let draw = below(rng, u64::from(last) + 1) as u32;
        if !chosen.insert(draw) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().map(PeerIndex).collect()
}

/// `share` (0 to 1, rounded to the nearest peer, at least one) of the peers, those with the highest
/// `load`; of equals the one with the lower number first.
pub fn busiest(load: &[u64], share: f64) -> Vec<PeerIndex> {
    let mut peers: Vec<u32> = (0..load.len() as u32).collect();
    peers.sort_by_key(|&peer| (core::cmp::Reverse(load[peer as usize]), peer));
    peers.truncate((count(load.len() as u32, share) as usize).max(1));
    peers.into_iter().map(PeerIndex).collect()
}

fn count(peers: u32, share: f64) -> u32 {
    // Rounding is exact in IEEE arithmetic, hence the same everywhere.
    ((f64::from(peers) * share.clamp(0.0, 1.0)).round() as u32).min(peers)
}

/// A number below `bound`, which is at least 1, without modulo bias worth a trace (2⁻³² at most).
pub(crate) fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}
