//! Query routing: a sequence of messages, whatever they are, leaves a table of the size that was
//! agreed on; how a patch is cut into fragments changes nothing; a table is sent and received again.

use gnutella_wire::{
    Qrp, QrpError, QrpPatch, QrpProgress, QrpReceiver, QrpSending, QueryRouteTable, keywords,
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
    while let [length, after @ ..] = rest {
        let (payload, next) = after.split_at(after.len().min(usize::from(*length)));
        rest = next;
        let Ok(qrp) = Qrp::decode(payload) else { continue };
        let mut again = Vec::new();
        qrp.encode(&mut again);
        assert_eq!(again, payload);
        let before = receiver.table().cloned();
        if receiver.receive(&qrp).is_err() {
            assert_eq!(receiver.table(), before.as_ref());
        }
    }
}

fn send(bits: u8, entry_bits: u8, deflate: bool, text: &[u8]) {
    let mut table = QueryRouteTable::new(bits);
    table.insert_name(text);
    for word in keywords(text) {
        assert!(table.contains(word.to_string().as_bytes()));
    }
    let how = QrpSending { entry_bits, deflate, fragment: 100 };
    let mut receiver = QrpReceiver::new(MAX_BITS);
    for message in table.messages(None, &how) {
        receiver.receive(&message.borrow()).expect("what was sent");
    }
    assert_eq!(receiver.table(), Some(&table));
    assert!(table.messages(receiver.table(), &how).is_empty());
}
