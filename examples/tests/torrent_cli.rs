//! The `torrent` program as its users meet it: the binary that was built beside this test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use torrent_meta::{InfoHash, InfoHashV2, Metainfo};

/// Cargo builds a package's examples before it runs its tests.
fn torrent(arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join("torrent");
    Command::new(&program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// What it prints when it can do what was asked.
fn good(arguments: &[&str]) -> String {
    let output = torrent(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    assert!(stderr.is_empty(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The line on standard error when it can not.
fn bad(arguments: &[&str]) -> String {
    let output = torrent(arguments);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    stderr
}

fn json(arguments: &[&str]) -> Value {
    let text = good(arguments);
    assert_eq!(text.lines().count(), 1, "one object, one line");
    serde_json::from_str(&text).expect("an object")
}

/// A directory of its own for each test.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("torrent-cli").join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn put(directory: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = directory.join(name);
    fs::write(&path, bytes).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

/// Names in a directory, to see what was left behind.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A v1 torrent of two files of a byte each; the second one's name is no UTF-8 and full of tricks.
fn v1() -> Vec<u8> {
    b"d8:announce10:http://t/a7:comment5:hel\x1bo\
        4:infod5:filesld4:attr1:x6:lengthi1e4:pathl1:d4:\xc3\xbc.tee\
        d4:attr1:p6:lengthi1e4:pathl13:a\x1b[2J\xff\xe2\x80\xae\"\\\n'eee4:name3:n\xc2\x9b\
        12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa7:privatei1ee5:nodesll4:hosti80eee8:url-list8:http://we"
        .to_vec()
}

/// A torrent of BEP 52 only, of a file without content.
const V2: &str = "d4:infod9:file treed1:ad0:d6:lengthi0eeee12:meta versioni2e4:name1:a\
                  12:piece lengthi16384ee12:piece layersdee";

#[test]
fn without_arguments_it_says_what_it_can_do() {
    let help = good(&[]);
    for command in ["show", "edit", "magnet"] {
        assert!(help.contains(command), "{help}");
    }
    assert_eq!(good(&["--help"]).lines().next(), help.lines().next());
}

#[test]
fn show_json_has_these_keys_in_this_order() {
    let directory = directory("json");
    let file = put(&directory, "v1.torrent", v1());
    let text = good(&["show", &file, "--json"]);
    let keys = [
        "name",
        "version",
        "info_hash_v1",
        "info_hash_v2",
        "piece_length",
        "pieces",
        "total_size",
        "files",
        "private",
        "trackers",
        "web_seeds",
        "nodes",
        "deviations",
    ];
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    let object: Value = serde_json::from_str(&text).expect("an object");
    assert_eq!(object.as_object().expect("an object").len(), keys.len());
    let metainfo = Metainfo::parse_lenient(v1()).expect("a torrent");
    let hash = InfoHash::of(metainfo.info().raw()).to_string();
    assert_eq!(
        object,
        json!({
            "name": "n\u{9b}",
            "version": "v1",
            "info_hash_v1": hash,
            "info_hash_v2": null,
            "piece_length": 16384,
            "pieces": 1,
            "total_size": 2,
            "files": [
                {"path": "d/ü.t", "length": 1, "attr": "x"},
                {
                    "path": "a\u{1b}[2J\u{fffd}\u{202e}\"\\\n'",
                    "path_hex": "611b5b324affe280ae225c0a27",
                    "length": 1,
                    "attr": "p",
                },
            ],
            "private": true,
            "trackers": [["http://t/a"]],
            "web_seeds": ["http://w"],
            "nodes": [["host", 80]],
            "deviations": [],
        })
    );
}

#[test]
fn show_json_of_each_version() {
    let directory = directory("versions");
    let object = json(&["show", "--json", &put(&directory, "v2.torrent", V2)]);
    let raw = &V2[V2.find("4:info").expect("the key") + 6..V2.len() - "12:piece layersdee".len()];
    assert_eq!(object["version"], "v2");
    assert_eq!(object["info_hash_v1"], Value::Null);
    assert_eq!(object["info_hash_v2"], InfoHashV2::of(raw.as_bytes()).to_string());
    assert_eq!((&object["pieces"], &object["total_size"]), (&json!(0), &json!(0)));

    let hybrid = V2
        .replace("12:meta version", "6:lengthi0e12:meta version")
        .replace("i16384ee", "i16384e6:pieces0:e");
    let object = json(&["show", "--json", &put(&directory, "hybrid.torrent", hybrid)]);
    assert_eq!(object["version"], "hybrid");
    assert!(object["info_hash_v1"].is_string() && object["info_hash_v2"].is_string());
}

#[test]
fn nothing_that_is_printed_steers_a_terminal() {
    let directory = directory("escapes");
    let file = put(&directory, "v1.torrent", v1());
    let hostile = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=%1b%5b2J%e2%80%ae\
                   &tr=%c2%9b&\u{202e}=\u{9b}";
    for arguments in [
        &["show", &file][..],
        &["show", "--json", &file],
        &["magnet", &file],
        &["magnet", "--json", &file],
        &["magnet", hostile],
        &["magnet", "--json", hostile],
    ] {
        let text = good(arguments);
        let steers = |char: &char| *char != '\n' && (char.is_control() || *char == '\u{202e}');
        assert_eq!(text.chars().find(steers), None, "{arguments:?}: {text}");
    }
    let text = good(&["show", &file]);
    assert!(text.contains(r#"a\u{1b}[2J\xff\u{202e}"\\\n'"#), "{text}");
    assert!(text.contains("d/ü.t"), "{text}");
    let error = bad(&["show", "no\u{1b}such\nfile"]);
    assert!(error.contains(r"no\u{1b}such\nfile"), "{error}");
}

#[test]
fn what_is_no_torrent_is_said_in_a_line_with_kind_and_offset() {
    let directory = directory("errors");
    let cases: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "not a .torrent file: input ends too early"),
        ("cut", &v1()[..100], "at byte 100"),
        ("list", b"le", "not a .torrent file: the file is not a dictionary at byte 0"),
        ("no info", b"d8:announce1:ae", "key 'info' is missing at byte 0"),
        ("no name", b"d4:infod6:lengthi1eee", "at byte 7"),
    ];
    for (name, bytes, expected) in cases {
        let file = put(&directory, name, bytes);
        for command in ["show", "magnet"] {
            let error = bad(&[command, &file]);
            assert!(error.contains(name) && error.contains(expected), "{error}");
        }
        let error = bad(&["edit", &file, "--force", "--comment", "x"]);
        assert!(error.contains(name) && error.contains(expected), "{error}");
        assert_eq!(fs::read(&file).expect("the file"), bytes);
    }
    assert!(bad(&["show", "/no/such/file"]).contains("/no/such/file"));
    assert!(bad(&["show", directory.to_str().expect("UTF-8")]).contains("directory"));
    // Usage is more than a line.
    for arguments in [&["show"][..], &["no-such-command"], &["show", "a", "--no-such-option"]] {
        let output = torrent(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn strict_refuses_what_is_otherwise_listed() {
    let directory = directory("strict");
    let good_file = put(&directory, "good", v1());
    json(&["show", "--json", "--strict", &good_file]);
    let trailing = put(&directory, "trailing", [&v1()[..], b"\r\n"].concat());
    let deviations = json(&["show", "--json", &trailing])["deviations"].clone();
    let [deviation] = deviations.as_array().expect("a list").as_slice() else {
        panic!("{deviations}");
    };
    let deviation = deviation.as_str().expect("text");
    assert!(deviation.ends_with(&format!("at byte {}", v1().len())), "{deviation}");
    assert!(good(&["show", &trailing]).contains(deviation));
    assert!(bad(&["show", "--strict", &trailing]).contains(deviation));
    assert!(bad(&["show", "--strict", "--json", &trailing]).contains(deviation));
}

#[test]
fn show_warns_of_files_that_can_not_all_be_stored() {
    let directory = directory("collisions");
    let file = |path: &str| format!("d6:lengthi0e4:pathl{path}ee");
    let torrent = |paths: &[&str]| {
        let files: String = paths.iter().map(|path| file(path)).collect();
        format!("d4:infod5:filesl{files}e4:name1:d12:piece lengthi16384e6:pieces0:ee")
    };
    let paths = ["1:a", "2:a:", "2:a?", "1:A", "1:a", "1:\x1b", "2:A_1:b", "1:a"];
    let colliding = put(&directory, "colliding", torrent(&paths));
    let text = good(&["show", &colliding]);
    let warnings: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("warning"))
        .map(str::trim)
        .collect();
    assert_eq!(
        warnings,
        [
            "the same once stored: a, a, a",
            "the same where case or Unicode form do not count: a, A, a and 1 more",
            "the same once stored: a:, a?",
            "in the way of a directory where case or Unicode form do not count: a:, a? \
             (the directory has A_/b)",
        ]
    );
    let apart = put(&directory, "apart", torrent(&["1:a", "1:b", "1:c1:a"]));
    assert!(!good(&["show", &apart]).contains("warning"));
    // JSON has the keys that it always had.
    assert!(json(&["show", "--json", &colliding]).get("warnings").is_none());
}

#[test]
fn edit_changes_what_was_asked_and_nothing_of_the_info_dictionary() {
    let directory = directory("edit");
    let file = put(&directory, "a.torrent", v1());
    let out = directory.join("b.torrent").to_str().expect("UTF-8").to_owned();
    let hash = json(&["show", "--json", &file])["info_hash_v1"].clone();
    let said = good(&[
        "edit",
        &file,
        "-o",
        &out,
        "--add-tracker",
        "http://new",
        "--add-web-seed",
        "http://x",
        "--remove-web-seed",
        "http://w",
        "--comment",
        "ü",
        "--creation-date",
        "-5",
        "--add-node",
        "[::1]:6881",
        "--remove-node",
        "host:80",
        "--created-by",
        "me",
    ]);
    assert!(said.contains(hash.as_str().expect("text")) && said.contains("as before"), "{said}");
    let object = json(&["show", "--json", &out]);
    assert_eq!(object["info_hash_v1"], hash);
    assert_eq!(object["trackers"], json!([["http://t/a"], ["http://new"]]));
    assert_eq!(object["web_seeds"], json!(["http://x"]));
    assert_eq!(object["nodes"], json!([["::1", 6881]]));
    let (before, after) = (v1(), fs::read(&out).expect("the file"));
    let info =
        |bytes: &[u8]| Metainfo::parse_lenient(bytes).expect("a torrent").info().raw().to_vec();
    assert_eq!(info(&before), info(&after));
    assert_eq!(fs::read(&file).expect("the file"), before);
    let shown = good(&["show", &out]);
    assert!(shown.contains("1969-12-31 23:59:55 UTC (-5)"), "{shown}");

    // Everything away again.
    good(&[
        "edit",
        &out,
        "--force",
        "--clear-trackers",
        "--clear-web-seeds",
        "--clear-nodes",
        "--no-comment",
        "--no-created-by",
        "--no-creation-date",
    ]);
    let bare = [b"d4:info".as_slice(), &info(&before), b"e"].concat();
    assert_eq!(fs::read(&out).expect("the file"), bare);
    assert!(good(&["edit", &out, "--force", "--no-comment"]).contains("nothing to change"));
    // Tiers as `show` counts them.
    let [a, b, c] = ["udp://a", "udp://b", "wss://c"];
    good(&["edit", &out, "--force", "--add-tracker", a, "--add-tracker", b]);
    good(&["edit", &out, "--force", "--tier", "2", "--add-tracker", c]);
    assert_eq!(json(&["show", "--json", &out])["trackers"], json!([[a], [b, c]]));
    good(&["edit", &out, "--force", "--remove-tracker", a]);
    assert_eq!(json(&["show", "--json", &out])["trackers"], json!([[b, c]]));
    // What is no URL is a slip.
    for (option, value) in
        [("--add-tracker", ""), ("--add-tracker", "a b://c"), ("--add-web-seed", "w")]
    {
        let output = torrent(&["edit", &out, "--force", option, value]);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.code() == Some(1) && error.contains("expected a URL"), "{error}");
    }
    assert_eq!(json(&["show", "--json", &out])["trackers"], json!([[b, c]]));
}

#[test]
fn edit_replaces_a_file_only_when_told_and_leaves_nothing_behind() {
    let directory = directory("replace");
    let file = put(&directory, "a.torrent", v1());
    let other = put(&directory, "other", "precious");
    assert!(bad(&["edit", &file, "--comment", "x"]).contains("--force"));
    assert!(bad(&["edit", &file, "-o", &other, "--comment", "x"]).contains("exists already"));
    assert!(bad(&["edit", &file, "-o", &file, "--comment", "x"]).contains("exists already"));
    assert!(bad(&["edit", &file, "--force", "--remove-tracker", "x"]).contains("no tracker x"));
    assert!(bad(&["edit", &file, "-o", "/no/such/place", "--comment", "x"]).contains("/no/such"));
    assert_eq!(fs::read(&other).expect("the file"), b"precious");
    assert_eq!(fs::read(&file).expect("the file"), v1());
    good(&["edit", &file, "--force", "--comment", "x"]);
    assert_ne!(fs::read(&file).expect("the file"), v1());
    good(&["edit", &file, "-o", &other, "--force"]);
    assert_eq!(fs::read(&file).expect("the file"), fs::read(&other).expect("the file"));
    assert_eq!(names(&directory), ["a.torrent", "other"]);
}

#[cfg(unix)]
#[test]
fn edit_keeps_links_and_permissions_and_the_old_file_where_it_can_not_write() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let directory = directory("links");
    let real = put(&directory, "real", v1());
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("permissions");
    let number = fs::metadata(&real).expect("the file").ino();
    let link = directory.join("link");
    symlink("real", &link).expect("a link");
    good(&["edit", link.to_str().expect("UTF-8"), "--force", "--comment", "x"]);
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_ne!(fs::read(&real).expect("the file"), v1());
    let metadata = fs::metadata(&real).expect("the file");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    // Another file took its place: nobody ever saw half of one.
    assert_ne!(metadata.ino(), number);
    // Something that is no file.
    let inner = directory.join("inner");
    fs::create_dir(&inner).expect("a directory");
    let error = bad(&["edit", &real, "-o", inner.to_str().expect("UTF-8"), "--force"]);
    assert!(error.contains("inner"), "{error}");
    assert_eq!(names(&directory), ["inner", "link", "real"]);
}

#[test]
fn magnet_of_a_file_and_back() {
    let directory = directory("magnet");
    let file = put(&directory, "a.torrent", v1());
    let hash = json(&["show", "--json", &file])["info_hash_v1"].as_str().expect("text").to_owned();
    let link = good(&["magnet", &file]);
    let expected = format!(
        "magnet:?xt=urn:btih:{hash}&dn=n%C2%9B&xl=1&tr=http%3A%2F%2Ft%2Fa&ws=http%3A%2F%2Fw\n"
    );
    assert_eq!(link, expected);
    let parts = json(&["magnet", "--json", link.trim_end()]);
    assert_eq!(parts["uri"], link.trim_end());
    assert_eq!(parts["info_hash_v1"], *hash);
    assert_eq!(parts["name"], "n\u{9b}");
    assert_eq!(parts["trackers"], json!(["http://t/a"]));
    assert_eq!(parts, json(&["magnet", "--json", &file]));
    let bare = format!("magnet:?xt=urn:btih:{hash}\n");
    assert_eq!(good(&["magnet", "--only-hash", &file]), bare);
    let more = ["magnet", "--only-hash", &file, "--peer", "[::1]:80", "--select", "1,0"];
    assert_eq!(good(&more), format!("{}&x.pe=[::1]:80&so=0-1\n", bare.trim_end()));
    assert!(bad(&["magnet", &file, "--select", "2"]).contains("no file 2 among 2"));
    let shown = good(&["magnet", &bare]);
    assert!(shown.contains(&hash), "{shown}");
    assert!(bad(&["magnet", "magnet:?xt=urn:btih:12"]).contains("at byte 11"));
    assert!(bad(&["magnet", "magnet:?dn=x"]).contains("no info-hash"));
    let file = put(&directory, "v2.torrent", V2);
    assert!(good(&["magnet", &file]).starts_with("magnet:?xt=urn:btmh:1220"));
}

#[test]
fn dates_are_those_of_the_calendar() {
    let directory = directory("dates");
    for (seconds, expected) in [
        ("0", "1970-01-01 00:00:00 UTC (0)"),
        ("951782399", "2000-02-28 23:59:59 UTC (951782399)"),
        ("951782400", "2000-02-29 00:00:00 UTC (951782400)"),
        ("4107542400", "2100-03-01 00:00:00 UTC (4107542400)"),
        ("1709208000", "2024-02-29 12:00:00 UTC (1709208000)"),
        ("1735689599", "2024-12-31 23:59:59 UTC (1735689599)"),
        ("-62135596800", "0001-01-01 00:00:00 UTC (-62135596800)"),
        ("253402300799", "9999-12-31 23:59:59 UTC (253402300799)"),
        ("253402300800", "253402300800 s after 1970"),
        ("-62135596801", "-62135596801 s after 1970"),
    ] {
        let text = V2.replacen("d4:info", &format!("d13:creation datei{seconds}e4:info"), 1);
        let shown = good(&["show", &put(&directory, "a.torrent", text)]);
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}
