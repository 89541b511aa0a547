//! `torrent create` as its users meet it: the binary that was built beside this test.

#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // What runs beside this has to be met at its work.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use torrent_meta::{Backend, Metainfo, Version, hash_pieces};

/// Cargo builds a package's examples before it runs its tests.
fn torrent(directory: &Path) -> Command {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let mut command = Command::new(profile.join("examples").join("torrent"));
    command.arg("create").current_dir(directory);
    command
}

fn output(directory: &Path, arguments: &[&str]) -> Output {
    torrent(directory).args(arguments).output().expect("the example was built")
}

/// What is written, if all is well.
fn created(directory: &Path, arguments: &[&str]) -> Metainfo<'static> {
    let output = output(directory, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    let path = String::from_utf8(output.stdout).expect("UTF-8");
    let bytes = fs::read(directory.join(path.trim_end())).expect("it says where it is");
    Metainfo::parse(bytes).expect("a torrent")
}

/// The line on standard error when it can not.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let before = names(directory);
    let output = output(directory, arguments);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert_eq!((stderr.lines().count(), names(directory)), (1, before), "{stderr}");
    stderr
}

/// A directory of its own for each test.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("torrent-create").join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn put(path: PathBuf, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("it is below a directory")).expect("a directory");
    fs::write(path, bytes).expect("a file");
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

/// Bytes that do not repeat from piece to piece.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

/// A directory `d` with files, hidden ones too, and a link.
fn tree(directory: &Path) -> PathBuf {
    let tree = directory.join("d");
    put(tree.join("z"), content(100_000));
    put(tree.join("a/tool"), content(50_000));
    fs::set_permissions(tree.join("a/tool"), PermissionsExt::from_mode(0o755)).expect("chmod");
    put(tree.join(".hidden"), "h");
    put(tree.join("empty"), "");
    symlink("../z", tree.join("a/link")).expect("a link");
    tree
}

#[test]
fn all_files_of_a_directory_in_every_version() {
    let directory = directory("every_version");
    tree(&directory);
    let options = [
        "d",
        "--force",
        "--piece-length",
        "32768",
        "--tracker",
        "http://a",
        "--tracker",
        "http://b",
        "--web-seed",
        "http://w",
        "--private",
        "--source",
        "S",
        "--comment",
        "C",
    ];
    for (option, version) in
        [("--v1", Version::V1), ("--v2", Version::V2), ("--hybrid", Version::Hybrid)]
    {
        let metainfo = created(&directory, &[&options[..], &[option]].concat());
        let info = metainfo.info();
        assert_eq!((info.version(), info.piece_length().get()), (version, 32768));
        assert!(info.is_private());
        assert_eq!(metainfo.tiers(), [["http://a"], ["http://b"]]);
        assert_eq!(metainfo.web_seeds(), ["http://w"]);
        assert_eq!(metainfo.comment(), Some(&b"C"[..]));
        assert_eq!(metainfo.creation_date(), None);
        let source = info.dict().find(b"source").expect("as asked for");
        assert_eq!(source.as_bytes(), Some(&b"S"[..]));

        let files: Vec<_> = info.files().filter(|file| !file.is_pad()).collect();
        let paths: Vec<_> = files.iter().map(|file| file.safe_path().expect("safe")).collect();
        assert_eq!(paths, ["d/.hidden", "d/a/link", "d/a/tool", "d/empty", "d/z"]);
        let lengths: Vec<_> = files.iter().map(|file| file.length()).collect();
        assert_eq!(lengths, [1, 0, 50_000, 0, 100_000]);
        let executable: Vec<_> =
            files.iter().map(|file| file.attributes().is_executable()).collect();
        assert_eq!(executable, [false, false, true, false, false]);
        let target: Vec<_> = files[1].symlink_target().expect("a link").collect();
        assert_eq!(target, [b"z"]);
        if version == Version::V1 {
            let all = [b"h".to_vec(), content(50_000), content(100_000)].concat();
            let pieces: Vec<&[u8]> = all.chunks(32768).collect();
            assert_eq!(info.pieces(), hash_pieces(Backend::PORTABLE, &pieces));
        }

        // The same again, whatever the threads.
        for threads in ["1", "2", "7"] {
            let again =
                created(&directory, &[&options[..], &[option, "--threads", threads]].concat());
            assert_eq!(again, metainfo);
        }
    }
}

#[test]
fn a_single_file_has_the_name_of_the_file() {
    let directory = directory("single");
    put(directory.join("x/f.bin"), content(70_000));
    for option in ["--v1", "--v2", "--hybrid"] {
        let metainfo = created(&directory, &["x/f.bin", option, "--force"]);
        assert_eq!(metainfo.info().name(), b"f.bin");
        assert!(metainfo.info().is_single_file());
        assert_eq!(metainfo.info().total_length(), 70_000);
    }
    assert_eq!(names(&directory), ["f.bin.torrent", "x"]);
    let metainfo = created(&directory, &["x/f.bin", "-o", "x/other", "--creation-date", "7"]);
    assert_eq!(metainfo.creation_date(), Some(7));
    // Through a link, and from within.
    symlink("f.bin", directory.join("x/g.bin")).expect("a link");
    assert_eq!(created(&directory, &["x/g.bin"]).info().name(), b"g.bin");
    let inside = directory.join("x");
    assert_eq!(created(&inside, &["."]).info().name(), b"x");
}

#[test]
fn what_exists_is_replaced_only_if_asked() {
    let directory = directory("force");
    put(directory.join("f"), content(70_000));
    put(directory.join("f.torrent"), "mine");
    let text = refused(&directory, &["f"]);
    assert_eq!(text, "error: f.torrent: it exists already; --force replaces it\n");
    assert_eq!(fs::read(directory.join("f.torrent")).expect("still there"), b"mine");
    created(&directory, &["f", "--force"]);
    assert_eq!(names(&directory), ["f", "f.torrent"]);
    // A link that leads nowhere is something too.
    symlink("nowhere", directory.join("link")).expect("a link");
    refused(&directory, &["f", "-o", "link"]);
    assert!(!directory.join("nowhere").exists());
    // What is hashed can not be what is replaced.
    put(directory.join("d/t"), "old");
    refused(&directory, &["d", "-o", "d/t", "--force"]);
    assert_eq!(fs::read(directory.join("d/t")).expect("still there"), b"old");
}

#[test]
fn what_can_not_be_is_said_in_a_line() {
    let directory = directory("bad");
    put(directory.join("f"), content(10));
    put(directory.join("none/f"), "");
    fs::create_dir_all(directory.join("empty/below")).expect("a directory");
    for arguments in [
        &["missing"][..],
        &["empty"],
        &["none"],
        &["/dev/null"],
        &["f", "-o", "missing/f.torrent"],
        &["f", "-o", "f/f.torrent"],
        &["f", "-o", "empty"],
        &["f", "--v2", "--piece-length", "1000"],
        &["f", "--hybrid", "--piece-length", "8192"],
    ] {
        refused(&directory, arguments);
    }
    for option in [
        &["--piece-length", "0"][..],
        &["--piece-length", "x"],
        &["--piece-length", "4294967296"],
        &["--tracker", ""],
        &["--web-seed", "no URL"],
        &["--threads", "0"],
        &["--threads", "1025"],
        &["--v1", "--v2"],
        &["--nonsense"],
    ] {
        let output = output(&directory, &[&["f"], option].concat());
        assert_eq!(output.status.code(), Some(1), "{option:?}");
    }
    // A directory of one file is the file, in v2.
    put(directory.join("one/f"), "1");
    refused(&directory, &["one", "--v2"]);
    created(&directory, &["one", "--hybrid"]);
}

#[test]
fn links_that_lead_elsewhere_are_left_out() {
    let directory = directory("links");
    let tree = tree(&directory);
    symlink("/etc/passwd", tree.join("out")).expect("a link");
    symlink("../..", tree.join("above")).expect("a link");
    symlink("missing", tree.join("nowhere")).expect("a link");
    symlink("loop", tree.join("loop")).expect("a link");
    symlink(".", tree.join("itself")).expect("a link");
    symlink("a", tree.join("b")).expect("a link");
    let output = output(&directory, &["d"]);
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let left_out: Vec<_> = stderr.lines().map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(
        left_out,
        ["d/above", "d/itself", "d/loop", "d/nowhere", "d/out"].map(Some),
        "{stderr}"
    );
    let bytes = fs::read(directory.join("d.torrent")).expect("it was written");
    let metainfo = Metainfo::parse(bytes).expect("a torrent");
    let links = metainfo.info().files().filter(|file| file.attributes().is_symlink());
    let links: Vec<_> = links.map(|file| file.safe_path().expect("safe")).collect();
    assert_eq!(links, ["d/a/link", "d/b"]);
}

/// A run over so much that it can be met at its work, once it has opened the file.
fn at_work(directory: &Path, length: u64) -> Child {
    let big = fs::File::create(directory.join("big")).expect("a file");
    big.set_len(length).expect("no room is needed for zeros");
    let mut child = torrent(directory)
        .args(["big", "--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example was built");
    let open = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let big = directory.join("big").canonicalize().expect("it is there");
    let start = Instant::now();
    loop {
        let files = fs::read_dir(&open).into_iter().flatten().flatten();
        if files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|file| file == big)) {
            return child;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come to its work");
        assert!(child.try_wait().expect("it is ours").is_none(), "it is done already");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error() {
    let directory = directory("changes");
    // One that shrinks is met as soon as its end is, one that grows when all is hashed.
    for (before, length) in [(16 << 30, 1 << 20), (4 << 30, 5 << 30)] {
        let child = at_work(&directory, before);
        let big = fs::OpenOptions::new().write(true).open(directory.join("big"));
        big.and_then(|big| big.set_len(length)).expect("it can be changed");
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: big: it ") && stderr.lines().count() == 1, "{stderr}");
        assert!(stderr.contains("meanwhile"), "{stderr}");
        assert_eq!(names(&directory), ["big"]);
    }
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let directory = directory("interrupted");
    for signal in ["-INT", "-TERM", "-KILL"] {
        if signal == "-INT" && ignores_interrupts() {
            eprintln!("-INT is left out: what started this test has it ignore interrupts");
            continue;
        }
        let mut child = at_work(&directory, 16 << 30);
        let pid = child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().expect("there is a kill");
        assert!(!child.wait().expect("it ends").success());
        assert_eq!(names(&directory), ["big"]);
    }
}

/// As a shell's background jobs do, and so do the programs that they start.
fn ignores_interrupts() -> bool {
    const SIGINT: u32 = 2;
    let status = fs::read_to_string("/proc/self/status").expect("there is /proc");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("a mask");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("hexadecimal");
    ignored & 1 << (SIGINT - 1) != 0
}

#[test]
fn killed_at_any_moment_there_is_a_whole_torrent_or_none() {
    let directory = directory("killed");
    put(directory.join("f"), content(8 << 20));
    let arguments = ["f", "--hybrid", "--piece-length", "16384"];
    let out = directory.join("f.torrent");
    let start = Instant::now();
    created(&directory, &arguments);
    let whole_run = start.elapsed();
    let whole = fs::read(&out).expect("it was written");

    let (mut none, mut complete) = (0, 0);
    const RUNS: u32 = 48;
    for run in 0..RUNS {
        fs::remove_file(&out).ok();
        let mut child = torrent(&directory)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the example was built");
        thread::sleep(whole_run * run / (RUNS * 2 / 3));
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        match fs::read(&out) {
            Ok(bytes) => {
                assert_eq!(bytes, whole);
                complete += 1;
            }
            Err(_) => none += 1,
        }
        let others = names(&directory).into_iter().filter(|name| *name != "f.torrent");
        assert_eq!(others.collect::<Vec<_>>(), ["f"]);
    }
    // Or no run was met at its work. (The first is killed before it can be.)
    assert!(none > 0, "{none} {complete}");
}

/// As when the disk is full: what is written is cut off.
#[test]
fn what_can_not_be_written_leaves_nothing() {
    let directory = directory("full");
    put(directory.join("f"), content(4 << 20));
    let program = torrent(&directory).get_program().to_owned();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" create f --piece-length 16384"])
        .arg(program)
        .current_dir(&directory)
        .output()
        .expect("there is a shell");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: f.torrent: ") && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(names(&directory), ["f"]);
}
