//! What stands for what, and what is wrong where.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use bytes::BytesMut;
use overlay_bencode::serde::{
    DeserializeErrorKind, Deserializer, MAX_DEPTH, RawRef, SerializeErrorKind, Writer, from_bytes,
    from_bytes_with, from_prefix, to_buf, to_vec,
};
use overlay_bencode::{
    Decoded, Decoder, DeviationKind, ErrorKind, Expected, Integer, Limits, Raw, Value,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf, Bytes};

/// Both ways.
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, bytes: &[u8]) {
    assert_eq!(to_vec(value).unwrap().escape_ascii().to_string(), bytes.escape_ascii().to_string());
    assert_eq!(&from_bytes::<T>(bytes).unwrap(), value);
}

/// The kind as text, and the offset.
fn refused<'a, T: Deserialize<'a> + Debug>(bytes: &'a [u8]) -> (String, usize) {
    let error = from_bytes::<T>(bytes).unwrap_err();
    assert_eq!(error.to_string(), format!("{} at byte {}", error.kind(), error.offset()));
    (error.kind().to_string(), error.offset())
}

fn malformed<'a, T: Deserialize<'a> + Debug>(bytes: &'a [u8]) -> (ErrorKind, usize) {
    let error = from_bytes::<T>(bytes).unwrap_err();
    match error.kind() {
        DeserializeErrorKind::Malformed(kind) => (*kind, error.offset()),
        other => panic!("{other}"),
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u16);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(String, i8);

/// Fields out of order, on purpose.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct File {
    path: Vec<String>,
    length: u64,
    #[serde(rename = "md5sum")]
    md5: Option<String>,
    attr: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Message {
    Ping,
    Port(u16),
    Range(u64, u64),
    Find { target: String, count: u8 },
}

#[test]
fn types_have_their_forms() {
    same(&-3i8, b"i-3e");
    same(&u8::MAX, b"i255e");
    same(&i64::MIN, b"i-9223372036854775808e");
    same(&i64::MAX, b"i9223372036854775807e");
    same(&u64::MAX, b"i18446744073709551615e");
    same(&(u128::from(u64::MAX) + 1), b"i18446744073709551616e");
    same(&(i128::from(i64::MIN) - 1), b"i-9223372036854775809e");
    same(&-1i128, b"i-1e");
    same(&false, b"i0e");
    same(&true, b"i1e");
    same(&'\u{e9}', b"2:\xc3\xa9");
    same(&String::from("spam"), b"4:spam");
    same(&String::new(), b"0:");
    same(&ByteBuf::from(b"\xff\x00"), b"2:\xff\x00");
    same(&ByteArray::new(*b"abcd"), b"4:abcd");
    same(&vec![1u8, 2], b"li1ei2ee");
    same(&[[1u8; 2]; 1], b"lli1ei1eee");
    same(&Vec::<u8>::new(), b"le");
    same(&(1u8, String::from("a"), ()), b"li1e1:alee");
    same(&(), b"le");
    same(&Unit, b"le");
    same(&Wrapped(7), b"i7e");
    same(&Pair("a".into(), -1), b"l1:ai-1ee");
    same(&Some(3), b"i3e");
    let file = File { path: vec!["a".into()], length: 5, ..File::default() };
    same(&file, b"d6:lengthi5e4:pathl1:aee");
    let file = File { attr: Some("x".into()), md5: Some("m".into()), ..File::default() };
    same(&file, b"d4:attr1:x6:lengthi0e6:md5sum1:m4:pathlee");
}

#[test]
fn numbers_of_every_length() {
    let mut number = 0u64;
    for _ in 0..=20 {
        for number in [number, number / 7, number.saturating_sub(1)] {
            same(&number, format!("i{number}e").as_bytes());
            same(&vec![number, number], format!("li{number}ei{number}ee").as_bytes());
            if let Ok(number) = i64::try_from(number) {
                same(&-number, format!("i{}e", -number).as_bytes());
            }
        }
        number = number.saturating_mul(10).saturating_add(9);
    }
    for (text, at) in [("i012e", 1), ("i00e", 1), ("i00000000012e", 1), ("i-0e", 1)] {
        assert_eq!(malformed::<i64>(text.as_bytes()).1, at, "{text}");
    }
}

#[test]
fn strings_of_every_length() {
    for length in (0..130).chain([999, 1000, 70_000]) {
        let text = "x".repeat(length);
        let encoded = format!("{length}:{text}").into_bytes();
        same(&text, &encoded);
        same(&ByteBuf::from(text.clone()), &encoded);
        assert_eq!(from_bytes::<&str>(&encoded).unwrap(), text);
        assert_eq!(Value::from(text.as_str()).to_vec(), encoded);
    }
}

#[test]
fn enums_have_their_forms() {
    same(&Message::Ping, b"4:Ping");
    same(&Message::Port(6881), b"d4:Porti6881ee");
    same(&Message::Range(1, 2), b"d5:Rangeli1ei2eee");
    let find = Message::Find { target: "x".into(), count: 2 };
    same(&find, b"d4:Findd5:counti2e6:target1:xee");

    let refused = refused::<Message>;
    let unknown = "unknown variant `Pong`, expected one of `Ping`, `Port`, `Range`, `Find`";
    assert_eq!(refused(b"4:Pong"), (unknown.into(), 0));
    assert_eq!(refused(b"d4:Pongi1ee"), (unknown.into(), 1));
    let kind = "invalid type: unit variant, expected newtype variant";
    assert_eq!(refused(b"4:Port"), (kind.into(), 0));
    let kind = "invalid type: map, expected unit variant, a string";
    assert_eq!(refused(b"d4:Pinglee"), (kind.into(), 0));
    assert_eq!(refused(b"de").1, 0);
    assert_eq!(refused(b"i1e"), ("invalid type: integer `1`, expected enum Message".into(), 0));
    let too_much = DeserializeErrorKind::TooMuch.to_string();
    assert_eq!(refused(b"d4:Porti1e5:Rangei1ee"), (too_much.clone(), 10));
    assert_eq!(refused(b"d5:Rangeli1ei2ei3eee"), (too_much, 15));
    assert_eq!(malformed::<Message>(b"d4:Porte"), (ErrorKind::MissingValue, 7));
    assert_eq!(malformed::<Message>(b"di1e"), (ErrorKind::KeyNotString { found: b'i' }, 1));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
    // Before bytes, which serde also makes from lists.
    Many(Vec<Either>),
    Bytes(ByteBuf),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "q", content = "a", rename_all = "snake_case")]
enum Query {
    Ping { id: String },
    GetPeers { id: String, info_hash: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Rest {
    known: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[test]
fn types_that_ask_for_anything() {
    same(&Either::Number(-5), b"i-5e");
    same(&Either::Text("a".into()), b"1:a");
    same(&Either::Bytes(ByteBuf::from(b"\xff")), b"1:\xff");
    same(&Either::Many(vec![Either::Number(1), Either::Many(vec![])]), b"li1elee");
    same(&Query::Ping { id: "x".into() }, b"d1:ad2:id1:xe1:q4:pinge");
    let query = Query::GetPeers { id: "x".into(), info_hash: "y".into() };
    same(&query, b"d1:ad2:id1:x9:info_hash1:ye1:q9:get_peerse");
    let rest = [("a".into(), Value::from(1)), ("z".into(), Value::from("\0"))].into();
    same(&Rest { known: 7, rest }, b"d1:ai1e5:knowni7e1:z1:\0e");

    let json: serde_json::Value = from_bytes(b"d1:ali1ei-2eee").unwrap();
    assert_eq!(json, serde_json::json!({"a": [1, -2]}));
    assert_eq!(to_vec(&json).unwrap(), b"d1:ali1ei-2eee");
    assert_eq!(from_bytes::<Value>(b"d1:\xff2:\xff\xfee").unwrap().to_vec(), b"d1:\xff2:\xff\xfee");
}

#[test]
fn keys_are_strings_of_any_bytes() {
    let scrape: HashMap<ByteArray<4>, u8> = [(ByteArray::new(*b"\xff\x00\x80a"), 1)].into();
    same(&scrape, b"d4:\xff\x00\x80ai1ee");
    let map: BTreeMap<ByteBuf, u8> = [(ByteBuf::from(b"\xff"), 1), (ByteBuf::new(), 2)].into();
    same(&map, b"d0:i2e1:\xffi1ee");
    same(&BTreeMap::from([('b', 1u8), ('a', 2)]), b"d1:ai2e1:bi1ee");
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Name {
        Zed,
        Alpha,
    }
    same(&BTreeMap::from([(Name::Zed, 1u8), (Name::Alpha, 2)]), b"d5:Alphai2e3:Zedi1ee");
    // Borrowed, and as text where it is text.
    let map: BTreeMap<&str, &Bytes> = from_bytes(b"d2:\xc3\xa91:\xffe").unwrap();
    assert_eq!(map[&"\u{e9}"].as_ref(), b"\xff");
    assert_eq!(refused::<BTreeMap<&str, u8>>(b"d1:a0:1:\xffi1ee").1, 4);
    let bytes = refused::<BTreeMap<String, u8>>(b"d1:\xffi1ee");
    assert!(bytes.0.contains("expected a string"), "{bytes:?}");
    assert_eq!(bytes.1, 1);

    for error in [
        to_vec(&BTreeMap::from([(1u8, 2)])).unwrap_err(),
        to_vec(&BTreeMap::from([(true, 2)])).unwrap_err(),
        to_vec(&BTreeMap::from([(vec![1u8], 2)])).unwrap_err(),
        to_vec(&BTreeMap::from([((), 2)])).unwrap_err(),
        to_vec(&BTreeMap::from([(None::<u8>, 2)])).unwrap_err(),
    ] {
        assert_eq!(error.kind, SerializeErrorKind::KeyNotString);
    }
}

#[test]
fn nothing_is_an_entry_left_out() {
    let map = BTreeMap::from([("a", Some(1)), ("b", None), ("c", Some(3))]);
    assert_eq!(to_vec(&map).unwrap(), b"d1:ai1e1:ci3ee");
    // Whatever the order of keys around it.
    let file = File { length: 1, ..File::default() };
    assert_eq!(to_vec(&file).unwrap(), b"d6:lengthi1e4:pathlee");
    for error in [
        to_vec(&None::<u8>).unwrap_err(),
        to_vec(&[Some(1), None]).unwrap_err(),
        to_vec(&BTreeMap::from([("a", vec![None::<u8>])])).unwrap_err(),
    ] {
        assert_eq!(error.kind, SerializeErrorKind::Nothing);
    }
    assert_eq!(to_vec(&Some(Some(1))).unwrap(), b"i1e");
}

#[test]
fn floats_are_refused() {
    assert_eq!(to_vec(&1.5f32).unwrap_err().kind, SerializeErrorKind::Float);
    assert_eq!(to_vec(&[1.0f64]).unwrap_err().kind, SerializeErrorKind::Float);
    assert_eq!(refused::<Vec<f64>>(b"li1ee"), (DeserializeErrorKind::Float.to_string(), 1));
    assert_eq!(refused::<f32>(b"i1e"), (DeserializeErrorKind::Float.to_string(), 0));
}

#[test]
fn what_does_not_fit_is_refused_where_it_is() {
    let files = refused::<Vec<File>>;
    assert_eq!(
        files(b"ld6:length1:x4:pathleee"),
        ("invalid type: string \"x\", expected u64".into(), 10)
    );
    assert_eq!(files(b"ld6:lengthi-1e4:pathleee").1, 10);
    assert_eq!(files(b"ld6:lengthi1eee"), ("missing field `path`".into(), 1));
    assert_eq!(files(b"ldei5ee"), ("missing field `path`".into(), 1));
    assert_eq!(
        files(b"ld6:lengthi1e4:pathl1:aeei5ee"),
        ("invalid type: integer `5`, expected struct File".into(), 25)
    );
    assert_eq!(refused::<u8>(b"i256e"), ("invalid value: integer `256`, expected u8".into(), 0));
    assert_eq!(refused::<Vec<u8>>(b"li1ei-1ee").1, 4);
    assert_eq!(
        refused::<bool>(b"i2e"),
        ("invalid type: integer `2`, expected a boolean".into(), 0)
    );
    assert_eq!(refused::<char>(b"2:ab").1, 0);
    assert_eq!(refused::<Vec<u8>>(b"2:ab").0, "invalid type: string \"ab\", expected a sequence");
    assert_eq!(refused::<File>(b"li1ei2ee").0, "invalid type: sequence, expected struct File");
    assert_eq!(refused::<Vec<u8>>(b"de").0, "invalid type: map, expected a sequence");
    assert_eq!(
        refused::<(u8, u8)>(b"li1ee"),
        ("invalid length 1, expected a tuple of size 2".into(), 0)
    );
    let too_much = DeserializeErrorKind::TooMuch.to_string();
    assert_eq!(refused::<(u8, u8)>(b"li1ei2ei3ee"), (too_much.clone(), 7));
    assert_eq!(refused::<()>(b"li1ee"), (too_much, 1));
    assert_eq!(refused::<()>(b"i1e").1, 0);
    assert_eq!(refused::<&str>(b"1:\xff").1, 0);
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Closed {
        #[serde(rename = "b")]
        _b: u8,
    }
    let unknown = "unknown field `c`, expected `b`";
    assert_eq!(refused::<Closed>(b"d1:bi1e1:ci2ee"), (unknown.into(), 7));
}

/// Full 64 bits, 128 where the type has them, and beyond that a clear error.
#[test]
fn great_integers() {
    let two_to_64 = b"i18446744073709551616e";
    assert_eq!(
        refused::<u64>(two_to_64),
        ("invalid type: integer `18446744073709551616` as u128, expected u64".into(), 0)
    );
    let below = b"i-9223372036854775809e";
    assert!(refused::<i64>(below).0.contains("as i128, expected i64"));
    assert_eq!(refused::<i64>(b"i9223372036854775808e").1, 0);
    assert_eq!(refused::<u64>(b"i-1e").0, "invalid value: integer `-1`, expected u64");
    assert_eq!(from_bytes::<Integer>(two_to_64).unwrap().to_string(), "18446744073709551616");

    let many = Decoder::strict().limits(Limits { integer_digits: 60, ..Limits::DEFAULT });
    let max = format!("i{}e", u128::MAX);
    assert_eq!(from_bytes_with::<u128>(many, max.as_bytes()).unwrap(), u128::MAX);
    let min = format!("i{}e", i128::MIN);
    assert_eq!(from_bytes_with::<i128>(many, min.as_bytes()).unwrap(), i128::MIN);
    for beyond in [format!("i{}0e", u128::MAX), format!("i{}0e", i128::MIN)] {
        let error = from_bytes_with::<Vec<i128>>(many, format!("l{beyond}e").as_bytes());
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.offset()), (&DeserializeErrorKind::IntegerOutOfRange, 1));
        // Nobody asks for it.
        assert!(from_bytes_with::<IgnoredAny>(many, beyond.as_bytes()).is_ok());
        let digits = Integer::from_digits(&beyond[1..beyond.len() - 1]).unwrap();
        assert_eq!(to_vec(&vec![digits]).unwrap(), format!("l{beyond}e").as_bytes());
    }
}

#[test]
fn malformed_input_is_refused_as_by_the_decoder() {
    let unexpected = |found, expected| ErrorKind::UnexpectedByte { found, expected };
    let deviation = ErrorKind::Deviation;
    type Map = BTreeMap<String, u8>;
    assert_eq!(malformed::<Map>(b"d1:bi1e1:ai1ee"), (deviation(DeviationKind::UnsortedKey), 7));
    assert_eq!(malformed::<Map>(b"d1:ai1e1:ai1ee"), (deviation(DeviationKind::DuplicateKey), 7));
    assert_eq!(malformed::<Map>(b"d01:ai1ee"), (deviation(DeviationKind::LeadingZero), 1));
    assert_eq!(malformed::<Map>(b"d1:ai01ee"), (deviation(DeviationKind::LeadingZero), 5));
    assert_eq!(malformed::<Map>(b"d1:ai-0ee"), (deviation(DeviationKind::NegativeZero), 5));
    let trailing = deviation(DeviationKind::TrailingBytes { count: 1 });
    assert_eq!(malformed::<u8>(b"i1e\n"), (trailing, 3));
    assert_eq!(malformed::<Map>(b"d1:ae"), (ErrorKind::MissingValue, 4));
    assert_eq!(malformed::<Map>(b"di1e"), (ErrorKind::KeyNotString { found: b'i' }, 1));
    assert_eq!(malformed::<Map>(b"dx"), (unexpected(b'x', Expected::KeyOrEnd), 1));
    assert_eq!(malformed::<Map>(b"d1:ax"), (unexpected(b'x', Expected::Value), 4));
    assert_eq!(malformed::<Vec<u8>>(b"lx"), (unexpected(b'x', Expected::ItemOrEnd), 1));
    assert_eq!(malformed::<Vec<Option<u8>>>(b"lx"), (unexpected(b'x', Expected::ItemOrEnd), 1));
    assert_eq!(malformed::<(u8,)>(b"li1ex"), (unexpected(b'x', Expected::ItemOrEnd), 4));
    assert_eq!(malformed::<u8>(b"x"), (unexpected(b'x', Expected::Value), 0));
    assert_eq!(malformed::<u8>(b"e"), (unexpected(b'e', Expected::Value), 0));
    assert_eq!(malformed::<u8>(b"i+1e"), (unexpected(b'+', Expected::DigitOrMinus), 1));
    assert_eq!(malformed::<&str>(b"99999999999999999999:"), (ErrorKind::LengthOverflow, 0));
    assert_eq!(malformed::<Vec<u8>>(b"li1e"), (ErrorKind::UnexpectedEnd { needed: 1 }, 4));
    assert_eq!(malformed::<Map>(b"d1:a"), (ErrorKind::UnexpectedEnd { needed: 3 }, 4));
    assert_eq!(malformed::<Map>(b"d1:"), (ErrorKind::UnexpectedEnd { needed: 4 }, 3));
    // In what is skipped too.
    assert_eq!(malformed::<File>(b"d1:xd1:b0:1:a0:ee").1, 10);
}

#[test]
fn limits_hold() {
    let with = |limits, input: &[u8]| {
        let typed = from_bytes_with::<Value>(Decoder::strict().limits(limits), input).err();
        let tape = Decoder::strict().limits(limits).decode(input).err();
        match typed.as_ref().map(|error| (error.kind().clone(), error.offset())) {
            None => assert_eq!(tape, None),
            Some((DeserializeErrorKind::Malformed(kind), offset)) => {
                assert_eq!(tape.map(|error| (error.kind, error.offset)), Some((kind, offset)));
            }
            other => panic!("{other:?}"),
        }
        typed.is_none()
    };
    let message = b"ld1:ai1eei2ee";
    let count = |allowed: &dyn Fn(usize) -> Limits| {
        (0..20).filter(|&limit| with(allowed(limit), message)).min()
    };
    assert_eq!(count(&|tokens| Limits { tokens, ..Limits::DEFAULT }), Some(7));
    assert_eq!(count(&|bytes| Limits { bytes, ..Limits::DEFAULT }), Some(13));
    assert_eq!(count(&|depth| Limits { depth, ..Limits::DEFAULT }), Some(2));
    assert_eq!(count(&|integer_digits| Limits { integer_digits, ..Limits::DEFAULT }), Some(1));
}

/// Found by the fuzzer: a key that is one token too many and out of order is out of order.
#[test]
fn unsorted_key_and_too_many_tokens() {
    let decoder = Decoder::strict().limits(Limits { tokens: 3, ..Limits::DEFAULT });
    let input = b"d1:bi1e1:ai2ee";
    let tape = decoder.decode(input).unwrap_err();
    assert_eq!(tape.kind, ErrorKind::Deviation(DeviationKind::UnsortedKey));
    let error = from_bytes_with::<Value>(decoder, input).unwrap_err();
    assert_eq!(error.kind(), &DeserializeErrorKind::Malformed(tape.kind));
}

/// Half of what a thread usually has.
fn with_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap();
    thread.join().unwrap();
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Nested(Vec<Nested>);

#[test]
fn a_million_nested_lists_are_an_error() {
    with_small_stack(|| {
        let open = vec![b'l'; 1_000_000];
        assert_eq!(malformed::<Nested>(&open), (ErrorKind::TooDeep { max: 100 }, 100));
        assert_eq!(malformed::<Value>(&open), (ErrorKind::TooDeep { max: 100 }, 100));
        assert_eq!(malformed::<IgnoredAny>(&open), (ErrorKind::TooDeep { max: 100 }, 100));
        // Types recurse, so there is an end to what the limits may ask for.
        let deep = Decoder::strict().limits(Limits { depth: 2_000_000, ..Limits::DEFAULT });
        let error = from_bytes_with::<Nested>(deep, &open).unwrap_err();
        let max = MAX_DEPTH;
        assert_eq!(error.kind(), &DeserializeErrorKind::Malformed(ErrorKind::TooDeep { max }));
        assert_eq!(error.offset(), MAX_DEPTH);
        let deepest = [vec![b'l'; MAX_DEPTH], vec![b'e'; MAX_DEPTH]].concat();
        let nested = from_bytes_with::<Nested>(deep, &deepest).unwrap();
        assert_eq!(to_vec(&nested).unwrap(), deepest);
        assert!(from_bytes_with::<Value>(deep, &deepest).is_ok());
        // What is skipped takes no recursion.
        let skipped = [vec![b'l'; 1_000_000], vec![b'e'; 1_000_000]].concat();
        let entry = [b"d6:lengthi1e4:pathle1:x", skipped.as_slice(), b"e"].concat();
        assert_eq!(from_bytes_with::<File>(deep, &entry).unwrap().length, 1);
        assert!(from_bytes_with::<RawRef<'_>>(deep, &entry).is_ok());
    });
}

#[test]
fn lenient_reading_goes_on_and_tells() {
    let read = |input: &'static [u8]| {
        let mut deserializer = Deserializer::new(Decoder::lenient(), input);
        let map = BTreeMap::<&str, u8>::deserialize(&mut deserializer).unwrap();
        let entries: String = map.iter().map(|(key, value)| format!("{key}{value}")).collect();
        let deviations = deserializer.end().unwrap();
        assert_eq!(deviations, Decoder::lenient().decode(input).unwrap().deviations());
        (entries, deviations.len())
    };
    assert_eq!(read(b"d1:ai1e1:bi2ee"), ("a1b2".into(), 0));
    assert_eq!(read(b"d1:bi1e1:ai2ee"), ("a2b1".into(), 1));
    // The first of equal keys counts, whether they stand together or apart.
    assert_eq!(read(b"d1:ai1e1:ai2ee"), ("a1".into(), 1));
    assert_eq!(read(b"d1:ai1e1:bi2e1:ai3ee"), ("a1b2".into(), 2));
    assert_eq!(read(b"d1:bi1e1:ai2e1:ai3e1:bi4e1:ci5ee"), ("a2b1c5".into(), 3));
    assert_eq!(read(b"d01:ai01e1:ali9eee\n"), ("a1".into(), 4));
    // Structs, which would say so themselves.
    let file: File =
        from_bytes_with(Decoder::lenient(), b"d4:pathl1:ae6:lengthi1e4:pathlee").unwrap();
    assert_eq!(file.path, ["a"]);
}

#[test]
fn a_prefix_needs_more_or_says_where_it_ends() {
    let strict = Decoder::strict();
    let message = b"d8:msg_typei1e5:piecei0e10:total_sizei9eeDATA";
    #[derive(Debug, PartialEq, Deserialize)]
    struct Metadata {
        msg_type: u8,
        piece: u32,
    }
    let value = Metadata { msg_type: 1, piece: 0 };
    let whole = from_prefix::<Metadata>(strict, message).unwrap();
    assert_eq!(whole, Decoded::Complete { value, consumed: message.len() - 4 });
    for end in 0..message.len() - 4 {
        let Decoded::Partial { needed } = from_prefix::<Metadata>(strict, &message[..end]).unwrap()
        else {
            panic!("{end} bytes are whole");
        };
        assert!(needed >= 1 && needed <= message.len() - 4 - end);
    }
    assert!(from_prefix::<Metadata>(strict, b"dx").is_err());
}

#[test]
fn encoded_values_are_kept_as_they_are() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Torrent<'a> {
        #[serde(borrow)]
        info: RawRef<'a>,
        announce: Raw,
    }
    let bytes = b"d8:announce1:x4:infod1:bd1:zlee1:ai01eee";
    assert!(from_bytes::<Torrent<'_>>(bytes).is_err());
    let torrent: Torrent<'_> = from_bytes_with(Decoder::lenient(), bytes).unwrap();
    assert_eq!(torrent.info.as_bytes(), b"d1:bd1:zlee1:ai01ee");
    assert_eq!(torrent.info.as_bytes().as_ptr(), bytes[20..].as_ptr());
    assert_eq!(torrent.announce.as_bytes(), b"1:x");
    assert_eq!(to_vec(&torrent).unwrap(), bytes);
    assert_eq!(torrent.info.to_raw().as_bytes(), torrent.info.as_bytes());
    assert!(RawRef::parse(b"i01e").is_err());
    assert_eq!(RawRef::parse(b"i1e").unwrap().as_bytes(), b"i1e");
    // Other formats hand over bytes that nobody has checked.
    let json = serde_json::to_string(&Raw::parse("le").unwrap()).unwrap();
    assert_eq!(json, "[108,101]");
    let text = serde_json::from_str::<RawRef<'_>>("\"le\"").unwrap();
    assert_eq!(text.as_bytes(), b"le");
    assert!(serde_json::from_str::<RawRef<'_>>("\"l\"").is_err());
}

/// Such as `#[serde(deserialize_with)]` functions that fall back to a default.
#[test]
fn a_hidden_error_within_a_container_is_found() {
    fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        Ok(T::deserialize(deserializer).unwrap_or_default())
    }
    #[derive(Debug, Deserialize)]
    struct Forgiving {
        #[serde(deserialize_with = "or_default")]
        a: u8,
        #[serde(deserialize_with = "or_default")]
        b: Vec<u8>,
    }
    let fine: Forgiving = from_bytes(b"d1:a1:x1:bli1eee").unwrap();
    assert_eq!((fine.a, fine.b), (0, vec![1]));
    let fine: Forgiving = from_bytes(b"d1:ai1e1:bi1ee").unwrap();
    assert_eq!((fine.a, fine.b), (1, vec![]));
    // The list is not read to its end, so what follows is not what it seems.
    for input in [b"d1:ai1e1:bl1:xee".as_slice(), b"d1:ali1ee1:bleee", b"d1:ai1e1:blxe"] {
        assert!(from_bytes::<Forgiving>(input).is_err());
    }
}

/// A map that hands its entries over as they come.
struct Unsorted<'a>(&'a [(&'a str, Value)]);

impl Serialize for Unsorted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[test]
fn duplicates_are_refused_when_written() {
    let entries = [("b", Value::from(1)), ("a", Value::from(2)), ("b", Value::from(3))];
    let error = to_vec(&Unsorted(&entries)).unwrap_err();
    assert_eq!(error.kind, SerializeErrorKind::DuplicateKey { key: b"b".as_slice().into() });
    assert_eq!(error.to_string(), "two entries have the key \"b\"");
    assert_eq!(to_vec(&Unsorted(&entries[..2])).unwrap(), b"d1:ai2e1:bi1ee");
    #[derive(Serialize)]
    struct Flat {
        known: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }
    let flat = |key| Flat { known: 1, rest: [(key, 2)].into() };
    assert_eq!(to_vec(&flat("a")).unwrap(), b"d1:ai2e5:knowni1ee");
    assert!(to_vec(&flat("known")).is_err());
}

#[test]
fn a_writer_is_used_again_also_after_an_error() {
    let mut writer = Writer::new();
    assert_eq!(writer.write(&File::default()).unwrap(), b"d6:lengthi0e4:pathlee");
    assert!(writer.write(&BTreeMap::from([("a", 1.5)])).is_err());
    assert_eq!(writer.write(&BTreeMap::from([("a", 1)])).unwrap(), b"d1:ai1ee");
    assert_eq!(writer.into_vec(), b"d1:ai1ee");

    let mut out = BytesMut::from("x".as_bytes());
    to_buf(&[1, 2], &mut out).unwrap();
    assert!(to_buf(&1.5, &mut out).is_err());
    assert_eq!(&out[..], b"xli1ei2ee");
}
