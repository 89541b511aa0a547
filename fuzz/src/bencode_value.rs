//! Owned values and edits: the input is a message, and behind it what to do with it.

use bytes::{BufMut, BytesMut};
use overlay_bencode::{
    Decoded, Decoder, Document, Edit, EditErrorKind, Node, Raw, Step, Value, decode_lenient,
};

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(Decoded::Complete { value: document, consumed }) =
        Decoder::lenient().decode_prefix(data)
    else {
        return;
    };
    check_value(&document);
    check_edits(&document, &data[consumed..]);
}

/// All ways of writing give the same bytes.
fn check_value(document: &Document<'_>) {
    let value = document.to_value().expect("within the default depth");
    let bytes = value.to_vec();
    assert_eq!(bytes.len(), value.encoded_len());
    let mut out = BytesMut::new();
    value.encode(&mut out);
    assert_eq!(out, bytes);
    // Room for exactly so much, in two pieces.
    let mut halves = [vec![0; bytes.len() / 2], vec![0; bytes.len() - bytes.len() / 2]];
    let [first, second] = &mut halves;
    value.encode(&mut first.as_mut_slice().chain_mut(second.as_mut_slice()));
    assert_eq!(halves.concat(), bytes);
    assert_eq!(value, value.clone());

    if let Value::Dict(entries) = &value {
        assert!(entries.iter().map(|(key, _)| key).is_sorted_by(|left, right| left < right));
        let mut copy = entries.clone();
        for (key, value) in entries {
            assert_eq!(entries.find(key), Some(value));
            assert_eq!(copy.remove(key).as_ref(), Some(value));
            assert_eq!(copy.insert(key.clone(), value.clone()), None);
        }
        assert_eq!(&copy, entries);
        assert_eq!(entries.clone().into_iter().rev().collect::<overlay_bencode::Map>(), copy);
    }
}

/// Three bytes an edit: where, what and with what. A plain splice of the bytes says what must come out.
fn check_edits(document: &Document<'_>, script: &[u8]) {
    let mut bytes = document.bytes().to_vec();
    let mut edit = Edit::new(document);
    assert_eq!(edit.to_vec(), bytes);
    for step in script.chunks_exact(3).take(8) {
        let [place, what, with] = [step[0], step[1], step[2]];
        let now = decode_lenient(&bytes).expect("what was edited is a message");
        let mut paths = Vec::new();
        collect(now.root(), &mut Vec::new(), &mut paths);
        let (path, node) = &paths[usize::from(place) % paths.len()];
        let new = match with % 4 {
            0 => Value::from(i64::from(with)),
            1 => Value::from(vec![with; usize::from(with)]),
            2 => Value::list([Value::from(1), Value::dict([("k", i64::from(with))])]),
            _ => Value::dict([("a", Value::from("b"))]),
        };
        let span = node.span();
        let replaced = match what % 3 {
            0 => {
                edit.set(path.iter().copied(), new.clone()).expect("the path is there");
                Some([&bytes[..span.start], &new.to_vec(), &bytes[span.end..]].concat())
            }
            1 if path.is_empty() => {
                let error = edit.remove(path.iter().copied()).expect_err("it is all there is");
                assert_eq!(error.kind, EditErrorKind::WholeMessage);
                None
            }
            1 => {
                edit.remove(path.iter().copied()).expect("the path is there");
                without(&now, path)
            }
            // In front of an item, or in place of a key's value.
            _ => match path.last() {
                Some(Step::Index(_)) => {
                    edit.insert(path.iter().copied(), new.clone()).expect("the path is there");
                    Some([&bytes[..span.start], &new.to_vec(), &bytes[span.start..]].concat())
                }
                _ => None,
            },
        };
        // Leads nowhere, and changes nothing.
        let nowhere = path.iter().copied().chain([Step::Key(b"\xff"), Step::Index(1_000_000)]);
        assert!(edit.set(nowhere, Raw::parse("le").expect("canonical")).is_err());
        bytes = replaced.unwrap_or_else(|| bytes.clone());
        assert_eq!(edit.encoded_len(), bytes.len());
        assert_eq!(edit.to_vec(), bytes);
    }
}

/// Each value with the path to it. Of equal keys only the first one has one.
fn collect<'t, 'a>(
    node: Node<'t, 'a>,
    path: &mut Vec<Step<'a>>,
    paths: &mut Vec<(Vec<Step<'a>>, Node<'t, 'a>)>,
) {
    if paths.len() >= 200 {
        return;
    }
    paths.push((path.clone(), node));
    for (index, item) in node.as_list().into_iter().flatten().enumerate() {
        path.push(Step::Index(index));
        collect(item, path, paths);
        path.pop();
    }
    let dict = node.as_dict();
    for (key, value) in dict.into_iter().flatten() {
        let key = key.as_bytes().expect("keys are strings");
        if dict.and_then(|dict| dict.find(key)).map(Node::id) == Some(value.id()) {
            path.push(Step::Key(key));
            collect(value, path, paths);
            path.pop();
        }
    }
}

/// The message without this item, or without the entries of this key.
fn without(document: &Document<'_>, path: &[Step<'_>]) -> Option<Vec<u8>> {
    let (last, way) = path.split_last()?;
    let container = way.iter().try_fold(document.root(), |node, step| match *step {
        Step::Key(key) => node.as_dict()?.find(key),
        Step::Index(index) => node.as_list()?.iter().nth(index),
    })?;
    let bytes = document.bytes();
    let mut left = Vec::new();
    let mut end = 0;
    let mut leave_out = |from: usize, to: usize| {
        left.extend_from_slice(&bytes[end..from]);
        end = to;
    };
    match *last {
        Step::Key(key) => {
            for (found, value) in container.as_dict()? {
                if found.as_bytes() == Some(key) {
                    leave_out(found.offset(), value.span().end);
                }
            }
        }
        Step::Index(index) => {
            let item = container.as_list()?.iter().nth(index)?;
            leave_out(item.offset(), item.span().end);
        }
    }
    left.extend_from_slice(&bytes[end..]);
    Some(left)
}
