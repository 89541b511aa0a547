//! Edits, and what they leave alone.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod strategies;

use overlay_bencode::{
    Document, Edit, EditError, EditErrorKind, Kind, Node, Raw, Step, Value, decode_lenient,
};
use proptest::prelude::*;

use strategies::{nearly, string, value};

/// Out of order, twice the same key, needless zeros, and bytes behind it.
const ODD: &[u8] = b"d4:infod1:b03:xyz1:al1:pi007eee4:infole01:ad1:zi-0eee\n";

fn edited(edit: impl FnOnce(&mut Edit<'_>) -> Result<(), EditError>) -> String {
    let document = decode_lenient(ODD).unwrap();
    let mut odd = Edit::new(&document);
    edit(&mut odd).unwrap();
    let bytes = odd.to_vec();
    assert_eq!(bytes.len(), odd.encoded_len());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn everything_else_keeps_its_bytes() {
    assert_eq!(edited(|_| Ok(())).as_bytes(), ODD);
    assert_eq!(
        edited(|edit| edit.set(["info", "b"], "new")),
        "d4:infod1:b3:new1:al1:pi007eee4:infole01:ad1:zi-0eee\n"
    );
    assert_eq!(
        edited(|edit| edit.set([Step::from("info"), "a".into(), 1.into()], 8)),
        "d4:infod1:b03:xyz1:al1:pi8eee4:infole01:ad1:zi-0eee\n"
    );
    assert_eq!(
        edited(|edit| edit.insert([Step::from("info"), "a".into(), 0.into()], 8)),
        "d4:infod1:b03:xyz1:ali8e1:pi007eee4:infole01:ad1:zi-0eee\n"
    );
    assert_eq!(
        edited(|edit| edit.insert([Step::from("info"), "a".into(), 2.into()], 8)),
        "d4:infod1:b03:xyz1:al1:pi007ei8eee4:infole01:ad1:zi-0eee\n"
    );
    assert_eq!(
        edited(|edit| edit.set([Step::from("info"), "a".into(), 2.into()], 8)),
        "d4:infod1:b03:xyz1:al1:pi007ei8eee4:infole01:ad1:zi-0eee\n"
    );
    assert_eq!(
        edited(|edit| edit.remove([Step::from("info"), "a".into(), 0.into()])),
        "d4:infod1:b03:xyz1:ali007eee4:infole01:ad1:zi-0eee\n"
    );
    // Both of them: what is removed is not there any more.
    assert_eq!(edited(|edit| edit.remove([b"info"])), "d01:ad1:zi-0eee\n");
    assert_eq!(
        edited(|edit| edit.set(["info"], Value::list(["x"]))),
        "d4:infol1:xe4:infole01:ad1:zi-0eee\n"
    );
    assert_eq!(edited(|edit| edit.set([""; 0], 1)), "i1e\n");
}

#[test]
fn new_keys_go_in_front_of_the_first_greater_one() {
    let document = decode_lenient(b"d1:b0:1:d0:e").unwrap();
    let set = |key: &str| {
        let mut edit = Edit::new(&document);
        edit.set([key], 1).unwrap();
        String::from_utf8(edit.to_vec()).unwrap()
    };
    assert_eq!(set("a"), "d1:ai1e1:b0:1:d0:e");
    assert_eq!(set("c"), "d1:b0:1:ci1e1:d0:e");
    assert_eq!(set("e"), "d1:b0:1:d0:1:ei1ee");
    assert_eq!(set(""), "d0:i1e1:b0:1:d0:e");
    assert_eq!(set("d"), "d1:b0:1:di1ee");
}

#[test]
fn what_was_put_there_can_be_edited_too() {
    let document = decode_lenient(b"de").unwrap();
    let mut edit = Edit::new(&document);
    edit.set(["list"], Value::list([1, 2])).unwrap();
    edit.set(["dict"], Value::dict([("x", Value::list([""; 0]))])).unwrap();
    edit.set([Step::from("list"), 1.into()], 3).unwrap();
    edit.set([Step::from("dict"), "x".into(), 0.into()], "y").unwrap();
    edit.insert(["dict", "a"], 5).unwrap();
    edit.remove([Step::from("list"), 0.into()]).unwrap();
    assert_eq!(edit.to_vec(), b"d4:dictd1:ai5e1:xl1:yee4:listli3eee");
    edit.set(["raw"], Raw::parse("d1:a0:e").unwrap()).unwrap();
    let into_raw = edit.set(["raw", "a"], 1).unwrap_err();
    assert_eq!(into_raw, EditError { step: 1, kind: EditErrorKind::Encoded });
    assert!(edit.to_vec().ends_with(b"3:rawd1:a0:ee"));
}

#[test]
fn what_leads_nowhere_is_an_error_and_changes_nothing() {
    let document = decode_lenient(b"d1:ali1ei2ee1:b1:xe").unwrap();
    let mut edit = Edit::new(&document);
    let fail = |step, kind| Err(EditError { step, kind });
    use EditErrorKind::{NoSuchItem, NoSuchKey, NotADict, NotAList, WholeMessage};
    assert_eq!(edit.set(["c", "d"], 1), fail(0, NoSuchKey));
    assert_eq!(edit.set(["b", "d"], 1), fail(1, NotADict { found: Kind::Bytes }));
    assert_eq!(edit.set(["a", "d"], 1), fail(1, NotADict { found: Kind::List }));
    assert_eq!(edit.set([0usize], 1), fail(0, NotAList { found: Kind::Dict }));
    let item = |index: usize| [Step::from("a"), index.into()];
    assert_eq!(edit.set(item(3), 1), fail(1, NoSuchItem { len: 2 }));
    assert_eq!(edit.insert(item(3), 1), fail(1, NoSuchItem { len: 2 }));
    assert_eq!(edit.remove(item(2)), fail(1, NoSuchItem { len: 2 }));
    assert_eq!(edit.remove(["c"]), fail(0, NoSuchKey));
    assert_eq!(edit.remove([""; 0]), fail(0, WholeMessage));
    assert_eq!(edit.insert([""; 0], 1), fail(0, WholeMessage));
    let long = vec![Step::Index(0); Value::MAX_DEPTH + 2];
    assert_eq!(edit.set(long, 1), fail(Value::MAX_DEPTH, EditErrorKind::TooDeep));
    assert_eq!(edit.to_vec(), document.bytes());
    let error = edit.remove(["b", "x"]).unwrap_err();
    assert_eq!(error.to_string(), "no dictionary, but Bytes, at step 1 of the path");
}

/// Where a path leads.
fn find<'t, 'a>(document: &'t Document<'a>, path: &[Step<'_>]) -> Option<Node<'t, 'a>> {
    path.iter().try_fold(document.root(), |node, step| match *step {
        Step::Key(key) => node.as_dict()?.find(key),
        Step::Index(index) => node.as_list()?.iter().nth(index),
    })
}

/// Every path of a document. Of equal keys only the first one leads somewhere.
fn paths<'a>(node: Node<'_, 'a>, path: &mut Vec<Step<'a>>, all: &mut Vec<Vec<Step<'a>>>) {
    all.push(path.clone());
    for (index, item) in node.as_list().into_iter().flatten().enumerate() {
        path.push(index.into());
        paths(item, path, all);
        path.pop();
    }
    for (key, value) in node.as_dict().into_iter().flatten() {
        let found = node.as_dict().and_then(|dict| dict.find(key.as_bytes()?));
        if found.map(Node::id) == Some(value.id()) {
            path.push(Step::Key(key.as_bytes().unwrap()));
            paths(value, path, all);
            path.pop();
        }
    }
}

fn some_document() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![value().prop_map(|value| value.to_vec()), nearly()]
        .prop_filter("a message", |bytes| decode_lenient(bytes).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 4))]

    #[test]
    fn an_edit_that_changes_nothing_gives_the_same_bytes(bytes in some_document()) {
        let document = decode_lenient(&bytes).unwrap();
        let mut all = Vec::new();
        paths(document.root(), &mut Vec::new(), &mut all);
        let mut edit = Edit::new(&document);
        prop_assert_eq!(&edit.to_vec(), &bytes);
        for path in all {
            let same = Raw::from(find(&document, &path).unwrap());
            edit.set(path, same).ok();
        }
        prop_assert_eq!(edit.to_vec(), bytes);
    }

    /// The new value is where the old one was, in the middle of bytes that stay the same.
    #[test]
    fn set_replaces_one_span(
        bytes in some_document(),
        which in any::<prop::sample::Index>(),
        new in value(),
    ) {
        let document = decode_lenient(&bytes).unwrap();
        let mut all = Vec::new();
        paths(document.root(), &mut Vec::new(), &mut all);
        let path = which.get(&all);
        let span = find(&document, path).unwrap().span();
        let mut edit = Edit::new(&document);
        edit.set(path.iter().copied(), new.clone()).unwrap();
        let expected = [&bytes[..span.start], &new.to_vec(), &bytes[span.end..]].concat();
        prop_assert_eq!(&edit.to_vec(), &expected);
        prop_assert_eq!(edit.encoded_len(), expected.len());
        let again = decode_lenient(&expected).unwrap();
        prop_assert_eq!(Value::from_node(find(&again, path).unwrap()), Ok(new));
    }

    /// And what was canonical still is.
    #[test]
    fn removing_undoes_inserting(
        value in value(),
        which in any::<prop::sample::Index>(),
        key in string(),
        new in value(),
    ) {
        let bytes = value.to_vec();
        let document = decode_lenient(&bytes).unwrap();
        let mut all = Vec::new();
        paths(document.root(), &mut Vec::new(), &mut all);
        let mut path = which.get(&all).clone();
        let container = find(&document, &path).unwrap();
        match container.kind() {
            Kind::Dict if container.as_dict().unwrap().find(&key).is_none() => {
                path.push(Step::Key(&key));
            }
            Kind::List => path.push(Step::Index(which.index(container.as_list().unwrap().len() + 1))),
            _ => return Ok(()),
        }
        let mut edit = Edit::new(&document);
        edit.insert(path.clone(), new.clone()).unwrap();
        let inserted = edit.to_vec();
        let decoded = overlay_bencode::decode(&inserted).unwrap();
        prop_assert_eq!(Value::from_node(find(&decoded, &path).unwrap()), Ok(new));
        edit.remove(path).unwrap();
        prop_assert_eq!(edit.to_vec(), bytes);
    }
}
