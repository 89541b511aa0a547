//! Query routing tables. Sources: the QRP draft ("Query Routing for the Gnutella Network"), appendices A
//! and B; LimeWire's HashFunctionTest, QueryRouteTableTest, ResetTableMessageTest,
//! PatchTableMessageTest and RouteTableMessageTest (wirecode 2b22c506); gtk-gnutella's test_hash.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gnutella_wire::{
    DecodeErrorKind, Message, OwnedQrp, PackedTable, Payload, PayloadType, Qrp, QrpError, QrpPatch,
    QrpProgress, QrpReceiver, QrpSending, Query, QueryFlags, QueryRouteTable, RoutedQuery,
    keywords, qrp_hash, scaled_slot, with_prefixes,
};
use proptest::prelude::*;

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Bits, word, slot.
const HASHES: [(u8, &str, u32); 32] = [
    (13, "", 0),
    (13, "eb", 6791),
    (13, "ebc", 7082),
    (13, "ebck", 6698),
    (13, "ebckl", 3179),
    (13, "ebcklm", 3235),
    (13, "ebcklme", 6438),
    (13, "ebcklmen", 1062),
    (13, "ebcklmenq", 3527),
    (16, "", 0),
    (16, "n", 65003),
    (16, "nd", 54193),
    (16, "ndf", 4953),
    (16, "ndfl", 58201),
    (16, "ndfla", 34830),
    (16, "ndflal", 36910),
    (16, "ndflale", 34586),
    (16, "ndflalem", 37658),
    (16, "ndflaleme", 45559),
    (10, "ol2j34lj", 318),
    (10, "asdfas23", 503),
    (10, "9um3o34fd", 758),
    (10, "a234d", 281),
    (10, "a3f", 767),
    (10, "3nja9", 581),
    (10, "2459345938032343", 146),
    (10, "7777a88a8a8a8", 342),
    (10, "asdfjklkj3k", 861),
    (10, "adfk32l", 1011),
    (10, "zzzzzzzzzzz", 944),
    (10, "3NJA9", 581),
    (10, "3nJa9", 581),
];

#[test]
fn hashes() {
    for (bits, word, slot) in HASHES {
        assert_eq!(qrp_hash(word.as_bytes(), bits), slot, "{word:?}, {bits} bits");
    }
    assert_ne!(qrp_hash(b"FAIL", 16), 37_458);
    assert_eq!((qrp_hash(b"test", 3), qrp_hash(b"qrp", 3)), (2, 7));
    assert_eq!((qrp_hash(b"test", 0), qrp_hash(b"eb", 32) >> 19), (0, 6_791));
}

/// The messages of appendix B, by example: the first table, one word added, the other removed.
const EXAMPLES: [[&[&str]; 3]; 5] = [
    [
        &[
            "85d9764dbf021d9aff72e721c340dd0030010006000000000800000007",
            "a9ab9b14c11e52aaffb4b441756d29003001000d00000001010100080000fa0000000000",
        ],
        &["d6c4b42136d0ae94ff5607e958dd72003001000d0000000101010008000000000000fa00"],
        &["3ae45989ae3b678aff969566e8b2b9003001000d00000001010100080000060000000000"],
    ],
    [
        &[
            "3f7c5a8c148a3822ffbf3b765e86c60030010006000000000800000007",
            "504abbd7c0ea6868ffef5565312f390030010009000000010101000400a00000",
        ],
        &["5d345b67f3600e9cffbc26795a31d200300100090000000101010004000000a0"],
        &["f426fa2db6cc237fffab87ef6f3a930030010009000000010101000400600000"],
    ],
    [
        &[
            "7ea1672f863b098bffa2cd26884d840030010006000000000800000007",
            "a071011fb1e79e63fff08a60c05a0c0030010007000000010102000400a0",
            "0d1be671eb269c0fff10607f317241003001000700000001020200040000",
        ],
        &[
            "c7ed3dca3eab1d5effe8d6051b71f6003001000700000001010200040000",
            "1028ad5cfb37ba4eff6b38a0e21dd40030010007000000010202000400a0",
        ],
        &[
            "4011741dff85b8b3ff955800ee6fde003001000700000001010200040060",
            "d86df5d138a808cfff20c9ebd2f12b003001000700000001020200040000",
        ],
    ],
    [
        &[
            "719f386849c09645ff23ae1202cdb30030010006000000000800000007",
            "f1a921cf47759f50ff08f1f357d9c300300100110000000101010104789c6358c0c0000001e400a1",
        ],
        &["fe08b5ed0afbe788ffd84d06af0b1100300100110000000101010104789c63606058000000a400a1"],
        &["5a23fc3d27d0b117ff0b92c6a2af1f00300100110000000101010104789c63486060000001240061"],
    ],
    [
        &[
            "2ac82f10901ca71eff146c12719fb70030010006000000000800000007",
            "1f6cdc54ac1f42ccff319915a0e036003001000f0000000101020104789c6358c0c0000001e4",
            "c1c01a792e326e54ffe78d21de043c0030010007000000010202010400a1",
        ],
        &[
            "63796003364fdd86ffa184c4ddd6c7003001000f0000000101020104789c63606058000000a4",
            "6d9307a073141b69ff6266ba5647100030010007000000010202010400a1",
        ],
        &[
            "70da7793a2f65339ff5fe7fa2c1fc2003001000f0000000101020104789c6348606000000124",
            "7a195cb654babcecff4e3dc5d12fa9003001000700000001020201040061",
        ],
    ],
];

fn update(bytes: &[u8]) -> Qrp<'_> {
    let message = Message::decode(bytes).unwrap();
    assert_eq!((message.ttl, message.hops), (1, 0));
    assert!(message.guid.is_marked());
    let mut again = Vec::new();
    message.encode(&mut again);
    assert_eq!(again, bytes);
    assert_eq!(message.to_owned().borrow(), message);
    let Payload::Qrp(qrp) = message.payload else { panic!("{message:?}") };
    qrp
}

#[test]
fn the_examples_of_the_draft() {
    for (number, example) in (1..).zip(EXAMPLES) {
        let mut receiver = QrpReceiver::new(16);
        // Erratum: the text says that "qrp" hashes to 7, which is right, and the bytes set slot 6.
        for (messages, slots) in example.iter().zip([&[2][..], &[2, 6], &[6]]) {
            let bytes: Vec<_> = messages.iter().map(|text| unhex(text)).collect();
            let last = bytes.len() - 1;
            for (index, bytes) in bytes.iter().enumerate() {
                let qrp = update(bytes);
                let progress = receiver.receive(&qrp).unwrap();
                let expected = match qrp {
                    Qrp::Reset { .. } => QrpProgress::Reset,
                    _ if index < last => QrpProgress::Partial,
                    _ => QrpProgress::Patched,
                };
                assert_eq!(progress, expected);
            }
            let table = receiver.table().unwrap();
            assert_eq!((table.slots(), table.infinity()), (8, 7));
            assert_eq!(table.set_slots().collect::<Vec<_>>(), slots, "example {number}");
        }
    }
}

/// The same tables give the same bytes, but for the erratum and how zlib was told to deflate.
#[test]
fn what_is_sent_is_what_the_draft_sends() {
    let table = |slots: &[u32]| {
        let mut table = QueryRouteTable::new(3);
        slots.iter().for_each(|slot| table.set_slot(*slot, true));
        table
    };
    for (example, entry_bits, fragment) in [(0, 8, 4_096), (1, 4, 4_096), (2, 4, 2)] {
        let how = QrpSending { entry_bits, deflate: false, fragment };
        let tables = [table(&[2]), table(&[2, 6]), table(&[6])];
        for (index, messages) in EXAMPLES[example].iter().enumerate() {
            let sent = index.checked_sub(1).map(|before| &tables[before]);
            let built = tables[index].messages(sent, &how);
            let expected: Vec<_> = messages.iter().map(|text| unhex(text)).collect();
            let expected: Vec<_> = expected.iter().map(|bytes| update(bytes).to_owned()).collect();
            assert_eq!(built, expected, "example {}", example + 1);
        }
    }
    let mut words = QueryRouteTable::new(3);
    words.insert(b"test");
    words.insert(b"qrp");
    assert_eq!(words.set_slots().collect::<Vec<_>>(), [2, 7]);
}

fn decode(payload: &[u8]) -> Qrp<'_> {
    let qrp = Qrp::decode(payload).unwrap();
    let mut again = Vec::new();
    qrp.encode(&mut again);
    assert_eq!((again.as_slice(), again.len()), (payload, qrp.encoded_len()));
    qrp
}

#[test]
fn single_messages() {
    let reset = unhex("00000100000a");
    assert_eq!(decode(&reset), Qrp::Reset { slots: 256, infinity: 10, rest: &[] });
    let patch = unhex("0101ff0102abcd");
    let parts =
        QrpPatch { number: 1, count: 255, compressor: 1, entry_bits: 2, data: &[0xab, 0xcd] };
    assert_eq!(decode(&patch), Qrp::Patch(parts));
    assert_eq!(decode(&unhex("00000100000aff")).encoded_len(), 7);
    let error = Qrp::decode(&[2, 0]).unwrap_err();
    assert_eq!((error.offset, error.kind), (0, DecodeErrorKind::QrpVariant { variant: 2 }));
    for short in ["", "00", "0000010000", "01010100"] {
        let short = unhex(short);
        let error = Payload::decode(PayloadType::QRP, &short).unwrap_err();
        assert!(matches!(error.kind, DecodeErrorKind::PayloadTooShort { .. }), "{short:?}");
    }
}

const fn patch(number: u8, count: u8, data: &[u8]) -> Qrp<'_> {
    Qrp::Patch(QrpPatch { number, count, compressor: 0, entry_bits: 8, data })
}

const fn reset(slots: u32) -> Qrp<'static> {
    Qrp::Reset { slots, infinity: 7, rest: &[] }
}

/// Feeds all but the last, which must be fine, and returns what the last does.
fn last(messages: &[Qrp<'_>]) -> Result<QrpProgress, QrpError> {
    let mut receiver = QrpReceiver::new(16);
    let (last, first) = messages.split_last().unwrap();
    for message in first {
        receiver.receive(message).unwrap();
    }
    let before = receiver.table().cloned();
    let result = receiver.receive(last);
    if result.is_err() {
        assert_eq!(receiver.table(), before.as_ref());
        // The sequence is over: only a first fragment goes on.
        if before.is_some() {
            let error = receiver.receive(&patch(2, 3, &[])).unwrap_err();
            assert_eq!(error, QrpError::Number { number: 2, count: 3, expected: 1 });
        }
    }
    result
}

/// LimeWire's testBadPackets, letters as there.
#[test]
fn bad_sequences() {
    let start = reset(1_024);
    let number = |number, count, expected| Err(QrpError::Number { number, count, expected });
    // a
    assert_eq!(last(&[start, patch(2, 2, &[0; 1_024])]), number(2, 2, 1));
    // b
    let changed = Err(QrpError::Changed { number: 2 });
    assert_eq!(last(&[start, patch(1, 3, &[0; 10]), patch(2, 4, &[0; 10])]), changed);
    // c
    assert_eq!(last(&[start, patch(1, 3, &[0; 10]), patch(3, 3, &[0; 10])]), number(3, 3, 2));
    // d: a reset begins anew.
    let fine = [start, patch(1, 3, &[0; 10]), reset(1_024), patch(1, 6, &[0; 10])];
    assert_eq!(last(&fine), Ok(QrpProgress::Partial));
    // e
    let both = [start, patch(1, 2, &[0; 512]), patch(2, 2, &[0; 512])];
    assert_eq!(last(&both), Ok(QrpProgress::Patched));
    assert_eq!(last(&[&both[..], &[patch(3, 2, &[])]].concat()), number(3, 2, 1));
    // f
    let with = |compressor, entry_bits, data| {
        Qrp::Patch(QrpPatch { number: 1, count: 1, compressor, entry_bits, data })
    };
    let compressor = Err(QrpError::Compressor { compressor: 2 });
    assert_eq!(last(&[start, with(2, 8, &[0; 10])]), compressor);
    // g
    assert_eq!(last(&[start, with(1, 8, &[0; 10])]), Err(QrpError::BadZlib));
    // h
    let too_many = Err(QrpError::TooManyEntries { slots: 1_024 });
    assert_eq!(last(&[start, patch(1, 1, &[0; 1_025])]), too_many);
    assert_eq!(last(&[start, with(0, 4, &[0; 513])]), too_many);
    // i: entries of one bit, only without version 0.2.
    assert_eq!(last(&[start, with(0, 1, &[0; 128])]), Ok(QrpProgress::Patched));
    let mut old = QrpReceiver::new(16).version_01();
    old.receive(&start).unwrap();
    assert_eq!(old.receive(&with(0, 1, &[0; 128])), Err(QrpError::EntryBits { bits: 1 }));
    assert_eq!(old.receive(&with(0, 4, &[0; 512])), Ok(QrpProgress::Patched));

    assert_eq!(last(&[start, with(0, 3, &[0; 10])]), Err(QrpError::EntryBits { bits: 3 }));
    assert_eq!(last(&[start, patch(0, 1, &[])]), number(0, 1, 1));
    assert_eq!(last(&[start, patch(1, 0, &[])]), number(1, 0, 1));
    assert_eq!(last(&[patch(1, 1, &[])]), Err(QrpError::NoTable));
    let few = Err(QrpError::TooFewEntries { bytes: 1_023, expected: 1_024 });
    assert_eq!(last(&[start, patch(1, 1, &[0; 1_023])]), few);
    for slots in [0, 1_000, 1 << 17, u32::MAX] {
        assert_eq!(last(&[reset(slots)]), Err(QrpError::Slots { slots, max_bits: 16 }));
    }
    let zero = Qrp::Reset { slots: 8, infinity: 0, rest: &[] };
    assert_eq!(last(&[start, zero]), Err(QrpError::Infinity));
    // Compressor or width change on the way.
    for (compressor, entry_bits) in [(1, 8), (0, 4)] {
        let other = Qrp::Patch(QrpPatch { number: 2, count: 3, compressor, entry_bits, data: &[] });
        assert_eq!(last(&[start, patch(1, 3, &[0; 10]), other]), changed);
    }
}

#[test]
fn streams_that_inflate_past_the_table() {
    // What a table of 2^16 slots sends is twice too much for one of 2^15.
    let mut table = QueryRouteTable::new(16);
    for slot in 0..3_000 {
        table.set_slot(slot * 21, true);
    }
    for fragment in [1, 64, 4_096] {
        let messages = table.messages(None, &QrpSending { fragment, ..QrpSending::DEFAULT });
        let mut receiver = QrpReceiver::new(15);
        receiver.receive(&reset(1 << 15)).unwrap();
        let error = messages[1..].iter().find_map(|it| receiver.receive(&it.borrow()).err());
        assert_eq!(error, Some(QrpError::TooManyEntries { slots: 1 << 15 }));
        assert_eq!(receiver.table().unwrap().count(), 0);
    }
}

#[test]
fn slots_of_tables_of_other_sizes() {
    for (from, slots, to, expected) in [
        (100, &[11, 20][..], 10, &[1, 2][..]),
        (4, &[0, 1, 2], 3, &[0, 1, 2]),
        (2, &[0], 4, &[0, 1]),
        (3, &[0, 1], 4, &[0, 1, 2]),
    ] {
        let mut scaled: Vec<u32> =
            slots.iter().flat_map(|slot| scaled_slot(*slot, from, to)).collect();
        scaled.dedup();
        assert_eq!(scaled, expected, "{from} to {to}");
    }
    assert_eq!(scaled_slot(u32::MAX - 1, u32::MAX, u32::MAX), u32::MAX - 1..u32::MAX);
}

/// LimeWire's HashFunctionTest, testPrefixes.
#[test]
fn prefixes() {
    let all = |word| with_prefixes(word).collect::<Vec<_>>();
    assert_eq!(all("hey"), ["hey"]);
    assert_eq!(all("hey2"), ["hey2"]);
    assert_eq!(all("goods"), ["goods", "good", "goo"]);
    assert_eq!(all("woods"), ["woods", "wood", "woo"]);
    assert_eq!(all("snoozes"), ["snoozes", "snooze", "snooz"]);
    assert_eq!(all("äöüßé"), ["äöüßé", "äöüß", "äöü"]);
}

#[test]
fn the_last_hop() {
    let urn = b"urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB";
    let mut table = QueryRouteTable::new(QueryRouteTable::DEFAULT_BITS);
    table.insert_name("Blue Trains - \u{c9}tude.ogg".as_bytes());
    table.insert(urn);
    let asks = |text: &str, extension: &[u8]| {
        let query = Query::new(QueryFlags::default(), text.as_bytes()).unwrap();
        table.may_answer(&query.with_extension(extension))
    };
    assert!(asks("blue TRAIN", b"") && asks("trains", b"") && asks("\u{c9}TUDE", b""));
    assert!(!asks("blue bird", b"") && !asks("tra", b""));
    // A hash that is asked for decides; asking for hashes in the answers does not.
    assert!(asks("anything", urn) && asks("anything", &urn.to_ascii_lowercase()));
    assert!(!asks("blue train", b"urn:sha1:QLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB"));
    assert!(asks("blue train", b"urn:") && asks("blue train", b"urn:sha1:"));
    for word in keywords("Blue Trains".as_bytes()) {
        assert!(table.contains(word.as_written().as_bytes()));
    }
}

fn table() -> impl Strategy<Value = QueryRouteTable> {
    (0u8..12, 2u8..9, any::<Vec<u32>>()).prop_map(|(bits, infinity, slots)| {
        let mut table = QueryRouteTable::new(bits).with_infinity(infinity);
        slots.iter().for_each(|slot| table.set_slot(slot % table.slots(), true));
        table
    })
}

fn of_the_same_size(like: &QueryRouteTable, slots: &[u32]) -> QueryRouteTable {
    let mut table = QueryRouteTable::new(like.bits()).with_infinity(like.infinity());
    slots.iter().for_each(|slot| table.set_slot(slot % table.slots(), true));
    table
}

fn receive(receiver: &mut QrpReceiver, messages: &[OwnedQrp]) {
    for (left, message) in (0..messages.len()).rev().zip(messages) {
        let progress = receiver.receive(&message.borrow()).unwrap();
        assert_eq!(progress == QrpProgress::Patched, left == 0);
    }
}

proptest! {
    /// Packed in whichever form, a table answers as before, and takes no more memory.
    #[test]
    fn packing_changes_no_answer(
        bits in 0u8..19,
        slots in prop::collection::vec(any::<u32>(), 0..400),
        every in prop::option::of(1u32..40),
        asked in "[a-d]{1,3}( [a-d]{1,2}){0,2}",
        urn in prop::option::of("urn:sha1:[A-Z2-7]{32}"),
        other in 0u8..19,
    ) {
        let mut table = QueryRouteTable::new(bits);
        slots.iter().for_each(|slot| table.set_slot(slot % table.slots(), true));
        if let Some(every) = every {
            (0..1 << bits).step_by(every as usize).for_each(|slot| table.set_slot(slot, true));
        }
        keywords(asked.as_bytes()).take(1).for_each(|word| table.insert(word.as_written().as_bytes()));
        let packed = PackedTable::of(&table);
        prop_assert_eq!(packed.unpack(), table.clone());
        prop_assert_eq!((packed.bits(), packed.count()), (bits, table.count() as usize));
        prop_assert!(packed.heap_bytes() <= (1_usize << bits).div_ceil(64) * 8);
        for slot in 0..table.slots() + 2 {
            prop_assert_eq!(packed.has_slot(slot), table.has_slot(slot), "{}", slot);
        }
        let urn = urn.unwrap_or_default();
        let query =
            Query::new(QueryFlags::default(), asked.as_bytes()).unwrap().with_extension(urn.as_bytes());
        let routed = RoutedQuery::of(&query);
        prop_assert_eq!(packed.may_answer(&routed), table.may_answer(&query));
        prop_assert_eq!(table.may_answer_routed(&routed), table.may_answer(&query));
        let (mut merged, mut expected) = (QueryRouteTable::new(other), QueryRouteTable::new(other));
        packed.merge_into(&mut merged);
        expected.merge(&table);
        prop_assert_eq!(merged, expected);
    }

    /// A receiver that goes on with the table of another ends with the same.
    #[test]
    fn resuming_goes_on(
        first in prop::collection::vec(0u32..1024, 0..40),
        second in prop::collection::vec(0u32..1024, 0..40),
        entry_bits in prop::sample::select(vec![1u8, 2, 4, 8]),
    ) {
        let table = |slots: &[u32]| {
            let mut table = QueryRouteTable::new(10);
            slots.iter().for_each(|slot| table.set_slot(*slot, true));
            table
        };
        let (first, second) = (table(&first), table(&second));
        let how = QrpSending { entry_bits, fragment: 100, ..QrpSending::DEFAULT };
        let mut receiver = QrpReceiver::new(10);
        for message in first.messages(None, &how) {
            receiver.receive(&message.borrow()).unwrap();
        }
        prop_assert!(receiver.is_idle());
        let mut receiver = QrpReceiver::resume(receiver.into_table().unwrap(), 10);
        for message in second.messages(Some(&first), &how) {
            receiver.receive(&message.borrow()).unwrap();
        }
        prop_assert_eq!(receiver.table(), Some(&second));
    }
}

proptest! {
    /// However a table is sent, it arrives, and so does the change to another.
    #[test]
    fn sent_is_received(
        first in table(), slots: Vec<u32>, bits in 0usize..4, deflate: bool, fragment in 1usize..100,
    ) {
        let how = QrpSending { entry_bits: [1, 2, 4, 8][bits], deflate, fragment };
        let mut receiver = QrpReceiver::new(12);
        receive(&mut receiver, &first.messages(None, &how));
        prop_assert_eq!(receiver.table(), Some(&first));
        let second = of_the_same_size(&first, &slots);
        let change = second.messages(Some(&first), &how);
        prop_assert_eq!(change.is_empty(), first == second);
        let resets = change.iter().any(|it| matches!(it, OwnedQrp::Reset { .. }));
        prop_assert!(!resets);
        receive(&mut receiver, &change);
        prop_assert_eq!(receiver.table(), Some(&second));
        // Of another size it begins anew.
        let third = second.resized(5);
        receive(&mut receiver, &third.messages(Some(&second), &how));
        prop_assert_eq!(receiver.table(), Some(&third));
    }

    /// Nothing is lost, whatever the sizes.
    #[test]
    fn merged_and_resized_say_maybe_as_often(mut one in table(), other in table(), word: Vec<u8>, bits in 0u8..12) {
        let (in_one, in_other) = (one.contains(&word), other.contains(&word));
        prop_assert!(!in_one || one.resized(bits).contains(&word));
        one.merge(&other);
        prop_assert!(!(in_one || in_other) || one.contains(&word));
    }

    /// Between tables of the same size, merging is OR.
    #[test]
    fn merging_is_or(one in table(), slots: Vec<u32>) {
        let other = of_the_same_size(&one, &slots);
        let mut both = one.clone();
        both.merge(&other);
        for slot in 0..one.slots() {
            prop_assert_eq!(both.has_slot(slot), one.has_slot(slot) || other.has_slot(slot));
        }
        prop_assert_eq!(both.count() as usize, both.set_slots().count());
    }

    #[test]
    fn no_panic_on_arbitrary_messages(messages: Vec<(u8, u8, u8, u8, Vec<u8>)>, slots in 0u32..300) {
        let mut receiver = QrpReceiver::new(8);
        let _ = receiver.receive(&reset(slots.next_power_of_two().min(256)));
        for (number, count, compressor, entry_bits, data) in &messages {
            let (number, count) = (number % 3 + 1, count % 3 + 1);
            let (compressor, entry_bits) = (compressor % 2, 1 << (entry_bits % 4));
            let patch = QrpPatch { number, count, compressor, entry_bits, data };
            let _ = receiver.receive(&Qrp::Patch(patch));
        }
    }
}
