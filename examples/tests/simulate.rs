//! The `simulate` program as its users meet it: the binary that was built beside this test.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const KEYS: [&str; 26] = [
    "system",
    "peers",
    "links",
    "links_expected",
    "degree",
    "topology",
    "churn",
    "pings",
    "checked",
    "ttl",
    "seed",
    "queries",
    "queries_found",
    "hits",
    "join_messages",
    "messages",
    "bytes",
    "build_cpu_seconds",
    "cpu_seconds",
    "messages_per_cpu_second",
    "simulated_seconds",
    "idle_bytes_per_peer",
    "remembered_per_peer",
    "final_bytes_per_peer",
    "peak_rss_bytes",
    "trace_hash",
];

/// Cargo builds a package's examples before it runs its tests.
fn simulate(arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join("simulate");
    Command::new(&program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn object(arguments: &[&str]) -> Value {
    let output = simulate(&[&["gnutella-0.4", "--json"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).expect("an object")
}

/// What does not depend on the machine or on the other programs on it.
fn outcome(mut object: Value) -> Value {
    let keys = object.as_object_mut().expect("an object");
    keys.retain(|key, _| !key.contains("cpu") && key != "peak_rss_bytes" && key != "checked");
    object
}

#[test]
fn an_object_with_these_keys_in_this_order() {
    let output = simulate(&["gnutella-0.4", "--peers", "300", "--queries", "5", "--json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let places = KEYS.map(|key| text.find(&format!("\"{key}\":")));
    assert!(places.iter().all(Option::is_some), "{text}");
    assert!(places.is_sorted(), "{text}");
    let object: Value = serde_json::from_str(&text).expect("an object");
    assert_eq!(object.as_object().expect("an object").len(), KEYS.len());
}

#[test]
fn floods_reach_and_find() {
    let object = object(&["--peers", "2000", "--queries", "20"]);
    assert_eq!(object["links"], 4_000);
    // Of each link's handshake two messages.
    assert_eq!(object["join_messages"], 8_000);
    // A flood of TTL 7 passes most links of a graph this small, most of them both ways.
    let messages = object["messages"].as_u64().expect("a number");
    assert!((20 * 3_000..=20 * 12_000).contains(&messages), "{messages}");
    assert!(object["queries_found"].as_u64() >= Some(15), "{object}");
    assert!(object["hits"].as_u64() >= object["queries_found"].as_u64());
    assert!(object["remembered_per_peer"].as_f64() > Some(10.0), "{object}");
    assert!(object["idle_bytes_per_peer"].as_f64() < object["final_bytes_per_peer"].as_f64());
}

#[test]
fn same_options_same_outcome() {
    let run = |seed: &str| {
        outcome(object(&["--peers", "500", "--queries", "10", "--seed", seed, "--degree", "6"]))
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7")["trace_hash"], run("8")["trace_hash"]);
}

#[test]
fn checked_messages_are_the_same_messages() {
    let run = |mode: &[&str]| {
        let options = ["--peers", "400", "--queries", "10", "--pings", "--ttl", "5"];
        let object = object(&[&options[..], mode].concat());
        (object["trace_hash"].clone(), object["messages"].clone(), object["bytes"].clone())
    };
    assert_eq!(run(&[]), run(&["--checked"]));
}

#[test]
fn pings_are_messages_too() {
    let run = |mode: &[&str]| {
        object(&[&["--peers", "200", "--queries", "0"], mode].concat())["messages"].as_u64()
    };
    assert_eq!(run(&[]), Some(0));
    assert!(run(&["--pings"]) > Some(200));
}

#[test]
fn what_can_not_be_says_so() {
    for (arguments, expected) in [
        (&["gnutella-9"][..], "gnutella-9"),
        (&["gnutella-0.4", "--peers", "1"], "--peers"),
        (&["gnutella-0.4", "--peers", "5", "--degree", "4.5"], "--degree 4.5: expected 0 to 4"),
        (&["gnutella-0.4", "--ttl", "0"], "--ttl"),
    ] {
        let output = simulate(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn a_table_without_json() {
    let output = simulate(&[]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for row in ["gnutella-0.4", "messages a CPU-second", "bytes an idle peer", "trace"] {
        assert!(text.contains(row), "{row} in {text}");
    }
}
