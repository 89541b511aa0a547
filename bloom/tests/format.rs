//! The format, frozen: which bits a key sets must never change. Where one of these fails, it is the
//! code that is wrong, not the test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::layout::{self, Layout};
use overlay_bloom::{Filter, KeyHash, Params, Standard};

fn positions(key: &[u8], seed: u64, m: u64, k: u32) -> Vec<u64> {
    KeyHash::of(key, seed).probes(Params::new(m, k).unwrap()).collect()
}

fn bytes<L: Layout>(filter: &Filter<L>) -> Vec<u8> {
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

/// All of these were computed a second time by a program in another language.
#[test]
fn positions_are_frozen() {
    assert_eq!(positions(b"abc", 0, 1000, 7), [471, 2, 88, 958, 124, 504, 833]);
    let far = [237_784_655_667_643, 271_121_859_315_443, 161_437_553_032_676];
    assert_eq!(positions(b"abc", 42, 1 << 48, 3), far);
    let all = [
        17, 9, 39, 36, 61, 84, 32, 26, 79, 63, 37, 4, 92, 32, 19, 20, 98, 66, 65, 92, 19, 85, 1,
        83, 8, 75, 90, 93, 96, 88, 89, 33, 71, 25, 62, 86, 14, 15, 13, 93, 32, 82, 82, 38, 50, 99,
        89, 20, 37, 73, 0, 46, 99, 18, 75, 74, 39, 43, 4, 66, 62, 81, 44, 1,
    ];
    assert_eq!(positions(b"", 0, 100, 64), all);

    let params = |m, k| Params::new(m, k).unwrap();
    let key = KeyHash::of(b"abc", 42);
    let blocked: Vec<u64> = layout::Blocked::probes(key, params(512_000, 16)).collect();
    let expected = [
        432_621, 432_213, 432_592, 432_599, 432_140, 432_569, 432_521, 432_421, 432_462, 432_352,
        432_142, 432_614, 432_599, 432_581, 432_601, 432_338,
    ];
    assert_eq!(blocked, expected);
    let split: Vec<u64> = layout::Split::probes(key, params(512_000, 8)).collect();
    let expected = [432_179, 432_219, 432_280, 432_327, 432_442, 432_469, 432_553, 432_637];
    assert_eq!(split, expected);
    let far: Vec<u64> =
        layout::Split::probes(KeyHash::of(b"", 0), params(Params::MAX_M, 8)).collect();
    let first = 49_505_940_879_360;
    let expected = [9, 89, 163, 229, 297, 376, 434, 453];
    assert_eq!(far, expected.map(|bit| first + bit));
}

/// All of these were computed a second time by a program in another language.
#[test]
fn bits_are_frozen() {
    fn bits<L: Layout>(m: u64, k: u32) -> String {
        let mut filter = Filter::<L>::new(Params::new(m, k).unwrap(), 2026).unwrap();
        for word in ["alpha", "beta", "gamma", "delta", "epsilon"] {
            filter.insert(word.as_bytes());
        }
        hex::encode(bytes(&filter))
    }
    let expected = "00208100810400002100230000001c0000000401008062600800000000000000";
    assert_eq!(bits::<layout::Standard>(200, 5), expected);
    let expected = "010400000408001100100020800840800330a0080440000000020100000000000001080200002100\
                    000000040000102040080000000080004000112014080800";
    assert_eq!(bits::<layout::Blocked>(512, 9), expected);
    let expected = "00002080080003000010018080002000002000808022000082000200000280000040010002880000\
                    000200020400300008001020000014001000000400000141";
    assert_eq!(bits::<layout::Split>(512, 8), expected);
}

#[test]
fn a_thousand_keys_are_frozen() {
    let mut filter = Standard::new(Params::new(9595, 7).unwrap(), 0).unwrap();
    for key in 0..1000 {
        filter.insert_u64(key);
    }
    assert_eq!(filter.count_ones(), 4970);
    assert_eq!(KeyHash::of(&bytes(&filter), 0).to_bits(), 0x06a7_a79d_9054_a4df);
}
