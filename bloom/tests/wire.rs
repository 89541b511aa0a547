//! The serialized form: frozen, total, and the same through views.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Debug;

use bytes::BufMut;
use overlay_bloom::layout::{self, Layout};
use overlay_bloom::{
    Blocked, BlockedView, BuildError, Counting, DecodeError, DecodeErrorKind, Decoded, Filter,
    Header, Limits, Params, SipHash, SplitBlock, SplitBlockView, Standard, StandardView, View,
    Xxh3,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const KEY: [u8; 16] = *b"a secret of two!";

fn standard() -> impl Strategy<Value = Params> {
    (1u64..2000, 1u32..=64).prop_map(|(m, k)| Params::new(m, k).unwrap())
}

fn blocked() -> impl Strategy<Value = Params> {
    (1u64..8, 1u32..=64).prop_map(|(blocks, k)| Params::new(512 * blocks, k).unwrap())
}

fn split() -> impl Strategy<Value = Params> {
    (1u64..8).prop_map(|blocks| Params::new(512 * blocks, 8).unwrap())
}

fn keys() -> impl Strategy<Value = Vec<u64>> {
    vec(any::<u64>(), 0..60)
}

fn filled<L: Layout>(params: Params, seed: u64, keys: &[u64]) -> Filter<L> {
    let mut filter = Filter::with_hasher(params, Xxh3::new(seed)).unwrap();
    filter.insert_many(keys);
    filter
}

fn bytes<L: Layout>(filter: &Filter<L>) -> Vec<u8> {
    let mut bytes = Vec::new();
    filter.encode(&mut bytes);
    assert_eq!(bytes.len(), filter.encoded_len());
    bytes
}

/// What every decoder does with a message, whole, cut and continued.
fn check_decoder<T: PartialEq + Debug>(
    bytes: &[u8],
    value: &T,
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    decode_prefix: impl Fn(&[u8]) -> Result<Decoded<T>, DecodeError>,
) {
    assert_eq!(decode(bytes).as_ref(), Ok(value));
    for end in 0..bytes.len() {
        // As long as the header is missing, nobody knows of the words.
        let needed = if end < Header::LEN { Header::LEN } else { bytes.len() } - end;
        assert_eq!(decode_prefix(&bytes[..end]), Ok(Decoded::Partial { needed }));
        let cut = DecodeError { offset: end, kind: DecodeErrorKind::Truncated { needed } };
        assert_eq!(decode(&bytes[..end]), Err(cut));
    }
    let longer = [bytes, b"more"].concat();
    let Ok(Decoded::Complete { value: decoded, consumed }) = decode_prefix(&longer) else {
        panic!("a whole message");
    };
    assert_eq!((&decoded, consumed), (value, bytes.len()));
    let trailing = DecodeErrorKind::TrailingBytes { extra: 4 };
    assert_eq!(decode(&longer), Err(DecodeError { offset: bytes.len(), kind: trailing }));
}

fn check_filter<L: Layout>(params: Params, seed: u64, keys: &[u64]) {
    let filter: Filter<L> = filled(params, seed, keys);
    let bytes = bytes(&filter);
    check_decoder(&bytes, &filter, Filter::decode, |bytes| {
        Filter::decode_prefix(bytes, &Limits::DEFAULT)
    });
    let view = View::<L>::decode(&bytes).unwrap();
    check_decoder(
        &bytes,
        &filter,
        |bytes| Ok(View::<L>::decode(bytes)?.to_filter().unwrap()),
        |bytes| {
            Ok(match View::<L>::decode_prefix(bytes, &Limits::DEFAULT)? {
                Decoded::Complete { value, consumed } => {
                    Decoded::Complete { value: value.to_filter().unwrap(), consumed }
                }
                Decoded::Partial { needed } => Decoded::Partial { needed },
            })
        },
    );
    assert_eq!(view.as_bytes(), &bytes[Header::LEN..]);
    let header = Header { layout: L::ID, hasher: 1, tag: seed, params };
    assert_eq!(
        Header::decode_prefix(&bytes),
        Ok(Decoded::Complete { value: header, consumed: Header::LEN })
    );
    assert_eq!(header.message_len(), bytes.len() as u64);
}

/// At every alignment a view answers as the filter does.
fn check_view<L: Layout>(params: Params, seed: u64, keys: &[u64], others: &[u64]) {
    let filter: Filter<L> = filled(params, seed, keys);
    let message = bytes(&filter);
    for shift in 0..9 {
        let moved = [vec![0xff; shift], message.clone()].concat();
        let view = View::<L>::decode(&moved[shift..]).unwrap();
        for &key in keys.iter().chain(others) {
            assert_eq!(view.contains_u64(key), filter.contains_u64(key));
            assert_eq!(view.contains(&key.to_le_bytes()), filter.contains_u64(key));
        }
        assert_eq!(view.count_ones(), filter.count_ones());
        assert_eq!(view.fill().to_bits(), filter.fill().to_bits());
        assert_eq!((view.params(), view.hasher()), (filter.params(), filter.hasher()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn round_trip_standard(params in standard(), seed: u64, keys in keys()) {
        check_filter::<layout::Standard>(params, seed, &keys);
    }

    #[test]
    fn round_trip_blocked(params in blocked(), seed: u64, keys in keys()) {
        check_filter::<layout::Blocked>(params, seed, &keys);
    }

    #[test]
    fn round_trip_split(params in split(), seed: u64, keys in keys()) {
        check_filter::<layout::Split>(params, seed, &keys);
    }

    #[test]
    fn round_trip_counting(params in standard(), seed: u64, keys in keys()) {
        let mut filter = Counting::new(params, seed).unwrap();
        keys.iter().for_each(|&key| {
            filter.insert_u64(key);
        });
        let mut bytes = Vec::new();
        filter.encode(&mut bytes);
        prop_assert_eq!(bytes.len(), filter.encoded_len());
        check_decoder(&bytes, &filter, Counting::decode, |bytes| {
            Counting::decode_prefix(bytes, &Limits::DEFAULT)
        });
        let Ok(Decoded::Complete { value: header, .. }) = Header::decode_prefix(&bytes) else {
            panic!("a header");
        };
        prop_assert_eq!(header.message_len(), bytes.len() as u64);
    }

    #[test]
    fn views_answer_as_filters(p in standard(), seed: u64, keys in keys(), others in keys()) {
        check_view::<layout::Standard>(p, seed, &keys, &others);
        let whole = Params::new(p.m().next_multiple_of(512), p.k()).unwrap();
        check_view::<layout::Blocked>(whole, seed, &keys, &others);
        let eight = Params::new(whole.m(), 8).unwrap();
        check_view::<layout::Split>(eight, seed, &keys, &others);
    }

    /// The secret key is not among the bytes, and no other key will do.
    #[test]
    fn keyed_round_trip(params in standard(), key: [u8; 16], other: [u8; 16], keys in keys()) {
        prop_assume!(key != other);
        let mut filter = Standard::keyed(params, key).unwrap();
        filter.insert_many(&keys);
        let mut bytes = Vec::new();
        filter.encode(&mut bytes);
        prop_assert!(bytes.windows(8).all(|window| *window != key[..8] && *window != key[8..]));
        check_decoder(
            &bytes,
            &filter,
            |bytes| Standard::decode_keyed(bytes, key),
            |bytes| Standard::decode_keyed_prefix(bytes, key, &Limits::DEFAULT),
        );
        check_decoder(
            &bytes,
            &filter,
            |bytes| Ok(StandardView::decode_keyed(bytes, key)?.to_filter().unwrap()),
            |bytes| {
                let view = StandardView::decode_keyed_prefix(bytes, key, &Limits::DEFAULT)?;
                Ok(match view {
                    Decoded::Complete { value, consumed } => {
                        Decoded::Complete { value: value.to_filter().unwrap(), consumed }
                    }
                    Decoded::Partial { needed } => Decoded::Partial { needed },
                })
            },
        );
        let wrong = DecodeError { offset: 16, kind: DecodeErrorKind::OtherKey };
        prop_assert_eq!(Standard::decode_keyed(&bytes, other), Err(wrong));
        prop_assert_eq!(StandardView::decode_keyed(&bytes, other), Err(wrong));
        // Known from the header alone, whatever follows.
        let header = Standard::decode_keyed_prefix(&bytes[..Header::LEN], other, &Limits::DEFAULT);
        prop_assert_eq!(header, Err(wrong));
        prop_assert_eq!(Standard::decode_keyed(&[&bytes[..], b"more"].concat(), other), Err(wrong));
        let kind = DecodeErrorKind::OtherHasher { found: 2, expected: 1 };
        prop_assert_eq!(Standard::decode(&bytes), Err(DecodeError { offset: 5, kind }));

        let mut counting = Counting::with_hasher(params, SipHash::new(key)).unwrap();
        keys.iter().for_each(|&key| {
            counting.insert_u64(key);
        });
        bytes.clear();
        counting.encode(&mut bytes);
        check_decoder(
            &bytes,
            &counting,
            |bytes| Counting::decode_keyed(bytes, key),
            |bytes| Counting::decode_keyed_prefix(bytes, key, &Limits::DEFAULT),
        );
        prop_assert_eq!(Counting::decode_keyed(&bytes, other), Err(wrong));
    }

    /// What decodes is the only encoding of its filter, however the bytes came about.
    #[test]
    fn one_encoding_each(params in standard(), keys in keys(), at: Index, byte: u8) {
        let mut bytes = bytes(&filled::<layout::Standard>(params, 1, &keys));
        *at.get_mut(&mut bytes) = byte;
        if let Ok(filter) = Standard::decode(&bytes) {
            let mut again = Vec::new();
            filter.encode(&mut again);
            prop_assert_eq!(again, bytes);
        }
    }

    /// Written in pieces as a buffer has room for them.
    #[test]
    fn encodes_into_pieces(params in standard(), keys in keys(), cut: Index) {
        let filter = filled::<layout::Standard>(params, 1, &keys);
        let mut room = vec![0; filter.encoded_len()];
        let (mut first, mut second) = room.split_at_mut(cut.index(filter.encoded_len()));
        filter.encode(&mut (&mut first).chain_mut(&mut second));
        prop_assert_eq!(room, bytes(&filter));
    }
}

/// Frozen. Where one of these fails, it is the code that is wrong, not the test.
#[test]
fn bytes_are_frozen() {
    let words = ["alpha", "beta", "gamma", "delta", "epsilon"];
    let params = |m, k| Params::new(m, k).unwrap();

    let mut standard = Standard::new(params(200, 5), 2026).unwrap();
    standard.insert_many(&words);
    let expected = "6f626601" // obf, version 1
        .to_owned()
        + "01010500" // standard, XXH3, k = 5, reserved
        + "c800000000000000" // m = 200
        + "ea07000000000000" // seed 2026
        + "00208100810400002100230000001c0000000401008062600800000000000000";
    assert_eq!(hex::encode(bytes(&standard)), expected);

    let mut counting = Counting::new(params(40, 3), 2026).unwrap();
    words.iter().for_each(|word| {
        counting.insert(word.as_bytes());
    });
    let mut encoded = Vec::new();
    counting.encode(&mut encoded);
    let expected = "6f626601".to_owned()
        + "04010300" // counting, XXH3, k = 3
        + "2800000000000000"
        + "ea07000000000000"
        + COUNTERS;
    assert_eq!(hex::encode(&encoded), expected);

    let mut keyed = Standard::keyed(params(64, 2), KEY).unwrap();
    keyed.insert_many(&words);
    encoded.clear();
    keyed.encode(&mut encoded);
    let expected = "6f626601".to_owned()
        + "01020200" // standard, SipHash, k = 2
        + "4000000000000000"
        + TAG
        + KEYED;
    assert_eq!(hex::encode(&encoded), expected);
}

const COUNTERS: &str = "001100000200000012000010000000010010121100000000";
/// These two were computed a second time by a program in another language.
const TAG: &str = "bd15f0bf29a183ba";
const KEYED: &str = "02a0080808040b00";

/// A valid message to spoil: m = 100, k = 3, seed 7, two words.
fn valid() -> Vec<u8> {
    bytes(&filled::<layout::Standard>(Params::new(100, 3).unwrap(), 7, &[1, 2, 3]))
}

/// Each way to be wrong, with its place and its words.
#[test]
fn errors_say_where_and_what() {
    let spoiled = |at: usize, with: &[u8]| {
        let mut bytes = valid();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let m = |m: u64| spoiled(8, &m.to_le_bytes());
    let cases: &[(Vec<u8>, usize, DecodeErrorKind, &str)] = &[
        (
            Vec::new(),
            0,
            DecodeErrorKind::Truncated { needed: 24 },
            "input ends early, expected at least 24 more bytes at byte 0",
        ),
        (
            spoiled(0, b"OBF"),
            0,
            DecodeErrorKind::Magic { found: *b"OBF" },
            "found bytes [4f, 42, 46], expected a filter, which starts with [6f, 62, 66] at byte 0",
        ),
        (
            spoiled(3, &[2]),
            3,
            DecodeErrorKind::Version { found: 2 },
            "version 2, expected 1 at byte 3",
        ),
        (
            spoiled(4, &[0]),
            4,
            DecodeErrorKind::UnknownLayout { found: 0 },
            "layout 0, expected 1 to 4 at byte 4",
        ),
        (
            spoiled(4, &[5]),
            4,
            DecodeErrorKind::UnknownLayout { found: 5 },
            "layout 5, expected 1 to 4 at byte 4",
        ),
        (
            spoiled(4, &[4]),
            4,
            DecodeErrorKind::OtherLayout { found: 4, expected: 1 },
            "layout 4, expected 1 at byte 4",
        ),
        (
            spoiled(4, &[2]),
            8,
            DecodeErrorKind::Build(BuildError::NotWholeBlocks { m: 100 }),
            "m is 100 bits, expected a multiple of 512 at byte 8",
        ),
        (
            spoiled(4, &[3]),
            6,
            DecodeErrorKind::Build(BuildError::NotEightProbes { k: 3 }),
            "k is 3 probes, expected 8, one for each word of a block at byte 6",
        ),
        (
            spoiled(5, &[0]),
            5,
            DecodeErrorKind::UnknownHasher { found: 0 },
            "hasher 0, expected 1 or 2 at byte 5",
        ),
        (
            spoiled(5, &[2]),
            5,
            DecodeErrorKind::OtherHasher { found: 2, expected: 1 },
            "hasher 2, expected 1 at byte 5",
        ),
        (
            spoiled(6, &[0]),
            6,
            DecodeErrorKind::NoProbes,
            "k is 0 probes, expected at least 1 at byte 6",
        ),
        (
            spoiled(6, &[65]),
            6,
            DecodeErrorKind::TooManyProbes { k: 65 },
            "k is 65 probes, expected at most 64 at byte 6",
        ),
        (
            spoiled(7, &[1]),
            7,
            DecodeErrorKind::Reserved { found: 1 },
            "reserved byte 0x01, expected 0 at byte 7",
        ),
        (m(0), 8, DecodeErrorKind::NoBits, "m is 0 bits, expected at least 1 at byte 8"),
        (
            m(u64::MAX),
            8,
            DecodeErrorKind::TooManyBits { m: u64::MAX, max: Params::MAX_M },
            "m is 18446744073709551615 bits, expected at most 281474976710656 at byte 8",
        ),
        (
            m(129),
            40,
            DecodeErrorKind::Truncated { needed: 8 },
            "input ends early, expected at least 8 more bytes at byte 40",
        ),
        (
            m(Params::MAX_M),
            40,
            DecodeErrorKind::Truncated { needed: (1 << 45) - 16 },
            "input ends early, expected at least 35184372088816 more bytes at byte 40",
        ),
        (
            m(64),
            32,
            DecodeErrorKind::TrailingBytes { extra: 8 },
            "8 bytes follow the filter, expected the end at byte 32",
        ),
        (
            spoiled(36, &[0x10]),
            32,
            DecodeErrorKind::StrayBits {
                word: u64::from_le_bytes(spoiled(36, &[0x10])[32..].try_into().unwrap()),
                used: 36,
            },
            "expected zeros above its lowest 36 bits at byte 32",
        ),
    ];
    for (bytes, offset, kind, text) in cases {
        let error = DecodeError { offset: *offset, kind: *kind };
        assert_eq!(Standard::decode(bytes), Err(error));
        assert_eq!(StandardView::decode(bytes), Err(error));
        assert!(error.to_string().ends_with(text), "{error}");
        // From a stream, too little is no error.
        let prefix = Standard::decode_prefix(bytes, &Limits { max_m: Params::MAX_M });
        match *kind {
            DecodeErrorKind::Truncated { needed } => {
                assert_eq!(prefix, Ok(Decoded::Partial { needed }));
            }
            DecodeErrorKind::TrailingBytes { .. } => {
                assert!(
                    matches!(prefix, Ok(Decoded::Complete { consumed, .. }) if consumed == *offset)
                );
            }
            _ => assert_eq!(prefix, Err(error)),
        }
    }
    let text = "the filter was made with another secret key at byte 16";
    let error = DecodeError { offset: 16, kind: DecodeErrorKind::OtherKey };
    assert_eq!(Standard::decode_keyed(&spoiled(5, &[2]), KEY), Err(error));
    assert_eq!(error.to_string(), text);
}

/// Counters beyond m are none, as bits are.
#[test]
fn stray_counters() {
    let filter = Counting::new(Params::new(17, 3).unwrap(), 7).unwrap();
    let mut bytes = Vec::new();
    filter.encode(&mut bytes);
    bytes[32] = 0x1f;
    let kind = DecodeErrorKind::StrayBits { word: 0x1f, used: 4 };
    assert_eq!(Counting::decode(&bytes), Err(DecodeError { offset: 32, kind }));
    bytes[32] = 0x0f;
    assert_eq!(Counting::decode(&bytes).unwrap().saturated(), 1);
}

/// A header alone can not make anybody wait for terabytes.
#[test]
fn limits_hold_for_streams() {
    let mut bytes = valid();
    let limits = |max_m| Limits { max_m };
    assert!(Standard::decode_prefix(&bytes, &limits(100)).is_ok());
    let kind = DecodeErrorKind::TooManyBits { m: 100, max: 99 };
    let error = DecodeError { offset: 8, kind };
    assert_eq!(Standard::decode_prefix(&bytes, &limits(99)), Err(error));
    assert_eq!(StandardView::decode_prefix(&bytes[..24], &limits(99)), Err(error));
    bytes[8..16].copy_from_slice(&((1u64 << 26) + 1).to_le_bytes());
    assert!(Standard::decode_prefix(&bytes, &Limits::default()).is_err());
    bytes[8..16].copy_from_slice(&(1u64 << 26).to_le_bytes());
    let needed = (1 << 23) - 16;
    let partial = Standard::decode_prefix(&bytes, &Limits::default());
    assert_eq!(partial, Ok(Decoded::Partial { needed }));
}

/// Layouts and types are told apart, also where the size would do.
#[test]
fn a_filter_is_of_one_layout() {
    let params = Params::new(1024, 8).unwrap();
    let other = |found, expected| {
        let kind = DecodeErrorKind::OtherLayout { found, expected };
        Some(DecodeError { offset: 4, kind })
    };
    let standard = bytes(&filled::<layout::Standard>(params, 1, &[5]));
    let blocked = bytes(&filled::<layout::Blocked>(params, 1, &[5]));
    let split = bytes(&filled::<layout::Split>(params, 1, &[5]));
    assert_eq!(Blocked::decode(&standard).err(), other(1, 2));
    assert_eq!(SplitBlock::decode(&blocked).err(), other(2, 3));
    assert_eq!(Counting::decode(&split).err(), other(3, 4));
    assert_eq!(BlockedView::decode(&split).err(), other(3, 2));
    assert_eq!(SplitBlockView::decode(&standard).err(), other(1, 3));
}

#[test]
fn views_do_not_print_the_bits() {
    let bytes = valid();
    let text = format!("{:?}", StandardView::decode(&bytes).unwrap());
    assert_eq!(text, "View { params: Params { m: 100, k: 3 }, hasher: Xxh3 { seed: 7 }, .. }");
}
