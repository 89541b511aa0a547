//! `torrent verify` as its users meet it: the binary that was built beside this test.

#[path = "../../torrent-meta/tests/common/mod.rs"]
mod common;

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::File;
use serde_json::{Value, json};
use torrent_meta::bencode;
use torrent_meta::{Backend, Creator, PieceLength, Version, hash_pieces};

const K: usize = 1 << 10;

/// Cargo builds a package's examples before it runs its tests.
fn program() -> Command {
    program_of("verify")
}

fn program_of(command: &str) -> Command {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let mut program = Command::new(profile.join("examples").join("torrent"));
    program.arg(command);
    program
}

fn verify(arguments: &[&Path], options: &[&str]) -> Output {
    program().args(arguments).args(options).output().expect("the program starts")
}

/// What `--json` prints, and the exit status.
fn json_of(arguments: &[&Path], options: &[&str]) -> (Value, i32) {
    let output = verify(arguments, &[options, &["--json"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.is_empty(), "{stderr}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "one object, one line");
    (serde_json::from_str(&text).expect("an object"), output.status.code().expect("not killed"))
}

/// The line on standard error when nothing could be verified.
fn failure(arguments: &[&Path], options: &[&str]) -> String {
    let output = verify(arguments, options);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    stderr
}

/// A directory of its own for each test.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("torrent-verify").join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// The torrent of these files, and the files, named `content/000` and so on.
fn put(directory: &Path, version: Version, piece_length: usize, files: &[File]) -> PathBuf {
    let torrent = directory.join(format!("{version}.torrent"));
    fs::create_dir_all(directory.join("content")).expect("a directory");
    fs::write(&torrent, common::torrent(version, piece_length, files).as_bytes()).expect("a file");
    for (index, (bytes, padding)) in files.iter().enumerate() {
        if !padding {
            fs::write(directory.join(format!("content/{index:03}")), bytes).expect("a file");
        }
    }
    torrent
}

/// Turns one bit of a file.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("a file");
}

#[test]
fn good_content_is_good_wherever_it_is_said_to_be() {
    for version in [Version::V1, Version::V2, Version::Hybrid] {
        let directory = directory(&format!("good-{version}"));
        let mut files = common::files(&[100 * K, 5, 64 * K + 1, 0, 700]);
        if version == Version::Hybrid {
            files = common::padded(&files, 32 * K);
        }
        let torrent = put(&directory, version, 32 * K, &files);
        let content = directory.join("content");
        for threads in ["1", "3"] {
            for place in [&directory, &content] {
                let (report, status) = json_of(&[&torrent, place], &["--threads", threads]);
                assert_eq!((status, &report["complete"]), (0, &json!(true)), "{report}");
                assert_eq!(report["files"].as_array().map(Vec::len), Some(5));
                assert_eq!(report["pieces"]["bad"], json!([]));
            }
        }
        // By another name it has to be told, and is not there otherwise.
        let renamed = directory.join("renamed");
        fs::rename(&content, &renamed).expect("a new name");
        let (report, status) = json_of(&[&torrent, &renamed], &["--content"]);
        assert_eq!((status, &report["complete"]), (0, &json!(true)));
        let (report, status) = json_of(&[&torrent, &renamed], &[]);
        assert_eq!(status, 1);
        assert!(
            report["files"].as_array().expect("files").iter().all(|f| f["status"] == "missing")
        );
        assert_eq!(report["pieces"]["good"], json!(0));
    }
}

#[test]
fn what_is_wrong_is_told_by_file_and_byte() {
    let directory = directory("wrong");
    let files = common::files(&[64 * K, 40 * K, 40 * K, 0, 10, 30 * K]);
    let torrent = put(&directory, Version::V1, 16 * K, &files);
    let content = directory.join("content");
    flip(&content.join("000"), 20 * K);
    fs::remove_file(content.join("001")).expect("it is there");
    fs::remove_file(content.join("003")).expect("it is there");
    fs::write(content.join("002"), &files[2].0[..30 * K]).expect("a file");
    fs::write(content.join("005"), [&files[5].0[..], b"more"].concat()).expect("a file");
    let (report, status) = json_of(&[&torrent, &directory], &[]);
    assert_eq!((status, &report["complete"]), (1, &json!(false)));
    let kib = |ranges: &[[usize; 2]]| {
        json!(ranges.iter().map(|r| r.map(|at| at * K)).collect::<Vec<_>>())
    };
    let file = |index: usize, key: &str| report["files"][index][key].clone();
    assert_eq!((file(0, "status"), file(0, "bad")), (json!("bad"), kib(&[[16, 32]])));
    assert_eq!(file(0, "good_bytes"), json!(48 * K));
    assert_eq!((file(1, "status"), file(1, "missing")), (json!("missing"), kib(&[[0, 40]])));
    // Pieces at 104 KiB + 30 KiB; the piece that is shared with file 1 is not there as a whole.
    assert_eq!((file(2, "status"), file(2, "found_length")), (json!("incomplete"), json!(30 * K)));
    assert_eq!(file(2, "missing"), kib(&[[0, 8], [24, 40]]));
    assert_eq!(file(3, "status"), json!("missing"));
    assert_eq!(file(4, "status"), json!("good"));
    assert_eq!((file(5, "status"), file(5, "good_bytes")), (json!("wrong size"), json!(30 * K)));
    assert_eq!(report["pieces"]["bad"], json!([1]));
    assert_eq!(report["pieces"]["missing"], json!(4));

    let text = String::from_utf8(verify(&[&torrent, &directory], &[]).stdout).expect("UTF-8");
    for line in [
        "bad        content/000\n             bad: 16384 bytes, 16384..32768\n",
        "missing    content/001\n",
        "incomplete content/002: 30720 bytes long instead of 40960\n",
        "good       content/004\n",
        "wrong size content/005: 30724 bytes long instead of 30720\n",
        "6 of 11 pieces good, 1 bad, 4 missing\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[test]
fn a_single_file_below_its_name_or_as_itself() {
    let directory = directory("single");
    let content = common::noise(50 * K, 1);
    let mut creation = Creator::single_file("one.bin", content.len() as u64)
        .piece_length(PieceLength::new(16 << 10).expect("not zero"))
        .start()
        .expect("a good description");
    creation.update(&content).expect("all of it");
    let torrent = directory.join("one.torrent");
    fs::write(&torrent, creation.finish().expect("valid").as_bytes()).expect("a file");
    let file = directory.join("one.bin");
    fs::write(&file, &content).expect("a file");
    assert_eq!(json_of(&[&torrent, &directory], &[]).1, 0);
    assert_eq!(json_of(&[&torrent, &file], &[]).1, 0);
    let other = directory.join("other");
    fs::rename(&file, &other).expect("a new name");
    assert_eq!(json_of(&[&torrent, &directory], &[]).1, 1);
    assert_eq!(json_of(&[&torrent, &other], &[]).1, 0);
    flip(&other, 49 * K);
    let (report, status) = json_of(&[&torrent, &other], &[]);
    assert_eq!((status, &report["files"][0]["bad"]), (1, &json!([[48 * K, 50 * K]])));
}

#[test]
fn blocks_and_contradictions_of_v2() {
    let directory = directory("blocks");
    // The last piece of the first file and the second file have one block each.
    let files = common::padded(&common::files(&[100 * K, 9 * K]), 32 * K);
    for version in [Version::V2, Version::Hybrid] {
        let files = match version {
            Version::V2 => common::files(&[100 * K, 9 * K]),
            _ => files.clone(),
        };
        let torrent = put(&directory, version, 32 * K, &files);
        let last = if version == Version::V2 { "content/001" } else { "content/002" };
        flip(&directory.join("content/000"), 40 * K);
        flip(&directory.join("content/000"), 99 * K);
        flip(&directory.join(last), 0);
        let (report, status) = json_of(&[&torrent, &directory], &[]);
        assert_eq!((status, &report["pieces"]["bad"]), (1, &json!([1, 3, 4])));
        let blocks = json!([
            {"piece": 3, "file": 0, "bytes": [[96 * K, 100 * K]]},
            {"piece": 4, "file": 1, "bytes": [[0, 9 * K]]},
        ]);
        assert_eq!(report["bad_blocks"], blocks);
        fs::remove_dir_all(directory.join("content")).expect("it is there");
    }

    let torrent = put(&directory, Version::Hybrid, 32 * K, &files);
    let broken = common::bytes(Version::Hybrid, 32 * K, &files, |pieces| pieces[0] ^= 1);
    fs::write(&torrent, broken).expect("a file");
    let (report, status) = json_of(&[&torrent, &directory], &[]);
    assert_eq!((status, &report["pieces"]["bad"]), (1, &json!([0])));
    assert_eq!(report["pieces"]["conflicts"], json!([{"piece": 0, "good_in": "v2"}]));
}

/// Nothing outside of the directory is read, whatever the torrent or links say.
#[cfg(unix)]
#[test]
fn paths_and_links_stay_inside() {
    let directory = directory("inside");
    let files = common::files(&[20 * K, 20 * K, 20 * K]);
    let torrent = put(&directory.join("d"), Version::V1, 16 * K, &files);
    let content = directory.join("d/content");
    let outside = directory.join("outside");
    fs::rename(content.join("001"), &outside).expect("a new place");
    std::os::unix::fs::symlink(&outside, content.join("001")).expect("a link");
    fs::rename(content.join("002"), directory.join("d/inside")).expect("a new place");
    std::os::unix::fs::symlink("../inside", content.join("002")).expect("a link");
    let (report, status) = json_of(&[&torrent, &directory.join("d")], &[]);
    let status_of = |index: usize| report["files"][index]["status"].as_str();
    assert_eq!(
        (status, [0, 1, 2].map(status_of)),
        (1, [Some("incomplete"), Some("unreadable"), Some("incomplete")])
    );
    let problem = report["files"][1]["problem"].as_str().expect("a problem");
    assert!(problem.starts_with("a symbolic link leads out of "), "{problem}");
    // Seen from above, it is inside, and so is what the link to the directory leads to.
    std::os::unix::fs::symlink("d/content", directory.join("content")).expect("a link");
    assert_eq!(json_of(&[&torrent, &directory], &[]).1, 0);

    let up = directory.join("up.torrent");
    let bytes = b"d4:infod6:lengthi3e4:name2:..12:piece lengthi4e6:pieces20:01234567890123456789ee";
    fs::write(&up, bytes).expect("a file");
    let (report, status) = json_of(&[&up, &directory], &[]);
    assert_eq!((status, &report["files"][0]["status"]), (1, &json!("unreadable")));
}

/// Makes a torrent of `content` beside it.
#[cfg(unix)]
fn create(content: &Path, version: &str) -> PathBuf {
    let torrent = content.with_file_name(format!("{version}.torrent"));
    let mut command = program_of("create");
    command.arg(content).arg("-o").arg(&torrent).args([format!("--{version}").as_str(), "--force"]);
    let output = command.output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    torrent
}

/// Names that Windows can not store are found as they are, and as those downloaders store them that
/// keep to what Windows can.
#[cfg(unix)]
#[test]
fn odd_names_are_found_as_they_are_and_made_safe() {
    let names = [
        ("a:b?", "a_b_"),
        (r#""x""#, "_x_"),
        ("dots...", "dots.._"),
        ("space ", "space_"),
        ("NUL", "_NUL"),
        (r"back\slash", "back_slash"),
        ("tab\t", "tab_"),
        ("-o", "-o"),
        ("\u{202e}", "\u{202e}"),
    ];
    let directory = directory("odd-names");
    let (content, renamed) =
        (directory.join(r#"what? "this"..."#), directory.join("what_ _this_.._"));
    let odd = names.map(|(odd, _)| odd);
    let safe = names.map(|(_, safe)| safe);
    for version in ["v1", "v2", "hybrid"] {
        fs::create_dir_all(content.join("in:it")).expect("a directory");
        fs::write(content.join("in:it/one"), common::noise(20 * K, 1)).expect("a file");
        for (seed, name) in odd.iter().enumerate() {
            fs::write(content.join(name), common::noise(K + seed, seed as u64)).expect("a file");
        }
        let torrent = create(&content, version);
        let whole = |place: &Path, options: &[&str], found: &[&str]| {
            let (report, status) = json_of(&[&torrent, place], options);
            assert_eq!((status, &report["complete"]), (0, &json!(true)), "{report}");
            let files = report["files"].as_array().expect("files").iter();
            let paths: Vec<_> = files.filter_map(|file| file["path"].as_str()).collect();
            assert_eq!(paths.len(), names.len() + 1);
            for name in found {
                assert!(paths.iter().any(|path| path.ends_with(&format!("/{name}"))), "{paths:?}");
            }
        };
        whole(&directory, &[], &odd);
        whole(&content, &[], &odd);
        flip(&content.join("dots..."), 0);
        let output = verify(&[&torrent, &directory], &[]);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1));
        assert!(text.contains("bad        what? \"this\".../dots...\n"), "{text}");
        flip(&content.join("dots..."), 0);

        // Some by one name and some by the other, then all by the other.
        for (odd, safe) in &names[..3] {
            fs::rename(content.join(odd), content.join(safe)).expect("a new name");
        }
        whole(&directory, &[], &[&safe[..3], &odd[3..]].concat());
        for (odd, safe) in &names[3..] {
            fs::rename(content.join(odd), content.join(safe)).expect("a new name");
        }
        fs::rename(content.join("in:it"), content.join("in_it")).expect("a new name");
        fs::rename(&content, &renamed).expect("a new name");
        whole(&directory, &[], &safe);
        whole(&renamed, &[], &safe);
        whole(&renamed, &["--content"], &safe);
        fs::remove_dir_all(&renamed).expect("it is there");
    }
    let file = directory.join("why?");
    fs::write(&file, b"because").expect("a file");
    let torrent = create(&file, "v1");
    assert_eq!(json_of(&[&torrent, &directory], &[]).1, 0);
    fs::rename(&file, directory.join("why_")).expect("a new name");
    assert_eq!(json_of(&[&torrent, &directory], &[]).1, 0);
}

/// Names that are no text at all, as other programs write them.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_utf_8_are_found() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let directory = directory("bytes");
    let content = directory.join(OsStr::from_bytes(b"n\xe9"));
    fs::create_dir(&content).expect("a directory");
    fs::write(content.join(OsStr::from_bytes(b"\xff\xfe")), b"hello").expect("a file");
    let mut torrent = b"d4:infod5:filesld6:lengthi5e4:pathl2:\xff\xfeeee4:name2:n\xe9".to_vec();
    torrent.extend(b"12:piece lengthi16384e6:pieces20:");
    torrent.extend(hash_pieces(Backend::best(), &[b"hello"])[0]);
    torrent.extend(b"ee");
    let file = directory.join("t.torrent");
    fs::write(&file, torrent).expect("a file");
    assert_eq!(json_of(&[&file, &directory], &[]).1, 0);
    assert_eq!(json_of(&[&file, &content], &[]).1, 0);
}

/// What the names would lead to is there and right, even below DIR, and yet it is not found.
#[cfg(unix)]
#[test]
fn names_that_lead_elsewhere_are_not_followed() {
    let directory = directory("elsewhere");
    fs::create_dir_all(directory.join("n")).expect("a directory");
    let bytes = common::noise(100, 1);
    let secret = directory.join("secret");
    fs::write(&secret, &bytes).expect("a file");
    // At the same place for those who leave out what is odd.
    fs::write(directory.join("n/secret"), common::noise(100, 2)).expect("a file");
    let hash = hash_pieces(Backend::best(), &[&bytes])[0];
    let paths: [&[&[u8]]; 6] = [
        &[b"..", b"secret"],
        &[b"../secret"],
        &[secret.to_str().expect("UTF-8").as_bytes()],
        &[b"", b"..", b"secret"],
        &[b".", b"..", b"secret"],
        &[b"..\0", b"secret"],
    ];
    for path in paths {
        let mut torrent = b"d4:infod5:filesld6:lengthi100e4:pathl".to_vec();
        for component in path {
            torrent.extend(format!("{}:", component.len()).as_bytes());
            torrent.extend(*component);
        }
        torrent.extend(b"eee4:name1:n12:piece lengthi16384e6:pieces20:");
        torrent.extend(hash);
        torrent.extend(b"ee");
        let file = directory.join("t.torrent");
        fs::write(&file, torrent).expect("a file");
        for place in [&directory, &directory.join("n")] {
            let (report, status) = json_of(&[&file, place], &[]);
            let found = report["files"][0]["status"].as_str().expect("a status");
            assert!(status == 1 && ["missing", "unreadable"].contains(&found), "{report}");
        }
    }
}

/// A link of the torrent has to be a link, and to lead where the torrent says.
#[cfg(unix)]
#[test]
fn links_of_the_torrent_are_looked_at() {
    use std::os::unix::fs::symlink;

    let directory = directory("links");
    let content = directory.join("content");
    fs::create_dir_all(content.join("sub")).expect("a directory");
    fs::write(content.join("a"), common::noise(20 * K, 1)).expect("a file");
    fs::write(content.join("b?"), common::noise(20 * K, 2)).expect("a file");
    for (link, target) in [("l1", "a"), ("sub/l2", "../b?"), ("l3", "sub"), ("sub/l4", "l2")] {
        symlink(target, content.join(link)).expect("a link");
    }
    // What is not good: path, status and problem.
    let wrong = |version: &str| {
        let torrent = directory.join(format!("{version}.torrent"));
        let (report, status) = json_of(&[&torrent, &directory], &[]);
        let files = report["files"].as_array().expect("files").iter();
        let wrong: Vec<[String; 3]> = files
            .filter(|file| file["status"] != "good")
            .map(|file| {
                ["path", "status", "problem"]
                    .map(|key| file[key].as_str().unwrap_or_default().to_owned())
            })
            .collect();
        assert_eq!((status == 0, &report["complete"]), (wrong.is_empty(), &json!(status == 0)));
        wrong
    };
    for version in ["v1", "v2", "hybrid"] {
        create(&content, version);
        assert_eq!(wrong(version), Vec::<[String; 3]>::new());
    }
    let l1 = content.join("l1");
    for (target, status, problem) in [
        ("b?", "wrong link", "a symbolic link to b?, not to "),
        ("gone", "wrong link", "the symbolic link to gone: "),
        ("../../..", "unreadable", "a symbolic link leads out of "),
    ] {
        fs::remove_file(&l1).expect("it is there");
        symlink(target, &l1).expect("a link");
        let wrong = wrong("v1");
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!((&wrong[0][0][..], &wrong[0][1][..]), ("content/l1", status));
        assert!(wrong[0][2].starts_with(problem), "{wrong:?}");
    }
    fs::remove_file(&l1).expect("it is there");
    assert_eq!(wrong("v2"), [["content/l1", "missing", ""]]);
    fs::write(&l1, b"").expect("a file");
    assert_eq!(wrong("hybrid"), [["content/l1", "wrong link", "not a symbolic link"]]);
    // Another way to the same file.
    fs::remove_file(&l1).expect("it is there");
    symlink("sub/../a", &l1).expect("a link");
    assert_eq!(wrong("v2"), Vec::<[String; 3]>::new());
}

#[test]
fn what_can_not_be_verified_is_said_in_a_line() {
    let directory = directory("lines");
    let none = directory.join("none");
    assert!(failure(&[&none, &directory], &[]).contains("none: "));
    let bad = directory.join("bad.torrent");
    fs::write(&bad, b"d4:infod6:lengthi3e4:name1:aee").expect("a file");
    let line = failure(&[&bad, &directory], &[]);
    assert!(line.contains("bad.torrent: key 'piece length' is missing at byte 7"), "{line}");
    let torrent = put(&directory, Version::V1, 16 * K, &common::files(&[10]));
    assert!(failure(&[&torrent, &none], &[]).contains("none: "));
    // The wrong place: where the right one would be.
    let elsewhere = directory.join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let output = verify(&[&torrent, &elsewhere], &[]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let hint = format!("there is no {}; --content ", elsewhere.join("content").display());
    assert!(output.status.code() == Some(1) && text.contains(&hint), "{text}");

    // A file of the user's is not replaced because of a slip.
    let precious = directory.join("precious");
    fs::write(&precious, b"not a resume file").expect("a file");
    let option = precious.to_str().expect("UTF-8");
    let line = failure(&[&torrent, &directory], &["--resume", option]);
    assert!(line.contains("precious: not a resume file"), "{line}");
    assert_eq!(fs::read(&precious).expect("a file"), b"not a resume file");
}

#[test]
fn a_resume_file_is_trusted_and_of_one_torrent() {
    let directory = directory("resume");
    let torrent = put(&directory, Version::V1, 16 * K, &common::files(&[100 * K, 50 * K]));
    let (first, second) = (directory.join("content/000"), directory.join("content/001"));
    let resume = directory.join("resume");
    let option = ["--resume", resume.to_str().expect("UTF-8")];
    flip(&first, 20 * K);
    let (report, status) = json_of(&[&torrent, &directory], &option);
    assert_eq!((status, &report["pieces"]["bad"]), (1, &json!([1])));
    assert_eq!(claimed(&resume, 10), Some((0..10).filter(|piece| *piece != 1).collect()));
    // Bad pieces are read again; good ones are trusted, as the other change shows.
    flip(&first, 20 * K);
    flip(&first, 0);
    assert_eq!(json_of(&[&torrent, &directory], &option).1, 0);
    assert_eq!(claimed(&resume, 10), Some((0..10).collect()));
    // But not where there is nothing to trust.
    fs::remove_file(&second).expect("it is there");
    let (report, status) = json_of(&[&torrent, &directory], &option);
    assert_eq!((status, &report["pieces"]["missing"]), (1, &json!(4)));
    assert_eq!(claimed(&resume, 10), Some((0..6).collect()));

    let other = directory.join("other");
    fs::create_dir(&other).expect("a directory");
    let other = put(&other, Version::V1, 16 * K, &common::files(&[100 * K]));
    let line = failure(&[&other, &directory], &option);
    assert!(line.contains("the resume file of another torrent"), "{line}");
    assert_eq!(claimed(&resume, 10), Some((0..6).collect()));
}

/// The pieces a resume file says are good; `None` if there is no such file. It has to be whole.
fn claimed(resume: &Path, pieces: usize) -> Option<Vec<usize>> {
    let bytes = fs::read(resume).ok()?;
    let document = bencode::decode(&bytes).expect("a whole file");
    let dict = document.root().as_dict().expect("a dictionary");
    let bitfield = dict.find(b"bitfield").and_then(|node| node.as_bytes()).expect("a bitfield");
    assert_eq!(bitfield.len(), pieces.div_ceil(8));
    Some((0..pieces).filter(|piece| bitfield[piece / 8] & (0x80 >> (piece % 8)) != 0).collect())
}

/// Killed at any moment, `verify` leaves the resume file as it was or as it was to be, and no piece
/// that is not good is ever in it.
#[test]
#[allow(clippy::disallowed_methods)] // When something is killed is a matter of real time.
fn killed_at_any_moment() {
    const PIECES: usize = 4096;
    const ROUNDS: u32 = 16;
    let directory = directory("killed");
    // Zeros that take no room on the disk, but every third piece has a byte that is wrong.
    let hash = hash_pieces(Backend::best(), &[&[0; 16 << 10]])[0];
    let metainfo = Creator::single_file("zeros", (PIECES * 16 * K) as u64)
        .piece_length(PieceLength::new(16 << 10).expect("not zero"))
        .finish_with(&vec![hash; PIECES])
        .expect("valid");
    let torrent = directory.join("zeros.torrent");
    fs::write(&torrent, metainfo.as_bytes()).expect("a file");
    let content = directory.join("zeros");
    let mut file = OpenOptions::new().write(true).create_new(true).open(content).expect("a file");
    file.set_len((PIECES * 16 * K) as u64).expect("room");
    for piece in (0..PIECES).filter(|piece| piece % 3 == 1) {
        file.seek(SeekFrom::Start((piece * 16 * K + piece % 1000) as u64)).expect("a place");
        file.write_all(b"x").expect("room");
    }
    drop(file);
    let good: Vec<usize> = (0..PIECES).filter(|piece| piece % 3 != 1).collect();
    let resume = directory.join("resume");
    let run = || {
        let mut command = program();
        command.args([&torrent, &directory]).arg("--resume").arg(&resume);
        command.args(["--save-every", "0", "--threads", "1", "--json"]);
        command.stdout(Stdio::null());
        command
    };

    // How long it takes, so as to kill it before that.
    let begun = Instant::now();
    assert_eq!(run().status().expect("it starts").code(), Some(1));
    let whole = begun.elapsed();
    assert_eq!(claimed(&resume, PIECES).as_ref(), Some(&good));

    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut before = Vec::new();
    for round in 0..ROUNDS {
        if round % 4 == 0 {
            let _ = fs::remove_file(&resume);
            before.clear();
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut child = run().spawn().expect("it starts");
        std::thread::sleep(whole.min(Duration::from_millis(500)) * (state % 1000) as u32 / 1000);
        // SIGKILL.
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        let now = claimed(&resume, PIECES).unwrap_or_default();
        assert!(now.iter().all(|piece| piece % 3 != 1), "a bad piece is said to be good");
        assert!(before.iter().all(|piece| now.binary_search(piece).is_ok()), "a piece was lost");
        before = now;
    }
    assert_eq!(run().status().expect("it starts").code(), Some(1));
    assert_eq!(claimed(&resume, PIECES), Some(good));
}
