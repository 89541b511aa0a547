//! What a bencoded message holds, counted: proof that two decoders saw the same.

/// Sums over all values of a bencoded message, cheap enough that taking them is a fair walk through
/// everything. The order of a dictionary's entries does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tally {
    /// Dictionaries.
    pub dicts: u64,
    /// Lists.
    pub lists: u64,
    /// Strings, keys too.
    pub strings: u64,
    /// Their bytes.
    pub string_bytes: u64,
    /// The sum of their first bytes.
    pub first_bytes: u64,
    /// Integers.
    pub integers: u64,
    /// Their sum modulo 2⁶⁴.
    pub integer_sum: u64,
}

impl Tally {
    /// Counts a dictionary, without its entries.
    #[inline]
    pub fn dict(&mut self) {
        self.dicts += 1;
    }

    /// Counts a list, without its items.
    #[inline]
    pub fn list(&mut self) {
        self.lists += 1;
    }

    /// Counts a string or key.
    #[inline]
    pub fn string(&mut self, bytes: &[u8]) {
        self.strings += 1;
        self.string_bytes += bytes.len() as u64;
        self.first_bytes += u64::from(bytes.first().copied().unwrap_or_default());
    }

    /// Counts an integer.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.integers += 1;
        self.integer_sum = self.integer_sum.wrapping_add(number as u64);
    }
}
