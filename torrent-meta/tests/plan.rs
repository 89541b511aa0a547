//! Torrents of all versions, created in order and in batches, read back and compared with a naive
//! twin and with those of libtorrent.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use torrent_meta::{
    BatchHashes, CreateError, Creator, InfoHash, LEAF_LENGTH, Metainfo, NewFile, PieceLength, Plan,
    Version,
};

/// The bytes of a file, different for each.
fn content(file: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (7 * i + 3 * (i >> 8) + file) as u8).collect()
}

/// A file of a description.
#[derive(Clone, Debug)]
struct Described {
    path: Vec<String>,
    bytes: Vec<u8>,
    executable: bool,
    hidden: bool,
    target: Option<Vec<String>>,
}

impl Described {
    fn new_file(&self) -> NewFile {
        let mut file = match &self.target {
            Some(target) => NewFile::symlink(&self.path, target),
            None => NewFile::new(&self.path, self.bytes.len() as u64),
        };
        if self.executable {
            file = file.executable();
        }
        if self.hidden {
            file = file.hidden();
        }
        file
    }
}

#[derive(Clone, Debug)]
struct Description {
    version: Version,
    aligned: bool,
    piece_length: u32,
    single: bool,
    /// In the order they are added.
    files: Vec<Described>,
}

impl Description {
    fn creator(&self) -> Creator {
        let creator = match &self.files[..] {
            [file] if self.single => {
                let creator = Creator::single_file(&file.path[0], file.bytes.len() as u64);
                if file.executable { creator.executable() } else { creator }
            }
            files => files
                .iter()
                .fold(Creator::directory("d"), |creator, file| creator.push(file.new_file())),
        };
        creator
            .version(self.version)
            .aligned(self.aligned)
            .piece_length(PieceLength::new(self.piece_length).unwrap())
    }

    /// As the torrent has them.
    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        if self.version.has_v2() {
            sorted.files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        sorted
    }

    fn padded(&self) -> bool {
        let wanted = self.version == Version::Hybrid || self.version == Version::V1 && self.aligned;
        wanted && self.files.len() > 1
    }

    /// SHA-1 of the pieces of all files in a row, with padding.
    fn naive_pieces(&self) -> Vec<[u8; 20]> {
        let mut all = Vec::new();
        for file in self.sorted().files {
            all.extend(file.bytes);
            if self.padded() {
                all.resize(all.len().next_multiple_of(self.piece_length as usize), 0);
            }
        }
        all.chunks(self.piece_length as usize).map(|piece| Sha1::digest(piece).into()).collect()
    }

    /// In the order of the files as they are sorted, all at once.
    fn in_order(&self, chunk: usize) -> Metainfo<'static> {
        let sorted = self.sorted();
        let all: Vec<u8> = sorted.files.iter().flat_map(|file| file.bytes.clone()).collect();
        let mut creation = sorted.creator().start().unwrap();
        for chunk in all.chunks(chunk) {
            creation.update(chunk).unwrap();
        }
        assert_eq!(creation.position(), all.len() as u64);
        creation.finish().unwrap()
    }

    fn hashes(&self, plan: &Plan) -> Vec<BatchHashes> {
        let hash = |file: usize, offset: u64, bytes: &mut [u8]| {
            bytes.copy_from_slice(&self.files[file].bytes[offset as usize..][..bytes.len()]);
            Ok::<(), Infallible>(())
        };
        plan.batches().map(|batch| batch.hash(hash).unwrap()).collect()
    }
}

/// Merkle root and, at a piece length, layer of a file: recursively, by the definition.
fn naive_root(blocks: &[&[u8]], width: usize) -> [u8; 32] {
    match (blocks, width) {
        ([], 1) => [0; 32],
        ([block], 1) => Sha256::digest(block).into(),
        _ => {
            let (left, right) = blocks.split_at(blocks.len().min(width / 2));
            let nodes = [naive_root(left, width / 2), naive_root(right, width / 2)];
            Sha256::digest(nodes.as_flattened()).into()
        }
    }
}

/// A file's root, and its hashes in `piece layers`, if it has any there.
type Tree = ([u8; 32], Option<Vec<[u8; 32]>>);

fn naive_tree(bytes: &[u8], piece_length: usize) -> Option<Tree> {
    let blocks: Vec<&[u8]> = bytes.chunks(LEAF_LENGTH).collect();
    if blocks.is_empty() {
        return None;
    }
    let root = naive_root(&blocks, blocks.len().next_power_of_two());
    let in_piece = piece_length / LEAF_LENGTH;
    let layer = || blocks.chunks(in_piece).map(|blocks| naive_root(blocks, in_piece)).collect();
    Some((root, (bytes.len() > piece_length).then(layer)))
}

fn check(metainfo: &Metainfo<'_>, description: &Description) {
    let info = metainfo.info();
    assert_eq!(info.version(), description.version);
    assert_eq!(info.piece_length().get(), description.piece_length);
    assert_eq!(info.is_single_file(), description.single);
    assert!(metainfo.deviations().is_empty());
    if description.version.has_v1() {
        assert_eq!(info.pieces(), description.naive_pieces());
    } else {
        assert!(info.pieces().is_empty());
    }

    let sorted = description.sorted().files;
    let stored: Vec<_> = info.files().filter(|file| !file.is_pad()).collect();
    assert_eq!(stored.len(), sorted.len());
    let mut layers = BTreeMap::new();
    for (file, described) in stored.iter().zip(&sorted) {
        assert!(file.path().eq(described.path.iter().map(String::as_bytes)));
        assert_eq!(file.length(), described.bytes.len() as u64);
        let attributes = file.attributes();
        assert_eq!(attributes.is_executable(), described.executable);
        assert_eq!(attributes.is_hidden(), described.hidden);
        assert_eq!(attributes.is_symlink(), described.target.is_some());
        let target = file.symlink_target().map(|target| target.map(<[u8]>::to_vec).collect());
        let expected = described.target.clone();
        let expected = expected.map(|path| path.into_iter().map(String::into_bytes).collect());
        assert_eq!(target, expected as Option<Vec<Vec<u8>>>);
        if description.padded() {
            assert_eq!(file.offset() % u64::from(description.piece_length), 0);
        }
        if description.version.has_v2() {
            let tree = naive_tree(&described.bytes, description.piece_length as usize);
            assert_eq!(file.pieces_root(), tree.as_ref().map(|(root, _)| *root));
            if let Some((root, layer)) = tree {
                assert_eq!(metainfo.piece_layer(root), layer.as_deref());
                layers.extend(layer.map(|layer| (root, layer)));
            }
        }
    }
    for pad in info.files().filter(|file| file.is_pad()) {
        let length = pad.length().to_string();
        assert!(pad.path().eq([b".pad".as_slice(), length.as_bytes()]));
    }
    let dict = metainfo.dict().find(b"piece layers").map(|node| node.as_dict().unwrap().len());
    assert_eq!(dict, description.version.has_v2().then_some(layers.len()));
}

fn file() -> impl Strategy<Value = (Vec<String>, usize, bool, bool, bool)> {
    // `a.b` sorts between `a` and `a/b` as text, but not as a path.
    let component = prop::sample::select(vec!["a", "b", "a.b", "c-c", "\u{e9}", "Z"]);
    let path = prop::collection::vec(component.prop_map(String::from), 1..4);
    let length = prop_oneof![
        0usize..3,
        0usize..40_000,
        Just(16 << 10),
        Just(64 << 10),
        100_000usize..300_000
    ];
    (path, length, any::<bool>(), any::<bool>(), prop::bool::weighted(0.1))
}

fn description() -> impl Strategy<Value = Description> {
    let version = prop::sample::select(vec![Version::V1, Version::V2, Version::Hybrid]);
    let of_v1 = prop_oneof![1000u32..100_000, Just(16u32 << 10)];
    let of_v2 = (14u32..18).prop_map(|log| 1 << log);
    let files = prop::collection::vec(file(), 1..12);
    (version, any::<bool>(), of_v1, of_v2, prop::bool::weighted(0.2), files).prop_map(
        |(version, aligned, of_v1, of_v2, single, files)| {
            let piece_length = if version == Version::V1 { of_v1 } else { of_v2 };
            let mut described: Vec<Described> = Vec::new();
            for (path, length, executable, hidden, link) in files {
                // No path twice or through a file.
                let clash = |other: &Described| {
                    path.starts_with(&other.path) || other.path.starts_with(&path)
                };
                if described.iter().any(clash) {
                    continue;
                }
                let target = link.then(|| vec!["a".to_owned(), "b".to_owned()]);
                let length = if link { 0 } else { length };
                let bytes = content(described.len(), length);
                described.push(Described { path, bytes, executable, hidden, target });
            }
            if single {
                described.truncate(1);
                let file = &mut described[0];
                (file.hidden, file.target) = (false, None);
                file.path.truncate(1);
            }
            if let [file] = &mut described[..]
                && file.path.len() == 1
                && version == Version::V2
                && !single
            {
                // Alone in its directory it could not be told from a single file.
                file.path.push("d".into());
            }
            Description { version, aligned, piece_length, single, files: described }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn what_is_created_is_as_described(description in description(), chunk in 1usize..100_000) {
        let metainfo = description.in_order(chunk);
        check(&metainfo, &description);
        // Chunks do not matter, nor does it matter how often.
        prop_assert_eq!(&description.in_order(usize::MAX), &metainfo);
        prop_assert_eq!(&description.in_order(16 << 10), &metainfo);
    }

    #[test]
    fn batches_in_any_order_are_the_content_in_order(
        description in description(),
        seed in any::<u64>(),
    ) {
        let plan = description.creator().plan().unwrap();
        let total: u64 = description.files.iter().map(|file| file.bytes.len() as u64).sum();
        prop_assert_eq!(plan.total_length(), total);
        prop_assert_eq!(plan.batches().map(|batch| batch.bytes()).sum::<u64>(), total);
        prop_assert_eq!(plan.batch_count(), plan.batches().len());

        let mut hashes = description.hashes(&plan);
        hashes.sort_by_key(|batch| {
            Sha256::digest(format!("{batch:?}{seed}").as_bytes()).to_vec()
        });
        let metainfo = plan.finish(hashes.clone()).unwrap();
        prop_assert_eq!(&metainfo, &description.in_order(usize::MAX));

        // One twice does no harm, one too few does.
        hashes.extend(hashes.first().cloned());
        prop_assert_eq!(&plan.finish(hashes.clone()).unwrap(), &metainfo);
        if let Some(batch) = plan.batches().next_back() {
            let missing = description.hashes(&plan).into_iter().take(batch.index());
            let error = CreateError::BatchMissing {
                batch: batch.index(),
                batches: plan.batch_count(),
            };
            prop_assert_eq!(plan.finish(missing), Err(error));
        }
    }

    /// Each byte of each file is read once, and nothing else.
    #[test]
    fn every_byte_is_read_once(description in description()) {
        let plan = description.creator().plan().unwrap();
        let mut seen: Vec<Vec<u8>> =
            description.files.iter().map(|file| vec![0; file.bytes.len()]).collect();
        for batch in plan.batches() {
            let mut bytes = 0;
            let read = |file: usize, offset: u64, slice: &mut [u8]| {
                bytes += slice.len() as u64;
                let seen = &mut seen[file][offset as usize..][..slice.len()];
                seen.iter_mut().for_each(|count| *count += 1);
                Ok::<(), Infallible>(())
            };
            batch.hash(read).unwrap();
            prop_assert_eq!(bytes, batch.bytes());
        }
        prop_assert!(seen.iter().flatten().all(|count| *count == 1));
    }
}

/// Longer than one batch, with the last ones not full.
#[test]
fn many_batches() {
    for (version, piece_length, lengths) in [
        (Version::V1, 10_000, vec![333_333usize, 1, 99_999]),
        (Version::V1, 65_536, vec![3_000_000]),
        (Version::V2, 16_384, vec![1_000_000, 0, 700_000, 16_384 * 3]),
        (Version::V2, 1 << 20, vec![20 << 20, 5]),
        (Version::Hybrid, 32_768, vec![1_000_000, 1_000_000, 123]),
        (Version::Hybrid, 1 << 20, vec![18 << 20]),
    ] {
        let files = lengths.into_iter().enumerate().map(|(index, length)| Described {
            path: vec![format!("{index}")],
            bytes: content(index, length),
            executable: false,
            hidden: false,
            target: None,
        });
        let description = Description {
            version,
            aligned: false,
            piece_length,
            single: false,
            files: files.collect(),
        };
        let plan = description.creator().plan().unwrap();
        assert!(plan.batch_count() > 1);
        let metainfo = plan.finish(description.hashes(&plan)).unwrap();
        assert_eq!(metainfo, description.in_order(50_000));
        check(&metainfo, &description);
    }
}

/// SHA-256 of the info dictionaries that libtorrent 2.1.1 makes of the same files.
#[test]
fn info_dictionaries_are_those_of_libtorrent() {
    let table = [
        (
            Version::V1,
            false,
            16384,
            "58b041e421f09ca2949a68b63f8cc3e9875d65258b54644bfc4e6948ea0ba5ba",
        ),
        (
            Version::V1,
            false,
            32768,
            "23762efe912bccde436e62c60b31fcec2ebb056d53d4aca35c6c8fb08cbd1210",
        ),
        (
            Version::V1,
            false,
            131_072,
            "3f6584a4ee44ff347554ddc552888cfd88da3f09162c7d019c054c4750d9ea20",
        ),
        (
            Version::V1,
            true,
            16384,
            "36cbb7441bbdd68cdc87657ac69f3a5da04b5d460cf291acbb624178c161d2bb",
        ),
        (
            Version::V1,
            true,
            32768,
            "0ae0b5a8dd907796ab201e7764cda5eec1178fbeead1e4eae4e90f573e124a3a",
        ),
        (
            Version::V1,
            true,
            131_072,
            "595fbd6852fff85e69c59fe01ef5c6e2cfd8b1c5cea65f39a7915aabf06fffa1",
        ),
        (
            Version::V2,
            false,
            16384,
            "801fa973f361df97912565e4fddb79c37aa22de4b373f8fb922fb225b57f76b4",
        ),
        (
            Version::V2,
            false,
            32768,
            "3b02cba93838d646dd598c425d06059fb64709f6ac28e26bce130a7fa3bb9a5d",
        ),
        (
            Version::V2,
            false,
            131_072,
            "7a1d0aa721d3b6e7206fc82b897eed6c92faa936f4338b42fc0d7d896130907e",
        ),
        (
            Version::Hybrid,
            false,
            16384,
            "03bfea59bc4a84122c5f48ae1b862f7b00d20c0f7de080ab0843b029d51c82b3",
        ),
        (
            Version::Hybrid,
            false,
            32768,
            "8caa21b53a3676bb0cb14789f20d83f0e5386842c21cbd5449a880adc4446b3c",
        ),
        (
            Version::Hybrid,
            false,
            131_072,
            "54eab9ac276a4a09b81d474c5e1d814987a10bb09447f0bee5da2b9917a7357f",
        ),
    ];
    let files = [
        (&["a"][..], 100, false),
        (&["b.txt"], 40_000, true),
        (&["c", "d", "e"], 20_000, false),
        (&["dir", "empty"], 0, false),
        (&["dir", "z"], 81_925, false),
    ];
    for (version, aligned, piece_length, expected) in table {
        let mut creator = Creator::directory("tree")
            .version(version)
            .aligned(aligned)
            .piece_length(PieceLength::new(piece_length).unwrap());
        for (path, length, executable) in files {
            let file = NewFile::new(path.iter().copied(), length as u64);
            creator = creator.push(if executable { file.executable() } else { file });
        }
        let mut creation = creator.start().unwrap();
        for (index, (_, length, _)) in files.into_iter().enumerate() {
            creation.update(&content(index, length)).unwrap();
        }
        let metainfo = creation.finish().unwrap();
        let found = hex::encode(Sha256::digest(metainfo.info().raw()));
        assert_eq!(found, expected, "{version} aligned {aligned} {piece_length}");
    }
}

#[test]
fn everything_else_is_where_the_specifications_have_it() {
    let hash = InfoHash([5; 20]);
    let creator = Creator::single_file("f", 1)
        .executable()
        .source("S")
        .similar(hash)
        .collection("c")
        .update_url("http://u")
        .web_seed("http://w")
        .http_seed("http://h")
        .node("10.0.0.1", 6881)
        .node("router.example", 1);
    let finish = |creator: Creator| {
        let mut creation = creator.start().unwrap();
        creation.update(b"x").unwrap();
        creation.finish().unwrap()
    };
    let metainfo = finish(creator.clone());
    let text = metainfo.as_bytes().escape_ascii().to_string();
    let piece = Sha1::digest(b"x").escape_ascii().to_string();
    let similar = "\\x05".repeat(20);
    assert_eq!(
        text,
        format!(
            "d9:httpseedsl8:http://he4:infod4:attr1:x11:collectionsl1:ce6:lengthi1e4:name1:f\
             12:piece lengthi16384e6:pieces20:{piece}7:similarl20:{similar}e6:source1:S\
             10:update-url8:http://ue5:nodesll8:10.0.0.1i6881eel14:router.examplei1eee\
             8:url-list8:http://we"
        )
    );
    assert_eq!(metainfo.http_seeds(), ["http://h"]);
    assert_eq!(metainfo.nodes(), [("10.0.0.1", 6881), ("router.example", 1)]);
    assert_eq!(metainfo.similar().collect::<Vec<_>>(), [hash]);
    assert_eq!(metainfo.collections().collect::<Vec<_>>(), [b"c"]);
    let two = finish(creator.web_seed("http://w2"));
    assert_eq!(two.web_seeds(), ["http://w", "http://w2"]);
    assert_eq!(two.info(), metainfo.info());
}

#[test]
fn what_v2_can_not_have() {
    let v2 = |creator: Creator| creator.version(Version::V2);
    for bytes in [1, 8192, 16_385, 49_152] {
        let piece_length = PieceLength::new(bytes).unwrap();
        let creator = Creator::single_file("f", 1).piece_length(piece_length);
        for version in [Version::V2, Version::Hybrid] {
            let error = creator.clone().version(version).plan().unwrap_err();
            assert_eq!(error, CreateError::PieceLengthOfV2(piece_length));
        }
        creator.start().unwrap();
    }

    // A file, and a directory that could not be told from it. In a hybrid v1 tells.
    v2(Creator::single_file("f", 1)).plan().unwrap();
    let error = v2(Creator::directory("d").file(["f"], 1)).plan().unwrap_err();
    assert_eq!(error, CreateError::LooksLikeSingleFile { file: "f".into() });
    v2(Creator::directory("d").file(["f", "f"], 1)).plan().unwrap();
    v2(Creator::directory("d").file(["f"], 1).file(["g"], 1)).plan().unwrap();
    Creator::directory("d").file(["f"], 1).version(Version::Hybrid).plan().unwrap();

    // Bytes that come in order have to be in the right one.
    let unsorted = Creator::directory("d").file(["a.b"], 1).file(["a", "b"], 1);
    unsorted.clone().start().unwrap();
    v2(unsorted.clone()).plan().unwrap();
    let error = CreateError::Unsorted { path: "a/b".into(), before: "a.b".into() };
    assert_eq!(v2(unsorted).start().unwrap_err(), error);

    let hashes = [[7; 20]];
    assert_eq!(
        v2(Creator::single_file("f", 1)).finish_with(&hashes),
        Err(CreateError::NeedsV2Hashes)
    );
    for bad in [&["..", "a"][..], &["a", ""], &[]] {
        let link = NewFile::symlink(["l"], bad.iter().copied());
        let error = Creator::directory("d").push(link).plan().unwrap_err();
        assert!(matches!(error, CreateError::BadComponent { .. }));
    }
}

#[test]
fn batches_of_another_plan_are_refused() {
    let plan = |version, length| Creator::single_file("f", length).version(version).plan().unwrap();
    let hashes = |plan: &Plan| -> Vec<_> {
        plan.batches().map(|batch| batch.hash(|_, _, _| Ok::<_, Infallible>(())).unwrap()).collect()
    };
    let v1 = plan(Version::V1, 1 << 20);
    let wrong = Err(CreateError::WrongBatch { batch: 0 });
    assert_eq!(v1.finish(hashes(&plan(Version::V2, 1 << 20))), wrong);
    assert_eq!(v1.finish(hashes(&plan(Version::V1, 1000))), wrong);
    let longer = hashes(&plan(Version::V1, 3 << 20));
    assert!(matches!(v1.finish(longer), Err(CreateError::WrongBatch { .. })));
    assert_eq!(
        v1.finish([]),
        Err(CreateError::BatchMissing { batch: 0, batches: v1.batch_count() })
    );
    assert!(v1.batch(v1.batch_count()).is_none());

    // What is asked for can fail.
    let batch = v1.batch(0).unwrap();
    assert_eq!(batch.hash(|_, _, _| Err("disk")), Err("disk"));
}

/// Lengths nobody has are no panic, and cost nothing.
#[test]
fn lengths_that_nobody_has() {
    let huge = i64::MAX as u64;
    for version in [Version::V1, Version::V2, Version::Hybrid] {
        let plan = Creator::single_file("f", huge).version(version).plan().unwrap();
        assert_eq!(plan.total_length(), huge);
        let last = plan.batch(plan.batch_count() - 1).unwrap();
        assert!(last.bytes() > 0);
        assert!(matches!(plan.finish([]), Err(CreateError::BatchMissing { batch: 0, .. })));
        let two = Creator::directory("d").version(version).file(["a"], huge - 1).file(["b"], 1);
        // There is no room for padding.
        assert_eq!(two.plan().err(), (version == Version::Hybrid).then_some(CreateError::TooLong));
    }
}
