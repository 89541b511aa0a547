//! Limits, and input that is made to hurt.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use overlay_bencode::{
    DecodeError, Decoded, Decoder, DeviationKind, ErrorKind, Limits, Tape, Value, decode,
    decode_lenient,
};

const LIMITS: Limits = Limits::DEFAULT;

fn kind_within(limits: Limits, input: &[u8]) -> Option<ErrorKind> {
    let strict = Decoder::strict().limits(limits).decode(input).err();
    let lenient = Decoder::lenient().limits(limits).decode(input).err();
    assert_eq!(strict, lenient);
    strict.map(|error| error.kind)
}

#[test]
fn each_limit_is_met_exactly() {
    let depth = Limits { depth: 3, ..LIMITS };
    assert_eq!(kind_within(depth, b"ld1:aleee"), None);
    assert_eq!(kind_within(depth, b"ld1:allee"), Some(ErrorKind::TooDeep { max: 3 }));
    assert_eq!(
        kind_within(Limits { depth: 0, ..LIMITS }, b"le"),
        Some(ErrorKind::TooDeep { max: 0 })
    );
    assert_eq!(kind_within(Limits { depth: 0, ..LIMITS }, b"i1e"), None);

    // List, its end, a dictionary, its end, a key, two integers.
    let message = b"ld1:ai1eei2ee";
    assert_eq!(kind_within(Limits { tokens: 7, ..LIMITS }, message), None);
    for max in 0..7 {
        let limits = Limits { tokens: max, ..LIMITS };
        assert_eq!(kind_within(limits, message), Some(ErrorKind::TooManyTokens { max }));
    }

    assert_eq!(kind_within(Limits { bytes: message.len(), ..LIMITS }, message), None);
    for max in 0..message.len() {
        let limits = Limits { bytes: max, ..LIMITS };
        assert_eq!(kind_within(limits, message), Some(ErrorKind::TooLong { max }), "{max}");
    }

    let digits = Limits { integer_digits: 3, ..LIMITS };
    assert_eq!(kind_within(digits, b"i-999e"), None);
    assert_eq!(kind_within(digits, b"i1000e"), Some(ErrorKind::TooManyDigits { max: 3 }));
    assert_eq!(kind_within(digits, b"1000:"), Some(ErrorKind::TooManyDigits { max: 3 }));
    let many = [b"i".as_slice(), &[b'7'; 5000], b"e"].concat();
    assert_eq!(kind_within(Limits { integer_digits: 5000, ..LIMITS }, &many), None);
}

#[test]
fn a_prefix_is_refused_once_it_can_not_fit() {
    let decoder = Decoder::strict().limits(Limits { bytes: 10, ..LIMITS });
    assert_eq!(decoder.decode_prefix(b"7:").unwrap().needed(), Some(7));
    assert_eq!(decoder.decode_prefix(b"8:abc").unwrap().needed(), Some(5));
    let too_long = ErrorKind::TooLong { max: 10 };
    assert_eq!(decoder.decode_prefix(b"9:").unwrap_err().kind, too_long);
    // Before the length is known to its last digit.
    assert_eq!(decoder.decode_prefix(b"12").unwrap_err().kind, too_long);
    // What follows the message does not count.
    let long = [b"8:".as_slice(), &[0; 100]].concat();
    assert!(matches!(decoder.decode_prefix(&long), Ok(Decoded::Complete { consumed: 10, .. })));
    assert_eq!(decoder.decode_prefix(b"l8:01234567890e").unwrap_err().kind, too_long);
}

trait Needed {
    fn needed(&self) -> Option<usize>;
}

impl<T> Needed for Decoded<T> {
    fn needed(&self) -> Option<usize> {
        match self {
            Decoded::Complete { .. } => None,
            Decoded::Partial { needed } => Some(*needed),
        }
    }
}

/// A quarter of what a thread usually has. Recursion a million levels deep would not fit.
fn with_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_million_nested_lists_are_an_error() {
    with_small_stack(|| {
        let open = vec![b'l'; 1_000_000];
        let expected = DecodeError { offset: 100, kind: ErrorKind::TooDeep { max: 100 } };
        assert_eq!(decode(&open).unwrap_err(), expected);
        assert_eq!(decode_lenient(&open).unwrap_err(), expected);
    });
}

#[test]
fn a_million_nested_lists_decode_if_they_may() {
    with_small_stack(|| {
        let depth = 1_000_000;
        let nested = [vec![b'l'; depth], vec![b'e'; depth]].concat();
        let decoder = Decoder::strict().limits(Limits { depth, ..LIMITS });
        let document = decoder.decode(&nested).unwrap();
        let mut node = document.root();
        let mut levels = 1;
        while let Some(inner) = node.as_list().unwrap().iter().next() {
            assert_eq!(inner.span(), levels..nested.len() - levels);
            node = inner;
            levels += 1;
        }
        assert_eq!(levels, depth);
        // An owned value is recursive, so it has a limit of its own.
        let error = document.to_value().unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooDeep { max: Value::MAX_DEPTH });
        assert_eq!(error.offset, Value::MAX_DEPTH);

        let decoder = Decoder::strict().limits(Limits { depth: depth - 1, ..LIMITS });
        let expected =
            DecodeError { offset: depth - 1, kind: ErrorKind::TooDeep { max: depth - 1 } };
        assert_eq!(decoder.decode(&nested).unwrap_err(), expected);
        assert_eq!(decoder.decode_prefix(&nested[..depth - 1]).unwrap().needed(), Some(depth - 1));
    });
}

#[test]
fn the_deepest_owned_value_is_walked_with_little_stack() {
    with_small_stack(|| {
        let depth = Value::MAX_DEPTH;
        let key = b"d1:k".repeat(depth);
        let nested = [key.as_slice(), b"i1e", &vec![b'e'; depth]].concat();
        let limits = Limits { depth: 1000, ..LIMITS };
        let value = Decoder::strict().limits(limits).decode(&nested).unwrap().to_value().unwrap();
        assert_eq!(value.encoded_len(), nested.len());
        assert_eq!(value.clone().to_vec(), nested);
        assert_eq!(value, value.clone());
    });
}

/// Its open dictionaries are not walked for duplicates: they have no end yet.
#[test]
fn a_cut_message_with_unsorted_keys_needs_more() {
    for input in [b"d1:b0:1:ad".as_slice(), b"ld1:b0:1:a0:1:bl", b"d1:b0:1:a0:1:b"] {
        let decoded = Decoder::lenient().decode_prefix(input).unwrap();
        assert!(decoded.needed().is_some());
        let kind = Decoder::lenient().decode(input).unwrap_err().kind;
        assert!(matches!(kind, ErrorKind::UnexpectedEnd { .. }));
    }
}

/// Would take hours if it were quadratic.
#[test]
fn many_unsorted_keys_take_no_quadratic_time() {
    let mut input = b"d".to_vec();
    for key in (0..500_000).rev() {
        input.extend_from_slice(format!("6:{key:06}0:").as_bytes());
    }
    input.extend_from_slice(b"6:4999990:e");
    let document = decode_lenient(&input).unwrap();
    let count = |kind| document.deviations().iter().filter(|found| found.kind == kind).count();
    assert_eq!(count(DeviationKind::UnsortedKey), 499_999);
    assert_eq!(count(DeviationKind::DuplicateKey), 1);
}

#[test]
fn a_tape_is_used_again_and_empty_after_an_error() {
    let mut tape = Tape::new();
    let strict = Decoder::strict();
    assert_eq!(strict.decode_into(b"li1ei2ee", &mut tape).unwrap().raw(), b"li1ei2ee");
    assert_eq!(tape.len(), 4);
    assert!(tape.root(b"li3ei4ee").is_some());
    assert!(tape.root(b"li1e").is_none());
    for bad in [b"i1ee".as_slice(), b"li1e", b"lx", b""] {
        assert!(strict.decode_into(bad, &mut tape).is_err());
        assert!(tape.is_empty());
        assert!(tape.root(bad).is_none());
    }
    let id = strict.decode_into(b"li1ei2ee", &mut tape).unwrap().as_list().unwrap();
    let id = id.iter().nth(1).unwrap().id();
    assert_eq!(tape.node(b"li1ei2ee", id).unwrap().as_int(), Some(2));
    // Other bytes of that length: meaningless, but no panic.
    let other = tape.node(b"\xff\xff\xff\xff\xff\xff\xff\xff", id).unwrap();
    assert_eq!((other.as_int(), other.as_bytes(), other.digits()), (None, None, None));
    strict.decode_into(b"i1e", &mut tape).unwrap();
    assert!(tape.node(b"i1e", id).is_none());
}
