//! The serialized form through serde.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{Blocked, Counting, Params, Standard};
use proptest::collection::vec;
use proptest::prelude::*;

fn filter(m: u64, k: u32, keys: &[u64]) -> Standard {
    let mut filter = Standard::new(Params::new(m, k).unwrap(), 7).unwrap();
    filter.insert_many(keys);
    filter
}

proptest! {
    /// JSON has the hexadecimal digits, bencode the bytes.
    #[test]
    fn round_trip(m in 1u64..2000, k in 1u32..=64, keys in vec(any::<u64>(), 0..60)) {
        let filter = filter(m, k, &keys);
        let mut bytes = Vec::new();
        filter.encode(&mut bytes);

        let json = serde_json::to_string(&filter).unwrap();
        prop_assert_eq!(&json, &format!("\"{}\"", hex::encode(&bytes)));
        prop_assert_eq!(&serde_json::from_str::<Standard>(&json).unwrap(), &filter);

        let binary = overlay_bencode::serde::to_vec(&filter).unwrap();
        prop_assert_eq!(&binary, &[format!("{}:", bytes.len()).as_bytes(), &bytes].concat());
        prop_assert_eq!(&overlay_bencode::serde::from_bytes::<Standard>(&binary).unwrap(), &filter);

        let mut counting = Counting::new(filter.params(), 7).unwrap();
        keys.iter().for_each(|&key| {
            counting.insert_u64(key);
        });
        let json = serde_json::to_string(&counting).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Counting>(&json).unwrap(), &counting);
        let binary = overlay_bencode::serde::to_vec(&counting).unwrap();
        prop_assert_eq!(&overlay_bencode::serde::from_bytes::<Counting>(&binary).unwrap(), &counting);
    }
}

#[test]
fn errors_say_where_and_what() {
    let json = serde_json::to_string(&filter(100, 3, &[1])).unwrap();
    let error = serde_json::from_str::<Blocked>(&json).unwrap_err().to_string();
    assert!(error.starts_with("layout 1, expected 2 at byte 4"), "{error}");
    let error = serde_json::from_str::<Standard>("\"6f62\"").unwrap_err().to_string();
    assert!(
        error.starts_with("input ends early, expected at least 22 more bytes at byte 2"),
        "{error}"
    );
    let error = serde_json::from_str::<Standard>("\"6f6\"").unwrap_err().to_string();
    assert!(error.starts_with("Odd number of digits"), "{error}");
    let error = serde_json::from_str::<Standard>("[1, 2]").unwrap_err().to_string();
    let expected = "a serialized Bloom filter, as bytes or in hexadecimal";
    assert!(error.contains(expected), "{error}");
}
