//! Agreement with other people's decoders: bendy, which is strict about keys, and bt_bencode.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod strategies;

use bendy::decoding::{Decoder as Bendy, Object};
use overlay_bencode::{Integer, Value, decode};
use proptest::prelude::*;

use strategies::{nearly, value};

fn from_bendy(object: Object<'_, '_>) -> Result<Value, bendy::decoding::Error> {
    Ok(match object {
        Object::Integer(digits) => Integer::from_digits(digits).unwrap().into(),
        Object::Bytes(bytes) => bytes.into(),
        Object::List(mut list) => {
            let mut items = Vec::new();
            while let Some(item) = list.next_object()? {
                items.push(from_bendy(item)?);
            }
            Value::List(items)
        }
        Object::Dict(mut dict) => {
            let mut entries = Vec::new();
            while let Some((key, item)) = dict.next_pair()? {
                entries.push((key.to_vec(), from_bendy(item)?));
            }
            Value::dict(entries)
        }
    })
}

fn bendy(bytes: &[u8]) -> Option<Value> {
    let mut decoder = Bendy::new(bytes).with_max_depth(100);
    from_bendy(decoder.next_object().ok()??).ok()
}

fn from_bt_bencode(value: &bt_bencode::Value) -> Value {
    use bt_bencode::value::Number;
    match value {
        bt_bencode::Value::Int(Number::Signed(number)) => Value::from(*number),
        bt_bencode::Value::Int(Number::Unsigned(number)) => Value::from(*number),
        bt_bencode::Value::ByteStr(bytes) => Value::from(bytes.as_slice()),
        bt_bencode::Value::List(items) => Value::List(items.iter().map(from_bt_bencode).collect()),
        bt_bencode::Value::Dict(entries) => Value::dict(
            entries.iter().map(|(key, value)| (key.as_slice().to_vec(), from_bt_bencode(value))),
        ),
    }
}

/// It keeps integers in 64 bits.
fn fits_64_bits(value: &Value) -> bool {
    match value {
        Value::Integer(number) => number.as_int().is_some() || number.as_uint().is_some(),
        Value::List(items) => items.iter().all(fits_64_bits),
        Value::Dict(entries) => entries.values().all(fits_64_bits),
        Value::Bytes(_) | Value::Raw(_) => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 8))]

    #[test]
    fn all_read_the_same_value(value in value()) {
        let bytes = value.to_vec();
        let ours = decode(&bytes).unwrap().to_value().unwrap();
        prop_assert_eq!(bendy(&bytes), Some(ours.clone()));
        if fits_64_bits(&ours) {
            let other: bt_bencode::Value = bt_bencode::from_slice(&bytes).unwrap();
            prop_assert_eq!(from_bt_bencode(&other), ours);
        }
    }

    /// They accept more than we do, never less.
    #[test]
    fn what_we_accept_they_read_alike(bytes in nearly()) {
        let Ok(document) = decode(&bytes) else { return Ok(()) };
        let ours = document.to_value().unwrap();
        prop_assert_eq!(bendy(&bytes), Some(ours.clone()));
        if fits_64_bits(&ours) {
            let other: bt_bencode::Value = bt_bencode::from_slice(&bytes).unwrap();
            prop_assert_eq!(from_bt_bencode(&other), ours);
        }
    }
}
