//! Metadata from peers of whom some lie, and the messages it travels in.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use torrent_meta::bencode::{Map, Value};
use torrent_meta::{
    ErrorKind, InfoHash, InfoHashV2, METADATA_BLOCK, Magnet, MetadataAssembler, MetadataBody,
    MetadataError, MetadataHash, MetadataMessage, Progress, answer_metadata_request,
    metadata_block,
};

/// An info dictionary of about so many blocks, and its hash.
fn info(blocks: usize) -> (Vec<u8>, MetadataHash) {
    let pieces = (blocks * METADATA_BLOCK / 20).max(1);
    let mut info =
        format!("d6:lengthi{pieces}e4:name1:n12:piece lengthi1e6:pieces{}:", pieces * 20);
    info.extend((0..pieces * 20).map(|index| char::from((index * 7 / 5 % 90) as u8 + b' ')));
    info.push('e');
    let hash = MetadataHash::V1(InfoHash::of(info.as_bytes()));
    (info.into_bytes(), hash)
}

/// What a peer sends: the real thing, or something else.
#[derive(Clone, Debug)]
enum Source {
    Honest,
    /// Every block whose number this divides is wrong.
    Wrong {
        every: u32,
    },
    /// Tells another size, and sends zeros.
    OtherSize(u32),
    /// Has not got it.
    Rejects,
    Silent,
}

impl Source {
    fn size(&self, info: &[u8]) -> u32 {
        match self {
            Self::OtherSize(size) => *size,
            _ => info.len() as u32,
        }
    }

    fn block(&self, info: &[u8], block: u32) -> Option<Vec<u8>> {
        let mut bytes = match self {
            Self::OtherSize(size) => metadata_block(&vec![0; *size as usize], block)?.to_vec(),
            Self::Silent | Self::Rejects => return None,
            _ => metadata_block(info, block)?.to_vec(),
        };
        if let Self::Wrong { every } = self
            && block.is_multiple_of(*every)
        {
            bytes[0] ^= 1;
        }
        Some(bytes)
    }
}

struct Outcome {
    liars: Vec<usize>,
    banned: Vec<usize>,
    wrong: Vec<Vec<usize>>,
}

/// Lets every peer answer a block in turn, until the metadata is there.
fn fetch(info: &[u8], hash: MetadataHash, sources: &[Source]) -> Option<Outcome> {
    let mut assembler = MetadataAssembler::new(hash);
    for (peer, source) in sources.iter().enumerate() {
        assembler.add_peer(peer, source.size(info)).unwrap();
    }
    let mut wrong = Vec::new();
    for _ in 0..10_000 {
        let mut idle = true;
        for (peer, source) in sources.iter().enumerate() {
            let Some(block) = assembler.request(&peer) else { continue };
            idle = false;
            let Some(bytes) = source.block(info, block) else {
                assembler.reject(&peer, block);
                continue;
            };
            match assembler.data(&peer, block, source.size(info), &bytes).unwrap() {
                Progress::Complete { info: found, liars } => {
                    assert_eq!(found.raw(), info);
                    assert!(assembler.is_done());
                    assert_eq!(assembler.buffered(), 0);
                    let banned = (0..sources.len()).filter(|peer| assembler.is_banned(peer));
                    return Some(Outcome { liars, banned: banned.collect(), wrong });
                }
                Progress::WrongHash { peers } => wrong.push(peers),
                Progress::Stored | Progress::Ignored => {}
                other => panic!("{other:?}"),
            }
        }
        if idle {
            return None;
        }
    }
    panic!("no end");
}

#[test]
fn one_honest_peer_of_one_block_or_many() {
    for blocks in [0, 1, 2, 5] {
        let (info, hash) = info(blocks);
        let outcome = fetch(&info, hash, &[Source::Honest]).unwrap();
        assert!(outcome.liars.is_empty() && outcome.banned.is_empty() && outcome.wrong.is_empty());
    }
}

#[test]
fn each_kind_of_hash() {
    let (info, _) = info(2);
    let (v1, v2) = (InfoHash::of(&info), InfoHashV2::of(&info));
    let (not_v1, not_v2) = (InfoHash([1; 20]), InfoHashV2([1; 32]));
    for (hash, good) in [
        (MetadataHash::V1(v1), true),
        (MetadataHash::V2(v2), true),
        (MetadataHash::Hybrid(v1, v2), true),
        (MetadataHash::Short(v1.0), true),
        (MetadataHash::Short(v2.truncated()), true),
        (MetadataHash::V1(not_v1), false),
        (MetadataHash::V2(not_v2), false),
        (MetadataHash::Hybrid(v1, not_v2), false),
        (MetadataHash::Hybrid(not_v1, v2), false),
        (MetadataHash::Short(not_v1.0), false),
    ] {
        assert_eq!(hash.matches(&info), good, "{hash:?}");
        assert_eq!(fetch(&info, hash, &[Source::Honest]).is_some(), good, "{hash:?}");
    }
    assert_eq!(MetadataHash::from(&Magnet::v1(v1)), MetadataHash::V1(v1));
    assert_eq!(MetadataHash::from(&Magnet::v2(v2)), MetadataHash::V2(v2));
    assert_eq!(MetadataHash::from(&Magnet::hybrid(v1, v2)), MetadataHash::Hybrid(v1, v2));
}

#[test]
fn a_liar_among_several_is_found() {
    let (info, hash) = info(6);
    let sources = [Source::Honest, Source::Wrong { every: 2 }, Source::Honest];
    let outcome = fetch(&info, hash, &sources).unwrap();
    // First all three together; then one after the other, and the first is honest.
    assert_eq!(outcome.wrong, [vec![0, 1, 2]]);
    assert_eq!((outcome.liars, outcome.banned), (vec![1], vec![]));
    // If the liar's turn comes first it is banned.
    let sources = [Source::Wrong { every: 2 }, Source::Honest, Source::Honest];
    let outcome = fetch(&info, hash, &sources).unwrap();
    assert_eq!(outcome.wrong, [vec![0, 1, 2], vec![0]]);
    assert_eq!((outcome.liars, outcome.banned), (vec![0], vec![0]));
}

#[test]
fn peers_of_other_sizes_are_kept_apart() {
    let (info, hash) = info(3);
    let sources = [
        Source::OtherSize(5),
        Source::OtherSize(METADATA_BLOCK as u32 * 2),
        Source::OtherSize(METADATA_BLOCK as u32 * 2),
        Source::Honest,
    ];
    let outcome = fetch(&info, hash, &sources).unwrap();
    assert_eq!(outcome.wrong, [vec![0], vec![1, 2], vec![1], vec![2]]);
    assert_eq!((outcome.liars, outcome.banned), (vec![1, 2], vec![0, 1, 2]));
}

#[test]
fn what_a_peer_can_do_wrong_is_told_apart() {
    let (info, hash) = info(2);
    let size = info.len() as u32;
    let count = size.div_ceil(METADATA_BLOCK as u32);
    let mut assembler = MetadataAssembler::new(hash).max_size(size);
    let max = size;
    assert_eq!(assembler.add_peer('a', 0), Err(MetadataError::Size { size: 0, max }));
    assert_eq!(assembler.add_peer('a', size + 1), Err(MetadataError::Size { size: size + 1, max }));
    assembler.add_peer('a', size).unwrap();
    let block = metadata_block(&info, 0).unwrap();
    let mut data = |peer, index, size, bytes| assembler.data(&peer, index, size, bytes).map(|_| ());
    assert_eq!(data('b', 0, size, block), Err(MetadataError::UnknownPeer));
    let other = MetadataError::OtherSize { told: size, found: size - 1 };
    assert_eq!(data('a', 0, size - 1, block), Err(other));
    let no_such = MetadataError::NoSuchBlock { block: count, count };
    assert_eq!(data('a', count, size, block), Err(no_such));
    let found = METADATA_BLOCK - 1;
    let short = MetadataError::BlockLength { expected: METADATA_BLOCK, found };
    assert_eq!(data('a', 0, size, &block[1..]), Err(short));
    // Nobody asked for it.
    assert!(matches!(assembler.data(&'a', 0, size, block), Ok(Progress::Ignored)));
    assert_eq!(assembler.buffered(), 0);
    // All of it, wrong.
    while let Some(index) = assembler.request(&'a') {
        let length = metadata_block(&info, index).unwrap().len();
        assembler.data(&'a', index, size, &vec![0; length]).unwrap();
    }
    assert!(assembler.is_banned(&'a'));
    assert_eq!(assembler.add_peer('a', size), Err(MetadataError::Banned));
    assert!(matches!(assembler.data(&'a', 0, size, block), Err(MetadataError::Banned)));
}

#[test]
fn a_slow_peers_blocks_are_asked_of_others_and_taken_from_whoever_is_faster() {
    let (info, hash) = info(2);
    let size = info.len() as u32;
    let count = size.div_ceil(METADATA_BLOCK as u32);
    let block = |index| metadata_block(&info, index).unwrap();
    let mut assembler = MetadataAssembler::new(hash);
    assembler.add_peer("slow", size).unwrap();
    let asked: Vec<u32> = std::iter::from_fn(|| assembler.request(&"slow")).collect();
    assert_eq!(asked, (0..count).collect::<Vec<_>>());
    assembler.add_peer("fast", size).unwrap();
    for index in 0..count - 1 {
        assert_eq!(assembler.request(&"fast"), Some(index));
        assert!(matches!(assembler.data(&"fast", index, size, block(index)), Ok(Progress::Stored)));
        assert!(matches!(
            assembler.data(&"slow", index, size, block(index)),
            Ok(Progress::Ignored)
        ));
    }
    // A block that was given up is taken all the same.
    assembler.reject(&"slow", count - 1);
    assert_eq!(assembler.request(&"slow"), None);
    let last = assembler.data(&"slow", count - 1, size, block(count - 1));
    assert!(matches!(last, Ok(Progress::Complete { .. })));
    assert!(matches!(assembler.data(&"fast", 0, size, block(0)), Ok(Progress::Ignored)));
    assert_eq!(assembler.request(&"fast"), None);
}

#[test]
fn blocks_stay_when_their_peer_goes_unless_it_was_the_last_of_its_size() {
    let (info, hash) = info(3);
    let size = info.len() as u32;
    let mut assembler = MetadataAssembler::new(hash);
    assembler.add_peer(1, size).unwrap();
    assembler.add_peer(2, size).unwrap();
    let index = assembler.request(&1).unwrap();
    assembler.data(&1, index, size, metadata_block(&info, index).unwrap()).unwrap();
    let open = assembler.request(&1).unwrap();
    assembler.remove_peer(&1);
    assert_eq!(assembler.buffered(), METADATA_BLOCK);
    assert_eq!(assembler.request(&2), Some(open));
    assembler.remove_peer(&2);
    assert_eq!(assembler.buffered(), 0);
    assert_eq!(assembler.request(&2), None);
}

#[test]
fn memory_is_bounded_and_goes_to_the_size_that_most_tell() {
    let (info, hash) = info(4);
    let size = info.len() as u32;
    let mut assembler = MetadataAssembler::new(hash).max_size(size);
    // Each liar tells its own size, and sends all but one block.
    for liar in 1..10 {
        let size = size - liar;
        assembler.add_peer(liar, size).unwrap();
        let asked: Vec<u32> = std::iter::from_fn(|| assembler.request(&liar)).collect();
        for block in asked.into_iter().skip(1) {
            let length = (size as usize - block as usize * METADATA_BLOCK).min(METADATA_BLOCK);
            assembler.data(&liar, block, size, &vec![0; length]).unwrap();
        }
        assert!(assembler.buffered() <= 2 * size as usize);
    }
    for honest in [100, 101] {
        assembler.add_peer(honest, size).unwrap();
    }
    loop {
        let block = assembler.request(&100).unwrap();
        let bytes = metadata_block(&info, block).unwrap();
        match assembler.data(&100, block, size, bytes).unwrap() {
            Progress::Complete { .. } => break,
            progress => assert!(matches!(progress, Progress::Stored), "{progress:?}"),
        }
    }
}

#[test]
fn the_right_hash_of_nonsense_is_the_torrents_fault() {
    let nonsense = b"d4:name1:ne";
    let mut assembler = MetadataAssembler::new(MetadataHash::V1(InfoHash::of(nonsense)));
    assembler.add_peer((), nonsense.len() as u32).unwrap();
    assert_eq!(assembler.request(&()), Some(0));
    let progress = assembler.data(&(), 0, nonsense.len() as u32, nonsense).unwrap();
    assert!(matches!(progress, Progress::Invalid(_)), "{progress:?}");
    assert!(assembler.is_done());
}

#[test]
fn requests_are_answered_with_blocks_or_rejects() {
    let (info, _) = info(2);
    let total_size = info.len() as u32;
    let count = info.len().div_ceil(METADATA_BLOCK) as u32;
    let mut whole = Vec::new();
    for piece in 0..count {
        let MetadataBody::Data { piece: number, total_size: size, block } =
            answer_metadata_request(Some(&info), piece)
        else {
            panic!("there is a block {piece}");
        };
        assert_eq!((number, size), (piece, total_size));
        whole.extend_from_slice(block);
    }
    assert_eq!(whole, info);
    for piece in [count, u32::MAX] {
        let reject = MetadataBody::Reject { piece };
        assert_eq!(answer_metadata_request(Some(&info), piece), reject);
    }
    assert_eq!(answer_metadata_request(None, 0), MetadataBody::Reject { piece: 0 });
}

#[test]
fn the_messages_of_bep_9() {
    let cases: [(&[u8], MetadataBody<'_>); 4] = [
        (b"d8:msg_typei0e5:piecei0ee", MetadataBody::Request { piece: 0 }),
        (
            b"d8:msg_typei1e5:piecei0e10:total_sizei34256eexxxxxxxx",
            MetadataBody::Data { piece: 0, total_size: 34256, block: b"xxxxxxxx" },
        ),
        (b"d8:msg_typei2e5:piecei0ee", MetadataBody::Reject { piece: 0 }),
        (b"d8:msg_typei-3ee!", MetadataBody::Unknown { msg_type: -3, payload: b"!" }),
    ];
    for (bytes, body) in cases {
        let message = MetadataMessage::decode(bytes).unwrap();
        assert_eq!(message, MetadataMessage::from(body));
        assert_eq!(message.to_vec(), bytes);
        assert_eq!(message.encoded_len(), bytes.len());
    }
    // Other keys stay.
    let bytes = b"d1:ai1e8:msg_typei0e5:piecei7e5:usersi9ee";
    let message = MetadataMessage::decode(bytes).unwrap();
    assert_eq!(message.other.find(b"users"), Some(&Value::from(9)));
    assert_eq!(message.to_vec(), bytes);
}

#[test]
fn what_is_no_message_is_refused_and_where() {
    let error = |bytes: &[u8]| {
        let error = MetadataMessage::decode(bytes).unwrap_err();
        (error.offset, error.kind)
    };
    let number = |key| ErrorKind::WrongKind { key, expected: "a number of 32 bits" };
    assert_eq!(error(b"le"), (0, ErrorKind::NotADictionary { what: "the message" }));
    assert_eq!(error(b"de"), (0, ErrorKind::Missing { key: "msg_type" }));
    assert_eq!(error(b"d8:msg_typei0ee"), (0, ErrorKind::Missing { key: "piece" }));
    assert_eq!(error(b"d8:msg_typei1e5:piecei0ee"), (0, ErrorKind::Missing { key: "total_size" }));
    assert_eq!(error(b"d8:msg_typei0e5:piecei-1ee"), (21, number("piece")));
    assert_eq!(error(b"d8:msg_typei0e5:piecei4294967296ee"), (21, number("piece")));
    assert_eq!(error(b"d8:msg_typei1e5:piecei0e10:total_size1:1e"), (37, number("total_size")));
    assert_eq!(error(b"d8:msg_type1:0e").0, 11);
    assert_eq!(error(b"").0, 0);
    assert_eq!(error(b"d8:msg_typei0e").0, 14);
    assert_eq!(error(b"d8:msg_typei0e5:piecei0ee!").0, 25);
    assert_eq!(error(b"d5:piecei0e8:msg_typei0ee").0, 11);
    let deep = ["d1:a", &"l".repeat(20)].concat();
    assert!(MetadataMessage::decode_lenient(deep.as_bytes()).is_err());
    let long = format!("d1:a20000:{}8:msg_typei0e5:piecei0ee", "x".repeat(20000));
    assert!(MetadataMessage::decode_lenient(long.as_bytes()).is_err());
    // What deployed programs may send.
    let lenient = MetadataMessage::decode_lenient(b"d5:piecei00e8:msg_typei0ee!").unwrap();
    assert_eq!(lenient.body, MetadataBody::Request { piece: 0 });
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        3 => Just(Source::Honest),
        2 => (1u32..4).prop_map(|every| Source::Wrong { every }),
        1 => (1u32..70_000).prop_map(Source::OtherSize),
        1 => Just(Source::Rejects),
        1 => Just(Source::Silent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn one_honest_peer_is_enough_and_none_is_accused(
        sources in prop::collection::vec(source(), 0..7),
        place in any::<prop::sample::Index>(),
        blocks in 0usize..5,
    ) {
        let mut sources = sources;
        sources.insert(place.index(sources.len() + 1), Source::Honest);
        let (info, hash) = info(blocks);
        let outcome = fetch(&info, hash, &sources).expect("there is an honest peer");
        for peer in outcome.liars.iter().chain(&outcome.banned) {
            let lies = match &sources[*peer] {
                Source::Wrong { .. } => true,
                Source::OtherSize(size) => *size != info.len() as u32 || info.iter().any(|byte| *byte != 0),
                _ => false,
            };
            prop_assert!(lies, "{} of {:?}", peer, sources);
        }
    }

    #[test]
    fn messages_round_trip(
        kind in 0i64..5,
        piece in any::<u32>(),
        total_size in any::<u32>(),
        block in prop::collection::vec(any::<u8>(), 0..40),
        other in prop::collection::btree_map("[a-z]{1,4}", any::<i64>(), 0..3),
    ) {
        let body = match kind {
            0 => MetadataBody::Request { piece },
            1 => MetadataBody::Data { piece, total_size, block: &block },
            2 => MetadataBody::Reject { piece },
            msg_type => MetadataBody::Unknown { msg_type: msg_type - 6, payload: &block },
        };
        let other: Map = other.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        let message = MetadataMessage { body, other };
        let bytes = message.to_vec();
        prop_assert_eq!(bytes.len(), message.encoded_len());
        prop_assert_eq!(MetadataMessage::decode(&bytes), Ok(message.clone()));
        prop_assert_eq!(MetadataMessage::decode_lenient(&bytes), Ok(message));
    }
}
