//! Files of a directory: nothing leads out of it, and nothing written is lost.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use overlay_net::{Directory, DirectoryError, Store, file_name};
use overlay_peer::{Object, StoreError};

/// A directory of its own for a test, which goes away with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("overlay-net-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("shared")).expect("a directory");
        Self(path)
    }
    fn shared(&self) -> PathBuf {
        self.0.join("shared")
    }
    fn open(&self) -> Directory {
        Directory::open(&self.shared()).expect("a directory")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ONE: Object = Object(1);

#[test]
fn what_is_read_without_waiting_is_what_is_there() {
    let scratch = Scratch::new("now");
    let bytes: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
    fs::write(scratch.shared().join("a"), &bytes).expect("written");
    let directory = scratch.open();
    directory.share(ONE, "a").expect("shared");
    // It is not open yet, and then not every file system can tell.
    assert_eq!(directory.read_now(ONE, 0, 1), None);
    let first = directory.read(ONE, 7, 70_000).expect("read");
    assert_eq!(first, bytes[7..70_007]);
    assert!(directory.read_now(ONE, 7, 70_000).is_none_or(|again| again == Ok(first)));
    // Whatever is not whole is for the other way.
    assert_eq!(directory.read_now(ONE, 99_999, 2), None);
    assert_eq!(directory.read_now(Object(2), 0, 1), None);
}

#[test]
fn what_is_shared_is_read() {
    let scratch = Scratch::new("read");
    fs::create_dir(scratch.shared().join("sub")).expect("made");
    for (name, text) in
        [("b.txt", "bee"), ("sub/a.txt", "anna"), (".hidden", "x"), ("c.txt.part", "x")]
    {
        fs::write(scratch.shared().join(name), text).expect("written");
    }
    let directory = scratch.open();
    let files = directory.files().expect("read");
    assert_eq!(files, [("b.txt".to_owned(), 3), ("sub/a.txt".to_owned(), 4)]);
    assert_eq!(directory.share(ONE, "sub/a.txt").expect("there"), 4);
    assert!(matches!(directory.share(ONE, "b.txt"), Err(DirectoryError::InUse { object: ONE })));
    assert_eq!(directory.read(ONE, 1, 3).as_deref(), Ok(&b"nna"[..]));
    assert_eq!(directory.read(ONE, 1, 4), Err(StoreError::OutOfRange { size: 4 }));
    assert_eq!(directory.read(Object(2), 0, 1), Err(StoreError::NotFound));
    assert_eq!(directory.write(ONE, 0, &Bytes::from_static(b"x")), Err(StoreError::NotFound));
}

#[test]
fn no_name_leads_out() {
    let scratch = Scratch::new("out");
    fs::write(scratch.0.join("secret"), "secret").expect("written");
    let directory = scratch.open();
    let absolute = scratch.0.join("secret").display().to_string();
    for name in ["../secret", "..", ".", "", "sub/../../secret", "a\0b", &absolute, "/etc/passwd"] {
        assert!(
            matches!(directory.share(ONE, name), Err(DirectoryError::BadName { .. })),
            "{name:?}"
        );
        assert!(
            matches!(directory.download(ONE, name, None), Err(DirectoryError::BadName { .. })),
            "{name:?}"
        );
    }
    assert!(matches!(directory.download(ONE, "a/b", None), Err(DirectoryError::BadName { .. })));
    assert!(matches!(directory.share(ONE, "nothing"), Err(DirectoryError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new("links");
    fs::write(scratch.0.join("secret"), "secret").expect("written");
    fs::write(scratch.shared().join("inside"), "inside").expect("written");
    for (target, name) in [
        ("../secret", "relative"),
        (scratch.0.join("secret").to_str().expect("text"), "absolute"),
        ("..", "up"),
        ("../secret", "taken.part"),
        ("inside", "within"),
    ] {
        symlink(target, scratch.shared().join(name)).expect("made");
    }
    let directory = scratch.open();
    assert_eq!(directory.files().expect("read"), [("inside".to_owned(), 6)]);
    for name in ["relative", "absolute", "up/secret"] {
        assert!(matches!(directory.share(ONE, name), Err(DirectoryError::Io { .. })), "{name}");
    }
    assert!(directory.download(ONE, "taken", None).is_err());
    assert_eq!(fs::read_to_string(scratch.0.join("secret")).expect("there"), "secret");
    // A link that stays within is a file like others.
    assert_eq!(directory.share(ONE, "within").expect("there"), 6);

    // What was a file and became a link is not followed either.
    fs::write(scratch.shared().join("swapped"), "good").expect("written");
    directory.share(Object(2), "swapped").expect("there");
    fs::remove_file(scratch.shared().join("swapped")).expect("removed");
    symlink("../secret", scratch.shared().join("swapped")).expect("made");
    assert!(directory.read(Object(2), 0, 4).is_err());
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_download_is_whole_only_with_its_last_byte() {
    let scratch = Scratch::new("whole");
    let directory = scratch.open();
    let (file, part) = (scratch.shared().join("f"), scratch.shared().join("f.part"));
    assert_eq!(directory.download(ONE, "f", Some(10)).expect("new"), 0);
    assert!(matches!(directory.download(Object(2), "f", None), Err(DirectoryError::InUse { .. })));
    for (offset, bytes) in [(5, "56789"), (0, "01")] {
        directory.write(ONE, offset, &Bytes::copy_from_slice(bytes.as_bytes())).expect("room");
        assert!(part.exists() && !file.exists());
    }
    assert_eq!(
        directory.write(ONE, 8, &Bytes::from_static(b"89a")),
        Err(StoreError::OutOfRange { size: 10 })
    );
    directory.write(ONE, 2, &Bytes::from_static(b"234")).expect("room");
    assert!(!part.exists());
    assert_eq!(text(&file), "0123456789");
    assert_eq!(directory.read(ONE, 3, 2).as_deref(), Ok(&b"34"[..]));
    assert!(matches!(directory.download(Object(2), "f", None), Err(DirectoryError::Exists { .. })));
}

#[test]
fn an_empty_download_is_whole_with_an_empty_write() {
    let scratch = Scratch::new("empty");
    let directory = scratch.open();
    directory.download(ONE, "f", Some(0)).expect("new");
    directory.write(ONE, 0, &Bytes::new()).expect("room");
    assert_eq!(text(&scratch.shared().join("f")), "");
}

#[test]
fn a_download_goes_on_where_an_earlier_run_ended() {
    let scratch = Scratch::new("resume");
    {
        let directory = scratch.open();
        directory.download(ONE, "f", Some(10)).expect("new");
        directory.write(ONE, 0, &Bytes::from_static(b"0123")).expect("room");
        directory.write(ONE, 6, &Bytes::from_static(b"6")).expect("room");
    }
    {
        // Another size is another file: it is begun anew.
        let directory = scratch.open();
        assert_eq!(directory.download(ONE, "f", Some(11)).expect("there"), 0);
    }
    let directory = scratch.open();
    assert_eq!(directory.download(ONE, "f", Some(10)).expect("there"), 4);
    directory.write(ONE, 4, &Bytes::from_static(b"45")).expect("room");
    directory.write(ONE, 7, &Bytes::from_static(b"789")).expect("room");
    assert_eq!(text(&scratch.shared().join("f")), "0123456789");
    assert!(!scratch.shared().join("f.part.map").exists());
}

#[test]
fn a_held_download_is_whole_when_it_is_said_to_be() {
    let scratch = Scratch::new("held");
    let directory = scratch.open();
    assert_eq!(directory.hold(ONE), Err(StoreError::NotFound));
    assert_eq!(directory.download(ONE, "song.ogg", Some(4)).expect("new"), 0);
    assert_eq!(directory.hold(ONE), Ok(()));
    assert_eq!(directory.extent(ONE), Ok(0));
    assert_eq!(directory.write(ONE, 0, &Bytes::from_static(b"la l")), Ok(()));
    assert_eq!(directory.extent(ONE), Ok(4));
    assert!(!scratch.shared().join("song.ogg").exists());
    assert_eq!(directory.read(ONE, 1, 2).as_deref(), Ok(&b"a "[..]));
    // Stopped, all of it is still there for the next.
    assert_eq!(directory.release(ONE), Ok(4));
    assert_eq!(directory.release(ONE), Err(StoreError::NotFound));
    assert_eq!(directory.download(ONE, "song.ogg", Some(4)).expect("resumed"), 4);
    assert_eq!(directory.finish(ONE), Ok(()));
    assert_eq!(text(&scratch.shared().join("song.ogg")), "la l");
    assert_eq!(directory.hold(ONE), Err(StoreError::NotFound));
    assert_eq!(directory.discard(ONE), Err(StoreError::NotFound), "it is no download any more");
}

#[test]
fn of_a_discarded_download_nothing_is_left() {
    let scratch = Scratch::new("discarded");
    let directory = scratch.open();
    directory.download(ONE, "song.ogg", Some(8)).expect("new");
    assert_eq!(directory.write(ONE, 0, &Bytes::from_static(b"la l")), Ok(()));
    directory.save().expect("saved");
    assert_eq!(fs::read_dir(scratch.shared()).expect("read").count(), 3);
    assert_eq!(directory.discard(ONE), Ok(()));
    assert_eq!(fs::read_dir(scratch.shared()).expect("read").count(), 0);
    assert_eq!(directory.download(ONE, "song.ogg", Some(8)).expect("anew"), 0);
}

#[test]
fn a_map_that_says_more_than_is_there_is_not_believed() {
    let scratch = Scratch::new("map");
    for (part, map, have) in
        [("0123", "size 10\n0 10\n", 4), ("0123", "size 10\n0 x\n", 0), ("", "size 10\n0 10\n", 0)]
    {
        fs::write(scratch.shared().join("f.part"), part).expect("written");
        fs::write(scratch.shared().join("f.part.map"), map).expect("written");
        assert_eq!(scratch.open().download(ONE, "f", Some(10)).expect("there"), have);
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let scratch = Scratch::new("full");
    {
        let directory = scratch.open().with_room(6);
        directory.download(ONE, "f", Some(10)).expect("new");
        directory.write(ONE, 0, &Bytes::from_static(b"0123")).expect("room");
        let more = Bytes::from_static(b"456789");
        assert_eq!(directory.write(ONE, 4, &more), Err(StoreError::Full));
        assert_eq!(directory.read(ONE, 0, 4).as_deref(), Ok(&b"0123"[..]));
        directory.write(ONE, 4, &more.slice(..2)).expect("still room for this");
    }
    let directory = scratch.open();
    assert_eq!(directory.download(ONE, "f", Some(10)).expect("there"), 6);
    directory.write(ONE, 6, &Bytes::from_static(b"6789")).expect("room again");
    assert_eq!(text(&scratch.shared().join("f")), "0123456789");
}

#[test]
fn a_file_of_that_name_is_never_overwritten() {
    let scratch = Scratch::new("exists");
    let directory = scratch.open();
    directory.download(ONE, "f", Some(1)).expect("new");
    // Somebody else makes one in the meantime.
    fs::write(scratch.shared().join("f"), "theirs").expect("written");
    assert_eq!(directory.write(ONE, 0, &Bytes::from_static(b"x")), Err(StoreError::Failed));
    assert_eq!(text(&scratch.shared().join("f")), "theirs");
    assert_eq!(text(&scratch.shared().join("f.part")), "x");
}

#[test]
fn names_of_strangers_become_names_of_files() {
    let long = "ä".repeat(300);
    for (name, expected) in [
        ("Blue Train.ogg", "Blue Train.ogg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\music\\a.ogg", "a.ogg"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (".bashrc", "bashrc"),
        ("a\u{1b}[2Jb\n\u{202e}gpj", "a_[2Jb__gpj"),
        ("x.part", "x.part_"),
        (&long, &"ä".repeat(100)),
    ] {
        assert_eq!(file_name(name.as_bytes()), expected);
    }
    assert_eq!(file_name(b"a\xffb"), "a_b");
}

#[test]
fn what_another_download_left_is_no_part_of_this_one() {
    let scratch = Scratch::new("left");
    for (n, size) in [(1, Some(4)), (2, None)] {
        let (name, object) = (format!("f{n}"), Object(n));
        fs::write(scratch.shared().join(format!("{name}.part")), "0123456789").expect("written");
        let directory = scratch.open();
        assert_eq!(directory.download(object, &name, size).expect("there"), 0);
        directory.write(object, 0, &Bytes::from_static(b"new!")).expect("room");
        directory.finish(object).expect("room");
        assert_eq!(text(&scratch.shared().join(&name)), "new!");
    }
    assert_eq!(scratch.open().files().expect("read").len(), 2);
}

/// The map of what is there can be saved when not a byte is left, and goes away with the download.
#[test]
fn room_is_kept_for_the_map() {
    let scratch = Scratch::new("room");
    let names = || {
        let entries = fs::read_dir(scratch.shared()).expect("read").flatten();
        let mut names: Vec<_> =
            entries.filter_map(|it| it.file_name().into_string().ok()).collect();
        names.sort();
        names
    };
    let directory = scratch.open();
    directory.download(ONE, "f", Some(10)).expect("new");
    let reserve = scratch.shared().join("f.part.map.new");
    assert_eq!(fs::metadata(&reserve).expect("there").len(), 4_096);
    for (offset, bytes) in [(0, "0123"), (6, "67")] {
        directory.write(ONE, offset, &Bytes::copy_from_slice(bytes.as_bytes())).expect("room");
        directory.save().expect("saved");
    }
    assert_eq!(text(&scratch.shared().join("f.part.map")), "size 10\n0 4\n6 8\n");
    assert_eq!(names(), ["f.part", "f.part.map", "f.part.map.new"]);
    assert_eq!(directory.files().expect("read"), []);
    assert_eq!(file_name(b"x.part.map.new"), "x.part.map.new_");
    directory.discard(ONE).expect("there");
    assert_eq!(names(), [""; 0]);
}
