//! Bencode decoding, strict and lenient, whole and by prefix.

use crate::allocation::peak;
use overlay_bencode::{
    Decoded, Decoder, Document, ErrorKind, Kind, Limits, Node, Value, decode, decode_lenient,
};

/// Checks one input.
pub fn check(data: &[u8]) {
    let strict = decode(data);
    let lenient = decode_lenient(data);
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => {
            assert!(lenient.deviations().is_empty());
            let value = strict.to_value().expect("within the default depth");
            assert_eq!(value.encoded_len(), data.len());
            assert_eq!(value.to_vec(), data, "the canonical form is unique");
            assert_eq!(lenient.to_value(), Ok(value));
        }
        (Err(strict), Ok(lenient)) => {
            let first = lenient.deviations().first().copied();
            assert_eq!(Some(*strict), first.map(Into::into), "strict stops at the first deviation");
            let canonical = lenient.to_value().expect("within the default depth").to_vec();
            assert_ne!(canonical, data);
            let again = decode(&canonical).expect("what is encoded is canonical");
            assert_eq!(again.to_value(), lenient.to_value());
        }
        (Err(strict), Err(lenient)) => {
            assert!(strict == lenient || matches!(strict.kind, ErrorKind::Deviation(_)));
        }
        (Ok(_), Err(error)) => panic!("lenient refuses what strict accepts: {error}"),
    }
    if let Ok(document) = &lenient {
        check_views(document, data);
    }
    check_prefixes(Decoder::strict(), data);
    check_prefixes(Decoder::lenient(), data);
    check_limits(data);
    check_allocation(data);
}

/// What the documentation of [`Limits`] promises. The constant is for short inputs, which get room for
/// a few tokens at once.
fn check_allocation(data: &[u8]) {
    let strict = peak(|| decode(data).is_ok());
    assert!(strict <= 16 * data.len() + 256, "{strict} bytes for {}", data.len());
    let lenient = peak(|| decode_lenient(data).is_ok());
    assert!(lenient <= 64 * data.len() + 512, "{lenient} bytes for {}", data.len());
    // One token for a byte at most, and each is an event of the walk.
    if let Ok(document) = decode_lenient(data) {
        let walked = document.root().walk().count();
        let tokens = document.into_tape().len();
        assert!(tokens <= data.len());
        assert_eq!(walked, tokens);
    }
}

fn check_views(document: &Document<'_>, data: &[u8]) {
    let offsets: Vec<usize> = document.deviations().iter().map(|found| found.offset).collect();
    assert!(offsets.is_sorted() && offsets.iter().all(|&offset| offset < data.len()));
    let mut pending = vec![document.root()];
    while let Some(node) = pending.pop() {
        assert_eq!(&data[node.span()], node.raw());
        check_scalar(node);
        if let Some(list) = node.as_list() {
            pending.extend(list);
            assert_eq!(list.is_empty(), list.iter().next().is_none());
        }
        if let Some(dict) = node.as_dict() {
            for (key, value) in dict {
                assert_eq!(key.span().end, value.offset());
                pending.extend([key, value]);
            }
        }
        assert_eq!(document.node(node.id()).expect("its own id").raw(), node.raw());
    }
}

fn check_scalar(node: Node<'_, '_>) {
    match node.kind() {
        Kind::Integer => {
            let digits = node.digits().expect("an integer has digits");
            assert_eq!(node.as_int(), digits.parse().ok());
            let unsigned =
                digits.strip_prefix('-').filter(|zero| zero.trim_matches('0').is_empty());
            assert_eq!(node.as_uint(), unsigned.unwrap_or(digits).parse().ok());
        }
        Kind::Bytes => {
            let content = node.as_bytes().expect("a string has content");
            assert!(node.raw().ends_with(content));
            assert_eq!(node.as_str(), std::str::from_utf8(content).ok());
        }
        Kind::List | Kind::Dict => assert!(node.digits().is_none() && node.as_bytes().is_none()),
    }
}

/// How the bytes are cut must not matter: every prefix needs more, never too much, until the message
/// is there; and what is an error stays one.
fn check_prefixes(decoder: Decoder, data: &[u8]) {
    let whole = decoder.decode_prefix(data);
    // Not everywhere, which would take most of the time; the fuzzer varies the length.
    let ends = (0..data.len()).step_by(data.len() / 12 + 1);
    for end in ends {
        match (decoder.decode_prefix(&data[..end]), &whole) {
            (Ok(Decoded::Partial { needed }), Ok(Decoded::Complete { consumed, .. })) => {
                assert!(needed >= 1 && end + needed <= *consumed);
            }
            (Ok(Decoded::Partial { needed }), _) => assert!(needed >= 1),
            (
                Ok(Decoded::Complete { value, consumed }),
                Ok(Decoded::Complete { value: same, .. }),
            ) => {
                assert_eq!(value.bytes(), same.bytes());
                assert_eq!(value.bytes(), &data[..consumed]);
            }
            // How much it says will come may be too much before the digit that is wrong.
            (Err(error), Err(same)) => {
                assert!(error == *same || matches!(error.kind, ErrorKind::TooLong { .. }));
            }
            (part, whole) => panic!("{end} bytes: {part:?}, all: {whole:?}"),
        }
    }
    // Without trailing bytes, a message is its own prefix.
    if let Ok(Decoded::Complete { value, consumed }) = &whole {
        let alone = decoder.decode(&data[..*consumed]).expect("the same bytes");
        assert_eq!(alone.deviations(), value.deviations());
        assert_eq!(alone.to_value(), value.to_value());
    }
}

fn check_limits(data: &[u8]) {
    let tight = Limits { bytes: 64, tokens: 12, depth: 3, integer_digits: 5 };
    let Ok(document) = Decoder::strict().limits(tight).decode(data) else { return };
    assert!(data.len() <= tight.bytes);
    let value = document.to_value().expect("shallow");
    assert!(depth(&value) <= tight.depth);
    assert!(document.into_tape().len() <= tight.tokens);
}

fn depth(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Dict(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        Value::Integer(_) | Value::Bytes(_) | Value::Raw(_) => 0,
    }
}
