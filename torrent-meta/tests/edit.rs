//! Editing: what was set is read, and everything else keeps its bytes.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use torrent_meta::bencode::{Node, decode_lenient};
use torrent_meta::{DecodeError, Editor, Metainfo};

/// An info dictionary that is not canonical: keys out of order and twice, zeros before a number.
const INFO: &str = "d4:name1:n12:piece lengthi016384e6:pieces20:aaaaaaaaaaaaaaaaaaaa\
                    6:lengthi1e7:x-extra3:abc7:x-extra3:abde";

/// A file with this around the info dictionary.
fn file(before: &str, behind: &str) -> String {
    format!("d{before}4:info{INFO}{behind}e")
}

fn editor(before: &str, behind: &str) -> Editor {
    Editor::new(file(before, behind)).unwrap()
}

fn text(editor: &Editor) -> &str {
    std::str::from_utf8(editor.as_bytes()).unwrap()
}

#[test]
fn the_first_tracker_is_the_announce_key_and_the_second_makes_a_list() {
    let mut editor = editor("", "");
    assert_eq!(editor.add_tracker("a"), Ok(true));
    assert_eq!(text(&editor), file("8:announce1:a", ""));
    assert_eq!(editor.add_tracker("a"), Ok(false));
    assert_eq!(editor.add_tracker("b"), Ok(true));
    assert_eq!(text(&editor), file("8:announce1:a13:announce-listll1:ael1:bee", ""));
    assert_eq!(editor.add_to_tier(1, "c"), Ok(true));
    assert_eq!(editor.add_to_tier(0, "c"), Ok(false));
    assert_eq!(editor.add_to_tier(9, "d"), Ok(true));
    assert_eq!(editor.add_tier(["e", "f", "a", "e"]), Ok(true));
    let tiers = editor.metainfo().tiers().concat().concat();
    assert_eq!((editor.metainfo().tiers().len(), tiers.as_str()), (4, "abcdef"));
    for url in ["a", "c", "d", "e", "f"] {
        assert_eq!(editor.remove_tracker(url), Ok(true));
        assert_eq!(editor.remove_tracker(url), Ok(false));
    }
    assert_eq!(text(&editor), file("8:announce1:b13:announce-listll1:bee", ""));
    assert_eq!(editor.remove_tracker("b"), Ok(true));
    assert_eq!(text(&editor), file("", ""));
}

#[test]
fn tiers_that_are_set_take_the_place_of_all() {
    let mut editor = editor("8:announce1:x13:announce-listll1:yee", "");
    assert_eq!(editor.set_tiers([vec!["a", "b"], vec![], vec!["c"]]), Ok(true));
    assert_eq!(text(&editor), file("8:announce1:a13:announce-listll1:a1:bel1:cee", ""));
    assert_eq!(editor.set_tiers([["a"]]), Ok(true));
    assert_eq!(text(&editor), file("8:announce1:a", ""));
    assert_eq!(editor.add_to_tier(0, "b"), Ok(true));
    assert_eq!(text(&editor), file("8:announce1:a13:announce-listll1:a1:bee", ""));
    assert_eq!(editor.set_tiers::<[&str; 0], _>([]), Ok(true));
    assert_eq!(text(&editor), file("", ""));
    assert_eq!(editor.add_tier(["a", "b"]), Ok(true));
    assert_eq!(text(&editor), file("8:announce1:a13:announce-listll1:a1:bee", ""));
}

#[test]
fn odd_lists_of_trackers_keep_what_is_not_edited() {
    // An empty tier, a number among the URLs, something that is no tier, a length with a zero.
    let odd = "13:announce-listlle2:hil1:ai7e01:bee";
    let mut editor = editor(odd, "");
    assert_eq!(editor.metainfo().tiers(), [["a", "b"]]);
    assert_eq!(editor.add_to_tier(0, "c"), Ok(true));
    assert_eq!(text(&editor), file("13:announce-listlle2:hil1:ai7e01:b1:cee", ""));
    assert_eq!(editor.remove_tracker("a"), Ok(true));
    assert_eq!(editor.add_tracker("d"), Ok(true));
    let list = "13:announce-listlle2:hili7e01:b1:cel1:dee";
    assert_eq!(text(&editor), file(&format!("8:announce1:b{list}"), ""));

    // A list without any URL: the announce key counts, and has to go on counting.
    let mut editor = self::editor("8:announce1:a13:announce-listllee", "");
    assert_eq!(editor.add_tracker("b"), Ok(true));
    assert_eq!(editor.metainfo().tiers(), [["a"], ["b"]]);
    // An announce key that is not in the list does not count.
    let mut editor = self::editor("8:announce1:a13:announce-listll1:bee", "");
    assert_eq!(editor.add_tracker("a"), Ok(true));
    assert_eq!(editor.metainfo().tiers(), [["b"], ["a"]]);
    // Of a wrong kind.
    let mut editor = self::editor("8:announcei1e13:announce-listi2e", "");
    assert_eq!(editor.add_tracker("a"), Ok(true));
    assert_eq!(editor.metainfo().tiers(), [["a"]]);
}

#[test]
fn web_seeds_as_a_list_or_alone() {
    let mut editor = editor("", "8:url-list1:a");
    assert_eq!(editor.add_web_seed("a"), Ok(false));
    assert_eq!(editor.add_web_seed("b"), Ok(true));
    assert_eq!(text(&editor), file("", "8:url-listl1:a1:be"));
    assert_eq!(editor.add_web_seed("b"), Ok(false));
    assert_eq!(editor.remove_web_seed("a"), Ok(true));
    assert_eq!(editor.remove_web_seed("a"), Ok(false));
    assert_eq!(text(&editor), file("", "8:url-listl1:be"));
    assert_eq!(editor.remove_web_seed("b"), Ok(true));
    assert_eq!(text(&editor), file("", ""));
    assert_eq!(editor.set_web_seeds(["x", "y"]), Ok(true));
    assert_eq!(text(&editor), file("", "8:url-listl1:x1:ye"));
    assert_eq!(editor.set_web_seeds([""; 0]), Ok(true));
    assert_eq!(text(&editor), file("", ""));
    let mut editor = self::editor("", "8:url-list0:");
    assert_eq!(editor.add_web_seed("a"), Ok(true));
    assert_eq!(text(&editor), file("", "8:url-listl1:ae"));
    let mut editor = self::editor("", "8:url-list1:a");
    assert_eq!(editor.remove_web_seed("a"), Ok(true));
    assert_eq!(text(&editor), file("", ""));
}

#[test]
fn nodes() {
    let mut editor = editor("", "");
    assert_eq!(editor.add_node("router.example", 6881), Ok(true));
    assert_eq!(editor.add_node("router.example", 6881), Ok(false));
    assert_eq!(editor.add_node("::1", 1), Ok(true));
    let nodes = "5:nodesll14:router.examplei6881eel3:::1i1eee";
    assert_eq!(text(&editor), file("", nodes));
    assert_eq!(editor.remove_node("router.example", 1), Ok(false));
    assert_eq!(editor.remove_node("router.example", 6881), Ok(true));
    assert_eq!(editor.remove_node("::1", 1), Ok(true));
    assert_eq!(text(&editor), file("", ""));
    assert_eq!(editor.set_nodes([("a", 1)]), Ok(true));
    assert_eq!(text(&editor), file("", "5:nodesll1:ai1eee"));
    assert_eq!(editor.set_nodes::<&str>([]), Ok(true));
    assert_eq!(text(&editor), file("", ""));
}

#[test]
fn texts_also_where_they_stand_twice() {
    let mut editor = editor("7:comment1:a13:comment.utf-81:b", "");
    assert_eq!(editor.set_comment(Some("ü")), Ok(true));
    assert_eq!(text(&editor), file("7:comment2:ü13:comment.utf-82:ü", ""));
    assert_eq!(editor.set_comment(None), Ok(true));
    assert_eq!(editor.set_comment(None), Ok(false));
    assert_eq!(editor.set_created_by(Some("me")), Ok(true));
    assert_eq!(editor.set_creation_date(Some(-1)), Ok(true));
    assert_eq!(text(&editor), file("10:created by2:me13:creation datei-1e", ""));
    assert_eq!(editor.set_created_by(None), Ok(true));
    assert_eq!(editor.set_creation_date(None), Ok(true));
    assert_eq!(text(&editor), file("", ""));
}

#[test]
fn what_is_no_torrent_is_refused_and_what_follows_it_is_kept() {
    assert!(Editor::new("").is_err());
    assert!(Editor::new("d4:infodee").is_err());
    let mut editor = Editor::new(file("", "") + "\r\n").unwrap();
    assert_eq!(editor.set_comment(Some("x")), Ok(true));
    assert_eq!(text(&editor), file("7:comment1:x", "") + "\r\n");
}

#[derive(Clone, Debug)]
enum Change {
    Tiers(Vec<Vec<String>>),
    AddTracker(String),
    AddToTier(usize, String),
    RemoveTracker(String),
    WebSeeds(Vec<String>),
    AddWebSeed(String),
    RemoveWebSeed(String),
    Nodes(Vec<(String, u16)>),
    AddNode(String, u16),
    RemoveNode(String, u16),
    Comment(Option<String>),
    CreatedBy(Option<String>),
    CreationDate(Option<i64>),
}

fn change() -> impl Strategy<Value = Change> {
    let url = || "[a-c]{1,2}";
    let urls = || prop::collection::vec(url(), 0..4);
    prop_oneof![
        prop::collection::vec(urls(), 0..3).prop_map(Change::Tiers),
        url().prop_map(Change::AddTracker),
        (0usize..4, url()).prop_map(|(tier, url)| Change::AddToTier(tier, url)),
        url().prop_map(Change::RemoveTracker),
        urls().prop_map(Change::WebSeeds),
        url().prop_map(Change::AddWebSeed),
        url().prop_map(Change::RemoveWebSeed),
        prop::collection::vec((url(), 1u16..3), 0..3).prop_map(Change::Nodes),
        (url(), 1u16..3).prop_map(|(host, port)| Change::AddNode(host, port)),
        (url(), 1u16..3).prop_map(|(host, port)| Change::RemoveNode(host, port)),
        prop::option::of(".{0,5}").prop_map(Change::Comment),
        prop::option::of(".{0,5}").prop_map(Change::CreatedBy),
        any::<Option<i64>>().prop_map(Change::CreationDate),
    ]
}

impl Change {
    fn apply(&self, editor: &mut Editor) -> Result<bool, DecodeError> {
        match self.clone() {
            Self::Tiers(tiers) => editor.set_tiers(tiers),
            Self::AddTracker(url) => editor.add_tracker(&url),
            Self::AddToTier(tier, url) => editor.add_to_tier(tier, &url),
            Self::RemoveTracker(url) => editor.remove_tracker(&url),
            Self::WebSeeds(urls) => editor.set_web_seeds(urls),
            Self::AddWebSeed(url) => editor.add_web_seed(&url),
            Self::RemoveWebSeed(url) => editor.remove_web_seed(&url),
            Self::Nodes(nodes) => editor.set_nodes(nodes),
            Self::AddNode(host, port) => editor.add_node(&host, port),
            Self::RemoveNode(host, port) => editor.remove_node(&host, port),
            Self::Comment(text) => editor.set_comment(text.as_deref()),
            Self::CreatedBy(text) => editor.set_created_by(text.as_deref()),
            Self::CreationDate(seconds) => editor.set_creation_date(seconds),
        }
    }

    fn keys(&self) -> &[&str] {
        match self {
            Self::Tiers(_) | Self::AddTracker(_) | Self::AddToTier(..) | Self::RemoveTracker(_) => {
                &["announce", "announce-list"]
            }
            Self::WebSeeds(_) | Self::AddWebSeed(_) | Self::RemoveWebSeed(_) => &["url-list"],
            Self::Nodes(_) | Self::AddNode(..) | Self::RemoveNode(..) => &["nodes"],
            Self::Comment(_) => &["comment", "comment.utf-8"],
            Self::CreatedBy(_) => &["created by", "created by.utf-8"],
            Self::CreationDate(_) => &["creation date"],
        }
    }

    /// Whether what was asked for can be read.
    fn holds(&self, metainfo: &Metainfo<'_>) -> bool {
        let tiers = metainfo.tiers();
        let has = |url: &str| tiers.iter().flatten().filter(|found| **found == url).count();
        let list = |key: &[u8]| metainfo.dict().find(key).and_then(Node::as_list);
        let items = |key| list(key).into_iter().flatten();
        let seeds =
            |url: &str| items(b"url-list").filter(|item| item.as_str() == Some(url)).count();
        let nodes = |host: &str, port: u16| {
            let node = format!("l{}:{host}i{port}ee", host.len());
            items(b"nodes").filter(|item| item.raw() == node.as_bytes()).count()
        };
        match self {
            Self::Tiers(expected) => {
                let expected = expected.iter().filter(|tier| !tier.is_empty());
                tiers.iter().eq(expected)
            }
            Self::AddTracker(url) | Self::AddToTier(_, url) => has(url) > 0,
            Self::RemoveTracker(url) => has(url) == 0,
            Self::WebSeeds(urls) => items(b"url-list").filter_map(Node::as_str).eq(urls),
            Self::AddWebSeed(url) => {
                seeds(url) > 0
                    || metainfo.dict().find(b"url-list").and_then(Node::as_str) == Some(url)
            }
            Self::RemoveWebSeed(url) => seeds(url) == 0,
            Self::Nodes(nodes) => items(b"nodes").count() == nodes.len(),
            Self::AddNode(host, port) => nodes(host, *port) > 0,
            Self::RemoveNode(host, port) => nodes(host, *port) == 0,
            Self::Comment(text) => metainfo.comment() == text.as_ref().map(|text| text.as_bytes()),
            Self::CreatedBy(text) => {
                metainfo.created_by() == text.as_ref().map(|text| text.as_bytes())
            }
            Self::CreationDate(seconds) => metainfo.creation_date() == *seconds,
        }
    }
}

/// The entries of a file's dictionary but for those of some keys, as they stand there.
fn others(file: &[u8], keys: &[&str]) -> Vec<Vec<u8>> {
    let document = decode_lenient(file).unwrap();
    let entries = document.root().as_dict().unwrap().iter();
    let entries =
        entries.filter(|(key, _)| !keys.iter().any(|k| key.as_bytes() == Some(k.as_bytes())));
    entries.map(|(key, value)| [key.raw(), value.raw()].concat()).collect()
}

fn any_file() -> impl Strategy<Value = String> {
    let entries = prop::sample::subsequence(
        vec![
            "8:announce1:a",
            "08:announce1:b",
            "13:announce-listll1:a1:bel1:bee",
            "1:x2:yz",
            "7:comment2:hi",
            "13:comment.utf-82:ho",
            "13:creation datei007e",
            "5:nodesll1:ai1eee",
            "8:url-list1:a",
            "8:url-listl1:a1:c1:ae",
            "3:\u{fc}xi-0e",
            "10:created byle",
        ],
        0..8,
    );
    (entries.prop_shuffle(), 0usize..8, prop::sample::select(vec!["", "\n", "junk"])).prop_map(
        |(entries, place, behind)| {
            let (before, after) = entries.split_at(place.min(entries.len()));
            file(&before.concat(), &after.concat()) + behind
        },
    )
}

proptest! {
    #[test]
    fn what_is_set_is_read_and_all_else_keeps_its_bytes(
        file in any_file(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut editor = Editor::new(file.clone()).unwrap();
        let hash = editor.metainfo().info_hash_v1();
        for change in changes {
            let before = editor.as_bytes().to_vec();
            let changed = change.apply(&mut editor).unwrap();
            prop_assert_eq!(changed, before != editor.as_bytes(), "{:?}", change);
            prop_assert!(change.holds(&editor.metainfo()), "{:?}", change);
            prop_assert_eq!(others(&before, change.keys()), others(editor.as_bytes(), change.keys()));
            let metainfo = editor.metainfo();
            prop_assert_eq!(metainfo.info().raw(), INFO.as_bytes());
            prop_assert_eq!(metainfo.info_hash_v1(), hash);
            // Idempotent.
            prop_assert_eq!(change.apply(&mut editor), Ok(false), "{:?}", change);
        }
        let behind = file.split_once("e\n").is_some();
        prop_assert!(!behind || editor.as_bytes().ends_with(b"e\n"));
    }
}
