//! Where an input is cut, for checks that what arrives in pieces decodes to the same.

/// The ends of the pieces, in order, the last of them the input's. Mostly a few, because every piece costs
/// as much as the whole; one input in 256 is cut after every byte. They follow from the bytes, so that
/// an input is always cut alike, and change with every byte, so that all places have their turn.
pub fn cuts(data: &[u8]) -> Vec<usize> {
    // FNV-1a, and its upper bits, which are the better ones.
    let hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    if hash >> 56 == 0 {
        return (1..=data.len()).collect();
    }
    let place = |shift: u32| (hash >> shift & 0xffff) as usize % (data.len() + 1);
    let mut ends = [place(8), place(24), place(40), data.len()].to_vec();
    ends.sort_unstable();
    ends.dedup();
    ends
}
