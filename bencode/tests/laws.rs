//! Laws that hold for all values and all bytes.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod naive;
mod strategies;

use overlay_bencode::{
    Decoded, Decoder, ErrorKind, Event, Kind, Limits, Node, decode, decode_lenient, decode_prefix,
};
use proptest::prelude::*;

use strategies::{nearly, value};

/// What a walk along the tape has to tell, from the views of lists and dictionaries.
fn told(node: Node<'_, '_>, told_so_far: &mut Vec<String>) {
    match node.kind() {
        Kind::Integer => told_so_far.push(format!("{:?}", node.digits())),
        Kind::Bytes => told_so_far.push(format!("{:?}", node.as_bytes().unwrap())),
        Kind::List => {
            told_so_far.push("list".into());
            node.as_list().unwrap().iter().for_each(|item| told(item, told_so_far));
            told_so_far.push("end".into());
        }
        Kind::Dict => {
            told_so_far.push("dict".into());
            for (key, value) in node.as_dict().unwrap() {
                told(key, told_so_far);
                told(value, told_so_far);
            }
            told_so_far.push("end".into());
        }
    }
}

/// Uses every view of every value.
fn walk(node: Node<'_, '_>, input: &[u8]) -> usize {
    assert_eq!(&input[node.span()], node.raw());
    assert_eq!(node.offset(), node.span().start);
    let inner = match node.kind() {
        Kind::Integer => {
            assert_eq!(node.digits().map(str::len), Some(node.span().len() - 2));
            0
        }
        Kind::Bytes => {
            let content = node.as_bytes().unwrap();
            assert!(node.raw().ends_with(content));
            0
        }
        Kind::List => node.as_list().unwrap().iter().map(|item| walk(item, input)).sum(),
        Kind::Dict => {
            let entries = node.as_dict().unwrap().iter();
            entries.map(|(key, value)| walk(key, input) + walk(value, input)).sum()
        }
    };
    inner + 1
}

proptest! {
    // They are quick, and most arbitrary bytes are refused at once.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 16))]

    #[test]
    fn a_walk_tells_what_the_views_do(value in value()) {
        let bytes = value.to_vec();
        let document = decode(&bytes).unwrap();
        let mut nodes = vec![document.root()];
        // From every value on: what is within it, and nothing of what follows.
        while let Some(node) = nodes.pop() {
            let walk = node.walk();
            let len = walk.len();
            let walked: Vec<String> = walk
                .map(|event| match event {
                    Event::Integer(number) => {
                        assert_eq!(number.as_int(), number.digits().unwrap().parse().ok());
                        format!("{:?}", number.digits())
                    }
                    Event::Bytes(bytes) => format!("{bytes:?}"),
                    Event::List => "list".into(),
                    Event::Dict => "dict".into(),
                    Event::End => "end".into(),
                })
                .collect();
            let mut expected = Vec::new();
            told(node, &mut expected);
            prop_assert_eq!(len, walked.len());
            prop_assert_eq!(walked, expected);
            nodes.extend(node.as_list().into_iter().flatten());
            nodes.extend(node.as_dict().into_iter().flatten().flat_map(|(key, value)| [key, value]));
        }
    }

    #[test]
    fn round_trip(value in value()) {
        let bytes = value.to_vec();
        prop_assert_eq!(bytes.len(), value.encoded_len());
        let document = decode(&bytes).unwrap();
        prop_assert_eq!(document.to_value().unwrap(), value);
        walk(document.root(), &bytes);
    }

    /// One sequence of bytes for each value: what strict decoding accepts, encoding gives back.
    #[test]
    fn canonical_form_is_unique(bytes in nearly()) {
        if let Ok(document) = decode(&bytes) {
            prop_assert_eq!(document.to_value().unwrap().to_vec(), bytes);
        }
    }

    /// What lenient decoding accepts has the canonical form of its value, unless it says otherwise.
    #[test]
    fn lenient_reports_whatever_is_not_canonical(bytes in nearly()) {
        if let Ok(document) = decode_lenient(&bytes) {
            let canonical = document.to_value().unwrap().to_vec();
            prop_assert_eq!(document.deviations().is_empty(), canonical == bytes);
        }
    }

    #[test]
    fn strict_is_a_subset_of_lenient(bytes in nearly()) {
        match (decode(&bytes), decode_lenient(&bytes)) {
            (Ok(strict), Ok(lenient)) => {
                prop_assert!(lenient.deviations().is_empty());
                prop_assert_eq!(strict.to_value(), lenient.to_value());
            }
            // Strict decoding stops at the first deviation; lenient decoding may find worse later.
            (Err(strict), Ok(lenient)) => {
                let first = lenient.deviations().first().copied();
                prop_assert_eq!(Some(strict), first.map(Into::into));
            }
            (Err(strict), Err(lenient)) => {
                prop_assert!(strict == lenient || matches!(strict.kind, ErrorKind::Deviation(_)));
            }
            (Ok(_), Err(error)) => panic!("lenient refuses: {error}"),
        }
    }

    #[test]
    fn chunk_split_equality(value in value(), behind in prop::collection::vec(any::<u8>(), 0..4)) {
        let bytes = value.to_vec();
        for end in 0..bytes.len() {
            for decoder in [Decoder::strict(), Decoder::lenient()] {
                let Decoded::Partial { needed } = decoder.decode_prefix(&bytes[..end]).unwrap() else {
                    panic!("{end} bytes of {} are whole", bytes.len());
                };
                prop_assert!(needed >= 1 && needed <= bytes.len() - end, "{needed} after {end}");
            }
            // The whole-message decoder says the same.
            let error = decode(&bytes[..end]).unwrap_err();
            prop_assert_eq!(error.offset, end);
            let is_end = matches!(error.kind, ErrorKind::UnexpectedEnd { .. });
            prop_assert!(is_end);
        }
        let stream = [bytes.as_slice(), &behind].concat();
        let Decoded::Complete { value: document, consumed } = decode_prefix(&stream).unwrap() else {
            panic!("whole");
        };
        prop_assert_eq!(consumed, bytes.len());
        prop_assert_eq!(document.to_value().unwrap(), value);
    }

    /// A prefix that is refused is refused however it goes on, and for the same reason, unless that
    /// is how much it says will come.
    #[test]
    fn an_error_does_not_depend_on_what_follows(bytes in nearly(), behind in nearly()) {
        let longer = [bytes.as_slice(), &behind].concat();
        match (decode_prefix(&bytes), decode_prefix(&longer)) {
            (Err(short), Err(long)) => {
                let too_long = matches!(short.kind, ErrorKind::TooLong { .. });
                prop_assert!(short == long || too_long, "{short}, {long}");
            }
            (Err(short), Ok(_)) => panic!("accepted after {short}"),
            (Ok(Decoded::Complete { consumed, .. }), long) => {
                let same = matches!(long, Ok(Decoded::Complete { consumed: c, .. }) if c == consumed);
                prop_assert!(same);
            }
            (Ok(Decoded::Partial { needed }), Ok(Decoded::Complete { consumed, .. })) => {
                prop_assert!(bytes.len() + needed <= consumed);
            }
            (Ok(Decoded::Partial { .. }), _) => {}
        }
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(bytes in nearly()) {
        let tight = Limits { bytes: 20, tokens: 6, depth: 2, integer_digits: 2 };
        for decoder in [Decoder::strict(), Decoder::lenient()] {
            for decoder in [decoder, decoder.limits(tight)] {
                if let Ok(document) = decoder.decode(&bytes) {
                    walk(document.root(), &bytes);
                }
                if let Ok(Decoded::Complete { value, consumed }) = decoder.decode_prefix(&bytes) {
                    walk(value.root(), &bytes[..consumed]);
                }
            }
        }
    }

    #[test]
    fn agrees_with_a_naive_decoder(bytes in nearly()) {
        let ours = decode(&bytes).ok().map(|document| document.to_value().unwrap());
        prop_assert_eq!(ours, naive::decode(&bytes));
    }
}
