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
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let mut command = Command::new(profile.join("examples").join("torrent"));
    command.arg("verify");
    command
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
