//! Several of the program, on the loopback.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::node::{Running, Wire, assert_whole, directory, music, noise, text};
use crate::{NAME, downloaded, start, urn};

#[test]
fn two_terminals_find_and_fetch() {
    let content = noise(300_000, 1);
    let (music, fetched) = (music("two", NAME, &content), directory("two", "fetched"));
    let mut one = start(&music, &[]);
    let address = one.address();
    let listening = one.wait("listening");
    assert_eq!((&listening["files"], &listening["hashed"]), (&1.into(), &1.into()));

    // By words: it shows what is found, and goes on.
    let mut two = start(&fetched, &["--connect", &address, "--search", "blue TRAIN"]);
    let hit = two.wait("hit");
    assert_eq!(hit["name"], NAME);
    assert_eq!(hit["size"], content.len());
    assert_eq!(hit["addr"], *address);
    assert_eq!(hit["urn"], urn(&content));
    assert_eq!(hit["hops"], 1);
    let link = two.wait("link_up");
    assert_eq!(link["addr"], *address);
    assert_eq!((&link["version"], &link["role"]), (&"0.6".into(), &"ultrapeer".into()));
    assert_eq!((&link["inflate"], &link["deflate"]), (&true.into(), &true.into()));
    let link = one.wait("link_up");
    assert_eq!((&link["inbound"], &link["role"]), (&true.into(), &"leaf".into()));
    assert_eq!((&link["inflate"], &link["deflate"]), (&true.into(), &true.into()));
    assert_eq!(one.wait("query")["text"], "blue TRAIN");

    // Ctrl-C: it takes leave.
    assert!(two.interrupt().success());
    assert_eq!(two.wait("link_down")["reason"], "left");
    assert_eq!(one.wait("link_down")["reason"], "Bye: 201 Closed by user");

    // By the hash, into a file of that name.
    let mut two = start(&fetched, &["--connect", &address, "--get", &urn(&content)]);
    let told = downloaded(&mut two, &content);
    assert_eq!(told["name"], NAME);
    assert_eq!(told["transferred"], content.len());
    assert_eq!((&told["verified"], &told["pushed"]), (&true.into(), &false.into()));
    assert_whole(&fetched, NAME, &content);

    // What is there need not be fetched again.
    let mut two = start(&fetched, &["--connect", &address, "--get", &urn(&content)]);
    assert_eq!(downloaded(&mut two, &content)["transferred"], 0);
    assert!(one.told("error").is_empty() && one.told("refused").is_empty());

    // SIGTERM is a leave, too.
    one.signal("TERM");
    assert!(one.end().success());
}

#[test]
fn a_file_is_fetched_by_its_place() {
    let content = noise(70_000, 2);
    let (music, fetched) = (music("place", NAME, &content), directory("place", "fetched"));
    let mut one = start(&music, &[]);
    let address = one.address();
    // Of nothing but the place the name is not known.
    let mut two = start(&fetched, &["--get", &format!("0@{address}")]);
    let told = downloaded(&mut two, &content);
    assert_eq!(told["name"], format!("0-{}", address.replace(':', "-")));
    assert!(told["verified"].is_null());
    fs::remove_file(fetched.join(told["name"].as_str().expect("a name"))).expect("there");
    // A search tells it.
    let at = format!("0@{address}");
    let search = ["--connect", &address, "--search", "train", "--get", &at];
    let told = downloaded(&mut start(&fetched, &search), &content);
    assert_eq!((&told["name"], &told["verified"]), (&NAME.into(), &true.into()));
    assert_whole(&fetched, NAME, &content);
    // What is not there is not waited for.
    let mut two = start(&fetched, &["--get", &format!("7@{address}")]);
    assert_eq!(two.end().code(), Some(1));
    let refused = two.wait("refused");
    assert_eq!(refused["what"], "get");
    assert!(two.errors().contains("no such file"), "{}", two.errors());
}

#[test]
fn a_push_brings_the_file() {
    let content = noise(200_000, 3);
    for (test, hidden) in [("push", false), ("hidden", true)] {
        let (music, fetched) = (music(test, NAME, &content), directory(test, "fetched"));
        let mut hub = start(&directory(test, "hub"), &["--ultrapeer"]);
        let hub = hub.address();
        let mut more = vec!["--leaf", "--connect", &hub];
        more.extend(hidden.then_some("--firewalled"));
        let mut one = start(&music, &more);
        one.wait("link_up");
        let urn = urn(&content);
        let mut more = vec!["--leaf", "--connect", &hub, "--get", &urn];
        more.extend((!hidden).then_some("--push"));
        let mut two = start(&fetched, &more);
        let told = downloaded(&mut two, &content);
        assert_eq!(told["pushed"], true);
        assert_eq!(two.wait("hit")["push"], hidden);
        assert_whole(&fetched, NAME, &content);
    }
}

#[test]
fn plain_0_4_finds_and_fetches() {
    let content = noise(100_000, 4);
    let (music, fetched) = (music("v04", NAME, &content), directory("v04", "fetched"));
    let mut one = start(&music, &["--v04"]);
    let address = one.address();
    assert_eq!(one.wait("listening")["version"], "0.4");
    let urn = urn(&content);
    let get = ["--v04", "--connect", &address, "--search", "coltrane", "--get", &urn, "--push"];
    let mut two = start(&fetched, &get);
    let told = downloaded(&mut two, &content);
    assert_eq!((&told["verified"], &told["pushed"]), (&true.into(), &true.into()));
    let link = two.wait("link_up");
    assert_eq!((&link["version"], &link["deflate"]), (&"0.4".into(), &false.into()));
    assert_eq!(two.wait("hit")["search"], "search");
    assert_whole(&fetched, NAME, &content);
    // An ultrapeer of 0.6 speaks with them, too.
    let mut three = start(&fetched, &["--ultrapeer", "--connect", &address]);
    assert_eq!(three.wait("link_up")["version"], "0.4");
    // By a hash alone nobody can be asked.
    let mut none = start(&fetched, &["--v04", "--get", &urn]);
    assert_eq!(none.end().code(), Some(1));
    assert!(none.errors().contains("--search"), "{}", none.errors());
}

#[test]
fn an_ultrapeer_asks_only_leaves_that_may_have_it() {
    let content = noise(1_000, 5);
    let music = music("leaves", NAME, &content);
    let mut hub = start(&directory("leaves", "hub"), &["--ultrapeer"]);
    let address = hub.address();
    let leaf = ["--leaf", "--connect", &address];
    let mut one = start(&music, &leaf);
    let mut other = start(&directory("leaves", "other"), &leaf);
    one.wait("link_up");
    other.wait("link_up");
    let empty = directory("leaves", "fetched");
    let mut two = start(&empty, &[&leaf[..], &["--search", "no such thing"]].concat());
    hub.wait_for("query", |query| query["text"] == "no such thing");
    let mut three = start(&empty, &[&leaf[..], &["--search", "coltrane"]].concat());
    let hit = three.wait("hit");
    assert_eq!((&hit["hops"], &hit["name"]), (&2.into(), &NAME.into()));
    assert_eq!(one.wait("query")["text"], "coltrane");
    let heard: Vec<Value> =
        [&mut one, &mut other].into_iter().flat_map(|it| it.told("query")).collect();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(two.told("hit").is_empty());
}

#[test]
fn an_interrupted_download_is_resumed() {
    let content = noise(4_000_000, 6);
    let (music, fetched) = (music("resumed", NAME, &content), directory("resumed", "fetched"));
    let wire = Wire::new(1_500_000, Duration::ZERO);
    let mut one = start(&music, &["--advertise", &wire.address.to_string()]);
    let address = one.address();
    wire.lead_to(&address);
    let get = ["--connect", &address, "--get", &urn(&content)];
    let mut two = start(&fetched, &get);
    two.wait_for("error", |error| {
        error["message"].as_str().is_some_and(|it| it.contains("trying"))
    });
    assert!(two.interrupt().success());
    assert!(two.told("downloaded").is_empty());
    assert!(!fetched.join(NAME).exists());
    let there = fs::metadata(fetched.join(format!("{NAME}.part"))).expect("there").len();
    assert!(there > 500_000, "{there}");

    // Once more cut in the middle, and then not: it goes on by itself.
    let before = wire.carried();
    wire.set_budget(before + 1_000_000);
    let mut two = start(&fetched, &get);
    two.wait_for("error", |error| {
        error["message"].as_str().is_some_and(|it| it.contains("trying"))
    });
    wire.set_budget(u64::MAX);
    let told = downloaded(&mut two, &content);
    let transferred = told["transferred"].as_u64().expect("a number");
    assert!(transferred < 4_000_000 - 1_000_000, "{transferred}");
    assert!(wire.carried() < 5_000_000, "{}", wire.carried());
    assert_eq!(told["verified"], true);
    assert_whole(&fetched, NAME, &content);
}

#[test]
fn three_sources_give_one_file_and_one_of_them_dies() {
    let content = noise(12_000_000, 7);
    let music = music("swarm", NAME, &content);
    let fetched = directory("swarm", "fetched");
    let mut hub = start(&directory("swarm", "hub"), &["--ultrapeer"]);
    let hub = hub.address();
    let mut sources = Vec::new();
    for budget in [2_000_000, u64::MAX, u64::MAX] {
        // Some 3 MB a second.
        let wire = Wire::new(budget, Duration::from_millis(5));
        let advertise = wire.address.to_string();
        let mut node = start(&music, &["--leaf", "--connect", &hub, "--advertise", &advertise]);
        wire.lead_to(&node.address());
        node.wait("link_up");
        sources.push((node, wire));
    }
    let mut two = start(&fetched, &["--leaf", "--connect", &hub, "--get", &urn(&content)]);
    let told = downloaded(&mut two, &content);
    assert_eq!((&told["sources"], &told["verified"]), (&3.into(), &true.into()));
    assert_whole(&fetched, NAME, &content);
    for (_, wire) in &sources {
        let carried = wire.carried();
        assert!((1_000_000..11_000_000).contains(&carried), "{carried}");
    }
}

#[test]
fn other_bytes_than_those_of_the_hash_are_thrown_away() {
    // A wire that changes one byte of a file.
    let content = noise(600_000, 8);
    let (music, fetched) = (music("wrong", NAME, &content), directory("wrong", "fetched"));
    let mut one = start(&music, &[]);
    let address = one.address();
    let file = music.join(NAME);
    let looks = fs::metadata(&file).expect("there").modified().expect("a time");
    let mut changed = content.clone();
    changed[400_000] ^= 1;
    // Behind its back, and with the old time: as a disk does that forgets.
    fs::write(&file, &changed).expect("written");
    fs::File::options().write(true).open(&file).and_then(|it| it.set_modified(looks)).expect("set");
    let urn = urn(&content);
    let mut two = start(&fetched, &["--connect", &address, "--get", &urn, "--timeout", "8"]);
    assert_eq!(two.end().code(), Some(1));
    let said = two.told("error");
    let thrown =
        |error: &Value| error["message"].as_str().is_some_and(|it| it.contains("other bytes"));
    assert_eq!(said.iter().filter(|error| thrown(error)).count(), 1, "{said:?}");
    assert!(two.told("downloaded").is_empty());
    assert_eq!(fs::read_dir(&fetched).expect("read").count(), 0, "nothing is left of it");
}

#[test]
fn what_is_private_is_not_contacted_unless_told_so() {
    let content = noise(1_000, 9);
    let (music, fetched) = (music("private", NAME, &content), directory("private", "fetched"));
    let mut one = start(&music, &[]);
    let address = one.address();
    let start = |more: &[&str]| {
        let basis = ["--listen", "127.0.0.1:0", "--share", text(&fetched), "--json"];
        Running::start("gnutella_node", &[&basis, more].concat())
    };
    let mut two = start(&["--connect", &address]);
    let refused = two.wait("refused");
    assert_eq!((&refused["what"], &refused["addr"]), (&"link".into(), &(*address).into()));
    assert!(refused["reason"].as_str().expect("a text").contains("--allow-private"));
    // It is a servent all the same.
    assert!(two.interrupt().success());
    let at = format!("0@{address}");
    for (more, what) in [
        (&["--get", &at][..], "get"),
        (&["--connect", &address, "--get", &urn(&content)][..], "link"),
    ] {
        let mut two = start(more);
        assert_eq!(two.end().code(), Some(1));
        assert_eq!(two.wait("refused")["what"], what);
        two.wait("error");
    }
    assert!(one.told("link_up").is_empty());
}

#[test]
fn what_nobody_has_is_not_found_in_time() {
    let fetched = directory("nobody", "fetched");
    let mut one = start(&directory("nobody", "music"), &[]);
    let address = one.address();
    let urn = urn(b"what nobody has");
    let mut two = start(&fetched, &["--connect", &address, "--get", &urn, "--timeout", "2"]);
    assert_eq!(two.end().code(), Some(1));
    let refused = two.wait("refused");
    assert!(refused["reason"].as_str().expect("a text").contains("within 2 s"), "{refused}");
    assert!(two.errors().contains("error: "), "{}", two.errors());
}

#[test]
fn a_file_that_comes_later_is_found() {
    let content = noise(5_000, 10);
    let (music, fetched) = (directory("later", "music"), directory("later", "fetched"));
    let mut one = start(&music, &[]);
    let address = one.address();
    fs::write(music.join(NAME), &content).expect("written");
    let urn = urn(&content);
    let mut two = start(&fetched, &["--connect", &address, "--get", &urn, "--timeout", "600"]);
    downloaded(&mut two, &content);
    assert_whole(&fetched, NAME, &content);
}
