//! Canonical writing.

use alloc::vec::Vec;

use bytes::BufMut;

use crate::integer::decimal;
use crate::value::Value;

impl Value {
    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Integer(number) => number.with_digits(|digits| digits.len() + 2),
            Self::Bytes(bytes) => string_len(bytes),
            Self::List(items) => items.iter().map(Self::encoded_len).sum::<usize>() + 2,
            Self::Dict(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| string_len(key) + value.encoded_len());
                entries.sum::<usize>() + 2
            }
            Self::Raw(raw) => raw.as_bytes().len(),
        }
    }

    /// Appends the value's canonical form (BEP 3).
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Integer(number) => {
                out.put_u8(b'i');
                number.with_digits(|digits| out.put_slice(digits));
                out.put_u8(b'e');
            }
            Self::Bytes(bytes) => put_string(bytes, out),
            Self::List(items) => {
                out.put_u8(b'l');
                for item in items {
                    item.encode(out);
                }
                out.put_u8(b'e');
            }
            Self::Dict(entries) => {
                out.put_u8(b'd');
                for (key, value) in entries {
                    put_string(key, out);
                    value.encode(out);
                }
                out.put_u8(b'e');
            }
            Self::Raw(raw) => out.put_slice(raw.as_bytes()),
        }
    }

    /// The value's canonical form.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode(&mut out);
        out
    }
}

fn string_len(bytes: &[u8]) -> usize {
    let digits = bytes.len().checked_ilog10().map_or(1, |log| log as usize + 1);
    digits + 1 + bytes.len()
}

pub(crate) fn put_string(bytes: &[u8], out: &mut impl BufMut) {
    let mut buffer = [0; 20];
    out.put_slice(decimal(false, bytes.len() as u64, &mut buffer));
    out.put_u8(b':');
    out.put_slice(bytes);
}

#[cfg(feature = "serde")]
pub(crate) fn put_integer(negative: bool, magnitude: u64, out: &mut impl BufMut) {
    let mut buffer = [0; 20];
    out.put_u8(b'i');
    out.put_slice(decimal(negative, magnitude, &mut buffer));
    out.put_u8(b'e');
}
