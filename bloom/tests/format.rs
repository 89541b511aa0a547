//! The format, frozen: which bits a key sets must never change. Where one of these fails, it is the
//! code that is wrong, not the test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{KeyHash, Params, Standard};

fn positions(key: &[u8], seed: u64, m: u64, k: u32) -> Vec<u64> {
    KeyHash::of(key, seed).probes(Params::new(m, k).unwrap()).collect()
}

fn bytes(filter: &Standard) -> Vec<u8> {
    filter.words().iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Without a seed these are XXH3's published values.
#[test]
fn hashes_are_frozen() {
    assert_eq!(KeyHash::of(b"", 0).to_bits(), 0x2d06_8005_38d3_94c2);
    assert_eq!(KeyHash::of(b"abc", 0).to_bits(), 0x78af_5f94_892f_3950);
    assert_eq!(KeyHash::of(b"", 1).to_bits(), 0x4dc5_b0cc_826f_6703);
    assert_eq!(KeyHash::of(b"abc", 42).to_bits(), 0xd843_8def_21bb_dcc3);
    assert_eq!(KeyHash::of_u64(1, 42).to_bits(), 0xe3ac_d5de_c7d7_d3fb);
}

/// The last row was computed a second time by a program in another language.
#[test]
fn positions_are_frozen() {
    assert_eq!(positions(b"abc", 0, 1000, 7), [471, 534, 908, 798, 564, 561, 633]);
    let far = [237_784_655_667_643, 152_757_932_724_923, 140_604_536_010_451];
    assert_eq!(positions(b"abc", 42, 1 << 48, 3), far);
    let all = [
        17, 8, 78, 28, 92, 48, 94, 92, 96, 91, 76, 86, 25, 95, 8, 21, 18, 46, 2, 73, 46, 52, 61,
        45, 81, 5, 81, 27, 29, 82, 67, 98, 96, 9, 22, 55, 39, 71, 27, 84, 24, 62, 45, 63, 66, 61,
        58, 55, 41, 87, 27, 47, 15, 98, 61, 32, 54, 6, 68, 30, 31, 55, 69, 30,
    ];
    assert_eq!(positions(b"", 0, 100, 64), all);
}

#[test]
fn bits_are_frozen() {
    let mut filter = Standard::new(Params::new(200, 5).unwrap(), 2026).unwrap();
    for word in ["alpha", "beta", "gamma", "delta", "epsilon"] {
        filter.insert(word.as_bytes());
    }
    let expected = "4800080008040000420021010350091104000002802000402800000000000000";
    assert_eq!(hex::encode(bytes(&filter)), expected);
}

#[test]
fn a_thousand_keys_are_frozen() {
    let mut filter = Standard::new(Params::new(9595, 7).unwrap(), 0).unwrap();
    for key in 0..1000 {
        filter.insert_u64(key);
    }
    assert_eq!(filter.count_ones(), 4974);
    assert_eq!(KeyHash::of(&bytes(&filter), 0).to_bits(), 0x5dfb_6616_8230_4125);
}
