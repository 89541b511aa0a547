//! Borrowed views and owned values.

use bytes::Bytes;
use overlay_bencode::{Decoder, Integer, Kind, Limits, NodeId, Raw, Value, decode, decode_lenient};

#[test]
fn views_tell_what_is_there_and_where() {
    let message = b"d4:listl0:lei9ee4:name6:h\xc3\xa9llo3:numi-7e3:subd1:x1:yee";
    let document = decode(message).unwrap();
    let root = document.root();
    assert_eq!((root.kind(), root.span(), root.id()), (Kind::Dict, 0..message.len(), NodeId::ROOT));
    assert_eq!(document.bytes(), message);
    let dict = root.as_dict().unwrap();
    assert_eq!((dict.len(), dict.is_empty(), dict.node().offset()), (4, false, 0));
    let keys: Vec<_> = dict.iter().map(|(key, _)| key.as_str().unwrap()).collect();
    assert_eq!(keys, ["list", "name", "num", "sub"]);

    let list = dict.find(b"list").unwrap();
    assert_eq!((list.raw(), list.span()), (b"l0:lei9ee".as_slice(), 7..16));
    let list = list.as_list().unwrap();
    let kinds: Vec<_> = list.iter().map(|item| (item.kind(), item.offset())).collect();
    assert_eq!(kinds, [(Kind::Bytes, 8), (Kind::List, 10), (Kind::Integer, 12)]);
    assert_eq!((list.len(), list.is_empty()), (3, false));
    assert!(list.iter().nth(1).unwrap().as_list().unwrap().is_empty());

    let name = dict.find(b"name").unwrap();
    assert_eq!((name.as_str(), name.raw()), (Some("héllo"), b"6:h\xc3\xa9llo".as_slice()));
    let number = dict.find(b"num").unwrap();
    assert_eq!((number.as_int(), number.as_uint(), number.digits()), (Some(-7), None, Some("-7")));
    let inner = dict.find(b"sub").unwrap().as_dict().unwrap().find(b"x").unwrap();
    assert_eq!((inner.as_bytes(), inner.span()), (Some(b"y".as_slice()), 48..51));
    assert!(dict.find(b"x").is_none());
    assert!(dict.find(b"").is_none());

    // Nothing is taken for what it is not.
    assert!(name.as_int().is_none() && name.digits().is_none() && name.as_list().is_none());
    assert!(number.as_bytes().is_none() && number.as_str().is_none() && number.as_dict().is_none());
    assert!(root.as_list().is_none() && list.node().as_dict().is_none());
}

#[test]
fn strings_outlive_the_document() {
    let text =
        { decode(b"l5:helloe").unwrap().root().as_list().unwrap().iter().next().unwrap().as_str() };
    assert_eq!(text, Some("hello"));
}

#[test]
fn text_that_is_no_utf8_is_bytes_only() {
    let document = decode(b"2:h\xc3").unwrap();
    assert_eq!(document.root().as_str(), None);
    assert_eq!(document.root().as_bytes(), Some(b"h\xc3".as_slice()));
}

#[test]
fn integers_of_any_size() {
    let read = |digits: &str| {
        let input = format!("i{digits}e");
        let document = decode_lenient(input.as_bytes()).unwrap();
        assert_eq!(document.root().digits(), Some(digits));
        let owned = Integer::from_digits(digits).unwrap();
        assert_eq!(
            (owned.as_int(), owned.as_uint()),
            (document.root().as_int(), document.root().as_uint())
        );
        assert_eq!(document.to_value().unwrap(), Value::Integer(owned));
        (document.root().as_int(), document.root().as_uint())
    };
    assert_eq!(read("0"), (Some(0), Some(0)));
    assert_eq!(read("-0"), (Some(0), Some(0)));
    assert_eq!(read("007"), (Some(7), Some(7)));
    assert_eq!(read("9223372036854775807"), (Some(i64::MAX), Some((1 << 63) - 1)));
    assert_eq!(read("9223372036854775808"), (None, Some(1 << 63)));
    assert_eq!(read("-9223372036854775808"), (Some(i64::MIN), None));
    assert_eq!(read("-9223372036854775809"), (None, None));
    assert_eq!(read("18446744073709551615"), (None, Some(u64::MAX)));
    assert_eq!(read("18446744073709551616"), (None, None));
    assert_eq!(read("09223372036854775808"), (None, Some(1 << 63)));

    for text in ["", "-", "+1", "1a", " 1", "--1"] {
        assert_eq!(Integer::from_digits(text), None, "{text}");
    }
    let digits = "-123456789012345678901234567890";
    assert_eq!(Integer::from_digits(digits).unwrap().to_string(), digits);
    assert_eq!(Integer::from_digits("-000").unwrap(), Integer::from(0));
    assert_eq!(Integer::from(u64::MAX).to_string(), u64::MAX.to_string());
    assert_eq!(Value::from(i64::MIN).to_vec(), b"i-9223372036854775808e");
    assert_eq!(Value::from(u64::MAX).to_vec(), b"i18446744073709551615e");
}

#[test]
fn the_first_of_equal_keys_counts() {
    let document = decode_lenient(b"d1:b1:x1:a1:y1:b1:ze").unwrap();
    let find = |key: &[u8]| document.root().as_dict().unwrap().find(key).unwrap().as_str();
    assert_eq!((find(b"a"), find(b"b")), (Some("y"), Some("x")));
    let value = document.to_value().unwrap();
    assert_eq!(value.to_vec(), b"d1:a1:y1:b1:xe");
}

#[test]
fn raw_values_keep_their_bytes() {
    let source = decode_lenient(b"d4:infod1:b0:1:a0:ee").unwrap();
    let info = source.root().as_dict().unwrap().find(b"info").unwrap();
    let edited = Value::dict([("comment", Value::from("new")), ("info", Raw::from(info).into())]);
    assert_eq!(edited.to_vec(), b"d7:comment3:new4:infod1:b0:1:a0:ee");
    assert_eq!(edited.find(b"info").unwrap().kind(), Kind::Dict);
    assert_eq!(Raw::parse(Bytes::from_static(b"i1e")).unwrap().as_bytes(), b"i1e");
    assert!(Raw::parse(Bytes::from_static(b"i01e")).is_err());
    for (bytes, kind) in [("0:", Kind::Bytes), ("le", Kind::List), ("i1e", Kind::Integer)] {
        assert_eq!(Value::from(Raw::parse(bytes).unwrap()).kind(), kind);
    }
}

#[test]
fn a_prefix_is_a_document_of_its_own() {
    let stream = b"i1e4:spamle";
    let mut at = 0;
    let mut seen = Vec::new();
    while at < stream.len() {
        let decoder = Decoder::strict().limits(Limits { bytes: 6, ..Limits::DEFAULT });
        let overlay_bencode::Decoded::Complete { value, consumed } =
            decoder.decode_prefix(&stream[at..]).unwrap()
        else {
            panic!("whole messages");
        };
        assert_eq!(value.root().raw(), &stream[at..at + consumed]);
        seen.push(value.root().kind());
        assert!(value.into_tape().root(&stream[at..at + consumed]).is_some());
        at += consumed;
    }
    assert_eq!(seen, [Kind::Integer, Kind::Bytes, Kind::List]);
}
