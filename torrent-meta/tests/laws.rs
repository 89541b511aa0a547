//! Laws that hold for all content, all ways to cut it, and all bytes.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use torrent_meta::bencode::{Raw, Value, decode_lenient};
use torrent_meta::{
    Creator, Info, InfoHash, Metainfo, PieceChecker, PieceHasher, PieceLength, Verdict, Verifier,
    safe_path,
};

/// Content with the lengths of the files it is cut into.
fn files() -> impl Strategy<Value = (Vec<u8>, Vec<u64>)> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..6).prop_map(|files| {
        let lengths = files.iter().map(|file| file.len() as u64).collect();
        (files.concat(), lengths)
    })
}

fn create(content: &[u8], lengths: &[u64], piece: u32) -> Metainfo<'static> {
    let mut creator = Creator::directory("d").piece_length(PieceLength::new(piece).unwrap());
    for (index, &length) in lengths.iter().enumerate() {
        creator = creator.file([format!("f{index}")], length);
    }
    let mut creation = creator.tier(["http://t"]).start().unwrap();
    creation.update(content).unwrap();
    creation.finish().unwrap()
}

/// Content cut at arbitrary places.
fn chunks(content: &[u8], cuts: &[prop::sample::Index]) -> Vec<(usize, Vec<u8>)> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).collect();
    at.extend([0, content.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| (pair[0], content[pair[0]..pair[1]].to_vec())).collect()
}

proptest! {
    #[test]
    fn chunk_split_equality(
        content in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        piece in 1u32..50,
    ) {
        let piece = PieceLength::new(piece).unwrap();
        let mut whole = PieceHasher::new(piece);
        whole.update(&content);
        let mut cut = PieceHasher::new(piece);
        for (offset, chunk) in chunks(&content, &cuts) {
            prop_assert_eq!(cut.position(), offset as u64);
            cut.update(&chunk);
        }
        prop_assert_eq!(cut.position(), content.len() as u64);
        let hashes = cut.finish();
        prop_assert_eq!(&hashes, &whole.finish());
        // And a piece's hash is the hash of its bytes.
        let naive: Vec<_> = content.chunks(piece.get() as usize).map(|p| InfoHash::of(p).0).collect();
        prop_assert_eq!(hashes, naive);
    }

    #[test]
    fn what_is_created_parses_and_verifies((content, lengths) in files(), piece in 1u32..40) {
        let metainfo = create(&content, &lengths, piece);
        let bytes = metainfo.as_bytes();
        let parsed = Metainfo::parse(bytes).unwrap();
        prop_assert_eq!(&parsed, &metainfo);
        prop_assert_eq!(&create(&content, &lengths, piece), &metainfo, "deterministic");
        let info = parsed.info();
        let found: Vec<u64> = info.files().map(|file| file.length()).collect();
        prop_assert_eq!(&found, &lengths);
        let offsets: Vec<u64> = info.files().map(|file| file.offset()).collect();
        let expected = lengths.iter().scan(0, |at, length| { *at += length; Some(*at - length) });
        prop_assert_eq!(offsets, expected.collect::<Vec<u64>>());
        let sizes = (0..).map_while(|piece| info.piece_size(piece));
        let content_pieces: Vec<u32> =
            content.chunks(piece as usize).map(|piece| piece.len() as u32).collect();
        prop_assert_eq!(sizes.collect::<Vec<_>>(), content_pieces);
        let alone = Info::parse(info.raw()).unwrap();
        prop_assert_eq!(alone.info_hash_v1(), metainfo.info_hash_v1());

        let mut verifier = Verifier::new(PieceChecker::of_info(&alone).unwrap());
        verifier.write_at(0, &content).unwrap();
        prop_assert!(verifier.is_complete());
    }

    /// In any order, with any repeats, each piece has its verdict once, and a changed byte makes
    /// exactly its own piece bad.
    #[test]
    fn order_and_repeats_do_not_matter(
        (content, lengths) in files(),
        piece in 1u32..40,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        order in any::<prop::sample::Index>(),
        damage in prop::option::of(any::<prop::sample::Index>()),
    ) {
        prop_assume!(!content.is_empty());
        let metainfo = create(&content, &lengths, piece);
        let mut received = content.clone();
        let damaged = damage.map(|damage| damage.index(content.len()));
        if let Some(at) = damaged {
            received[at] ^= 0x40;
        }
        let mut chunks = chunks(&received, &cuts);
        let middle = order.index(chunks.len());
        chunks.rotate_left(middle);
        chunks[..middle].reverse();
        let again = chunks.clone();

        let mut verifier = Verifier::new(PieceChecker::of(&metainfo).unwrap());
        let mut verdicts = Vec::new();
        for (offset, chunk) in chunks.iter().zip(&again).flat_map(|(chunk, again)| [chunk, again]) {
            verdicts.extend(verifier.write_at(*offset as u64, chunk).unwrap());
        }
        verdicts.sort_unstable_by_key(|&(piece, _)| piece);
        let bad = damaged.map(|at| at as u32 / piece);
        let expected = (0..metainfo.info().pieces().len() as u32).map(|piece| {
            (piece, if Some(piece) == bad { Verdict::Bad } else { Verdict::Good })
        });
        prop_assert_eq!(verdicts, expected.collect::<Vec<_>>());
        prop_assert_eq!(verifier.bad_pieces().collect::<Vec<_>>(), Vec::from_iter(bad));
        prop_assert_eq!(verifier.is_complete(), bad.is_none());
        prop_assert_eq!(verifier.buffered(), 0);
    }

    /// Keys that are not known change nothing but the bytes, and stay in them.
    #[test]
    fn unknown_keys_survive((content, lengths) in files(), key in "[a-z]{5}", text in ".{0,9}") {
        let metainfo = create(&content, &lengths, 7);
        let mut outer = metainfo.dict().iter().map(|(key, value)| {
            (key.as_bytes().unwrap().to_vec(), Value::from(Raw::from(value)))
        }).collect::<Vec<_>>();
        outer.push((key.clone().into_bytes(), text.clone().into()));
        let bytes = Value::dict(outer).to_vec();
        let parsed = Metainfo::parse(bytes.clone()).unwrap();
        prop_assert_eq!(parsed.info(), metainfo.info());
        prop_assert_eq!(parsed.info_hash_v1(), metainfo.info_hash_v1());
        prop_assert_eq!(parsed.dict().find(key.as_bytes()).unwrap().as_str(), Some(text.as_str()));
        prop_assert_eq!(parsed.as_bytes(), bytes);
    }

    #[test]
    fn strict_is_a_subset_of_lenient_and_nothing_panics(
        (content, lengths) in files(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = create(&content, &lengths, 5).as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        match (Metainfo::parse(&bytes), Metainfo::parse_lenient(&bytes)) {
            (Ok(strict), Ok(lenient)) => {
                prop_assert!(lenient.deviations().is_empty());
                prop_assert_eq!(&strict, &lenient);
                for file in strict.info().files() {
                    let _ = (file.path().count(), file.safe_path());
                }
            }
            (Err(_), Ok(lenient)) => prop_assert!(!lenient.deviations().is_empty()),
            (Err(strict), Err(lenient)) => {
                prop_assert!(strict.offset <= bytes.len() && lenient.offset <= bytes.len());
            }
            (Ok(_), Err(error)) => panic!("lenient refuses: {error}"),
        }
        // The hash is over the bytes that are there.
        if let Ok(parsed) = Metainfo::parse_lenient(&bytes) {
            let document = decode_lenient(&bytes).unwrap();
            let info = document.root().as_dict().unwrap().find(b"info").unwrap();
            prop_assert_eq!(parsed.info_hash_v1(), Some(InfoHash::of(&bytes[info.span()])));
        }
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = (Metainfo::parse(&bytes), Metainfo::parse_lenient(&bytes), Info::parse(&bytes));
    }

    #[test]
    fn safe_paths_stay_below(components in prop::collection::vec(
        prop_oneof![
            "[./: \\\\a]{0,4}".prop_map(String::into_bytes),
            ".{0,5}".prop_map(String::into_bytes),
            "(?i)(nul|con|com)[0-9. :]{0,3}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..300),
        ],
        0..5,
    )) {
        let components: Vec<&[u8]> = components.iter().map(Vec::as_slice).collect();
        if let Ok(path) = safe_path(components) {
            let special = |char: char| "\\:<>\"|?*".contains(char) || char.is_control();
            prop_assert!(!path.contains(special));
            for part in path.split('/') {
                prop_assert!((1..=255).contains(&part.len()), "{path:?}");
                prop_assert!(!part.ends_with(['.', ' ']), "{path:?}");
                let stem = part.split('.').next().unwrap().trim_end().to_uppercase();
                prop_assert!(!["NUL", "CON", "COM1"].contains(&&*stem), "{path:?}");
            }
            // What is safe stays.
            let again = safe_path(path.split('/').map(str::as_bytes));
            prop_assert_eq!(again.as_deref(), Ok(&*path));
        }
    }

    /// All at once as one by one, whatever the names are.
    #[test]
    fn safe_paths_agree(
        name in "[a-z.]{0,3}",
        paths in prop::collection::vec(prop::collection::vec(prop_oneof![
            8 => "[a-z]{1,20}".prop_map(String::into_bytes),
            1 => "(?i)(nul|con|com)[0-9. :]{0,3}".prop_map(String::into_bytes),
            1 => "[./: \\\\a]{0,4}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..300),
        ], 1..4), 1..200),
    ) {
        let mut files = Vec::new();
        for path in &paths {
            files.extend(b"d6:lengthi1e4:pathl");
            for component in path {
                files.extend(format!("{}:", component.len()).bytes());
                files.extend(component);
            }
            files.extend(b"ee");
        }
        let mut info = [b"d5:filesl".as_slice(), &files, b"e"].concat();
        info.extend(format!("4:name{}:{name}12:piece lengthi1000e6:pieces20:", name.len()).bytes());
        info.extend([b'x'; 20]);
        info.push(b'e');
        let info = Info::parse(info).unwrap();
        let all = info.safe_paths();
        prop_assert_eq!(all.len(), paths.len());
        for (file, path) in info.files().zip(all.iter()) {
            let alone = file.safe_path();
            prop_assert_eq!(alone.as_deref().map_err(|error| *error), path);
            prop_assert_eq!(all.get(file.index()), Some(path));
        }
        prop_assert_eq!(all.errors().count(), all.iter().filter(|path| path.is_err()).count());
        prop_assert_eq!(all.get(paths.len()), None);
    }

    #[test]
    fn info_hash_text_round_trip(bytes in any::<[u8; 20]>()) {
        let hash = InfoHash(bytes);
        prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        prop_assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
    }
}
