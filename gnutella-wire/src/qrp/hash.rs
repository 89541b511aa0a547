//! From a keyword to a slot.

/// The slot of a keyword in a table of 2^`bits` slots ("Query Routing for the Gnutella Network", section
/// 3.5): the bytes, ASCII letters in lower case, four at a time as little-endian numbers, XORed
/// together, times 0x4F1BBCDC, of which the upper `bits` of 32 count.
///
/// Other letters must be in lower case already. gtk-gnutella hashes UTF-8 like this; LimeWire took the
/// low bytes of UTF-16, but its keywords hardly had other letters.
///
/// ```
/// assert_eq!(gnutella_wire::qrp_hash(b"eb", 13), 6791);
/// ```
///
/// # Panics
/// `bits` is more than 32.
pub fn qrp_hash(word: &[u8], bits: u8) -> u32 {
    assert!(bits <= 32, "a table of 2^{bits} slots");
    let folded = word.chunks(4).fold(0, |folded, chunk| {
        let mut bytes = [0; 4];
        for (to, from) in bytes.iter_mut().zip(chunk) {
            *to = from.to_ascii_lowercase();
        }
        folded ^ u32::from_le_bytes(bytes)
    });
    let product = u64::from(folded.wrapping_mul(0x4f1b_bcdc));
    // Of 64 bits, so that a table of one slot needs no exception.
    u32::try_from(product >> (32 - bits)).unwrap_or(0)
}

/// A word and, of one of five characters or more, the word without its last and without its last two,
/// so that a query for a singular finds a plural: LimeWire puts all of them into its tables.
pub fn with_prefixes(word: &str) -> impl Iterator<Item = &str> {
    let enough = word.chars().nth(4).is_some();
    let ends = word.char_indices().rev().take(if enough { 2 } else { 0 });
    core::iter::once(word).chain(ends.map(|(end, _)| &word[..end]))
}
