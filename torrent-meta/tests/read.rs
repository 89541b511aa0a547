//! Reading, by vectors whose hashes were computed with another program (`sha1sum`).

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use torrent_meta::bencode;
use torrent_meta::{
    DecodeError, Deviation, DeviationKind, ErrorKind, Info, InfoHash, Limits, Metainfo, Parser,
    PathError, safe_path,
};

/// The info dictionary of a file "greeting" that contains "hello", in pieces of 4 bytes:
/// `printf hell | sha1sum` and `printf o | sha1sum`.
const HELLO_PIECES: &str =
    "a5cec7af5f7aab769cf0d4aa440e01c7bfc371b27a81af3e591ac713f81ea1efe93dcf36157d8376";

/// An info dictionary out of parts, with HELLO_PIECES.
fn hello_info(before_name: &str, after_pieces: &str) -> Vec<u8> {
    let mut info =
        format!("d{before_name}4:name8:greeting12:piece lengthi4e6:pieces40:").into_bytes();
    info.extend(hex(HELLO_PIECES));
    info.extend(after_pieces.bytes());
    info.push(b'e');
    info
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn torrent(before_info: &str, info: &[u8], after_info: &str) -> Vec<u8> {
    [b"d", before_info.as_bytes(), b"4:info", info, after_info.as_bytes(), b"e"].concat()
}

#[test]
fn single_file() {
    let info = hello_info("6:lengthi5e", "");
    let bytes = torrent(
        "8:announce19:http://tracker/path7:comment4:t\u{e9}x10:created by3:abc13:creation datei-7e",
        &info,
        "7:unknownl1:xe",
    );
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!(metainfo.announce(), Some("http://tracker/path"));
    assert_eq!(metainfo.tiers(), [["http://tracker/path"]]);
    assert_eq!(metainfo.comment(), Some("t\u{e9}x".as_bytes()));
    assert_eq!(metainfo.created_by(), Some(b"abc".as_slice()));
    assert_eq!(metainfo.creation_date(), Some(-7));
    assert_eq!(metainfo.dict().find(b"unknown").unwrap().raw(), b"l1:xe");
    assert_eq!(metainfo.as_bytes(), bytes);
    assert_eq!(metainfo.deviations(), []);

    let info = metainfo.info();
    assert_eq!(info.name(), b"greeting");
    assert_eq!(info.piece_length().get(), 4);
    assert_eq!((info.total_length(), info.file_count(), info.is_single_file()), (5, 1, true));
    assert!(!info.is_private());
    assert_eq!(info.pieces().as_flattened(), hex(HELLO_PIECES));
    assert_eq!(
        [0, 1, 2, u32::MAX].map(|piece| info.piece_size(piece)),
        [Some(4), Some(1), None, None]
    );
    let file = info.files().next().unwrap();
    assert_eq!((file.index(), file.offset(), file.length()), (0, 0, 5));
    assert_eq!(file.path().collect::<Vec<_>>(), [b"greeting"]);
    assert_eq!(file.safe_path().as_deref(), Ok("greeting"));
    assert_eq!(info.files().count(), 1);
    // printf 'd6:lengthi5e4:name8:greeting12:piece lengthi4e6:pieces40:…e' | sha1sum
    let hash: InfoHash = SINGLE_HASH.parse().unwrap();
    assert_eq!(metainfo.info_hash_v1(), Some(hash));
    assert_eq!(hash.to_string(), SINGLE_HASH);

    let owned = metainfo.clone().into_owned();
    assert_eq!((&owned, owned.info_hash_v1()), (&metainfo, Some(hash)));
    assert_eq!(Metainfo::parse(bytes.clone()).unwrap(), metainfo);
}

#[test]
fn several_files() {
    let files = "5:filesld6:lengthi3e4:pathl3:sub5:a.txteed6:lengthi0e4:pathl5:emptyee\
                 d4:attr1:x6:lengthi2e4:pathl1:beee";
    let info = hello_info(files, "7:privatei1e");
    let metainfo = torrent("13:announce-listll1:a1:bel1:celee", &info, "");
    let metainfo = Metainfo::parse(&metainfo).unwrap();
    assert_eq!(metainfo.announce(), None);
    assert_eq!(metainfo.tiers(), [vec!["a", "b"], vec!["c"]]);
    let info = metainfo.info();
    assert_eq!((info.total_length(), info.file_count(), info.is_single_file()), (5, 3, false));
    assert!(info.is_private());
    let files = info.files();
    assert_eq!(files.len(), 3);
    let files: Vec<_> = files
        .map(|file| (file.index(), file.offset(), file.length(), file.safe_path().unwrap()))
        .collect();
    let path = |name: &str| format!("greeting/{name}");
    assert_eq!(
        files,
        [(0, 0, 3, path("sub/a.txt")), (1, 3, 0, path("empty")), (2, 3, 2, path("b"))]
    );
    assert_eq!(info.info_hash_v1().unwrap().to_string(), MULTI_HASH);
}

#[test]
fn the_hash_is_over_the_original_bytes() {
    // Encoding these again would sort the keys and drop the zero.
    let info =
        b"d4:name1:x6:lengthi05e12:piece lengthi8e6:pieces20:aaaaaaaaaaaaaaaaaaaa7:privatei0ee";
    let error = Info::parse(info).unwrap_err();
    let unsorted = DeviationKind::Bencode(bencode::DeviationKind::UnsortedKey);
    assert_eq!(error, DecodeError { offset: 10, kind: ErrorKind::Deviation(unsorted) });
    let parsed = Info::parse_lenient(info).unwrap();
    assert_eq!(parsed.info_hash_v1(), Some(InfoHash::of(info)));
    assert_eq!(parsed.info_hash_v1().unwrap().to_string(), UNSORTED_HASH);
    let kinds: Vec<_> =
        parsed.deviations().iter().map(|found| (found.offset, found.kind)).collect();
    let zero = DeviationKind::Bencode(bencode::DeviationKind::LeadingZero);
    assert_eq!(kinds, [(10, unsorted), (19, zero)]);
    let file = torrent("", info, "");
    let file = Metainfo::parse_lenient(&file).unwrap();
    assert_eq!(file.info_hash_v1(), parsed.info_hash_v1());
    assert_eq!(file.deviations().len(), 2);
}

#[test]
fn info_hashes_as_text() {
    for text in ["", "00", "zz39a3ee5e6b4b0d3255bfef95601890afd80709", &"0".repeat(41)] {
        assert!(text.parse::<InfoHash>().is_err(), "{text}");
    }
}

#[test]
fn errors_have_their_kind_and_offset() {
    let wrong = |key, expected| ErrorKind::WrongKind { key, expected };
    let pieces = "6:pieces20:aaaaaaaaaaaaaaaaaaaa";
    let table: &[(&str, usize, ErrorKind)] = &[
        ("i1e", 0, ErrorKind::NotADictionary { what: "the value of 'info'" }),
        ("de", 0, ErrorKind::Missing { key: "name" }),
        ("d4:namei1ee", 7, wrong("name", "a string")),
        ("d4:name1:xe", 0, ErrorKind::Missing { key: "piece length" }),
        ("d4:name1:x12:piece lengthi0ee", 25, ErrorKind::PieceLength { max: u32::MAX }),
        ("d4:name1:x12:piece lengthi-1ee", 25, ErrorKind::PieceLength { max: u32::MAX }),
        ("d4:name1:x12:piece lengthi4294967296ee", 25, ErrorKind::PieceLength { max: u32::MAX }),
        ("d4:name1:x12:piece length1:xe", 25, ErrorKind::PieceLength { max: u32::MAX }),
        ("d4:name1:x12:piece lengthi1ee", 0, ErrorKind::Missing { key: "length" }),
        ("d6:length1:x4:name1:x12:piece lengthi1ee", 9, wrong("length", "an integer")),
        (
            "d6:lengthi-1e4:name1:x12:piece lengthi1ee",
            9,
            ErrorKind::Length { max: i64::MAX as u64 },
        ),
        (
            "d6:lengthi9223372036854775808e4:name1:x12:piece lengthi1ee",
            9,
            ErrorKind::Length { max: i64::MAX as u64 },
        ),
        ("d6:lengthi1e4:name1:x12:piece lengthi1ee", 0, ErrorKind::Missing { key: "pieces" }),
        ("d6:lengthi1e4:name1:x12:piece lengthi1e6:piecesi1ee", 47, wrong("pieces", "a string")),
        (
            "d6:lengthi1e4:name1:x12:piece lengthi1e6:pieces3:abce",
            47,
            ErrorKind::PiecesLength { length: 3 },
        ),
        ("d5:filesde4:name1:x12:piece lengthi1ee", 8, wrong("files", "a list")),
        ("d5:filesle4:name1:x12:piece lengthi1ee", 8, ErrorKind::NoFiles),
        (
            "d5:filesli1ee4:name1:x12:piece lengthi1ee",
            9,
            ErrorKind::NotADictionary { what: "an item of 'files'" },
        ),
        ("d5:filesldee4:name1:x12:piece lengthi1ee", 9, ErrorKind::Missing { key: "length" }),
        (
            "d5:filesld6:lengthi1eee4:name1:x12:piece lengthi1ee",
            9,
            ErrorKind::Missing { key: "path" },
        ),
        (
            "d5:filesld6:lengthi1e4:path1:xee4:name1:x12:piece lengthi1ee",
            27,
            wrong("path", "a list of strings"),
        ),
        (
            "d5:filesld6:lengthi1e4:pathl1:xi1eeee4:name1:x12:piece lengthi1ee",
            31,
            wrong("path", "a list of strings"),
        ),
        ("d5:filesld6:lengthi1e4:pathleee4:name1:x12:piece lengthi1ee", 27, ErrorKind::EmptyPath),
        (
            "d9:file treede12:meta versioni2e4:name1:x12:piece lengthi1ee",
            56,
            ErrorKind::PieceLengthV2 { length: 1 },
        ),
        ("d4:name1:x", 10, ErrorKind::Bencode(bencode::ErrorKind::UnexpectedEnd { needed: 1 })),
    ];
    for &(info, offset, kind) in table {
        let expected = DecodeError { offset, kind };
        assert_eq!(Info::parse(info.as_bytes()).unwrap_err(), expected, "{info}");
        assert_eq!(Info::parse_lenient(info.as_bytes()).unwrap_err(), expected, "{info}");
    }

    // More and fewer hashes than pieces.
    for (length, expected) in [(0, 0), (5, 2), (u64::MAX / 4, (u64::MAX / 4).div_ceil(4))] {
        let info = format!("d6:lengthi{length}e4:name1:x12:piece lengthi4e{pieces}e");
        let kind = match u32::try_from(expected) {
            Ok(_) => ErrorKind::PieceCount { expected, found: 1 },
            Err(_) => ErrorKind::TooManyPieces { pieces: expected, max: u32::MAX },
        };
        assert_eq!(Info::parse(info.as_bytes()).unwrap_err().kind, kind);
    }
    // Two lengths that fit, whose sum does not.
    let file = format!("d6:lengthi{}e4:pathl1:xee", i64::MAX);
    let info = format!("d5:filesl{file}{file}e4:name1:x12:piece lengthi1ee");
    let expected = DecodeError { offset: 9 + file.len(), kind: ErrorKind::TotalOverflow };
    assert_eq!(Info::parse(info.as_bytes()).unwrap_err(), expected);
}

#[test]
fn errors_of_the_outer_dictionary() {
    let table: &[(&[u8], usize, ErrorKind)] = &[
        (b"4:spam", 0, ErrorKind::NotADictionary { what: "the file" }),
        (b"de", 0, ErrorKind::Missing { key: "info" }),
        (b"d4:infoi1ee", 7, ErrorKind::NotADictionary { what: "the value of 'info'" }),
        (b"d4:infodee", 7, ErrorKind::Missing { key: "name" }),
    ];
    for &(bytes, offset, kind) in table {
        let expected = DecodeError { offset, kind };
        assert_eq!(Metainfo::parse(bytes).unwrap_err(), expected);
    }
    let bencode = bencode::Limits { tokens: 5, ..bencode::Limits::DEFAULT };
    let limits = Limits { bencode, ..Limits::DEFAULT };
    let bytes = torrent("", &hello_info("6:lengthi5e", ""), "");
    let error = Parser::strict().limits(limits).metainfo(&bytes).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Bencode(bencode::ErrorKind::TooManyTokens { max: 5 }));
}

#[test]
fn optional_keys_of_the_wrong_kind_are_ignored_leniently() {
    let info = hello_info("6:lengthi5e", "7:private1:1");
    let bytes = torrent(
        "8:announcei1e13:announce-listl1:ae7:commenti1e10:created byle13:creation date1:x",
        &info,
        "",
    );
    let strict = Metainfo::parse(&bytes).unwrap_err();
    assert!(matches!(strict.kind, ErrorKind::Deviation(DeviationKind::Ignored { .. })), "{strict}");
    let metainfo = Metainfo::parse_lenient(&bytes).unwrap();
    let ignored: Vec<_> = metainfo
        .deviations()
        .iter()
        .map(|deviation| match deviation {
            Deviation { kind: DeviationKind::Ignored { key, .. }, .. } => *key,
            other => panic!("{other}"),
        })
        .collect();
    let keys = ["announce", "announce-list", "comment", "created by", "creation date", "private"];
    assert_eq!(ignored, keys);
    assert_eq!((metainfo.announce(), metainfo.creation_date()), (None, None));
    assert_eq!((metainfo.comment(), metainfo.created_by()), (None, None));
    assert!(metainfo.tiers().is_empty() && !metainfo.info().is_private());
}

#[test]
fn both_length_and_files() {
    let info = hello_info("5:filesld6:lengthi5e4:pathl1:aeee6:lengthi9e", "");
    let error = Info::parse(&info).unwrap_err();
    let kind = ErrorKind::Deviation(DeviationKind::LengthAndFiles);
    assert_eq!((error.kind, info[error.offset]), (kind, b'i'));
    let parsed = Info::parse_lenient(&info).unwrap();
    assert_eq!((parsed.total_length(), parsed.is_single_file()), (5, false));
}

#[test]
fn names_in_utf8_are_preferred_for_paths() {
    let files = "5:filesld6:lengthi5e4:pathl1:\u{1}e10:path.utf-8l2:\u{e9}eee";
    let mut info = format!("d{files}4:name1:x10:name.utf-82:\u{e8}12:piece lengthi8e6:pieces20:");
    info.push_str("aaaaaaaaaaaaaaaaaaaae");
    let info = Info::parse(info.as_bytes()).unwrap();
    let file = info.files().next().unwrap();
    assert_eq!(info.name(), b"x");
    assert_eq!(file.path().collect::<Vec<_>>(), [[1]]);
    assert_eq!(file.safe_path().unwrap(), "\u{e8}/\u{e9}");
}

#[test]
fn paths_stay_where_they_are_put() {
    let safe = |components: &[&str]| safe_path(components.iter().map(|part| part.as_bytes()));
    let fine = |components: &[&str]| safe(components).unwrap();
    // Odd is not unsafe.
    assert_eq!(fine(&["a", "b.txt"]), "a/b.txt");
    assert_eq!(fine(&["foo... bar", ".hidden", " x"]), "foo... bar/.hidden/ x");
    assert_eq!(fine(&["t\u{e9}xt"]), "t\u{e9}xt");
    // What would lead elsewhere is replaced.
    assert_eq!(fine(&["/etc/passwd"]), "_etc_passwd");
    assert_eq!(fine(&["foo/../../../bar", "baz"]), "foo_.._.._.._bar/baz");
    assert_eq!(fine(&["C:\\x"]), "C__x");
    assert_eq!(fine(&["a\0b\n"]), "a_b_");
    assert_eq!(safe_path([b"\xff\xfe".as_slice()]).unwrap(), "\u{fffd}\u{fffd}");
    // What means nothing is left out.
    assert_eq!(fine(&["", "a", ".", "b", ". "]), "a/b");
    assert_eq!(safe(&[]), Err(PathError::Empty));
    assert_eq!(safe(&[".", ""]), Err(PathError::Empty));
    // Up is refused.
    assert_eq!(safe(&["a", "..", "b"]), Err(PathError::Traversal { component: 1 }));
    assert_eq!(safe(&[".. "]), Err(PathError::Traversal { component: 0 }));
    assert_eq!(safe(&["a", "..\n"]), Err(PathError::Traversal { component: 1 }));

    // In a torrent, name and path are both checked.
    let path = |name: &str, path: &str| {
        let files = format!("5:filesld6:lengthi5e4:pathl{path}eee");
        let mut info = format!("d{files}4:name{name}12:piece lengthi8e6:pieces20:").into_bytes();
        info.extend(b"aaaaaaaaaaaaaaaaaaaae");
        Info::parse(&info).unwrap().files().next().unwrap().safe_path()
    };
    assert_eq!(path("1:d", "1:a").as_deref(), Ok("d/a"));
    assert_eq!(path("2:..", "1:a"), Err(PathError::Traversal { component: 0 }));
    assert_eq!(path("1:d", "1:a2:.."), Err(PathError::Traversal { component: 2 }));
    assert_eq!(path("0:", "1:a"), Err(PathError::Empty));
    assert_eq!(path("1:d", "1:."), Err(PathError::Empty));
}

const SINGLE_HASH: &str = "f35dee82603445a317f12f746363bf63d344f2a1";
const MULTI_HASH: &str = "835b54c1cba212cd3d7bdc1063efa20a8c842d72";
const UNSORTED_HASH: &str = "ce7254d96d8d591db8c7325757431f6063b44aff";

#[test]
fn paths_can_be_stored_on_windows() {
    let fine = |name: &str| safe_path([name.as_bytes()]).unwrap();
    for (name, expected) in [
        // Ends that Windows drops.
        ("...", ".._"),
        (".. .", ".. _"),
        (". .", ". _"),
        ("....", "..._"),
        ("..\u{b}", ".._"),
        ("a ", "a_"),
        ("etc.", "etc_"),
        ("a. . ", "a. ._"),
        // Characters that it can not store.
        ("a<b>c:d\"e|f?g*h\\i/j", "a_b_c_d_e_f_g_h_i_j"),
        ("\u{1}\u{7f}\u{85}\t.", "_____"),
        // Devices.
        ("NUL", "_NUL"),
        ("CON.txt", "_CON.txt"),
        ("con .tar.gz", "_con .tar.gz"),
        ("Aux ", "_Aux_"),
        ("nul:", "nul_"),
        ("prn..", "_prn._"),
        ("COM1", "_COM1"),
        ("lpt0.x", "_lpt0.x"),
        ("com\u{b2}", "_com\u{b2}"),
        ("conin$", "_conin$"),
        ("CONOUT$.log", "_CONOUT$.log"),
        // None of these.
        ("NULL", "NULL"),
        ("console.txt", "console.txt"),
        ("a.CON", "a.CON"),
        ("COM", "COM"),
        ("COM10", "COM10"),
        ("coma", "coma"),
        (" nul", " nul"),
        ("au\u{445}", "au\u{445}"),
        ("p\u{e9}n\u{e9}", "p\u{e9}n\u{e9}"),
    ] {
        assert_eq!(fine(name), expected, "{name:?}");
    }
}

#[test]
fn a_component_has_a_bounded_length() {
    let too_long = |component| Err(PathError::TooLong { component, max: 255 });
    let n = |len: usize| vec![b'n'; len];
    assert_eq!(safe_path([&n(255)[..], b"a", &n(255)]).unwrap().len(), 513);
    assert_eq!(safe_path([&n(256)[..]]), too_long(0));
    assert_eq!(safe_path([&b"a"[..], b"b", &n(1 << 20)]), too_long(2));
    assert_eq!(safe_path([&vec![b' '; 1 << 20][..]]), too_long(0));
    // What counts is what is stored.
    assert_eq!(safe_path(["\u{85}".repeat(255).as_bytes()]).unwrap(), "_".repeat(255));
    assert_eq!(safe_path(["\u{85}".repeat(256).as_bytes()]), too_long(0));
    assert_eq!(safe_path([&[0xff; 85][..]]).unwrap(), "\u{fffd}".repeat(85));
    assert_eq!(safe_path([&[0xff; 86][..]]), too_long(0));
    assert_eq!(safe_path([&[&b"nul."[..], &n(252)].concat()[..]]), too_long(0));

    // A torrent's long name does not come back once for each file.
    let files = "d6:lengthi0e4:pathl1:aee".repeat(2000);
    let name = "n".repeat(1 << 20);
    let info = format!("d5:filesl{files}e4:name1048576:{name}12:piece lengthi8e6:pieces0:e");
    let info = Info::parse(info.as_bytes()).unwrap();
    assert_eq!(info.files().len(), 2000);
    assert!(info.files().all(|file| file.safe_path() == too_long(0)));
}
