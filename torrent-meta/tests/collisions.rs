//! Files that would take each other's place, against a twin that compares each path with each.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use torrent_meta::CollisionKind::{Directory, Equal, Folded, FoldedDirectory};
use torrent_meta::bencode::Value;
use torrent_meta::{CollisionKind, Info};
use unicode_normalization::UnicodeNormalization;

/// An info dictionary of empty files with these paths; the components have `/` between them, and a path
/// with `#` in front is a pad file's.
fn v1(paths: &[impl AsRef<str>]) -> Info<'static> {
    named("d", paths)
}

fn named(name: &str, paths: &[impl AsRef<str>]) -> Info<'static> {
    let files = paths.iter().map(|path| {
        let path = path.as_ref();
        let components = |path: &str| Value::list(path.split('/').map(str::to_owned));
        let length = ("length", Value::from(0));
        match path.strip_prefix('#') {
            None => Value::dict([length, ("path", components(path))]),
            Some(path) => Value::dict([("attr", "p".into()), length, ("path", components(path))]),
        }
    });
    let info = Value::dict([
        ("files", Value::list(files)),
        ("name", name.into()),
        ("piece length", 16384.into()),
        ("pieces", "".into()),
    ]);
    Info::parse(info.to_vec()).unwrap()
}

/// The same as a file tree; paths that can not be in one are left out.
fn v2(paths: &[impl AsRef<str>]) -> Info<'static> {
    enum Tree {
        File,
        Directory(BTreeMap<String, Tree>),
    }
    fn value(tree: &Tree) -> Value {
        let entries = match tree {
            Tree::File => {
                let file = Value::dict([("length", Value::from(0))]);
                return Value::dict([("", file)]);
            }
            Tree::Directory(entries) => entries,
        };
        Value::dict(entries.iter().map(|(name, tree)| (Bytes::from(name.clone()), value(tree))))
    }
    /// Unless a file is in the way.
    fn insert(entries: &mut BTreeMap<String, Tree>, path: &[&str]) {
        match path {
            [] => {}
            [name] => _ = entries.entry((*name).to_owned()).or_insert(Tree::File),
            [name, below @ ..] => {
                let directory = || Tree::Directory(BTreeMap::new());
                if let Tree::Directory(entries) =
                    entries.entry((*name).to_owned()).or_insert_with(directory)
                {
                    insert(entries, below);
                }
            }
        }
    }
    let mut root = BTreeMap::new();
    for path in paths {
        let path: Vec<&str> = path.as_ref().split('/').filter(|name| !name.is_empty()).collect();
        insert(&mut root, &path);
    }
    let info = Value::dict([
        ("file tree", value(&Tree::Directory(root))),
        ("meta version", 2.into()),
        ("name", "d".into()),
        ("piece length", 16384.into()),
    ]);
    Info::parse(info.to_vec()).unwrap()
}

type Found = Vec<(CollisionKind, Vec<usize>, Option<usize>)>;

fn found(info: &Info<'_>) -> Found {
    let found = info.path_collisions().into_iter();
    found.map(|collision| (collision.kind, collision.files, collision.below)).collect()
}

/// Whole paths, each against each.
fn naive(info: &Info<'_>) -> Found {
    let paths: Vec<(usize, String, String)> = info
        .stored_files()
        .filter_map(|file| Some((file.index(), file.safe_path().ok()?)))
        .map(|(index, path)| (index, fold(&path), path))
        .map(|(index, folded, path)| (index, path, folded))
        .collect();
    let is_below = |path: &str, directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    };
    let mut all = Vec::new();
    for (index, path, folded) in &paths {
        let with = |is: &dyn Fn(&str, &str) -> bool| -> Vec<usize> {
            paths
                .iter()
                .filter(|(_, path, folded)| is(path, folded))
                .map(|(index, ..)| *index)
                .collect()
        };
        let equal = with(&|other, _| other == path);
        let alike = with(&|_, other| other == folded);
        if equal[0] == *index {
            if equal.len() > 1 {
                all.push((Equal, equal.clone(), None));
            }
            if let Some(below) = with(&|other, _| is_below(other, path)).first() {
                all.push((Directory, equal.clone(), Some(*below)));
            }
        }
        if alike[0] == *index {
            if alike.len() > equal.len() {
                all.push((Folded, alike.clone(), None));
            }
            let below = with(&|_, other| is_below(other, folded));
            let one_is_not_below_another = alike.iter().any(|file| {
                let (_, path, _) = paths.iter().find(|(index, ..)| index == file).unwrap();
                with(&|other, _| is_below(other, path)) != below
            });
            if one_is_not_below_another {
                all.push((FoldedDirectory, alike.clone(), Some(below[0])));
            }
        }
    }
    all.sort_by_key(|(kind, files, _)| (files[0], *kind));
    all
}

/// A whole path at once.
fn fold(path: &str) -> String {
    let lower = |text: String| text.chars().flat_map(char::to_lowercase).collect::<String>();
    let upper = |char: char| -> String {
        if char == 'ı' { char.to_string() } else { char.to_uppercase().collect() }
    };
    let text = lower(path.nfd().collect());
    lower(text.chars().map(upper).collect()).nfd().collect()
}

#[test]
fn case_and_unicode_form() {
    let all = |paths: &[&str]| -> Vec<usize> { (0..paths.len()).collect() };
    for same in [
        &["README", "readme", "ReadMe"][..],
        &["\u{c4}rger", "A\u{308}rger", "\u{e4}RGER"],
        &["Straße", "STRASSE", "STRAẞE", "strasſe"],
        &["ΣΊΣΥΦΟΣ", "σίσυφος", "σίσυφοσ"],
        &["\u{212a}elvin", "kelvin"], // the sign is the letter
        &["İ", "i\u{307}"],           // with its dot
        &["a\u{323}\u{307}", "A\u{307}\u{323}"], // marks in another order
        &["한", "\u{1112}\u{1161}\u{11ab}"],
        &["ŉ", "ʼN"],
    ] {
        let expected = vec![(Folded, all(same), None)];
        assert_eq!(found(&v1(same)), expected, "{same:?}");
        let mut tree = found(&v2(same));
        assert_eq!(tree.remove(0).1.len(), same.len(), "{same:?}");
        assert!(tree.is_empty());
    }
    // Other letters, and compatible ones, are others everywhere.
    for others in [["ı", "i"], ["ﬁ\u{301}", "fi"], ["²", "2"], ["Ａ", "A"], ["a", "á"], ["o", "ø"]]
    {
        assert_eq!(found(&v1(&others)), [], "{others:?}");
    }
}

#[test]
fn equal_only_once_made_safe() {
    assert_eq!(found(&v1(&["a:b", "a?b", "a_b"])), [(Equal, vec![0, 1, 2], None)]);
    assert_eq!(
        found(&v1(&["./x", "x", "y/.//x", "y/x"])),
        [(Equal, vec![0, 1], None), (Equal, vec![2, 3], None)]
    );
    assert_eq!(
        found(&v1(&["a", "A", "a"])),
        [(Equal, vec![0, 2], None), (Folded, vec![0, 1, 2], None)]
    );
}

#[test]
fn a_file_where_a_directory_is_needed() {
    assert_eq!(found(&v1(&["a/b", "a", "a/c"])), [(Directory, vec![1], Some(0))]);
    assert_eq!(found(&v1(&["A", "a/b/c"])), [(FoldedDirectory, vec![0], Some(1))]);
    assert_eq!(
        found(&v1(&["A", "a", "a/b"])),
        [
            (Folded, vec![0, 1], None),
            (FoldedDirectory, vec![0, 1], Some(2)),
            (Directory, vec![1], Some(2)),
        ]
    );
    assert_eq!(found(&v2(&["A", "a/b/c"])), [(FoldedDirectory, vec![0], Some(1))]);
    // A component is compared as a whole.
    assert_eq!(found(&v1(&["a", "ab/c", "a b"])), []);
}

#[test]
fn what_is_not_stored_is_in_no_ones_way() {
    assert_eq!(found(&v1(&["a", "#a", "#a/b", "#A"])), []);
    // Nor is what has no safe path, and the directories on the way there.
    assert_eq!(found(&v1(&["a", "a/..", "A/../b", "."])), []);
    assert_eq!(found(&named("..", &["a", "a"])), []);
    let long = vec!["x".repeat(200); 25].join("/");
    assert_eq!(found(&v1(&["x".repeat(200), long.clone(), long])), []);
    // Directories that fall together are no collision.
    assert_eq!(found(&v1(&["A/x", "a/y"])), []);
    assert_eq!(found(&v1(&["A/x", "a/X"])), [(Folded, vec![0, 1], None)]);
}

#[test]
fn long_paths_end_where_safe_paths_do() {
    // The torrent's name has a byte.
    for last in 200..=255 {
        let path = [vec!["y".repeat(239); 16].join("/"), "z".repeat(last)].join("/");
        let info = v1(&[path.clone(), path]);
        let is_safe = info.files().next().unwrap().safe_path().is_ok();
        assert_eq!(is_safe, last <= 4095 - 2 - 16 * 240);
        assert_eq!(found(&info).len(), usize::from(is_safe));
    }
}

fn component() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "A", "b", "\u{e4}", "A\u{308}", "\u{c4}", "a\u{308}", "ss", "ß", "SS", "ẞ", "ſs",
        "a:", "a?", "a_", "A*", ".", "..", "", " ", "ı", "I", "İ", "i\u{307}", "NUL", "nul",
        "_NUL", "x.", "x_",
    ])
}

proptest! {
    #[test]
    fn trees_find_what_comparing_all_finds(
        paths in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(component(), 1..4)), 0..12),
    ) {
        let paths: Vec<String> = paths
            .iter()
            .map(|(pad, path)| {
                [if pad.index(8) == 0 { "#" } else { "" }, &path.join("/")].concat()
            })
            .chain(["zz".to_owned()])
            .collect();
        for info in [v1(&paths), v2(&paths)] {
            prop_assert_eq!(found(&info), naive(&info));
        }
    }

    #[test]
    fn any_names_fold_as_whole_paths_do(names in prop::collection::vec(any::<(char, char)>(), 1..4)) {
        let spellings = |(one, two): &(char, char)| {
            let text: String = [*one, *two].into_iter().filter(|char| *char != '/' && *char != '#').collect();
            let decomposed = text.nfd().collect();
            let composed = text.nfc().collect();
            [text.to_lowercase(), text.to_uppercase(), decomposed, composed, text]
        };
        let paths: Vec<String> = names.iter().flat_map(spellings).collect();
        let info = v1(&paths);
        prop_assert_eq!(found(&info), naive(&info));
    }
}
