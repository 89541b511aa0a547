//! Query routing: a sequence of messages, whatever they are, leaves a table of the size that was
//! agreed on; how a patch is cut into fragments changes nothing; a table is sent and received again;
//! packed, it answers as before.

use gnutella_wire::{
    PackedTable, Qrp, QrpError, QrpPatch, QrpProgress, QrpReceiver, QrpSending, Query, QueryFlags,
    QueryRouteTable, RoutedQuery, keywords,
};

use crate::allocation::peak;
use crate::cuts::cuts;

const MAX_BITS: u8 = 11;

/// Checks one input: two bytes that say how, then a patch, or messages with a byte of length before
/// each.
pub fn check(data: &[u8]) {
    let [how, shape, rest @ ..] = data else { return };
    let entry_bits = 1 << (how >> 1 & 3);
    let bits = shape % (MAX_BITS + 1);
    let all = receive(bits, how & 1, entry_bits, rest, &[rest.len()]);
    let mut cuts = cuts(rest);
    // A patch has no more fragments.
    cuts.drain(..cuts.len().saturating_sub(255));
    assert_eq!(receive(bits, how & 1, entry_bits, rest, &cuts), all, "cut at {cuts:?}");
    messages(rest);
    let other = shape / (MAX_BITS + 1) % (MAX_BITS + 1);
    if let (_, Some(table)) = &all {
        pack(table, rest, other);
    }
    if how & 0x80 != 0 {
        pack(&large(17 + shape % 3, rest), rest, other);
    }
    // A deflater is some 300 kB to clear, which takes longer than all the rest.
    send(bits, entry_bits, how & 0x78 == 0x78, rest);
}

type Outcome = (Option<QrpError>, Option<QueryRouteTable>);

/// A patch in fragments, and the same once more.
fn receive(bits: u8, compressor: u8, entry_bits: u8, data: &[u8], cuts: &[usize]) -> Outcome {
    let mut receiver = QrpReceiver::new(MAX_BITS);
    let reset = Qrp::Reset { slots: 1 << bits, infinity: 7, rest: &[] };
    assert_eq!(receiver.receive(&reset), Ok(QrpProgress::Reset));
    let whole = (usize::from(entry_bits) << bits).div_ceil(8);
    let count = u8::try_from(cuts.len()).expect("at most 255");
    let mut error = None;
    let cost = peak(|| {
        let mut start = 0;
        for (number, end) in (1..=count).zip(cuts) {
            let data = &data[start..*end];
            start = *end;
            let patch = QrpPatch { number, count, compressor, entry_bits, data };
            match receiver.receive(&Qrp::Patch(patch)) {
                Ok(progress) => assert_eq!(progress == QrpProgress::Patched, number == count),
                Err(why) => {
                    error = Some(why);
                    break;
                }
            }
        }
    });
    assert!(cost <= whole + 16_384, "{cost} bytes for {whole}");
    let table = receiver.table().cloned();
    assert_eq!(table.as_ref().map(QueryRouteTable::bits), Some(bits));
    (error, table)
}

fn messages(mut rest: &[u8]) {
    let mut receiver = QrpReceiver::new(MAX_BITS);
    // A servent keeps tables packed while nothing comes.
    let mut resumed = receiver.clone();
    while let [length, after @ ..] = rest {
        let (payload, next) = after.split_at(after.len().min(usize::from(*length)));
        rest = next;
        let Ok(qrp) = Qrp::decode(payload) else { continue };
        let mut again = Vec::new();
        qrp.encode(&mut again);
        assert_eq!(again, payload);
        let before = receiver.table().cloned();
        let progress = receiver.receive(&qrp);
        if progress.is_err() {
            assert_eq!(receiver.table(), before.as_ref());
        }
        assert_eq!(resumed.receive(&qrp), progress);
        if let (true, Some(table)) = (resumed.is_idle(), resumed.table()) {
            resumed = QrpReceiver::resume(PackedTable::of(table).unpack(), MAX_BITS);
        }
        assert_eq!(resumed.table(), receiver.table());
    }
}

fn send(bits: u8, entry_bits: u8, deflate: bool, text: &[u8]) {
    let mut table = QueryRouteTable::new(bits);
    table.insert_name(text);
    for word in keywords(text) {
        assert!(table.contains(word.to_string().as_bytes()));
    }
    pack(&table, text, bits / 2);
    let how = QrpSending { entry_bits, deflate, fragment: 100 };
    let mut receiver = QrpReceiver::new(MAX_BITS);
    for message in table.messages(None, &how) {
        receiver.receive(&message.borrow()).expect("what was sent");
    }
    assert_eq!(receiver.table(), Some(&table));
    assert!(table.messages(receiver.table(), &how).is_empty());
}

/// A table of so many slots that few that are set are packed as numbers of four bytes.
fn large(bits: u8, data: &[u8]) -> QueryRouteTable {
    let mut table = QueryRouteTable::new(bits);
    for slot in data.as_chunks().0 {
        let [a, b, c] = *slot;
        table.set_slot(u32::from_le_bytes([a, b, c, 0]) % table.slots(), true);
    }
    table
}

/// The same table, packed; and a query, the text up to a NUL and what follows.
fn pack(table: &QueryRouteTable, query: &[u8], other: u8) {
    let packed = PackedTable::of(table);
    assert_eq!(packed.unpack(), *table);
    assert_eq!((packed.bits(), packed.count()), (table.bits(), table.count() as usize));
    assert!(packed.heap_bytes() <= (table.slots() as usize).div_ceil(64) * 8);
    let ask = |slot: u32| assert_eq!(packed.has_slot(slot), table.has_slot(slot), "{slot}");
    let near = |slot: u32| [slot.saturating_sub(1), slot, slot + 1];
    let ends = [0, table.slots() - 1, table.slots(), u32::MAX];
    ends.into_iter().chain(table.set_slots().flat_map(near)).for_each(ask);
    let (mut merged, mut expected) = (QueryRouteTable::new(other), QueryRouteTable::new(other));
    packed.merge_into(&mut merged);
    expected.merge(table);
    assert_eq!(merged, expected);
    let end = query.iter().position(|byte| *byte == 0).unwrap_or(query.len());
    let (text, extension) = query.split_at(end);
    let Ok(query) = Query::new(QueryFlags::default(), text) else { return };
    let query = query.with_extension(extension.get(1..).unwrap_or_default());
    let routed = RoutedQuery::of(&query);
    assert_eq!(packed.may_answer(&routed), table.may_answer(&query));
    assert_eq!(table.may_answer_routed(&routed), table.may_answer(&query));
}
