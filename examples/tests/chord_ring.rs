//! `chord_ring` and Chord's figures as their users meet them: the binaries built beside this test.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Cargo builds a package's examples before it runs its tests.
fn run(program: &str, arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(program);
    Command::new(&program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn ring(arguments: &str) -> Value {
    let arguments: Vec<_> = arguments.split(' ').chain(["--json"]).collect();
    lines(&run("chord_ring", &arguments)).pop().expect("a line")
}

#[test]
fn a_ring_has_all_its_numbers() {
    let report = ring("--nodes 4096 --lookups 20000");
    for key in [
        "nodes",
        "lookups",
        "mode",
        "hops_mean",
        "hops_p1",
        "hops_p50",
        "hops_p99",
        "load_p1",
        "load_p99",
        "build_seconds",
        "ns_per_lookup",
        "peak_rss_bytes",
    ] {
        let is_there = !report[key].is_null() || key == "peak_rss_bytes";
        assert!(is_there, "{key}: {report}");
    }
    assert_eq!((&report["nodes"], &report["lookups"]), (&4096.into(), &20_000.into()));
    assert_eq!(report["mode"], "finger");
    // An independent simulation's 5.87.
    let mean = report["hops_mean"].as_f64().expect("a number");
    assert!((mean - 5.87).abs() < 0.1, "{mean}");
    assert_eq!([&report["hops_p1"], &report["hops_p50"]], [2, 6]);
    // 10 over many rings, which C1 has; 9 in some.
    assert!(report["hops_p99"] == 9 || report["hops_p99"] == 10, "{report}");
    // Same seed, same ring and keys; another, others.
    let same = |one: &Value, other: &Value| one["hops_mean"] == other["hops_mean"];
    assert!(same(&report, &ring("--nodes 4096 --lookups 20000 --seed 1")));
    assert!(!same(&report, &ring("--nodes 4096 --lookups 20000 --seed 2")));
}

#[test]
fn modes_take_the_hops_they_should() {
    let mean = |mode: &str| {
        let report = ring(&format!("--nodes 1000 --lookups 30000 --mode {mode}"));
        report["hops_mean"].as_f64().expect("a number")
    };
    let [successor, finger, full] = ["successor", "finger", "full"].map(mean);
    assert!((480.0..520.0).contains(&successor), "{successor}");
    assert!((4.7..5.0).contains(&finger), "{finger}");
    assert!((0.99..1.0).contains(&full), "{full}");
}

#[test]
fn virtual_nodes_even_the_load() {
    let loads = |vnodes: u32| {
        let report = ring(&format!("--nodes 2000 --lookups 100000 --vnodes {vnodes}"));
        let load = |key: &str| report[key].as_f64().expect("a number");
        (load("load_p1"), load("load_p99"))
    };
    // Independent simulations: 0 to 0.01 and 4.6 of the mean; with twenty each, 0.51 and 1.65.
    let (low, high) = loads(1);
    assert!(low <= 0.05 && (4.0..5.3).contains(&high), "{low} {high}");
    let (low, high) = loads(20);
    assert!((0.4..0.6).contains(&low) && (1.5..1.8).contains(&high), "{low} {high}");
}

#[test]
fn protocol_nodes_find_every_owner_while_others_come_and_go() {
    for options in ["--churn 0", "--churn 0.2", "--churn 0.2 --crashes 1"] {
        let report = ring(&format!("--nodes 300 --lookups 1500 {options}"));
        let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("{key}: {report}"));
        // Of ½ log2 N − 0.13 hops, lists of 20 spare about log2(20) / 2.
        assert!((1.5..3.0).contains(&number("hops_mean")), "{report}");
        assert!(number("load_p99") > 3.0 && number("messages") > 30_000.0, "{report}");
        assert_eq!(report["failed"], 0, "{report}");
        let still = options == "--churn 0";
        assert_eq!(number("joined") + number("gone") == 0.0, still, "{report}");
        assert_eq!(number("timeouts_mean") == 0.0, still, "{report}");
        let again = ring(&format!("--nodes 300 --lookups 1500 {options}"));
        for key in ["hops_mean", "load_p99", "joined", "gone", "messages"] {
            assert_eq!(report[key], again[key], "same seed, same run");
        }
    }
    // By successors alone a lookup passes half of the ring, which takes so long that the owner may change.
    let report = ring("--nodes 400 --lookups 200 --churn 0.02 --mode successor");
    let mean = report["hops_mean"].as_f64().expect("a number");
    let failed = report["failed"].as_u64().expect("a number");
    assert!((160.0..240.0).contains(&mean) && failed <= 2, "{report}");
}

#[test]
fn without_options_there_is_a_table() {
    let output = run("chord_ring", &[]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("10000") && text.contains("100000 by finger"), "{text}");
}

#[test]
fn senseless_options_are_refused() {
    for (arguments, message) in [
        (["--nodes", "0"], "0 is not in"),
        (["--lookups", "0"], "0 is not in"),
        (["--vnodes", "0"], "0 is not in"),
        (["--mode", "token"], "possible values: successor, finger, full"),
        (["--churn", "-1"], "unexpected argument"),
        (["--churn", "often"], "expected a number of nodes a second"),
        (["--crashes", "0.5"], "--churn <RATE>"),
        (["--vnodes", "4294967295"], "at most 4294967295 nodes"),
    ] {
        let output = run("chord_ring", &arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn chords_figures_hold() {
    let rows = lines(&run("figures", &["--only", "C0,C1,C2,C3,C5,C7", "--json"]));
    for (id, at_least) in [("C0", 6), ("C1", 12), ("C2", 22), ("C3", 6), ("C5", 3)] {
        let judged: Vec<_> =
            rows.iter().filter(|row| row["id"] == id && row["verdict"] != "reported").collect();
        assert!(judged.len() >= at_least, "{id}: {} rows", judged.len());
        assert!(judged.iter().all(|row| row["verdict"] == "holds"), "{judged:?}");
    }
    assert_eq!(rows.iter().filter(|row| row["id"] == "C7").count(), 12);
}
