//! The `compare` program as its users meet it: the binary that was built beside this test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const KEYS: [&str; 23] = [
    "system",
    "peers",
    "seed",
    "searches",
    "found_rate",
    "found_rate_popular",
    "found_rate_rare",
    "messages_per_search",
    "bytes_per_search",
    "join_messages",
    "publish_messages",
    "signalling_bytes_per_peer_s",
    "hops_p50",
    "hops_p99",
    "latency_p50_ms",
    "latency_p99_ms",
    "state_bytes_per_peer",
    "busiest_share",
    "bytes_fetched",
    "pieces_verified",
    "found_rate_random_failure",
    "found_rate_attack",
    "trace_hash",
];

/// Cargo builds a package's examples before it runs its tests.
fn compare(arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join("compare");
    Command::new(&program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// A directory of its own for each test, with a few files.
fn files(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(directory.join("sub/.hidden")).expect("a directory");
    fs::create_dir_all(directory.join("target")).expect("a directory");
    for number in 0..12 {
        let content = vec![number as u8; 1 + 20_000 * number];
        fs::write(directory.join(format!("sub/tune number {number}.ogg")), content)
            .expect("a file");
    }
    fs::write(directory.join("left \"out\" & odd name.txt"), "odd").expect("a file");
    fs::write(directory.join("empty.txt"), "").expect("a file");
    fs::write(directory.join("sub/.hidden/secret.txt"), "hidden").expect("a file");
    fs::write(directory.join("target/built.txt"), "built").expect("a file");
    directory
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn one_object_a_system_with_the_keys_in_order() {
    let directory = files("keys");
    let arguments = ["--peers", "60", "--searches", "20", "--json", "--checked"];
    let output = compare(&[&arguments[..], &[directory.to_str().expect("UTF-8")]].concat());
    let objects = lines(&output);
    let systems: Vec<_> = objects.iter().map(|object| object["system"].clone()).collect();
    assert_eq!(systems, ["napster", "gnutella-0.4", "gnutella-0.6", "chord"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for (line, object) in text.lines().zip(&objects) {
        assert_eq!(object.as_object().expect("an object").len(), KEYS.len());
        let places: Vec<_> = KEYS.iter().map(|key| line.find(&format!("\"{key}\":"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{line}");
        let hash = object["trace_hash"].as_str().expect("text");
        assert!(hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(object["searches"], 20);
        assert_eq!(object["found_rate"], 1.0, "{line}");
        assert!(object["bytes_fetched"].as_u64() > Some(0), "{line}");
        assert!(object["pieces_verified"].as_u64() > Some(0), "{line}");
    }
    assert!(objects[0]["found_rate_attack"] == 0.0, "Napster dies with its server");
}

#[test]
fn same_seed_same_bytes_wherever_the_files_are_and_checked_or_not() {
    let (first, second) = (files("same-one"), files("same-two"));
    let run = |directory: &Path, seed: &str, more: &[&str]| {
        let directory = directory.to_str().expect("UTF-8");
        let arguments = ["--peers", "40", "--searches", "10", "--json", "--seed", seed, directory];
        let output = compare(&[&arguments[..], more].concat());
        assert!(output.status.success());
        output.stdout
    };
    let reference = run(&first, "7", &[]);
    assert_eq!(reference, run(&first, "7", &[]));
    assert_eq!(reference, run(&second, "7", &["--checked"]));
    assert_ne!(reference, run(&first, "8", &[]));
    fs::write(second.join("sub/tune number 3.ogg"), "another tune").expect("a file");
    assert_ne!(reference, run(&second, "7", &[]));
}

#[test]
fn systems_and_nats_can_be_chosen() {
    let directory = files("chosen");
    let directory = directory.to_str().expect("UTF-8");
    let common = ["--peers", "40", "--searches", "20", "--json", "--nat", "1,0,0,0,0", directory];
    let output = compare(&[&common[..], &["--systems", "chord,napster"]].concat());
    let objects = lines(&output);
    assert_eq!(
        (&objects[0]["system"], &objects[1]["system"]),
        (&"chord".into(), &"napster".into())
    );
    // With everyone in the open every fetch arrives.
    assert_eq!(objects[0]["bytes_fetched"], objects[1]["bytes_fetched"]);
}

#[test]
fn the_table_has_a_column_a_system_and_the_traces_last() {
    let directory = files("table");
    let directory = directory.to_str().expect("UTF-8");
    let output = compare(&["--peers", "40", "--searches", "10", "--quiet", directory]);
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let header = text.lines().next().expect("a header");
    for system in ["napster", "gnutella-0.4", "gnutella-0.6", "chord"] {
        assert!(header.contains(system));
    }
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.last().is_some_and(|row| row.contains("trace")));
    assert!(text.contains("found, 20 % failed at random"));
}

#[test]
fn what_can_not_be_done_is_said_in_a_line_with_exit_status_1() {
    let directory = files("errors");
    let empty = directory.join("nothing");
    fs::create_dir_all(&empty).expect("a directory");
    fs::write(empty.join("empty.txt"), "").expect("a file");
    let (directory, empty) = (directory.to_str().expect("UTF-8"), empty.to_str().expect("UTF-8"));
    let cases: [(&[&str], &str); 9] = [
        (&["/no/such/path"], "/no/such/path"),
        (&[directory, "/no/such/path"], "/no/such/path"),
        (&[empty], "no files with content"),
        (&["--peers", "1", directory], "at least 2"),
        (&["--nat", "0.5,0,0,0,0", directory], "add up to 0.5"),
        (&["--nat", "1,0,0", directory], "5 shares"),
        (
            &["--systems", "napster,kazaa", directory],
            "expected one of napster, gnutella-0.4, gnutella-0.6, chord",
        ),
        (&["--replicas", "0", directory], "at least 1"),
        (&["--no-such-option"], "--no-such-option"),
    ];
    for (arguments, expected) in cases {
        let output = compare(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let directory = files("unreadable");
    let secret = directory.join("secret.txt");
    fs::write(&secret, "secret").expect("a file");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("permissions");
    if fs::read(&secret).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let output = compare(&[directory.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("secret.txt"));
}
