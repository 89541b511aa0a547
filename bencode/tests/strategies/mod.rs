//! Values and bytes for the laws.

#![allow(dead_code, clippy::unwrap_used)] // Each test crate uses some of it.

use overlay_bencode::{Integer, Value};
use proptest::prelude::*;

pub fn integer() -> impl Strategy<Value = Integer> {
    prop_oneof![
        any::<i64>().prop_map(Integer::from),
        (-20i64..20).prop_map(Integer::from),
        any::<u64>().prop_map(Integer::from),
        "-?[1-9][0-9]{18,19}".prop_map(|digits| Integer::from_digits(&digits).unwrap()),
    ]
}

pub fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(b'a'..b'd', 0..3),
        prop::collection::vec(any::<u8>(), 95..105),
    ]
}

/// Any value in canonical form.
pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![integer().prop_map(Value::Integer), string().prop_map(Value::from)];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
            prop::collection::vec((string(), inner), 0..8).prop_map(Value::dict),
        ]
    })
}

/// Bytes that often are nearly a message.
pub fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let alphabet = prop::sample::select(b"iiilllddeeeee00112:::-+ab\xff".as_slice());
    let piece = prop_oneof![
        8 => alphabet.prop_map(|byte| vec![byte]),
        1 => Just(b"1:a".to_vec()),
        1 => Just(b"1:bi1e".to_vec()),
        1 => Just(b"i0e".to_vec()),
        1 => Just(b"0:".to_vec()),
        1 => Just(b"02:ab".to_vec()),
    ];
    let loose = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
    let damaged =
        (value(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut bytes = value.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        });
    prop_oneof![loose, damaged, prop::collection::vec(any::<u8>(), 0..40)]
}
