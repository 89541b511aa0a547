//! The `chord_node` program as its users meet it: a ring of real processes on the loopback.

#![allow(clippy::disallowed_methods, reason = "real programs take real time")]

use std::collections::BTreeMap;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use node::{LIMIT, Running};
use overlay_chord::{Id, Id160};
use serde_json::Value;

mod node;

/// A node on a free port of the loopback, which hears of changes within a second or two.
fn start(more: &[&str]) -> Running {
    let basis = ["--listen", "127.0.0.1:0", "--allow-private", "--json", "--upkeep", "0.3"];
    Running::start("chord_node", &[&basis, more].concat())
}

fn id(value: &Value) -> Id160 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no id: {value}"))
}

/// A ring of processes, by their places on it.
struct Net {
    nodes: BTreeMap<Id160, Running>,
    /// The node that others join through.
    first: Id160,
    via: String,
}

impl Net {
    /// Each joins through the first one, with one of these options more.
    fn new(options: &[&[&str]]) -> Self {
        let mut first = start(options[0]);
        let via = first.address();
        let me = id(&first.wait("joined")["id"]);
        let mut net = Self { nodes: BTreeMap::from([(me, first)]), first: me, via };
        // All at once: they sort it out.
        let rest: Vec<_> = options[1..].iter().map(|more| net.join(more)).collect();
        for mut node in rest {
            net.nodes.insert(id(&node.wait("joined")["id"]), node);
        }
        net
    }

    fn join(&self, more: &[&str]) -> Running {
        start(&[&["--join", &self.via], more].concat())
    }

    /// Waits until every node's list is all the others, in order, and then itself.
    fn settle(&mut self) {
        let ids: Vec<Id160> = self.nodes.keys().copied().collect();
        let until = Instant::now() + LIMIT;
        for (at, me) in ids.iter().enumerate() {
            let list: Vec<_> = (1..=ids.len()).map(|i| ids[(at + i) % ids.len()]).collect();
            let before = ids[(at + ids.len() - 1) % ids.len()];
            let node = self.nodes.get_mut(me).expect("there");
            loop {
                let told = node.told("neighbours");
                let place = |contact: &Value| {
                    id(&contact.as_str().and_then(|text| text.split('@').next()).into())
                };
                let settled = told.last().is_some_and(|now| {
                    let successors = now["successors"].as_array().expect("a list");
                    successors.iter().map(place).eq(list.iter().copied())
                        && !now["predecessor"].is_null()
                        && place(&now["predecessor"]) == before
                });
                if settled {
                    break;
                }
                assert!(Instant::now() < until, "{me}: {:?}, should be {list:?}", told.last());
                sleep(Duration::from_millis(50));
            }
        }
    }

    /// The first node at a key or after it, if `more` is on the ring too.
    fn owner(&self, key: Id160, more: Id160) -> Id160 {
        let ids = self.nodes.keys().copied().chain([more]);
        ids.min_by_key(|node| key.distance(*node)).expect("a node")
    }

    /// The owner of a key; if others join through that one, the node that keeps a copy.
    fn first_after(&self, key: Id160) -> Id160 {
        let mut ids: Vec<_> = self.nodes.keys().copied().filter(|id| *id != self.first).collect();
        ids.sort_unstable_by_key(|node| key.distance(*node));
        ids[0]
    }

    /// Joins, asks for this and leaves; what it said.
    fn ask(&self, option: &str, key: &str, answer: &str) -> (Id160, Value) {
        let mut node = self.join(&[option, key]);
        let me = id(&node.wait("joined")["id"]);
        let told = node.wait(answer);
        let status = node.end();
        assert!(status.success(), "{status}: {}", node.errors());
        assert_eq!(node.told("left").len(), 1);
        (me, told)
    }

    fn check_lookups(&self, keys: &[&str]) {
        for key in keys {
            let (me, found) = self.ask("--lookup", key, "found");
            assert_eq!(id(&found["id"]), Id160::of_key(key.as_bytes()));
            assert_eq!(id(&found["owner"]), self.owner(id(&found["id"]), me), "{found}");
        }
    }

    fn check_value(&self, key: &str, value: &str) {
        let (_, got) = self.ask("--get", key, "got");
        assert_eq!((&got["key"], &got["value"]), (&key.into(), &value.into()));
    }
}

#[test]
fn eight_processes_keep_a_ring_its_lookups_and_its_values() {
    let mut net = Net::new(&[
        &["--put", "one=first value"],
        &["--put", "two=second value"],
        &[],
        &["--put", "three=a = b"],
        &[],
        &[],
        &[],
        &[],
    ]);
    assert_eq!(net.nodes.len(), 8);
    net.settle();
    for node in net.nodes.values_mut() {
        assert!(node.told("failed").is_empty() && node.told("misbehaved").is_empty());
    }
    net.check_lookups(&["one", "apple", "pear", "plum"]);
    net.check_value("two", "second value");

    // The owner of a value is killed, without a word.
    let dead = net.first_after(Id160::of_key(b"one"));
    net.nodes.remove(&dead).expect("there").signal("KILL");
    net.settle();
    net.check_lookups(&["one", "cherry", "quince"]);
    for (key, value) in [("one", "first value"), ("two", "second value"), ("three", "a = b")] {
        net.check_value(key, value);
    }

    // Ctrl-C: it leaves, and somebody has what it had.
    let leaver = net.first_after(Id160::of_key(b"two"));
    let mut node = net.nodes.remove(&leaver).expect("there");
    assert!(node.interrupt().success());
    assert_eq!(node.wait("left")["handed_over"], true);
    net.settle();
    net.check_lookups(&["two", "fig"]);
    net.check_value("two", "second value");
}

#[test]
fn virtual_nodes_are_places_of_their_own() {
    let mut first = start(&["--virtual-nodes", "3", "--put", "key=value"]);
    let via = first.address();
    let stored = first.wait("stored");
    // The third one may still be on its way to somebody's list.
    assert!(stored["replicas"].as_u64() >= Some(2), "{stored}");
    let places: Vec<_> = first.told("joined").iter().map(|told| id(&told["id"])).collect();
    assert_eq!(places.len(), 3);

    let mut other = start(&["--join", &via, "--get", "key", "--lookup", "another"]);
    assert_eq!(other.wait("got")["value"], "value");
    let found = other.wait("found");
    let me = id(&other.wait("joined")["id"]);
    let key = Id160::of_key(b"another");
    let owner = places.iter().copied().chain([me]).min_by_key(|node| key.distance(*node));
    assert_eq!(Some(id(&found["owner"])), owner);
    assert!(other.end().success());

    assert!(first.interrupt().success());
    let left: Vec<_> = first.told("left");
    // The last one out has nobody to give anything to.
    let handed_over: Vec<_> = left.iter().map(|told| told["handed_over"].clone()).collect();
    assert_eq!(handed_over, [true, true, false]);
}

#[test]
fn what_is_not_there_ends_with_status_1() {
    let mut first = start(&[]);
    let via = first.address();
    let mut get = start(&["--join", &via, "--get", "nothing here"]);
    assert_eq!(get.wait("nothing")["key"], "nothing here");
    assert_eq!(get.end().code(), Some(1));
    wait_for_error(&get, "nothing is published under");

    // Nobody listens there any more.
    assert!(first.interrupt().success());
    let mut alone = start(&["--join", &via]);
    assert_eq!(alone.end().code(), Some(1));
    wait_for_error(&alone, "can not join the ring at");
}

/// Another thread reads what it says on standard error.
fn wait_for_error(node: &Running, text: &str) {
    let until = Instant::now() + LIMIT;
    while !node.errors().contains(text) {
        assert!(Instant::now() < until, "no {text:?} in {:?}", node.errors());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_can_not_work_is_said_at_once() {
    for (arguments, message) in [
        (&["--listen", "0.0.0.0:0"][..], "--advertise"),
        (&["--listen", "127.0.0.1:0", "--join", "127.0.0.1:9"], "--allow-private"),
        (&["--listen", "127.0.0.1:0", "--put", "key"], "KEY=VALUE"),
        (&["--listen", "127.0.0.1:0", "--put", "=value"], "KEY=VALUE"),
        (&["--listen", "127.0.0.1:65000", "--virtual-nodes", "0"], "0 is not in"),
        (&["--listen", "127.0.0.1:65535", "--virtual-nodes", "2"], "no port 1 above"),
        (&["--listen", "here"], "invalid socket address"),
        (&["--get", "key"], "--listen <ADDR>"),
    ] {
        let output = Command::new(node::path("chord_node")).args(arguments).output().expect("run");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(message), "{arguments:?}: {text}");
    }
}

#[test]
fn without_arguments_it_demonstrates_itself() {
    let output = Command::new(node::path("chord_node")).output().expect("run");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    for line in ["putter: stored  key=greeting", "leaver: left", "getter: got  key=greeting"] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
}
