//! Laws of the typed reader and writer: they agree with the tape and the tree.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod strategies;

use overlay_bencode::serde::{
    DeserializeError, DeserializeErrorKind, Deserializer, from_bytes, from_prefix, to_vec,
};
use overlay_bencode::{DecodeError, Decoded, Decoder, Limits, Map, Value, decode};
use proptest::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use strategies::{nearly, string, value};

/// Both modes, with the default limits and with some that bite.
fn decoders() -> [Decoder; 4] {
    let tight = Limits { bytes: 20, tokens: 6, depth: 2, integer_digits: 2 };
    let [strict, lenient] = [Decoder::strict(), Decoder::lenient()];
    [strict, lenient, strict.limits(tight), lenient.limits(tight)]
}

fn as_decode_error(error: &DeserializeError) -> DecodeError {
    match error.kind() {
        DeserializeErrorKind::Malformed(kind) => {
            DecodeError { offset: error.offset(), kind: *kind }
        }
        other => panic!("{other} of bytes that no type refuses"),
    }
}

/// Reads it, and its deviations.
fn read<T: DeserializeOwned>(
    decoder: Decoder,
    bytes: &[u8],
) -> Result<(T, Vec<overlay_bencode::Deviation>), DecodeError> {
    let mut deserializer = Deserializer::new(decoder, bytes);
    let read = T::deserialize(&mut deserializer);
    read.and_then(|value| Ok((value, deserializer.end()?))).map_err(|error| as_decode_error(&error))
}

struct InAnyOrder(Vec<(Vec<u8>, Value)>);

impl Serialize for InAnyOrder {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.iter();
        serializer.collect_map(entries.map(|(key, value)| (serde_bytes::Bytes::new(key), value)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 16))]

    #[test]
    fn round_trip(value in value()) {
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(&bytes, &value.to_vec());
        prop_assert_eq!(from_bytes::<Value>(&bytes).unwrap(), value);
    }

    /// The same values, errors, offsets and deviations.
    #[test]
    fn reading_any_value_agrees_with_the_tape(bytes in nearly()) {
        for decoder in decoders() {
            let tape = decoder.decode(&bytes);
            let tape = tape.map(|found| (found.to_value().unwrap(), found.deviations().to_vec()));
            prop_assert_eq!(read::<Value>(decoder, &bytes), tape, "{:?}", decoder);
        }
    }

    #[test]
    fn skipping_agrees_with_the_tape(bytes in nearly()) {
        for decoder in decoders() {
            let tape = decoder.decode(&bytes).map(|found| found.deviations().to_vec());
            let skipped = read::<IgnoredAny>(decoder, &bytes).map(|(_, deviations)| deviations);
            prop_assert_eq!(skipped, tape, "{:?}", decoder);
        }
    }

    #[test]
    fn prefixes_agree_with_the_tape(bytes in nearly()) {
        for decoder in decoders() {
            let typed = from_prefix::<Value>(decoder, &bytes);
            match (typed, decoder.decode_prefix(&bytes)) {
                (Ok(Decoded::Partial { needed }), Ok(Decoded::Partial { needed: same })) => {
                    prop_assert_eq!(needed, same);
                }
                (
                    Ok(Decoded::Complete { value, consumed }),
                    Ok(Decoded::Complete { value: document, consumed: same }),
                ) => {
                    prop_assert_eq!(consumed, same);
                    prop_assert_eq!(value, document.to_value().unwrap());
                }
                (Err(error), Err(same)) => prop_assert_eq!(as_decode_error(&error), same),
                (typed, tape) => panic!("{typed:?}, but {tape:?}"),
            }
        }
    }

    /// Types that want something else neither panic nor accept what is malformed.
    #[test]
    fn no_type_accepts_malformed_bytes(bytes in nearly()) {
        fn check<'a, T: Deserialize<'a>>(bytes: &'a [u8]) {
            if from_bytes::<T>(bytes).is_ok() {
                decode(bytes).unwrap();
            }
        }
        check::<std::collections::BTreeMap<&serde_bytes::Bytes, Option<(u8, String)>>>(&bytes);
        check::<Vec<Vec<i32>>>(&bytes);
        check::<(String, (), Option<u64>)>(&bytes);
        check::<std::collections::HashMap<String, Vec<serde_bytes::ByteBuf>>>(&bytes);
        check::<Vec<bool>>(&bytes);
    }

    /// Whatever order the entries come in.
    #[test]
    fn what_is_written_is_canonical(
        entries in prop::collection::vec((string(), value()), 0..12),
    ) {
        let map: Map = entries.clone().into_iter().collect();
        let has_duplicates = map.len() < entries.len();
        match to_vec(&InAnyOrder(entries)) {
            Ok(bytes) => {
                prop_assert!(!has_duplicates);
                prop_assert_eq!(bytes, Value::Dict(map).to_vec());
            }
            Err(error) => prop_assert!(has_duplicates, "{}", error),
        }
    }
}
