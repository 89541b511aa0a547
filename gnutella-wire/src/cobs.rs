//! Consistent overhead byte stuffing: data without NUL bytes (Cheshire and Baker 1999).

use alloc::vec;
use alloc::vec::Vec;

/// Whether `bytes` are stuffed data: codes that lead exactly to the end, and no NUL.
pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((&code, after)) = rest.split_first() {
        let length = usize::from(code).wrapping_sub(1);
        match after.split_at_checked(length) {
            Some((run, next)) if !run.contains(&0) => rest = next,
            _ => return false,
        }
    }
    !bytes.is_empty()
}

/// Undoes the stuffing; `None` if the bytes are not valid. The result is shorter than the input.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; bytes.len()];
    let length = decode_into(bytes, &mut out)?.len();
    out.truncate(length);
    Some(out)
}

/// Undoes the stuffing; `None` if the bytes are not valid, or `out` is shorter than they are.
pub(crate) fn decode_into<'b>(bytes: &[u8], out: &'b mut [u8]) -> Option<&'b [u8]> {
    if !is_valid(bytes) || out.len() < bytes.len() {
        return None;
    }
    let (mut rest, mut length) = (bytes, 0);
    while let Some((&code, after)) = rest.split_first() {
        let (run, next) = after.split_at_checked(usize::from(code).wrapping_sub(1))?;
        out.get_mut(length..length + run.len())?.copy_from_slice(run);
        length += run.len();
        if code < 0xff && !next.is_empty() {
            *out.get_mut(length)? = 0;
            length += 1;
        }
        rest = next;
    }
    out.get(..length)
}

/// Stuffs data: one byte more for each 254.
pub(crate) fn encode(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + data.len() / 254 + 1);
    // A run of 254 bytes needs no NUL after it, so the end of the data begins no run of its own
    // then, unless the data ends with a NUL.
    let mut rest = data;
    loop {
        let run = rest.iter().take(254).position(|&byte| byte == 0);
        let length = run.unwrap_or(rest.len().min(254));
        out.push(u8::try_from(length + 1).unwrap_or(u8::MAX));
        out.extend_from_slice(&rest[..length]);
        rest = &rest[length + usize::from(run.is_some())..];
        if rest.is_empty() && run.is_none() {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_pairs() {
        for (data, stuffed) in [
            (&b""[..], &b"\x01"[..]),
            (b"\0", b"\x01\x01"),
            (b"\0\0", b"\x01\x01\x01"),
            (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
            (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
        ] {
            assert_eq!(encode(data), stuffed);
            assert_eq!(decode(stuffed).as_deref(), Some(data));
        }
        for bad in [&b""[..], b"\0", b"\x03\x11", b"\x03\x11\0", b"\x01\0"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(mut data in proptest::collection::vec(0u8..3, 0..600), ones in 0usize..600) {
            data.splice(0..0, core::iter::repeat_n(1, ones));
            let stuffed = encode(&data);
            prop_assert!(!stuffed.contains(&0));
            prop_assert!(stuffed.len() <= data.len() + data.len() / 254 + 1);
            let (mut exact, mut short) = (vec![9; stuffed.len()], vec![9; stuffed.len() - 1]);
            prop_assert_eq!(decode_into(&stuffed, &mut exact), Some(&data[..]));
            prop_assert_eq!(decode_into(&stuffed, &mut short), None);
            prop_assert_eq!(decode(&stuffed), Some(data));
        }
    }
}
