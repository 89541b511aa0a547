//! Malformed input: what strict decoding says and where, and what lenient decoding says.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use overlay_bencode::{
    DecodeError, Decoder, Deviation, DeviationKind, ErrorKind, Expected, decode, decode_lenient,
};

use DeviationKind::{DuplicateKey, LeadingZero, NegativeZero, TrailingBytes, UnsortedKey};
use ErrorKind::{
    KeyNotString, LengthOverflow, MissingValue, TooLong, TooManyDigits, UnexpectedByte,
    UnexpectedEnd,
};

type Deviations = &'static [(usize, DeviationKind)];

/// Strict decoding refuses these, lenient decoding reports them.
#[test]
fn deviations_have_their_kind_and_offset() {
    let table: &[(&[u8], Deviations)] = &[
        // Keys.
        (b"d1:b0:1:a0:e", &[(6, UnsortedKey)]),
        (b"d1:a0:1:a0:e", &[(6, DuplicateKey)]),
        (b"d0:0:0:0:e", &[(5, DuplicateKey)]),
        (b"d2:aa0:1:a0:e", &[(7, UnsortedKey)]),
        (b"d1:a0:1:c0:1:b0:1:d0:e", &[(11, UnsortedKey)]),
        (b"d1:a0:1:c0:1:a0:e", &[(11, UnsortedKey), (11, DuplicateKey)]),
        (b"d1:b0:1:a0:1:a0:1:b0:e", &[(6, UnsortedKey), (11, DuplicateKey), (16, DuplicateKey)]),
        // Bytes compare as unsigned numbers, and length does not come first.
        (b"d1:\xff0:1:a0:e", &[(6, UnsortedKey)]),
        (b"d1:b0:2:aa0:e", &[(6, UnsortedKey)]),
        // The order of the outer keys is remembered across a value with keys of its own.
        (b"d1:bd1:z0:e1:a0:e", &[(11, UnsortedKey)]),
        (b"d1:bld1:z0:ee1:b0:e", &[(13, DuplicateKey)]),
        (b"ld1:b0:ed1:a0:1:a0:ee", &[(14, DuplicateKey)]),
        // Numbers.
        (b"i03e", &[(1, LeadingZero)]),
        (b"i00e", &[(1, LeadingZero)]),
        (b"i-03e", &[(2, LeadingZero)]),
        (b"i-00e", &[(2, LeadingZero)]),
        (b"i-0e", &[(1, NegativeZero)]),
        (b"03:abc", &[(0, LeadingZero)]),
        (b"00:", &[(0, LeadingZero)]),
        (b"d01:a0:e", &[(1, LeadingZero)]),
        (b"li01ei-0e02:abe", &[(2, LeadingZero), (6, NegativeZero), (9, LeadingZero)]),
        // Behind the message.
        (b"i3e\n", &[(3, TrailingBytes { count: 1 })]),
        (b"3:abcdef", &[(5, TrailingBytes { count: 3 })]),
        (b"lei1e", &[(2, TrailingBytes { count: 3 })]),
        (b"i01ee", &[(1, LeadingZero), (4, TrailingBytes { count: 1 })]),
    ];
    for (input, expected) in table {
        let shown = input.escape_ascii();
        let expected: Vec<Deviation> =
            expected.iter().map(|&(offset, kind)| Deviation { offset, kind }).collect();
        assert_eq!(decode(input).unwrap_err(), expected[0].into(), "{shown}");
        let document = decode_lenient(input).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(document.deviations(), expected, "{shown}");
    }
}

/// Neither mode accepts these, and both say the same.
#[test]
fn errors_have_their_kind_and_offset() {
    let byte = |found, expected| UnexpectedByte { found, expected };
    let table: &[(&[u8], usize, ErrorKind)] = &[
        // Nothing, or nothing that starts a value.
        (b"", 0, UnexpectedEnd { needed: 2 }),
        (b"x", 0, byte(b'x', Expected::Value)),
        (b"e", 0, byte(b'e', Expected::Value)),
        (b"-3:abc", 0, byte(b'-', Expected::Value)),
        (b":abc", 0, byte(b':', Expected::Value)),
        (b"lxe", 1, byte(b'x', Expected::ItemOrEnd)),
        (b"\n", 0, byte(b'\n', Expected::Value)),
        // Integers.
        (b"i+3e", 1, byte(b'+', Expected::DigitOrMinus)),
        (b"ie", 1, byte(b'e', Expected::DigitOrMinus)),
        (b"i 3e", 1, byte(b' ', Expected::DigitOrMinus)),
        (b"i-e", 2, byte(b'e', Expected::Digit)),
        (b"i--3e", 2, byte(b'-', Expected::Digit)),
        (b"i3-e", 2, byte(b'-', Expected::DigitOrEnd)),
        (b"i3.0e", 2, byte(b'.', Expected::DigitOrEnd)),
        (b"i0x1e", 2, byte(b'x', Expected::DigitOrEnd)),
        (b"i123456789012345678901e", 0, TooManyDigits { max: 20 }),
        (b"i-000000000000000000000e", 0, TooManyDigits { max: 20 }),
        // Strings.
        (b"3abc", 1, byte(b'a', Expected::DigitOrColon)),
        (b"3 :abc", 1, byte(b' ', Expected::DigitOrColon)),
        (b"1-:abc", 1, byte(b'-', Expected::DigitOrColon)),
        (b"l0x3:abce", 2, byte(b'x', Expected::DigitOrColon)),
        (b"18446744073709551616:a", 0, LengthOverflow),
        (b"99999999999999999999:a", 0, LengthOverflow),
        (b"100000000000000000000:a", 0, TooManyDigits { max: 20 }),
        (b"18446744073709551615:a", 0, TooLong { max: 1 << 30 }),
        (b"9223372036854775808:a", 0, TooLong { max: 1 << 30 }),
        (b"4294967295:a", 0, TooLong { max: 1 << 30 }),
        // Dictionaries.
        (b"di1e0:e", 1, KeyNotString { found: b'i' }),
        (b"dle0:e", 1, KeyNotString { found: b'l' }),
        (b"dde0:e", 1, KeyNotString { found: b'd' }),
        (b"d1:a0:i1ei2ee", 6, KeyNotString { found: b'i' }),
        (b"d-1:a0:e", 1, byte(b'-', Expected::KeyOrEnd)),
        (b"d1:ae", 4, MissingValue),
        (b"d1:a0:1:be", 9, MissingValue),
        (b"d1:ax", 4, byte(b'x', Expected::Value)),
        // Cut short: the offset is the end.
        (b"i", 1, UnexpectedEnd { needed: 2 }),
        (b"i-", 2, UnexpectedEnd { needed: 2 }),
        (b"i42", 3, UnexpectedEnd { needed: 1 }),
        (b"3", 1, UnexpectedEnd { needed: 4 }),
        (b"3:a", 3, UnexpectedEnd { needed: 2 }),
        (b"l", 1, UnexpectedEnd { needed: 1 }),
        (b"lli1e", 5, UnexpectedEnd { needed: 2 }),
        (b"d", 1, UnexpectedEnd { needed: 1 }),
        (b"d1:", 3, UnexpectedEnd { needed: 4 }),
        (b"d1:a", 4, UnexpectedEnd { needed: 3 }),
        (b"d1:a1:b", 7, UnexpectedEnd { needed: 1 }),
        (b"ld1:a3:b", 8, UnexpectedEnd { needed: 4 }),
    ];
    for &(input, offset, kind) in table {
        let shown = input.escape_ascii();
        let expected = DecodeError { offset, kind };
        assert_eq!(decode(input).unwrap_err(), expected, "{shown}");
        assert_eq!(decode_lenient(input).unwrap_err(), expected, "{shown}");
    }
}

/// Each of these is accepted by some decoders and refused by others, or ends them.
#[test]
fn what_decoders_disagree_about_is_refused() {
    let nested = [vec![b'l'; 20_000], vec![b'e'; 20_000]].concat();
    let byte = |found, expected| UnexpectedByte { found, expected };
    let table: &[(&[u8], usize, ErrorKind)] = &[
        (b"d1:b0:1:a0:e", 6, ErrorKind::Deviation(UnsortedKey)),
        (b"d1:a0:1:a0:e", 6, ErrorKind::Deviation(DuplicateKey)),
        (b"i03e", 1, ErrorKind::Deviation(LeadingZero)),
        (b"i-0e", 1, ErrorKind::Deviation(NegativeZero)),
        (b"03:abc", 0, ErrorKind::Deviation(LeadingZero)),
        (b"i+3e", 1, byte(b'+', Expected::DigitOrMinus)),
        (b"i3e4:", 3, ErrorKind::Deviation(TrailingBytes { count: 2 })),
        (&nested, 100, ErrorKind::TooDeep { max: 100 }),
    ];
    for &(input, offset, kind) in table {
        let shown = input.get(..20).unwrap_or(input).escape_ascii();
        assert_eq!(decode(input).unwrap_err(), DecodeError { offset, kind }, "{shown}");
        #[cfg(feature = "serde")]
        {
            use overlay_bencode::serde::{DeserializeErrorKind, from_bytes};
            let error = from_bytes::<overlay_bencode::Value>(input).unwrap_err();
            assert_eq!(error.kind(), &DeserializeErrorKind::Malformed(kind), "{shown}");
            assert_eq!(error.offset(), offset, "{shown}");
        }
    }
    // Great integers are no error.
    for (input, number) in
        [(b"i9223372036854775808e".as_slice(), 1u64 << 63), (b"i18446744073709551615e", u64::MAX)]
    {
        assert_eq!(decode(input).unwrap().root().as_uint(), Some(number));
    }
}

/// Other decoders reject some of these.
#[test]
fn what_is_canonical_is_accepted() {
    let table: &[&[u8]] = &[
        b"i0e",
        b"i-1e",
        b"i9223372036854775808e",
        b"i18446744073709551615e",
        b"i-9223372036854775808e",
        b"i99999999999999999999e",
        b"0:",
        b"le",
        b"de",
        b"d0:0:e",
        b"d1:a0:2:aa0:1:b0:e",
        b"d1:a0:1:b0:1:\xff0:e",
        b"d1:bd1:a0:e1:c0:e",
        b"d20:\x00\xff\x80aaaaaaaaaaaaaaaaad8:completei1eee",
    ];
    for input in table {
        let shown = input.escape_ascii();
        decode(input).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(decode_lenient(input).unwrap().deviations(), [], "{shown}");
    }
}

/// A torrent's beginning as it was once printed in lecture notes, damaged and cut short: the length
/// 48 takes in what follows the URL.
#[test]
fn damaged_sample_is_rejected_where_it_goes_wrong() {
    let sample: &[u8] = b"d8:announce30:http://tracker.prq.to/announce13:announce-list\
        ll48:http://open.tracker.thepiratebay.org:80/ :name48:Arctic_Monkeys-cSm\
        12:piece lengthi65536e6:pieces13280";
    let error = decode(sample).unwrap_err();
    // "30:" already takes one byte more than the URL has.
    assert_eq!(&sample[14..44], b"http://tracker.prq.to/announce");
    let offset = error.offset;
    assert_eq!(sample[offset], b':');
    assert!(sample[..offset].ends_with(b"org:80/ :name48"));
    let kind = UnexpectedByte { found: b':', expected: Expected::ItemOrEnd };
    assert_eq!(error, DecodeError { offset, kind });
    assert_eq!(decode_lenient(sample).unwrap_err(), error);
    assert!(error.to_string().ends_with(&format!("at byte {offset}")), "{error}");
    // Cut before the damage, it is only too short, however it is read.
    for end in 0..offset {
        let error = Decoder::strict().decode(&sample[..end]).unwrap_err();
        assert!(matches!(error.kind, UnexpectedEnd { .. }), "{end}: {error}");
        assert_eq!(error.offset, end);
    }
}
