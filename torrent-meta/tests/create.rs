//! Creating and verifying.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use torrent_meta::bencode::{self, Expected};
use torrent_meta::{
    CreateError, Creator, ErrorKind, Info, InfoHash, Metainfo, PieceChecker, PieceHasher,
    PieceLength, Verifier, VerifyError,
};

fn piece_length(bytes: u32) -> PieceLength {
    PieceLength::new(bytes).unwrap()
}

#[test]
fn piece_lengths_follow_the_rule() {
    const KIB: u64 = 1 << 10;
    let table = [
        (0, 16 * KIB),
        (1, 16 * KIB),
        (1 << 20, 16 * KIB),
        (1 << 21, 16 * KIB),
        (1 << 22, 32 * KIB),
        ((1 << 22) + 1, 32 * KIB),
        ((1 << 23) + 1, 64 * KIB),
        (1 << 30, 512 * KIB),
        (1 << 40, 16 << 20),
        (1 << 41, 16 << 20),
        (u64::MAX, 16 << 20),
    ];
    for (size, expected) in table {
        assert_eq!(u64::from(PieceLength::for_size(size).get()), expected, "{size}");
    }
    assert!(PieceLength::new(0).is_err());
    let three = piece_length(3);
    assert_eq!([0, 1, 3, 4].map(|total| three.pieces(total)), [0, 1, 1, 2]);
}

#[test]
fn written_as_bep_3_says() {
    let mut creation = Creator::single_file("greeting", 5)
        .piece_length(piece_length(4))
        .tier(["http://a", "http://b"])
        .tier(["http://c"])
        .comment("hi")
        .created_by("me")
        .creation_date(7)
        .private(true)
        .start()
        .unwrap();
    creation.update(b"he").unwrap();
    creation.update(b"llo").unwrap();
    assert_eq!((creation.position(), creation.total_length()), (5, 5));
    let metainfo = creation.finish().unwrap();
    let text = metainfo.as_bytes().escape_ascii().to_string();
    // printf hell | sha1sum; printf o | sha1sum
    let pieces = "\\xa5\\xce\\xc7\\xaf_z\\xabv\\x9c\\xf0\\xd4\\xaaD\\x0e\\x01\\xc7\\xbf\\xc3q\\xb2\
                  z\\x81\\xaf>Y\\x1a\\xc7\\x13\\xf8\\x1e\\xa1\\xef\\xe9=\\xcf6\\x15}\\x83v";
    let expected = format!(
        "d8:announce8:http://a13:announce-listll8:http://a8:http://bel8:http://cee7:comment2:hi\
         10:created by2:me13:creation datei7e4:infod6:lengthi5e4:name8:greeting\
         12:piece lengthi4e6:pieces40:{pieces}7:privatei1eee"
    );
    assert_eq!(text, expected);

    // Nothing that was not asked for, and no list for one tracker.
    let mut creation =
        Creator::directory("d").file(["a", "b"], 1).tier(["http://a"]).start().unwrap();
    creation.update(b"x").unwrap();
    let metainfo = creation.finish().unwrap();
    let text = metainfo.as_bytes().escape_ascii().to_string();
    let start = "d8:announce8:http://a4:infod5:filesld6:lengthi1e4:pathl1:a1:beee4:name1:d\
                 12:piece lengthi16384e6:pieces20:";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn descriptions_that_can_not_be() {
    let start = |creator: Creator| creator.start().unwrap_err();
    let long = "n".repeat(256);
    for name in ["", ".", "..", "a/b", "a\0", " ", ". ", "..  ", "..\n", &long] {
        let expected = CreateError::BadComponent { component: name.into() };
        assert_eq!(start(Creator::single_file(name, 1)), expected);
        assert_eq!(start(Creator::directory(name).file(["a"], 1)), expected);
        assert_eq!(start(Creator::directory("d").file(["a", name], 1)), expected);
    }
    assert_eq!(start(Creator::directory("d")), CreateError::NoFiles);
    let no_path: [&str; 0] = [];
    let expected = CreateError::BadComponent { component: String::new() };
    assert_eq!(start(Creator::directory("d").file(no_path, 1)), expected);
    let twice = Creator::directory("d").file(["a", "b"], 1).file(["c"], 1).file(["a", "b"], 2);
    assert_eq!(start(twice), CreateError::DuplicatePath { path: "a/b".into() });
    // No path through a file, in whatever order, and with paths that only look alike.
    let below = Creator::directory("d").file(["a!"], 1).file(["a", "b", "c"], 1).file(["a"], 1);
    let expected = CreateError::BelowFile { file: "a".into(), path: "a/b/c".into() };
    assert_eq!(start(below.clone().file(["a", "c"], 1)), expected);
    assert_eq!(start(below), expected);
    let beside = Creator::directory("d").file(["a", "b"], 1).file(["ab"], 1).file(["a b"], 1);
    beside.start().unwrap();
    assert_eq!(start(Creator::single_file("a", u64::MAX)), CreateError::TooLong);
    let much = Creator::directory("d").file(["a"], i64::MAX as u64).file(["b"], 1);
    assert_eq!(start(much), CreateError::TooLong);

    let mut creation = Creator::single_file("a", 3).start().unwrap();
    creation.update(b"ab").unwrap();
    assert_eq!(creation.update(b"cd"), Err(CreateError::TooMuchContent { expected: 3 }));
    let short = creation.clone().finish().unwrap_err();
    assert_eq!(short, CreateError::ContentMissing { expected: 3, found: 2 });
    creation.update(b"c").unwrap();
    creation.finish().unwrap();

    let hashes = [[7; 20]; 2];
    let invalid = Creator::single_file("a", 3).finish_with(&hashes).unwrap_err();
    assert!(matches!(invalid, CreateError::Invalid(error)
        if error.kind == ErrorKind::PieceCount { expected: 1, found: 2 }));
}

#[test]
fn nothing_is_content_too() {
    let metainfo = Creator::single_file("empty", 0).start().unwrap().finish().unwrap();
    assert!(metainfo.info().pieces().is_empty());
    let mut verifier = Verifier::new(PieceChecker::of(&metainfo).unwrap());
    assert!(verifier.is_complete());
    assert_eq!(verifier.write_at(0, b""), Ok(vec![]));
    assert_eq!(verifier.state(0), None);
    let error = VerifyError::NoSuchPiece { piece: 0, pieces: 0 };
    assert_eq!(verifier.write(0, 0, b""), Err(error));
    verifier.retry(0);
}

/// A torrent whose beginning was once printed in lecture notes, made whole: 64 KiB pieces and 13,280
/// bytes of hashes, which are 664 pieces.
#[test]
fn sample_from_the_lectures() {
    let hashes: Vec<[u8; 20]> = (0..664u32)
        .map(|piece| {
            let mut hasher = PieceHasher::new(piece_length(65536));
            hasher.update(&piece.to_be_bytes());
            hasher.finish()[0]
        })
        .collect();
    let length = 663 * 65536 + 1000;
    let metainfo = Creator::single_file("Arctic_Monkeys-cSm", length)
        .piece_length(piece_length(65536))
        .tier(["http://tracker.prq.to/announce"])
        .tier(["http://open.tracker.thepiratebay.org:80/"])
        .finish_with(&hashes)
        .unwrap();
    // The same, put together by hand.
    let info = [
        format!(
            "d6:lengthi{length}e4:name18:Arctic_Monkeys-cSm12:piece lengthi65536e6:pieces13280:"
        )
        .as_bytes(),
        hashes.as_flattened(),
        b"e",
    ]
    .concat();
    let by_hand = [
        b"d8:announce30:http://tracker.prq.to/announce13:announce-list\
          ll30:http://tracker.prq.to/announceel40:http://open.tracker.thepiratebay.org:80/ee4:info"
            .as_slice(),
        &info,
        b"e",
    ]
    .concat();
    assert_eq!(metainfo.as_bytes(), by_hand);
    let parsed = Metainfo::parse(&by_hand).unwrap();
    assert_eq!(parsed.info().pieces().len(), 664);
    assert_eq!(parsed.info().pieces(), hashes);
    assert_eq!(parsed.info().piece_size(663), Some(1000));
    assert_eq!(parsed.info_hash_v1(), Some(InfoHash::of(&info)));
    assert_eq!(Info::parse(&info).unwrap().info_hash_v1(), parsed.info_hash_v1());
    assert_eq!(parsed.tiers().len(), 2);

    // As printed, it is damaged: a string of 48 bytes takes in what follows the URL.
    let printed: &[u8] = b"d8:announce30:http://tracker.prq.to/announce13:announce-list\
        ll48:http://open.tracker.thepiratebay.org:80/ :name48:Arctic_Monkeys-cSm\
        12:piece lengthi65536e6:pieces13280";
    for error in
        [Metainfo::parse(printed).unwrap_err(), Metainfo::parse_lenient(printed).unwrap_err()]
    {
        let kind =
            bencode::ErrorKind::UnexpectedByte { found: b':', expected: Expected::ItemOrEnd };
        assert_eq!(error.kind, ErrorKind::Bencode(kind));
        assert!(printed[..error.offset].ends_with(b"thepiratebay.org:80/ :name48"));
        assert_eq!(printed[error.offset], b':');
    }
    // Whole but for its end, it is only too short.
    for end in (0..by_hand.len()).step_by(97) {
        let error = Metainfo::parse(&by_hand[..end]).unwrap_err();
        let ErrorKind::Bencode(bencode::ErrorKind::UnexpectedEnd { needed }) = error.kind else {
            panic!("{end}: {error}");
        };
        assert!(error.offset == end && needed <= by_hand.len() - end);
    }
}
