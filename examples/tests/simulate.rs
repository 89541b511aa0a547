//! The `simulate` program as its users meet it: the binary that was built beside this test.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const KEYS: [&str; 32] = [
    "system",
    "peers",
    "peers_up",
    "links",
    "links_expected",
    "degree",
    "topology",
    "churn",
    "session",
    "pause",
    "crashes",
    "arrivals",
    "departures",
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
    object_of("gnutella-0.4", arguments)
}

fn object_of(system: &str, arguments: &[&str]) -> Value {
    let output = simulate(&[&[system, "--json"], arguments].concat());
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
fn ultrapeers_ask_for_their_leaves() {
    let run =
        |options: &[&str]| object_of("gnutella-0.6", &[&["--peers", "300"], options].concat());
    let found = run(&["--queries", "20"]);
    // 270 leaves have three ultrapeers each.
    assert!(found["links"].as_u64() >= Some(3 * 270), "{found}");
    assert_eq!(found["ttl"], 3);
    assert!(found["queries_found"].as_u64() >= Some(12), "{found}");
    assert_eq!(run(&["--checked"])["trace_hash"], run(&[])["trace_hash"]);
    let churn =
        ["--churn", "exponential", "--session", "60", "--crashes", "0.5", "--queries", "20"];
    let object = run(&churn);
    assert!(object["arrivals"].as_u64() > Some(100), "{object}");
    assert!(object["queries_found"].as_u64() >= Some(5), "{object}");
    assert_eq!(outcome(object), outcome(run(&churn)));
}

#[test]
fn every_topology_is_wired_as_it_is() {
    let run = |options: &[&str]| object(&[&["--queries", "2", "--topology"], options].concat());
    let regular = run(&["random-regular", "--peers", "400", "--degree", "6"]);
    assert_eq!((&regular["links"], &regular["degree"]), (&1_200.into(), &6.0.into()));
    // Five nodes that are all linked, and two links of each other one.
    let attached = run(&["barabasi-albert", "--peers", "400", "--degree", "4"]);
    assert_eq!(attached["links"], 3 + 2 * 397);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crawl.txt");
    std::fs::write(&file, "# a ring and a chord\n7\t9\n9\t20\n20\t4\n4\t7\n7\t20\n")
        .expect("a file");
    let crawl = run(&[&format!("crawl:{}", file.display())]);
    assert_eq!((&crawl["peers"], &crawl["links"]), (&4.into(), &5.into()));
    assert_eq!((&crawl["degree"], &crawl["topology"]), (&2.5.into(), &"crawl:crawl.txt".into()));
}

#[test]
fn peers_come_and_go() {
    let run = |model: &[&str]| {
        let options = ["--peers", "400", "--queries", "100", "--degree", "8"];
        object(&[&options[..], &["--churn"], model].concat())
    };
    for model in ["exponential", "pareto", "weibull"] {
        let drawn = run(&[model, "--session", "20", "--pause", "10"]);
        // Two thirds are up, and there are 30 s in which each of them leaves once in 30 s.
        let number = |key: &str| drawn[key].as_u64().expect("a number");
        assert!((227..=307).contains(&number("peers_up")), "{drawn}");
        assert!((200..=800).contains(&number("departures")), "{drawn}");
        assert!((200..=800).contains(&number("arrivals")), "{drawn}");
        assert_eq!(drawn["links"], drawn["links_expected"]);
        assert!(number("queries_found") >= 50, "{drawn}");
        let again = run(&[model, "--session", "20", "--pause", "10"]);
        assert_eq!(outcome(again), outcome(drawn));
    }
    // 99 of 100 do not come back.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trace.txt");
    let trace: String = (1..400).map(|peer| format!("1 {peer} leave\n")).collect();
    std::fs::write(&file, trace + "2 5 up\n").expect("a file");
    let traced = run(&[&format!("trace:{}", file.display())]);
    assert_eq!((&traced["peers_up"], &traced["session"]), (&400.into(), &Value::Null));
    assert_eq!((&traced["departures"], &traced["arrivals"]), (&399.into(), &1.into()));
    assert!(traced["queries_found"].as_u64() < Some(50), "{traced}");
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
        (&["--topology", "small-world"], "expected erdos-renyi, random-regular"),
        (&["--topology", "random-regular", "--degree", "2.5"], "a whole number"),
        (&["--topology", "barabasi-albert", "--degree", "5"], "an even number"),
        (&["--topology", "crawl:/no/such/file"], "/no/such/file"),
        (&["--churn", "tides"], "expected none, exponential"),
        (&["--churn", "trace:/no/such/file"], "/no/such/file"),
        (&["--churn", "pareto", "--session", "0"], "expected seconds above 0"),
        (&["--crashes", "1.5"], "expected 0 to 1"),
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
