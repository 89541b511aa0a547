//! Reading bencode into types, and writing types.

use std::collections::BTreeMap;

use overlay_bencode::serde::{
    DeserializeError, DeserializeErrorKind, Deserializer, RawRef, from_bytes, from_bytes_with,
    from_prefix, to_vec,
};
use overlay_bencode::{DecodeError, Decoded, Decoder, Deviation, Limits, Value};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::allocation::peak;

/// Checks one input.
pub fn check(data: &[u8]) {
    let tight = Limits { bytes: 64, tokens: 12, depth: 3, integer_digits: 5 };
    for decoder in [Decoder::strict(), Decoder::lenient()] {
        agrees_with_the_tape(decoder, data);
        agrees_with_the_tape(decoder.limits(tight), data);
        types_that_want_something(decoder, data);
        let taken = peak(|| from_bytes_with::<Value>(decoder, data).is_ok());
        assert!(taken <= 128 * data.len() + 1024, "{taken} bytes for {}", data.len());
        let taken = peak(|| from_bytes_with::<IgnoredAny>(decoder, data).is_ok());
        assert!(taken <= 64 * data.len() + 512, "{taken} bytes for {}", data.len());
    }
}

/// The same values, deviations and errors, each where it is.
fn agrees_with_the_tape(decoder: Decoder, data: &[u8]) {
    let tape = decoder.decode(data);
    let tree = tape.as_ref().map_err(|error| *error).map(|document| {
        (document.to_value().expect("within the default depth"), document.deviations().to_vec())
    });
    assert_eq!(read::<Value>(decoder, data), tree);
    let skipped = read::<IgnoredAny>(decoder, data).map(|(_, deviations)| deviations);
    assert_eq!(skipped, tree.clone().map(|(_, deviations)| deviations));
    let raw = from_bytes_with::<RawRef<'_>>(decoder, data).map_err(as_decode_error);
    let bytes = tape.map(|document| document.bytes());
    assert_eq!(raw.map(RawRef::as_bytes), bytes);
    if let Ok((value, _)) = tree {
        let written = to_vec(&value).expect("values have a form");
        assert_eq!(written, value.to_vec());
        assert_eq!(from_bytes::<Value>(&written), Ok(value));
    }
    match (from_prefix::<Value>(decoder, data), decoder.decode_prefix(data)) {
        (Ok(Decoded::Partial { needed }), Ok(Decoded::Partial { needed: same })) => {
            assert_eq!(needed, same);
        }
        (
            Ok(Decoded::Complete { value, consumed }),
            Ok(Decoded::Complete { value: document, consumed: same }),
        ) => {
            assert_eq!(consumed, same);
            assert_eq!(Ok(value), document.to_value());
        }
        (Err(error), Err(same)) => assert_eq!(as_decode_error(error), same),
        (typed, tape) => panic!("{typed:?}, but {tape:?}"),
    }
}

fn read<T: DeserializeOwned>(
    decoder: Decoder,
    data: &[u8],
) -> Result<(T, Vec<Deviation>), DecodeError> {
    let mut deserializer = Deserializer::new(decoder, data);
    let read = T::deserialize(&mut deserializer);
    read.and_then(|value| Ok((value, deserializer.end()?))).map_err(as_decode_error)
}

fn as_decode_error(error: DeserializeError) -> DecodeError {
    match error.kind() {
        DeserializeErrorKind::Malformed(kind) => {
            DecodeError { offset: error.offset(), kind: *kind }
        }
        other => panic!("{other}, for a type that takes anything"),
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Torrent {
    announce: Option<String>,
    info: Info,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Info {
    files: Option<Vec<File>>,
    length: Option<u64>,
    name: String,
    #[serde(rename = "piece length")]
    piece_length: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct File {
    path: Vec<String>,
    length: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Anything {
    Nothing,
    #[serde(rename = "a")]
    Number(i64),
    #[serde(rename = "b")]
    Pair(bool, char),
    #[serde(rename = "i")]
    Inner {
        a: Option<Box<Anything>>,
        b: Vec<Anything>,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: Option<i8>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

fn types_that_want_something(decoder: Decoder, data: &[u8]) {
    again::<Torrent>(decoder, data);
    again::<Info>(decoder, data);
    again::<Anything>(decoder, data);
    again::<Flat>(decoder, data);
    again::<Vec<(u8, String, ())>>(decoder, data);
    again::<BTreeMap<String, Vec<Option<i128>>>>(decoder, data);
}

/// What was read is written and read again; what strict reading takes, strict decoding takes too.
fn again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    decoder: Decoder,
    data: &[u8],
) {
    match from_bytes_with::<T>(decoder, data) {
        Ok(value) => {
            assert!(decoder.decode(data).is_ok());
            let written = to_vec(&value).expect("it was read");
            assert_eq!(from_bytes::<T>(&written).as_ref(), Ok(&value));
        }
        Err(error) => assert!(error.offset() <= data.len()),
    }
}
