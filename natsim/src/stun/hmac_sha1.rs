//! HMAC-SHA1 of a message (RFC 2104) in as few steps as there are, because every packet of an ICE session
//! takes one: three or four blocks of SHA-1 and next to nothing between them. The `hmac` crate, its twin in
//! the tests, takes a tenth longer, for buffers that a message in one piece does not need.

use sha1::block_api::compress;
use sha1::{Digest, Sha1};

/// The states of SHA-1 after the key's two blocks.
#[derive(Clone)]
pub(super) struct HmacSha1 {
    inner: [u32; 5],
    outer: [u32; 5],
}

/// Where SHA-1 starts (FIPS 180-4, section 5.3.1).
const START: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
const BLOCK: usize = 64;

impl HmacSha1 {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        match block.get_mut(..key.len()) {
            Some(place) => place.copy_from_slice(key),
            None => block[..20].copy_from_slice(&Sha1::digest(key)),
        }
        let state = |pad: u8| {
            let mut state = START;
            compress(&mut state, &[block.map(|byte| byte ^ pad)]);
            state
        };
        Self { inner: state(0x36), outer: state(0x5C) }
    }

    /// Of these bytes with `length` instead of what stands in bytes 2 and 3.
    ///
    /// # Panics
    /// There are fewer than four bytes.
    #[inline]
    pub(super) fn of(&self, bytes: &[u8], length: u16) -> [u8; 20] {
        let mut first = [0; BLOCK];
        let (head, rest) = bytes.split_at(bytes.len().min(BLOCK));
        first[..head.len()].copy_from_slice(head);
        first[2..4].copy_from_slice(&length.to_be_bytes());
        let inner = if head.len() < BLOCK {
            finish(self.inner, &first[..head.len()], bytes.len())
        } else {
            let mut state = self.inner;
            compress(&mut state, &[first]);
            let (blocks, rest) = rest.as_chunks();
            compress(&mut state, blocks);
            finish(state, rest, bytes.len())
        };
        finish(self.outer, &inner, inner.len())
    }
}

/// Takes in what is left, less than a block, and the padding. Of `len` bytes in all after the key.
#[inline]
fn finish(mut state: [u32; 5], rest: &[u8], len: usize) -> [u8; 20] {
    let mut last = [[0; BLOCK]; 2];
    let bytes = last.as_flattened_mut();
    bytes[..rest.len()].copy_from_slice(rest);
    bytes[rest.len()] = 0x80;
    let blocks = if rest.len() < BLOCK - 8 { 1 } else { 2 };
    let bits = (BLOCK + len) as u64 * 8;
    bytes[blocks * BLOCK - 8..blocks * BLOCK].copy_from_slice(&bits.to_be_bytes());
    compress(&mut state, &last[..blocks]);
    let mut out = [0; 20];
    for (place, word) in out.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use hmac::{Hmac, KeyInit, Mac};

    use super::*;

    /// Keys and messages of all lengths around a block and two, against the `hmac` crate.
    #[test]
    fn is_what_the_hmac_crate_computes() {
        let bytes: Vec<u8> = (0u32..300).map(|n| (n * n * 7 + n * 13 + 5) as u8).collect();
        for key_len in [0, 1, 16, 20, 22, 63, 64, 65, 128, 200] {
            let key = &bytes[300 - key_len..];
            let ours = HmacSha1::new(key);
            let theirs = Hmac::<Sha1>::new_from_slice(key).expect("any length");
            for len in 20..200 {
                let length = len as u16 * 0x0101;
                let mut message = bytes[..len].to_vec();
                message[2..4].copy_from_slice(&length.to_be_bytes());
                let right = theirs.clone().chain_update(&message).finalize().into_bytes();
                assert_eq!(ours.of(&bytes[..len], length)[..], right[..], "{key_len}, {len}");
            }
        }
    }
}
